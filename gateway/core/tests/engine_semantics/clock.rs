//! Devices without a time of their own, and devices whose clock is wrong.

use maibo_core::engine::{CLOCK_RULE, Unknown, Verdict};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::reading::{Quality, Reading};

use crate::engine_world::{World, ZERO, catalogue, depth, reading, s, untimed};

fn take(w: &mut World, readings: Vec<Reading>) -> &mut World {
    w.batch(readings.into_iter().map(Input::Reading).collect())
}

// format without source time: two in one millisecond are two values, in the order they came in; the newest is held.
#[test]
fn two_untimed_values_in_one_millisecond() {
    let mut w = World::new(&depth(""));
    take(w.at(s(1)), vec![untimed(s(1), 12.0), untimed(s(1), 25.0), untimed(s(1), 0.0)]);
    w.expect(&["1000 v1 firing blue threshold", "1001 v2 firing yellow raised", "1002 v3 resolved yellow recovered"]);
    assert_eq!((w.out.counts.judged, w.out.counts.conflict, w.out.counts.duplicate), (3, 0, 0));
    take(w.at(s(1) + 1), vec![untimed(s(1) + 1, 12.0)]).expect(&["1003 v1 firing blue threshold"]);
    take(w.at(s(2)), vec![untimed(s(2), 0.0)]).expect(&["2000 v2 resolved blue recovered"]);
}

// an untimed value that is said again is new: there is nothing by which a copy could be told.
#[test]
fn an_untimed_value_is_always_new() {
    let mut w = World::new(&depth("min_samples = 3"));
    take(w.at(s(1)), vec![untimed(s(1), 12.0), untimed(s(1), 12.0), untimed(s(1), 12.0)]);
    w.expect(&["1002 v1 firing blue threshold"]);
    assert_eq!((w.out.counts.judged, w.out.counts.duplicate), (3, 0));
}

// ahead of now, and far ahead or before 2000: borrowed times collapse no values either.
#[test]
fn borrowed_times_collapse_nothing() {
    for ahead in [10, s(30), s(31), -ZERO] {
        let mut w = World::new(&depth(""));
        let now = s(10);
        let at = |more: i64, value| reading("d", "water_depth", now + ahead + more, now, value);
        take(w.at(now), vec![at(0, 12.0), at(1, 0.0)]);
        w.expect(&["10000 v1 firing blue threshold", "10001 v2 resolved blue recovered"]);
        assert_eq!((w.out.counts.judged, w.out.counts.conflict), (2, 0), "{ahead}");
    }
}

// ahead of now: a copy is a duplicate, at once and when its time has come.
#[test]
fn a_copy_of_a_value_ahead_is_a_duplicate() {
    let mut w = World::new(&depth("min_samples = 2"));
    w.at(s(1)).value_at(s(11), 12.0).value_at(s(11), 12.0).expect(&[]);
    assert_eq!((w.out.counts.duplicate, w.out.counts.judged), (1, 0));
    w.at(s(5)).value_at(s(11), 12.0).at(s(20)).value_at(s(11), 12.0).expect(&[]);
    assert_eq!((w.out.counts.duplicate, w.out.counts.judged), (1, 0), "and no longer ahead");
    w.value_at(s(12), 12.0).expect(&["12000 v1 firing blue threshold"]);
}

// a wrong clock: a copy is a duplicate while no regular reading can have come; a clock that stands still silences nothing.
#[test]
fn a_clock_that_stands_still() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value_at(-ZERO, 0.0).at(s(5)).value_at(-ZERO, 0.0);
    assert_eq!((w.out.counts.duplicate, w.out.counts.judged), (1, 0));
    for n in 1..10 {
        w.run(s(1 + 10 * n)).value_at(-ZERO, 0.0);
        assert_eq!((w.out.counts.duplicate, w.out.counts.judged), (0, 1), "{n}");
        assert!(matches!(w.known(), Verdict::Normal | Verdict::Firing { stale: false, .. }), "{n}: {:?}", w.known());
    }
}

// a time that cannot be read is a clock fault too, although the value comes without a time.
#[test]
fn an_unreadable_time_is_counted() {
    let mut w = World::new(&depth(""));
    let bad = Reading { quality: Quality::Clock, ..untimed(s(1), 12.0) };
    take(w.at(s(1)), vec![bad]).expect(&["1000 v1 firing blue threshold"]);
    assert_eq!(w.out.counts.clock, 1);
}

/// Regular readings with a steady lag, a second more or less, and the clock moving along.
fn lagging(w: &mut World, n: i64, lag: i64, value: f64) {
    for i in 0..n {
        let now = w.machine.now().map_or(0, |t| t.0 - ZERO) + s(10);
        w.run(now).value_at(now - lag + (i % 3) * 700, value);
    }
}

