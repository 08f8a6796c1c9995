//! What devices report: readings, events, signs of life.

use minicbor::{Decode, Encode};
use smol_str::SmolStr;

use crate::id::{DeviceId, Quantity};
use crate::input::Found;
use crate::time::Timestamp;

pub mod quantity;

/// What is known about the trustworthiness of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Quality {
    /// Nothing speaks against it.
    #[default]
    #[n(0)]
    Good,
    /// The device itself or a plausibility check doubts it.
    #[n(1)]
    Suspect,
    /// The claimed time is impossible; the value is judged at receive time.
    #[n(2)]
    Clock,
    /// Outside the quantity's plausible range: kept, never compared.
    #[n(3)]
    Range,
    /// Not measured: filled in by the device.
    #[n(4)]
    Substituted,
}

impl Quality {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Suspect => "suspect",
            Self::Clock => "clock",
            Self::Range => "range",
            Self::Substituted => "substituted",
        }
    }

    /// Whether rules may compare the value.
    pub const fn comparable(self) -> bool {
        !matches!(self, Self::Range)
    }
}

/// One measured value in its quantity's canonical unit.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Reading {
    /// Who measured.
    #[n(0)]
    pub device: DeviceId,
    /// What was measured.
    #[n(1)]
    pub quantity: Quantity,
    /// When it was measured, by the device's word; equals `received` where the format carries no time.
    #[n(2)]
    pub at: Timestamp,
    /// When Maibo got it.
    #[n(3)]
    pub received: Timestamp,
    /// The value, in the quantity's canonical unit. May be NaN or infinite; such a value is stored and never compared.
    #[n(4)]
    pub value: f64,
    /// What is known about the value's trustworthiness.
    #[n(5)]
    pub quality: Quality,
    /// False where the format carries no source time and `at` is the receive time.
    #[n(6)]
    pub timed: bool,
}

/// A discrete report: code, place, validity, identity for updates and cancellation.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Event {
    /// Who reported.
    #[n(0)]
    pub device: DeviceId,
    /// Code in the reporter's own system, such as `rsi.707`.
    #[n(1)]
    pub code: Text,
    /// Identity for updates and cancellation, unique per device.
    #[n(2)]
    pub identity: Text,
    /// When it happened or was updated.
    #[n(3)]
    pub at: Timestamp,
    /// When Maibo got it.
    #[n(4)]
    pub received: Timestamp,
    /// Ends by itself at this time.
    #[n(5)]
    pub expires: Option<Timestamp>,
    /// True where this report ends the event.
    #[n(6)]
    pub cancelled: bool,
    /// Longitude and latitude in WGS-84 degrees.
    #[n(7)]
    pub position: Option<(f64, f64)>,
    /// One line for a reader, in the reporter's words.
    #[n(8)]
    pub text: Text,
    /// What its alert says of it, in words: the reporter's own, and when it begins. What it says is in force from `at` on all
    /// the same. Other words than before are a version of their own, so what counts or measures has no place here.
    #[n(9)]
    pub ahead: Option<Box<Found>>,
}

/// A sign of life without a value: heartbeat, birth, last will.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Liveness {
    /// Whose.
    #[n(0)]
    pub device: DeviceId,
    /// When Maibo got it.
    #[n(1)]
    pub received: Timestamp,
    /// False for a last will or an explicit farewell.
    #[n(2)]
    pub alive: bool,
}

/// Short text in logs and facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub SmolStr);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(SmolStr::new(text))
    }
}

impl core::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<C> Encode<C> for Text {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Text {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str().map(Self::from)
    }
}
