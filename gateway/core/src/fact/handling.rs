//! What people, and Maibo's own clock, did with an alert: beside what its values say, and never instead of it.
//!
//! **Invariants:** nothing here moves an alert's event time or its levels; a silence ends at the latest with the episode.

use minicbor::{Decode, Encode};

use super::Transition;
use crate::id::Actor;
use crate::reading::Text;
use crate::time::{Millis, Timestamp};

/// Who took notice, and when.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acknowledged {
    /// Who.
    #[n(0)]
    pub by: Actor,
    /// When, engine time.
    #[n(1)]
    pub at: Timestamp,
    /// In their words.
    #[n(2)]
    pub note: Text,
}

/// One of the four stamps: when, and by whom where a person gave it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stamp {
    /// Engine time.
    #[n(0)]
    pub at: Timestamp,
    /// `None` where the machine gave it.
    #[n(1)]
    pub by: Option<Actor>,
}

/// 发布 ▸ 处置 ▸ 反馈 ▸ 归档. A stage may be left out: an alert can end before anybody saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Stamps {
    /// The opening was decided. `None` in episodes that began before stamps were kept.
    #[n(0)]
    pub published: Option<Stamp>,
    /// Somebody took it in hand for the first time.
    #[n(1)]
    pub responding: Option<Stamp>,
    /// Somebody last reported what came of it.
    #[n(2)]
    pub fed_back: Option<Stamp>,
    /// It ended.
    #[n(3)]
    pub archived: Option<Stamp>,
}

/// Who works on it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Assigned {
    /// A person, crew or bureau, in the operator's words.
    #[n(0)]
    pub to: Text,
    /// Who said so.
    #[n(1)]
    pub by: Actor,
    /// When, engine time.
    #[n(2)]
    pub at: Timestamp,
}

/// Receivers are not told for a while. The alert itself goes on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Silenced {
    /// Engine time of its end; it ends earlier where the level rises, an operator says so, or the episode ends.
    #[n(0)]
    pub until: Timestamp,
    /// Who.
    #[n(1)]
    pub by: Actor,
    /// Since when, engine time.
    #[n(2)]
    pub at: Timestamp,
    /// Why, in their words.
    #[n(3)]
    pub note: Text,
}

/// What an operator said with the act that made a version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Said {
    /// Who.
    #[n(0)]
    pub by: Actor,
    /// In their words; may be empty.
    #[n(1)]
    pub note: Text,
}

/// Nobody took notice for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reminder {
    /// Which reminder, from 1.
    #[n(0)]
    pub number: u32,
    /// How long nobody took notice, since the opening or the last rise.
    #[n(1)]
    pub after: Millis,
}

/// A task of a response plan that nobody did in time.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Missed {
    /// The plan's name.
    #[n(0)]
    pub plan: Text,
    /// The task's name.
    #[n(1)]
    pub task: Text,
    /// The receiver that should have done it.
    #[n(2)]
    pub owner: Text,
    /// By when, engine time.
    #[n(3)]
    pub due_at: Timestamp,
    /// The receivers that are told of it by this version, whatever they want to hear of otherwise; at most
    /// [`crate::notify::CALLED_MAX`], and none where the task names nobody.
    #[n(4)]
    pub to: Vec<Text>,
    /// How many times it was noted before, where it was: then it is who is next on the task's ladder that is told.
    #[n(5)]
    pub rung: Option<u32>,
}

/// What was done with an alert as of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Handling {
    /// The four stamps.
    #[n(0)]
    pub stamps: Stamps,
    /// Who works on it.
    #[n(1)]
    pub assigned: Option<Assigned>,
    /// While receivers are not told. The version that carries it is not told either.
    #[n(2)]
    pub silenced: Option<Silenced>,
    /// It opens and ends again and again; see [`crate::limit::FLAPPING_OPENINGS`].
    #[n(3)]
    pub flapping: bool,
    /// A person ended it against what the values say: its rule opens nothing on its subject until the condition was over
    /// once.
    #[n(4)]
    pub forced: bool,
    /// Of this version only: the operator's words. An acknowledgement's stand in [`Acknowledged`].
    #[n(5)]
    pub said: Option<Said>,
    /// Of this version only: the reminder.
    #[n(6)]
    pub reminder: Option<Reminder>,
    /// Of this version only: its engine time, where nothing happened to the values.
    #[n(7)]
    pub noted: Option<Timestamp>,
    /// Of this version only: the task of a response plan that was missed.
    #[n(8)]
    pub missed: Option<Box<Missed>>,
}

impl Transition {
    /// What was done with it, to be written to.
    pub(crate) fn handling_mut(&mut self) -> &mut Handling {
        self.handling.get_or_insert_default()
    }

    /// The silence it is under. Receivers are not told of a version that is under one.
    pub fn silenced(&self) -> Option<&Silenced> {
        self.handling.as_ref().and_then(|h| h.silenced.as_ref())
    }

    /// The task of a response plan that was missed, where this version is about one.
    pub fn missed(&self) -> Option<&Missed> {
        self.handling.as_ref().and_then(|h| h.missed.as_deref())
    }

    /// Whether it opens and ends again and again.
    pub fn is_flapping(&self) -> bool {
        self.handling.as_ref().is_some_and(|h| h.flapping)
    }

    /// Whether it is an exercise: handled like any other, and no word about the city.
    pub const fn is_drill(&self) -> bool {
        self.subject.is_drill()
    }

    /// Whether a person ended it against what the values say.
    pub fn is_forced(&self) -> bool {
        self.handling.as_ref().is_some_and(|h| h.forced)
    }
}
