//! The city machine: sources, activations, steps of the clock.

use maibo_core::fact::Body;
use maibo_core::id::{Actor, PartitionId, Version};
use maibo_core::input::Input;

use crate::engine_world::{World, ZERO, catalogue, depth, s};

fn city() -> World {
    let mut w = World::with(PartitionId::CITY, &depth(""), &catalogue(&[("d", "10s")]));
    w.at(0).listening();
    w
}

fn told(w: &World) -> Vec<String> {
    let word = |body: &Body| match body {
        Body::Transition(t) => format!("{} {}", t.state.as_str(), t.reason.as_str()),
        Body::RulesActivated { .. } => "rules".into(),
        Body::PlansActivated { version } => format!("plans {}", version.0),
        Body::CatalogueActivated { .. } => "catalogue".into(),
        Body::ClockStepped { by_ms } => format!("clock {by_ms}"),
        Body::Source { source, listening, deaf_from } => format!("{source} {listening} {}", deaf_from.0 - ZERO),
        _ => "other".into(),
    };
    w.facts.iter().map(|f| format!("{} {}", f.at.0 - ZERO, word(&f.body))).collect()
}

// one alert per deaf source, 5 s after it went deaf; resolved when it listens.
#[test]
fn a_deaf_source_is_one_alert() {
    let mut w = city();
    w.at(s(60)).deaf(s(58)).run(s(62)).expect(&[]);
    w.run(s(600)).deaf(s(590)).run(s(700)).expect(&["63000 v1 firing orange source_deaf"]);
    assert_eq!(
        (w.last().rule.as_str(), &*w.last().subject.id(), w.last().started_at.0 - ZERO),
        ("maibo-source", "s", s(58))
    );
    w.listening().expect(&["700000 v2 resolved orange source_listening"]);
    let want = ["0 catalogue", "0 rules", "0 s true 0", "60000 s false 58000", "63000 firing source_deaf"];
    assert_eq!(told(&w)[..5], want);
    assert!(told(&w).contains(&"700000 s true 58000".to_owned()));
}

// a short interruption is a fact and no alert; deafness found out late is an alert at once.
#[test]
fn short_and_late() {
    let mut w = city();
    w.at(s(60)).deaf(s(60)).at(s(64)).listening().run(s(600)).expect(&[]);
    w.at(s(700)).deaf(s(650)).expect(&["700000 v1 firing orange source_deaf"]);
}

// a restart is no alert; a source that is still deaf says so and is one.
#[test]
fn a_restart_is_no_alert() {
    let mut w = city();
    w.at(s(600)).stopped(s(10)).at(s(601)).listening().run(s(1000)).expect(&[]);
    assert!(told(&w).contains(&"601000 s true 10000".to_owned()));
    w.at(s(2000)).stopped(s(1500)).deaf(s(2000)).run(s(2100)).expect(&["2005000 v1 firing orange source_deaf"]);
}

// an open source alert survives a restart, ends when the source listens, and when it is no longer configured.
#[test]
fn an_open_source_alert_and_a_restart() {
    let mut w = city();
    w.at(s(60)).deaf(s(60)).run(s(100)).expect(&["65000 v1 firing orange source_deaf"]);
    w.restart();
    w.at(s(200)).stopped(s(100)).deaf(s(200)).run(s(300)).expect(&[]);
    w.at(s(400)).stopped(s(300)).run(s(459)).expect(&[]);
    w.run(s(460)).expect(&["460000 v2 resolved orange subject_gone"]);
}

// acknowledging works on source alerts too.
#[test]
fn source_alerts_can_be_acknowledged() {
    let mut w = city();
    w.at(s(60)).deaf(s(60)).run(s(100));
    assert!(w.acknowledge("li", 1).result.is_ok());
    w.at(s(101)).listening();
    assert!(w.last().acknowledged.is_some());
}

// a step of the clock is one fact.
#[test]
fn a_clock_step_is_a_fact() {
    let mut w = city();
    w.at(s(3600)).clock_step(s(3600));
    assert_eq!(told(&w).last().map(String::as_str), Some("3600000 clock 3600000"));
}

// response plans that are brought are one fact in the name of who brought them; brought again, also after a restart, none.
#[test]
fn plans_are_put_on_record_once() {
    let mut w = city();
    let plans = |n, by: Option<&Actor>| Input::Plans { version: Version(n), by: by.cloned() };
    let li = Actor::new("li").expect("actor");
    assert_eq!(w.machine.plans(), None);
    w.at(s(1)).batch(vec![plans(1, None)]).batch(vec![plans(1, Some(&li))]);
    w.restart();
    assert_eq!(w.machine.plans(), Some(Version(1)));
    w.at(s(2)).batch(vec![plans(1, Some(&li)), plans(2, Some(&li)), plans(1, None)]);
    let told: Vec<_> = told(&w).into_iter().filter(|t| t.contains("plans")).collect();
    assert_eq!(told, ["1000 plans 1", "2000 plans 2", "2000 plans 1"]);
    let by: Vec<_> = w.facts.iter().rev().take(3).map(|f| f.actor.as_ref().map(Actor::as_str)).collect();
    assert_eq!(by, [None, Some("li"), None]);
}
