//! Applies facts.

use std::path::Path;

use maibo_core::fact::{Body, Delivery, Fact, Group, Incident, Transition};
use maibo_core::id::DeviceId;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use super::activation::{self, ActivationOf};
use super::{StateError, connect, schema};

/// The one writer of the projection.
pub struct StateWriter {
    connection: Connection,
    next: u64,
}

impl StateWriter {
    /// Opens or creates the file and brings it to the present format.
    ///
    /// # Errors
    /// Where SQLite fails, or the file is of a newer format.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        schema::migrate(&mut connection)?;
        let next: i64 = connection.query_row("SELECT next FROM cursor", [], |row| row.get(0))?;
        Ok(Self { connection, next: next as u64 })
    }

    /// The index of the next fact wanted.
    pub fn cursor(&self) -> u64 {
        self.next
    }

    /// Applies facts in the order of their index; those already applied are passed over. Gives the new cursor.
    ///
    /// # Errors
    /// [`StateError::Skipped`] where facts were left out, or SQLite's; then nothing of this call is kept.
    pub fn apply(&mut self, facts: &[Fact]) -> Result<u64, StateError> {
        let transaction = self.connection.transaction()?;
        let mut next = self.next;
        for fact in facts.iter().filter(|f| f.index >= self.next) {
            if fact.index != next {
                return Err(StateError::Skipped { wanted: next, found: fact.index });
            }
            match &fact.body {
                Body::Transition(transition) => apply_transition(&transaction, fact, transition)?,
                Body::Delivery(delivery) => apply_delivery(&transaction, fact, delivery)?,
                Body::Incident(incident) => apply_incident(&transaction, fact, incident)?,
                Body::Grouped(groups) => apply_groups(&transaction, groups)?,
                Body::RulesActivated { version } => {
                    activation::apply(&transaction, fact, ActivationOf::Rules, *version)?;
                }
                Body::PlansActivated { version } => {
                    activation::apply(&transaction, fact, ActivationOf::Plans, *version)?;
                }
                Body::Shadow(transition) => super::shadow::apply(&transaction, fact, transition)?,
                // Part of the record, not of any list that is read here.
                Body::CatalogueActivated { .. }
                | Body::ClockStepped { .. }
                | Body::Source { .. }
                | Body::Gap { .. }
                | Body::Inhibition { .. }
                | Body::Released { .. }
                | Body::Maintenance(_)
                | Body::Refused { .. } => {}
            }
            next += 1;
        }
        if next != self.next {
            transaction.prepare_cached("UPDATE cursor SET next = ?1")?.execute([next as i64])?;
            transaction.commit()?;
            self.next = next;
        }
        Ok(self.next)
    }
}

fn apply_transition(transaction: &Transaction<'_>, fact: &Fact, t: &Transition) -> Result<(), StateError> {
    let episode = t.episode.to_string();
    let device = t.subject.device().map(DeviceId::as_str);
    let district = t.place.as_ref().and_then(maibo_core::registry::place::district);
    let body = maibo_core::codec::encode(t);
    transaction
        .prepare_cached(
            "INSERT INTO alert VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (episode) DO UPDATE SET version = excluded.version, rule = excluded.rule,
               device = excluded.device, district = excluded.district, domain = excluded.domain,
               level = excluded.level, state = excluded.state, acknowledged = excluded.acknowledged,
               body = excluded.body",
        )?
        .execute(params![
            fact.index as i64,
            episode,
            t.version,
            t.rule.as_str(),
            device,
            district,
            t.domain.as_str(),
            t.level.as_str(),
            t.state.as_str(),
            t.acknowledged.is_some(),
            body,
        ])?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO alert_version VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            episode,
            t.version,
            fact.index as i64,
            t.at.0,
            fact.at.0,
            t.state.as_str(),
            t.level.as_str(),
            t.reason.as_str(),
            t.value,
            fact.actor.as_ref().map(maibo_core::id::Actor::as_str),
            body,
        ])?;
    Ok(())
}

/// A delivery can be settled again (a dead one replayed); its row keeps its identity and says how it ended last.
fn apply_delivery(transaction: &Transaction<'_>, fact: &Fact, d: &Delivery) -> Result<(), StateError> {
    let episode = d.episode.to_string();
    let created: Option<i64> = transaction
        .prepare_cached("SELECT recorded FROM alert_version WHERE episode = ?1 AND version = ?2")?
        .query_row(params![episode, d.version], |row| row.get(0))
        .optional()?;
    transaction
        .prepare_cached(
            "INSERT INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (receiver, episode, version) DO UPDATE SET outcome = excluded.outcome,
               attempts = excluded.attempts, error = excluded.error, settled = excluded.settled",
        )?
        .execute(params![
            fact.index as i64,
            &*d.receiver,
            episode,
            d.version,
            &*d.outcome,
            d.attempts,
            d.error.as_deref(),
            created.unwrap_or(fact.at.0),
            fact.at.0,
        ])?;
    Ok(())
}

/// An incident that was taken in by another hands its alerts over.
fn apply_incident(transaction: &Transaction<'_>, fact: &Fact, incident: &Incident) -> Result<(), StateError> {
    let id = incident.id.to_string();
    let body = maibo_core::codec::encode(incident);
    transaction
        .prepare_cached(
            "INSERT INTO incident VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated = excluded.updated, body = excluded.body",
        )?
        .execute(params![
            fact.index as i64,
            id,
            incident.state.as_str(),
            incident.district.as_ref().map(maibo_core::id::PlaceCode::as_str),
            incident.domain.as_str(),
            fact.at.0,
            body,
        ])?;
    if let Some(into) = incident.into {
        transaction
            .prepare_cached("UPDATE membership SET incident = ?1 WHERE incident = ?2")?
            .execute(params![into.to_string(), id])?;
    }
    Ok(())
}

fn apply_groups(transaction: &Transaction<'_>, groups: &[Group]) -> Result<(), StateError> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO membership VALUES (?1, ?2)")?;
    for group in groups {
        let incident = group.incident.to_string();
        for episode in &group.episodes {
            insert.execute(params![episode.to_string(), incident])?;
        }
    }
    Ok(())
}
