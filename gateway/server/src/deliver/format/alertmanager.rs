//! What Prometheus Alertmanager posts to a webhook, version 4 (prometheus/alertmanager, `template/template.go` and
//! `notify/webhook/webhook.go`), for systems that already take that.
//!
//! An alert there is its set of labels. So the labels hold what does not change during an episode, its id among them, and
//! what does is in the annotations. The one exception is the level, which is a label by custom (`severity`), and routed by: it
//! is the present one, and takes no part in the fingerprint, so that an alert that rises from yellow to red is the same alert
//! and no yellow one stays behind.

use std::collections::BTreeMap;

use serde::Serialize;

use super::beat::Beat;
use super::notice::{escalated, tasks};
use super::{FormatError, Kept, Outgoing, over, word};
use crate::deliver::sender::Sender;

/// How Go writes the time that is not set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

type Labels = BTreeMap<&'static str, String>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: u64,
    status: &'static str,
    receiver: &'a str,
    group_labels: Labels,
    common_labels: Labels,
    common_annotations: Labels,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    status: &'static str,
    labels: Labels,
    annotations: Labels,
    starts_at: &'a str,
    ends_at: &'a str,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

/// What goes in one message as a group: one alert is a group of its own, several are those of a rule in a district. A group is
/// firing as long as one of its alerts is.
pub(super) fn webhook(kept: &[Kept], receiver: &str, sender: &Sender) -> Result<Outgoing, FormatError> {
    let alerts: Vec<One<'_>> = kept.iter().map(|one| alert(one, sender)).collect::<Result<_, _>>()?;
    let firing = kept.iter().any(|one| !over(&one.data.alert));
    let common_labels = common(alerts.iter().map(|one| &one.labels));
    let group: &[&str] = if alerts.len() == 1 { &["maibo_alert"] } else { &["alertname", "district"] };
    let group_labels: Labels =
        group.iter().filter_map(|name| common_labels.get_key_value(name)).map(|(n, v)| (*n, v.clone())).collect();
    let key: Vec<String> = group_labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let message = Message {
        version: "4",
        group_key: format!("{{}}:{{{}}}", key.join(", ")),
        truncated_alerts: 0,
        status: if firing { "firing" } else { "resolved" },
        receiver,
        group_labels,
        common_annotations: common(alerts.iter().map(|one| &one.annotations)),
        common_labels,
        external_url: sender.page.as_deref().unwrap_or_default(),
        alerts,
    };
    Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body: serde_json::to_vec(&message)? })
}

/// A sign of life: an alert that fires for ever, the same one every time.
pub(super) fn beat(beat: &Beat<'_>, sender: &Sender) -> Result<Outgoing, FormatError> {
    let name = Labels::from([("alertname", "MaiboHeartbeat".to_owned())]);
    let mut labels = name.clone();
    labels.insert("receiver", beat.receiver.to_owned());
    let annotations = Labels::from([
        ("summary", "脉搏在线，无需处置".to_owned()),
        ("summary_en", "Maibo is there; nothing has to be done".to_owned()),
        ("every_ms", beat.every.0.to_string()),
    ]);
    let now = beat.time();
    let one = One {
        status: "firing",
        fingerprint: fingerprint(labels.iter()),
        labels: labels.clone(),
        annotations: annotations.clone(),
        starts_at: &now,
        ends_at: NO_TIME,
        generator_url: String::new(),
    };
    let message = Message {
        version: "4",
        group_key: "{}:{alertname=\"MaiboHeartbeat\"}".to_owned(),
        truncated_alerts: 0,
        status: "firing",
        receiver: beat.receiver,
        group_labels: name,
        common_labels: labels,
        common_annotations: annotations,
        external_url: sender.page.as_deref().unwrap_or_default(),
        alerts: vec![one],
    };
    Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body: serde_json::to_vec(&message)? })
}

/// What all of them have alike.
fn common<'a>(mut all: impl Iterator<Item = &'a Labels>) -> Labels {
    let mut common = all.next().cloned().unwrap_or_default();
    for labels in all {
        common.retain(|name, value| labels.get(name) == Some(value));
    }
    common
}

fn alert<'a>(kept: &'a Kept, sender: &Sender) -> Result<One<'a>, FormatError> {
    let alert = &kept.data.alert;
    let mut labels = Labels::from([
        ("alertname", alert.rule.clone()),
        ("severity", word(&alert.level)?),
        ("domain", word(&alert.domain)?),
        ("subject", alert.subject.id.clone()),
        ("maibo_alert", alert.id.clone()),
    ]);
    let optional = [("device", &alert.device), ("district", &alert.district), ("place", &alert.place)];
    labels.extend(optional.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
    if kept.data.test {
        labels.insert("maibo_test", "true".to_owned());
    }
    if alert.drill {
        labels.insert("maibo_drill", "true".to_owned());
    }
    let mut annotations = Labels::from([
        ("summary", alert.title.zh.clone()),
        ("summary_en", alert.title.en.clone()),
        ("description", alert.text.zh.clone()),
        ("description_en", alert.text.en.clone()),
        ("version", alert.version.to_string()),
    ]);
    annotations.extend(alert.value.map(|v| ("value", v.to_string())));
    if let Some(advice) = &kept.data.advice {
        annotations.extend([("advice", advice.zh.clone()), ("advice_en", advice.en.clone())]);
    }
    let (zh, en): (Vec<String>, Vec<String>) = tasks(kept).map(|task| (task.zh, task.en)).unzip();
    if !zh.is_empty() {
        annotations.extend([("tasks", zh.join("\n")), ("tasks_en", en.join("\n"))]);
    }
    if let Some(missed) = escalated(kept) {
        annotations.extend([("escalated", missed.zh), ("escalated_en", missed.en)]);
    }
    if let Some(answer) = &kept.data.answer {
        annotations.insert("answer_url", answer.url.clone());
    }
    Ok(One {
        status: if over(alert) { "resolved" } else { "firing" },
        fingerprint: fingerprint(labels.iter().filter(|(name, _)| **name != "severity")),
        labels,
        annotations,
        starts_at: &alert.started_at,
        ends_at: alert.resolved_at.as_deref().filter(|_| over(alert)).unwrap_or(NO_TIME),
        generator_url: sender.link(&alert.id).unwrap_or_default(),
    })
}

/// As Prometheus has it (prometheus/common, `model/signature.go`): FNV-1a of 64 bits over names and values in the order of names,
/// each followed by a byte that is in no text.
fn fingerprint<'a>(labels: impl Iterator<Item = (&'a &'static str, &'a String)>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in labels.flat_map(|(name, value)| [*name, value.as_str()]) {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The values of Prometheus's own test (model/signature_test.go).
    #[test]
    fn fingerprints_are_those_of_prometheus() {
        let labels = Labels::from([("name", "garland, briggs".to_owned()), ("fear", "love is not enough".to_owned())]);
        assert_eq!(fingerprint(labels.iter()), format!("{:016x}", 5_799_056_148_416_392_346_u64));
        assert_eq!(fingerprint(Labels::new().iter()), format!("{:016x}", 14_695_981_039_346_656_037_u64));
    }
}
