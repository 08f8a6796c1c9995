//! Incidents: alerts with one cause, as operators work on them.

use minicbor::{Decode, Encode};

use crate::id::{EpisodeId, IncidentId, PlaceCode, RuleId};
use crate::place::{Domain, Level};
use crate::time::Timestamp;

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum IncidentState {
    /// Some of its alerts are open, or were a moment ago.
    #[n(0)]
    Open,
    /// All are over, or another incident took them in.
    #[n(1)]
    Closed,
}

impl IncidentState {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// An incident as of one version. Which alerts it has, [`Grouped`] says.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Incident {
    /// Which.
    #[n(0)]
    pub id: IncidentId,
    /// Version within the incident, from 1.
    #[n(1)]
    pub version: u32,
    /// Open or closed.
    #[n(2)]
    pub state: IncidentState,
    /// The rule of its first alert.
    #[n(3)]
    pub rule: RuleId,
    /// The district of its first alert.
    #[n(4)]
    pub district: Option<PlaceCode>,
    /// The domain of its first alert.
    #[n(5)]
    pub domain: Domain,
    /// The worst level of any of its alerts so far.
    #[n(6)]
    pub level: Level,
    /// How many alerts it had so far.
    #[n(7)]
    pub episodes: u32,
    /// How many of them are open.
    #[n(8)]
    pub open: u32,
    /// How many devices they are of.
    #[n(9)]
    pub devices: u32,
    /// Where they are, in the order of the codes; at most [`crate::limit::MAX_INCIDENT_PLACES`].
    #[n(10)]
    pub places: Vec<PlaceCode>,
    /// Whether its first alert lay in the past.
    #[n(11)]
    pub historic: bool,
    /// Since when the condition of its first alert holds.
    #[n(12)]
    pub started_at: Timestamp,
    /// When its first alert was decided, engine time.
    #[n(13)]
    pub opened_at: Timestamp,
    /// When its newest alert was decided, engine time.
    #[n(14)]
    pub latest_at: Timestamp,
    /// The incident that took its alerts in, with which it is closed.
    #[n(15)]
    pub into: Option<IncidentId>,
}

/// Alerts that came to incidents in one step of the city machine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Group {
    /// To which incident.
    #[n(0)]
    pub incident: IncidentId,
    /// Which alerts, in the order they came in.
    #[n(1)]
    pub episodes: Vec<EpisodeId>,
}
