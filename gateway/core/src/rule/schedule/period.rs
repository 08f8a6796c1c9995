//! One period of a schedule: hours of the days on which it begins.

use jiff::civil::Date;
use smol_str::SmolStr;

/// Minutes of a day.
pub(super) const DAY: u16 = 24 * 60;
/// Bits of all seven weekdays, Monday lowest.
pub(super) const EVERY_DAY: u8 = 0b111_1111;
/// The season that is no limit.
pub(super) const WHOLE_YEAR: Season = Season { first: (1, 1), last: (12, 31) };

/// Hours that repeat on some days of the year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name, unique in the rule: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: SmolStr,
    pub(super) hours: Hours,
    /// Weekdays on which the hours begin, one bit each.
    pub(super) days: u8,
    /// Season in which the hours begin.
    pub(super) dates: Season,
}

/// Half-open, in minutes since the midnight before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    /// Below [`DAY`].
    pub(super) from: u16,
    /// Behind `from`, by no more than [`DAY`]: beyond [`DAY`] they end on the next day.
    pub(super) to: u16,
}

/// From one day of the year to another, both included; over the new year where the first is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Season {
    /// Month and day.
    pub(super) first: (i8, i8),
    /// Month and day.
    pub(super) last: (i8, i8),
}

impl Season {
    fn contains(self, date: Date) -> bool {
        let day = (date.month(), date.day());
        if self.first <= self.last {
            self.first <= day && day <= self.last
        } else {
            self.first <= day || day <= self.last
        }
    }
}

impl Period {
    /// Whether it is the same on all days.
    pub(super) fn is_daily(&self) -> bool {
        self.days == EVERY_DAY && self.dates == WHOLE_YEAR
    }

    /// Whether its hours begin on this day, which is one of `weekday`, a single bit.
    pub(super) fn begins_on(&self, date: Date, weekday: u8) -> bool {
        self.days & weekday != 0 && self.dates.contains(date)
    }

    /// Whether hours that begin on a day hold at this minute of it.
    pub(super) const fn holds(&self, minute: u16) -> bool {
        self.hours.from <= minute && minute < self.hours.to
    }

    /// Whether hours that began the day before hold at this minute.
    pub(super) const fn holds_over(&self, minute: u16) -> bool {
        minute + DAY < self.hours.to
    }

    /// The minutes of a day at which it begins and ends.
    pub(super) const fn cuts(&self) -> [u16; 2] {
        [self.hours.from, self.hours.to % DAY]
    }
}
