//! Identity of an incident.

use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder};
use sha2::{Digest, Sha256};

use super::{PlaceCode, RuleId};
use crate::time::Timestamp;

/// Identity of one incident: 128 bits that depend only on what happened, like [`super::EpisodeId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId([u8; 16]);

impl IncidentId {
    /// SHA-256 over (`maibo-incident-1`, rule, district or nothing, since when the first episode's condition holds, n),
    /// first 128 bits. Texts are preceded by their length; `n` counts equal triples.
    pub fn derive(rule: &RuleId, district: Option<&PlaceCode>, since: Timestamp, n: u32) -> Self {
        let mut hash = Sha256::new();
        for text in ["maibo-incident-1", rule.as_str(), district.map_or("", PlaceCode::as_str)] {
            hash.update((text.len() as u32).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(since.0.to_be_bytes());
        hash.update(n.to_be_bytes());
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Reads the 32 lower-case hexadecimal digits that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|n| Self(n.to_be_bytes()))
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<C> Encode<C> for IncidentId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for IncidentId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        bytes.try_into().map(Self).map_err(|_| minicbor::decode::Error::message("incident id is not 16 bytes"))
    }
}
