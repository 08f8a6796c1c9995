//! Typed identifiers, each with its own character set and length, checked once at the edge.

use core::fmt;
use std::borrow::Cow;

use minicbor::{Decode, Decoder, Encode, Encoder};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::reading::Text;
use crate::time::Timestamp;

#[macro_use]
mod hashed;
mod actor;
mod incident;
mod maintenance;

pub use actor::PERSON_MAX;
pub use incident::IncidentId;
pub use maintenance::MaintenanceId;

/// Why a text is not an identifier of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than the kind allows.
    #[error("is longer than {max} characters")]
    TooLong {
        /// Longest allowed, in characters.
        max: usize,
    },
    /// Shorter than the kind allows.
    #[error("is shorter than {min} characters")]
    TooShort {
        /// Shortest allowed, in characters.
        min: usize,
    },
    /// A character outside the kind's set.
    #[error("has the character {found:?}; allowed are {allowed}")]
    BadCharacter {
        /// The first character that is not allowed.
        found: char,
        /// The allowed set, in words.
        allowed: &'static str,
    },
}

fn checked(
    text: &str,
    (min, max): (usize, usize),
    ok: fn(char) -> bool,
    allowed: &'static str,
) -> Result<SmolStr, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > max {
        return Err(IdError::TooLong { max });
    }
    match text.chars().find(|c| !ok(*c)) {
        Some(found) => Err(IdError::BadCharacter { found, allowed }),
        None if text.len() < min => Err(IdError::TooShort { min }),
        None => Ok(SmolStr::new(text)),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $ok:expr, $allowed:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Longest allowed, in characters.
            pub const MAX: usize = $max;

            /// Checks `text` against the kind's length and character set.
            ///
            /// # Errors
            /// Says which rule `text` breaks.
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text, ($min, $max), $ok, $allowed).map(Self)
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl core::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let text = d.str()?;
                Self::new(text).map_err(|_| minicbor::decode::Error::message(concat!("bad ", stringify!($name))))
            }
        }
    };
}

const fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
const fn snake(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

text_id!(
    /// A device: `[A-Za-z0-9._-]{1,64}`.
    DeviceId, 1..=64, word, "A-Z a-z 0-9 . _ -"
);
text_id!(
    /// What is measured, such as `water_depth`: `[a-z0-9_]{1,40}`.
    Quantity, 1..=40, snake, "a-z 0-9 _"
);
text_id!(
    /// A rule: `[A-Za-z0-9._-]{1,64}`.
    RuleId, 1..=64, word, "A-Z a-z 0-9 . _ -"
);
text_id!(
    /// A place by its GB/T 2260-style code, such as `110105` (district) or `110105003` (street): `[0-9]{2,12}`.
    PlaceCode, 2..=12, |c| c.is_ascii_digit(), "0-9"
);
text_id!(
    /// A configured source of messages: a connection or a listener, `[A-Za-z0-9._-]{1,32}`.
    SourceId, 1..=32, word, "A-Z a-z 0-9 . _ -"
);
text_id!(
    /// A part of Maibo itself, such as `data` or `receiver.duty`: `[A-Za-z0-9._-]{1,64}`.
    PartId, 1..=64, word, "A-Z a-z 0-9 . _ -"
);
text_id!(
    /// A drill, by the name that whoever opened it gave it: `[A-Za-z0-9._-]{1,64}`.
    DrillId, 1..=64, word, "A-Z a-z 0-9 . _ -"
);
text_id!(
    /// Who gave a command: an operator's account name ([`Actor::account`]), somebody at a receiver ([`Actor::at`]), also by an
    /// operator's hand ([`Actor::entered`]), or a response plan ([`Actor::of_plan`]); at most 190 bytes.
    Actor, 1..=190, |c| !c.is_control(), "whatever can be printed"
);

/// Hashes identifiers for lookup in tables: one pass over the text, without a state to set up. Not for tables whose keys
/// strangers choose; those of the engine come from the catalogue.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl core::hash::Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, byte: u8) {
        // The mark behind a text: it tells apart nothing that the text's own hash does not.
        self.0 ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A table of identifiers, such as `HashMap<DeviceId, T, IdBuild>`. Never iterate it: its order means nothing.
pub type IdBuild = core::hash::BuildHasherDefault<IdHasher>;

/// Number of device partitions, frozen: it is part of every log on disk.
pub const PARTITIONS: u16 = 256;

/// One unit of state: 0..=255 hold devices, [`PartitionId::CITY`] holds what spans them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct PartitionId(#[n(0)] pub u16);

impl PartitionId {
    /// The machine of the whole city: quorum, sources, incidents, index.
    pub const CITY: Self = Self(PARTITIONS);

    /// Where a device lives: `xxh3_64(id) % 256`, frozen with test vectors.
    pub fn of(device: &DeviceId) -> Self {
        Self((xxhash_rust::xxh3::xxh3_64(device.as_str().as_bytes()) % u64::from(PARTITIONS)) as u16)
    }

    /// Where the machine of what is about this subject lives.
    pub fn home(subject: &Subject) -> Self {
        match subject {
            Subject::Device(device) | Subject::Event { device, .. } => Self::of(device),
            Subject::Source(_) | Subject::Place(_) | Subject::Around(_) | Subject::Part(_) | Subject::Drill(_) => {
                Self::CITY
            }
        }
    }

    /// All partitions, the city last.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=PARTITIONS).map(Self)
    }
}

