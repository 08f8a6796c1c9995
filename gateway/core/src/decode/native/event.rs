//! Native events.

use super::super::json::{Broken, Json, Scalar, parse};
use super::super::scope::Scope;
use super::super::{Decoded, Message, ProblemReason, text};
use crate::id::DeviceId;
use crate::reading::{Event, Text};
use crate::time::Timestamp;

/// Longest code and identity, in characters.
const MAX_WORD: usize = 64;
/// Longest text, in characters.
const MAX_TEXT: usize = 200;

/// Reads one event or an array of events.
pub(super) fn decode(m: &Message<'_>, scope: &Scope<'_>, device: &DeviceId, out: &mut Decoded) -> Result<(), Broken> {
    let body = parse(m.payload)?;
    for item in body.one_or_many() {
        match event(item, m.received, device) {
            Ok(event) => out.events.push(event),
            Err((reason, detail)) => scope.problem(out, reason, detail),
        }
    }
    Ok(())
}

fn event(body: &Json<'_>, received: Timestamp, device: &DeviceId) -> Result<Event, (ProblemReason, &'static str)> {
    if !body.is_object() {
        return Err((ProblemReason::BadShape, "an event must be an object"));
    }
    let code = word(body.get("code"))?.ok_or((ProblemReason::MissingField, "code"))?;
    let identity = word(body.get("id"))?.unwrap_or_else(|| code.clone());
    let cancelled = match body.get("cancelled") {
        None | Some(Json::Scalar(Scalar::Null)) => false,
        Some(value) => value.bool().ok_or((ProblemReason::BadValue, "cancelled must be true or false"))?,
    };
    let text = body.get("text").and_then(Json::str).map_or_else(Text::default, |t| text::line(t, MAX_TEXT));
    Ok(Event {
        device: device.clone(),
        code,
        identity,
        at: time(body.get("t"))?.unwrap_or(received),
        received,
        expires: time(body.get("expires"))?,
        cancelled,
        position: position(body)?,
        text,
        ahead: None,
    })
}

/// A code or identity: text of visible characters, or a whole number.
fn word(value: Option<&Json<'_>>) -> Result<Option<Text>, (ProblemReason, &'static str)> {
    match value.and_then(Json::scalar) {
        None if value.is_none_or(|v| *v == Json::Scalar(Scalar::Null)) => Ok(None),
        Some(Scalar::Str(s)) if (1..=MAX_WORD).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(Text::from(s.as_ref())))
        }
        Some(Scalar::Int(n)) => Ok(Some(Text::from(n.to_string().as_str()))),
        _ => Err((ProblemReason::BadValue, "code and id have 1 to 64 visible ASCII characters")),
    }
}

fn time(value: Option<&Json<'_>>) -> Result<Option<Timestamp>, (ProblemReason, &'static str)> {
    match value {
        None | Some(Json::Scalar(Scalar::Null)) => Ok(None),
        Some(value) => match value.whole(false) {
            Some(ms) => Ok(Some(Timestamp(ms))),
            None => Err((ProblemReason::BadTime, "t and expires are whole milliseconds")),
        },
    }
}

fn position(body: &Json<'_>) -> Result<Option<(f64, f64)>, (ProblemReason, &'static str)> {
    let (lon, lat) = (body.get("lon"), body.get("lat"));
    if lon.is_none() && lat.is_none() {
        return Ok(None);
    }
    match (lon.and_then(|v| v.number(false)), lat.and_then(|v| v.number(false))) {
        (Some(lon), Some(lat)) if lon.abs() <= 180.0 && lat.abs() <= 90.0 => Ok(Some((lon, lat))),
        _ => Err((ProblemReason::BadValue, "lon and lat are degrees, both or none")),
    }
}
