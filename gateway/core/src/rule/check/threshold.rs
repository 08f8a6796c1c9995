//! From the keys of a threshold to its terms and periods.
//!
//! A rule has one term, whose keys stand in the rule itself, or several below `any`. What a period of the schedule says
//! about levels takes the place of the rule's own.

use std::sync::Arc;

use toml::Value;

use super::When;
use super::expression::Said;
use super::ladder::{bounds, per_level};
use crate::id::{Quantity, RuleId};
use crate::limit;
use crate::place::Level;
use crate::rule::table::Reader;
use crate::rule::{Bound, Direction, Expression, RuleKind, Schedule, Signal, Step, Term, Threshold, schedule, sound};
use crate::time::Millis;

/// Keys that stand in the terms where a rule has several.
const TERM_KEYS: [&str; 8] = ["signal", "window", "percentile", "per", "tolerance", "weeks", "floor", "levels"];
/// Where a rate does not say by which unit of time.
const PER: Millis = Millis::from_secs(3_600);
/// Where a baseline does not say how many weeks it must know.
const WEEKS: u8 = 3;

/// The limits of one term in one period.
type Bounds = Vec<(Level, Bound)>;

/// A term before its times are known.
struct Draft {
    signal: Signal,
    window: Millis,
    direction: Direction,
    deadband: f64,
    /// `None` where only the periods have limits.
    bounds: Option<Bounds>,
}

/// Reads a threshold. `None` where anything is wrong; the problems say what.
pub(super) fn read(r: &mut Reader<'_>, id: Option<&RuleId>, when: Option<&When>, said: Said) -> Option<RuleKind> {
    if r.take("level").is_some() {
        r.problem("level", "belongs to an absence rule; a ladder has `levels`");
    }
    let is_plain = matches!(said, Said::Nothing);
    let expression = if let Said::Good(expression) = said { Some(expression) } else { None };
    let quantity = match &expression {
        Some(expression) => id.and_then(|id| expression.quantity(id)),
        None => when.and_then(Option::as_ref).and_then(|(_, q)| q.clone()),
    };
    if is_plain && quantity.is_none() && matches!(when, Some(Some(_))) {
        r.problem("when.quantity", "is missing");
    }
    let several = r.take("any");
    let direction = if several.is_some() && !r.has("direction") { None } else { direction(r) };
    let deadband = deadband(r);
    let by_period = r.has("during");
    let drafts = match several {
        None => one(r, direction, deadband, by_period).map(|draft| vec![draft]),
        Some(value) => terms(r, value, direction, deadband),
    };
    let (schedule, periods) = periods(r, drafts.as_deref())?;
    let named: Vec<Level> = {
        let own = drafts.iter().flatten().flat_map(|d| d.bounds.iter().flatten());
        own.chain(periods.iter().flatten().flatten()).map(|(level, _)| *level).collect()
    };
    let hold = per_level(r, "for", &named);
    let keep = per_level(r, "keep_firing_for", &named);
    let min_samples = r.opt_count("min_samples");
    let stale_after = r.take("stale_after").and_then(|value| r.duration("stale_after", value));
    if stale_after == Some(Millis::ZERO) {
        r.problem("stale_after", "is zero: every value would be stale");
    }
    let decimals = decimals(r);
    let (quantity, drafts, hold, keep) = (quantity?, drafts?, hold?, keep?);
    let step = |(level, bound): &(Level, Bound)| Step {
        level: *level,
        bound: *bound,
        hold: hold.get(level).copied().unwrap_or_default(),
        keep: keep.get(level).copied().unwrap_or_default(),
    };
    let mut good = true;
    let mut sets = Vec::new();
    // Without a schedule there is one set of limits: the rule's own.
    let periods = if periods.is_empty() { vec![None] } else { periods };
    for (n, own) in periods.iter().enumerate() {
        let mut set = Vec::new();
        for (i, draft) in drafts.iter().enumerate() {
            let at = match own {
                Some(_) => format!("during[{n}]."),
                None if drafts.len() > 1 => format!("any[{i}]."),
                None => String::new(),
            };
            let bounds = own.as_ref().or(draft.bounds.as_ref())?;
            // The rule's own limits are looked at once.
            if own.is_some() || n == 0 || !periods.iter().take(n).any(Option::is_none) {
                good &= is_sound(r, &at, bounds, draft, &quantity);
                good &= expression.as_ref().is_none_or(|e| judges_result(r, &at, bounds, draft, e));
            }
            let steps = bounds.iter().map(step).collect();
            let Draft { signal, window, direction, deadband, .. } = *draft;
            set.push(Term { signal, window, direction, deadband, steps });
        }
        sets.push(set);
    }
    let expression = expression.map(Arc::new);
    let threshold = Threshold { quantity, expression, periods: sets, schedule, min_samples, stale_after, decimals };
    good.then_some(RuleKind::Threshold(threshold))
}

