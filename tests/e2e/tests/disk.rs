//! P1, P4 on disks that are full, that fail and that are slow: what is acknowledged is there, and what is not is sent again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};

/// A sensor with an alert at 20, and a broker inside.
fn setup() -> (Setup, u16) {
    let mut setup = Setup::default();
    setup.device("d", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"deep\"\ntitle = { zh = \"积水\", en = \"Deep\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\nlevels = { red = 20 }\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"1h\"\n",
    );
    let port = setup.embedded();
    (setup, port)
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}

/// Readings one millisecond apart, the last one now, all with one value.
fn readings(n: usize, value: f64) -> Vec<(String, Vec<u8>)> {
    let last = wall();
    let one = |i: usize| format!("{{\"t\":{},\"water_depth\":{value}}}", last - (n - 1 - i) as i64);
    (0..n).map(|i| ("maibo/v1/d/telemetry".to_owned(), one(i).into_bytes())).collect()
}

/// Readings of these times, a thousand to a message.
fn in_thousands(times: &[i64]) -> Vec<(String, Vec<u8>)> {
    let one = |t: &i64| format!("{{\"t\":{t},\"water_depth\":2}}");
    let message = |some: &[i64]| format!("[{}]", some.iter().map(one).collect::<Vec<_>>().join(",")).into_bytes();
    times.chunks(1_000).map(|some| ("maibo/v1/d/telemetry".to_owned(), message(some))).collect()
}

/// Times of the readings in the inputs log, sorted. Maibo must have ended.
fn stored(maibo: &Maibo) -> Vec<i64> {
    let mut times: Vec<i64> = journal::readings(&maibo.data()).into_iter().map(|(_, _, at, _)| at).collect();
    times.sort_unstable();
    times
}

fn times(messages: &[(String, Vec<u8>)]) -> impl Iterator<Item = i64> + '_ {
    messages.iter().map(|(_, payload)| {
        let json: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
        json["t"].as_i64().expect("a time")
    })
}

fn firing(maibo: &Maibo) -> bool {
    let alerts = maibo.get("/api/v1/alerts?state=firing");
    alerts["items"].as_array().is_some_and(|items| items.iter().any(|a| a["rule"] == "deep"))
}

/// What Maibo says about itself.
fn own(maibo: &Maibo, state: &str) -> Vec<String> {
    let alerts = maibo.get(&format!("/api/v1/alerts?state={state}"));
    let own = alerts["items"].as_array().into_iter().flatten().filter(|a| a["subject"]["kind"] == "part");
    own.map(|a| format!("{} {}", a["rule"].as_str().unwrap_or("?"), a["level"].as_str().unwrap_or("?"))).collect()
}

/// A disk of its own that is soon full.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a word about it, for those who may not mount one; in CI that is a failure.
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let size = format!("size={megabytes}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).status().expect("mount");
        if done.success() {
            return Some(Self(at.to_owned()));
        }
        assert!(std::env::var_os("CI").is_none(), "in CI nothing may be skipped");
        eprintln!("skipped: mounting a small disk needs root");
        None
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).expect("a file");
        let mut size = 1 << 20;
        while size > 0 {
            match ballast.write_all(&vec![0; size]) {
                Ok(()) => {}
                Err(_) => size /= 2,
            }
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("ballast")).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

// On a full disk nothing is acknowledged and nothing is lost; with room again it goes on by itself, without a restart.
#[test]
fn a_full_disk_withholds_acknowledgements_until_there_is_room() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    // The facts log's reserve, a segment and the ballast of inputs, and little else.
    let Some(disk) = SmallDisk::mount(&maibo.data(), 96) else { return };
    maibo.start();
    disk.fill();
    // What was set aside for inputs is used up, then there is no room.
    let (mut at, mut sent) = (wall() - 3_600_000, Vec::new());
    for round in 0.. {
        let some: Vec<i64> = (at..at + 20_000).collect();
        at += 20_000;
        let done = publish(port, &format!("fills-{round}"), &in_thousands(&some), Duration::from_secs(5));
        sent.extend(some.into_iter().take(done * 1_000));
        if done < 20 {
            break;
        }
    }
    let acknowledged = sent.len();
    let nothing = publish(port, "full", &readings(50, 3.0), Duration::from_secs(2));
    assert_eq!(nothing, 0, "nothing is acknowledged without room, after {acknowledged}");
    assert!(maibo.running(), "{}", maibo.last_log());
    until("health says that nothing is judged", Duration::from_secs(20), || {
        (maibo.get_status("/readyz") == Some(503)).then_some(())
    });
    until("the operator sees one clear alert", Duration::from_secs(20), || {
        let own = own(&maibo, "firing");
        (own == ["maibo-disk red"]).then_some(())
    });
    let last = readings(10, 30.0);
    let alert = std::thread::spawn({
        let last = last.clone();
        move || publish(port, "last", &last, Duration::from_secs(30))
    });
    disk.empty();
    assert_eq!(alert.join().expect("the publisher"), 10, "with room it goes on by itself");
    until("the alert is there", Duration::from_secs(10), || firing(&maibo).then_some(()));
    until("the disk's alert is over", Duration::from_secs(20), || own(&maibo, "firing").is_empty().then_some(()));
    until("it is ready again", Duration::from_secs(10), || (maibo.get_status("/readyz") == Some(200)).then_some(()));
    assert_eq!(maibo.terminate().code(), Some(0));
    let stored = stored(&maibo);
    for at in sent.into_iter().chain(times(&last)) {
        assert!(stored.binary_search(&at).is_ok(), "{at} was acknowledged and is lost");
    }
    let alerts = journal::transitions(&maibo.data());
    assert_eq!(alerts.iter().filter(|t| t["rule"] == "deep" && t["version"] == 1).count(), 1, "{alerts:#?}");
}

