//! §14: what operators do about an episode.

use crate::episode::{Episode, Teller};
use crate::{Ms, Side};

/// A silence is no longer than this.
const MAX_SILENCE: Ms = 7 * 86_400_000;
/// Characters of a name to which an episode is assigned.
const MAX_NAME: usize = 64;
/// Whom a plan tells that a task was missed.
const MAX_TOLD: usize = 16;

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Takes notice.
    Acknowledge {
        /// In their words, here and below.
        note: String,
    },
    /// Names who takes care of it.
    Assign {
        /// To whom.
        to: String,
        /// Why.
        note: String,
    },
    /// Says something about it.
    Comment {
        /// What.
        note: String,
    },
    /// Nobody is told of it for a while.
    Silence {
        /// Until when, in engine time.
        until: Ms,
        /// Why.
        note: String,
    },
    /// Ends that.
    Unsilence,
    /// Ends the episode by hand.
    Close {
        /// Why.
        note: String,
        /// Against what the data say.
        forced: bool,
    },
    /// Reports that something is done about it.
    Feedback {
        /// Whether it is done; else it has begun.
        done: bool,
        /// What.
        note: String,
    },
    /// Says that a task of a response plan was missed. Not an operator, but the plan.
    Escalate {
        /// The names of plan, task and owner.
        names: [String; 3],
        /// By when it had to be done.
        due: Ms,
        /// Who is told.
        to: Vec<String>,
    },
}

/// An act of somebody on an episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who.
    pub actor: String,
    /// On which episode, as 32 hexadecimal digits.
    pub episode: String,
    /// The version that the operator saw.
    pub seen: u32,
    /// What.
    pub act: Act,
}

/// What people did about an episode, as a version of it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// Who took notice last, when, in which words.
    pub acknowledged: Option<(String, Ms, String)>,
    /// To whom it is assigned, by whom, when.
    pub assigned: Option<(String, String, Ms)>,
    /// Until when it is silenced, by whom, in which words.
    pub silenced: Option<(Ms, String, String)>,
    /// Published, responding, fed back, archived: when, and by whom.
    pub stamps: [Option<(Ms, Option<String>)>; 4],
    /// Who made this very version, when, in which words; those of who took notice stand there.
    pub said: Option<(String, Ms, String)>,
    /// Whether it was closed by force.
    pub forced: bool,
    /// The task that was missed, where this very version is about one: names, when it was due, who is told.
    pub missed: Option<([String; 3], Ms, Vec<String>)>,
}

const RESPONDING: usize = 1;
const FED_BACK: usize = 2;

impl Act {
    fn note(&self) -> &str {
        match self {
            Self::Acknowledge { note }
            | Self::Assign { note, .. }
            | Self::Comment { note }
            | Self::Silence { note, .. }
            | Self::Close { note, .. }
            | Self::Feedback { note, .. } => note,
            Self::Unsilence | Self::Escalate { .. } => "",
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledged",
            Self::Assign { .. } => "assigned",
            Self::Comment { .. } => "commented",
            Self::Silence { .. } => "silenced",
            Self::Unsilence => "unsilenced",
            Self::Close { .. } => "closed",
            Self::Feedback { .. } => "fed_back",
            Self::Escalate { .. } => "escalated",
        }
    }
}

impl Episode {
    /// Whether an act makes sense. `closes`: whether the episode may be closed without force.
    fn allows(&self, act: &Act, closes: bool, now: Ms) -> bool {
        match act {
            Act::Assign { to, .. } => !to.trim().is_empty() && to.chars().count() <= MAX_NAME,
            Act::Silence { until, note } => *until > now && until - now <= MAX_SILENCE && !note.trim().is_empty(),
            Act::Comment { note } | Act::Feedback { note, .. } => !note.trim().is_empty(),
            Act::Unsilence => self.handled.silenced.is_some(),
            Act::Close { forced, .. } => *forced || closes,
            Act::Acknowledge { .. } => true,
            Act::Escalate { names, to, .. } => {
                let fine = |name: &String| !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
                names.iter().chain(to).all(fine) && to.len() <= MAX_TOLD
            }
        }
    }

    /// Whether another operator did something since the version that was seen, or the level rose. What is only said does not
    /// conflict; that a task was missed does with any later version.
    fn conflicts(&self, act: &Act, actor: &str, seen: u32) -> bool {
        match act {
            Act::Comment { .. } => return false,
            Act::Escalate { .. } => return self.past.len() != seen as usize,
            _ => {}
        }
        let seen = self.past.len().min(seen as usize);
        let another = self.past[seen..].iter().filter_map(|(_, by)| by.as_deref()).any(|by| by != actor);
        let level = |version: usize| self.past.get(version.wrapping_sub(1)).map(|(level, _)| *level);
        another || (seen + 1..=self.past.len()).any(|version| level(version) > level(version - 1))
    }

    /// An operator's act: one version, or none where it is refused. Whether it closed the episode.
    pub(crate) fn act(&mut self, order: &Order, closes: bool, to: &mut Teller<'_>) -> bool {
        let (act, actor, now) = (&order.act, &order.actor, to.decided);
        // What is on trial no command finds.
        if to.side == Side::Trial || !self.allows(act, closes, now) || self.conflicts(act, actor, order.seen) {
            return false;
        }
        let note = act.note().to_owned();
        let handled = &mut self.handled;
        let stamp = Some((now, Some(actor.clone())));
        match act {
            Act::Acknowledge { .. } => handled.acknowledged = Some((actor.clone(), now, note.clone())),
            Act::Assign { to, .. } => handled.assigned = Some((to.clone(), actor.clone(), now)),
            Act::Silence { until, .. } => handled.silenced = Some((*until, actor.clone(), note.clone())),
            Act::Unsilence => handled.silenced = None,
            Act::Close { forced, .. } => handled.forced = *forced,
            Act::Feedback { done: true, .. } => handled.stamps[FED_BACK].clone_from(&stamp),
            Act::Escalate { names, due, to } => handled.missed = Some((names.clone(), *due, to.clone())),
            Act::Feedback { .. } | Act::Comment { .. } => {}
        }
        if matches!(act, Act::Acknowledge { .. } | Act::Assign { .. } | Act::Feedback { done: false, .. }) {
            // The first response, and the last report.
            let first = &mut handled.stamps[RESPONDING];
            *first = first.take().or(stamp);
        }
        let closed = matches!(act, Act::Close { .. });
        self.say(!closed, act.reason(), Some((actor, &note)), to);
        closed
    }

    /// When its silence is over, in engine time: where a person put it.
    pub(crate) fn silent_until(&self) -> Option<Ms> {
        self.handled.silenced.as_ref().map(|(until, _, _)| *until)
    }

    /// The silence is over.
    pub(crate) fn end_silence(&mut self, to: &mut Teller<'_>) {
        self.handled.silenced = None;
        self.say(true, "silence_over", None, to);
    }
}
