//! When a rule is awake, and by which of its periods: hours, weekdays and seasons in local time.
//!
//! A [`Schedule`] is a function of the instant and nothing else. Inside `in_force` the wall clock of the zone decides: hours
//! that the clock skips in spring do not happen, hours that it repeats in autumn happen twice. Everything is half-open. `in_force`
//! itself lies between two instants, so a rule comes into force once and ends once, whatever the clock does.
//!
//! Zones come from the database that is built in, so that a replay on another machine finds the same edges; a build with a
//! newer database may find others where a government changed its mind.
//!
//! Limits: [`limit::MAX_PERIODS`] periods; edges are looked for up to [`limit::SCHEDULE_AHEAD`]. Times before year 1 are judged
//! as its first instant, times after 9999-12-30 as that day's.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use super::Problem;
use super::table::{Problems, Reader};
use crate::limit;
use crate::time::Timestamp;

mod period;
mod read;
#[cfg(test)]
mod tests;

pub use period::Period;
pub(super) use read::read;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
const _: () = assert!(limit::MAX_PERIODS <= u32::BITS as usize, "a bit for each period");
/// 0001-01-01T00:00:00Z.
const FIRST: Timestamp = Timestamp(-62_135_596_800_000);
/// 9999-12-30T00:00:00Z: every zone's wall clock is still within the years that `jiff` knows.
const LAST: Timestamp = Timestamp(253_402_128_000_000);

/// The calendar of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    zone: TimeZone,
    /// First instant in force, where there is one.
    from: Option<Timestamp>,
    /// First instant no longer in force; behind `from`.
    until: Option<Timestamp>,
    periods: Vec<Period>,
    /// Minutes of a day at which some period begins or ends, ascending. At no other minute the answer changes.
    cuts: Vec<u16>,
    /// Whether the wall clock makes no difference.
    steady: bool,
}

impl Schedule {
    fn new(zone: TimeZone, from: Option<Timestamp>, until: Option<Timestamp>, periods: Vec<Period>) -> Self {
        let mut cuts: Vec<u16> = periods.iter().flat_map(Period::cuts).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut schedule = Self { zone, from, until, periods, cuts, steady: false };
        let all = u32::MAX;
        let same = |cut: &u16| schedule.pick(all, all, *cut) == schedule.pick(all, all, 0);
        schedule.steady = schedule.periods.iter().all(Period::is_daily) && schedule.cuts.iter().all(same);
        schedule
    }

    /// Reads a schedule that stands by itself, written as in a rule: `zone`, `in_force`, `during`. `None` where it has none of
    /// these keys.
    ///
    /// # Errors
    /// Every problem, other keys too.
    pub fn read(table: toml::Table) -> Result<Option<Self>, Vec<Problem>> {
        let mut problems = Problems::default();
        let mut reader = Reader::new(String::new(), table, &mut problems);
        let schedule = read::read(&mut reader, |_, _| {});
        reader.finish();
        problems.or(schedule)
    }

    /// The periods, in the order in which they are tried.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// The zone whose wall clock counts.
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The wall clock of the zone at an instant, as milliseconds since 1970 there.
    pub(crate) fn wall(&self, t: Timestamp) -> i64 {
        let offset = self.zone.to_offset(instant(t));
        t.0.saturating_add(i64::from(offset.seconds()) * 1000)
    }

    /// Whether the rule goes out of force some day.
    pub const fn ends(&self) -> bool {
        self.until.is_some()
    }

    /// Number of the period in force at `t`: the first that holds, or 0 in a schedule without periods. `None`: asleep.
    pub fn at(&self, t: Timestamp) -> Option<usize> {
        let early = self.from.is_some_and(|from| t < from);
        let late = self.until.is_some_and(|until| t >= until);
        if early || late { None } else { self.by_the_clock(t) }
    }

