//! Row 7: one part panics. What alerts depend on takes the process with it, loudly and with exit code 70, to be started
//! anew with what is on disk; what they do not depend on stops alone, and readiness and an alert say so. Never is Maibo
//! half dead and green.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::oracle;
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use maibo_sim::sink::{Sink, SinkOptions};
use serde_json::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const LIMIT: f64 = 20.0;
/// Readings of the device, every tenth of them over the limit.
const READINGS: i64 = 200;

/// Event time of the first reading: when the test began. What lies further back would be told as what is past.
fn first() -> i64 {
    static BEGAN: OnceLock<i64> = OnceLock::new();
    *BEGAN.get_or_init(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_millis()).expect("in range")
    })
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.device("d", "10s");
    let _ = write!(
        setup.rules,
        "[[rule]]\nid = \"deep\"\ntitle = {{ zh = \"积水\", en = \"Deep\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"water_depth\" }}\nlevels = {{ red = {LIMIT} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    );
    setup
}

fn message(n: i64) -> (String, Vec<u8>) {
    let (t, value) = (first() + n, if n % 10 == 5 { 30 } else { 1 });
    ("maibo/v1/d/telemetry".to_owned(), format!("{{\"t\":{t},\"water_depth\":{value}}}").into_bytes())
}

fn messages() -> Vec<(String, Vec<u8>)> {
    (0..READINGS).map(message).collect()
}

/// What its end must have said, and with which code.
fn ended(maibo: &mut Maibo, word: &str) {
    let status = maibo.ended(Duration::from_secs(30));
    let log = maibo.last_log();
    assert_eq!(status.code(), Some(70), "{log}");
    assert!(log.contains("panicked") && log.contains("a part has ended that must not") && log.contains(word), "{log}");
}

/// A part panics at its failpoint; the process ends. After the next start what the devices were told is there, they send
/// the rest, and the episodes are those of the readings. Maibo runs when this returns.
fn taken_along(maibo: &mut Maibo, port: u16, failpoint: &str, word: &str) {
    maibo.spawn(&[("MAIBO_FAILPOINT", failpoint)]);
    maibo.ready();
    let all = messages();
    let acknowledged = publish(port, "before", &all, Duration::from_secs(3));
    ended(maibo, word);
    maibo.start();
    let rest = &all[acknowledged..];
    assert_eq!(publish(port, "after", rest, Duration::from_secs(20)), rest.len());
    until("everything is decided", Duration::from_secs(20), || {
        let alerts = maibo.get("/api/v1/alerts?state=resolved&rule=deep&limit=1000");
        (alerts["items"].as_array().map(Vec::len) == Some(READINGS as usize / 10)).then_some(())
    });
}

