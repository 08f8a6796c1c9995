//! ChirpStack v4 integration events as JSON: `application/{application}/device/{dev_eui}/event/{event}`.
//!
//! - `up`: the fields of `object` (the codec's output) become readings by the configured table, or by name where none is
//!   configured; the best `rxInfo` gives `rssi` and `snr`. An uplink without usable fields is still a sign of life.
//! - `status`: `battery`, unless the device is mains powered or does not know its battery.
//! - `join`: a sign of life. `ack`, `txack`, `log`, `location`, `integration` are counted as ignored.
//!
//! In `rxInfo` a missing number is 0 (proto3): a missing `snr` is 0 dB. A missing or zero `rssi` is *not reported*,
//! because a receiver never measures exactly 0 dBm.
//!
//! **Repeats.** The last 1,024 `deduplicationId`s of the source are remembered. A repeat is counted in
//! [`Decoded::duplicates`], and its readings come out again with the same times, to be recognised behind this stage:
//! a message redelivered because its first copy could not be stored must not be lost here. Only a repeat without a
//! readable `time` is dropped, since its readings could not be recognised.

use std::collections::{BTreeSet, VecDeque};

use serde::Deserialize;

use super::json::{Json, Scalar, parse};
use super::mapped::{FieldSpec, MAX_FIELDS, check_prefix};
use super::scope::Scope;
use super::{Decoded, Decoder, Message, ProblemReason, stamp};
use crate::id::DeviceId;
use crate::reading::quantity::{QuantitySpec, lookup};
use crate::reading::{Liveness, Quality, Reading};
use crate::time::Timestamp;

const FORMAT: &str = "chirpstack";
/// How many `deduplicationId`s are remembered.
const REMEMBERED: usize = 1024;
/// What a problem may happen to: a reason and a constant text.
type Trouble = (ProblemReason, &'static str);

/// How to read one ChirpStack.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChirpStackSpec {
    /// Put in front of the device EUI.
    #[serde(default)]
    pub prefix: String,
    /// The quantities, with pointers within `object`. Where empty, the top-level fields of `object` that are named like
    /// a registered quantity count, in the canonical unit.
    #[serde(default)]
    pub fields: Vec<FieldSpec>,
}

impl ChirpStackSpec {
    /// All that is wrong with it, each with its path. Empty means it can be used.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        check_prefix(&self.prefix, &mut problems);
        if self.fields.len() > MAX_FIELDS {
            problems.push(format!("fields: at most {MAX_FIELDS}"));
        }
        for (i, field) in self.fields.iter().enumerate() {
            field.check(&format!("fields[{i}]"), &mut problems);
        }
        problems
    }
}

/// The decoder. Remembers the last deduplication ids of its source.
#[derive(Clone, Debug)]
pub struct ChirpStack {
    spec: ChirpStackSpec,
    recent: Recent,
}

impl ChirpStack {
    /// A decoder for `spec`; what is wrong with it goes to `problems`.
    pub(super) fn new(spec: ChirpStackSpec, problems: &mut Vec<String>) -> Self {
        problems.extend(spec.check());
        Self { spec, recent: Recent::default() }
    }

    /// The device, whose EUI the topic and the body must agree on: nobody reports for another.
    fn device(&self, eui: &str, body: &Json<'_>) -> Result<DeviceId, Trouble> {
        let inside = body.pointer("/deviceInfo/devEui").and_then(Json::str);
        if inside.is_some_and(|inside| !inside.eq_ignore_ascii_case(eui)) {
            return Err((ProblemReason::BadDevice, "the topic and deviceInfo.devEui name different devices"));
        }
        if eui.len() != 16 || !eui.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err((ProblemReason::BadDevice, "a device EUI has 16 hexadecimal digits"));
        }
        let name = format!("{}{}", self.spec.prefix, eui.to_ascii_lowercase());
        DeviceId::new(&name).map_err(|_| (ProblemReason::BadDevice, "the device EUI with its prefix is no name"))
    }

    fn up(&self, event: &Event<'_, '_>, out: &mut Decoded) {
        let Event { body, scope, .. } = event;
        if let Some(object) = body.get("object").filter(|o| o.is_object()) {
            let found = if self.spec.fields.is_empty() {
                by_name(object, event, out)
            } else {
                self.by_table(object, event, out)
            };
            if !found {
                scope.problem(out, ProblemReason::UnknownQuantity, "no field of object is a known quantity");
            }
        }
        if let Some((rssi, snr)) = best_signal(body) {
            if let Some(rssi) = rssi {
                event.push("rssi", rssi, out);
            }
            event.push("snr", snr, out);
        }
        event.alive(out);
    }

    fn by_table(&self, object: &Json<'_>, event: &Event<'_, '_>, out: &mut Decoded) -> bool {
        let mut found = false;
        for field in &self.spec.fields {
            match field.read(object) {
                None => continue,
                Some(Ok((spec, value))) => event.push_spec(spec, value, out),
                Some(Err(reason)) => {
                    event.scope.problem(out, reason, format_args!("object{} is no number", field.pointer));
                }
            }
            found = true;
        }
        found
    }
}

