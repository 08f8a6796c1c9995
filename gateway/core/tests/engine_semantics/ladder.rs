//! Comparison, ladders and their timers.

use maibo_core::engine::Verdict;
use maibo_core::place::Level;

use crate::engine_world::{World, depth, ladder, s};

// compare: on at v ≥ L, off at v < L − deadband and not before.
#[test]
fn above_is_on_at_the_limit_and_off_behind_the_deadband() {
    let mut w = World::new(&depth(""));
    w.at(0).value(9.99).expect(&[]);
    w.at(s(1)).value(10.0).expect(&["1000 v1 firing blue threshold"]);
    w.at(s(2)).value(8.0).expect(&[]);
    w.at(s(3)).value(7.99).expect(&["3000 v2 resolved blue recovered"]);
    w.at(s(4)).value(9.0).expect(&[]);
}

// compare: below is the mirror image.
#[test]
fn below_is_the_mirror_image() {
    let rule = "when = { quantity = \"water_depth\" }\nlevels = { blue = 10, yellow = 5 }\ndirection = \"below\"\ndeadband = 1";
    let mut w = World::new(&ladder("low", rule));
    w.at(0).value(10.1).expect(&[]);
    w.at(1).value(10.0).expect(&["1 v1 firing blue threshold"]);
    w.at(2).value(5.0).expect(&["2 v2 firing yellow raised"]);
    w.at(3).value(6.0).expect(&[]);
    w.at(4).value(6.1).expect(&["4 v3 firing blue lowered"]);
    w.at(5).value(11.1).expect(&["5 v4 resolved blue recovered"]);
}

// compare: outside a band on either side, back inside by the deadband.
#[test]
fn outside_a_band() {
    let rule = "when = { quantity = \"ph\" }\nlevels = { yellow = [6, 9], red = [4, 11] }\ndirection = \"outside\"\ndeadband = 0.5";
    let mut w = World::new(&ladder("ph", rule));
    let ph = |w: &mut World, at: i64, value: f64| {
        let r = crate::engine_world::reading("d", "ph", at, at, value);
        w.at(at).batch(vec![maibo_core::input::Input::Reading(r)]);
    };
    ph(&mut w, 1, 9.0);
    w.expect(&[]);
    ph(&mut w, 2, 9.1);
    w.expect(&["2 v1 firing yellow threshold"]);
    assert_eq!(w.last().threshold, Some(9.0));
    ph(&mut w, 3, 3.9);
    w.expect(&["3 v2 firing red raised"]);
    assert_eq!(w.last().threshold, Some(4.0));
    ph(&mut w, 4, 6.4);
    w.expect(&["4 v3 firing yellow lowered"]);
    ph(&mut w, 5, 6.5);
    w.expect(&["5 v4 resolved yellow recovered"]);
}

// ladder with `for`: a jump 0 ▸ red starts all timers and is one transition when they complete.
#[test]
fn a_jump_to_red_is_one_transition() {
    let mut w = World::new(&depth("for = \"20s\""));
    w.values(s(10), &[0.0, 45.0, 45.0]).expect(&[]);
    assert_eq!(w.verdict(), Verdict::Pending { level: Level::Red });
    w.run(s(30)).expect(&["30000 v1 firing red threshold"]);
    assert_eq!((w.last().started_at.0 - crate::engine_world::ZERO, w.last().threshold), (s(10), Some(40.0)));
}

// ladder: each level has its own timer; a value that keeps rising raises the episode level by level.
#[test]
fn each_level_has_its_own_timer() {
    let mut w = World::new(&depth("for = \"20s\""));
    w.values(s(10), &[12.0, 12.0, 25.0, 25.0, 45.0, 45.0, 45.0]);
    w.expect(&["20000 v1 firing blue threshold", "40000 v2 firing yellow raised", "60000 v3 firing red raised"]);
}

// ladder: per-level `for`.
#[test]
fn per_level_for() {
    let mut w = World::new(&depth("for = { blue = \"1m\", yellow = \"1m\", orange = \"1m\", red = \"0s\" }"));
    w.at(0).value(12.0).expect(&[]);
    w.at(s(10)).value(45.0).expect(&["10000 v1 firing red threshold"]);
    assert_eq!(w.last().started_at.0 - crate::engine_world::ZERO, 0, "pending since the first level");
}

// ladder: stepping down uses that level's keep_firing_for; the peak stays on record.
#[test]
fn stepping_down_takes_that_levels_time() {
    let mut w =
        World::new(&depth("keep_firing_for = { blue = \"15s\", yellow = \"25s\", orange = \"0s\", red = \"5s\" }"));
    w.at(0).value(45.0).expect(&["0 v1 firing red threshold"]);
    w.at(s(10)).value(0.0).expect(&[]);
    w.run(s(60)).expect(&["15000 v2 firing yellow lowered", "35000 v3 resolved yellow recovered"]);
    assert_eq!(w.last().peak, Level::Red);
}

