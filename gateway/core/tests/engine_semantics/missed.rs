//! Tasks of response plans that were missed.

use maibo_core::fact::{Body, Missed, Transition};
use maibo_core::id::Actor;
use maibo_core::input::Act;
use maibo_core::place::Level;
use maibo_core::reading::Text;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, depth, s};

fn firing() -> World {
    let mut w = World::new(&depth("keep_firing_for = \"5s\""));
    w.at(0).value(25.0).expect(&["0 v1 firing yellow threshold"]);
    w
}

fn missed(task: &str) -> Missed {
    let [plan, task, owner] = ["flood", task, "water"].map(Text::from);
    Missed { plan, task, owner, due_at: Timestamp(ZERO + s(1)), to: vec![Text::from("chief")], rung: None }
}

impl World {
    /// The plan says that a task was missed, having seen a version.
    fn miss(&mut self, seen: u32, missed: Missed) -> Result<Transition, &'static str> {
        let episode = self.last().episode;
        let outcome = self.order("plan:flood", episode, seen, Act::Escalate(Box::new(missed)));
        outcome.result.map_err(|refusal| refusal.reason)
    }
}

// one version that says what was missed and who is told, in the plan's name; the next version does not say it any more.
#[test]
fn one_version_says_it() {
    let mut w = firing();
    let told = w.at(s(2)).miss(1, missed("pumps")).expect("taken");
    w.expect(&["0 v2 firing yellow escalated"]);
    assert_eq!((told.version, told.missed()), (2, Some(&missed("pumps"))));
    let fact = w.facts.last().expect("a fact");
    assert_eq!((fact.actor.as_ref().map(Actor::as_str), fact.at.0 - ZERO), (Some("plan:flood"), s(2)));
    let handling = told.handling.as_deref().expect("kept");
    assert_eq!(handling.noted, Some(fact.at));
    assert_eq!((&told.acknowledged, &handling.said, &handling.assigned), (&None, &None, &None));
    assert_eq!((&handling.stamps.responding, &handling.stamps.fed_back), (&None, &None));
    let next = w.at(s(3)).miss(2, missed("road")).expect("the second of one alert");
    assert_eq!((next.version, next.missed().map(|m| &*m.task)), (3, Some("road")));
    w.at(s(4)).value(45.0);
    assert_eq!((w.last().level, w.last().missed()), (Level::Red, None));
}

// asked twice, after a crash or because the answer was late, it is one fact; whatever came since refuses it.
#[test]
fn an_old_version_refuses() {
    let mut w = firing();
    assert!(w.at(s(2)).miss(1, missed("pumps")).is_ok());
    assert_eq!(w.miss(1, missed("pumps")), Err("newer_fact"));
    assert!(matches!(&w.facts.last().expect("a fact").body, Body::Refused { reason, .. } if &**reason == "newer_fact"));
    assert_eq!(w.miss(3, missed("pumps")), Err("newer_fact"), "a version that is not there yet");
    assert!(w.at(s(3)).act("li", Act::Comment { note: Text::from("pump is running") }).is_ok());
    assert_eq!(w.miss(2, missed("road")), Err("newer_fact"), "also a comment");
    w.at(s(4)).value(0.0).run(s(10));
    let last = w.last().version;
    assert_eq!(w.miss(last, missed("road")), Err("resolved"));
}

// an operator's command that saw the version before goes, and a plan's refuses no other plan's but by its version.
#[test]
fn it_refuses_nobody() {
    let mut w = firing();
    assert!(w.at(s(1)).miss(1, missed("pumps")).is_ok());
    assert!(w.at(s(2)).acknowledge("li", 1).result.is_ok());
    assert!(w.at(s(3)).miss(3, missed("road")).is_ok());
    assert!(w.acknowledge("li", 3).result.is_ok(), "one's own, as before");
    let episode = w.last().episode;
    assert_eq!(w.order("wang", episode, 1, Act::Unsilence).result.err().map(|r| r.reason), Some("newer_fact"));
}

// nobody has taken notice by it: the reminder comes when it would have come.
#[test]
fn it_takes_no_notice() {
    let reminded = |miss: bool| {
        let mut w = firing();
        if miss {
            assert!(w.at(s(10)).miss(1, missed("pumps")).is_ok());
        }
        w.run(s(4_000));
        w.facts.iter().filter_map(|f| f.body.judged()).filter(|t| t.reason.as_str() == "unacknowledged").count()
    };
    assert_eq!(reminded(true), reminded(false));
    assert!(reminded(true) > 0);
}

// names and their number have bounds.
#[test]
fn bounds() {
    let mut w = firing();
    let long = Text::from("x".repeat(65).as_str());
    for bad in [
        Missed { plan: long.clone(), ..missed("pumps") },
        Missed { owner: Text::from(" "), ..missed("pumps") },
        Missed { to: vec![Text::from("chief"); 17], ..missed("pumps") },
        Missed { to: vec![long], ..missed("pumps") },
    ] {
        assert_eq!(w.miss(1, bad), Err("bad_name"));
    }
    assert!(w.miss(1, Missed { to: Vec::new(), ..missed("pumps") }).is_ok(), "nobody need be told");
}
