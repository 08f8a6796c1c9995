//! The air quality index of recorded Beijing air (three stations, two years), against a second computation as plain as the
//! standards' text: exact decimals, tables of its own, and an index found by trying all of them.

#![allow(clippy::print_stdout, reason = "tests")]

#[path = "aqi_beijing/wired.rs"]
mod wired;

use std::fs::File;
use std::path::PathBuf;

use maibo_core::aqi::{Concentration, Day, Edition, Pollutant, Report};
use maibo_core::engine::{AirState, DERIVED};
use maibo_core::time::Timestamp;

/// Pollutants in the order of the columns, from the sixth on.
const NAMES: [&str; 6] = ["pm25", "pm10", "so2", "no2", "co", "o3"];
const EDITIONS: [Edition; 2] = [Edition::Hj633_2012, Edition::Hj633_2026];
const CO: usize = 4;
const O3: usize = 5;
/// The first hour of the recordings, 2013-03-01T00:00:00+08:00.
const FIRST_MS: i64 = 1_362_067_200_000;
const HOUR_MS: i64 = 3_600_000;
/// Recorded values are kept in this many parts of a unit.
const PARTS: i64 = 10_000_000;

/// One hour: values in ten-millionths of µg/m³, CO of mg/m³.
type Hour = [Option<i64>; 6];
/// Index and the names of the primary pollutants.
type Plain = (i64, Vec<&'static str>);

mod plain {
    //! The second computation.

    use super::{CO, Edition, Hour, NAMES, O3, PARTS, Plain};

    /// Columns: index, then concentrations of PM2.5, PM10, SO2, NO2, CO of a day, SO2, NO2, CO, O3 of an hour, O3 of eight.
    type Table = [[i64; 11]; 8];
    const NO: i64 = i64::MAX;
    const BY_2012: Table = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [50, 35, 50, 50, 40, 2, 150, 100, 5, 160, 100],
        [100, 75, 150, 150, 80, 4, 500, 200, 10, 200, 160],
        [150, 115, 250, 475, 180, 14, 650, 700, 35, 300, 215],
        [200, 150, 350, 800, 280, 24, 800, 1200, 60, 400, 265],
        [300, 250, 420, 1600, 565, 36, NO, 2340, 90, 800, 800],
        [400, 350, 500, 2100, 750, 48, NO, 3090, 120, 1000, NO],
        [500, 500, 600, 2620, 940, 60, NO, 3840, 150, 1200, NO],
    ];
    const DAY: [usize; 5] = [1, 2, 3, 4, 5];
    const HOUR: [usize; 6] = [1, 2, 6, 7, 8, 9];
    const O3_HOUR: usize = 9;
    const O3_EIGHT: usize = 10;

    fn table(edition: Edition) -> Table {
        let mut table = BY_2012;
        if edition == Edition::Hj633_2026 {
            (table[2][1], table[2][2]) = (60, 120);
        }
        table
    }

    /// Sum / count as tenths of the unit, whole numbers but for CO, ties to the even one.
    fn rounded(sum: i64, count: i64, pollutant: usize) -> i64 {
        let step = if pollutant == CO { 1 } else { 10 };
        let divisor = 2 * count * step * PARTS / 10;
        let shifted = 2 * sum + divisor / 2;
        let steps = shifted / divisor;
        let tie = shifted % divisor == 0;
        (if tie && steps % 2 == 1 { steps - 1 } else { steps }) * step
    }

    /// The least index whose concentration is not below `tenths`.
    fn index(edition: Edition, column: usize, tenths: i64) -> Option<i64> {
        let table = table(edition);
        for i in 0..=500 {
            for pair in table.windows(2) {
                let (from, to, low, high) = (pair[0][0], pair[1][0], pair[0][column], pair[1][column]);
                if high != NO
                    && from <= i
                    && i <= to
                    && (high - low) * 10 * (i - from) >= (tenths - low * 10) * (to - from)
                {
                    return Some(i);
                }
            }
        }
        match (edition, table[5][column] == NO, table[6][column] == NO) {
            (_, false, false) => Some(500),
            (Edition::Hj633_2012, ..) => None,
            (Edition::Hj633_2026, true, _) => Some(200),
            (Edition::Hj633_2026, false, _) => Some(300),
        }
    }

    fn report(indexes: &[(usize, Option<i64>)]) -> Option<Plain> {
        let largest = indexes.iter().filter_map(|(_, i)| *i).max()?;
        let mut primary = Vec::new();
        for (p, name) in NAMES.iter().enumerate() {
            if largest > 50 && indexes.contains(&(p, Some(largest))) {
                primary.push(*name);
            }
        }
        Some((largest, primary))
    }

    /// Ozone over eight hours, rounded, where six of them are there.
    fn eight(hours: &[Hour]) -> Option<i64> {
        let values: Vec<i64> = hours.iter().filter_map(|h| h[O3]).collect();
        (values.len() >= 6).then(|| rounded(values.iter().sum(), values.len() as i64, O3))
    }

    pub(crate) fn day(edition: Edition, hours: &[Hour]) -> Option<Plain> {
        let mut indexes = Vec::new();
        for p in 0..5 {
            let values: Vec<i64> = hours.iter().filter_map(|h| h[p]).collect();
            if values.len() >= 20 {
                let mean = rounded(values.iter().sum(), values.len() as i64, p);
                indexes.push((p, index(edition, DAY[p], mean)));
            }
        }
        let eights: Vec<i64> = (8..=24).filter_map(|end| eight(&hours[end - 8..end])).collect();
        if eights.len() >= 14 {
            let largest = eights.iter().max().copied().unwrap_or_default();
            let hour = hours.iter().filter_map(|h| h[O3]).max().map_or(0, |v| rounded(v, 1, O3));
            let by_hour = edition == Edition::Hj633_2012 && largest > 8000;
            let (column, value) = if by_hour { (O3_HOUR, hour) } else { (O3_EIGHT, largest) };
            indexes.push((O3, index(edition, column, value)));
        }
        report(&indexes)
    }

    /// The last of these hours; up to seven before it stand before it.
    pub(crate) fn hour(edition: Edition, hours: &[Hour]) -> Option<Plain> {
        let now = hours.last()?;
        if now.iter().all(Option::is_none) {
            return None;
        }
        let mut indexes: Vec<_> =
            (0..6).filter_map(|p| Some((p, index(edition, HOUR[p], rounded(now[p]?, 1, p))))).collect();
        if let Some(eight) = eight(hours).filter(|_| edition == Edition::Hj633_2012) {
            indexes.push((O3, index(edition, O3_EIGHT, eight)));
        }
        report(&indexes)
    }
}

