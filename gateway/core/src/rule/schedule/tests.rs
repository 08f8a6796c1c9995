//! Calendars by example; `property` compares with a count of minutes.

use super::*;
use crate::rule::Problem;
use crate::rule::table::{Problems, Reader};

mod property;

/// Reads the schedule keys of a rule; `levels` is the caller's.
pub(super) fn compile(text: &str) -> Result<Option<Schedule>, Vec<Problem>> {
    let mut problems = Problems::default();
    let table = text.parse().expect("TOML");
    let mut r = Reader::new("r".to_owned(), table, &mut problems);
    let schedule = read(&mut r, |_, sub| drop(sub.take("levels")));
    r.finish();
    problems.or(schedule)
}

pub(super) fn schedule(text: &str) -> Schedule {
    compile(text).expect("no problem").expect("a schedule")
}

fn t(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond())
}

/// The edges after `from`, each with what is in force there.
fn edges(s: &Schedule, from: &str, count: usize) -> Vec<(String, Option<usize>)> {
    let mut at = t(from);
    let next = || {
        at = s.next_edge(at);
        (instant(at).to_string(), s.at(at))
    };
    core::iter::repeat_with(next).take(count).collect()
}

fn expect(s: &Schedule, from: &str, wanted: &[(&str, Option<usize>)]) {
    let wanted: Vec<_> = wanted.iter().map(|(at, period)| ((*at).to_owned(), *period)).collect();
    assert_eq!(edges(s, from, wanted.len()), wanted);
}

const MS: crate::time::Millis = crate::time::Millis(1);

#[test]
fn a_period_holds_at_its_first_millisecond_and_not_at_its_end() {
    let s = schedule("[[during]]\nname = 'day'\nhours = '06:00-22:00'");
    let (six, ten) = (t("2026-05-01T06:00:00+08:00"), t("2026-05-01T22:00:00+08:00"));
    assert_eq!([six - MS, six, ten - MS, ten].map(|at| s.at(at)), [None, Some(0), Some(0), None]);
    assert_eq!([six - MS, six, ten - MS].map(|at| s.next_edge(at)), [six, ten, ten]);
}

#[test]
fn day_and_night_follow_each_other_and_the_first_match_wins() {
    let s = schedule(
        "[[during]]\nname = 'noon'\nhours = '12:00-13:30'\n[[during]]\nname = 'day'\nhours = '06:00-22:00'\n\
         [[during]]\nname = 'night'\nhours = '22:00-06:00'\n",
    );
    expect(
        &s,
        "2026-05-01T00:00:00+08:00",
        &[
            ("2026-04-30T22:00:00Z", Some(1)),
            ("2026-05-01T04:00:00Z", Some(0)),
            ("2026-05-01T05:30:00Z", Some(1)),
            ("2026-05-01T14:00:00Z", Some(2)),
            ("2026-05-01T22:00:00Z", Some(1)),
        ],
    );
    assert_eq!(s.periods()[s.at(t("2026-05-01T00:00:00+08:00")).expect("awake")].name, "night");
}

#[test]
fn the_heating_season_of_beijing_goes_over_the_new_year() {
    let s = schedule("[[during]]\nname = 'heating'\ndates = '11-15..03-15'");
    expect(
        &s,
        "2026-07-01T00:00:00Z",
        &[
            ("2026-11-14T16:00:00Z", Some(0)),
            ("2027-03-15T16:00:00Z", None),
            ("2027-11-14T16:00:00Z", Some(0)),
            ("2028-03-15T16:00:00Z", None),
        ],
    );
}

// The last night of a season, too, is whole: it begins on its last day.
#[test]
fn friday_night_reaches_into_saturday() {
    let s = schedule("[[during]]\nname = 'out'\nhours = '22:00-06:00'\ndays = ['fri']\ndates = '05-01..05-08'");
    expect(
        &s,
        "2026-04-29T00:00:00+08:00",
        &[
            ("2026-05-01T14:00:00Z", Some(0)),
            ("2026-05-01T22:00:00Z", None),
            ("2026-05-08T14:00:00Z", Some(0)),
            ("2026-05-08T22:00:00Z", None),
        ],
    );
    assert_eq!(s.at(t("2026-05-01T03:00:00+08:00")), None, "the night of Thursday");
}

