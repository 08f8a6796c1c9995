//! From the table of one rule to the rule, or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use toml::Value;

use super::table::Reader;
use super::{Absence, Confidence, Rule, RuleKind, Selector};
use super::{event, mute, quorum};
use crate::id::{DeviceId, PlaceCode, Quantity, RuleId};
use crate::limit;
use crate::place::{Domain, Level};
use crate::reading::quantity::{self, QuantitySpec};

mod expression;
mod ladder;
mod threshold;

/// Keys that only a threshold has.
pub(super) const LADDER_KEYS: [&str; 19] = [
    "levels",
    "direction",
    "deadband",
    "for",
    "keep_firing_for",
    "min_samples",
    "stale_after",
    "decimals",
    "signal",
    "window",
    "percentile",
    "per",
    "tolerance",
    "weeks",
    "floor",
    "any",
    "zone",
    "in_force",
    "during",
];

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
        let mut said = expression::Said::Nothing;
        let when = r.need_table("when").map(|mut sub| {
            said = expression::read(&mut sub);
            selector(sub)
        });
        let other = ["event", "absent"].into_iter().find(|key| r.has(key));
        if let (Some(other), expression::Said::Good(_)) = (other, &said) {
            r.problem("when.expression", format_args!("does not belong to a rule with `{other}`"));
        }
        let kind = if r.has("event") {
            event::read(&mut r, when.as_ref())
        } else if r.has("absent") {
            absence(&mut r, when.as_ref())
        } else {
            threshold::read(&mut r, id.as_ref(), when.as_ref(), said)
        };
        (when, kind)
    };
    let source = r.need_text("source");
    let effective = match r.take("effective") {
        Some(Value::Datetime(date)) => Some(date.to_string()),
        Some(value) => r.text("effective", value),
        None => None,
    };
    let confidence = match r.opt_text("confidence") {
        None => Some(None),
        Some(text) => confidence(&mut r, &text).map(Some),
    };
    let advice = r.need_words("advice");
    let shadow = r.flag("shadow");
    let mute = mute::read(&mut r);
    r.finish();
    Some(Rule {
        id: id?,
        title: title?,
        domain: domain?,
        selector: when??.0,
        kind: kind?,
        source: source?,
        effective,
        confidence: confidence?,
        advice: advice?,
        shadow: shadow?,
        mute: mute.ok()?,
    })
}

fn confidence(r: &mut Reader<'_>, text: &str) -> Option<Confidence> {
    let confidence = Confidence::ALL.into_iter().find(|c| c.as_str() == text);
    if confidence.is_none() {
        let all = Confidence::ALL.map(Confidence::as_str).join(", ");
        r.problem("confidence", format_args!("`{text}` is not one of {all}"));
    }
    confidence
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

pub(super) type When = Option<(Selector, Option<Quantity>)>;

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

/// Reads a level by its word.
pub(super) fn level(r: &mut Reader<'_>, key: &str, text: &str) -> Option<Level> {
    let level = Level::parse(text);
    if level.is_none() {
        r.problem(key, format_args!("`{text}` is not one of {}", Level::ALL.map(Level::as_str).join(", ")));
    }
    level
}
