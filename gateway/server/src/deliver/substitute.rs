//! Looks for what receivers have not taken in time, and owes it to their substitutes.
//!
//! A task of its own: a worker that stands still is one of the reasons why something is not taken. Nothing is passed on before
//! a receiver had its time since the start, so that a Maibo that was down does not wake the substitutes first.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::Receiver;
use maibo_core::time::Millis;
use maibo_store::outbox::Outbox;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::settings::{Substitute, Target};
use super::shelf::{Shelf, Trouble, noted};
use crate::monitor::Mark;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Who is told in whose place, and after what time.
pub(super) struct Pair {
    principal: String,
    substitute: Receiver,
    after: Millis,
    wake: Arc<Notify>,
}

impl Pair {
    /// Those of all receivers; `woken` are their workers, in the same order.
    pub(super) fn of(targets: &[Target], woken: &[Arc<Notify>]) -> Vec<Self> {
        let pair = |target: &Target| {
            let Substitute { name, after } = target.substitute.as_ref()?;
            let (substitute, wake) = targets.iter().zip(woken).find(|(t, _)| t.receiver.name == *name)?;
            Some(Self {
                principal: target.receiver.name.clone(),
                substitute: substitute.receiver.clone(),
                after: *after,
                wake: Arc::clone(wake),
            })
        };
        targets.iter().filter_map(pair).collect()
    }
}

/// Runs until `stop`; every round moves the mark.
pub(super) async fn run(shelf: Shelf, pairs: Vec<Pair>, round: Mark, stop: CancellationToken) {
    let (began, mut trouble) = (Instant::now(), Trouble::default());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        round.step();
        for Pair { principal, substitute, after, wake } in &pairs {
            if began.elapsed() < Duration::from_millis(after.0.unsigned_abs()) {
                continue;
            }
            let (name, to, after) = (principal.clone(), substitute.clone(), *after);
            let work = move |outbox: &mut Outbox, now| outbox.stand_in(&name, &to, now - after, now);
            let Some(result) = shelf.with(work).await else { return };
            if let Some(passed @ 1..) = noted(&mut trouble, "substitutes", result) {
                let substitute = &*substitute.name;
                warn!(
                    receiver = &**principal,
                    substitute,
                    versions = passed,
                    "not taken in time: the substitute is told"
                );
                wake.notify_one();
            }
        }
    }
}
