//! Two years of air at three stations.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use maibo_e2e::fixtures;
use maibo_e2e::maibo::{CATALOGUE_HEAD, Setup};
use maibo_sim::replay::{self, Replayed};

use super::count::{Ladder, expected, found};
use super::run::{HOUR, Run, Series, rows};

/// 2013-03-01 00:00 in Beijing, in ms since 1970: row 1 of every station; the rows follow each other by the hour.
const FIRST_HOUR: i64 = 1_362_067_200_000;
const ROWS: i64 = 17_520;
/// Two runs of the whole recording would be a minute more: repeatability is shown on its first hours.
const REPEATED_HOURS: i64 = 4_000;
const STATIONS: [&str; 3] = ["Dongsi", "Gucheng", "Huairou"];
const COLUMNS: [(&str, &str); 10] = [
    ("PM2.5", "pm25"),
    ("PM10", "pm10"),
    ("SO2", "so2"),
    ("NO2", "no2"),
    ("CO", "co"),
    ("O3", "o3"),
    ("TEMP", "temperature"),
    ("PRES", "pressure"),
    ("RAIN", "rain"),
    ("WSPM", "wind_speed"),
];
const WINDS: &str = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW";

fn station_file(folder: &Path, station: &str) -> std::path::PathBuf {
    folder.join(format!("beijing-air/PRSA_{station}_20130301-20150228.csv.gz"))
}

/// Every value of the recording before `end`, by device and quantity, in canonical units.
fn air_truth(folder: &Path, end: i64) -> BTreeMap<(String, &'static str), Series> {
    let mut truth: BTreeMap<_, Series> = BTreeMap::new();
    for station in STATIONS {
        let device = format!("prsa-{}", station.to_lowercase());
        let rows = rows(&station_file(folder, station));
        let date = |row: &BTreeMap<String, String>| ["year", "month", "day", "hour"].map(|c| row[c].clone()).join("-");
        assert_eq!((date(&rows[0]), date(&rows[rows.len() - 1])), ("2013-3-1-0".into(), "2015-2-28-23".into()));
        for row in rows {
            let t = FIRST_HOUR + (row["No"].parse::<i64>().expect("a number") - 1) * HOUR;
            let mut note = |quantity, value| truth.entry((device.clone(), quantity)).or_default().push((t, value));
            for (column, quantity) in COLUMNS {
                if t < end && row[column] != "NA" {
                    let value: f64 = row[column].parse().expect("a number");
                    // The file has µg/m³ of carbon monoxide, the gateway keeps mg/m³.
                    note(quantity, if quantity == "co" { value / 1000.0 } else { value });
                }
            }
            if t < end && row["wd"] != "NA" {
                let n = WINDS.split(' ').position(|w| w == row["wd"]).expect("one of sixteen winds");
                note("wind_direction", n as f64 * 22.5);
            }
        }
    }
    truth
}

/// The recording before `end` as messages.
fn air_messages(folder: &Path, end: i64) -> Vec<Replayed> {
    let read = |station| replay::read_air(&station_file(folder, station)).expect("readable");
    let records = STATIONS.into_iter().flat_map(read).filter(|r| r.t < end).collect();
    replay::air_messages(records)
}

const LADDERS: [Ladder; 2] = [
    Ladder {
        id: "pm25",
        levels: &[("blue", 75.0), ("yellow", 115.0), ("orange", 150.0), ("red", 250.0)],
        stale_after: 3 * HOUR,
    },
    Ladder { id: "pm25-heavy", levels: &[("orange", 200.0)], stale_after: 24 * HOUR },
];

fn air_setup() -> Setup {
    let mut setup = Setup { catalogue: CATALOGUE_HEAD.to_owned(), ..Setup::default() };
    for station in STATIONS {
        let id = station.to_lowercase();
        let _ = writeln!(setup.catalogue, "prsa-{id},air,{station},110101001,116.4,39.9,ecology,,1h,,,");
    }
    for ladder in LADDERS {
        let levels: Vec<String> = ladder.levels.iter().map(|(name, limit)| format!("{name} = {limit}")).collect();
        let _ = write!(
            setup.rules,
            "[[rule]]\nid = \"{}\"\ntitle = {{ zh = \"细颗粒物\", en = \"Fine particles\" }}\ndomain = \"ecology\"\n\
             when = {{ quantity = \"pm25\" }}\nlevels = {{ {} }}\ndirection = \"above\"\ndeadband = 0\nfor = \"0s\"\n\
             keep_firing_for = \"0s\"\nstale_after = \"{}h\"\nsource = \"test\"\nadvice = {{ zh = \"无\", en = \"none\" }}\n",
            ladder.id,
            levels.join(", "),
            ladder.stale_after / HOUR
        );
    }
    setup
}

