//! Delivers to one receiver: claims what is due, attempts it, records what came of it.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::fact::Delivery;
use maibo_core::notify::{Answer, Disposition, RETRY_AFTER_MAX, Receiver, Transport, delay};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::{Due, Ended, Ending, Outbox, OutboxError, Parcel, Places};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Liveness;
use super::carrier::Carrier;
use super::circuit::Circuit;
use super::format::Letter;
use super::pace::Pace;
use super::shelf::{Shelf, Trouble, noted};
use crate::pipeline::failpoint;

/// Wait before trying again after the outbox failed.
const RETRY: Duration = Duration::from_secs(1);
/// Longest sleep: what is due is looked up again at least this often.
const LOOK: Duration = Duration::from_mins(1);
/// While a receiver is held back: what may pass by all the same is looked for so often.
const PEEK: Millis = Millis::from_secs(1);
/// Time that attempts under way get at the end of the process.
const GRACE: Duration = Duration::from_secs(1);

/// What came of one attempt.
struct Tried {
    /// The versions that were in it.
    ids: Vec<i64>,
    message: String,
    attempt: u32,
    /// When it began.
    begun: Timestamp,
    answer: Answer,
}

/// One receiver's worker, not running.
pub(super) struct Worker {
    carrier: Arc<Carrier>,
    shelf: Shelf,
    wake: Arc<Notify>,
    parallel: usize,
    /// The receiver asked to be left alone until then.
    paused: Timestamp,
    /// Whether it may be tried as much as there is to do.
    circuit: Circuit,
    /// How much it takes in a minute.
    pace: Pace,
    /// A person has to act; said once.
    refused: bool,
    alive: Liveness,
    trouble: Trouble,
    /// Tried, and not yet recorded.
    ended: Vec<Ended>,
}

impl Worker {
    pub(super) fn new(
        carrier: Arc<Carrier>,
        shelf: Shelf,
        wake: Arc<Notify>,
        parallel: usize,
        alive: Liveness,
    ) -> Self {
        let (paused, trouble, ended) = (Timestamp(i64::MIN), Trouble::default(), Vec::new());
        let (parallel, circuit) = (parallel.max(1), Circuit::default());
        let pace = Pace::new(carrier.target().per_minute);
        Self { carrier, shelf, wake, parallel, paused, circuit, pace, refused: false, alive, trouble, ended }
    }

    /// Runs until `stop`; attempts under way then get [`GRACE`], and what is cut off is made again at the next start.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut flying: JoinSet<Tried> = JoinSet::new();
        while !stop.is_cancelled() {
            let Some(wait) = self.round(&mut flying).await else { return };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(tried) = flying.join_next() => self.judge_all(tried, &mut flying),
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        let end = tokio::time::Instant::now() + GRACE;
        while let Ok(Some(tried)) = tokio::time::timeout_at(end, flying.join_next()).await {
            self.judge_all(tried, &mut flying);
        }
        let _ = self.record().await;
    }

    /// Records what ended, starts what is due, and says how long to sleep at most. `None` where the process is ending.
    async fn round(&mut self, flying: &mut JoinSet<Tried>) -> Option<Duration> {
        let now = self.shelf.now();
        if now < self.paused {
            let recorded = self.record().await?;
            self.alive.looked(true);
            return Some(if recorded { duration(self.paused.since(now)) } else { RETRY });
        }
        let (places, receiver) = (self.places(flying.len(), now), self.carrier.wants().clone());
        let ended = std::mem::take(&mut self.ended);
        // In one visit: each waits for all others who want the outbox.
        let work = move |outbox: &mut Outbox, now| {
            let settled = outbox.record(&ended, now);
            let looked = settled.is_ok().then(|| look(outbox, &receiver, now, places));
            (ended, settled, looked)
        };
        let (ended, settled, looked) = self.shelf.with(work).await?;
        // Nothing to write down says nothing about whether it can be written.
        if !ended.is_empty() && !self.recorded(ended, settled) {
            return Some(RETRY);
        }
        let looked = looked.and_then(|found| noted(&mut self.trouble, self.carrier.receiver(), found));
        let Some(Looked { lifted, due, owed, next }) = looked else { return Some(RETRY) };
        self.shelf.settled(lifted);
        self.alive.looked(owed || !due.is_empty() || !flying.is_empty());
        for parcel in due {
            self.launch(parcel, flying);
        }
        // Where all hands are busy the end of an attempt is what to wait for.
        let next = next.filter(|_| flying.len() < self.parallel).map(|next| next.max(self.held_back(flying, now)));
        Some(next.map_or(LOOK, duration))
    }

    /// What may begin while so many are `flying`.
    fn places(&mut self, flying: usize, now: Timestamp) -> Places {
        let free = self.parallel.saturating_sub(flying);
        let (paced, paced_red) = self.pace.room(now);
        let reds = free.min(paced_red);
        if self.circuit.is_open() {
            let any = self.circuit.room(free, flying, now).min(paced);
            // A red one that was never tried does not wait for an attempt that may hang, nor for the time of the next.
            let first_red = usize::from(flying < 2).min(reds) - any.min(reds);
            return Places { any, red: 0, first_red };
        }
        let any = free.min(paced);
        Places { any, red: reds - any, first_red: 0 }
    }

    /// How long to sleep at least, where something is due that may not begin yet.
    fn held_back(&mut self, flying: &JoinSet<Tried>, now: Timestamp) -> Millis {
        let probing = (self.circuit.is_open() && !flying.is_empty()).then_some(PEEK);
        let rests = [probing, self.circuit.rest(now), self.pace.rest(now)];
        rests.into_iter().flatten().max().unwrap_or_default().min(PEEK)
    }

