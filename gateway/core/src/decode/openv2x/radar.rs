//! Roadside radars: ongoing events and queues.
//!
//! A radar repeats an ongoing event with new times: the identity is its type and lane, so the repeats are one event.
//! Of the queues only the numbers of vehicles are used; the unit of the lengths is not documented, and a guess would be
//! a wrong reading. Times are strings of milliseconds.

use super::super::json::Json;
use super::super::{Decoded, ProblemReason};
use super::{Context, Trouble, position};
use crate::reading::{Event, Quality, Text};
use crate::time::Timestamp;

/// One event, or several in an array.
pub(super) fn event(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    for item in body.one_or_many() {
        match one_event(context, item) {
            Ok(event) => out.events.push(event),
            Err(trouble) => context.problem(out, trouble),
        }
    }
}

fn one_event(context: &Context<'_>, item: &Json<'_>) -> Result<Event, Trouble> {
    let whole = |key: &str| item.get(key).and_then(|v| v.whole(true)).filter(|n| (0..=65_535).contains(n));
    let kind = whole("eventType").ok_or((ProblemReason::MissingField, "eventType"))?;
    let code = format!("radar.{kind}");
    let identity = match whole("lane") {
        Some(lane) => format!("{kind}-{lane}"),
        None => kind.to_string(),
    };
    Ok(Event {
        device: context.device.clone(),
        code: Text::from(code.as_str()),
        identity: Text::from(identity.as_str()),
        at: time(item)?.unwrap_or(context.received),
        received: context.received,
        expires: None,
        cancelled: false,
        position: position(item, "longitude", "latitude"),
        text: Text::default(),
        ahead: None,
    })
}

/// The vehicles queueing on all lanes together.
pub(super) fn status(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    for item in body.one_or_many() {
        let Some(Json::Array(lanes)) = item.get("trafficStatusInformations") else {
            context.problem(out, (ProblemReason::MissingField, "trafficStatusInformations"));
            continue;
        };
        let vehicles = lanes.iter().map(|lane| lane.get("queueVehicleNumber").and_then(|v| v.number(true)));
        let (at, quality) = match time(item) {
            Ok(at) => (at, Quality::Good),
            Err(trouble) => {
                context.problem(out, trouble);
                (None, Quality::Clock)
            }
        };
        match vehicles.sum::<Option<f64>>() {
            Some(sum) => context.push("queue_vehicles", sum, at, quality, out),
            None => context.problem(out, (ProblemReason::BadValue, "queueVehicleNumber is no number")),
        }
    }
}

fn time(item: &Json<'_>) -> Result<Option<Timestamp>, Trouble> {
    match item.get("timeStamp").and_then(Json::scalar) {
        None => Ok(None),
        Some(s) => s.whole(true).map(|ms| Some(Timestamp(ms))).ok_or((ProblemReason::BadTime, "timeStamp is no time")),
    }
}
