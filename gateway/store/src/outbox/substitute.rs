//! What a receiver has not taken in time is owed to its substitute as well.
//!
//! The receiver goes on being owed it: who was told in its place may not be the one who acts. A substitute that was told of an
//! episode hears the rest of it, like everybody who was told.

use maibo_core::id::EpisodeId;
use maibo_core::notify::{Mode, Receiver, message_id};
use maibo_core::time::Timestamp;
use rusqlite::{Transaction, params};

use super::enqueue::promote;
use super::room::waiting;
use super::{Outbox, OutboxError};

/// Versions that are passed on in one call.
const MOST: usize = 500;

impl Outbox {
    /// Owes to `substitute` what waits for `principal` since before `before`, by the engine time of its decision: of an
    /// episode what is later than anything the substitute is listed with, so that no order is broken. At most 500 versions a
    /// call, and none where too many wait for the substitute already. Gives how many.
    ///
    /// # Errors
    /// SQLite's; then nothing of this call is kept.
    pub fn stand_in(
        &mut self,
        principal: &str,
        substitute: &Receiver,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<usize, OutboxError> {
        // What is lost by a power cut is done again.
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let tx = self.connection.transaction()?;
        let room = self.pending_max.saturating_sub(waiting(&tx, substitute, self.pending_max)?);
        let mut passed = 0;
        for (id, episode, version) in untaken(&tx, principal, before, room.min(MOST))? {
            tx.prepare_cached("UPDATE delivery SET passed = 1 WHERE id = ?1")?.execute([id])?;
            if version <= listed(&tx, substitute, principal, &episode, version)? {
                continue;
            }
            let key = EpisodeId::parse(&episode).ok_or(OutboxError::Damaged { id })?;
            tx.prepare_cached(
                "INSERT INTO delivery (message, receiver, episode, version, latest, urgency, created_at, body, state, next_at,
                   closed_at, slot, grp)
                 SELECT ?2, ?3, episode, version, ?4, urgency, created_at, body, 'pending', ?5, closed_at, slot,
                   iif(?6, grp, NULL)
                 FROM delivery WHERE id = ?1",
            )?
            .execute(params![
                id,
                message_id(&substitute.name, key, version),
                substitute.name,
                substitute.mode == Mode::Latest,
                now.0,
                substitute.group_every.is_some(),
            ])?;
            promote(&tx, &substitute.name, &episode, now)?;
            passed += 1;
        }
        tx.commit()?;
        if let Some(known) = self.waiting.get_mut(&substitute.name) {
            *known += passed;
        }
        Ok(passed)
    }
}

/// What waits for the principal and was not passed on yet, as (id, episode, version), in order.
fn untaken(
    tx: &Transaction<'_>,
    principal: &str,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<(i64, String, u32)>, OutboxError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, episode, version FROM delivery INDEXED BY delivery_untaken
         WHERE receiver = ?1 AND state = 'pending' AND passed = 0 AND created_at < ?2 ORDER BY version, id LIMIT ?3",
    )?;
    let rows = statement
        .query_map(params![principal, before.0, limit as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The version up to which the substitute needs nothing of the episode: the last one it is listed with; where only the latest
/// is wanted also the one before the last that waits.
fn listed(
    tx: &Transaction<'_>,
    substitute: &Receiver,
    principal: &str,
    episode: &str,
    version: u32,
) -> Result<u32, OutboxError> {
    let highest = |receiver: &str, pending: bool| -> Result<u32, OutboxError> {
        let mut statement = tx.prepare_cached(
            "SELECT ifnull(max(version), 0) FROM delivery
             WHERE receiver = ?1 AND episode = ?2 AND (NOT ?3 OR state = 'pending')",
        )?;
        Ok(statement.query_row(params![receiver, episode, pending], |row| row.get(0))?)
    };
    let known = highest(&substitute.name, false)?;
    let later = substitute.mode == Mode::Latest && highest(principal, true)? > version;
    Ok(if later { known.max(version) } else { known })
}
