//! One event: when it was reported last, when it is over, and the episode it has open.

use core::cmp::Ordering;

use minicbor::{Decode, Encode};

use crate::alert::{Change, Given, Opening};
use crate::engine::series::Scene;
use crate::fact::Reason;
use crate::id::{EpisodeId, Subject};
use crate::input::Found;
use crate::limit;
use crate::place::Level;
use crate::reading::{Event, Text};
use crate::rule::{EventRule, Rule};
use crate::time::{Millis, Timestamp};

/// The times of one report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// What orders the reports of one event.
    pub(super) said: Timestamp,
    /// What it is judged at; never ahead of the receive time.
    pub(super) at: Timestamp,
    /// The end it names.
    pub(super) ends: Option<Timestamp>,
}

impl Stamp {
    /// `None`: too old for anything.
    pub(super) fn of(event: &Event, now: Timestamp, clock_is_wrong: bool) -> Option<Self> {
        let received = event.received.min(now);
        let lead = event.at.since(received);
        let wrong = clock_is_wrong || event.at < Timestamp::EARLIEST || lead > limit::MAX_LEAD;
        let said = if wrong { received } else { event.at };
        let at = said.min(received);
        // A clock before 2000 says nothing about ends behind it.
        let by = if wrong && event.at >= Timestamp::EARLIEST { received.since(event.at) } else { Millis::ZERO };
        let ends = event.expires.filter(|end| *end >= Timestamp::EARLIEST).map(|end| end + by);
        (received.since(at) <= limit::MAX_AGE).then_some(Self { said, at, ends })
    }
}

/// One event, open or over.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Known {
    #[n(0)]
    pub(super) identity: Text,
    /// Of the last report; `None` where only the log told of it.
    #[n(1)]
    pub(super) code: Option<Text>,
    /// The times of the last report.
    #[n(2)]
    pub(super) said: Timestamp,
    #[n(3)]
    pub(super) at: Timestamp,
    #[n(4)]
    pub(super) ends: Option<Timestamp>,
    /// What is added to the wait for a repeat.
    #[n(5)]
    pub(super) moved: Millis,
    /// Of the episode, or the last one.
    #[n(6)]
    pub(super) reports: u32,
    #[n(7)]
    pub(in crate::engine) firing: Option<(EpisodeId, Level)>,
    /// The identities it gave.
    #[n(8)]
    pub(in crate::engine) given: Given,
    /// An operator closed it: repeats of what goes on open nothing, until it was cancelled or not repeated for too long.
    #[n(9)]
    #[cbor(default)]
    pub(in crate::engine) shut: bool,
    /// What its last report says of itself, in words: the reporter's own, and when it begins.
    #[n(10)]
    pub(super) ahead: Option<Box<Found>>,
}

impl Known {
    pub(super) fn new(identity: &Text, stamp: Stamp, given: Given) -> Self {
        let Stamp { said, at, ends } = stamp;
        let identity = identity.clone();
        let (code, ahead, moved) = (None, None, Millis::ZERO);
        Self { identity, code, said, at, ends, moved, reports: 0, firing: None, given, shut: false, ahead }
    }

    /// Engine time at which it is over by itself.
    pub(super) fn until(&self, rule: &EventRule) -> Timestamp {
        self.ends.unwrap_or_else(|| self.at + rule.expires_after + self.moved)
    }

    /// Whether repeats of it are waited for: it is open, or an operator closed it and hears no more of it until it is over.
    pub(super) const fn goes_on(&self) -> bool {
        self.firing.is_some() || self.shut
    }

    /// Whether a report measured at `at` is a repeat of what an operator closed.
    pub(super) fn is_shut(&mut self, rule: &EventRule, at: Timestamp) -> bool {
        self.shut &= at < self.until(rule);
        self.shut
    }

    fn value(&self) -> f64 {
        f64::from(self.reports)
    }

    /// Ends it, if it is open.
    pub(super) fn close(&mut self, scene: &mut Scene<'_>, event: Timestamp, decided: Timestamp, reason: Reason) {
        if let Some((episode, _)) = self.firing.take() {
            self.tell(scene, (episode, None), event, decided, reason);
        }
    }

    pub(super) fn tell(
        &self,
        scene: &mut Scene<'_>,
        (episode, level): (EpisodeId, Option<Level>),
        event: Timestamp,
        decided: Timestamp,
        reason: Reason,
    ) {
        let event = scene.book.moved(episode, event);
        let change = self.change(scene, level, event, decided, reason);
        scene.book.change(episode, change);
    }

    fn change(
        &self,
        scene: &Scene<'_>,
        level: Option<Level>,
        event: Timestamp,
        decided: Timestamp,
        reason: Reason,
    ) -> Change {
        let historic = decided.since(event) > scene.device.historic_after();
        Change {
            level,
            stale: false,
            historic,
            value: Some(self.value()),
            threshold: None,
            measure: None,
            found: self.ahead.as_deref().cloned(),
            event,
            decided,
            reason,
            by: None,
        }
    }

    /// Opens an episode, its first report being taken.
    pub(super) fn open(&mut self, scene: &mut Scene<'_>, rule: &Rule, level: Level, now: Timestamp) {
        let device = scene.device;
        let subject = Subject::Event { device: device.id.clone(), identity: self.identity.clone() };
        let n = self.given.next(self.at);
        let episode = EpisodeId::derive(&rule.id, &subject, self.at, n);
        self.reports = 1;
        self.firing = Some((episode, level));
        let opening = Opening {
            episode,
            rule: rule.id.clone(),
            subject,
            quantity: None,
            place: Some(device.place.clone()),
            domain: rule.domain,
            started_at: self.at,
        };
        let change = self.change(scene, Some(level), self.at, now, Reason::Event);
        scene.book.open(opening, level, change);
    }

    /// Takes the times of a newer report. Reports that waited while Maibo was deaf do not shorten the wait for the next.
    pub(super) fn renew(&mut self, rule: &EventRule, event: &Event, stamp: Stamp) {
        let waits = self.goes_on() && self.ends.is_none() && stamp.ends.is_none();
        let until = waits.then(|| self.until(rule));
        (self.code, self.ahead) = (Some(event.code.clone()), event.ahead.clone());
        (self.said, self.at, self.ends, self.moved) = (stamp.said, self.at.max(stamp.at), stamp.ends, Millis::ZERO);
        if let Some(until) = until {
            self.moved = until.since(self.until(rule)).max(Millis::ZERO);
        }
    }

    /// Takes a newer report of what is open. One at the same level that says something else is told; a mere repetition is not.
    pub(super) fn repeat(
        &mut self,
        scene: &mut Scene<'_>,
        rule: &EventRule,
        (event, stamp): (&Event, Stamp),
        level: Level,
        now: Timestamp,
    ) {
        let Some((episode, before)) = self.firing else { return };
        let same = self.ahead == event.ahead;
        self.renew(rule, event, stamp);
        self.reports = self.reports.saturating_add(1);
        let reason = match level.cmp(&before) {
            Ordering::Greater => Some(Reason::Raised),
            Ordering::Less => Some(Reason::Lowered),
            Ordering::Equal => (!same).then_some(Reason::Event),
        };
        match reason {
            None => scene.book.note_value(episode, self.value()),
            Some(reason) => {
                self.firing = Some((episode, level));
                self.tell(scene, (episode, Some(level)), self.at, now, reason);
            }
        }
        let until = self.until(rule);
        if until <= now {
            self.close(scene, until.max(self.at), now, Reason::EventExpired);
        }
    }
}
