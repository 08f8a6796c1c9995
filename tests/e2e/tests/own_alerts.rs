//! What is wrong with Maibo itself is one clear alert, also when nothing can be decided any more.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{free_port, journal, until};
use maibo_sim::sink::{Delivery, Mode, Sink, SinkOptions, Verdict};
use serde_json::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One sensor with an absence rule, and a broker inside.
fn setup() -> (Setup, u16) {
    let mut setup = Setup::default();
    setup.device("d", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"deep\"\ntitle = { zh = \"积水\", en = \"Deep\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\nlevels = { red = 20 }\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"1h\"\n\
         [[rule]]\nid = \"silent\"\ntitle = { zh = \"失联\", en = \"Silent\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { kind = \"waterlogging\" }\nabsent = { intervals = 3 }\nlevel = \"yellow\"\n",
    );
    let port = setup.embedded();
    (setup, port)
}

fn receiver(setup: &mut Setup, name: &str, address: &str) {
    let _ = write!(
        setup.tables,
        "[[receiver]]\nname = \"{name}\"\nurl = \"http://{address}/hook\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n"
    );
}

fn prepare(setup: &Setup) -> Maibo {
    let maibo = Maibo::prepare(setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    maibo
}

/// Alerts of Maibo about itself, as rule, part, level.
fn own(maibo: &Maibo, state: &str) -> Vec<String> {
    let alerts = maibo.get(&format!("/api/v1/alerts?state={state}"));
    let own = alerts["items"].as_array().into_iter().flatten().filter(|a| a["subject"]["kind"] == "part");
    let word = |v: &Value| v.as_str().unwrap_or("?").to_owned();
    own.map(|a| format!("{} {} {}", word(&a["rule"]), word(&a["subject"]["id"]), word(&a["level"]))).collect()
}

fn depth(port: u16, name: &str, value: f64) {
    let message = ("maibo/v1/d/telemetry".to_owned(), format!("{{\"water_depth\":{value}}}").into_bytes());
    assert_eq!(publish(port, name, &[message], Duration::from_secs(10)), 1);
}

// A disk that hangs, twice within a minute: nothing can be decided, so nothing can be recorded; receivers hear of it all the
// same, and know the records that follow, one for each, by their keys.
#[test]
fn a_standstill_is_told_past_the_record() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a sink");
    let (mut setup, port) = setup();
    receiver(&mut setup, "duty", &sink.addr().to_string());
    let mut maibo = prepare(&setup);
    let first = maibo.data().join("inputs").join("segment-0000000001");
    let (first, log) = (first.display().to_string(), maibo.dir.path().join("strace").display().to_string());
    let mut words = vec!["strace", "-D", "-f", "-qq", "-o", &log, "-e", "trace=fdatasync", "-P", &first];
    words.extend(["-e", "inject=fdatasync:delay_enter=25000000:when=12..13"]);
    maibo.spawn_under(&words);
    maibo.ready();
    for n in 0..20 {
        let message = ("maibo/v1/d/telemetry".to_owned(), b"{\"water_depth\":1}".to_vec());
        publish(port, &format!("p{n}"), &[message], Duration::from_secs(1));
    }
    let of = |recorded: bool| -> BTreeSet<String> {
        let wanted = |body: &str| {
            let body: Value = serde_json::from_str(body).expect("JSON");
            let data = &body["data"];
            data["rule"] == "maibo-standstill" && data["version"] == 1 && data["recorded"] == recorded
        };
        sink.deliveries().into_iter().filter(|d| wanted(&d.body)).filter_map(|d| d.id).collect()
    };
    let both = |recorded| Some(of(recorded)).filter(|ids| ids.len() == 2);
    let told = until("the receiver is told past the record, twice", Duration::from_secs(90), || both(false));
    let recorded = until("the records follow", Duration::from_mins(1), || both(true));
    assert_eq!(told, recorded, "known by their keys");
    assert_eq!(own(&maibo, "firing"), ["maibo-standstill pipeline red"]);
    assert_eq!(own(&maibo, "resolved"), ["maibo-standstill pipeline red"]);
    assert_eq!(maibo.terminate().code(), Some(0));
}

// A receiver that nobody answers for is an alert within a minute, with its name and what is wrong.
#[test]
fn a_receiver_that_does_not_answer() {
    let (mut setup, port) = setup();
    receiver(&mut setup, "bureau", &format!("127.0.0.1:{}", free_port()));
    let mut maibo = prepare(&setup);
    maibo.start();
    depth(port, "up", 30.0);
    until("the alert is there", Duration::from_secs(75), || {
        own(&maibo, "firing").contains(&"maibo-receiver receiver.bureau orange".to_owned()).then_some(())
    });
    let alerts = maibo.get("/api/v1/alerts?state=firing&rule=maibo-receiver");
    let text = alerts["items"][0]["text"]["en"].as_str().expect("words");
    assert!(text.starts_with("A receiver does not answer: bureau has not taken what it is told"), "{text}");
    assert_eq!(maibo.terminate().code(), Some(0));
}

