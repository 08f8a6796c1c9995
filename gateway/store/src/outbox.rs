//! What still has to be told, to whom, and what became of what was told: SQLite, one file.
//!
//! Place in the data path: behind the facts log, in front of the drivers that deliver. [`Outbox::follow`] turns facts into
//! rows, [`Outbox::claim`] hands out what is due, [`Outbox::record`] takes what came of it.
//!
//! Invariants: the cursor over the facts log is written in one transaction with the rows it stands for, so every fact is
//! enqueued exactly once. Of one episode only the earliest unsettled version (the `head`) can be claimed by a receiver;
//! the file's own indexes refuse a second head. A row that is claimed is in flight in this process only: a process that
//! dies leaves it pending, and the next one sends it again under the same message id.
//!
//! Together: see `claim`. Versions of one group go in one message; each of them is delivered by it.
//!
//! In place of others: see `substitute`.
//!
//! Response plans: see `plan`. Told after all: see `replay`.
//!
//! Begun anew: see `past`. What became of deliveries is in the facts, so nothing on record is told again.
//!
//! Withheld: see `hold`. What is held is not owed and not handed out until [`Outbox::lift`] or a fact makes it so.
//!
//! Durability: outcomes are synced before they are reported. Enqueuing is not synced by itself, because it can be
//! repeated: after a power loss rows are missing together with the cursor, and the facts log gives them again.
//!
//! Limits: one writer. A receiver has at most [`PENDING_MAX`] rows pending or held; beyond it versions supersede each other as in
//! [`Mode::Latest`](maibo_core::notify::Mode), and a version that supersedes nothing is listed as dead. Settled rows are
//! kept [`SETTLED_KEPT`] and at most [`SETTLED_MAX`] of them; a read returns at most [`PAGE_MAX`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use maibo_core::fact::Delivery;
use maibo_core::id::{EpisodeId, Version};
use maibo_core::notify::PlanSet;
use maibo_core::reading::Text;
use maibo_core::time::{Millis, Timestamp};
use rusqlite::{Connection, OpenFlags, Row, params};

mod attempt;
mod claim;
mod dismiss;
mod enqueue;
mod hold;
mod ladder;
mod letter;
mod maintenance;
mod overdue;
mod past;
mod plan;
mod read;
mod replay;
mod room;
mod runs;
mod schema;
mod substitute;
mod tidy;
mod timeline;
mod together;

pub use attempt::{Due, Ended, Ending, Parcel, Stamp};
pub use claim::Places;
pub use dismiss::Dismissal;
pub use overdue::Overdue;
pub use past::Past;
pub use plan::Covering;
pub use read::{Dismissed, OutboxFilter, OutboxReader, OutboxRow, Owing, Waiting, owing};
pub use replay::Replay;
pub use runs::{RunEvent, RunEventKind, RunFilter, RunRow, TaskRow};

/// The format of the file that this binary writes, and the latest it reads.
pub const FORMAT: i64 = schema::VERSION;
/// Rows pending or held for one receiver.
pub const PENDING_MAX: usize = 100_000;
/// How long a settled row is kept.
pub const SETTLED_KEPT: Millis = Millis::from_secs(30 * 86_400);
/// Settled rows kept.
pub const SETTLED_MAX: usize = 100_000;
/// Statements that are kept prepared: more than one fact needs. Sixteen, the default, are not enough for the follower.
const STATEMENTS: usize = 64;
/// Memory for pages of the file, in KiB. With SQLite's two MB a long queue is read from the file again for each of its rows.
const CACHE_KB: i64 = 16 * 1_024;
/// Pages of 4 KiB written ahead before they are put where they belong.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Most rows of one read.
pub const PAGE_MAX: usize = 1_000;

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// SQLite failed.
    #[error("use the outbox")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by a newer Maibo.
    #[error("the outbox has format {found}; this binary knows up to {known}")]
    Newer {
        /// What the file says.
        found: i64,
        /// What this binary knows.
        known: i64,
    },
    /// Facts were left out: the next one wanted is `wanted`.
    #[error("fact {found} was given where {wanted} is next")]
    Skipped {
        /// The next index wanted.
        wanted: u64,
        /// The index given.
        found: u64,
    },
    /// A row does not hold what it should.
    #[error("the outbox holds a damaged row: delivery {id}")]
    Damaged {
        /// Which.
        id: i64,
    },
}

