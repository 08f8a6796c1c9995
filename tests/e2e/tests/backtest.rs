//! `maibo backtest` as a stranger meets it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maibo_e2e::journal;
use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;
use serde_json::Value;

const RULES: &str = "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\n\
                     source = \"test\"\nadvice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\n\
                     levels = { yellow = 20, red = 50 }\ndirection = \"above\"\n";

fn report(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

/// A recorded run of five devices.
fn recorded() -> (Maibo, Vec<(String, Vec<u8>)>) {
    let mut setup = Setup { rules: RULES.to_owned(), ..Setup::default() };
    let port = setup.embedded();
    for n in 0..5 {
        setup.device(&format!("d{n}"), "10s");
    }
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as i64;
    let messages: Vec<(String, Vec<u8>)> = (0..400_i64)
        .map(|n| {
            let (device, t) = (n % 5, now - 4_000 + n * 10);
            let depth = (n * n / 7) % 61;
            (format!("maibo/v1/d{device}/telemetry"), format!("{{\"t\":{t},\"water_depth\":{depth}}}").into_bytes())
        })
        .collect();
    assert_eq!(publish(port, "recorded", &messages, Duration::from_secs(20)), messages.len());
    (maibo, messages)
}

// P3: a stopped Maibo's own inputs, under the rules of then, give the episodes that were told then. While it runs its
// directory is its own.
#[test]
fn a_recorded_run_is_told_again() {
    let (mut maibo, messages) = recorded();
    let data = maibo.data();
    let path = |name: &str| maibo.dir.path().join(name).to_str().expect("path").to_owned();
    let (rules, catalogue) = (path("rules.toml"), path("devices.csv"));
    let data_text = data.to_str().expect("path").to_owned();
    let arguments =
        ["backtest", "--rules", &rules, "--catalogue", &catalogue, "--data", &data_text, "--format", "json"];
    let (code, _, err) = command(&arguments, Path::new("."));
    assert_eq!(code, Some(69), "{err}");
    assert_eq!(maibo.terminate().code(), Some(0));
    let (code, out, err) = command(&arguments, Path::new("."));
    assert_eq!(code, Some(0), "{err}");
    let report = report(&out);
    let told = journal::transitions(&data);
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let mut expected = Vec::new();
    for first in told.iter().filter(|t| t["version"] == 1 && t["rule"] == "flood") {
        let of: Vec<&Value> = told.iter().filter(|t| t["episode"] == first["episode"]).collect();
        let last = of[of.len() - 1];
        expected.push((text(&first["subject"]), first["started_at"].as_i64(), text(&last["peak"]), of.len() as u64));
    }
    expected.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    let expected: Vec<_> = expected.into_iter().map(|(subject, _, peak, n)| (subject, peak, n)).collect();
    let told_again = report["episodes"].as_array().expect("episodes").iter().filter(|e| e["rule"] == "flood");
    let one = |e: &Value| (text(&e["subject"]), text(&e["peak_level"]), e["transitions"].as_u64().expect("a number"));
    let found: Vec<_> = told_again.map(one).collect();
    assert_eq!(found, expected);
    assert!(found.len() > 50, "{} episodes", found.len());
    assert_eq!(report["data"]["inputs"], messages.len());
}

/// Every command that the page shows, continued lines joined.
fn shown_commands() -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/backtest.md");
    let text = std::fs::read_to_string(page).expect("the page").replace("\\\n", " ");
    let commands = text.lines().filter(|l| l.starts_with("maibo backtest "));
    commands.map(|l| l.split_whitespace().skip(1).map(str::to_owned).collect()).collect()
}

fn write(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, content).expect("writes");
    path
}

/// Two days of an air station as the recording has it.
fn air(station: &str) -> String {
    let mut text =
        "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"PM10\",\"SO2\",\"NO2\",\"CO\",\"O3\",\"TEMP\",\
                    \"PRES\",\"DEWP\",\"RAIN\",\"wd\",\"WSPM\",\"station\"\r\n"
            .to_owned();
    for n in 0..48 {
        let pm25 = if n % 12 < 4 { "300" } else { "9" };
        let _ = write!(
            text,
            "{},2013,3,{},{},{pm25},9,3,NA,300,89,-0.5,1024.5,-21.4,0,\"NNW\",5.7,\"{station}\"\r\n",
            n + 1,
            1 + n / 24,
            n % 24
        );
    }
    text
}