// The canary comes through every broker without a word; where access rules keep it out, that is said, and why.
#[test]
fn the_canary() {
    let open = Mosquitto::start(false);
    let shut = Mosquitto::start_with(false, Some("topic read maibo/#\ntopic write maibo/v1/d/#\n"));
    let (mut setup, _) = setup();
    setup.external(open.port, "auto");
    let _ = write!(
        setup.sources,
        "[[source]]\nid = \"shut\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:{}\"\nclient_id = \"m2\"\n",
        shut.port
    );
    let mut maibo = prepare(&setup);
    maibo.start();
    until("the one that is kept out is told", Duration::from_mins(1), || {
        (own(&maibo, "firing") == ["maibo-canary canary.shut yellow"]).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
    let ways: Vec<String> = journal::inputs(&maibo.data(), "canary").iter().map(|i| i["source"].to_string()).collect();
    for source in ["\"inside\"", "\"city\""] {
        assert!(ways.iter().filter(|w| *w == source).count() > 2, "{ways:?}");
    }
    assert!(!ways.contains(&"\"shut\"".to_owned()));
}

/// The library that bends a process's clock; `None`, with a word about it, where it is not installed.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let found = folders.map(|f| f.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "in CI nothing may be skipped");
        eprintln!("skipped: libfaketime is not installed");
    }
    found
}

// The server's clock jumps an hour forwards, and back: one alert says so; nobody is accused of silence, nothing recovers,
// and what fires goes on.
#[test]
fn a_clock_that_jumps() {
    let Some(library) = faketime() else { return };
    let (setup, port) = setup();
    let mut maibo = prepare(&setup);
    let bend = maibo.dir.path().join("clock");
    let set = |offset: &str| {
        let fresh = bend.with_extension("new");
        std::fs::write(&fresh, offset).expect("write");
        std::fs::rename(&fresh, &bend).expect("rename");
    };
    set("+0");
    let (library, file) = (library.display().to_string(), bend.display().to_string());
    maibo.spawn(&[
        ("LD_PRELOAD", &library),
        ("FAKETIME_TIMESTAMP_FILE", &file),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ]);
    maibo.ready();
    depth(port, "up", 30.0);
    until("the alert is there", Duration::from_secs(10), || (alerts(&maibo, "deep", "firing") == 1).then_some(()));
    for (offset, n) in [("+3600", 1), ("+0", 2)] {
        set(offset);
        until("the jump is an alert", Duration::from_secs(30), || {
            (own(&maibo, "firing") == ["maibo-time clock orange"] && steps(&maibo) == n).then_some(())
        });
        for i in 0..3 {
            // Untimed values, as a device without a clock sends them.
            depth(port, &format!("p{offset}{i}"), 30.0);
        }
        assert_eq!((alerts(&maibo, "deep", "firing"), alerts(&maibo, "deep", "resolved")), (1, 0));
        assert_eq!((alerts(&maibo, "silent", "firing"), alerts(&maibo, "silent", "resolved")), (0, 0));
    }
    assert_eq!(maibo.terminate().code(), Some(0));
}

fn alerts(maibo: &Maibo, rule: &str, state: &str) -> usize {
    let found = maibo.get(&format!("/api/v1/alerts?state={state}&rule={rule}"));
    found["items"].as_array().map_or(0, Vec::len)
}

