//! Planned work on devices and places: when it begins and ends.
//!
//! Alerts in its scope are judged, shown and recorded as ever; the facts about begin and end say to those who tell them
//! that nobody is told meanwhile. Times are those that a person named: a step of the clock does not move them, and what
//! begins or ends while Maibo is stopped does so when it is back.
//!
//! Limits: [`limit::MAX_MAINTENANCES`]; each is remembered until its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::Book;
use crate::fact::{Body, Maintenance, MaintenanceState};
use crate::id::{Actor, MaintenanceId};
use crate::limit;
use crate::reading::Text;
use crate::time::Timestamp;

/// All that are planned or under way.
#[derive(Debug, Default)]
pub(in crate::engine) struct Maintenances {
    open: BTreeMap<MaintenanceId, Maintenance>,
    due: BTreeSet<(Timestamp, MaintenanceId)>,
}

fn due(m: &Maintenance) -> (Timestamp, MaintenanceId) {
    (if m.state == MaintenanceState::Planned { m.from } else { m.until }, m.id)
}

impl Maintenances {
    /// From what a snapshot kept.
    pub(in crate::engine) fn restore(saved: Vec<Maintenance>) -> Self {
        Self { due: saved.iter().map(due).collect(), open: saved.into_iter().map(|m| (m.id, m)).collect() }
    }

    /// Those planned or under way, in the order of their ids.
    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = &Maintenance> {
        self.open.values()
    }

    /// Plans one, or says why not. What is planned already stays as it is.
    pub(super) fn plan(&mut self, asked: &Maintenance, now: Timestamp, book: &mut Book) {
        if self.open.contains_key(&asked.id) {
            return;
        }
        let from = asked.from.max(now);
        let late = from.since(now) > limit::MAX_MAINTENANCE || asked.until.since(from) > limit::MAX_MAINTENANCE;
        let refused = self.open.len() >= limit::MAX_MAINTENANCES || asked.until <= from || late;
        let state = match (refused, from > now) {
            (true, _) => MaintenanceState::Refused,
            (false, true) => MaintenanceState::Planned,
            (false, false) => MaintenanceState::Running,
        };
        let reason = Text::from(asked.reason.chars().take(limit::MAX_NOTE).collect::<String>().as_str());
        let planned = Maintenance { from, state, reason, ended_by: None, ..asked.clone() };
        book.draft(now, Some(asked.by.clone()), Body::Maintenance(Box::new(planned.clone())));
        if !refused {
            self.put(planned);
        }
    }

    /// Ends one early. One that is over stays so.
    pub(super) fn end(&mut self, id: MaintenanceId, by: &Actor, now: Timestamp, book: &mut Book) {
        let Some(mut over) = self.take(id) else { return };
        (over.state, over.until, over.ended_by) = (MaintenanceState::Over, now, Some(by.clone()));
        book.draft(now, Some(by.clone()), Body::Maintenance(Box::new(over)));
    }

    /// Lets begin and end what is due by `until`.
    pub(super) fn fire(&mut self, until: Timestamp, floor: Timestamp, book: &mut Book) {
        while let Some((at, id)) = self.due.first().copied()
            && at <= until
        {
            let Some(mut m) = self.take(id) else { return };
            let begins = m.state == MaintenanceState::Planned;
            m.state = if begins { MaintenanceState::Running } else { MaintenanceState::Over };
            book.draft(at.max(floor), None, Body::Maintenance(Box::new(m.clone())));
            if begins {
                self.put(m);
            }
        }
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Follows the log, where it says otherwise than this binary decided.
    pub(in crate::engine) fn follow(&mut self, logged: &Maintenance) {
        drop(self.take(logged.id));
        if matches!(logged.state, MaintenanceState::Planned | MaintenanceState::Running) {
            self.put(logged.clone());
        }
    }

    fn put(&mut self, m: Maintenance) {
        self.due.insert(due(&m));
        self.open.insert(m.id, m);
    }

    fn take(&mut self, id: MaintenanceId) -> Option<Maintenance> {
        let m = self.open.remove(&id)?;
        self.due.remove(&due(&m));
        Some(m)
    }
}
