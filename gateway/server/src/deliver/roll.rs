//! The receivers as operators see them: who they are, how they do, and whether a message gets through now. What was given up is
//! owed again or set aside here, because a person says so.
//!
//! A test goes over the receiver's own carrier, past the outbox: it is no version of any alert, and nothing waits for it. The log
//! says who sent one and what came of it.
//!
//! Limits: one test at a time, [`TESTS`] a minute to one receiver.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use maibo_core::notify::{Answer, Disposition, Receiver, Transport};
use maibo_core::time::Timestamp;
use maibo_store::outbox::{Dismissal, OutboxError, Replay};
use tokio::sync::Notify;
use tracing::info;

use super::body;
use super::carrier::{Carrier, ClientError, Limits};
use super::format::{Letter, sample};
use super::liveness::{Failing, Liveness};
use super::settings::Target;
use super::shelf::Shelf;
use crate::clock::{Clock, SystemClock};

/// Tests to one receiver in [`MINUTE`].
const TESTS: usize = 5;
const MINUTE: Duration = Duration::from_mins(1);
/// Time for a test, less than a request has.
const TIME: Duration = Duration::from_secs(8);

/// All receivers, known once delivery has started.
#[derive(Clone, Default)]
pub struct Roll(Arc<Inner>);

#[derive(Default)]
struct Inner {
    members: OnceLock<Vec<Member>>,
    shelf: OnceLock<Shelf>,
    /// Held by the test that is under way.
    turn: tokio::sync::Mutex<()>,
}

pub(super) struct Member {
    carrier: Arc<Carrier>,
    alive: Liveness,
    /// Tells its worker to look.
    wake: Arc<Notify>,
    /// When tests of the last minute began.
    tests: Mutex<VecDeque<Instant>>,
}

impl Member {
    pub(super) fn new(carrier: Arc<Carrier>, alive: Liveness, wake: Arc<Notify>) -> Self {
        Self { carrier, alive, wake, tests: Mutex::default() }
    }

    /// Counts a test; false where there were too many.
    fn may(&self, now: Instant) -> bool {
        let mut tests = self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        tests.retain(|at| now.duration_since(*at) < MINUTE);
        let room = tests.len() < TESTS;
        if room {
            tests.push_back(now);
        }
        room
    }
}

/// One receiver, to be shown.
pub struct Shown<'a> {
    /// Where and how.
    pub target: &'a Target,
    /// Who wants what.
    pub receiver: &'a Receiver,
    /// What it does not take, and since when.
    pub failing: Option<Failing>,
    /// When it last took something.
    pub took: Option<Timestamp>,
    /// Whether it is tried with one attempt at a time only.
    pub open: bool,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The message's key.
    pub message: String,
    /// Whether the receiver took it.
    pub delivered: bool,
    /// Why not.
    pub error: Option<String>,
    /// The HTTP status, where that was the answer.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

/// Why no test was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTest {
    /// There is no such receiver.
    Unknown,
    /// Another one is under way.
    Busy,
    /// There were too many in the last minute.
    TooMany,
}

impl Roll {
    pub(super) fn fill(&self, members: Vec<Member>, shelf: Shelf) {
        // Delivery starts once.
        let _ = self.0.members.set(members);
        let _ = self.0.shelf.set(shelf);
    }

    fn members(&self) -> &[Member] {
        self.0.members.get().map_or(&[], Vec::as_slice)
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> impl Iterator<Item = Shown<'_>> {
        self.members().iter().map(|member| Shown {
            target: member.carrier.target(),
            receiver: member.carrier.wants(),
            failing: member.alive.failing(),
            took: member.alive.took(),
            open: member.alive.is_open(),
        })
    }

    /// Owes a dead delivery to `receiver` again, and wakes its worker. `None` where there is no such receiver any more, or the
    /// process is ending.
    ///
    /// # Errors
    /// The outbox's; then nothing is changed.
    pub async fn replay(&self, id: u64, receiver: &str, actor: &str) -> Result<Option<Replay>, OutboxError> {
        let member = self.members().iter().find(|m| m.carrier.receiver() == receiver);
        let (Some(member), Some(shelf)) = (member, self.0.shelf.get()) else { return Ok(None) };
        let Some(replay) = shelf.with(move |outbox, now| outbox.replay(id, now)).await.transpose()? else {
            return Ok(None);
        };
        if let Replay::Owed(row) = &replay {
            info!(receiver, actor, episode = row.episode, version = row.version, "what was given up is owed again");
            member.wake.notify_one();
        }
        Ok(Some(replay))
    }

    /// Sets a dead delivery aside, also where its receiver is none any more. `None` where the process is ending.
    ///
    /// # Errors
    /// The outbox's; then nothing is changed.
    pub async fn dismiss(&self, id: u64, actor: &str, note: &str) -> Result<Option<Dismissal>, OutboxError> {
        let Some(shelf) = self.0.shelf.get() else { return Ok(None) };
        let (by, why) = (actor.to_owned(), note.to_owned());
        let dismissal = shelf.with(move |outbox, now| outbox.dismiss(id, &by, &why, now)).await.transpose()?;
        if let Some(Dismissal::Done(row)) = &dismissal {
            let (receiver, episode, version) = (&row.receiver, &row.episode, row.version);
            info!(receiver, actor, episode, version, note, "what was given up is set aside");
        }
        Ok(dismissal)
    }

    /// Sends a test message at once and waits for what comes of it, at most [`TIME`]. `now` is the wall clock.
    ///
    /// # Errors
    /// [`NoTest`].
    pub async fn test(&self, name: &str, actor: &str, now: Timestamp) -> Result<Tested, NoTest> {
        let member = self.members().iter().find(|m| m.carrier.receiver() == name).ok_or(NoTest::Unknown)?;
        let _turn = self.0.turn.try_lock().map_err(|_| NoTest::Busy)?;
        if !member.may(Instant::now()) {
            return Err(NoTest::TooMany);
        }
        let tested = try_out(&member.carrier, now).await;
        let (delivered, error) = (tested.delivered, tested.error.as_deref());
        let ms = u64::try_from(tested.took.as_millis()).unwrap_or(u64::MAX);
        info!(receiver = name, actor, message = tested.message, delivered, error, ms, "a test was sent");
        Ok(tested)
    }
}

/// Sends a test message to a receiver over a connection of its own, also where no Maibo runs.
///
/// # Errors
/// Where its client cannot be made.
pub async fn try_target(target: Target) -> Result<Tested, ClientError> {
    let wall: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let now = wall.wall();
    let carrier = Carrier::new(target, Limits::default(), wall, "-test")?;
    Ok(try_out(&carrier, now).await)
}

/// Sends a test message over a carrier.
async fn try_out(carrier: &Carrier, now: Timestamp) -> Tested {
    // Shaped like an id of an alert; no hash begins with so many zeros, and no test has the millisecond of another.
    let id = format!("7e57{:028x}", now.0.max(0));
    let message = format!("msg_{id}");
    let told = sample(&id, &crate::live::words::time(now));
    let letter = Letter::unkept(body::test(&told), 1, now);
    let begun = Instant::now();
    let letters = [letter];
    let answer = tokio::time::timeout(TIME, carrier.deliver(message.clone(), &letters)).await;
    let answer = answer.unwrap_or(Answer::Failed(Transport::Deadline));
    let verdict = answer.judge();
    let status = match answer {
        Answer::Status { code, .. } => Some(code),
        _ => None,
    };
    let delivered = verdict.disposition == Disposition::Delivered;
    Tested { message, delivered, error: verdict.error, status, took: begun.elapsed() }
}
