use std::path::PathBuf;

use maibo_core::decode::{Decoded, Message};

use crate::hostile::{assert_sound, assert_truncations};
use crate::{NOW, decode, lines, stage};

/// The folder of recorded data, where one is given; says so where not.
fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("MAIBO_FIXTURES") else {
        println!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return None;
    };
    Some(PathBuf::from(root).join(name))
}

// Protects OpenV2X: the recorded function-test messages decode, and cut anywhere they give problems only.
#[test]
fn openv2x_function_tests() {
    let Some(folder) = folder("openv2x") else { return };
    let message = |name: &str| {
        let text = std::fs::read(folder.join(name)).unwrap();
        let case: serde_json::Value = serde_json::from_slice(&text).unwrap();
        (case["topic"].as_str().unwrap().to_owned(), case["payload"].to_string())
    };
    let (topic, rsi) = message("functest_rsi.json");
    let out = decode(&topic, rsi.as_bytes());
    let e = &out.events[0];
    assert_eq!((e.device.as_str(), &*e.code, &*e.identity, e.at.0), ("R328328", "rsi.707", "1", 1_653_016_703_500));
    assert!(out.problems.is_empty());
    assert_truncations(&topic, rsi.as_bytes());

    let (topic, rsm) = message("functest_rsm.json");
    let out = decode(&topic, rsm.as_bytes());
    assert_eq!(lines(&out)[0], "R328328 count_motor=1@1653016783500 good");
    assert!((out.readings[1].value - 7.878_301_590_570_452_5 * 3.6).abs() < 1e-9);
    assert!(!format!("{out:?}").contains("ad6de"));
    assert_truncations(&topic, rsm.as_bytes());

    for name in ["functest_clc.json", "functest_dnp.json", "functest_mwr.json", "functest_sds.json"] {
        let (topic, payload) = message(name);
        let out = decode(&topic, payload.as_bytes());
        assert!(out.ignored == 1 && out.problems.is_empty(), "{name}");
    }
    for name in ["map_default.json", "map_example_omega.json", "map_yizhuang.json"] {
        let out = decode("V2X/RSU/R1/MAP/UP", &std::fs::read(folder.join(name)).unwrap());
        assert!(out.ignored == 1 && out.problems.is_empty(), "{name}");
    }
}

// Protects ChirpStack: the published examples of all events decode or are counted.
#[test]
fn chirpstack_examples() {
    let Some(folder) = folder("chirpstack-tts") else { return };
    let text = std::fs::read(folder.join("chirpstack_v4_events.json")).unwrap();
    let all: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for (event, body) in all.as_object().unwrap() {
        let eui = body["deviceInfo"]["devEui"].as_str().unwrap();
        let topic = format!("application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{eui}/event/{event}");
        let payload = body.to_string();
        let out = decode(&topic, payload.as_bytes());
        assert!(out.problems.is_empty(), "{event}: {:?}", out.problems);
        let expected: &[&str] = match event.as_str() {
            "up" => &["0101010101010101 rssi=-36@1658136855775 good", "0101010101010101 snr=10.5@1658136855775 good"],
            "status" => &["0101010101010101 battery=88.3@1658136906927 good"],
            _ => &[],
        };
        assert_eq!(lines(&out), expected, "{event}");
        assert_eq!(out.liveness.len(), usize::from(matches!(event.as_str(), "up" | "status" | "join")), "{event}");
        if matches!(event.as_str(), "up" | "status" | "join") {
            assert_truncations(&topic, payload.as_bytes());
        }
    }
    let invalid = std::fs::read(folder.join("tts_uplink_message_example.invalid.json")).unwrap();
    let out = decode("acme/up", &invalid);
    assert_eq!((out.problems.len(), out.problems[0].reason.as_str()), (1, "syntax"));
}

// Protects traps 2 and 3: 500 radar reports are one event; strings as times, out of order, all used.
#[test]
fn radar_recordings() {
    let Some(folder) = folder("radar-xiongan") else { return };
    let mut stage = stage();
    let mut replay = |name: &str, kind: &str| {
        let text = std::fs::read(folder.join(name)).unwrap();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap();
        let all: Vec<serde_json::Value> = serde_json::from_slice(text).unwrap();
        let mut out = Decoded::default();
        for one in &all {
            let topic = format!("V2X/RADAR/{}/{kind}/UP", one["deviceId"].as_str().unwrap());
            let payload = format!("\u{feff}{one}");
            let m = Message { topic: &topic, payload: payload.as_bytes(), retained: false, received: NOW };
            stage.decode(&m, &mut out);
        }
        assert!(out.problems.is_empty(), "{:?}", out.problems);
        (all.len(), out)
    };
    let (n, out) = replay("event.json", "EVENT");
    assert_eq!((n, out.events.len()), (500, 500));
    assert!(out.events.iter().all(|e| e.identity == out.events[0].identity && &*e.code == "radar.10"));
    let (n, out) = replay("status.json", "STATUS");
    assert_eq!(n, out.readings.len());
    assert!(out.readings.iter().all(|r| r.quantity.as_str() == "queue_vehicles" && r.timed));
    for (name, kind) in [("cross.json", "CROSS"), ("flow.json", "FLOW")] {
        let (n, out) = replay(name, kind);
        assert_eq!(out.ignored as usize, n);
    }
}

// Protects P11: no recorded file of any format, sent to any decoder, makes it panic.
#[test]
fn every_file_to_every_decoder() {
    let Some(root) = folder("") else { return };
    for folder in ["openv2x", "chirpstack-tts", "senml", "sparkplug", "cap", "ode-valid-invalid"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries.flatten().filter(|e| e.path().is_file()) {
            let bytes = std::fs::read(entry.path()).unwrap();
            for (topic, _) in crate::hostile::GOOD {
                assert_sound(&decode(topic, &bytes));
            }
        }
    }
}
