//! What is known of one device now.

use std::collections::VecDeque;

use maibo_api as api;
use maibo_core::id::Quantity;
use maibo_core::limit::{MAX_AGE, MAX_LEAD};
use maibo_core::place::Level;
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::{Millis, Timestamp};

use super::score::{Scale, cap};

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
    /// Too old, for a device the engine says nothing about, or said nothing about for too long.
    stale: bool,
    /// It is under maintenance.
    maintained: bool,
    /// Points of its score that the value of its primary quantity costs.
    lost: f64,
    /// That value.
    compared: Option<f64>,
}

/// What the index needs of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Condition {
    /// Why nothing can be said of it; `None`: it is known.
    pub(super) unknown: Option<api::UnknownWhy>,
    /// Its highest open level.
    pub(super) level: Option<Level>,
    /// 0 to 100, where it has one.
    pub(super) score: Option<f64>,
    /// What `value` scores by its distance from the limits.
    pub(super) distance: f64,
    /// The last value of its primary quantity that could be compared.
    pub(super) value: Option<f64>,
}

/// A device as it is at one moment, without its recent readings: copied under the picture's lock, put into words after.
pub(super) struct Glance {
    pub(super) state: api::DeviceState,
    pub(super) unknown: Option<api::UnknownWhy>,
    pub(super) level: Option<Level>,
    pub(super) last_heard: Option<Timestamp>,
    pub(super) values: Vec<(Quantity, f64, Timestamp, Quality)>,
}

impl Slot {
    /// The highest level of its open alerts.
    pub fn level(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|l| self.open[*l as usize] > 0)
    }

    /// Why nothing can be said; `None` where something can. A firing device can be unknown too: its alert stands on old
    /// data.
    pub fn unknown(&self) -> Option<api::UnknownWhy> {
        if self.maintained {
            return Some(api::UnknownWhy::Maintenance);
        }
        if self.deaf {
            return Some(api::UnknownWhy::Deaf);
        }
        match (self.verdict, self.last_heard) {
            (Some(Known::No(why)), _) => Some(why),
            (None, None) => Some(api::UnknownWhy::Never),
            (Some(Known::Yes), _) | (None, Some(_)) => self.stale.then_some(api::UnknownWhy::Stale),
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

    /// The level code of frames: 0 normal, 1 to 4 blue to red, -1 never seen, -2 stale, -3 deaf, -4 under
    /// maintenance.
    pub fn code(&self) -> i8 {
        match (self.level(), self.unknown()) {
            (Some(level), _) => level as i8 + 1,
            (None, None) => 0,
            (None, Some(api::UnknownWhy::Never)) => -1,
            (None, Some(api::UnknownWhy::Stale)) => -2,
            (None, Some(api::UnknownWhy::Deaf)) => -3,
            (None, Some(api::UnknownWhy::Maintenance)) => -4,
        }
    }

    /// What the index needs. A firing device of which nothing can be said has what its level leaves it.
    pub(super) fn condition(&self) -> Condition {
        // What is worked on says nothing about the city.
        let level = self.level().filter(|_| !self.maintained);
        let (unknown, distance) = (self.unknown(), 100.0 - self.lost);
        let score = match (level, unknown) {
            (Some(level), None) => Some(cap(level).min(distance)),
            (Some(level), Some(_)) => Some(cap(level)),
            (None, None) => Some(distance),
            (None, Some(_)) => None,
        };
        Condition { unknown, level, score, distance, value: self.compared }
    }

    /// A copy without the recent readings.
    pub(super) fn glance(&self) -> Glance {
        Glance {
            state: self.state(),
            unknown: self.unknown(),
            level: self.level(),
            last_heard: self.last_heard,
            values: self.values.iter().map(|v| (v.quantity.clone(), v.value, v.at, v.quality)).collect(),
        }
    }

    /// Computes anew what the value of the primary quantity costs. A value that rules may not compare costs what the one
    /// before did: it changes no verdict either.
    pub(super) fn score(&mut self, primary: Option<&Quantity>, scale: &Scale) {
        match primary.map(|q| self.last(q)) {
            Some(Some(last)) if last.value.is_finite() && last.quality.comparable() => {
                (self.lost, self.compared) = (100.0 - scale.score(last.value), Some(last.value));
            }
            Some(Some(_)) => {}
            Some(None) | None => (self.lost, self.compared) = (0.0, None),
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

    /// It is under maintenance, or not any more; true where that is news.
    pub(super) fn maintain(&mut self, is: bool) -> bool {
        std::mem::replace(&mut self.maintained, is) != is
    }

    /// Takes in what the engine says.
    pub(super) fn verdict(&mut self, known: Known) {
        (self.deaf, self.stale) = (false, false);
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
        let Some(Judged { at, quality, borrowed }) = judged(r) else { return };
        let i = match self.values.iter().position(|v| v.quantity == r.quantity) {
            Some(i) => i,
            None if self.values.len() < VALUES_MAX => {
                self.values.push(Last {
                    quantity: r.quantity.clone(),
                    value: r.value,
                    at,
                    quality,
                    recent: VecDeque::new(),
                });
                self.values.len() - 1
            }
            None => return,
        };
        let last = &mut self.values[i];
        // A late reading belongs to history; of equal times the first holds. A time that was borrowed says nothing about
        // the order of measuring: what came last counts.
        if at > last.at || borrowed {
            (last.value, last.at, last.quality) = (r.value, at.max(last.at), quality);
        }
        if r.value.is_finite() && quality.comparable() {
            last.keep(at.0, r.value, points);
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

    /// Looks at the age of a device that the engine says nothing about; true where that changed something. While the
    /// engine judges nothing, its last word on a device says nothing about now.
    pub(super) fn age(&mut self, now: Timestamp, stale_after: Millis, evaluating: bool) -> bool {
        let judged = evaluating && self.verdict.is_some();
        let stale = !judged && self.last_heard.is_some_and(|at| now.since(at) > stale_after);
        std::mem::replace(&mut self.stale, stale) != stale
    }
}

/// When a reading counts, and as what.
struct Judged {
    at: Timestamp,
    quality: Quality,
    /// The time is not the device's own.
    borrowed: bool,
}

/// The rule that engine and history have: a device ahead of Maibo, or with a clock that cannot be right, is taken at the
/// receive time, so that a clock that lied once does not freeze what is shown. `None` where it is history only.
fn judged(r: &Reading) -> Option<Judged> {
    let lead = r.at.since(r.received);
    let wrong = r.timed && (r.at < Timestamp::EARLIEST || lead > MAX_LEAD || r.quality == Quality::Clock);
    if wrong {
        return Some(Judged { at: r.received, quality: Quality::Clock, borrowed: true });
    }
    if !r.timed || lead > Millis::ZERO {
        return Some(Judged { at: r.received, quality: r.quality, borrowed: true });
    }
    (r.received.since(r.at) <= MAX_AGE).then_some(Judged { at: r.at, quality: r.quality, borrowed: false })
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
mod tests;
