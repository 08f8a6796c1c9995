//! P1–P4 under kill -9: nothing acknowledged is lost, no episode is lost or doubled, and the checker itself is checked.
//!
//! The ledger is the sender's own. The expected episodes come from a plain count over what the log holds, written here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use serde_json::Value;

const DEVICES: i64 = 12;
const LIMIT: f64 = 20.0;

fn setup() -> (Setup, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    for n in 0..DEVICES {
        setup.device(&format!("d{n}"), "10s");
    }
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\nadvice = { zh = \"无\", en = \"none\" }\n\
                   when = { quantity = \"water_depth\" }\nlevels = { yellow = 20 }\ndirection = \"above\"\n\
                   for = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n",
    );
    (setup, port)
}

/// A square wave per device: five readings above the limit, five below, one second apart. The past, so that no clock of
/// the test machine matters; older than nothing.
fn message(base: i64, n: i64) -> (String, Vec<u8>) {
    let (device, k) = (n % DEVICES, n / DEVICES);
    let value = if (k / 5) % 2 == 1 { 30 } else { 10 };
    let t = base + k * 1000;
    (format!("maibo/v1/d{device}/telemetry"), format!("{{\"t\":{t},\"water_depth\":{value}}}").into_bytes())
}

/// An episode as the facts tell it: device, start, end, version.
type Told = (String, i64, Option<i64>, u64);

