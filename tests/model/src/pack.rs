//! §1, §4, §5, §9: rules as they are judged.

use std::collections::{BTreeMap, BTreeSet};

use crate::air;
use crate::baseline::Zone;
use crate::calendar::{Calendar, Limits};
use crate::catalogue::{Entry, within};
use crate::event::Codes;
use crate::expression::Tree;
use crate::{Level, Ms};

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) when: When,
    pub(crate) kind: Kind,
    /// §12: on trial: judged, and told to nobody.
    pub(crate) shadow: bool,
}

/// Which devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct When {
    pub(crate) kind: Option<String>,
    pub(crate) district: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) devices: Option<Vec<String>>,
}

/// What is judged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Ladder(Box<Ladder>),
    Absence { intervals: i64, level: Level },
    Event(Codes),
}

/// §4: a threshold rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ladder {
    /// The series that is judged: a quantity, or the results of the expression.
    pub(crate) series: String,
    pub(crate) expression: Option<Expression>,
    pub(crate) terms: Vec<Term>,
    /// `for` and `keep_firing_for` of every level; no time where it is not named.
    pub(crate) hold: BTreeMap<Level, Ms>,
    pub(crate) keep: BTreeMap<Level, Ms>,
    pub(crate) min_samples: Option<u32>,
    pub(crate) stale_after: Option<Ms>,
    pub(crate) decimals: Option<i32>,
    pub(crate) zone: Zone,
    /// When these limits hold, or others.
    pub(crate) calendar: Calendar,
}

/// One term of a threshold rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) sense: Sense,
    pub(crate) direction: Direction,
    pub(crate) deadband: f64,
    pub(crate) levels: Limits,
}

/// What is asked of a series, and over which window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sense {
    pub(crate) signal: Signal,
    pub(crate) window: Option<Ms>,
}

/// §5: what is computed of several series of the device.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub(crate) tree: Tree<Named>,
    pub(crate) within: Option<Ms>,
}

/// A series that an expression names, and what it takes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) quantity: String,
    pub(crate) sense: Sense,
}

/// §5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Signal {
    Last,
    Mean,
    Min,
    Max,
    Sum,
    Count,
    Range,
    Delta,
    Rate { per: Ms },
    Percentile { p: i64 },
    Leq,
    Stuck { tolerance: f64 },
    Baseline { weeks: i64, floor: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Above,
    Below,
    Outside,
}

/// A limit: one number, or a band with `outside`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    One(f64),
    Band(f64, f64),
}

/// §12: rules on trial.
pub(crate) fn trials(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().filter(|r| r.shadow).map(|r| r.id.clone()).collect()
}

impl When {
    pub(crate) fn selects(&self, device: &str, entry: &Entry) -> bool {
        self.kind.as_ref().is_none_or(|k| *k == entry.kind)
            && self.district.as_ref().is_none_or(|d| within(&entry.place, d))
            && self.labels.iter().all(|(k, v)| entry.labels.get(k) == Some(v))
            && self.devices.as_ref().is_none_or(|list| list.iter().any(|d| d == device))
    }
}

impl Kind {
    /// §12: whether it judges what `other` judges: quantity or computation, signals with their parameters, windows.
    pub(crate) fn judges_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absence { .. }, Self::Absence { .. }) | (Self::Event(_), Self::Event(_)) => true,
            (Self::Ladder(a), Self::Ladder(b)) => {
                let terms = |l: &Ladder| l.terms.iter().map(|t| t.sense).collect::<Vec<_>>();
                a.series == b.series && terms(a) == terms(b)
            }
            _ => false,
        }
    }
}

impl Ladder {
    pub(crate) fn hold(&self, level: Level) -> Ms {
        self.hold.get(&level).copied().unwrap_or(0)
    }

    pub(crate) fn keep(&self, level: Level) -> Ms {
        self.keep.get(&level).copied().unwrap_or(0)
    }

    /// §4: `min_samples` of a level.
    pub(crate) fn min_samples(&self, level: Level, device: &Entry) -> u32 {
        let more_should_come = device.interval.is_some_and(|i| i < self.hold(level));
        self.min_samples.unwrap_or(if more_should_come { 2 } else { 1 })
    }

    pub(crate) fn stale_after(&self, device: &Entry) -> Ms {
        let usual = || air::fresh(&self.series).unwrap_or_else(|| device.stale_after());
        self.stale_after.unwrap_or_else(usual)
    }

    /// §5: whether it judges what is usual.
    pub(crate) fn is_baseline(&self) -> bool {
        self.terms.iter().any(|t| matches!(t.sense.signal, Signal::Baseline { .. }))
    }

    /// §4: rounded before every comparison, half to even.
    pub(crate) fn rounded(&self, value: f64) -> f64 {
        let Some(decimals) = self.decimals else { return value };
        let scale = 10_f64.powi(decimals);
        (value * scale).round_ties_even() / scale
    }
}

impl Direction {
    /// §4: whether the limits lie further out with each level.
    pub(crate) fn climbs(self, limits: &Limits) -> bool {
        let all: Vec<Limit> = limits.values().copied().collect();
        all.windows(2).all(|pair| match (self, pair[0], pair[1]) {
            (Self::Above, Limit::One(a), Limit::One(b)) => b > a,
            (Self::Below, Limit::One(a), Limit::One(b)) => b < a,
            (Self::Outside, Limit::Band(a, b), Limit::Band(c, d)) => c < a && d > b,
            _ => false,
        }) && all.iter().all(|limit| matches!(limit, Limit::Band(..)) == (self == Self::Outside))
    }
}

impl Term {
    /// §4: whether `v` reaches the limit of a level. Nothing reaches a limit that is not there.
    pub(crate) fn reached(&self, level: Level, v: f64) -> bool {
        match (self.direction, self.levels.get(&level)) {
            (Direction::Above, Some(Limit::One(limit))) => v >= *limit,
            (Direction::Below, Some(Limit::One(limit))) => v <= *limit,
            (Direction::Outside, Some(Limit::Band(low, high))) => v < *low || v > *high,
            _ => false,
        }
    }

    /// §4: whether `v` is back.
    pub(crate) fn back(&self, level: Level, v: f64) -> bool {
        let d = self.deadband;
        match (self.direction, self.levels.get(&level)) {
            (Direction::Above, Some(Limit::One(limit))) => v < limit - d,
            (Direction::Below, Some(Limit::One(limit))) => v > limit + d,
            (Direction::Outside, Some(Limit::Band(low, high))) => low + d <= v && v <= high - d,
            _ => false,
        }
    }

    /// §6: the limit that is shown; of a band the end that the value is nearer to.
    pub(crate) fn shown(&self, level: Level, value: Option<f64>) -> Option<f64> {
        match *self.levels.get(&level)? {
            Limit::One(limit) => Some(limit),
            Limit::Band(low, high) => {
                // open: nothing is said of which end it is where there is no value; the engine takes the one nearer to 0.
                let v = value.unwrap_or(0.0);
                Some(if v - low < high - v { low } else { high })
            }
        }
    }
}
