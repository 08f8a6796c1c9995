//! Rows 28 and 29: a link to a broker that comes and goes, and two Maibos that throw each other off it. Nothing that was
//! acknowledged is lost, nobody comes back in a storm, and the operator is told why.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup, http};
use maibo_e2e::proxy::Wire;
use maibo_e2e::{journal, oracle, until};
use maibo_sim::{Ledger, Load, LoadReport, Target};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Values of the load are evenly spread over 0.0 to 39.9: one message in forty begins or goes on with an episode.
const LIMIT: f64 = 39.0;

/// Devices that publish at the broker itself, two hundred messages a second.
struct Devices {
    runtime: Runtime,
    ledger: Arc<Ledger>,
    own: tempfile::TempDir,
    stop: watch::Sender<bool>,
    sending: JoinHandle<anyhow::Result<LoadReport>>,
}

impl Devices {
    fn start(load: &Load, broker: u16) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
        let own = tempfile::TempDir::new().expect("temporary directory");
        let ledger = Arc::new(Ledger::open(&own.path().join("ledger")).expect("a ledger"));
        let (stop, stopped) = watch::channel(false);
        let load = Load { ledger: Some(Arc::clone(&ledger)), ..load.clone() };
        let target = Target::new("127.0.0.1", broker);
        let sending = runtime.spawn(async move { load.run(&target, stopped).await });
        Self { runtime, ledger, own, stop, sending }
    }

    /// They stop; what the broker acknowledged, by device and time.
    fn stop(self) -> BTreeSet<(String, i64)> {
        self.stop.send_replace(true);
        let report = self.runtime.block_on(self.sending).expect("the load's task").expect("the load");
        assert_eq!(report.unsettled, 0, "the broker acknowledges everything");
        self.ledger.sync().expect("the ledger");
        let entries = Ledger::read(&self.own.path().join("ledger")).expect("the ledger");
        entries.into_iter().map(|e| (e.device, e.t)).collect()
    }
}

fn load() -> Load {
    Load { devices: 50, rate: 200.0, duration: Duration::from_mins(5), connections: 2, ..Load::default() }
}

