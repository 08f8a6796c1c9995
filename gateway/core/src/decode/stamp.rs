//! Reading written times: RFC 3339 with its common deviations, and local times with a zone known from elsewhere.

use crate::time::Timestamp;

/// A fixed offset from UTC, in minutes east.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zone(i32);

impl Zone {
    /// Reads `Z`, `+08:00`, `+0800` or `+08`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if matches!(text, "Z" | "z") {
            return Some(Self(0));
        }
        let (sign, rest) = match text.as_bytes().split_first()? {
            (b'+', rest) => (1, rest),
            (b'-', rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = match rest {
            [h1, h2] => (digits(&[*h1, *h2])?, 0),
            [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
            _ => return None,
        };
        (hours <= 23 && minutes <= 59).then(|| Self(sign * (hours * 60 + minutes) as i32))
    }
}

/// Reads a time with its zone, such as `2022-07-18T09:34:15.775023242+00:00`. Below a millisecond it truncates.
pub(super) fn zoned(text: &str) -> Option<Timestamp> {
    let (ms, rest) = civil(text.trim())?;
    resolve(ms, Zone::parse(rest)?)
}

/// Reads a time without zone, such as `2013-08-11 15:00:00`, meant in `zone`.
pub(super) fn local(text: &str, zone: Zone) -> Option<Timestamp> {
    let (ms, rest) = civil(text.trim())?;
    if rest.is_empty() { resolve(ms, zone) } else { None }
}

fn resolve(ms: i64, zone: Zone) -> Option<Timestamp> {
    ms.checked_sub(i64::from(zone.0) * 60_000).map(Timestamp)
}

/// Milliseconds since 1970 as if the text were UTC, and what follows the time. Seconds may be absent.
fn civil(text: &str) -> Option<(i64, &str)> {
    let b = text.as_bytes();
    let at = |i: usize, n: usize| b.get(i..i + n).and_then(digits);
    let is = |i: usize, set: &[u8]| b.get(i).is_some_and(|c| set.contains(c));
    let (year, month, day) = (at(0, 4)?, at(5, 2)?, at(8, 2)?);
    let (hour, minute) = (at(11, 2)?, at(14, 2)?);
    let shape = is(4, b"-/") && is(7, b"-/") && is(10, b"Tt ") && is(13, b":");
    if !shape || year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let mut end = 16;
    let mut second = 0;
    let mut milli = 0;
    if is(16, b":") {
        second = at(17, 2)?;
        end = 19;
        if is(19, b".,") {
            let fraction = b.get(20..)?.iter().take_while(|c| c.is_ascii_digit()).count();
            if fraction == 0 || fraction > 12 {
                return None;
            }
            end = 20 + fraction;
            milli = (0..3).fold(0, |ms, i| ms * 10 + if i < fraction { i64::from(b[20 + i] - b'0') } else { 0 });
        }
    }
    // A leap second (60) is counted as the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((seconds * 1000 + milli, text.get(end..)?))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, for years from 1.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    let in_year: i64 = (1..month).map(|m| days_in(year, m)).sum();
    // 719,162 days lie between 0001-01-01 and 1970-01-01.
    before * 365 + leap_days + in_year + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    // Protects event time: known instants in every accepted spelling.
    #[test]
    fn known_instants() {
        let check = |text: &str, ms: i64| assert_eq!(zoned(text), Some(Timestamp(ms)), "{text}");
        check("1970-01-01T00:00:00Z", 0);
        check("2000-01-01T00:00:00Z", Timestamp::EARLIEST.0);
        check("2000-02-29T23:59:59.999Z", 951_868_799_999);
        check("2022-07-18T09:34:15.775023242+00:00", 1_658_136_855_775);
        check("2022-07-18T17:34:15.7+08:00", 1_658_136_855_700);
        check("2022-07-18T17:34:15.775+0800", 1_658_136_855_775);
        check("1969-12-31T23:59:59Z", -1000);
        check("0001-01-01T00:00:00Z", -62_135_596_800_000);
        let beijing = Zone::parse("+08:00").map(|z| local("2013-08-11 15:00:00", z));
        assert_eq!(beijing, Some(Some(Timestamp(1_376_204_400_000))));
    }

    // Protects event time: what is no time is refused, never guessed.
    #[test]
    fn no_times() {
        for bad in [
            "",
            "2022",
            "2022-02-29T00:00:00Z",
            "2022-13-01T00:00:00Z",
            "2022-01-01T24:00:00Z",
            "2022-01-01T00:00:00",
            "2022-01-01T00:00:00.Z",
            "2022-01-01T00:00:00+25:00",
            "2022-01-01T00:00:00Zx",
            "0000-01-01T00:00:00Z",
            "2022-01-01T00:00:00.\u{ff11}Z",
        ] {
            assert_eq!(zoned(bad), None, "{bad}");
        }
        assert!(Zone::parse("").is_none() && Zone::parse("08:00").is_none() && Zone::parse("+8").is_none());
    }
}
