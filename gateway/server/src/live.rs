//! The live picture: what the city looks like now, in memory, and the frames that tell the pages.
//!
//! Place in the data path: the decider tells [`PictureObserver`] every step after its facts are durable; a ticker turns
//! what changed into frames; clients of `/ws` read the frames from a ring, each with a cursor of its own. The HTTP
//! resources about the present (devices, domains, places, status) are read from here too.
//!
//! Invariants: a frame is encoded once and shared; no client has a queue; model and sequence change under one lock, so a
//! snapshot is exactly the state as of its sequence number. Alerts are never merged and never dropped from the ring
//! before it wraps; device values are merged, the last one wins, the highest level of the window is told.
//!
//! The decider waits for the model's lock, so it is held for the time of a copy: what searches, counts, puts into words or
//! encodes does so after it, and never across I/O. A crowd of pages that comes back at once shares one snapshot.
//!
//! Limits: [`hub::RING`] frames a view, [`device::SERIES_POINTS`] recent readings a series and [`device::POINTS_MAX`] in
//! all, [`device::VALUES_MAX`] quantities a device, [`alerts::RESOLVED_MAX`] resolved alerts shown. Where the pipeline says
//! nothing for [`pulse::SILENT`], the picture says that nothing is judged, and lets everything in it grow old.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::engine::DeviceView;
use maibo_core::fact::{Maintenance, Transition};
use maibo_core::id::{DeviceId, EpisodeId, MaintenanceId, RuleId};
use maibo_core::time::Timestamp;
use tokio::sync::watch;

use crate::ingest::ClockMode;
use crate::pipeline::{Observer, Step};
use crate::versions::VersionStore;

pub mod alerts;
pub mod client;
pub mod device;
pub mod follow;
pub mod hub;
mod index;
mod maintenance;
mod model;
mod outlet;
pub mod pulse;
mod rates;
pub mod roster;
mod score;
mod sources;
pub mod ticker;
mod view;
pub mod words;

pub use index::{Part, Tally};
pub use pulse::SILENT;
pub use roster::Roster;
pub use sources::{SourceInfo, configured};
pub use view::Scope;

use hub::Hub;
use model::{Model, shown};
use outlet::Outlet;
use pulse::Pulse;
use view::Layout;

/// Devices looked at under one lock.
const SEARCHED: usize = 4_096;

/// What a picture begins with.
pub struct Start {
    /// Devices and rules in force.
    pub roster: Roster,
    /// Where later ones are found.
    pub versions: Arc<VersionStore>,
    /// Alerts open at the start, from the recovered machines.
    pub open: Vec<Transition>,
    /// The configured sources.
    pub sources: Vec<SourceInfo>,
    /// Engine time.
    pub now: Timestamp,
    /// Where engine time comes from.
    pub clock: ClockMode,
    /// A word that no other start shares.
    pub epoch: String,
    /// Since when the disk has no room for messages.
    pub scarce: watch::Receiver<Option<Timestamp>>,
}

/// The model of the city and the views on it.
pub struct Picture {
    inner: Mutex<Model>,
    versions: Arc<VersionStore>,
    outlets: Vec<Outlet>,
    pulse: Pulse,
    scarce: watch::Receiver<Option<Timestamp>>,
}

impl Picture {
    /// The picture as of the start: open alerts are known, devices are not yet.
    pub fn new(start: Start) -> Self {
        let (versions, pulse) = (Arc::clone(&start.versions), Pulse::new(start.clock));
        let scarce = start.scarce.clone();
        let model = Model::new(start);
        Self { outlets: model.outlets(), inner: Mutex::new(model), versions, pulse, scarce }
    }

