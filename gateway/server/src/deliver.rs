//! Tells the receivers: signed webhooks, each version of each episode in order, until it arrives.
//!
//! ```text
//! facts log ─▶ follower ── outbox.db ──▶ one worker a receiver ── HTTP POST ──▶ receiver
//!                             ▲                  │
//!                             └──── outcomes ────┴──▶ `settled` (to be put on record)
//! ```
//!
//! Place in the data path: the last step, behind the facts log and never in the pipeline's way. What to tell and when is
//! decided in `maibo_core::notify`, what is owed is kept in `maibo_store::outbox`; here is only the doing.
//!
//! Invariants: nothing is sent that is not a fact, but for the single exception in `unrecorded`. A receiver that hangs or fails costs its own worker only: its own
//! connections, its own attempts. An outcome is durable before it is reported, and reported until it is a fact.
//!
//! Limits: [`Limits`]; a receiver has at most [`Limits::parallel`] attempts under way, and their responses are read up
//! to [`Limits::response`]. A full `settled` queue drops the report, which is made again within a minute or two.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::engine::CommandOutcome;
use maibo_core::fact::{Delivery, Fact, Transition};
use maibo_core::input::Command;
use maibo_core::notify::{Manners, Receiver};
use maibo_store::facts::FactsReader;
use maibo_store::outbox::{Covering, Outbox};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Alarm;
use crate::clock::{Clock, EngineClock};
use crate::monitor::Mark;
use crate::plan::PlanBook;
use crate::telemetry::Metrics;

mod body;
mod carrier;
mod circuit;
mod dial;
mod escalate;
mod follower;
mod format;
mod heartbeat;
mod keeper;
mod liveness;
mod mail;
mod network;
mod open;
mod outline;
mod pace;
mod post;
mod publish;
mod robot;
mod roll;
mod secret;
mod sender;
mod settings;
mod shelf;
mod substitute;
mod unrecorded;
mod worker;

pub use body::Told;
pub use carrier::{ClientError, Limits};
pub use format::{BeatTemplate, Format, Manner, Template};
pub use liveness::{Failing, Liveness};
pub use network::{Allow, forbidden};
pub use open::open;
pub use outline::Outlines;
pub use robot::RobotSecret;
pub use roll::{NoTest, Roll, Shown, Tested, try_target};
pub use secret::{Secrets, sign};
pub use sender::{Sender, SenderSettings};
pub use settings::{
    HttpWay, MailTls, MailWay, MqttWay, Password, ReceiverSettings, Seal, Substitute, Target, Way, validate,
};
pub use unrecorded::LastWord;

/// Makes what is told of a transition, with the plans that cover it; `None` where nobody knows of runs: then by those in force.
pub type Describe = Arc<dyn Fn(&Transition, Option<&[Covering]>) -> Told + Send + Sync>;

/// What the rules in force at a fact say about telling its transition.
pub type Polite = Arc<dyn Fn(&Fact, &Transition) -> Manners + Send + Sync>;

/// Asks the machine of an alert for a command, and waits for its answer; `None` where it cannot be asked now.
pub type Ask = Arc<dyn Fn(Command) -> Asked + Send + Sync>;

/// An answer on its way.
pub type Asked = Pin<Box<dyn Future<Output = Option<CommandOutcome>> + Send>>;

/// What delivery needs.
pub struct Parts {
    /// What is owed.
    pub outbox: Outbox,
    /// Facts from [`Outbox::cursor`] on.
    pub facts: FactsReader,
    /// Told when there are more facts; ends with the pipeline.
    pub wake: watch::Receiver<u64>,
    /// Who is to be told.
    pub targets: Vec<Target>,
    /// Response plans: begins with those behind the outbox's cursor, and is kept there.
    pub plans: PlanBook,
    /// Makes the alert of a transition.
    pub describe: Describe,
    /// What the rules say about telling.
    pub polite: Polite,
    /// Puts on record that a task of a plan was missed.
    pub ask: Ask,
    /// Time of the schedule.
    pub clock: Arc<EngineClock>,
    /// Wall-clock time, for signatures.
    pub wall: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Takes what was settled, to be put on record. At least once each.
    pub settled: mpsc::Sender<Delivery>,
    /// Bounds of an attempt.
    pub limits: Limits,
    /// Where the follower says how far it is.
    pub mark: Mark,
    /// Where a task that ends says so.
    pub alarm: Alarm,
    /// Where the receivers can be seen and tried.
    pub roll: Roll,
}

