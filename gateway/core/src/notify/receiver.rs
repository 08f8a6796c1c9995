//! Receivers, and which transitions they want.

use crate::fact::Transition;
use crate::id::{PlaceCode, RuleId};
use crate::place::{Domain, Level};
use crate::registry::place;
use crate::rule::Schedule;
use crate::time::Millis;

/// Whether a receiver wants the whole story or the present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every version, in order: for systems.
    #[default]
    All,
    /// The latest version; earlier ones not yet under way are superseded: for people.
    Latest,
}

impl Mode {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Latest => "latest",
        }
    }

    /// Reads the word of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::All, Self::Latest].into_iter().find(|m| m.as_str() == text)
    }
}

/// What a receiver wants to hear of. An empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// Episodes that have reached at least this level.
    pub min_level: Level,
    /// In these domains.
    pub domains: Vec<Domain>,
    /// In places that lie within one of these: of a city code all below it. An alert without a place is in none.
    pub districts: Vec<PlaceCode>,
    /// Of these rules.
    pub rules: Vec<RuleId>,
    /// About these kinds of subject, as [`Subject::kind`](crate::id::Subject::kind) calls them.
    pub kinds: Vec<&'static str>,
    /// Only what is decided at these hours; `None`: at any.
    pub hours: Option<Schedule>,
    /// Only episodes that nobody takes notice of: from this reminder on, at most [`crate::limit::MAX_REMINDERS`]; 0: at
    /// once. What is acknowledged in time, and blue, of which nobody is reminded, it never hears of.
    pub from_reminder: u32,
    /// Nothing by itself: only what a plan calls it for.
    pub planned: bool,
}

impl Default for Matcher {
    fn default() -> Self {
        Self {
            min_level: Level::Blue,
            domains: Vec::new(),
            districts: Vec::new(),
            rules: Vec::new(),
            kinds: Vec::new(),
            hours: None,
            from_reminder: 0,
            planned: false,
        }
    }
}

impl Matcher {
    /// Whether a transition meets the conditions.
    ///
    /// The level is that of the episode's peak: who was told of red is told of the way down. Every version counts, those
    /// that only say that the data went stale or fresh and those of an operator included. The hour is that of the version.
    pub fn meets(&self, transition: &Transition) -> bool {
        let Self { min_level, domains, districts, rules, kinds, hours, from_reminder, planned } = self;
        let reminder = transition.handling.as_ref().and_then(|h| h.reminder).map_or(0, |r| r.number);
        let at = transition.place.as_ref().map_or("", PlaceCode::as_str);
        !planned
            && transition.peak >= *min_level
            && reminder >= *from_reminder
            && (domains.is_empty() || domains.contains(&transition.domain))
            && (districts.is_empty() || districts.iter().any(|d| at.starts_with(place::stem(d.as_str()))))
            && (rules.is_empty() || rules.contains(&transition.rule))
            && (kinds.is_empty() || kinds.contains(&transition.subject.kind()))
            && hours.as_ref().is_none_or(|hours| hours.at(transition.at).is_some())
    }
}

/// Somebody to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name, unique, the same for its life: it is part of every message's key.
    pub name: String,
    /// All versions, or the latest.
    pub mode: Mode,
    /// What it wants to hear of.
    pub matcher: Matcher,
    /// How long after a message of a group the next one goes at the earliest; `None`: every version goes alone.
    pub group_every: Option<Millis>,
}

impl Receiver {
    /// Whether it is told of this version. `told`: it has been told of an earlier version of the episode, and then it
    /// hears the rest, whatever an edited rule has made of domain and level since.
    pub fn wants(&self, transition: &Transition, told: bool) -> bool {
        told || matches(transition, self)
    }
}

/// Whether a transition meets the receiver's conditions.
pub fn matches(transition: &Transition, receiver: &Receiver) -> bool {
    receiver.matcher.meets(transition)
}
