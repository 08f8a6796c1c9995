#![allow(clippy::unwrap_used, reason = "tests")]

use maibo_core::time::Timestamp;
use maibo_store::outbox::Stamp;
use serde_json::Value;

use super::*;
use crate::deliver::body::{Told, native};
use crate::deliver::tests::support::{told, transition};
use crate::deliver::{Outlines, SenderSettings};

mod answers;
mod area;
mod back;
mod beat;
mod chain;
mod drill;
mod group;
mod people;
mod plan;
mod template;

/// 2026-11-23 20:00:00.450 in Beijing.
const AT: Timestamp = Timestamp(1_795_435_200_450);

fn told_of(version: u32) -> Told {
    let mut told = told(&transition(1, version));
    let alert = &mut told.alert;
    alert.version = version;
    alert.started_at = "2026-11-23T11:59:30.000Z".to_owned();
    alert.district = Some("110105".to_owned());
    alert.place = Some("110105001".to_owned());
    alert.place_name = Some(Words { zh: "朝阳区".to_owned(), en: "Chaoyang".to_owned() });
    alert.device = Some("wl-17".to_owned());
    alert.device_name = Some("三元桥 <17> & \u{7}".to_owned());
    (alert.lon, alert.lat) = (Some(116.46), Some(39.96));
    told
}

fn resolved(version: u32) -> Told {
    let mut told = told_of(version);
    told.alert.state = AlertState::Resolved;
    told.alert.resolved_at = Some("2026-11-23T12:10:00.000Z".to_owned());
    told
}

fn stamp(version: u32, after: i64) -> Stamp {
    let at = Timestamp(AT.0 + after);
    Stamp { version, at, slot: at.0.div_euclid(100) }
}

fn letter(told: &Told, stamp: Stamp, before: Option<Stamp>) -> Letter {
    Letter { body: native(told, true), stamp, before }
}

fn sender() -> Sender {
    let settings = SenderSettings {
        name: Some("maibo.city.example".to_owned()),
        code: Some("11000041600001".to_owned()),
        page: Some("https://maibo.city.example/".to_owned()),
        ..SenderSettings::default()
    };
    let outlines = Outlines::parse(
        r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"110105"},"geometry":
        {"type":"Polygon","coordinates":[[[116.4,39.8],[116.6,39.8],[116.6,40.1],[116.4,40.1],[116.4,39.8]]]}}]}"#,
    );
    Sender { outlines: outlines.unwrap(), ..settings.parse().unwrap() }
}

fn rendered(format: Format, letter: &Letter) -> Outgoing {
    render(&plain(format), std::slice::from_ref(letter), "flood-office", &sender()).unwrap()
}

fn plain(format: Format) -> Manner {
    Manner { format, template: None, beat: None }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

// CloudEvents 1.0: the attributes that must be there, once in the object and once in headers, and the same event in both.
#[test]
fn cloud_events_say_the_same_in_both_modes() {
    let letter = letter(&told_of(3), stamp(3, 0), None);
    let structured = rendered(Format::CloudEvents, &letter);
    assert_eq!(structured.content_type, "application/cloudevents+json; charset=utf-8");
    let event = json(&structured.body);
    let id = format!("{}-3", event["subject"].as_str().unwrap());
    for (name, text) in [
        ("specversion", "1.0"),
        ("id", &id),
        ("source", "urn:maibo:maibo.city.example"),
        ("type", "maibo.alert.firing"),
        ("time", event["data"]["updated_at"].as_str().unwrap()),
    ] {
        assert_eq!(event[name], text, "{name}");
    }
    let binary = rendered(Format::CloudEventsBinary, &letter);
    assert_eq!((binary.content_type, json(&binary.body)), ("application/json", event["data"].clone()));
    for (name, value) in &binary.headers {
        let attribute = name.as_str().strip_prefix("ce-").unwrap();
        assert_eq!(event[attribute], value.to_str().unwrap(), "{name}");
    }
    assert_eq!(binary.headers.len(), 6);
    assert_eq!(event["data"]["advice"]["zh"], "封闭下凹桥");
    assert_eq!(rendered(Format::CloudEvents, &letter), structured, "every attempt is the same");
}

// Alertmanager v4: its keys and no others; an alert keeps its fingerprint until its end, whatever its level.
#[test]
fn alertmanager_has_the_shape_of_version_4() {
    let firing = json(&rendered(Format::Alertmanager, &letter(&told_of(1), stamp(1, 0), None)).body);
    let keys: Vec<&str> = firing.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "alerts",
        "commonAnnotations",
        "commonLabels",
        "externalURL",
        "groupKey",
        "groupLabels",
        "receiver",
        "status",
        "truncatedAlerts",
        "version",
    ];
    assert_eq!(keys, wanted);
    let alert = &firing["alerts"][0];
    let keys: Vec<&str> = alert.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["annotations", "endsAt", "fingerprint", "generatorURL", "labels", "startsAt", "status"]);
    assert_eq!((&firing["version"], &firing["status"]), (&Value::from("4"), &Value::from("firing")));
    assert_eq!(alert["labels"]["severity"], "red");
    assert_eq!(alert["endsAt"], "0001-01-01T00:00:00Z");
    let link = format!("https://maibo.city.example/?alert={}", alert["labels"]["maibo_alert"].as_str().unwrap());
    assert_eq!(alert["generatorURL"], link);
    let mut mild = told_of(1);
    mild.alert.level = maibo_api::Level::Yellow;
    let mild = json(&rendered(Format::Alertmanager, &letter(&mild, stamp(1, 0), None)).body);
    assert_eq!(mild["alerts"][0]["labels"]["severity"], "yellow");
    assert_eq!(mild["alerts"][0]["fingerprint"], alert["fingerprint"]);
    let over = json(&rendered(Format::Alertmanager, &letter(&resolved(2), stamp(2, 0), None)).body);
    assert_eq!(over["alerts"][0]["endsAt"], "2026-11-23T12:10:00.000Z");
    assert_eq!(over["alerts"][0]["fingerprint"], alert["fingerprint"]);
    assert_eq!(over["groupKey"], firing["groupKey"]);
}

// A kept body that is none is said so, and never sent.
#[test]
fn what_cannot_be_read_is_not_sent() {
    let letter = Letter::unkept(b"{}".to_vec(), 1, AT);
    for format in Format::ALL {
        assert_eq!(
            render(&plain(format), std::slice::from_ref(&letter), "r", &sender()).is_ok(),
            format == Format::Native,
            "{format:?}"
        );
    }
}

#[test]
fn all_problems_of_the_sender_at_once() {
    let bad = |text: &str| Some(text.to_owned());
    let words = Words { zh: String::new(), en: "x".to_owned() };
    let settings =
        SenderSettings { name: bad("a b"), title: Some(words), code: bad("1100004160000"), page: bad("ftp://x") };
    let problems = settings.parse().unwrap_err();
    let keys: Vec<&str> = problems.iter().filter_map(|p| p.split(':').next()).collect();
    assert_eq!(keys, ["name", "title", "code", "page"]);
}
