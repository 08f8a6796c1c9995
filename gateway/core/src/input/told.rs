//! What a partition decided, as the city machine sees it: one change of one alert, without its values.

use minicbor::{Decode, Encode};

use crate::fact::{Body, Fact, State, Transition};
use crate::id::{EpisodeId, PartitionId, PlaceCode, RuleId, Subject};
use crate::place::{Domain, Level};
use crate::time::Timestamp;

/// Most facts told at once: with the longest identifiers they fill about half of a log's record.
pub const MAX_TOLD: usize = 512;

/// The summary of one fact.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Told {
    /// Number of the fact.
    #[n(0)]
    pub index: u64,
    /// Which episode.
    #[n(1)]
    pub episode: EpisodeId,
    /// Its version.
    #[n(2)]
    pub version: u32,
    /// The rule that judged.
    #[n(3)]
    pub rule: RuleId,
    /// What the alert is about.
    #[n(4)]
    pub subject: Subject,
    /// Where, as of the episode's opening.
    #[n(5)]
    pub place: Option<PlaceCode>,
    /// Which of the six domains.
    #[n(6)]
    pub domain: Domain,
    /// Firing or resolved.
    #[n(7)]
    pub state: State,
    /// The level in force.
    #[n(8)]
    pub level: Level,
    /// Whether the data behind it are stale.
    #[n(9)]
    pub stale: bool,
    /// Whether it lay in the past.
    #[n(10)]
    pub historic: bool,
    /// Since when the condition holds.
    #[n(11)]
    pub started_at: Timestamp,
    /// When it happened, event time.
    #[n(12)]
    pub at: Timestamp,
    /// When it ended, event time.
    #[n(13)]
    pub resolved_at: Option<Timestamp>,
    /// When it was decided, engine time.
    #[n(14)]
    pub decided: Timestamp,
}

impl Told {
    /// The summary of an alert's change decided at `decided`.
    pub fn of(index: u64, t: &Transition, decided: Timestamp) -> Self {
        Self {
            index,
            episode: t.episode,
            version: t.version,
            rule: t.rule.clone(),
            subject: t.subject.clone(),
            place: t.place.clone(),
            domain: t.domain,
            state: t.state,
            level: t.level,
            stale: t.stale,
            historic: t.historic,
            started_at: t.started_at,
            at: t.at,
            resolved_at: t.resolved_at,
            decided,
        }
    }

    /// What the city has to know of a fact: `None` for its own facts, for those about no alert, and for acts of
    /// operators, which move neither state nor level.
    pub fn about(fact: &Fact) -> Option<Self> {
        match &fact.body {
            Body::Transition(t)
                if fact.cause.partition != PartitionId::CITY
                    && (t.state == State::Resolved || !t.reason.is_handling()) =>
            {
                Some(Self::of(fact.index, t, fact.at))
            }
            _ => None,
        }
    }
}
