//! One device: what counts as its value, why it is unknown, what it scores.

use maibo_core::id::DeviceId;
use maibo_core::rule::{RuleKind, RuleSet};

use super::*;

/// A day that clocks can show.
const DAY: i64 = 1_764_000_000_000;
const YEAR: i64 = 365 * 86_400_000;

fn quantity() -> Quantity {
    Quantity::new("temperature").expect("id")
}

/// Measured and received at the same moment of the day.
fn reading(at: i64, value: f64) -> Reading {
    Reading {
        device: DeviceId::new("d").expect("id"),
        quantity: quantity(),
        at: Timestamp(DAY + at),
        received: Timestamp(DAY + at),
        value,
        quality: Quality::Good,
        timed: true,
    }
}

/// Received at `received`, with what the device's clock says.
fn stamped(received: i64, at: i64, value: f64) -> Reading {
    Reading { at: Timestamp(DAY + at), ..reading(received, value) }
}

/// Value, time and quality shown after these readings.
fn shown(readings: &[Reading]) -> (f64, i64, Quality) {
    let (mut slot, mut points) = (Slot::default(), 0);
    for r in readings {
        slot.reading(r, &mut points);
    }
    let last = slot.last(&quantity()).expect("a value");
    (last.value, last.at.0 - DAY, last.quality)
}

// P: the last value is the latest by its own time, late readings are charted, and a series stays within its bound.
#[test]
fn values() {
    let (mut slot, mut points) = (Slot::default(), 0);
    for at in [10, 30, 30, 20] {
        slot.reading(&reading(at, at as f64), &mut points);
    }
    assert_eq!((slot.values[0].at, slot.values[0].value), (Timestamp(DAY + 30), 30.0));
    slot.reading(&reading(40, f64::NAN), &mut points);
    assert_eq!(slot.values[0].recent, [(DAY + 10, 10.0), (DAY + 20, 20.0), (DAY + 30, 30.0)]);
    assert_eq!(slot.values[0].at, Timestamp(DAY + 40));
    for at in 100..2_000 {
        slot.reading(&reading(at, 1.0), &mut points);
    }
    assert_eq!((slot.values[0].recent.len(), points), (SERIES_POINTS, SERIES_POINTS));
    slot.reading(&reading(5, 1.0), &mut points);
    assert_eq!(slot.values[0].recent.front(), Some(&(DAY + 1_280, 1.0)));
}

// P7: a clock that lied once, forwards or back to 1970, does not freeze what is shown: such a reading counts when it was
// received, and says so; the next one is shown whichever clock it has.
#[test]
fn a_clock_that_lied() {
    for lie in [YEAR, 31_000, -DAY, i64::MAX - DAY, i64::MIN + DAY] {
        assert_eq!(shown(&[stamped(10, lie, 1.0)]), (1.0, 10, Quality::Clock), "{lie}");
        assert_eq!(shown(&[stamped(10, lie, 1.0), reading(20, 2.0)]), (2.0, 20, Quality::Good), "{lie}");
        let again = [stamped(10, lie, 1.0), stamped(20, lie, 2.0), stamped(20, lie, 3.0)];
        assert_eq!(shown(&again), (3.0, 20, Quality::Clock), "{lie}");
    }
    let marked = Reading { quality: Quality::Clock, ..stamped(10, 5, 1.0) };
    assert_eq!(shown(&[marked]), (1.0, 10, Quality::Clock));
}

// P7: a device a little ahead is taken at the receive time, so that nothing shown lies in the future; one without a clock
// is shown in the order of receiving, also within a millisecond.
#[test]
fn borrowed_times() {
    assert_eq!(shown(&[stamped(10, 2_000, 1.0)]), (1.0, 10, Quality::Good));
    assert_eq!(shown(&[stamped(10, 2_000, 1.0), stamped(10, 2_000, 2.0)]), (2.0, 10, Quality::Good));
    assert_eq!(shown(&[stamped(10, 2_000, 1.0), reading(11, 2.0)]), (2.0, 11, Quality::Good));
    let untimed = |at, value| Reading { timed: false, ..reading(at, value) };
    assert_eq!(shown(&[untimed(10, 1.0), untimed(10, 2.0)]), (2.0, 10, Quality::Good));
    // Two connections: what was received a moment earlier came a moment later.
    assert_eq!(shown(&[untimed(10, 1.0), untimed(9, 2.0)]), (2.0, 10, Quality::Good));
}

// P7: what is too old to be judged is not shown as the present either.
#[test]
fn too_old_is_history() {
    let old = stamped(10, -8 * 86_400_000, 1.0);
    let (mut slot, mut points) = (Slot::default(), 0);
    slot.reading(&old, &mut points);
    assert!(slot.values.is_empty());
    assert_eq!(slot.last_heard, Some(Timestamp(DAY + 10)));
    assert_eq!(shown(&[reading(5, 2.0), old]), (2.0, 5, Quality::Good));
}

