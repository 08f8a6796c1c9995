//! What the facts amount to: alerts with their versions, incidents, and deliveries, in SQLite, for reads.
//!
//! Place in the data path: behind the facts log, on a thread of its own. A projection: it can be deleted at any time and is
//! rebuilt from the facts. Nothing is decided from it.
//!
//! Invariants: facts are applied in the order of their index, each exactly once; the cursor (the next index wanted) is
//! written in the same transaction as what it stands for. `synchronous = NORMAL` is enough because of that: after a power
//! loss a transaction may be missing, together with its cursor, and the facts log, which is never trimmed, gives it again.
//! Applying the same facts in any split gives the same rows.
//!
//! Limits: one writer; a read returns at most [`PAGE_MAX`] rows.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

mod activation;
mod incident;
mod read;
mod schema;
mod shadow;
mod timeline;
mod write;

pub use activation::{Activation, ActivationOf};
pub use incident::{IncidentFilter, IncidentRow};
pub use read::{AlertFilter, AlertRow, DeliveryFilter, DeliveryRow, OpenCount, StateReader, VersionRow};
pub use shadow::{SHADOW_EPISODES, Shadow};
pub use write::StateWriter;

/// The format of the file that this binary writes, and the latest it reads.
pub const FORMAT: i64 = schema::VERSION;
/// Most rows of one read.
pub const PAGE_MAX: usize = 1_000;

/// Why the projection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// SQLite failed.
    #[error("use the state database")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by a newer Maibo.
    #[error("the state database has format {found}; this binary knows up to {known}")]
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
    #[error("the state database holds a damaged row in {table}")]
    Damaged {
        /// Which table.
        table: &'static str,
    },
}

impl StateError {
    /// Whether the file is no use any more and has to be put aside: no database, or a damaged one.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. }) || matches!(self, Self::Sqlite(error) if crate::damage::is_damaged(error))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StateError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