fn steps(maibo: &Maibo) -> u64 {
    let (_, text) = maibo_e2e::maibo::http(maibo.http, "GET", "/metrics", &[], "").expect("metrics");
    let line = text.lines().find(|l| l.starts_with("maibo_clock_steps_total ")).expect("the counter");
    line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

// A database that another program has locked: the city's alerts are decided and shown live; that lists do not follow is
// told, and over when they do.
#[test]
fn a_database_that_is_locked() {
    let (setup, port) = setup();
    let mut maibo = prepare(&setup);
    maibo.start();
    let lock = rusqlite::Connection::open(maibo.data().join("state.db")).expect("opens");
    lock.execute_batch("BEGIN IMMEDIATE").expect("locked");
    depth(port, "up", 30.0);
    until("the city's alert is shown", Duration::from_secs(20), || {
        live(&maibo).contains(&"deep".to_owned()).then_some(())
    });
    until("the lock is told", Duration::from_secs(75), || {
        live(&maibo).contains(&"maibo-follower".to_owned()).then_some(())
    });
    lock.execute_batch("ROLLBACK").expect("unlocked");
    drop(lock);
    until("it is over", Duration::from_mins(1), || {
        (!live(&maibo).contains(&"maibo-follower".to_owned())).then_some(())
    });
    assert_eq!(alerts(&maibo, "maibo-follower", "resolved"), 1);
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// Rules of the alerts that the live picture shows as firing.
fn live(maibo: &Maibo) -> Vec<String> {
    let snapshot = maibo.get("/api/v1/view/snapshot");
    let firing = snapshot["alerts"].as_array().into_iter().flatten().filter(|a| a["state"] == "firing");
    firing.map(|a| a["rule"].as_str().unwrap_or("?").to_owned()).collect()
}

// History cannot be written and the inputs log reaches its quota: what is dropped is told, and on record with its
// positions; the city's alerts come all the same.
#[test]
fn a_gap_in_history() {
    let (mut setup, port) = setup();
    setup.tables.push_str("[log]\ninputs_quota = \"64MiB\"\n");
    let mut maibo = prepare(&setup);
    maibo.start();
    let lock = rusqlite::Connection::open(maibo.data().join("history.db")).expect("opens");
    lock.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let one = |t: i64| format!("{{\"t\":{t},\"water_depth\":2}}");
    let message = |from: i64| (from..from + 1_000).map(one).collect::<Vec<_>>().join(",");
    let mut at = wall() - 24 * 3_600_000;
    until("the gap is told", Duration::from_secs(150), || {
        let some: Vec<(String, Vec<u8>)> = (0..40)
            .map(|i| ("maibo/v1/d/telemetry".to_owned(), format!("[{}]", message(at + i * 1_000)).into_bytes()))
            .collect();
        at += 40_000;
        publish(port, &format!("p{at}"), &some, Duration::from_secs(10));
        own(&maibo, "firing").contains(&"maibo-gap inputs orange".to_owned()).then_some(())
    });
    depth(port, "up", 30.0);
    until("the city's alert comes all the same", Duration::from_secs(20), || {
        (alerts(&maibo, "deep", "firing") == 1).then_some(())
    });
    lock.execute_batch("ROLLBACK").expect("unlocked");
    drop(lock);
    assert_eq!(maibo.terminate().code(), Some(0));
    let gaps = journal::facts(&maibo.data(), "gap");
    assert!(gaps.iter().any(|g| g["batches"].as_u64() > Some(0)), "{gaps:?}");
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}

// A receiver that is owed nothing shows that it is there by answering a heartbeat; one that does not is an alert within a minute,
// and well again when it does.
#[test]
fn a_receiver_without_a_sign_of_life() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a sink");
    let (mut setup, _) = setup();
    receiver(&mut setup, "brigade", &sink.addr().to_string());
    // Of its own alerts it is not told: what it is owed would tell that it is dead, too.
    setup.tables.push_str("heartbeat = \"2s\"\nwhen = \"unacknowledged\"\n");
    let mut maibo = prepare(&setup);
    maibo.start();
    let beats = || -> Vec<Delivery> {
        let beat = |d: &Delivery| d.body.contains("\"type\":\"heartbeat\"");
        sink.deliveries().into_iter().filter(beat).collect()
    };
    let first = until("it is asked again and again", Duration::from_secs(20), || Some(beats()).filter(|b| b.len() > 2));
    assert!(first.iter().all(|b| b.verdict == Verdict::Valid), "signed: {first:?}");
    assert!(first[0].id.as_ref().is_some_and(|id| id.starts_with("beat_") && Some(id) != first[1].id.as_ref()));
    assert!(own(&maibo, "firing").is_empty());
    sink.set_mode(Mode::Fail);
    let asked = std::time::Instant::now();
    until("it is missed", Duration::from_mins(1), || {
        (own(&maibo, "firing") == ["maibo-receiver receiver.brigade orange"]).then_some(())
    });
    assert!(asked.elapsed() > Duration::from_secs(30), "one beat alone says nothing");
    assert_eq!(maibo.get("/api/v1/receivers")[0]["health"], "failing");
    sink.set_mode(Mode::Ok);
    until("it is there again", Duration::from_mins(1), || own(&maibo, "firing").is_empty().then_some(()));
    assert!(maibo.get("/api/v1/deliveries")["items"].as_array().expect("items").is_empty(), "beats are no deliveries");
    assert_eq!(maibo.terminate().code(), Some(0));
}