fn is_sound(r: &mut Reader<'_>, at: &str, bounds: &Bounds, draft: &Draft, quantity: &Quantity) -> bool {
    let mut good = sound::ladder(r, at, bounds, draft.direction, draft.deadband);
    if draft.signal.is_a_value() {
        good &= sound::reachable(r, at, bounds, draft.direction, quantity);
        good &= sound::recoverable(r, at, bounds, draft.direction, draft.deadband, quantity);
    }
    good
}

/// Whether a ladder can judge what the expression gives.
fn judges_result(r: &mut Reader<'_>, at: &str, bounds: &Bounds, draft: &Draft, expression: &Expression) -> bool {
    if matches!(draft.signal, Signal::Percentile(_)) {
        r.problem(
            &format!("{at}signal"),
            "`percentile` needs the plausible range of a quantity, which a result has not",
        );
        return false;
    }
    let one = matches!(bounds[..], [(_, Bound::Value(limit))] if limit > draft.deadband && limit <= 1.0);
    if expression.truth && draft.signal == Signal::Last && !(one && draft.direction == Direction::Above) {
        let text = "the expression is true or false, which count as 1 and 0: write one level with the limit 1, direction above";
        r.problem(&format!("{at}levels"), text);
        return false;
    }
    true
}

fn direction(r: &mut Reader<'_>) -> Option<Direction> {
    r.need_text("direction").and_then(|text| {
        let all = [Direction::Above, Direction::Below, Direction::Outside];
        let direction = all.into_iter().find(|d| d.as_str() == text);
        if direction.is_none() {
            r.problem("direction", format_args!("`{text}` is not one of above, below, outside"));
        }
        direction
    })
}

/// Reads `deadband`; 0 where there is none.
fn deadband(r: &mut Reader<'_>) -> Option<f64> {
    let Some(value) = r.take("deadband") else { return Some(0.0) };
    let number = r.number("deadband", &value)?;
    if number < 0.0 {
        r.problem("deadband", "is below 0");
        return None;
    }
    Some(number)
}

fn decimals(r: &mut Reader<'_>) -> Option<u8> {
    let value = r.take("decimals")?;
    let decimals = value.as_integer().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= limit::MAX_DECIMALS);
    if decimals.is_none() {
        r.problem("decimals", format_args!("is not a whole number from 0 to {}", limit::MAX_DECIMALS));
    }
    decimals
}

/// Reads the only term of a rule, or one of several.
fn one(r: &mut Reader<'_>, direction: Option<Direction>, deadband: Option<f64>, by_period: bool) -> Option<Draft> {
    let read = if by_period && !r.has("levels") {
        Some(None)
    } else {
        r.need("levels").and_then(|value| bounds(r, value, direction?)).map(Some)
    };
    let (signal, window) = signal(r)?;
    Some(Draft { signal, window, direction: direction?, deadband: deadband?, bounds: read? })
}

/// Reads `any`.
fn terms(
    r: &mut Reader<'_>,
    value: Value,
    direction_of_all: Option<Direction>,
    deadband_of_all: Option<f64>,
) -> Option<Vec<Draft>> {
    for key in TERM_KEYS {
        if r.take(key).is_some() {
            r.problem(key, "belongs to the terms below `any`");
        }
    }
    let Value::Array(list) = value else {
        r.wrong("any", "a list of tables", &value);
        return None;
    };
    if list.is_empty() || list.len() > limit::MAX_TERMS {
        r.problem("any", format_args!("has {} terms, not 1 to {}", list.len(), limit::MAX_TERMS));
        return None;
    }
    let mut drafts = Vec::new();
    let mut good = true;
    for (i, value) in list.into_iter().enumerate() {
        let draft = r.table(&format!("any[{i}]"), value).and_then(|mut sub| {
            let own = sub.has("direction");
            let direction = if own { direction(&mut sub) } else { direction_of_all };
            if !own && direction.is_none() {
                sub.problem("direction", "is missing, here or in the rule");
            }
            let deadband = if sub.has("deadband") { deadband(&mut sub) } else { deadband_of_all };
            let draft = one(&mut sub, direction, deadband, false);
            sub.finish();
            draft
        });
        match draft {
            Some(draft) => drafts.push(draft),
            None => good = false,
        }
    }
    good.then_some(drafts)
}

