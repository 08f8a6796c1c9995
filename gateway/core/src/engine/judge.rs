//! Judging a held value by other limits than it was judged by before: after an edit, at an edge of a schedule, and when
//! what is held counts again.
//!
//! A level whose limit stays is not judged again: its timers go on by their new lengths. In an open episode no timer is
//! waited for: it stays with the highest level that still holds, or ends. What is not known ends nothing.

use super::ladder::{Cell, Telling, announce, shown_limit};
use super::level::{Active, Bench, LevelState, PerLevel, complete};
use super::series::{Scene, Series};
use super::sight::Sight;
use crate::fact::Reason;
use crate::id::EpisodeId;
use crate::limit::MAX_TERMS;
use crate::place::Level;
use crate::rule::Term;
use crate::time::Timestamp;

/// Which levels of which terms have another limit than before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edited([PerLevel<bool>; MAX_TERMS]);

impl Edited {
    /// All of them: there was nothing before.
    pub(super) const ALL: Self = Self([[true; 4]; MAX_TERMS]);

    /// Between two sets of terms of one threshold.
    pub(super) fn between(was: &[Term], is: &[Term]) -> Self {
        let mut edited = Self::ALL;
        for ((was, is), levels) in was.iter().zip(is).zip(&mut edited.0) {
            *levels = Level::ALL.map(|l| !same_limit(was, is, l));
        }
        edited
    }

    /// What was edited while nothing was known of the value.
    fn waiting(active: &Active) -> Self {
        let mut edited = Self::ALL;
        for (state, levels) in active.terms().zip(&mut edited.0) {
            *levels = state.edited;
        }
        edited
    }

    /// Either.
    fn or(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *mine |= theirs;
        }
        self
    }

    pub(super) fn any(&self) -> bool {
        self.0.iter().flatten().any(|e| *e)
    }
}

/// Whether a level has the same limit in both.
fn same_limit(was: &Term, is: &Term, level: Level) -> bool {
    was.direction == is.direction
        && was.deadband.to_bits() == is.deadband.to_bits()
        && was.step(level).map(|s| s.bound) == is.step(level).map(|s| s.bound)
}

/// On what, when and why something is judged.
#[derive(Clone, Copy)]
pub(super) struct Judging {
    /// What is seen of the held value at `event`, where it counts.
    pub(super) sight: Option<Sight>,
    pub(super) event: Timestamp,
    pub(super) decided: Timestamp,
    pub(super) reason: Reason,
}

impl Cell {
    /// What is held is known again: judges it by what was edited in the meantime, limits and the lengths of timers, by hand or
    /// by the calendar (`reason`).
    pub(super) fn resume(&mut self, bench: &mut Bench<'_>, sight: Sight, now: Timestamp, reason: Reason) {
        if self.active.as_ref().is_none_or(|a| !a.stale) {
            let terms = bench.ladder.terms(self.period);
            let judging = Judging { sight: Some(sight), event: sight.at, decided: now, reason };
            self.judge(bench, terms, judging);
        }
    }

