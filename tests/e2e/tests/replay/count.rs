//! What the gateway should tell of a series: a plain run-length count, and what it told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::run::Series;

/// A rule on pm25 without timers or deadband: its levels in rising order, and its staleness.
pub(crate) struct Ladder {
    pub(crate) id: &'static str,
    pub(crate) levels: &'static [(&'static str, f64)],
    pub(crate) stale_after: i64,
}

/// What is told about an episode at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) started_at: i64,
    pub(crate) version: u64,
    pub(crate) at: i64,
    pub(crate) state: String,
    pub(crate) level: String,
    pub(crate) peak: String,
    pub(crate) reason: String,
    pub(crate) stale: bool,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
}

/// Run lengths: an episode is a row of values above the lowest limit, whatever is missing in between. A gap of the
/// staleness or longer is told as such at its time and ended by the next value; then that value speaks for itself.
pub(crate) fn expected(series: &Series, ladder: &Ladder, end: i64) -> Vec<Told> {
    let rank = |v: f64| ladder.levels.iter().rposition(|(_, limit)| v >= *limit);
    let mut all: Vec<Told> = Vec::new();
    // Begin of the open episode, its versions so far, its level and its highest level.
    let mut open: Option<(i64, u64, usize, usize)> = None;
    let mut last: Option<i64> = None;
    // A gap has no value: it shows the one last told.
    let mut shown = 0.0;
    let mut tell = |open: &mut (i64, u64, usize, usize), at, state: &str, reason: &str, value: Option<f64>| {
        open.1 += 1;
        shown = value.unwrap_or(shown);
        let (value, stale) = (shown, value.is_none());
        let (name, threshold) = ladder.levels[open.2];
        let (level, peak) = (name.to_owned(), ladder.levels[open.3].0.to_owned());
        let (state, reason) = (state.to_owned(), reason.to_owned());
        all.push(Told { started_at: open.0, version: open.1, at, state, level, peak, reason, stale, value, threshold });
    };
    for (t, value) in series {
        if let (Some(episode), Some(before)) = (&mut open, last)
            && t - before >= ladder.stale_after
        {
            tell(episode, before + ladder.stale_after, "firing", "data_stale", None);
            tell(episode, *t, "firing", "data_fresh", Some(*value));
        }
        match (&mut open, rank(*value)) {
            (None, Some(now)) => {
                let episode = open.insert((*t, 0, now, now));
                tell(episode, *t, "firing", "threshold", Some(*value));
            }
            (Some(episode), Some(now)) if now != episode.2 => {
                let reason = if now > episode.2 { "raised" } else { "lowered" };
                (episode.2, episode.3) = (now, now.max(episode.3));
                tell(episode, *t, "firing", reason, Some(*value));
            }
            (Some(episode), None) => {
                tell(episode, *t, "resolved", "recovered", Some(*value));
                open = None;
            }
            _ => {}
        }
        last = Some(*t);
    }
    if let (Some(episode), Some(before)) = (&mut open, last)
        && end - before >= ladder.stale_after
    {
        tell(episode, before + ladder.stale_after, "firing", "data_stale", None);
    }
    all
}

/// What the facts tell about one device by one rule, and the identities of its episodes. That nobody took notice of an alert is
/// no part of the recording: reminders are neither shown nor numbered.
pub(crate) fn found(facts: &[Value], device: &str, rule: &str) -> (Vec<Told>, BTreeSet<String>) {
    let of = |f: &&Value| f["kind"] == "transition" && f["subject"] == device && f["rule"] == rule;
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let told = |f: &Value, reminders: u64| Told {
        started_at: f["started_at"].as_i64().expect("started_at"),
        version: f["version"].as_u64().expect("version") - reminders,
        at: f["happened_at"].as_i64().expect("happened_at"),
        state: text(&f["state"]),
        level: text(&f["level"]),
        peak: text(&f["peak"]),
        reason: text(&f["reason"]),
        stale: f["stale"].as_bool().expect("stale"),
        value: f["value"].as_f64().expect("value"),
        threshold: f["threshold"].as_f64().expect("threshold"),
    };
    let mut reminders: BTreeMap<String, u64> = BTreeMap::new();
    let mut all = Vec::new();
    for f in facts.iter().filter(of) {
        let before = reminders.entry(text(&f["episode"])).or_default();
        if f["reason"] == "unacknowledged" {
            *before += 1;
            continue;
        }
        // The clock is the stream's: all is decided at the time it happens, and nothing is history.
        assert!(f["at"] == f["happened_at"] && f["historic"] == false, "decided at another time: {f}");
        all.push(told(f, *before));
    }
    (all, reminders.into_keys().collect())
}
