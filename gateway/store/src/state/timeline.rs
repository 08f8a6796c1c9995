//! One episode in the order of time: its versions, what people said, and what became of tellings.

use maibo_core::id::EpisodeId;
use rusqlite::{Row, params};

use super::read::{DELIVERY_COLUMNS, DeliveryRow, StateReader, VersionRow, delivery_row};
use super::{PAGE_MAX, StateError};

/// The columns of [`version_row`].
const VERSION_COLUMNS: &str = "version, at, state, level, reason, value, actor, body, recorded";

impl StateReader {
    /// The versions of one episode behind version `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn versions_after(&self, episode: EpisodeId, after: u32, limit: usize) -> Result<Vec<VersionRow>, StateError> {
        let mut statement = self.connection().prepare_cached(&format!(
            "SELECT {VERSION_COLUMNS} FROM alert_version
             WHERE episode = ?1 AND version > ?2 ORDER BY version LIMIT ?3"
        ))?;
        let mut rows = statement.query(params![episode.to_string(), after, limit.min(PAGE_MAX) as i64])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(version_row(row)?);
        }
        Ok(found)
    }

    /// The versions of one episode that somebody at a receiver made (`receiver/person`), newest first, at most `limit`.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn answers_of(&self, episode: EpisodeId, receiver: &str, limit: usize) -> Result<Vec<VersionRow>, StateError> {
        // Actors with the receiver's name and a slash in front: `0` is the character after the slash.
        let mut statement = self.connection().prepare_cached(&format!(
            "SELECT {VERSION_COLUMNS} FROM alert_version
             WHERE episode = ?1 AND actor >= ?2 || '/' AND actor < ?2 || '0' ORDER BY version DESC LIMIT ?3"
        ))?;
        let mut rows = statement.query(params![episode.to_string(), receiver, limit.min(PAGE_MAX) as i64])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(version_row(row)?);
        }
        Ok(found)
    }

    /// Whether an episode got worse, or people were reminded of it, behind version `after`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn called_again(&self, episode: EpisodeId, after: u32) -> Result<bool, StateError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM alert_version
               WHERE episode = ?1 AND version > ?2 AND reason IN ('raised', 'unacknowledged'))",
        )?;
        Ok(statement.query_row(params![episode.to_string(), after], |row| row.get(0))?)
    }

    /// What became of tellings of one episode, in the order in which that was put on record, behind `after` (time of
    /// settling in ms, and identifier); at most `limit`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn deliveries_of(
        &self,
        episode: EpisodeId,
        after: (i64, u64),
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        // There is no index by episode, but one by receiver and episode: first the receivers there are, one step each.
        let mut statement = self.connection().prepare_cached(&format!(
            "WITH RECURSIVE known (name) AS (
               SELECT min(receiver) FROM delivery
               UNION ALL
               SELECT (SELECT min(receiver) FROM delivery WHERE receiver > name) FROM known WHERE name IS NOT NULL)
             SELECT {DELIVERY_COLUMNS} FROM known CROSS JOIN delivery ON receiver = name AND episode = ?1
             WHERE (settled, id) > (?2, ?3) ORDER BY settled, id LIMIT ?4"
        ))?;
        let after_id = i64::try_from(after.1).unwrap_or(i64::MAX);
        let values = params![episode.to_string(), after.0, after_id, limit.min(PAGE_MAX) as i64];
        let rows = statement.query_map(values, delivery_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether it is on record what became of one version at one receiver.
    ///
    /// # Errors
    /// SQLite's.
    pub fn is_settled(&self, receiver: &str, episode: EpisodeId, version: u32) -> Result<bool, StateError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM delivery WHERE receiver = ?1 AND episode = ?2 AND version = ?3)",
        )?;
        Ok(statement.query_row(params![receiver, episode.to_string(), version], |row| row.get(0))?)
    }
}

fn version_row(row: &Row<'_>) -> Result<VersionRow, StateError> {
    let body: Option<Vec<u8>> = row.get(7)?;
    let alert = body.map(|b| maibo_core::codec::decode(&b)).transpose();
    Ok(VersionRow {
        version: row.get(0)?,
        at: row.get(1)?,
        state: row.get(2)?,
        level: row.get(3)?,
        reason: row.get(4)?,
        value: row.get(5)?,
        actor: row.get(6)?,
        alert: alert.map_err(|_| StateError::Damaged { table: "alert_version" })?,
        recorded: row.get(8)?,
    })
}
