//! The beat of the page: device frames five times a second, a heartbeat every second.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Picture;
use crate::clock::EngineClock;
use crate::monitor::Mark;

/// Device changes are gathered for this long.
const WINDOW: Duration = Duration::from_millis(200);
/// A heartbeat every so many windows.
const BEAT: u32 = 5;
/// Milliseconds between heartbeats, as told to clients.
pub const HEARTBEAT_MS: u32 = 1_000;

/// Runs until `stop`; every round moves the mark.
pub async fn run(picture: Arc<Picture>, clock: Arc<EngineClock>, round: Mark, stop: CancellationToken) {
    let mut ticks = interval(WINDOW);
    // After a stall one frame is enough: it carries the last value of everything.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut n = 0_u32;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = clock.now();
        picture.flush(now);
        if n.is_multiple_of(BEAT) {
            picture.beat(now);
        }
        n = n.wrapping_add(1);
        round.step();
    }
}
