//! Any JSON, by a declared mapping: which field is the device, which the time, which a quantity in which unit.
//!
//! The mapping is configuration, so that a new vendor's payload needs no code. All its problems are found at once by
//! [`MappingSpec::check`], before the first message. A field that a payload does not have, or has as `null`, is no
//! problem: devices of one kind differ. A record in which no field at all is found is one.

use serde::Deserialize;

use super::json::{Json, Scalar, parse};
use super::scope::Scope;
use super::stamp::{self, Zone};
use super::{Decoded, Decoder, Message, ProblemReason};
use crate::id::DeviceId;
use crate::reading::quantity::{QuantitySpec, lookup};
use crate::reading::{Quality, Reading};
use crate::time::Timestamp;

const FORMAT: &str = "mapped";
/// Most fields and constants of one mapping.
pub const MAX_FIELDS: usize = 128;
/// A time in whole seconds beyond this (year 10000) is not a time.
const MAX_SECONDS: f64 = 253_402_300_800.0;

/// How to read one vendor's JSON.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingSpec {
    /// Where the device's name stands.
    pub device: DeviceFrom,
    /// Put in front of the device's name.
    #[serde(default)]
    pub prefix: String,
    /// JSON pointer to the records, an array or a single object; the whole payload where absent.
    #[serde(default)]
    pub records: String,
    /// Where the time of measurement stands; without it the readings are untimed.
    #[serde(default)]
    pub time: Option<TimeSpec>,
    /// The quantities.
    #[serde(default)]
    pub fields: Vec<FieldSpec>,
    /// Readings that every record gives, whatever it says.
    #[serde(default)]
    pub constants: Vec<ConstantSpec>,
}

/// Where the device's name stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum DeviceFrom {
    /// A level of the topic, counted from 0.
    TopicSegment(usize),
    /// A JSON pointer within the record; where the record lacks it, within the payload.
    Pointer(String),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// Milliseconds since 1970.
    Ms,
    /// Seconds since 1970, fractions allowed.
    S,
    /// RFC 3339 with its zone.
    Rfc3339,
    /// A date and time without zone; the zone is in [`TimeSpec::zone`].
    Local,
}

/// Where the time stands and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSpec {
    /// JSON pointer within the record; where the record lacks it, within the payload.
    pub pointer: String,
    /// How it is written.
    pub format: TimeFormat,
    /// For [`TimeFormat::Local`]: the fixed offset, such as `+08:00`.
    #[serde(default)]
    pub zone: Option<String>,
    /// Whether a number of [`TimeFormat::Ms`] or [`TimeFormat::S`] may be written as a string.
    #[serde(default)]
    pub strings_ok: bool,
}

/// One field that is a quantity: `value × scale + offset`, in `unit`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// JSON pointer within the record.
    pub pointer: String,
    /// A registered quantity.
    pub quantity: String,
    /// The unit after `scale` and `offset`; the canonical one where absent.
    #[serde(default)]
    pub unit: Option<String>,
    /// Factor on the raw value.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Added after scaling.
    #[serde(default)]
    pub offset: Option<f64>,
    /// Whether a decimal written as a string counts.
    #[serde(default)]
    pub strings_ok: bool,
}

/// A reading that every record gives.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstantSpec {
    /// A registered quantity.
    pub quantity: String,
    /// In the canonical unit.
    pub value: f64,
}

impl MappingSpec {
    /// All that is wrong with the mapping, each with its path. Empty means it can be used.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.fields.is_empty() && self.constants.is_empty() {
            problems.push("fields: at least one is needed".to_owned());
        }
        if self.fields.len() + self.constants.len() > MAX_FIELDS {
            problems.push(format!("fields: at most {MAX_FIELDS}"));
        }
        if let DeviceFrom::Pointer(p) = &self.device {
            check_pointer("device.pointer", p, &mut problems);
        }
        check_prefix(&self.prefix, &mut problems);
        check_pointer("records", &self.records, &mut problems);
        if let Some(time) = &self.time {
            time.check(&mut problems);
        }
        let mut names = Vec::new();
        for (i, field) in self.fields.iter().enumerate() {
            field.check(&format!("fields[{i}]"), &mut problems);
            names.push((format!("fields[{i}]"), field.quantity.as_str()));
        }
        for (i, constant) in self.constants.iter().enumerate() {
            match lookup(&constant.quantity) {
                None => problems.push(format!("constants[{i}].quantity: {} is not registered", constant.quantity)),
                Some(q) if q.judge(constant.value) != Quality::Good => {
                    problems.push(format!("constants[{i}].value: outside {} to {} {}", q.min, q.max, q.unit));
                }
                Some(_) => {}
            }
            names.push((format!("constants[{i}]"), constant.quantity.as_str()));
        }
        for (i, (path, name)) in names.iter().enumerate() {
            if names[..i].iter().any(|(_, earlier)| earlier == name) {
                problems.push(format!("{path}.quantity: {name} is mapped twice"));
            }
        }
        problems
    }
}

