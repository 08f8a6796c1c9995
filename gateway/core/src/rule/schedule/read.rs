//! Reads the keys of a rule that make its schedule: `zone`, `in_force`, `during`.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use smol_str::SmolStr;
use toml::Value;

use super::Schedule;
use super::period::{DAY, EVERY_DAY, Hours, Period, Season, WHOLE_YEAR};
use crate::limit;
use crate::rule::table::Reader;
use crate::time::Timestamp;

/// Where a rule does not say.
const ZONE: &str = "Asia/Shanghai";
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Longest name of a period, in bytes.
const MAX_NAME: usize = 32;

/// Reads the schedule of a rule. `None` where the rule has no key of one, and where something is wrong: the problems say what.
///
/// `rest` is called for every period with its number and its table and takes the keys that are not of the schedule; what it
/// leaves is an unknown key.
pub(in crate::rule) fn read(r: &mut Reader<'_>, mut rest: impl FnMut(usize, &mut Reader<'_>)) -> Option<Schedule> {
    if !["zone", "in_force", "during"].into_iter().any(|key| r.has(key)) {
        return None;
    }
    let zone = zone(r);
    // Without a zone the other keys can still be read, and their problems told.
    let known = zone.clone().unwrap_or(TimeZone::UTC);
    let in_force = match r.take("in_force") {
        None => Some((None, None)),
        Some(value) => r.table("in_force", value).and_then(|sub| in_force(sub, &known)),
    };
    let periods = match r.take("during") {
        None => Some(Vec::new()),
        Some(value) => periods(r, value, &mut rest),
    };
    let (from, until) = in_force?;
    Some(Schedule::new(zone?, from, until, periods?))
}

fn zone(r: &mut Reader<'_>) -> Option<TimeZone> {
    let name = match r.take("zone") {
        None => ZONE.to_owned(),
        Some(value) => r.text("zone", value)?,
    };
    let zone = TimeZoneDatabase::bundled().get(&name).ok().filter(|zone| !zone.is_unknown());
    if zone.is_none() {
        r.problem("zone", format_args!("`{name}` is not a known time zone such as {ZONE}"));
    }
    zone
}

/// The two instants, each where there is one.
type Span = (Option<Timestamp>, Option<Timestamp>);

fn in_force(mut r: Reader<'_>, zone: &TimeZone) -> Option<Span> {
    let mut good = true;
    let [from, until] = ["from", "until"].map(|key| {
        let value = r.take(key)?;
        let start = midnight(&mut r, key, &value, zone);
        good &= start.is_some();
        start
    });
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        r.problem("until", "is not after `from`: the rule would never be in force");
        good = false;
    }
    r.finish();
    good.then_some((from, until))
}

/// The instant at which a local day begins: where the clock skips midnight, the one at which it does.
fn midnight(r: &mut Reader<'_>, key: &str, value: &Value, zone: &TimeZone) -> Option<Timestamp> {
    let date = match value {
        Value::Datetime(toml::value::Datetime { date: Some(date), time: None, offset: None }) => *date,
        Value::Datetime(found) => {
            r.problem(key, format_args!("`{found}` is not a date alone, such as 2026-03-01"));
            return None;
        }
        other => {
            r.wrong(key, "a date such as 2026-03-01, without quotes", other);
            return None;
        }
    };
    let start = i16::try_from(date.year)
        .ok()
        .zip(i8::try_from(date.month).ok().zip(i8::try_from(date.day).ok()))
        .and_then(|(year, (month, day))| Date::new(year, month, day).ok())
        .and_then(|date| zone.to_timestamp(date.at(0, 0, 0, 0)).ok());
    if start.is_none() {
        r.problem(key, format_args!("there is no {date}"));
    }
    start.map(|start| Timestamp(start.as_millisecond()))
}

