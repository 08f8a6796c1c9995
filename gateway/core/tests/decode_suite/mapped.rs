use maibo_core::decode::{DecodeStage, MappingSpec, Profile, Route, TopicFilter};

use crate::{NOW, decode, lines, mapping, reasons};

// Protects the mapping: pointers, units, scale, strings, local time in a fixed zone, constants.
#[test]
fn golden() {
    let out = decode(
        "acme/up",
        br#"{"sn":17,"data":[
            {"ts":"2013-08-11 15:00:00","pm":{"v25":93},"depth":" 2.0 ","co":1.8,"smoke":false},
            {"ts":"2013-08-11 14:00:00","pm":{"v25":-9999}}]}"#,
    );
    assert_eq!(
        lines(&out),
        [
            "acme-17 pm25=-9999@1376200800000 range",
            "acme-17 power=1@1376200800000 good",
            "acme-17 pm25=93@1376204400000 good",
            "acme-17 water_depth=5.08@1376204400000 good",
            "acme-17 co=1.8@1376204400000 good",
            "acme-17 smoke=0@1376204400000 good",
            "acme-17 power=1@1376204400000 good"
        ]
    );
    assert!(out.problems.is_empty(), "{:?}", out.problems);
}

// Protects P11: bad elements, values, times and devices are problems of their own.
#[test]
fn problems() {
    let now = NOW.0;
    let out = decode(
        "acme/up",
        br#"{"data":[{"sn":"a","pm":{"v25":"93"},"depth":"0x10"},{"sn":"a b","smoke":1},{"sn":"a"},3,
                     {"sn":"a","ts":1,"smoke":1},{"smoke":1}]}"#,
    );
    assert_eq!(
        reasons(&out),
        ["bad_value", "bad_value", "bad_device", "missing_field", "bad_shape", "bad_time", "bad_device"]
    );
    assert_eq!(
        lines(&out),
        [
            format!("acme-a power=1@{now} good~"),
            format!("acme-a smoke=1@{now} clock~"),
            format!("acme-a power=1@{now} clock~")
        ]
    );
    assert_eq!(reasons(&decode("acme/up", b"{}")), ["missing_field"]);
}

// Protects absence: a device whose fields are all absent or refused is not silent; it is said once a message.
#[test]
fn a_useless_record_is_a_sign_of_life() {
    let body =
        br#"{"data":[{"sn":"a","pm":{"v25":null}},{"sn":"a"},{"sn":"b c"},{"sn":"b","smoke":1},{"sn":"c","x":1}]}"#;
    let alive: Vec<_> = decode("acme/up", body).liveness.iter().map(|l| l.device.to_string()).collect();
    assert_eq!(alive, ["acme-a", "acme-c"]);
    assert!(crate::retained("acme/up", body).liveness.is_empty());
    let refused: MappingSpec =
        serde_json::from_str(r#"{"device":{"topic_segment":1},"fields":[{"pointer":"/v","quantity":"pm25"}]}"#)
            .unwrap();
    let route = Route::new(TopicFilter::new("x/+").unwrap(), Profile::Mapped(refused));
    let mut out = maibo_core::decode::Decoded::default();
    let m = maibo_core::decode::Message { topic: "x/d", payload: br#"{"v":"?"}"#, retained: false, received: NOW };
    DecodeStage::new(vec![route]).unwrap().decode(&m, &mut out);
    assert_eq!((out.readings.len(), out.liveness.len(), reasons(&out)), (0, 1, vec!["bad_value"]));
}

// Protects the configuration: all problems of a mapping at once, with their paths; unknown keys are refused.
#[test]
fn check_reports_everything_at_once() {
    assert!(mapping().check().is_empty());
    let bad: MappingSpec = serde_json::from_str(
        r#"{"device":{"pointer":"sn"},"prefix":"a b","records":"x","time":{"pointer":"t","format":"local"},
            "fields":[{"pointer":"p","quantity":"pm25","unit":"furlong","scale":0.0},
                      {"pointer":"/q","quantity":"nope"},{"pointer":"/r","quantity":"pm25"}],
            "constants":[{"quantity":"nope2","value":1},{"quantity":"ph","value":99}]}"#,
    )
    .unwrap();
    let problems = bad.check();
    for path in [
        "device.pointer",
        "prefix",
        "records",
        "time.pointer",
        "time.zone",
        "fields[0].pointer",
        "fields[0].unit",
        "fields[0].scale",
        "fields[1].quantity",
        "fields[2].quantity",
        "constants[0].quantity",
        "constants[1].value",
    ] {
        assert!(problems.iter().any(|p| p.starts_with(path)), "{path} is missing in {problems:?}");
    }
    assert_eq!(problems.len(), 12);
    let route = Route::new(TopicFilter::new("x").unwrap(), Profile::Mapped(bad));
    assert_eq!(DecodeStage::new(vec![route]).unwrap_err().len(), 12);
    assert!(serde_json::from_str::<MappingSpec>(r#"{"device":{"topic_segment":1},"feilds":[]}"#).is_err());
}

// Protects time formats: seconds, milliseconds, RFC 3339, from strings where allowed.
#[test]
fn time_formats() {
    for (format, written, ms) in [
        ("s", "1.5", 1500_i64),
        ("s", "\"1664420098\"", 1_664_420_098_000),
        ("ms", "\"1664420098000\"", 1_664_420_098_000),
        ("rfc3339", "\"2022-07-18T17:34:15.775023242+08:00\"", 1_658_136_855_775),
    ] {
        let spec: MappingSpec = serde_json::from_str(&format!(
            r#"{{"device":{{"topic_segment":1}},"time":{{"pointer":"/t","format":"{format}","strings_ok":true}},
                 "fields":[{{"pointer":"/v","quantity":"pm25"}}]}}"#
        ))
        .unwrap();
        let route = Route::new(TopicFilter::new("x/+").unwrap(), Profile::Mapped(spec));
        let mut stage = DecodeStage::new(vec![route]).unwrap();
        let mut out = maibo_core::decode::Decoded::default();
        let payload = format!(r#"{{"t":{written},"v":1}}"#);
        let m =
            maibo_core::decode::Message { topic: "x/d", payload: payload.as_bytes(), retained: false, received: NOW };
        stage.decode(&m, &mut out);
        assert_eq!(lines(&out), [format!("d pm25=1@{ms} good")], "{format}");
    }
}
