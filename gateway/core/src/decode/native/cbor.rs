//! Telemetry as CBOR (RFC 8949), read straight into records under the same limits as JSON.
//!
//! Maps and arrays may have definite or indefinite length. Tags are read through. Byte strings and values outside the
//! JSON model are no values.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::super::ProblemReason;
use super::super::json::{Broken, KeySet, MAX_DEPTH, MAX_ELEMENTS, Scalar};
use super::record::{Field, Records};
use crate::reading::quantity::QuantitySpec;
use std::borrow::Cow;

/// Whether the payload begins as a CBOR map or array; `[` and `{` are text strings there and thus never meant.
pub(super) fn is_cbor(payload: &[u8]) -> bool {
    payload.first().is_some_and(|b| matches!(b, 0x80..=0xbf))
}

/// Reads a payload into `records`.
pub(super) fn decode(payload: &[u8], records: &mut Records<'_>) -> Result<(), Broken> {
    let mut reader = Reader { d: Decoder::new(payload), len: payload.len() };
    reader.payload(records)?;
    if reader.d.position() == payload.len() { Ok(()) } else { Err(reader.limit(ProblemReason::Syntax)) }
}

struct Reader<'a> {
    d: Decoder<'a>,
    len: usize,
}

/// What stands next, with its tags read through.
enum Item<'a> {
    Leaf(Scalar<'a>),
    Array(Option<u64>),
    Map(Option<u64>),
    /// A leaf that no quantity can have; already skipped.
    Odd,
}

impl<'a> Reader<'a> {
    fn payload(&mut self, records: &mut Records<'_>) -> Result<(), Broken> {
        match self.item()? {
            Item::Map(n) => self.record(n, 1, records),
            Item::Array(n) => {
                let mut left = n;
                let mut count = 0;
                while self.another(&mut left)? {
                    count += 1;
                    if count > MAX_ELEMENTS {
                        return Err(self.limit(ProblemReason::TooManyElements));
                    }
                    match self.item()? {
                        Item::Map(n) => self.record(n, 2, records)?,
                        other => {
                            records.not_a_record();
                            self.skim(&other, 2)?;
                        }
                    }
                }
                Ok(())
            }
            Item::Leaf(_) | Item::Odd => {
                records.not_a_record();
                Ok(())
            }
        }
    }

    fn record(&mut self, n: Option<u64>, depth: u32, records: &mut Records<'_>) -> Result<(), Broken> {
        let mut left = n;
        records.begin();
        while self.another(&mut left)? {
            let key = self.text()?;
            let field = records.key(&key);
            let item = self.item()?;
            match (field, item) {
                (Field::Time, Item::Leaf(value)) => records.time(&value),
                (Field::Time, other) => {
                    records.no_time();
                    self.skim(&other, depth + 1)?;
                }
                (Field::Quantity(spec), Item::Leaf(value)) => records.value(spec, &value, None),
                (Field::Quantity(spec), Item::Map(n)) => self.with_unit(spec, n, depth + 1, records)?,
                (Field::Quantity(spec), other) => {
                    records.no_value(spec);
                    self.skim(&other, depth + 1)?;
                }
                (Field::Unknown, other) => self.skim(&other, depth + 1)?,
            }
        }
        records.end();
        Ok(())
    }

    /// `{"v": number, "u": "unit"}`
    fn with_unit(
        &mut self,
        spec: &'static QuantitySpec,
        n: Option<u64>,
        depth: u32,
        records: &mut Records<'_>,
    ) -> Result<(), Broken> {
        let mut left = n;
        let (mut value, mut unit, mut odd) = (None, None, false);
        while self.another(&mut left)? {
            let key = self.text()?;
            match (key.as_ref(), self.item()?) {
                ("v", _) if value.is_some() => return Err(self.limit(ProblemReason::DuplicateKey)),
                ("u", _) if unit.is_some() => return Err(self.limit(ProblemReason::DuplicateKey)),
                ("v", Item::Leaf(v)) => value = Some(v),
                ("u", Item::Leaf(Scalar::Str(u))) => unit = Some(u),
                (_, other) => {
                    odd = true;
                    self.skim(&other, depth + 1)?;
                }
            }
        }
        match value {
            Some(value) if !odd => records.value(spec, &value, unit.as_deref()),
            _ => records.no_value(spec),
        }
        Ok(())
    }

