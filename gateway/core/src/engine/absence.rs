//! Silence: one absence rule on one device.
//!
//! Silence is counted in receive time, from any sign of life, and only while Maibo listens. After Maibo was deaf there is
//! a grace, and devices are spread behind it, so that a return of the network is not told as a thousand absences. A
//! device that was never heard is unknown, not absent.

use minicbor::{Decode, Encode};

use super::level::NEVER;
use super::series::Scene;
use crate::alert::{Change, Given, Opening};
use crate::fact::Reason;
use crate::id::{DeviceId, EpisodeId, Subject};
use crate::limit;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::Absence;
use crate::time::{Millis, Timestamp};

/// One absence rule on one device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AbsenceCell {
    /// Number of the rule in its set.
    pub(super) rule: u32,
    pub(super) firing: Option<(EpisodeId, Level)>,
    /// The identities it gave.
    pub(super) given: Given,
    /// An operator ended its episode while the device was silent: it is not told again before it was heard.
    pub(super) latched: bool,
}

/// Whether Maibo can hear a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) enum Deafness {
    /// Yes, as far as is known.
    #[default]
    #[n(0)]
    No,
    /// No, since the given engine time, and nothing came since.
    #[n(1)]
    Deaf(#[n(0)] Timestamp),
    /// Again, since the given engine time, but nothing came yet.
    #[n(2)]
    Waiting(#[n(0)] Timestamp),
}

/// What is known about when a device was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Hearing {
    /// Receive time of the last sign of life.
    #[n(0)]
    pub(super) heard: Timestamp,
    /// The same, moved forward by all deaf time since.
    #[n(1)]
    pub(super) silent_from: Timestamp,
    /// No absence before this.
    #[n(2)]
    pub(super) not_before: Timestamp,
    #[n(3)]
    pub(super) mute: Deafness,
}

impl Hearing {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { heard: now, silent_from: now, not_before: NEVER, mute: Deafness::No }
    }

    /// A sign of life.
    pub(super) fn hear(&mut self, now: Timestamp) {
        *self = Self { heard: now, silent_from: now, mute: Deafness::No, ..*self };
    }

    /// Maibo does not hear since `from`.
    pub(super) fn deafen(&mut self, from: Timestamp) {
        // What was lost to an earlier deafness is counted.
        let from = match self.mute {
            Deafness::Deaf(_) => return,
            Deafness::Waiting(again) => from.max(again),
            Deafness::No => from,
        };
        self.mute = Deafness::Deaf(from.max(self.silent_from));
    }

    /// Maibo hears again.
    pub(super) fn listen(&mut self, now: Timestamp, device: &Device) {
        if let Deafness::Deaf(from) = self.mute {
            self.silent_from = self.silent_from + now.since(from);
            let interval = interval(device);
            self.not_before = now + interval.max(limit::GRACE_LEAST) + spread(&device.id, interval);
            self.mute = Deafness::Waiting(now);
        }
    }

    pub(super) fn shift(&mut self, by: Millis) {
        self.heard = self.heard + by;
        self.silent_from = self.silent_from + by;
        if self.not_before != NEVER {
            self.not_before = self.not_before + by;
        }
        self.mute = match self.mute {
            Deafness::No => Deafness::No,
            Deafness::Deaf(from) => Deafness::Deaf(from + by),
            Deafness::Waiting(from) => Deafness::Waiting(from + by),
        };
    }
}

/// Engine time at which the silence is too long, without the grace after Maibo was deaf.
pub(super) fn too_long(hearing: Hearing, rule: Absence, device: &Device) -> Timestamp {
    hearing.silent_from + interval(device).times(i64::from(rule.intervals))
}

fn interval(device: &Device) -> Millis {
    device.interval.unwrap_or(limit::STALE_UNKNOWN)
}

/// Extra time of a device after Maibo was deaf: fixed by its id, up to one interval.
fn spread(id: &DeviceId, interval: Millis) -> Millis {
    let most = interval.min(limit::SPREAD_MOST).0.max(0) as u64;
    // The low byte picks the partition and is the same for all devices of one machine.
    let hash = xxhash_rust::xxh3::xxh3_64(id.as_str().as_bytes()) >> 8;
    Millis((hash % (most + 1)) as i64)
}

impl AbsenceCell {
    pub(super) fn new(rule: u32) -> Self {
        Self { rule, firing: None, given: Given::default(), latched: false }
    }

    /// Engine time at which the silence is too long.
    pub(super) fn due(&self, hearing: Hearing, rule: Absence, device: &Device) -> Option<Timestamp> {
        if self.firing.is_some() || self.latched || matches!(hearing.mute, Deafness::Deaf(_)) {
            return None;
        }
        Some(too_long(hearing, rule, device).max(hearing.not_before))
    }

    /// The silence is too long at `at`.
    pub(super) fn fire(&mut self, scene: &mut Scene<'_>, hearing: Hearing, at: Timestamp) {
        let Some(rule) = scene.rule(self.rule) else { return };
        let Some(level) = rule.absence().map(|a| a.level) else { return };
        let since = hearing.heard;
        let subject = Subject::Device(scene.device.id.clone());
        let (id, domain) = (rule.id.clone(), rule.domain);
        if self.given.is_empty() {
            self.given = scene.book.spent(&id, &subject).unwrap_or(self.given);
        }
        let n = self.given.next(since);
        let episode = EpisodeId::derive(&id, &subject, since, n);
        let opening = Opening {
            episode,
            rule: id,
            subject,
            quantity: None,
            place: Some(scene.device.place.clone()),
            domain,
            started_at: since,
        };
        scene.book.open(opening, level, change(Some(level), at, Reason::Absent));
        self.firing = Some((episode, level));
    }

    /// A sign of life.
    pub(super) fn hear(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        self.latched = false;
        if let Some((episode, _)) = self.firing.take() {
            scene.book.change(episode, change(None, now, Reason::Returned));
        }
    }
}

/// A change at an engine time, without a value.
pub(super) const fn change(level: Option<Level>, at: Timestamp, reason: Reason) -> Change {
    Change {
        level,
        stale: false,
        historic: false,
        value: None,
        threshold: None,
        measure: None,
        found: None,
        event: at,
        decided: at,
        reason,
        by: None,
    }
}
