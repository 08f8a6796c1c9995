//! From inputs to facts: two threads, two logs, nothing told that is not durable.
//!
//! ```text
//! sources ─Work─▶ sequencer ── inputs log, fsync ──▶ receipts settled (PUBACK)
//!                     │ Committed (bounded)
//!                     ▼
//!                  decider ── machines ── facts log, fsync ──▶ live picture, command replies, wake-up of followers
//! ```
//!
//! The sequencer stamps `now`, groups inputs by partition, and commits whatever arrived while the last fsync ran. The
//! decider runs the machines on what is committed, on as many threads as it has [`shards`]; it is the same code on the first day and after a crash. What the
//! partitions decided comes back as the city machine's input, through the [`feed`]. Everything slower (SQLite, history, delivery) follows the logs with a cursor of its own and cannot hold anybody up here.
//!
//! Limits: the edge between the two threads holds [`COMMITTED`] commits; a full edge makes the sequencer wait, which
//! fills the queue in front of it, which makes QoS 1 sources wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use maibo_core::engine::CommandOutcome;
use maibo_core::fact::Fact;
use maibo_core::id::{PartitionId, Position, SourceId};
use maibo_core::input::{Batch, Command, Input};
use maibo_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::ingest::Receipt;

mod assembly;
pub mod decider;
pub mod ears;
pub mod failpoint;
pub mod feed;
pub mod recovery;
pub mod sequencer;
pub mod shards;
mod tickets;

pub use assembly::{Parts, Pipeline};

/// Commits on their way from the sequencer to the decider.
pub const COMMITTED: usize = 64;
/// Housekeeping ([`Work::Snapshot`], [`Work::KeepFrom`]) on its way to the sequencer. A queue of its own: a log without
/// room needs it to go on.
pub const CARE: usize = 1_024;
/// What is urgent on its way to the sequencer: commands, what the city is told, what Maibo found out about itself. It goes
/// before messages, and still goes when the disk has no room for them.
pub const URGENT: usize = 1_024;

/// Something for the sequencer.
pub enum Work {
    /// A decoded message.
    Message {
        /// Through which source it came.
        source: SourceId,
        /// What it says, by partition. May be empty (a rejected message keeps its place in the order).
        inputs: Vec<(PartitionId, Input)>,
        /// To settle after the commit.
        receipt: Receipt,
    },
    /// A source fell silent.
    Deaf {
        /// Which.
        source: SourceId,
        /// Since when.
        from: Timestamp,
    },
    /// A source delivers.
    Listening {
        /// Which.
        source: SourceId,
    },
    /// An input for every partition (activations).
    Everywhere(Input),
    /// An operator's command.
    Command {
        /// Where its episode lives.
        partition: PartitionId,
        /// What is asked.
        command: Command,
        /// Answered after the facts are durable.
        reply: oneshot::Sender<CommandOutcome>,
    },
    /// Somebody opens a drill.
    Drill {
        /// What is asked.
        asked: Box<maibo_core::input::Drill>,
        /// Answered after the facts are durable.
        reply: oneshot::Sender<CommandOutcome>,
    },
    /// A delivery was settled, to be put on record.
    Delivered(Box<maibo_core::fact::Delivery>),
    /// What the partitions decided, for the city machine.
    Told(Input),
    /// What people ask of the city machine.
    City(Input),
    /// A partition's state to keep, as of a position whose facts are durable.
    Snapshot {
        /// Whose.
        partition: PartitionId,
        /// The snapshot it replaces.
        expected: Option<Position>,
        /// As of which input.
        position: Position,
        /// The bytes.
        state: Vec<u8>,
    },
    /// How far a follower of the inputs log has come.
    KeepFrom {
        /// Its name.
        consumer: &'static str,
        /// Which partition.
        partition: PartitionId,
        /// It needs what lies after this.
        position: Position,
    },
    /// Commit what is there, then end.
    Stop,
}

