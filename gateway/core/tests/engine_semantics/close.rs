//! Ending an alert by hand: where nothing speaks against it, or by force with a latch.

use maibo_core::engine::{Machine, Verdict};
use maibo_core::id::PartitionId;
use maibo_core::input::Input;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, absent, catalogue, depth, s, source};

// values that say it goes on refuse a plain close; data that went stale do not, and the next reading judges afresh.
#[test]
fn only_what_is_stale() {
    let mut w = World::new(&depth(""));
    w.at(0).value(25.0);
    assert_eq!(w.at(s(1)).close(false), Err("still_firing"));
    w.run(s(40));
    let t = w.close(false).expect("accepted");
    assert_eq!((t.resolved_at.map(|at| at.0 - ZERO), t.is_forced()), (Some(s(40)), false));
    w.expect(&[
        "0 v1 firing yellow threshold",
        "30000 v2 firing yellow data_stale stale",
        "30000 v3 resolved yellow closed stale",
    ]);
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.restart().at(s(50)).value(25.0).expect(&["50000 v1 firing yellow threshold"]);
}

// a forced close ends it against the values; nothing opens until the value was back once, over restarts and edits too.
#[test]
fn a_forced_close_latches() {
    let mut w = World::new(&depth(""));
    w.at(0).value(25.0);
    let t = w.at(s(1)).close(true).expect("accepted");
    assert!(t.is_forced());
    w.expect(&["0 v1 firing yellow threshold", "0 v2 resolved yellow closed"]);
    w.at(s(2)).value(45.0).restart().at(s(3)).value(25.0).expect(&[]);
    w.edit(&depth("for = \"0s\"")).at(s(4)).value(25.0).expect(&[]);
    // Within the deadband it is not back yet.
    w.at(s(5)).value(9.0).at(s(6)).value(25.0).expect(&[]);
    w.restart().at(s(7)).value(7.0).at(s(8)).value(25.0).expect(&["8000 v1 firing yellow threshold"]);
}

// an edit that puts the value behind the new limits opens the latch, one that Maibo hears again behind deafness does not.
#[test]
fn what_else_meets_the_latch() {
    let mut w = World::new(&depth(""));
    w.at(0).value(12.0);
    assert!(w.at(s(1)).close(true).is_ok());
    w.deaf(s(1)).at(s(2)).listening().expect(&["0 v1 firing blue threshold", "0 v2 resolved blue closed"]);
    w.edit(&depth("").replace("blue = 10", "blue = 15")).edit(&depth(""));
    assert_eq!(w.transitions().last().map(|t| t.version), Some(1), "12 was back behind 15, and reaches 10 again");
}

// absence: closed by force it is told again only after the device was heard.
#[test]
fn an_absence() {
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(30)).expect(&["30000 v1 firing yellow absent"]);
    assert_eq!(w.close(false), Err("still_firing"));
    assert!(w.at(s(31)).close(true).is_ok());
    w.restart().run(s(300)).expect(&["30000 v2 resolved yellow closed"]);
    w.alive().run(s(330)).expect(&["330000 v1 firing yellow absent"]);
}

// a wrong clock: closed by force it is told again only after the clock was right.
#[test]
fn a_wrong_clock() {
    let mut w = World::new(&depth(""));
    let wrong = |w: &mut World, from: i64| {
        for i in 0..4 {
            w.at(s(from + 10 * i)).value_at(-ZERO + from + i, 0.0);
        }
    };
    wrong(&mut w, 10);
    assert_eq!(w.last().reason.as_str(), "clock_wrong");
    assert!(w.close(true).is_ok());
    w.restart();
    wrong(&mut w, 60);
    assert_eq!(w.last().reason.as_str(), "closed");
    for i in 0..3 {
        w.at(s(100 + 10 * i)).value(0.0);
    }
    wrong(&mut w, 140);
    assert_eq!(w.last().reason.as_str(), "clock_wrong");
}

// a deaf source: closed by force it is told again only after the source was heard.
#[test]
fn a_deaf_source() {
    let mut w = World::with(PartitionId::CITY, &depth(""), &catalogue(&[]));
    let deaf = |at: i64| vec![Input::Deaf { source: Some(source("s")), from: Timestamp(ZERO + at) }];
    w.at(0).batch(deaf(0)).run(s(5)).expect(&["5000 v1 firing orange source_deaf"]);
    assert!(w.at(s(6)).close(true).is_ok());
    w.restart().run(s(600)).batch(deaf(s(600))).run(s(900)).expect(&["5000 v2 resolved orange closed"]);
    w.listening().batch(deaf(s(900))).run(s(905)).expect(&["905000 v1 firing orange source_deaf"]);
}

// the log says that it was closed by force: then it is latched, whatever this binary decided.
#[test]
fn a_close_that_only_the_log_has() {
    let mut told = World::new(&depth(""));
    told.at(0).value(25.0);
    let before = told.facts.clone();
    assert!(told.at(s(1)).close(true).is_ok());
    let closed = told.facts.last().expect("a fact").clone();
    let mut w = World::new(&depth(""));
    w.at(0).value(25.0).machine.impose(&before, std::slice::from_ref(&before[before.len() - 1]));
    w.machine.impose(&[], std::slice::from_ref(&closed));
    w.restart().at(s(2)).value(25.0);
    assert_eq!(w.machine.open_alerts().count(), 0);
    assert!(matches!(w.machine, Machine::Partition(_)) && w.known() == Verdict::Normal);
}

// an event can be closed while it goes on: repeats open nothing, until it was cancelled or not repeated for too long.
#[test]
fn a_closed_event_stays_closed_while_it_is_repeated() {
    use maibo_core::input::Input;
    use maibo_core::reading::{Event, Text};
    use maibo_core::time::Timestamp;
    let rules = crate::engine_world::ladder(
        "e",
        "when = { kind = \"k\" }\nevent = { codes = { a = \"blue\" }, expires_after = \"60s\" }",
    );
    let mut w = World::new(&rules);
    let report = |w: &mut World, at: i64, cancelled: bool| {
        w.run(at).batch(vec![Input::Event(Event {
            device: maibo_core::id::DeviceId::new("d").expect("id"),
            code: Text::from("a"),
            identity: Text::from("1"),
            at: Timestamp(ZERO + at),
            received: Timestamp(ZERO + at),
            expires: None,
            cancelled,
            position: None,
            text: Text::default(),
            ahead: None,
        })]);
    };
    report(&mut w, 0, false);
    assert!(w.at(s(1)).close(false).is_ok());
    w.expect(&["0 v1 firing blue event", "0 v2 resolved blue closed"]);
    report(&mut w, s(30), false);
    w.restart();
    report(&mut w, s(80), false);
    w.expect(&[]);
    report(&mut w, s(141), false);
    w.expect(&["141000 v1 firing blue event"]);
    assert!(w.close(false).is_ok());
    report(&mut w, s(150), true);
    report(&mut w, s(160), false);
    w.expect(&["141000 v2 resolved blue closed", "160000 v1 firing blue event flapping"]);
}
