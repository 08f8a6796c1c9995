use maibo_core::decode::{DecodeStage, Decoded, Message, ProblemReason, Profile, Route};
use proptest::prelude::*;

use crate::{NOW, decode, has, stage};

/// One valid message of every kind.
pub(crate) const GOOD: &[(&str, &str)] = &[
    ("maibo/v1/d-1/telemetry", r#"[{"t":1767225600000,"pm25":12.5,"water_depth":{"v":120,"u":"mm"}},{"smoke":true}]"#),
    (
        "maibo/v1/d-1/event",
        r#"{"t":5,"code":"tamper","id":7,"cancelled":true,"lon":116.4,"lat":39.9,"text":"\u5f00 é"}"#,
    ),
    ("maibo/v1/d-1/status", r#"{"alive":true}"#),
    ("acme/up", r#"{"sn":17,"data":[{"ts":"2013-08-11 15:00:00","pm":{"v25":93},"depth":" 2.0 ","smoke":false}]}"#),
    (
        "application/a/device/0101010101010101/event/up",
        r#"{"deduplicationId":"3ac7","time":"2022-07-18T09:34:15.775023242+00:00","object":{"pm25":1},"rxInfo":[{"rssi":-90}]}"#,
    ),
    ("application/a/device/0101010101010101/event/status", r#"{"batteryLevel":88.3}"#),
    ("V2X/RSU/HB/UP", r#"{"rsuEsn":"R1","seqNum":0}"#),
    ("V2X/RSU/INFO/UP", r#"{"rsuEsn":"R1","location":{"lat":39.9,"lon":"1163910000"}}"#),
    ("V2X/RSU/RunningInfo/UP", r#"{"rsuEsn":"R1","runningInfo":{"cpu":{"uti":1},"mem":{"total":2,"used":1}}}"#),
    ("V2X/RSU/R1/RSI/UP", r#"{"rsiDatas":[{"alertID":1,"eventType":707,"timeStamp":"2022-07-18T17:34:15.775Z"}]}"#),
    ("V2X/RSU/R1/RSI/UP/DAWNLINE", r#"{"event_content":[{"event_type":904,"event_id":"1","timeStamp":1}]}"#),
    ("V2X/RSU/R1/RSM/UP", r#"{"content":{"rsms":[{"participants":[{"ptcType":"motor","speed":500}]}]}}"#),
    ("V2X/RSU/R1/RSM/UP/DAWNLINE", r#"[{"content":[{"ptcType":"motor","timeStamp":1,"speed":1.5}]}]"#),
    ("V2X/RADAR/N1/EVENT/UP", r#"{"timeStamp":"1","eventType":10,"lane":1}"#),
    ("V2X/RADAR/N1/STATUS/UP", r#"{"timeStamp":"1","trafficStatusInformations":[{"queueVehicleNumber":21}]}"#),
];

/// Whether the output keeps the promises that hold for any input.
pub(crate) fn assert_sound(out: &Decoded) {
    assert!(out.readings.is_sorted_by_key(|r| r.at));
    assert!(out.readings.iter().all(|r| r.received == NOW && (r.timed || r.at == NOW)));
    assert!(out.problems.len() <= ProblemReason::ALL.len() * Decoded::PROBLEMS_PER_REASON);
    assert!(out.problems.iter().all(|p| p.detail.len() <= 200 && p.times > 0));
}

/// A payload that is cut must give nothing but problems: half a message is no message.
pub(crate) fn assert_truncations(topic: &str, payload: &[u8]) {
    for end in 0..payload.len() {
        let out = decode(topic, &payload[..end]);
        let rest_is_space = payload[end..].iter().all(u8::is_ascii_whitespace);
        if out.ignored == 0 && !rest_is_space {
            assert!(!out.problems.is_empty(), "{topic} cut at {end}");
            assert!(
                out.readings.is_empty() && out.events.is_empty() && out.liveness.is_empty(),
                "{topic} cut at {end}"
            );
        }
    }
}

// Protects fault row 38: every format, cut at every byte.
#[test]
fn truncation_at_every_byte() {
    for (topic, payload) in GOOD {
        let whole = decode(topic, payload.as_bytes());
        assert!(whole.problems.is_empty() && !whole.is_empty(), "{topic}: {whole:?}");
        assert_truncations(topic, payload.as_bytes());
    }
    let mut e = minicbor::Encoder::new(Vec::new());
    e.array(2).unwrap().map(2).unwrap().str("t").unwrap().u64(1).unwrap().str("pm25").unwrap().f64(1.5).unwrap();
    e.begin_map().unwrap().str("o3").unwrap().f32(2.5).unwrap().end().unwrap();
    assert_truncations("maibo/v1/d-1/telemetry", &e.into_writer());
}

// Protects fault rows 39 and 40: size, depth, number of keys and elements, and repeated keys are limited, quickly.
#[test]
fn bombs() {
    let mut wide = DecodeStage::new(vec![Route::standard(Profile::Native), Route::standard(Profile::OpenV2x)])
        .unwrap()
        .with_limit(usize::MAX);
    let mut big = |topic: &str, payload: &str| {
        let mut out = Decoded::default();
        let m = Message { topic, payload: payload.as_bytes(), retained: false, received: NOW };
        wide.decode(&m, &mut out);
        assert_sound(&out);
        out
    };
    let keys = (0..1_000_000).map(|i| format!("\"k{i}\":1,")).collect::<Vec<_>>().concat();
    let keys = format!("{{{keys}\"pm25\":1}}");
    let same = format!("{{{}\"pm25\":1}}", "\"pm25\":1,".repeat(100_000));
    let many = format!("[{}1]", "1,".repeat(1000));
    for topic in ["maibo/v1/d/telemetry", "maibo/v1/d/event", "V2X/RSU/R1/RSM/UP", "V2X/RSU/R1/RSI/UP"] {
        for open in ["[", "{\"a\":", "[{\"pm25\":", "{\"pm25\":{\"v\":"] {
            let out = big(topic, &open.repeat(100_000));
            assert!(has(&out, ProblemReason::TooDeep), "{topic} {open}: {:?}", out.problems);
        }
        assert!(has(&big(topic, &keys), ProblemReason::TooManyKeys), "{topic}");
        let out = big(topic, &same);
        assert!(has(&out, ProblemReason::DuplicateKey) || has(&out, ProblemReason::TooManyKeys), "{topic}");
        assert!(has(&big(topic, &many), ProblemReason::TooManyElements), "{topic}");
        assert!(has(&decode(topic, keys.as_bytes()), ProblemReason::TooLarge), "{topic}");
    }
    assert!(has(&decode("maibo/v1/d/telemetry", br#"{"x":{"a":1,"a":2}}"#), ProblemReason::DuplicateKey));
    // Sixteen levels are allowed, seventeen are not, whoever reads: the tree, the skipping reader, CBOR.
    let too_deep = |topic: &str, payload: &[u8]| has(&decode(topic, payload), ProblemReason::TooDeep);
    for (arrays, refused) in [(15, false), (16, true)] {
        let json = format!("{{\"x\":{}1{}}}", "[".repeat(arrays), "]".repeat(arrays));
        assert_eq!(too_deep("maibo/v1/d/telemetry", json.as_bytes()), refused);
        assert_eq!(too_deep("maibo/v1/d/event", json.as_bytes()), refused);
        let cbor = [&[0xa1, 0x61, b'x'][..], &vec![0x81; arrays], &[0x01]].concat();
        assert_eq!(too_deep("maibo/v1/d/telemetry", &cbor), refused);
    }
}

// Protects fault row 42: odd numbers are values, problems or bad syntax, never a panic.
#[test]
fn odd_numbers() {
    for number in
        ["NaN", "Infinity", "1e400", "-0", "-9223372036854775808", "\"1e3\"", "\"1,5\"", "01", "+1", "0x1", "1e-999"]
    {
        for (topic, template) in GOOD {
            let payload = template.replacen("1}", &format!("{number}}}"), 1).replacen(":1,", &format!(":{number},"), 1);
            assert_sound(&decode(topic, payload.as_bytes()));
        }
    }
}

fn topics() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(GOOD.iter().map(|(topic, _)| *topic).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    // Protects P11: random bytes never panic any decoder.
    #[test]
    fn random_bytes(topic in topics(), payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        assert_sound(&decode(topic, &payload));
    }

    // Protects P11: damaged valid messages never panic any decoder.
    #[test]
    fn damaged_messages(
        (topic, payload) in proptest::sample::select(GOOD),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = payload.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        assert_sound(&decode(topic, &bytes));
    }

    // Protects P11: any CBOR-like beginning, and any topic text, is survived.
    #[test]
    fn random_cbor_and_topics(first in 0x80_u8..0xc0, rest in proptest::collection::vec(any::<u8>(), 0..200), topic in "\\PC{0,40}") {
        let payload = [&[first][..], &rest].concat();
        assert_sound(&decode("maibo/v1/d/telemetry", &payload));
        assert_sound(&decode(&topic, &payload));
        let mut out = Decoded::default();
        stage().decode(&Message { topic: "acme/up", payload: &payload, retained: true, received: NOW }, &mut out);
        prop_assert!(out.readings.is_empty());
    }
}
