use maibo_core::decode::{ChirpStackSpec, DecodeStage, Decoded, Message, Profile, Route};

use crate::{NOW, decode, lines, reasons, retained, stage};

const UP: &str = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/up";
const STATUS: &str = "application/a/device/0101010101010101/event/status";
const BODY: &str = r#"{"deduplicationId":"3ac7e3c4-4401-4b8d-9386-a5c902f9202d","time":"2022-07-18T09:34:15.775023242+00:00",
    "deviceInfo":{"devEui":"0101010101010101"},"object":{"temperature":21.5,"smoke":true,"firmware":"x"},
    "rxInfo":[{"rssi":-90,"snr":3.5},{"rssi":-36},{"snr":9}]}"#;

// Protects the format: fields by name, the best gateway's signal with proto3's missing zeros, the network's time.
#[test]
fn uplink_by_name() {
    let out = decode(UP, BODY.as_bytes());
    assert_eq!(
        lines(&out),
        [
            "0101010101010101 temperature=21.5@1658136855775 good",
            "0101010101010101 smoke=1@1658136855775 good",
            "0101010101010101 rssi=-36@1658136855775 good",
            "0101010101010101 snr=0@1658136855775 good"
        ]
    );
    assert!(out.problems.is_empty() && out.liveness.len() == 1);
}

// Protects the field table: pointers into object, units, prefix.
#[test]
fn uplink_by_table() {
    let spec: ChirpStackSpec = serde_json::from_str(
        r#"{"prefix":"lora-","fields":[{"pointer":"/level/mm","quantity":"water_depth","unit":"mm"}]}"#,
    )
    .unwrap();
    let mut stage = DecodeStage::new(vec![Route::standard(Profile::ChirpStack(spec))]).unwrap();
    let mut out = Decoded::default();
    let m = Message { topic: UP, payload: br#"{"object":{"level":{"mm":270}}}"#, retained: false, received: NOW };
    stage.decode(&m, &mut out);
    assert_eq!(lines(&out), [format!("lora-0101010101010101 water_depth=27@{} good~", NOW.0)]);
    let bad = ChirpStackSpec { fields: vec![], prefix: "a/b".to_owned() };
    assert!(DecodeStage::new(vec![Route::standard(Profile::ChirpStack(bad))]).is_err());
}

// Protects at-least-once delivery: a repeat is counted and its readings come out the same; memory is bounded.
#[test]
fn repeats_are_counted_and_lose_nothing() {
    let mut stage = stage();
    let mut out = Decoded::default();
    let m = Message { topic: UP, payload: BODY.as_bytes(), retained: false, received: NOW };
    let stored = Message { retained: true, ..m };
    stage.decode(&stored, &mut out);
    out.clear();
    stage.decode(&m, &mut out);
    assert_eq!(out.duplicates, 0, "a retained copy is not the first copy");
    let first = lines(&out);
    out.clear();
    stage.decode(&m, &mut out);
    assert_eq!((out.duplicates, lines(&out)), (1, first));
    // Without a time the repeat could not be recognised later, so it stops here.
    let untimed = Message { payload: br#"{"deduplicationId":"x","object":{"pm25":1}}"#, ..m };
    out.clear();
    stage.decode(&untimed, &mut out);
    stage.decode(&untimed, &mut out);
    assert_eq!((out.duplicates, out.readings.len()), (1, 1));
    for i in 0..1024 {
        let payload = format!(r#"{{"deduplicationId":"n{i}"}}"#);
        stage.decode(&Message { payload: payload.as_bytes(), ..m }, &mut out);
    }
    out.clear();
    stage.decode(&m, &mut out);
    assert_eq!(out.duplicates, 0, "the oldest id is forgotten");
}

// Protects battery readings: ignored where the device has mains power or does not know.
#[test]
fn battery() {
    let value = |body: &str| decode(STATUS, body.as_bytes()).readings.first().map(|r| r.value);
    assert_eq!(value(r#"{"margin":10,"batteryLevel":88.3}"#), Some(88.3));
    assert_eq!(value(r#"{"margin":10}"#), Some(0.0));
    assert_eq!(value(r#"{"externalPowerSource":true,"batteryLevel":0}"#), None);
    assert_eq!(value(r#"{"batteryLevelUnavailable":true,"batteryLevel":0}"#), None);
    assert_eq!(reasons(&decode(STATUS, br#"{"batteryLevel":"full"}"#)), ["bad_value"]);
}

// Protects P11: nobody reports for another device; other events are counted, not problems.
#[test]
fn devices_and_other_events() {
    let out = decode(UP, br#"{"deviceInfo":{"devEui":"0202020202020202"},"object":{"pm25":1}}"#);
    assert_eq!(reasons(&out), ["bad_device"]);
    assert!(out.readings.is_empty() && out.liveness.is_empty());
    assert_eq!(reasons(&decode("application/a/device/d1/event/up", b"{}")), ["bad_device"]);
    for event in ["ack", "txack", "log", "location", "integration", "other"] {
        let out = decode(&format!("application/a/device/0101010101010101/event/{event}"), b"{}");
        assert!(out.ignored == 1 && out.problems.is_empty(), "{event}");
    }
    assert_eq!(decode("application/a/device/0101010101010101/event/join", b"{}").liveness.len(), 1);
    assert!(retained(UP, BODY.as_bytes()).readings.is_empty());
    assert_eq!(reasons(&decode(UP, br#"{"object":{"foo":1}}"#)), ["unknown_quantity"]);
    assert_eq!(reasons(&decode(UP, br#"{"time":"now","object":{"pm25":1}}"#)), ["bad_time"]);
    assert_eq!(reasons(&decode(UP, b"\x0a\x24abc")), ["syntax"]);
}
