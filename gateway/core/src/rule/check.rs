//! From the table of one rule to the rule, or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use toml::Value;

use super::table::Reader;
use super::{Absence, Bound, Direction, Rule, RuleKind, Selector, Step, Threshold};
use super::{quorum, sound};
use crate::id::{DeviceId, PlaceCode, Quantity, RuleId};
use crate::limit;
use crate::place::{Domain, Level};
use crate::reading::quantity::{self, QuantitySpec};
use crate::time::Millis;

/// Keys that only a ladder has.
const LADDER_KEYS: [&str; 7] =
    ["levels", "direction", "deadband", "for", "keep_firing_for", "min_samples", "stale_after"];

/// What the names of built-in rules begin with: their alerts must not meet another rule's.
const OWN: &str = "maibo-";

/// Reads one rule. `None` where anything is wrong; the problems say what.
pub(super) fn rule(mut r: Reader<'_>) -> Option<Rule> {
    let id = r.need_text("id").and_then(|t| RuleId::new(&t).map_err(|e| r.problem("id", e)).ok());
    if let Some(id) = &id {
        // From here on a problem names the rule, which a reader finds faster than its number.
        r.rename(id.to_string());
        if id.as_str().starts_with(OWN) {
            r.problem("id", format_args!("begins with `{OWN}`, as only rules do that are built in"));
        }
    }
    let title = r.need_words("title");
    let domain = r.need_text("domain").and_then(|text| {
        let domain = Domain::parse(&text);
        if domain.is_none() {
            r.problem("domain", format_args!("`{text}` is not one of {}", Domain::ALL.map(Domain::as_str).join(", ")));
        }
        domain
    });
    let (when, kind) = if r.has("quorum") {
        (Some(Some((Selector::default(), None))), quorum::read(&mut r))
    } else {
        let when = r.need_table("when").map(selector);
        let absent = r.has("absent");
        let kind = if absent { absence(&mut r, when.as_ref()) } else { threshold(&mut r, when.as_ref()) };
        (when, kind)
    };
    let source = r.need_text("source");
    let effective = match r.take("effective") {
        Some(Value::Datetime(date)) => Some(date.to_string()),
        Some(value) => r.text("effective", value),
        None => None,
    };
    let advice = r.need_words("advice");
    r.finish();
    Some(Rule {
        id: id?,
        title: title?,
        domain: domain?,
        selector: when??.0,
        kind: kind?,
        source: source?,
        effective,
        advice: advice?,
    })
}

/// Reads `when`: whom the rule is about, and the quantity if there is one.
fn selector(mut r: Reader<'_>) -> Option<(Selector, Option<Quantity>)> {
    let mut good = true;
    let mut quantity = None;
    if let Some(text) = r.opt_text("quantity") {
        quantity = quantity::lookup(&text).and_then(QuantitySpec::quantity);
        if quantity.is_none() {
            r.problem("quantity", format_args!("`{text}` is not a known quantity"));
            good = false;
        }
    }
    let kind = r.opt_text("kind").map(SmolStr::from);
    let mut district = None;
    if let Some(text) = r.opt_text("district") {
        district = PlaceCode::new(&text).map_err(|e| r.problem("district", e)).ok();
        good &= district.is_some();
    }
    let labels = match r.take("labels") {
        Some(value) => labels(&mut r, value),
        None => Some(BTreeMap::new()),
    };
    let mut devices = None;
    if let Some(value) = r.take("devices") {
        devices = device_list(&mut r, value);
        good &= devices.is_some();
    }
    r.finish();
    let selector = Selector { kind, district, labels: labels?, devices };
    good.then_some((selector, quantity))
}

fn labels(r: &mut Reader<'_>, value: Value) -> Option<BTreeMap<SmolStr, SmolStr>> {
    let Value::Table(table) = value else {
        r.wrong("labels", "a table of texts", &value);
        return None;
    };
    if table.len() > limit::MAX_LABELS {
        r.problem("labels", format_args!("more than {}", limit::MAX_LABELS));
        return None;
    }
    let mut labels = BTreeMap::new();
    let mut good = true;
    for (key, value) in table {
        match r.text(&format!("labels.{key}"), value) {
            Some(text) => drop(labels.insert(SmolStr::from(key), SmolStr::from(text))),
            None => good = false,
        }
    }
    good.then_some(labels)
}

fn device_list(r: &mut Reader<'_>, value: Value) -> Option<BTreeSet<DeviceId>> {
    let Value::Array(list) = value else {
        r.wrong("devices", "a list of texts", &value);
        return None;
    };
    if list.is_empty() || list.len() > limit::MAX_LISTED_DEVICES {
        r.problem("devices", format_args!("has {} entries, not 1 to {}", list.len(), limit::MAX_LISTED_DEVICES));
        return None;
    }
    let mut devices = BTreeSet::new();
    let mut good = true;
    for (i, value) in list.into_iter().enumerate() {
        let key = format!("devices[{i}]");
        let id = r.text(&key, value).and_then(|t| DeviceId::new(&t).map_err(|e| r.problem(&key, e)).ok());
        good &= id.is_some();
        devices.extend(id);
    }
    good.then_some(devices)
}

type When = Option<(Selector, Option<Quantity>)>;

