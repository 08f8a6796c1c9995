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
//! Limits: [`hub::RING`] frames a view, [`device::SERIES_POINTS`] recent readings a series and [`device::POINTS_MAX`] in
//! all, [`device::VALUES_MAX`] quantities a device, [`alerts::RESOLVED_MAX`] resolved alerts shown. Locks are held for the
//! time of a copy, never across I/O.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::engine::DeviceView;
use maibo_core::fact::Transition;
use maibo_core::id::DeviceId;
use maibo_core::time::Timestamp;

use crate::ingest::ClockMode;
use crate::pipeline::{Observer, Step};
use crate::versions::VersionStore;

pub mod alerts;
pub mod client;
pub mod device;
pub mod follow;
pub mod hub;
mod index;
mod model;
mod rates;
pub mod roster;
mod sources;
pub mod ticker;
mod view;
pub mod words;

pub use index::Tally;
pub use roster::Roster;
pub use sources::{SourceInfo, configured};
pub use view::Scope;

use hub::Hub;
use model::Model;

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
}

/// The model of the city and the views on it.
pub struct Picture {
    inner: Mutex<Model>,
    versions: Arc<VersionStore>,
}

impl Picture {
    /// The picture as of the start: open alerts are known, devices are not yet.
    pub fn new(start: Start) -> Self {
        let versions = Arc::clone(&start.versions);
        Self { inner: Mutex::new(Model::new(start)), versions }
    }

    /// Takes in what a recovered machine knows of its devices.
    pub fn known<'a>(&self, devices: impl Iterator<Item = DeviceView<'a>>) {
        let mut model = self.lock();
        for device in devices {
            model.known(&device);
        }
    }

    /// The observer to give to the pipeline.
    pub fn observer(self: &Arc<Self>) -> Box<dyn Observer> {
        Box::new(PictureObserver(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, Model> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a step, and publishes its alerts at once.
    pub fn observe(&self, step: &Step<'_>) {
        let mut model = self.lock();
        if let Some(roster) = model.wanted(step).and_then(|wanted| wanted.build(&self.versions)) {
            model.rebuild(roster);
        }
        model.observe(step);
    }

    /// Publishes what changed about devices since the last call.
    pub fn flush(&self, now: Timestamp) {
        self.lock().flush(now);
    }

    /// Publishes a heartbeat. Called once a second: rates are counted in calls.
    pub fn beat(&self, now: Timestamp) {
        self.lock().beat(now);
    }

    /// The frames of a view.
    pub fn hub(&self, view: &str) -> Option<Arc<Hub>> {
        self.lock().hub(view)
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
    pub fn columns(&self, view: &str) -> Option<(String, Bytes)> {
        self.lock().columns(view)
    }

    /// A view's snapshot as JSON. The same bytes for everybody who asks at the same sequence number.
    pub fn snapshot(&self, view: &str, clock: Timestamp) -> Option<Bytes> {
        // The copy is taken under the lock, the encoding is not.
        let snapshot = match self.lock().snapshot(view, clock)? {
            model::Snapshot::Encoded(bytes) => return Some(bytes),
            model::Snapshot::Fresh(snapshot) => snapshot,
        };
        let bytes = Bytes::from(serde_json::to_vec(&*snapshot).unwrap_or_default());
        self.lock().keep_snapshot(view, snapshot.seq, &bytes);
        Some(bytes)
    }

    /// Counts and indices of what a scope sees.
    pub fn tally(&self, scope: &Scope) -> Tally {
        self.lock().tally(scope)
    }

    /// States of the sources.
    pub fn sources(&self) -> Vec<api::Source> {
        self.lock().sources.list()
    }

    /// Up to `limit` devices from position `from` on that `keep` wants, and where to go on.
    pub fn devices(
        &self,
        from: usize,
        limit: usize,
        keep: impl Fn(&roster::Entry, &device::Slot) -> bool,
    ) -> (Vec<api::Device>, Option<usize>) {
        self.lock().devices(from, limit, keep)
    }

    /// One device.
    pub fn device(&self, id: &DeviceId) -> Option<api::Device> {
        self.lock().device(id)
    }

    /// Recent readings of one series, oldest first, and whether there is such a series.
    pub fn recent(&self, id: &DeviceId, quantity: &str) -> Option<Vec<(i64, f64)>> {
        self.lock().recent(id, quantity)
    }

    /// Open alerts by rule.
    pub fn open_by_rule(&self) -> std::collections::BTreeMap<maibo_core::id::RuleId, u64> {
        self.lock().alerts.by_rule()
    }

    /// The index after the last fact shown: a read that is to agree with the picture waits for it.
    pub fn facts(&self) -> u64 {
        self.lock().facts
    }

    /// Events taken in since the start.
    pub fn events(&self) -> u64 {
        self.lock().events
    }

    /// An alert that is open, or was resolved a moment ago.
    pub fn alert(&self, episode: maibo_core::id::EpisodeId) -> Option<Transition> {
        self.lock().alerts.get(episode).cloned()
    }
}

#[cfg(test)]
impl Picture {
    /// Shows an alert that no pipeline knows.
    pub(crate) fn show(&self, t: &Transition) {
        self.lock().alerts.apply(t.at, t);
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
