//! One view of the city: a set of districts and domains with its own columns and sequence.
//!
//! Under the picture's lock a view only notes what changed and gives out numbers; frames are made after it, from [`DeviceNews`] and [`AlertNews`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::id::EpisodeId;
use maibo_core::place::Domain;
use maibo_core::time::Timestamp;

use super::device::Slot;
use super::hub::{Hub, Places};
use super::roster::{Entry, Roster};
use super::words;

/// Devices in one frame: keeps a frame below 256 kB.
pub(super) const FRAME_DEVICES: usize = 4_000;
/// Alerts in one frame: keeps a frame below 256 kB, where their notes are short.
pub(super) const FRAME_ALERTS: usize = 250;
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

    /// Whether it sees everything that another one does.
    pub fn covers(&self, other: &Self) -> bool {
        fn within<T: Ord>(all: Option<&BTreeSet<T>>, some: Option<&BTreeSet<T>>) -> bool {
            all.is_none_or(|all| some.is_some_and(|some| some.is_subset(all)))
        }
        within(self.districts.as_ref(), other.districts.as_ref())
            && within(self.domains.as_ref(), other.domains.as_ref())
    }

    /// Whether nothing is kept from it.
    pub fn is_everything(&self) -> bool {
        self.covers(&Self::everything())
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

/// The devices of a view: which they are, and the columns that say so. Made outside of the picture's lock.
pub(super) struct Layout {
    /// Version of the columns.
    pub(super) version: String,
    /// The columns as JSON.
    pub(super) columns: Bytes,
    /// Positions in the roster, by position in the view.
    pub(super) members: Arc<[u32]>,
    /// Positions in the view, by position in the roster.
    positions: Vec<u32>,
}

impl Layout {
    pub(super) fn new(scope: &Scope, roster: &Roster) -> Self {
        let inside = |(_, e): &(usize, &Entry)| scope.allows(&e.district, e.domain);
        let members: Arc<[u32]> = roster.devices.iter().enumerate().filter(inside).map(|(i, _)| i as u32).collect();
        let mut positions = vec![NONE; roster.devices.len()];
        for (position, member) in members.iter().enumerate() {
            positions[*member as usize] = position as u32;
        }
        let columns = roster.columns(&members);
        let text = Bytes::from(serde_json::to_vec(&columns).unwrap_or_default());
        Self { version: columns.version, columns: text, members, positions }
    }
}

/// A view.
pub(super) struct View {
    pub(super) id: &'static str,
    pub(super) scope: Arc<Scope>,
    pub(super) hub: Arc<Hub>,
    pub(super) layout: Layout,
    /// Positions in the view that changed.
    dirty: Vec<u32>,
    /// The highest code of this window, by position in the view.
    peak: Vec<i8>,
}

impl View {
    pub(super) fn new(id: &'static str, scope: Scope, epoch: String, roster: &Roster) -> Self {
        let layout = Layout::new(&scope, roster);
        let peak = vec![CLEAN; layout.members.len()];
        Self { id, scope: Arc::new(scope), hub: Arc::new(Hub::new(epoch)), layout, dirty: Vec::new(), peak }
    }

    /// Takes another roster's layout: positions change their meaning, so everybody takes a snapshot.
    pub(super) fn rebuild(&mut self, layout: Layout) {
        self.dirty.clear();
        self.peak = vec![CLEAN; layout.members.len()];
        self.layout = layout;
        self.hub.cut();
    }

    /// Notes that a device changed, and what its code is now.
    pub(super) fn mark(&mut self, device: usize, code: i8) {
        let Some(position) = self.layout.positions.get(device).copied().filter(|p| *p != NONE) else { return };
        let Some(peak) = self.peak.get_mut(position as usize) else { return };
        if *peak == CLEAN {
            self.dirty.push(position);
        }
        *peak = (*peak).max(code);
    }

    /// Takes out what changed about devices.
    pub(super) fn flush(&mut self, now: Timestamp, roster: &Roster, slots: &[Slot]) -> DeviceNews {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        let mut frames = Vec::with_capacity(dirty.len().div_ceil(FRAME_DEVICES));
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
                let member = self.layout.members[*position as usize] as usize;
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
            frames.push(frame);
        }
        DeviceNews { places: self.hub.reserve(frames.len()), frames }
    }

    /// Takes the alerts that the view shows.
    pub(super) fn alerts<'a>(&self, now: Timestamp, changed: &[Changed<'a>]) -> AlertNews<'a> {
        let told: Vec<Changed<'a>> = changed.iter().filter(|(t, _)| self.scope.allows_alert(t)).cloned().collect();
        AlertNews { places: self.hub.reserve(told.len().div_ceil(FRAME_ALERTS)), ts: now.0, told }
    }
}

/// Changed devices with their numbers, to be told after the picture's lock.
#[must_use]
pub(super) struct DeviceNews {
    places: Places,
    frames: Vec<api::DeviceFrame>,
}

impl DeviceNews {
    pub(super) fn tell(self) {
        let mut places = self.places;
        for frame in self.frames {
            places.fill(|seq| encode(&api::ServerFrame::Dv(api::DeviceFrame { s: seq, ..frame })));
        }
    }
}

/// A version of an alert, and the cause that is told instead of it.
pub(super) type Changed<'a> = (Cow<'a, Transition>, Option<EpisodeId>);

/// Alerts with their numbers, to be told after the picture's lock.
#[must_use]
pub(super) struct AlertNews<'a> {
    places: Places,
    ts: i64,
    told: Vec<Changed<'a>>,
}

impl AlertNews<'_> {
    pub(super) fn tell(self, roster: &Roster) {
        let mut places = self.places;
        for chunk in self.told.chunks(FRAME_ALERTS) {
            let up = chunk.iter().map(|(t, cause)| words::alert_by(t, *cause, roster)).collect();
            places.fill(|seq| encode(&api::ServerFrame::Al(api::AlertFrame { s: seq, ts: self.ts, up })));
        }
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
