//! Discrete reports: one event rule on one device, one episode for each event it reports.
//!
//! An event is known by its identity. Its first report opens the episode at once, at the level of its code; repeats
//! extend it, move its level and are counted (the count is the alert's value), and are no facts by themselves, unless they
//! say something else: other words, another beginning. It ends
//! with the device's cancellation, at the end that its last report names, or `expires_after` behind its last report
//! where that names none.
//!
//! - **Order.** Reports of one event are ordered by the device's own times. An older one is late, an equal one a
//!   duplicate, and neither moves anything; a cancellation with the time of the last report ends the event. What comes
//!   behind the end with a later time is a new episode.
//! - **Time.** A report from ahead is judged at the receive time; so is every report of a device whose clock is known to
//!   be wrong, and then the length of its validity counts, not its end. A report whose validity is over when it comes, or
//!   that is older than [`limit::MAX_AGE`], opens nothing. An end before 2000 is none.
//! - **Expiry** is on engine time. A named end holds whatever happens. The other kind waits for a repeat: while Maibo is
//!   deaf it does not come, and time that Maibo was deaf, or that its clock jumped, is added to it.
//! - **Ahead.** A report of what is yet to begin opens at once as well; when it begins is said in its words.
//! - **Words.** What a report says of itself is a version of its own (`event`) where the level is the same and the words are not
//!   those of the last: that a storm comes two hours earlier is news.
//! - A report whose code the rule does not have means nothing to it; a cancellation needs no code.
//!
//! **Invariants:** after a step nothing open is over by its `now`; identities of episodes are given once, also by events
//! that are forgotten. Bounded by [`limit::MAX_EVENTS`] and [`limit::MAX_ENDED_EVENTS`]; decoders bound the words.

use core::cmp::Ordering;

use super::series::Scene;
use crate::alert::Given;
use crate::fact::Reason;
use crate::id::Subject;
use crate::limit;
use crate::place::Level;
use crate::reading::Event;
use crate::rule::{EventRule, Rule, RuleSet};
use crate::time::{Millis, Timestamp};

mod device;
mod known;

pub(super) use known::Known;
use known::Stamp;

/// How many events went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Opened, extended or ended an event.
    pub judged: u64,
    /// Same identity and time as the last report.
    pub duplicate: u64,
    /// Older than the last report of the same identity.
    pub late: u64,
    /// Over, or older than [`crate::limit::MAX_AGE`], when they came.
    pub too_old: u64,
    /// Cancellations of what was not known.
    pub unknown: u64,
    /// Beyond [`crate::limit::MAX_EVENTS`] of their device.
    pub refused: u64,
    /// With a code that no rule on their device has.
    pub ignored: u64,
    /// Of devices that the catalogue in force does not know.
    pub unregistered: u64,
}

/// What one rule made of a report. Of several rules the first in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Judged,
    Duplicate,
    Late,
    TooOld,
    Refused,
    Unknown,
}

impl EventCounts {
    /// Counts one report; `None`: it means nothing to any rule.
    fn add(&mut self, fate: Option<Fate>) {
        let count = match fate {
            Some(Fate::Judged) => &mut self.judged,
            Some(Fate::Duplicate) => &mut self.duplicate,
            Some(Fate::Late) => &mut self.late,
            Some(Fate::TooOld) => &mut self.too_old,
            Some(Fate::Refused) => &mut self.refused,
            Some(Fate::Unknown) => &mut self.unknown,
            None => &mut self.ignored,
        };
        *count += 1;
    }
}

/// One event rule on one device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventCell {
    /// Number of the rule in its set.
    pub(super) rule: u32,
    /// In the order of identities.
    pub(super) known: Vec<Known>,
    /// The identities given by events that are forgotten.
    pub(super) given: Given,
    /// How many are open, and the worst level of them.
    pub(super) open: usize,
    pub(super) worst: Option<Level>,
    /// When the next is over by the end it names, and by the lack of a repeat.
    ends: Timestamp,
    waits: Timestamp,
}

/// The event rule of this number.
fn law(rules: &RuleSet, number: u32) -> Option<(&Rule, &EventRule)> {
    let rule = rules.rules.get(number as usize)?;
    Some((rule, rule.event()?))
}

impl EventCell {
    fn new(rule: u32) -> Self {
        let (known, given) = (Vec::new(), Given::default());
        Self { rule, known, given, open: 0, worst: None, ends: Timestamp::MAX, waits: Timestamp::MAX }
    }

    /// Finds out anew what is open and when it is over.
    pub(super) fn refresh(&mut self, rules: &RuleSet) {
        (self.open, self.worst) = (0, None);
        (self.ends, self.waits) = (Timestamp::MAX, Timestamp::MAX);
        let Some((_, rule)) = law(rules, self.rule) else { return };
        for known in &self.known {
            let Some((_, level)) = known.firing else { continue };
            self.open += 1;
            self.worst = self.worst.max(Some(level));
            let due = if known.ends.is_some() { &mut self.ends } else { &mut self.waits };
            *due = known.until(rule).min(*due);
        }
    }

