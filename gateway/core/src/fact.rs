//! What was decided. Facts are law: they are durable before anybody is told, and never decided again.
//!
//! The canonical bytes of a fact (see [`crate::codec`]) are fixed from the first day, because their hash is the leaf of
//! the ledger. A fact about an alert carries the whole alert as of that version, so that a reader needs no history.

use minicbor::{Decode, Encode};

use crate::id::PlaceCode;
use crate::id::{Actor, EpisodeId, PartitionId, Position, Quantity, RuleId, SourceId, Subject, Version};
use crate::input::Found;
use crate::place::{Domain, Level};
use crate::reading::Text;
use crate::time::Timestamp;

mod delivery;
mod handling;
mod incident;
mod maintenance;
mod measure;
mod reason;

pub use delivery::Delivery;
pub use handling::{Acknowledged, Assigned, Handling, Missed, Reminder, Said, Silenced, Stamp, Stamps};
pub use incident::{Group, Incident, IncidentState};
pub use maintenance::{Maintenance, MaintenanceScope, MaintenanceState};
pub use measure::{Formula, Measure, NamedInput};
pub use reason::Reason;

/// Raised by one whenever the same inputs could give other facts.
pub const ENGINE_VERSION: u32 = 5;

/// Which input made it so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Cause {
    /// Partition of the inputs log.
    #[n(0)]
    pub partition: PartitionId,
    /// The batch.
    #[n(1)]
    pub position: Position,
    /// Which of the batch's facts, from 0.
    #[n(2)]
    pub seq: u32,
}

