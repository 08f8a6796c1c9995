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
//! By its [`Pace`] the watchdog sees whether it moves.
//!
//! Limits: [`MAX_TOLD`] facts at a time. Facts that the city need not know are passed over; after [`PASSED_MAX`] of them
//! the city is told so, and does not have to read over them at the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
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

/// How far a feed is, for whoever watches it.
#[derive(Clone, Default)]
pub struct Pace(Arc<(AtomicU64, AtomicBool)>);

impl Pace {
    /// Number of the first fact that was not told or passed over yet.
    pub fn next(&self) -> u64 {
        self.0.0.load(Relaxed)
    }

    /// The facts cannot be read at present.
    pub fn is_failing(&self) -> bool {
        self.0.1.load(Relaxed)
    }

    fn set(&self, next: u64) {
        self.0.0.store(next, Relaxed);
    }
}

/// The feed, at one place in the facts log.
pub struct Feed {
    facts: FactsReader,
    /// Number of the first fact not told or passed on yet.
    first: u64,
    /// Number of the next fact to read.
    next: u64,
    items: Vec<Told>,
    pace: Pace,
}

impl Feed {
    /// A feed that goes on at fact number `next`, from where `facts` reads.
    pub fn new(facts: FactsReader, next: u64) -> Self {
        let pace = Pace::default();
        pace.set(next);
        Self { facts, first: next, next, items: Vec::new(), pace }
    }

    /// Where it says how far it is.
    pub fn pace(&self) -> Pace {
        self.pace.clone()
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
                    sent = queue.send_async(Work::Told(input)) => {
                        if sent.is_err() {
                            return;
                        }
                        self.pace.set(self.next);
                    }
                },
                Ok(None) => {
                    self.pace.set(self.next);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        woken = wake.changed() => if woken.is_err() { return },
                    }
                }
                Err(_) => tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => {}
                },
            }
        }
    }

    /// Says that it cannot go on, once.
    fn note(&self, error: Option<&FactsError>) {
        let before = self.pace.0.1.swap(error.is_some(), Relaxed);
        if let Some(error) = error.filter(|_| !before) {
            warn!(error = %Chain(error), "the city is not told what the partitions decide; trying again");
        }
    }
}

#[cfg(test)]
mod tests;
