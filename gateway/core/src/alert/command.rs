//! Operators' commands on open alerts.
//!
//! A command says which version its operator saw. It is refused only where the operator would decide otherwise had they
//! seen the present: another operator acted since, or the level rose. A level that fell, data that went stale, a rule
//! that was edited do not bounce it; neither does a comment, which decides nothing and is never bounced itself.
//!
//! A response plan says by a command that a task was missed. It bounces nobody either, but is bounced by any later version: who
//! asks did not see the present, looks again, and asks again.

use super::{Book, Record};
use crate::engine::{CommandOutcome, Refusal};
use crate::fact::{Acknowledged, Assigned, Body, Missed, Reason, Said, Silenced, Stamp, Transition};
use crate::id::Subject;
use crate::input::{Act, Command, Stage};
use crate::limit;
use crate::notify::CALLED_MAX;
use crate::reading::Text;
use crate::time::Timestamp;

impl Book {
    /// Carries out a command or refuses it; either is a fact.
    pub(crate) fn command(&mut self, command: &Command, now: Timestamp) -> CommandOutcome {
        let result = match self.refusal(command, now) {
            None => self.carry_out(command, now),
            Some(reason) => Err(reason),
        };
        let result = result.map_err(|reason| {
            let body = Body::Refused { episode: command.episode, reason: Text::from(reason) };
            self.draft(now, Some(command.actor.clone()), body);
            let told = self.get(command.episode).filter(|r| !r.shadow);
            Refusal { reason, current: told.map(|r| r.transition.clone()) }
        });
        CommandOutcome { episode: command.episode, result }
    }

    fn refusal(&self, command: &Command, now: Timestamp) -> Option<&'static str> {
        // An episode of a rule on trial is nobody's to handle: it was never told.
        let Some(record) = self.get(command.episode).filter(|r| !r.shadow) else { return Some("resolved") };
        if let Act::Escalate(missed) = &command.act {
            let behind = record.transition.version != command.seen;
            return if behind { Some("newer_fact") } else { (!bounded(missed)).then_some("bad_name") };
        }
        let acted = record.overtaken(&command.actor, command.seen);
        let conflicts = !matches!(command.act, Act::Comment { .. });
        if conflicts && acted {
            Some("newer_fact")
        } else if conflicts && record.rose > command.seen {
            Some("level_rose")
        } else {
            senseless(&command.act, &record.transition, now)
        }
    }

    fn carry_out(&mut self, command: &Command, now: Timestamp) -> Result<Transition, &'static str> {
        let mut record = self.take(command.episode).ok_or("resolved")?;
        let actor = &command.actor;
        // Its event time stays: nothing happened to the values. When it was said stands in the fact and beside the name.
        record.next_version(reason(&command.act));
        act(&mut record, command, now);
        if matches!(command.act, Act::Close { .. }) {
            record.transition.resolved_at = Some(now.max(record.transition.at));
            self.end(&mut record, Some(actor.clone()), now);
        }
        record.wind(false, now);
        let transition = record.transition.clone();
        self.settle(record, Some(actor.clone()), now);
        Ok(transition)
    }
}

/// Why an act makes no sense on this alert, if so.
fn senseless(act: &Act, t: &Transition, now: Timestamp) -> Option<&'static str> {
    match act {
        Act::Close { forced: false, .. } if !closable(t) => Some("still_firing"),
        Act::Unsilence if t.silenced().is_none() => Some("not_silenced"),
        Act::Silence { until, .. } if *until <= now || until.since(now) > limit::MAX_SILENCE => Some("bad_until"),
        Act::Assign { to, .. } if to.trim().is_empty() || to.chars().count() > limit::MAX_ASSIGNEE => Some("bad_name"),
        Act::Silence { note, .. } | Act::Comment { note } | Act::Feedback { note, .. } if note.trim().is_empty() => {
            Some("no_note")
        }
        _ => None,
    }
}

/// Whether an operator may end it while it fires: where nothing speaks against them. What values say goes on until they
/// say otherwise; what is reported once, without a word of its end, is closable too, and so is a drill.
const fn closable(t: &Transition) -> bool {
    t.stale || matches!(t.subject, Subject::Event { .. } | Subject::Drill(_))
}

/// Whether its names are some, of a length and number that plans and receivers can have.
fn bounded(missed: &Missed) -> bool {
    let name = |name: &Text| !name.trim().is_empty() && name.chars().count() <= limit::MAX_ASSIGNEE;
    [&missed.plan, &missed.task, &missed.owner].into_iter().all(name)
        && missed.to.len() <= CALLED_MAX
        && missed.to.iter().all(name)
}

const fn reason(act: &Act) -> Reason {
    match act {
        Act::Acknowledge { .. } => Reason::Acknowledged,
        Act::Assign { .. } => Reason::Assigned,
        Act::Comment { .. } => Reason::Commented,
        Act::Silence { .. } => Reason::Silenced,
        Act::Unsilence => Reason::Unsilenced,
        Act::Close { .. } => Reason::Closed,
        Act::Feedback { .. } => Reason::FedBack,
        Act::Escalate(_) => Reason::Escalated,
    }
}

/// Writes an act into the record.
fn act(record: &mut Record, command: &Command, now: Timestamp) {
    let actor = &command.actor;
    let t = &mut record.transition;
    let note = Text::from(first_chars(command.act.note(), limit::MAX_NOTE));
    let stamp = || Some(Stamp { at: now, by: Some(actor.clone()) });
    if let Act::Acknowledge { .. } = &command.act {
        t.acknowledged = Some(Acknowledged { by: actor.clone(), at: now, note: note.clone() });
    }
    let handling = t.handling_mut();
    handling.noted = Some(now);
    match &command.act {
        Act::Assign { to, .. } => {
            handling.assigned = Some(Assigned { to: to.clone(), by: actor.clone(), at: now });
        }
        Act::Silence { until, .. } => {
            handling.silenced = Some(Silenced { until: *until, by: actor.clone(), at: now, note: note.clone() });
        }
        Act::Unsilence => handling.silenced = None,
        Act::Close { forced, .. } => handling.forced = *forced,
        Act::Feedback { stage: Stage::FedBack, .. } => handling.stamps.fed_back = stamp(),
        Act::Escalate(missed) => handling.missed = Some(missed.clone()),
        Act::Acknowledge { .. } | Act::Comment { .. } | Act::Feedback { .. } => {}
    }
    let responds = match &command.act {
        Act::Acknowledge { .. } | Act::Assign { .. } => true,
        Act::Feedback { stage, .. } => *stage == Stage::Responding,
        _ => false,
    };
    if responds && handling.stamps.responding.is_none() {
        handling.stamps.responding = stamp();
    }
    if !matches!(command.act, Act::Acknowledge { .. } | Act::Escalate(_)) {
        handling.said = Some(Said { by: actor.clone(), note });
    }
    if record.transition.reason.decides() {
        record.acted(record.transition.version, actor);
    }
}

fn first_chars(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