    fn launch(&mut self, parcel: Parcel, flying: &mut JoinSet<Tried>) {
        failpoint::hit("in_delivery");
        let (carrier, begun) = (Arc::clone(&self.carrier), self.shelf.now());
        self.pace.begin(begun);
        let (ids, attempt) = (parcel.ids().collect(), parcel.attempts().saturating_add(1));
        let Parcel { message, letters } = parcel;
        let letter = |due: Due| Letter { body: due.body, stamp: due.stamp, before: due.before };
        let letters: Vec<Letter> = letters.into_iter().map(letter).collect();
        flying.spawn(async move {
            let key = message.clone();
            // In a task of its own, so that not even a panic leaves the rows in flight for ever.
            let posted = tokio::spawn(async move { carrier.deliver(key, &letters).await }).await;
            Tried { ids, message, attempt, begun, answer: posted.unwrap_or(Answer::Failed(Transport::Broken)) }
        });
    }

    /// Judges the attempt that ended, and those that ended with it: they are recorded together.
    fn judge_all(&mut self, first: Result<Tried, tokio::task::JoinError>, flying: &mut JoinSet<Tried>) {
        let mut next = Some(first);
        while let Some(tried) = next {
            // The outer task only waits; it cannot fail.
            if let Ok(tried) = tried {
                self.judge(&tried);
            }
            next = flying.try_join_next();
        }
    }

    fn judge(&mut self, tried: &Tried) {
        let now = self.shelf.now();
        let verdict = tried.answer.judge();
        let ending = match verdict.disposition {
            Disposition::Delivered => {
                self.alive.succeeded(now);
                self.circuit.answered();
                Ending::Delivered
            }
            Disposition::Dead => {
                self.circuit.answered();
                Ending::Dead
            }
            Disposition::Retry { ladder, wish, .. } if tried.ids.len() > 1 && verdict.one_of_many => {
                self.shelf.count("failed");
                self.alive.failed(tried.begun, &verdict);
                // That it does not take them together it can only say when it is there.
                self.circuit.answered();
                Ending::Alone { at: now + delay(ladder, tried.attempt, seed(&tried.message), wish) }
            }
            Disposition::Retry { ladder, wish, pause, needs_operator } => {
                if pause {
                    let wait = wish.unwrap_or_default().0.clamp(0, RETRY_AFTER_MAX.0);
                    self.paused = self.paused.max(now + Millis(wait));
                }
                self.shelf.count("failed");
                self.alive.failed(tried.begun, &verdict);
                self.circuit.failed(tried.begun, now);
                Ending::Failed { at: now + delay(ladder, tried.attempt, seed(&tried.message), wish), needs_operator }
            }
        };
        self.alive.circuit(self.circuit.is_open());
        self.note(&ending, verdict.error.as_deref());
        let ended = |id: &i64| Ended { id: *id, ending: ending.clone(), error: verdict.error.clone() };
        self.ended.extend(tried.ids.iter().map(ended));
    }

    /// Says once that a person has to act, and once that it works again.
    fn note(&mut self, ending: &Ending, error: Option<&str>) {
        let receiver = self.carrier.receiver();
        match ending {
            Ending::Failed { needs_operator: true, .. } if !self.refused => {
                warn!(receiver, error, "the receiver does not take what it is told; somebody has to look");
                self.refused = true;
            }
            Ending::Delivered if self.refused => {
                info!(receiver, "the receiver takes what it is told again");
                self.refused = false;
            }
            _ => {}
        }
    }

    /// Writes down what ended; false where that failed and is to be done again, `None` where the process is ending.
    async fn record(&mut self) -> Option<bool> {
        if self.ended.is_empty() {
            return Some(true);
        }
        let ended = std::mem::take(&mut self.ended);
        let work = move |outbox: &mut Outbox, now| (outbox.record(&ended, now), ended);
        let (settled, ended) = self.shelf.with(work).await?;
        Some(self.recorded(ended, settled))
    }

    /// Passes on what was written down, or keeps what was not.
    fn recorded(&mut self, ended: Vec<Ended>, settled: Result<Vec<Delivery>, OutboxError>) -> bool {
        let Some(settled) = noted(&mut self.trouble, self.carrier.receiver(), settled) else {
            self.ended = ended;
            return false;
        };
        self.shelf.settled(settled);
        true
    }
}

/// What there is to do for a receiver.
struct Looked {
    /// Settled because nothing withholds it any more.
    lifted: Vec<Delivery>,
    due: Vec<Parcel>,
    /// Whether anything else is owed.
    owed: bool,
    /// When to look again.
    next: Option<Millis>,
}

fn look(outbox: &mut Outbox, receiver: &Receiver, now: Timestamp, places: Places) -> Result<Looked, OutboxError> {
    let lifted = outbox.lift(now)?;
    let due = outbox.claim(receiver, now, places)?;
    let owed = outbox.next_due(&receiver.name)?;
    // What is withheld now may be due before anything that is owed.
    let next = owed.into_iter().chain(outbox.next_lift()?).min();
    Ok(Looked { lifted, due, owed: owed.is_some(), next: next.map(|at| at.since(now)) })
}

/// From the message's key, which is a hash.
fn seed(message: &str) -> u64 {
    message.get(4..20).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// A wait, at least a millisecond so that nothing spins, at most [`LOOK`].
fn duration(wait: Millis) -> Duration {
    Duration::from_millis(wait.0.max(1) as u64).min(LOOK)
}
