//! Event rules: which reported codes are an alert, at which level, and how long a report counts.
//!
//! ```toml
//! event = { codes = { "rsi.707" = "orange", "radar.*" = "blue" }, expires_after = "10m" }
//! ```
//!
//! Limits: [`limit::MAX_EVENT_CODES`] codes a rule, [`limit::MAX_EVENT_CODE`] characters a code.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use toml::Value;

use super::RuleKind;
use super::check::{LADDER_KEYS, When, level};
use super::table::Reader;
use crate::limit;
use crate::place::Level;
use crate::time::Millis;

/// Discrete reports by their codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRule {
    exact: BTreeMap<SmolStr, Level>,
    /// Longest first.
    prefixes: Vec<(SmolStr, Level)>,
    /// How long an event counts without a repeat, where it carries no end of its own; more than 0.
    pub expires_after: Millis,
}

impl EventRule {
    /// The level of a code: that of the code itself, else that of the longest prefix written with a `*`.
    pub fn level(&self, code: &str) -> Option<Level> {
        let by_prefix = || self.prefixes.iter().find(|(p, _)| code.starts_with(p.as_str())).map(|(_, level)| *level);
        self.exact.get(code).copied().or_else(by_prefix)
    }
}

/// Reads the keys of an event rule.
pub(super) fn read(r: &mut Reader<'_>, when: Option<&When>) -> Option<RuleKind> {
    if let Some(Some((_, Some(_)))) = when {
        r.problem("when.quantity", "does not belong to an event rule: an event has a code, not a quantity");
    }
    for key in LADDER_KEYS.into_iter().chain(["level", "absent"]) {
        if r.take(key).is_some() {
            r.problem(key, "does not belong to an event rule");
        }
    }
    let mut sub = r.need_table("event")?;
    let codes = sub.need("codes").and_then(|value| codes(&mut sub, value));
    let expires_after = match sub.take("expires_after") {
        None => Some(limit::EVENT_EXPIRES_AFTER),
        Some(value) => sub.duration("expires_after", value),
    };
    if expires_after == Some(Millis::ZERO) {
        sub.problem("expires_after", "is zero: every event would be over at once");
    }
    sub.finish();
    let mut exact = codes?;
    let mut prefixes: Vec<(SmolStr, Level)> =
        exact.iter().filter_map(|(code, level)| Some((code.strip_suffix('*')?.into(), *level))).collect();
    prefixes.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    exact.retain(|code, _| !code.ends_with('*'));
    let expires_after = expires_after.filter(|t| *t > Millis::ZERO)?;
    Some(RuleKind::Event(EventRule { exact, prefixes, expires_after }))
}

/// Reads `codes` as they are written, a trailing `*` included.
fn codes(r: &mut Reader<'_>, value: Value) -> Option<BTreeMap<SmolStr, Level>> {
    let Value::Table(table) = value else {
        r.wrong("codes", "a table of levels by code", &value);
        return None;
    };
    if table.is_empty() || table.len() > limit::MAX_EVENT_CODES {
        r.problem("codes", format_args!("has {} codes, not 1 to {}", table.len(), limit::MAX_EVENT_CODES));
        return None;
    }
    let mut codes = BTreeMap::new();
    let mut good = true;
    for (code, value) in table {
        let key = format!("codes.{code}");
        let length = code.chars().count();
        let stem = code.strip_suffix('*').unwrap_or(&code);
        let found = if !(1..=limit::MAX_EVENT_CODE).contains(&length) {
            r.problem(&key, format_args!("the code has {length} characters, not 1 to {}", limit::MAX_EVENT_CODE));
            None
        } else if stem.contains('*') {
            r.problem(&key, "has a `*` that is not the last character: only the end of a code can be left open");
            None
        } else if value.is_table() {
            r.problem(&key, "is a table, not a level; a code with a dot stands in quotes: \"rsi.707\" = \"orange\"");
            None
        } else {
            r.text(&key, value).and_then(|text| level(r, &key, &text))
        };
        match found {
            Some(level) => drop(codes.insert(SmolStr::from(code), level)),
            None => good = false,
        }
    }
    good.then_some(codes)
}
