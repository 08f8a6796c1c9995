//! §5: what a term says of its series.

use crate::pack::{Direction, Ladder, Sense, Signal, Term};
use crate::series::Series;
use crate::window::{Entry, Window};
use crate::{Level, Ms, plausible};

/// What a term says, from one accepted reading to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// The value, rounded as it is compared and shown.
    pub(crate) value: Option<f64>,
    /// Whether it may reach a limit.
    pub(crate) reaches: bool,
    /// Whether it may be back.
    pub(crate) backs: bool,
}

impl Said {
    pub(crate) fn reached(&self, term: &Term, level: Level) -> bool {
        self.reaches && self.value.is_some_and(|v| term.reached(level, v))
    }

    pub(crate) fn back(&self, term: &Term, level: Level) -> bool {
        self.backs && self.value.is_some_and(|v| term.back(level, v))
    }
}

/// What the terms of a rule say while the series holds what it holds. `stale_after`: the rule's.
pub(crate) fn said(ladder: &Ladder, series: &Series, stale_after: Ms) -> Vec<Said> {
    let Some(held) = series.held else { return vec![Said::default(); ladder.terms.len()] };
    let one = |term: &Term| {
        let said = match term.sense.signal {
            Signal::Last => Said { value: Some(held.value), reaches: true, backs: true },
            Signal::Stuck { .. } => {
                Said { value: series.memory.stuck(term.sense, stale_after, held.at), reaches: true, backs: true }
            }
            Signal::Baseline { weeks, floor } => {
                let usual = series.memory.usual(&ladder.zone);
                let value = usual.and_then(|hour| hour.departure(held.value, weeks, floor));
                Said { value, reaches: true, backs: true }
            }
            _ => of_window(term, &ladder.series, series, held.at),
        };
        Said { value: said.value.map(|v| ladder.rounded(v)), ..said }
    };
    ladder.terms.iter().map(one).collect()
}

fn of_window(term: &Term, quantity: &str, series: &Series, at: Ms) -> Said {
    let Some((value, measured)) = measured(term.sense, quantity, series, at) else { return Said::default() };
    // "May reach a limit at once": what more readings can only make larger, or smaller.
    let at_once = match term.sense.signal {
        Signal::Max | Signal::Sum | Signal::Count | Signal::Range => term.direction == Direction::Above,
        Signal::Min => term.direction == Direction::Below,
        _ => false,
    };
    let reaches = measured.enough || at_once;
    Said { value: value.filter(|_| reaches), reaches, backs: measured.enough && measured.full }
}

/// What an expression takes of a series: a window counts only when it is full and covered.
pub(crate) fn named(sense: Sense, quantity: &str, series: &Series) -> Option<f64> {
    let held = series.held?;
    if sense.signal == Signal::Last {
        return Some(held.value);
    }
    let (value, measured) = measured(sense, quantity, series, held.at)?;
    value.filter(|_| measured.enough && measured.full)
}

/// How well a window is known.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Covered to 75 %.
    enough: bool,
    full: bool,
}

fn measured(sense: Sense, quantity: &str, series: &Series, at: Ms) -> Option<(Option<f64>, Measured)> {
    let (window, length) = (series.memory.window(sense)?, sense.window?);
    let entries = window.within(length, at);
    let enough = 4 * window.covered(&entries, length, at) >= 3 * length;
    let full = window.began.is_some_and(|began| began <= at - length);
    Some((value(sense, quantity, window, &entries, length), Measured { enough, full }))
}

fn value(sense: Sense, quantity: &str, window: &Window, entries: &[Entry], length: Ms) -> Option<f64> {
    let n = entries.len() as f64;
    let (first, last) = (entries.first()?, entries.last()?);
    let least = entries.iter().map(|e| e.value).fold(f64::INFINITY, f64::min);
    let most = entries.iter().map(|e| e.value).fold(f64::NEG_INFINITY, f64::max);
    let delta = last.value - first.value;
    Some(match sense.signal {
        Signal::Mean => window.sum(entries, length, |v| v) / n,
        Signal::Sum => window.sum(entries, length, |v| v),
        Signal::Min => least,
        Signal::Max => most,
        Signal::Count => n,
        Signal::Range => most - least,
        Signal::Delta if entries.len() >= 2 => delta,
        Signal::Rate { per } if entries.len() >= 2 => delta / (last.at - first.at) as f64 * per as f64,
        Signal::Leq => 10.0 * (window.sum(entries, length, |v| 10_f64.powf(v / 10.0)) / n).log10(),
        Signal::Percentile { p } => percentile(p, quantity, window.coarse, entries),
        Signal::Delta | Signal::Rate { .. } | Signal::Last | Signal::Stuck { .. } | Signal::Baseline { .. } => {
            return None;
        }
    })
}

/// Nearest rank; over a coarse window the middle of the bin that it falls into.
fn percentile(p: i64, quantity: &str, coarse: bool, entries: &[Entry]) -> f64 {
    let rank = (p * entries.len() as i64 + 99) / 100;
    let mut values: Vec<f64> = entries.iter().map(|e| e.value).collect();
    values.sort_by(f64::total_cmp);
    let value = values[rank.max(1) as usize - 1];
    if !coarse {
        return value;
    }
    let (least, most) = plausible::of(quantity);
    let width = (most - least) / 64.0;
    let bin = ((value - least) / width).floor().clamp(0.0, 63.0);
    least + (bin + 0.5) * width
}
