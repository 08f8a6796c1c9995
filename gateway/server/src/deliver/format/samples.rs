//! Alerts that never were: to try templates on, and to try whether a receiver can be reached.

use maibo_api::{Alert, AlertState, DataState, Domain, Level, Stamps, Subject, Words};
use maibo_core::time::Timestamp;

use super::Letter;
use crate::deliver::body::{self, Told};

/// What templates are tried on: each with its name in errors.
pub(super) fn all() -> Vec<(&'static str, Vec<Letter>)> {
    let at = Timestamp(1_795_435_200_000);
    let letter = |told: &Told| Letter::unkept(body::native(told, true), 1, at);
    let firing = alert("sample", "2026-11-23T12:00:00.000Z");
    let mut resolved = firing.clone();
    resolved.alert.state = AlertState::Resolved;
    resolved.alert.resolved_at = Some("2026-11-23T12:30:00.000Z".to_owned());
    let mut bare = firing.clone();
    bare.advice = None;
    (bare.alert.value, bare.alert.threshold, bare.alert.unit) = (None, None, None);
    (bare.alert.device, bare.alert.device_name, bare.alert.place_name) = (None, None, None);
    let mut drill = firing.clone();
    drill.alert.drill = true;
    let group = std::iter::repeat_n(letter(&firing), 12).chain([letter(&resolved), letter(&bare)]);
    vec![
        ("an alert that fires", vec![letter(&firing)]),
        ("an alert that is over", vec![letter(&resolved)]),
        ("an alert without values", vec![letter(&bare)]),
        ("a drill", vec![letter(&drill)]),
        ("a group of alerts", group.collect()),
    ]
}

/// An alert about nothing; `now` as the interface writes times.
pub(in crate::deliver) fn alert(id: &str, now: &str) -> Told {
    let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
    let alert = Alert {
        id: id.to_owned(),
        rule: "maibo-test".to_owned(),
        title: words("消息通道测试", "Test of the way to a receiver"),
        subject: Subject { kind: "device".to_owned(), id: "maibo-test".to_owned() },
        device: Some("maibo-test".to_owned()),
        device_name: Some("测试设备 \"一\"".to_owned()),
        place: None,
        district: None,
        place_name: Some(words("测试地点", "nowhere")),
        domain: Domain::Emergency,
        quantity: None,
        unit: Some("cm".to_owned()),
        level: Level::Blue,
        peak_level: Level::Blue,
        state: AlertState::Firing,
        data: DataState::Fresh,
        historic: false,
        started_at: now.to_owned(),
        updated_at: now.to_owned(),
        resolved_at: None,
        acknowledged: None,
        value: Some(1.5),
        threshold: Some(1.0),
        reason: "threshold".to_owned(),
        version: 1,
        lon: None,
        lat: None,
        assigned: None,
        silenced: None,
        flapping: false,
        stamps: Stamps::default(),
        text: words("这是一条测试消息，并无此事", "This is a test; nothing has happened"),
        measure: None,
        inhibited_by: None,
        drill: false,
    };
    Told { alert, advice: Some(words("无须处置", "Nothing has to be done")), plans: Vec::new(), escalated: None }
}
