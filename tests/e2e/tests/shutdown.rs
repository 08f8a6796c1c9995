//! Row 5: SIGTERM in the middle of load. It ends by itself with exit code 0; what was acknowledged is in the log; after the
//! next start nothing is doubled, and alerts that were open are the same ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, oracle, until};
use maibo_sim::{Ledger, Load, LoadReport, Target};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

/// Values of the load are evenly spread over 0.0 to 39.9: one message in forty begins or goes on with an episode.
const LIMIT: f64 = 39.0;
/// Devices over their limit all the time.
const STEADY: usize = 5;
const CONNECTIONS: usize = 8;

fn rule(id: &str, quantity: &str, limit: f64) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"甲\", en = \"A\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"{quantity}\" }}\nlevels = {{ yellow = {limit} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    )
}

fn load(ledger: &Arc<Ledger>) -> Load {
    let ledger = Some(Arc::clone(ledger));
    // Longer than the test, which ends it.
    Load {
        devices: 200,
        rate: 2_000.0,
        duration: Duration::from_mins(10),
        connections: CONNECTIONS,
        ledger,
        ..Load::default()
    }
}

fn setup(load: &Load) -> Setup {
    let mut setup = Setup { catalogue: load.catalogue_csv(), ..Setup::default() };
    for n in 0..STEADY {
        let _ = writeln!(setup.catalogue, "steady{n},waterlogging,steady{n},110105001,116.4,39.9,traffic,,10s,,,");
    }
    setup.rules = rule("hot", "temperature", LIMIT) + &rule("deep", "water_depth", 20.0);
    setup
}

/// Ids of the alerts that are open on the devices that are over their limit all the time.
fn steady(maibo: &Maibo) -> BTreeSet<String> {
    let found = maibo.get("/api/v1/alerts?state=firing&rule=deep");
    found["items"].as_array().expect("items").iter().map(|a| a["id"].as_str().expect("an id").to_owned()).collect()
}

fn taken_in(maibo: &Maibo) -> u64 {
    maibo.get("/api/v1/status")["counters"]["readings"].as_u64().unwrap_or_default()
}

/// What a page hears at the end: its last text, and the code it is closed with.
async fn page(http: u16, connected: watch::Sender<bool>) -> (String, Option<u16>) {
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{http}/ws")).await.expect("connects");
    let hello = r#"{"t":"hello","v":1,"view":"city","resume":null}"#;
    socket.send(Message::text(hello)).await.expect("hello");
    let mut last = String::new();
    while let Some(Ok(frame)) = socket.next().await {
        match frame {
            Message::Text(text) => text.as_str().clone_into(&mut last),
            Message::Close(frame) => return (last, frame.map(|f| f.code.into())),
            _ => {}
        }
        connected.send_replace(true);
    }
    (last, None)
}

/// Everything about one way that messages come in.
struct Scene {
    maibo: Maibo,
    /// Where devices publish.
    port: u16,
    /// Whether what the devices were told is Maibo's own word.
    inside: bool,
}

/// SIGTERM while messages are under way; the exit, and how long it took.
fn told_to_stop(runtime: &Runtime, scene: &mut Scene) -> Duration {
    let (connected, mut is_connected) = watch::channel(false);
    let watching = runtime.spawn(page(scene.maibo.http, connected));
    runtime.block_on(is_connected.wait_for(|c| *c)).expect("the page is connected");
    let began = Instant::now();
    assert_eq!(scene.maibo.terminate().code(), Some(0), "{}", scene.maibo.last_log());
    let took = began.elapsed();
    let (last, code) = runtime.block_on(watching).expect("the page's task");
    assert!(last.contains("\"bye\"") && last.contains("\"restart\""), "the page is told: {last}");
    assert_eq!(code, Some(1001));
    took
}

fn acknowledged(ledger: &Ledger, path: &std::path::Path) -> Vec<(String, i64)> {
    ledger.sync().expect("the ledger");
    Ledger::read(path).expect("the ledger").into_iter().map(|e| (e.device, e.t)).collect()
}

/// The load, stopped; everything it sent is acknowledged, and taken in.
fn finished(
    runtime: &Runtime,
    sending: tokio::task::JoinHandle<anyhow::Result<LoadReport>>,
    maibo: &Maibo,
) -> LoadReport {
    let report = runtime.block_on(sending).expect("the load's task").expect("the load");
    assert_eq!(report.unsettled, 0, "in the end everything is acknowledged");
    let mut last = None;
    until("what the broker holds comes to rest", Duration::from_secs(30), || {
        std::thread::sleep(Duration::from_millis(500));
        let now = Some(taken_in(maibo));
        (std::mem::replace(&mut last, now) == now).then_some(())
    });
    report
}

