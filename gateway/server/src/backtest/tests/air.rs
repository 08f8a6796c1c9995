//! Two years of air at three stations, judged by the pack that ships.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::*;

/// The mapping that the documentation shows.
const BEIJING: &str = include_str!("../../../../../docs/operate/beijing-air.toml");

/// The file's PM2.5 by station, in order of time, read plainly.
fn plain(path: &std::path::Path) -> Vec<f64> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).expect("a recording"))
        .read_to_string(&mut text)
        .expect("text");
    text.lines().skip(1).filter_map(|l| l.split(',').nth(5)?.parse().ok()).collect()
}

/// Rows of values that reach 76 and are not yet back below 71: what the rule `pm25-hour-2012` says, in plain words.
fn rows(values: &[f64]) -> (usize, Vec<f64>) {
    let (mut count, mut open, mut peaks) = (0, false, Vec::new());
    for value in values {
        if !open && *value >= 76.0 {
            (count, open) = (count + 1, true);
            peaks.push(*value);
        } else if open && *value < 71.0 {
            open = false;
        } else if open && let Some(peak) = peaks.last_mut() {
            *peak = peak.max(*value);
        }
    }
    (count, peaks)
}

// The air of 2013 is judged by the edition of 2012: the episodes of one shipped rule on two years of three stations are those of a plain count of the files; every value is
// judged or marked as missing; and the whole is what a month of it and the rest are together.
#[test]
#[allow(clippy::print_stdout, reason = "says what was compared")]
fn the_shipped_rule_on_recorded_air() {
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES").map(PathBuf::from).filter(|p| p.is_dir()) else {
        eprintln!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return;
    };
    let stations = ["Dongsi", "Gucheng", "Huairou"];
    let path = |s: &str| folder.join(format!("beijing-air/PRSA_{s}_20130301-20150228.csv.gz"));
    let mut tape = Tape::new(None, None);
    source::load(&stations.map(path), Some(&mapping(BEIJING)), &mut tape).expect("reads");
    let data = tape.data();
    assert_eq!((data.bad, data.devices, tape.len() as u64 + data.missing), (0, 3, 3 * 17_520 * 10));
    let defaults =
        Defaults { kind: "air-station".into(), domain: Domain::Ecology, place: "110000".into(), interval: None };
    let (text, made) = defaults::catalogue(&tape, &defaults).expect("a catalogue");
    assert!(text.contains("prsa-Dongsi,\"air-station\",\"110000\",ecology,3600000ms"), "{text}");
    let rules = Arc::new(RuleSet::compile(&crate::packs::SHIPPED).expect("the shipped packs"));
    let (outcome, took) = run(&rules, &Arc::new(made), &tape, || false).expect("runs");
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for e in outcome.episodes.iter().filter(|e| e.rule.as_str() == "pm25-hour-2012") {
        found.entry(e.subject.id().into_owned()).or_default().push(e.furthest.expect("a value"));
    }
    let mut all = 0;
    for station in stations {
        let (count, peaks) = rows(&plain(&path(station)));
        let found = &found[format!("prsa-{station}").as_str()];
        assert_eq!(found.len(), count, "episodes at {station}");
        assert_eq!(found, &peaks, "highest values at {station}");
        all += count;
    }
    assert!(all > 1_000 && outcome.counts.judged == tape.len() as u64, "{all} episodes");
    let seconds = took.as_secs_f64();
    println!("{all} episodes; {} readings in {seconds:.3} s, {:.0}/s", tape.len(), tape.len() as f64 / seconds);
}
