//! Calendars: what happens to a cell where one period of its rule's schedule ends and another begins.
//!
//! An edge is judged like an edit of the limits at the edge's time. Where the rule falls asleep nothing judges any more: what
//! is open ends, on stale data too, and what is pending is forgotten.

use super::clock::Pace;
use super::judge::{Edited, Judging};
use super::ladder::{Cell, Telling, announce};
use super::level::{Active, Bench};
use super::sight::Sight;
use crate::fact::Reason;
use crate::limit;
use crate::time::Timestamp;

impl Cell {
    /// Passes the next edge. `sight` is what is seen of the held value, where it counts.
    pub(super) fn turn(&mut self, bench: &mut Bench<'_>, sight: Option<&Sight>, pace: Pace) {
        let at = self.edge;
        let was = bench.ladder.terms(self.period);
        self.period = bench.ladder.period(at);
        self.edge = bench.ladder.edge(at);
        let is = bench.ladder.terms(self.period);
        let decided = pace.decided(at);
        if is.is_empty() {
            return self.fall_asleep(bench, at, decided, Reason::Calendar);
        }
        if Edited::between(was, is).any() {
            let sight = sight.map(|s| s.held_to(at));
            self.judge(bench, was, Judging { sight, event: at, decided, reason: Reason::Calendar });
        }
    }

    /// Passes all edges up to and including `to` on which nothing is known.
    pub(super) fn catch_up(&mut self, bench: &mut Bench<'_>, to: Timestamp, pace: Pace) {
        self.bound_edges(to);
        while self.edge <= to {
            self.turn(bench, None, pace);
        }
    }

    /// What was asleep for more than a year is not woken for every edge in it.
    pub(super) fn bound_edges(&mut self, to: Timestamp) {
        self.edge = self.edge.max(to - limit::SCHEDULE_AHEAD);
    }

    /// The rule judges nothing any more.
    pub(super) fn fall_asleep(&mut self, bench: &mut Bench<'_>, event: Timestamp, decided: Timestamp, reason: Reason) {
        self.latched = false;
        if let Some(mut over) = self.active.take().filter(|a| a.firing.is_some()) {
            over.take_levels(Active::new(event, 0, 1));
            announce(&mut over, bench, &[], reason, Telling { event, decided, sight: None, reason: None });
        }
    }
}