const BERLIN: &str = "zone = 'Europe/Berlin'\n[[during]]\nname = 'a'\n";

#[test]
fn hours_that_spring_skips_do_not_happen() {
    let s = schedule(&format!("{BERLIN}hours = '02:15-02:45'"));
    // Sunday, 29 March 2026: from 02:00 to 03:00.
    expect(
        &s,
        "2026-03-28T00:00:00Z",
        &[
            ("2026-03-28T01:15:00Z", Some(0)),
            ("2026-03-28T01:45:00Z", None),
            ("2026-03-30T00:15:00Z", Some(0)),
            ("2026-03-30T00:45:00Z", None),
        ],
    );
    let whole = schedule(&format!("{BERLIN}hours = '02:00-03:00'"));
    expect(&whole, "2026-03-28T12:00:00Z", &[("2026-03-30T00:00:00Z", Some(0)), ("2026-03-30T01:00:00Z", None)]);
}

#[test]
fn hours_that_begin_or_end_where_spring_skips_do_so_at_the_skip() {
    let into = schedule(&format!("{BERLIN}hours = '01:00-02:30'"));
    expect(&into, "2026-03-28T12:00:00Z", &[("2026-03-29T00:00:00Z", Some(0)), ("2026-03-29T01:00:00Z", None)]);
    let out = schedule(&format!("{BERLIN}hours = '02:30-06:00'"));
    expect(&out, "2026-03-28T12:00:00Z", &[("2026-03-29T01:00:00Z", Some(0)), ("2026-03-29T04:00:00Z", None)]);
    assert_eq!(out.at(t("2026-03-29T01:00:00Z") - MS), None);
}

#[test]
fn hours_that_autumn_repeats_happen_twice() {
    let s = schedule(&format!("{BERLIN}hours = '02:15-02:45'"));
    // Sunday, 25 October 2026: from 03:00 back to 02:00.
    expect(
        &s,
        "2026-10-24T12:00:00Z",
        &[
            ("2026-10-25T00:15:00Z", Some(0)),
            ("2026-10-25T00:45:00Z", None),
            ("2026-10-25T01:15:00Z", Some(0)),
            ("2026-10-25T01:45:00Z", None),
            ("2026-10-26T01:15:00Z", Some(0)),
        ],
    );
    let cut = schedule(&format!("{BERLIN}hours = '02:30-04:00'"));
    expect(
        &cut,
        "2026-10-24T12:00:00Z",
        &[
            ("2026-10-25T00:30:00Z", Some(0)),
            ("2026-10-25T01:00:00Z", None),
            ("2026-10-25T01:30:00Z", Some(0)),
            ("2026-10-25T03:00:00Z", None),
        ],
    );
    let whole = schedule(&format!("{BERLIN}hours = '02:00-03:00'"));
    expect(&whole, "2026-10-24T12:00:00Z", &[("2026-10-25T00:00:00Z", Some(0)), ("2026-10-25T02:00:00Z", None)]);
}

#[test]
fn in_force_begins_and_ends_at_local_midnight() {
    let s = schedule("in_force = { from = 2026-03-01, until = 2031-01-01 }");
    let (from, until) = (t("2026-02-28T16:00:00Z"), t("2030-12-31T16:00:00Z"));
    assert_eq!([from - MS, from, until - MS, until].map(|at| s.at(at)), [None, Some(0), Some(0), None]);
    let all = [t("2001-01-01T00:00:00Z"), from - MS, from, until - MS, until].map(|at| s.next_edge(at));
    assert_eq!(all, [from, from, until, until, Timestamp::MAX], "however far away");
}

