//! A JSON value whose integers keep all their digits, and how decoders look into it.

use std::borrow::Cow;

/// A value. Integers keep all their digits: identifiers above 2^53 never pass through a float.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::decode) enum Json<'a> {
    /// A leaf.
    Scalar(Scalar<'a>),
    /// `[…]`
    Array(Vec<Json<'a>>),
    /// `{…}`, in the order written, keys unique.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A leaf.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::decode) enum Scalar<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer that fits 64 bits with sign.
    Int(i64),
    /// An integer above that.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    Str(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The integer in its smallest form, so that equal numbers are equal values.
    pub(in crate::decode) fn unsigned(v: u64) -> Self {
        i64::try_from(v).map_or(Self::Uint(v), Self::Int)
    }

    /// The number, where it is one; with `strings_ok` also a decimal written as a string.
    pub(in crate::decode) fn number(&self, strings_ok: bool) -> Option<f64> {
        match self {
            Self::Int(v) => Some(*v as f64),
            Self::Uint(v) => Some(*v as f64),
            Self::Float(v) => Some(*v),
            Self::Str(s) if strings_ok => decimal(s),
            _ => None,
        }
    }

    /// The whole number, where it is one; floats without fraction count up to 2^53, strings where allowed.
    pub(in crate::decode) fn whole(&self, strings_ok: bool) -> Option<i64> {
        match self {
            Self::Int(v) => Some(*v),
            Self::Float(v) if v.fract() == 0.0 && v.abs() <= 9_007_199_254_740_992.0 => Some(*v as i64),
            Self::Str(s) if strings_ok => s.trim().parse().ok(),
            _ => None,
        }
    }
}

/// Digits, sign, point and exponent only: `inf`, `nan`, hexadecimal and a decimal comma are no numbers.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

impl<'a> Json<'a> {
    /// The value of a key, where this is an object that has it.
    pub(in crate::decode) fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(fields) => fields.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The value at a JSON pointer (RFC 6901); the empty pointer is the whole.
    pub(in crate::decode) fn pointer(&self, pointer: &str) -> Option<&Json<'a>> {
        let mut at = self;
        for step in pointer.split('/').skip(1) {
            let step =
                if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { Cow::from(step) };
            at = match at {
                Self::Object(_) => at.get(&step)?,
                Self::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                Self::Scalar(_) => return None,
            };
        }
        Some(at)
    }

    /// The leaf, where this is one and not `null`.
    pub(in crate::decode) fn scalar(&self) -> Option<&Scalar<'a>> {
        match self {
            Self::Scalar(s) if *s != Scalar::Null => Some(s),
            _ => None,
        }
    }

    /// The string, where this is one.
    pub(in crate::decode) fn str(&self) -> Option<&str> {
        match self {
            Self::Scalar(Scalar::Str(s)) => Some(s),
            _ => None,
        }
    }

    /// The truth value, where this is one.
    pub(in crate::decode) fn bool(&self) -> Option<bool> {
        match self {
            Self::Scalar(Scalar::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The number of a leaf, as [`Scalar::number`].
    pub(in crate::decode) fn number(&self, strings_ok: bool) -> Option<f64> {
        self.scalar().and_then(|s| s.number(strings_ok))
    }

    /// The whole number of a leaf, as [`Scalar::whole`].
    pub(in crate::decode) fn whole(&self, strings_ok: bool) -> Option<i64> {
        self.scalar().and_then(|s| s.whole(strings_ok))
    }

    /// The elements: of an array all, of anything else but `null` itself. XML turned JSON writes a list of one so.
    pub(in crate::decode) fn one_or_many(&self) -> &[Json<'a>] {
        match self {
            Self::Array(items) => items,
            Self::Scalar(Scalar::Null) => &[],
            other => core::slice::from_ref(other),
        }
    }

    /// Whether this is `{…}`.
    pub(in crate::decode) const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}
