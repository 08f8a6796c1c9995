//! The same days through the whole engine: a backtest of rules on the daily index of 2012, one for each class, has an alert
//! open on exactly the days that the second computation puts above the class.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_core::aqi::Edition;
use maibo_core::backtest::Backtest;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;

use super::{FIRST_MS, HOUR_MS, NAMES, plain, sent, station};

const STATIONS: [&str; 3] = ["Dongsi", "Gucheng", "Huairou"];
/// First index of the classes above 优: 良, 轻度, 中度, 重度, 严重.
const CLASSES: [i64; 5] = [51, 101, 151, 201, 301];
const DAY_MS: i64 = 24 * HOUR_MS;

/// One rule for each class. A day's index comes once a day: with the default of three intervals of an hour it would be
/// stale from three in the morning on.
fn rules() -> String {
    let rule = |limit: &i64| {
        format!(
            "[[rule]]\nid = \"from-{limit}\"\ntitle = {{ zh = \"甲\", en = \"a\" }}\ndomain = \"ecology\"\n\
             advice = {{ zh = \"乙\", en = \"b\" }}\nsource = \"HJ 633-2012\"\nwhen = {{ quantity = \"aqi_day_2012\" }}\n\
             levels = {{ yellow = {limit} }}\ndirection = \"above\"\nstale_after = \"25h\"\n"
        )
    };
    CLASSES.iter().map(rule).collect()
}

/// A reading, when it comes.
fn input(device: &str, quantity: &str, hour: usize, value: f64) -> (Timestamp, Input) {
    // Hours are reported when they begin; what was measured in them is named by the beginning.
    let at = Timestamp(FIRST_MS + hour as i64 * HOUR_MS);
    let device = DeviceId::new(device).expect("a name");
    let quantity = Quantity::new(quantity).expect("a quantity");
    (at, Input::Reading(Reading { device, quantity, at, received: at, value, quality: Quality::Good, timed: true }))
}

/// When alerts open and end by the indices of the days that have one: at the last millisecond of the day.
fn by_hand(days: &BTreeMap<i64, i64>, limit: i64) -> Vec<(i64, Option<i64>)> {
    let mut all: Vec<(i64, Option<i64>)> = Vec::new();
    for (day, index) in days {
        let open = all.last_mut().filter(|e| e.1.is_none());
        match (*index >= limit, open) {
            (true, None) => all.push((*day, None)),
            (false, Some(episode)) => episode.1 = Some(*day),
            _ => {}
        }
    }
    all
}

// Protects the index as rules judge it: of three stations over two years, alerts on the days above each class and on no
// other, and as many days in each class as by the second computation.
#[test]
fn alerts_are_open_on_the_days_above_each_class() {
    let mut hours = Vec::new();
    for name in STATIONS {
        let Some(of_station) = station(name) else { return };
        hours.push(of_station);
    }
    let set = RuleSet::compile(&[("air.toml", &rules())]).unwrap_or_else(|p| panic!("{p:?}"));
    let rows = STATIONS.map(|name| format!("{name},air-station,,110101,ecology,1h\n")).concat();
    let devices = format!("id,kind,name,place,domain,interval\n{rows}");
    let catalogue = Catalogue::parse(&devices).unwrap_or_else(|p| panic!("{p:?}"));
    let mut test = Backtest::new(&Arc::new(set), &Arc::new(catalogue));
    for hour in 0..hours[0].len() {
        for (name, of_station) in STATIONS.iter().zip(&hours) {
            for (quantity, value) in NAMES.iter().zip(&of_station[hour]) {
                let Some(value) = value else { continue };
                let (now, reading) = input(name, quantity, hour, sent(*value));
                test.take(now, reading).unwrap_or_else(|e| panic!("{e}"));
            }
        }
    }
    // The last day closes with a value of the next.
    for name in STATIONS {
        let (now, reading) = input(name, "pm25", hours[0].len(), 0.0);
        test.take(now, reading).unwrap_or_else(|e| panic!("{e}"));
    }
    let outcome = test.finish().unwrap_or_else(|e| panic!("{e}"));
    for (name, of_station) in STATIONS.iter().zip(&hours) {
        let index = |(n, day)| Some((n, plain::day(Edition::Hj633_2012, day)?.0));
        let days: BTreeMap<i64, i64> = (0..).zip(of_station.chunks(24)).filter_map(index).collect();
        // Days with an index on which an alert is open behind their end.
        let mut above = vec![days.len()];
        for limit in CLASSES {
            let of_rule = outcome
                .episodes
                .iter()
                .filter(|e| e.subject.id() == *name && e.rule.as_str() == format!("from-{limit}"));
            let day = |at: Timestamp| {
                assert_eq!((at.0 + 1 - FIRST_MS) % DAY_MS, 0, "with the day's last millisecond");
                (at.0 + 1 - FIRST_MS) / DAY_MS - 1
            };
            let found: Vec<_> = of_rule.map(|e| (day(e.started_at), e.ended_at.map(day))).collect();
            assert_eq!(found, by_hand(&days, limit), "{name}, from {limit}");
            let is_open = |d: i64| found.iter().any(|(from, to)| *from <= d && to.is_none_or(|to| d < to));
            above.push(days.keys().filter(|d| is_open(**d)).count());
        }
        above.push(0);
        let classes: Vec<usize> = above.windows(2).map(|pair| pair[0] - pair[1]).collect();
        let class = |index: i64| CLASSES.iter().filter(|first| index >= **first).count();
        let expected: Vec<usize> =
            (0..=CLASSES.len()).map(|c| days.values().filter(|i| class(**i) == c).count()).collect();
        println!("{name}: {classes:?} days of {} in the six classes", days.len());
        assert_eq!(classes, expected, "{name}");
        assert!(classes.iter().all(|n| *n > 5), "every class was there");
    }
}
