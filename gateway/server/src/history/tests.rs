use std::time::Duration;

use maibo_core::id::{DeviceId, Quantity};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::Timestamp;
use maibo_store::log::{Append, AppendId, Outcome};
use maibo_store::nasty::{Nastiness, NastyLog};
use tokio_util::sync::CancellationToken;

use super::*;

const T0: i64 = 1_760_000_000_000;

fn device(n: usize) -> DeviceId {
    DeviceId::new(&format!("wl-{n}")).expect("device")
}

fn append(log: &mut NastyLog, minute: i64) {
    for n in 0..20 {
        let now = Timestamp(T0 + minute * 60_000);
        let reading = Reading {
            device: device(n),
            quantity: Quantity::new("water_depth").expect("quantity"),
            at: now,
            received: now,
            value: minute as f64,
            quality: Quality::Good,
            timed: true,
        };
        let payload = Batch { now, inputs: vec![Input::Reading(reading)] }.to_bytes();
        let id = AppendId { boot: 1, number: (minute * 20) as u64 + n as u64 + 1 };
        let record = Append { partition: PartitionId::of(&device(n)), id, expected: None, payload: &payload };
        assert!(matches!(log.append(&[record])[..], [Outcome::Ok(_)]));
    }
}

fn log() -> NastyLog {
    NastyLog::new(7, Nastiness { full: 0, unknown: 0, silent: 30 })
}

/// A follower that runs, and what is needed to end it.
struct Running {
    history: History,
    work: flume::Receiver<Work>,
    _work: flume::Sender<Work>,
    wake: watch::Sender<u64>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn start(path: &Path, log: &NastyLog) -> Running {
    let (sender, work) = flume::unbounded();
    let (follower, history) = open(path, options(ClockMode::Wall), log, &sender).expect("opens");
    let (wake, woken) = watch::channel(0);
    let stop = CancellationToken::new();
    let task = tokio::spawn(follower.run(woken, stop.clone()));
    Running { history, work, _work: sender, wake, stop, task }
}

impl Running {
    async fn caught_up(&mut self) {
        let caught_up = self.history.progress.wait_for(|p| p.caught_up);
        tokio::time::timeout(Duration::from_secs(30), caught_up).await.expect("in time").expect("runs");
    }

    async fn count(&self, n: usize) -> usize {
        let found = self.history.read(move |reader| {
            let quantity = Quantity::new("water_depth").expect("quantity");
            reader.raw(&device(n), &quantity, Timestamp(T0), Timestamp(i64::MAX), 1_000)
        });
        found.await.expect("reads").items.len()
    }

    /// What it told the sequencer last, by partition.
    fn advice(&self) -> std::collections::BTreeMap<PartitionId, Position> {
        let told = self.work.drain().filter_map(|work| match work {
            Work::KeepFrom { consumer: CONSUMER, partition, position } => Some((partition, position)),
            _ => None,
        });
        told.collect()
    }

    /// Ends it as a stop of the process does.
    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("ends");
    }
}

// History catches up with the log after a start, goes on with it, and after a restart reads on from where it was.
#[tokio::test]
async fn it_follows_the_log_over_restarts() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("history.db");
    let mut log = log();
    (0..50).for_each(|minute| append(&mut log, minute));
    let mut running = start(&path, &log);
    running.caught_up().await;
    assert_eq!(running.count(3).await, 50);
    append(&mut log, 50);
    running.wake.send_modify(|n| *n += 1);
    while running.count(3).await < 51 {
        tokio::task::yield_now().await;
    }
    let seen = async {
        while running.history.mark().get() < 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("it says how far it is");
    running.end().await;
    append(&mut log, 51);
    let mut running = start(&path, &log);
    running.caught_up().await;
    assert_eq!(running.count(3).await, 52);
    let advice = running.advice();
    assert_eq!(advice.len(), PartitionId::all().count(), "it speaks of every partition at its start");
    assert!(advice[&PartitionId::of(&device(3))] > Position(0), "what the last checkpoint saved may be trimmed");
    assert_eq!(advice[&PartitionId::CITY], Position(0), "of what it never read, everything is needed");
    running.end().await;
}

