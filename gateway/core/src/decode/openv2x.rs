//! OpenV2X roadside units and radars: `V2X/RSU/…` and `V2X/RADAR/…`, levels separated by `/` or by `.`.
//!
//! | topic | gives |
//! |---|---|
//! | `RSU/HB/UP` | a sign of life of `rsuEsn`, by arrival time: real units send the same bytes for ever |
//! | `RSU/INFO/UP`, `RSU/BaseINFO/UP` | a registration and a sign of life |
//! | `RSU/RunningInfo/UP` | `rsu_cpu`, `rsu_mem`, `rsu_disk` |
//! | `RSU/{esn}/RSI/UP[/DAWNLINE]` | events `rsi.<type>` |
//! | `RSU/{esn}/RSM/UP[/DAWNLINE]` | counts and mean speeds per class of road user; an empty list is a count of 0 |
//! | `RADAR/{id}/EVENT/UP`, `…/STATUS/UP` | events `radar.<type>`; `queue_vehicles` |
//! | anything else | counted as ignored |
//!
//! **Privacy.** These messages describe people and their vehicles. Identifiers of participants, tracks and number plates
//! are never read, free text is not passed on, an event's identity that is more than a short number is hashed, and a
//! payload with a problem leaves its hash only. What leaves this module about participants is counts and means.
//!
//! Numbers written as strings are accepted. Coordinates are degrees or, beyond ±180, ten-millionths of a degree.

mod radar;
mod rsi;
mod rsm;
mod unit;

use super::json::{Json, Scalar, parse};
use super::scope::Scope;
use super::{Decoded, Decoder, Message, ProblemReason};
use crate::id::DeviceId;
use crate::reading::quantity::lookup;
use crate::reading::{Quality, Reading, Text};
use crate::time::Timestamp;

