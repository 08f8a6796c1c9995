//! Follows the facts log into the outbox.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::fact::{Fact, Transition};
use maibo_core::notify::Receiver;
use maibo_store::facts::FactsReader;
use maibo_store::outbox::{Covering, Outbox};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::shelf::{Shelf, Trouble, noted};
use super::{Describe, Polite, body};
use crate::monitor::Mark;
use crate::plan::PlanBook;

/// Facts in one transaction: few enough that the first of many alerts does not wait for the last.
const BATCH: usize = 500;
/// Wait before trying again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The follower, not running.
pub(super) struct Follower {
    shelf: Shelf,
    receivers: Arc<Vec<Receiver>>,
    woken: Vec<Arc<Notify>>,
    describe: Describe,
    polite: Polite,
    plans: PlanBook,
    batch: Arc<Vec<Fact>>,
    trouble: Trouble,
    mark: Mark,
}

impl Follower {
    pub(super) fn new(
        shelf: Shelf,
        receivers: Vec<Receiver>,
        woken: Vec<Arc<Notify>>,
        (describe, polite, plans): (Describe, Polite, PlanBook),
        mark: Mark,
    ) -> Self {
        let (receivers, batch) = (Arc::new(receivers), Arc::default());
        Self { shelf, receivers, woken, describe, polite, plans, batch, trouble: Trouble::default(), mark }
    }

    /// Runs until the pipeline has ended or `stop`.
    pub(super) async fn run(mut self, mut facts: FactsReader, mut wake: watch::Receiver<u64>, stop: CancellationToken) {
        loop {
            wake.mark_unchanged();
            let Some((back, readable)) = self.read(facts).await else { return };
            facts = back;
            let moved = self.enqueue().await.filter(|moved| *moved || readable);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = std::future::ready(()), if moved == Some(true) => {}
                () = tokio::time::sleep(RETRY), if moved.is_none() => {}
                woken = wake.changed(), if moved == Some(false) => if woken.is_err() { return },
            }
        }
    }

    /// Fills the batch. Gives the reader back and whether it could be read; `None` where the process is ending.
    async fn read(&mut self, mut facts: FactsReader) -> Option<(FactsReader, bool)> {
        let mut batch = std::mem::take(&mut self.batch);
        let work = move || {
            let list = Arc::make_mut(&mut batch);
            while list.len() < BATCH {
                match facts.next() {
                    Ok(Some(fact)) => list.push(fact),
                    Ok(None) => break,
                    Err(error) => return (facts, batch, Some(error)),
                }
            }
            (facts, batch, None)
        };
        let (facts, batch, error) = tokio::task::spawn_blocking(work).await.ok()?;
        self.batch = batch;
        if let Some(error) = &error {
            self.trouble.note("follower", Some(error));
        }
        Some((facts, error.is_none()))
    }

    /// Puts the batch into the outbox. True where something was put there, `None` after a failure.
    async fn enqueue(&mut self) -> Option<bool> {
        if self.batch.is_empty() {
            return Some(false);
        }
        let (batch, receivers) = (Arc::clone(&self.batch), Arc::clone(&self.receivers));
        let (describe, polite, plans) = (Arc::clone(&self.describe), Arc::clone(&self.polite), self.plans.clone());
        let work = move |outbox: &mut Outbox, now| {
            let manners = |fact: &Fact, t: &Transition| polite(fact, t);
            let body = |t: &Transition, covering: &[Covering]| body::native(&describe(t, Some(covering)), true);
            let (end, mut settled) = (batch.last().map_or(0, |last| last.index + 1), Vec::new());
            while outbox.cursor() < end {
                settled.extend(outbox.follow_by(&batch, &receivers, now, manners, body)?);
                // It stops where other plans come into force.
                if let Some(version) = outbox.plans_version() {
                    outbox.set_plans(plans.enforce(version));
                }
            }
            Ok(settled)
        };
        let settled = noted(&mut self.trouble, "follower", self.shelf.with(work).await?)?;
        if let Some(last) = self.batch.last() {
            self.mark.set(last.index + 1);
        }
        self.batch = Arc::default();
        self.shelf.settled(settled);
        for wake in &self.woken {
            wake.notify_one();
        }
        Some(true)
    }
}