/// All hours of a station, without a gap; nothing, said so, where no recorded data are given.
fn station(name: &str) -> Option<Vec<Hour>> {
    let Some(root) = std::env::var_os("MAIBO_FIXTURES") else {
        println!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return None;
    };
    let path = PathBuf::from(root).join(format!("beijing-air/PRSA_{name}_20130301-20150228.csv.gz"));
    let mut table = csv::Reader::from_reader(flate2::read::GzDecoder::new(File::open(path).expect("recorded air")));
    let rows: Vec<_> = table.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows[0].iter().skip(1).take(4).collect::<Vec<_>>(), ["2013", "3", "1", "0"]);
    let hours = rows.iter().enumerate().map(|(n, row)| {
        assert_eq!((&row[0], &row[4]), (&*(n + 1).to_string(), &*(n % 24).to_string()));
        // CO is recorded in µg/m³: a thousandth of its unit.
        core::array::from_fn(|p| parts(&row[5 + p]).map(|v| if p == CO { v / 1000 } else { v }))
    });
    Some(hours.collect())
}

/// A decimal as ten-millionths, exactly.
fn parts(text: &str) -> Option<i64> {
    if text == "NA" {
        return None;
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    assert!(decimals.len() <= 4, "{text}");
    format!("{whole}{decimals:0<7}").parse().ok()
}

/// The value as a station would send it.
fn sent(parts: i64) -> f64 {
    parts as f64 / PARTS as f64
}

fn shown(report: Report) -> Plain {
    (i64::from(report.index), report.primary.iter().map(Pollutant::as_str).collect())
}

fn check_days(name: &str) {
    let Some(hours) = station(name) else { return };
    let (mut reported, mut differ, mut severe) = (0, 0, 0);
    for (n, of_day) in hours.chunks(24).enumerate() {
        let mut day = Day::default();
        // In no order, each hour twice, and with the seven hours before, which belong to the day before.
        for step in 0..62 {
            let hour = (step * 19) % 31 - 7;
            let Some(values) = usize::try_from(n as i64 * 24 + hour).ok().and_then(|i| hours.get(i)) else { continue };
            for (p, value) in Pollutant::ALL.into_iter().zip(values).filter_map(|(p, v)| Some((p, (*v)?))) {
                day.take(i8::try_from(hour).expect("an hour"), p, Concentration::new(sent(value)).expect("a value"));
            }
        }
        let [old, new] = EDITIONS.map(|edition| {
            let expected = plain::day(edition, of_day);
            assert_eq!(day.report(edition).map(shown), expected, "{name}, day {n}, {}", edition.as_str());
            expected
        });
        reported += usize::from(new.is_some());
        severe += usize::from(new.as_ref().is_some_and(|(index, _)| *index > 300));
        differ += usize::from(old != new);
    }
    println!("{name}: {reported} days reported, {severe} above 300, {differ} differ by edition");
    assert!(reported > 690 && severe > 5 && differ > 150, "{reported} {severe} {differ}");
}

fn check_derived(name: &str) {
    let Some(hours) = station(name) else { return };
    let mut air = AirState::default();
    let mut derived: [Vec<(i64, Plain)>; 4] = Default::default();
    let mut feed = |quantity: &str, at: i64, value: f64| {
        let closed = air.observe(quantity, Timestamp(at), value);
        assert!(!closed.late);
        for (d, (to, quantity)) in closed.derived.into_iter().zip(derived.iter_mut().zip(DERIVED)) {
            let Some(d) = d else { continue };
            assert_eq!(d.quantity, quantity);
            assert!(d.at.0 < at);
            to.push((d.at.0, shown(d.report)));
        }
    };
    for (n, hour) in hours.iter().enumerate() {
        for (quantity, value) in NAMES.iter().zip(hour) {
            if let Some(value) = value {
                feed(quantity, FIRST_MS + n as i64 * HOUR_MS, sent(*value));
            }
        }
    }
    feed("pm25", FIRST_MS + hours.len() as i64 * HOUR_MS, 0.0);

    let end = |hours: usize| FIRST_MS + hours as i64 * HOUR_MS - 1;
    for (e, edition) in EDITIONS.into_iter().enumerate() {
        let by_hour =
            (0..hours.len()).filter_map(|n| Some((end(n + 1), plain::hour(edition, &hours[n.saturating_sub(7)..=n])?)));
        let by_day = hours.chunks(24).enumerate();
        let by_day = by_day.filter_map(|(n, day)| Some((end(n * 24 + 24), plain::day(edition, day)?)));
        let (by_hour, by_day): (Vec<_>, Vec<_>) = (by_hour.collect(), by_day.collect());
        assert!(by_hour.len() > 17_000 && by_day.len() > 690);
        for (got, expected) in [(&derived[e], by_hour), (&derived[2 + e], by_day)] {
            let first = got.iter().zip(&expected).find(|(got, expected)| got != expected);
            assert_eq!(first, None, "{name}, {}", edition.as_str());
            assert_eq!(got.len(), expected.len());
        }
    }
}

// Protects the daily index and its primary pollutants, both editions, on every recorded day.
#[test]
fn days_of_dongsi() {
    check_days("Dongsi");
}

// The same at a station by the mountains.
#[test]
fn days_of_gucheng() {
    check_days("Gucheng");
}

// The same far outside the city.
#[test]
fn days_of_huairou() {
    check_days("Huairou");
}

// Protects the engine's derivation: the recorded hours, in order, give the same hours and days.
#[test]
fn derived_of_dongsi() {
    check_derived("Dongsi");
}

// The same at a station by the mountains.
#[test]
fn derived_of_gucheng() {
    check_derived("Gucheng");
}

// The same far outside the city.
#[test]
fn derived_of_huairou() {
    check_derived("Huairou");
}
