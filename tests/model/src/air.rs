//! §11, the air quality index: HJ 633-2012 and HJ 633-2026, over the hours and days of one device.

use std::collections::BTreeMap;

use crate::Ms;

const HOUR: Ms = 3_600_000;
/// Hours and days are those of UTC+8.
const AHEAD: Ms = 8 * HOUR;

const POLLUTANTS: [&str; 6] = ["pm25", "pm10", "so2", "no2", "co", "o3"];
const SO2: usize = 2;
const CO: usize = 4;
const O3: usize = 5;

/// Hours of a day that its mean needs.
const HOURS_OF_A_DAY: usize = 20;
/// Hours of eight that their mean needs, and such means of a day that its largest needs.
const HOURS_OF_EIGHT: usize = 6;
const EIGHTS_OF_A_DAY: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    Of2012,
    Of2026,
}

/// Concentrations at the indexes 0, 50, 100, 150, 200, 300, 400 and 500, as far as the standard gives them. In µg/m³, of CO
/// in mg/m³.
type Row = &'static [i64];

const INDEXES: [i64; 8] = [0, 50, 100, 150, 200, 300, 400, 500];
const PM25_OF_2012: Row = &[0, 35, 75, 115, 150, 250, 350, 500];
const PM25_OF_2026: Row = &[0, 35, 60, 115, 150, 250, 350, 500];
const PM10_OF_2012: Row = &[0, 50, 150, 250, 350, 420, 500, 600];
const PM10_OF_2026: Row = &[0, 50, 120, 250, 350, 420, 500, 600];
const SO2_DAY: Row = &[0, 50, 150, 475, 800, 1600, 2100, 2620];
const SO2_HOUR: Row = &[0, 150, 500, 650, 800];
const NO2_DAY: Row = &[0, 40, 80, 180, 280, 565, 750, 940];
const NO2_HOUR: Row = &[0, 100, 200, 700, 1200, 2340, 3090, 3840];
const CO_DAY: Row = &[0, 2, 4, 14, 24, 36, 48, 60];
const CO_HOUR: Row = &[0, 5, 10, 35, 60, 90, 120, 150];
const O3_HOUR: Row = &[0, 160, 200, 300, 400, 800, 1000, 1200];
const O3_EIGHT: Row = &[0, 100, 160, 215, 265, 800];

/// An index that was worked out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index {
    pub(crate) quantity: &'static str,
    pub(crate) at: Ms,
    pub(crate) value: f64,
}

/// The air of one device: everything that was measured, by hour and pollutant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Air {
    hours: BTreeMap<i64, BTreeMap<usize, Vec<f64>>>,
    /// The hour that is not closed yet.
    open: Option<i64>,
}

/// Whether a quantity is an index; how long one is fresh.
pub(crate) fn is_index(quantity: &str) -> bool {
    fresh(quantity).is_some()
}

pub(crate) fn fresh(quantity: &str) -> Option<Ms> {
    match quantity {
        "aqi_hour_2012" | "aqi_hour_2026" => Some(3 * HOUR),
        "aqi_day_2012" | "aqi_day_2026" => Some(3 * 24 * HOUR),
        _ => None,
    }
}

impl Air {
    /// A pollutant was measured: what closes with it.
    pub(crate) fn take(&mut self, quantity: &str, at: Ms, value: f64) -> Vec<Index> {
        let Some(pollutant) = POLLUTANTS.iter().position(|p| *p == quantity) else { return Vec::new() };
        let hour = (at + AHEAD).div_euclid(HOUR);
        let mut closed = Vec::new();
        match self.open {
            // Of an hour that is closed.
            Some(open) if hour < open => return closed,
            Some(open) if hour > open => {
                let end = (open + 1) * HOUR - AHEAD - 1;
                let editions = [(Edition::Of2012, "aqi_hour_2012"), (Edition::Of2026, "aqi_hour_2026")];
                closed.extend(editions.iter().filter_map(|(e, name)| Index::of(name, end, self.of_hour(*e, open))));
                let day = open.div_euclid(24);
                if hour.div_euclid(24) > day {
                    let end = (day + 1) * 24 * HOUR - AHEAD - 1;
                    let editions = [(Edition::Of2012, "aqi_day_2012"), (Edition::Of2026, "aqi_day_2026")];
                    closed.extend(editions.iter().filter_map(|(e, name)| Index::of(name, end, self.of_day(*e, day))));
                }
            }
            _ => {}
        }
        self.open = Some(hour);
        self.hours.entry(hour).or_default().entry(pollutant).or_default().push(value.max(0.0));
        closed
    }

