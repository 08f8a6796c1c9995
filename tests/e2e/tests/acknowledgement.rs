//! P1: acknowledged means durable. One contract, checked on every kind of source.

use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};

fn messages(n: i64) -> Vec<(String, Vec<u8>)> {
    (0..n)
        .map(|n| {
            let t = 1_780_000_000_000 + n * 1000;
            (format!("maibo/v1/d{}/telemetry", n % 11), format!("{{\"t\":{t},\"water_depth\":{n}}}").into_bytes())
        })
        .collect()
}

fn stored(maibo: &Maibo) -> Vec<i64> {
    let mut found: Vec<i64> = journal::readings(&maibo.data()).iter().map(|r| r.3 as i64).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The contract: what was acknowledged to the sender is in the log after kill -9; what was not comes again and is then.
fn contract(mut maibo: Maibo, port: u16) {
    maibo.start();
    let all = messages(400);
    let acknowledged = publish(port, "sender", &all, Duration::from_secs(30));
    assert_eq!(acknowledged, all.len());
    // The inside broker's PUBACK is Maibo's own. With a broker elsewhere Maibo's promise begins at its own
    // acknowledgement, and what it has not acknowledged the broker still holds: either way nothing may be missing.
    maibo.kill();
    maibo.start();
    let readings = || {
        let text = String::from_utf8_lossy(&maibo_metrics(&maibo)).into_owned();
        text.lines().find_map(|l| l.strip_prefix("maibo_ingest_readings_total ").and_then(|v| v.parse::<u64>().ok()))
    };
    // Wait until redelivery, if any, has come to rest: two equal counts half a second apart.
    let mut last = None;
    until("redelivery comes to rest", Duration::from_secs(20), || {
        let now = readings();
        let rest = (now == last).then_some(());
        last = now;
        std::thread::sleep(Duration::from_millis(500));
        rest
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    assert_eq!(stored(&maibo), (0..400).collect::<Vec<_>>());
}

fn maibo_metrics(maibo: &Maibo) -> Vec<u8> {
    maibo_e2e::maibo::http(maibo.http, "GET", "/metrics", &[], "").map(|(_, b)| b.into_bytes()).unwrap_or_default()
}

#[test]
fn broker_inside() {
    let mut setup = Setup::default();
    let port = setup.embedded();
    contract(Maibo::prepare(&setup), port);
}

#[test]
fn broker_elsewhere_3_1_1() {
    let broker = Mosquitto::start(true);
    let mut setup = Setup::default();
    setup.external(broker.port, "3.1.1");
    contract(Maibo::prepare(&setup), broker.port);
}

#[test]
fn broker_elsewhere_5() {
    let broker = Mosquitto::start(true);
    let mut setup = Setup::default();
    setup.external(broker.port, "auto");
    contract(Maibo::prepare(&setup), broker.port);
}

// A rejected payload is acknowledged in its order and counted; the good ones around it survive.
#[test]
fn rejected_payloads_do_not_loop() {
    let broker = Mosquitto::start(true);
    let mut setup = Setup::default();
    setup.external(broker.port, "auto");
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let mut all = messages(20);
    all.insert(7, ("maibo/v1/d1/telemetry".into(), b"{\"t\":".to_vec()));
    all.insert(13, ("maibo/v1/d1/telemetry".into(), vec![0xff; 20_000]));
    assert_eq!(publish(broker.port, "sender", &all, Duration::from_secs(20)), all.len());
    until("all readings are in", Duration::from_secs(20), || {
        let text = String::from_utf8_lossy(&maibo_metrics(&maibo)).into_owned();
        text.contains("maibo_ingest_readings_total 20").then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    assert_eq!(stored(&maibo), (0..20).collect::<Vec<_>>());
    // Nothing is left at the broker: a second start hears nothing again.
    maibo.start();
    let text = String::from_utf8_lossy(&maibo_metrics(&maibo)).into_owned();
    assert!(text.contains("maibo_ingest_readings_total 0"), "{text}");
}
