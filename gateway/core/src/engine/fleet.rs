//! All devices of one partition, found by id, woken in time.
//!
//! A device stands at most once in the timers, never later than it is due. Readings only put it there earlier; that it
//! stands too early is found out when its time comes, so that a steady flow of readings leaves the timers alone.
//!
//! Bounded by the catalogue: a device that does not stand in it has no state here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::device::DeviceState;
use super::own::Own;
use super::series::Scene;
use super::{Output, VerdictChange};
use crate::alert::Book;
use crate::id::{DeviceId, IdBuild, Version};
use crate::registry::Catalogue;
use crate::rule::RuleSet;
use crate::time::Timestamp;

/// What is in force. Before the first activation nothing is, and nothing is judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Law {
    pub(super) rules: Arc<RuleSet>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) rules_version: Option<Version>,
    pub(super) catalogue_version: Option<Version>,
    /// What follows from both: thresholds with limits of single devices.
    pub(super) own: Arc<Own>,
}

impl Law {
    /// The scene of a device. `None` only where the device left the catalogue, and then it has no state.
    pub(super) fn scene<'a>(&'a self, number: u32, book: &'a mut Book) -> Option<Scene<'a>> {
        let device = self.catalogue.devices().get(number as usize)?;
        Some(Scene { rules: &self.rules, device, own: self.own.of(number), book })
    }
}

/// All devices heard so far.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    devices: Vec<DeviceState>,
    index: HashMap<DeviceId, u32, IdBuild>,
    timers: BTreeSet<(Timestamp, u32)>,
    touched: Vec<u32>,
}

impl Fleet {
    /// Lets `act` work on a device that stands in the catalogue; a new one gets its state here. False where it does not.
    pub(super) fn with(
        &mut self,
        law: &Law,
        book: &mut Book,
        id: &DeviceId,
        now: Timestamp,
        act: impl FnOnce(&mut DeviceState, &mut Scene<'_>),
    ) -> bool {
        let slot = match self.index.get(id) {
            Some(slot) => *slot,
            None => match law.catalogue.number(id) {
                Some(number) => self.admit(law, id, number, now),
                None => return false,
            },
        };
        self.visit(law, book, slot, act);
        true
    }

    fn admit(&mut self, law: &Law, id: &DeviceId, number: u32, now: Timestamp) -> u32 {
        let slot = self.devices.len() as u32;
        let mut device = DeviceState::new(id.clone(), number, now);
        if let Some(known) = law.catalogue.devices().get(number as usize) {
            let about = law.rules.about(known);
            device.select_absences(&about, &law.rules);
            device.select_events(&about, &law.rules);
            device.await_values(&about, &law.rules);
            device.select_air(&about, &law.rules);
            device.select_expressions(&about, &law.rules);
        }
        self.devices.push(device);
        self.index.insert(id.clone(), slot);
        slot
    }

    /// Lets `act` work on a device, then puts it in its place in time.
    fn visit(&mut self, law: &Law, book: &mut Book, slot: u32, act: impl FnOnce(&mut DeviceState, &mut Scene<'_>)) {
        let Some(device) = self.devices.get_mut(slot as usize) else { return };
        let Some(mut scene) = law.scene(device.number, book) else { return };
        act(device, &mut scene);
        let due = device.due(&scene);
        if due < device.scheduled {
            self.timers.remove(&(device.scheduled, slot));
            self.timers.insert((due, slot));
            device.scheduled = due;
        }
        if !device.touched {
            device.touched = true;
            self.touched.push(slot);
        }
    }

    /// The same for every device.
    pub(super) fn visit_all(
        &mut self,
        law: &Law,
        book: &mut Book,
        mut act: impl FnMut(&mut DeviceState, &mut Scene<'_>),
    ) {
        for slot in 0..self.devices.len() as u32 {
            self.visit(law, book, slot, &mut act);
        }
    }

    /// Lets everything happen that is due at or before `until`, decided at its due time but not before `floor`.
    pub(super) fn fire(&mut self, law: &Law, book: &mut Book, floor: Timestamp, until: Timestamp) {
        while let Some((at, slot)) = self.timers.first().copied()
            && at <= until
        {
            self.unschedule(at, slot);
            self.visit(law, book, slot, |device, scene| {
                device.fire(scene, floor, until);
                debug_assert!(device.due(scene) > until, "{} is due again at once", device.id);
            });
        }
    }

    fn unschedule(&mut self, at: Timestamp, slot: u32) {
        self.timers.remove(&(at, slot));
        if let Some(device) = self.devices.get_mut(slot as usize) {
            device.scheduled = Timestamp::MAX;
        }
    }

    /// Ends the step: tells whose verdict changed, in the order of ids, and makes the first timer a true one.
    pub(super) fn settle(&mut self, law: &Law, book: &mut Book, out: &mut Output) {
        let first = out.verdicts.len();
        for slot in self.touched.drain(..) {
            let Some(device) = self.devices.get_mut(slot as usize) else { continue };
            device.touched = false;
            let again = core::mem::take(&mut device.again);
            let (verdict, quantity) = device.verdict(&law.rules);
            if verdict != device.told || again {
                let quantity = quantity.cloned();
                out.verdicts.push(VerdictChange { device: device.id.clone(), quantity, verdict });
                device.told = verdict;
            }
        }
        if let Some(told) = out.verdicts.get_mut(first..) {
            told.sort_by(|a, b| a.device.cmp(&b.device));
        }
        while let Some((at, slot)) = self.timers.first().copied() {
            let due = self.devices.get(slot as usize).and_then(|d| law.scene(d.number, book).map(|s| d.due(&s)));
            if due == Some(at) {
                break;
            }
            self.unschedule(at, slot);
            if let (Some(due), Some(device)) =
                (due.filter(|d| *d < Timestamp::MAX), self.devices.get_mut(slot as usize))
            {
                self.timers.insert((due, slot));
                device.scheduled = due;
            }
        }
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The devices in the order they were first heard in.
    pub(super) fn devices(&self) -> &[DeviceState] {
        &self.devices
    }

    /// One device.
    pub(super) fn get(&self, id: &DeviceId) -> Option<&DeviceState> {
        self.index.get(id).and_then(|slot| self.devices.get(*slot as usize))
    }

    /// One device.
    pub(super) fn get_mut(&mut self, id: &DeviceId) -> Option<&mut DeviceState> {
        self.index.get(id).and_then(|slot| self.devices.get_mut(*slot as usize))
    }

    /// Takes all devices out.
    pub(super) fn take(&mut self) -> Vec<DeviceState> {
        let fleet = core::mem::take(self);
        fleet.devices
    }

    /// A fleet of these devices; everything is scheduled and looked at anew.
    pub(super) fn of(mut devices: Vec<DeviceState>, law: &Law, book: &mut Book) -> Self {
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        for device in &mut devices {
            device.scheduled = Timestamp::MAX;
            device.touched = false;
        }
        let index = (0..).zip(&devices).map(|(slot, d)| (d.id.clone(), slot)).collect();
        let mut fleet = Self { devices, index, timers: BTreeSet::new(), touched: Vec::new() };
        fleet.visit_all(law, book, |device, scene| {
            for series in &mut device.series {
                series.refresh(scene);
            }
            for cell in &mut device.events {
                cell.refresh(scene.rules);
            }
        });
        fleet
    }
}
