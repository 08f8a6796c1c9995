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

    /// Whether the held value counts at an edge.
    pub(crate) fn counts_at(&self, edge: Ms, series: &Series, held: &Held) -> bool {
        let fresh = held.came_with < self.stale_after() && edge <= held.at + self.stale_after();
        fresh && !self.stale && series.hearing.deaf.is_none() && !self.waits(series)
    }

    /// An edge at this event time: the held value is judged by the limits behind it, where it counts then. Falling asleep
    /// needs no value.
    pub(crate) fn pass(&mut self, edge: Ms, series: &Series, counts: bool, to: &mut Teller<'_>) {
        let turned = self.turn_to(edge, series);
        if self.ladder.is_asleep() {
            return self.fall_asleep(edge, "calendar", to);
        }
        if turned {
            if counts {
                self.is_latched();
                self.judge_again(series, edge, Why::Calendar, to);
            } else {
                self.judge_unheard(edge, Why::CalendarUnheard, to);
            }
            self.was = None;
        }
    }

    /// Maibo listens again at `now`: edges passed meanwhile, and where the held value counts again it is judged by the limits
    /// behind them.
    pub(crate) fn listen(&mut self, series: &Series, now: Ms, to: &mut Teller<'_>) {
        let clock = series.clock(now);
        // First each edge as one that no value judges.
        let mut why = Why::Edit;
        while let Some(edge) = self.next_edge(clock) {
            self.pass(edge, series, false, to);
            why = Why::Calendar;
        }
        if self.counts(series, now) {
            self.is_latched();
            self.judge_edit(series, now, why, to);
        }
    }

    /// Nobody judges any more: what is open ends, and what is pending or was closed by force is forgotten.
    pub(crate) fn fall_asleep(&mut self, at: Ms, reason: &'static str, to: &mut Teller<'_>) {
        self.was = None;
        self.tell(at, false, reason, to);
        (self.pending, self.episode, self.told_of) = (None, None, None);
        self.latched = false;
        self.forget_stale();
    }

    /// The limits of an event time hold. Whether they are others than before.
    pub(crate) fn turn_to(&mut self, at: Ms, series: &Series) -> bool {
        // An edge that time passed is not gone back behind: a value measured before it is judged by the limits behind it.
        self.at = self.at.max(at);
        let ladder = self.rule.at(self.at);
        if ladder == self.ladder {
            return false;
        }
        let (device, said) = (self.device.clone(), self.said.clone());
        self.take_over(&ladder, &device, series);
        self.said = said;
        true
    }
}
