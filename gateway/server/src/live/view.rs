//! One view of the city: a set of districts and domains with its own columns, sequence and snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::place::Domain;
use maibo_core::time::Timestamp;

use super::device::Slot;
use super::hub::Hub;
use super::index::Tally;
use super::roster::Roster;
use super::words;

/// Devices in one frame: keeps a frame below 256 kB.
const FRAME_DEVICES: usize = 4_000;
/// Not in the view.
const NONE: u32 = u32::MAX;
/// Nothing changed.
const CLEAN: i8 = i8::MIN;

/// What somebody may see. `None` means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Districts by code.
    pub districts: Option<BTreeSet<String>>,
    /// Domains.
    pub domains: Option<BTreeSet<Domain>>,
}

impl Scope {
    /// Sees everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Whether it sees a domain.
    pub fn allows_domain(&self, domain: Domain) -> bool {
        self.domains.as_ref().is_none_or(|d| d.contains(&domain))
    }

    /// Whether it sees a district.
    pub fn allows_district(&self, district: &str) -> bool {
        self.districts.as_ref().is_none_or(|d| d.contains(district))
    }

    /// Whether it sees a domain in a district.
    pub fn allows(&self, district: &str, domain: Domain) -> bool {
        self.allows_domain(domain) && self.allows_district(district)
    }

    /// Whether it sees an alert; one without a place belongs to every district.
    pub fn allows_alert(&self, t: &Transition) -> bool {
        self.allows_domain(t.domain) && words::district(t).is_none_or(|d| self.allows_district(d))
    }
}

/// A view.
pub(super) struct View {
    pub(super) id: &'static str,
    pub(super) scope: Scope,
    pub(super) hub: Arc<Hub>,
    /// Version of the columns.
    pub(super) version: String,
    /// The columns as JSON.
    pub(super) columns: Bytes,
    /// Positions in the roster, by position in the view.
    pub(super) members: Vec<u32>,
    /// Positions in the view, by position in the roster.
    positions: Vec<u32>,
    /// Positions in the view that changed.
    dirty: Vec<u32>,
    /// The highest code of this window, by position in the view.
    peak: Vec<i8>,
    pub(super) heartbeat: Option<api::Heartbeat>,
    /// The snapshot that was encoded last, with its sequence number.
    pub(super) snapshot: Option<(u64, Bytes)>,
}

impl View {
    pub(super) fn new(id: &'static str, scope: Scope, epoch: String, roster: &Roster) -> Self {
        let mut view = Self {
            id,
            scope,
            hub: Arc::new(Hub::new(epoch)),
            version: String::new(),
            columns: Bytes::new(),
            members: Vec::new(),
            positions: Vec::new(),
            dirty: Vec::new(),
            peak: Vec::new(),
            heartbeat: None,
            snapshot: None,
        };
        view.fit(roster);
        view
    }

    /// Takes another roster: positions change their meaning, so everybody takes a snapshot.
    pub(super) fn rebuild(&mut self, roster: &Roster) {
        self.fit(roster);
        self.snapshot = None;
        self.hub.cut();
    }

    fn fit(&mut self, roster: &Roster) {
        let inside = |(_, e): &(usize, &super::roster::Entry)| self.scope.allows(&e.district, e.domain);
        self.members = roster.devices.iter().enumerate().filter(inside).map(|(i, _)| i as u32).collect();
        self.positions = vec![NONE; roster.devices.len()];
        for (position, member) in self.members.iter().enumerate() {
            self.positions[*member as usize] = position as u32;
        }
        self.dirty.clear();
        self.peak = vec![CLEAN; self.members.len()];
        let columns = roster.columns(&self.members);
        self.version.clone_from(&columns.version);
        self.columns = Bytes::from(serde_json::to_vec(&columns).unwrap_or_default());
    }

