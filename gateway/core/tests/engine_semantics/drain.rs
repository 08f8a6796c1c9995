//! A device that sends what it stored is alive, and its values are old.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::input::Input;
use maibo_core::place::Level;

use crate::engine_world::{World, absent, depth, ladder, s, untimed};

// draining: alive and stale. No absence is told, and what is old is not known.
#[test]
fn a_draining_device_is_alive_and_stale() {
    let mut w = World::new(&(depth("") + &absent()));
    for n in 0..20 {
        w.run(s(1000 + 10 * n)).value_at(s(20 * n), 0.0);
        assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale }, "{n}");
    }
    w.expect(&[]);
    w.run(s(1200)).value_at(s(1171), 0.0);
    assert_eq!(w.known(), Verdict::Normal, "younger than three intervals");
    w.run(s(1210)).value_at(s(1180), 0.0);
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale }, "as old as three intervals");
}

// draining behind a firing alert: it stays marked until what comes is fresh.
#[test]
fn draining_freshens_nothing() {
    let mut w = World::new(&depth(""));
    w.at(0).value(45.0).run(s(280)).expect(&["0 v1 firing red threshold", "30000 v2 firing red data_stale stale"]);
    w.value_at(s(20), 45.0).value_at(s(40), 45.0).expect(&[]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: true });
    w.value_at(s(60), 35.0).expect(&["60000 v3 firing orange lowered stale historic"]);
    w.restart().value_at(s(270), 35.0).expect(&["270000 v4 firing orange data_fresh"]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Orange, stale: false });
}

// data that begin to lag behind a firing alert go stale when what comes is too old, although something comes.
#[test]
fn a_growing_lag_goes_stale() {
    let mut w = World::new(&depth(""));
    w.at(0).value(45.0).at(s(20)).value_at(s(5), 45.0).at(s(39)).value_at(s(10), 45.0);
    w.expect(&["0 v1 firing red threshold"]);
    w.at(s(45)).value_at(s(15), 45.0).expect(&["15000 v2 firing red data_stale stale"]);
    w.at(s(46)).value_at(s(17), 45.0).expect(&["17000 v3 firing red data_fresh"]);
}

// timers of what is drained run on readings alone: nothing completes by itself in stale time.
#[test]
fn nothing_completes_by_itself_while_draining() {
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(s(1000)).value_at(0, 12.0).run(s(2000)).expect(&[]);
    w.value_at(s(20), 12.0).expect(&["20000 v1 firing blue threshold stale historic"]);
}

// without times of their own readings drain within half an interval of one another, that moment included: two of them are
// no range.
#[test]
fn exactly_half_an_interval_later_it_drains_still() {
    let lines = "when = { quantity = \"water_depth\" }\nlevels = { yellow = 10 }\ndirection = \"above\"\nsignal = \"range\"\nwindow = \"20s\"";
    let mut w = World::new(&ladder("range", lines));
    w.at(0).batch(vec![Input::Reading(untimed(0, 0.0))]).deaf(0);
    w.at(1).batch(vec![Input::Reading(untimed(1, 0.0))]).at(5_001).listening();
    w.batch(vec![Input::Reading(untimed(5_001, 10.0))]).expect(&[]);
}