// What was told to be safe is enough: with everything before it trimmed, a restart still has all readings.
#[tokio::test]
async fn what_is_safe_may_be_trimmed() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("history.db");
    let mut log = log();
    (0..30).for_each(|minute| append(&mut log, minute));
    let mut running = start(&path, &log);
    running.caught_up().await;
    running.end().await;
    let running = start(&path, &log);
    while running.work.len() < PartitionId::all().count() {
        tokio::task::yield_now().await;
    }
    for (partition, position) in running.advice() {
        log.keep_from(CONSUMER, partition, position);
    }
    assert!(log.trim().expect("trims").is_empty(), "nothing needed is lost");
    assert_eq!(log.size(), 0, "and nothing is left");
    running.end().await;
    append(&mut log, 30);
    let mut running = start(&path, &log);
    running.caught_up().await;
    for n in 0..20 {
        assert_eq!(running.count(n).await, 31);
    }
    assert_eq!(running.history.progress().gaps, 0);
    running.end().await;
}

// Records that the quota took before history had them are a gap, counted; history goes on behind it.
#[tokio::test]
async fn a_gap_is_counted_and_passed() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("history.db");
    let mut log = log();
    (0..5).for_each(|minute| append(&mut log, minute));
    let mut running = start(&path, &log);
    running.caught_up().await;
    running.end().await;
    (5..15).for_each(|minute| append(&mut log, minute));
    log.set_quota(Some(1));
    assert!(!log.trim().expect("trims").is_empty());
    let mut running = start(&path, &log);
    running.caught_up().await;
    assert!(running.history.progress().gaps > 0);
    assert!(running.count(3).await >= 5, "what was read stays");
    let last =
        running.history.read(|reader| reader.latest(&device(3), &Quantity::new("water_depth").expect("quantity")));
    assert!(last.await.expect("reads").is_some_and(|s| s.t >= T0 + 4 * 60_000));
    running.end().await;
}

// A log that is trimmed under it again and again: each time it goes on with what is there.
#[tokio::test]
async fn however_often_the_log_is_trimmed() {
    let dir = tempfile::tempdir().expect("directory");
    let mut log = log();
    append(&mut log, 0);
    let mut running = start(&dir.path().join("history.db"), &log);
    running.caught_up().await;
    for round in 1..=12 {
        // It rests when it has everything; mostly, then, it is behind when the log is trimmed.
        tokio::time::sleep(Duration::from_millis(150)).await;
        append(&mut log, 2 * round);
        log.set_quota(Some(1));
        assert!(!log.trim().expect("trims").is_empty());
        log.set_quota(None);
        append(&mut log, 2 * round + 1);
        running.wake.send_modify(|n| *n += 1);
        let whole = async {
            while running.count(3).await <= round as usize {
                assert!(!running.history.progress().failing, "round {round}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), whole).await.expect("what is behind the gap comes");
    }
    assert!(running.history.progress().gaps > 0);
    running.end().await;
}

// A damaged database is put aside, not deleted, and history begins anew from the log.
#[tokio::test]
async fn a_damaged_database_is_put_aside() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("history.db");
    std::fs::write(&path, [7; 8_192]).expect("writes");
    let mut log = log();
    append(&mut log, 0);
    let mut running = start(&path, &log);
    running.caught_up().await;
    assert_eq!(running.count(0).await, 1);
    running.end().await;
    assert_eq!(std::fs::read(dir.path().join("history.db.damaged")).expect("is there"), [7; 8_192]);
}

// When the pipeline has ended, what it committed last is read and saved before the follower ends.
#[tokio::test]
async fn the_end_of_the_pipeline_is_the_end() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("history.db");
    let mut log = log();
    append(&mut log, 0);
    let mut running = start(&path, &log);
    running.caught_up().await;
    append(&mut log, 1);
    drop(running.wake);
    running.task.await.expect("ends");
    let running = start(&path, &log);
    while running.work.len() < PartitionId::all().count() {
        tokio::task::yield_now().await;
    }
    let ends = PartitionId::all().map(|p| (p, log.end(p).unwrap_or_default())).collect();
    assert_eq!(running.advice(), ends, "all of the log is saved");
    running.end().await;
}
