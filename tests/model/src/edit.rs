//! §12: rules and catalogues are edited.

use crate::catalogue::Entry;
use crate::cell::{Cell, Stand, Trigger, Why};
use crate::episode::Teller;
use crate::pack::Ladder;
use crate::series::Series;
use crate::signal::said;
use crate::{Level, Ms};

impl Cell {
    /// Takes over a new rule about the same, or another interval of the device, at engine time `now`.
    pub(crate) fn edit(&mut self, rule: &Ladder, device: &Entry, series: &Series, now: Ms) {
        let another = self.rule != *rule || self.device != *device;
        self.rule = rule.clone();
        let clock = series.clock(now);
        // Without a value no edge was passed: the first one is judged by the limits of its own time.
        self.at = if series.held.is_some() { clock } else { Ms::MIN };
        self.take_over(&rule.at(clock), device, series);
        // The value behind other limits, or of a device that is another now, can open what was closed by force.
        if another && self.counts(series, now) {
            self.is_latched();
        }
    }

    /// Takes over other limits.
    pub(crate) fn take_over(&mut self, ladder: &Ladder, device: &Entry, series: &Series) {
        let old = self.ladder.clone();
        let before = self.triggers.clone();
        let trigger = |i: usize, level: Level| {
            let (was, is) = (&old.terms[i], &ladder.terms[i]);
            let same = was.levels.get(&level) == is.levels.get(&level)
                && was.direction == is.direction
                && was.deadband.to_bits() == is.deadband.to_bits();
            let trigger = before[i].get(&level).copied().unwrap_or_default();
            Trigger { unjudged: trigger.unjudged || !same, ..trigger }
        };
        let levels = |i: usize| ladder.terms[i].levels.keys().map(|l| (*l, trigger(i, *l))).collect();
        self.triggers = (0..ladder.terms.len()).map(levels).collect();
        self.ladder = ladder.clone();
        self.was = Some(old);
        self.device = device.clone();
        self.said = said(ladder, series, self.stale_after());
    }

    /// Judges, at engine time `now`, what an edit left to be judged: where the held value is fresh and heard; and an open
    /// episode always has a level.
    pub(crate) fn judge_edit(&mut self, series: &Series, now: Ms, why: Why, to: &mut Teller<'_>) {
        let clock = series.clock(now);
        if self.episode.is_none() {
            // Of what is pending nothing was told: whether the value is stale is a matter of the rule as it is now.
            self.stale &= series.held.is_none_or(|held| self.is_old(&held, now));
        }
        if self.ladder.is_asleep() {
            let at = if self.counts(series, now) { clock } else { now };
            return self.fall_asleep(at, "rule_changed", to);
        }
        if !self.counts(series, now) {
            return self.judge_unheard(now, Why::Unheard, to);
        }
        self.judge_again(series, clock, why, to);
    }

    /// Judges by the held value, at event time `clock`, the levels whose limits are others now.
    pub(crate) fn judge_again(&mut self, series: &Series, clock: Ms, why: Why, to: &mut Teller<'_>) {
        if self.latched {
            return;
        }
        // Where nothing is pending or open there is nothing to go on with.
        let nothing = self.pending.is_none() && self.episode.is_none();
        self.each(|_, _, trigger| trigger.unjudged |= nothing);
        let (ladder, said) = (self.ladder.clone(), self.said.clone());
        self.each(|i, level, trigger| {
            if !std::mem::take(&mut trigger.unjudged) {
                return;
            }
            let term = &ladder.terms[i];
            let (reached, back) = (said[i].reached(term, level), said[i].back(term, level));
            trigger.stand = match trigger.stand {
                _ if back => Stand::Off,
                Stand::Off if reached => Stand::Raised { since: clock, samples: 1, later: 0 },
                Stand::Back { .. } | Stand::Stopped if reached => Stand::On,
                other => other,
            };
        });
        self.wait_for_nothing();
        self.complete(series, clock, clock);
        self.wait_for_nothing();
        self.conclude(clock, why, to);
    }

    /// No value says anything.
    pub(crate) fn judge_unheard(&mut self, at: Ms, why: Why, to: &mut Teller<'_>) {
        if self.latched {
            return;
        }
        // What reached another limit says nothing about this one.
        self.each(|_, _, trigger| {
            if trigger.unjudged && matches!(trigger.stand, Stand::Raised { .. }) {
                trigger.stand = Stand::Off;
            }
        });
        self.nearest_level();
        self.conclude(at, why, to);
    }

    /// §12: no value says anything: the nearest level that the new ladder has at or below the episode's own, else the lowest.
    fn nearest_level(&mut self) {
        let Some(own) = self.episode.as_ref().map(|e| e.level) else { return };
        let has: Vec<Level> =
            Level::ALL.into_iter().filter(|l| self.triggers.iter().any(|t| t.contains_key(l))).collect();
        let Some(level) = has.iter().rev().find(|l| **l <= own).or(has.first()).copied() else { return };
        let mut on = false;
        self.each(|_, l, trigger| {
            if l > level && trigger.is_on() {
                trigger.stand = Stand::Off;
            }
            on |= l == level && trigger.is_on();
        });
        self.each(|_, l, trigger| {
            if l == level && !on {
                trigger.stand = Stand::On;
                on = true;
            }
        });
    }
}
