//! The state database behind a facts log.

use std::time::Duration;

use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::state::AlertFilter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::live::follow::{self, Projection};

const LONG: Duration = Duration::from_secs(20);

fn facts_log() -> FactsLog {
    let (log, _) = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).expect("opens");
    FactsLog::open(Box::new(log)).expect("opens")
}

fn write(log: &mut FactsLog, versions: std::ops::RangeInclusive<u32>) {
    let facts = versions.map(|v| fact(&transition("wl-1", v, Level::Red, State::Firing))).collect();
    log.append(facts).expect("appends");
}

fn version(projection: &Projection) -> Option<u32> {
    let rows = projection.read(|r| r.alerts(&AlertFilter::default(), None, 10)).expect("reads");
    rows.first().map(|row| row.alert.version)
}

// P: the database follows the log from where it stopped, a read can wait for what a command did, and a database of
// another log is built anew.
#[tokio::test]
async fn follows_waits_and_rebuilds() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("state.db");
    let mut log = facts_log();
    write(&mut log, 1..=3);
    let (wake_tx, wake) = watch::channel(log.next_index());
    let stop = CancellationToken::new();
    let (follower, projection) = follow::open(&path, log.next_index()).expect("opens");
    let task = tokio::spawn(follower.run(log.reader(0), wake.clone(), stop.clone()));
    assert!(projection.reached(3, LONG).await);
    assert_eq!(version(&projection), Some(3));
    assert!(!projection.reached(4, Duration::from_millis(10)).await);
    write(&mut log, 4..=4);
    wake_tx.send_replace(log.next_index());
    assert!(projection.reached(4, LONG).await);
    assert_eq!(version(&projection), Some(4));
    stop.cancel();
    task.await.expect("ends");
    drop(projection);

    // Written while nobody followed; the last wake-up is the end of the pipeline.
    write(&mut log, 5..=2_500);
    let (follower, projection) = follow::open(&path, log.next_index()).expect("opens");
    assert_eq!(follower.cursor(), 4);
    drop(wake_tx);
    follower.run(log.reader(4), wake.clone(), CancellationToken::new()).await;
    assert_eq!(version(&projection), Some(2_500));
    drop(projection);

    let (follower, projection) = follow::open(&path, 7).expect("opens");
    assert_eq!(follower.cursor(), 0);
    assert_eq!(version(&projection), None);
}

// P: a damaged database costs a rebuild, not the start.
#[tokio::test]
async fn damaged_database() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("state.db");
    std::fs::write(&path, vec![7; 8_192]).expect("writes");
    let (follower, projection) = follow::open(&path, 0).expect("opens");
    assert_eq!(follower.cursor(), 0);
    assert_eq!(version(&projection), None);
}
