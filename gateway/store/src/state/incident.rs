//! Reads incidents and who belongs to them, newest first, page by page.

use maibo_core::fact::Incident;
use maibo_core::id::{EpisodeId, IncidentId};
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::read::{AlertRow, StateReader, Where, alert_row};
use super::{PAGE_MAX, StateError};

/// Which incidents. Every condition given must hold; an empty list of words is no condition.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// `open` or `closed`.
    pub state: Option<String>,
    /// Any of these domains.
    pub domains: Vec<String>,
    /// Any of these districts (six digits).
    pub districts: Vec<String>,
}

/// An incident with its place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRow {
    /// Index of the incident's first fact; the cursor of the list.
    pub opened: u64,
    /// When the latest version was decided, ms.
    pub updated: i64,
    /// The latest version.
    pub incident: Incident,
}

impl StateReader {
    /// At most `limit` incidents opened before the cursor, newest first.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn incidents(
        &self,
        filter: &IncidentFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<IncidentRow>, StateError> {
        let mut w = Where::default();
        w.equal("state", filter.state.clone());
        w.any("domain", &filter.domains);
        w.any("district", &filter.districts);
        w.below("opened", before);
        let (clause, values) = w.newest("opened", limit);
        let text = format!("SELECT opened, updated, body FROM incident {clause}");
        let mut statement = self.connection().prepare_cached(&text)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut incidents = Vec::new();
        while let Some(row) = rows.next()? {
            incidents.push(incident_row(row)?);
        }
        Ok(incidents)
    }

    /// One incident.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, StateError> {
        let mut statement =
            self.connection().prepare_cached("SELECT opened, updated, body FROM incident WHERE id = ?1")?;
        let mut rows = statement.query([id.to_string()])?;
        rows.next()?.map(incident_row).transpose()
    }

    /// The incident that an alert belongs to; `None` until the city machine has heard of the alert.
    ///
    /// # Errors
    /// SQLite's.
    pub fn incident_of(&self, episode: EpisodeId) -> Result<Option<String>, StateError> {
        let mut statement = self.connection().prepare_cached("SELECT incident FROM membership WHERE episode = ?1")?;
        Ok(statement.query_row([episode.to_string()], |row| row.get(0)).optional()?)
    }

    /// At most `limit` alerts of an incident opened before the cursor, newest first.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn incident_alerts(
        &self,
        id: IncidentId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AlertRow>, StateError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT opened, body FROM membership JOIN alert USING (episode)
             WHERE incident = ?1 AND opened < ?2 ORDER BY opened DESC LIMIT ?3",
        )?;
        let before = before.and_then(|b| i64::try_from(b).ok()).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![id.to_string(), before, limit.min(PAGE_MAX) as i64])?;
        let mut alerts = Vec::new();
        while let Some(row) = rows.next()? {
            alerts.push(alert_row(row)?);
        }
        Ok(alerts)
    }
}

fn incident_row(row: &Row<'_>) -> Result<IncidentRow, StateError> {
    let body: Vec<u8> = row.get(2)?;
    let incident = maibo_core::codec::decode(&body).map_err(|_| StateError::Damaged { table: "incident" })?;
    Ok(IncidentRow { opened: row.get::<_, i64>(0)? as u64, updated: row.get(1)?, incident })
}