/// One durable commit of the inputs log.
pub struct Committed {
    /// Engine time of all its batches.
    pub now: Timestamp,
    /// In partition order.
    pub batches: Vec<(PartitionId, Position, Batch)>,
    /// Who waits for the commands among them, in batch order per partition.
    pub replies: Vec<(PartitionId, oneshot::Sender<CommandOutcome>)>,
}

/// What the decider tells after the facts are durable.
pub struct Step<'a> {
    /// Engine time.
    pub now: Timestamp,
    /// What was committed.
    pub batches: &'a [(PartitionId, Position, Batch)],
    /// What was decided, durable.
    pub facts: &'a [Fact],
    /// What changed in the picture without being a fact.
    pub verdicts: &'a [maibo_core::engine::VerdictChange],
}

/// Something that is told of every step, quickly and without I/O.
pub trait Observer: Send {
    /// Takes note of a step.
    fn observe(&mut self, step: &Step<'_>);
}

/// Told of facts that could not be recorded, just before the process ends.
pub trait Unrecorded: Send {
    /// Tells whom it must; returns within seconds.
    fn tell(&mut self, drafts: &[Fact]);
}

/// Lets some time pass before a full disk is tried again: [`full_pause`], or what a simulation makes of it.
pub type Pause = Arc<dyn Fn() + Send + Sync>;

/// Waits a fifth of a second.
pub fn full_pause() -> Pause {
    Arc::new(|| std::thread::sleep(std::time::Duration::from_millis(200)))
}

/// When each partition wants to be called again: written by the decider, read by the sequencer.
#[derive(Clone)]
pub struct Deadlines(Arc<Vec<AtomicI64>>);

impl Default for Deadlines {
    fn default() -> Self {
        Self(Arc::new(PartitionId::all().map(|_| AtomicI64::new(i64::MAX)).collect()))
    }
}

impl Deadlines {
    /// Sets one partition's next deadline (`None`: nothing to wait for).
    pub fn set(&self, partition: PartitionId, at: Option<Timestamp>) {
        if let Some(slot) = self.0.get(usize::from(partition.0)) {
            slot.store(at.map_or(i64::MAX, |t| t.0), Relaxed);
        }
    }

    /// The earliest deadline of all.
    pub fn earliest(&self) -> Timestamp {
        Timestamp(self.0.iter().map(|a| a.load(Relaxed)).min().unwrap_or(i64::MAX))
    }

    /// Partitions with a deadline at or before `now`, ascending.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = PartitionId> {
        PartitionId::all().filter(move |p| self.0.get(usize::from(p.0)).is_some_and(|a| a.load(Relaxed) <= now.0))
    }
}

/// Why a pipeline thread ended.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The inputs log takes nothing more; nothing unacknowledged was confirmed.
    #[error("the inputs log is closed after a failed sync")]
    InputsClosed,
    /// The facts log takes nothing more.
    #[error("the facts log is closed")]
    FactsClosed(#[source] maibo_store::facts::FactsError),
    /// Another process writes the same log.
    #[error("another writer appended to partition {0}")]
    Fenced(u16),
    /// The log could not be read back.
    #[error("read the log back")]
    Read(#[from] maibo_store::log::ReadError),
    /// A partition has no snapshot that can be used, and the inputs it would be rebuilt from are trimmed.
    #[error(
        "partition {0} cannot be rebuilt: its snapshot is missing or cannot be used, and its older inputs are gone; \
         restore the data directory from a backup, or start with an empty one"
    )]
    SnapshotGone(u16),
    /// A machine refused an input that is in the log.
    #[error("partition {partition} cannot take the input at {position}")]
    Engine {
        /// Which machine.
        partition: u16,
        /// Which input.
        position: u64,
        /// Why.
        #[source]
        source: maibo_core::engine::EngineError,
    },
    /// The other thread ended first.
    #[error("the {0} thread has ended")]
    Partner(&'static str),
}
