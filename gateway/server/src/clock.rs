//! The only place that reads clocks.
//!
//! Engine time is an anchor on the wall clock plus elapsed monotonic time, so it never goes back and never jumps with
//! the wall clock unnoticed: a step of more than two seconds is reported once, as an input.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use maibo_core::time::{Millis, Timestamp};

/// A wall clock and a monotonic one.
pub trait Clock: Send + Sync {
    /// Wall-clock time.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment of this process.
    fn monotonic(&self) -> Millis;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Millis {
        Millis(i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// A wall step smaller than this is drift, not a step.
const STEP: Millis = Millis(2_000);

/// Engine time, shared by ingest (receive stamps) and the sequencer (batch stamps).
pub struct EngineClock {
    clock: Box<dyn Clock>,
    state: Mutex<Anchor>,
    /// Where recorded data play, the last time of their stream.
    replayed: AtomicI64,
}

#[derive(Clone, Copy)]
struct Anchor {
    engine: Timestamp,
    monotonic: Millis,
    /// Engine time minus wall time as last reported: what a backward step leaves standing.
    offset: Millis,
    /// Steps seen and not yet reported.
    unreported: Option<Millis>,
    /// `offset` as of the last report.
    told: Millis,
}

impl EngineClock {
    /// Starts engine time at the wall clock, but never before `floor`, the last time found in the logs.
    pub fn new(clock: Box<dyn Clock>, floor: Option<Timestamp>) -> Self {
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        let engine = floor.map_or(wall, |f| f.max(wall));
        let offset = engine.since(wall);
        Self {
            clock,
            state: Mutex::new(Anchor { engine, monotonic, offset, unreported: None, told: offset }),
            replayed: AtomicI64::new(floor.unwrap_or_default().0),
        }
    }

    /// Engine time now; never less than any earlier answer.
    pub fn now(&self) -> Timestamp {
        self.read().engine
    }

    /// Notes how far a replayed stream has come.
    pub fn replay_at(&self, now: Timestamp) {
        self.replayed.store(now.0, Relaxed);
    }

    /// How far a replayed stream has come.
    pub fn replayed(&self) -> Timestamp {
        Timestamp(self.replayed.load(Relaxed))
    }

    /// A number that no other start of this machine shares: wall-clock nanoseconds mixed with the process id.
    pub fn boot_id(&self) -> u64 {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        nanos ^ (u64::from(std::process::id()) << 48)
    }

    /// Engine time now and, once per step, by how much the wall clock stepped.
    ///
    /// A forward step moves engine time along. A backward step cannot: engine time goes on from where it was, ahead of
    /// the wall clock, and the step is reported so that nobody wonders.
    ///
    /// For the sequencer alone: whoever else asks for the time must not take the report away from it.
    pub fn now_and_step(&self) -> (Timestamp, Option<Millis>) {
        let mut anchor = self.read();
        let Some(by) = anchor.unreported.take() else { return (anchor.engine, None) };
        let offset = anchor.offset;
        let ahead = offset - std::mem::replace(&mut anchor.told, offset);
        // A wall clock that was away between two looks and came back made no step; unless it was ahead, for then engine time
        // went along and stays there.
        let step = if by.0.abs() > STEP.0 { by } else { Millis(-ahead.0) };
        (anchor.engine, Some(step).filter(|step| step.0.abs() > STEP.0))
    }

    fn read(&self) -> std::sync::MutexGuard<'_, Anchor> {
        let mut anchor = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Read under the lock: a reading from before a step that came in after one from behind it would be a step back.
        let (wall, monotonic) = (self.clock.wall(), self.clock.monotonic());
        let elapsed = Millis((monotonic - anchor.monotonic).0.max(0));
        let mut now = anchor.engine + elapsed;
        let drift = wall.since(now) + anchor.offset;
        if drift.0.abs() > STEP.0 {
            anchor.unreported = Some(anchor.unreported.unwrap_or_default() + drift);
            now = now.max(wall);
            anchor.offset = now.since(wall);
        } else if anchor.offset == Millis::ZERO {
            now = now.max(wall);
        }
        anchor.engine = now;
        anchor.monotonic = monotonic;
        anchor
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Fake(Arc<(AtomicI64, AtomicI64)>);
    impl Clock for Fake {
        fn wall(&self) -> Timestamp {
            Timestamp(self.0.0.load(Relaxed))
        }
        fn monotonic(&self) -> Millis {
            Millis(self.0.1.load(Relaxed))
        }
    }
    impl Fake {
        fn advance(&self, wall: i64, monotonic: i64) {
            self.0.0.fetch_add(wall, Relaxed);
            self.0.1.fetch_add(monotonic, Relaxed);
        }
    }

    // P7: a wall step is reported once, forwards moves time along, backwards never takes it back.
    #[test]
    fn steps_are_reported_once_and_time_never_goes_back() {
        let fake = Fake::default();
        fake.advance(1_000_000, 0);
        let clock = EngineClock::new(Box::new(fake.clone()), None);
        fake.advance(1_000, 1_000);
        assert_eq!(clock.now_and_step(), (Timestamp(1_001_000), None));
        fake.advance(3_601_000, 1_000);
        assert_eq!(clock.now(), Timestamp(4_602_000), "asking for the time does not take the report");
        assert_eq!(clock.now_and_step(), (Timestamp(4_602_000), Some(Millis(3_600_000))));
        assert_eq!(clock.now_and_step(), (Timestamp(4_602_000), None));
        fake.advance(-3_599_000, 1_000);
        assert_eq!(clock.now_and_step(), (Timestamp(4_603_000), Some(Millis(-3_600_000))));
        fake.advance(5_000, 5_000);
        assert_eq!(clock.now_and_step(), (Timestamp(4_608_000), None));
    }

    // P7: a wall clock that was behind for a moment is no step, and time goes on; one that was ahead took engine time along,
    // which is told.
    #[test]
    fn away_and_back_is_no_step() {
        let fake = Fake::default();
        fake.advance(4_600_000, 0);
        let clock = EngineClock::new(Box::new(fake.clone()), None);
        for (away, told) in [(-3_600_000, None), (3_600_000, Some(Millis(-3_600_000)))] {
            let before = clock.now();
            fake.advance(away, 0);
            let meanwhile = clock.now();
            assert!(meanwhile >= before);
            fake.advance(1_000 - away, 1_000);
            let (now, step) = clock.now_and_step();
            assert_eq!(step, told);
            assert!(now > meanwhile);
        }
    }

    // P3: after a restart with a wall clock behind the log, engine time goes on from the log.
    #[test]
    fn starts_no_earlier_than_the_log() {
        let fake = Fake::default();
        fake.advance(500, 0);
        let clock = EngineClock::new(Box::new(fake.clone()), Some(Timestamp(9_000)));
        fake.advance(10, 10);
        assert_eq!(clock.now_and_step(), (Timestamp(9_010), None));
    }

    // P7: drift below the step size is followed forwards, silently.
    #[test]
    fn drift_is_followed() {
        let fake = Fake::default();
        let clock = EngineClock::new(Box::new(fake.clone()), None);
        fake.advance(1_500, 1_000);
        assert_eq!(clock.now_and_step(), (Timestamp(1_500), None));
        fake.advance(1_000, 1_500);
        assert_eq!(clock.now_and_step(), (Timestamp(3_000), None));
    }
}
