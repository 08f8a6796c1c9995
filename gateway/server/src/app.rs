//! Build, start, drain: the only place that spawns.
//!
//! Build opens the data directory, recovers the machines and says what it found. Start lets the pipeline run, then the
//! ears. Drain goes the other way round: sources hear "stop" and finish their acknowledgements, the pipeline ends because
//! its input ends, the last snapshots are saved, the page is told goodbye.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use maibo_core::decode::DecodeStage;
use maibo_core::input::Input;
use maibo_core::registry::Catalogue;
use maibo_core::time::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::alarms::chain::Chains;
use crate::clock::{EngineClock, SystemClock};
use crate::config::Settings;
use crate::ingest::{ClockMode, Ingest, Parts, QUEUE, Unregistered};
use crate::pipeline::feed::Feed;
use crate::pipeline::{self, CARE, Observer, Pipeline, URGENT, Unrecorded, Work, full_pause, recovery};
use crate::plan::PlanBook;
use crate::quarantine::Quarantine;
use crate::telemetry::Metrics;
use crate::versions::{Kind, VersionStore};

mod alarm;
mod error;
mod formats;
mod logs;
mod running;

pub use alarm::{Alarm, Round, Watched};
pub use error::StartError;
pub use formats::FormatError;
pub use logs::{DataDir, DataError, Logs, inputs_options};
pub use running::Running;
use running::{Threads, spawn};

/// What the outer parts (HTTP, live, delivery) work with.
pub struct Shared {
    /// The settings it was started with.
    pub settings: Settings,
    /// Engine time.
    pub clock: Arc<EngineClock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Rejections kept.
    pub quarantine: Arc<Quarantine>,
    /// Unknown devices seen.
    pub unregistered: Arc<Unregistered>,
    /// The catalogue in force.
    pub catalogue: Arc<RwLock<Arc<Catalogue>>>,
    /// Rule sets, catalogues and response plans by version.
    pub versions: Arc<VersionStore>,
    /// The response plans in force.
    pub plans: PlanBook,
    /// Into the pipeline.
    pub ingest: Arc<Ingest>,
    /// Engine time at start.
    pub started_at: Timestamp,
    /// Which CAP messages belong together.
    pub chains: Arc<Chains>,
    /// What an acknowledgement survives.
    pub durability: &'static str,
    /// Divergences found at recovery.
    pub divergences: u64,
    /// Bytes of the inputs log.
    pub inputs_bytes: Arc<std::sync::atomic::AtomicU64>,
    /// Next fact index, for followers of the facts log.
    pub facts_wake: tokio::sync::watch::Receiver<u64>,
    /// Commit count, for followers of the inputs log.
    pub inputs_wake: tokio::sync::watch::Receiver<u64>,
    /// Since when the disk has no room for messages; `None` while it has.
    pub scarce: tokio::sync::watch::Receiver<Option<Timestamp>>,
    /// Where a part that must not end says that it has.
    pub alarm: Alarm,
}

