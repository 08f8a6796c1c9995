//! Times without a zone, and a year that means "not yet".

use crate::engine_world::{ZERO, ladder, s};
use crate::wire::Wire;
use crate::{limit, world};

// Trap 11: a local time without a zone is read in the zone its format declares: ZERO is 16:00 of 15 January 2027 in
// Beijing. Read as UTC it would lie 8 hours ahead; the wrong zone is found, and costs the time and not the value. Decoders:
// decode_suite/mapped.rs, `time_formats`; a mapping without a zone is refused there. (Minutes of the year and tenths of the
// hour are not decoded.)
#[test]
fn a_local_time_is_read_in_its_declared_zone() {
    let rules = limit("flood", "water_depth", "levels = { red = 27 }\ndirection = \"above\"");
    let mapping = |zone: &str| {
        format!(
            "{{\"device\":{{\"topic_segment\":1}},\"time\":{{\"pointer\":\"/t\",\"format\":\"local\",\"zone\":\"{zone}\"}},\
             \"fields\":[{{\"pointer\":\"/v\",\"quantity\":\"water_depth\"}}]}}"
        )
    };
    let (beijing, utc) = (mapping("+08:00"), mapping("+00:00"));
    let mut wire = Wire::mapped(&[("bj/+", &beijing), ("utc/+", &utc)]);
    let mut w = world("d", &rules);
    wire.send(w.at(s(5)), "bj/d", r#"{"t":"2027-01-15 16:00:03","v":30}"#);
    assert_eq!(wire.last.readings[0].at.0 - ZERO, s(3));
    w.expect(&["3000 v1 firing red threshold"]);
    assert_eq!(w.out.counts.clock, 0);
    let mut w = world("d", &rules);
    wire.send(w.at(s(5)), "utc/d", r#"{"t":"2027-01-15 16:00:03","v":30}"#);
    w.expect(&["5000 v1 firing red threshold"]);
    assert_eq!(w.out.counts.clock, 1);
    for n in 1..=2 {
        wire.send(w.at(s(5 + 10 * n)), "utc/d", format!("{{\"t\":\"2027-01-15 16:00:{}\",\"v\":30}}", 3 + 10 * n));
    }
    w.expect(&["25000 v1 firing blue clock_wrong"]);
}

// Trap 18: an end in the year 1 (or at 0, or at null) means "not ended": the event goes on until it is cancelled or not
// repeated; one whose end lies behind it is over. The decoder: decode_suite/native.rs, `events`.
#[test]
fn an_end_in_the_year_one_is_no_end() {
    let events = "when = { kind = \"k\" }\nevent = { codes = { \"smoke\" = \"red\" }, expires_after = \"10m\" }";
    let mut wire = Wire::new();
    for end in ["-62135596800000", "0", "null"] {
        let mut w = world("d", &ladder("road", events));
        wire.send(
            w.at(0),
            "maibo/v1/d/event",
            format!("{{\"t\":{ZERO},\"code\":\"smoke\",\"id\":1,\"expires\":{end}}}"),
        );
        w.run(s(299)).expect(&["0 v1 firing red event"]);
        let over = format!("{{\"t\":{},\"code\":\"smoke\",\"id\":1,\"cancelled\":true}}", ZERO + s(299));
        wire.send(&mut w, "maibo/v1/d/event", over);
        w.expect(&["299000 v2 resolved red event_cancelled"]);
    }
    let mut w = world("d", &ladder("road", events));
    let over = format!("{{\"t\":{ZERO},\"code\":\"smoke\",\"id\":1,\"expires\":{}}}", ZERO + s(5));
    wire.send(w.at(s(5)), "maibo/v1/d/event", over);
    w.expect(&[]);
}