// recovery: a value that comes back within keep_firing_for stops its timer.
#[test]
fn coming_back_stops_the_recovery() {
    let mut w = World::new(&depth("keep_firing_for = \"30s\""));
    w.values(s(10), &[12.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0, 0.0]);
    w.expect(&["0 v1 firing blue threshold", "70000 v2 resolved blue recovered"]);
}

// episode: a value that leaves within `for` never was an alert.
#[test]
fn leaving_before_for_is_nothing() {
    let mut w = World::new(&depth("for = \"21s\""));
    w.values(s(10), &[12.0, 0.0, 12.0, 12.0, 0.0]).run(s(50)).expect(&[]);
    w.values(s(10), &[12.0, 12.0, 12.0, 12.0]).expect(&["71000 v1 firing blue threshold"]);
}

// compare: inside the deadband a pending level stays pending.
#[test]
fn the_deadband_holds_pending_too() {
    let mut w = World::new(&depth("for = \"20s\""));
    w.values(s(10), &[10.0, 8.5, 8.0]).expect(&["20000 v1 firing blue threshold"]);
}

// held value: `for` completes by a deadline on one held value while the series is fresh.
#[test]
fn for_completes_on_a_held_value() {
    let mut w = World::every("60s", &depth("for = \"20s\""));
    w.at(0).value(12.0).run(s(20)).expect(&["20000 v1 firing blue threshold"]);
}

// held value: where the interval is below `for`, one sample is not enough, unless the rule says so.
#[test]
fn one_sample_is_not_enough_where_more_should_have_come() {
    let mut w = World::new(&depth("for = \"20s\""));
    w.at(0).value(12.0).run(s(29)).expect(&[]);
    w.at(s(29)).value(12.0).expect(&["29000 v1 firing blue threshold"]);
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0).run(s(29)).expect(&["20000 v1 firing blue threshold"]);
    let mut w = World::new(&depth("min_samples = 3"));
    w.values(s(10), &[12.0, 12.0, 12.0]).expect(&["20000 v1 firing blue threshold"]);
}

// held value contradicted: a reading inside the span says otherwise; resolved at once, told as a correction.
#[test]
fn a_held_value_can_be_contradicted() {
    let mut w = World::every("60s", &depth("for = \"20s\"\nkeep_firing_for = \"1m\""));
    w.at(0).value(12.0).run(s(25)).expect(&["20000 v1 firing blue threshold"]);
    w.at(s(26)).value_at(s(15), 0.0).expect(&["20000 v2 resolved blue contradicted"]);
}

// held value contradicted: only what completed on the held value; the rest of the ladder stands.
#[test]
fn a_contradiction_takes_back_only_its_level() {
    let more = "for = { blue = \"0s\", yellow = \"0s\", orange = \"0s\", red = \"20s\" }\nkeep_firing_for = \"1m\"";
    let mut w = World::every("60s", &depth(more));
    w.at(0).value(45.0).run(s(25)).expect(&["0 v1 firing orange threshold", "20000 v2 firing red raised"]);
    w.at(s(26)).value_at(s(15), 32.0).expect(&["20000 v3 firing orange contradicted"]);
}

// episode id: the same inputs give the same id; equal triples are counted.
#[test]
fn episode_ids_follow_from_what_happened() {
    let play = || {
        let mut w = World::new(&depth("keep_firing_for = \"10s\""));
        w.values(s(10), &[12.0, 0.0, 0.0, 12.0]);
        w.transitions().iter().map(|t| t.episode).collect::<Vec<_>>()
    };
    let ids = play();
    assert_eq!(ids, play());
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

// episode: over while a lower level with a longer `for` is pending; what follows is the next episode, counted.
#[test]
fn a_slower_level_begins_the_next_episode() {
    let more = "for = { blue = \"60s\", yellow = \"60s\", orange = \"60s\", red = \"0s\" }\nmin_samples = 1";
    let mut w = World::new(&depth(more));
    w.values(s(10), &[45.0, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0]);
    w.expect(&["0 v1 firing red threshold", "10000 v2 resolved red recovered", "60000 v1 firing blue threshold"]);
    let ids: Vec<_> = w.transitions().iter().map(|t| (t.episode, t.started_at)).collect();
    assert_eq!(ids[0].1, ids[2].1, "the same pending-since");
    assert_ne!(ids[0].0, ids[2].0, "another count");
}
