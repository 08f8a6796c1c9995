//! Reminders of alerts that nobody takes notice of.

use maibo_core::input::{Act, Stage};
use maibo_core::reading::Text;

use crate::engine_world::{World, ZERO, depth, s};

/// A world in which the value is told once more every second, so that nothing goes stale.
fn world(value: f64) -> World {
    let mut w = World::every("2h", &depth("")).loud();
    w.at(0).value(value);
    w
}

fn reminders(w: &World) -> Vec<i64> {
    let of = |f: &maibo_core::fact::Fact| {
        let reminder = engine_world_reminder(f)?;
        assert_eq!(reminder.after.0, f.at.0 - ZERO, "counted from the opening");
        Some((f.at.0 - ZERO) / 1000)
    };
    w.facts.iter().filter_map(of).collect()
}

fn engine_world_reminder(f: &maibo_core::fact::Fact) -> Option<maibo_core::fact::Reminder> {
    match &f.body {
        maibo_core::fact::Body::Transition(t) => t.handling.as_ref().and_then(|h| h.reminder),
        _ => None,
    }
}

// red every 5 min, orange 15 min, yellow 60 min, blue never; five times at most.
#[test]
fn each_level_has_its_pace() {
    for (value, every) in [(45.0, 300), (35.0, 900), (25.0, 3_600)] {
        let mut w = world(value);
        w.run(s(7 * every));
        assert_eq!(reminders(&w), [1, 2, 3, 4, 5].map(|n| n * every), "{value}");
    }
    let mut w = world(12.0);
    w.run(s(86_400));
    assert!(reminders(&w).is_empty());
}

// a reminder is a version like any other: the same level and event time, and a restart between changes nothing.
#[test]
fn a_reminder_is_a_version() {
    let mut w = world(45.0);
    w.run(s(299)).expect(&["0 v1 firing red threshold"]);
    w.restart().run(s(300)).expect(&["0 v2 firing red unacknowledged"]);
    w.restart().run(s(600)).expect(&["0 v3 firing red unacknowledged"]);
    assert!(w.act("li", Act::Comment { note: Text::from("who is there?") }).is_ok());
    w.run(s(899)).expect(&["0 v4 firing red commented"]);
    w.run(s(900)).expect(&["0 v5 firing red unacknowledged"]);
}

// whoever takes it in hand ends the reminders: by acknowledging, assigning, or reporting.
#[test]
fn taken_in_hand() {
    let acts = [
        Act::Acknowledge { note: Text::default() },
        Act::Assign { to: Text::from("crew 3"), note: Text::default() },
        Act::Feedback { stage: Stage::Responding, note: Text::from("on site") },
    ];
    for act in acts {
        let mut w = world(45.0);
        w.run(s(301));
        assert!(w.act("li", act).is_ok());
        w.restart().run(s(3_600));
        assert_eq!(reminders(&w), [300]);
    }
}

// a rise restarts the clock, also behind an acknowledgement, which stays on record.
#[test]
fn a_rise_restarts_it() {
    let mut w = world(35.0);
    assert!(w.at(s(10)).acknowledge("li", 1).result.is_ok());
    w.at(s(100)).value(45.0);
    w.expect(&[
        "0 v1 firing orange threshold",
        "0 v2 firing orange acknowledged acknowledged",
        "100000 v3 firing red raised acknowledged",
    ]);
    w.run(s(399)).expect(&[]);
    w.run(s(400)).expect(&["100000 v4 firing red unacknowledged acknowledged"]);
    let handling = w.last().handling.clone().expect("kept");
    assert_eq!(handling.reminder.map(|r| (r.number, r.after.0)), Some((1, s(300))), "counted from the rise");
}

// a level that falls goes on at its own pace; the count is the episode's.
#[test]
fn a_fall_slows_it() {
    let mut w = world(45.0);
    w.run(s(301)).value(35.0).run(s(1_199));
    assert_eq!(w.last().version, 3);
    w.run(s(1_200)).expect(&[
        "0 v1 firing red threshold",
        "0 v2 firing red unacknowledged",
        "301000 v3 firing orange lowered",
        "301000 v4 firing orange unacknowledged",
    ]);
}

// under a silence nobody is reminded; behind it the clock begins anew.
#[test]
fn not_under_a_silence() {
    let mut w = world(45.0);
    assert!(w.at(s(10)).silence(s(1_000)).is_ok());
    w.run(s(1_299));
    assert_eq!(w.last().reason.as_str(), "silence_over");
    w.run(s(1_300));
    assert_eq!(w.last().reason.as_str(), "unacknowledged");
}

// the wait is time that passed: a step of the wall clock brings no reminder nearer.
#[test]
fn a_clock_step_brings_none() {
    let mut w = world(45.0);
    w.at(s(100)).tick().at(s(400)).clock_step(s(300));
    w.expect(&["0 v1 firing red threshold"]);
    w.run(s(599)).expect(&[]);
    w.run(s(600)).expect(&["0 v2 firing red unacknowledged"]);
}

// one batch behind a long pause gives what ticks in between would have given, in its order.
#[test]
fn in_one_batch_or_in_many() {
    let rules = depth("for = \"20s\"\nmin_samples = 1\nkeep_firing_for = \"400s\"");
    let (mut single, mut ticked) = (World::every("2h", &rules).loud(), World::every("2h", &rules).loud());
    for w in [&mut single, &mut ticked] {
        w.at(0).value(45.0).at(s(21)).value(0.0);
    }
    ticked.run(s(3_000));
    single.at(s(3_000)).tick();
    assert_eq!(single.transitions(), ticked.transitions());
    assert_eq!(single.last().reason.as_str(), "recovered");
    assert_eq!(single.transitions().len(), 3, "opened, one reminder, over");
}
