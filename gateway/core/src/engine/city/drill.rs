//! Drills (演练): alerts that a person opens to see whether everybody does what they should.
//!
//! A drill is an episode like any other, with versions, reminders and a record; its subject says what it is, so that
//! nothing can lose the flag. It says nothing about the city: it is in no incident, causes nothing, is nobody's
//! consequence, and no maintenance withholds it. It ends at its time, or when an operator closes it. Its end is a time that a
//! person named: a step of the clock does not move it, and one that passes while Maibo is stopped is made up for.
//!
//! Limits: [`limit::MAX_DRILLS`] at once, each at most [`limit::MAX_DRILL`] long from when somebody last asked for it.

use minicbor::{Decode, Encode};

use crate::alert::{Book, Change, Given, Opening};
use crate::engine::absence::change;
use crate::engine::{CommandOutcome, Refusal};
use crate::fact::{Body, Reason, Transition};
use crate::id::{DrillId, EpisodeId, RuleId, Subject};
use crate::input::Drill;
use crate::limit;
use crate::reading::Text;
use crate::time::Timestamp;

/// The rule that alerts of drills name.
pub const DRILL_RULE: &str = "maibo-drill";

/// One that is open.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Open {
    #[n(0)]
    name: DrillId,
    #[n(1)]
    episode: EpisodeId,
    /// When it ends by itself, engine time.
    #[n(2)]
    until: Timestamp,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Drills {
    /// In the order in which they were opened.
    #[n(0)]
    open: Vec<Open>,
    /// The identities they were given, whatever their names.
    #[n(1)]
    given: Given,
}

impl Drills {
    /// Opens one, lets an open one go on, or says why not; each is a fact, but that one goes on at the same level.
    pub(super) fn take(&mut self, asked: &Drill, now: Timestamp, book: &mut Book) -> CommandOutcome {
        let done = if (limit::MIN_DRILL..=limit::MAX_DRILL).contains(&asked.lasts) {
            match self.open.iter().position(|d| d.name == asked.name) {
                Some(at) => self.go_on(at, asked, now, book),
                None => self.begin(asked, now, book),
            }
        } else {
            Err((unknown(asked, now), "bad_until"))
        };
        match done.and_then(|id| book.get(id).map(|r| r.transition.clone()).ok_or((id, "resolved"))) {
            Ok(transition) => CommandOutcome { episode: transition.episode, result: Ok(transition) },
            Err((episode, reason)) => {
                book.draft(now, Some(asked.by.clone()), Body::Refused { episode, reason: Text::from(reason) });
                let current = book.get(episode).map(|r| r.transition.clone());
                CommandOutcome { episode, result: Err(Refusal { reason, current }) }
            }
        }
    }

    fn begin(
        &mut self,
        asked: &Drill,
        now: Timestamp,
        book: &mut Book,
    ) -> Result<EpisodeId, (EpisodeId, &'static str)> {
        if self.open.len() >= limit::MAX_DRILLS {
            return Err((unknown(asked, now), "too_many"));
        }
        let subject = Subject::Drill(asked.name.clone());
        let n = self.given.next(now);
        // A constant of the right characters: this cannot fail.
        let rule = RuleId::new(DRILL_RULE).map_err(|_| (unknown(asked, now), "resolved"))?;
        let episode = EpisodeId::derive(&rule, &subject, now, n);
        let (place, domain) = (asked.place.clone(), asked.domain);
        let opening = Opening { episode, rule, subject, quantity: None, place, domain, started_at: now };
        book.open(opening, asked.level, with(asked, now, Reason::Event));
        self.open.push(Open { name: asked.name.clone(), episode, until: now + asked.lasts });
        Ok(episode)
    }

    fn go_on(
        &mut self,
        at: usize,
        asked: &Drill,
        now: Timestamp,
        book: &mut Book,
    ) -> Result<EpisodeId, (EpisodeId, &'static str)> {
        let Some(drill) = self.open.get_mut(at) else { return Err((unknown(asked, now), "resolved")) };
        let episode = drill.episode;
        let Some(t) = book.get(episode).map(|r| &r.transition) else { return Err((episode, "resolved")) };
        if t.place != asked.place || t.domain != asked.domain {
            return Err((episode, "elsewhere"));
        }
        drill.until = now + asked.lasts;
        if asked.level != t.level {
            let reason = if asked.level > t.level { Reason::Raised } else { Reason::Lowered };
            book.change(episode, with(asked, now, reason));
        }
        Ok(episode)
    }

    /// An operator closed an alert.
    pub(super) fn close(&mut self, closed: &Transition) {
        self.open.retain(|d| d.episode != closed.episode);
    }

    /// Lets end what is due by `until`.
    pub(super) fn fire(&mut self, until: Timestamp, floor: Timestamp, book: &mut Book) {
        while let Some(due) = self.next().filter(|at| *at <= until)
            && let Some(at) = self.open.iter().position(|d| d.until == due)
        {
            let over = self.open.remove(at);
            book.change(over.episode, change(None, due.max(floor), Reason::EventExpired));
        }
    }

    /// When the next one ends.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.open.iter().map(|d| d.until).min()
    }

    /// Follows the log's record of a drill, `open` or not. Where only the log has it, its end is the latest there can be.
    pub(in crate::engine) fn follow(&mut self, told: &Transition, open: bool, n: u32) {
        let Subject::Drill(name) = &told.subject else { return };
        self.given.take(told.started_at, n);
        let known = self.open.iter().find(|d| d.name == *name).map(|d| d.until);
        self.open.retain(|d| d.episode != told.episode && !(open && d.name == *name));
        if open {
            let until = known.unwrap_or(told.started_at + limit::MAX_DRILL);
            self.open.push(Open { name: name.clone(), episode: told.episode, until });
        }
    }
}

/// An identity that no drill has, for the record of one that was refused.
fn unknown(asked: &Drill, now: Timestamp) -> EpisodeId {
    let subject = Subject::Drill(asked.name.clone());
    RuleId::new(DRILL_RULE).map_or(EpisodeId::LEAST, |rule| EpisodeId::derive(&rule, &subject, now, 0))
}

fn with(asked: &Drill, now: Timestamp, reason: Reason) -> Change {
    let (found, by) = (Some(asked.title.clone()), Some(asked.by.clone()));
    Change { found, by, ..change(Some(asked.level), now, reason) }
}
