//! Row 21: backups taken while Maibo works under load. What starts from one has everything that was acknowledged before
//! it began, the same facts, the same episodes, and owes what was owed; a damaged one is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::oracle::{self, Received};
use maibo_e2e::{free_port, journal, until};
use maibo_sim::sink::Verdict;
use maibo_sim::{Ledger, Load, Sink, SinkOptions, Target};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Values of the load are evenly spread over 0.0 to 39.9: one message in forty begins or goes on with an episode.
const LIMIT: f64 = 39.0;
const BACKUPS: usize = 4;

/// Two receivers: one that is there, and one whose port nobody listens on, so that something is owed at every moment.
fn setup(load: &Load, bureau: &Sink, chief: u16) -> Setup {
    let mut setup = Setup { catalogue: load.catalogue_csv(), ..Setup::default() };
    let _ = write!(
        setup.rules,
        "[[rule]]\nid = \"hot\"\ntitle = {{ zh = \"高温\", en = \"Hot\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"temperature\" }}\nlevels = {{ yellow = {LIMIT} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    );
    for (name, port) in [("bureau", bureau.addr().port()), ("chief", chief)] {
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\n\
             allow = [\"127.0.0.1/32\"]\n"
        );
    }
    setup
}

fn prepare(setup: &Setup) -> Maibo {
    let maibo = Maibo::prepare(setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    maibo
}

fn sink(runtime: &Runtime, port: u16) -> Sink {
    let options = SinkOptions {
        listen: ([127, 0, 0, 1], port).into(),
        secret: Some(SECRET.to_owned()),
        ..SinkOptions::default()
    };
    runtime.block_on(Sink::start(options)).expect("a receiver")
}

fn received(sink: &Sink) -> Vec<Received> {
    let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
    taken
        .map(|d| {
            assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
            let body: Value = serde_json::from_str(&d.body).expect("JSON");
            Received {
                key: d.id.expect("a key"),
                episode: body["data"]["id"].as_str().expect("an episode").to_owned(),
                version: body["data"]["version"].as_u64().expect("a version"),
            }
        })
        .collect()
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, out, err) = command(arguments, Path::new("."));
    (code, out + &err)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8 path")
}

/// One backup, and what was acknowledged before it began.
struct Taken {
    at: PathBuf,
    acknowledged: Vec<(String, i64)>,
}

/// Load, backups meanwhile, the end. Gives the backups and all facts of the original, line by line.
fn original(
    runtime: &Runtime,
    maibo: &mut Maibo,
    port: u16,
    load: Load,
    ledger: &Ledger,
    own: &Path,
) -> (Vec<Taken>, Vec<Value>) {
    // A life before, so that there are several segments.
    maibo.start();
    assert_eq!(maibo.terminate().code(), Some(0));
    maibo.start();
    let (stop, stopped) = watch::channel(false);
    let sending = runtime.spawn(async move { load.run(&Target::new("127.0.0.1", port), stopped).await });
    let mut taken = Vec::new();
    for n in 1..=BACKUPS {
        until("the load goes on", Duration::from_mins(1), || {
            (maibo.get("/api/v1/status")["counters"]["readings"].as_u64() > Some(n as u64 * 3_000)).then_some(())
        });
        ledger.sync().expect("the ledger");
        let entries = Ledger::read(&own.join("ledger")).expect("the ledger");
        let acknowledged = entries.into_iter().map(|entry| (entry.device, entry.t)).collect();
        let at = own.join(format!("backup-{n}"));
        let arguments = ["backup", "--data", text(&maibo.data()), "--to", text(&at), "--config", text(&maibo.config())]
            .map(str::to_owned);
        let (code, said) = run(&arguments.each_ref().map(String::as_str));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("complete and sound"), "{said}");
        taken.push(Taken { at, acknowledged });
    }
    stop.send_replace(true);
    let report = runtime.block_on(sending).expect("the load's task").expect("the load");
    assert_eq!(report.unsettled, 0, "in the end everything is acknowledged");
    assert_eq!(maibo.terminate().code(), Some(0));
    let facts = journal::inspect(&maibo.data(), "facts");
    (taken, facts)
}

