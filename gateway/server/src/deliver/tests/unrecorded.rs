//! P4's single exception, on the real decider: the facts log fails, the bureau hears it once, nobody else is told.

use std::sync::{Arc, Mutex};

use maibo_core::engine::Machine;
use maibo_core::id::{DeviceId, PartitionId, Position, Quantity};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};
use tokio_util::sync::CancellationToken;

use super::support::{Ear, Reply, SECRET, entry, told};
use crate::clock::{Clock, SystemClock};
use crate::deliver::{LastWord, Limits};
use crate::pipeline::decider::Decider;
use crate::pipeline::shards::Shards;
use crate::pipeline::{Committed, Deadlines, Observer, PipelineError, Step, full_pause};
use crate::telemetry::Metrics;
use crate::versions::{VersionStore, compile_rules};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const RULES: &str = "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
                     advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\n\
                     levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nfor = \"0s\"\n";

/// Counts the facts that the picture was told.
struct Told(Arc<Mutex<usize>>);

impl Observer for Told {
    fn observe(&mut self, step: &Step<'_>) {
        *self.0.lock().unwrap() += step.facts.len();
    }
}

fn reading(value: f64) -> Input {
    Input::Reading(Reading {
        device: DeviceId::new("d").unwrap(),
        quantity: Quantity::new("water_depth").unwrap(),
        at: NOW,
        received: NOW,
        value,
        quality: Quality::Good,
        timed: true,
    })
}

/// Runs the decider on one reading over a facts log whose disk no longer syncs.
async fn judged(value: f64, last_word: LastWord, dir: &std::path::Path) -> (PipelineError, usize) {
    let packs = vec![("test.toml".to_owned(), RULES.to_owned())];
    let text = "id,kind,place,domain,interval\nd,k,110105001,traffic,10s\n";
    let store = VersionStore::open(&dir.join("versions")).unwrap();
    let rules = store.keep_rules(&packs, &Arc::new(compile_rules(&packs).unwrap())).unwrap();
    let catalogue = store.keep_catalogue(text, &Arc::new(Catalogue::parse(text).unwrap())).unwrap();
    let disk = MemDisk::new();
    let facts =
        FactsLog::open(Box::new(FileLog::open(Arc::new(disk.clone()), FileLogOptions::facts()).unwrap().0)).unwrap();
    disk.fail_syncs(u32::MAX);
    let partition = PartitionId::of(&DeviceId::new("d").unwrap());
    let inputs =
        vec![Input::Catalogue { version: catalogue }, Input::Rules { version: rules, by: None }, reading(value)];
    let (committed_tx, committed) = flume::bounded(1);
    let batches = vec![(partition, Position(1), Batch { now: NOW, inputs })];
    committed_tx.send(Committed { now: NOW, batches, replies: Vec::new() }).unwrap();
    let (done, _done_rx) = flume::bounded(1);
    let (care, _care_rx) = flume::bounded(1);
    let told = Arc::new(Mutex::new(0));
    let decider = Decider {
        shards: Shards::start(PartitionId::all().map(Machine::new).collect(), 1, Deadlines::default()).unwrap(),
        saved: PartitionId::all().map(|_| None).collect(),
        facts,
        committed,
        done,
        care: care.downgrade(),
        versions: Arc::new(store),
        observers: vec![Box::new(Told(Arc::clone(&told)))],
        unrecorded: Some(Box::new(last_word)),
        abort: CancellationToken::new(),
        metrics: Arc::new(Metrics::new().unwrap()),
        wake: tokio::sync::watch::channel(0).0,
        pause: full_pause(),
    };
    let error = tokio::task::spawn_blocking(move || decider.run().err()).await.unwrap().expect("the log has failed");
    let told = *told.lock().unwrap();
    (error, told)
}

// P4: with a broken facts log a red alert reaches the receiver once, marked as not recorded, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_red_alert_is_told_without_a_record() {
    let ear = Ear::new(|_, _| Reply::Status(200)).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let targets = crate::deliver::validate(&[entry("bureau", &ear)], &Arc::default(), dir.path()).unwrap();
    let wall: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let word = || LastWord::new(&targets, Arc::new(|t, _| told(t)), &wall, Limits::default()).unwrap();
    let (error, told) = judged(30.0, word(), dir.path()).await;
    assert!(matches!(error, PipelineError::FactsClosed(_)), "{error}");
    assert!(ear.so_far().is_empty(), "a yellow alert can wait for the record");
    assert_eq!(told, 0);
    let (_, told) = judged(60.0, word(), dir.path()).await;
    assert_eq!(told, 0, "the picture shows nothing that is not durable");
    let heard = ear.so_far();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].json()["data"]["recorded"], false);
    assert_eq!(heard[0].json()["data"]["version"], 1);
}
