//! Feeds the city machine with what the partitions decided: from the facts log into the city's partition of the inputs log.
//!
//! ```text
//! facts log ─▶ Feed ─Work::Told─▶ sequencer ── inputs log, city ──▶ city machine
//! ```
//!
//! **Invariants:** facts are told in the order of their numbers, each once. The city machine knows which fact it wants
//! next ([`City::facts_seen`](maibo_core::engine::City::facts_seen)); after a start the feed begins there, and what was
//! committed before is in the machine by then, decided or not. The city's own facts are not told, so nothing goes round.
//!
//! It follows the log like every other follower and can hold nobody up: where it does not keep up, the city is told later.
//!
//! Limits: [`MAX_TOLD`] facts at a time. Facts that the city need not know are passed over; after [`PASSED_MAX`] of them
//! the city is told so, and does not have to read over them at the next start.

use std::time::Duration;

use maibo_core::fact::Fact;
use maibo_core::input::{Input, MAX_TOLD, Told};
use maibo_store::facts::{FactsError, FactsReader};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Work, failpoint};
use crate::Chain;

/// Facts passed over before the city is told how far the feed is.
const PASSED_MAX: u64 = 10_000;
/// Wait before reading again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The feed, at one place in the facts log.
pub struct Feed {
    facts: FactsReader,
    /// Number of the first fact not told or passed on yet.
    first: u64,
    /// Number of the next fact to read.
    next: u64,
    items: Vec<Told>,
    failing: bool,
}

impl Feed {
    /// A feed that goes on at fact number `next`, from where `facts` reads.
    pub fn new(facts: FactsReader, next: u64) -> Self {
        Self { facts, first: next, next, items: Vec::new(), failing: false }
    }

    /// What there is to tell now, at most [`MAX_TOLD`] facts; `None` where there is nothing.
    ///
    /// # Errors
    /// Where the facts log cannot be read. What was read so far is told after the next success.
    pub fn take(&mut self) -> Result<Option<Input>, FactsError> {
        while self.items.len() < MAX_TOLD && self.next - self.first < PASSED_MAX {
            let Some(fact) = self.facts.next()? else { break };
            self.look(&fact);
        }
        if self.items.is_empty() && self.next - self.first < PASSED_MAX {
            return Ok(None);
        }
        let first = std::mem::replace(&mut self.first, self.next);
        Ok(Some(Input::Told { first, next: self.next, items: std::mem::take(&mut self.items) }))
    }

    fn look(&mut self, fact: &Fact) {
        failpoint::hit("in_feed");
        self.items.extend(Told::about(fact));
        self.next = fact.index + 1;
    }

    /// Runs until the pipeline has ended or `stop`; `wake` is told when there are more facts.
    pub async fn run(mut self, queue: flume::Sender<Work>, mut wake: watch::Receiver<u64>, stop: CancellationToken) {
        loop {
            wake.mark_unchanged();
            let read = tokio::task::spawn_blocking(move || {
                let taken = self.take();
                (self, taken)
            });
            let Ok((back, taken)) = read.await else { return };
            self = back;
            self.note(taken.as_ref().err());
            match taken {
                Ok(Some(input)) => tokio::select! {
                    biased;
                    // What is not told now is told after the next start.
                    () = stop.cancelled() => return,
                    sent = queue.send_async(Work::Told(input)) => if sent.is_err() { return },
                },
                Ok(None) => tokio::select! {
                    () = stop.cancelled() => return,
                    woken = wake.changed() => if woken.is_err() { return },
                },
                Err(_) => tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => {}
                },
            }
        }
    }

    /// Says that it cannot go on, once.
    fn note(&mut self, error: Option<&FactsError>) {
        if let Some(error) = error.filter(|_| !self.failing) {
            warn!(error = %Chain(error), "the city is not told what the partitions decide; trying again");
        }
        self.failing = error.is_some();
    }
}

#[cfg(test)]
mod tests;
