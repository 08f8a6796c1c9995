//! The levels of an active cell: triggers and timers, without a word about what is told.
//!
//! A timer is a beginning and nothing else; whether it is complete follows from the rule at the moment of asking, so that
//! an edited rule needs no timer moved.

use minicbor::{Decode, Encode};

use super::mute::Pause;
use super::sight::Sight;
use crate::alert::Book;
use crate::id::EpisodeId;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::{Rule, Step, Term, Threshold};
use crate::time::{Millis, Timestamp};

/// Before all time: a timer that does not run, a moment that never was.
pub(super) const NEVER: Timestamp = Timestamp(i64::MIN);

/// The last accepted value of a series and its event time.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(super) struct Held {
    #[n(0)]
    pub(super) at: Timestamp,
    #[n(1)]
    pub(super) value: f64,
    /// Where `at` is not the device's own time: the time it claims, where it claims any. A copy is known by it.
    #[n(2)]
    pub(super) claimed: Option<Timestamp>,
}

/// What a cell judges by, and where it writes.
pub(super) struct Bench<'a> {
    pub(super) rule: &'a Rule,
    pub(super) ladder: &'a Threshold,
    pub(super) device: &'a Device,
    pub(super) book: &'a mut Book,
    /// Deaf time that counts for no timer.
    pub(super) pause: Pause,
}

impl Bench<'_> {
    /// Samples needed before the level is on.
    fn needed(&self, step: &Step) -> u32 {
        // One sample cannot say that a value stayed, where more should have come in the meantime.
        let several = self.device.interval.is_some_and(|interval| interval < step.hold);
        self.ladder.min_samples.unwrap_or(if several { 2 } else { 1 })
    }
}

/// One level of one term of an active cell.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(super) struct LevelState {
    /// The trigger: beyond the limit, and not back yet.
    #[n(0)]
    pub(super) raw: bool,
    /// `for` is complete, `keep_firing_for` is not.
    #[n(1)]
    pub(super) on: bool,
    /// Start of the timer that runs: of `for` while raw and not on, of `keep_firing_for` while on and not raw.
    #[n(2)]
    pub(super) since: Timestamp,
    /// Samples since the trigger went on.
    #[n(3)]
    pub(super) samples: u32,
    /// Where `for` completed on a held value: when. A reading before that can contradict it.
    #[n(4)]
    pub(super) held_until: Timestamp,
    /// By how much the timer ends later: time lost to deafness that readings settled since it began.
    #[n(5)]
    pub(super) later: Option<Millis>,
}

impl Default for LevelState {
    fn default() -> Self {
        Self { raw: false, on: false, since: NEVER, samples: 0, held_until: NEVER, later: None }
    }
}

impl LevelState {
    /// When the running timer is over, event time.
    fn over(&self, pause: Pause, length: Millis) -> Timestamp {
        pause.moved(self.since) + self.later.unwrap_or(Millis::ZERO) + length
    }

    /// A deafness is settled by a reading behind it: the running timer ends later by what it cost.
    fn delay(&mut self, pause: Pause) {
        let lost = pause.moved(self.since).since(self.since);
        if lost > Millis::ZERO {
            self.later = Some(self.later.unwrap_or(Millis::ZERO) + lost);
        }
    }
}

/// Something for each level.
pub(super) type PerLevel<T> = [T; 4];

/// The levels of one term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
pub(super) struct TermState {
    #[n(0)]
    pub(super) levels: PerLevel<LevelState>,
    /// Levels whose limit was edited while nothing was known of the value.
    #[n(1)]
    pub(super) edited: PerLevel<bool>,
}

/// What a cell knows while its condition is not simply false.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Active {
    /// Since when it is pending: part of the episode's identity.
    pub(super) since: Timestamp,
    /// Counts equal (rule, subject, since).
    pub(super) n: u32,
    /// The first term, which is the only one of most rules.
    first: TermState,
    /// The other terms.
    others: Vec<TermState>,
    /// The open episode and its level.
    pub(super) firing: Option<(EpisodeId, Level)>,
    /// The open episode stands on old data.
    pub(super) stale: bool,
    /// The term whose value and limit were told last.
    pub(super) shown: u8,
}

/// An active cell in a snapshot.
#[derive(Encode, Decode)]
pub(super) struct SavedActive {
    #[n(0)]
    since: Timestamp,
    #[n(1)]
    n: u32,
    #[n(2)]
    levels: PerLevel<LevelState>,
    #[n(3)]
    firing: Option<(EpisodeId, Level)>,
    #[n(4)]
    stale: bool,
    #[n(5)]
    edited: PerLevel<bool>,
    #[n(6)]
    others: Option<Vec<TermState>>,
    #[n(7)]
    shown: Option<u8>,
}

impl Active {
    /// Pending since then, with so many terms and nothing reached.
    pub(super) fn new(since: Timestamp, n: u32, terms: usize) -> Self {
        let others = vec![TermState::default(); terms.saturating_sub(1)];
        Self { since, n, first: TermState::default(), firing: None, stale: false, others, shown: 0 }
    }

