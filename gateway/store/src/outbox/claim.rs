//! What is due now, put into messages.
//!
//! A version without a group goes alone. Versions of one group that are due go together, once for each stretch of
//! [`Receiver::group_every`]: what goes together is a *bundle*, which is kept, so that every attempt has the same versions
//! under the same key, also in another process. Only a power cut can lose the keeping of it; then the same versions may come
//! again in other company, and receivers know them by alert and version.

use std::collections::BTreeSet;

use maibo_core::notify::{GROUP_BYTES, GROUP_MAX, Receiver, group_id};
use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::letter::tenths;
use super::{Due, Outbox, OutboxError, PAGE_MAX, Parcel, Stamp};

/// What a row to attempt is read from.
const COLUMNS: &str = "version, created_at, slot, id, message, attempts, body, episode";

/// How many messages may be claimed. Red is urgency 3, as [`Outbox::claim`] looks at it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Of any level.
    pub any: usize,
    /// Beside these, of red.
    pub red: usize,
    /// Beside these, of red that was never tried.
    pub first_red: usize,
}

impl From<usize> for Places {
    fn from(any: usize) -> Self {
        Self { any, ..Self::default() }
    }
}

/// Urgency of red.
const RED: i64 = 3;

/// What is due of a level, for every attempt.
pub(super) const DUE: &str = "SELECT id, grp, bundle FROM delivery
    WHERE receiver = ?1 AND head = 1 AND urgency = ?2 AND next_at <= ?3 ORDER BY next_at, id";

/// A row that is due.
struct Candidate {
    id: i64,
    group: Option<String>,
    bundle: Option<i64>,
}

impl Outbox {
    /// Messages to attempt now, as many as there are `places`, the most urgent first, then those that wait longest. Their
    /// versions are in flight until [`Self::record`] or [`Self::release`].
    ///
    /// # Errors
    /// SQLite's; then nothing is claimed.
    pub fn claim(
        &mut self,
        receiver: &Receiver,
        now: Timestamp,
        places: impl Into<Places>,
    ) -> Result<Vec<Parcel>, OutboxError> {
        let Places { any, red, first_red } = places.into();
        // See the module on why this needs no sync of its own.
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let tx = self.connection.transaction()?;
        let mut parcels: Vec<Parcel> = Vec::new();
        let mut taken = BTreeSet::new();
        let reds = any.saturating_add(red);
        let steps = [
            (RED, reds, false),
            (RED, if first_red > 0 { reds.saturating_add(first_red) } else { 0 }, true),
            // The levels below, each a range of one index too.
            (2, any, false),
            (1, any, false),
            (0, any, false),
        ];
        for (urgency, limit, untried) in steps {
            while parcels.len() < limit.min(PAGE_MAX) {
                let busy = |id: i64| self.in_flight.contains(&id) || taken.contains(&id);
                let found = if untried {
                    first_red_of(&tx, &receiver.name, now, busy)?
                } else {
                    candidate(&tx, &receiver.name, urgency, now, busy)?
                };
                let Some(first) = found else { break };
                let parcel = parcel(&tx, receiver, &first, now)?;
                taken.extend(parcel.ids());
                parcels.push(parcel);
            }
        }
        tx.commit()?;
        self.in_flight.append(&mut taken);
        Ok(parcels)
    }
}

/// The first that is due of a level. Rows that are busy lie in front and are few: as many as the driver has under way.
fn candidate(
    tx: &Transaction<'_>,
    receiver: &str,
    urgency: i64,
    now: Timestamp,
    busy: impl Fn(i64) -> bool,
) -> Result<Option<Candidate>, OutboxError> {
    let mut statement = tx.prepare_cached(DUE)?;
    idle(statement.query(params![receiver, urgency, now.0])?, busy)
}

/// The first red one that is due and was never tried. It has an index of its own: thousands that were tried, and are due again,
/// may lie in front.
fn first_red_of(
    tx: &Transaction<'_>,
    receiver: &str,
    now: Timestamp,
    busy: impl Fn(i64) -> bool,
) -> Result<Option<Candidate>, OutboxError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, grp, bundle FROM delivery INDEXED BY delivery_first_red
         WHERE receiver = ?1 AND head = 1 AND urgency > 2 AND attempts = 0 AND next_at <= ?2 ORDER BY next_at, id",
    )?;
    idle(statement.query(params![receiver, now.0])?, busy)
}

