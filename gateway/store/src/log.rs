//! The log's interface: what the pipeline may rely on, whatever keeps the bytes.
//!
//! The file log of this crate is one implementation, the nasty in-memory log of the tests another, a cluster log can be
//! a third. One contract test ([`crate::contract`]) runs on all of them. What the interface promises:
//!
//! - Appends go to a partition. One call is one point of durability for all its records (group commit), but it is *not*
//!   atomic across them: each record has its own [`Outcome`].
//! - A position is opaque, grows within its partition, and may have gaps.
//! - A reader that returns nothing has not reached the end; only [`Log::end`] says where the end is.
//! - A record is self-contained: its bytes mean the same without any other record.
//! - Of the records that one call appends to one partition, those kept are the first ones: after the first that is not
//!   kept, none of that partition is, so trying the rest again keeps their order.

use maibo_core::id::{PartitionId, Position};

/// Longest payload of one record, in bytes.
pub const RECORD_MAX: usize = 256 * 1024;

/// Identity of one append: the writer's boot and a number that grows with every append of that boot.
///
/// A log that cannot say whether an append took place ([`Outcome::Unknown`]) is asked by reading back this id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId {
    /// Drawn once per start of the writer.
    pub boot: u64,
    /// From 1, growing within the boot.
    pub number: u64,
}

/// One record to append.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// Where it goes.
    pub partition: PartitionId,
    /// Identity for deduplication and read-back.
    pub id: AppendId,
    /// The last position the writer knows in this partition, as of before the call; another writer's append in between
    /// fences this one. `None` is not checked.
    pub expected: Option<Position>,
    /// At most [`RECORD_MAX`] bytes; there is never room for a longer one ([`Outcome::Full`]).
    pub payload: &'a [u8],
}

/// What became of one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Durable, as [`Log::durability`] says.
    Ok(Position),
    /// No room; nothing was kept. Try again after trimming or when space returns.
    Full,
    /// Another writer was there first; `last` is the partition's last position now.
    Fenced {
        /// The partition's last position.
        last: Option<Position>,
    },
    /// The log cannot say; read the partition back and look for the append's id.
    Unknown,
    /// The log takes nothing more in this process (a failed fsync after the one retry, or closed by its owner).
    Closed,
}

/// One record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which partition.
    pub partition: PartitionId,
    /// Its position there.
    pub position: Position,
    /// Who appended it.
    pub id: AppendId,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// Why a read could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The wanted records were dropped; the partition now begins at `first`.
    #[error("partition {} is trimmed; it begins at {first:?}", .partition.0)]
    Trimmed {
        /// Which partition.
        partition: PartitionId,
        /// First position still there (`None`: the partition is empty).
        first: Option<Position>,
    },
    /// Stored bytes are damaged with valid records behind them: nothing is skipped silently.
    #[error("damaged at {at}")]
    Damaged {
        /// File and offset, for a person.
        at: String,
    },
    /// The operating system failed.
    #[error("read the log")]
    Io(#[source] std::io::Error),
}

/// What an `Ok` outcome survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: synced to the device.
    PowerSafe,
    /// Death of the process only: in the operating system's cache.
    ProcessSafe,
    /// Nothing: memory, for tests.
    Volatile,
}

impl Durability {
    /// The word in status and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PowerSafe => "power-safe",
            Self::ProcessSafe => "process-safe",
            Self::Volatile => "volatile",
        }
    }
}

/// A snapshot could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Somebody else saved one since; `found` is its position.
    #[error("another snapshot was saved at {found:?}")]
    Conflict {
        /// Position of the snapshot that is there.
        found: Option<Position>,
    },
    /// The operating system failed.
    #[error("save a snapshot")]
    Io(#[source] std::io::Error),
}

/// A span of records dropped at the quota before some consumer had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Which partition.
    pub partition: PartitionId,
    /// First position that is gone.
    pub first: Position,
    /// Last position that is gone.
    pub last: Position,
    /// How many records.
    pub records: u64,
}

/// Reads a set of partitions, each in its own order, from another thread than the writer's.
pub trait LogReader: Send {
    /// The next record of any of the partitions, or `None` when there is none *now* (which is not the end).
    ///
    /// # Errors
    /// [`ReadError`]; after `Trimmed` or `Damaged` the reader stays where it was.
    fn next(&mut self) -> Result<Option<Record>, ReadError>;

    /// Gives up what was dropped of a partition, after [`ReadError::Trimmed`] named it: it goes on with the first record
    /// still there. Records of it that were read already are not read again. Without effect where nothing was dropped.
    fn skip_dropped(&mut self, partition: PartitionId);
}

/// A durable, partitioned, ordered log with one writer.
pub trait Log: Send {
    /// Appends records in order and makes them durable together. One outcome per record, in order.
    fn append(&mut self, records: &[Append<'_>]) -> Vec<Outcome>;

    /// The last position of a partition, durable and readable now.
    fn end(&self, partition: PartitionId) -> Option<Position>;

    /// Reads partitions, each strictly after the given position (`None`: from the first record still there).
    fn reader(&self, from: &[(PartitionId, Option<Position>)]) -> Box<dyn LogReader>;

    /// Advice that `consumer` still needs what lies after `position`. A quota may override it. From its first advice on
    /// a consumer needs everything in the partitions it has not spoken of, so it speaks of all of them at its start.
    fn keep_from(&mut self, consumer: &str, partition: PartitionId, position: Position);

    /// Drops what nobody needs, and at the quota the oldest; answers what was dropped although somebody needed it.
    ///
    /// # Errors
    /// Where the operating system refuses.
    fn trim(&mut self) -> std::io::Result<Vec<Dropped>>;

    /// Gives up space that was set aside for when there is no room; true where there was some, and an append may succeed.
    fn relieve(&mut self) -> bool {
        false
    }

    /// Sets that space aside again; true where all of it is there, or none is wanted.
    fn replenish(&mut self) -> bool {
        true
    }

    /// What an `Ok` outcome survives.
    fn durability(&self) -> Durability;

    /// Bytes in use by records, for quotas and status.
    fn size(&self) -> u64;

    /// Saves the state of a partition as of `position`, if the snapshot there is still the one at `expected`.
    ///
    /// # Errors
    /// [`SnapshotError::Conflict`] where it is not.
    fn snapshot_save(
        &mut self,
        partition: PartitionId,
        expected: Option<Position>,
        position: Position,
        state: &[u8],
    ) -> Result<(), SnapshotError>;

    /// The snapshot of a partition, if there is one that is whole.
    ///
    /// # Errors
    /// Where the operating system fails. A damaged snapshot is no snapshot: it is ignored with a warning.
    fn snapshot_load(&self, partition: PartitionId) -> std::io::Result<Option<(Position, Vec<u8>)>>;
}