fn periods(r: &mut Reader<'_>, value: Value, rest: &mut impl FnMut(usize, &mut Reader<'_>)) -> Option<Vec<Period>> {
    let Value::Array(list) = value else {
        r.wrong("during", "a list; write [[rule.during]]", &value);
        return None;
    };
    if list.is_empty() || list.len() > limit::MAX_PERIODS {
        r.problem("during", format_args!("has {} periods, not 1 to {}", list.len(), limit::MAX_PERIODS));
        return None;
    }
    let mut periods: Vec<Period> = Vec::new();
    let mut names = Vec::new();
    let mut good = true;
    for (i, value) in list.into_iter().enumerate() {
        let Some(mut sub) = r.table(&format!("during[{i}]"), value) else {
            good = false;
            continue;
        };
        let name = name(&mut sub, &names);
        names.extend(name.clone());
        let (hours, days, dates) = (hours(&mut sub), days(&mut sub), dates(&mut sub));
        rest(i, &mut sub);
        sub.finish();
        match (name, hours, days, dates) {
            (Some(name), Some(hours), Some(days), Some(dates)) => periods.push(Period { name, hours, days, dates }),
            _ => good = false,
        }
    }
    good.then_some(periods)
}

fn name(r: &mut Reader<'_>, names: &[SmolStr]) -> Option<SmolStr> {
    let text = r.need_text("name")?;
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || text.is_empty() || text.len() > MAX_NAME {
        r.problem("name", format_args!("`{text}` is not 1 to {MAX_NAME} of a-z, 0-9 and -"));
        return None;
    }
    if names.iter().any(|n| *n == text) {
        r.problem("name", format_args!("`{text}` is used twice"));
        return None;
    }
    Some(SmolStr::from(text))
}

fn hours(r: &mut Reader<'_>) -> Option<Hours> {
    let Some(value) = r.take("hours") else { return Some(Hours { from: 0, to: DAY }) };
    let text = r.text("hours", value)?;
    let ends = text.split_once('-').and_then(|(from, to)| minute(from).zip(minute(to)));
    let problem = match ends {
        None => "is not HH:MM-HH:MM, such as 06:00-22:00",
        Some((from, to)) if from == to => "is no time at all; the whole day is 00:00-24:00",
        Some((DAY, _)) => "begins at 24:00; write 00:00",
        // What ends before it begins ends on the next day.
        Some((from, to)) => return Some(Hours { from, to: if to > from { to } else { to + DAY } }),
    };
    r.problem("hours", format_args!("`{text}` {problem}"));
    None
}

/// Minutes since midnight of `HH:MM`, 00:00 to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let minutes = u16::from(hour) * 60 + u16::from(minute);
    (minute < 60 && minutes <= DAY).then_some(minutes)
}

fn two_digits(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// One bit for each weekday.
fn days(r: &mut Reader<'_>) -> Option<u8> {
    let Some(value) = r.take("days") else { return Some(EVERY_DAY) };
    let Value::Array(list) = value else {
        r.wrong("days", "a list of weekdays", &value);
        return None;
    };
    if list.is_empty() || list.len() > WEEKDAYS.len() {
        r.problem("days", format_args!("has {} entries, not 1 to {}", list.len(), WEEKDAYS.len()));
        return None;
    }
    let mut bits = 0;
    let mut good = true;
    for (i, value) in list.into_iter().enumerate() {
        let key = format!("days[{i}]");
        let Some(text) = r.text(&key, value) else {
            good = false;
            continue;
        };
        if let Some(day) = WEEKDAYS.iter().position(|d| *d == text) {
            bits |= 1 << day;
        } else {
            r.problem(&key, format_args!("`{text}` is not one of {}", WEEKDAYS.join(", ")));
            good = false;
        }
    }
    good.then_some(bits)
}

fn dates(r: &mut Reader<'_>) -> Option<Season> {
    let Some(value) = r.take("dates") else { return Some(WHOLE_YEAR) };
    let text = r.text("dates", value)?;
    let ends = text.split_once("..").and_then(|(first, last)| month_and_day(first).zip(month_and_day(last)));
    let Some((first, last)) = ends else {
        r.problem("dates", format_args!("`{text}` is not MM-DD..MM-DD, such as 11-15..03-15"));
        return None;
    };
    let mut good = true;
    for (month, day) in [first, last] {
        // Of a leap year, which has all days that there are.
        if Date::new(2000, month, day).is_err() {
            r.problem("dates", format_args!("there is no {month:02}-{day:02}"));
            good = false;
        }
    }
    good.then_some(Season { first, last })
}

fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    Some((i8::try_from(two_digits(month)?).ok()?, i8::try_from(two_digits(day)?).ok()?))
}