// P3, P7: two years of air at three stations. History has every value, and the alerts are those of a plain run-length
// count of the file: one episode per row of values, its levels within it, gaps marked and not taken for recovery.
#[test]
#[allow(clippy::print_stdout, reason = "says what was compared")]
fn air_quality_as_recorded() {
    let Some(folder) = fixtures() else { return };
    let end = FIRST_HOUR + ROWS * HOUR;
    let truth = air_truth(&folder, end);
    let messages = air_messages(&folder, end);
    assert_eq!((truth.len(), messages.len()), (33, 52_560));
    let readings = truth.values().map(Vec::len).sum();
    let started = Instant::now();
    let run = Run::of(air_setup(), &messages, readings);
    println!("{} messages, {readings} readings in {:?}", messages.len(), started.elapsed());
    for ((device, quantity), series) in &truth {
        let kept = run.history_of(device, quantity, FIRST_HOUR, end, series.len());
        assert_eq!(kept.len(), series.len(), "{device} {quantity}");
        for ((t, value), (kept_t, kept_value)) in series.iter().zip(&kept) {
            // A converted unit may round the last digit; what is not converted must come back bit by bit.
            let near = *quantity == "co" && (value - kept_value).abs() <= 1e-12 * value.abs();
            let same = near || value.to_bits() == kept_value.to_bits();
            assert!(t == kept_t && same, "{device} {quantity} at {t}: {value}; kept {kept_value} at {kept_t}");
        }
        if *quantity == "pm25" {
            for (level, limit) in LADDERS[0].levels {
                let hours = |s: &Series| s.iter().filter(|(_, v)| v >= limit).count();
                assert_eq!(hours(&kept), hours(series), "hours of {device} above {level}");
                println!("{device}: {} hours from {limit} µg/m³ ({level}) on", hours(&kept));
            }
        }
    }
    println!("history compared after {:?}", started.elapsed());
    let facts = run.facts();
    let mut compared = 0;
    for ((device, _), series) in truth.iter().filter(|((_, quantity), _)| *quantity == "pm25") {
        for ladder in LADDERS {
            let (told, episodes) = found(&facts, device, ladder.id);
            let expected = expected(series, &ladder, end - HOUR);
            for (n, (told, expected)) in told.iter().zip(&expected).enumerate() {
                assert_eq!(told, expected, "transition {n} of {device} by {}", ladder.id);
            }
            assert_eq!(told.len(), expected.len(), "transitions of {device} by {}", ladder.id);
            let begun = expected.iter().filter(|t| t.version == 1).count();
            assert_eq!(episodes.len(), begun, "episodes of {device} by {}", ladder.id);
            let stale = expected.iter().filter(|t| t.stale).count();
            println!("{device} {}: {begun} episodes, {} transitions, {stale} gaps", ladder.id, expected.len());
            assert!(begun > 100 && expected.iter().any(|t| t.reason == "lowered") == (ladder.levels.len() > 1));
            compared += told.len();
        }
    }
    // The recording has gaps within episodes, or the test would not protect what it names.
    assert!(facts.iter().any(|f| f["reason"] == "data_stale") && facts.iter().any(|f| f["reason"] == "data_fresh"));
    let told = facts.iter().filter(|f| f["kind"] == "transition" && f["reason"] != "unacknowledged");
    assert_eq!(told.count(), compared, "nothing else was told");
}

// P3: the same recording on two fresh data directories gives the same facts, line by line, causes and times included.
#[test]
#[allow(clippy::print_stdout, reason = "says what was compared")]
fn a_second_run_tells_the_same() {
    let Some(folder) = fixtures() else { return };
    let end = FIRST_HOUR + REPEATED_HOURS * HOUR;
    let messages = air_messages(&folder, end);
    let readings = air_truth(&folder, end).values().map(Vec::len).sum();
    let complete = || {
        let run = Run::of(air_setup(), &messages, readings);
        // Taken in is not yet decided: the log holds the last hour once history has it.
        for station in STATIONS {
            let device = format!("prsa-{}", station.to_lowercase());
            let last = messages.iter().rfind(|m| m.device == device).expect("messages").t;
            run.history_of(&device, "temperature", last, last + 1, 1);
        }
        run.facts()
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(complete);
        (complete(), other.join().expect("the other run"))
    });
    for (n, (first, second)) in first.iter().zip(&second).enumerate() {
        assert_eq!(first, second, "fact {n}");
    }
    assert_eq!(first.len(), second.len());
    let transitions = first.iter().filter(|f| f["kind"] == "transition").count();
    println!("{} messages twice: {} facts, {transitions} transitions", messages.len(), first.len());
    assert!(transitions > 500, "alerts came and went: {transitions}");
}
