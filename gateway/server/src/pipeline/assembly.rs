//! Puts the pipeline together from what was opened and recovered. Nothing runs yet: the application gives each part a
//! thread, a simulation turns them one at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use maibo_core::id::PartitionId;
use maibo_core::time::Timestamp;
use maibo_store::facts::FactsLog;
use maibo_store::log::Log;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::decider::Decider;
use super::ears::Ears;
use super::feed::Feed;
use super::recovery::Recovered;
use super::sequencer::{Scarcity, Sequencer};
use super::shards::Shards;
use super::{COMMITTED, Deadlines, Observer, Pause, Unrecorded, Work};
use crate::clock::EngineClock;
use crate::ingest::ClockMode;
use crate::telemetry::Metrics;
use crate::versions::VersionStore;

/// What a pipeline is made of.
pub struct Parts {
    /// The inputs log.
    pub inputs: Box<dyn Log>,
    /// The facts log.
    pub facts: FactsLog,
    /// The machines, as of both logs.
    pub recovered: Recovered,
    /// Work from sources and operators.
    pub work: flume::Receiver<Work>,
    /// What goes before messages: see [`super::URGENT`].
    pub urgent: flume::Receiver<Work>,
    /// Since when the disk has no room for messages.
    pub scarce: watch::Sender<Option<Timestamp>>,
    /// Housekeeping, both ends.
    pub care: (flume::Sender<Work>, flume::Receiver<Work>),
    /// Engine time.
    pub clock: Arc<EngineClock>,
    /// Where `now` comes from.
    pub mode: ClockMode,
    /// Drawn at start.
    pub boot: u64,
    /// Rule sets and catalogues by version.
    pub versions: Arc<VersionStore>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Threads of the decider.
    pub shards: usize,
    /// Told of every step.
    pub observers: Vec<Box<dyn Observer>>,
    /// Told when the facts log cannot be written any more.
    pub unrecorded: Option<Box<dyn Unrecorded>>,
    /// For followers of the facts log.
    pub facts_wake: watch::Sender<u64>,
    /// For followers of the inputs log.
    pub inputs_wake: watch::Sender<u64>,
    /// Bytes of the inputs log, for status.
    pub bytes: Arc<AtomicU64>,
    /// How it waits for room on a full disk.
    pub pause: Pause,
}

/// Its parts, not running.
pub struct Pipeline {
    /// From work to the inputs log.
    pub sequencer: Sequencer,
    /// From the inputs log to facts.
    pub decider: Decider,
    /// From facts to the city. In replay the sequencer has it.
    pub feed: Option<Feed>,
    /// Gives up what waits for room on a full disk.
    pub abort: CancellationToken,
}

impl Pipeline {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Where the system gives no thread to a shard.
    pub fn assemble(parts: Parts) -> std::io::Result<Self> {
        let Parts { mut inputs, facts, recovered, clock, mode, metrics, .. } = parts;
        for (partition, saved) in PartitionId::all().zip(&recovered.saved) {
            if let Some(position) = saved {
                inputs.keep_from("engine", partition, *position);
            }
        }
        let (committed_tx, committed) = flume::bounded(COMMITTED);
        let (done_tx, done) = flume::bounded(1);
        let deadlines = Deadlines::default();
        let abort = CancellationToken::new();
        let last_now = recovered.last_now.unwrap_or(match mode {
            ClockMode::Wall => clock.now(),
            ClockMode::Replay => Timestamp(0),
        });
        let wanted = recovered.facts_wanted();
        let feed = Feed::new(facts.reader(wanted), wanted);
        let (feed, feed_in_replay) = match mode {
            ClockMode::Wall => (Some(feed), None),
            ClockMode::Replay => (None, Some(feed)),
        };
        let sequencer = Sequencer {
            log: inputs,
            work: parts.work,
            urgent: parts.urgent,
            scarce: Scarcity::new(parts.scarce),
            care: parts.care.1,
            committed: committed_tx,
            done,
            deadlines: deadlines.clone(),
            last_look: clock.now(),
            clock,
            mode,
            metrics: Arc::clone(&metrics),
            boot: parts.boot,
            last_now,
            abort: abort.clone(),
            bytes: parts.bytes,
            wake: parts.inputs_wake,
            ears: Ears::default(),
            feed: feed_in_replay,
            pause: Arc::clone(&parts.pause),
            gaps: Vec::new(),
        };
        let decider = Decider {
            shards: Shards::start(recovered.machines, parts.shards, deadlines)?,
            saved: recovered.saved,
            facts,
            committed,
            done: done_tx,
            care: parts.care.0.downgrade(),
            versions: parts.versions,
            observers: parts.observers,
            unrecorded: parts.unrecorded,
            abort: abort.clone(),
            metrics,
            wake: parts.facts_wake,
            pause: parts.pause,
        };
        Ok(Self { sequencer, decider, feed, abort })
    }
}
