//! What of one episode's tellings is not on record yet.

use maibo_core::id::EpisodeId;
use rusqlite::Params;

use super::read::{LISTED, listed};
use super::{OutboxError, OutboxReader, OutboxRow, PAGE_MAX};

impl OutboxReader {
    /// Deliveries of one episode that are owed or withheld, in the order of the facts that they are about, behind
    /// identifier `after`; at most `limit`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn owed_of(&self, episode: EpisodeId, after: u64, limit: usize) -> Result<Vec<OutboxRow>, OutboxError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let values = (episode.to_string(), after, limit.min(PAGE_MAX) as i64);
        self.of_episode("id > ?2 AND settled_at IS NULL ORDER BY id LIMIT ?3", values)
    }

    /// Deliveries of one episode that are settled and were not on record yet when this outbox last looked, in the order
    /// in which they were settled; at most [`PAGE_MAX`].
    ///
    /// # Errors
    /// SQLite's.
    pub fn unreported_of(&self, episode: EpisodeId) -> Result<Vec<OutboxRow>, OutboxError> {
        let values = (episode.to_string(), PAGE_MAX as i64);
        self.of_episode("settled_at IS NOT NULL AND reported = 0 ORDER BY settled_at, id LIMIT ?2", values)
    }

    /// Dead deliveries of one episode that were set aside, in the order of time, behind `after` (time in ms, and identifier); at
    /// most `limit`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn dismissed_of(
        &self,
        episode: EpisodeId,
        after: (i64, u64),
        limit: usize,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        let last = i64::try_from(after.1).unwrap_or(i64::MAX);
        let values = (episode.to_string(), after.0, last, limit.min(PAGE_MAX) as i64);
        self.of_episode("(dismissed_at, id) > (?2, ?3) ORDER BY dismissed_at, id LIMIT ?4", values)
    }

    fn of_episode(&self, condition: &str, values: impl Params) -> Result<Vec<OutboxRow>, OutboxError> {
        // There is no index by episode, but one by receiver and episode: first the receivers there are, one step each.
        let mut statement = self.connection.prepare_cached(&format!(
            "WITH RECURSIVE known (name) AS (
               SELECT min(receiver) FROM delivery
               UNION ALL
               SELECT (SELECT min(receiver) FROM delivery WHERE receiver > name) FROM known WHERE name IS NOT NULL)
             SELECT {LISTED}
             FROM known CROSS JOIN delivery ON receiver = name AND episode = ?1 WHERE {condition}"
        ))?;
        let rows = statement.query_map(values, listed)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
