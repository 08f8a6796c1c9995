//! Silence of a series is not recovery.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::place::Level;

use maibo_core::input::Input;

use crate::engine_world::{World, depth, ladder, reading, s};

// never seen: unknown, inactive; with the first value it is normal.
#[test]
fn never_seen_is_unknown() {
    let mut w = World::new(&depth(""));
    w.run(s(600)).expect(&[]);
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Never });
    w.value(0.0);
    assert_eq!(w.verdict(), Verdict::Normal);
}

// stale: the verdict is unknown at the age of three intervals, and known again with the next value.
#[test]
fn a_value_too_old_is_unknown() {
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).run(s(29));
    assert_eq!(w.verdict(), Verdict::Normal);
    w.run(s(30));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Stale });
    w.at(s(31)).value(0.0);
    assert_eq!(w.verdict(), Verdict::Normal);
}

// staleness follows the interval (at least 30 s), the rule where it says so, and 60 s where nothing is known.
#[test]
fn where_staleness_comes_from() {
    for (interval, more, at) in [("1s", "", 30), ("20s", "", 60), ("", "", 60), ("20s", "stale_after = \"5s\"", 5)] {
        let mut w = World::every(interval, &depth(more));
        w.at(0).value(0.0).run(s(at) - 1);
        assert_eq!(w.verdict(), Verdict::Normal, "{interval} {more}");
        w.run(s(at));
        assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Stale }, "{interval} {more}");
    }
}

// pending goes stale: inactive, nothing is told, and `for` begins anew with the next value.
#[test]
fn pending_goes_stale() {
    let mut w = World::new(&depth("for = \"40s\"\nmin_samples = 1"));
    w.at(0).value(12.0).run(s(60)).expect(&[]);
    w.at(s(60)).value(12.0).run(s(80)).value(12.0).run(s(99)).expect(&[]);
    w.run(s(100)).expect(&["100000 v1 firing blue threshold"]);
}

// firing goes stale: stays firing, marked; fresh again with the next value.
#[test]
fn firing_goes_stale_and_stays() {
    let mut w = World::new(&depth(""));
    w.at(0).value(45.0).run(s(299)).expect(&["0 v1 firing red threshold", "30000 v2 firing red data_stale stale"]);
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Red, stale: true });
    w.at(s(299)).value(41.0).expect(&["299000 v3 firing red data_fresh"]);
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Red, stale: false });
}

// firing goes stale: keep_firing_for is cancelled and restarts at the next reading.
#[test]
fn staleness_cancels_the_recovery() {
    let mut w = World::new(&depth("keep_firing_for = \"40s\""));
    w.at(0).value(12.0).at(s(10)).value(0.0).run(s(100));
    w.expect(&["0 v1 firing blue threshold", "40000 v2 firing blue data_stale stale"]);
    w.at(s(100)).value(0.0).expect(&["100000 v3 firing blue data_fresh"]);
    w.run(s(120)).value(9.0).run(s(139)).expect(&[]);
    w.run(s(140)).expect(&["140000 v4 resolved blue recovered"]);
}

// recovery: at the end of keep_firing_for on a held value that is still fresh, that moment included.
#[test]
fn recovery_on_a_fresh_held_value() {
    let mut w = World::new(&depth("keep_firing_for = \"30s\""));
    w.at(0).value(12.0).at(s(10)).value(0.0).run(s(60));
    w.expect(&["0 v1 firing blue threshold", "40000 v2 resolved blue recovered"]);
}

// firing goes stale while a higher level is pending: that one begins anew.
#[test]
fn a_pending_level_of_a_firing_episode_goes_stale() {
    let more = "for = { blue = \"0s\", yellow = \"40s\", orange = \"40s\", red = \"40s\" }\nmin_samples = 1";
    let mut w = World::new(&depth(more));
    w.at(0).value(25.0).run(s(35)).value(25.0).run(s(64));
    w.expect(&[
        "0 v1 firing blue threshold",
        "30000 v2 firing blue data_stale stale",
        "35000 v3 firing blue data_fresh",
    ]);
    w.value(25.0).run(s(74)).expect(&[]);
    w.run(s(75)).expect(&["75000 v4 firing yellow raised"]);
}

// a gap in event time that was never seen in engine time (a shrinking lag) is no bridge either.
#[test]
fn timers_do_not_bridge_a_gap_in_event_time() {
    let mut w = World::new(&depth("for = \"50s\"\nmin_samples = 1"));
    w.at(s(100)).value_at(0, 12.0);
    w.at(s(101)).value_at(s(60), 12.0).expect(&[]);
    w.at(s(102)).value_at(s(89), 12.0).expect(&[]);
    w.at(s(103)).value_at(s(103), 12.0).expect(&[]);
    w.run(s(109)).expect(&[]);
    w.run(s(110)).expect(&["110000 v1 firing blue threshold"]);
}

// never seen: a device that is heard, but of whose judged quantity no value that can be compared ever came, is not normal.
#[test]
fn a_judged_quantity_without_a_value_is_unknown() {
    let hot = ladder("hot", "when = { quantity = \"temperature\" }\nlevels = { red = 40 }\ndirection = \"above\"");
    let never = Verdict::Unknown { why: Unknown::Never };
    let mut w = World::new(&(depth("") + &hot));
    w.at(0).alive();
    assert_eq!(w.known(), never, "a heartbeat is no value");
    w.value(0.0);
    assert_eq!(w.known(), never, "of temperature");
    let named = w.machine.devices().next().and_then(|d| d.quantity.map(ToString::to_string));
    assert_eq!(named.as_deref(), Some("temperature"));
    let broken = reading("d", "temperature", 1, 1, f64::NAN);
    w.at(1).batch(vec![Input::Reading(broken)]).restart();
    assert_eq!(w.known(), never, "what cannot be compared is none");
    w.at(2).batch(vec![Input::Reading(reading("d", "temperature", 2, 2, 20.0))]);
    assert_eq!((w.known(), w.verdict()), (Verdict::Normal, Verdict::Normal));
    w.at(3).batch(vec![Input::Reading(reading("d", "temperature", 3, 3, 50.0))]);
    assert!(matches!(w.known(), Verdict::Firing { .. }), "an alert comes first");
    // A rule that begins to judge another quantity makes it unknown, and one that goes makes it known.
    let wind = ladder("wind", "when = { quantity = \"wind_speed\" }\nlevels = { red = 30 }\ndirection = \"above\"");
    w.at(4).edit(&(depth("") + &wind));
    assert_eq!((w.known(), w.verdict()), (never, never));
    w.at(5).edit(&depth(""));
    assert_eq!(w.known(), Verdict::Normal);
}
