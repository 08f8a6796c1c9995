//! The daily report, from hourly means.
//!
//! It takes five means of 24 hours and, for ozone, the largest of the day's means of 8 hours. The largest single hour of
//! ozone is not taken: the text of 2012 has it among what is published daily, but the index that the national network
//! reports stands on these six (general knowledge, not read in the standard). It steps in only where 2012 gives no index
//! of the 8 hours, above 800 µg/m³.
//!
//! What is valid (GB 3095 and HJ 663; general knowledge, not read in the standards): a mean of a day has at least
//! [`HOURS_OF_DAY`] hours, one of eight hours at least [`HOURS_OF_EIGHT`]; the day's means of 8 hours are the 17 that end at
//! 8:00 to 24:00, so none reaches into the day before, and at least [`MEANS_OF_DAY`] of them are valid. HJ 663 also accepts
//! fewer where the largest exceeds the limit; that is not done here. A pollutant without a valid mean has no index, and the
//! report says so.
//!
//! **Limits:** one value per pollutant and hour, the first; a fixed size of some 600 bytes.

use minicbor::{Decode, Encode};

use super::{Basis, Concentration, Edition, Mean, Pollutant, Report, sub_index_of};

/// Hourly values that a valid mean of 24 hours has at least.
pub const HOURS_OF_DAY: u32 = 20;
/// Hourly values that a valid mean of 8 hours has at least.
pub const HOURS_OF_EIGHT: u32 = 6;
/// Valid means of 8 hours that a day's ozone has at least.
pub const MEANS_OF_DAY: usize = 14;
/// Hours before the day that the means of 8 hours ending in its first hours reach back.
const BEFORE: i8 = 7;
/// The first hour of the day with which a mean of 8 hours of this day ends, at 8:00.
const FIRST_END: i8 = 7;

/// Of one pollutant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Hours {
    #[n(0)]
    mean: Mean,
    /// Hours that have come, by bit.
    #[n(1)]
    seen: u32,
}

/// Hourly values of one local day, in any order, and ozone of the seven hours before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Day {
    /// All but ozone, in the order of [`Pollutant::ALL`].
    #[n(0)]
    hours: [Hours; 5],
    /// Ozone from seven hours before the day.
    #[n(1)]
    ozone: [Option<Concentration>; 31],
}

impl Day {
    /// Takes the mean of the hour that begins at `hour` o'clock: 0..=23, for ozone also -7..=-1 of the day before. False
    /// where the hour is another or has a value already; then nothing changes.
    pub fn take(&mut self, hour: i8, pollutant: Pollutant, value: Concentration) -> bool {
        if pollutant == Pollutant::O3 {
            let place = usize::try_from(i16::from(hour) + i16::from(BEFORE)).ok().and_then(|i| self.ozone.get_mut(i));
            return place.filter(|p| p.is_none()).map(|p| *p = Some(value)).is_some();
        }
        let Some(hours) = self.hours.get_mut(pollutant as usize).filter(|_| (0..24).contains(&hour)) else {
            return false;
        };
        let bit = 1 << hour;
        if hours.seen & bit != 0 {
            return false;
        }
        hours.seen |= bit;
        hours.mean.add(value);
        true
    }

    /// Ozone over the eight hours of which the last begins at `hour` o'clock, 0..=23; empty where it is not valid.
    pub fn ozone_eight(&self, hour: i8) -> Mean {
        let first = usize::try_from(hour).unwrap_or(usize::MAX);
        let hours = self.ozone.get(first..first.saturating_add(8)).unwrap_or_default();
        let mut mean = Mean::default();
        hours.iter().flatten().for_each(|c| mean.add(*c));
        if mean.count() >= HOURS_OF_EIGHT { mean } else { Mean::default() }
    }

    /// The day's report; nothing where no pollutant has a valid mean.
    pub fn report(&self, edition: Edition) -> Option<Report> {
        let of_day = |(p, hours): (Pollutant, &Hours)| {
            let valid = hours.mean.count() >= HOURS_OF_DAY;
            (p, valid.then(|| sub_index_of(edition, p, Basis::Day, hours.mean)).flatten())
        };
        // Means of 8 hours are compared as they are rounded: rounding keeps their order.
        let eights = (FIRST_END..24).map(|h| self.ozone_eight(h)).filter(|m| m.count() > 0);
        let largest = eights.clone().max_by_key(|m| m.tenths(Pollutant::O3));
        let ozone = largest.filter(|_| eights.count() >= MEANS_OF_DAY).and_then(|mean| {
            let hour = || sub_index_of(edition, Pollutant::O3, Basis::Hour, self.largest_ozone()?.into());
            sub_index_of(edition, Pollutant::O3, Basis::EightHours, mean).or_else(hour)
        });
        Report::of(Pollutant::ALL.into_iter().zip(&self.hours).map(of_day).chain([(Pollutant::O3, ozone)]))
    }

    fn largest_ozone(&self) -> Option<Concentration> {
        self.ozone.iter().skip(BEFORE as usize).flatten().max().copied()
    }

