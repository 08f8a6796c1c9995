//! Recorded data from every source, and what the rules make of them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use maibo_core::backtest::Outcome;
use maibo_core::fact::State;
use maibo_core::id::DeviceId;
use maibo_core::place::Domain;
use maibo_core::time::Timestamp;
use tempfile::TempDir;

use super::defaults::Defaults;
use super::mapping::Mapping;
use super::*;
use crate::live::tests::{CATALOGUE, RULES};

mod air;
mod directory;
mod tables;

/// 2026-11-23T12:00:00Z.
const NOON: i64 = 1_795_435_200_000;

const MAPPING: &str = "missing = [\"-\"]\n[time]\ncolumn = \"when\"\nformat = \"%Y-%m-%d %H:%M:%S\"\nzone = \"+08:00\"\n\
                       [device]\ncolumn = \"id\"\n[quantity]\nwater_depth = { column = \"depth\", unit = \"mm\" }\n";

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text).unwrap_or_else(|p| panic!("{p:?}"))
}

fn rules() -> Arc<RuleSet> {
    Arc::new(RuleSet::compile(&[("test.toml", RULES)]).expect("rules"))
}

fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::parse(CATALOGUE).expect("a catalogue"))
}

/// A file in a directory of its own.
fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("writes");
    (dir, path)
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content).expect("packs");
    packer.finish().expect("packs")
}

fn load(name: &str, content: &[u8], mapping: Option<&Mapping>) -> Result<Tape, LoadError> {
    let (_dir, path) = file(name, content);
    let mut tape = Tape::new(None, None);
    source::load(&[path], mapping, &mut tape).map(|()| tape)
}

fn outcome(tape: &Tape) -> Outcome {
    run(&rules(), &catalogue(), tape, || false).expect("runs").0
}

/// What the rules make of a tape, as the report shows it; the names of files and the speed are not the data's.
fn shown(tape: &Tape) -> maibo_api::BacktestReport {
    let outcome = outcome(tape);
    let rules = rules();
    let mut data = tape.data();
    data.bad_samples.clear();
    let took = Duration::ZERO;
    let parts =
        report::Parts { run: (&rules, &outcome), against: None, data, took, operators: 1, truth: None, listed: 9 };
    report::report(parts)
}

/// Depths in cm of two devices by the second, out of order of time. A tenth of their millimetres is exact.
const DEPTHS: [(&str, i64, f64); 8] = [
    ("wl-1", 40, 0.0),
    ("wl-1", 0, 0.1),
    ("wl-2", 0, 0.0),
    ("wl-1", 10, 0.5),
    ("wl-1", 20, 0.4),
    ("wl-2", 20, 0.2),
    ("wl-1", 30, 0.1),
    ("wl-2", 30, 0.0),
];