/// Starts Maibo with the answers of the system to its calls bent by strace; the process itself is Maibo.
fn bent(maibo: &mut Maibo, bend: &[&str]) {
    let log = maibo.dir.path().join("strace");
    let log = log.to_str().expect("UTF-8 path").to_owned();
    let mut words = vec!["strace", "-D", "-f", "-qq", "-o", &log, "-e", "trace=fdatasync"];
    words.extend_from_slice(bend);
    maibo.spawn_under(&words);
    maibo.ready();
}

fn segment(maibo: &Maibo, log: &str, n: u32) -> String {
    let path = maibo.data().join(log).join(format!("segment-{n:010}"));
    path.to_str().expect("UTF-8 path").to_owned()
}

// One failed sync: the file is given up, what was not acknowledged is written to the next, and nobody notices.
#[test]
fn a_failed_sync_costs_a_file_and_nothing_else() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    let first = segment(&maibo, "inputs", 1);
    bent(&mut maibo, &["-P", &first, "-e", "inject=fdatasync:error=EIO:when=9"]);
    let messages = readings(400, 30.0);
    assert_eq!(publish(port, "p", &messages, Duration::from_secs(20)), 400);
    until("the alert is there", Duration::from_secs(10), || firing(&maibo).then_some(()));
    assert!(Path::new(&segment(&maibo, "inputs", 2)).exists(), "it goes on in a new file");
    maibo.kill();
    maibo.start();
    assert!(firing(&maibo), "after a death the alert is still there");
    assert_eq!(maibo.terminate().code(), Some(0));
    let stored = stored(&maibo);
    assert!(times(&messages).all(|at| stored.binary_search(&at).is_ok()), "what was acknowledged is lost");
}

// Two failed syncs in a row: the process ends with 74, nothing is acknowledged any more, and the next start has everything.
#[test]
fn a_disk_that_no_longer_syncs_ends_the_process() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    let (first, second) = (segment(&maibo, "inputs", 1), segment(&maibo, "inputs", 2));
    bent(&mut maibo, &["-P", &first, "-P", &second, "-e", "inject=fdatasync:error=EIO:when=9+"]);
    let messages = readings(2_000, 30.0);
    let acknowledged = publish(port, "p", &messages, Duration::from_secs(5));
    assert!(acknowledged > 0 && acknowledged < messages.len(), "{acknowledged} acknowledged");
    assert_eq!(maibo.ended(Duration::from_secs(15)).code(), Some(74));
    maibo.start();
    assert!(firing(&maibo), "what was acknowledged is judged");
    assert_eq!(maibo.terminate().code(), Some(0));
    let stored = stored(&maibo);
    assert!(
        times(&messages).take(acknowledged).all(|at| stored.binary_search(&at).is_ok()),
        "what was acknowledged is lost"
    );
}

// A facts log that cannot be synced: nobody is shown what is not on record, the process ends with 74, the next start decides it.
#[test]
fn what_cannot_be_recorded_is_not_shown() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    let (first, second) = (segment(&maibo, "facts", 1), segment(&maibo, "facts", 2));
    bent(&mut maibo, &["-P", &first, "-P", &second, "-e", "inject=fdatasync:error=EIO:when=4+"]);
    let mut shown = 0;
    for round in 0..40 {
        // Each value opens or ends an episode.
        let value = if round % 2 == 0 { 30.0 } else { 1.0 };
        publish(port, &format!("p{round}"), &readings(1, value), Duration::from_secs(2));
        // It may end at any moment, also between a look and a question.
        let Some((_, body)) = maibo_e2e::maibo::http(maibo.http, "GET", "/api/v1/alerts", &[], "") else { break };
        let alerts: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        shown = shown.max(alerts["items"].as_array().map_or(0, Vec::len));
    }
    assert_eq!(maibo.ended(Duration::from_secs(15)).code(), Some(74));
    maibo.start();
    let (status, alerts) = maibo_e2e::maibo::http(maibo.http, "GET", "/api/v1/alerts", &[], "").expect("answers");
    assert_eq!(status, 200, "{alerts}");
    let alerts: serde_json::Value = serde_json::from_str(&alerts).expect("JSON");
    assert!(alerts["items"].as_array().map_or(0, Vec::len) >= shown, "an alert that was shown is gone");
    assert_eq!(maibo.terminate().code(), Some(0));
    let facts = journal::transitions(&maibo.data());
    let mut versions: Vec<(String, u64)> = facts
        .iter()
        .map(|f| (f["episode"].as_str().unwrap_or_default().to_owned(), f["version"].as_u64().unwrap_or_default()))
        .collect();
    let all = versions.len();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), all, "no version twice");
}

// A sync that takes half a second: each connection waits for its own message's, and all of them share it.
#[test]
fn a_slow_disk_makes_no_pile() {
    let (setup, port) = setup();
    let mut maibo = Maibo::prepare(&setup);
    let first = segment(&maibo, "inputs", 1);
    bent(&mut maibo, &["-P", &first, "-e", "inject=fdatasync:delay_enter=500000"]);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..30 {
            scope.spawn(move || {
                let messages = readings(5, 1.0);
                assert_eq!(publish(port, &format!("p{n}"), &messages, Duration::from_mins(1)), 5);
            });
        }
    });
    // One after the other they would take 75 s.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(publish(port, "last", &readings(1, 30.0), Duration::from_secs(10)), 1);
    until("the alert is there", Duration::from_secs(10), || firing(&maibo).then_some(()));
    until("the operator sees one clear alert", Duration::from_mins(1), || {
        (own(&maibo, "firing") == ["maibo-slow-disk yellow"]).then_some(())
    });
    assert_eq!(maibo.terminate().code(), Some(0));
}
