//! P11: bad input costs its sender only. Real packets through a real broker.

use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::until;

fn good(n: i64) -> (String, Vec<u8>) {
    let t = 1_780_000_000_000 + n;
    ("maibo/v1/good/telemetry".to_owned(), format!("{{\"t\":{t},\"water_depth\":{n}}}").into_bytes())
}

fn metric(maibo: &Maibo, name: &str) -> u64 {
    let (_, text) = maibo_e2e::maibo::http(maibo.http, "GET", "/metrics", &[], "").expect("metrics");
    text.lines().filter_map(|l| l.strip_prefix(name)).filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Sends a large payload between good readings; they must all arrive over one and the same connection.
fn large(size: usize, protocol: &str) {
    let broker = Mosquitto::start(true);
    let mut setup = Setup::default();
    setup.external(broker.port, protocol);
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    until("listening", Duration::from_secs(10), || (metric(&maibo, "maibo_source_listening") == 1).then_some(()));
    let mut messages: Vec<_> = (0..10).map(good).collect();
    let mut payload = b"{\"t\":1780000000000,\"x\":\"".to_vec();
    payload.resize(size - 2, b'a');
    payload.extend_from_slice(b"\"}");
    messages.insert(5, ("maibo/v1/big/telemetry".to_owned(), payload));
    assert_eq!(publish(broker.port, "sender", &messages, Duration::from_secs(20)), messages.len());
    until("all good readings", Duration::from_secs(20), || {
        (metric(&maibo, "maibo_ingest_readings_total") == 10).then_some(())
    });
    let connects = metric(&maibo, "maibo_source_connects_total");
    assert_eq!(connects, 1, "no reconnect loop");
    assert!(maibo.running());
}

// A packet of 20 kB passes the client (whose library would refuse it by default) and is judged by the decoder.
#[test]
fn twenty_kilobytes() {
    large(20_000, "auto");
}

#[test]
fn twenty_kilobytes_3_1_1() {
    large(20_000, "3.1.1");
}

// A packet of 2 MB is over our announced limit: an MQTT 5 broker keeps it from us.
#[test]
fn two_megabytes() {
    large(2_000_000, "5");
}

// A topic outside the routes is not even delivered by a broker elsewhere; the one inside refuses it, counted and listed.
#[test]
fn topics_outside_the_routes() {
    let mut setup = Setup::default();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let messages = vec![
        ("maibo/v1/a b/telemetry".to_owned(), b"{\"water_depth\":1}".to_vec()),
        ("somewhere/else".to_owned(), b"{\"water_depth\":1}".to_vec()),
        good(1),
    ];
    assert_eq!(publish(port, "sender", &messages, Duration::from_secs(20)), messages.len());
    assert_eq!(metric(&maibo, "maibo_ingest_readings_total"), 1);
    assert_eq!(
        metric(&maibo, "maibo_ingest_rejected_total"),
        2,
        "the bad device name and the strange topic are counted"
    );
    let listed = maibo.get("/api/v1/quarantine");
    let reasons: Vec<&str> =
        listed["items"].as_array().expect("items").iter().filter_map(|i| i["reason"].as_str()).collect();
    assert!(reasons.contains(&"topic_not_allowed") && reasons.len() == 2, "{listed:#}");
}
