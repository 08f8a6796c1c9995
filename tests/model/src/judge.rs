//! §6, §7: a reading is judged.

use crate::Ms;
use crate::cell::{Cell, Stand, Why, counts_from};
use crate::episode::Teller;
use crate::hearing::Hearing;
use crate::series::{Held, Series};
use crate::signal::Said;

impl Cell {
    /// Judges an accepted reading of event time `at`. `series` is as it was before it; `said` is what the terms say with it.
    pub(crate) fn judge(&mut self, series: &Series, held: &Held, said: &[Said], to: &mut Teller<'_>) {
        let at = held.at;
        if let Some(before) = series.held {
            self.up_to(series, &before, at, said, to);
        }
        self.said = said.to_vec();
        // §8: a value is judged by the limits of the time it was measured at.
        self.turn_to(at, series);
        self.was = None;
        if self.ladder.is_asleep() || self.is_latched() {
            return;
        }
        // §7: marked before it is judged.
        self.stale = held.came_with >= self.stale_after();
        self.mark_by_reading(at, self.stale, to);
        let contradicted = self.contradict(at);
        self.turn(at);
        let why = if contradicted { Why::Contradicted } else { Why::Value };
        self.conclude(at, why, to);
    }

    /// What happens before a reading of time `at` is judged: timers complete, and nothing bridges a gap.
    fn up_to(&mut self, series: &Series, before: &Held, at: Ms, said: &[Said], to: &mut Teller<'_>) {
        let stale_after = self.stale_after();
        let gap = at - before.at >= stale_after;
        let mut series = series.clone();
        let was_deaf = series.hearing.was_deaf();
        if was_deaf {
            self.settle(&series, at);
            series.hearing = Hearing::default();
            if !gap {
                self.drop_contradicted(said);
            }
        }
        let until = at.min(before.at + stale_after);
        loop {
            let due = self.first_due(&series).filter(|due| *due <= until && !(gap && was_deaf));
            match (due, self.next_edge(at)) {
                (Some(due), edge) if edge.is_none_or(|edge| due <= edge) => {
                    self.complete(&series, due, due);
                    self.conclude(due, Why::Value, to);
                }
                (_, Some(edge)) => {
                    let counts = !(gap && was_deaf) && self.counts_at(edge, &series, before);
                    self.pass(edge, &series, counts, to);
                }
                _ => break,
            }
        }
        if gap {
            self.stop();
            self.forget_stale();
        }
    }

    /// §7: the next accepted reading settles whether the time is lost: behind the deafness it is, for timers that began
    /// before it ended; before its end, or while still deaf, the readings speak for that time.
    fn settle(&mut self, series: &Series, at: Ms) {
        let Some(from) = counts_from(series).filter(|from| series.hearing.deaf.is_none() && at >= *from) else {
            return;
        };
        self.each(|_, _, trigger| match &mut trigger.stand {
            Stand::Raised { since, later, .. } | Stand::Back { since, later } if *since < from => {
                *later += series.hearing.lost;
            }
            _ => {}
        });
    }

    /// §7: timers that the value behind a deafness contradicts are dropped.
    fn drop_contradicted(&mut self, said: &[Said]) {
        let ladder = self.ladder.clone();
        self.each(|i, level, trigger| {
            let term = &ladder.terms[i];
            trigger.stand = match trigger.stand {
                Stand::Raised { .. } if said[i].back(term, level) => Stand::Off,
                Stand::Back { .. } if said[i].reached(term, level) => Stand::On,
                other => other,
            };
        });
    }

    /// §6, contradicted: levels whose `for` completed by itself at a later time than this reading's. Whether there is one.
    fn contradict(&mut self, at: Ms) -> bool {
        let (ladder, said) = (self.ladder.clone(), self.said.clone());
        let mut found = false;
        self.each(|i, level, trigger| {
            let later = trigger.by_itself.take().is_some_and(|by_itself| at < by_itself);
            if later && trigger.is_on() && said[i].back(&ladder.terms[i], level) {
                trigger.stand = Stand::Off;
                found = true;
            }
        });
        found
    }

    /// §6: every trigger takes the value.
    fn turn(&mut self, at: Ms) {
        let (ladder, device, said) = (self.ladder.clone(), self.device.clone(), self.said.clone());
        self.each(|i, level, trigger| {
            let (term, said) = (&ladder.terms[i], said[i]);
            // §5: a term that says nothing leaves its levels as they are.
            if said.value.is_none() {
                return;
            }
            let (reached, back) = (said.reached(term, level), said.back(term, level));
            trigger.unjudged = false;
            trigger.stand = match trigger.stand {
                Stand::Off if reached => Stand::Raised { since: at, samples: 1, later: 0 },
                Stand::Raised { .. } if back => Stand::Off,
                Stand::Raised { since, samples, later } => Stand::Raised { since, samples: samples + 1, later },
                Stand::On if back => Stand::Back { since: at, later: 0 },
                Stand::Back { .. } | Stand::Stopped if reached => Stand::On,
                Stand::Stopped if said.backs => Stand::Back { since: at, later: 0 },
                other => other,
            };
            trigger.stand = match trigger.stand {
                Stand::Raised { since, samples, later }
                    if at - since >= ladder.hold(level) + later && samples >= ladder.min_samples(level, &device) =>
                {
                    Stand::On
                }
                Stand::Back { since, later } if at - since >= ladder.keep(level) + later => Stand::Off,
                other => other,
            };
        });
    }
}
