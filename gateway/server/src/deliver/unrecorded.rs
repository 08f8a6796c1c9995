//! The single exception to "durable before told": when the facts log itself cannot be written, those who are called to
//! emergencies are told once, marked `recorded: false`, before the process ends.
//!
//! Invariants: only what is firing at orange or red, and not silenced, is told, once, to each receiver that wants it, under the same key that
//! its recorded version will have: after the repair the next start decides the same and delivers it as a fact.
//!
//! Limits: all attempts together end within the deadline of one; at most [`MOST`] messages, worst first.

use std::sync::Arc;

use maibo_core::fact::{Body, Fact, State, Transition};
use maibo_core::notify::message_id;
use maibo_core::place::Level;
use maibo_core::time::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tracing::error;

use super::body;
use super::carrier::{Carrier, ClientError};
use super::format::Letter;
use super::settings::Target;
use super::{Describe, Limits};
use crate::clock::Clock;
use crate::pipeline::Unrecorded;

/// Messages at most: a storm must not keep a broken gateway from ending.
const MOST: usize = 64;

/// Tells what could not be recorded.
pub struct LastWord {
    carriers: Vec<Arc<Carrier>>,
    describe: Describe,
    runtime: Handle,
}

impl LastWord {
    /// Call from within the runtime that is to send.
    ///
    /// # Errors
    /// Where a receiver's HTTP client cannot be made.
    pub fn new(
        targets: &[Target],
        describe: Describe,
        wall: &Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        // Nothing waits longer than for a webhook: what has happened here ends the process.
        let limits = Limits { mail: limits.deadline, ..limits };
        let carrier = |target: &Target| Carrier::new(target.clone(), limits, Arc::clone(wall), "-urgent").map(Arc::new);
        let carriers = targets.iter().map(carrier).collect::<Result<_, _>>()?;
        Ok(Self { carriers, describe, runtime: Handle::current() })
    }

    /// Tells one alert past the record to all who want it, and waits for the answers.
    pub async fn say(&self, transition: &Transition) {
        let mut sending = JoinSet::new();
        for carrier in self.carriers.iter().filter(|p| p.wants().wants(transition, false)) {
            let (key, carrier) =
                (message_id(carrier.receiver(), transition.episode, transition.version), Arc::clone(carrier));
            let letter = self.letter(transition, transition.at);
            sending.spawn(async move {
                let answer = carrier.deliver(key, &[letter]).await;
                error!(receiver = carrier.receiver(), ?answer, "told without a record");
            });
        }
        while sending.join_next().await.is_some() {}
    }

    /// `at`: engine time, which its record will have.
    fn letter(&self, t: &Transition, at: Timestamp) -> Letter {
        Letter::unkept(body::native(&(self.describe)(t, None), false), t.version, at)
    }

    fn messages(&self, drafts: &[Fact]) -> Vec<(Arc<Carrier>, String, Letter)> {
        let mut urgent: Vec<(&Transition, Timestamp)> = drafts.iter().filter_map(urgent).collect();
        urgent.sort_by_key(|(t, _)| std::cmp::Reverse(t.level));
        let mut messages = Vec::new();
        for (transition, at) in urgent {
            for carrier in self.carriers.iter().filter(|p| p.wants().wants(transition, false)) {
                let key = message_id(carrier.receiver(), transition.episode, transition.version);
                messages.push((Arc::clone(carrier), key, self.letter(transition, at)));
            }
        }
        messages.truncate(MOST);
        messages
    }
}

impl Unrecorded for LastWord {
    fn tell(&mut self, drafts: &[Fact]) {
        let messages = self.messages(drafts);
        if messages.is_empty() {
            return;
        }
        error!(messages = messages.len(), "facts cannot be recorded: emergency receivers are told all the same");
        self.runtime.block_on(async {
            let mut sending = JoinSet::new();
            for (carrier, key, letter) in messages {
                sending.spawn(async move {
                    let answer = carrier.deliver(key, &[letter]).await;
                    error!(receiver = carrier.receiver(), ?answer, "told without a record");
                });
            }
            while sending.join_next().await.is_some() {}
        });
    }
}

/// The transition of a draft and its engine time, where somebody has to go out for it.
fn urgent(draft: &Fact) -> Option<(&Transition, Timestamp)> {
    match &draft.body {
        Body::Transition(t) if t.state == State::Firing && t.level >= Level::Orange && t.silenced().is_none() => {
            Some((t, draft.at))
        }
        _ => None,
    }
}
