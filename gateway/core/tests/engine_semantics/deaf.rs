//! When Maibo itself was deaf, nobody is accused and nothing completes.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::input::Input;

use crate::engine_world::{World, absent, depth, s, source};

// deaf series are unknown(deaf), at once and until their next reading.
#[test]
fn deaf_series_are_unknown() {
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).at(s(10)).deaf(s(8));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Deaf });
    w.run(s(600));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Deaf });
    w.listening();
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Deaf });
    w.at(s(601)).value(0.0);
    assert_eq!(w.verdict(), Verdict::Normal);
}

// after Listening a series that stays silent is stale when its time is over again.
#[test]
fn silent_after_listening_is_stale() {
    let mut w = World::new(&depth(""));
    w.at(0).value(45.0).expect(&["0 v1 firing red threshold"]);
    w.at(s(10)).deaf(s(8)).run(s(250)).expect(&[]);
    w.listening().run(s(279)).expect(&[]);
    assert_eq!(w.verdict(), Verdict::Firing { level: maibo_core::place::Level::Red, stale: true });
    w.run(s(280)).expect(&["280000 v2 firing red data_stale stale"]);
}

// timers never complete inside deaf time, not even those due between the last input and the news of it.
#[test]
fn nothing_completes_in_deaf_time() {
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0);
    w.at(s(300)).stopped(s(10)).expect(&[]);
    w.at(s(301)).listening().expect(&[]);
    w.run(s(400)).expect(&[]);
    let mut w = World::new(&depth("keep_firing_for = \"20s\""));
    w.at(0).value(12.0).at(s(5)).value(0.0).expect(&["0 v1 firing blue threshold"]);
    w.at(s(300)).stopped(s(10)).at(s(301)).listening().expect(&[]);
}

// what was due before the deafness began still happens, at its own time.
#[test]
fn what_was_due_before_still_happens() {
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0);
    w.at(s(300)).stopped(s(25)).expect(&["20000 v1 firing blue threshold"]);
}

// after Listening the readings alone decide: a `for` bridged by readings less than stale_after apart continues.
#[test]
fn drained_readings_bridge_the_deaf_time() {
    let mut w = World::new(&depth("for = \"60s\""));
    w.at(0).value(12.0).at(s(10)).value(12.0);
    w.at(s(300)).stopped(s(15)).at(s(301)).listening().expect(&[]);
    w.at(s(302)).value_at(s(39), 12.0).value_at(s(59), 12.0).expect(&[]);
    w.value_at(s(70), 12.0).expect(&["60000 v1 firing blue threshold stale historic"]);
    assert_eq!(w.last().started_at.0, crate::engine_world::ZERO);
}

// a gap of stale_after or more resets what is pending, and stops a recovery.
#[test]
fn a_gap_in_the_drained_readings_resets() {
    let mut w = World::new(&depth("for = \"60s\""));
    w.at(0).value(12.0).at(s(10)).value(12.0);
    w.at(s(300)).stopped(s(15)).at(s(301)).listening();
    w.at(s(302)).value_at(s(40), 12.0).value_at(s(65), 12.0).value_at(s(90), 12.0).expect(&[]);
    w.value_at(s(100), 12.0).expect(&["100000 v1 firing blue threshold stale historic"]);
    let mut w = World::new(&depth("keep_firing_for = \"60s\""));
    w.at(0).value(12.0).at(s(10)).value(0.0).expect(&["0 v1 firing blue threshold"]);
    w.at(s(300)).stopped(s(15)).at(s(301)).listening();
    w.at(s(302)).value(0.0).expect(&[]);
    w.run(s(331)).value(0.0).run(s(345)).value(0.0).run(s(361)).expect(&[]);
    w.run(s(362)).expect(&["362000 v2 resolved blue recovered"]);
}

// a recovery that went stale after the deafness restarts at the next reading, even at a drained one that is close. What is
// drained freshens nothing, and keeps its own time: the word that data went stale is no event of the values.
#[test]
fn a_stale_recovery_restarts_at_a_drained_reading() {
    let mut w = World::new(&depth("keep_firing_for = \"60s\""));
    w.at(0).value(12.0).at(s(10)).value(0.0).expect(&["0 v1 firing blue threshold"]);
    w.at(s(100)).stopped(s(12)).listening().run(s(130)).expect(&["130000 v2 firing blue data_stale stale"]);
    w.at(s(140)).value_at(s(35), 0.0).expect(&[]);
    w.value_at(s(60), 0.0).value_at(s(75), 0.0).expect(&[]);
    w.value_at(s(96), 0.0).expect(&["95000 v3 resolved blue recovered stale"]);
}

// no absence accusation while deaf; afterwards a grace of max(interval, 60 s) and a spread of up to an interval.
#[test]
fn no_absence_in_deaf_time_and_a_grace_after() {
    let mut w = World::new(&absent());
    w.at(0).alive().at(s(5)).deaf(s(5)).run(s(600)).expect(&[]);
    w.listening().run(s(660) - 1).expect(&[]);
    w.run(s(670));
    assert_eq!(w.transitions().len(), 1);
    let at = w.last().at.0 - crate::engine_world::ZERO;
    assert!((s(660)..=s(670)).contains(&at), "{at}");
}

// absence counts listening time only: 25 of 30 s before the deafness, none during it, the rest after.
#[test]
fn absence_counts_listening_time() {
    let mut w = World::every("60s", &absent());
    w.at(0).alive().run(s(25)).deaf(s(25)).run(s(600)).listening();
    w.run(s(600 + 180 - 25) - 1).expect(&[]);
    w.run(s(600 + 180 - 25)).expect(&["755000 v1 firing yellow absent"]);
}

// an open absence alert stays through a deafness, and ends with the device's own sign of life.
#[test]
fn an_open_absence_stays() {
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(30)).expect(&["30000 v1 firing yellow absent"]);
    w.at(s(40)).deaf(s(40)).at(s(50)).listening().run(s(500)).expect(&[]);
    w.alive().expect(&["500000 v2 resolved yellow returned"]);
}

// several sources: all must hear; who speaks meanwhile is not deaf.
#[test]
fn with_several_sources_all_must_hear() {
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).at(s(1)).deaf(s(1));
    w.batch(vec![Input::Deaf {
        source: Some(source("t")),
        from: maibo_core::time::Timestamp(crate::engine_world::ZERO + 1000),
    }]);
    w.at(s(2)).listening();
    w.run(s(100));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Deaf });
    w.at(s(101)).value(0.0);
    assert_eq!(w.verdict(), Verdict::Normal);
    w.run(s(131));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Stale });
}