/// The first row that is not busy.
fn idle(mut rows: rusqlite::Rows<'_>, busy: impl Fn(i64) -> bool) -> Result<Option<Candidate>, OutboxError> {
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if !busy(id) {
            return Ok(Some(Candidate { id, group: row.get(1)?, bundle: row.get(2)? }));
        }
    }
    Ok(None)
}

/// A row with all that goes with it.
fn parcel(tx: &Transaction<'_>, receiver: &Receiver, of: &Candidate, now: Timestamp) -> Result<Parcel, OutboxError> {
    let rows = match (of.bundle, &of.group) {
        (Some(bundle), _) => {
            let mut all = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM delivery INDEXED BY delivery_bundle
                 WHERE bundle = ?1 AND head = 1 ORDER BY urgency DESC, id"
            ))?;
            all.query_map([bundle], read)?.collect::<Result<Vec<_>, _>>()?
        }
        (None, Some(group)) => bundle(tx, receiver, group, now)?,
        (None, None) => {
            let mut one = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM delivery WHERE id = ?1"))?;
            vec![one.query_row([of.id], read)?]
        }
    };
    let mut before = tx.prepare_cached(
        "SELECT version, created_at, slot FROM delivery
         WHERE receiver = ?1 AND episode = ?2 AND version < ?3 AND state = 'delivered' ORDER BY version DESC LIMIT 1",
    )?;
    let mut letters = Vec::with_capacity(rows.len());
    for (due, episode) in rows {
        let before = before.query_row(params![receiver.name, episode, due.stamp.version], stamp).optional()?;
        letters.push(Due { before, ..due });
    }
    let message = match &*letters {
        [one] => one.message.clone(),
        many => group_id(many.iter().map(|due| &*due.message)),
    };
    Ok(Parcel { message, letters })
}

/// Makes a bundle of what is due of a group, the most urgent first. The next one goes when the stretch is over; where this
/// one is full, at once.
fn bundle(
    tx: &Transaction<'_>,
    receiver: &Receiver,
    group: &str,
    now: Timestamp,
) -> Result<Vec<(Due, String)>, OutboxError> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM delivery INDEXED BY delivery_group
         WHERE receiver = ?1 AND grp = ?2 AND head = 1 AND bundle IS NULL AND next_at <= ?3 ORDER BY urgency DESC, id"
    ))?;
    let mut found = Vec::new();
    let mut bytes = 0;
    for row in statement.query_map(params![receiver.name, group, now.0], read)? {
        let row = row?;
        bytes += row.0.body.len();
        if found.len() == GROUP_MAX || (bytes > GROUP_BYTES && !found.is_empty()) {
            break;
        }
        found.push(row);
    }
    // A row is in one bundle in its life, so that its number can be that of one.
    let name = found.first().map(|(due, _)| due.id);
    let mut keep = tx.prepare_cached("UPDATE delivery SET bundle = ?2 WHERE id = ?1")?;
    for (due, _) in &found {
        keep.execute(params![due.id, name])?;
    }
    let every = receiver.group_every.unwrap_or_default().0;
    // A stretch begins with its first bundle: were each of a long drain to begin it anew, what came meanwhile would be due
    // in as many small ones.
    tx.prepare_cached(
        "INSERT INTO grouping (receiver, grp, open_at, every) VALUES (?1, ?2, ?3 + ?4, ?4)
         ON CONFLICT DO UPDATE SET open_at = excluded.open_at, every = excluded.every
         WHERE open_at NOT BETWEEN ?3 + 1 AND ?3 + ?4",
    )?
    .execute(params![receiver.name, group, now.0, every])?;
    Ok(found)
}

/// A row of [`COLUMNS`], and its episode.
fn read(row: &Row<'_>) -> rusqlite::Result<(Due, String)> {
    let (id, message, attempts, body) = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
    Ok((Due { id, message, attempts, body, stamp: stamp(row)?, before: None }, row.get(7)?))
}

/// The first three columns: version, time, slot.
fn stamp(row: &Row<'_>) -> rusqlite::Result<Stamp> {
    let (version, at, slot): (_, i64, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Stamp { version, at: Timestamp(at), slot: slot.unwrap_or_else(|| tenths(Timestamp(at))) })
}