impl TimeSpec {
    fn check(&self, problems: &mut Vec<String>) {
        check_pointer("time.pointer", &self.pointer, problems);
        match (self.format, &self.zone) {
            (TimeFormat::Local, None) => problems.push("time.zone: a local time needs one, such as +08:00".to_owned()),
            (TimeFormat::Local, Some(zone)) if Zone::parse(zone).is_none() => {
                problems.push("time.zone: must look like +08:00".to_owned());
            }
            (TimeFormat::Local, Some(_)) | (_, None) => {}
            (_, Some(_)) => problems.push("time.zone: only a local time has one".to_owned()),
        }
    }

    fn read(&self, value: &Json<'_>) -> Option<Timestamp> {
        match self.format {
            TimeFormat::Ms => value.whole(self.strings_ok).map(Timestamp),
            TimeFormat::S => {
                let seconds = value.number(self.strings_ok).filter(|s| s.abs() <= MAX_SECONDS)?;
                Some(Timestamp((seconds * 1000.0).round() as i64))
            }
            TimeFormat::Rfc3339 => stamp::zoned(value.str()?),
            TimeFormat::Local => stamp::local(value.str()?, Zone::parse(self.zone.as_deref()?)?),
        }
    }
}

impl FieldSpec {
    pub(super) fn check(&self, path: &str, problems: &mut Vec<String>) {
        check_pointer(&format!("{path}.pointer"), &self.pointer, problems);
        match lookup(&self.quantity) {
            None => problems.push(format!("{path}.quantity: {} is not registered", self.quantity)),
            Some(q) => {
                if let Err(e) = q.convert(0.0, self.unit.as_deref()) {
                    problems.push(format!("{path}.unit: {e}"));
                }
            }
        }
        if self.scale.is_some_and(|s| !s.is_finite() || s == 0.0) {
            problems.push(format!("{path}.scale: must be finite and not 0"));
        }
        if self.offset.is_some_and(|o| !o.is_finite()) {
            problems.push(format!("{path}.offset: must be finite"));
        }
    }

    /// The field's value in `record`; nothing where it is absent or `null`.
    pub(super) fn read(&self, record: &Json<'_>) -> Option<Result<(&'static QuantitySpec, f64), ProblemReason>> {
        let value = record.pointer(&self.pointer)?;
        if *value == Json::Scalar(Scalar::Null) {
            return None;
        }
        let spec = lookup(&self.quantity)?;
        let raw = match value.bool() {
            Some(b) if spec.is_binary() => Some(f64::from(u8::from(b))),
            _ => value.number(self.strings_ok),
        };
        let Some(raw) = raw else { return Some(Err(ProblemReason::BadValue)) };
        let scaled = raw * self.scale.unwrap_or(1.0) + self.offset.unwrap_or(0.0);
        Some(match spec.convert(scaled, self.unit.as_deref()) {
            Ok(value) => Ok((spec, value)),
            Err(_) => Err(ProblemReason::UnknownUnit),
        })
    }
}

/// A pointer is empty or begins with `/`.
pub(super) fn check_pointer(path: &str, pointer: &str, problems: &mut Vec<String>) {
    if !(pointer.is_empty() || pointer.starts_with('/')) {
        problems.push(format!("{path}: a JSON pointer begins with /"));
    }
}

/// A prefix is empty or could itself be a device, and leaves room for the name.
pub(super) fn check_prefix(prefix: &str, problems: &mut Vec<String>) {
    if !prefix.is_empty() && (prefix.len() > 32 || DeviceId::new(prefix).is_err()) {
        problems.push("prefix: at most 32 of A-Z a-z 0-9 . _ -".to_owned());
    }
}

/// The decoder. Keeps no state but the mapping.
#[derive(Clone, Debug)]
pub struct Mapped {
    spec: MappingSpec,
}

