//! What must be true after any number of crashes, computed plainly from what the outside saw: the generator's ledger, the
//! receiver's list, and the log's own readings. Knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One reading in the inputs log: device, quantity, event time, value; in log order.
pub type Stored = (String, String, i64, f64);

/// One delivery as a receiver took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its idempotency key.
    pub key: String,
    /// Of which episode.
    pub episode: String,
    /// Which version of it.
    pub version: u64,
}

/// Acknowledged readings (device, time) that the log has not.
pub fn lost(acknowledged: &[(String, i64)], stored: &[Stored]) -> Vec<String> {
    let have: BTreeSet<(&str, i64)> = stored.iter().map(|r| (r.0.as_str(), r.2)).collect();
    let missing = acknowledged.iter().filter(|(device, t)| !have.contains(&(device.as_str(), *t)));
    missing.map(|(device, t)| format!("acknowledged reading of {device} at {t} is missing")).collect()
}

/// Episodes of a rule `value ≥ limit` without timers or deadband: a plain run-length count over the log, against the
/// transitions in the facts log. None may be missing, doubled or made up, and versions go up by one.
pub fn episodes(limit: f64, stored: &[Stored], transitions: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let expected = expected(limit, stored);
    let mut found: BTreeMap<&str, (Run, u64)> = BTreeMap::new();
    for fact in transitions {
        let (id, version) = identity(fact);
        let last = found.get(id).map_or(0, |f| f.1);
        if version != last + 1 {
            wrong.push(format!("episode {id} goes from version {last} to {version}"));
        }
        let device = fact["subject"].as_str().unwrap_or_default().to_owned();
        let run = (device, fact["started_at"].as_i64().unwrap_or_default(), fact["resolved_at"].as_i64());
        found.insert(id, (run, version));
    }
    let all = found.len();
    let distinct: BTreeSet<Run> = found.into_values().map(|(run, _)| run).collect();
    if distinct.len() != all {
        wrong.push("an episode is doubled".to_owned());
    }
    wrong.extend(expected.difference(&distinct).map(|run| format!("episode missing: {run:?}")));
    wrong.extend(distinct.difference(&expected).map(|run| format!("episode too many: {run:?}")));
    wrong
}

/// Device, start, end.
type Run = (String, i64, Option<i64>);

fn expected(limit: f64, stored: &[Stored]) -> BTreeSet<Run> {
    let mut expected = BTreeSet::new();
    let mut series: BTreeMap<&str, (i64, Option<i64>)> = BTreeMap::new();
    for (device, _, t, value) in stored {
        let (newest, start) = series.entry(device).or_insert((i64::MIN, None));
        // Judged in the order of the log; what is not newer than the last one is a duplicate or late.
        if *t <= *newest {
            continue;
        }
        *newest = *t;
        if *value >= limit {
            start.get_or_insert(*t);
        } else if let Some(s) = start.take() {
            expected.insert((device.clone(), s, Some(*t)));
        }
    }
    let open = series.into_iter().filter_map(|(device, (_, start))| Some((device.to_owned(), start?, None)));
    expected.extend(open);
    expected
}

/// A receiver of every version: each arrives, never an older one after a newer one, the same version always under the
/// same key and another under another; the last one received is the final one.
pub fn deliveries(received: &[Received], transitions: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut keys: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    let mut used: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for Received { key, episode, version } in received {
        let last = newest.entry(episode).or_insert(0);
        if version < last {
            wrong.push(format!("episode {episode}: version {version} after {last}"));
        }
        *last = (*last).max(*version);
        if *keys.entry((episode, *version)).or_insert(key) != key {
            wrong.push(format!("episode {episode} version {version} has two keys"));
        }
        if *used.entry(key).or_insert((episode, *version)) != (episode.as_str(), *version) {
            wrong.push(format!("key {key} stands for two versions"));
        }
    }
    for fact in transitions {
        let (id, version) = identity(fact);
        if !keys.contains_key(&(id, version)) {
            wrong.push(format!("episode {id} version {version} was never received"));
        }
    }
    let told: BTreeSet<(&str, u64)> = transitions.iter().map(identity).collect();
    wrong.extend(keys.keys().filter(|k| !told.contains(*k)).map(|k| format!("{k:?} was told and is not in the log")));
    wrong
}

/// The city machine: told every fact about a device once and in order (but for the last ones, which it is told after the
/// next start), and every alert that it was told of is in one incident.
pub fn told(told: &[u64], transitions: &[Value], groups: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let index = |fact: &Value| fact["index"].as_u64().unwrap_or_default();
    for (told, fact) in told.iter().zip(transitions).filter(|(told, fact)| **told != index(fact)).take(1) {
        wrong.push(format!("the city was told fact {told} where {} is next", index(fact)));
    }
    if told.len() > transitions.len() {
        wrong.push(format!("the city was told {} facts of {}", told.len(), transitions.len()));
    }
    let mut grouped: BTreeMap<&str, u32> = BTreeMap::new();
    for episode in groups.iter().flat_map(|fact| fact["groups"].as_array().into_iter().flatten()) {
        for id in episode["episodes"].as_array().into_iter().flatten() {
            *grouped.entry(id.as_str().unwrap_or_default()).or_default() += 1;
        }
    }
    let known: BTreeSet<&str> = transitions.iter().take(told.len()).map(|fact| identity(fact).0).collect();
    for id in known {
        let times = grouped.get(id).copied().unwrap_or_default();
        if times != 1 {
            wrong.push(format!("episode {id} came to {times} incidents"));
        }
    }
    wrong
}

fn identity(fact: &Value) -> (&str, u64) {
    (fact["episode"].as_str().unwrap_or_default(), fact["version"].as_u64().unwrap_or_default())
}
