//! What was given up, owed again because a person says so.
//!
//! The order of an episode holds: a version behind which the receiver has been told another, or is about to be, is not told any
//! more. The message has its old key, so that a receiver that did have it knows it again. It goes alone, at once, and its
//! schedule begins anew, also that of the end of an episode. Nobody is told in its place: whoever wished it looks after it. One
//! that was set aside is so no more.

use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::enqueue::promote;
use super::read::{LISTED, OutboxReader, OutboxRow, listed};
use super::{Outbox, OutboxError};

/// What became of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is owed again.
    Owed(Box<OutboxRow>),
    /// There is no such delivery.
    Unknown,
    /// It is not dead, but this.
    NotDead(String),
    /// The receiver knows this later version, or is owed it.
    Overtaken(u32),
    /// What it said is not kept: it was given up before this file was begun.
    Emptied,
    /// Too many wait for the receiver.
    NoRoom,
}

impl Outbox {
    /// Owes a dead delivery again, durably.
    ///
    /// # Errors
    /// SQLite's; then nothing is changed.
    pub fn replay(&mut self, id: u64, now: Timestamp) -> Result<Replay, OutboxError> {
        let id = id as i64;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let tx = self.connection.transaction()?;
        let found: Option<(OutboxRow, bool)> = tx
            .prepare_cached(&format!("SELECT {LISTED}, length(body) = 0 FROM delivery WHERE id = ?1"))?
            .query_row([id], |row| Ok((listed(row)?, row.get(16)?)))
            .optional()?;
        let Some((row, emptied)) = found else { return Ok(Replay::Unknown) };
        if row.outcome != "dead" {
            return Ok(Replay::NotDead(row.outcome));
        }
        let later: Option<u32> = tx
            .prepare_cached(
                "SELECT max(version) FROM delivery WHERE receiver = ?1 AND episode = ?2 AND version > ?3
                   AND state IN ('delivered', 'pending', 'held')",
            )?
            .query_row(params![row.receiver, row.episode, row.version], |row| row.get(0))?;
        if let Some(later) = later {
            return Ok(Replay::Overtaken(later));
        }
        if emptied {
            return Ok(Replay::Emptied);
        }
        let waiting: i64 = tx
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_pending
                   WHERE receiver = ?1 AND state = 'pending' LIMIT ?2)",
            )?
            .query_row(params![row.receiver, self.pending_max as i64], |row| row.get(0))?;
        if waiting >= self.pending_max as i64 {
            return Ok(Replay::NoRoom);
        }
        tx.prepare_cached(
            "UPDATE delivery SET state = 'pending', settled_at = NULL, reported = 0, attempts = 0, next_at = ?2,
               closed_at = iif(closed_at IS NULL, NULL, ?2), grp = NULL, bundle = NULL, passed = 1,
               dismissed_at = NULL, dismissed_by = NULL, dismissed_note = NULL WHERE id = ?1",
        )?
        .execute(params![id, now.0])?;
        promote(&tx, &row.receiver, &row.episode, now)?;
        let owed =
            tx.prepare_cached(&format!("SELECT {LISTED} FROM delivery WHERE id = ?1"))?.query_row([id], listed)?;
        tx.commit()?;
        self.waiting.entry(row.receiver).and_modify(|n| *n += 1);
        Ok(Replay::Owed(Box::new(owed)))
    }
}

impl OutboxReader {
    /// One delivery.
    ///
    /// # Errors
    /// SQLite's.
    pub fn one(&self, id: u64) -> Result<Option<OutboxRow>, OutboxError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT {LISTED} FROM delivery WHERE id = ?1"))?;
        Ok(statement.query_row([id as i64], listed).optional()?)
    }
}