#[test]
fn in_force_cuts_the_periods() {
    let hours = "[[during]]\nname = 'night'\nhours = '22:00-06:00'";
    let s = schedule(&format!("in_force = {{ from = 2026-03-01, until = 2026-03-02 }}\n{hours}"));
    expect(
        &s,
        "2020-01-01T00:00:00Z",
        &[
            ("2026-02-28T16:00:00Z", Some(0)),
            ("2026-02-28T22:00:00Z", None),
            ("2026-03-01T14:00:00Z", Some(0)),
            ("2026-03-01T16:00:00Z", None),
        ],
    );
    assert_eq!(s.next_edge(t("2026-03-01T16:00:00Z")), Timestamp::MAX);
    let day =
        schedule("in_force = { from = 2026-03-01, until = 2026-03-02 }\n[[during]]\nname = 'd'\nhours = '06:00-22:00'");
    expect(&day, "2020-01-01T00:00:00Z", &[("2026-02-28T22:00:00Z", Some(0)), ("2026-03-01T14:00:00Z", None)]);
    assert_eq!(day.next_edge(t("2026-03-01T14:00:00Z")), Timestamp::MAX, "asleep until the end, and after it");
}

#[test]
fn a_day_whose_midnight_is_skipped_is_in_force_from_the_skip() {
    // Cairo, Friday 24 April 2026: from 00:00 to 01:00.
    let s = schedule("zone = 'Africa/Cairo'\nin_force = { from = 2026-04-24 }");
    assert_eq!(s.next_edge(t("2026-01-01T00:00:00Z")), t("2026-04-23T22:00:00Z"));
}

#[test]
fn what_never_changes_has_no_edge() {
    let halves = "[[during]]\nname = 'a'\nhours = '00:00-24:00'\n[[during]]\nname = 'b'\nhours = '22:00-06:00'";
    let all =
        "[[during]]\nname = 'a'\ndays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']\ndates = '01-01..12-31'";
    for text in ["zone = 'Europe/Berlin'", halves, all] {
        let s = schedule(text);
        for at in [Timestamp(i64::MIN), t("2026-01-01T00:00:00Z"), Timestamp::MAX] {
            assert_eq!((s.at(at), s.next_edge(at)), (Some(0), Timestamp::MAX), "{text}");
        }
    }
}

#[test]
fn a_far_edge_is_found_by_looking_again() {
    let s = schedule("[[during]]\nname = 'leap'\ndates = '02-29..02-29'");
    expect(
        &s,
        "2025-03-01T00:00:00Z",
        &[
            ("2026-04-05T00:00:00Z", None),
            ("2027-05-10T00:00:00Z", None),
            ("2028-02-28T16:00:00Z", Some(0)),
            ("2028-02-29T16:00:00Z", None),
        ],
    );
}

#[test]
fn times_beyond_all_calendars_are_judged() {
    // The first day is a Monday.
    let s = schedule(
        "zone = 'Europe/Berlin'\n[[during]]\nname = 'last'\ndates = '12-30..12-30'\n\
         [[during]]\nname = 'first'\ndays = ['mon']\ndates = '01-01..01-01'",
    );
    assert_eq!(
        [Timestamp(i64::MIN), FIRST, LAST, Timestamp::MAX].map(|at| s.at(at)),
        [Some(1), Some(1), Some(0), Some(0)]
    );
    assert_eq!([LAST - MS, LAST, Timestamp::MAX].map(|at| s.next_edge(at)), [Timestamp::MAX; 3]);
    assert_eq!(s.next_edge(Timestamp(i64::MIN)), s.next_edge(FIRST));
}

#[test]
fn no_key_is_no_schedule() {
    assert_eq!(compile(""), Ok(None));
}

#[test]
fn the_rest_of_a_period_is_the_callers() {
    let text = "[[during]]\nname = 'a'\nlevels = { red = 1 }\nhours = '00:00-12:00'\n[[during]]\nname = 'b'\nlevels = { red = 2 }";
    let mut problems = Problems::default();
    let mut found = Vec::new();
    let mut r = Reader::new("r".to_owned(), text.parse().expect("TOML"), &mut problems);
    let schedule = read(&mut r, |i, sub| found.push((i, sub.take("levels").map(|v| v["red"].as_integer()))));
    assert_eq!(found, [(0, Some(Some(1))), (1, Some(Some(2)))]);
    assert_eq!(problems.or(schedule.map(|s| s.periods().len())), Ok(Some(2)));
}

