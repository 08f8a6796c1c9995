//! The native format: `maibo/v1/{device}/telemetry`, `…/event`, `…/status`.
//!
//! ```text
//! telemetry  {"t": ms, "<quantity>": value, …}  or an array of such, in JSON or in CBOR of the same shape
//!            value = number | true | false (yes/no quantities) | null (not measured) | {"v": number, "u": "unit"}
//! event      {"t": ms, "code": "…", "id": "…", "cancelled": bool, "expires": ms, "lon": deg, "lat": deg, "text": "…"}
//!            or an array of such, in JSON
//! status     {"alive": bool}, or the plain words online and offline
//! ```
//!
//! The first byte tells JSON (white space, byte order mark, `{`, `[`) from CBOR (a map or an array). `t` is optional:
//! without it the readings are untimed and stand at the receive time. A `t` that cannot be read costs the time, not the
//! values: they stand at the receive time with quality `clock`. Numbers written as strings are not accepted. NaN and
//! infinities can come from CBOR only; they are kept and marked. Telemetry is read straight into readings, without a
//! tree in between; a telemetry record with a repeated key is dropped whole, its neighbours survive.

mod cbor;
mod event;
mod json;
mod record;

use super::json::{Broken, parse};
use super::scope::Scope;
use super::{Decoded, Decoder, Message, ProblemReason, Registration};
use crate::id::DeviceId;
use crate::reading::{Liveness, Text};

const FORMAT: &str = "native";

/// The decoder. Keeps no state.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Decoder for Native {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn decode(&mut self, m: &Message<'_>, out: &mut Decoded) {
        let scope = Scope::open(FORMAT, m, out);
        // The last two levels decide, so that a deployment may put its own prefix in front.
        let mut levels = m.topic.rsplit('/');
        let (kind, name) = (levels.next().unwrap_or_default(), levels.next().unwrap_or_default());
        let device = match DeviceId::new(name) {
            Ok(device) => device,
            Err(e) => return scope.problem(out, ProblemReason::BadDevice, format_args!("device in the topic {e}")),
        };
        if m.payload.is_empty() {
            return scope.report(out, ProblemReason::Syntax, "the payload is empty", Some(0));
        }
        let mark = out.mark();
        let read = match kind {
            "telemetry" => telemetry(m, &scope, &device, out),
            "event" => event::decode(m, &scope, &device, out),
            "status" => return status(m, &scope, device, out),
            _ => return scope.problem(out, ProblemReason::TopicNotAllowed, "the topic ends in no known word"),
        };
        match read {
            Ok(()) if !out.speaks_since(mark) => out.alive(&device, m),
            Ok(()) => {}
            Err(broken) => {
                out.drop_values_since(mark);
                scope.report(out, broken.reason, broken.detail, broken.offset);
            }
        }
    }
}

fn telemetry(m: &Message<'_>, scope: &Scope<'_>, device: &DeviceId, out: &mut Decoded) -> Result<(), Broken> {
    let mut records = record::Records::new(m, scope, device, out);
    if cbor::is_cbor(m.payload) { cbor::decode(m.payload, &mut records) } else { json::decode(m.payload, &mut records) }
}

fn status(m: &Message<'_>, scope: &Scope<'_>, device: DeviceId, out: &mut Decoded) {
    let alive = match m.payload.trim_ascii() {
        b"online" => true,
        b"offline" => false,
        _ => match parse(m.payload) {
            Err(broken) => return scope.report(out, broken.reason, broken.detail, broken.offset),
            Ok(body) => match body.get("alive").and_then(super::json::Json::bool) {
                Some(alive) => alive,
                None => return scope.problem(out, ProblemReason::MissingField, "alive must be true or false"),
            },
        },
    };
    if m.retained {
        let word = Text::from(if alive { "online" } else { "offline" });
        out.registrations.push(Registration {
            device,
            format: FORMAT,
            received: m.received,
            name: None,
            position: None,
            attributes: vec![("status", word)],
        });
    } else {
        out.liveness.push(Liveness { device, received: m.received, alive });
    }
}
