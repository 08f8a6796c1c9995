//! The model behind the picture, under its one lock.

use std::borrow::Cow;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::engine::{DeviceView, Unknown, Verdict, VerdictChange};
use maibo_core::fact::{Body, Maintenance, Transition};
use maibo_core::id::{DeviceId, EpisodeId, PartitionId, Version};
use maibo_core::input::Input;
use maibo_core::time::Timestamp;

use super::Start;
use super::alerts::Alerts;
use super::device::{Known, Slot};
use super::index::Sight;
use super::maintenance::Maintenances;
use super::outlet::{Beat, Outlet};
use super::rates::Rates;
use super::roster::Roster;
use super::sources::Sources;
use super::view::{AlertNews, Changed, DeviceNews, Layout, Scope, View};
use crate::ingest::ClockMode;
use crate::pipeline::Step;
use crate::versions::VersionStore;

mod show;

pub(super) use show::{Shot, shown};

/// Rules and catalogue that a step brought into force.
pub(super) struct Wanted {
    rules: Version,
    catalogue: Version,
}

impl Wanted {
    /// Compiles them into a roster; `None` where they are not kept (then the old one stays).
    pub(super) fn build(&self, versions: &VersionStore) -> Option<Roster> {
        let versions = versions.current();
        Some(Roster::new(versions.catalogue(self.catalogue)?, versions.rules(self.rules)?))
    }
}

/// Everything the picture knows.
pub(super) struct Model {
    pub(super) roster: Arc<Roster>,
    /// In the roster's order.
    slots: Vec<Slot>,
    pub(super) alerts: Alerts,
    pub(super) maintenances: Maintenances,
    pub(super) sources: Sources,
    views: Vec<View>,
    rates: Rates,
    now: Timestamp,
    clock: ClockMode,
    /// Recent readings kept in all.
    points: usize,
    /// Events taken in.
    pub(super) events: u64,
    /// The index after the last fact shown.
    pub(super) facts: u64,
}

impl Model {
    pub(super) fn new(start: Start) -> Self {
        let roster = Arc::new(start.roster);
        let city = View::new("city", Scope::everything(), start.epoch, &roster);
        let mut model = Self {
            slots: vec![Slot::default(); roster.devices.len()],
            sources: Sources::new(start.sources, start.now),
            alerts: Alerts::default(),
            maintenances: Maintenances::default(),
            views: vec![city],
            rates: Rates::default(),
            now: start.now,
            clock: start.clock,
            points: 0,
            events: 0,
            facts: 0,
            roster,
        };
        for t in &start.open {
            model.transition(t);
        }
        model
    }

    /// The views from outside.
    pub(super) fn outlets(&self) -> Vec<Outlet> {
        self.views.iter().map(Outlet::of).collect()
    }

    /// Takes in what a recovered machine knows of a device.
    pub(super) fn known(&mut self, device: &DeviceView<'_>) {
        let Some(i) = self.roster.position(device.device) else { return };
        let (Some(entry), Some(slot)) = (self.roster.devices.get(i), self.slots.get_mut(i)) else { return };
        slot.heard(device.last_heard);
        for value in &device.values {
            slot.held(value.quantity, value.value, value.at);
        }
        slot.score(entry.primary.as_ref(), &entry.scale);
        slot.verdict(known(device.verdict));
        self.mark(i);
    }

    /// Whether the step brings other rules or devices into force than the roster has.
    pub(super) fn wanted(&self, step: &Step<'_>) -> Option<Wanted> {
        let mut wanted = Wanted { rules: self.roster.rules_version, catalogue: self.roster.catalogue_version };
        // Activations go to every partition; the city's is enough.
        for (_, _, batch) in step.batches.iter().filter(|(p, ..)| *p == PartitionId::CITY) {
            for input in &batch.inputs {
                match input {
                    Input::Rules { version, .. } => wanted.rules = *version,
                    Input::Catalogue { version } => wanted.catalogue = *version,
                    _ => {}
                }
            }
        }
        let same = wanted.rules == self.roster.rules_version && wanted.catalogue == self.roster.catalogue_version;
        (!same).then_some(wanted)
    }

