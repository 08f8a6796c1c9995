//! What of a threshold rule happens between readings, by time.

use crate::Ms;
use crate::cell::{Cell, Why};
use crate::episode::{Episode, Teller};
use crate::series::{Held, Series};

/// What is due, at event time where it counts in that.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Timer(Ms),
    Stale,
    Edge(Ms),
    Silence,
}

impl Cell {
    /// What happens first up to engine time `until`, and when. Of one time the value goes first and people last.
    pub(crate) fn first_thing(&mut self, series: &Series, held: &Held, until: Ms) -> Option<(Ms, Due)> {
        let deaf = series.hearing.deaf.is_some();
        let fresh_until = held.at + self.stale_after();
        let timer = self.first_due(series).filter(|due| !deaf && !self.stale && *due <= fresh_until);
        let stale = self.stale_at(series, held);
        let silence = self.episode.as_ref().and_then(Episode::silent_until);
        let edge = if deaf { None } else { self.next_edge(until - held.lag) };
        let all = [
            timer.map(|due| (due + held.lag, Due::Timer(due))),
            edge.map(|edge| (edge + held.lag, Due::Edge(edge))),
            stale.map(|at| (at, Due::Stale)),
            silence.map(|at| (at, Due::Silence)),
        ];
        all.into_iter().flatten().filter(|(at, _)| *at <= until).min_by_key(|(at, _)| *at)
    }

    /// It happens, at engine time `at`.
    pub(crate) fn happen(&mut self, at: Ms, due: Due, series: &Series, held: &Held, to: &mut Teller<'_>) {
        match due {
            Due::Timer(due) => {
                self.complete(series, due, due);
                self.conclude(due, Why::Value, to);
            }
            Due::Stale => self.go_stale(at - held.lag, to),
            Due::Edge(edge) => self.pass(edge, series, self.counts_at(edge, series, held), to),
            Due::Silence => self.episode.iter_mut().for_each(|open| open.end_silence(to)),
        }
    }
}