    /// The mean of a pollutant over an hour.
    fn mean(&self, hour: i64, pollutant: usize) -> Option<f64> {
        mean(self.hours.get(&hour)?.get(&pollutant)?)
    }

    fn means(&self, hours: impl Iterator<Item = i64>, pollutant: usize) -> Vec<f64> {
        hours.filter_map(|hour| self.mean(hour, pollutant)).collect()
    }

    /// The mean of ozone over the eight hours that end with this one.
    fn eight(&self, last: i64) -> Option<i64> {
        let values = self.means(last - 7..=last, O3);
        mean(&values).filter(|_| values.len() >= HOURS_OF_EIGHT).map(|mean| rounded(O3, mean))
    }

    fn of_hour(&self, edition: Edition, hour: i64) -> Option<i64> {
        let of = |pollutant: usize| {
            let row = match pollutant {
                SO2 => SO2_HOUR,
                3 => NO2_HOUR,
                CO => CO_HOUR,
                O3 => O3_HOUR,
                _ => particles(edition, pollutant),
            };
            index(edition, row, rounded(pollutant, self.mean(hour, pollutant)?))
        };
        let eight = self.eight(hour).filter(|_| edition == Edition::Of2012);
        let eight = eight.and_then(|tenths| index(edition, O3_EIGHT, tenths));
        (0..POLLUTANTS.len()).filter_map(of).chain(eight).max()
    }

    fn of_day(&self, edition: Edition, day: i64) -> Option<i64> {
        let hours = day * 24..(day + 1) * 24;
        let of = |pollutant: usize| {
            let row = match pollutant {
                SO2 => SO2_DAY,
                3 => NO2_DAY,
                CO => CO_DAY,
                _ => particles(edition, pollutant),
            };
            let values = self.means(hours.clone(), pollutant);
            let mean = mean(&values).filter(|_| values.len() >= HOURS_OF_A_DAY)?;
            index(edition, row, rounded(pollutant, mean))
        };
        // Of eight hours within the day.
        let eights: Vec<i64> = hours.clone().skip(7).filter_map(|last| self.eight(last)).collect();
        let ozone = eights.iter().max().filter(|_| eights.len() >= EIGHTS_OF_A_DAY).and_then(|most| {
            let most_of_hour = self.means(hours.clone(), O3).into_iter().map(|v| rounded(O3, v)).max()?;
            // Beyond its table the edition of 2012 takes the hour's.
            let beyond = edition == Edition::Of2012 && *most > 10 * 800;
            if beyond { index(edition, O3_HOUR, most_of_hour) } else { index(edition, O3_EIGHT, *most) }
        });
        (0..O3).filter_map(of).chain(ozone).max()
    }
}

impl Index {
    fn of(quantity: &'static str, at: Ms, value: Option<i64>) -> Option<Self> {
        value.map(|value| Self { quantity, at, value: value as f64 })
    }
}

fn particles(edition: Edition, pollutant: usize) -> Row {
    match (edition, pollutant) {
        (Edition::Of2012, 0) => PM25_OF_2012,
        (Edition::Of2026, 0) => PM25_OF_2026,
        (Edition::Of2012, _) => PM10_OF_2012,
        (Edition::Of2026, _) => PM10_OF_2026,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// In tenths: whole numbers, CO with one decimal, halves to the even one.
fn rounded(pollutant: usize, value: f64) -> i64 {
    let tenths = if pollutant == CO { (10.0 * value).round_ties_even() } else { 10.0 * value.round_ties_even() };
    tenths as i64
}

/// On the line between the standard's points, rounded up; `None`: by this edition there is none.
fn index(edition: Edition, row: Row, tenths: i64) -> Option<i64> {
    let tenths = tenths.max(0);
    for i in 1..row.len() {
        let (low, high) = (10 * row[i - 1], 10 * row[i]);
        if tenths <= high {
            let (from, to) = (INDEXES[i - 1], INDEXES[i]);
            return Some(from + ((to - from) * (tenths - low) + (high - low) - 1) / (high - low));
        }
    }
    match (edition, row.len()) {
        (_, 8) => Some(500),
        (Edition::Of2012, _) => None,
        (Edition::Of2026, points) => Some(INDEXES[points - 1]),
    }
}
