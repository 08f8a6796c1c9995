//! P10 under load: rules change ten times while 2,000 readings a second come in, and every other set brought is broken. Each
//! reading is judged by exactly one set, the one in force in its place in the log, and a broken set changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::{journal, until};
use maibo_sim::{Ledger, Load, Target};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The load's values are evenly spread over 0.0 to 39.9.
const LIMITS: [f64; 2] = [39.5, 38.5];
const CHANGES: usize = 10;

fn pack(limit: &str) -> String {
    format!(
        "[[rule]]\nid = \"hot\"\ntitle = {{ zh = \"高温\", en = \"Hot\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"temperature\" }}\nlevels = {{ yellow = {limit} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    )
}

fn bring(maibo: &Maibo, limit: &str) -> (u16, Value) {
    maibo.post("/api/v1/rules", &json!({ "packs": [{ "name": "rules", "text": pack(limit) }], "note": "test" }))
}

fn in_force(maibo: &Maibo) -> String {
    let versions = maibo.get("/api/v1/rules/versions");
    let mut items = versions["items"].as_array().expect("items").iter();
    let found = items.find(|v| v["in_force"] == true).expect("one is in force");
    found["version"].as_str().expect("a version").to_owned()
}

/// What a device's series is in the plain count below.
#[derive(Default)]
struct Series {
    newest: Option<i64>,
    value: f64,
    open: bool,
}

/// Beginnings and ends of every device in order, each with the rule set that decided it.
type Course = BTreeMap<String, Vec<(bool, String)>>;

/// What the inputs say must have been decided: a plain count over the log, a set at a time.
fn expected(data: &std::path::Path, limits: &BTreeMap<String, f64>) -> Course {
    let mut course = Course::new();
    let mut partitions: BTreeMap<u64, (String, BTreeMap<String, Series>)> = BTreeMap::new();
    for record in journal::inspect(data, "inputs") {
        let (version, devices) = partitions.entry(record["partition"].as_u64().expect("a partition")).or_default();
        for input in record["inputs"].as_array().expect("inputs") {
            let mut judge = |device: &str, series: &mut Series, version: &String| {
                let above = series.value >= limits[version];
                if above != series.open {
                    series.open = above;
                    course.entry(device.to_owned()).or_default().push((above, version.clone()));
                }
            };
            match input["kind"].as_str() {
                Some("rules") => {
                    input["version"].as_str().expect("a version").clone_into(version);
                    for (device, series) in devices.iter_mut() {
                        judge(device, series, version);
                    }
                }
                Some("reading") => {
                    let (device, at) = (input["device"].as_str().expect("a device"), input["at"].as_i64());
                    let series = devices.entry(device.to_owned()).or_default();
                    if at > series.newest {
                        (series.newest, series.value) = (at, input["value"].as_f64().expect("a number"));
                        judge(device, series, version);
                    }
                }
                _ => {}
            }
        }
    }
    course
}

fn decided(data: &std::path::Path) -> Course {
    let mut course = Course::new();
    for fact in journal::transitions(data).iter().filter(|f| f["rule"] == "hot") {
        let text = |key: &str| fact[key].as_str().expect("text").to_owned();
        let of = course.entry(text("subject")).or_default();
        let firing = fact["state"] == "firing";
        // An alert that goes on under a new limit may say so; that is no beginning.
        if of.last().is_none_or(|(last, _)| *last != firing) {
            of.push((firing, text("rules")));
        }
    }
    course
}

// Reliability 48, 49.
#[test]
fn every_reading_is_judged_by_the_set_in_force() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let own = tempfile::TempDir::new().expect("temporary directory");
    let ledger = Arc::new(Ledger::open(&own.path().join("ledger")).expect("a ledger"));
    let duration = Duration::from_mins(10);
    let load = Load { devices: 200, rate: 2_000.0, duration, ledger: Some(Arc::clone(&ledger)), ..Load::default() };
    let rules = pack(&LIMITS[0].to_string());
    let mut setup = Setup { catalogue: load.catalogue_csv(), rules, ..Setup::default() };
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let mut limits = BTreeMap::from([(in_force(&maibo), LIMITS[0])]);
    let (stop, stopped) = watch::channel(false);
    let sending = runtime.spawn(async move { load.run(&Target::new("127.0.0.1", port), stopped).await });
    let readings = |maibo: &Maibo| maibo.get("/api/v1/status")["counters"]["readings"].as_u64().expect("a count");
    for change in 0..CHANGES {
        let before = readings(&maibo);
        until("the load goes on", Duration::from_secs(30), || (readings(&maibo) > before + 1_000).then_some(()));
        let limit = LIMITS[(change + 1) % 2];
        let (status, answer) = bring(&maibo, &limit.to_string());
        assert_eq!(status, 200, "{answer}");
        let version = answer["version"].as_str().expect("a version").to_owned();
        limits.insert(version.clone(), limit);
        let (status, answer) = bring(&maibo, "\"high\"");
        assert_eq!(status, 422, "{answer}");
        assert!(answer.to_string().contains("hot"), "names the rule: {answer}");
        assert_eq!(in_force(&maibo), version, "a broken set changes nothing");
    }
    stop.send_replace(true);
    let report = runtime.block_on(sending).expect("the load's task").expect("the load");
    assert_eq!(report.unsettled, 0, "everything is acknowledged");
    assert_eq!(maibo.terminate().code(), Some(0));

    let activations = journal::inputs(&maibo.data(), "rules").len();
    assert_eq!(activations, 257 * (CHANGES + 1), "every partition heard of every good set and of no other");
    let (expected, decided) = (expected(&maibo.data(), &limits), decided(&maibo.data()));
    let by: std::collections::BTreeSet<&String> = decided.values().flatten().map(|(_, version)| version).collect();
    assert_eq!(by.len(), limits.len(), "every set decided something");
    let wrong: Vec<_> = expected.iter().filter(|(device, course)| decided.get(*device) != Some(*course)).collect();
    let some = wrong.first().map(|(device, course)| (device, course, decided.get(*device)));
    assert!(
        wrong.is_empty() && decided.len() == expected.len(),
        "{} of {} devices differ, such as {some:?}",
        wrong.len(),
        expected.len()
    );
    let decisions: usize = decided.values().map(Vec::len).sum();
    assert!(decisions > 200, "something was decided: {decisions}");
}