// The same data as a table, as JSON lines of both shapes, packed or not, sorted or not, give the same report.
#[test]
fn every_text_of_the_same_data_gives_the_same_report() {
    let mut table = "\u{feff}id,when,depth\r\n".to_owned();
    let (mut long, mut wide) = (String::new(), String::new());
    for (id, second, depth) in DEPTHS {
        let _ = write!(table, "{id},2026-11-23 20:00:{second:02},{}\r\n", depth * 10.0);
        let t = NOON + second * 1000;
        let _ = writeln!(
            long,
            r#"{{"device":"{id}","quantity":"water_depth","t":{t},"value":{},"unit":"mm"}}"#,
            depth * 10.0
        );
        let _ = writeln!(wide, r#"{{"device":"{id}","t":"2026-11-23T12:00:{second:02}Z","water_depth":{depth}}}"#);
    }
    let mapping = mapping(MAPPING);
    let first = shown(&load("a.csv", table.as_bytes(), Some(&mapping)).expect("reads"));
    assert_eq!((first.data.judged, first.data.devices, first.load.openings), (8, 2, 2));
    assert_eq!(first.episodes[0].furthest, Some(0.5));
    for (name, content) in [
        ("a.csv.gz", packed(table.as_bytes())),
        ("a.jsonl", long.clone().into_bytes()),
        ("a.ndjson", wide.into_bytes()),
        ("A.JSONL.GZ", packed(long.as_bytes())),
    ] {
        let other = shown(&load(name, &content, Some(&mapping)).unwrap_or_else(|e| panic!("{name}: {e}")));
        assert_eq!(other, first, "{name}");
    }
    // In order of time it is the same again.
    let mut sorted: Vec<&str> = long.lines().collect();
    sorted.sort_by_key(|l| l.split("\"t\":").nth(1).map(str::to_owned));
    assert_eq!(shown(&load("b.jsonl", sorted.join("\n").as_bytes(), None).expect("reads")), first);
}

// What cannot be read is counted and shown with its line; the rest is taken.
#[test]
fn bad_lines_are_counted_and_shown() {
    let lines = format!(
        "{{\"device\":\"wl-1\",\"t\":{NOON},\"water_depth\":1,\"phlogiston\":2}}\n\nnonsense\n[1]\n\
         {{\"t\":{NOON},\"water_depth\":1}}\n{{\"device\":\"wl-1\",\"t\":1.5,\"water_depth\":1}}\n\
         {{\"device\":\"a b\",\"t\":{NOON},\"water_depth\":1}}\n\
         {{\"device\":\"wl-1\",\"quantity\":\"water_depth\",\"t\":{NOON},\"value\":null}}\n\
         {{\"device\":\"wl-1\",\"quantity\":\"water_depth\",\"t\":{NOON},\"value\":1,\"unit\":\"furlong\"}}\n\
         {{\"device\":\"wl-1\",\"t\":{NOON}000,\"water_depth\":1}}\n"
    );
    let data = load("a.jsonl", lines.as_bytes(), None).expect("reads").data();
    let found: Vec<(u64, &str)> = data.bad_samples.iter().map(|b| (b.line, b.problem.as_str())).collect();
    let wanted = [
        (1, "`phlogiston` is not a known quantity"),
        (3, "is no JSON object: expected ident"),
        (4, "is no JSON object: invalid type: sequence, expected a map"),
        (5, "`device` is missing"),
        (6, "`t` is neither"),
        (7, "device `a b` has the character ' '"),
        (8, "`water_depth` is not a number"),
        (9, "water_depth is not accepted in this unit; canonical is cm"),
        (10, "the time 1795435200000000 ms since 1970 is not between 2000 and 2100"),
    ];
    for (found, (line, problem)) in found.iter().zip(wanted) {
        assert!(found.0 == line && found.1.starts_with(problem), "{found:?} for {line}: {problem}");
    }
    assert_eq!((found.len(), data.bad), (9, 9));
    assert!(data.bad_samples[0].file.ends_with("a.jsonl"));
    // Of many only the first are shown; none is forgotten.
    let many = load("b.jsonl", "x\n".repeat(5_000).as_bytes(), None).expect("reads").data();
    assert_eq!((many.bad, many.bad_samples.len()), (5_000, tape::SAMPLES_MAX));
}

// More than fits, a span, a file of another kind, a torn or endless one: errors that say what to do.
#[test]
fn what_cannot_be_loaded() {
    let mut lines = String::new();
    for n in 0..5 {
        let _ = writeln!(lines, "{{\"device\":\"wl-1\",\"t\":{},\"water_depth\":1}}", NOON + n);
    }
    let (_dir, path) = file("a.jsonl", lines.as_bytes());
    let load_one = |tape: &mut Tape| source::load(std::slice::from_ref(&path), None, tape);
    let error = load_one(&mut Tape::new(None, None).limited(4)).expect_err("too many");
    assert!(error.to_string().starts_with("more than 4 readings; take a shorter time"), "{error}");
    let mut some = Tape::new(Some(Timestamp(NOON + 1)), Some(Timestamp(NOON + 3)));
    load_one(&mut some).expect("reads");
    assert_eq!((some.len(), some.data().outside), (2, 3));
    let refused = |name: &str, content: &[u8]| match load(name, content, None) {
        Err(error) => (error.exit_code(), error.to_string()),
        Ok(tape) => panic!("{name} was read: {}", tape.len()),
    };
    for (name, content, wanted) in [
        ("a.xlsx", &b"x"[..], "is neither a data directory nor .csv"),
        ("a.csv", b"a,b\n", "a table needs --mapping"),
        ("a.jsonl.gz", &packed(lines.as_bytes())[..20], "a.jsonl.gz: "),
        ("a.jsonl", &vec![b'x'; source::LINE_MAX + 70_000], "a line of more than 1048576 bytes"),
    ] {
        let (code, text) = refused(name, content);
        assert!(code == 65 && text.contains(wanted), "{name}: {code} {text}");
    }
    let nowhere = source::load(&[PathBuf::from("/nowhere/a.jsonl")], None, &mut Tape::new(None, None));
    assert_eq!(nowhere.expect_err("not there").exit_code(), 65);
}

// A catalogue made from the data has every device, each with the interval its data show.
#[test]
fn defaults_from_the_data() {
    let mut lines = String::new();
    for n in 0..9 {
        for (id, every) in [("hourly", 3600), ("minutely", 60)] {
            let t = NOON + n * every * 1000;
            let _ = writeln!(lines, "{{\"device\":\"{id}\",\"t\":{t},\"water_depth\":1,\"battery\":50}}");
        }
    }
    let _ = writeln!(lines, "{{\"device\":\"once\",\"t\":{NOON},\"water_depth\":1}}");
    let tape = load("a.jsonl", lines.as_bytes(), None).expect("reads");
    let mut wanted =
        Defaults { kind: "a, \"b\"".into(), domain: Domain::Traffic, place: "110105".into(), interval: None };
    let (_, made) = defaults::catalogue(&tape, &wanted).expect("a catalogue");
    let of = |id: &str, c: &Catalogue| c.get(&DeviceId::new(id).expect("id")).and_then(|d| d.interval).map(|i| i.0);
    assert_eq!(["hourly", "minutely", "once"].map(|id| of(id, &made)), [Some(3_600_000), Some(60_000), None]);
    assert!(made.devices().iter().all(|d| d.kind == "a, \"b\"" && d.place.as_str() == "110105"));
    wanted.interval = Some("5m".into());
    assert_eq!(of("once", &defaults::catalogue(&tape, &wanted).expect("a catalogue").1), Some(300_000));
    wanted.place = "nowhere".into();
    assert!(defaults::catalogue(&tape, &wanted).is_err());
}

// The text for people begins with the verdict, and leaves nothing out that went wrong.
#[test]
fn the_text_begins_with_the_verdict() {
    let mut lines = "x\n".to_owned();
    for (id, second, depth) in DEPTHS {
        let t = NOON + second * 1000;
        let _ = writeln!(lines, r#"{{"device":"{id}","t":{t},"water_depth":{depth}}}"#);
    }
    let _ = writeln!(lines, r#"{{"device":"stranger","t":{NOON},"water_depth":1}}"#);
    let tape = load("a.jsonl", lines.as_bytes(), None).expect("reads");
    let (rules, outcome) = (rules(), outcome(&tape));
    let other = Arc::new(
        RuleSet::compile(&[(
            "t",
            &RULES.replace("blue = 0.05", "blue = 0.15").replace("yellow = 0.15", "yellow = 0.25"),
        )])
        .expect("rules"),
    );
    let before = run(&other, &catalogue(), &tape, || false).expect("runs").0;
    let told = text::text(&report::report(report::Parts {
        run: (&rules, &outcome),
        against: Some((&other, &before)),
        data: tape.data(),
        took: Duration::from_secs(2),
        operators: 1,
        truth: Some(&[Timestamp(NOON)]),
        listed: usize::MAX,
    }));
    let first = told.lines().next().unwrap_or_default();
    assert_eq!(first, "manageable: 288 alerts a day for each of 1 operator(s)");
    for wanted in [
        "standing-water       2     0       1       0    1",
        "standing-water detected 1 of 1 known events, after 0s (median), 0s (longest)",
        "0 new, 0 no more, 2 otherwise, 0 the same",
        "~ standing-water wl-1 red up to 0.5 2026-11-23T12:00:10.000Z to 2026-11-23T12:00:30.000Z",
        "4 readings/s",
        "1  OF DEVICES THAT THE CATALOGUE DOES NOT KNOW",
        "1  LINES OR VALUES THAT COULD NOT BE READ",
        "a.jsonl:1: is no JSON object",
        "EEMUA 191",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
}