impl Mapped {
    /// A decoder for `spec`; what is wrong with it goes to `problems`.
    pub(super) fn new(spec: MappingSpec, problems: &mut Vec<String>) -> Self {
        problems.extend(spec.check());
        Self { spec }
    }

    fn record(&self, m: &Message<'_>, payload: &Json<'_>, record: &Json<'_>, scope: &Scope<'_>, out: &mut Decoded) {
        if !record.is_object() {
            return scope.problem(out, ProblemReason::BadShape, "a record must be an object");
        }
        let device = match self.device(m, payload, record) {
            Ok(device) => device,
            Err((reason, detail)) => return scope.problem(out, reason, detail),
        };
        let (at, timed, clock) = match self.time(payload, record) {
            None => (m.received, false, Quality::Good),
            Some(Ok(at)) => (at, true, Quality::Good),
            Some(Err(reason)) => {
                scope.problem(out, reason, "the time cannot be read");
                (m.received, false, Quality::Clock)
            }
        };
        let mark = out.mark();
        let mut found = 0;
        let push = |spec: &QuantitySpec, value: f64, out: &mut Decoded| {
            let Some(quantity) = spec.quantity() else { return };
            let quality = if spec.judge(value) == Quality::Good { clock } else { Quality::Range };
            let device = device.clone();
            out.readings.push(Reading { device, quantity, at, received: m.received, value, quality, timed });
        };
        for field in &self.spec.fields {
            match field.read(record) {
                None => continue,
                Some(Ok((spec, value))) => push(spec, value, out),
                Some(Err(reason)) => scope.problem(out, reason, format_args!("{} is no number", field.pointer)),
            }
            found += 1;
        }
        if found == 0 && !self.spec.fields.is_empty() {
            scope.problem(out, ProblemReason::MissingField, "no mapped field is there");
            return out.alive(&device, m);
        }
        for constant in &self.spec.constants {
            if let Some(spec) = lookup(&constant.quantity) {
                push(spec, constant.value, out);
            }
        }
        if !out.speaks_since(mark) {
            out.alive(&device, m);
        }
    }

    /// The time of a record; nothing where it claims none.
    fn time(&self, payload: &Json<'_>, record: &Json<'_>) -> Option<Result<Timestamp, ProblemReason>> {
        let spec = self.spec.time.as_ref()?;
        let value = record.pointer(&spec.pointer).or_else(|| payload.pointer(&spec.pointer))?;
        if *value == Json::Scalar(Scalar::Null) { None } else { Some(spec.read(value).ok_or(ProblemReason::BadTime)) }
    }

    fn device(
        &self,
        m: &Message<'_>,
        payload: &Json<'_>,
        record: &Json<'_>,
    ) -> Result<DeviceId, (ProblemReason, String)> {
        let number;
        let name = match &self.spec.device {
            DeviceFrom::TopicSegment(n) => m.topic.split('/').nth(*n),
            DeviceFrom::Pointer(p) => match record.pointer(p).or_else(|| payload.pointer(p)).and_then(Json::scalar) {
                Some(Scalar::Str(s)) => Some(s.as_ref()),
                Some(Scalar::Int(n)) => {
                    number = n.to_string();
                    Some(number.as_str())
                }
                _ => None,
            },
        };
        let name = name.ok_or((ProblemReason::BadDevice, "the device's name is missing".to_owned()))?;
        if name.is_empty() {
            return Err((ProblemReason::BadDevice, "the device's name is empty".to_owned()));
        }
        let full = if self.spec.prefix.is_empty() {
            DeviceId::new(name)
        } else {
            DeviceId::new(&format!("{}{name}", self.spec.prefix))
        };
        full.map_err(|e| (ProblemReason::BadDevice, format!("the device's name {e}")))
    }
}

impl Decoder for Mapped {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn decode(&mut self, m: &Message<'_>, out: &mut Decoded) {
        let scope = Scope::open(FORMAT, m, out);
        let payload = match parse(m.payload) {
            Ok(payload) => payload,
            Err(broken) => return scope.report(out, broken.reason, broken.detail, broken.offset),
        };
        let Some(records) = payload.pointer(&self.spec.records) else {
            return scope.problem(out, ProblemReason::MissingField, format_args!("{} is missing", self.spec.records));
        };
        for record in records.one_or_many() {
            self.record(m, &payload, record, &scope, out);
        }
    }
}
