//! A silence stops the tellings, never the alert.

use maibo_core::input::Act;
use maibo_core::reading::Text;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, depth, s};

fn firing() -> World {
    let mut w = World::new(&depth("keep_firing_for = \"5s\"")).loud();
    w.at(0).value(25.0).expect(&["0 v1 firing yellow threshold"]);
    w
}

// the alert goes on in full under a silence, and its end by time is a fact of its own, at that time.
#[test]
fn the_alert_goes_on() {
    let mut w = firing();
    let t = w.at(s(1)).silence(s(60)).expect("accepted");
    let silence = t.silenced().expect("silenced").clone();
    assert_eq!((silence.by.as_str(), silence.until.0 - ZERO, &*silence.note), ("li", s(60), "pumps under repair"));
    w.expect(&["0 v2 firing yellow silenced silenced"]);
    w.at(s(5)).value(15.0).run(s(11)).expect(&["10000 v3 firing blue lowered silenced"]);
    w.run(s(59))
        .value(15.0)
        .expect(&["35000 v4 firing blue data_stale stale silenced", "59000 v5 firing blue data_fresh silenced"]);
    w.run(s(60)).expect(&["59000 v6 firing blue silence_over"]);
    assert_eq!(w.facts.last().map(|f| f.at.0 - ZERO), Some(s(60)), "decided when it was due");
}

// a rise ends the silence with the same transition, and nothing is left of its timer.
#[test]
fn a_rise_ends_it() {
    let mut w = firing();
    assert!(w.at(s(1)).silence(s(60)).is_ok());
    w.at(s(2)).value(35.0).expect(&["0 v2 firing yellow silenced silenced", "2000 v3 firing orange raised"]);
    w.values(s(10), &[35.0; 10]).expect(&[]);
}

// so does an operator, and the end of the episode, which is told.
#[test]
fn an_operator_and_the_end_end_it() {
    let mut w = firing();
    assert_eq!(w.at(s(1)).act("li", Act::Unsilence), Err("not_silenced"));
    assert!(w.silence(s(60)).is_ok());
    assert!(w.at(s(2)).act("wang", Act::Unsilence).is_ok());
    w.expect(&["0 v2 firing yellow silenced silenced", "0 v3 firing yellow unsilenced"]);
    assert!(w.at(s(3)).silence(s(60)).is_ok());
    w.at(s(4)).value(0.0).run(s(20));
    w.expect(&["0 v4 firing yellow silenced silenced", "9000 v5 resolved yellow recovered"]);
    w.run(s(100)).expect(&[]);
}

// a restart under a silence resolves nothing and tells nothing, and the silence ends when it was to end.
#[test]
fn a_restart_tells_nothing() {
    let mut w = firing();
    assert!(w.at(s(1)).silence(s(30)).is_ok());
    w.expect(&["0 v2 firing yellow silenced silenced"]);
    w.at(s(2)).restart().stopped(s(2)).expect(&[]);
    w.at(s(9)).listening().value(25.0).restart().expect(&[]);
    w.run(s(30)).expect(&["0 v3 firing yellow silence_over"]);
}

// what was due while Maibo was stopped is told when it is back: people waited all the same.
#[test]
fn due_while_stopped() {
    let mut w = firing();
    assert!(w.at(s(1)).silence(s(30)).is_ok());
    w.restart().at(s(500)).stopped(s(2));
    w.expect(&["0 v2 firing yellow silenced silenced", "0 v3 firing yellow silence_over"]);
    assert_eq!(w.facts.last().map(|f| f.at.0 - ZERO), Some(s(500)));
}

// a later silence replaces the earlier one; its end stays where a person put it, also over a step of the clock.
#[test]
fn the_end_is_where_it_was_put() {
    let mut w = firing();
    assert!(w.at(s(1)).silence(s(10)).is_ok());
    assert!(w.at(s(2)).silence(s(25)).is_ok());
    w.expect(&["0 v2 firing yellow silenced silenced", "0 v3 firing yellow silenced silenced"]);
    w.run(s(15)).clock_step(s(8)).run(s(24)).expect(&[]);
    w.run(s(25)).expect(&["0 v4 firing yellow silence_over"]);
}

// an end that is over or too far off, and a silence without a reason, are refused.
#[test]
fn senseless_silences() {
    let mut w = firing();
    assert_eq!(w.at(s(9)).silence(s(9)), Err("bad_until"));
    assert_eq!(w.silence(s(9 + 7 * 86_400) + 1), Err("bad_until"));
    let act = Act::Silence { until: Timestamp(ZERO + s(60)), note: Text::from(" ") };
    assert_eq!(w.act("li", act), Err("no_note"));
    assert!(w.silence(s(9 + 7 * 86_400)).is_ok());
}
