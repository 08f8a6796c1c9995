//! CloudEvents 1.0 over HTTP (cloudevents/spec, `spec.md` and `bindings/http-protocol-binding.md`).
//!
//! `id` is the version of the episode and `source` the sender, so that repeats are known as such; `type` is `maibo.alert.firing`
//! or `maibo.alert.resolved`, `subject` the episode, `time` that of the version, the data the alert as in native JSON.

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::beat::Beat;
use super::{FormatError, Outgoing};
use crate::deliver::sender::Sender;

/// One event's attributes, all texts.
struct Attributes {
    id: String,
    source: String,
    r#type: String,
    subject: String,
    time: String,
}

impl Attributes {
    fn of(kept: &Value, sender: &Sender) -> Result<Self, FormatError> {
        let text = |at: &'static str| {
            let found = kept.pointer(at).and_then(Value::as_str).map(str::to_owned);
            found.ok_or(FormatError::Missing(at))
        };
        let version = kept["data"]["version"].as_u64().ok_or(FormatError::Missing("/data/version"))?;
        let subject = text("/data/id")?;
        Ok(Self {
            id: format!("{subject}-{version}"),
            source: format!("urn:maibo:{}", sender.name),
            r#type: format!("maibo.{}", text("/type")?),
            subject,
            time: text("/timestamp")?,
        })
    }

    fn of_beat(beat: &Beat<'_>, sender: &Sender) -> Self {
        Self {
            id: beat.key.to_owned(),
            source: format!("urn:maibo:{}", sender.name),
            r#type: "maibo.heartbeat".to_owned(),
            subject: beat.receiver.to_owned(),
            time: beat.time(),
        }
    }
}

/// One JSON object with the data inside.
pub(super) fn structured(kept: &Value, sender: &Sender) -> Result<Outgoing, FormatError> {
    object(&event(kept, sender)?)
}

/// A sign of life as one JSON object.
pub(super) fn beat(beat: &Beat<'_>, sender: &Sender) -> Result<Outgoing, FormatError> {
    object(&whole(&Attributes::of_beat(beat, sender), &beat.data()))
}

fn object(event: &Value) -> Result<Outgoing, FormatError> {
    let body = serde_json::to_vec(event)?;
    Ok(Outgoing { content_type: "application/cloudevents+json; charset=utf-8", headers: Vec::new(), body })
}

/// Several events, each as it would be alone (bindings/http-protocol-binding.md §3.3, formats/json-format.md §4).
pub(super) fn batch(kept: &[Value], sender: &Sender) -> Result<Outgoing, FormatError> {
    let events: Vec<Value> = kept.iter().map(|one| event(one, sender)).collect::<Result<_, _>>()?;
    let body = serde_json::to_vec(&events)?;
    Ok(Outgoing { content_type: "application/cloudevents-batch+json; charset=utf-8", headers: Vec::new(), body })
}

fn event(kept: &Value, sender: &Sender) -> Result<Value, FormatError> {
    Ok(whole(&Attributes::of(kept, sender)?, &kept["data"]))
}

fn whole(a: &Attributes, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": a.id, "source": a.source, "type": a.r#type, "subject": a.subject, "time": a.time,
        "datacontenttype": "application/json", "data": data,
    })
}

/// Attributes as headers, the data as the body.
pub(super) fn binary(kept: &Value, sender: &Sender) -> Result<Outgoing, FormatError> {
    parted(Attributes::of(kept, sender)?, &kept["data"])
}

/// A sign of life, parted likewise.
pub(super) fn binary_beat(beat: &Beat<'_>, sender: &Sender) -> Result<Outgoing, FormatError> {
    parted(Attributes::of_beat(beat, sender), &beat.data())
}

fn parted(a: Attributes, data: &Value) -> Result<Outgoing, FormatError> {
    let pairs = [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", a.id),
        ("ce-source", a.source),
        ("ce-type", a.r#type),
        ("ce-subject", a.subject),
        ("ce-time", a.time),
    ];
    // All of these are of ASCII letters, digits and punctuation without space, quote or percent: nothing to be encoded.
    let header = |(name, text): (&'static str, String)| match HeaderValue::from_str(&text) {
        Ok(value) => Ok((HeaderName::from_static(name), value)),
        Err(_) => Err(FormatError::Header(text)),
    };
    let headers = pairs.into_iter().map(header).collect::<Result<_, _>>()?;
    Ok(Outgoing { content_type: "application/json", headers, body: serde_json::to_vec(data)? })
}