/// What the checker found wrong.
fn check(
    sent: &[(String, Vec<u8>)],
    acknowledged: usize,
    stored: &[(String, String, i64, f64)],
    facts: &[Value],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let have: BTreeSet<(String, i64)> = stored.iter().map(|r| (r.0.clone(), r.2)).collect();
    for (topic, payload) in &sent[..acknowledged] {
        let device = topic.split('/').nth(2).expect("device").to_owned();
        let value: Value = serde_json::from_slice(payload).expect("JSON");
        if !have.contains(&(device.clone(), value["t"].as_i64().expect("t"))) {
            wrong.push(format!("acknowledged reading of {device} at {} is missing", value["t"]));
        }
    }
    let mut series: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (device, _, t, value) in stored {
        // Judged in the order of the log; what is not newer than the last one is a duplicate or late.
        if newest.get(device.as_str()).is_none_or(|n| t > n) {
            newest.insert(device, *t);
            series.entry(device).or_default().push((*t, *value));
        }
    }
    let mut expected: BTreeSet<(String, i64, Option<i64>)> = BTreeSet::new();
    for (device, readings) in &series {
        let mut start = None;
        for (t, value) in readings {
            match (start, *value >= LIMIT) {
                (None, true) => start = Some(*t),
                (Some(s), false) => {
                    expected.insert(((*device).to_owned(), s, Some(*t)));
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(s) = start {
            expected.insert(((*device).to_owned(), s, None));
        }
    }
    let mut found: BTreeMap<String, Told> = BTreeMap::new();
    for fact in facts {
        let id = fact["episode"].as_str().expect("episode").to_owned();
        let version = fact["version"].as_u64().expect("version");
        let last = found.get(&id).map_or(0, |f| f.3);
        if version != last + 1 {
            wrong.push(format!("episode {id} goes from version {last} to {version}"));
        }
        let device = fact["subject"].as_str().expect("subject").to_owned();
        found.insert(id, (device, fact["started_at"].as_i64().expect("start"), fact["resolved_at"].as_i64(), version));
    }
    let episodes: Vec<_> = found.into_values().map(|(d, s, e, _)| (d, s, e)).collect();
    let distinct: BTreeSet<_> = episodes.iter().cloned().collect();
    if distinct.len() != episodes.len() {
        wrong.push("an episode is doubled".to_owned());
    }
    for missing in expected.difference(&distinct) {
        wrong.push(format!("episode missing: {missing:?}"));
    }
    for extra in distinct.difference(&expected) {
        wrong.push(format!("episode too many: {extra:?}"));
    }
    wrong
}

const FAILPOINTS: [&str; 6] = [
    "before_inputs_append:40",
    "after_inputs_before_ack:40",
    "after_ack_before_decide:40",
    "after_decide_before_facts:40",
    "after_facts_before_tell:40",
    "during_recovery:5",
];

// Twenty rounds of kill -9: at random moments and at every named point, during recovery too.
#[test]
fn twenty_rounds_of_kill_minus_nine() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    let base = wall() - 3_600_000;
    let mut acknowledged_all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut next = 0;
    let mut recovered_within = Vec::new();
    for round in 0..20_u64 {
        let failpoint = (round % 3 == 2).then(|| FAILPOINTS[(round as usize / 3) % FAILPOINTS.len()]);
        let environment: Vec<(&str, &str)> = failpoint.iter().map(|f| ("MAIBO_FAILPOINT", *f)).collect();
        let started = std::time::Instant::now();
        maibo.spawn(&environment);
        if failpoint.is_some_and(|f| f.starts_with("during_recovery")) {
            maibo.ended_or_killed(Duration::from_secs(2));
            continue;
        }
        maibo.ready();
        recovered_within.push(started.elapsed());
        let batch: Vec<_> = (next..next + 600).map(|n| message(base, n)).collect();
        // A pseudo-random moment inside the sending, or the failpoint's own.
        let kill_after = Duration::from_millis(50 + (round * 7919) % 400);
        let done = std::thread::scope(|scope| {
            let sender = scope.spawn(|| publish(port, &format!("r{round}"), &batch, Duration::from_secs(3)));
            let limit = if failpoint.is_some() { Duration::from_secs(5) } else { kill_after };
            maibo.ended_or_killed(limit);
            sender.join().expect("sender")
        });
        acknowledged_all.extend_from_slice(&batch[..done]);
        // The next round goes on where the acknowledgements ended: what was sent beyond may be in the log or not.
        next += done as i64;
    }
    assert!(acknowledged_all.len() > 1_000, "the rounds carried load: {}", acknowledged_all.len());
    let slowest = recovered_within.iter().max().expect("rounds");
    assert!(*slowest < Duration::from_secs(5), "ready again within {slowest:?}");
    maibo.start();
    until("the last inputs are decided", Duration::from_secs(10), || {
        (maibo.get_status("/readyz") == Some(200)).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    let stored = journal::readings(&maibo.data());
    let facts: Vec<Value> =
        journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect();
    let wrong = check(&acknowledged_all, acknowledged_all.len(), &stored, &facts);
    assert!(
        wrong.is_empty(),
        "{} of {} wrong: {:#?}",
        wrong.len(),
        acknowledged_all.len(),
        &wrong[..wrong.len().min(10)]
    );
    assert!(facts.len() > 20, "alerts came and went: {}", facts.len());
    checker_is_checked(&acknowledged_all, &stored, &facts);
}

/// One reading taken away and one episode doubled by hand must be noticed.
fn checker_is_checked(sent: &[(String, Vec<u8>)], stored: &[(String, String, i64, f64)], facts: &[Value]) {
    let lost = stored[stored.len() / 2].clone();
    let without: Vec<_> = stored.iter().filter(|r| (&r.0, r.2) != (&lost.0, lost.2)).cloned().collect();
    assert!(!check(sent, sent.len(), &without, facts).is_empty(), "a missing reading goes unnoticed");
    let mut doubled = facts.to_vec();
    let mut twin = facts[0].clone();
    twin["episode"] = Value::from("00000000000000000000000000000000");
    twin["version"] = Value::from(1);
    doubled.push(twin);
    assert!(!check(sent, sent.len(), stored, &doubled).is_empty(), "a doubled episode goes unnoticed");
    assert!(!check(sent, sent.len(), stored, &facts[..facts.len() - 1]).is_empty(), "a lost fact goes unnoticed");
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}