fn absence(r: &mut Reader<'_>, when: Option<&When>) -> Option<RuleKind> {
    if let Some(Some((_, Some(_)))) = when {
        r.problem("when.quantity", "does not belong to an absence rule: silence is of the whole device");
    }
    for key in LADDER_KEYS {
        if r.take(key).is_some() {
            r.problem(key, "does not belong to an absence rule");
        }
    }
    let intervals = r.need_table("absent").and_then(|mut sub| {
        if !sub.has("intervals") {
            sub.problem("intervals", "is missing");
        }
        let intervals = sub.opt_count("intervals");
        sub.finish();
        intervals
    });
    let level = r.need_text("level").and_then(|t| level(r, "level", &t));
    Some(RuleKind::Absence(Absence { intervals: intervals?, level: level? }))
}

pub(super) fn level(r: &mut Reader<'_>, key: &str, text: &str) -> Option<Level> {
    let level = Level::parse(text);
    if level.is_none() {
        r.problem(key, format_args!("`{text}` is not one of {}", Level::ALL.map(Level::as_str).join(", ")));
    }
    level
}

fn threshold(r: &mut Reader<'_>, when: Option<&When>) -> Option<RuleKind> {
    if r.take("level").is_some() {
        r.problem("level", "belongs to an absence rule; a ladder has `levels`");
    }
    let quantity = when.and_then(Option::as_ref).and_then(|(_, q)| q.clone());
    if quantity.is_none() && matches!(when, Some(Some(_))) {
        r.problem("when.quantity", "is missing");
    }
    let direction = r.need_text("direction").and_then(|text| {
        let all = [Direction::Above, Direction::Below, Direction::Outside];
        let direction = all.into_iter().find(|d| d.as_str() == text);
        if direction.is_none() {
            r.problem("direction", format_args!("`{text}` is not one of above, below, outside"));
        }
        direction
    });
    let deadband = match r.take("deadband") {
        None => Some(0.0),
        Some(value) => r.number("deadband", &value).filter(|d| {
            let good = *d >= 0.0;
            if !good {
                r.problem("deadband", "is below 0");
            }
            good
        }),
    };
    let bounds = r.need("levels").and_then(|value| bounds(r, value, direction?));
    let named: Vec<Level> = bounds.iter().flatten().map(|(level, _)| *level).collect();
    let hold = per_level(r, "for", &named);
    let keep = per_level(r, "keep_firing_for", &named);
    let min_samples = r.opt_count("min_samples");
    let stale_after = r.take("stale_after").and_then(|value| r.duration("stale_after", value));
    if stale_after == Some(Millis::ZERO) {
        r.problem("stale_after", "is zero: every value would be stale");
    }
    let (bounds, direction, deadband) = (bounds?, direction?, deadband?);
    let good = sound::ladder(r, &bounds, direction, deadband)
        & sound::reachable(r, &bounds, direction, quantity.as_ref()?)
        & sound::recoverable(r, &bounds, direction, deadband, quantity.as_ref()?);
    let (hold, keep) = (hold?, keep?);
    let at = |times: &BTreeMap<Level, Millis>, level| times.get(&level).copied().unwrap_or_default();
    let steps = bounds
        .iter()
        .map(|(level, bound)| Step { level: *level, bound: *bound, hold: at(&hold, *level), keep: at(&keep, *level) })
        .collect();
    let quantity = quantity?;
    good.then_some(RuleKind::Threshold(Threshold { quantity, direction, deadband, steps, min_samples, stale_after }))
}

/// Reads `levels`, lowest level first.
fn bounds(r: &mut Reader<'_>, value: Value, direction: Direction) -> Option<Vec<(Level, Bound)>> {
    let Value::Table(table) = value else {
        r.wrong("levels", "a table", &value);
        return None;
    };
    let mut bounds = BTreeMap::new();
    let mut good = true;
    for (name, value) in table {
        let key = format!("levels.{name}");
        let bound = match (direction, &value) {
            (Direction::Outside, Value::Array(pair)) if pair.len() == 2 => {
                let ends: Vec<f64> = pair.iter().filter_map(|v| r.number(&key, v)).collect();
                match ends[..] {
                    [low, high] => Some(Bound::Band { low, high }),
                    _ => None,
                }
            }
            (Direction::Outside, _) => {
                r.problem(&key, "is not a band [low, high], as `outside` needs");
                None
            }
            _ => r.number(&key, &value).map(Bound::Value),
        };
        match (level(r, &key, &name), bound) {
            (Some(level), Some(bound)) => drop(bounds.insert(level, bound)),
            _ => good = false,
        }
    }
    if good && bounds.is_empty() {
        r.problem("levels", "has no level");
        good = false;
    }
    good.then(|| bounds.into_iter().collect())
}

/// Reads one length of time for all levels, or a table with one for each.
fn per_level(r: &mut Reader<'_>, key: &str, named: &[Level]) -> Option<BTreeMap<Level, Millis>> {
    match r.take(key) {
        None => Some(BTreeMap::new()),
        Some(Value::Table(table)) => {
            let mut times = BTreeMap::new();
            for (name, value) in table {
                let path = format!("{key}.{name}");
                if let (Some(level), Some(time)) = (level(r, &path, &name), r.duration(&path, value)) {
                    times.insert(level, time);
                }
            }
            let wanted: BTreeSet<Level> = named.iter().copied().collect();
            let found: BTreeSet<Level> = times.keys().copied().collect();
            // With levels that could not be read there is nothing to compare with.
            if wanted.is_empty() || wanted == found {
                return Some(times);
            }
            r.problem(key, "does not name exactly the levels of the ladder");
            None
        }
        Some(value) => r.duration(key, value).map(|time| Level::ALL.into_iter().map(|l| (l, time)).collect()),
    }
}
