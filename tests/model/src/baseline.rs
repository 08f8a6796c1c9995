//! §5, baselines: what is usual for a series at each hour of the week.

use std::collections::{BTreeMap, BTreeSet};

use crate::Ms;

const HOUR: Ms = 3_600_000;
const HOURS_OF_A_WEEK: i64 = 168;
/// From mean deviation to standard deviation, of what is spread normally.
fn spread() -> f64 {
    std::f64::consts::FRAC_PI_2.sqrt()
}

/// The first value of an hour that is not taken as it is.
const FIRST_BOUNDED: u64 = 17;

/// A zone whose clock does not change in the course of the year.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Zone {
    name: String,
    /// Ahead of UTC.
    pub(crate) ahead: Ms,
}

/// What is known of one hour of the week.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hour {
    centre: f64,
    deviation: f64,
    /// Up to which value it was counted.
    counted: i64,
    values: u64,
    /// The hours since 1970 that values came from: each of another week.
    weeks: BTreeSet<i64>,
}

/// What is known of all hours of the week, by one wall clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    hours: BTreeMap<i64, Hour>,
    /// What was known, before the held value, of its hour. `None`: it was not held against anything.
    pub(crate) before: Option<Hour>,
}

impl Zone {
    pub(crate) fn of(name: &str) -> Self {
        let ahead = match name {
            "UTC" => 0,
            "Asia/Shanghai" => 8,
            "Asia/Tokyo" => 9,
            _ => panic!("zone `{name}` is not modelled yet"),
        };
        Self { name: name.to_owned(), ahead: ahead * HOUR }
    }

    /// The hour that `at` lies in, counted by the wall clock.
    fn hour(&self, at: Ms) -> i64 {
        (at + self.ahead).div_euclid(HOUR)
    }
}

impl Profile {
    /// A value of this time is judged.
    pub(crate) fn ask(&mut self, zone: &Zone, at: Ms) {
        let hour = zone.hour(at).rem_euclid(HOURS_OF_A_WEEK);
        self.before = Some(self.hours.get(&hour).cloned().unwrap_or_default());
    }

    /// A value is learnt, of a device with this interval.
    pub(crate) fn learn(&mut self, zone: &Zone, at: Ms, value: f64, interval: Ms) {
        let hour = zone.hour(at);
        self.hours.entry(hour.rem_euclid(HOURS_OF_A_WEEK)).or_default().learn(hour, value, interval);
    }
}

impl Hour {
    /// How many deviations `value` lies from the centre.
    pub(crate) fn departure(&self, value: f64, weeks: i64, floor: f64) -> Option<f64> {
        let one = (spread() * self.deviation).max(floor);
        let known = self.weeks.len() as i64 >= weeks && one > 0.0;
        known.then(|| (value - self.centre) / one)
    }

    fn learn(&mut self, week: i64, value: f64, interval: Ms) {
        let most = (8 * HOUR / interval).clamp(16, 100_000);
        self.counted = (self.counted + 1).min(most);
        self.values += 1;
        self.weeks.insert(week);
        if self.values == 1 {
            self.centre = value;
            return;
        }
        let r = 1.0 / self.counted as f64;
        let mut e = value - self.centre;
        if self.values >= FIRST_BOUNDED && self.deviation > 0.0 {
            let most = 3.0 * spread() * self.deviation;
            e = e.clamp(-most, most);
        }
        self.centre += e * r;
        self.deviation += (e.abs() - self.deviation) * r;
    }
}