    /// Takes in what a recovered machine knows of its devices.
    pub fn known<'a>(&self, devices: impl Iterator<Item = DeviceView<'a>>) {
        let mut model = self.lock();
        for device in devices {
            model.known(&device);
        }
    }

    /// Takes in which open alerts have a cause that is told instead of them.
    pub fn inhibited(&self, causes: impl Iterator<Item = (EpisodeId, EpisodeId)>) {
        let mut model = self.lock();
        for (episode, by) in causes {
            model.inhibit(episode, Some(by));
        }
    }

    /// Takes in the maintenances that a recovered machine knows.
    pub fn maintained<'a>(&self, maintenances: impl Iterator<Item = &'a Maintenance>) {
        let mut model = self.lock();
        for maintenance in maintenances {
            model.maintain(maintenance);
        }
    }

    /// Maintenances planned and under way, then the last that are over.
    pub fn maintenances(&self) -> Vec<Maintenance> {
        self.lock().maintenances.all()
    }

    /// A maintenance as it stands.
    pub fn maintenance(&self, id: MaintenanceId) -> Option<Maintenance> {
        self.lock().maintenances.get(id).cloned()
    }

    /// Told of every fact about maintenance.
    pub fn maintenance_changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.lock().maintenances.changes()
    }

    /// The observer to give to the pipeline.
    pub fn observer(self: &Arc<Self>) -> Box<dyn Observer> {
        Box::new(PictureObserver(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, Model> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A view, for somebody who may see all of it.
    fn outlet(&self, view: &str, scope: &Scope) -> Option<&Outlet> {
        self.outlets.iter().find(|o| o.id == view && scope.covers(&o.scope))
    }

    /// Takes in a step, and publishes its alerts at once. Called by one thread only.
    pub fn observe(&self, step: &Step<'_>) {
        self.pulse.step();
        let wanted = self.lock().wanted(step);
        let built = wanted.and_then(|wanted| wanted.build(&self.versions)).map(|roster| {
            let roster = Arc::new(roster);
            let layouts = self.outlets.iter().map(|o| Layout::new(&o.scope, &roster)).collect();
            (roster, layouts)
        });
        let (news, roster) = {
            let mut model = self.lock();
            // At once with the facts of the step: who sees that rules are in force sees what they decided of what is held.
            if let Some((roster, layouts)) = built {
                model.rebuild(roster, layouts);
            }
            (model.observe(step), Arc::clone(&model.roster))
        };
        for news in news {
            news.tell(&roster);
        }
    }

    /// Publishes what changed about devices since the last call.
    pub fn flush(&self, now: Timestamp) {
        let news = self.lock().flush(now);
        news.into_iter().for_each(view::DeviceNews::tell);
    }

    /// Publishes a heartbeat. Called once a second: rates are counted in calls.
    pub fn beat(&self, now: Timestamp) {
        let beat = self.lock().beat(now, self.evaluating());
        self.outlets.iter().for_each(|outlet| outlet.beat(&beat));
    }

    /// Whether what is sent is judged: steps of the pipeline come in, and the disk has room for messages. Answers also
    /// where the picture's lock is never let go.
    pub fn evaluating(&self) -> bool {
        self.moving() && self.scarce.borrow().is_none()
    }

    /// Whether steps of the pipeline come in, if only those of what is urgent.
    pub fn moving(&self) -> bool {
        self.pulse.alive()
    }

    /// The frames of a view; `None` where there is no such view, or the scope does not see all of it.
    pub fn hub(&self, view: &str, scope: &Scope) -> Option<Arc<Hub>> {
        self.outlet(view, scope).map(|o| Arc::clone(&o.hub))
    }

    /// Engine time as the picture knows it.
    pub fn now(&self, clock: Timestamp) -> Timestamp {
        self.lock().clock(clock)
    }

    /// Devices and rules in force.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.lock().roster)
    }

    /// The device columns of a view with their version.
    pub fn columns(&self, view: &str, scope: &Scope) -> Option<(String, Bytes)> {
        let outlet = self.outlet(view, scope)?;
        self.lock().columns(outlet.id)
    }

    /// A view's snapshot as JSON. The same bytes for everybody who asks at the same sequence number. May take a while:
    /// to be called where it may block.
    pub fn snapshot(&self, view: &str, scope: &Scope, clock: Timestamp) -> Option<Bytes> {
        let outlet = self.outlet(view, scope)?;
        outlet.snapshot(|| self.lock().shot(outlet.id, clock))
    }

    /// Counts and indices of what a scope sees.
    pub fn tally(&self, scope: &Scope) -> Tally {
        let sight = self.lock().sight();
        sight.tally(scope)
    }

    /// The index of the city, its domains and its districts, as far as a scope sees them.
    pub fn index(&self, scope: &Scope) -> api::Index {
        let sight = self.lock().sight();
        sight.index(scope)
    }

    /// What makes the index of one part what it is; `None` where there is no such part, or the scope does not see it.
    pub fn explain(&self, scope: &Scope, part: &Part) -> Option<api::IndexExplanation> {
        let sight = self.lock().sight();
        sight.explain(scope, part)
    }

    /// States of the sources.
    pub fn sources(&self) -> Vec<api::Source> {
        self.lock().sources.list()
    }

    /// Up to `limit` devices of a roster from position `from` on that `keep` wants, in a state if one is wanted, and where
    /// to go on. `None` where another roster is in force by now.
    pub fn devices(
        &self,
        roster: &Arc<Roster>,
        from: usize,
        limit: usize,
        keep: impl Fn(&roster::Entry) -> bool,
        state: Option<api::DeviceState>,
    ) -> Option<(Vec<api::Device>, Option<usize>)> {
        let mut found = Vec::new();
        let mut wanted = (from..roster.devices.len()).filter(|i| roster.devices.get(*i).is_some_and(&keep));
        loop {
            // Texts are compared here, without the lock; under it only states are.
            let candidates: Vec<usize> = wanted.by_ref().take(SEARCHED).collect();
            if candidates.is_empty() {
                return Some((found, None));
            }
            let glances = self.lock().glances(roster, &candidates, state, limit + 1 - found.len())?;
            for (i, glance) in glances {
                if found.len() == limit {
                    return Some((found, Some(i)));
                }
                found.extend(roster.devices.get(i).map(|entry| shown(entry, glance)));
            }
        }
    }

    /// One device.
    pub fn device(&self, id: &DeviceId) -> Option<api::Device> {
        let (roster, i, glance) = self.lock().glance(id)?;
        roster.devices.get(i).map(|entry| shown(entry, glance))
    }

    /// Recent readings of one series, oldest first; `None` where there is no such series.
    pub fn recent(&self, id: &DeviceId, quantity: &str) -> Option<Vec<(i64, f64)>> {
        self.lock().recent(id, quantity)
    }

    /// Open alerts that a scope sees, by rule.
    pub fn open_by_rule(&self, scope: &Scope) -> BTreeMap<RuleId, u64> {
        let open = self.lock().alerts.open();
        let mut counts = BTreeMap::new();
        for t in open.iter().filter(|t| scope.allows_alert(t)) {
            *counts.entry(t.rule.clone()).or_insert(0) += 1;
        }
        counts
    }

    /// Open drills that a scope sees, by episode.
    pub fn drills(&self, scope: &Scope) -> Vec<Transition> {
        let open = self.lock().alerts.open();
        open.iter().filter(|t| t.is_drill() && scope.allows_alert(t)).map(|t| (**t).clone()).collect()
    }

    /// The index after the last fact shown: a read that is to agree with the picture waits for it.
    pub fn facts(&self) -> u64 {
        self.lock().facts
    }

    /// Events taken in since the start.
    pub fn events(&self) -> u64 {
        self.lock().events
    }

    /// An alert from the record as everybody sees it now.
    pub fn shown(&self, t: &Transition) -> maibo_api::Alert {
        let cause = self.lock().alerts.cause(t.episode);
        let roster = self.roster();
        words::alert_by(t, cause, &roster)
    }

    /// An alert that is open, or was resolved a moment ago.
    pub fn alert(&self, episode: EpisodeId) -> Option<Transition> {
        let found = self.lock().alerts.get(episode).cloned();
        found.map(|t| (*t).clone())
    }
}

#[cfg(test)]
impl Picture {
    /// Shows an alert that no pipeline knows.
    pub(crate) fn show(&self, t: &Transition) {
        self.lock().alerts.apply(t.at, t);
    }

    /// As if the pipeline had been silent for longer.
    pub(crate) fn silent(&self, by: std::time::Duration) {
        self.pulse.age(by);
    }
}

/// Tells a picture of every step.
struct PictureObserver(Arc<Picture>);

impl Observer for PictureObserver {
    fn observe(&mut self, step: &Step<'_>) {
        self.0.observe(step);
    }
}

#[cfg(test)]
pub(crate) mod tests;
