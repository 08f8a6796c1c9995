//! JSON under limits: a tree that keeps integers exact, and the pieces shared with the streaming reader.
//!
//! Depth, keys per object and elements per array are limited while reading, so the cost of a hostile payload is bounded
//! by its length. The same key twice in one object is an error: whoever wrote it meant one of the two, and a guess would
//! be a silent loss.

mod value;

pub(super) use value::{Json, Scalar};

use core::cell::Cell;
use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::output::ProblemReason;

/// Deepest nesting; the outermost array or object is 1.
pub(super) const MAX_DEPTH: u32 = 16;
/// Most keys of one object.
pub(super) const MAX_KEYS: usize = 256;
/// Most elements of one array.
pub(super) const MAX_ELEMENTS: usize = 1000;

/// Why a payload as a whole cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// For counting.
    pub(super) reason: ProblemReason,
    /// In words, without anything from the payload.
    pub(super) detail: &'static str,
    /// Where.
    pub(super) offset: Option<usize>,
}

/// Reads a whole payload.
pub(super) fn parse(payload: &[u8]) -> Result<Json<'_>, Broken> {
    let guard = Guard::default();
    read(payload, &guard, Tree { guard: &guard, depth: 1 })
}

/// Reads a whole payload with `seed`, which reports limits through `guard`.
pub(super) fn read<'a, S: DeserializeSeed<'a>>(payload: &'a [u8], guard: &Guard, seed: S) -> Result<S::Value, Broken> {
    // One byte order mark is tolerated; some roadside radars write it.
    let (body, skipped) = match payload.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, 3),
        None => (payload, 0),
    };
    let mut de = serde_json::Deserializer::from_slice(body);
    seed.deserialize(&mut de).and_then(|value| de.end().map(|()| value)).map_err(|e| {
        let offset = Some(skipped + offset_of(body, &e));
        match guard.tripped.get() {
            Some(reason) => Broken { reason, detail: "a limit of the syntax is exceeded", offset },
            None if e.is_eof() => Broken { reason: ProblemReason::Syntax, detail: "ends too early", offset },
            None => Broken { reason: ProblemReason::Syntax, detail: "is not JSON", offset },
        }
    })
}

fn offset_of(body: &[u8], e: &serde_json::Error) -> usize {
    let lines_before = e.line().saturating_sub(1);
    let start = match lines_before {
        0 => 0,
        n => body.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(n - 1).map_or(0, |(i, _)| i + 1),
    };
    (start + e.column().saturating_sub(1)).min(body.len())
}

/// Remembers which limit stopped the reading, because the parser's own error cannot carry it.
#[derive(Debug, Default)]
pub(super) struct Guard {
    tripped: Cell<Option<ProblemReason>>,
}

impl Guard {
    /// Stops the reading.
    pub(super) fn trip<E: serde::de::Error>(&self, reason: ProblemReason) -> E {
        self.tripped.set(Some(reason));
        E::custom("limit")
    }

    /// Checks that a container may stand at `depth`.
    pub(super) fn enter<E: serde::de::Error>(&self, depth: u32) -> Result<(), E> {
        if depth > MAX_DEPTH { Err(self.trip(ProblemReason::TooDeep)) } else { Ok(()) }
    }
}

/// The keys of one object so far, as sorted 64-bit hashes.
///
/// Two different keys of one object with the same hash would be taken for a duplicate: among 256 keys that does not
/// happen by chance, and who constructs it harms only the own message.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<u64>);

impl KeySet {
    /// Adds a key.
    pub(super) fn insert(&mut self, key: &str) -> Result<(), ProblemReason> {
        let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
        match self.0.binary_search(&hash) {
            Ok(_) => Err(ProblemReason::DuplicateKey),
            Err(_) if self.0.len() >= MAX_KEYS => Err(ProblemReason::TooManyKeys),
            Err(at) => {
                self.0.insert(at, hash);
                Ok(())
            }
        }
    }

    /// Forgets all keys.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The scalar methods of a visitor, all leading to `self.scalar(Scalar)`.
macro_rules! visit_scalars {
    () => {
        fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Bool(v)))
        }
        fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Int(v)))
        }
        fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::unsigned(v)))
        }
        fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Float(v)))
        }
        fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Str(std::borrow::Cow::Owned(v.to_owned()))))
        }
        fn visit_borrowed_str<E: serde::de::Error>(self, v: &'de str) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Str(std::borrow::Cow::Borrowed(v))))
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(self.scalar($crate::decode::json::Scalar::Null))
        }
        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("JSON")
        }
    };
}
pub(super) use visit_scalars;

/// A key, borrowed from the payload where it has no escapes.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E: serde::de::Error>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(v))
    }
    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(v.to_owned()))
    }
}

#[derive(Clone, Copy)]
struct Tree<'g> {
    guard: &'g Guard,
    depth: u32,
}

impl Tree<'_> {
    #[allow(clippy::unused_self, reason = "the shape that visit_scalars needs")]
    fn scalar(self, s: Scalar<'_>) -> Json<'_> {
        Json::Scalar(s)
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Json<'de>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Json<'de>;
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        self.guard.enter(self.depth)?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Self { depth: self.depth + 1, ..self })? {
            if items.len() >= MAX_ELEMENTS {
                return Err(self.guard.trip(ProblemReason::TooManyElements));
            }
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        self.guard.enter(self.depth)?;
        let mut keys = KeySet::default();
        let mut fields = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            keys.insert(&key).map_err(|reason| self.guard.trip::<A::Error>(reason))?;
            fields.push((key, map.next_value_seed(Self { depth: self.depth + 1, ..self })?));
        }
        Ok(Json::Object(fields))
    }
}

/// Walks over a value that is not wanted, under the same limits.
#[derive(Clone, Copy)]
pub(super) struct Skim<'g> {
    /// Where limits are reported.
    pub(super) guard: &'g Guard,
    /// Depth of a container found here.
    pub(super) depth: u32,
}

impl Skim<'_> {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value, reason = "the shape that visit_scalars needs")]
    fn scalar(self, _: Scalar<'_>) {}

    /// Walks over the rest of an array that has been entered.
    pub(super) fn rest_of_seq<'de, A: SeqAccess<'de>>(self, seq: &mut A) -> Result<(), A::Error> {
        self.guard.enter(self.depth)?;
        let mut n = 0;
        while seq.next_element_seed(Self { depth: self.depth + 1, ..self })?.is_some() {
            n += 1;
            if n > MAX_ELEMENTS {
                return Err(self.guard.trip(ProblemReason::TooManyElements));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Skim<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skim<'_> {
    type Value = ();
    visit_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.rest_of_seq(&mut seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.guard.enter(self.depth)?;
        let mut keys = KeySet::default();
        while let Some(key) = map.next_key_seed(Key)? {
            keys.insert(&key).map_err(|reason| self.guard.trip::<A::Error>(reason))?;
            map.next_value_seed(Self { depth: self.depth + 1, ..self })?;
        }
        Ok(())
    }
}
