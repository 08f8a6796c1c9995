//! Which time a reading is judged at.

use maibo_core::input::Input;
use maibo_core::reading::Quality;

use crate::engine_world::{World, ZERO, depth, reading, s};

// NaN, infinities and implausible values never compare; the series does not even notice them.
#[test]
fn what_cannot_be_compared_moves_nothing() {
    let mut w = World::new(&depth(""));
    for (i, value) in (0..).zip([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]) {
        w.at(i).value(value).expect(&[]);
        assert_eq!(w.out.counts.incomparable, 1);
    }
    let mut r = reading("d", "water_depth", 5, 5, 1000.0);
    r.quality = Quality::Range;
    w.at(5).batch(vec![Input::Reading(r)]).expect(&[]);
    w.at(6).value(12.0).expect(&["6 v1 firing blue threshold"]);
    w.at(7).value(f64::NAN).expect(&[]);
    w.run(s(60)).expect(&["30006 v2 firing blue data_stale stale"]);
}

// late readings do not move state; a late value above an open limit is counted, above any other it is history.
#[test]
fn late_readings_are_history() {
    let mut w = World::new(&depth(""));
    w.at(s(10)).value(0.0);
    w.at(s(11)).value_at(s(9), 45.0).expect(&[]);
    assert_eq!((w.out.counts.late, w.out.counts.late_exceeding), (1, 0), "nothing is open");
    w.at(s(12)).value(25.0).expect(&["12000 v1 firing yellow threshold"]);
    for (value, exceeding) in [(19.0, 0), (20.0, 1), (45.0, 1)] {
        w.value_at(s(9), value).expect(&[]);
        assert_eq!((w.out.counts.late, w.out.counts.late_exceeding), (1, exceeding), "{value}: yellow is open");
    }
}

// same series, same millisecond: equal is a duplicate, different a conflict; the first wins.
#[test]
fn the_first_of_one_millisecond_wins() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value(12.0).expect(&["1000 v1 firing blue threshold"]);
    w.value(12.0).expect(&[]);
    assert_eq!(w.out.counts.duplicate, 1);
    w.value(0.0).expect(&[]);
    assert_eq!(w.out.counts.conflict, 1);
}

// ahead of now by at most 30 s: judged at the receive time, nothing is wrong.
#[test]
fn a_little_ahead_is_now() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value_at(s(31), 12.0).expect(&["1000 v1 firing blue threshold"]);
    assert_eq!(w.out.counts.clock, 0);
}

// further ahead, or before 2000: the time is wrong, the value is judged at the receive time.
#[test]
fn a_wrong_clock_does_not_silence_the_value() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value_at(s(1) + 30_001, 12.0).expect(&["1000 v1 firing blue threshold"]);
    assert_eq!(w.out.counts.clock, 1);
    w.at(s(2)).value_at(-ZERO, 0.0).expect(&["2000 v2 resolved blue recovered"]);
    assert_eq!(w.out.counts.clock, 1);
}

// older than seven days: history only.
#[test]
fn older_than_seven_days_is_not_judged() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value_at(s(1) - 604_800_001, 45.0).expect(&[]);
    assert_eq!((w.out.counts.too_old, w.out.counts.judged), (1, 0));
    w.at(s(2)).value_at(s(2) - 604_800_000, 45.0).expect(&["-604798000 v1 firing red threshold stale historic"]);
}

// format without source time: the event time is the receive time.
#[test]
fn untimed_is_now() {
    let mut w = World::new(&depth(""));
    let mut r = reading("d", "water_depth", -ZERO, s(1), 12.0);
    r.timed = false;
    w.at(s(1)).batch(vec![Input::Reading(r)]).expect(&["1000 v1 firing blue threshold"]);
    assert_eq!(w.out.counts.clock, 0);
}

// lagging device: its deadlines fire on its own clock, `now` minus its lag.
#[test]
fn a_lagging_series_has_its_own_clock() {
    let mut w = World::new(&depth("for = \"10s\"\nmin_samples = 1"));
    w.at(s(25)).value_at(0, 12.0).expect(&[]);
    w.run(s(34)).expect(&[]);
    w.run(s(35)).expect(&["10000 v1 firing blue threshold"]);
    assert_eq!(w.facts.last().expect("a fact").at.0 - ZERO, s(35), "decided in engine time");
    w.run(s(54)).expect(&[]);
    w.run(s(55)).expect(&["30000 v2 firing blue data_stale stale"]);
}

// historic: a transition that lies back by more than max(60 s, 2 intervals).
#[test]
fn what_lies_far_back_is_historic() {
    let mut w = World::new(&depth(""));
    w.at(s(100)).value_at(s(40), 12.0).expect(&["40000 v1 firing blue threshold stale"]);
    w.at(s(111)).value_at(s(50), 25.0).expect(&["50000 v2 firing yellow raised stale historic"]);
    w.at(s(112)).value_at(s(111), 45.0);
    w.expect(&["111000 v3 firing yellow data_fresh", "111000 v4 firing red raised"]);
    let mut w = World::every("5m", &depth(""));
    w.at(s(600)).value_at(0, 12.0).expect(&["0 v1 firing blue threshold"]);
    w.at(s(601)).value_at(s(1), 25.0).expect(&["1000 v2 firing yellow raised"]);
    w.at(s(603)).value_at(s(2), 45.0).expect(&["2000 v3 firing red raised historic"]);
}

// a drained backlog is judged in its own time: the deadline between two of its readings falls between them.
#[test]
fn a_backlog_is_judged_in_its_own_time() {
    let mut w = World::new(&depth("for = \"15s\"\nkeep_firing_for = \"15s\"\nmin_samples = 1"));
    let at = s(3600);
    w.at(at);
    for (t, value) in [(0, 12.0), (10, 12.0), (20, 0.0), (30, 0.0), (40, 0.0)] {
        w.value_at(s(t), value);
    }
    w.expect(&["15000 v1 firing blue threshold stale historic", "35000 v2 resolved blue recovered stale historic"]);
}

// clock step: engine time jumps, receive-time deadlines jump with it, event-time state does not notice.
#[test]
fn a_clock_step_brings_no_deadline_nearer() {
    let rules = depth("for = \"20s\"\nmin_samples = 1") + &crate::engine_world::absent();
    let mut w = World::new(&rules);
    w.at(0).value(12.0).at(s(5)).tick().expect(&[]);
    w.at(s(3605)).clock_step(s(3600)).expect(&[]);
    w.run(s(3619)).expect(&[]);
    w.run(s(3620)).expect(&["20000 v1 firing blue threshold historic"]);
    w.run(s(3629)).expect(&[]);
    w.run(s(3630));
    let rules: Vec<_> = w.transitions().iter().map(|t| t.rule.as_str().to_owned()).collect();
    assert_eq!(rules, ["depth", "depth", "silent"]);
}

// clock step backwards: engine time goes on, nothing is due earlier.
#[test]
fn a_step_back_changes_nothing() {
    let mut w = World::new(&crate::engine_world::absent());
    w.at(0).alive().at(s(5)).clock_step(-s(3600)).run(s(29)).expect(&[]);
    w.run(s(30)).expect(&["30000 v1 firing yellow absent"]);
}
