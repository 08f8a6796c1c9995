//! Limits on a quantity: ladders of levels on one or several signals.
//!
//! A threshold has terms, any of which may alarm. Its schedule, where it has one, picks which limits hold: the terms are
//! the same in every period, their steps are not. Where no period holds the threshold is asleep and has no terms at all.

use std::sync::Arc;

use super::{Expression, Schedule, Signal};
use crate::id::Quantity;
use crate::place::Level;
use crate::time::{Millis, Timestamp};

/// Which side of a limit is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// On at `v ≥ L`, off at `v < L − deadband`.
    Above,
    /// On at `v ≤ L`, off at `v > L + deadband`.
    Below,
    /// On outside a band, off inside it by the deadband.
    Outside,
}

impl Direction {
    /// The word in packs and on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::Outside => "outside",
        }
    }
}

/// The limit of one level, in the quantity's canonical unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// One number.
    Value(f64),
    /// The band that is good, ends included.
    Band {
        /// Lowest good value.
        low: f64,
        /// Highest good value.
        high: f64,
    },
}

/// One level of a ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which level.
    pub level: Level,
    /// Its limit.
    pub bound: Bound,
    /// How long the value must stay beyond the limit before the level is on.
    pub hold: Millis,
    /// How long the value must be back before the level is off (`keep_firing_for`).
    pub keep: Millis,
}

/// A ladder of limits on one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What is compared.
    pub signal: Signal,
    /// Length of the window; zero for the signals without one, `last` and `stuck`.
    pub window: Millis,
    /// Which side is bad.
    pub direction: Direction,
    /// How far back behind a limit the value must be to be off; at least 0, in the signal's unit.
    pub deadband: f64,
    /// One to four levels, lowest first; each limit lies further out than the one before.
    pub steps: Vec<Step>,
}

impl Term {
    /// The step of this level, if the ladder has it.
    pub fn step(&self, level: Level) -> Option<&Step> {
        self.steps.iter().find(|s| s.level == level)
    }

    /// Whether `value` reaches the step's limit. NaN reaches nothing.
    pub fn reached(&self, step: &Step, value: f64) -> bool {
        match (step.bound, self.direction) {
            (Bound::Value(limit), Direction::Below) => value <= limit,
            (Bound::Value(limit), _) => value >= limit,
            (Bound::Band { low, high }, _) => value < low || value > high,
        }
    }

    /// Whether `value` is back behind the step's limit by the deadband. NaN never is.
    pub fn back(&self, step: &Step, value: f64) -> bool {
        match (step.bound, self.direction) {
            (Bound::Value(limit), Direction::Below) => value > limit + self.deadband,
            (Bound::Value(limit), _) => value < limit - self.deadband,
            (Bound::Band { low, high }, _) => value >= low + self.deadband && value <= high - self.deadband,
        }
    }

    /// The first level whose limit does not lie further out than the one before.
    fn not_climbing(&self) -> Option<Level> {
        let further = |a: Bound, b: Bound| match (a, b, self.direction) {
            (Bound::Value(a), Bound::Value(b), Direction::Below) => b < a,
            (Bound::Value(a), Bound::Value(b), _) => b > a,
            (Bound::Band { low: l1, high: h1 }, Bound::Band { low: l2, high: h2 }, _) => l2 < l1 && h2 > h1,
            _ => true,
        };
        self.steps.windows(2).find(|w| matches!(w, [a, b] if !further(a.bound, b.bound))).map(|w| w[1].level)
    }

    /// An open interval of values that reach no level: that of the lowest step, which is the nearest.
    pub fn calm(&self) -> (f64, f64) {
        match (self.steps.first().map(|s| s.bound), self.direction) {
            (None, _) => (f64::NEG_INFINITY, f64::INFINITY),
            (Some(Bound::Value(limit)), Direction::Below) => (limit, f64::INFINITY),
            (Some(Bound::Value(limit)), _) => (f64::NEG_INFINITY, limit),
            (Some(Bound::Band { low, high }), _) => (low, high),
        }
    }

    /// The number to show as the step's limit for `value`: of a band the end that `value` is nearer to.
    pub fn shown_limit(&self, step: &Step, value: f64) -> f64 {
        match step.bound {
            Bound::Value(limit) => limit,
            Bound::Band { low, high } => {
                if value < low.midpoint(high) {
                    low
                } else {
                    high
                }
            }
        }
    }
}

/// Limits on a quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is judged; of an expression the name of its results, which nobody sees.
    pub quantity: Quantity,
    /// What is judged instead of something measured.
    pub expression: Option<Arc<Expression>>,
    /// The terms in each period of the schedule; without one there is one set of them. At least one set, each with the
    /// same signals.
    pub periods: Vec<Vec<Term>>,
    /// Which period holds when; `None`: the only one, always.
    pub schedule: Option<Schedule>,
    /// Samples needed before a level is on; where the rule does not say: 1, and 2 where the interval is below `for`.
    pub min_samples: Option<u32>,
    /// Age at which a value is stale; where the rule does not say, the device's interval decides.
    pub stale_after: Option<Millis>,
    /// Decimals that a signal is rounded to, half to even, before it is compared.
    pub decimals: Option<u8>,
}

