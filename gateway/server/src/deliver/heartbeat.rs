//! A sign of life to receivers that asked for one, whether anything is owed to them or not: a receiver that is needed once a year
//! must not be found dead on that day.
//!
//! What does not answer it counts as not answering, and is an alert of Maibo's own like one that does not take what it is owed. A
//! receiver that says "not so often" (429, or 503 with a wish) does answer. Nothing of it is kept, and nothing is made up for: a
//! beat that was missed is none.
//!
//! Limits: by webhook or MQTT, in formats for machines (`format/beat.rs`), one at a time to a receiver, the time of one attempt.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::Disposition;
use maibo_core::time::{Millis, Timestamp};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::carrier::Carrier;
use super::liveness::Liveness;
use crate::clock::{Clock, EngineClock};

/// Runs until `stop`; the first at once.
pub(super) async fn run(
    carrier: Arc<Carrier>,
    alive: Liveness,
    every: Millis,
    (clock, wall): (Arc<EngineClock>, Arc<dyn Clock>),
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(Duration::from_millis(every.0.max(1).unsigned_abs()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let (begun, now) = (clock.now(), wall.wall());
        let key = key(now);
        let verdict = tokio::select! {
            () = stop.cancelled() => return,
            answer = carrier.beat(&key, every, now) => answer.judge(),
        };
        match verdict.disposition {
            Disposition::Delivered | Disposition::Retry { pause: true, .. } => alive.answered(),
            Disposition::Dead | Disposition::Retry { .. } => alive.silent(begun, &verdict),
        }
    }
}

/// Its key: no message about an alert has that of a heartbeat.
fn key(now: Timestamp) -> String {
    format!("beat_{:x}", now.0)
}
