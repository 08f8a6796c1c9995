//! What operators do with an alert, and what happens where they do nothing.

use maibo_core::id::Actor;
use maibo_core::input::{Act, Stage};
use maibo_core::reading::Text;

use crate::engine_world::{World, ZERO, depth, s};

// Pain 29, grafana/grafana#13364, #18193: to acknowledge with a comment, to assign, to hand over and to report is part of
// the alert's record, each by name and time. By HTTP: `each_act_is_a_version` in the server's http/tests/acts.rs and
// `acknowledge_and_conflict` in its http/tests/commands.rs.
#[test]
fn acknowledge_comment_assign_and_hand_over_are_on_record() {
    let assign = |to: &str| Act::Assign { to: Text::from(to), note: Text::from("over to you") };
    let acts = [
        ("li", Act::Acknowledge { note: Text::from("seen, 泵 2 is off") }),
        ("li", Act::Comment { note: Text::from("called the pump house") }),
        ("li", assign("crew 3")),
        ("wang", assign("night shift")),
        ("wang", Act::Feedback { stage: Stage::FedBack, note: Text::from("drained") }),
    ];
    let mut w = World::every("2h", &depth(""));
    w.at(0).value(45.0);
    for (n, (who, act)) in (1..).zip(acts) {
        let note = act.note().to_owned();
        let t = w.at(s(n)).act(who, act).expect("accepted");
        let handling = t.handling.as_deref().expect("kept");
        let said = handling.said.as_ref().map(|s| (s.by.as_str().to_owned(), s.note.to_string()));
        let acknowledged = t.acknowledged.as_ref().map(|a| (a.by.as_str().to_owned(), a.note.to_string()));
        assert_eq!(if n == 1 { acknowledged } else { said }, Some((who.to_owned(), note)));
        let fact = w.facts.last().expect("a fact");
        assert_eq!((fact.actor.as_ref().map(Actor::as_str), fact.at.0 - ZERO), (Some(who), s(n)));
        w.restart();
    }
    let t = w.last();
    let assigned = t.handling.as_ref().and_then(|h| h.assigned.clone()).expect("assigned");
    assert_eq!(
        (t.version, &*assigned.to, assigned.by.as_str(), assigned.at.0 - ZERO),
        (6, "night shift", "wang", s(4))
    );
    assert_eq!(t.acknowledged.as_ref().map(|a| (a.by.as_str(), a.at.0 - ZERO)), Some(("li", s(1))));
}

// Pain 30, thingsboard/thingsboard#12501: nobody takes notice: it is said again, the sooner the worse the level is, until
// somebody does. Pace of each level, silences, rises: tests/engine_semantics/escalation.rs. A reminder is a version, and
// goes to receivers as any other: `order_is_kept_per_episode` in the store's outbox/tests.rs. A receiver may want only
// what nobody takes notice of, from the n-th reminder on: `an_escalation_waits_for_its_reminder` in core/src/notify/tests.rs.
#[test]
fn reminders_until_somebody_takes_notice() {
    for (value, level, every) in [(45.0, "red", 300), (35.0, "orange", 900)] {
        let mut w = World::every("2h", &depth("")).loud();
        w.at(0).value(value).run(s(2 * every));
        let line = |n: i64| format!("0 v{n} firing {level} unacknowledged");
        w.expect(&[&format!("0 v1 firing {level} threshold"), &line(2), &line(3)]);
        assert!(w.acknowledge("li", 3).result.is_ok());
        w.run(s(5 * every)).expect(&[&format!("0 v4 firing {level} acknowledged acknowledged")]);
    }
}
