//! P6: when Maibo itself was deaf, the devices are not accused; the outage is one alert, about the source.

use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};

/// Thirty devices that should report at an interval, and a rule that accuses silence after two of them.
fn devices(interval: &str) -> Setup {
    let mut setup = Setup::default();
    for n in 0..30 {
        setup.device(&format!("d{n}"), interval);
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

/// Maibo must have ended.
fn nobody_is_accused(maibo: &Maibo) {
    let accused: Vec<_> =
        journal::transitions(&maibo.data()).into_iter().filter(|t| t["subject_kind"] == "device").collect();
    assert!(accused.is_empty(), "no device is accused of Maibo's own silence: {accused:#?}");
}

/// Maibo behind a broker, with one round of readings taken in.
fn behind(broker: &Mosquitto, interval: &str) -> Maibo {
    let mut setup = devices(interval);
    setup.external(broker.port, "auto");
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    until("listening", Duration::from_secs(10), || (source_state(&maibo) == "listening").then_some(()));
    assert_eq!(publish(broker.port, "before", &round(wall()), Duration::from_secs(10)), 30);
    // Maibo's promise begins at its own acknowledgement: what the broker still held in memory dies with it.
    taken_in(&maibo, 30);
    maibo
}

/// How many readings the history has of one device.
fn kept_of(maibo: &Maibo, n: usize) -> usize {
    let from = wall() - 600_000;
    let path = format!("/api/v1/devices/d{n}/series/water_depth?points=0&from={from}&to={}", wall() + 60_000);
    maibo.get(&path)["points"].as_array().map_or(0, Vec::len)
}

/// How many readings the history has of all devices.
fn kept(maibo: &Maibo) -> usize {
    (0..30).map(|n| kept_of(maibo, n)).sum()
}

/// Waits until the history has so many readings, and tells which device has how many where it never does.
fn all_kept(maibo: &Maibo, each: usize) {
    let started = std::time::Instant::now();
    while kept(maibo) != 30 * each {
        if started.elapsed() > Duration::from_secs(10) {
            let of: Vec<usize> = (0..30).map(|n| kept_of(maibo, n)).collect();
            let status = maibo.get("/api/v1/status");
            panic!("{each} readings of each device expected, kept {of:?}; {:#}", status["counters"]);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The outage as operators see it while it lasts and after, whichever way the broker went away.
fn outage(mut broker: Mosquitto, stop: fn(&mut Mosquitto)) {
    let mut maibo = behind(&broker, "2s");
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
    let again = wall();
    for n in 0..3 {
        // Rounds can be over within a millisecond, and two of one millisecond would be one reading.
        let done = publish(broker.port, &format!("after{n}"), &round(again + n), Duration::from_secs(10));
        assert_eq!(done, 30);
    }
    until("the alert about the source is over", Duration::from_secs(10), || {
        let open = maibo.get("/api/v1/alerts?state=firing");
        open["items"].as_array().expect("items").is_empty().then_some(())
    });
    // Counters would count what the broker sent twice: ask the history for each reading of each device.
    all_kept(&maibo, 4);
    assert_eq!(maibo.terminate().code(), Some(0));
    nobody_is_accused(&maibo);
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

// A broker that hangs with its connections open is noticed by its silence, before the devices are blamed for it.
#[test]
fn broker_frozen() {
    let mut broker = Mosquitto::start(true);
    let mut maibo = behind(&broker, "10s");
    broker.freeze();
    until("the status says deaf", Duration::from_secs(15), || (source_state(&maibo) == "deaf").then_some(()));
    // Two intervals and more since the last reading.
    std::thread::sleep(Duration::from_secs(12));
    broker.thaw();
    until("listening again", Duration::from_secs(30), || (source_state(&maibo) == "listening").then_some(()));
    assert_eq!(publish(broker.port, "after", &round(wall()), Duration::from_secs(10)), 30);
    all_kept(&maibo, 2);
    assert_eq!(maibo.terminate().code(), Some(0));
    nobody_is_accused(&maibo);
}

// A Maibo that was frozen itself blames nobody either, although every device's time was up when it came to.
#[test]
fn maibo_frozen() {
    let mut setup = devices("2s");
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    assert_eq!(publish(port, "before", &round(wall()), Duration::from_secs(10)), 30);
    maibo.freeze_for(Duration::from_secs(8));
    assert_eq!(publish(port, "after", &round(wall()), Duration::from_secs(10)), 30);
    all_kept(&maibo, 2);
    assert_eq!(maibo.terminate().code(), Some(0));
    nobody_is_accused(&maibo);
}
