//! A process whose alert path stands still ends itself: a supervisor starts it anew, and nothing acknowledged is lost.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, signal, until};
use maibo_sim::sink::{Sink, SinkOptions};
use serde_json::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One sensor with an alert at 20, a broker inside, a receiver, and little patience.
fn setup(receiver: &str) -> (Setup, u16) {
    let mut setup = Setup::default();
    setup.device("d", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"deep\"\ntitle = { zh = \"积水\", en = \"Deep\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\nlevels = { red = 20 }\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"1h\"\n",
    );
    let _ = write!(
        setup.tables,
        "[limits]\nstandstill_exit = \"20s\"\n[[receiver]]\nname = \"duty\"\nurl = \"http://{receiver}/hook\"\n\
         secret_file = \"secret\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n"
    );
    let port = setup.embedded();
    (setup, port)
}

/// A sync of this log takes for ever, from the `when`th on: `who` stands still, receivers hear of it past the record, the
/// process ends with 70, and the next one has everything and puts the standstill on record.
fn hangs(log: &str, when: u32, who: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a sink");
    let (setup, port) = setup(&sink.addr().to_string());
    let mut maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    let segment = maibo.data().join(log).join("segment-0000000001").display().to_string();
    let trace = maibo.dir.path().join("strace").display().to_string();
    let bend = format!("inject=fdatasync:delay_enter=600000000:when={when}+");
    maibo.spawn_under(&[
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        &trace,
        "-e",
        "trace=fdatasync",
        "-P",
        &segment,
        "-e",
        &bend,
    ]);
    maibo.ready();
    let mut acknowledged = Vec::new();
    for n in 0..25 {
        // Each value opens or ends an episode.
        let (at, value) = (wall(), if n % 2 == 0 { 30 } else { 1 });
        let message =
            ("maibo/v1/d/telemetry".to_owned(), format!("{{\"t\":{at},\"water_depth\":{value}}}").into_bytes());
        if publish(port, &format!("p{n}"), &[message], Duration::from_secs(1)) == 1 {
            acknowledged.push(at);
        }
    }
    let told = |recorded: bool| {
        sink.deliveries().into_iter().find(|d| {
            let body: Value = serde_json::from_str(&d.body).expect("JSON");
            let data = &body["data"];
            data["rule"] == "maibo-standstill" && data["version"] == 1 && data["recorded"] == recorded
        })
    };
    let before = until("the receiver is told past the record", Duration::from_mins(1), || told(false));
    let words = format!("the {who} has made no progress for 2");
    until("the log says who stands still", Duration::from_mins(2), || maibo.last_log().contains(&words).then_some(()));
    // strace keeps even a thread that is to die until its delay is over.
    signal("-KILL", tracer(&maibo));
    assert_eq!(maibo.ended(Duration::from_mins(1)).code(), Some(70), "{}", maibo.last_log());
    maibo.start();
    let after = until("the record follows", Duration::from_mins(1), || told(true));
    assert_eq!(before.id, after.id, "known by its key");
    assert_eq!(maibo.terminate().code(), Some(0));
    let stored: Vec<i64> = journal::readings(&maibo.data()).into_iter().map(|(_, _, at, _)| at).collect();
    assert!(acknowledged.len() > 1, "{acknowledged:?}");
    assert!(acknowledged.iter().all(|at| stored.contains(at)), "what was acknowledged is lost");
    assert!(!maibo.data().join("standstill").exists(), "the note is gone");
}

/// Who traces the process.
fn tracer(maibo: &Maibo) -> u32 {
    let status = format!("/proc/{}/status", maibo.pid().expect("running"));
    let status = std::fs::read_to_string(status).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).expect("a line");
    line.trim().parse().expect("a number")
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}

#[test]
fn inputs_that_cannot_be_synced() {
    hangs("inputs", 12, "sequencer");
}

#[test]
fn facts_that_cannot_be_synced() {
    hangs("facts", 6, "decider");
}
