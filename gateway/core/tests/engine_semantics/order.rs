//! The order inside a batch, and what a machine refuses.

use maibo_core::engine::{EngineError, Output};
use maibo_core::fact::Body;
use maibo_core::id::{PartitionId, Position, Version};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, catalogue, depth, ladder, reading, s};

// a deadline equal to a reading's time fires first: values hold on half-open intervals.
#[test]
fn a_deadline_at_a_readings_time_fires_first() {
    let mut w = World::every("60s", &depth("for = \"20s\""));
    w.at(0).value(12.0).at(s(20)).value(0.0);
    w.expect(&["20000 v1 firing blue threshold", "20000 v2 resolved blue recovered"]);
}

// (1) deadlines, (2) readings in batch order, (3) facts sorted by (at, rule, subject, version), with cause and seq.
#[test]
fn facts_come_sorted() {
    let rules = depth("for = \"20s\"\nmin_samples = 1").replace("depth", "z-slow")
        + &ladder("a-fast", "when = { quantity = \"water_depth\" }\nlevels = { red = 12 }\ndirection = \"above\"");
    let rules = rules.replace("water_z-slow", "water_depth");
    let mut w = World::with(PartitionId(7), &rules, &catalogue(&[("d", "60s"), ("e", "60s")]));
    w.at(0).value(11.0);
    let now = s(30);
    let e = |at, v| Input::Reading(reading("e", "water_depth", at, now, v));
    let d = |at, v| Input::Reading(reading("d", "water_depth", at, now, v));
    w.at(now).batch(vec![e(now - 2, 12.0), e(now - 1, 0.0), d(now - 2, 12.0), e(now, 12.0)]);
    let told: Vec<String> = w
        .transitions()
        .iter()
        .zip(&w.facts)
        .map(|(t, f)| format!("{} {} {} {} {}", f.at.0 - ZERO, t.rule, t.subject.id(), t.version, f.cause.seq))
        .collect();
    let want =
        ["20000 z-slow d 1 0", "30000 a-fast d 1 1", "30000 a-fast e 1 2", "30000 a-fast e 2 3", "30000 a-fast e 1 4"];
    assert_eq!(told, want);
    assert!(w.facts.iter().all(|f| f.cause.partition == PartitionId(7) && f.cause.position == Position(12)));
}

// an activation holds from its place in the batch on.
#[test]
fn an_activation_holds_from_its_place_on() {
    let mut w = World::new(&depth(""));
    let version = w.know(&depth("").replace("blue = 10", "blue = 5"));
    let r = |at, v| Input::Reading(reading("d", "water_depth", at, 5, v));
    w.at(5).batch(vec![r(1, 6.0), r(2, 0.0), Input::Rules { version, by: None }, r(3, 6.0)]);
    w.expect(&["3 v1 firing blue threshold"]);
}

// what cannot be taken changes nothing: time going back, a batch taken before, unknown versions.
#[test]
fn refused_batches_change_nothing() {
    let mut w = World::new(&depth(""));
    w.at(s(1)).value(12.0);
    let before = w.machine.snapshot();
    let batch = |now: i64, inputs| Batch { now: Timestamp(ZERO + now), inputs };
    let unknown = Version(1);
    let cases = [
        (
            Position(100),
            batch(999, vec![]),
            EngineError::TimeWentBack { last: Timestamp(ZERO + 1000), now: Timestamp(ZERO + 999) },
        ),
        (Position(9), batch(1000, vec![]), EngineError::PositionWentBack { last: Position(9), position: Position(9) }),
        (
            Position(100),
            batch(1000, vec![Input::Rules { version: unknown, by: None }]),
            EngineError::UnknownRules(unknown),
        ),
        (
            Position(100),
            batch(1000, vec![Input::Catalogue { version: unknown }]),
            EngineError::UnknownCatalogue(unknown),
        ),
    ];
    for (position, batch, error) in cases {
        let mut out = Output::default();
        assert_eq!(w.machine.step(position, &batch, &w.versions, &mut out), Err(error));
        assert_eq!((w.machine.snapshot() == before, out), (true, Output::default()));
    }
}

// partitions write no fact about activations: the city does, once.
#[test]
fn partitions_do_not_tell_activations() {
    let w = World::new(&depth(""));
    assert!(w.facts.iter().all(|f| matches!(f.body, Body::Transition(_))));
}
