//! P6: when Maibo itself was deaf, the devices are not accused; the outage is one alert, about the source.

use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};

/// Thirty devices that should report every two seconds, and a rule that accuses silence after two intervals.
fn setup(broker: &Mosquitto) -> Setup {
    let mut setup = Setup::default();
    setup.external(broker.port, "auto");
    for n in 0..30 {
        setup.device(&format!("d{n}"), "2s");
    }
    setup.rules.push_str(
        "[[rule]]\nid = \"silent\"\ntitle = { zh = \"失联\", en = \"Silent\" }\ndomain = \"traffic\"\nsource = \"test\"\nadvice = { zh = \"无\", en = \"none\" }\n\
                   when = { kind = \"waterlogging\" }\nabsent = { intervals = 2 }\nlevel = \"yellow\"\n",
    );
    setup
}

fn round(now: i64) -> Vec<(String, Vec<u8>)> {
    (0..30)
        .map(|n| (format!("maibo/v1/d{n}/telemetry"), format!("{{\"t\":{now},\"water_depth\":{n}}}").into_bytes()))
        .collect()
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}

fn source_state(maibo: &Maibo) -> String {
    maibo.get("/api/v1/status")["sources"][0]["state"].as_str().unwrap_or_default().to_owned()
}

/// Waits until Maibo has taken in so many readings.
fn taken_in(maibo: &Maibo, n: u64) {
    until("the readings are taken in", Duration::from_secs(10), || {
        (maibo.get("/api/v1/status")["counters"]["readings"].as_u64() >= Some(n)).then_some(())
    });
}

/// The outage as operators see it while it lasts and after, whichever way the broker went away.
fn outage(mut broker: Mosquitto, stop: fn(&mut Mosquitto)) {
    let mut maibo = Maibo::prepare(&setup(&broker));
    maibo.start();
    until("listening", Duration::from_secs(10), || (source_state(&maibo) == "listening").then_some(()));
    assert_eq!(publish(broker.port, "before", &round(wall()), Duration::from_secs(10)), 30);
    // Maibo's promise begins at its own acknowledgement: what the broker still held in memory dies with it.
    taken_in(&maibo, 30);
    stop(&mut broker);
    until("the status says deaf", Duration::from_secs(10), || (source_state(&maibo) == "deaf").then_some(()));
    // Twenty seconds of silence, ten times what the rule allows a device.
    std::thread::sleep(Duration::from_secs(20));
    let open = maibo.get("/api/v1/alerts?state=firing");
    let items = open["items"].as_array().expect("items").clone();
    assert_eq!(items.len(), 1, "one alert, about the source: {items:#?}");
    assert_eq!(items[0]["subject"]["kind"], "source");
    broker.resume();
    until("listening again", Duration::from_secs(30), || (source_state(&maibo) == "listening").then_some(()));
    for n in 0..3 {
        let done = publish(broker.port, &format!("after{n}"), &round(wall()), Duration::from_secs(10));
        assert_eq!(done, 30);
    }
    until("the alert about the source is over", Duration::from_secs(10), || {
        let open = maibo.get("/api/v1/alerts?state=firing");
        open["items"].as_array().expect("items").is_empty().then_some(())
    });
    taken_in(&maibo, 120);
    assert_eq!(maibo.terminate().code(), Some(0));
    let accused: Vec<_> =
        journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect();
    assert!(accused.is_empty(), "no device is accused of Maibo's own silence: {accused:#?}");
    let mut readings = journal::readings(&maibo.data());
    readings.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
    readings.dedup();
    assert_eq!(readings.len(), 30 * 4, "nothing acknowledged is lost");
}

#[test]
fn broker_stopped_with_its_sessions_kept() {
    outage(Mosquitto::start(true), Mosquitto::terminate);
}

#[test]
fn broker_killed_without_its_sessions() {
    outage(Mosquitto::start(false), Mosquitto::kill);
}
