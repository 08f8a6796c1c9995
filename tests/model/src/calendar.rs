//! §8: which limits hold when.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::baseline::Zone;
use crate::pack::{Ladder, Limit};
use crate::{Level, Ms};

const MINUTE: Ms = 60_000;
const DAY: Ms = 86_400_000;

/// Limits of a rule's only term.
pub(crate) type Limits = BTreeMap<Level, Limit>;

/// When a rule is awake, and by which limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calendar {
    /// Local time − UTC. Zones whose clocks are changed are not modelled.
    offset: Ms,
    /// Local days since 1970: from is in, until is out.
    from: Option<i64>,
    until: Option<i64>,
    /// The first that matches counts. None: always.
    pub(crate) periods: Vec<Period>,
}

/// Hours of some days.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Period {
    /// From and to, in milliseconds of the day. The whole day: 0 and 24 hours.
    hours: (Ms, Ms),
    /// Monday first.
    days: [bool; 7],
    /// From and to, both in: month and day.
    dates: Option<((i64, i64), (i64, i64))>,
    /// Instead of the rule's own.
    pub(crate) limits: Option<Limits>,
}

/// The limits that hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holds<'a> {
    /// None: the rule is asleep.
    Nothing,
    /// The rule's own.
    Own,
    /// Those of a period.
    Others(&'a Limits),
}

impl Calendar {
    /// What the table of a rule says; `limits` reads the levels of a period.
    pub(crate) fn read(rule: &Table, limits: impl Fn(&Value) -> Limits) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let day = |key: &str| rule.get("in_force").and_then(|f| f.get(key)).map(|v| day_of(&v.to_string()));
        let period = |table: &Value| Period {
            hours: table.get("hours").map_or((0, DAY), |v| hours(&text(v))),
            days: table.get("days").map_or([true; 7], days),
            dates: table.get("dates").map(|v| dates(&text(v))),
            limits: table.get("levels").map(&limits),
        };
        Self {
            offset: Zone::of(&rule.get("zone").map_or_else(|| "Asia/Shanghai".to_owned(), text)).ahead,
            from: day("from"),
            until: day("until"),
            periods: rule.get("during").and_then(Value::as_array).into_iter().flatten().map(period).collect(),
        }
    }

    fn is_always(&self) -> bool {
        self.periods.is_empty() && self.from.is_none() && self.until.is_none()
    }

    /// What holds at event time `t`.
    fn at(&self, t: Ms) -> Holds<'_> {
        let local = t + self.offset;
        let day = local.div_euclid(DAY);
        if self.from.is_some_and(|from| day < from) || self.until.is_some_and(|until| day >= until) {
            return Holds::Nothing;
        }
        match self.periods.iter().find(|p| p.holds(local)) {
            Some(period) => period.limits.as_ref().map_or(Holds::Own, Holds::Others),
            None if self.periods.is_empty() => Holds::Own,
            None => Holds::Nothing,
        }
    }

    /// Where something else may begin to hold: local midnights, and the ends of hours.
    fn may_turn(&self, t: Ms) -> bool {
        let of_day = (t + self.offset).rem_euclid(DAY);
        of_day == 0 || self.periods.iter().any(|p| of_day == p.hours.0 || of_day == p.hours.1)
    }
}

impl Period {
    fn holds(&self, local: Ms) -> bool {
        let (day, of_day) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (from, to) = self.hours;
        if from < to {
            return (from..to).contains(&of_day) && self.begins_on(day);
        }
        // Past midnight the day on which they began counts.
        of_day >= from && self.begins_on(day) || of_day < to && self.begins_on(day - 1)
    }

    fn begins_on(&self, day: i64) -> bool {
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3).rem_euclid(7) as usize;
        let in_dates = self.dates.is_none_or(|(from, to)| {
            let date = month_and_day(day);
            if from <= to { from <= date && date <= to } else { date >= from || date <= to }
        });
        self.days[weekday] && in_dates
    }
}

impl Ladder {
    /// The same rule with the limits that hold at event time `t`; asleep: with none.
    pub(crate) fn at(&self, t: Ms) -> Self {
        let mut ladder = self.clone();
        match self.calendar.at(t) {
            Holds::Nothing => ladder.terms.iter_mut().for_each(|term| term.levels.clear()),
            Holds::Others(limits) => ladder.terms[0].levels.clone_from(limits),
            Holds::Own => {}
        }
        ladder
    }

    /// Whether nothing is judged.
    pub(crate) fn is_asleep(&self) -> bool {
        self.terms.iter().all(|term| term.levels.is_empty())
    }

