//! What is known of one device now.

use std::collections::VecDeque;

use maibo_api as api;
use maibo_core::id::Quantity;
use maibo_core::place::Level;
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::{Millis, Timestamp};

/// Quantities kept of one device; values of further ones are not shown.
pub const VALUES_MAX: usize = 32;
/// Recent readings kept of one series.
pub const SERIES_POINTS: usize = 720;
/// Recent readings kept in all (16 bytes each). At the limit a series gives its oldest for its newest.
pub const POINTS_MAX: usize = 2_000_000;

/// What the engine says of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is judged.
    Yes,
    /// Nothing can be said.
    No(api::UnknownWhy),
}

/// The last value of one quantity, with its recent readings.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) quantity: Quantity,
    pub(super) value: f64,
    pub(super) at: Timestamp,
    pub(super) quality: Quality,
    /// Sorted by time, one a millisecond.
    pub(super) recent: VecDeque<(i64, f64)>,
}

/// One device.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// What the engine says, if it says anything: it is silent about devices that no rule judges.
    verdict: Option<Known>,
    pub(super) values: Vec<Last>,
    /// When anything was last received.
    pub(super) last_heard: Option<Timestamp>,
    /// Open alerts by level, blue first.
    open: [u32; 4],
    /// Maibo itself heard nothing since, and the engine has not said otherwise.
    deaf: bool,
    /// Too old, for a device the engine says nothing about.
    stale: bool,
}

impl Slot {
    /// The highest level of its open alerts.
    pub fn level(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|l| self.open[*l as usize] > 0)
    }

    /// Why nothing can be said; `None` where something can. A firing device can be unknown too: its alert stands on old
    /// data.
    pub fn unknown(&self) -> Option<api::UnknownWhy> {
        if self.deaf {
            return Some(api::UnknownWhy::Deaf);
        }
        match (self.verdict, self.last_heard) {
            (Some(Known::Yes), _) => None,
            (Some(Known::No(why)), _) => Some(why),
            (None, None) => Some(api::UnknownWhy::Never),
            (None, Some(_)) => self.stale.then_some(api::UnknownWhy::Stale),
        }
    }

    /// Its state on the interface.
    pub fn state(&self) -> api::DeviceState {
        match (self.level(), self.unknown()) {
            (Some(_), _) => api::DeviceState::Firing,
            (None, Some(_)) => api::DeviceState::Unknown,
            (None, None) => api::DeviceState::Normal,
        }
    }

    /// The level code of frames: 0 normal, 1 to 4 blue to red, -1 never seen, -2 stale, -3 deaf.
    pub fn code(&self) -> i8 {
        match (self.level(), self.unknown()) {
            (Some(level), _) => level as i8 + 1,
            (None, None) => 0,
            (None, Some(api::UnknownWhy::Never)) => -1,
            (None, Some(api::UnknownWhy::Stale)) => -2,
            (None, Some(api::UnknownWhy::Deaf)) => -3,
        }
    }

    /// The last value of a quantity.
    pub(super) fn last(&self, quantity: &Quantity) -> Option<&Last> {
        self.values.iter().find(|v| v.quantity == *quantity)
    }

    /// Counts an alert in or out.
    pub(super) fn count(&mut self, level: Level, more: bool) {
        let n = &mut self.open[level as usize];
        *n = if more { n.saturating_add(1) } else { n.saturating_sub(1) };
    }

    /// Takes in what the engine says.
    pub(super) fn verdict(&mut self, known: Known) {
        self.deaf = false;
        self.verdict = Some(known);
    }

    /// Something was received.
    pub(super) fn heard(&mut self, at: Timestamp) {
        self.last_heard = self.last_heard.max(Some(at));
        (self.deaf, self.stale) = (false, false);
    }

    /// Takes in a reading; `points` is the number of recent readings kept of all devices.
    pub(super) fn reading(&mut self, r: &Reading, points: &mut usize) {
        self.heard(r.received);
        let i = match self.values.iter().position(|v| v.quantity == r.quantity) {
            Some(i) => i,
            None if self.values.len() < VALUES_MAX => {
                self.values.push(Last {
                    quantity: r.quantity.clone(),
                    value: r.value,
                    at: r.at,
                    quality: r.quality,
                    recent: VecDeque::new(),
                });
                self.values.len() - 1
            }
            None => return,
        };
        let last = &mut self.values[i];
        // A late reading belongs to history; of equal times the first holds.
        if r.at > last.at {
            (last.value, last.at, last.quality) = (r.value, r.at, r.quality);
        }
        if r.value.is_finite() && r.quality.comparable() {
            last.keep(r.at.0, r.value, points);
        }
    }

    /// Takes in the last value that a recovered machine holds.
    pub(super) fn held(&mut self, quantity: &Quantity, value: f64, at: Timestamp) {
        if self.last(quantity).is_none() && self.values.len() < VALUES_MAX {
            let (quantity, recent) = (quantity.clone(), VecDeque::new());
            self.values.push(Last { quantity, value, at, quality: Quality::Good, recent });
        }
    }

    /// Maibo heard nothing for a while: what is shown is not to be trusted until something comes.
    pub(super) fn deafen(&mut self) {
        self.deaf = true;
    }

    /// Maibo hears again: a device that was never heard is just that.
    pub(super) fn undeafen(&mut self) {
        if self.last_heard.is_none() {
            self.deaf = false;
        }
    }

    /// Looks at the age of a device that the engine says nothing about; true where that changed something.
    pub(super) fn age(&mut self, now: Timestamp, stale_after: Millis) -> bool {
        if self.verdict.is_some() {
            return false;
        }
        let stale = self.last_heard.is_some_and(|at| now.since(at) > stale_after);
        std::mem::replace(&mut self.stale, stale) != stale
    }
}

