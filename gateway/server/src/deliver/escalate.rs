//! Looks for tasks of response plans whose time is over, and tells those whom the plan names.
//!
//! A task of its own, like that of substitutes. Nothing is missed in the first moments after a start: who had something to do could
//! not answer while Maibo was down.

use std::sync::Arc;
use std::time::Duration;

use maibo_api as api;
use maibo_core::notify::{Plan, Receiver};
use maibo_store::outbox::{Outbox, Overdue};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::shelf::{Shelf, Trouble, noted};
use crate::monitor::Mark;
use crate::{live::words, plan};

/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);
/// How long after a start nothing is missed.
const AFTER_START: Duration = Duration::from_secs(10);
/// Tasks seen to in one turn.
const MOST: usize = 100;

/// Runs until `stop`; every round moves the mark.
pub(super) async fn run(
    shelf: Shelf,
    plans: Arc<[Plan]>,
    receivers: Vec<(Receiver, Arc<Notify>)>,
    round: Mark,
    stop: CancellationToken,
) {
    let (began, mut trouble) = (Instant::now(), Trouble::default());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let names: Arc<[Receiver]> = receivers.iter().map(|(receiver, _)| receiver.clone()).collect();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        round.step();
        if began.elapsed() < AFTER_START {
            continue;
        }
        let (plans, names) = (Arc::clone(&plans), Arc::clone(&names));
        let work = move |outbox: &mut Outbox, now| {
            let mut missed = Vec::new();
            for overdue in outbox.overdue(now, MOST)? {
                let to: Vec<&Receiver> = names.iter().filter(|r| overdue.escalate.contains(&r.name)).collect();
                let told = outbox.escalate(&overdue, &to, &message(&overdue, &plans), now)?;
                missed.push((overdue, told));
            }
            Ok(missed)
        };
        let Some(result) = shelf.with(work).await else { return };
        for (overdue, told) in noted(&mut trouble, "response plans", result).unwrap_or_default() {
            let Overdue { plan, task, owner, .. } = &overdue;
            warn!(plan, task, owner, told = told.join(" "), "a task of a plan was not done in time");
            for (_, wake) in receivers.iter().filter(|(receiver, _)| told.contains(&receiver.name)) {
                wake.notify_one();
            }
        }
    }
}

/// The message about the alert, as it is kept, with what was missed.
fn message(overdue: &Overdue, plans: &[Plan]) -> Vec<u8> {
    let escalated = api::Escalated {
        plan: overdue.plan.clone(),
        task: overdue.task.clone(),
        owner: overdue.owner.clone(),
        what: plan::what(plans, &overdue.plan, &overdue.task),
        due_at: words::time(overdue.due_at),
    };
    let with = || {
        let mut message: serde_json::Value = serde_json::from_slice(&overdue.body).ok()?;
        let data = message.get_mut("data")?.as_object_mut()?;
        data.insert("escalated".to_owned(), serde_json::to_value(escalated).ok()?);
        serde_json::to_vec(&message).ok()
    };
    // Kept by ourselves, so that this cannot fail; without the words it is still the alert.
    with().unwrap_or_else(|| overdue.body.clone())
}