fn sigterm_under_load(mut scene: Scene, load: Load, ledger: &Ledger, path: &std::path::Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    scene.maibo.start();
    let over: Vec<_> =
        (0..STEADY).map(|n| (format!("maibo/v1/steady{n}/telemetry"), b"{\"water_depth\":30}".to_vec())).collect();
    assert_eq!(publish(scene.port, "steady", &over, Duration::from_secs(20)), STEADY);
    let open = until("the alerts are open", Duration::from_secs(20), || {
        Some(steady(&scene.maibo)).filter(|open| open.len() == STEADY)
    });
    let (stop, stopped) = watch::channel(false);
    let target = Target::new("127.0.0.1", scene.port);
    let sending = runtime.spawn(async move { load.run(&target, stopped).await });
    until("the load goes on", Duration::from_secs(20), || (taken_in(&scene.maibo) > 3_000).then_some(()));
    let took = told_to_stop(&runtime, &mut scene);
    let (data, mut wrong) = (scene.maibo.data(), Vec::new());
    if scene.inside {
        // Nobody else has them: at this moment everything that a device was told is there.
        wrong.extend(oracle::lost(&acknowledged(ledger, path), &journal::readings(&data)));
        assert!(wrong.is_empty(), "{} lost: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    }
    scene.maibo.start();
    assert_eq!(steady(&scene.maibo), open, "what was open is open, and the same");
    until("the load goes on", Duration::from_secs(30), || (taken_in(&scene.maibo) > 3_000).then_some(()));
    stop.send_replace(true);
    let report = finished(&runtime, sending, &scene.maibo);
    if scene.inside {
        assert!(report.connections > CONNECTIONS as u64, "it was stopped under load: {}", report.connections);
    }
    assert_eq!(steady(&scene.maibo), open);
    assert_eq!(scene.maibo.terminate().code(), Some(0));

    let (acknowledged, stored) = (acknowledged(ledger, path), journal::readings(&data));
    let facts: Vec<Value> = journal::transitions(&data).into_iter().filter(|t| t["subject_kind"] == "device").collect();
    let (hot, deep): (Vec<Value>, Vec<Value>) = facts.iter().cloned().partition(|t| t["rule"] == "hot");
    wrong.extend(oracle::lost(&acknowledged, &stored));
    let of_load: Vec<_> = stored.iter().filter(|r| r.1 == "temperature").cloned().collect();
    wrong.extend(oracle::episodes(LIMIT, &of_load, &hot));
    wrong.extend(oracle::told(&journal::told(&data), &facts, &journal::groups(&data)));
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    assert_eq!(deep.len(), STEADY, "opened once, and nothing since: {deep:#?}");
    assert!(hot.len() > 50, "alerts came and went: {}", hot.len());
    let once: BTreeSet<(&str, i64)> = of_load.iter().map(|r| (r.0.as_str(), r.2)).collect();
    eprintln!(
        "ended within {took:?}; {} readings acknowledged, {} kept, {} of them twice; {} transitions",
        acknowledged.len(),
        of_load.len(),
        of_load.len() - once.len(),
        facts.len()
    );
}

#[test]
fn sigterm_in_the_middle_of_load_with_the_broker_inside() {
    let own = tempfile::TempDir::new().expect("temporary directory");
    let path = own.path().join("ledger");
    let ledger = Arc::new(Ledger::open(&path).expect("a ledger"));
    let load = load(&ledger);
    let mut setup = setup(&load);
    let port = setup.embedded();
    sigterm_under_load(Scene { maibo: Maibo::prepare(&setup), port, inside: true }, load, &ledger, &path);
}

#[test]
fn sigterm_in_the_middle_of_load_behind_a_broker() {
    let own = tempfile::TempDir::new().expect("temporary directory");
    let path = own.path().join("ledger");
    let ledger = Arc::new(Ledger::open(&path).expect("a ledger"));
    let load = load(&ledger);
    let broker = Mosquitto::start(true);
    let mut setup = setup(&load);
    setup.external(broker.port, "auto");
    let scene = Scene { maibo: Maibo::prepare(&setup), port: broker.port, inside: false };
    sigterm_under_load(scene, load, &ledger, &path);
}
