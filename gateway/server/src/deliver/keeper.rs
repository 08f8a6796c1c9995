//! Housekeeping of the outbox: gives up, forgets, and reports again.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::time::Millis;
use maibo_store::outbox::PAGE_MAX;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::shelf::{Shelf, Trouble, noted};
use crate::monitor::Mark;

/// How often.
pub(super) const EVERY: Duration = Duration::from_mins(1);
/// An outcome this old that is not on record is reported again.
const REPORT_AFTER: Millis = Millis::from_secs(60);

/// Runs until `stop`; every round moves the mark. At the start everything that is not on record is reported, whatever its age.
pub(super) async fn run(shelf: Shelf, woken: Vec<Arc<Notify>>, round: Mark, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut trouble, mut age) = (Trouble::default(), Millis::ZERO);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let work = shelf.with(move |outbox, now| {
            let again = outbox.unreported(now - age, PAGE_MAX)?;
            outbox.tidy(now).map(|gone| (again, gone))
        });
        let Some(result) = work.await else { return };
        round.step();
        age = REPORT_AFTER;
        if let Some((again, gone)) = noted(&mut trouble, "keeper", result) {
            let moved = !gone.is_empty();
            shelf.again(again);
            shelf.settled(gone);
            if moved {
                for wake in &woken {
                    wake.notify_one();
                }
            }
        }
    }
}
