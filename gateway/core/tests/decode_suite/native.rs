use maibo_core::decode::{ProblemReason, Sample};
use maibo_core::time::Timestamp;

use crate::{NOW, decode, has, lines, reasons, retained};

const T: &str = "maibo/v1/d-1/telemetry";

// Protects the native format: one record, an array, explicit units, yes/no values, null.
#[test]
fn telemetry_in_json() {
    let out = decode(
        T,
        br#"[{"t":2000,"pm25":12.5,"water_depth":{"v":120,"u":"mm"}},
             {"t":1000,"smoke":true,"power":0,"humidity":null}]"#,
    );
    assert_eq!(
        lines(&out),
        ["d-1 smoke=1@1000 good", "d-1 power=0@1000 good", "d-1 pm25=12.5@2000 good", "d-1 water_depth=12@2000 good"],
        "one payload comes out in time order"
    );
    assert!(out.problems.is_empty());
}

// Protects P7: without a time the receive time stands in and says so; an unreadable one costs the time, not the value.
#[test]
fn times() {
    let now = NOW.0;
    assert_eq!(lines(&decode(T, br#"{"pm25":1}"#)), [format!("d-1 pm25=1@{now} good~")]);
    assert_eq!(lines(&decode(T, br#"{"t":null,"pm25":1}"#)), [format!("d-1 pm25=1@{now} good~")]);
    assert_eq!(lines(&decode(T, br#"{"pm25":1,"t":5.0}"#)), ["d-1 pm25=1@5 good"]);
    for bad in [r#""noon""#, "1.5", "[1]", "{}", "true", "18446744073709551615"] {
        let out = decode(T, format!(r#"{{"t":{bad},"pm25":1}}"#).as_bytes());
        assert_eq!(lines(&out), [format!("d-1 pm25=1@{now} clock~")], "{bad}");
        assert_eq!(reasons(&out), ["bad_time"], "{bad}");
    }
}

// Protects P11: what is wrong costs itself only.
#[test]
fn bad_parts_cost_themselves() {
    let out = decode(
        T,
        br#"[{"t":1,"pm25":1,"bogus":{"a":[1,{"b":2}]},"no2":"7","o3":{"v":1,"u":"furlong"},"so2":[1],"co":{"v":1,"x":2}},
             7, [{"t":2,"pm25":2}], {"t":3,"pm25":3,"pm25":4}, {"t":4,"pm25":5}]"#,
    );
    assert_eq!(lines(&out), ["d-1 pm25=1@1 good", "d-1 pm25=5@4 good"]);
    assert_eq!(
        reasons(&out),
        [
            "unknown_quantity",
            "bad_value",
            "unknown_unit",
            "bad_value",
            "bad_value",
            "bad_shape",
            "bad_shape",
            "duplicate_key"
        ]
    );
    assert!(out.problems.iter().all(|p| p.detail.chars().count() <= 200));
}

// Protects the quality rule: out of range is kept and marked; -9999 is not a water depth.
#[test]
fn out_of_range_is_kept_and_marked() {
    let out = decode(T, br#"{"t":1,"water_depth":-9999,"pm25":994,"rain":72.5,"turbidity":-0.4}"#);
    assert_eq!(
        lines(&out),
        ["d-1 water_depth=-9999@1 range", "d-1 pm25=994@1 good", "d-1 rain=72.5@1 good", "d-1 turbidity=-0.4@1 good"]
    );
}

// Protects absence: a device whose values are all absent or refused is not silent. What is broken, retained or from nobody
// is no sign of life, and a reading needs none beside it.
#[test]
fn a_useless_payload_is_a_sign_of_life() {
    let event = "maibo/v1/d-1/event";
    for (topic, body) in [
        (T, &br#"{"pm25":null}"#[..]),
        (T, br#"{"t":1,"pm25":"12"}"#),
        (T, br#"{"bogus":1}"#),
        (T, br#"[{"pm25":1,"pm25":2}]"#),
        (T, b"{}"),
        (T, b"[]"),
        (T, b"\xa0"),
        (event, b"[]"),
        (event, br#"{"t":1}"#),
    ] {
        let out = decode(topic, body);
        let alive: Vec<_> = out.liveness.iter().map(|l| (l.device.as_str(), l.received, l.alive)).collect();
        assert_eq!(alive, [("d-1", NOW, true)], "{topic} {body:?}");
        assert!(retained(topic, body).liveness.is_empty());
    }
    for body in [&br#"{"pm25":1}"#[..], br#"{"pm25":null"#, b"", b"\xa1"] {
        assert!(decode(T, body).liveness.is_empty(), "{body:?}");
    }
    assert!(decode("maibo/v1/d%1/telemetry", b"{}").liveness.is_empty());
}

// Protects the native format in CBOR: the same shape, all number types, NaN kept and marked.
#[test]
fn telemetry_in_cbor() {
    let mut e = minicbor::Encoder::new(Vec::new());
    e.array(2).unwrap();
    e.map(3).unwrap().str("t").unwrap().u64(2000).unwrap().str("pm25").unwrap().f32(12.5).unwrap();
    e.str("water_depth")
        .unwrap()
        .map(2)
        .unwrap()
        .str("v")
        .unwrap()
        .u8(120)
        .unwrap()
        .str("u")
        .unwrap()
        .str("mm")
        .unwrap();
    e.begin_map().unwrap().str("t").unwrap().i64(1000).unwrap().str("o3").unwrap().f64(f64::NAN).unwrap();
    e.str("turbidity").unwrap().i8(-1).unwrap().str("smoke").unwrap().bool(true).unwrap().end().unwrap();
    let out = decode(T, &e.into_writer());
    assert_eq!(
        lines(&out),
        [
            "d-1 o3=NaN@1000 range",
            "d-1 turbidity=-1@1000 good",
            "d-1 smoke=1@1000 good",
            "d-1 pm25=12.5@2000 good",
            "d-1 water_depth=12@2000 good"
        ]
    );
    assert!(out.problems.is_empty(), "{:?}", out.problems);
    // Half precision: 1.5, the smallest number, infinity.
    for (bits, value) in [([0x3e, 0x00], 1.5), ([0x00, 0x01], 2f64.powi(-24)), ([0xfc, 0x00], f64::NEG_INFINITY)] {
        let payload = [&[0xa1, 0x64][..], b"pm25", &[0xf9], &bits].concat();
        assert_eq!(decode(T, &payload).readings[0].value.to_bits(), value.to_bits());
    }
}

// Protects the limits of CBOR: bytes behind the value, deep nesting and repeated keys are refused as in JSON.
#[test]
fn cbor_limits() {
    let record = [&[0xa1, 0x64][..], b"pm25", &[0x01]].concat();
    assert_eq!(decode(T, &record).readings.len(), 1);
    assert!(has(&decode(T, &[&record[..], &[0]].concat()), ProblemReason::Syntax));
    assert!(has(&decode(T, &vec![0x81; 60_000]), ProblemReason::TooDeep));
    let twice = [&[0xa2, 0x64][..], b"pm25", &[0x01, 0x64], b"pm25", &[0x02]].concat();
    let out = decode(T, &twice);
    assert!(out.readings.is_empty() && has(&out, ProblemReason::DuplicateKey));
    assert!(has(&decode(T, &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), ProblemReason::Syntax));
}

// Protects liveness: plain words and JSON, and retained status is state, never life.
#[test]
fn status() {
    let s = "maibo/v1/d-1/status";
    for (payload, alive) in
        [(&b"online"[..], true), (b"offline\n", false), (br#"{"alive":true}"#, true), (br#"{"alive":false}"#, false)]
    {
        assert_eq!(decode(s, payload).liveness[0].alive, alive);
    }
    for bad in [&b"maybe"[..], b"{}", br#"{"alive":1}"#, b""] {
        let out = decode(s, bad);
        assert!(out.liveness.is_empty() && out.problems.len() == 1);
    }
    let out = retained(s, b"online");
    assert!(out.liveness.is_empty());
    assert_eq!(&*out.registrations[0].attributes[0].1, "online");
}

// Protects the retained rule: a stored reading is never news.
#[test]
fn retained_telemetry_gives_no_reading() {
    let out = retained(T, br#"{"t":1,"pm25":1,"no2":2}"#);
    assert!(out.readings.is_empty() && out.events.is_empty() && out.liveness.is_empty());
    assert_eq!(out.ignored, 2);
}

// Protects events: all fields, defaults, cleaned text, and problems.
#[test]
fn events() {
    let e = "maibo/v1/d-1/event";
    let body = "{\"t\":5,\"code\":\"tamper\",\"id\":7,\"cancelled\":true,\"expires\":9,\"lon\":116.4,\"lat\":39.9,\"text\":\"lid\\u202e\\nopen\"}";
    let out = decode(e, body.as_bytes());
    let event = &out.events[0];
    assert_eq!((&*event.code, &*event.identity, event.at), ("tamper", "7", Timestamp(5)));
    assert!(event.cancelled && event.expires == Some(Timestamp(9)) && event.position == Some((116.4, 39.9)));
    assert_eq!(&*event.text, "lidopen");
    let out = decode(
        e,
        br#"[{"code":"button"},{"id":"x"},{"code":""},{"code":"a","lon":200,"lat":1},{"code":"a","t":"x"},3]"#,
    );
    assert_eq!((out.events.len(), &*out.events[0].identity, out.events[0].at), (1, "button", NOW));
    assert_eq!(reasons(&out), ["missing_field", "bad_value", "bad_value", "bad_time", "bad_shape"]);
}

// Protects fault rows 41 and 44: bad names and foreign topics are refused by the allow-list.
#[test]
fn topics_and_devices() {
    for (topic, reason) in [
        ("maibo/v1/d%1/telemetry", ProblemReason::BadDevice),
        ("maibo/v1//telemetry", ProblemReason::BadTopic),
        ("maibo/v1/d\u{430}/telemetry", ProblemReason::BadTopic),
        ("maibo/v1/+/telemetry", ProblemReason::BadTopic),
        ("$SYS/broker/uptime", ProblemReason::TopicNotAllowed),
        ("$JS/API/STREAM.DELETE.x", ProblemReason::TopicNotAllowed),
        ("maibo/v1/d/x/telemetry", ProblemReason::TopicNotAllowed),
    ] {
        let out = decode(topic, br#"{"pm25":1}"#);
        assert!(has(&out, reason) && out.readings.is_empty(), "{topic}: {:?}", out.problems);
    }
    let long = format!("maibo/v1/{}/telemetry", "d".repeat(65));
    assert!(has(&decode(&long, b"{}"), ProblemReason::BadDevice));
}

// Protects trap 3: one byte order mark is tolerated, offsets still count from the payload's first byte.
#[test]
fn byte_order_mark() {
    assert_eq!(decode(T, b"\xef\xbb\xbf{\"pm25\":1}").readings.len(), 1);
    assert!(has(&decode(T, b"\xef\xbb\xbf"), ProblemReason::Syntax));
    assert!(has(&decode(T, b"\xef\xbb\xbf\xef\xbb\xbf{\"pm25\":1}"), ProblemReason::Syntax));
    let out = decode(T, b"\xef\xbb\xbf{\"pm25\":1,\n x}");
    assert_eq!(out.problems[0].offset, Some(15));
}

// Protects the quarantine: samples are short, readable in structure, and hold no string values.
#[test]
fn samples_are_redacted() {
    let secret = br#"{"token":"Bearer s3cr3t \"x","phone":13800001111,"pm25":12.5,"p":"\u0041",  "#;
    let out = decode(T, secret);
    let Sample::Redacted(text) = &out.problems[0].sample else { panic!("expected a text") };
    assert_eq!(text, r#"{"token":"xxxxxx x0xx0x \"x","phone":00000000000,"pm25":12.5,"p":"\x0000",  "#);
    let out = decode(T, format!("{{\"a\":\"{}", "密".repeat(2000)).as_bytes());
    let Sample::Redacted(text) = &out.problems[0].sample else { panic!("expected a text") };
    assert!(text.len() <= Sample::MAX && text.ends_with('.'));
}

// Protects P8: problems of one message are bounded in number, and none is lost from the count.
#[test]
fn problems_are_bounded() {
    let body = (0..200).map(|i| format!("\"x{i}\":1,")).collect::<Vec<_>>().concat();
    let out = decode(T, format!("{{{body}\"pm25\":1}}").as_bytes());
    assert_eq!(out.readings.len(), 1);
    assert_eq!((out.problems.len(), out.problems.iter().map(|p| p.times).sum::<u32>()), (4, 200));
}
