//! Operators' commands.

use maibo_core::fact::Body;
use maibo_core::place::Level;

use crate::engine_world::{World, depth, s};

fn firing() -> World {
    let mut w = World::new(&depth("keep_firing_for = \"5s\""));
    w.at(0).value(25.0).expect(&["0 v1 firing yellow threshold"]);
    w
}

// an acknowledgement is a transition with name and time, and stays on record.
#[test]
fn acknowledged_by_name() {
    let mut w = firing();
    let outcome = w.at(s(1)).acknowledge("li", 1);
    let t = outcome.result.expect("accepted");
    assert_eq!(t.acknowledged.as_ref().map(|a| (a.by.as_str(), &*a.note)), Some(("li", "on my way")));
    w.expect(&["0 v2 firing yellow acknowledged acknowledged"]);
    assert_eq!(w.facts.last().and_then(|f| f.actor.as_ref()).map(maibo_core::id::Actor::as_str), Some("li"));
    w.at(s(2)).value(45.0).expect(&["2000 v3 firing red raised acknowledged"]);
    w.at(s(3)).value(0.0).run(s(9)).expect(&["8000 v4 resolved red recovered acknowledged"]);
}

// refused only if another operator's fact came since; one's own does not count.
#[test]
fn another_operators_fact_refuses() {
    let mut w = firing();
    assert!(w.at(s(1)).acknowledge("li", 1).result.is_ok());
    let refusal = w.at(s(2)).acknowledge("wang", 1).result.expect_err("refused");
    assert_eq!((refusal.reason, refusal.current.map(|t| t.version)), ("newer_fact", Some(2)));
    assert!(matches!(&w.facts.last().expect("a fact").body, Body::Refused { reason, .. } if &**reason == "newer_fact"));
    assert!(w.at(s(3)).acknowledge("li", 1).result.is_ok());
    assert!(w.at(s(4)).acknowledge("wang", 3).result.is_ok());
}

// refused if the level rose since; a level that fell or data that went stale do not bounce it.
#[test]
fn a_risen_level_refuses() {
    let mut w = firing();
    w.at(s(1)).value(45.0);
    let refusal = w.at(s(2)).acknowledge("li", 1).result.expect_err("refused");
    assert_eq!((refusal.reason, refusal.current.map(|t| t.level)), ("level_rose", Some(Level::Red)));
    let mut w = firing();
    w.at(s(1)).value(12.0).run(s(40));
    assert_eq!(w.last().version, 3);
    assert!(w.acknowledge("li", 1).result.is_ok());
}

// resolved alerts, and episodes nobody knows, cannot be acknowledged.
#[test]
fn resolved_is_refused() {
    let mut w = firing();
    w.at(s(1)).value(0.0).run(s(10));
    let refusal = w.acknowledge("li", 2).result.expect_err("refused");
    assert_eq!((refusal.reason, refusal.current), ("resolved", None));
}

// an acknowledgement is no event of the values: it moves no event time, and a recovery measured before it keeps its own.
#[test]
fn an_acknowledgement_moves_no_time() {
    let mut w = firing();
    assert!(w.at(s(20)).acknowledge("li", 1).result.is_ok());
    w.expect(&["0 v2 firing yellow acknowledged acknowledged"]);
    let fact = w.facts.last().expect("a fact");
    assert_eq!(fact.at.0 - crate::engine_world::ZERO, s(20), "when it was said stands in the fact");
    w.at(s(21)).value_at(s(2), 0.0).value_at(s(9), 0.0).expect(&["7000 v3 resolved yellow recovered acknowledged"]);
    assert_eq!(w.last().resolved_at.map(|at| at.0 - crate::engine_world::ZERO), Some(s(7)));
}