/// Reads `signal` and what belongs to it.
pub(super) fn signal(r: &mut Reader<'_>) -> Option<(Signal, Millis)> {
    let name = r.opt_text("signal").unwrap_or_else(|| "last".to_owned());
    let belongs = [
        ("percentile", "percentile"),
        ("per", "rate"),
        ("tolerance", "stuck"),
        ("weeks", "baseline"),
        ("floor", "baseline"),
    ];
    for (key, of) in belongs {
        if r.has(key) && name != of {
            r.take(key);
            r.problem(key, format_args!("belongs to the signal `{of}`"));
        }
    }
    let window = r.take("window");
    let signal = match name.as_str() {
        "last" => Signal::Last,
        "mean" => Signal::Mean,
        "min" => Signal::Min,
        "max" => Signal::Max,
        "sum" => Signal::Sum,
        "count" => Signal::Count,
        "range" => Signal::Range,
        "delta" => Signal::Delta,
        "leq" => Signal::Leq,
        "percentile" => Signal::Percentile(percentile(r)?),
        "rate" => match r.take("per") {
            None => Signal::Rate { per: PER },
            Some(value) => match r.duration("per", value)? {
                Millis::ZERO => {
                    r.problem("per", "is zero");
                    return None;
                }
                per => Signal::Rate { per },
            },
        },
        "stuck" => Signal::Stuck { tolerance: at_least_zero(r, "tolerance")? },
        "baseline" => Signal::Baseline { weeks: weeks(r)?, floor: at_least_zero(r, "floor")? },
        _ => {
            let all = "last, mean, min, max, sum, count, range, rate, delta, percentile, leq, stuck, baseline";
            r.problem("signal", format_args!("`{name}` is not one of {all}"));
            return None;
        }
    };
    Some((signal, window_of(r, signal, window)?))
}

fn percentile(r: &mut Reader<'_>) -> Option<u8> {
    let value = r.need("percentile")?;
    let rank = value.as_integer().and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=99).contains(n));
    if rank.is_none() {
        r.problem("percentile", "is not a whole number from 1 to 99");
    }
    rank
}

fn at_least_zero(r: &mut Reader<'_>, key: &str) -> Option<f64> {
    let Some(value) = r.take(key) else { return Some(0.0) };
    let number = r.number(key, &value)?;
    if number < 0.0 {
        r.problem(key, "is below 0");
        return None;
    }
    Some(number)
}

/// Reads `weeks`; 3 where there is none.
fn weeks(r: &mut Reader<'_>) -> Option<u8> {
    let Some(value) = r.take("weeks") else { return Some(WEEKS) };
    let weeks = value.as_integer().and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=52).contains(n));
    if weeks.is_none() {
        r.problem("weeks", "is not a whole number from 1 to 52");
    }
    weeks
}

/// Reads the window of a signal; zero where the signal has none.
fn window_of(r: &mut Reader<'_>, signal: Signal, value: Option<Value>) -> Option<Millis> {
    let has_none = matches!(signal, Signal::Last | Signal::Stuck { .. } | Signal::Baseline { .. });
    match value {
        None if has_none => Some(Millis::ZERO),
        None => {
            r.problem("window", "is missing");
            None
        }
        Some(_) if has_none => {
            r.problem("window", format_args!("does not belong to the signal `{}`", signal.as_str()));
            None
        }
        Some(value) => {
            let window = r.duration("window", value)?;
            if window < limit::MIN_WINDOW {
                r.problem("window", format_args!("is shorter than {} s", limit::MIN_WINDOW.0 / 1000));
                return None;
            }
            Some(window)
        }
    }
}

/// Reads the schedule and the limits of its periods: `None` for a period that has the rule's own.
fn periods(r: &mut Reader<'_>, drafts: Option<&[Draft]>) -> Option<(Option<Schedule>, Vec<Option<Bounds>>)> {
    let mut limits = Vec::new();
    let mut good = true;
    let only = drafts.and_then(|d| if let [only] = d { Some(only) } else { None });
    let schedule = schedule::read(r, |_, period| {
        let own = match period.take("levels") {
            None => {
                if only.is_some_and(|d| d.bounds.is_none()) {
                    period.problem("levels", "is missing, here or in the rule");
                    good = false;
                }
                None
            }
            Some(_) if drafts.is_some_and(|d| d.len() > 1) => {
                period.problem("levels", "belongs to rules with one term");
                good = false;
                None
            }
            Some(value) => {
                let read = only.and_then(|d| bounds(period, value, d.direction));
                good &= read.is_some();
                read
            }
        };
        limits.push(own);
    });
    good.then_some((schedule, limits))
}
