//! Random calendars against a plain count of minutes, in zones whose clocks do odd things.

use jiff::civil::{Date, Weekday};
use proptest::prelude::*;

use super::super::*;
use super::schedule;

const ZONES: [&str; 9] = [
    "Asia/Shanghai",
    "UTC",
    "Europe/Berlin",
    // Half an hour of summer time.
    "Australia/Lord_Howe",
    // An offset of 5:45.
    "Asia/Kathmandu",
    // Midnight is skipped in spring.
    "Africa/Cairo",
    // Midnight is repeated in autumn.
    "America/Havana",
    // Summer time stops for Ramadan.
    "Africa/Casablanca",
    // Summer time until 2019 only.
    "America/Sao_Paulo",
];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

#[derive(Clone, Debug)]
struct Part {
    hours: (i64, i64),
    days: Vec<usize>,
    dates: Option<((i8, i8), (i8, i8))>,
}

#[derive(Clone, Debug)]
struct Calendar {
    zone: &'static str,
    from: Option<Date>,
    until: Option<Date>,
    parts: Vec<Part>,
}

impl Calendar {
    fn text(&self) -> String {
        let end = |key, date: Option<Date>| date.map(|date| format!("{key} = {date}"));
        let ends: Vec<_> = [end("from", self.from), end("until", self.until)].into_iter().flatten().collect();
        let mut lines = vec![format!("zone = '{}'", self.zone), format!("in_force = {{ {} }}", ends.join(", "))];
        for (i, part) in self.parts.iter().enumerate() {
            let (a, b) = part.hours;
            let days: Vec<_> = part.days.iter().map(|d| WEEKDAYS[*d].0).collect();
            lines.push(format!("[[during]]\nname = 'p{i}'\ndays = {days:?}"));
            lines.push(format!("hours = '{:02}:{:02}-{:02}:{:02}'", a / 60, a % 60, b / 60, b % 60));
            let dates = |((m, d), (n, e))| format!("dates = '{m:02}-{d:02}..{n:02}-{e:02}'");
            lines.extend(part.dates.map(dates));
        }
        lines.join("\n")
    }

    /// What is in force, counted from what was written.
    fn at(&self, zone: &TimeZone, t: Timestamp) -> Option<usize> {
        let wall = zone.to_datetime(jiff::Timestamp::from_millisecond(t.0).expect("in range"));
        let (today, minute) = (wall.date(), i64::from(wall.hour()) * 60 + i64::from(wall.minute()));
        if self.from.is_some_and(|from| today < from) || self.until.is_some_and(|until| today >= until) {
            return None;
        }
        if self.parts.is_empty() {
            return Some(0);
        }
        let begins = |part: &Part, day: Date| {
            let in_season = part.dates.is_none_or(|(first, last)| {
                let date = (day.month(), day.day());
                // Over the new year the season is what is left of the year without the gap in its middle.
                if first > last { !(last < date && date < first) } else { first <= date && date <= last }
            });
            in_season && part.days.iter().any(|d| WEEKDAYS[*d].1 == day.weekday())
        };
        self.parts.iter().position(|part| {
            let (a, b) = part.hours;
            if a < b {
                a <= minute && minute < b && begins(part, today)
            } else {
                (a <= minute && begins(part, today))
                    || (minute < b && begins(part, today.yesterday().expect("in range")))
            }
        })
    }
}

fn date() -> impl Strategy<Value = Date> {
    (2014..2032_i16, 1..=12_i8, 1..=28_i8).prop_map(|(y, m, d)| jiff::civil::date(y, m, d))
}

fn part() -> impl Strategy<Value = Part> {
    let fine = (0..1440_i64, 0..=1440_i64);
    let coarse = (0..48_i64, 0..=48_i64).prop_map(|(a, b)| (a * 30, b * 30));
    let hours =
        prop_oneof![3 => coarse, 1 => fine, 2 => Just((0, 1440))].prop_filter("no time at all", |(a, b)| a != b);
    let all = Just((0..7).collect::<Vec<_>>());
    let days = prop_oneof![2 => all, 1 => proptest::sample::subsequence((0..7).collect::<Vec<_>>(), 1..7)];
    let day =
        || (1..=12_i8, prop_oneof![1..=28_i8, 28..=30_i8]).prop_filter("no such day", |(m, d)| *m != 2 || *d <= 29);
    let dates = proptest::option::weighted(0.4, (day(), day()));
    (hours, days, dates).prop_map(|(hours, days, dates)| Part { hours, days, dates })
}

fn calendar() -> impl Strategy<Value = Calendar> {
    let ends = (proptest::option::weighted(0.3, date()), proptest::option::weighted(0.3, date()));
    let ends = ends.prop_filter("never in force", |ends| !matches!(ends, (Some(from), Some(until)) if from >= until));
    (proptest::sample::select(&ZONES[..]), ends, proptest::collection::vec(part(), 0..5))
        .prop_map(|(zone, (from, until), parts)| Calendar { zone, from, until, parts })
}

/// A time: anywhere, or within two days of a change of the zone's clock after it.
fn time() -> impl Strategy<Value = (i64, Option<i64>)> {
    let anywhere = 1_400_000_000_000..1_960_000_000_000_i64;
    (anywhere, proptest::option::of(-2 * DAY..2 * DAY))
}

fn place(zone: &TimeZone, (time, near): (i64, Option<i64>)) -> Timestamp {
    let change = zone.following(instant(Timestamp(time))).next();
    match (near, change) {
        (Some(near), Some(change)) => Timestamp(change.timestamp().as_millisecond() + near),
        _ => Timestamp(time),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn schedules_agree_with_a_count_of_minutes(calendar in calendar(), times in proptest::collection::vec(time(), 1..6)) {
        let s = schedule(&calendar.text());
        for time in times {
            let t = place(s.zone(), time);
            let now = calendar.at(s.zone(), t);
            prop_assert_eq!(s.at(t), now, "at {}", instant(t));
            let edge = s.next_edge(t);
            prop_assert!(edge > t);
            let ahead = t + limit::SCHEDULE_AHEAD;
            let end = edge.min(ahead);
            // Every minute of the first days and of the last; between them every quarter, as offsets are of quarters.
            let mut at = Timestamp(t.0.div_euclid(MINUTE) * MINUTE + MINUTE);
            while at < end {
                prop_assert_eq!(calendar.at(s.zone(), at), now, "before the edge {}, at {}", instant(edge), instant(at));
                let close = at.0 - t.0 < 2 * DAY || end.0 - at.0 < DAY;
                at.0 += if close { MINUTE } else { 15 * MINUTE - at.0 % (15 * MINUTE) };
            }
            if edge < Timestamp::MAX {
                let then = calendar.at(s.zone(), edge);
                prop_assert_eq!(s.at(edge), then);
                // Of a far start of `in_force` the edge is told, or the limit counts from there.
                prop_assert!(then != now || edge >= ahead, "nothing changes at {}", instant(edge));
            }
        }
    }
}
