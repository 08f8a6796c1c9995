//! Operators' commands.

use maibo_core::fact::Body;
use maibo_core::input::{Act, Stage};
use maibo_core::place::Level;
use maibo_core::reading::Text;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, depth, s};

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
    assert_eq!(fact.at.0 - ZERO, s(20), "when it was said stands in the fact");
    w.at(s(21)).value_at(s(2), 0.0).value_at(s(9), 0.0).expect(&["7000 v3 resolved yellow recovered acknowledged"]);
    assert_eq!(w.last().resolved_at.map(|at| at.0 - ZERO), Some(s(7)));
}

fn text(words: &str) -> Text {
    Text::from(words)
}

fn assign(to: &str) -> Act {
    Act::Assign { to: text(to), note: Text::default() }
}

fn comment(note: &str) -> Act {
    Act::Comment { note: text(note) }
}

// every act is one version with the operator's name and words, at the event time it found.
#[test]
fn each_act_is_one_version() {
    let mut w = firing();
    let feedback = |stage, note| Act::Feedback { stage, note: text(note) };
    let acts = [
        assign("crew 3"),
        comment("pump is running"),
        feedback(Stage::Responding, "on site"),
        feedback(Stage::FedBack, "drained"),
        Act::Close { note: text("done"), forced: true },
    ];
    for (version, act) in (2..).zip(acts) {
        let note = act.note().to_owned();
        let t = w.at(s(i64::from(version))).act("li", act).expect("accepted");
        let handling = t.handling.as_deref().expect("kept");
        let said = handling.said.as_ref().expect("said");
        assert_eq!((t.version, said.by.as_str(), &*said.note), (version, "li", note.as_str()));
        assert_eq!(handling.noted.map(|at| at.0 - ZERO), Some(s(i64::from(version))));
    }
    w.expect(&[
        "0 v2 firing yellow assigned",
        "0 v3 firing yellow commented",
        "0 v4 firing yellow fed_back",
        "0 v5 firing yellow fed_back",
        "0 v6 resolved yellow closed",
    ]);
    assert_eq!(w.last().handling.as_ref().and_then(|h| h.assigned.as_ref()).map(|a| &*a.to), Some("crew 3"));
}

// what an operator said belongs to its version, not to those behind it.
#[test]
fn words_belong_to_their_version() {
    let mut w = firing();
    assert!(w.at(s(1)).act("li", comment("pump is running")).is_ok());
    w.at(s(2)).value(45.0);
    let handling = w.last().handling.clone().expect("kept");
    assert_eq!((handling.said, handling.noted), (None, None));
}

// the last name counts; one that is empty or too long is refused.
#[test]
fn assigned_again() {
    let mut w = firing();
    assert!(w.at(s(1)).act("li", assign("crew 3")).is_ok());
    let t = w.at(s(2)).act("wang", assign("crew 4")).expect("accepted");
    let assigned = t.handling.as_ref().and_then(|h| h.assigned.clone()).expect("assigned");
    assert_eq!((&*assigned.to, assigned.by.as_str(), assigned.at.0 - ZERO), ("crew 4", "wang", s(2)));
    assert_eq!(w.act("li", assign(" ")), Err("bad_name"));
    assert_eq!(w.act("li", assign(&"x".repeat(65))), Err("bad_name"));
    assert!(w.act("li", assign(&"泵".repeat(64))).is_ok());
}

// the rule of conflict holds for every act but a comment, which is neither refused nor refuses.
#[test]
fn conflicts() {
    let acts = || {
        let until = Timestamp(ZERO + s(60));
        [
            assign("crew 3"),
            Act::Silence { until, note: text("why") },
            Act::Unsilence,
            Act::Close { note: Text::default(), forced: true },
            Act::Feedback { stage: Stage::FedBack, note: text("drained") },
        ]
    };
    for act in acts() {
        let mut w = firing();
        let episode = w.last().episode;
        assert!(w.at(s(1)).order("li", episode, 1, comment("pump is running")).result.is_ok());
        assert!(w.at(s(2)).acknowledge("li", 1).result.is_ok());
        let refusal = w.order("wang", episode, 2, act.clone()).result.expect_err("refused");
        assert_eq!((refusal.reason, refusal.current.map(|t| t.version)), ("newer_fact", Some(3)));
        w.at(s(3)).value(45.0);
        let refusal = w.order("li", episode, 3, act).result.expect_err("refused");
        assert_eq!(refusal.reason, "level_rose");
        assert!(w.order("wang", episode, 1, comment("seen late")).result.is_ok());
        assert!(w.order("zhao", episode, 4, assign("crew 4")).result.is_ok(), "the comment refuses nobody");
    }
}

// the four stamps: with name and time, the first response and the last report, and each only where it happened.
#[test]
fn four_stamps() {
    let mut w = firing();
    let fed_back = |note| Act::Feedback { stage: Stage::FedBack, note: text(note) };
    assert!(w.at(s(1)).act("li", assign("crew 3")).is_ok());
    assert!(w.at(s(2)).acknowledge("wang", 2).result.is_ok());
    assert!(w.at(s(3)).act("li", fed_back("half drained")).is_ok());
    assert!(w.at(s(4)).act("wang", fed_back("drained")).is_ok());
    w.at(s(5)).value(0.0).run(s(10));
    let stamps = w.last().handling.as_ref().expect("kept").stamps.clone();
    let shown = [stamps.published, stamps.responding, stamps.fed_back, stamps.archived].map(|stamp| {
        let stamp = stamp.expect("stamped");
        (stamp.by.map(|by| by.to_string()).unwrap_or_default(), (stamp.at.0 - ZERO) / 1000)
    });
    let by = |name: &str, at| (name.to_owned(), at);
    assert_eq!(shown, [by("", 0), by("li", 1), by("wang", 4), by("", 10)]);
    let mut w = firing();
    assert!(w.at(s(1)).close(true).is_ok());
    let stamps = w.last().handling.as_ref().expect("kept").stamps.clone();
    assert_eq!((stamps.responding, stamps.fed_back), (None, None));
    assert_eq!(stamps.archived.and_then(|s| s.by).map(|by| by.to_string()).as_deref(), Some("li"));
}