impl OutboxError {
    /// Whether the file is no use any more and has to be put aside: no database, or a damaged one.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. }) || matches!(self, Self::Sqlite(error) if crate::damage::is_damaged(error))
    }
}

/// The one writer.
pub struct Outbox {
    connection: Connection,
    next: u64,
    /// The last one given, see [`Stamp::slot`].
    slot: i64,
    /// Claimed and not yet recorded, by this process.
    in_flight: BTreeSet<i64>,
    /// No more rows than this are pending or held for a receiver; not there where nobody has counted yet.
    waiting: BTreeMap<String, usize>,
    /// When each receiver was last told of red alone, within a minute. Forgotten at the end of the process.
    alone: BTreeMap<String, VecDeque<Timestamp>>,
    /// What is known of facts that were followed by another file.
    past: Option<Past>,
    /// The response plans in force.
    plans: Arc<PlanSet>,
    /// Their version by the facts up to the cursor.
    plans_version: Option<Version>,
    /// [`PENDING_MAX`], smaller in tests.
    pending_max: usize,
}

impl Outbox {
    /// Opens or creates the file. `facts` is the next index of the facts log: a new outbox begins there, because what was
    /// decided before is history that nobody waits for; so does one that is ahead of the log, which belongs to another.
    ///
    /// # Errors
    /// Where SQLite fails, or the file is of a newer format.
    pub fn open(path: &Path, facts: u64) -> Result<Self, OutboxError> {
        Self::begin(path, facts, None)
    }

    /// [`Self::open`]; where it begins anew, with these response plans in force.
    ///
    /// # Errors
    /// As there.
    pub fn begin(path: &Path, facts: u64, begun: Option<Version>) -> Result<Self, OutboxError> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        schema::migrate(&mut connection)?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (kept, slot, plans): (Option<i64>, i64, Option<String>) =
            connection.query_row("SELECT next, slot, plans FROM cursor", [], row)?;
        let (next, plans) = match kept {
            Some(next) if next as u64 <= facts => (next as u64, plans),
            _ => {
                let plans = begun.map(|version| version.to_string());
                connection.execute("UPDATE cursor SET next = ?1, plans = ?2", params![facts as i64, plans])?;
                (facts, plans)
            }
        };
        let (in_flight, waiting, alone) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self {
            connection,
            next,
            slot,
            in_flight,
            waiting,
            alone,
            past: None,
            plans: Arc::default(),
            plans_version: plans.as_deref().and_then(Version::parse),
            pending_max: PENDING_MAX,
        })
    }

    /// The index of the next fact wanted.
    pub fn cursor(&self) -> u64 {
        self.next
    }

    #[cfg(test)]
    fn set_pending_max(&mut self, max: usize) {
        self.pending_max = max;
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OutboxError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The columns of [`delivery`].
const SETTLED_COLUMNS: &str = "id, receiver, episode, version, state, attempts, last_error";

/// Reads a settled row as what is put on record about it.
fn delivery(row: &Row<'_>) -> Result<Delivery, OutboxError> {
    let id: i64 = row.get(0)?;
    let (receiver, episode, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(4)?);
    let error: Option<String> = row.get(6)?;
    Ok(Delivery {
        receiver: Text::from(receiver.as_str()),
        episode: EpisodeId::parse(&episode).ok_or(OutboxError::Damaged { id })?,
        version: row.get(3)?,
        outcome: Text::from(state.as_str()),
        attempts: row.get(5)?,
        error: error.map(|e| Text::from(e.as_str())),
    })
}

#[cfg(test)]
mod tests;
