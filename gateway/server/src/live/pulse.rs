//! Whether the pipeline still works, by when it last said anything.
//!
//! With a wall clock a step comes every five seconds at least: the city's partition is ticked when nothing else is. Where
//! none comes for twice as long, something stands still (a disk that takes nothing, a thread that is stuck), although
//! everything here may answer as quickly as ever. A replay is as silent as its stream, and so never late.
//!
//! Without a lock, so that also somebody who waits for the picture's lock for ever can be found out.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::ingest::ClockMode;

/// Silence after which nothing is being judged.
pub const SILENT: Duration = Duration::from_secs(10);

/// When the pipeline last took a step.
pub(super) struct Pulse {
    mode: ClockMode,
    start: Instant,
    /// Milliseconds from the start to the last step.
    last: AtomicI64,
}

impl Pulse {
    /// The start counts as a step.
    pub(super) fn new(mode: ClockMode) -> Self {
        Self { mode, start: Instant::now(), last: AtomicI64::new(0) }
    }

    /// A step was taken.
    pub(super) fn step(&self) {
        self.last.store(self.elapsed(), Relaxed);
    }

    /// Whether steps are being taken.
    pub(super) fn alive(&self) -> bool {
        let silent = self.elapsed() - self.last.load(Relaxed);
        self.mode == ClockMode::Replay || silent <= SILENT.as_millis() as i64
    }

    fn elapsed(&self) -> i64 {
        self.start.elapsed().as_millis() as i64
    }
}

#[cfg(test)]
impl Pulse {
    /// As if the last step lay further back.
    pub(super) fn age(&self, by: Duration) {
        self.last.fetch_sub(by.as_millis() as i64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: ten seconds without a step are a standstill with a wall clock, and nothing in a replay; a step ends it.
    #[test]
    fn silence() {
        let wall = Pulse::new(ClockMode::Wall);
        wall.age(Duration::from_secs(9));
        assert!(wall.alive());
        wall.age(Duration::from_secs(2));
        assert!(!wall.alive());
        wall.step();
        assert!(wall.alive());
        let replay = Pulse::new(ClockMode::Replay);
        replay.age(Duration::from_mins(1));
        assert!(replay.alive());
    }
}