/// A place in one partition of a log: ordered, with gaps, opaque otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Position(#[n(0)] pub u64);

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Subject {
    /// One device.
    #[n(0)]
    Device(#[n(0)] DeviceId),
    /// A source of messages: Maibo's own ears.
    #[n(1)]
    Source(#[n(0)] SourceId),
    /// A place (quorum and place rules).
    #[n(2)]
    Place(#[n(0)] PlaceCode),
    /// One event that a device reports (event rules).
    #[n(3)]
    Event {
        /// Who reports it.
        #[n(0)]
        device: DeviceId,
        /// Its identity, unique per device.
        #[n(1)]
        identity: Text,
    },
    /// The surroundings of a device (quorum rules with a radius).
    #[n(4)]
    Around(#[n(0)] DeviceId),
    /// A part of Maibo itself.
    #[n(5)]
    Part(#[n(0)] PartId),
    /// An exercise (演练): nothing has happened. What is about one is kept out of everything that says how the city is.
    #[n(6)]
    Drill(#[n(0)] DrillId),
}

impl Subject {
    /// All words of [`Self::kind`].
    pub const KINDS: [&'static str; 7] = ["device", "source", "place", "event", "around", "part", "drill"];

    /// `device`, `source`, `place`, `event`, `around`, `part` or `drill`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Source(_) => "source",
            Self::Place(_) => "place",
            Self::Event { .. } => "event",
            Self::Around(_) => "around",
            Self::Part(_) => "part",
            Self::Drill(_) => "drill",
        }
    }

    /// The identifier within its kind; of an event `device/identity`, of surroundings the device in their middle.
    pub fn id(&self) -> Cow<'_, str> {
        match self {
            Self::Device(d) | Self::Around(d) => Cow::Borrowed(d.as_str()),
            Self::Source(s) => Cow::Borrowed(s.as_str()),
            Self::Part(p) => Cow::Borrowed(p.as_str()),
            Self::Drill(d) => Cow::Borrowed(d.as_str()),
            Self::Place(p) => Cow::Borrowed(p.as_str()),
            Self::Event { device, identity } => Cow::Owned(format!("{device}/{}", identity.0)),
        }
    }

    /// Whether it is about several devices together, as quorums are.
    pub const fn is_area(&self) -> bool {
        matches!(self, Self::Place(_) | Self::Around(_))
    }

    /// Whether it is an exercise.
    pub const fn is_drill(&self) -> bool {
        matches!(self, Self::Drill(_))
    }

    /// The device it is about, or that reports it.
    pub const fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Device(device) | Self::Event { device, .. } => Some(device),
            Self::Source(_) | Self::Place(_) | Self::Around(_) | Self::Part(_) | Self::Drill(_) => None,
        }
    }
}

hashed_id! {
    /// Identity of one episode: 128 bits that depend only on what happened, never on when it was computed.
    EpisodeId, "episode"
}

impl EpisodeId {
    /// Before all others in their order.
    pub(crate) const LEAST: Self = Self([0; 16]);

    /// SHA-256 over (`maibo-episode-1`, rule, subject, pending-since, n), first 128 bits.
    ///
    /// Texts are preceded by their length so that no two inputs share an encoding; `n` counts equal triples.
    pub fn derive(rule: &RuleId, subject: &Subject, pending_since: Timestamp, n: u32) -> Self {
        Self::hashed(&["maibo-episode-1", rule.as_str(), subject.kind(), &*subject.id()], pending_since, n)
    }
}

/// Version of a rule set or catalogue: the first 64 bits of the SHA-256 of its canonical text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Version(#[n(0)] pub u64);

impl Version {
    /// The version of a text.
    pub fn of(text: &[u8]) -> Self {
        let digest = Sha256::digest(text);
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(head))
    }

    /// Reads what is displayed: sixteen hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        digits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
