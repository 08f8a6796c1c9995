//! Recorded events through the real decoder.

#![allow(clippy::print_stdout, reason = "says what it skips")]

use maibo_core::decode::{DecodeStage, Decoded, Message, Profile, Route};
use maibo_core::engine::EventCounts;
use maibo_core::id::PartitionId;
use maibo_core::input::Input;
use maibo_core::reading::Event;
use maibo_core::time::{Millis, Timestamp};

use crate::engine_world::{World, ZERO, catalogue, s};
use crate::event::rule;

/// The 500 reports of a radar in the order of the file, moved so that the first in time is at time zero. Nothing, and
/// says so, where no recorded data are given.
fn recorded() -> Option<Vec<Event>> {
    let Some(root) = std::env::var_os("MAIBO_FIXTURES") else {
        println!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return None;
    };
    let file = std::fs::read(std::path::Path::new(&root).join("radar-xiongan/event.json")).expect("the recording");
    let mut stage = DecodeStage::new(vec![Route::standard(Profile::OpenV2x)]).expect("a route");
    let all: Vec<serde_json::Value> =
        serde_json::from_slice(file.strip_prefix(b"\xef\xbb\xbf").expect("a mark")).expect("reports");
    let mut out = Decoded::default();
    for one in &all {
        let topic = format!("V2X/RADAR/{}/EVENT/UP", one["deviceId"].as_str().expect("a name"));
        let payload = one.to_string();
        let m = Message { topic: &topic, payload: payload.as_bytes(), retained: false, received: Timestamp(ZERO) };
        stage.decode(&m, &mut out);
    }
    assert!(out.problems.is_empty(), "{:?}", out.problems);
    let first = out.events.iter().map(|e| e.at).min().expect("reports");
    let move_by = |at: Timestamp| Timestamp(ZERO) + at.since(first);
    Some(out.events.into_iter().map(|e| Event { at: move_by(e.at), received: move_by(e.at), ..e }).collect())
}

/// Plays reports, each in its own batch and never before the one before; gives the world and what was counted.
fn play(events: &[Event]) -> (World, EventCounts) {
    let rules = rule("\"radar.10\" = \"yellow\"", "");
    let mut w = World::with(PartitionId(0), &rules, &catalogue(&[("N22W75HMBLD", "10s")]));
    let (mut sum, mut now) = (EventCounts::default(), 0);
    for event in events {
        now = now.max(event.at.0 - ZERO);
        let received = Timestamp(ZERO + now);
        w.run(now).batch(vec![Input::Event(Event { received, ..event.clone() })]);
        let one = w.out.counts.events;
        sum.judged += one.judged;
        sum.duplicate += one.duplicate;
        sum.late += one.late;
    }
    (w, sum)
}

// Trap 2: 500 reports of which 24 are exact repeats are one event: one alert, a count.
#[test]
fn a_radar_that_repeats() {
    let Some(mut events) = recorded() else { return };
    events.sort_by_key(|e| e.at);
    let (mut w, sum) = play(&events);
    assert_eq!((events.len(), sum.judged, sum.duplicate, sum.late), (500, 476, 24, 0));
    w.expect(&["0 v1 firing yellow event"]);
    let open: Vec<_> = w.machine.open_alerts().map(|t| t.value).collect();
    assert_eq!(open, [Some(476.0)]);
    let last = events.last().expect("one").at;
    w.run(s(3600));
    let t = w.last();
    assert_eq!((t.version, t.reason.as_str(), t.value), (2, "event_expired", Some(476.0)));
    assert_eq!(t.at, last + Millis::from_secs(600));
}

// Trap 3: in the order of the file reports come late; it is still one alert.
#[test]
fn a_radar_out_of_order() {
    let Some(events) = recorded() else { return };
    let (mut w, sum) = play(&events);
    assert_eq!(sum.judged + sum.duplicate + sum.late, 500);
    assert!(sum.late > 100, "{}", sum.late);
    assert_eq!(w.transitions().len(), 1);
    w.run(s(3600));
    assert_eq!((w.last().version, w.last().reason.as_str()), (2, "event_expired"));
    assert_eq!(w.last().value, Some(sum.judged as f64));
}
