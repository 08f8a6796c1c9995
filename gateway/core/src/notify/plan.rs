//! Response plans (预案): who acts together on what happens in a district, by when, and who hears of it where nobody did.
//!
//! A plan that covers an alert begins a *run* in the alert's district; whatever else it covers there joins that run as long as
//! it goes on, so that a hundred alerts of one flood are one joint action and not a hundred. What a run has to keep is kept by
//! the outbox; here is what a plan says.
//!
//! Limits: [`PLANS_MAX`] plans of [`TASKS_MAX`] tasks, each with [`RUNGS_MAX`] rungs behind its deadline.

use crate::fact::{Reason, State, Transition};
use crate::id::{RuleId, Subject, Version};
use crate::notify::Matcher;
use crate::registry::place;
use crate::rule::Words;
use crate::time::Millis;

/// Plans of one Maibo.
pub const PLANS_MAX: usize = 64;
/// Tasks of one plan.
pub const TASKS_MAX: usize = 16;
/// Receivers that a plan, or the escalation of one task, can name.
pub const CALLED_MAX: usize = 16;
/// The shortest and the longest time for a task.
pub const WITHIN: std::ops::RangeInclusive<Millis> = Millis::from_secs(5)..=Millis::from_secs(7 * 86_400);

/// How many more times somebody else is told where a task stays undone.
pub const RUNGS_MAX: usize = 4;

/// The plans that are in force together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanSet {
    /// Hash of their canonical text; whoever makes a set makes both.
    pub version: Version,
    /// They themselves, in the order of their text.
    pub plans: Vec<Plan>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, unique, the same for its life.
    pub name: String,
    /// What people call it.
    pub title: Words,
    /// What it covers: levels, domains, districts.
    pub matcher: Matcher,
    /// Only alerts of these rules; none is no condition.
    pub rules: Vec<RuleId>,
    /// Who is told of what it covers, whatever they want to hear of otherwise.
    pub receivers: Vec<String>,
    /// Who has to do what.
    pub tasks: Vec<Task>,
}

/// What somebody has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name, unique in the plan.
    pub name: String,
    /// The receiver that has to do it.
    pub owner: String,
    /// What it is, for people.
    pub what: Words,
    /// Which answer says that it is done.
    pub done: Answered,
    /// How long after the owner is told.
    pub within: Millis,
    /// Receivers that are told where it was not done in time.
    pub escalate: Vec<String>,
    /// Who is told where it is not done even then, one rung after the other.
    pub then: Vec<Rung>,
}

/// A rung of the ladder by which a task that stays undone goes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// How long after the deadline, or after the rung before.
    pub after: Millis,
    /// Receivers that are told then.
    pub escalate: Vec<String>,
}

/// What a receiver has answered, in the order of how much it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answered {
    /// It knows.
    #[default]
    Acknowledged,
    /// It is at it.
    Responding,
    /// It said what came of it.
    FedBack,
    /// It ended the alert.
    Closed,
}

impl Answered {
    /// All there are, in order.
    pub const ALL: [Self; 4] = [Self::Acknowledged, Self::Responding, Self::FedBack, Self::Closed];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Responding => "responding",
            Self::FedBack => "fed_back",
            Self::Closed => "closed",
        }
    }

    /// Reads the word of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == text)
    }

    /// What a version says that somebody made; `None` where it is no answer.
    pub fn of(t: &Transition) -> Option<Self> {
        match t.reason {
            Reason::Acknowledged => Some(Self::Acknowledged),
            Reason::Closed => Some(Self::Closed),
            Reason::FedBack => {
                // Only the one kind of report moves this stamp.
                let handling = t.handling.as_deref();
                let reported =
                    handling.is_some_and(|h| h.stamps.fed_back.as_ref().is_some_and(|s| Some(s.at) == h.noted));
                Some(if reported { Self::FedBack } else { Self::Responding })
            }
            _ => None,
        }
    }
}

impl Plan {
    /// Whether a version calls for this plan: it fires, lies in the present, and is what the plan is for. What Maibo finds out
    /// about itself is only covered by a plan that names its rule.
    pub fn covers(&self, t: &Transition) -> bool {
        t.state == State::Firing
            && !t.historic
            && (self.rules.contains(&t.rule) || (self.rules.is_empty() && !matches!(t.subject, Subject::Part(_))))
            && self.matcher.meets(t)
    }
}

/// What ends the ground of a drill: a drill and what is meant in earnest never share a run.
pub const DRILLED: &str = " drill";

/// What has one run of a plan at a time: the district of an alert, nothing where it has no place, with [`DRILLED`] behind it
/// where it is a drill.
pub fn ground_of(t: &Transition) -> String {
    let district = t.place.as_ref().and_then(place::district).unwrap_or_default();
    format!("{district}{}", if t.is_drill() { DRILLED } else { "" })
}