    /// Takes another roster, with the layouts that the views have by it. What was heard of a device stays with it.
    pub(super) fn rebuild(&mut self, roster: Arc<Roster>, layouts: Vec<Layout>) {
        let mut slots = vec![Slot::default(); roster.devices.len()];
        for (i, entry) in self.roster.devices.iter().enumerate() {
            let Some(slot) = self.slots.get_mut(i).map(std::mem::take) else { continue };
            match roster.position(&entry.id).and_then(|p| slots.get_mut(p)) {
                // The engine's last word holds until it says otherwise.
                Some(kept) => *kept = slot,
                None => self.points -= slot.values.iter().map(|v| v.recent.len()).sum::<usize>(),
            }
        }
        self.slots = slots;
        self.roster = roster;
        for (entry, slot) in self.roster.devices.iter().zip(&mut self.slots) {
            slot.score(entry.primary.as_ref(), &entry.scale);
            slot.maintain(self.maintenances.covers(entry));
        }
        for (view, layout) in self.views.iter_mut().zip(layouts) {
            view.rebuild(layout);
        }
    }

    /// Takes in a step; gives the alerts that are to be told, each view's.
    pub(super) fn observe<'a>(&mut self, step: &Step<'a>) -> Vec<AlertNews<'a>> {
        self.now = self.now.max(step.now);
        for (partition, _, batch) in step.batches {
            for input in &batch.inputs {
                self.input(*partition, input);
            }
        }
        for change in step.verdicts {
            self.verdict(change);
        }
        let mut changed: Vec<Changed<'a>> = Vec::new();
        for fact in step.facts {
            self.facts = self.facts.max(fact.index + 1);
            match &fact.body {
                Body::Transition(t) => {
                    self.transition(t);
                    changed.push((Cow::Borrowed(&**t), self.alerts.cause(t.episode)));
                    if t.version == 1 && !t.is_drill() {
                        self.rates.opened(self.now);
                    }
                }
                Body::Inhibition { episode, by } => changed.extend(self.inhibit(*episode, *by)),
                Body::Released { episodes, .. } => {
                    let freed: Vec<_> = episodes.iter().filter_map(|e| self.inhibit(*e, None)).collect();
                    changed.extend(freed);
                }
                Body::Maintenance(m) => self.maintain(m),
                _ => {}
            }
        }
        if changed.is_empty() {
            return Vec::new();
        }
        self.views.iter().map(|view| view.alerts(self.now, &changed)).collect()
    }

    /// A maintenance was planned, begins or is over.
    pub(super) fn maintain(&mut self, m: &Maintenance) {
        self.maintenances.apply(m);
        let roster = Arc::clone(&self.roster);
        for (i, entry) in roster.devices.iter().enumerate() {
            let is = self.maintenances.covers(entry);
            if self.slots.get_mut(i).is_some_and(|slot| slot.maintain(is)) {
                self.mark(i);
            }
        }
    }

    /// An open alert has another cause, or none: what to tell, where that is news.
    pub(super) fn inhibit(&mut self, episode: EpisodeId, by: Option<EpisodeId>) -> Option<Changed<'static>> {
        let before = self.alerts.cause(episode);
        let alert = self.alerts.inhibit(episode, by)?;
        (before != by).then(|| (Cow::Owned((*alert).clone()), by))
    }

    fn input(&mut self, partition: PartitionId, input: &Input) {
        match input {
            Input::Reading(reading) => {
                self.rates.readings(1);
                let Some(i) = self.roster.position(&reading.device) else { return };
                let (Some(entry), Some(slot)) = (self.roster.devices.get(i), self.slots.get_mut(i)) else { return };
                slot.reading(reading, &mut self.points);
                if entry.primary.as_ref() == Some(&reading.quantity) {
                    slot.score(entry.primary.as_ref(), &entry.scale);
                }
                self.mark(i);
            }
            Input::Event(event) => {
                self.events += 1;
                self.heard(&event.device, event.received);
            }
            Input::Liveness(sign) if sign.alive => self.heard(&sign.device, sign.received),
            Input::Deaf { source: None, .. } if partition == PartitionId::CITY => self.each(Slot::deafen),
            Input::Listening { .. } if partition == PartitionId::CITY => {
                self.sources.note(input, self.now);
                self.each(Slot::undeafen);
            }
            Input::Deaf { .. } if partition == PartitionId::CITY => self.sources.note(input, self.now),
            _ => {}
        }
    }

    fn heard(&mut self, device: &DeviceId, at: Timestamp) {
        if let Some(i) = self.roster.position(device)
            && let Some(slot) = self.slots.get_mut(i)
        {
            slot.heard(at);
            self.mark(i);
        }
    }

    fn each(&mut self, change: fn(&mut Slot)) {
        for i in 0..self.slots.len() {
            let before = self.slots[i].code();
            change(&mut self.slots[i]);
            if self.slots[i].code() != before {
                self.mark(i);
            }
        }
    }

    fn verdict(&mut self, change: &VerdictChange) {
        let Some(i) = self.roster.position(&change.device) else { return };
        let Some(slot) = self.slots.get_mut(i) else { return };
        slot.verdict(known(change.verdict));
        self.mark(i);
    }

    fn transition(&mut self, t: &Transition) {
        let before = self.alerts.apply(self.now, t);
        let Some(device) = t.subject.device() else { return };
        let Some(i) = self.roster.position(device) else { return };
        let Some(slot) = self.slots.get_mut(i) else { return };
        if let Some(before) = before {
            slot.count(before.level, false);
        }
        if t.state == maibo_core::fact::State::Firing {
            slot.count(t.level, true);
        }
        self.mark(i);
    }

    fn mark(&mut self, device: usize) {
        let Some(code) = self.slots.get(device).map(Slot::code) else { return };
        for view in &mut self.views {
            view.mark(device, code);
        }
    }

    /// Engine time: the clock's, or the stream's own where recorded data play.
    pub(super) fn clock(&self, clock: Timestamp) -> Timestamp {
        match self.clock {
            ClockMode::Wall => clock.max(self.now),
            ClockMode::Replay => self.now,
        }
    }

    /// Takes out what changed about devices, each view's.
    pub(super) fn flush(&mut self, clock: Timestamp) -> Vec<DeviceNews> {
        let now = self.clock(clock);
        self.views.iter_mut().map(|view| view.flush(now, &self.roster, &self.slots)).collect()
    }

    /// Ends a second: what is old is marked, what is long over is forgotten. Gives what heartbeats are made of.
    pub(super) fn beat(&mut self, clock: Timestamp, evaluating: bool) -> Beat {
        let now = self.clock(clock);
        self.alerts.forget(now);
        let roster = Arc::clone(&self.roster);
        for (i, entry) in roster.devices.iter().enumerate() {
            if self.slots[i].age(now, entry.stale_after, evaluating) {
                self.mark(i);
            }
        }
        let rates = self.rates.beat(now);
        Beat { now, sight: self.sight(), sources: self.sources.list(), rates, evaluating }
    }

    /// A copy of what counting needs.
    pub(super) fn sight(&self) -> Sight {
        Sight {
            roster: Arc::clone(&self.roster),
            conditions: self.slots.iter().map(Slot::condition).collect(),
            open: self.alerts.open(),
            now: self.now,
        }
    }
}

fn known(verdict: Verdict) -> Known {
    match verdict {
        Verdict::Unknown { why: Unknown::Never } => Known::No(api::UnknownWhy::Never),
        // Of a firing device the level comes from its alert; that the data behind it are old is said here.
        Verdict::Unknown { why: Unknown::Stale } | Verdict::Firing { stale: true, .. } => {
            Known::No(api::UnknownWhy::Stale)
        }
        Verdict::Unknown { why: Unknown::Deaf } => Known::No(api::UnknownWhy::Deaf),
        Verdict::Normal | Verdict::Pending { .. } | Verdict::Firing { stale: false, .. } => Known::Yes,
    }
}
