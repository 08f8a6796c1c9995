//! What the engine decides on: everything that can influence a decision, and nothing else.
//!
//! A [`Batch`] is what one append to one partition of the inputs log carries. Its encoding is CBOR arrays in field
//! order (definite lengths, floats as 64 bits); a new field goes at the end and is optional.

use minicbor::{Decode, Encode};

use crate::fact::{Delivery, Maintenance, Missed};
use crate::id::{Actor, EpisodeId, MaintenanceId, PartitionId, Position, SourceId, Version};
use crate::reading::{Event, Liveness, Reading, Text};
use crate::time::{Millis, Timestamp};

mod drill;
mod finding;
mod told;

pub use drill::Drill;
pub use finding::{Check, Finding, Found, MAX_FOUND};
pub use told::{MAX_TOLD, Told};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Input {
    /// A measured value.
    #[n(0)]
    Reading(#[n(0)] Reading),
    /// A discrete report.
    #[n(1)]
    Event(#[n(0)] Event),
    /// A sign of life.
    #[n(2)]
    Liveness(#[n(0)] Liveness),
    /// From `from` on Maibo heard nothing from this source, through no fault of the devices.
    #[n(3)]
    Deaf {
        /// Which ear; `None` means all of them (start after a stop).
        #[n(0)]
        source: Option<SourceId>,
        /// Since when; at most the batch's `now`.
        #[n(1)]
        from: Timestamp,
    },
    /// The source delivers again.
    #[n(4)]
    Listening {
        /// Which ear.
        #[n(0)]
        source: SourceId,
    },
    /// A command of an operator, of somebody at a receiver or of a response plan that changes what is decided or shown.
    #[n(5)]
    Command(#[n(0)] Command),
    /// The wall clock stepped by this much (forwards positive) just before the batch's `now`.
    #[n(6)]
    ClockStep {
        /// Size of the step.
        #[n(0)]
        by: Millis,
    },
    /// From here on this rule set judges. Its text is stored under its version before this is appended.
    #[n(7)]
    Rules {
        /// Which rule set.
        #[n(0)]
        version: Version,
        /// Who brought it; `None`: the configured files.
        #[n(1)]
        by: Option<Actor>,
    },
    /// From here on this device catalogue holds. Its text is stored under its version before this is appended.
    #[n(8)]
    Catalogue {
        /// Which catalogue.
        #[n(0)]
        version: Version,
    },
    /// A delivery was settled: delivered, superseded or given up (city only).
    #[n(9)]
    Delivered(#[n(0)] Box<Delivery>),
    /// What the partitions decided, in the order of the facts log (city only).
    #[n(10)]
    Told {
        /// Number of the first fact looked at.
        #[n(0)]
        first: u64,
        /// Number after the last fact looked at; what is not among `items` the city need not know.
        #[n(1)]
        next: u64,
        /// At most [`MAX_TOLD`], ascending.
        #[n(2)]
        items: Vec<Told>,
    },
    /// Somebody plans a maintenance (city only). Its state does not matter.
    #[n(11)]
    Maintain(#[n(0)] Box<Maintenance>),
    /// Somebody ends a maintenance early, or calls it off (city only).
    #[n(12)]
    EndMaintenance {
        /// Which.
        #[n(0)]
        id: MaintenanceId,
        /// Who.
        #[n(1)]
        by: Actor,
    },
    /// Maibo found something out about itself (city only).
    #[n(13)]
    Found(#[n(0)] Box<Finding>),
    /// Inputs were dropped at the quota before every consumer had them (city only).
    #[n(14)]
    Dropped {
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
    /// A message that Maibo sent itself through a broker, to know that what is sent arrives (city only). Decides nothing.
    #[n(15)]
    Canary {
        /// Which way it came.
        #[n(0)]
        source: SourceId,
        /// Which of this start's, from 1.
        #[n(1)]
        number: u64,
    },
    /// Somebody opens a drill, or lets an open one go on at another level (city only). Answered like a command.
    #[n(16)]
    Drill(#[n(0)] Box<Drill>),
    /// From here on these response plans are in force (city only). Their text is stored under their version before this is
    /// appended. Nothing is decided by them: who is told follows from the fact.
    #[n(17)]
    Plans {
        /// Which set.
        #[n(0)]
        version: Version,
        /// Who brought it; `None`: the configured files.
        #[n(1)]
        by: Option<Actor>,
    },
}

/// An operator's command on an episode.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Command {
    /// Who.
    #[n(0)]
    pub actor: Actor,
    /// On which episode.
    #[n(1)]
    pub episode: EpisodeId,
    /// The version the operator saw; a later fact of another operator, or a higher level, refuses the command.
    #[n(2)]
    pub seen: u32,
    /// What to do.
    #[n(3)]
    pub act: Act,
}

/// What an operator can do to an episode.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// Take notice of it, by name.
    #[n(0)]
    Acknowledge {
        /// Free words for the record, at most 500 characters.
        #[n(0)]
        note: Text,
    },
    /// Say who works on it; replaces who was said before.
    #[n(1)]
    Assign {
        /// A person, crew or bureau, 1 to 64 characters.
        #[n(0)]
        to: Text,
        /// Free words, at most 500 characters, as in every act.
        #[n(1)]
        note: Text,
    },
    /// Say something about it. Never refused for what others did, and refuses nobody.
    #[n(2)]
    Comment {
        /// What; not empty.
        #[n(0)]
        note: Text,
    },
    /// Stop telling receivers for a while; the alert goes on. Replaces an earlier silence.
    #[n(3)]
    Silence {
        /// Engine time of its end, at most [`crate::limit::MAX_SILENCE`] ahead.
        #[n(0)]
        until: Timestamp,
        /// Why; not empty.
        #[n(1)]
        note: Text,
    },
    /// End a silence.
    #[n(4)]
    Unsilence,
    /// End the episode.
    #[n(5)]
    Close {
        /// Why; may be empty.
        #[n(0)]
        note: Text,
        /// Also where fresh values say that it goes on. Then nothing opens until the condition was over once.
        #[n(1)]
        forced: bool,
    },
    /// Report what is done about it.
    #[n(6)]
    Feedback {
        /// Which stamp it gives.
        #[n(0)]
        stage: Stage,
        /// What; not empty.
        #[n(1)]
        note: Text,
    },
    /// Say that a task of a response plan was missed; given by the plan ([`Actor::of_plan`]). It goes only where `seen` is the
    /// present version, so that what is asked twice is said once, and refuses nobody.
    #[n(7)]
    Escalate(#[n(0)] Box<Missed>),
}

impl Act {
    /// The word on every interface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Assign { .. } => "assign",
            Self::Comment { .. } => "comment",
            Self::Silence { .. } => "silence",
            Self::Unsilence => "unsilence",
            Self::Close { .. } => "close",
            Self::Feedback { .. } => "feedback",
            Self::Escalate(_) => "escalate",
        }
    }

    /// The operator's words.
    pub fn note(&self) -> &str {
        match self {
            Self::Acknowledge { note }
            | Self::Assign { note, .. }
            | Self::Comment { note }
            | Self::Silence { note, .. }
            | Self::Close { note, .. }
            | Self::Feedback { note, .. } => note,
            Self::Unsilence | Self::Escalate(_) => "",
        }
    }
}

/// How far people have come with an alert, by their own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// 处置: somebody is at it.
    #[n(0)]
    Responding,
    /// 反馈: this came of it.
    #[n(1)]
    FedBack,
}

impl Stage {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Responding => "responding",
            Self::FedBack => "fed_back",
        }
    }
}

/// One append to one partition: a time and what happened by then. The unit of determinism.
///
/// An empty `inputs` is a tick: deadlines up to `now` are due.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Batch {
    /// Engine time, never decreasing within a partition.
    #[n(0)]
    pub now: Timestamp,
    /// In order of arrival.
    #[n(1)]
    pub inputs: Vec<Input>,
}

impl Batch {
    /// The bytes that go into the log.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::codec::encode(self)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are not a batch of this or an earlier format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, crate::codec::CodecError> {
        crate::codec::decode(bytes)
    }
}
