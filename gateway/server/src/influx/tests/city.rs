//! A small city whose readings stand in a log, and a sink that runs on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::id::{DeviceId, PartitionId, Position, Quantity, Version};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::Timestamp;
use maibo_store::log::{Append, AppendId, Log, Outcome};
use prometheus::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::influx::{InfluxSettings, Limits, Parts, SinkState, SinkStatus, SinkView, Target, open};
use crate::pipeline::Work;
use crate::versions::VersionStore;

/// Engine time of the first record.
pub(super) const T0: i64 = 1_760_000_000_000;

/// A reading of `water_depth` by device `d{n}`, at `T0 + at` ms, with this value.
pub(super) fn reading(n: usize, at: i64, value: f64) -> Reading {
    let now = Timestamp(T0 + at);
    Reading {
        device: DeviceId::new(&format!("d{n}")).expect("device"),
        quantity: Quantity::new("water_depth").expect("quantity"),
        at: now,
        received: now,
        value,
        quality: Quality::Good,
        timed: true,
    }
}

/// Appends one record with these inputs.
pub(super) fn append(log: &mut dyn Log, partition: PartitionId, number: u64, now: i64, inputs: Vec<Input>) {
    let payload = Batch { now: Timestamp(T0 + now), inputs }.to_bytes();
    let record = Append { partition, id: AppendId { boot: 1, number }, expected: None, payload: &payload };
    assert!(matches!(log.append(&[record])[..], [Outcome::Ok(_)]));
}

/// Appends `count` readings, each a record of its own in its device's partition, from number `first` on.
pub(super) fn readings(log: &mut dyn Log, first: usize, count: usize) {
    for n in first..first + count {
        let reading = reading(n, n as i64, n as f64);
        let partition = PartitionId::of(&reading.device);
        append(log, partition, n as u64 + 1, n as i64, vec![Input::Reading(reading)]);
    }
}

/// Waits so short that a test does not wait.
pub(super) fn limits() -> Limits {
    Limits {
        lines: 5_000,
        bytes: 1_000_000,
        wait: Duration::from_millis(20),
        retry: (Duration::from_millis(10), Duration::from_millis(40)),
        refused: Duration::from_millis(40),
        save: Duration::from_millis(20),
    }
}

/// A configuration that writes to this server.
pub(super) fn target(url: &str, dir: &Path, timeout: Duration) -> Target {
    std::fs::write(dir.join("token"), "s3cr3t").expect("writes");
    let settings = InfluxSettings {
        url: url.to_owned(),
        org: "my city".to_owned(),
        bucket: "readings&more".to_owned(),
        token_file: Some("token".to_owned()),
        ..InfluxSettings::default()
    };
    Target { timeout, ..settings.parse(dir).expect("valid") }
}

/// A sink that runs.
pub(super) struct Running {
    pub(super) status: SinkStatus,
    pub(super) registry: Registry,
    pub(super) wake: watch::Sender<u64>,
    work: flume::Receiver<Work>,
    _work: flume::Sender<Work>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// Starts a sink on a log.
pub(super) fn start(log: &dyn Log, dir: &Path, target: &Target, limits: Limits) -> Running {
    let (sender, work) = flume::unbounded();
    let registry = Registry::new();
    let parts = Parts {
        data: dir,
        log,
        work: &sender,
        versions: Arc::new(VersionStore::open(&dir.join("versions")).expect("opens")),
        catalogue: Version(0),
        registry: &registry,
        now: Arc::new(|| Timestamp(T0 + 10_000)),
        seed: 7,
        limits,
    };
    let (follower, status) = open(target, parts).expect("opens");
    let (wake, woken) = watch::channel(0);
    let stop = CancellationToken::new();
    let task = tokio::spawn(follower.run(woken, stop.clone()));
    Running { status, registry, wake, work, _work: sender, stop, task }
}

impl Running {
    /// Waits until the status is so.
    pub(super) async fn until(&self, what: &str, mut wanted: impl FnMut(&SinkView) -> bool) -> SinkView {
        let mut views = self.status.subscribe();
        let waiting = views.wait_for(|view| wanted(view));
        let found = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        found.unwrap_or_else(|_| panic!("{what}: {:?}", self.status.view())).expect("it lives").clone()
    }

    /// Waits until everything that the log has is settled.
    pub(super) async fn settled(&self, records: usize) -> SinkView {
        let last = Timestamp(T0 + records as i64 - 1);
        self.until("everything is settled", |v| v.until == Some(last) && v.waiting.is_none()).await
    }

    /// Waits until each of so many readings was stored or rejected in this life, in whatever order the log gives them.
    pub(super) async fn done(&self, readings: usize) -> SinkView {
        let all = |v: &SinkView| v.written + v.rejected == readings as u64;
        self.until("everything is settled", |v| all(v) && v.waiting.is_none() && v.state == SinkState::Running).await
    }

    /// Stops it; the cursor is saved.
    pub(super) async fn stop(self) -> Vec<(PartitionId, Position)> {
        self.stop.cancel();
        self.task.await.expect("ends");
        self.work
            .drain()
            .filter_map(|work| match work {
                Work::KeepFrom { consumer: "influx", partition, position } => Some((partition, position)),
                _ => None,
            })
            .collect()
    }

    /// Ends it as a crash does: nothing is saved.
    pub(super) async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