// Every command of the page runs as it stands there.
#[test]
fn the_commands_of_the_documentation() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shipped = |name: &str| std::fs::read(root.join(name)).expect("a shipped file");
    let dir = dir.path();
    let (mut maibo, _) = recorded();
    assert_eq!(maibo.terminate().code(), Some(0));
    std::fs::rename(maibo.data(), dir.join("data")).expect("moves");
    write(dir, "devices.csv", &std::fs::read(maibo.dir.path().join("devices.csv")).expect("the catalogue"));
    write(dir, "rules/ecology.toml", &shipped("rules/ecology.toml"));
    write(dir, "rules/flood.toml", RULES.as_bytes());
    write(dir, "new-rules/flood.toml", RULES.replace("yellow = 20", "yellow = 30").as_bytes());
    write(dir, "beijing-air.toml", &shipped("docs/operate/beijing-air.toml"));
    write(dir, "dongsi.csv", air("Dongsi").as_bytes());
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(air("Gucheng").as_bytes()).expect("packs");
    write(dir, "gucheng.csv.gz", &packer.finish().expect("packs"));
    let line =
        |n: i64| format!("{{\"device\":\"d1\",\"t\":{},\"water_depth\":{}}}\n", 1_795_435_200_000 + n * 10_000, n % 40);
    write(dir, "readings.jsonl", (0..200).map(line).collect::<Vec<_>>().concat().as_bytes());
    write(dir, "floods.txt", b"2026-11-23T12:03:00Z\n# a note\n2026-11-23T20:10:00+08:00\n");
    let wanted = [
        ("acceptable: ", "pm25-hour-2012              8"),
        ("manageable: ", "0 no more, 5 otherwise"),
        ("", "flood"),
        ("{", "\"detection\""),
    ];
    let commands = shown_commands();
    assert_eq!(commands.len(), wanted.len(), "{commands:?}");
    for (command_line, (begin, part)) in commands.iter().zip(wanted) {
        let arguments: Vec<&str> = command_line.iter().map(String::as_str).collect();
        let (code, out, err) = command(&arguments, dir);
        assert_eq!(code, Some(0), "{command_line:?}: {err}");
        assert!(out.starts_with(begin) && out.contains(part), "{command_line:?}: {out}");
    }
}

// Exit codes and words for what cannot be run.
#[test]
fn what_cannot_be_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    write(dir, "rules.toml", RULES.as_bytes());
    write(dir, "bad.toml", b"[[rule]]\nid = \"x\"\nnonsense = 1\n");
    write(dir, "devices.csv", b"id,kind,place,domain\nd1,k,110105,traffic\n");
    write(dir, "readings.jsonl", b"{\"device\":\"d1\",\"t\":1795435200000,\"water_depth\":1}\n");
    write(dir, "empty.jsonl", b"nonsense\n");
    let of = |rest: &str| {
        let arguments: Vec<&str> = std::iter::once("backtest").chain(rest.split_whitespace()).collect();
        let (code, out, err) = command(&arguments, dir);
        (code.expect("a code"), out + &err)
    };
    for (rest, code, part) in [
        ("--rules rules.toml --catalogue devices.csv", 64, "--data"),
        ("--rules rules.toml --data readings.jsonl", 64, "--catalogue"),
        ("--rules rules.toml --device-defaults --data readings.jsonl", 64, "--kind"),
        ("--rules rules.toml --catalogue devices.csv --data readings.jsonl --from then", 64, "RFC 3339"),
        ("--rules rules.toml --catalogue devices.csv --data readings.jsonl --operators 0", 64, "operators"),
        ("--rules bad.toml --catalogue devices.csv --data readings.jsonl", 65, "nonsense"),
        ("--rules nowhere.toml --catalogue devices.csv --data readings.jsonl", 65, "nowhere.toml"),
        ("--rules rules.toml --catalogue rules.toml --data readings.jsonl", 65, "column `id` is missing"),
        ("--rules rules.toml --catalogue devices.csv --data empty.jsonl", 65, "empty.jsonl:1: is no JSON object"),
        ("--rules rules.toml --catalogue devices.csv --data readings.jsonl --to 1", 65, "there is no reading"),
        ("--rules rules.toml --catalogue devices.csv --data readings.jsonl empty.jsonl", 0, "COULD NOT BE READ"),
    ] {
        let (found, text) = of(rest);
        assert!(found == code && text.contains(part), "{rest}: {found} {text}");
    }
}