    /// Takes a report. `None` where it means nothing to the rule; `room`: one more may be open on the device.
    fn report(
        &mut self,
        scene: &mut Scene<'_>,
        event: &Event,
        stamp: Stamp,
        now: Timestamp,
        room: bool,
    ) -> Option<Fate> {
        let (rule, codes) = law(scene.rules, self.rule)?;
        let level = codes.level(&event.code);
        let over = stamp.ends.unwrap_or(stamp.at + codes.expires_after) <= now;
        let fate = match self.known.binary_search_by(|k| k.identity.cmp(&event.identity)) {
            Ok(i) => {
                let known = self.known.get_mut(i)?;
                if !event.cancelled && level.is_none() {
                    return None;
                }
                let ends_it = event.cancelled && known.firing.is_some();
                match stamp.said.cmp(&known.said) {
                    Ordering::Less => return Some(Fate::Late),
                    Ordering::Equal if !ends_it => return Some(Fate::Duplicate),
                    _ => {}
                }
                match level.filter(|_| !event.cancelled) {
                    None => {
                        known.renew(codes, event, stamp);
                        known.shut = false;
                        known.close(scene, known.at, now, Reason::EventCancelled);
                    }
                    Some(level) if known.firing.is_some() => known.repeat(scene, codes, (event, stamp), level, now),
                    Some(_) if known.is_shut(codes, stamp.at) => known.renew(codes, event, stamp),
                    Some(_) if over => return Some(Fate::TooOld),
                    Some(_) if !room => return Some(Fate::Refused),
                    Some(level) => {
                        known.renew(codes, event, stamp);
                        known.open(scene, rule, level, now);
                    }
                }
                Fate::Judged
            }
            Err(i) => {
                let level = level?;
                if event.cancelled {
                    return Some(Fate::Unknown);
                } else if over {
                    return Some(Fate::TooOld);
                } else if !room {
                    return Some(Fate::Refused);
                }
                if self.given.is_empty() {
                    let subject = Subject::Device(scene.device.id.clone());
                    self.given = scene.book.spent(&rule.id, &subject).unwrap_or(self.given);
                }
                let mut known = Known::new(&event.identity, stamp, self.given);
                (known.code, known.ahead) = (Some(event.code.clone()), event.ahead.clone());
                known.open(scene, rule, level, now);
                self.known.insert(i, known);
                self.forget(now);
                Fate::Judged
            }
        };
        self.refresh(scene.rules);
        Some(fate)
    }

    /// Forgets what is long over.
    fn forget(&mut self, now: Timestamp) {
        let given = &mut self.given;
        self.known.retain(|k| {
            let keep = k.firing.is_some() || now.since(k.said) <= limit::MAX_AGE;
            if !keep {
                given.merge(k.given);
            }
            keep
        });
        let over = || (0..).zip(&self.known).filter(|(_, k)| k.firing.is_none());
        for _ in limit::MAX_ENDED_EVENTS..over().count() {
            let over = (0..).zip(&self.known).filter(|(_, k)| k.firing.is_none());
            let Some((i, _)) = over.min_by_key(|(_, k)| k.said) else { return };
            self.given.merge(self.known.remove(i).given);
        }
    }

    /// Engine time at which the next open event is over by itself. Where Maibo is deaf only named ends come.
    pub(super) fn due(&self, deaf: bool) -> Timestamp {
        if deaf { self.ends } else { self.ends.min(self.waits) }
    }

    /// Ends what is over at or before `until`, decided at its time but not before `floor`.
    pub(super) fn fire(&mut self, scene: &mut Scene<'_>, floor: Timestamp, until: Timestamp, deaf: bool) {
        if self.due(deaf) > until {
            return;
        }
        let Some((_, rule)) = law(scene.rules, self.rule) else { return };
        for known in self.known.iter_mut().filter(|k| k.ends.is_some() || !deaf) {
            let at = known.until(rule);
            if at <= until {
                known.close(scene, at, at.max(floor), Reason::EventExpired);
            }
        }
        self.refresh(scene.rules);
    }

    /// Waiting for repeats takes longer by this: Maibo was deaf, or engine time jumped.
    pub(super) fn wait(&mut self, rules: &RuleSet, by: Millis) {
        for known in self.known.iter_mut().filter(|k| k.goes_on() && k.ends.is_none()) {
            known.moved = known.moved + by;
        }
        self.refresh(rules);
    }

    /// What all its events gave, those forgotten included.
    pub(super) fn all_given(&self) -> Given {
        let mut all = self.given;
        self.known.iter().for_each(|k| all.merge(k.given));
        all
    }

    /// Judges what is open by the codes of an edited rule.
    fn rejudge(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        let Some((_, rule)) = law(scene.rules, self.rule) else { return };
        for known in &mut self.known {
            // What only the log told of has no code to judge by.
            let (Some((episode, before)), Some(code)) = (known.firing, &known.code) else { continue };
            match rule.level(code) {
                None => known.close(scene, now, now, Reason::RuleChanged),
                Some(level) if level != before => {
                    known.firing = Some((episode, level));
                    known.tell(scene, (episode, Some(level)), now, now, Reason::RuleChanged);
                }
                Some(_) => {}
            }
        }
        self.refresh(scene.rules);
    }
}
