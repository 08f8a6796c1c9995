//! Roadside information: events on the road, in the standard body and in the DAWNLINE body.

use sha2::{Digest, Sha256};

use super::super::json::{Json, Scalar};
use super::super::{Decoded, ProblemReason, stamp};
use super::{Context, Trouble, position};
use crate::reading::{Event, Text};
use crate::time::{Millis, Timestamp};

/// The classes that exist; everything else is said to be `unknown`.
const CLASSES: [&str; 4] = ["AbnormalTraffic", "AdverseWeather", "AbnormalVehicle", "TrafficSign"];
/// Longest number that stays readable as an identity. Telephone and identity card numbers are longer.
const MAX_PLAIN_DIGITS: usize = 9;
/// Longest believed duration.
const MAX_DURATION: Millis = Millis::from_secs(24 * 3600);

type Read = fn(&Context<'_>, &Json<'_>) -> Result<Event, Trouble>;

/// Reads the events of a message; the body tells which of the two shapes it has.
pub(super) fn decode(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    let (list, read): (_, Read) = match (body.get("rsiDatas"), body.get("event_content")) {
        (Some(list), None) => (list, standard),
        (None, Some(list)) => (list, dawnline),
        _ => return context.problem(out, (ProblemReason::BadShape, "neither rsiDatas nor event_content")),
    };
    for item in list.one_or_many() {
        match read(context, item) {
            Ok(event) => out.events.push(event),
            Err(trouble) => context.problem(out, trouble),
        }
    }
}

fn standard(context: &Context<'_>, item: &Json<'_>) -> Result<Event, Trouble> {
    let identity = identity(context, item, "alertID")?;
    let at = match item.get("timeStamp").and_then(Json::scalar) {
        None => None,
        Some(Scalar::Str(s)) if !s.trim().bytes().all(|b| b.is_ascii_digit()) => {
            Some(stamp::zoned(s).ok_or((ProblemReason::BadTime, "timeStamp is no time"))?)
        }
        Some(s) => Some(Timestamp(s.whole(true).ok_or((ProblemReason::BadTime, "timeStamp is no time"))?)),
    }
    .unwrap_or(context.received);
    // The unit of the duration is not documented; seconds are taken, because an event that ends too late is repeated
    // by the unit, and one that ends too early is missing.
    let duration = item.get("duration").and_then(|v| v.whole(true)).filter(|s| *s > 0);
    let expires = duration.map(|s| at + Millis::from_secs(s).min(MAX_DURATION));
    let class = item.get("eventClass").and_then(Json::str);
    Ok(Event {
        device: context.device.clone(),
        code: code(item.get("eventType")),
        identity,
        at,
        received: context.received,
        expires,
        cancelled: item.get("eventStatus").and_then(Json::bool) == Some(false),
        position: item.get("eventPosition").and_then(|p| position(p, "lon", "lat")),
        text: Text::from(CLASSES.into_iter().find(|c| class == Some(*c)).unwrap_or("unknown")),
        ahead: None,
    })
}

fn dawnline(context: &Context<'_>, item: &Json<'_>) -> Result<Event, Trouble> {
    let identity = identity(context, item, "event_id")?;
    let at = match item.get("timeStamp").and_then(Json::scalar) {
        None => context.received,
        Some(s) => Timestamp(s.whole(true).ok_or((ProblemReason::BadTime, "timeStamp is no time"))?),
    };
    let kind = item.get("event_type").and_then(|v| v.whole(true));
    Ok(Event {
        device: context.device.clone(),
        code: code(item.get("event_type")),
        identity,
        at,
        received: context.received,
        expires: None,
        cancelled: false,
        position: position(item, "longitude", "latitude"),
        text: Text::from(class_of(kind)),
        ahead: None,
    })
}

/// Identity for updates and cancellation. A short number stays readable; whatever else a unit writes there could be a
/// number plate, and only its hash goes on: equal identities of one unit stay equal, and that is all they are for.
fn identity(context: &Context<'_>, item: &Json<'_>, key: &str) -> Result<Text, Trouble> {
    if !item.is_object() {
        return Err((ProblemReason::BadShape, "an event must be an object"));
    }
    let value = item.get(key).ok_or((ProblemReason::MissingField, "the event's identity"))?;
    let text = match value.scalar() {
        Some(Scalar::Str(s)) => s.trim().to_owned(),
        Some(Scalar::Int(n)) => n.to_string(),
        Some(Scalar::Uint(n)) => n.to_string(),
        _ => String::new(),
    };
    match text.len() {
        0 => Err((ProblemReason::BadValue, "the event's identity is neither text nor a whole number")),
        1..=MAX_PLAIN_DIGITS if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Text::from(text.as_str())),
        _ => Ok(hashed(context.device.as_str(), &text)),
    }
}

/// The first 64 bits of a SHA-256 over unit and text: without the unit the same vehicle could be followed along a road.
fn hashed(unit: &str, text: &str) -> Text {
    let mut hash = Sha256::new();
    for part in ["maibo-rsi-1", unit, text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let head = hash.finalize().iter().take(8).fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    Text::from(format!("x{head:016x}").as_str())
}

/// `rsi.<number>` of GB/T 29100, or `rsi.unknown`: a type in words could carry anything.
fn code(value: Option<&Json<'_>>) -> Text {
    match value.and_then(|v| v.whole(true)).filter(|n| (0..=65_535).contains(n)) {
        Some(n) => Text::from(format!("rsi.{n}").as_str()),
        None => Text::from("rsi.unknown"),
    }
}

/// The class of an event type, where the body does not name it.
const fn class_of(kind: Option<i64>) -> &'static str {
    match kind {
        Some(301 | 302 | 304 | 305 | 308 | 311 | 399) => "AdverseWeather",
        Some(100 | 101 | 202 | 205 | 401 | 405 | 406 | 408 | 409 | 707) => "AbnormalTraffic",
        Some(901..=906) => "AbnormalVehicle",
        _ => "unknown",
    }
}
