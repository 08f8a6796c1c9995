//! The list of deliveries, for people.

use std::collections::BTreeSet;
use std::path::Path;

use maibo_core::id::EpisodeId;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use super::{OutboxError, PAGE_MAX, connect};

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct OutboxFilter {
    /// To this receiver.
    pub receiver: Option<String>,
    /// `pending`, `delivered`, `superseded`, `silenced`, `inhibited`, `muted`, `maintenance` or `dead`.
    pub outcome: Option<String>,
    /// Of this episode.
    pub episode: Option<String>,
    /// Those that were set aside, and only those; otherwise only others.
    pub dismissed: bool,
}

/// A dead letter was set aside. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dismissed {
    /// Engine time.
    pub at: i64,
    /// By whom.
    pub by: String,
    /// Why, in their words; may be empty.
    pub note: String,
}

/// One delivery. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Growing; the cursor of the list.
    pub id: u64,
    /// The receiver's key for it.
    pub message: String,
    /// To whom.
    pub receiver: String,
    /// Which episode.
    pub episode: String,
    /// Which version.
    pub version: u32,
    /// `pending`, `delivered`, `superseded`, `silenced`, `inhibited`, `muted`, `maintenance` or `dead`. One that is withheld
    /// and may yet be told has the reason here and is not settled.
    pub outcome: String,
    /// Attempts made.
    pub attempts: u32,
    /// The last error, or the reason why not.
    pub last_error: Option<String>,
    /// A person has to act.
    pub needs_operator: bool,
    /// When it is tried next; `None` where it is settled or waits behind an earlier version.
    pub next_at: Option<i64>,
    /// Engine time of the fact.
    pub created_at: i64,
    /// When it was settled.
    pub settled_at: Option<i64>,
    /// What it went or goes in together with others: the same number for all of them.
    pub bundle: Option<i64>,
    /// Who set it aside, where somebody did; only of what is dead.
    pub dismissed: Option<Dismissed>,
}

/// The columns of [`listed`].
pub(super) const LISTED: &str = "id, message, receiver, episode, version, ifnull(held, state), attempts, last_error,
  needs_operator, iif(head = 1, next_at, NULL), created_at, settled_at, bundle,
  dismissed_at, dismissed_by, dismissed_note";

/// Reads a row as lists have it.
pub(super) fn listed(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: row.get::<_, i64>(0)? as u64,
        message: row.get(1)?,
        receiver: row.get(2)?,
        episode: row.get(3)?,
        version: row.get(4)?,
        outcome: row.get(5)?,
        attempts: row.get(6)?,
        last_error: row.get(7)?,
        needs_operator: row.get(8)?,
        next_at: row.get(9)?,
        created_at: row.get(10)?,
        settled_at: row.get(11)?,
        bundle: row.get(12)?,
        dismissed: dismissed(row)?,
    })
}

fn dismissed(row: &Row<'_>) -> rusqlite::Result<Option<Dismissed>> {
    let Some(at) = row.get(13)? else { return Ok(None) };
    let text = |n| row.get::<_, Option<String>>(n).map(Option::unwrap_or_default);
    Ok(Some(Dismissed { at, by: text(14)?, note: text(15)? }))
}

/// A receiver that does not take what it is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub receiver: String,
    /// Engine time of the oldest fact that it was tried to be told of, in milliseconds since 1970.
    pub since: i64,
    /// How many versions wait.
    pub count: u64,
    /// What went wrong last.
    pub error: Option<String>,
}

/// A reader of the outbox; sees what is committed, from any thread.
pub struct OutboxReader {
    pub(super) connection: Connection,
}

impl OutboxReader {
    /// Opens a file that an [`super::Outbox`] has created.
    ///
    /// # Errors
    /// Where there is none, or SQLite fails.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        Ok(Self { connection: connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)? })
    }

    /// Receivers that have failed twice or more at what was decided before engine time `before`, or whose answer says that
    /// a person has to act.
    ///
    /// # Errors
    /// SQLite's.
    pub fn failing(&self, before: i64) -> Result<Vec<Waiting>, OutboxError> {
        // With `min`, SQLite takes the other columns from the row that has it.
        let mut statement = self.connection.prepare_cached(
            "SELECT receiver, min(created_at), last_error,
               (SELECT count(*) FROM delivery AS all_of INDEXED BY delivery_pending WHERE all_of.receiver = one.receiver AND state = 'pending')
             FROM delivery AS one
             WHERE head = 1 AND (needs_operator = 1 OR (attempts >= 2 AND created_at < ?)) GROUP BY receiver",
        )?;
        let rows = statement.query_map([before], |row| {
            Ok(Waiting {
                receiver: row.get(0)?,
                since: row.get(1)?,
                error: row.get(2)?,
                count: row.get::<_, i64>(3)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many versions wait for each receiver that is owed any.
    ///
    /// # Errors
    /// SQLite's.
    pub fn pending(&self) -> Result<Vec<(String, u64)>, OutboxError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT receiver, count(*) FROM delivery INDEXED BY delivery_pending WHERE state = 'pending' GROUP BY receiver",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// At most `limit` deliveries with a smaller id than `before`, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn list(
        &self,
        filter: &OutboxFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        let mut conditions = vec!["id < ?"];
        let mut values = vec![Value::from(before.map_or(i64::MAX, |b| i64::try_from(b).unwrap_or(i64::MAX)))];
        // What can never be the reason of a wait is found by the index of the state.
        let settled = ["delivered", "superseded", "dead", "silenced"];
        let by_state = filter.outcome.as_deref().is_some_and(|outcome| settled.contains(&outcome));
        let outcome = if by_state { "state = ?" } else { "ifnull(held, state) = ?" };
        // Only what is dead is set aside; that is found by an index.
        let aside = "state = 'dead' AND dismissed_at IS NOT NULL";
        conditions.push(if filter.dismissed { aside } else { "dismissed_at IS NULL" });
        let wanted = [("receiver = ?", &filter.receiver), (outcome, &filter.outcome), ("episode = ?", &filter.episode)];
        for (condition, value) in wanted {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(Value::from(value.clone()));
            }
        }
        values.push(Value::from(limit.min(PAGE_MAX) as i64));
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {LISTED} FROM delivery WHERE {} ORDER BY id DESC LIMIT ?",
            conditions.join(" AND ")
        ))?;
        let rows = statement.query_map(params_from_iter(values), listed)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What an outbox still has to see to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owing {
    /// Episodes with versions that are pending or held.
    pub episodes: BTreeSet<EpisodeId>,
    /// The next fact it wants: later ones are not in it yet. `None` for a file that has never begun, or is not there.
    pub next: Option<u64>,
}

/// What the outbox at `path` still has to see to; nothing where there is none.
///
/// # Errors
/// Where it cannot be read.
pub fn owing(path: &Path) -> Result<Owing, OutboxError> {
    let mut owing = Owing::default();
    if !path.exists() {
        return Ok(owing);
    }
    // The owner is not there: its write-ahead log is taken in, which needs a connection that may write.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let next: Option<i64> = connection.query_row("SELECT next FROM cursor", [], |row| row.get(0))?;
    owing.next = next.map(|next| next as u64);
    let mut statement = connection.prepare("SELECT id, episode FROM delivery WHERE settled_at IS NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, episode): (i64, String) = (row.get(0)?, row.get(1)?);
        owing.episodes.insert(EpisodeId::parse(&episode).ok_or(OutboxError::Damaged { id })?);
    }
    Ok(owing)
}
