//! What goes together in one message, when it is enqueued.

use maibo_core::fact::Transition;
use maibo_core::notify::{RED_ALONE, RED_MINUTE, Receiver, goes_alone, group_of};
use maibo_core::time::Millis;
use rusqlite::params;

use super::OutboxError;
use super::enqueue::{Batch, is_escalated_to};

impl Batch<'_> {
    /// What a version goes together with. Red goes alone, but not what has waited already, and not more than so many a minute.
    pub(super) fn group(&mut self, receiver: &Receiver, t: &Transition, held: bool) -> Option<String> {
        receiver.group_every?;
        if is_escalated_to(t, &receiver.name) {
            return None;
        }
        if goes_alone(t) && !held {
            let times = self.alone.entry(receiver.name.clone()).or_default();
            while times.front().is_some_and(|at| !(Millis(0)..RED_MINUTE).contains(&self.now.since(*at))) {
                times.pop_front();
            }
            if times.len() < RED_ALONE {
                times.push_back(self.now);
                return None;
            }
        }
        Some(group_of(t))
    }

    /// Lets nothing of an episode wait for its group any more: what was missed comes behind it. What was tried already waits
    /// for its next attempt.
    pub(super) fn hurry(&mut self, receiver: &str, episode: &str) -> Result<(), OutboxError> {
        self.tx
            .prepare_cached(
                "UPDATE delivery SET grp = NULL, next_at = iif(head = 1, ?3, next_at)
                 WHERE receiver = ?1 AND episode = ?2 AND state = 'pending' AND grp IS NOT NULL AND bundle IS NULL
                   AND attempts = 0",
            )?
            .execute(params![receiver, episode, self.now.0])?;
        Ok(())
    }
}
