//! What decoding a message gives: readings, events, signs of life, registrations, problems, replies.

use super::Message;
use super::sample::Sample;
use crate::id::DeviceId;
use crate::reading::{Event, Liveness, Reading, Text};
use crate::time::Timestamp;

/// Everything one or more messages decoded to. Reusable: [`Decoded::clear`] keeps the allocations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// Measured values, those of one message in time order.
    pub readings: Vec<Reading>,
    /// Discrete reports, those of one message in time order.
    pub events: Vec<Event>,
    /// Signs of life.
    pub liveness: Vec<Liveness>,
    /// Devices that introduced themselves, and retained state.
    pub registrations: Vec<Registration>,
    /// What could not be used, and why. At most 4 per reason and message; further ones raise `times`.
    pub problems: Vec<Problem>,
    /// What to publish back to the source.
    pub replies: Vec<Reply>,
    /// Parts that were understood and are of no use here: map and signal messages, acknowledgements, retained values.
    pub ignored: u32,
    /// Messages that the source had delivered before.
    pub duplicates: u32,
}

impl Decoded {
    /// Most problems of one reason that one message can list separately.
    pub const PROBLEMS_PER_REASON: usize = 4;

    /// Empties all lists and counters.
    pub fn clear(&mut self) {
        self.readings.clear();
        self.events.clear();
        self.liveness.clear();
        self.registrations.clear();
        self.problems.clear();
        self.replies.clear();
        self.ignored = 0;
        self.duplicates = 0;
    }

    /// Whether nothing at all came out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The lengths now; what lies behind them later belongs to the message being decoded.
    pub(super) fn mark(&self) -> Mark {
        Mark { readings: self.readings.len(), events: self.events.len(), liveness: self.liveness.len() }
    }

    /// Whether anything since `mark` says that a device is alive: a reading, an event, a sign of life.
    pub(super) fn speaks_since(&self, mark: Mark) -> bool {
        (self.readings.len(), self.events.len(), self.liveness.len()) != (mark.readings, mark.events, mark.liveness)
    }

    /// Adds a sign of life, once for all parts of a message that say nothing else. A retained message is none.
    pub(super) fn alive(&mut self, device: &DeviceId, m: &Message<'_>) {
        let known = self.liveness.last().is_some_and(|l| l.device == *device && l.received == m.received && l.alive);
        if !m.retained && !known {
            self.liveness.push(Liveness { device: device.clone(), received: m.received, alive: true });
        }
    }

    /// Drops the readings, events and signs of life since `mark` and says how many there were.
    pub(super) fn drop_values_since(&mut self, mark: Mark) -> usize {
        let before = self.readings.len() + self.events.len() + self.liveness.len();
        self.readings.truncate(mark.readings);
        self.events.truncate(mark.events);
        self.liveness.truncate(mark.liveness);
        before - (self.readings.len() + self.events.len() + self.liveness.len())
    }
}

/// Lengths of the value lists at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Of the readings.
    pub(super) readings: usize,
    /// Of the events.
    pub(super) events: usize,
    liveness: usize,
}

/// A device says who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Which device.
    pub device: DeviceId,
    /// The format it spoke.
    pub format: &'static str,
    /// When Maibo got it.
    pub received: Timestamp,
    /// Its display name, where it gave one.
    pub name: Option<Text>,
    /// Longitude and latitude in degrees.
    pub position: Option<(f64, f64)>,
    /// What else it said about itself: a constant word and a value of at most 64 characters.
    pub attributes: Vec<(&'static str, Text)>,
}

/// A message to publish back to the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where to.
    pub topic: String,
    /// The body.
    pub payload: Vec<u8>,
}

/// Why a part of a message could not be used. The same word in metric labels, quarantine and documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemReason {
    /// No route takes this topic.
    TopicNotAllowed,
    /// The topic itself is malformed.
    BadTopic,
    /// The device's name is missing, breaks the character set, or contradicts the topic.
    BadDevice,
    /// The payload is longer than the limit.
    TooLarge,
    /// Nested deeper than the limit.
    TooDeep,
    /// An object has more keys than the limit.
    TooManyKeys,
    /// An array has more elements than the limit.
    TooManyElements,
    /// An object says the same key twice.
    DuplicateKey,
    /// Not the syntax it should be: truncated, not UTF-8, not JSON, not CBOR.
    Syntax,
    /// Well formed, but not the shape the format has.
    BadShape,
    /// Something the format requires is absent.
    MissingField,
    /// A name that is no known quantity.
    UnknownQuantity,
    /// A unit that the quantity does not know.
    UnknownUnit,
    /// A value of the wrong type, or no number.
    BadValue,
    /// A time that cannot be read.
    BadTime,
}

impl ProblemReason {
    /// All, for metrics that start at zero.
    pub const ALL: [Self; 15] = [
        Self::TopicNotAllowed,
        Self::BadTopic,
        Self::BadDevice,
        Self::TooLarge,
        Self::TooDeep,
        Self::TooManyKeys,
        Self::TooManyElements,
        Self::DuplicateKey,
        Self::Syntax,
        Self::BadShape,
        Self::MissingField,
        Self::UnknownQuantity,
        Self::UnknownUnit,
        Self::BadValue,
        Self::BadTime,
    ];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopicNotAllowed => "topic_not_allowed",
            Self::BadTopic => "bad_topic",
            Self::BadDevice => "bad_device",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::TooManyKeys => "too_many_keys",
            Self::TooManyElements => "too_many_elements",
            Self::DuplicateKey => "duplicate_key",
            Self::Syntax => "syntax",
            Self::BadShape => "bad_shape",
            Self::MissingField => "missing_field",
            Self::UnknownQuantity => "unknown_quantity",
            Self::UnknownUnit => "unknown_unit",
            Self::BadValue => "bad_value",
            Self::BadTime => "bad_time",
        }
    }
}

/// One part of a message that could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which format, a constant word.
    pub format: &'static str,
    /// Why.
    pub reason: ProblemReason,
    /// In words, at most 200 characters; field names at most, never values.
    pub detail: String,
    /// Byte offset in the payload, where the syntax broke.
    pub offset: Option<usize>,
    /// What is kept of the payload. Only a message's first problem of a reason carries a redacted text.
    pub sample: Sample,
    /// How many such problems the message had that are not listed one by one, this one included.
    pub times: u32,
}
