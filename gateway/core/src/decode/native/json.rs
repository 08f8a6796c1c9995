//! Telemetry as JSON, read straight into records.
//!
//! What is no record or no value is walked over and reported, so that its neighbours survive; only broken syntax and
//! exceeded limits stop the reading.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::ProblemReason;
use super::super::json::{Broken, Guard, Key, MAX_ELEMENTS, Scalar, Skim, read, visit_scalars};
use super::record::{Field, Records};
use crate::reading::quantity::QuantitySpec;

/// Reads a payload into `records`.
pub(super) fn decode(payload: &[u8], records: &mut Records<'_>) -> Result<(), Broken> {
    let guard = Guard::default();
    read(payload, &guard, Payload { guard: &guard, records })
}

macro_rules! any {
    ($name:ident) => {
        impl<'de> DeserializeSeed<'de> for $name<'_, '_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
                d.deserialize_any(self)
            }
        }
    };
}

/// The whole payload: one record or an array of records.
struct Payload<'g, 'r> {
    guard: &'g Guard,
    records: &'g mut Records<'r>,
}
any!(Payload);

impl Payload<'_, '_> {
    #[allow(clippy::needless_pass_by_value, reason = "the shape that visit_scalars needs")]
    fn scalar(self, _: Scalar<'_>) {
        self.records.not_a_record();
    }
}

impl<'de> Visitor<'de> for Payload<'_, '_> {
    type Value = ();
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut n = 0;
        while seq.next_element_seed(Record { guard: self.guard, records: self.records, depth: 2 })?.is_some() {
            n += 1;
            if n > MAX_ELEMENTS {
                return Err(self.guard.trip(ProblemReason::TooManyElements));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Record { guard: self.guard, records: self.records, depth: 1 }.visit_map(map)
    }
}

/// One record.
struct Record<'g, 'r> {
    guard: &'g Guard,
    records: &'g mut Records<'r>,
    depth: u32,
}
any!(Record);

impl Record<'_, '_> {
    #[allow(clippy::needless_pass_by_value, reason = "the shape that visit_scalars needs")]
    fn scalar(self, _: Scalar<'_>) {
        self.records.not_a_record();
    }
}

impl<'de> Visitor<'de> for Record<'_, '_> {
    type Value = ();
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.records.not_a_record();
        Skim { guard: self.guard, depth: self.depth }.rest_of_seq(&mut seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { guard, records, depth } = self;
        let depth = depth + 1;
        records.begin();
        while let Some(key) = map.next_key_seed(Key)? {
            match records.key(&key) {
                Field::Time => map.next_value_seed(Time { guard, records, depth })?,
                Field::Quantity(spec) => map.next_value_seed(Value { guard, records, depth, spec })?,
                Field::Unknown => map.next_value_seed(Skim { guard, depth })?,
            }
        }
        records.end();
        Ok(())
    }
}

/// The value of `t`.
struct Time<'g, 'r> {
    guard: &'g Guard,
    records: &'g mut Records<'r>,
    depth: u32,
}
any!(Time);

impl Time<'_, '_> {
    #[allow(clippy::needless_pass_by_value, reason = "the shape that visit_scalars needs")]
    fn scalar(self, s: Scalar<'_>) {
        self.records.time(&s);
    }
}

impl<'de> Visitor<'de> for Time<'_, '_> {
    type Value = ();
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.records.no_time();
        Skim { guard: self.guard, depth: self.depth }.visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.records.no_time();
        Skim { guard: self.guard, depth: self.depth }.visit_map(map)
    }
}

/// The value of a quantity.
struct Value<'g, 'r> {
    guard: &'g Guard,
    records: &'g mut Records<'r>,
    depth: u32,
    spec: &'static QuantitySpec,
}
any!(Value);

impl Value<'_, '_> {
    #[allow(clippy::needless_pass_by_value, reason = "the shape that visit_scalars needs")]
    fn scalar(self, s: Scalar<'_>) {
        self.records.value(self.spec, &s, None);
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.records.no_value(self.spec);
        Skim { guard: self.guard, depth: self.depth }.visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { guard, records, depth, spec } = self;
        let leaf = Leaf { guard, depth: depth + 1 };
        let (mut value, mut unit, mut odd) = (None, None, false);
        while let Some(key) = map.next_key_seed(Key)? {
            let slot = match key.as_ref() {
                "v" if value.is_none() => &mut value,
                "u" if unit.is_none() => &mut unit,
                "v" | "u" => return Err(guard.trip(ProblemReason::DuplicateKey)),
                _ => {
                    odd = true;
                    map.next_value_seed(Skim { guard, depth: depth + 1 })?;
                    continue;
                }
            };
            *slot = Some(map.next_value_seed(leaf)?);
        }
        match (value.flatten(), unit) {
            (Some(value), None) if !odd => records.value(spec, &value, None),
            (Some(value), Some(Some(Scalar::Str(unit)))) if !odd => records.value(spec, &value, Some(&unit)),
            _ => records.no_value(spec),
        }
        Ok(())
    }
}

/// A leaf, or nothing where an array or an object stands.
#[derive(Clone, Copy)]
struct Leaf<'g> {
    guard: &'g Guard,
    depth: u32,
}

impl Leaf<'_> {
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape that visit_scalars needs")]
    fn scalar(self, s: Scalar<'_>) -> Option<Scalar<'_>> {
        Some(s)
    }
}

impl<'de> DeserializeSeed<'de> for Leaf<'_> {
    type Value = Option<Scalar<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Leaf<'_> {
    type Value = Option<Scalar<'de>>;
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Skim { guard: self.guard, depth: self.depth }.visit_seq(seq).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Skim { guard: self.guard, depth: self.depth }.visit_map(map).map(|()| None)
    }
}
