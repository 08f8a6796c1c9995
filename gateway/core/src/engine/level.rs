//! The levels of an active cell: triggers and timers, without a word about what is told.
//!
//! A timer is a beginning and nothing else; whether it is complete follows from the rule at the moment of asking, so that
//! an edited rule needs no timer moved.

use minicbor::{Decode, Encode};

use super::mute::Pause;
use crate::alert::Book;
use crate::id::EpisodeId;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::{Rule, Step, Threshold};
use crate::time::Timestamp;

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

/// One level of an active cell.
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
}

impl Default for LevelState {
    fn default() -> Self {
        Self { raw: false, on: false, since: NEVER, samples: 0, held_until: NEVER }
    }
}

/// What a cell knows while its condition is not simply false.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Active {
    /// Since when it is pending: part of the episode's identity.
    #[n(0)]
    pub(super) since: Timestamp,
    /// Counts equal (rule, subject, since).
    #[n(1)]
    pub(super) n: u32,
    #[n(2)]
    pub(super) levels: [LevelState; 4],
    /// The open episode and its level.
    #[n(3)]
    pub(super) firing: Option<(EpisodeId, Level)>,
    /// The open episode stands on old data.
    #[n(4)]
    pub(super) stale: bool,
    /// Levels whose limit was edited while nothing was known of the value.
    #[n(5)]
    pub(super) edited: [bool; 4],
}

impl Active {
    /// Sets the running timers behind the time lost to deafness and drops those that `value` contradicts: they must not
    /// complete in a time that nobody heard.
    pub(super) fn settle(&mut self, bench: &Bench<'_>, value: f64) {
        for step in &bench.ladder.steps {
            let l = &mut self.levels[step.level as usize];
            if l.raw && !l.on {
                l.since = bench.pause.moved(l.since);
                if bench.ladder.back(step, value) {
                    *l = LevelState::default();
                }
            } else if l.on && !l.raw && l.since != NEVER {
                l.since = if bench.ladder.reached(step, value) { NEVER } else { bench.pause.moved(l.since) };
            }
        }
    }

    pub(super) fn highest_on(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|l| self.levels[*l as usize].on)
    }

    pub(super) fn highest_raw(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|l| self.levels[*l as usize].raw)
    }

    /// Stops every timer: what is missing neither raises nor ends anything.
    pub(super) fn stop_timers(&mut self) {
        for l in &mut self.levels {
            if !l.on {
                *l = LevelState::default();
            } else if !l.raw {
                l.since = NEVER;
            }
        }
    }
}

/// The earliest timer of an active cell.
pub(super) fn timer(active: &Active, bench: &Bench<'_>) -> Option<Timestamp> {
    let due = |step: &Step| {
        let l = &active.levels[step.level as usize];
        match (l.raw, l.on) {
            (true, false) if l.samples >= bench.needed(step) => Some(bench.pause.moved(l.since) + step.hold),
            (false, true) if l.since != NEVER => Some(bench.pause.moved(l.since) + step.keep),
            _ => None,
        }
    };
    bench.ladder.steps.iter().filter_map(due).min()
}

/// Completes every timer that is due at `at`; `held` is the time of the value where no reading stands behind it.
pub(super) fn complete(active: &mut Active, bench: &Bench<'_>, at: Timestamp, held: Option<Timestamp>) {
    for step in &bench.ladder.steps {
        let needed = bench.needed(step);
        let l = &mut active.levels[step.level as usize];
        let since = bench.pause.moved(l.since);
        if l.raw && !l.on && l.samples >= needed && at >= since + step.hold {
            l.on = true;
            l.held_until = if held.is_some_and(|h| at > h) { at } else { NEVER };
        } else if l.on && !l.raw && l.since != NEVER && at >= since + step.keep {
            l.on = false;
            l.since = NEVER;
        }
    }
}
