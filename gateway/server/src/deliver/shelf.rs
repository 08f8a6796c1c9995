//! The outbox as the tasks share it, and where outcomes are reported.

use std::sync::{Arc, Mutex, PoisonError};

use maibo_core::fact::Delivery;
use maibo_core::time::Timestamp;
use maibo_store::outbox::{Outbox, OutboxError};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use crate::clock::EngineClock;
use crate::telemetry::Metrics;

/// The outbox, its time, and its reports.
#[derive(Clone)]
pub(super) struct Shelf {
    outbox: Arc<Mutex<Outbox>>,
    report: Arc<Report>,
    clock: Arc<EngineClock>,
}

/// Counts and passes on what was settled.
pub(super) struct Report {
    settled: mpsc::Sender<Delivery>,
    metrics: Arc<Metrics>,
}

impl Report {
    pub(super) fn new(settled: mpsc::Sender<Delivery>, metrics: Arc<Metrics>) -> Self {
        Self { settled, metrics }
    }

    /// Passes on; what finds no room is passed on again by the keeper.
    fn pass_on(&self, settled: Vec<Delivery>) {
        for delivery in settled {
            if self.settled.try_send(delivery).is_err() {
                return;
            }
        }
    }
}

impl Shelf {
    pub(super) fn new(outbox: Outbox, report: Report, clock: Arc<EngineClock>) -> Self {
        Self { outbox: Arc::new(Mutex::new(outbox)), report: Arc::new(report), clock }
    }

    /// Time of the schedule.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What [`Self::now`] goes by.
    pub(super) fn clock(&self) -> Arc<EngineClock> {
        Arc::clone(&self.clock)
    }

    /// Works on the outbox where it may block. `None` where the process is ending.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Outbox, Timestamp) -> T + Send + 'static,
    ) -> Option<T> {
        let (outbox, clock) = (Arc::clone(&self.outbox), Arc::clone(&self.clock));
        let work = move || work(&mut outbox.lock().unwrap_or_else(PoisonError::into_inner), clock.now());
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Counts what was settled and passes it on.
    pub(super) fn settled(&self, settled: Vec<Delivery>) {
        for delivery in &settled {
            self.count(&delivery.outcome);
            let (receiver, version, episode) = (&*delivery.receiver, delivery.version, delivery.episode);
            match &*delivery.outcome {
                "dead" => {
                    let error = delivery.error.as_deref().unwrap_or_default();
                    warn!(receiver, %episode, version, error, "a delivery is given up");
                }
                // One line an alert would fill the log of the very night that somebody has to read.
                outcome => debug!(receiver, %episode, version, outcome, attempts = delivery.attempts, "settled"),
            }
        }
        self.report.pass_on(settled);
    }

    /// Passes on again what is not on record yet.
    pub(super) fn again(&self, settled: Vec<Delivery>) {
        self.report.pass_on(settled);
    }

    /// Counts an attempt that failed.
    pub(super) fn count(&self, outcome: &str) {
        self.report.metrics.deliveries.with_label_values(&[outcome]).inc();
    }
}

/// Says once that the outbox fails, and once that it works again.
#[derive(Default)]
pub(super) struct Trouble(bool);

impl Trouble {
    pub(super) fn note(&mut self, who: &str, error: Option<&dyn std::error::Error>) {
        match error {
            Some(error) if !self.0 => warn!(who, error = %crate::Chain(error), "delivery does not go on; trying again"),
            None if self.0 => info!(who, "delivery goes on"),
            _ => {}
        }
        self.0 = error.is_some();
    }
}

/// The value, with trouble noted.
pub(super) fn noted<T>(trouble: &mut Trouble, who: &str, result: Result<T, OutboxError>) -> Option<T> {
    match result {
        Ok(value) => {
            trouble.note(who, None);
            Some(value)
        }
        Err(error) => {
            trouble.note(who, Some(&error));
            None
        }
    }
}
