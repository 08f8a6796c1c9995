//! Baselines: what is usual for a series at its hour of the week, what departs from it, and what is not learnt.

use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use maibo_core::rule::Words;

use crate::engine_world::{World, ladder, reading, s, untimed};

const TEN_MINUTES: i64 = s(600);
const WEEK: i64 = s(7 * 86_400);
/// From ZERO, a full hour, to the next local midnight by the clock of Beijing.
const MIDNIGHT: i64 = s(8 * 3_600);

fn rule(more: &str) -> String {
    let when = "when = { quantity = \"water_depth\", kind = \"k\" }\nsignal = \"baseline\"\nweeks = 2";
    ladder("usual", &format!("{when}\ndirection = \"above\"\nlevels = {{ yellow = 6 }}\ndeadband = 1\n{more}"))
}

/// By day 40, by night 10, each within a few centimetres.
fn usual(at: i64) -> f64 {
    let hour = (at - MIDNIGHT).rem_euclid(s(86_400)) / s(3_600);
    let level = if (7..20).contains(&hour) { 40.0 } else { 10.0 };
    level + f64::from(i32::try_from(at / TEN_MINUTES * 7 % 5).expect("small"))
}

/// Readings every ten minutes from one time to another, the last one left out.
fn play(w: &mut World, from: i64, to: i64, value: impl Fn(i64) -> f64) {
    let mut at = from;
    while at < to {
        w.run(at).value(value(at));
        at += TEN_MINUTES;
    }
}

fn world(more: &str) -> World {
    World::every("10m", &rule(more))
}

// what is usual by day is not by night; nothing is said of an hour before it is known of two weeks.
#[test]
fn a_value_is_held_against_its_hour() {
    let mut w = world("");
    play(&mut w, 0, WEEK, usual);
    // In the second week each hour is known of one.
    w.run(WEEK).value(500.0).expect(&[]);
    play(&mut w, WEEK + TEN_MINUTES, 2 * WEEK, usual);
    play(&mut w, 2 * WEEK, 3 * WEEK, usual);
    w.expect(&[]);
    let noon = 3 * WEEK + MIDNIGHT + s(12 * 3_600);
    let night = noon + s(12 * 3_600);
    play(&mut w, 3 * WEEK, night, usual);
    w.expect(&[]);
    w.run(night).value(42.0);
    w.expect(&[&format!("{night} v1 firing yellow threshold")]);
    let t = w.last();
    assert!(t.value.is_some_and(|v| v > 15.0) && t.threshold == Some(6.0), "{:?}", t.value);
    let title = Words::default();
    let said = maibo_core::alert::sentence(t, &title);
    assert!(said.zh.starts_with("积水深度偏离同期常值 ") && said.zh.ends_with("限值 6"), "{}", said.zh);
    w.run(night + TEN_MINUTES).value(11.0);
    assert_eq!(w.last().reason.as_str(), "recovered");
}

// a fire does not become usual: while its own alert is open, or pending, nothing is learnt.
#[test]
fn a_fire_does_not_become_usual() {
    let mut w = world("");
    play(&mut w, 0, 3 * WEEK, usual);
    play(&mut w, 3 * WEEK, 7 * WEEK, |at| usual(at) + 60.0);
    let opened: Vec<String> = w.transitions().iter().map(|t| t.reason.as_str().to_owned()).collect();
    assert_eq!(opened.iter().filter(|r| *r != "unacknowledged").collect::<Vec<_>>(), ["threshold"], "four weeks later");
    play(&mut w, 7 * WEEK, 7 * WEEK + s(3_600), usual);
    assert_eq!(w.last().reason.as_str(), "recovered");
}

/// The departure told of a value that is far out, after what `disturb` did in a usual fourth week.
fn told_after(more: &str, disturb: impl Fn(&mut World, i64)) -> f64 {
    let mut w = world(more);
    play(&mut w, 0, 3 * WEEK, usual);
    for n in 0..6 {
        let at = 3 * WEEK + n * TEN_MINUTES;
        w.run(at).value(usual(at));
        w.run(at + s(60));
        disturb(&mut w, at);
    }
    play(&mut w, 3 * WEEK + s(3_600), 4 * WEEK, usual);
    w.expect(&[]);
    w.run(4 * WEEK).value(400.0);
    w.last().value.expect("a departure")
}

