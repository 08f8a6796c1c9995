//! What came of what was due.

use maibo_core::fact::Delivery;
use maibo_core::notify::{Mode, Next, after_failure};
use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::enqueue::{promote, settled, superseded_by};
use super::{Outbox, OutboxError};

/// A message to attempt now: one version, or several that go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The receiver's key for it, the same for every attempt with the same versions.
    pub message: String,
    /// What is in it, the most urgent first; never empty.
    pub letters: Vec<Due>,
}

impl Parcel {
    /// Attempts made before.
    pub fn attempts(&self) -> u32 {
        self.letters.iter().map(|due| due.attempts).max().unwrap_or_default()
    }

    /// The rows.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.letters.iter().map(|due| due.id)
    }
}

/// A version to tell now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its row.
    pub id: i64,
    /// The receiver's key for it where it goes alone.
    pub message: String,
    /// Attempts made before.
    pub attempts: u32,
    /// The message.
    pub body: Vec<u8>,
    /// When and as what it was decided.
    pub stamp: Stamp,
    /// The latest version of the episode that the receiver has, of those before it.
    pub before: Option<Stamp>,
}

/// What a version is known by where a format does not have Maibo's own identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The version.
    pub version: u32,
    /// Engine time of its fact.
    pub at: Timestamp,
    /// Its slot: tenths of a second since 1970, one for each version of any episode, growing in the order of the facts. It is
    /// that of [`Self::at`] unless an earlier version has it.
    pub slot: i64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The receiver has it.
    Delivered,
    /// Not yet: the schedule would try again at `at`.
    Failed {
        /// When.
        at: Timestamp,
        /// A person has to act.
        needs_operator: bool,
    },
    /// Not in this company: the receiver refuses the message, and each of its versions is tried alone.
    Alone {
        /// When.
        at: Timestamp,
    },
    /// Never again.
    Dead,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The row.
    pub id: i64,
    /// How.
    pub ending: Ending,
    /// Why, in words.
    pub error: Option<String>,
}

/// What an ending needs to know of its row.
struct Head {
    receiver: String,
    episode: String,
    mode: Mode,
    closed_at: Option<Timestamp>,
    newer: Option<u32>,
}

impl Outbox {
    /// When the next delivery to the receiver is due that is not in flight.
    ///
    /// # Errors
    /// SQLite's.
    pub fn next_due(&self, receiver: &str) -> Result<Option<Timestamp>, OutboxError> {
        let mut earliest: Option<Timestamp> = None;
        for urgency in 0..4 {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, next_at FROM delivery WHERE receiver = ?1 AND head = 1 AND urgency = ?2
                 ORDER BY next_at, id",
            )?;
            let mut rows = statement.query(params![receiver, urgency])?;
            while let Some(row) = rows.next()? {
                if self.in_flight.contains(&row.get(0)?) {
                    continue;
                }
                let at = Timestamp(row.get(1)?);
                earliest = Some(earliest.map_or(at, |e| e.min(at)));
                break;
            }
        }
        Ok(earliest)
    }

    /// Takes what came of attempts, durably, and gives what is settled thereby.
    ///
    /// # Errors
    /// SQLite's; then nothing of this call is kept and the rows stay in flight, so it can be called again.
    pub fn record(&mut self, ended: &[Ended], now: Timestamp) -> Result<Vec<Delivery>, OutboxError> {
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = self.connection.transaction()?;
        let mut gone = Vec::new();
        for end in ended {
            gone.extend(record(&transaction, end, now)?);
        }
        transaction.commit()?;
        for end in ended {
            self.in_flight.remove(&end.id);
        }
        Ok(gone)
    }

    /// Gives back claimed rows that were not attempted.
    pub fn release(&mut self, ids: &[i64]) {
        for id in ids {
            self.in_flight.remove(id);
        }
    }
}

fn record(tx: &Transaction<'_>, end: &Ended, now: Timestamp) -> Result<Option<Delivery>, OutboxError> {
    let Some(head) = head(tx, end.id)? else { return Ok(None) };
    let (state, error) = match &end.ending {
        Ending::Alone { at } => {
            wait(tx, end.id, *at, end.error.as_deref(), false)?;
            tx.prepare_cached("UPDATE delivery SET grp = NULL, bundle = NULL WHERE id = ?1")?.execute([end.id])?;
            return Ok(None);
        }
        Ending::Delivered => ("delivered", None),
        Ending::Dead => ("dead", end.error.clone()),
        Ending::Failed { at, needs_operator } => {
            let error = end.error.as_deref();
            match after_failure(head.mode, now, *at, head.closed_at, head.newer) {
                Next::Wait(at) => {
                    wait(tx, end.id, at, error, *needs_operator)?;
                    return Ok(None);
                }
                Next::Superseded(version) => ("superseded", Some(join(&superseded_by(version), error))),
                Next::Dead(why) => ("dead", Some(join(why, error))),
            }
        }
    };
    tx.prepare_cached(
        "UPDATE delivery SET state = ?2, head = 0, attempts = attempts + 1, settled_at = ?3, last_error = ?4,
           needs_operator = 0, body = iif(?2 = 'dead', body, x'') WHERE id = ?1",
    )?
    .execute(params![end.id, state, now.0, error])?;
    promote(tx, &head.receiver, &head.episode, now)?;
    settled(tx, end.id).map(Some)
}

fn wait(
    tx: &Transaction<'_>,
    id: i64,
    at: Timestamp,
    error: Option<&str>,
    needs_operator: bool,
) -> Result<(), OutboxError> {
    tx.prepare_cached(
        "UPDATE delivery SET attempts = attempts + 1, next_at = ?2, last_error = ?3, needs_operator = ?4
         WHERE id = ?1",
    )?
    .execute(params![id, at.0, error, needs_operator])?;
    Ok(())
}

fn join(why: &str, error: Option<&str>) -> String {
    error.map_or_else(|| why.to_owned(), |error| format!("{why}; last attempt: {error}"))
}

/// `None` where the row is settled already, or gone.
fn head(tx: &Transaction<'_>, id: i64) -> Result<Option<Head>, OutboxError> {
    let head = tx
        .prepare_cached(
            "SELECT receiver, episode, latest, closed_at,
               (SELECT max(version) FROM delivery n WHERE n.receiver = d.receiver AND n.episode = d.episode
                 AND n.state = 'pending' AND n.version > d.version)
             FROM delivery d WHERE id = ?1 AND state = 'pending'",
        )?
        .query_row([id], |row| {
            Ok(Head {
                receiver: row.get(0)?,
                episode: row.get(1)?,
                mode: if row.get(2)? { Mode::Latest } else { Mode::All },
                closed_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                newer: row.get(4)?,
            })
        })
        .optional()?;
    Ok(head)
}