// P: when all memory for recent readings is used, a series still shows its newest.
#[test]
fn points_are_bounded_in_all() {
    let (mut slot, mut points) = (Slot::default(), 0);
    slot.reading(&reading(1, 1.0), &mut points);
    points = POINTS_MAX;
    slot.reading(&reading(2, 2.0), &mut points);
    assert_eq!((slot.values[0].recent.clone(), points), (VecDeque::from([(DAY + 2, 2.0)]), POINTS_MAX));
}

// P: unknown says why: never, stale by age, deaf; the engine's word counts more than age, as long as it judges.
#[test]
fn unknown() {
    let (mut slot, mut points) = (Slot::default(), 0);
    let at = |ms: i64| Timestamp(DAY + ms);
    assert_eq!(slot.code(), -1);
    slot.deafen();
    assert_eq!(slot.code(), -3);
    slot.undeafen();
    assert_eq!(slot.code(), -1);
    slot.reading(&reading(1_000, 1.0), &mut points);
    assert_eq!(slot.code(), 0);
    assert!(!slot.age(at(31_000), Millis(30_000), true));
    assert!(slot.age(at(31_001), Millis(30_000), true));
    assert_eq!(slot.code(), -2);
    slot.verdict(Known::Yes);
    assert_eq!(slot.code(), 0);
    assert!(!slot.age(at(900_000), Millis(30_000), true));
    // Nothing is judged: the last word grows old like everything else, until there is a new one.
    assert!(!slot.age(at(31_000), Millis(30_000), false));
    assert!(slot.age(at(900_000), Millis(30_000), false));
    assert_eq!((slot.code(), slot.unknown()), (-2, Some(api::UnknownWhy::Stale)));
    assert!(slot.age(at(900_000), Millis(30_000), true));
    assert_eq!(slot.code(), 0);
    slot.verdict(Known::No(api::UnknownWhy::Stale));
    slot.count(Level::Orange, true);
    assert_eq!((slot.code(), slot.unknown()), (3, Some(api::UnknownWhy::Stale)));
}

// Product: under maintenance nothing it says counts, an open alert neither; it is shown, and as before at the end.
#[test]
fn under_maintenance() {
    let (mut slot, mut points) = (Slot::default(), 0);
    slot.reading(&reading(1_000, 1.0), &mut points);
    assert!(slot.maintain(true) && !slot.maintain(true));
    assert_eq!((slot.code(), slot.unknown()), (-4, Some(api::UnknownWhy::Maintenance)));
    slot.count(Level::Red, true);
    assert_eq!(slot.code(), 4, "an alert is shown all the same");
    let condition = slot.condition();
    assert_eq!((condition.unknown, condition.level, condition.score), (Some(api::UnknownWhy::Maintenance), None, None));
    assert!(slot.maintain(false));
    assert_eq!(slot.condition().score, Some(40.0));
}

// P: a known device scores by its value, at most what its open level leaves; an unknown one has only what its level says.
#[test]
fn scores() {
    let text = "[[rule]]\nid = \"r\"\ntitle = { zh = \"r\", en = \"r\" }\ndomain = \"traffic\"\n\
                when = { quantity = \"temperature\" }\nlevels = { blue = 20, red = 40 }\ndirection = \"above\"\n\
                deadband = 0\nfor = \"0s\"\nkeep_firing_for = \"0s\"\nsource = \"s\"\nadvice = { zh = \"a\", en = \"a\" }\n";
    let set = RuleSet::compile(&[("test.toml", text)]).expect("rules");
    let RuleKind::Threshold(ladder) = &set.rules[0].kind else { panic!("a ladder") };
    let (scale, primary) = (Scale::new([ladder]), quantity());
    let (mut slot, mut points) = (Slot::default(), 0);
    assert_eq!(slot.condition().score, None);
    let mut measure = |slot: &mut Slot, r: Reading| {
        slot.reading(&r, &mut points);
        slot.score(Some(&primary), &scale);
        slot.condition().score
    };
    assert_eq!(measure(&mut slot, reading(1, 5.0)), Some(100.0));
    assert_eq!(measure(&mut slot, reading(2, 15.0)), Some(97.5));
    assert_eq!(measure(&mut slot, reading(3, 30.0)), Some(67.5));
    // What rules may not compare changes no score, as it changes no verdict.
    assert_eq!(measure(&mut slot, reading(4, f64::NAN)), Some(67.5));
    assert_eq!(measure(&mut slot, Reading { quality: Quality::Range, ..reading(5, 0.0) }), Some(67.5));
    slot.count(Level::Red, true);
    assert_eq!(slot.condition().score, Some(40.0));
    assert_eq!(measure(&mut slot, reading(6, 0.0)), Some(40.0));
    slot.verdict(Known::No(api::UnknownWhy::Stale));
    assert_eq!((slot.condition().score, slot.condition().unknown.is_none()), (Some(40.0), false));
    slot.count(Level::Red, false);
    assert_eq!(slot.condition().score, None);
    // Another rule set: nothing is judged about it.
    slot.verdict(Known::Yes);
    slot.score(None, &Scale::default());
    assert_eq!(slot.condition().score, Some(100.0));
}
