//! When a version that a receiver wants is not told to it now, and why.
//!
//! A silence, a cause that is told instead, a muted hour, maintenance, a backlog that still drains: for the receiver all are the same thing. A version is
//! withheld for one [`Why`]; the latest version of a firing alert waits until nothing withholds it any more.

use crate::fact::{State, Transition};
use crate::rule::RuleSet;
use crate::time::{Millis, Timestamp};

/// How long after it should have come a decision about causes is waited for. Then the alert is told all the same: a city
/// machine that stands still must not silence anybody.
pub const DECISION_LATE: Millis = Millis::from_secs(10);

/// How long after the last version of what lies in the past the next is waited for: a backlog that drains is told once, as
/// it stands at its end.
pub const BACKLOG_SETTLES: Millis = Millis::from_secs(5);

/// Why a version is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// An operator wanted it so.
    Silenced,
    /// What it is about is under maintenance.
    Maintenance,
    /// Its cause is told instead.
    Inhibited,
    /// The rule's calendar says so.
    Muted,
    /// It is not decided yet whether its cause is told instead.
    Undecided,
    /// It lies in the past, and more of it can come.
    Historic,
}

impl Why {
    /// The word in the list of deliveries. What is not decided yet is simply owed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silenced => "silenced",
            Self::Maintenance => "maintenance",
            Self::Inhibited => "inhibited",
            Self::Muted => "muted",
            Self::Undecided => "pending",
            Self::Historic => "historic",
        }
    }

    /// Whether what is held is told in the end although the episode is over by then.
    pub const fn outlasts_the_end(self) -> bool {
        matches!(self, Self::Undecided | Self::Historic)
    }

    /// Whether it holds for a receiver that has heard of the episode. Who has heard of it hears its end; and what comes of
    /// causes is for those who have not heard.
    pub fn holds_for(self, heard: bool, state: State) -> bool {
        match self {
            Self::Silenced => true,
            Self::Maintenance | Self::Muted => !heard || state == State::Firing,
            Self::Inhibited | Self::Undecided | Self::Historic => !heard,
        }
    }
}

/// What the rules in force at a decision say about telling it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// How long to wait for a decision about its cause; `None`: there is none to wait for.
    pub wait: Option<Millis>,
    /// When the muted period ends that it was decided in.
    pub muted_until: Option<Timestamp>,
}

impl Manners {
    /// By a rule set; `decided` is the engine time of the version.
    pub fn by(rules: &RuleSet, t: &Transition, decided: Timestamp) -> Self {
        let wait = rules.inhibit_wait(&t.rule).filter(|_| t.version == 1);
        let mute = rules.get(&t.rule).and_then(|r| r.mute.as_ref());
        Self { wait, muted_until: mute.and_then(|m| m.until(t.level, decided)) }
    }
}