impl Shared {
    /// The catalogue in force now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Built, not running.
pub struct App {
    shared: Arc<Shared>,
    logs: Logs,
    recovered: recovery::Recovered,
    work: (flume::Sender<Work>, flume::Receiver<Work>),
    urgent: (flume::Sender<Work>, flume::Receiver<Work>),
    care: (flume::Sender<Work>, flume::Receiver<Work>),
    scarce: tokio::sync::watch::Sender<Option<Timestamp>>,
    facts_tx: tokio::sync::watch::Sender<u64>,
    inputs_tx: tokio::sync::watch::Sender<u64>,
    ended: tokio::sync::mpsc::Receiver<&'static str>,
}

impl App {
    /// Opens the data directory and recovers.
    ///
    /// # Errors
    /// [`StartError`]; nothing has been written but repairs of a torn tail.
    pub fn build(settings: Settings) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::new().map_err(|_| StartError::Internal("register metrics"))?);
        // First what may be too new for this binary: until then nothing is opened for writing.
        let versions = Arc::new(VersionStore::open(&settings.data.join("versions"))?);
        let mut logs = DataDir::open(&settings.data, settings.inputs_quota, settings.influx.is_some())?;
        let settings = versions.settle(settings)?;
        let recovered = recovery::recover(&*logs.inputs, &mut logs.facts, &versions.current(), &full_pause())?;
        metrics.divergences.inc_by(recovered.divergences);
        let clock = Arc::new(EngineClock::new(Box::<SystemClock>::default(), recovered.last_now));
        let catalogue = Arc::new(RwLock::new(Arc::new(settings.catalogue.clone())));
        let work = flume::bounded(QUEUE);
        let (urgent, care) = (flume::bounded(URGENT), flume::bounded(CARE));
        let (scarce, scarce_seen) = tokio::sync::watch::channel(None);
        let stages = stages(&settings)?;
        let (quarantine, unregistered) = (Arc::<Quarantine>::default(), Arc::<Unregistered>::default());
        let ingest = Arc::new(Ingest::new(Parts {
            stages,
            queue: work.0.clone(),
            urgent: urgent.0.clone(),
            clock: Arc::clone(&clock),
            mode: settings.clock,
            admission: settings.admission,
            allowance: settings.allowance,
            catalogue: Arc::clone(&catalogue),
            unregistered: Arc::clone(&unregistered),
            quarantine: Arc::clone(&quarantine),
            metrics: Arc::clone(&metrics),
        }));
        let (facts_tx, facts_wake) = tokio::sync::watch::channel(logs.facts.next_index());
        let (inputs_tx, inputs_wake) = tokio::sync::watch::channel(0);
        let (alarm, ended) = Alarm::new();
        let chains = Chains::open(&settings.data, &settings.alarms).map(Arc::new)?;
        let durability = logs.inputs.durability().as_str();
        let started_at = clock.now();
        let divergences = recovered.divergences;
        let plans = PlanBook::new(Arc::clone(&versions), Arc::clone(&settings.file_plans));
        let shared = Arc::new(Shared {
            plans,
            settings,
            clock,
            metrics,
            quarantine,
            unregistered,
            catalogue,
            versions,
            ingest,
            started_at,
            chains,
            durability,
            divergences,
            inputs_bytes: Arc::default(),
            facts_wake,
            inputs_wake,
            scarce: scarce_seen,
            alarm,
        });
        // Before anybody can send: nothing may be decided ahead of how long Maibo was deaf.
        for input in activations(&shared, &recovered)? {
            let work = if matches!(input, Input::Plans { .. }) { Work::City(input) } else { Work::Everywhere(input) };
            let queued = urgent.0.try_send(work);
            queued.map_err(|_| StartError::Internal("queue the activations"))?;
        }
        info!(durability, data = %shared.settings.data.display(), "data directory is open");
        Ok(Self { shared, logs, recovered, work, urgent, care, scarce, facts_tx, inputs_tx, ended })
    }

    /// What the outer parts work with.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The machines as recovered, for a first picture.
    pub fn machines(&self) -> &[maibo_core::engine::Machine] {
        &self.recovered.machines
    }

    /// To the sequencer: what followers have read.
    pub fn care(&self) -> &flume::Sender<Work> {
        &self.care.0
    }

    /// Readers of both logs, for followers.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Starts pipeline and ears. Call from within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError::Source`] where a listener cannot be bound.
    pub async fn start(
        self,
        observers: Vec<Box<dyn Observer>>,
        unrecorded: Option<Box<dyn Unrecorded>>,
    ) -> Result<Running, StartError> {
        let Self { shared, logs, recovered, work, urgent, care, scarce, facts_tx, inputs_tx, ended } = self;
        let Pipeline { sequencer, decider, feed, abort } = Pipeline::assemble(pipeline::Parts {
            inputs: logs.inputs,
            facts: logs.facts,
            recovered,
            work: work.1,
            urgent: urgent.1,
            scarce,
            care: (care.0.clone(), care.1),
            clock: Arc::clone(&shared.clock),
            mode: shared.settings.clock,
            boot: shared.clock.boot_id(),
            versions: Arc::clone(&shared.versions),
            metrics: Arc::clone(&shared.metrics),
            shards: shared.settings.shards,
            observers,
            unrecorded,
            facts_wake: facts_tx,
            inputs_wake: inputs_tx,
            bytes: Arc::clone(&shared.inputs_bytes),
            pause: full_pause(),
        })
        .map_err(|_| StartError::Internal("start a thread"))?;
        let threads = Threads {
            sequencer: spawn("sequencer", shared.alarm.watch("sequencer"), move || sequencer.run())?,
            decider: spawn("decider", shared.alarm.watch("decider"), move || decider.run())?,
        };
        let mut running = Running {
            shared,
            brokers: Vec::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            #[cfg(feature = "embedded-broker")]
            embedded: Vec::new(),
            pace: feed.as_ref().map(Feed::pace).unwrap_or_default(),
            over: CancellationToken::new(),
            work: work.0,
            care: care.0,
            abort,
            lock: Some(logs.lock),
            threads: Some(threads),
            ended,
        };
        if let Some(feed) = feed {
            let (queue, wake) = (urgent.0, running.shared.facts_wake.clone());
            running.shared.alarm.spawn(&running.tasks, "feed of the city", feed.run(queue, wake, running.stop.clone()));
        }
        running.start_sources().await?;
        Ok(running)
    }
}

/// One decode stage a source.
fn stages(settings: &Settings) -> Result<BTreeMap<maibo_core::id::SourceId, DecodeStage>, StartError> {
    settings
        .sources
        .iter()
        .map(|source| {
            let stage = DecodeStage::new(settings.routes.clone());
            stage.map(|s| (source.id().clone(), s)).map_err(|_| StartError::Internal("routes were not checked"))
        })
        .collect()
}

/// What every start tells every partition: how long Maibo was deaf, and what is in force if that changed.
fn activations(shared: &Shared, recovered: &recovery::Recovered) -> Result<Vec<Input>, StartError> {
    let settings = &shared.settings;
    let rules = shared.versions.keep_rules(&settings.packs, &Arc::new(settings.rules.clone()))?;
    let catalogue = shared.versions.keep_catalogue(&settings.catalogue_text, &Arc::new(settings.catalogue.clone()))?;
    let begin = match settings.clock {
        ClockMode::Wall => shared.started_at,
        ClockMode::Replay => Timestamp(0),
    };
    // Without plans nothing is said of them, unless there were some.
    let said = !settings.plans.plans.is_empty() || recovered.plans().is_some();
    let plans = said.then(|| shared.versions.keep_plans(&settings.plans)).transpose()?;
    let now = shared.clock.now();
    shared.versions.supersede(Kind::Rules, settings.files, now)?;
    shared.versions.supersede(Kind::Plans, settings.file_plans.version, now)?;
    let plans = plans.map(|version| (version, settings.plans_by.clone()));
    Ok(recovered.opening(begin, catalogue, rules, plans))
}

/// Whether a directory exists and holds a log, for commands that only read.
pub fn has_data(dir: &Path) -> bool {
    dir.join("inputs").is_dir()
}