    pub(super) fn save(&self) -> SavedActive {
        SavedActive {
            since: self.since,
            n: self.n,
            levels: self.first.levels,
            firing: self.firing,
            stale: self.stale,
            edited: self.first.edited,
            others: (!self.others.is_empty()).then(|| self.others.clone()),
            shown: (self.shown > 0).then_some(self.shown),
        }
    }

    pub(super) fn restore(saved: SavedActive) -> Self {
        Self {
            since: saved.since,
            n: saved.n,
            first: TermState { levels: saved.levels, edited: saved.edited },
            others: saved.others.unwrap_or_default(),
            firing: saved.firing,
            stale: saved.stale,
            shown: saved.shown.unwrap_or(0),
        }
    }

    /// The terms in the rule's order.
    pub(super) fn terms(&self) -> impl Iterator<Item = &TermState> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// The terms in the rule's order.
    pub(super) fn terms_mut(&mut self) -> impl Iterator<Item = &mut TermState> {
        core::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// The first term: where an alert is put that the log speaks of.
    pub(super) const fn first_mut(&mut self) -> &mut TermState {
        &mut self.first
    }

    /// Takes the levels of another.
    pub(super) fn take_levels(&mut self, other: Self) {
        (self.first, self.others) = (other.first, other.others);
    }

    /// All levels of all terms.
    pub(super) fn levels(&self) -> impl Iterator<Item = &LevelState> {
        self.terms().flat_map(|t| &t.levels)
    }

    /// Delays the running timers by the time lost to deafness and drops those that what is seen contradicts: they must
    /// not complete in a time that nobody heard.
    pub(super) fn settle(&mut self, bench: &Bench<'_>, terms: &[Term], sight: &Sight) {
        for ((term, state), seen) in terms.iter().zip(self.terms_mut()).zip(sight.seen) {
            for step in &term.steps {
                let l = &mut state.levels[step.level as usize];
                if l.raw && !l.on {
                    l.delay(bench.pause);
                    if seen.is_back(term, step) {
                        *l = LevelState::default();
                    }
                } else if l.on && !l.raw && l.since != NEVER {
                    l.delay(bench.pause);
                    if seen.reaches(term, step) {
                        (l.since, l.later) = (NEVER, None);
                    }
                }
            }
        }
    }

    /// The highest level that is on, and the first term that has it.
    pub(super) fn highest_on(&self) -> Option<(Level, u8)> {
        let of = |l: Level| (0..).zip(self.terms()).find(|(_, t)| t.levels[l as usize].on).map(|(i, _)| (l, i));
        Level::ALL.into_iter().rev().find_map(of)
    }

    pub(super) fn highest_raw(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|l| self.terms().any(|t| t.levels[*l as usize].raw))
    }

    /// In an open episode no timer is waited for: if nothing is on, the highest level reached is.
    pub(super) fn wait_for_nothing(&mut self) {
        if self.firing.is_some()
            && !self.levels().any(|l| l.on)
            && let Some(highest) = self.highest_raw()
        {
            for l in self.terms_mut().map(|t| &mut t.levels[highest as usize]) {
                l.on = l.raw;
            }
        }
    }

    /// Stops every timer: what is missing neither raises nor ends anything.
    pub(super) fn stop_timers(&mut self) {
        for l in self.terms_mut().flat_map(|t| &mut t.levels) {
            if !l.on {
                *l = LevelState::default();
            } else if !l.raw {
                (l.since, l.later) = (NEVER, None);
            }
        }
    }
}

/// The earliest timer of an active cell.
pub(super) fn timer(active: &Active, bench: &Bench<'_>, terms: &[Term]) -> Option<Timestamp> {
    let due = |(step, state): (&Step, &TermState)| {
        let l = &state.levels[step.level as usize];
        match (l.raw, l.on) {
            (true, false) if l.samples >= bench.needed(step) => Some(l.over(bench.pause, step.hold)),
            (false, true) if l.since != NEVER => Some(l.over(bench.pause, step.keep)),
            _ => None,
        }
    };
    let steps = terms.iter().zip(active.terms()).flat_map(|(term, state)| term.steps.iter().map(move |s| (s, state)));
    steps.filter_map(due).min()
}

/// Completes every timer that is due at `at`; `held` is the time of the value where no reading stands behind it.
pub(super) fn complete(active: &mut Active, bench: &Bench<'_>, terms: &[Term], at: Timestamp, held: Option<Timestamp>) {
    for (term, state) in terms.iter().zip(active.terms_mut()) {
        for step in &term.steps {
            let needed = bench.needed(step);
            let l = &mut state.levels[step.level as usize];
            if l.raw && !l.on && l.samples >= needed && at >= l.over(bench.pause, step.hold) {
                l.on = true;
                l.held_until = if held.is_some_and(|h| at > h) { at } else { NEVER };
            } else if l.on && !l.raw && l.since != NEVER && at >= l.over(bench.pause, step.keep) {
                l.on = false;
                (l.since, l.later) = (NEVER, None);
            }
        }
    }
}