impl Threshold {
    /// The quantity judged, where it is one that is measured or an index.
    pub fn shown(&self) -> Option<&Quantity> {
        self.expression.is_none().then_some(&self.quantity)
    }

    /// The quantities that it looks at: the one judged, or those that the expression names.
    pub fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        self.shown().into_iter().chain(self.expression.iter().flat_map(|e| &e.inputs).map(|i| &i.quantity))
    }

    /// The terms of a period; none where the rule is asleep.
    pub fn terms(&self, period: Option<u8>) -> &[Term] {
        period.and_then(|p| self.periods.get(usize::from(p))).map_or(&[], Vec::as_slice)
    }

    /// The terms of the first period: what the threshold judges, and the limits a reader is shown first.
    pub fn first(&self) -> &[Term] {
        self.terms(Some(0))
    }

    /// The period at an event time; `None`: asleep.
    pub fn period(&self, at: Timestamp) -> Option<u8> {
        match &self.schedule {
            None => Some(0),
            Some(schedule) => schedule.at(at).and_then(|p| u8::try_from(p).ok()),
        }
    }

    /// When the next period begins, or this one ends, after an event time; `MAX` where it never does.
    pub fn edge(&self, at: Timestamp) -> Timestamp {
        self.schedule.as_ref().map_or(Timestamp::MAX, |s| s.next_edge(at))
    }

    /// The wall clock of the rule at an event time, as milliseconds since 1970 there.
    pub(crate) fn wall(&self, at: Timestamp) -> i64 {
        // Beijing, which keeps no summer time since 1991.
        self.schedule.as_ref().map_or_else(|| at.0.saturating_add(8 * 3_600_000), |s| s.wall(at))
    }

    /// The zone of that clock as a number.
    pub(crate) fn zone(&self) -> u64 {
        let name = self.schedule.as_ref().and_then(|s| s.zone().iana_name()).unwrap_or("Asia/Shanghai");
        xxhash_rust::xxh3::xxh3_64(name.as_bytes())
    }

    /// Whether it looks at what is usual for the series.
    pub(crate) fn has_baseline(&self) -> bool {
        self.first().iter().any(|t| matches!(t.signal, Signal::Baseline { .. }))
    }

    /// Whether both judge the same signals of the same quantity.
    pub fn same_signal(&self, other: &Self) -> bool {
        let pairs = || self.first().iter().zip(other.first());
        self.quantity == other.quantity
            && self.first().len() == other.first().len()
            && pairs().all(|(a, b)| a.signal == b.signal && a.window == b.window)
    }

    /// Whether it judges the last value by the same limits at all times, which is how most rules are.
    pub fn is_plain(&self) -> bool {
        self.schedule.is_none() && self.decimals.is_none() && matches!(self.first(), [t] if t.signal == Signal::Last)
    }

    /// Whether the limits of the first period hold at all hours and have no end: what can be drawn beside a value.
    pub fn is_lasting(&self) -> bool {
        self.schedule.as_ref().is_none_or(|s| s.periods().is_empty() && !s.ends())
    }

    /// An open interval of values that reach no level. Empty where more than the last value is looked at.
    pub fn calm(&self) -> (f64, f64) {
        match self.first() {
            [term] if self.is_plain() => term.calm(),
            _ => (f64::INFINITY, f64::NEG_INFINITY),
        }
    }

    /// The same with other limits of single levels, in all periods that have these levels.
    ///
    /// # Errors
    /// In words: several terms, a band, a level that no period has, limits that do not climb.
    pub fn with_limits(&self, limits: &[(Level, f64)]) -> Result<Self, String> {
        let mut own = self.clone();
        if self.first().len() != 1 {
            return Err("has several terms, and the limits of a device would be of one".to_owned());
        }
        for (level, value) in limits {
            let mut found = false;
            for step in own.periods.iter_mut().flatten().flat_map(|t| &mut t.steps).filter(|s| s.level == *level) {
                found = true;
                match &mut step.bound {
                    Bound::Value(limit) => *limit = *value,
                    Bound::Band { .. } => {
                        return Err("judges by bands, and the limits of a device are numbers".to_owned());
                    }
                }
            }
            if !found {
                return Err(format!("has no level {}", level.as_str()));
            }
        }
        match own.periods.iter().flatten().find_map(Term::not_climbing) {
            Some(level) => {
                Err(format!("has a limit at {} that would not lie further out than the one before", level.as_str()))
            }
            None => Ok(own),
        }
    }

    /// A value as it is compared.
    pub fn rounded(&self, value: f64) -> f64 {
        match self.decimals {
            None => value,
            Some(decimals) => {
                // Exact, and cheaper than a power that the compiler works out even where nothing is rounded.
                const SCALES: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
                let scale = SCALES.get(usize::from(decimals)).copied().unwrap_or(1e6);
                (value * scale).round_ties_even() / scale
            }
        }
    }
}
