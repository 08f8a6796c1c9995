//! What others read from the model: copies, quickly made under the lock, which are put into words after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::fact::{State, Transition};
use maibo_core::id::{DeviceId, EpisodeId, Subject};
use maibo_core::time::Timestamp;

use super::Model;
use crate::live::device::Glance;
use crate::live::roster::{Entry, Roster};
use crate::live::view::{Scope, View, present};
use crate::live::words;

/// Series shown first when nobody has chosen.
const FEATURED: usize = 4;

/// A view as of one sequence number.
pub(in crate::live) struct Shot {
    roster: Arc<Roster>,
    members: Arc<[u32]>,
    version: String,
    seq: u64,
    now: Timestamp,
    l: Vec<i8>,
    v: Vec<Option<f64>>,
    a: Vec<i64>,
    alerts: Vec<Arc<Transition>>,
    /// Which of them have a cause that is told instead.
    causes: BTreeMap<EpisodeId, EpisodeId>,
}

impl Shot {
    /// As told to pages that see `scope`.
    pub(in crate::live) fn snapshot(mut self, scope: &Scope, epoch: &str, hb: Option<api::Heartbeat>) -> api::Snapshot {
        self.alerts.retain(|t| scope.allows_alert(t));
        api::Snapshot {
            epoch: epoch.to_owned(),
            seq: self.seq,
            now: self.now.0,
            alerts: self
                .alerts
                .iter()
                .map(|t| words::alert_by(t, self.causes.get(&t.episode).copied(), &self.roster))
                .collect(),
            featured: self.featured(),
            version: self.version,
            l: self.l,
            v: self.v,
            a: self.a,
            hb,
        }
    }

    /// Series of the worst and newest alerts, then of devices of different kinds.
    fn featured(&self) -> Vec<api::FeaturedSeries> {
        let mut open: Vec<&Arc<Transition>> = self.alerts.iter().filter(|t| t.state == State::Firing).collect();
        open.sort_by_key(|t| std::cmp::Reverse((t.level, t.started_at)));
        let alerting = open.into_iter().filter_map(|t| match (&t.subject, &t.quantity) {
            (Subject::Device(device), Some(quantity)) => Some((device.to_string(), quantity.to_string())),
            _ => None,
        });
        let mut kinds: Vec<(&str, &str)> = Vec::new();
        let mut calm = Vec::new();
        for member in &*self.members {
            let Some(entry) = self.roster.devices.get(*member as usize) else { continue };
            let Some(quantity) = &entry.primary else { continue };
            if calm.len() == FEATURED {
                break;
            }
            if !kinds.contains(&(&entry.kind, quantity.as_str())) {
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
}

impl Model {
    fn view(&self, id: &str) -> Option<&View> {
        self.views.iter().find(|v| v.id == id)
    }

    pub(in crate::live) fn columns(&self, view: &str) -> Option<(String, Bytes)> {
        self.view(view).map(|v| (v.layout.version.clone(), v.layout.columns.clone()))
    }

    pub(in crate::live) fn shot(&self, view: &str, clock: Timestamp) -> Option<Shot> {
        let view = self.view(view)?;
        let n = view.layout.members.len();
        let (mut l, mut v, mut a) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
        for member in &*view.layout.members {
            let (code, value, at) = present(&self.roster, &self.slots, *member as usize);
            l.push(code);
            v.push(value);
            a.push(at);
        }
        Some(Shot {
            roster: Arc::clone(&self.roster),
            members: Arc::clone(&view.layout.members),
            version: view.layout.version.clone(),
            seq: view.hub.seq(),
            now: self.clock(clock),
            l,
            v,
            a,
            alerts: self.alerts.all(),
            causes: self.alerts.causes(),
        })
    }

    /// The first `most` of these devices that are in the wanted state, with their positions. `None` where the positions
    /// are of another roster.
    pub(in crate::live) fn glances(
        &self,
        roster: &Arc<Roster>,
        positions: &[usize],
        state: Option<api::DeviceState>,
        most: usize,
    ) -> Option<Vec<(usize, Glance)>> {
        if !Arc::ptr_eq(roster, &self.roster) {
            return None;
        }
        let slots = positions.iter().filter_map(|i| Some((*i, self.slots.get(*i)?)));
        let wanted = slots.filter(|(_, slot)| state.is_none_or(|s| slot.state() == s));
        Some(wanted.take(most).map(|(i, slot)| (i, slot.glance())).collect())
    }

    pub(in crate::live) fn glance(&self, id: &DeviceId) -> Option<(Arc<Roster>, usize, Glance)> {
        let i = self.roster.position(id)?;
        Some((Arc::clone(&self.roster), i, self.slots.get(i)?.glance()))
    }

    pub(in crate::live) fn recent(&self, id: &DeviceId, quantity: &str) -> Option<Vec<(i64, f64)>> {
        let slot = self.slots.get(self.roster.position(id)?)?;
        let last = slot.values.iter().find(|v| v.quantity.as_str() == quantity)?;
        Some(last.recent.iter().copied().collect())
    }
}

/// A device as told.
pub(in crate::live) fn shown(entry: &Entry, glance: Glance) -> api::Device {
    let values = glance.values.into_iter().map(|(quantity, value, at, quality)| api::DeviceValue {
        unit: words::unit(&quantity).to_owned(),
        quantity: quantity.to_string(),
        value: words::finite(Some(value)),
        at: words::time(at),
        quality: quality.as_str().to_owned(),
    });
    api::Device {
        id: entry.id.to_string(),
        kind: entry.kind.clone(),
        name: entry.name.clone(),
        place: entry.place.clone(),
        district: entry.district.clone(),
        lon: entry.lon,
        lat: entry.lat,
        domain: words::domain(entry.domain),
        state: glance.state,
        unknown_why: glance.unknown,
        level: glance.level.map(words::level),
        last_heard: glance.last_heard.map(words::time),
        values: values.collect(),
    }
}
