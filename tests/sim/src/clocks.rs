//! A clock that a case turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use maibo::clock::Clock;
use maibo_core::time::{Millis, Timestamp};

use crate::ZERO;

/// True time, and how far the wall clock is off. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clocks(Arc<(AtomicI64, AtomicI64)>);

impl Clocks {
    /// True time since the beginning, in milliseconds.
    pub(crate) fn elapsed(&self) -> i64 {
        self.0.0.load(Relaxed)
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.0.0.fetch_add(ms, Relaxed);
    }

    /// Steps the wall clock.
    pub(crate) fn step(&self, by: i64) {
        self.0.1.fetch_add(by, Relaxed);
    }
}

impl Clock for Clocks {
    fn wall(&self) -> Timestamp {
        Timestamp(ZERO + self.elapsed() + self.0.1.load(Relaxed))
    }

    fn monotonic(&self) -> Millis {
        Millis(self.elapsed())
    }
}