#[test]
fn everything_wrong_is_told_in_words() {
    let text = "
        zone = 'Asia/Peking'
        in_force = { from = 2026-03-01, until = 2026-03-01, to = 1 }
        [[during]]
        name = 'Day'
        hours = '6:00-22:00'
        colour = 1
        [[during]]
        name = 'a'
        hours = '06:00-06:00'
        days = ['mon', 'Monday', 1]
        dates = '02-30..13-01'
        [[during]]
        name = 'a'
        hours = '24:00-06:00'
        days = []
        dates = '11-15'
        [[during]]
        hours = '06:60-22:00'
        days = 'mon'
        [[during]]
        name = 'b'
        hours = '00:00-24:01'
    ";
    let told: Vec<_> = compile(text).expect_err("wrong").iter().map(ToString::to_string).collect();
    expect_test::expect![[r"
        r.zone: `Asia/Peking` is not a known time zone such as Asia/Shanghai
        r.in_force.until: is not after `from`: the rule would never be in force
        r.in_force.to: unknown key
        r.during[0].name: `Day` is not 1 to 32 of a-z, 0-9 and -
        r.during[0].hours: `6:00-22:00` is not HH:MM-HH:MM, such as 06:00-22:00
        r.during[0].colour: unknown key
        r.during[1].hours: `06:00-06:00` is no time at all; the whole day is 00:00-24:00
        r.during[1].days[1]: `Monday` is not one of mon, tue, wed, thu, fri, sat, sun
        r.during[1].days[2]: is a number, not a text
        r.during[1].dates: there is no 02-30
        r.during[1].dates: there is no 13-01
        r.during[2].name: `a` is used twice
        r.during[2].hours: `24:00-06:00` begins at 24:00; write 00:00
        r.during[2].days: has 0 entries, not 1 to 7
        r.during[2].dates: `11-15` is not MM-DD..MM-DD, such as 11-15..03-15
        r.during[3].name: is missing
        r.during[3].hours: `06:60-22:00` is not HH:MM-HH:MM, such as 06:00-22:00
        r.during[3].days: is a text, not a list of weekdays
        r.during[4].hours: `00:00-24:01` is not HH:MM-HH:MM, such as 06:00-22:00"]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn dates_in_force_are_dates_alone() {
    let told = |from: &str| match compile(&format!("in_force = {{ from = {from} }}")) {
        Ok(_) => "nothing".to_owned(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(told("2026-03-01"), "nothing");
    assert_eq!(told("'2026-03-01'"), "r.in_force.from: is a text, not a date such as 2026-03-01, without quotes");
    assert_eq!(
        told("2026-03-01T06:00:00"),
        "r.in_force.from: `2026-03-01T06:00:00` is not a date alone, such as 2026-03-01"
    );
    let beyond = compile("zone = 'Etc/GMT+12'\nin_force = { from = 9999-12-31 }");
    assert_eq!(beyond, Err(vec![Problem::new("r.in_force.from", "there is no 9999-12-31")]));
    assert!("in_force = { from = 2026-02-30 }".parse::<toml::Table>().is_err(), "told before this is read");
}

#[test]
fn a_rule_has_no_more_periods_than_the_limit() {
    let periods = |n: usize| (0..n).fold(String::new(), |text, i| format!("{text}[[during]]\nname = 'p{i}'\n"));
    assert!(compile(&periods(limit::MAX_PERIODS)).is_ok());
    let told = compile(&periods(limit::MAX_PERIODS + 1)).expect_err("one too many");
    assert_eq!(told, [Problem::new("r.during", "has 17 periods, not 1 to 16")]);
    assert_eq!(compile("during = []"), Err(vec![Problem::new("r.during", "has 0 periods, not 1 to 16")]));
}