/// Maibo behind a port, with a client identifier of our choice. No canary: it has a connection of its own.
fn behind(port: u16, protocol: &str) -> Maibo {
    let mut setup = Setup { catalogue: load().catalogue_csv(), ..Setup::default() };
    setup.external(port, protocol);
    setup.sources.push_str("client_id = \"city-hall\"\n");
    setup.tables.push_str("[monitor]\ncanary = false\n");
    let _ = write!(
        setup.rules,
        "[[rule]]\nid = \"hot\"\ntitle = {{ zh = \"高温\", en = \"Hot\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"temperature\" }}\nlevels = {{ yellow = {LIMIT} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    );
    Maibo::prepare(&setup)
}

fn source(maibo: &Maibo) -> Value {
    maibo.get("/api/v1/status")["sources"][0].clone()
}

fn listens(maibo: &Maibo) -> Option<()> {
    (source(maibo)["state"] == "listening").then_some(())
}

/// How often it connected.
fn connects(maibo: &Maibo) -> u64 {
    let (_, text) = http(maibo.http, "GET", "/metrics", &[], "").expect("metrics");
    let line = text.lines().find(|l| l.starts_with("maibo_source_connects_total") && l.contains("\"ok\""));
    line.and_then(|l| l.rsplit(' ').next()).and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() as u64
}

/// Waits until no reading has come in for a second: the broker has nothing more.
fn at_rest(all: &[&Maibo]) {
    let taken = || -> u64 {
        all.iter().map(|m| m.get("/api/v1/status")["counters"]["readings"].as_u64().unwrap_or_default()).sum()
    };
    let mut last = None;
    until("what the broker holds comes to rest", Duration::from_mins(1), || {
        let now = Some(taken());
        std::thread::sleep(Duration::from_secs(1));
        (std::mem::replace(&mut last, now) == now).then_some(())
    });
}

/// Acknowledged and in no log; and what is wrong with the episodes of each log.
fn wrong(acknowledged: &BTreeSet<(String, i64)>, all: &[&Maibo]) -> Vec<String> {
    let (mut wrong, mut everything) = (Vec::new(), Vec::new());
    for maibo in all {
        let stored = journal::readings(&maibo.data());
        let facts: Vec<Value> =
            journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect();
        wrong.extend(oracle::episodes(LIMIT, &stored, &facts));
        everything.extend(stored);
    }
    let acknowledged: Vec<(String, i64)> = acknowledged.iter().cloned().collect();
    wrong.extend(oracle::lost(&acknowledged, &everything));
    wrong.truncate(10);
    wrong
}

fn flapping(protocol: &str) {
    const TIMES: u32 = 3;
    let broker = Mosquitto::start(true);
    let wire = Wire::to(broker.port);
    let mut maibo = behind(wire.port, protocol);
    maibo.start();
    until("listening", Duration::from_secs(20), || listens(&maibo));
    let devices = Devices::start(&load(), broker.port);
    let (began, before) = (Instant::now(), wire.attempts());
    for _ in 0..TIMES {
        std::thread::sleep(Duration::from_secs(2));
        wire.cut();
        std::thread::sleep(Duration::from_secs(2));
        wire.mend();
    }
    let (attempts, span) = (wire.attempts() - before, began.elapsed());
    // A few at the beginning come quickly: most losses are over at once.
    assert!(attempts as f64 <= span.as_secs_f64() + 6.0, "{attempts} attempts in {span:?}");
    assert!(attempts > 1, "it does come back: {attempts}");
    until("it listens again", Duration::from_secs(30), || listens(&maibo));
    let acknowledged = devices.stop();
    at_rest(&[&maibo]);
    assert_eq!(source(&maibo)["error"], Value::Null, "nothing is the matter any more");
    assert_eq!(maibo.terminate().code(), Some(0));
    assert!(acknowledged.len() > 1_000, "{}", acknowledged.len());
    let wrong = wrong(&acknowledged, &[&maibo]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{protocol}: {attempts} attempts in {span:?}, {} acknowledged, none lost", acknowledged.len());
}

// Two seconds there, two seconds gone, three times: at most about one attempt a second.
#[test]
fn a_link_that_flaps_3_1_1() {
    flapping("3.1.1");
}

#[test]
fn a_link_that_flaps_5() {
    flapping("5");
}

/// Two Maibos with one client identifier at a broker that has no word for it and hangs up (mosquitto does so with sessions
/// that are kept, in version 5 too).
fn takeover(protocol: &str) {
    let broker = Mosquitto::start(true);
    let (mut one, mut other) = (behind(broker.port, protocol), behind(broker.port, protocol));
    one.start();
    until("one listens", Duration::from_secs(20), || listens(&one));
    let devices = Devices::start(&load(), broker.port);
    let began = Instant::now();
    other.spawn(&[]);
    let why = until("the one that is thrown off says why", Duration::from_secs(30), || {
        let error = source(&one)["error"].as_str().map(str::to_owned)?;
        error.contains("client_id = \"city-hall\"").then_some(error)
    });
    let told = |maibo: &Maibo| {
        let alerts = maibo.get("/api/v1/alerts?rule=maibo-source");
        !alerts["items"].as_array().expect("items").is_empty()
    };
    until("an alert tells the operator", Duration::from_secs(40), || (told(&one) || told(&other)).then_some(()));
    std::thread::sleep(Duration::from_secs(10).saturating_sub(began.elapsed()));
    let (connects, span) = (connects(&one) + connects(&other), began.elapsed());
    assert!(connects as f64 <= span.as_secs_f64() + 6.0, "{connects} connections in {span:?}");
    let acknowledged = devices.stop();
    // With the other gone the one has the broker to itself.
    assert_eq!(other.terminate().code(), Some(0));
    until("one listens", Duration::from_secs(30), || listens(&one));
    at_rest(&[&one]);
    assert_eq!(one.terminate().code(), Some(0));
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());
    let wrong = wrong(&acknowledged, &[&one, &other]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{protocol}: {connects} connections in {span:?}, {} acknowledged, none lost; {why}", acknowledged.len());
}

// The session is taken over and over again: whoever is thrown off waits, and says so.
#[test]
fn one_client_identifier_twice_3_1_1() {
    takeover("3.1.1");
}

#[test]
fn one_client_identifier_twice_5() {
    takeover("5");
}
