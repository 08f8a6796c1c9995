//! What was given up, set aside because a person has seen it and nothing more is to be done.
//!
//! It is dead all the same, is kept as long as it would have been, and can be owed again; only the list of what somebody has to
//! decide about leaves it out.

use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::read::{LISTED, OutboxReader, OutboxRow, listed};
use super::{Outbox, OutboxError};

/// What became of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dismissal {
    /// It is set aside, by this wish or by an earlier one, whose name stands.
    Done(Box<OutboxRow>),
    /// There is no such delivery.
    Unknown,
    /// It is not dead, but this.
    NotDead(String),
}

impl Outbox {
    /// Sets a dead delivery aside, durably. The first who did is on record.
    ///
    /// # Errors
    /// SQLite's; then nothing is changed.
    pub fn dismiss(&mut self, id: u64, by: &str, note: &str, now: Timestamp) -> Result<Dismissal, OutboxError> {
        let id = id as i64;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let tx = self.connection.transaction()?;
        tx.prepare_cached(
            "UPDATE delivery SET dismissed_at = ?2, dismissed_by = ?3, dismissed_note = ?4
             WHERE id = ?1 AND state = 'dead' AND dismissed_at IS NULL",
        )?
        .execute(params![id, now.0, by, note])?;
        let row = tx
            .prepare_cached(&format!("SELECT {LISTED} FROM delivery WHERE id = ?1"))?
            .query_row([id], listed)
            .optional()?;
        tx.commit()?;
        Ok(match row {
            None => Dismissal::Unknown,
            Some(row) if row.outcome != "dead" => Dismissal::NotDead(row.outcome),
            Some(row) => Dismissal::Done(Box::new(row)),
        })
    }
}

impl OutboxReader {
    /// How many dead deliveries a person has still to decide about: neither set aside nor owed again.
    ///
    /// # Errors
    /// SQLite's.
    pub fn dead_letters(&self) -> Result<u64, OutboxError> {
        let count = "SELECT count(*) FROM delivery WHERE state = 'dead' AND dismissed_at IS NULL";
        Ok(self.connection.prepare_cached(count)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }
}
