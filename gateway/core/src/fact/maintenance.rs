//! Maintenance of a device or a place: planned work, during which nobody is told what the devices there say.
//!
//! Not a silence: it is of things, not of an alert; it is planned, and what is under maintenance counts as unknown.

use minicbor::{Decode, Encode};

use crate::id::{Actor, DeviceId, MaintenanceId, PlaceCode, Subject};
use crate::reading::Text;
use crate::registry::place;
use crate::time::Timestamp;

/// What is worked on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MaintenanceScope {
    /// One device.
    #[n(0)]
    Device(#[n(0)] DeviceId),
    /// Everything in a place, as of an alert's opening: of a city or district code all below it.
    #[n(1)]
    Place(#[n(0)] PlaceCode),
}

impl MaintenanceScope {
    /// Whether it is about this device or place.
    pub fn covers(&self, device: Option<&DeviceId>, at: Option<&PlaceCode>) -> bool {
        match self {
            Self::Device(own) => device == Some(own),
            Self::Place(own) => at.is_some_and(|at| at.as_str().starts_with(place::stem(own.as_str()))),
        }
    }

    /// Whether it is about an alert. Of drills none is: people are to hear of those.
    pub fn covers_alert(&self, subject: &Subject, at: Option<&PlaceCode>) -> bool {
        !subject.is_drill() && self.covers(subject.device(), at)
    }

    /// `device` or `place`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Place(_) => "place",
        }
    }

    /// The identifier of the device or place.
    pub fn id(&self) -> &str {
        match self {
            Self::Device(id) => id.as_str(),
            Self::Place(code) => code.as_str(),
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum MaintenanceState {
    /// It begins later.
    #[n(0)]
    Planned,
    /// It is under way.
    #[n(1)]
    Running,
    /// It is over, or was called off.
    #[n(2)]
    Over,
    /// It was not taken: too many, or its times make no sense.
    #[n(3)]
    Refused,
}

impl MaintenanceState {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Over => "over",
            Self::Refused => "refused",
        }
    }
}

/// A maintenance; as an input what is asked for, as a fact what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Maintenance {
    /// Which.
    #[n(0)]
    pub id: MaintenanceId,
    /// Of what.
    #[n(1)]
    pub scope: MaintenanceScope,
    /// First moment, engine time.
    #[n(2)]
    pub from: Timestamp,
    /// End, engine time; of one that was ended early when that was.
    #[n(3)]
    pub until: Timestamp,
    /// Who planned it.
    #[n(4)]
    pub by: Actor,
    /// Why, in their words.
    #[n(5)]
    pub reason: Text,
    /// How far it is.
    #[n(6)]
    pub state: MaintenanceState,
    /// Who ended it early.
    #[n(7)]
    pub ended_by: Option<Actor>,
}
