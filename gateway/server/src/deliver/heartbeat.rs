//! A sign of life to receivers that asked for one, whether anything is owed to them or not: a receiver that is needed once a year
//! must not be found dead on that day.
//!
//! Programs are asked every few seconds or minutes, people are told every few hours or days. What does not answer counts as not
//! answering, and is an alert of Maibo's own like one that does not take what it is owed. A receiver that says "not so often" (429,
//! or 503 with a wish) does answer. Nothing of it is kept, and nothing is made up for: a beat that was missed is none.
//!
//! - **Again.** A beat that failed is tried again after [`AGAIN`], then after twice that, up to [`PATIENCE`], and never later than
//!   the next would be due: a receiver that is back is not called dead for a day. Where the next is due later than [`AGAIN`], one
//!   that failed counts only when the next one fails, too, and then since the first: a lost packet a day is no alert. What waiting
//!   does not mend counts at once.
//! - **People.** Their first beat comes [`SETTLED`] after the start: one that is started over and over tells them nothing, and uses
//!   up nothing of what their robot takes in a minute. Beside that beats are not held to `per_minute`: there are at most three in the
//!   first minute after a failure, and a way that fails says more than a place among twenty is worth.
//!
//! Limits: one at a time to a receiver, the time of one attempt.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::Disposition;
use maibo_core::time::{Millis, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carrier::Carrier;
use super::liveness::Liveness;
use super::settings::{Target, Way};
use crate::clock::{Clock, EngineClock};

/// The wait behind a beat that failed.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest wait behind one of several that failed.
const PATIENCE: Duration = Duration::from_mins(5);
/// When people are told first.
const SETTLED: Duration = Duration::from_mins(1);

/// When beats go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// From the start to the first.
    pub(super) first: Duration,
    /// From one to the next.
    pub(super) every: Millis,
    /// From one that failed to the next.
    pub(super) again: Duration,
}

impl Rhythm {
    /// Of a receiver that is to have beats.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let people = target.manner.format.is_read() || matches!(target.way, Way::Mail(_));
        let first = if people { SETTLED } else { Duration::ZERO };
        target.heartbeat.map(|every| Self { first, every, again: AGAIN })
    }

    fn every(&self) -> Duration {
        Duration::from_millis(self.every.0.max(1).unsigned_abs())
    }

    /// The wait behind the last of so many that failed in a row; `None`: until the next is due anyway.
    fn after(&self, failed: u32) -> Option<Duration> {
        let wait = self.again.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(PATIENCE);
        (wait < self.every()).then_some(wait)
    }

    /// Whether a single failure says nothing yet, because another try comes soon.
    fn forgives(&self) -> bool {
        self.again < self.every()
    }
}

/// Runs until `stop`.
pub(super) async fn run(
    carrier: Arc<Carrier>,
    alive: Liveness,
    rhythm: Rhythm,
    (clock, wall): (Arc<EngineClock>, Arc<dyn Clock>),
    stop: CancellationToken,
) {
    let mut due = Instant::now() + rhythm.first;
    // When the first of those in a row began that failed, and how many they are.
    let mut missed: Option<(Timestamp, u32)> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        due = Instant::now() + rhythm.every();
        let (begun, now) = (clock.now(), wall.wall());
        let key = key(now);
        let verdict = tokio::select! {
            () = stop.cancelled() => return,
            answer = carrier.beat(&key, rhythm.every, now) => answer.judge(),
        };
        match verdict.disposition {
            Disposition::Delivered | Disposition::Retry { pause: true, .. } => {
                missed = None;
                alive.answered();
            }
            Disposition::Dead | Disposition::Retry { .. } => {
                let (since, failed) = missed.map_or((begun, 1), |(since, n)| (since, n.saturating_add(1)));
                missed = Some((since, failed));
                if failed > 1 || !rhythm.forgives() || verdict.needs_operator() {
                    alive.silent(since, &verdict);
                }
                if let Some(wait) = rhythm.after(failed) {
                    due = due.min(Instant::now() + wait);
                }
            }
        }
    }
}

/// Its key: no message about an alert has that of a heartbeat.
fn key(now: Timestamp) -> String {
    format!("beat_{:x}", now.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: what failed is tried again soon, then seldomer, and never later than the next would be due; where that is soon enough
    // anyway, nothing is tried in between, and every failure counts.
    #[test]
    fn again_soon() {
        let waits = |every: i64, failed: &[u32]| {
            let rhythm = Rhythm { first: SETTLED, every: Millis::from_secs(every), again: AGAIN };
            failed.iter().map(|n| rhythm.after(*n).map(|d| d.as_secs())).collect::<Vec<_>>()
        };
        assert_eq!(waits(86_400, &[1, 2, 3, 6, 100]), [Some(10), Some(20), Some(40), Some(300), Some(300)]);
        assert_eq!(waits(30, &[1, 2, 3]), [Some(10), Some(20), None]);
        assert_eq!(waits(10, &[1, 2]), [None, None]);
    }
}
