//! Reads alerts and deliveries, newest first, page by page.

use std::path::Path;

use maibo_core::engine::DRILL_RULE;
use maibo_core::fact::Transition;
use maibo_core::id::EpisodeId;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use super::{PAGE_MAX, StateError, connect};

/// Which alerts. Every condition given must hold; an empty list of words is no condition.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// `firing` or `resolved`.
    pub state: Option<String>,
    /// Any of these domains.
    pub domains: Vec<String>,
    /// Any of these districts (six digits).
    pub districts: Vec<String>,
    /// Exactly this level.
    pub level: Option<String>,
    /// Whether somebody took notice.
    pub acknowledged: Option<bool>,
    /// Of this device.
    pub device: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Only drills, or none.
    pub drill: Option<bool>,
}

/// An alert with its place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Index of the episode's first fact; the cursor of the list.
    pub opened: u64,
    /// The latest transition.
    pub alert: Transition,
}

/// One version of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// From 1.
    pub version: u32,
    /// Event time, ms.
    pub at: i64,
    /// Engine time of its fact, ms.
    pub recorded: i64,
    /// `firing` or `resolved`.
    pub state: String,
    /// Its level.
    pub level: String,
    /// Why.
    pub reason: String,
    /// The value then.
    pub value: Option<f64>,
    /// Who, where a person did it.
    pub actor: Option<String>,
    /// The alert as of this version; `None` in what was written before it was kept.
    pub alert: Option<Transition>,
}

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// To this receiver.
    pub receiver: Option<String>,
    /// `delivered`, `superseded`, `silenced` or `dead`.
    pub outcome: Option<String>,
}

/// One settled delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Index of the fact that first settled it; the cursor of the list.
    pub id: u64,
    /// To whom.
    pub receiver: String,
    /// Which episode.
    pub episode: String,
    /// Which version.
    pub version: u32,
    /// What became of it.
    pub outcome: String,
    /// Attempts made.
    pub attempts: u32,
    /// The last error.
    pub error: Option<String>,
    /// When it came to be, ms.
    pub created: i64,
    /// When it was settled, ms.
    pub settled: i64,
}

/// Open alerts by domain, district and level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCount {
    /// Domain.
    pub domain: String,
    /// District, where there is one.
    pub district: Option<String>,
    /// Level.
    pub level: String,
    /// How many.
    pub count: u64,
}

/// A reader of the projection; sees what is committed, from any thread.
pub struct StateReader {
    connection: Connection,
}

/// Conditions and their values, joined by AND.
#[derive(Default)]
pub(super) struct Where {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Where {
    pub(super) fn equal(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.conditions.push(format!("{column} = ?"));
            self.values.push(value.into());
        }
    }

    fn unlike(&mut self, column: &str, value: &str) {
        self.conditions.push(format!("{column} <> ?"));
        self.values.push(Value::from(value.to_owned()));
    }

    pub(super) fn any(&mut self, column: &str, words: &[String]) {
        if !words.is_empty() {
            self.conditions.push(format!("{column} IN ({})", vec!["?"; words.len()].join(", ")));
            self.values.extend(words.iter().cloned().map(Value::from));
        }
    }

    pub(super) fn below(&mut self, column: &str, cursor: Option<u64>) {
        if let Some(cursor) = cursor {
            self.conditions.push(format!("{column} < ?"));
            self.values.push(Value::from(i64::try_from(cursor).unwrap_or(i64::MAX)));
        }
    }

    /// `WHERE … ORDER BY column DESC LIMIT n`.
    pub(super) fn newest(mut self, column: &str, limit: usize) -> (String, Vec<Value>) {
        self.values.push(Value::from(limit.min(PAGE_MAX) as i64));
        let conditions = if self.conditions.is_empty() { "TRUE".to_owned() } else { self.conditions.join(" AND ") };
        (format!("WHERE {conditions} ORDER BY {column} DESC LIMIT ?"), self.values)
    }
}

