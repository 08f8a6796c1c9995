//! Row 22, G11: a data directory as the first release wrote it opens with what was in it, and one that a newer Maibo
//! wrote is refused with file and versions, changing nothing.
//!
//! `tests/e2e/golden/format-1.gz` is the directory, `format-1.json` what was in it. They are written once a format, by
//! `MAIBO_WRITE_GOLDEN=format-1`, and never again: that today's binary reads them is the point.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DEVICES: i64 = 5;

/// Engine time comes from the stream, so that what is judged is as old as it was, whenever this runs.
fn prepare() -> (Maibo, u16) {
    let mut setup = Setup { top: "clock = \"replay\"".to_owned(), ..Setup::default() };
    for (id, quantity, levels) in
        [("deep", "water_depth", "yellow = 30, red = 60"), ("hot", "temperature", "blue = 35, orange = 38")]
    {
        let _ = write!(
            setup.rules,
            "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"{id}\", en = \"{id}\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
             advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"{quantity}\" }}\nlevels = {{ {levels} }}\n\
             direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
        );
    }
    setup.tables.push_str(
        "[[receiver]]\nname = \"bureau\"\nurl = \"http://127.0.0.1:1/hook\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\n\
         allow = [\"127.0.0.1/32\"]\n",
    );
    for n in 0..DEVICES {
        setup.device(&format!("g{n}"), "1m");
    }
    let port = setup.embedded();
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// What a running Maibo says of what the directory holds.
fn contents(maibo: &Maibo) -> Value {
    let alerts = |state: &str| {
        let page = maibo.get(&format!("/api/v1/alerts?state={state}&limit=1000"));
        let items = page["items"].as_array().cloned().expect("items");
        let of_devices = items.into_iter().filter(|a| a["subject"]["kind"] == "device");
        let mut all: Vec<Value> = of_devices
            .map(|a| {
                json!({"id": a["id"], "rule": a["rule"], "device": a["device"], "level": a["level"],
                    "peak_level": a["peak_level"], "started_at": a["started_at"],
                    "by": a["acknowledged"]["by"], "to": a["assigned"]["to"]})
            })
            .collect();
        all.sort_by_key(|a| a["id"].to_string());
        all
    };
    let readings: BTreeMap<String, Value> = (0..DEVICES)
        .flat_map(|n| ["water_depth", "temperature"].map(|q| (n, q)))
        .map(|(n, quantity)| {
            let path = format!("/api/v1/devices/g{n}/series/{quantity}?points=0&from=0&to=4000000000000");
            let points = maibo.get(&path)["points"].as_array().cloned().expect("points");
            let sum: f64 = points.iter().filter_map(|p| p[1].as_f64()).sum();
            (format!("g{n} {quantity}"), json!([points.len(), sum]))
        })
        .collect();
    // Deliveries go by the clock on the wall: a day after the directory was written what was owed is given up, and still there.
    let listed = ["pending", "dead"].map(|outcome| {
        let page = maibo.get(&format!("/api/v1/deliveries?outcome={outcome}&limit=1000"));
        page["items"].as_array().cloned().expect("items")
    });
    // In this order nothing is missed that changes in between; what is in both lists then is one.
    let owed = listed.iter().flatten().map(|d| format!("{} {}", d["alert"].as_str().unwrap_or_default(), d["version"]));
    let owed: BTreeSet<String> = owed.collect();
    json!({"firing": alerts("firing"), "resolved": alerts("resolved"), "readings": readings, "owed": owed})
}

/// Every file below a directory but the lock: path and bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(here) = left.pop() {
        for entry in std::fs::read_dir(&here).expect("directory").flatten() {
            if entry.path().is_dir() {
                left.push(entry.path());
            } else if entry.file_name() != "lock" {
                let name = entry.path().strip_prefix(dir).expect("below").to_string_lossy().into_owned();
                all.insert(name, std::fs::read(entry.path()).expect("a file"));
            }
        }
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Writes the golden directory.
fn write(name: &str) {
    let (mut maibo, port) = prepare();
    let begin = 1_790_000_000_000_i64;
    for life in 0..2 {
        maibo.start();
        let messages: Vec<(String, Vec<u8>)> = (0..40_i64)
            .map(|n| {
                let t = begin + life * 7_200_000 + n * 20_000;
                // The last values stand: of some devices above a limit.
                let (depth, degrees) = match n {
                    35.. => ((n - 34) * 12, 30 + (n - 34) * 2),
                    _ => ((n * 11 + life * 7) % 70, 20 + (n * 7 + life) % 20),
                };
                let topic = format!("maibo/v1/g{}/telemetry", n % DEVICES);
                (topic, format!("{{\"t\":{t},\"water_depth\":{depth},\"temperature\":{degrees}}}").into_bytes())
            })
            .collect();
        assert_eq!(publish(port, &format!("life{life}"), &messages, Duration::from_secs(30)), messages.len());
        // Two alerts have something done to them, one in each life.
        let device = ["g3", "g4"][life as usize];
        let alert = until("an alert", Duration::from_secs(10), || {
            let firing = maibo.get(&format!("/api/v1/alerts?state=firing&device={device}"))["items"].clone();
            firing.as_array().and_then(|items| items.first().cloned())
        });
        let path = |act: &str| format!("/api/v1/alerts/{}/{act}", alert["id"].as_str().expect("id"));
        let done = match life {
            0 => maibo.post(&path("acknowledge"), &json!({"version": alert["version"], "note": "seen"})),
            _ => maibo.post(&path("assign"), &json!({"version": alert["version"], "to": "crew 3"})),
        };
        assert_eq!(done.0, 200, "{}", done.1);
        assert_eq!(maibo.terminate().code(), Some(0));
    }
    // One file without companions, and small.
    let (code, out, err) =
        command(&["rebuild", "--data", maibo.data().to_str().expect("path"), "state"], Path::new("."));
    assert_eq!(code, Some(0), "{out}{err}");
    let packed = files(&maibo.data()).into_iter().filter(|(name, _)| !name.contains(".replaced"));
    let packed: BTreeMap<String, String> = packed.map(|(name, bytes)| (name, hex(&bytes))).collect();
    let text = serde_json::to_vec(&packed).expect("JSON");
    let file = std::fs::File::create(golden(&format!("{name}.gz"))).expect("create");
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    gz.write_all(&text).and_then(|()| gz.finish().map(drop)).expect("write");
    maibo.start();
    let contents = serde_json::to_string_pretty(&contents(&maibo)).expect("JSON");
    std::fs::write(golden(&format!("{name}.json")), contents + "\n").expect("write");
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// Unpacks a golden directory.
fn unpack(name: &str, to: &Path) {
    let file = std::fs::File::open(golden(&format!("{name}.gz"))).expect("the golden directory");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("unpacks");
    let packed: BTreeMap<String, String> = serde_json::from_str(&text).expect("JSON");
    for (name, content) in packed {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("create");
        let digit = |at: usize| u8::from_str_radix(&content[at..at + 2], 16).expect("hex");
        let bytes: Vec<u8> = (0..content.len()).step_by(2).map(digit).collect();
        std::fs::write(path, bytes).expect("write");
    }
}

#[test]
fn the_first_format_opens_with_what_was_in_it() {
    if let Ok(name) = std::env::var("MAIBO_WRITE_GOLDEN") {
        write(&name);
    }
    let size = std::fs::metadata(golden("format-1.gz")).expect("the golden directory").len();
    assert!(size <= 200 * 1024, "{size}");
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(golden("format-1.json")).expect("contents")).expect("JSON");
    assert!(expected["firing"].as_array().is_some_and(|a| a.len() > 3), "there is something to lose");
    let (mut maibo, _) = prepare();
    unpack("format-1", &maibo.data());
    let (code, out, err) =
        command(&["journal", "verify", "--data", maibo.data().to_str().expect("path")], Path::new("."));
    assert_eq!(code, Some(0), "{out}{err}");
    let facts = journal::inspect(&maibo.data(), "facts");
    for _ in 0..2 {
        maibo.start();
        let found = until("everything is read", Duration::from_secs(30), || {
            let found = contents(&maibo);
            (found["owed"] == expected["owed"]).then_some(found)
        });
        assert_eq!(found, expected);
        assert_eq!(maibo.terminate().code(), Some(0));
    }
    assert_eq!(journal::inspect(&maibo.data(), "facts")[..facts.len()], facts[..]);
    // The databases that this binary makes of it say the same.
    let (code, out, err) = command(&["rebuild", "--data", maibo.data().to_str().expect("path")], Path::new("."));
    assert_eq!(code, Some(0), "{out}{err}");
    maibo.start();
    let mut found = contents(&maibo);
    found["owed"] = expected["owed"].clone();
    assert_eq!(found, expected);
    assert_eq!(maibo.terminate().code(), Some(0));
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (mut maibo, _) = prepare();
    let refused = |maibo: &mut Maibo, file: &str, words: &[&str], change: &dyn Fn(&mut Vec<u8>)| {
        let _ = std::fs::remove_dir_all(maibo.data());
        unpack("format-1", &maibo.data());
        let path = maibo.data().join(file);
        let mut bytes = std::fs::read(&path).unwrap_or_default();
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("write");
        let before = files(&maibo.data());
        maibo.spawn(&[]);
        let status = maibo.ended(Duration::from_secs(20));
        let said = maibo.last_log();
        assert_eq!(status.code(), Some(65), "{file}: {said}");
        for word in words {
            assert!(said.contains(word), "{file}: {said}");
        }
        let after = files(&maibo.data());
        let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(&before), "{file}");
        assert!(after == before, "{file}: something was changed");
    };
    let segments = |log: &str| {
        let golden = tempfile::tempdir().expect("a directory");
        unpack("format-1", golden.path());
        files(golden.path()).into_keys().rfind(|f| f.starts_with(log) && f.contains("segment-")).expect("a segment")
    };
    for file in [segments("inputs"), segments("facts"), "inputs/snapshot-00007".to_owned()] {
        let words = [file.as_str(), "has format version 2; this program knows up to 1"];
        refused(&mut maibo, &file, &words, &|bytes| bytes[8] = 2);
    }
    for file in ["state.db", "history.db", "outbox.db"] {
        refused(&mut maibo, file, &[file, "has format version 99; this program knows up to"], &|bytes| bytes[63] = 99);
    }
    let (cursor, words) = ("influx.cursor", "influx.cursor has format version 2; this program knows up to 1");
    refused(&mut maibo, cursor, &[words], &|bytes| *bytes = b"maibo-sink 2\nof a later release\n".to_vec());
    let pack = "versions/00000000000000ff.rules";
    let text = br#"[["later.toml", "[[rule]]\nid = \"x\"\nsomething_of_a_later_release = 1\n"]]"#;
    refused(&mut maibo, pack, &[pack, "does not compile"], &|bytes| *bytes = text.to_vec());
}
