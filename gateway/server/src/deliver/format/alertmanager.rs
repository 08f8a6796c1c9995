//! What Prometheus Alertmanager posts to a webhook, version 4 (prometheus/alertmanager, `template/template.go` and
//! `notify/webhook/webhook.go`), for systems that already take that.
//!
//! An alert there is its set of labels. So the labels hold what does not change during an episode, its id among them, and
//! what does is in the annotations. The one exception is the level, which is a label by custom (`severity`), and routed by: it
//! is the present one, and takes no part in the fingerprint, so that an alert that rises from yellow to red is the same alert
//! and no yellow one stays behind.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FormatError, Kept, Outgoing, over, word};
use crate::deliver::sender::Sender;

/// How Go writes the time that is not set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

type Labels<'a> = BTreeMap<&'static str, &'a str>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: u64,
    status: &'static str,
    receiver: &'a str,
    group_labels: Labels<'a>,
    common_labels: Labels<'a>,
    common_annotations: Labels<'a>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: [One<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    status: &'static str,
    labels: Labels<'a>,
    annotations: Labels<'a>,
    starts_at: &'a str,
    ends_at: &'a str,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

/// One alert as a group of one.
pub(super) fn webhook(kept: &Kept, receiver: &str, sender: &Sender) -> Result<Outgoing, FormatError> {
    let alert = &kept.data.alert;
    let status = if over(alert) { "resolved" } else { "firing" };
    let (domain, level) = (word(&alert.domain)?, word(&alert.level)?);
    let mut labels = Labels::from([
        ("alertname", &*alert.rule),
        ("severity", &*level),
        ("domain", &*domain),
        ("subject", &*alert.subject.id),
        ("maibo_alert", &*alert.id),
    ]);
    let optional = [("device", &alert.device), ("district", &alert.district), ("place", &alert.place)];
    labels.extend(optional.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?))));
    let (version, value) = (alert.version.to_string(), alert.value.map(|v| v.to_string()));
    let mut annotations = Labels::from([
        ("summary", &*alert.title.zh),
        ("summary_en", &*alert.title.en),
        ("description", &*alert.text.zh),
        ("description_en", &*alert.text.en),
        ("version", &*version),
    ]);
    annotations.extend(value.as_deref().map(|v| ("value", v)));
    if let Some(advice) = &kept.data.advice {
        annotations.extend([("advice", &*advice.zh), ("advice_en", &*advice.en)]);
    }
    if let Some(answer) = &kept.data.answer {
        annotations.insert("answer_url", &*answer.url);
    }
    let page = sender.page.as_deref().unwrap_or_default();
    let one = One {
        status,
        fingerprint: fingerprint(labels.iter().filter(|(name, _)| **name != "severity")),
        labels: labels.clone(),
        annotations: annotations.clone(),
        starts_at: &alert.started_at,
        ends_at: alert.resolved_at.as_deref().filter(|_| over(alert)).unwrap_or(NO_TIME),
        generator_url: sender.link(&alert.id).unwrap_or_default(),
    };
    let message = Message {
        version: "4",
        group_key: format!("{{}}:{{maibo_alert=\"{}\"}}", alert.id),
        truncated_alerts: 0,
        status,
        receiver,
        group_labels: Labels::from([("maibo_alert", &*alert.id)]),
        common_labels: labels,
        common_annotations: annotations,
        external_url: page,
        alerts: [one],
    };
    Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body: serde_json::to_vec(&message)? })
}

/// As Prometheus has it (prometheus/common, `model/signature.go`): FNV-1a of 64 bits over names and values in the order of names,
/// each followed by a byte that is in no text.
fn fingerprint<'a>(labels: impl Iterator<Item = (&'a &'static str, &'a &'a str)>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in labels.flat_map(|(name, value)| [*name, *value]) {
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
        let labels = Labels::from([("name", "garland, briggs"), ("fear", "love is not enough")]);
        assert_eq!(fingerprint(labels.iter()), format!("{:016x}", 5_799_056_148_416_392_346_u64));
        assert_eq!(fingerprint(Labels::new().iter()), format!("{:016x}", 14_695_981_039_346_656_037_u64));
    }
}
