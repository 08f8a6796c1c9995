//! Signs of life.

use std::path::PathBuf;
use std::process::Command;

use maibo_core::time::Millis;

use super::*;

fn beat(format: Format) -> Result<Outgoing, FormatError> {
    let beat = Beat { key: "beat_19a", receiver: "fire-brigade", every: Millis(10_000), now: AT };
    beat.render(format, &sender())
}

// Every format for machines has one; none that people read does, and the configuration says the same.
#[test]
fn machines_have_one() {
    for format in Format::ALL {
        assert_eq!(beat(format).is_ok(), format.takes_beats(), "{}", format.as_str());
    }
}

#[test]
fn in_json() {
    let data = serde_json::json!({ "receiver": "fire-brigade", "every_ms": 10_000 });
    let native = json(&beat(Format::Native).unwrap().body);
    assert_eq!((&native["type"], &native["data"]), (&"heartbeat".into(), &data));
    let event = json(&beat(Format::CloudEvents).unwrap().body);
    let binary = beat(Format::CloudEventsBinary).unwrap();
    let header = |name: &str| {
        let (_, value) = binary.headers.iter().find(|(n, _)| n.as_str() == format!("ce-{name}")).unwrap();
        value.to_str().unwrap().to_owned()
    };
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        assert_eq!(event[name], header(name), "{name}");
    }
    assert_eq!((&event["type"], &event["id"]), (&"maibo.heartbeat".into(), &"beat_19a".into()));
    assert_eq!((&event["data"], json(&binary.body)), (&data, data.clone()));
}

// The same alert each time, whatever the time, so that whoever takes it has one that stands for ever; and no severity, by
// which it would be routed to people.
#[test]
fn as_an_alert_that_always_fires() {
    let one = json(&beat(Format::Alertmanager).unwrap().body);
    let alert = &one["alerts"][0];
    assert_eq!(
        (&one["version"], &one["status"], &alert["endsAt"]),
        (&"4".into(), &"firing".into(), &"0001-01-01T00:00:00Z".into())
    );
    assert_eq!(alert["labels"], serde_json::json!({ "alertname": "MaiboHeartbeat", "receiver": "fire-brigade" }));
    let later =
        Beat { key: "beat_19b", receiver: "fire-brigade", every: Millis(10_000), now: Timestamp(AT.0 + 10_000) };
    let later = json(&later.render(Format::Alertmanager, &sender()).unwrap().body);
    assert_eq!(later["alerts"][0]["fingerprint"], alert["fingerprint"]);
}

// CAP 1.2 §3.2.1: `System` is for the network itself. Another program reads it, and the standard's schema takes it.
#[test]
fn between_systems() {
    let text = String::from_utf8(beat(Format::Cap).unwrap().body).unwrap();
    let read: oasiscap::v1dot2::Alert = text.parse().unwrap();
    assert_eq!((read.status, read.info.len()), (oasiscap::v1dot2::Status::System, 0), "{text}");
    assert!(text.contains("<sent>2026-11-23T20:00:00+08:00</sent>"), "{text}");
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES") else {
        eprintln!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return;
    };
    let schema = PathBuf::from(folder).join("cap/cap12.xsd");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beat.xml");
    std::fs::write(&path, &text).unwrap();
    let out = Command::new("xmllint").arg("--noout").arg("--schema").arg(schema).arg(path).output().expect("xmllint");
    assert!(out.status.success(), "{}: {text}", String::from_utf8_lossy(&out.stderr));
}
