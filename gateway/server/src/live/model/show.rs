//! What others read from the model.

use std::sync::Arc;

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::id::{DeviceId, Subject};
use maibo_core::time::Timestamp;

use super::{Model, Snapshot};
use crate::live::device::{Last, Slot};
use crate::live::hub::Hub;
use crate::live::index::{self, Tally};
use crate::live::roster::Entry;
use crate::live::view::{Scope, View, present};
use crate::live::words;

/// Series shown first when nobody has chosen.
const FEATURED: usize = 4;

impl Model {
    fn view(&self, id: &str) -> Option<&View> {
        self.views.iter().find(|v| v.id == id)
    }

    pub(in crate::live) fn hub(&self, view: &str) -> Option<Arc<Hub>> {
        self.view(view).map(|v| Arc::clone(&v.hub))
    }

    pub(in crate::live) fn columns(&self, view: &str) -> Option<(String, Bytes)> {
        self.view(view).map(|v| (v.version.clone(), v.columns.clone()))
    }

    pub(in crate::live) fn snapshot(&self, id: &str, clock: Timestamp) -> Option<Snapshot> {
        let view = self.view(id)?;
        let seq = view.hub.seq();
        if let Some((_, bytes)) = view.snapshot.as_ref().filter(|(s, _)| *s == seq) {
            return Some(Snapshot::Encoded(bytes.clone()));
        }
        let n = view.members.len();
        let (mut l, mut v, mut a) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
        for member in &view.members {
            let (code, value, at) = present(&self.roster, &self.slots, *member as usize);
            l.push(code);
            v.push(value);
            a.push(at);
        }
        let seen = self.alerts.all().filter(|t| view.scope.allows_alert(t));
        Some(Snapshot::Fresh(Box::new(api::Snapshot {
            epoch: view.hub.epoch().to_owned(),
            seq,
            now: self.clock(clock).0,
            version: view.version.clone(),
            l,
            v,
            a,
            alerts: seen.map(|t| words::alert(t, &self.roster)).collect(),
            featured: self.featured(view),
            hb: view.heartbeat.clone(),
        })))
    }

    pub(in crate::live) fn keep_snapshot(&mut self, id: &str, seq: u64, bytes: &Bytes) {
        if let Some(view) = self.views.iter_mut().find(|v| v.id == id) {
            view.snapshot = Some((seq, bytes.clone()));
        }
    }

    /// Series of the worst and newest alerts, then of devices of different kinds.
    fn featured(&self, view: &View) -> Vec<api::FeaturedSeries> {
        let mut open: Vec<&Transition> = self.alerts.open().filter(|t| view.scope.allows_alert(t)).collect();
        open.sort_by_key(|t| std::cmp::Reverse((t.level, t.started_at)));
        let alerting = open.into_iter().filter_map(|t| match (&t.subject, &t.quantity) {
            (Subject::Device(device), Some(quantity)) => Some((device.to_string(), quantity.to_string())),
            _ => None,
        });
        let mut kinds: Vec<(&str, &str)> = Vec::new();
        let mut calm = Vec::new();
        for member in &view.members {
            let Some(entry) = self.roster.devices.get(*member as usize) else { continue };
            let Some(quantity) = &entry.primary else { continue };
            if calm.len() < FEATURED && !kinds.contains(&(&entry.kind, quantity.as_str())) {
                kinds.push((&entry.kind, quantity.as_str()));
                calm.push((entry.id.to_string(), quantity.to_string()));
            }
        }
        let mut featured: Vec<api::FeaturedSeries> = Vec::new();
        for (device, quantity) in alerting.chain(calm) {
            let series = api::FeaturedSeries { device, quantity };
            if featured.len() < FEATURED && !featured.contains(&series) {
                featured.push(series);
            }
        }
        featured
    }

    pub(in crate::live) fn tally(&self, scope: &Scope) -> Tally {
        index::tally(scope, &self.roster, &self.slots, self.alerts.open())
    }

    pub(in crate::live) fn devices(
        &self,
        from: usize,
        limit: usize,
        keep: impl Fn(&Entry, &Slot) -> bool,
    ) -> (Vec<api::Device>, Option<usize>) {
        let mut found = Vec::new();
        for (i, (entry, slot)) in self.roster.devices.iter().zip(&self.slots).enumerate().skip(from) {
            if keep(entry, slot) {
                if found.len() == limit {
                    return (found, Some(i));
                }
                found.push(shown(entry, slot));
            }
        }
        (found, None)
    }

    pub(in crate::live) fn device(&self, id: &DeviceId) -> Option<api::Device> {
        let i = self.roster.position(id)?;
        Some(shown(self.roster.devices.get(i)?, self.slots.get(i)?))
    }

    pub(in crate::live) fn recent(&self, id: &DeviceId, quantity: &str) -> Option<Vec<(i64, f64)>> {
        let slot = self.slots.get(self.roster.position(id)?)?;
        let last = slot.values.iter().find(|v| v.quantity.as_str() == quantity)?;
        Some(last.recent.iter().copied().collect())
    }
}

fn shown(entry: &Entry, slot: &Slot) -> api::Device {
    let value = |v: &Last| api::DeviceValue {
        quantity: v.quantity.to_string(),
        unit: words::unit(&v.quantity).to_owned(),
        value: words::finite(Some(v.value)),
        at: words::time(v.at),
        quality: v.quality.as_str().to_owned(),
    };
    api::Device {
        id: entry.id.to_string(),
        kind: entry.kind.clone(),
        name: entry.name.clone(),
        place: entry.place.clone(),
        district: entry.district.clone(),
        lon: entry.lon,
        lat: entry.lat,
        domain: words::domain(entry.domain),
        state: slot.state(),
        unknown_why: slot.unknown(),
        level: slot.level().map(words::level),
        last_heard: slot.last_heard.map(words::time),
        values: slot.values.iter().map(value).collect(),
    }
}