    /// The first time after `t` and up to `until` from which on other limits hold.
    pub(crate) fn next_edge(&self, t: Ms, until: Ms) -> Option<Ms> {
        if self.calendar.is_always() {
            return None;
        }
        let now = self.calendar.at(t);
        // All edges are at whole minutes.
        let mut minute = t - t.rem_euclid(MINUTE) + MINUTE;
        while minute <= until {
            if self.calendar.may_turn(minute) && self.calendar.at(minute) != now {
                return Some(minute);
            }
            minute += MINUTE;
        }
        None
    }

    /// All limits that can hold: those of periods, and the rule's own, where they ever hold.
    fn sets(&self) -> impl Iterator<Item = &Limits> {
        let periods = &self.calendar.periods;
        let own = periods.is_empty() || periods.iter().any(|p| p.limits.is_none());
        let own = self.terms.first().map(|term| &term.levels).filter(|_| own);
        periods.iter().filter_map(|p| p.limits.as_ref()).chain(own)
    }

    /// The same rule with the limits of one device. A level that never holds is a mistake, and so is what does not climb.
    pub(crate) fn with_limits(&self, own: &BTreeMap<Level, f64>) -> Self {
        let holds = |level| self.sets().any(|limits| limits.contains_key(level));
        if self.terms.len() != 1 || !own.keys().all(holds) {
            return self.clone();
        }
        let mut ladder = self.clone();
        let of_periods = ladder.calendar.periods.iter_mut().filter_map(|p| p.limits.as_mut());
        for limits in of_periods.chain(std::iter::once(&mut ladder.terms[0].levels)) {
            for (level, limit) in limits {
                if let Some(own) = own.get(level) {
                    *limit = Limit::One(*own);
                }
            }
        }
        let climbs = ladder.sets().all(|limits| ladder.terms[0].direction.climbs(limits));
        if climbs { ladder } else { self.clone() }
    }
}

/// "22:00-06:00".
fn hours(text: &str) -> (Ms, Ms) {
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':').expect("hh:mm");
        (hour.parse::<Ms>().expect("an hour") * 60 + minute.parse::<Ms>().expect("a minute")) * MINUTE
    };
    let (from, to) = text.split_once('-').expect("from-to");
    (time(from), time(to))
}

fn days(value: &Value) -> [bool; 7] {
    let named = |day: &str| value.as_array().expect("a list of days").iter().any(|d| d.as_str() == Some(day));
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(named)
}

/// "11-15..03-15".
fn dates(text: &str) -> ((i64, i64), (i64, i64)) {
    let date = |text: &str| {
        let (month, day) = text.split_once('-').expect("month-day");
        (month.parse().expect("a month"), day.parse().expect("a day"))
    };
    let (from, to) = text.split_once("..").expect("from..to");
    (date(from), date(to))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// All months from 1970-01 on: year, month, and the day since 1970 on which it begins.
fn months() -> impl Iterator<Item = (i64, i64, i64)> {
    let next = |(year, month, first): &(i64, i64, i64)| {
        let after = first + days_of_month(*year, *month);
        Some(if *month == 12 { (year + 1, 1, after) } else { (*year, month + 1, after) })
    };
    std::iter::successors(Some((1970, 1, 0)), next)
}

/// Month and day of a day since 1970.
fn month_and_day(day: i64) -> (i64, i64) {
    let month = months().find(|(year, month, first)| day < first + days_of_month(*year, *month));
    let (_, month, first) = month.expect("months without end");
    (month, day - first + 1)
}

/// The day since 1970 of "2026-03-01".
fn day_of(text: &str) -> i64 {
    let parts: Vec<i64> = text.split('-').map(|part| part.parse().expect("a date")).collect();
    let month = months().find(|(year, month, _)| (*year, *month) == (parts[0], parts[1]));
    let (_, _, first) = month.expect("a month since 1970");
    first + parts[2] - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_civil_calendar() {
        assert_eq!(month_and_day(0), (1, 1));
        assert_eq!(day_of("2027-01-15"), 1_800_000_000_000 / DAY);
        assert_eq!(month_and_day(day_of("2024-02-29")), (2, 29));
        assert_eq!(month_and_day(day_of("2024-02-29") + 1), (3, 1));
    }

    #[test]
    fn hours_past_midnight_belong_to_the_day_on_which_they_begin() {
        let mut days = [false; 7];
        days[4] = true;
        let night = Period { hours: hours("22:00-06:00"), days, dates: None, limits: None };
        // 2027-01-15 is a Friday.
        let friday = day_of("2027-01-15") * DAY;
        let holds = [0, 22 * 60 - 1, 22 * 60, 30 * 60 - 1, 30 * 60].map(|m| night.holds(friday + m * MINUTE));
        assert_eq!(holds, [false, false, true, true, false]);
    }
}
