//! The air quality index of a station, derived from its pollutants hour by hour and day by day.
//!
//! ```text
//! accepted readings of one local hour ─▶ their means ─▶ aqi_hour_2012, aqi_hour_2026
//!                            means of one local day ─▶ aqi_day_2012, aqi_day_2026
//! ```
//!
//! An hour's value of a pollutant is the mean of its readings with event time in the hour: recorded hourly data, stamped
//! with the hour's begin, are the hour's value. (GB 3095 asks for 45 minutes of sampling in an hour; one reading is enough
//! here, for many stations send one per hour.) Local time is that of Beijing, UTC+8 without summer time.
//!
//! **An hour closes when a pollutant's reading of a later hour is accepted**, a day when one of a later day is. What is
//! derived has the last millisecond of its hour or day as its event time: not before any reading it stands on, and before
//! the reading that closed it, so it never lies ahead of what the device's series have seen, and every derived series only
//! moves forward. Nothing closes by itself: a station that falls silent goes stale, which is told as such, and its last
//! hour comes with its next reading.
//!
//! **Limits:** a reading of an hour that is closed is not taken, and said to be late: a station that delivers a stored
//! backlog pollutant by pollutant gets hours of the first pollutant alone. A fixed size of some 700 bytes.

use minicbor::{Decode, Encode};

use crate::aqi::{self, Concentration, Day, Edition, Mean, Pollutant, Report};
use crate::time::Timestamp;

const HOUR_MS: i64 = 3_600_000;
/// Beijing is ahead of UTC by this, all year and since 1992: before anything that is measured here.
const ZONE_MS: i64 = 8 * HOUR_MS;

/// Names of the derived quantities, as in the registry: of an hour by 2012 and 2026, of a day by 2012 and 2026.
pub const DERIVED: [&str; 4] = ["aqi_hour_2012", "aqi_hour_2026", "aqi_day_2012", "aqi_day_2026"];
const EDITIONS: [Edition; 2] = [Edition::Hj633_2012, Edition::Hj633_2026];

/// A derived value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Which: one of [`DERIVED`].
    pub quantity: &'static str,
    /// Its event time.
    pub at: Timestamp,
    /// The index, which is the value, and how it came about.
    pub report: Report,
}

impl Derived {
    /// The value in the quantity's unit.
    pub fn value(&self) -> f64 {
        f64::from(self.report.index)
    }
}

/// What a reading brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// What follows from the hour and the day that it closed, in the order of [`DERIVED`].
    pub derived: [Option<Derived>; 4],
    /// The reading is of an hour that is closed, and was not taken.
    pub late: bool,
}

/// What is known of one station's current hour and day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct AirState {
    /// The open hour, in local hours since 1970; none before the first reading.
    #[n(0)]
    hour: Option<i64>,
    /// Means of the open hour, in the order of [`Pollutant::ALL`].
    #[n(1)]
    means: [Mean; 6],
    /// Closed hours of the open hour's day.
    #[n(2)]
    day: Day,
}

impl AirState {
    /// Takes a reading that its series accepted, at the time it is judged at. Other quantities than the pollutants', and
    /// what is no number, change nothing.
    pub fn observe(&mut self, quantity: &str, at: Timestamp, value: f64) -> Closed {
        let (Some(pollutant), Some(value)) = (Pollutant::of(quantity), Concentration::new(value)) else {
            return Closed::default();
        };
        let hour = at.0.saturating_add(ZONE_MS).div_euclid(HOUR_MS);
        let open = *self.hour.get_or_insert(hour);
        if hour < open {
            return Closed { late: true, ..Closed::default() };
        }
        let derived = if hour > open { self.close(open, hour) } else { [None; 4] };
        if let Some(mean) = self.means.get_mut(pollutant as usize) {
            mean.add(value);
        }
        Closed { derived, late: false }
    }