fn send(w: &mut World, change: impl Fn(Reading) -> Reading) {
    let now = w.now();
    w.batch(vec![Input::Reading(change(reading("d", "water_depth", now, now, 14.0)))]);
}

// only what is accepted, measured and believed is learnt.
#[test]
fn what_is_not_learnt() {
    let plain = told_after("", |_, _| {});
    assert_ne!(told_after("", |w, _| send(w, |r| r)).to_bits(), plain.to_bits(), "another good value is");
    let same = |what: &str, disturb: &dyn Fn(&mut World, i64)| {
        assert_eq!(told_after("", disturb).to_bits(), plain.to_bits(), "{what}");
    };
    same("doubted", &|w, _| send(w, |r| Reading { quality: Quality::Suspect, ..r }));
    same("filled in", &|w, _| send(w, |r| Reading { quality: Quality::Substituted, ..r }));
    same("out of range", &|w, _| send(w, |r| Reading { quality: Quality::Range, ..r }));
    same("no number", &|w, _| send(w, |r| Reading { value: f64::NAN, ..r }));
    same("late", &|w, at| {
        w.value_at(at - s(30), 14.0);
    });
    same("a copy", &|w, at| {
        w.value_at(at, usual(at));
    });
    same("a conflict", &|w, at| {
        w.value_at(at, 14.5);
    });
}

// what drains without times of its own after Maibo was deaf was measured at another hour: it is judged, not learnt.
#[test]
fn what_drains_is_not_learnt() {
    let deaf = |drained: usize| {
        told_after("", move |w, at| {
            w.deaf(at + s(60)).run(at + s(90)).listening();
            for n in 0..drained {
                let now = w.now() + n as i64;
                w.at(now).batch(vec![Input::Reading(untimed(now, 14.0))]);
            }
        })
    };
    assert_eq!(deaf(0).to_bits(), deaf(1).to_bits());
}

// a gap is no recovery and no departure; what was learnt stays.
#[test]
fn silence_is_no_departure() {
    let mut w = world("stale_after = \"30m\"");
    play(&mut w, 0, 3 * WEEK, usual);
    w.run(3 * WEEK).value(90.0);
    w.run(3 * WEEK + s(1_800));
    let reasons: Vec<&str> = w.transitions().iter().map(|t| t.reason.as_str()).collect();
    assert_eq!(reasons, ["threshold", "data_stale"]);
    w.run(4 * WEEK).value(usual(4 * WEEK));
    assert_eq!(w.last().reason.as_str(), "recovered");
}

// hours are those of the rule's zone: another zone is another profile, and begins empty.
#[test]
fn another_zone_is_another_profile() {
    let mut w = world("");
    play(&mut w, 0, 3 * WEEK, usual);
    w.edit(&rule("zone = \"Asia/Tokyo\"")).run(3 * WEEK).value(400.0).expect(&[]);
    let mut w = world("");
    play(&mut w, 0, 3 * WEEK, usual);
    w.edit(&rule("zone = \"Asia/Shanghai\"")).run(3 * WEEK).value(400.0);
    assert_eq!(w.last().reason.as_str(), "threshold", "the same zone by name goes on");
}

// restarts change nothing.
#[test]
fn a_profile_survives_restarts() {
    let (mut straight, mut restarted) = (world("for = \"15m\""), world("for = \"15m\""));
    for n in 0..3 * 1_008 + 40 {
        let at = n * TEN_MINUTES;
        let value = if n > 3 * 1_008 && n % 7 < 3 { 70.0 } else { usual(at) };
        straight.run(at).value(value);
        if n % 50 == 0 || n > 3 * 1_008 {
            restarted.restart();
        }
        restarted.run(at).value(value);
    }
    assert!(straight.facts.len() > 2);
    assert_eq!(straight.facts, restarted.facts);
    assert_eq!(straight.machine.snapshot(), restarted.machine.snapshot());
    assert!(straight.machine.snapshot().len() < 8_000, "{} bytes", straight.machine.snapshot().len());
}
