//! One telemetry record on its way to readings, shared by the JSON and the CBOR reader.

use super::super::json::{KeySet, Scalar};
use super::super::scope::Scope;
use super::super::{Decoded, Message, ProblemReason};
use crate::id::DeviceId;
use crate::reading::quantity::{QuantitySpec, lookup};
use crate::reading::{Quality, Reading};
use crate::time::Timestamp;

/// What a key of a record means.
pub(super) enum Field {
    /// `t`
    Time,
    /// A known quantity.
    Quantity(&'static QuantitySpec),
    /// Anything else; already reported. Its value is to be skipped.
    Unknown,
}

/// The time a record claims.
#[derive(Clone, Copy, Debug)]
enum Claim {
    Nothing,
    At(Timestamp),
    Unreadable,
}

/// All records of one payload. Values go straight to the output; the record's end gives them their time.
pub(super) struct Records<'a> {
    out: &'a mut Decoded,
    scope: &'a Scope<'a>,
    device: &'a DeviceId,
    received: Timestamp,
    // The record being read:
    start: usize,
    claim: Claim,
    seen: u128,
    seen_time: bool,
    keys: usize,
    unknown: KeySet,
    spoiled: Option<ProblemReason>,
}

impl<'a> Records<'a> {
    pub(super) fn new(m: &Message<'_>, scope: &'a Scope<'a>, device: &'a DeviceId, out: &'a mut Decoded) -> Self {
        let start = out.readings.len();
        Self {
            out,
            scope,
            device,
            received: m.received,
            start,
            claim: Claim::Nothing,
            seen: 0,
            seen_time: false,
            keys: 0,
            unknown: KeySet::default(),
            spoiled: None,
        }
    }

    /// A record begins.
    pub(super) fn begin(&mut self) {
        self.start = self.out.readings.len();
        self.claim = Claim::Nothing;
        self.seen = 0;
        self.seen_time = false;
        self.keys = 0;
        self.unknown.clear();
        self.spoiled = None;
    }

    /// A key of the record.
    pub(super) fn key(&mut self, key: &str) -> Field {
        self.keys += 1;
        if self.keys > super::super::json::MAX_KEYS {
            self.spoiled = Some(ProblemReason::TooManyKeys);
            return Field::Unknown;
        }
        if key == "t" {
            if core::mem::replace(&mut self.seen_time, true) {
                self.spoiled = Some(ProblemReason::DuplicateKey);
            }
            return Field::Time;
        }
        if let Some(spec) = lookup(key) {
            let bit = 1_u128 << spec.index();
            if self.seen & bit != 0 {
                self.spoiled = Some(ProblemReason::DuplicateKey);
            }
            self.seen |= bit;
            return Field::Quantity(spec);
        }
        match self.unknown.insert(key) {
            Ok(()) => self.problem(ProblemReason::UnknownQuantity, format_args!("{key:.40} is no known quantity")),
            Err(reason) => self.spoiled = Some(reason),
        }
        Field::Unknown
    }

    /// The value of `t`.
    pub(super) fn time(&mut self, value: &Scalar<'_>) {
        self.claim = match value {
            Scalar::Null => Claim::Nothing,
            other => other.whole(false).map_or(Claim::Unreadable, |ms| Claim::At(Timestamp(ms))),
        };
    }

    /// `t` is an array or an object.
    pub(super) fn no_time(&mut self) {
        self.claim = Claim::Unreadable;
    }

    /// The value of a quantity, in the canonical unit or in the unit given.
    pub(super) fn value(&mut self, spec: &'static QuantitySpec, value: &Scalar<'_>, unit: Option<&str>) {
        let number = match value {
            Scalar::Null => return,
            Scalar::Bool(b) if spec.is_binary() => f64::from(u8::from(*b)),
            other => match other.number(false) {
                Some(number) => number,
                None => return self.no_value(spec),
            },
        };
        match spec.convert(number, unit) {
            Ok(value) => self.push(spec, value),
            Err(e) => self.problem(ProblemReason::UnknownUnit, e),
        }
    }

    /// The value of a quantity has a shape that is no value.
    pub(super) fn no_value(&mut self, spec: &'static QuantitySpec) {
        self.problem(ProblemReason::BadValue, format_args!("{} is no number", spec.name));
    }

    fn push(&mut self, spec: &'static QuantitySpec, value: f64) {
        // Every registered name is a valid identifier; a test holds it.
        let Some(quantity) = spec.quantity() else { return };
        self.out.readings.push(Reading {
            device: self.device.clone(),
            quantity,
            at: self.received,
            received: self.received,
            value,
            quality: spec.judge(value),
            timed: false,
        });
    }

    /// The record ends: its readings get their time, or are dropped where the record is ambiguous.
    pub(super) fn end(&mut self) {
        if let Some(reason) = self.spoiled.take() {
            self.out.readings.truncate(self.start);
            return self.problem(reason, "the record is dropped");
        }
        match self.claim {
            Claim::Nothing => {}
            Claim::At(at) => {
                for reading in &mut self.out.readings[self.start..] {
                    reading.at = at;
                    reading.timed = true;
                }
            }
            Claim::Unreadable => {
                for reading in &mut self.out.readings[self.start..] {
                    if reading.quality == Quality::Good {
                        reading.quality = Quality::Clock;
                    }
                }
                self.problem(ProblemReason::BadTime, "t is no whole number of milliseconds");
            }
        }
    }

    /// An element that is no record.
    pub(super) fn not_a_record(&mut self) {
        self.problem(ProblemReason::BadShape, "a record must be an object");
    }

    fn problem(&mut self, reason: ProblemReason, detail: impl core::fmt::Display) {
        self.scope.problem(self.out, reason, detail);
    }
}
