//! Alerts that open and end again and again.

use crate::engine_world::{World, depth, s};

/// Opens at each of these times and ends 10 s later.
fn bursts(w: &mut World, at: &[i64]) {
    for at in at {
        w.run(s(*at)).value(12.0).run(s(*at + 10)).value(0.0);
    }
}

fn openings(w: &World) -> Vec<bool> {
    w.transitions().iter().filter(|t| t.version == 1).map(|t| t.is_flapping()).collect()
}

fn world() -> World {
    World::every("2h", &depth("")).loud()
}

// the third opening in half an hour, each within ten minutes of the last end, is flapping, and so are its transitions.
#[test]
fn the_third_opening() {
    let mut w = world();
    bursts(&mut w, &[0, 300, 600]);
    w.expect(&[
        "0 v1 firing blue threshold",
        "10000 v2 resolved blue recovered",
        "300000 v1 firing blue threshold",
        "310000 v2 resolved blue recovered",
        "600000 v1 firing blue threshold flapping",
        "610000 v2 resolved blue recovered flapping",
    ]);
}

// longer pauses are no flapping; neither are three openings in more than half an hour.
#[test]
fn what_is_too_slow() {
    let mut w = world();
    bursts(&mut w, &[0, 611, 1_222, 1_833]);
    assert_eq!(openings(&w), [false; 4]);
    let mut w = world();
    w.at(0).value(12.0).run(s(1_300)).value(0.0);
    bursts(&mut w, &[1_400, 1_801]);
    assert_eq!(openings(&w), [false; 3]);
}

// it is over when the alert stayed resolved or open for a quarter of an hour.
#[test]
fn calm_again() {
    let mut w = world();
    bursts(&mut w, &[0, 300, 600, 1_200, 2_109]);
    assert_eq!(openings(&w), [false, false, true, true, true], "899 s are not enough");
    bursts(&mut w, &[3_019]);
    assert_eq!(openings(&w).last(), Some(&false), "900 s are");
    let mut w = world();
    bursts(&mut w, &[0, 300]);
    w.run(s(600)).value(12.0).run(s(1_499)).value(22.0).run(s(1_500)).value(32.0);
    let told: Vec<bool> = w.transitions().iter().rev().take(3).map(|t| t.is_flapping()).collect();
    assert_eq!(told, [false, true, true], "newest first");
}

// a restart anywhere forgets nothing of it.
#[test]
fn over_a_restart() {
    let mut w = world();
    for at in [0, 300, 600] {
        bursts(&mut w, &[at]);
        w.restart();
    }
    assert_eq!(openings(&w), [false, false, true]);
}

// each rule and subject for itself.
#[test]
fn each_for_itself() {
    let catalogue = crate::engine_world::catalogue(&[("d", "2h"), ("e", "2h")]);
    let mut w = World::with(maibo_core::id::PartitionId(0), &depth(""), &catalogue).loud();
    bursts(&mut w, &[0, 300]);
    w.device = "e".to_owned();
    bursts(&mut w, &[600]);
    assert_eq!(openings(&w), [false; 3]);
}