    /// Reads a leaf, or enters an array or a map.
    fn item(&mut self) -> Result<Item<'a>, Broken> {
        let mut tags = 0;
        loop {
            let kind = self.d.datatype().map_err(|e| self.broken(&e))?;
            let item = match kind {
                Type::Tag if tags < MAX_DEPTH => {
                    tags += 1;
                    self.d.tag().map_err(|e| self.broken(&e))?;
                    continue;
                }
                Type::Bool => self.d.bool().map(|b| Item::Leaf(Scalar::Bool(b))),
                Type::Null | Type::Undefined => self.d.skip().map(|()| Item::Leaf(Scalar::Null)),
                Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.d.u64().map(|v| Item::Leaf(Scalar::unsigned(v))),
                // Beyond 64 bits with sign a float is exact enough for any measured value.
                Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => self.d.int().map(|v| {
                    let wide = i128::from(v);
                    Item::Leaf(i64::try_from(wide).map_or(Scalar::Float(wide as f64), Scalar::Int))
                }),
                Type::F16 => return self.half(),
                Type::F32 => self.d.f32().map(|v| Item::Leaf(Scalar::Float(f64::from(v)))),
                Type::F64 => self.d.f64().map(|v| Item::Leaf(Scalar::Float(v))),
                Type::String => self.d.str().map(|s| Item::Leaf(Scalar::Str(Cow::Borrowed(s)))),
                Type::Array | Type::ArrayIndef => self.d.array().map(Item::Array),
                Type::Map | Type::MapIndef => self.d.map().map(Item::Map),
                Type::Bytes | Type::BytesIndef | Type::StringIndef | Type::Simple => self.d.skip().map(|()| Item::Odd),
                Type::Tag | Type::Break | Type::Unknown(_) => return Err(self.limit(ProblemReason::Syntax)),
            };
            return item.map_err(|e| self.broken(&e));
        }
    }

    /// A half-precision float: 1 bit sign, 5 bits exponent, 10 bits fraction.
    fn half(&mut self) -> Result<Item<'a>, Broken> {
        let at = self.d.position();
        let Some([_, high, low]) = self.d.input().get(at..at + 3) else {
            return Err(Broken { reason: ProblemReason::Syntax, detail: "ends too early", offset: Some(self.len) });
        };
        let bits = u16::from_be_bytes([*high, *low]);
        self.d.set_position(at + 3);
        let fraction = f64::from(bits & 0x3ff);
        let size = match (bits >> 10) & 0x1f {
            0 => fraction * 2f64.powi(-24),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            exponent => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
        };
        Ok(Item::Leaf(Scalar::Float(if bits >> 15 == 0 { size } else { -size })))
    }

    /// A key: a text string of definite length.
    fn text(&mut self) -> Result<Cow<'a, str>, Broken> {
        match self.item()? {
            Item::Leaf(Scalar::Str(key)) => Ok(key),
            _ => Err(self.limit(ProblemReason::BadShape)),
        }
    }

    /// Whether another element follows; takes it off `left`, or reads the break of an indefinite length.
    fn another(&mut self, left: &mut Option<u64>) -> Result<bool, Broken> {
        match left {
            Some(0) => Ok(false),
            Some(n) => {
                *n -= 1;
                Ok(true)
            }
            None => {
                let end = self.d.datatype().map_err(|e| self.broken(&e))? == Type::Break;
                if end {
                    self.d.skip().map_err(|e| self.broken(&e))?;
                }
                Ok(!end)
            }
        }
    }

    /// Walks over the rest of a value that is not wanted.
    fn skim(&mut self, item: &Item<'_>, depth: u32) -> Result<(), Broken> {
        let (mut left, is_map) = match item {
            Item::Leaf(_) | Item::Odd => return Ok(()),
            Item::Array(n) => (*n, false),
            Item::Map(n) => (*n, true),
        };
        if depth > MAX_DEPTH {
            return Err(self.limit(ProblemReason::TooDeep));
        }
        let mut keys = KeySet::default();
        let mut count = 0;
        while self.another(&mut left)? {
            if is_map {
                let key = self.text()?;
                keys.insert(&key).map_err(|reason| self.limit(reason))?;
            } else if count >= MAX_ELEMENTS {
                return Err(self.limit(ProblemReason::TooManyElements));
            }
            count += 1;
            let item = self.item()?;
            self.skim(&item, depth + 1)?;
        }
        Ok(())
    }

    fn broken(&self, e: &Error) -> Broken {
        let detail = if e.is_end_of_input() { "ends too early" } else { "is not CBOR" };
        Broken { reason: ProblemReason::Syntax, detail, offset: Some(self.d.position().min(self.len)) }
    }

    fn limit(&self, reason: ProblemReason) -> Broken {
        let detail = match reason {
            ProblemReason::Syntax => "is not CBOR",
            ProblemReason::BadShape => "a key must be text",
            _ => "a limit of the syntax is exceeded",
        };
        Broken { reason, detail, offset: Some(self.d.position().min(self.len)) }
    }
}
