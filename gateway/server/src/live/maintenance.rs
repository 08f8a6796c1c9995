//! Maintenances as they are shown, and which devices are under one.

use std::collections::{BTreeMap, VecDeque};

use maibo_core::fact::{Maintenance, MaintenanceState};
use maibo_core::id::{MaintenanceId, PlaceCode};
use tokio::sync::watch;

use super::roster::Entry;

/// Those that are over, or were refused, kept for those who ask.
const SETTLED: usize = 100;

/// Planned and under way, and the last that are over.
pub(super) struct Maintenances {
    open: BTreeMap<MaintenanceId, Maintenance>,
    settled: VecDeque<Maintenance>,
    /// How many facts there were.
    changes: watch::Sender<u64>,
}

impl Default for Maintenances {
    fn default() -> Self {
        Self { open: BTreeMap::new(), settled: VecDeque::new(), changes: watch::Sender::new(0) }
    }
}

impl Maintenances {
    pub(super) fn apply(&mut self, m: &Maintenance) {
        self.open.remove(&m.id);
        match m.state {
            MaintenanceState::Planned | MaintenanceState::Running => drop(self.open.insert(m.id, m.clone())),
            MaintenanceState::Over | MaintenanceState::Refused => {
                self.settled.truncate(SETTLED - 1);
                self.settled.push_front(m.clone());
            }
        }
        self.changes.send_modify(|n| *n += 1);
    }

    /// Told of every change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// One of them, as it stands.
    pub(super) fn get(&self, id: MaintenanceId) -> Option<&Maintenance> {
        self.open.get(&id).or_else(|| self.settled.iter().find(|m| m.id == id))
    }

    /// Those planned and under way, then the last that are over.
    pub(super) fn all(&self) -> Vec<Maintenance> {
        let over = self.settled.iter().filter(|m| m.state == MaintenanceState::Over);
        self.open.values().chain(over).cloned().collect()
    }

    /// Whether a device is under one.
    pub(super) fn covers(&self, entry: &Entry) -> bool {
        let place = PlaceCode::new(&entry.place).ok();
        let mut running = self.open.values().filter(|m| m.state == MaintenanceState::Running);
        running.any(|m| m.scope.covers(Some(&entry.id), place.as_ref()))
    }
}
