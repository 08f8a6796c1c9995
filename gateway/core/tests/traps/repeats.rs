//! What is said again and again, and in no order.

use maibo_core::engine::EventCounts;
use maibo_core::id::PartitionId;

use crate::engine_world::{World, ZERO, absent, catalogue, ladder, s};
use crate::wire::Wire;
use crate::world;

// Trap 1: heartbeats that are the same byte by byte for ever, with the same time in them: each is a sign of life, none is
// a duplicate, and the day they end is an alert. The decoder: decode_suite/openv2x.rs, `heartbeats`.
#[test]
fn identical_heartbeats_are_life_each_time() {
    let body = r#"{"rsuId":"1","rsuEsn":"R1","rsuStatus":true,"ack":false,"seqNum":0,"timestamp":1}"#;
    let mut w = world("R1", &absent());
    let mut wire = Wire::new();
    for n in 0..500 {
        wire.send(w.at(s(10 * n)), "V2X/RSU/HB/UP", body);
    }
    w.expect(&[]).run(s(5020) - 1).expect(&[]);
    w.run(s(5020)).expect(&["5020000 v1 firing yellow absent"]);
    // Delivered by the broker from its store it is what was, not what is.
    wire.send_retained(w.at(s(5030)), "V2X/RSU/HB/UP", body);
    w.run(s(5040)).expect(&[]);
    wire.send(&mut w, "V2X/RSU/HB/UP", body);
    w.expect(&["5040000 v2 resolved yellow returned"]);
}

/// The reports of a radar of a congestion on one lane, in the order of the file, each with the millisecond it names.
fn recorded() -> Option<Vec<(i64, String)>> {
    let Some(root) = std::env::var_os("MAIBO_FIXTURES") else {
        println!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return None;
    };
    let file = std::fs::read_to_string(std::path::Path::new(&root).join("radar-xiongan/event.json")).expect("recorded");
    let all: Vec<serde_json::Value> =
        serde_json::from_str(file.strip_prefix('\u{feff}').expect("a mark")).expect("reports");
    let time = |v: &serde_json::Value| v["timeStamp"].as_str().and_then(|t| t.parse().ok()).expect("a time as text");
    Some(all.iter().map(|v| (time(v), v.to_string())).collect())
}

const CONGESTION: &str = "when = { kind = \"k\" }\nevent = { codes = { \"radar.10\" = \"yellow\" } }";

/// Sends them as they were recorded, moved so that the first in time is at time zero; with the mark of the file on each.
fn play(reports: &[(i64, String)]) -> (World, EventCounts) {
    let first = reports.iter().map(|(t, _)| *t).min().expect("one");
    let mut w = World::with(PartitionId(0), &ladder("road", CONGESTION), &catalogue(&[("N22W75HMBLD", "10s")]));
    let (mut wire, mut sum, mut now) = (Wire::new(), EventCounts::default(), 0);
    for (t, body) in reports {
        now = now.max(t - first);
        let moved = body.replace(&t.to_string(), &(t - first + ZERO).to_string());
        wire.send(w.at(now), "V2X/RADAR/N22W75HMBLD/EVENT/UP", format!("\u{feff}{moved}\t\n"));
        assert_eq!(wire.reasons(), [""; 0]);
        let one = w.out.counts.events;
        (sum.judged, sum.duplicate, sum.late) =
            (sum.judged + one.judged, sum.duplicate + one.duplicate, sum.late + one.late);
    }
    (w, sum)
}

// Trap 2: one event reported 500 times, 24 of them exact repeats: one alert, which counts 476, and ends once. The decoder:
// decode_suite/openv2x.rs, `radar`; decoded before: engine_semantics/event_recorded.rs, `a_radar_that_repeats`.
#[test]
fn an_event_of_500_reports_is_one_alert_that_counts() {
    let Some(mut reports) = recorded() else { return };
    reports.sort();
    let (mut w, sum) = play(&reports);
    assert_eq!((reports.len(), sum.judged, sum.duplicate, sum.late), (500, 476, 24, 0));
    w.expect(&["0 v1 firing yellow event"]);
    let last = reports[499].0 - reports[0].0;
    w.run(last + s(600)).expect(&[&format!("{} v2 resolved yellow event_expired", last + s(600))]);
    assert_eq!(w.last().value, Some(476.0));
}

// Trap 3: the same in the order of the file: out of order, times as text, a byte order mark before each message: still one
// alert, and every report is counted as one thing or another. The decoder: decode_suite/fixtures.rs, `radar_recordings`.
#[test]
fn reports_out_of_order_are_one_alert() {
    let Some(reports) = recorded() else { return };
    assert!(!reports.iter().map(|(t, _)| *t).is_sorted());
    let (mut w, sum) = play(&reports);
    assert_eq!(sum.judged + sum.duplicate + sum.late, 500);
    assert!(sum.late > 100, "{}", sum.late);
    assert_eq!(w.transitions().len(), 1);
    w.run(s(7200));
    assert_eq!((w.last().version, w.last().reason.as_str()), (2, "event_expired"));
    assert_eq!(w.machine.open_alerts().count(), 0);
}
