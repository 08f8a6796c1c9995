//! Which rules open and end on the same subject again and again.
//!
//! Bounded: [`limit::MAX_FLAPS`] rules × subjects, each forgotten [`limit::FLAPPING_SPAN`] after it last opened or ended.
//! **Invariant:** what is due to be forgotten is treated as if it were forgotten, so that it does not matter when that
//! happens.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::id::{RuleId, Subject};
use crate::limit;
use crate::time::Timestamp;

const NEVER: Timestamp = Timestamp(i64::MIN);

/// The last openings of one rule on one subject.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Flaps {
    #[n(0)]
    rule: RuleId,
    #[n(1)]
    subject: Subject,
    /// Event times, oldest first; those before the last longer end are forgotten.
    #[n(2)]
    opened: [Timestamp; limit::FLAPPING_OPENINGS],
    /// Event time of the last end.
    #[n(3)]
    ended: Timestamp,
    #[n(4)]
    flapping: bool,
    /// Engine time of the last opening or end.
    #[n(5)]
    touched: Timestamp,
}

impl Flaps {
    fn is_past(&self, now: Timestamp) -> bool {
        now.since(self.touched) >= limit::FLAPPING_SPAN
    }

    fn open(&mut self, at: Timestamp) -> bool {
        let pause = at.since(self.ended);
        self.flapping &= pause < limit::FLAPPING_CALM;
        if pause > limit::FLAPPING_GAP {
            self.opened = [NEVER; limit::FLAPPING_OPENINGS];
        }
        self.opened.rotate_left(1);
        let [first, .., last] = &mut self.opened;
        *last = at;
        self.flapping |= *first != NEVER && at.since(*first) <= limit::FLAPPING_SPAN;
        self.flapping
    }

    fn goes_on(&mut self, at: Timestamp) -> bool {
        let [.., last] = self.opened;
        self.flapping &= at.since(last) < limit::FLAPPING_CALM;
        self.flapping
    }
}

/// The openings of one machine's rules.
#[derive(Debug, Default)]
pub(super) struct AllFlaps(BTreeMap<(RuleId, Subject), Flaps>);

impl AllFlaps {
    /// An episode opened at this event time, decided `now`. Answers whether it flaps.
    pub(super) fn open(&mut self, rule: &RuleId, subject: &Subject, at: Timestamp, now: Timestamp) -> bool {
        if self.0.len() >= limit::MAX_FLAPS {
            self.0.retain(|_, flaps| !flaps.is_past(now));
        }
        let key = (rule.clone(), subject.clone());
        let full = self.0.len() >= limit::MAX_FLAPS && !self.0.contains_key(&key);
        if full {
            return false;
        }
        let fresh = || Flaps {
            rule: rule.clone(),
            subject: subject.clone(),
            opened: [NEVER; limit::FLAPPING_OPENINGS],
            ended: NEVER,
            flapping: false,
            touched: now,
        };
        let flaps = self.0.entry(key).or_insert_with(fresh);
        if flaps.is_past(now) {
            *flaps = fresh();
        }
        flaps.touched = now;
        flaps.open(at)
    }

    /// Whether an open episode still flaps at this event time.
    pub(super) fn goes_on(&mut self, rule: &RuleId, subject: &Subject, at: Timestamp, now: Timestamp) -> bool {
        self.known(rule, subject, now).is_some_and(|flaps| flaps.goes_on(at))
    }

    fn known(&mut self, rule: &RuleId, subject: &Subject, now: Timestamp) -> Option<&mut Flaps> {
        self.0.get_mut(&(rule.clone(), subject.clone())).filter(|flaps| !flaps.is_past(now))
    }

    /// An episode ended at this event time, decided `now`.
    pub(super) fn end(&mut self, rule: &RuleId, subject: &Subject, at: Timestamp, now: Timestamp) {
        if let Some(flaps) = self.known(rule, subject, now) {
            flaps.ended = at;
            flaps.touched = now;
        }
    }

    /// What still counts at `now`, in order.
    pub(super) fn saved(&self, now: Option<Timestamp>) -> Vec<Flaps> {
        self.0.values().filter(|f| now.is_none_or(|now| !f.is_past(now))).cloned().collect()
    }

    /// What [`Self::saved`] gave.
    pub(super) fn restore(&mut self, saved: Vec<Flaps>) {
        self.0 = saved.into_iter().map(|f| ((f.rule.clone(), f.subject.clone()), f)).collect();
    }
}
