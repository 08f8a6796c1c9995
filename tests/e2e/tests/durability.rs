//! P1–P5 under kill -9: nothing acknowledged is lost, no episode is lost or doubled, every version reaches the receiver in
//! order, alone and together with others; and the checker itself is checked.
//!
//! One load of 2,000 messages a second goes on through twenty deaths, at random moments and at every named point. The
//! ledger is the generator's own, the list of deliveries the receiver's own. `MAIBO_ROUNDS=n` makes it n deaths
//! (`cargo xtask faults --rounds n`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::oracle::{self, Received, Stored};
use maibo_e2e::{journal, until};
use maibo_sim::sink::Verdict;
use maibo_sim::{Ledger, Load, Sink, SinkOptions, Target};
use serde_json::Value;
use tokio::sync::watch;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Values of the load are evenly spread over 0.0 to 39.9: one message in a hundred begins an episode.
const LIMIT: f64 = 39.5;
const RATE: f64 = 2_000.0;

/// Deaths: twenty, or as many as `MAIBO_ROUNDS` says.
fn wanted_rounds() -> u64 {
    std::env::var("MAIBO_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// Points of death, each with how often it is passed alive.
const FAILPOINTS: [&str; 6] = [
    "before_inputs_append:400",
    "after_inputs_before_ack:400",
    "after_ack_before_decide:400",
    "after_decide_before_facts:400",
    "after_facts_before_tell:400",
    "during_recovery:3",
];

fn load(ledger: &Arc<Ledger>) -> Load {
    // Longer than all rounds: the test ends it.
    let duration = Duration::from_secs(600 + wanted_rounds() * 10);
    Load { devices: 200, rate: RATE, duration, ledger: Some(Arc::clone(ledger)), ..Load::default() }
}

fn setup(load: &Load, receivers: [(&str, &Sink); 2]) -> (Maibo, u16) {
    // A slow machine falls ever further behind the load while lives are short. What is late by more than a minute, or two
    // intervals, would be told once as past; here every version counts, however late.
    let catalogue = load.catalogue_csv().replace(",1s,", ",1h,");
    assert!(
        catalogue.contains(",1h,"),
        "the load's interval is another: {}",
        catalogue.lines().nth(1).unwrap_or_default()
    );
    let mut setup = Setup { catalogue, ..Setup::default() };
    let port = setup.embedded();
    let _ = write!(
        setup.rules,
        "[[rule]]\nid = \"hot\"\ntitle = {{ zh = \"高温\", en = \"Hot\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"temperature\" }}\nlevels = {{ yellow = {LIMIT} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    );
    for (every, receiver) in receivers {
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"every-{every}\"\nurl = \"http://{}/hook\"\nsecret_file = \"secret\"\n\
             group_every = \"{every}\"\nallow = [\"127.0.0.1/32\"]\n",
            receiver.addr()
        );
    }
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

/// Waits until rules are evaluated again; what that took.
fn evaluating(maibo: &mut Maibo) -> Duration {
    let started = Instant::now();
    until("rules are evaluated again", Duration::from_secs(10), || {
        assert!(maibo.running(), "maibo ended: {}", maibo.last_log());
        let (_, body) = maibo_e2e::maibo::http(maibo.http, "GET", "/readyz", &[], "")?;
        let ready: Value = serde_json::from_str(&body).ok()?;
        (ready["parts"]["evaluating"] == true).then_some(())
    });
    started.elapsed()
}

/// Twenty lives and deaths under load. How long each took to evaluate again, and how often a named point was met.
fn rounds(maibo: &mut Maibo) -> (Vec<Duration>, usize) {
    let (mut recovered, mut met) = (Vec::new(), 0);
    for round in 0..wanted_rounds() {
        let failpoint = (round % 3 != 0).then(|| FAILPOINTS[(round - round / 3 - 1) as usize % FAILPOINTS.len()]);
        let environment: Vec<(&str, &str)> = failpoint.iter().map(|f| ("MAIBO_FAILPOINT", *f)).collect();
        maibo.spawn(&environment);
        let by_itself = match failpoint {
            Some(point) if point.starts_with("during_recovery") => maibo.ended_or_killed(Duration::from_secs(10)),
            Some(_) => maibo.ended_or_killed(Duration::from_secs(20)),
            None => {
                recovered.push(evaluating(maibo));
                // A pseudo-random moment.
                maibo.ended_or_killed(Duration::from_millis(500 + (round * 7919) % 1_500))
            }
        };
        assert_eq!(
            by_itself,
            failpoint.is_some(),
            "round {round}: the named point {failpoint:?} is met, else the kill is ours"
        );
        met += usize::from(by_itself);
    }
    (recovered, met)
}

/// What a receiver took, version by version; one that came with others is known by their key and itself.
fn received(sink: &Sink) -> Vec<Received> {
    let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
    taken
        .flat_map(|d| {
            assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
            let body: Value = serde_json::from_str(&d.body).expect("JSON");
            let (key, data) = (d.id.expect("a key"), &body["data"]);
            let alerts = data["alerts"].as_array().map_or_else(|| std::slice::from_ref(data), Vec::as_slice);
            let one = |alert: &Value| {
                let episode = alert["id"].as_str().expect("an episode").to_owned();
                let version = alert["version"].as_u64().expect("a version");
                let key = if alerts.len() == 1 { key.clone() } else { format!("{key} {episode} {version}") };
                Received { key, episode, version }
            };
            alerts.iter().map(one).collect::<Vec<_>>()
        })
        .collect()
}

/// Messages that came more than once, and not as before.
fn changed(sink: &Sink) -> Vec<String> {
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for d in sink.deliveries() {
        let key = d.id.expect("a key");
        if *bodies.entry(key.clone()).or_insert_with(|| d.body.clone()) != d.body {
            wrong.push(format!("message {key} came again with another body"));
        }
    }
    wrong
}

fn of_devices(maibo: &Maibo) -> Vec<Value> {
    journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect()
}

// Twenty rounds of kill -9 at 2,000 messages a second: at random moments and at every named point, during recovery too.
#[test]
fn twenty_rounds_of_kill_minus_nine() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options.clone())).expect("a receiver");
    let together = runtime.block_on(Sink::start(options)).expect("a receiver of groups");
    let own = tempfile::TempDir::new().expect("temporary directory");
    let ledger = Arc::new(Ledger::open(&own.path().join("ledger")).expect("a ledger"));
    let load = load(&ledger);
    let (mut maibo, port) = setup(&load, [("0s", &sink), ("1s", &together)]);
    maibo.start();
    let (stop, stopped) = watch::channel(false);
    let sending = runtime.spawn(async move { load.run(&Target::new("127.0.0.1", port), stopped).await });
    until("the load begins", Duration::from_secs(10), || {
        (maibo.get("/api/v1/status")["counters"]["readings"].as_u64() > Some(1_000)).then_some(())
    });
    maibo.kill();
    let (recovered, met) = rounds(&mut maibo);
    let named = (0..wanted_rounds()).filter(|round| round % 3 != 0).count();
    assert_eq!(met, named, "every named point was met");
    maibo.spawn(&[]);
    let last = evaluating(&mut maibo);
    let slowest = recovered.into_iter().chain([last]).max().expect("rounds");
    stop.send_replace(true);
    let report = runtime.block_on(sending).expect("the load's task").expect("the load");
    assert_eq!(report.unsettled, 0, "in the end everything is acknowledged");
    until("nothing is owed any more", Duration::from_mins(1), || {
        let owed = maibo.get("/api/v1/deliveries?outcome=pending");
        owed["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));

    let acknowledged: Vec<(String, i64)> = Ledger::read(&own.path().join("ledger"))
        .expect("the ledger")
        .into_iter()
        .map(|entry| (entry.device, entry.t))
        .collect();
    let (stored, facts, received) = (journal::readings(&maibo.data()), of_devices(&maibo), received(&sink));
    assert!(acknowledged.len() > 20_000, "the rounds carried load: {}", acknowledged.len());
    assert!(facts.len() > 400, "alerts came and went: {}", facts.len());
    let mut wrong = oracle::lost(&acknowledged, &stored);
    wrong.extend(oracle::episodes(LIMIT, &stored, &facts));
    wrong.extend(oracle::deliveries(&received, &facts));
    let grouped = self::received(&together);
    wrong.extend(oracle::deliveries(&grouped, &facts));
    wrong.extend(changed(&sink).into_iter().chain(changed(&together)));
    let messages = together.deliveries().len();
    assert!(messages < grouped.len() / 2, "{messages} messages for {} versions", grouped.len());
    let (told, groups) = (journal::told(&maibo.data()), journal::groups(&maibo.data()));
    assert!(told.len() > facts.len() / 2, "the city was told {} of {} facts", told.len(), facts.len());
    wrong.extend(oracle::told(&told, &facts, &groups));
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    eprintln!(
        "{} deaths: {} readings acknowledged, {} transitions, {} deliveries, {messages} messages of several, evaluating again within {slowest:?}; nothing lost, \
         nothing doubled",
        wanted_rounds() + 1,
        acknowledged.len(),
        facts.len(),
        received.len()
    );
    assert!(slowest < Duration::from_secs(2), "evaluating again within {slowest:?}");
    checker_is_checked(&acknowledged, &stored, &facts, &received);
    let without = [&told[..told.len() / 2], &told[told.len() / 2 + 1..]].concat();
    assert!(!oracle::told(&without, &facts, &groups).is_empty(), "a fact that the city was not told goes unnoticed");
    let twice = [&told[..=told.len() / 2], &told[told.len() / 2..]].concat();
    assert!(!oracle::told(&twice, &facts, &groups).is_empty(), "a fact that the city was told twice goes unnoticed");
    assert!(!oracle::told(&told, &facts, &groups[1..]).is_empty(), "an alert without an incident goes unnoticed");
}

/// One reading taken away, one episode doubled, one fact or delivery lost, one order or key changed by hand: each must be
/// noticed.
fn checker_is_checked(acknowledged: &[(String, i64)], stored: &[Stored], facts: &[Value], received: &[Received]) {
    let gone = &acknowledged[acknowledged.len() / 2];
    let without: Vec<Stored> = stored.iter().filter(|r| (&r.0, r.2) != (&gone.0, gone.1)).cloned().collect();
    assert!(!oracle::lost(acknowledged, &without).is_empty(), "a missing reading goes unnoticed");
    let mut doubled = facts.to_vec();
    let mut twin = facts[0].clone();
    twin["episode"] = Value::from("00000000000000000000000000000000");
    doubled.push(twin);
    assert!(!oracle::episodes(LIMIT, stored, &doubled).is_empty(), "a doubled episode goes unnoticed");
    assert!(!oracle::episodes(LIMIT, stored, &facts[..facts.len() - 1]).is_empty(), "a lost fact goes unnoticed");
    let end = received.iter().rposition(|r| r.version == 2).expect("an episode that ended");
    let mut some = received.to_vec();
    some.retain(|r| (&r.episode, r.version) != (&received[end].episode, 2));
    assert!(!oracle::deliveries(&some, facts).is_empty(), "a lost delivery goes unnoticed");
    let mut some = received.to_vec();
    "another".clone_into(&mut some[end].key);
    some.push(received[end].clone());
    assert!(!oracle::deliveries(&some, facts).is_empty(), "a second key goes unnoticed");
    let mut some = received.to_vec();
    some.push(Received { version: 1, ..received[end].clone() });
    assert!(!oracle::deliveries(&some, facts).is_empty(), "a step back goes unnoticed");
}