impl Default for PartitionId {
    fn default() -> Self {
        Self::CITY
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Fact {
    /// Number in the facts log, from 0, without gaps. Assigned when appended.
    #[n(0)]
    pub index: u64,
    /// Which input made it so.
    #[n(1)]
    pub cause: Cause,
    /// Who, where a person did it.
    #[n(2)]
    pub actor: Option<Actor>,
    /// Engine time of the decision.
    #[n(3)]
    pub at: Timestamp,
    /// The rule set in force.
    #[n(4)]
    pub rules: Version,
    /// [`ENGINE_VERSION`] of the binary that decided.
    #[n(5)]
    pub engine: u32,
    /// What was decided.
    #[n(6)]
    pub body: Body,
}

impl Fact {
    /// The canonical bytes: what the facts log stores and the ledger hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::codec::encode(self)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are not a fact of this or an earlier format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, crate::codec::CodecError> {
        crate::codec::decode(bytes)
    }

    /// Whether both say the same, whatever number they stand under.
    pub fn same_decision(&self, other: &Self) -> bool {
        self.cause == other.cause && self.actor == other.actor && self.at == other.at && self.body == other.body
    }
}

/// The kinds of decisions.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Body {
    /// An alert changed.
    #[n(0)]
    Transition(#[n(0)] Box<Transition>),
    /// A rule set came into force.
    #[n(1)]
    RulesActivated {
        /// Which.
        #[n(0)]
        version: Version,
    },
    /// A catalogue came into force.
    #[n(2)]
    CatalogueActivated {
        /// Which.
        #[n(0)]
        version: Version,
    },
    /// The wall clock stepped.
    #[n(3)]
    ClockStepped {
        /// By how many milliseconds, forwards positive.
        #[n(0)]
        by_ms: i64,
    },
    /// A source went deaf or hears again (city machine only).
    #[n(4)]
    Source {
        /// Which ear.
        #[n(0)]
        source: SourceId,
        /// True when it delivers again.
        #[n(1)]
        listening: bool,
        /// Since when it had been deaf.
        #[n(2)]
        deaf_from: Timestamp,
    },
    /// Inputs were dropped at the quota before every consumer had them.
    #[n(5)]
    Gap {
        /// Partition of the inputs log.
        #[n(0)]
        partition: PartitionId,
        /// First position that is gone.
        #[n(1)]
        first: Position,
        /// Last position that is gone.
        #[n(2)]
        last: Position,
        /// How many batches.
        #[n(3)]
        batches: u64,
    },
    /// One delivery was settled.
    #[n(6)]
    Delivery(#[n(0)] Box<Delivery>),
    /// A command was refused: kept, because who tried what is part of the record.
    #[n(7)]
    Refused {
        /// On which episode.
        #[n(0)]
        episode: EpisodeId,
        /// A constant word.
        #[n(1)]
        reason: Text,
    },
    /// An incident opened, grew, got worse or was closed.
    #[n(8)]
    Incident(#[n(0)] Box<Incident>),
    /// Alerts came to incidents; at most [`crate::limit::MAX_GROUPED`] alerts in all.
    #[n(9)]
    Grouped(#[n(0)] Vec<Group>),
    /// What a rule on trial would have told. No alert: only who counts looks at it.
    #[n(10)]
    Shadow(#[n(0)] Box<Transition>),
    /// Whether an alert of a rule that has causes is a consequence: once for each, and again when another cause takes it
    /// over or none does any more (city machine only).
    #[n(11)]
    Inhibition {
        /// Which alert.
        #[n(0)]
        episode: EpisodeId,
        /// The alert of its cause, which is told instead of it; `None`: it is told.
        #[n(1)]
        by: Option<EpisodeId>,
    },
    /// A cause is over: what was inhibited by it, and by nothing else, is told now. At most
    /// [`crate::limit::MAX_RELEASED`] alerts.
    #[n(12)]
    Released {
        /// The alert of the cause.
        #[n(0)]
        parent: EpisodeId,
        /// Its consequences that still fire, in the order of their ids.
        #[n(1)]
        episodes: Vec<EpisodeId>,
    },
    /// A maintenance was planned, begins or is over (city machine only).
    #[n(13)]
    Maintenance(#[n(0)] Box<Maintenance>),
    /// A set of response plans came into force: what fires from here on is covered by these (city machine only).
    #[n(14)]
    PlansActivated {
        /// Which.
        #[n(0)]
        version: Version,
    },
}

impl Body {
    /// What was judged of an episode, told or on trial.
    pub fn judged(&self) -> Option<&Transition> {
        match self {
            Self::Transition(t) | Self::Shadow(t) => Some(t),
            _ => None,
        }
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// The condition holds and `for` is complete.
    #[n(0)]
    Firing,
    /// Over.
    #[n(1)]
    Resolved,
}

impl State {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert as of one version of its episode.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Transition {
    /// Which episode.
    #[n(0)]
    pub episode: EpisodeId,
    /// Version within the episode, from 1.
    #[n(1)]
    pub version: u32,
    /// The rule that judges.
    #[n(2)]
    pub rule: RuleId,
    /// What it is about.
    #[n(3)]
    pub subject: Subject,
    /// The quantity judged, for threshold rules.
    #[n(4)]
    pub quantity: Option<Quantity>,
    /// Where, as of the episode's opening.
    #[n(5)]
    pub place: Option<PlaceCode>,
    /// Which of the six domains.
    #[n(6)]
    pub domain: Domain,
    /// Firing or resolved.
    #[n(7)]
    pub state: State,
    /// The level in force; of a resolved alert the last one.
    #[n(8)]
    pub level: Level,
    /// The highest level of the episode so far.
    #[n(9)]
    pub peak: Level,
    /// True while the data behind it are stale: nothing comes, or only what is old by now.
    #[n(10)]
    pub stale: bool,
    /// True where the transition lies in the past by more than max(60 s, 2 intervals).
    #[n(11)]
    pub historic: bool,
    /// The last value judged, in the quantity's canonical unit; of an event the number of its reports so far, of a quorum
    /// how many devices there are.
    #[n(12)]
    pub value: Option<f64>,
    /// The limit of `level`; of a quorum how many are enough.
    #[n(13)]
    pub threshold: Option<f64>,
    /// Since when the condition holds (pending-since).
    #[n(14)]
    pub started_at: Timestamp,
    /// When this transition happened, in event time. What people do leaves it as it was: the values did not move.
    #[n(15)]
    pub at: Timestamp,
    /// When it was resolved: event time, and engine time where an operator closed it.
    #[n(16)]
    pub resolved_at: Option<Timestamp>,
    /// Who acknowledged, and when.
    #[n(17)]
    pub acknowledged: Option<Acknowledged>,
    /// Why.
    #[n(18)]
    pub reason: Reason,
    /// What was done with it. `None` only in what was recorded before this was kept.
    #[n(19)]
    pub handling: Option<Box<Handling>>,
    /// What `value` was computed from; `None` where it is the last value of `quantity`, or there is none.
    #[n(20)]
    pub measure: Option<Box<Measure>>,
    /// What Maibo found about itself, what a drill plays, or an event's words.
    /// `None` in all other alerts.
    #[n(21)]
    pub found: Option<Box<Found>>,
}