/// How long what looks several times a second may take to come round: it waits while a flood is written down.
const ROUND: Duration = Duration::from_mins(1);

/// Starts the follower, one worker a receiver, and the keeper. They end at `stop`. Answers how each receiver does.
///
/// # Errors
/// Where a receiver's HTTP client cannot be made; then nothing is started.
pub fn start(
    parts: Parts,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<(String, Liveness)>, ClientError> {
    let Parts {
        mut outbox,
        facts,
        wake,
        targets,
        plans,
        describe,
        polite,
        ask,
        clock,
        wall,
        metrics,
        settled,
        limits,
        mark,
        alarm,
        roll,
    } = parts;
    mark.set(outbox.cursor());
    if let Some(version) = outbox.plans_version() {
        plans.enforce(version);
    }
    outbox.set_plans(plans.current());
    let shelf = shelf::Shelf::new(outbox, shelf::Report::new(settled, metrics), clock);
    let mut receivers: Vec<Receiver> = Vec::new();
    let woken: Vec<Arc<Notify>> = targets.iter().map(|_| Arc::new(Notify::new())).collect();
    let pairs = substitute::Pair::of(&targets, &woken);
    let (mut workers, mut alive, mut members) = (Vec::new(), Vec::new(), Vec::new());
    for (target, wake) in targets.into_iter().zip(&woken) {
        let wake = Arc::clone(wake);
        receivers.push(target.receiver.clone());
        let carrier = Arc::new(carrier::Carrier::new(target, limits, Arc::clone(&wall), "")?);
        let lives = Liveness::new(carrier.substitute().map(str::to_owned));
        if let Some(rhythm) = heartbeat::Rhythm::of(carrier.target()) {
            let clocks = (shelf.clock(), Arc::clone(&wall));
            let beating = heartbeat::run(Arc::clone(&carrier), lives.clone(), rhythm, clocks, stop.clone());
            alarm.spawn(tasks, "heartbeat of a receiver", beating);
        }
        alive.push((carrier.receiver().to_owned(), lives.clone()));
        members.push(roll::Member::new(Arc::clone(&carrier), lives.clone(), Arc::clone(&wake)));
        workers.push(worker::Worker::new(carrier, shelf.clone(), wake, limits.parallel, lives));
    }
    roll.fill(members, shelf.clone());
    for worker in workers {
        alarm.spawn(tasks, "delivery to a receiver", worker.run(stop.clone()));
    }
    let names = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let round = |part, words| alarm.round(part, words, ROUND);
    let deadlines = round("deadlines", ("预案任务时限检查", "looking for tasks of plans that are late"));
    let looking = escalate::run(shelf.clone(), names, ask, deadlines, stop.clone());
    alarm.spawn(tasks, "response plans", looking);
    let follower = follower::Follower::new(shelf.clone(), receivers, woken.clone(), (describe, polite, plans), mark);
    alarm.spawn(tasks, "delivery", follower.run(facts, wake, stop.clone()));
    if !pairs.is_empty() {
        let substitutes = round("substitutes", ("候补接收方检查", "passing on to substitutes of receivers"));
        let passing = substitute::run(shelf.clone(), pairs, substitutes, stop.clone());
        alarm.spawn(tasks, "substitutes of receivers", passing);
    }
    let housekeeping = ("通知库整理", "housekeeping of what is told");
    let housekeeping = alarm.round("housekeeping", housekeeping, 3 * keeper::EVERY);
    alarm.spawn(tasks, "delivery's housekeeping", keeper::run(shelf, woken, housekeeping, stop.clone()));
    Ok(alive)
}

#[cfg(test)]
mod tests;