    /// Notes that a device changed, and what its code is now.
    pub(super) fn mark(&mut self, device: usize, code: i8) {
        let Some(position) = self.positions.get(device).copied().filter(|p| *p != NONE) else { return };
        let Some(peak) = self.peak.get_mut(position as usize) else { return };
        if *peak == CLEAN {
            self.dirty.push(position);
        }
        *peak = (*peak).max(code);
    }

    /// Publishes what changed.
    pub(super) fn flush(&mut self, now: Timestamp, roster: &Roster, slots: &[Slot]) {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        for chunk in dirty.chunks(FRAME_DEVICES) {
            let n = chunk.len();
            let mut frame = api::DeviceFrame {
                s: 0,
                ts: now.0,
                i: chunk.to_vec(),
                l: Vec::with_capacity(n),
                v: Vec::with_capacity(n),
                a: Vec::with_capacity(n),
            };
            for position in chunk {
                let member = self.members[*position as usize] as usize;
                let (code, value, at) = present(roster, slots, member);
                let peak = std::mem::replace(&mut self.peak[*position as usize], CLEAN);
                frame.l.push(peak);
                frame.v.push(value);
                frame.a.push(at);
                if peak != code {
                    // The highest level of the window is told now; where the device stands, with the next frame.
                    self.mark(member, code);
                }
            }
            self.hub.publish(|seq| encode(&api::ServerFrame::Dv(api::DeviceFrame { s: seq, ..frame })));
        }
    }

    /// Publishes alerts at once, those of the view.
    pub(super) fn alerts(&self, now: Timestamp, changed: &[(&Transition, api::Alert)]) {
        let up: Vec<api::Alert> =
            changed.iter().filter(|(t, _)| self.scope.allows_alert(t)).map(|(_, alert)| alert.clone()).collect();
        if !up.is_empty() {
            self.hub.publish(|seq| encode(&api::ServerFrame::Al(api::AlertFrame { s: seq, ts: now.0, up })));
        }
    }

    /// Publishes a heartbeat.
    pub(super) fn beat(&mut self, now: Timestamp, tally: &Tally, sources: &[api::Source], rates: (f64, u64)) {
        let score = |(domain, group): (&Domain, &super::index::Group)| {
            (domain.as_str().to_owned(), api::Score { index: group.index, coverage: group.coverage() })
        };
        let district = |(code, g): (&String, &super::index::Group)| {
            (code.clone(), api::DistrictState { devices: g.devices, online: g.online, open: g.open })
        };
        let heartbeat = api::Heartbeat {
            s: 0,
            ts: now.0,
            rate: rates.0,
            devices: tally.devices,
            online: tally.online,
            sources: sources.to_vec(),
            index: api::Indices {
                city: tally.index,
                coverage: tally.coverage(),
                domains: tally.domains.iter().map(score).collect(),
            },
            districts: tally.districts.iter().map(district).collect(),
            alarm_rate_10min: rates.1,
        };
        let kept = &mut self.heartbeat;
        self.hub.heartbeat(|seq| {
            let heartbeat = api::Heartbeat { s: seq, ..heartbeat };
            *kept = Some(heartbeat.clone());
            encode(&api::ServerFrame::Hb(heartbeat))
        });
    }
}

/// Code, value of the primary quantity, and event time of a device.
pub(super) fn present(roster: &Roster, slots: &[Slot], device: usize) -> (i8, Option<f64>, i64) {
    let (Some(entry), Some(slot)) = (roster.devices.get(device), slots.get(device)) else { return (-1, None, 0) };
    let last = entry.primary.as_ref().and_then(|q| slot.last(q));
    let at = last.map(|l| l.at).or(slot.last_heard).map_or(0, |t| t.0);
    (slot.code(), words::finite(last.map(|l| l.value)), at)
}

/// A frame as text. These values have text keys only, so encoding cannot fail.
pub(super) fn encode(frame: &api::ServerFrame) -> String {
    serde_json::to_string(frame).unwrap_or_default()
}