    /// The empty day after this one, with the seven hours of ozone that reach into it.
    #[must_use]
    pub fn next(&self) -> Self {
        let mut next = Self::default();
        for (to, from) in next.ozone.iter_mut().zip(self.ozone.iter().skip(24)) {
            *to = *from;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aqi::Pollutants;
    use crate::codec;

    const OLD: Edition = Edition::Hj633_2012;
    const NEW: Edition = Edition::Hj633_2026;

    fn put(day: &mut Day, hours: impl IntoIterator<Item = i8>, pollutant: Pollutant, value: f64) {
        for hour in hours {
            assert!(day.take(hour, pollutant, Concentration::new(value).expect("a value")), "{pollutant:?} {hour}");
        }
    }

    fn index(day: &Day, edition: Edition) -> Option<u16> {
        day.report(edition).map(|r| r.index)
    }

    // Protects validity of a day's mean: twenty hours, no matter which, and not nineteen.
    #[test]
    fn a_mean_of_a_day_needs_twenty_hours() {
        for pollutant in Pollutant::ALL.into_iter().filter(|p| *p != Pollutant::O3) {
            let mut day = Day::default();
            put(&mut day, (4..23).rev(), pollutant, 30.0);
            assert_eq!(day.report(NEW), None);
            put(&mut day, [0], pollutant, 30.0);
            let report = day.report(NEW).expect("a report");
            assert_eq!(report.without, Pollutant::ALL.into_iter().filter(|p| *p != pollutant).collect());
        }
    }

    // Protects the mean: of the hours there are, rounded once.
    #[test]
    fn the_mean_of_a_day_is_rounded_once() {
        let mut day = Day::default();
        put(&mut day, 0..12, Pollutant::Pm25, 35.0);
        put(&mut day, 12..24, Pollutant::Pm25, 36.0);
        // 35.5 is rounded to the even 36.
        assert_eq!((index(&day, NEW), index(&day, OLD)), (Some(52), Some(52)));
        let mut day = Day::default();
        put(&mut day, 0..12, Pollutant::Pm25, 74.0);
        put(&mut day, 12..24, Pollutant::Pm25, 76.0);
        assert_eq!((index(&day, OLD), index(&day, NEW)), (Some(100), Some(114)));
    }

    // Protects validity of ozone: eight hours are six, a day is fourteen means.
    #[test]
    fn ozone_needs_fourteen_means_of_six_hours() {
        let mut day = Day::default();
        // Means that end at 8:00 to 20:00, the last with six hours: thirteen.
        put(&mut day, 0..18, Pollutant::O3, 100.0);
        assert_eq!(day.ozone_eight(19).count(), 6);
        assert_eq!(day.ozone_eight(20).count(), 0);
        assert_eq!(day.report(NEW), None);
        put(&mut day, [18], Pollutant::O3, 100.0);
        assert_eq!(index(&day, NEW), Some(50));
    }

    // Protects the day's ozone from the night before: the means of this day end at 8:00 or later.
    #[test]
    fn ozone_of_the_day_before_is_not_the_day_s() {
        let mut before = Day::default();
        put(&mut before, 0..24, Pollutant::O3, 265.0);
        let mut day = before.next();
        put(&mut day, 0..24, Pollutant::O3, 100.0);
        assert_eq!((index(&before, NEW), index(&day, NEW)), (Some(200), Some(50)));
        // The sliding mean of the first hour reaches back all the same.
        assert_eq!(day.ozone_eight(0).tenths(Pollutant::O3), Some(2440));
        assert_eq!(day.ozone_eight(7).tenths(Pollutant::O3), Some(1000));
        assert_eq!((day.ozone_eight(-1).count(), day.ozone_eight(24).count()), (0, 0));
    }

    // Protects the largest mean: wherever in the day it lies, the last one included.
    #[test]
    fn the_largest_eight_hours_count() {
        for end in 8..=24 {
            let mut day = Day::default();
            put(&mut day, end - 8..end, Pollutant::O3, 215.0);
            put(&mut day, (0..24).filter(|h| !(end - 8..end).contains(h)), Pollutant::O3, 10.0);
            assert_eq!(index(&day, NEW), Some(150), "{end}");
        }
    }

    // Protects the word of each edition above 800 in eight hours.
    #[test]
    fn above_800_of_ozone_2012_takes_the_hour_and_2026_says_300() {
        let mut day = Day::default();
        put(&mut day, 0..23, Pollutant::O3, 900.0);
        put(&mut day, [23], Pollutant::O3, 1000.0);
        assert_eq!((index(&day, OLD), index(&day, NEW)), (Some(400), Some(300)));
    }

    // Protects the hours: once each, in any order, and none that the day does not have.
    #[test]
    fn an_hour_is_taken_once_and_only_where_it_is_of_the_day() {
        let value = |v| Concentration::new(v).expect("a value");
        let mut day = Day::default();
        for pollutant in Pollutant::ALL {
            assert!(day.take(5, pollutant, value(1.0)));
            let same = day.clone();
            let outside = [i8::MIN, -8, 24, i8::MAX].into_iter().map(|h| (h, 1.0));
            for (hour, v) in outside.chain([(5, 2.0)]) {
                assert!(!day.take(hour, pollutant, value(v)), "{pollutant:?} {hour}");
            }
            assert_eq!(day, same);
            assert_eq!(day.take(-7, pollutant, value(1.0)), pollutant == Pollutant::O3);
            assert_eq!(day.take(-1, pollutant, value(1.0)), pollutant == Pollutant::O3);
        }
    }

    // Protects what is kept: a day comes back as it was, and goes on as it would have.
    #[test]
    fn a_kept_day_goes_on() {
        let mut day = Day::default();
        for pollutant in Pollutant::ALL {
            put(&mut day, (0..20).step_by(3), pollutant, 41.3);
        }
        let bytes = codec::encode(&day);
        let mut back: Day = codec::decode(&bytes).expect("a day");
        assert_eq!((&back, codec::encode(&back)), (&day, bytes));
        for pollutant in Pollutant::ALL {
            put(&mut back, (0..24).filter(|h| h % 3 != 0 || *h >= 20), pollutant, 80.0);
        }
        let report = back.report(OLD).expect("a report");
        assert_eq!((report.without, report.beyond_scale), (Pollutants::NONE, true));
    }
}