/// Restores one backup, lets Maibo start from it, and says what is wrong.
fn restored(runtime: &Runtime, setup: &Setup, chief: u16, backup: &Taken, facts: &[Value]) -> Vec<String> {
    let mut maibo = prepare(setup);
    let (code, said) = run(&["restore", "--from", text(&backup.at), "--data", text(&maibo.data())]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["journal", "verify", "--data", text(&maibo.data())]);
    assert_eq!(code, Some(0), "{said}");
    let at_first = journal::inspect(&maibo.data(), "facts");
    assert!(!at_first.is_empty() && at_first.len() <= facts.len(), "{} of {} facts", at_first.len(), facts.len());
    let mut wrong: Vec<String> = Vec::new();
    if at_first != facts[..at_first.len()] {
        wrong.push("its facts are no prefix of the original's".to_owned());
    }
    let sink = sink(runtime, chief);
    maibo.start();
    until("nothing is owed any more", Duration::from_mins(2), || {
        let owed = maibo.get("/api/v1/deliveries?outcome=pending");
        owed["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    let history = history(&maibo, &backup.acknowledged);
    let missing = backup.acknowledged.iter().filter(|(d, t)| !history.get(d).is_some_and(|s| s.contains(t)));
    wrong.extend(missing.map(|(device, t)| format!("reading of {device} at {t} is not in history")));
    let open: BTreeSet<String> = firing(&maibo);
    assert_eq!(maibo.terminate().code(), Some(0));
    let now = journal::inspect(&maibo.data(), "facts");
    if at_first != now[..at_first.len()] {
        wrong.push("facts were changed".to_owned());
    }
    let about_devices = |f: &&Value| f["kind"] == "transition" && f["subject_kind"] == "device";
    let transitions: Vec<Value> = now.iter().filter(about_devices).cloned().collect();
    let stored = journal::readings(&maibo.data());
    wrong.extend(oracle::lost(&backup.acknowledged, &stored));
    wrong.extend(oracle::episodes(LIMIT, &stored, &transitions));
    // Who was never told hears everything, under the keys that the original gave.
    wrong.extend(oracle::deliveries(&received(&sink), &transitions));
    // The alerts that are open are those of the facts.
    let last: BTreeMap<&str, &Value> = transitions.iter().map(|t| (t["episode"].as_str().unwrap_or(""), t)).collect();
    let meant = last.into_iter().filter(|(_, t)| t["state"] == "firing").map(|(id, _)| id.to_owned()).collect();
    if open != meant {
        wrong.push(format!("open are {open:?} and not {meant:?}"));
    }
    eprintln!(
        "backup: {} readings acknowledged before it began, {} of {} facts; {} deliveries were owed and made",
        backup.acknowledged.len(),
        at_first.len(),
        facts.len(),
        sink.count()
    );
    runtime.block_on(sink.stop());
    wrong
}

/// Times of the readings in history, by device.
fn history(maibo: &Maibo, wanted: &[(String, i64)]) -> BTreeMap<String, BTreeSet<i64>> {
    let devices: BTreeSet<&String> = wanted.iter().map(|(device, _)| device).collect();
    let (from, to) = wanted.iter().fold((i64::MAX, 0), |(from, to), (_, t)| (from.min(*t), to.max(t + 1)));
    let read = |device: &String| {
        let path = format!("/api/v1/devices/{device}/series/temperature?points=0&from={from}&to={to}");
        let points = maibo.get(&path)["points"].as_array().cloned().unwrap_or_default();
        (device.clone(), points.iter().filter_map(|p| p[0].as_i64()).collect())
    };
    devices.into_iter().map(read).collect()
}

fn firing(maibo: &Maibo) -> BTreeSet<String> {
    let page = maibo.get("/api/v1/alerts?state=firing&limit=1000");
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let of_devices = items.iter().filter(|a| a["subject"]["kind"] == "device");
    of_devices.filter_map(|a| a["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_starts_from_a_backup_has_everything() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let own = tempfile::TempDir::new().expect("temporary directory");
    let ledger = Arc::new(Ledger::open(&own.path().join("ledger")).expect("a ledger"));
    let load = Load {
        devices: 60,
        rate: 1_000.0,
        duration: Duration::from_mins(10),
        ledger: Some(Arc::clone(&ledger)),
        ..Load::default()
    };
    let (bureau, chief) = (sink(&runtime, 0), free_port());
    let mut setup = setup(&load, &bureau, chief);
    let port = setup.embedded();
    let mut maibo = prepare(&setup);
    let (taken, facts) = original(&runtime, &mut maibo, port, load, &ledger, own.path());
    assert!(received(&bureau).len() > 50, "the receiver that is there was told");
    for backup in &taken {
        assert!(backup.acknowledged.len() > 1_000, "the backups were taken under load");
        let wrong = restored(&runtime, &setup, chief, backup, &facts);
        assert!(
            wrong.is_empty(),
            "{}: {} wrong: {:#?}",
            backup.at.display(),
            wrong.len(),
            &wrong[..wrong.len().min(10)]
        );
    }
    refusals(&taken[0].at, &maibo.data(), own.path());
}

/// A backup that is not what was written is refused with the file's name, and nothing is ever written over.
fn refusals(backup: &Path, data: &Path, own: &Path) {
    let to = own.join("fresh");
    let refused = |from: &Path, words: &str| {
        let (code, said) = run(&["restore", "--from", text(from), "--data", text(&to)]);
        assert_eq!(code, Some(65), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!to.exists() && !own.join("fresh.unfinished").exists(), "nothing is left behind");
    };
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(backup.join("manifest.json")).expect("a manifest")).expect("JSON");
    let files: Vec<&str> =
        manifest["files"].as_array().expect("files").iter().filter_map(|f| f["path"].as_str()).collect();
    for kept in ["state.db", "history.db", "outbox.db", "config/maibo.toml", "config/rules.toml", "config/devices.csv"]
    {
        assert!(files.contains(&kept), "{kept} is in the backup: {files:?}");
    }
    assert!(!files.iter().any(|f| f.contains("secret") || f.ends_with("lock")), "{files:?}");
    for file in ["facts/segment-0000000002", "outbox.db", "config/rules.toml"] {
        let path = backup.join(file);
        let whole = std::fs::read(&path).expect("a file");
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).expect("write");
        refused(backup, &format!("{file} is not what was written"));
        std::fs::remove_file(&path).expect("remove");
        refused(backup, &format!("{file} is missing"));
        std::fs::write(&path, &whole).expect("write");
    }
    let (code, said) = run(&["restore", "--from", text(backup), "--data", text(data)]);
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("not empty"), "{said}");
    let inside = data.join("backup");
    for target in [backup, inside.as_path()] {
        let (code, said) = run(&["backup", "--data", text(data), "--to", text(target)]);
        assert_eq!(code, Some(65), "{said}");
    }
    assert!(!inside.exists() && !data.join("backup.unfinished").exists());
    let manifest = std::fs::read(backup.join("manifest.json")).expect("a manifest");
    std::fs::remove_file(backup.join("manifest.json")).expect("remove");
    refused(backup, "no backup, or one that was never finished");
    let newer = String::from_utf8(manifest).expect("text").replace("\"format\": 1", "\"format\": 2");
    std::fs::write(backup.join("manifest.json"), newer).expect("write");
    refused(backup, "has format 2; this program reads format 1");
    let (code, said) = run(&["backup", "--data", text(own), "--to", text(&own.join("none"))]);
    assert_eq!(code, Some(65), "{said}");
}
