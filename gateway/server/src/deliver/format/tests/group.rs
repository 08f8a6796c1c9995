//! Several versions in one message, in each format that has such a thing.

use super::*;

/// Two alerts of a rule in a district: one goes on, one is over.
fn letters() -> [Letter; 2] {
    let mut other = resolved(4);
    other.alert.id = "other".to_owned();
    other.alert.updated_at = "2026-11-23T12:10:00.000Z".to_owned();
    [letter(&told_of(2), stamp(2, 0), None), letter(&other, stamp(4, 100), None)]
}

fn together(format: Format) -> Outgoing {
    render(&plain(format), &letters(), "flood-office", &sender()).unwrap()
}

fn alone(format: Format, n: usize) -> Value {
    json(&rendered(format, &letters()[n]).body)
}

// P5: in a group each alert is told as it would be alone.
#[test]
fn native_alerts_are_what_they_are_alone() {
    let group = json(&together(Format::Native).body);
    assert_eq!(group["type"], "alert.group");
    assert_eq!(group["timestamp"], "2026-11-23T12:10:00.000Z", "that of the latest");
    let data = &group["data"];
    assert_eq!((&data["count"], &data["district"]), (&2.into(), &"110105".into()));
    assert_eq!(data["rule"], data["alerts"][0]["rule"]);
    for n in 0..2 {
        assert_eq!(data["alerts"][n], alone(Format::Native, n)["data"]);
    }
}

// CloudEvents: a batch is a list of events.
#[test]
fn a_batch_is_a_list_of_events() {
    let batch = together(Format::CloudEvents);
    assert_eq!(batch.content_type, "application/cloudevents-batch+json; charset=utf-8");
    let events = json(&batch.body);
    assert_eq!(events.as_array().unwrap().len(), 2);
    for n in 0..2 {
        assert_eq!(events[n], alone(Format::CloudEvents, n));
    }
}

// Alertmanager: a group is firing while one of it is; what they have alike is common, and what they are grouped by is named.
#[test]
fn alertmanager_groups() {
    let group = json(&together(Format::Alertmanager).body);
    let status = |at: &str| group.pointer(at).unwrap().as_str().unwrap().to_owned();
    assert_eq!((status("/status"), status("/alerts/0/status"), status("/alerts/1/status")), {
        let (firing, resolved) = ("firing".to_owned(), "resolved".to_owned());
        (firing.clone(), firing, resolved)
    });
    let alertname = &group["alerts"][0]["labels"]["alertname"];
    assert_eq!(group["groupLabels"], serde_json::json!({ "alertname": alertname, "district": "110105" }));
    assert_eq!(group["groupKey"], format!("{{}}:{{alertname={alertname}, district=\"110105\"}}"));
    assert_eq!(group["commonLabels"]["domain"], group["alerts"][0]["labels"]["domain"]);
    assert!(group["commonLabels"].get("maibo_alert").is_none(), "they have their own");
    for n in 0..2 {
        assert_eq!(group["alerts"][n], alone(Format::Alertmanager, n)["alerts"][0]);
    }
    let over = render(&plain(Format::Alertmanager), &letters()[1..], "r", &sender()).unwrap();
    assert_eq!(json(&over.body)["status"], "resolved");
}

// What holds one version is never given two.
#[test]
fn the_others_hold_one() {
    for format in Format::ALL {
        let rendered = render(&plain(format), &letters(), "r", &sender());
        // Without its file a template says nothing at all.
        assert_eq!(rendered.is_ok(), format.takes_many() && format != Format::Template, "{format:?}");
        assert!(render(&plain(format), &[], "r", &sender()).is_err());
    }
}