const FORMAT: &str = "openv2x";
/// Longest word that a unit says about itself, in characters.
const MAX_WORD: usize = 64;
/// Why an element cannot be used: the reason and constant words, never anything from the payload.
type Trouble = (ProblemReason, &'static str);

/// The decoder. Keeps no state.
#[derive(Clone, Copy, Debug)]
pub struct OpenV2x;

/// What a topic says.
enum Kind<'t> {
    Heartbeat,
    Info,
    Running,
    Rsi(&'t str),
    Rsm(&'t str),
    RadarEvent(&'t str),
    RadarStatus(&'t str),
    Other,
}

fn kind(topic: &str) -> Kind<'_> {
    // A topic with slashes is cut there, so that a serial number may contain a dot.
    let cut = if topic.contains('/') { '/' } else { '.' };
    let mut levels = topic.split(cut);
    if !levels.next().is_some_and(|l| l.eq_ignore_ascii_case("V2X")) {
        return Kind::Other;
    }
    let mut rest = [""; 5];
    let mut n = 0;
    for level in levels {
        let Some(slot) = rest.get_mut(n) else { return Kind::Other };
        *slot = level;
        n += 1;
    }
    let is = |level: &str, word: &str| level.eq_ignore_ascii_case(word);
    match rest.get(..n) {
        Some([rsu, word, up]) if is(rsu, "RSU") && is(up, "UP") => match word.to_ascii_uppercase().as_str() {
            "HB" => Kind::Heartbeat,
            "INFO" | "BASEINFO" => Kind::Info,
            "RUNNINGINFO" => Kind::Running,
            _ => Kind::Other,
        },
        Some([rsu, esn, word, up, ..]) if is(rsu, "RSU") && is(up, "UP") => match word.to_ascii_uppercase().as_str() {
            "RSI" => Kind::Rsi(esn),
            "RSM" => Kind::Rsm(esn),
            _ => Kind::Other,
        },
        Some([radar, id, word, up]) if is(radar, "RADAR") && is(up, "UP") => match word.to_ascii_uppercase().as_str() {
            "EVENT" => Kind::RadarEvent(id),
            "STATUS" => Kind::RadarStatus(id),
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

impl Decoder for OpenV2x {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn is_private(&self) -> bool {
        true
    }

    fn decode(&mut self, m: &Message<'_>, out: &mut Decoded) {
        let kind = kind(m.topic);
        if matches!(kind, Kind::Other) {
            out.ignored = out.ignored.saturating_add(1);
            return;
        }
        let scope = Scope::private(FORMAT, m, out);
        let body = match parse(m.payload) {
            Ok(body) => body,
            Err(broken) => return scope.report(out, broken.reason, broken.detail, broken.offset),
        };
        let unit = match &kind {
            Kind::Rsi(name) | Kind::Rsm(name) | Kind::RadarEvent(name) | Kind::RadarStatus(name) => Some(*name),
            _ => body.get("rsuEsn").and_then(Json::str),
        };
        let Some(Ok(device)) = unit.map(DeviceId::new) else {
            return scope.problem(out, ProblemReason::BadDevice, "the unit's serial number is missing or no name");
        };
        let context = Context { device, received: m.received, retained: m.retained, scope: &scope };
        let mark = out.mark();
        match kind {
            Kind::Heartbeat => unit::heartbeat(&context, out),
            Kind::Info => unit::info(&context, &body, out),
            Kind::Running => unit::running(&context, &body, out),
            Kind::Rsi(_) => rsi::decode(&context, &body, out),
            Kind::Rsm(_) => rsm::decode(&context, &body, out),
            Kind::RadarEvent(_) => radar::event(&context, &body, out),
            Kind::RadarStatus(_) => radar::status(&context, &body, out),
            Kind::Other => {}
        }
        if !out.speaks_since(mark) {
            out.alive(&context.device, m);
        }
    }
}

/// One message: which unit, when, and where to report.
struct Context<'s> {
    device: DeviceId,
    received: Timestamp,
    retained: bool,
    scope: &'s Scope<'s>,
}

impl Context<'_> {
    fn problem(&self, out: &mut Decoded, (reason, detail): Trouble) {
        self.scope.problem(out, reason, detail);
    }

    /// Adds a reading of the unit, at `at` or, where that is not known, untimed.
    fn push(&self, name: &str, value: f64, at: Option<Timestamp>, quality: Quality, out: &mut Decoded) {
        let Some(spec) = lookup(name) else { return };
        let Some(quantity) = spec.quantity() else { return };
        let quality = if spec.judge(value) == Quality::Good { quality } else { Quality::Range };
        out.readings.push(Reading {
            device: self.device.clone(),
            quantity,
            at: at.unwrap_or(self.received),
            received: self.received,
            value,
            quality,
            timed: at.is_some(),
        });
    }
}

/// A coordinate in degrees, from degrees or ten-millionths of a degree; nothing outside ±`max` degrees.
fn degrees(value: Option<&Json<'_>>, max: f64) -> Option<f64> {
    let raw = value?.number(true)?;
    let degrees = if raw.abs() > 180.0 { raw / 1e7 } else { raw };
    (degrees.abs() <= max).then_some(degrees)
}

/// Longitude and latitude of an object that has both under the names given.
fn position(body: &Json<'_>, lon: &str, lat: &str) -> Option<(f64, f64)> {
    Some((degrees(body.get(lon), 180.0)?, degrees(body.get(lat), 90.0)?))
}

/// What a unit says about itself: a word of the identifier characters, or a whole number with all its digits.
fn word(value: Option<&Json<'_>>) -> Option<Text> {
    match value?.scalar()? {
        Scalar::Str(s) => {
            let s = s.trim();
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
            ((1..=MAX_WORD).contains(&s.len()) && s.bytes().all(ok)).then(|| Text::from(s))
        }
        Scalar::Int(n) => Some(Text::from(n.to_string().as_str())),
        Scalar::Uint(n) => Some(Text::from(n.to_string().as_str())),
        _ => None,
    }
}