impl Last {
    fn keep(&mut self, at: i64, value: f64, points: &mut usize) {
        let i = self.recent.partition_point(|(t, _)| *t < at);
        if self.recent.get(i).is_some_and(|(t, _)| *t == at) {
            return;
        }
        let full = self.recent.len() >= SERIES_POINTS || *points >= POINTS_MAX;
        if full {
            if i == 0 {
                return;
            }
            self.recent.pop_front();
            self.recent.insert(i - 1, (at, value));
        } else {
            *points += 1;
            self.recent.insert(i, (at, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use maibo_core::id::DeviceId;

    use super::*;

    fn reading(at: i64, value: f64) -> Reading {
        Reading {
            device: DeviceId::new("d").expect("id"),
            quantity: Quantity::new("temperature").expect("id"),
            at: Timestamp(at),
            received: Timestamp(at),
            value,
            quality: Quality::Good,
            timed: true,
        }
    }

    // P: the last value is the latest by its own time, late readings are charted, and a series stays within its bound.
    #[test]
    fn values() {
        let (mut slot, mut points) = (Slot::default(), 0);
        for at in [10, 30, 30, 20] {
            slot.reading(&reading(at, at as f64), &mut points);
        }
        assert_eq!(slot.values[0].at, Timestamp(30));
        slot.reading(&reading(40, f64::NAN), &mut points);
        assert_eq!(slot.values[0].recent, [(10, 10.0), (20, 20.0), (30, 30.0)]);
        assert_eq!(slot.values[0].at, Timestamp(40));
        for at in 100..2_000 {
            slot.reading(&reading(at, 1.0), &mut points);
        }
        assert_eq!((slot.values[0].recent.len(), points), (SERIES_POINTS, SERIES_POINTS));
        slot.reading(&reading(5, 1.0), &mut points);
        assert_eq!(slot.values[0].recent.front(), Some(&(1_280, 1.0)));
    }

    // P: when all memory for recent readings is used, a series still shows its newest.
    #[test]
    fn points_are_bounded_in_all() {
        let (mut slot, mut points) = (Slot::default(), 0);
        slot.reading(&reading(1, 1.0), &mut points);
        points = POINTS_MAX;
        slot.reading(&reading(2, 2.0), &mut points);
        assert_eq!((slot.values[0].recent.clone(), points), (VecDeque::from([(2, 2.0)]), POINTS_MAX));
    }

    // P: unknown says why: never, stale by age, deaf; the engine's word counts more than age.
    #[test]
    fn unknown() {
        let (mut slot, mut points) = (Slot::default(), 0);
        assert_eq!(slot.code(), -1);
        slot.deafen();
        assert_eq!(slot.code(), -3);
        slot.undeafen();
        assert_eq!(slot.code(), -1);
        slot.reading(&reading(1_000, 1.0), &mut points);
        assert_eq!(slot.code(), 0);
        assert!(!slot.age(Timestamp(31_000), Millis(30_000)));
        assert!(slot.age(Timestamp(31_001), Millis(30_000)));
        assert_eq!(slot.code(), -2);
        slot.verdict(Known::Yes);
        assert_eq!(slot.code(), 0);
        assert!(!slot.age(Timestamp(900_000), Millis(30_000)));
        slot.verdict(Known::No(api::UnknownWhy::Stale));
        slot.count(Level::Orange, true);
        assert_eq!((slot.code(), slot.unknown()), (3, Some(api::UnknownWhy::Stale)));
    }
}