// a lag steady over 10 regular readings and more than 5 minutes: a wrong clock, judged at the receive time from then on.
#[test]
fn a_steady_lag_is_a_wrong_clock() {
    // The last one is a clock that begins at a fixed date years ago whenever it loses its power.
    for lag in [s(310), s(8 * 3600), s(3 * 365 * 86_400)] {
        let mut w = World::new(&depth(""));
        lagging(&mut w, 9, lag, 0.0);
        assert_eq!(w.out.counts.clock, 0);
        assert!(matches!(w.known(), Verdict::Unknown { .. }), "old data: {:?}", w.known());
        lagging(&mut w, 1, lag, 0.0);
        assert_eq!((w.out.counts.clock, w.known()), (1, Verdict::Normal), "{lag}");
        lagging(&mut w, 1, lag, 12.0);
        w.restart().expect(&["110000 v1 firing blue threshold"]);
        // One that comes late changes nothing: a wrong clock stays wrong until it is right.
        w.run(s(135)).value_at(s(110) - lag, 0.0);
        w.expect(&["135000 v2 resolved blue recovered", "135000 v1 firing blue clock_wrong"]);
    }
}

// a wrong clock that is set is used again where it takes nothing back that was judged at a receive time.
#[test]
fn a_clock_that_is_set() {
    let mut w = World::new(&depth(""));
    lagging(&mut w, 12, s(3600), 0.0);
    w.run(s(130)).value_at(s(130 - 240), 12.0);
    assert_eq!((w.out.counts.judged, w.out.counts.clock), (1, 1), "four minutes behind is before what is held");
    w.run(s(140)).value_at(s(139), 0.0);
    assert_eq!((w.out.counts.judged, w.out.counts.clock), (1, 0));
    w.run(s(150)).value_at(s(135), 0.0);
    assert_eq!((w.out.counts.late, w.out.counts.clock), (1, 0), "its own time counts again");
}

// a store that drains catches up, and one that sends in bulk has every age at once: neither is a clock.
#[test]
fn what_was_stored_is_no_wrong_clock() {
    let mut w = World::new(&depth(""));
    for n in 0..100 {
        w.at(s(4000 + 5 * n)).value_at(s(10 * n), 0.0);
        assert_eq!(w.out.counts.clock, 0, "drained {n}");
    }
    let mut w = World::new(&depth(""));
    for n in 1..30 {
        let now = s(600 * n);
        let bulk = (0..60).map(|i| reading("d", "water_depth", now - s(10 * (60 - i)), now, 0.0)).collect();
        take(w.at(now), bulk);
        assert_eq!(w.out.counts.clock, 0, "bulk {n}");
    }
}

// three clock faults: one blue alert about the device; three right times in a row end it.
#[test]
fn a_wrong_clock_is_one_alert() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value_at(-ZERO, 0.0).at(s(11)).value_at(-ZERO + 1, 0.0).expect(&[]);
    w.at(s(21)).value_at(-ZERO + 2, 0.0).expect(&["21000 v1 firing blue clock_wrong"]);
    let t = w.last();
    assert_eq!((t.rule.as_str(), &*t.subject.id(), t.started_at.0 - ZERO), (CLOCK_RULE, "d", s(1)));
    assert_eq!(w.known(), Verdict::Firing { level: Level::Blue, stale: false });
    w.restart().at(s(31)).value_at(-ZERO + 3, 0.0).at(s(41)).value(0.0).at(s(51)).value(0.0).expect(&[]);
    w.at(s(61)).value_at(-ZERO, 0.0).at(s(71)).value(0.0).at(s(81)).value(0.0).restart().expect(&[]);
    w.at(s(91)).value(0.0).expect(&["91000 v2 resolved blue clock_right"]);
    assert_eq!(w.known(), Verdict::Normal);
    // The next trouble is another episode, and ends with the device.
    w.at(s(101)).value_at(-ZERO, 0.0).at(s(111)).value_at(-ZERO + 1, 0.0).at(s(121)).value_at(-ZERO + 2, 0.0);
    w.expect(&["121000 v1 firing blue clock_wrong"]);
    assert_ne!(w.transitions()[0].episode, w.last().episode);
    w.at(s(122)).edit_catalogue(&catalogue(&[])).expect(&["122000 v2 resolved blue subject_gone"]);
}

// a message with many values is one fault, and a wrong clock says nothing about values: what is unknown stays so.
#[test]
fn faults_are_counted_by_message() {
    let mut w = World::new(&depth(""));
    for n in 1..=3 {
        let now = s(10 * n);
        let of = |quantity| reading("d", quantity, -ZERO + n, now, 1.0);
        take(w.at(now), ["temperature", "humidity", "wind_speed"].map(of).to_vec());
        assert_eq!((w.out.counts.clock, w.transitions().len()), (3, usize::from(n == 3)), "{n}");
    }
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Never });
}
