//! What the terms of a threshold say at one moment.
//!
//! A window that holds too little says nothing, and one that is not full ends nothing: missing data neither raise an alert
//! that more data could take back nor are they a recovery. What can only grow with more data may alarm at once.

use super::level::Held;
use super::memory::Memories;
use crate::limit::MAX_TERMS;
use crate::registry::Device;
use crate::rule::{Direction, Signal, Step, Term, Threshold};
use crate::time::{Millis, Timestamp};

/// Share of a window that must be covered before it is believed.
pub(super) const COVERED: f64 = 0.75;

/// What one term says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    /// The signal's value as it is compared; NaN where it says nothing.
    pub(super) value: f64,
    /// Whether it may reach a limit.
    rises: bool,
    /// Whether it may be back behind one.
    falls: bool,
}

impl Seen {
    const NOTHING: Self = Self { value: f64::NAN, rises: false, falls: false };

    /// Whether it can say of anything that it is over.
    pub(super) const fn may_fall(self) -> bool {
        self.falls
    }

    /// Whether it reaches the step's limit.
    pub(super) fn reaches(self, term: &Term, step: &Step) -> bool {
        self.rises && term.reached(step, self.value)
    }

    /// Whether it is back behind the step's limit.
    pub(super) fn is_back(self, term: &Term, step: &Step) -> bool {
        self.falls && term.back(step, self.value)
    }
}

/// What all terms say of the value held since `at`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sight {
    pub(super) at: Timestamp,
    /// When the value was measured: at `at` or before.
    pub(super) held: Timestamp,
    /// How late the value came.
    pub(super) came_with: Millis,
    pub(super) seen: [Seen; MAX_TERMS],
}

impl Sight {
    /// What `ladder` sees in a held value, and in what is remembered of the values before it.
    pub(super) fn of(
        ladder: &Threshold,
        device: &Device,
        (held, came_with): (Held, Millis),
        memories: &mut Memories,
    ) -> Self {
        let mut sight = Self { at: held.at, held: held.at, came_with, seen: [Seen::NOTHING; MAX_TERMS] };
        for (term, seen) in ladder.first().iter().zip(&mut sight.seen) {
            *seen = see(term, ladder, device, held, memories);
        }
        sight
    }

    /// The same at a later time, the value being held.
    pub(super) const fn held_to(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// The value of a term, where it says anything.
    pub(super) fn value(&self, term: u8) -> Option<f64> {
        self.seen.get(usize::from(term)).map(|s| s.value).filter(|v| !v.is_nan())
    }

    /// Whether every term that says anything is back behind its lowest step, which is the nearest.
    pub(super) fn is_back_behind_all(&self, terms: &[Term]) -> bool {
        let mut said = terms.iter().zip(self.seen).filter(|(_, seen)| !seen.value.is_nan()).peekable();
        said.peek().is_some() && said.all(|(t, seen)| t.steps.first().is_none_or(|s| seen.is_back(t, s)))
    }

    /// Whether the lowest step of any term is reached: it is the nearest, and what does not reach it reaches none.
    pub(super) fn reaches_any(&self, terms: &[Term]) -> bool {
        terms.iter().zip(self.seen).any(|(t, seen)| t.steps.first().is_some_and(|s| seen.reaches(t, s)))
    }
}

fn see(term: &Term, ladder: &Threshold, device: &Device, held: Held, memories: &mut Memories) -> Seen {
    let certain = |value: f64| Seen { value: ladder.rounded(value), rises: true, falls: true };
    match term.signal {
        Signal::Last => certain(held.value),
        Signal::Stuck { .. } => memories.stuck(ladder, term, device, held.at).map_or(Seen::NOTHING, certain),
        Signal::Baseline { weeks, floor } => {
            memories.profile(ladder).and_then(|p| p.departure(weeks, floor)).map_or(Seen::NOTHING, certain)
        }
        signal => {
            let Some((value, coverage, full)) = memories.value(signal, term.window) else { return Seen::NOTHING };
            let covered = coverage >= COVERED;
            let early = match signal {
                Signal::Max | Signal::Sum | Signal::Count | Signal::Range => term.direction == Direction::Above,
                Signal::Min => term.direction == Direction::Below,
                _ => false,
            };
            let rises = covered || early;
            // What may not rise says nothing, not even for the reader.
            if rises { Seen { value: ladder.rounded(value), rises, falls: covered && full } } else { Seen::NOTHING }
        }
    }
}