    /// Closes the hour `open`, and its day where `hour` is of another.
    fn close(&mut self, open: i64, hour: i64) -> [Option<Derived>; 4] {
        // 0..=23.
        let of_day = open.rem_euclid(24) as i8;
        let means = core::mem::take(&mut self.means);
        for (pollutant, mean) in Pollutant::ALL.into_iter().zip(means) {
            if let Some(value) = mean.value() {
                self.day.take(of_day, pollutant, value);
            }
        }
        self.hour = Some(hour);
        let ozone_eight = self.day.ozone_eight(of_day);
        let hours = EDITIONS.map(|edition| aqi::hourly(edition, &means, ozone_eight));

        let (day, next) = (open.div_euclid(24), hour.div_euclid(24));
        let days = if next == day { [None; 2] } else { EDITIONS.map(|edition| self.day.report(edition)) };
        if next == day.saturating_add(1) {
            self.day = self.day.next();
        } else if next != day {
            self.day = Day::default();
        }

        let [hour_2012, hour_2026, day_2012, day_2026] = DERIVED;
        let derived = |quantity, begin_of_next: i64, report: Option<Report>| {
            let at = Timestamp(begin_of_next.saturating_mul(HOUR_MS).saturating_sub(ZONE_MS + 1));
            report.map(|report| Derived { quantity, at, report })
        };
        let (hour_end, day_end) = (open.saturating_add(1), day.saturating_add(1).saturating_mul(24));
        [
            derived(hour_2012, hour_end, hours[0]),
            derived(hour_2026, hour_end, hours[1]),
            derived(day_2012, day_end, days[0]),
            derived(day_2026, day_end, days[1]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aqi::Class;
    use crate::codec;
    use crate::reading::{Quality, quantity};

    /// 2026-01-01T00:00:00+08:00.
    const MIDNIGHT: i64 = 1_767_196_800_000;

    /// So many minutes after midnight.
    fn minute(minutes: i64) -> Timestamp {
        Timestamp(MIDNIGHT + minutes * 60_000)
    }

    fn told(closed: Closed) -> Vec<(&'static str, i64, u16)> {
        let told = |d: Derived| (d.quantity, (d.at.0 - MIDNIGHT + 1) / 60_000, d.report.index);
        closed.derived.into_iter().flatten().map(told).collect()
    }

    // Protects the registry: what is derived is a quantity of it, and every index is plausible.
    #[test]
    fn derived_quantities_are_in_the_registry() {
        for name in DERIVED {
            let spec = quantity::lookup(name).expect("in the registry");
            assert_eq!((spec.judge(0.0), spec.judge(500.0), spec.unit), (Quality::Good, Quality::Good, "1"));
        }
    }

    // Protects the hour: the mean of its readings, told by the first reading of a later one, once.
    #[test]
    fn an_hour_closes_with_the_first_reading_of_a_later_one() {
        let mut air = AirState::default();
        assert_eq!(air.observe("pm25", minute(600), 59.0), Closed::default());
        assert_eq!(air.observe("pm25", minute(630), 61.0), Closed::default());
        assert_eq!(air.observe("no2", Timestamp(minute(660).0 - 1), 10.0), Closed::default());
        let closed = air.observe("o3", minute(660), 10.0);
        assert_eq!(told(closed), [("aqi_hour_2012", 660, 82), ("aqi_hour_2026", 660, 100)]);
        let hour = closed.derived[1].expect("an hour");
        assert_eq!((hour.value().to_bits(), hour.report.class), (100.0_f64.to_bits(), Class::Good));
        assert_eq!(hour.report.primary.iter().collect::<Vec<_>>(), [Pollutant::Pm25]);
        assert_eq!(air.observe("pm25", minute(661), 35.0), Closed::default());
        // The next hour stands on its own readings.
        assert_eq!(told(air.observe("o3", minute(720), 0.0)), [("aqi_hour_2012", 720, 50), ("aqi_hour_2026", 720, 50)]);
    }

    // Protects the clocks: what is derived is behind what it stands on, and before the reading that closed it.
    #[test]
    fn derived_values_lie_between_their_readings_and_the_one_that_closed_them() {
        let mut air = AirState::default();
        let (mut last, mut before) = ([i64::MIN; 4], i64::MIN);
        // Odd steps of 47 minutes over ten days, with a hole of two days.
        for n in (0..100).chain(161..320) {
            let at = minute(n * 47);
            for (d, last) in air.observe("pm10", at, 70.0).derived.iter().zip(&mut last) {
                let Some(d) = d else { continue };
                assert!(d.at < at && d.at.0 > *last && d.at.0 >= before, "{d:?}");
                *last = d.at.0;
            }
            before = at.0;
        }
        assert!(last.iter().all(|at| *at > MIDNIGHT + 9 * 86_400_000));
    }

    // Protects the day: it closes at local midnight with the first reading behind it, and 2012 differs from 2026.
    #[test]
    fn a_day_closes_at_local_midnight() {
        let mut air = AirState::default();
        for hour in 0..24 {
            let closed = air.observe("pm10", minute(hour * 60), 120.0);
            assert!(told(closed).iter().all(|(quantity, ..)| quantity.starts_with("aqi_hour")));
        }
        let expected = [
            ("aqi_hour_2012", 1440, 85),
            ("aqi_hour_2026", 1440, 100),
            ("aqi_day_2012", 1440, 85),
            ("aqi_day_2026", 1440, 100),
        ];
        assert_eq!(told(air.observe("pm10", minute(1440), 0.0)), expected);
    }

    // Protects the day's ozone across midnight: the seven hours before go into the real-time report of 2012 alone.
    #[test]
    fn eight_hours_of_ozone_reach_across_midnight() {
        let mut air = AirState::default();
        for hour in 16..24 {
            air.observe("o3", minute(hour * 60), 160.0);
        }
        air.observe("o3", minute(1440), 0.0);
        // 7 × 160 / 8 is 140.
        let closed = air.observe("o3", minute(1500), 0.0);
        assert_eq!(told(closed), [("aqi_hour_2012", 1500, 84), ("aqi_hour_2026", 1500, 0)]);

        // Behind a day without data nothing is left.
        let mut air = AirState::default();
        for hour in 16..24 {
            air.observe("o3", minute(hour * 60), 160.0);
        }
        air.observe("o3", minute(2880), 0.0);
        assert_eq!(told(air.observe("o3", minute(2940), 0.0))[0].2, 0);
    }

    // Protects from silence: its last hour comes late and at its own time, a day of too few hours not at all.
    #[test]
    fn silence_closes_nothing_until_it_ends() {
        let mut air = AirState::default();
        for hour in 0..19 {
            air.observe("so2", minute(hour * 60), 150.0);
        }
        let closed = air.observe("so2", minute(5 * 1440 + 30), 0.0);
        assert_eq!(told(closed), [("aqi_hour_2012", 1140, 50), ("aqi_hour_2026", 1140, 50)]);
    }

    // Protects closed hours: a late reading changes nothing and is said to be late.
    #[test]
    fn a_reading_of_a_closed_hour_is_late() {
        let mut air = AirState::default();
        air.observe("pm25", minute(60), 10.0);
        let same = air.clone();
        assert_eq!(air.observe("pm25", minute(59), 300.0), Closed { late: true, ..Closed::default() });
        assert_eq!(air, same);
    }

    // Protects the state from everything else: other quantities and nonsense do not even open an hour.
    #[test]
    fn other_quantities_and_nonsense_change_nothing() {
        let mut air = AirState::default();
        for (quantity, value) in
            [("temperature", 20.0), ("aqi_hour_2026", 80.0), ("pm25", f64::NAN), ("o3", f64::INFINITY)]
        {
            assert_eq!(air.observe(quantity, minute(0), value), Closed::default());
        }
        assert_eq!(air, AirState::default());
        // Times at both ends are times.
        for at in [i64::MIN, i64::MAX] {
            air.observe("pm25", Timestamp(at), 1.0);
        }
        assert!(air.observe("pm25", minute(0), 1.0).late);
    }

    // Protects what is kept: cut anywhere and taken up again, the same follows.
    #[test]
    fn a_kept_state_goes_on() {
        let mut whole = AirState::default();
        let mut kept = AirState::default();
        for n in 0..3 * 24 * 2 {
            for (quantity, factor) in [("pm25", 3.1), ("co", 0.07), ("o3", 5.3), ("no2", 2.9)] {
                let (at, value) = (minute(n * 30), factor * (n % 37) as f64);
                assert_eq!(kept.observe(quantity, at, value), whole.observe(quantity, at, value));
                let bytes = codec::encode(&kept);
                kept = codec::decode(&bytes).expect("a state");
                assert_eq!((&kept, codec::encode(&kept)), (&whole, bytes));
            }
        }
    }
}
