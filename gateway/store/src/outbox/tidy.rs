//! Giving up, reporting again, and forgetting.

use maibo_core::fact::Delivery;
use maibo_core::notify::{CLOSED_LONG_AGO, DEAD_AFTER, GROUP_EVERY_MAX};
use maibo_core::time::Timestamp;
use rusqlite::params;

use super::enqueue::{promote, settled};
use super::plan::forget;
use super::{Outbox, OutboxError, PAGE_MAX, SETTLED_COLUMNS, SETTLED_KEPT, SETTLED_MAX, delivery};

impl Outbox {
    /// Gives up what waits although its episode ended long ago, of receivers that are no longer configured too, and
    /// forgets what was settled long ago. Works on at most [`PAGE_MAX`] rows of each kind. Gives what was settled thereby.
    ///
    /// # Errors
    /// SQLite's; then nothing of this call is kept.
    pub fn tidy(&mut self, now: Timestamp) -> Result<Vec<Delivery>, OutboxError> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = self.connection.transaction()?;
        let over: Vec<(i64, String, String)> = transaction
            .prepare_cached(
                "SELECT id, receiver, episode FROM delivery INDEXED BY delivery_closed
                 WHERE state = 'pending' AND closed_at <= ?1 ORDER BY closed_at LIMIT ?2",
            )?
            .query_map([(now - DEAD_AFTER).0, PAGE_MAX as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let mut gone = Vec::new();
        for (id, receiver, episode) in over {
            // What is under way may yet arrive; its own ending decides.
            if self.in_flight.contains(&id) {
                continue;
            }
            transaction
                .prepare_cached(
                    "UPDATE delivery SET state = 'dead', head = 0, settled_at = ?2,
                       last_error = ?3 || ifnull('; last attempt: ' || last_error, '') WHERE id = ?1",
                )?
                .execute(params![id, now.0, CLOSED_LONG_AGO])?;
            promote(&transaction, &receiver, &episode, now)?;
            gone.push(settled(&transaction, id)?);
        }
        transaction
            .prepare_cached(
                "DELETE FROM delivery WHERE id IN
                   (SELECT id FROM delivery WHERE settled_at < ?1 ORDER BY settled_at LIMIT ?2)",
            )?
            .execute([(now - SETTLED_KEPT).0, PAGE_MAX as i64])?;
        transaction
            .prepare_cached(
                "DELETE FROM delivery WHERE id IN
                   (SELECT id FROM delivery WHERE settled_at IS NOT NULL ORDER BY settled_at, id
                    LIMIT min(?2, max(0, (SELECT count(*) FROM delivery WHERE settled_at IS NOT NULL) - ?1)))",
            )?
            .execute([SETTLED_MAX as i64, PAGE_MAX as i64])?;
        transaction.prepare_cached("DELETE FROM grouping WHERE open_at < ?1")?.execute([(now - GROUP_EVERY_MAX).0])?;
        forget(&transaction, now)?;
        transaction.commit()?;
        Ok(gone)
    }

    /// Outcomes settled before `before` that the facts log does not have yet, oldest first, at most `limit`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn unreported(&self, before: Timestamp, limit: usize) -> Result<Vec<Delivery>, OutboxError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {SETTLED_COLUMNS} FROM delivery
             WHERE settled_at IS NOT NULL AND reported = 0 AND settled_at < ?1 ORDER BY settled_at, id LIMIT ?2"
        ))?;
        let mut rows = statement.query([before.0, limit.min(PAGE_MAX) as i64])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(delivery(row)?);
        }
        Ok(found)
    }
}
