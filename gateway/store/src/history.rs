//! Recent history: every accepted reading for some weeks, in SQLite, for charts and exports.
//!
//! Place in the data path: behind the inputs log, on a thread of its own, never in anybody's way. The dashboard's charts
//! and the series interface read from here; nothing is decided from it.
//!
//! ```text
//! inputs log ─▶ apply ─▶ heads in memory ─ checkpoint ─▶ tail   what is new in open buckets, read only at a restart
//!                              │                     └──▶ chunk  closed buckets, one packed row a series
//!                              └─────── queries ◀────────────┘
//! ```
//!
//! A bucket is [`BUCKET_MS`] of event time. While engine time is in it (and [`Options::grace`] longer) its readings are in
//! memory, packed. A checkpoint writes what is new of them as tails; once the bucket is closed it writes all of them as one
//! chunk a series, in the order (bucket, series), and lets go of the tails. A reading that comes for a closed bucket waits in
//! memory for the next checkpoint, which merges it into the chunk.
//!
//! Invariants:
//! - Of the readings of one series and millisecond the first in the log is kept, whatever is in memory or on disk and
//!   wherever a restart falls. An equal one is a duplicate, another one a conflict; both are counted and dropped. So
//!   applying a part of the log again changes nothing, and the cursors need only never be ahead of what is stored.
//! - A checkpoint is several transactions of bounded size; the cursors move in the last one. What an interrupted
//!   checkpoint left behind is met again by the replay and recognised.
//! - `synchronous = NORMAL` does not sync a commit, so the log may be trimmed only up to cursors that [`Checkpoint::safe`]
//!   names: those of a checkpoint after which all of SQLite's WAL was synced into the database.
//! - A row whose checksum is wrong is reported with every answer it is missing from, and never overwritten.
//!
//! Limits, and what happens there: [`Options::series_max`] series (readings of further ones are refused, counted);
//! [`chunk::READINGS_MAX`] readings of one series in one bucket (further ones are refused, counted); readings older than
//! [`Options::retention`] (refused, counted); [`Options::memory_max`] bytes of heads (then a checkpoint is due that writes
//! all of them, open buckets too; nothing is lost); [`POINTS_MAX`] and [`RAW_MAX`] items an answer.

use maibo_core::id::{PartitionId, Position};
use maibo_core::time::{Millis, Timestamp};
use rusqlite::Connection;

mod checkpoint;
pub mod chunk;
mod counts;
mod head;
mod leaves;
mod memory;
mod prune;
mod read;
mod salvage;
mod schema;
mod settle;
mod tail;
mod write;

pub use checkpoint::Checkpoint;
pub use chunk::Sample;
pub use counts::Counts;
pub use memory::kept_under;
pub use read::{Answer, HistoryReader, POINTS_MAX, Point, RAW_MAX};
pub use salvage::{Salvage, salvage};
pub use write::{HistoryWriter, Recovered};

/// The format of the file that this binary writes, and the latest it reads.
pub const FORMAT: i64 = schema::VERSION;
/// Length of a bucket of event time, ms.
pub const BUCKET_MS: i64 = 2 * 60 * 60 * 1_000;

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long readings are kept, by event time and whole buckets. `None` keeps and accepts everything (recorded data
    /// played in their own time).
    pub retention: Option<Millis>,
    /// A bucket is open for this much longer than it lasts.
    pub grace: Millis,
    /// Most series.
    pub series_max: usize,
    /// Most bytes of heads in memory, roughly.
    pub memory_max: usize,
    /// Readings that are in memory only: with so many a checkpoint is due. Bounds what a restart reads again.
    pub unsaved_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention: Some(Millis::from_secs(30 * 86_400)),
            grace: Millis::from_secs(10 * 60),
            series_max: 1_000_000,
            memory_max: 512 << 20,
            unsaved_max: 2_000_000,
        }
    }
}

/// Why history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// SQLite failed.
    #[error("use the history database")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by a newer Maibo.
    #[error("the history database has format {found}; this binary knows up to {known}")]
    Newer {
        /// What the file says.
        found: i64,
        /// What this binary knows.
        known: i64,
    },
    /// A chunk in memory does not unpack: a fault of this program or of the machine.
    #[error("readings in memory are damaged")]
    Memory(#[from] chunk::ChunkError),
    /// The process is ending; there is nobody to answer.
    #[error("history is closed")]
    Closed,
}

impl HistoryError {
    /// Whether the file is no use any more and has to be put aside: no database, or a damaged one.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Sqlite(error) if crate::damage::is_damaged(error))
    }
}

/// The bucket of an event time.
pub(crate) fn bucket_of(t: i64) -> i64 {
    t.div_euclid(BUCKET_MS)
}

/// Start of a bucket, ms; at the ends of the number range the nearest there is.
pub(crate) fn start_of(bucket: i64) -> i64 {
    bucket.saturating_mul(BUCKET_MS)
}

/// The first bucket that is open at `now`.
fn open_from(now: Timestamp, options: &Options) -> i64 {
    bucket_of((now - options.grace).0)
}

/// The first bucket that is kept at `now`.
fn kept_from(now: Timestamp, options: &Options) -> i64 {
    options.retention.map_or(i64::MIN, |retention| bucket_of((now - retention).0))
}

/// Positions by partition.
pub type Cursors = std::collections::BTreeMap<PartitionId, Position>;

fn connect(path: &std::path::Path, flags: rusqlite::OpenFlags) -> Result<Connection, HistoryError> {
    let connection = Connection::open_with_flags(path, flags | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