fn by_name(object: &Json<'_>, event: &Event<'_, '_>, out: &mut Decoded) -> bool {
    let Json::Object(fields) = object else { return false };
    let mut found = fields.is_empty();
    for (name, value) in fields {
        let Some(spec) = lookup(name) else { continue };
        found = true;
        let number = match value {
            Json::Scalar(Scalar::Null) => continue,
            Json::Scalar(Scalar::Bool(b)) if spec.is_binary() => Some(f64::from(u8::from(*b))),
            other => other.number(false),
        };
        match number {
            Some(value) => event.push_spec(spec, value, out),
            None => {
                event.scope.problem(out, ProblemReason::BadValue, format_args!("object.{} is no number", spec.name));
            }
        }
    }
    found
}

fn status(event: &Event<'_, '_>, out: &mut Decoded) {
    let is = |key: &str| event.body.get(key).and_then(Json::bool).unwrap_or(false);
    event.alive(out);
    if is("externalPowerSource") || is("batteryLevelUnavailable") {
        return;
    }
    // A missing number is 0 in proto3, and an empty battery is what an operator must hear of.
    match event.body.get("batteryLevel").map_or(Some(0.0), |v| v.number(false)) {
        Some(level) => event.push("battery", level, out),
        None => event.scope.problem(out, ProblemReason::BadValue, "batteryLevel is no number"),
    }
}

/// The strongest reception: its signal strength, where reported, and its signal to noise ratio.
fn best_signal(body: &Json<'_>) -> Option<(Option<f64>, f64)> {
    let signal = |rx: &Json<'_>| {
        let number = |key: &str| rx.get(key).map_or(Some(0.0), |v| v.number(false));
        let rssi = number("rssi").filter(|v| *v != 0.0);
        Some((rssi, number("snr")?))
    };
    let rank = |s: &(Option<f64>, f64)| (s.0.unwrap_or(f64::NEG_INFINITY), s.1);
    let all = body.get("rxInfo")?.one_or_many().iter().filter(|rx| rx.is_object()).filter_map(signal);
    all.reduce(|best, other| if rank(&other) > rank(&best) { other } else { best })
}

/// One message, its device and its time.
struct Event<'s, 'p> {
    body: &'s Json<'p>,
    scope: &'s Scope<'s>,
    device: DeviceId,
    received: Timestamp,
    at: Option<Timestamp>,
    quality: Quality,
}

impl Event<'_, '_> {
    fn alive(&self, out: &mut Decoded) {
        out.liveness.push(Liveness { device: self.device.clone(), received: self.received, alive: true });
    }

    fn push(&self, name: &str, value: f64, out: &mut Decoded) {
        if let Some(spec) = lookup(name) {
            self.push_spec(spec, value, out);
        }
    }

    fn push_spec(&self, spec: &QuantitySpec, value: f64, out: &mut Decoded) {
        let Some(quantity) = spec.quantity() else { return };
        let quality = if spec.judge(value) == Quality::Good { self.quality } else { Quality::Range };
        out.readings.push(Reading {
            device: self.device.clone(),
            quantity,
            at: self.at.unwrap_or(self.received),
            received: self.received,
            value,
            quality,
            timed: self.at.is_some(),
        });
    }
}

impl Decoder for ChirpStack {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn decode(&mut self, m: &Message<'_>, out: &mut Decoded) {
        let scope = Scope::open(FORMAT, m, out);
        let mut levels = m.topic.rsplit('/');
        let (kind, _event, eui) = (levels.next().unwrap_or_default(), levels.next(), levels.next().unwrap_or_default());
        let body = match parse(m.payload) {
            Ok(body) if body.is_object() => body,
            Ok(_) => return scope.problem(out, ProblemReason::BadShape, "an event must be an object"),
            Err(broken) => return scope.report(out, broken.reason, broken.detail, broken.offset),
        };
        let device = match self.device(eui, &body) {
            Ok(device) => device,
            Err((reason, detail)) => return scope.problem(out, reason, detail),
        };
        if !matches!(kind, "up" | "status" | "join") {
            out.ignored = out.ignored.saturating_add(1);
            return;
        }
        let written = body.get("time");
        let at = written.and_then(Json::str).and_then(stamp::zoned);
        // Retained state is not news: it neither counts as a repeat nor makes the live message one.
        let id = body.get("deduplicationId").and_then(Json::str).filter(|_| !m.retained);
        if id.is_some_and(|id| self.recent.is_repeat(kind, id)) {
            out.duplicates = out.duplicates.saturating_add(1);
            if at.is_none() {
                return;
            }
        }
        let mut quality = Quality::Good;
        if written.is_some() && at.is_none() {
            scope.problem(out, ProblemReason::BadTime, "time is not RFC 3339");
            quality = Quality::Clock;
        }
        let event = Event { body: &body, scope: &scope, device, received: m.received, at, quality };
        match kind {
            "up" => self.up(&event, out),
            "status" => status(&event, out),
            _ => event.alive(out),
        }
    }
}

/// The last ids, as hashes: the oldest goes when a new one comes and the memory is full.
#[derive(Clone, Debug, Default)]
struct Recent {
    order: VecDeque<u128>,
    known: BTreeSet<u128>,
}

impl Recent {
    fn is_repeat(&mut self, kind: &str, id: &str) -> bool {
        let seed = kind.bytes().fold(0, |n: u64, b| (n << 8) | u64::from(b));
        let hash = xxhash_rust::xxh3::xxh3_128_with_seed(id.as_bytes(), seed);
        if !self.known.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}