impl StateReader {
    /// Opens a file that a [`super::StateWriter`] has created.
    ///
    /// # Errors
    /// Where there is none, or SQLite fails.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Ok(Self { connection: connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)? })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The index of the next fact wanted by the writer.
    ///
    /// # Errors
    /// SQLite's.
    pub fn cursor(&self) -> Result<u64, StateError> {
        let next: i64 = self.connection.prepare_cached("SELECT next FROM cursor")?.query_row([], |row| row.get(0))?;
        Ok(next as u64)
    }

    /// At most `limit` alerts opened before the cursor, newest first.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn alerts(&self, filter: &AlertFilter, before: Option<u64>, limit: usize) -> Result<Vec<AlertRow>, StateError> {
        let mut w = Where::default();
        w.equal("state", filter.state.clone());
        w.any("domain", &filter.domains);
        w.any("district", &filter.districts);
        w.equal("level", filter.level.clone());
        w.equal("acknowledged", filter.acknowledged.map(i64::from));
        w.equal("device", filter.device.clone());
        w.equal("rule", filter.rule.clone());
        match filter.drill {
            Some(true) => w.equal("rule", Some(DRILL_RULE.to_owned())),
            Some(false) => w.unlike("rule", DRILL_RULE),
            None => {}
        }
        w.below("opened", before);
        let (clause, values) = w.newest("opened", limit);
        let mut statement = self.connection.prepare_cached(&format!("SELECT opened, body FROM alert {clause}"))?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut alerts = Vec::new();
        while let Some(row) = rows.next()? {
            alerts.push(alert_row(row)?);
        }
        Ok(alerts)
    }

    /// One alert.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn alert(&self, episode: EpisodeId) -> Result<Option<AlertRow>, StateError> {
        let mut statement = self.connection.prepare_cached("SELECT opened, body FROM alert WHERE episode = ?1")?;
        let mut rows = statement.query([episode.to_string()])?;
        rows.next()?.map(alert_row).transpose()
    }

    /// The versions of one episode, oldest first, at most [`PAGE_MAX`].
    ///
    /// # Errors
    /// SQLite's.
    pub fn versions(&self, episode: EpisodeId) -> Result<Vec<VersionRow>, StateError> {
        self.versions_after(episode, 0, PAGE_MAX)
    }

    /// At most `limit` settled deliveries before the cursor, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        let mut w = Where::default();
        w.equal("receiver", filter.receiver.clone());
        w.equal("outcome", filter.outcome.clone());
        w.below("id", before);
        let (clause, values) = w.newest("id", limit);
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {DELIVERY_COLUMNS} FROM delivery {clause}"))?;
        let rows = statement.query_map(params_from_iter(values), delivery_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many alerts are open, by domain, district and level; drills are none.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open_counts(&self) -> Result<Vec<OpenCount>, StateError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT domain, district, level, count(*) FROM alert WHERE state = 'firing' AND rule <> ?1
             GROUP BY domain, district, level ORDER BY domain, district, level",
        )?;
        let rows = statement.query_map([DRILL_RULE], |row| {
            Ok(OpenCount {
                domain: row.get(0)?,
                district: row.get(1)?,
                level: row.get(2)?,
                count: row.get::<_, i64>(3)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The columns of [`delivery_row`].
pub(super) const DELIVERY_COLUMNS: &str = "id, receiver, episode, version, outcome, attempts, error, created, settled";

pub(super) fn delivery_row(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    Ok(DeliveryRow {
        id: row.get::<_, i64>(0)? as u64,
        receiver: row.get(1)?,
        episode: row.get(2)?,
        version: row.get(3)?,
        outcome: row.get(4)?,
        attempts: row.get(5)?,
        error: row.get(6)?,
        created: row.get(7)?,
        settled: row.get(8)?,
    })
}

pub(super) fn alert_row(row: &Row<'_>) -> Result<AlertRow, StateError> {
    let body: Vec<u8> = row.get(1)?;
    let alert = maibo_core::codec::decode(&body).map_err(|_| StateError::Damaged { table: "alert" })?;
    Ok(AlertRow { opened: row.get::<_, i64>(0)? as u64, alert })
}
