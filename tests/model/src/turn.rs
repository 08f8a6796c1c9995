//! §8: edges between the periods of a rule.

use crate::Ms;
use crate::cell::{Cell, Why};
use crate::episode::Teller;
use crate::series::{Held, Series};

impl Cell {
    /// The first edge that was not passed yet, up to an event time.
    pub(crate) fn next_edge(&mut self, until: Ms) -> Option<Ms> {
        let edge = self.rule.next_edge(self.at, until);
        if edge.is_none() {
            self.at = self.at.max(until);
        }
        edge
    }

    /// An edge at this event time: the held value is judged by the limits behind it, where it counts then. Falling asleep
    /// needs no value.
    pub(crate) fn pass(&mut self, edge: Ms, series: &Series, held: &Held, to: &mut Teller<'_>) {
        self.at = edge;
        if self.rule.at(edge).is_asleep() {
            return self.fall_asleep(edge, series, to);
        }
        let fresh = held.came_with < self.stale_after() && edge < held.at + self.stale_after();
        let counts = fresh && !self.stale && series.hearing.deaf.is_none() && !self.waits(series);
        if counts && self.turn_to(edge, series) {
            self.judge_again(series, edge, Why::Calendar, to);
            self.was = None;
        }
    }

    /// Nobody judges any more: what is open ends, and what is pending is forgotten.
    pub(crate) fn fall_asleep(&mut self, at: Ms, series: &Series, to: &mut Teller<'_>) {
        self.turn_to(at, series);
        self.was = None;
        self.tell(at, false, "calendar", to);
        (self.pending, self.episode, self.told_of) = (None, None, None);
        self.forget_stale();
    }

    /// The limits of an event time hold. Whether they are others than before.
    pub(crate) fn turn_to(&mut self, at: Ms, series: &Series) -> bool {
        self.at = at;
        let ladder = self.rule.at(at);
        if ladder == self.ladder {
            return false;
        }
        let (device, said) = (self.device.clone(), self.said.clone());
        self.take_over(&ladder, &device, series);
        self.said = said;
        true
    }
}