    /// Judges by the terms of the cell's period, where it was judged by the terms `was` before: what has another limit than
    /// then, and what waits for a value since an earlier edit. Where nothing is active there is nothing to go on with.
    pub(super) fn judge(&mut self, bench: &mut Bench<'_>, was: &[Term], on: Judging) {
        if self.is_shut(bench, on.sight.as_ref()) {
            return;
        }
        let terms = bench.ladder.terms(self.period);
        let edited = self.active.as_ref().map_or(Edited::ALL, |a| Edited::between(was, terms).or(Edited::waiting(a)));
        if self.active.is_none() {
            if !on.sight.is_some_and(|s| s.reaches_any(terms)) {
                return;
            }
            self.begin(bench, on.event);
        }
        let Some(active) = &mut self.active else { return };
        for (term, state) in terms.iter().zip(active.terms_mut()) {
            for level in Level::ALL.into_iter().filter(|l| term.step(*l).is_none()) {
                state.levels[level as usize] = LevelState::default();
            }
        }
        if let Some(sight) = &on.sight {
            judge_levels(active, terms, edited, sight);
            active.wait_for_nothing();
            complete(active, bench, terms, sight.at, Some(sight.held));
            active.wait_for_nothing();
        } else {
            for (state, edited) in active.terms_mut().zip(edited.0) {
                for level in Level::ALL.into_iter().filter(|l| edited[*l as usize]) {
                    state.edited[level as usize] = true;
                    // Reached by another limit: of this one nothing is known.
                    let l = &mut state.levels[level as usize];
                    if !l.on {
                        *l = LevelState::default();
                    }
                }
            }
        }
        let Some((episode, old)) = active.firing else {
            if on.sight.is_some() {
                let Judging { sight, event, decided, .. } = on;
                self.tell(bench, Telling { event, decided, sight, reason: None });
            } else if active.highest_raw().is_none() {
                self.active = None;
            }
            return;
        };
        if on.sight.is_none() {
            keep_open(active, terms, old);
        }
        let Some(record) = bench.book.get(episode) else { return };
        let (value, shown) = (record.transition.value, record.transition.threshold);
        let now_on = active.highest_on();
        let level = now_on.map(|(level, _)| level);
        let term = now_on.map_or(active.shown, |(_, term)| term);
        let value = on.sight.and_then(|s| s.value(term)).or(value).unwrap_or_default();
        let limit = level.and_then(|l| shown_limit(terms.get(usize::from(term))?, l, value));
        let bound = |terms: &[Term], term: u8| Some(terms.get(usize::from(term))?.step(old)?.bound);
        let moved = bound(was, term) != bound(terms, term) && limit != shown;
        if level != Some(old) || moved {
            let Judging { sight, event, decided, reason } = on;
            announce(active, bench, terms, reason, Telling { event, decided, sight, reason: None });
            if level.is_none() {
                // No level is reached any more, or it would be on.
                self.active = None;
            }
        }
    }
}

/// Moves the triggers of edited levels by their new limits. What is back behind them ends at once if it was on: that is a
/// judgement, not a recovery.
fn judge_levels(active: &mut Active, terms: &[Term], edited: Edited, sight: &Sight) {
    for (((term, state), seen), edited) in terms.iter().zip(active.terms_mut()).zip(sight.seen).zip(edited.0) {
        if seen.value.is_nan() {
            for level in Level::ALL {
                state.edited[level as usize] |= edited[level as usize];
            }
            continue;
        }
        state.edited = [false; 4];
        for step in term.steps.iter().filter(|s| edited[s.level as usize]) {
            let l = &mut state.levels[step.level as usize];
            if seen.is_back(term, step) {
                *l = LevelState::default();
            } else if !l.raw && seen.reaches(term, step) {
                l.raw = true;
                l.samples = l.samples.max(1);
                (l.since, l.later) = (sight.at, None);
            }
        }
    }
}

/// An open episode whose value is not known is not ended by other limits: it takes the nearest level the new ladder has.
fn keep_open(active: &mut Active, terms: &[Term], old: Level) {
    let has = |level: &Level| terms.iter().any(|t| t.step(*level).is_some());
    let below = Level::ALL.into_iter().rev().filter(|l| *l <= old).find(has);
    let Some(nearest) = below.or_else(|| Level::ALL.into_iter().find(has)) else { return };
    if active.highest_on().is_some_and(|(on, _)| on >= nearest) {
        return;
    }
    let of_term = terms.iter().zip(active.terms_mut()).find(|(t, _)| t.step(nearest).is_some());
    if let Some((_, state)) = of_term {
        state.levels[nearest as usize] = LevelState { raw: true, on: true, samples: 1, ..LevelState::default() };
    }
}

impl Series {
    /// An operator closed an episode. Where the value is back already, and only time was waited for, there is nothing to hear
    /// no more of: the next alert is another.
    pub(super) fn close(&mut self, scene: &mut Scene<'_>, episode: EpisodeId, forced: bool, now: Timestamp) {
        let pause = self.mute.pause(self.lag);
        for i in 0..self.cells.len() {
            let Some(cell) = self.cells.get_mut(i).filter(|c| c.firing().is_some_and(|(id, ..)| id == episode)) else {
                continue;
            };
            cell.close(forced);
            let (number, stale_after) = (cell.rule, cell.stale_after);
            let counts = !self.mute.is_deaf() && !self.is_old(stale_after, now);
            let sight = self.sight(scene, number).filter(|_| counts);
            if let (Some(cell), Some(bench)) = (self.cells.get_mut(i), scene.bench(number, pause)) {
                cell.is_shut(&bench, sight.as_ref());
            }
        }
        self.refresh(scene);
    }
}