    /// The first instant after `t` at which [`Self::at`] changes its answer, [`Timestamp::MAX`] where it never does.
    ///
    /// Where nothing changes for [`limit::SCHEDULE_AHEAD`] after `t` (after the start of `in_force`, if `t` is before it), the
    /// end of that time is the answer although nothing changes there: look again then.
    pub fn next_edge(&self, t: Timestamp) -> Timestamp {
        let (start, now) = match self.from {
            Some(from) if t < from => match self.by_the_clock(from) {
                Some(_) => return from,
                None => (from, None),
            },
            _ => (t, self.at(t)),
        };
        let edge = if self.steady { Timestamp::MAX } else { self.search(start, now) };
        match self.until {
            Some(until) if until <= edge => {
                // Asleep until the end, and after it.
                if now.is_some() { until } else { Timestamp::MAX }
            }
            _ => edge,
        }
    }

    /// The answer inside `in_force`.
    fn by_the_clock(&self, t: Timestamp) -> Option<usize> {
        if self.periods.is_empty() {
            return Some(0);
        }
        let wall = self.zone.to_datetime(instant(t));
        let minute = u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs());
        self.pick(self.begun(yesterday(wall.date())), self.begun(wall.date()), minute)
    }

    /// The first period that holds at a minute of a day, given those that began the day before and those that begin on it.
    fn pick(&self, before: u32, today: u32, minute: u16) -> Option<usize> {
        self.periods.iter().enumerate().position(|(i, period)| {
            (today >> i & 1 == 1 && period.holds(minute)) || (before >> i & 1 == 1 && period.holds_over(minute))
        })
    }

    /// One bit for each period that begins on this day.
    fn begun(&self, date: Date) -> u32 {
        let weekday = 1 << date.weekday().to_monday_zero_offset();
        let bit = |(i, period): (usize, &Period)| u32::from(period.begins_on(date, weekday)) << i;
        self.periods.iter().enumerate().map(bit).sum()
    }

    /// The first instant after `start` at which the clock's answer is not `now`.
    fn search(&self, start: Timestamp, now: Option<usize>) -> Timestamp {
        let mut at = start.max(FIRST);
        let end = (at + limit::SCHEDULE_AHEAD).min(LAST);
        // From one change of the zone's offset to the next the wall clock runs evenly.
        while at < end {
            let offset = self.zone.to_offset(instant(at));
            let change = self.zone.following(instant(at)).next();
            let next = change.map_or(end, |c| Timestamp(c.timestamp().as_millisecond()).min(end));
            if let Some(edge) = self.even(at, next, offset, now) {
                return edge;
            }
            at = next;
            if at < end && self.by_the_clock(at) != now {
                return at;
            }
        }
        if end == LAST { Timestamp::MAX } else { end }
    }

    /// The same in the open interval between two instants with one offset; at `after` the answer is `now`.
    fn even(&self, after: Timestamp, to: Timestamp, offset: Offset, now: Option<usize>) -> Option<Timestamp> {
        let shift = i64::from(offset.seconds()) * 1000;
        let mut day = (after.0 + shift).div_euclid(DAY) * DAY - shift;
        let mut date = offset.to_datetime(instant(after)).date();
        let (mut before, mut today) = (self.begun(yesterday(date)), self.begun(date));
        let mut dull = None;
        while day < to.0 {
            // A day with the same periods as one that brought no change brings none: a season is walked in few steps.
            if dull != Some((before, today)) {
                for cut in &self.cuts {
                    let edge = day + i64::from(*cut) * MINUTE;
                    if edge >= to.0 {
                        return None;
                    }
                    if edge > after.0 && self.pick(before, today, *cut) != now {
                        return Some(Timestamp(edge));
                    }
                }
                if day >= after.0 {
                    dull = Some((before, today));
                }
            }
            day += DAY;
            date = date.tomorrow().unwrap_or(date);
            (before, today) = (today, self.begun(date));
        }
        None
    }
}

/// The day before; there is one, as nothing here is before [`FIRST`].
fn yesterday(date: Date) -> Date {
    date.yesterday().unwrap_or(date)
}

fn instant(t: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(t.clamp(FIRST, LAST).0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