/// Nothing lost, nothing doubled, the city told.
fn whole(maibo: &Maibo) {
    let (stored, facts) = (journal::readings(&maibo.data()), journal::transitions(&maibo.data()));
    let facts: Vec<Value> = facts.into_iter().filter(|t| t["subject_kind"] == "device").collect();
    let acknowledged: Vec<(String, i64)> = (0..READINGS).map(|n| ("d".to_owned(), first() + n)).collect();
    let mut wrong = oracle::lost(&acknowledged, &stored);
    wrong.extend(oracle::episodes(LIMIT, &stored, &facts));
    wrong.extend(oracle::told(&journal::told(&maibo.data()), &facts, &journal::groups(&maibo.data())));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_decider() {
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    taken_along(&mut maibo, port, "after_decide_before_facts:60:panic", "thread 'decider'");
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
}

#[test]
fn the_sequencer() {
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    taken_along(&mut maibo, port, "after_inputs_before_ack:60:panic", "thread 'sequencer'");
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
}

#[test]
fn the_feed_of_the_city() {
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    taken_along(&mut maibo, port, "in_feed:5:panic", "part=\"feed of the city\"");
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
    assert!(journal::told(&maibo.data()).len() > 4, "the city hears again");
}

#[test]
fn a_source() {
    let broker = Mosquitto::start(true);
    let mut setup = setup();
    setup.external(broker.port, "auto");
    let mut maibo = Maibo::prepare(&setup);
    taken_along(&mut maibo, broker.port, "in_source:60:panic", "part=\"source\"");
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
}

#[test]
fn delivery() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a receiver");
    let mut setup = setup();
    let port = setup.embedded();
    let _ = write!(
        setup.tables,
        "[[receiver]]\nname = \"bureau\"\nurl = \"http://{}/hook\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n",
        sink.addr()
    );
    let mut maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    taken_along(&mut maibo, port, "in_delivery:3:panic", "part=\"delivery to a receiver\"");
    until("nothing is owed any more", Duration::from_secs(20), || {
        let owed = maibo.get("/api/v1/deliveries?outcome=pending");
        owed["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
    let facts: Vec<Value> =
        journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect();
    let received: Vec<oracle::Received> = sink
        .deliveries()
        .into_iter()
        .filter(|d| d.body.contains("\"rule\":\"deep\""))
        .map(|d| {
            let body: Value = serde_json::from_str(&d.body).expect("JSON");
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let version = body["data"]["version"].as_u64().unwrap_or_default();
            oracle::Received { key: d.id.unwrap_or_default(), episode: text(&body["data"]["id"]), version }
        })
        .collect();
    let wrong = oracle::deliveries(&received, &facts);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The live picture's alerts that are open.
fn shown(maibo: &Maibo) -> Vec<String> {
    let snapshot = maibo.get("/api/v1/view/snapshot");
    let firing = snapshot["alerts"].as_array().into_iter().flatten().filter(|a| a["state"] == "firing");
    firing.map(|a| a["rule"].as_str().unwrap_or("?").to_owned()).collect()
}

/// Something that alerts do not depend on panics: they come all the same, and it does not look as if all were well.
fn left_behind(failpoint: &str, part: &str) {
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.spawn(&[("MAIBO_FAILPOINT", failpoint)]);
    // It may fail before everything else is ready.
    until("it answers", Duration::from_secs(20), || (maibo.get_status("/healthz") == Some(200)).then_some(()));
    let all = messages();
    assert_eq!(publish(port, "before", &all[..50], Duration::from_secs(20)), 50);
    until("readiness says so", Duration::from_secs(20), || {
        let (status, body) = maibo_e2e::maibo::http(maibo.http, "GET", "/readyz", &[], "").expect("an answer");
        let ready: Value = serde_json::from_str(&body).expect("JSON");
        let parts = &ready["parts"];
        (status == 503 && parts["history"] == false && parts["evaluating"] == true).then_some(())
    });
    assert_eq!(publish(port, "over", &all[50..56], Duration::from_secs(20)), 6);
    until("the city's alert is shown", Duration::from_secs(10), || {
        shown(&maibo).contains(&"deep".to_owned()).then_some(())
    });
    until("an alert says what stands still", Duration::from_mins(1), || {
        let snapshot = maibo.get("/api/v1/view/snapshot");
        let all = snapshot["alerts"].as_array().expect("alerts").clone();
        all.iter().any(|a| a["rule"] == "maibo-follower" && a["subject"]["id"] == part).then_some(())
    });
    assert!(maibo.running() && maibo.last_log().contains("panicked"), "{}", maibo.last_log());
    assert_eq!(maibo.terminate().code(), Some(0));
    // The next start reads on where it was.
    maibo.start();
    assert_eq!(publish(port, "after", &all[56..], Duration::from_secs(20)), READINGS as usize - 56);
    until("everything can be read", Duration::from_secs(20), || {
        let (from, to) = (first(), first() + READINGS);
        let series = maibo.get(&format!("/api/v1/devices/d/series/water_depth?points=0&from={from}&to={to}"));
        let alerts = maibo.get("/api/v1/alerts?state=resolved&rule=deep&limit=1000");
        let points = series["points"].as_array().map(Vec::len);
        let episodes = alerts["items"].as_array().map(Vec::len);
        ((points, episodes) == (Some(READINGS as usize), Some(READINGS as usize / 10))).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    whole(&maibo);
}

#[test]
fn history() {
    left_behind("in_history:20:panic", "history");
}

#[test]
fn alerts_for_queries() {
    left_behind("in_alerts:3:panic", "alerts");
}

// A message that a decoder fails at is refused and kept for people to see; the broker does not send it for ever, and what
// comes after it is read.
#[test]
fn a_decoder() {
    let broker = Mosquitto::start(true);
    let mut setup = setup();
    setup.external(broker.port, "auto");
    setup.tables.push_str("[monitor]\ncanary = false\n");
    let mut maibo = Maibo::prepare(&setup);
    maibo.spawn(&[("MAIBO_FAILPOINT", "in_decode:10:panic")]);
    maibo.ready();
    assert_eq!(publish(broker.port, "all", &messages(), Duration::from_secs(20)), READINGS as usize);
    until("the others are read", Duration::from_secs(20), || {
        (maibo.get("/api/v1/status")["counters"]["readings"].as_i64() == Some(READINGS - 1)).then_some(())
    });
    let kept = maibo.get("/api/v1/quarantine?reason=decoder_failed");
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(maibo.get_status("/readyz"), Some(200));
    assert_eq!(maibo.terminate().code(), Some(0));
    // Acknowledged: a second start does not hear it again.
    maibo.start();
    until("it listens", Duration::from_secs(10), || {
        (maibo.get("/api/v1/status")["sources"][0]["state"] == "listening").then_some(())
    });
    assert_eq!(publish(broker.port, "last", &[message(READINGS)], Duration::from_secs(10)), 1);
    until("the last is read", Duration::from_secs(10), || {
        (maibo.get("/api/v1/status")["counters"]["messages"].as_i64() == Some(1)).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
}
