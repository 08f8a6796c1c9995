//! Operators' commands on open alerts.
//!
//! A command says which version its operator saw. It is refused only where the operator would decide otherwise had they
//! seen the present: another operator acted since, or the level rose. A level that fell, data that went stale, a rule
//! that was edited do not bounce it.

use super::Book;
use crate::engine::{CommandOutcome, Refusal};
use crate::fact::{Acknowledged, Body, Reason, Transition};
use crate::input::{Act, Command};
use crate::limit;
use crate::reading::Text;
use crate::time::Timestamp;

impl Book {
    /// Carries out a command or refuses it; either is a fact.
    pub(crate) fn command(&mut self, command: &Command, now: Timestamp) -> CommandOutcome {
        let result = match self.refusal(command) {
            None => self.carry_out(command, now),
            Some(reason) => Err(reason),
        };
        let result = result.map_err(|reason| {
            let body = Body::Refused { episode: command.episode, reason: Text::from(reason) };
            self.draft(now, Some(command.actor.clone()), body);
            Refusal { reason, current: self.get(command.episode).map(|r| r.transition.clone()) }
        });
        CommandOutcome { episode: command.episode, result }
    }

    fn refusal(&self, command: &Command) -> Option<&'static str> {
        let Some(record) = self.get(command.episode) else { return Some("resolved") };
        let acted = record.operator.as_ref().is_some_and(|(v, actor)| *v > command.seen && *actor != command.actor);
        if acted {
            Some("newer_fact")
        } else if record.rose > command.seen {
            Some("level_rose")
        } else {
            None
        }
    }

    fn carry_out(&mut self, command: &Command, now: Timestamp) -> Result<Transition, &'static str> {
        let record = self.get_mut(command.episode).ok_or("resolved")?;
        let t = &mut record.transition;
        t.version += 1;
        // Its event time stays: nothing happened to the values. When it was said stands in the fact and beside the name.
        match &command.act {
            Act::Acknowledge { note } => {
                let note = Text::from(first_chars(note, limit::MAX_NOTE));
                t.acknowledged = Some(Acknowledged { by: command.actor.clone(), at: now, note });
                t.reason = Reason::Acknowledged;
            }
        }
        let transition = t.clone();
        record.operator = Some((transition.version, command.actor.clone()));
        self.draft(now, Some(command.actor.clone()), Body::Transition(Box::new(transition.clone())));
        Ok(transition)
    }
}

fn first_chars(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
