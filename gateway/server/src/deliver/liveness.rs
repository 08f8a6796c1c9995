//! Whether a receiver takes anything, as its worker sees it, and answers its heartbeat: what single deliveries cannot say,
//! because in `latest` a newer version begins with attempts of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maibo_core::time::Timestamp;

/// A receiver that has taken nothing for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// When the first attempt began that failed since one succeeded, in engine time.
    pub since: Timestamp,
    /// Why the last one failed, in words.
    pub error: Option<String>,
}

#[derive(Debug)]
struct State {
    /// When an attempt last succeeded.
    took: Option<Timestamp>,
    failing: Option<Failing>,
    /// The same of its heartbeat, which is failing whether anything is owed or not.
    silent: Option<Failing>,
    /// Whether it is tried with one attempt at a time only.
    open: bool,
    /// When the worker last looked at what is owed.
    looked: Instant,
    /// Who is told in its place.
    substitute: Option<String>,
}

/// One receiver's; written by its worker and its heartbeat, read by whoever watches. The lock is held for a copy.
#[derive(Clone, Debug)]
pub struct Liveness(Arc<Mutex<State>>);

impl Default for Liveness {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Liveness {
    /// Of a receiver of which nothing is known yet.
    pub fn new(substitute: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(State {
            took: None,
            failing: None,
            silent: None,
            open: false,
            looked: Instant::now(),
            substitute,
        })))
    }

    /// Who is told in its place.
    pub fn substitute(&self) -> Option<String> {
        self.lock().substitute.clone()
    }

    /// Since when it has taken nothing that it was owed, or answered no heartbeat; `None` where it does.
    pub fn failing(&self) -> Option<Failing> {
        let state = self.lock();
        state.failing.iter().chain(&state.silent).min_by_key(|failing| failing.since).cloned()
    }

    /// When an attempt last succeeded, since the start.
    pub fn took(&self) -> Option<Timestamp> {
        self.lock().took
    }

    /// Whether its circuit is open: it is tried with one attempt at a time, after growing waits.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// How long its worker has not looked at what is owed.
    pub fn unseen(&self) -> Duration {
        self.lock().looked.elapsed()
    }

    /// An attempt that began at `begun` failed.
    pub(super) fn failed(&self, begun: Timestamp, error: Option<&str>) {
        let mut state = self.lock();
        let since = state.failing.as_ref().map_or(begun.max(state.took.unwrap_or(begun)), |f| f.since);
        state.failing = Some(Failing { since, error: error.map(str::to_owned) });
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&self, now: Timestamp) {
        let mut state = self.lock();
        (state.took, state.failing, state.silent) = (Some(now), None, None);
    }

    /// Its circuit is open, or closed.
    pub(super) fn circuit(&self, open: bool) {
        self.lock().open = open;
    }

    /// A heartbeat that began at `begun` was not answered.
    pub(super) fn silent(&self, begun: Timestamp, error: Option<&str>) {
        let mut state = self.lock();
        let since = state.silent.as_ref().map_or(begun, |s| s.since);
        state.silent = Some(Failing { since, error: error.map(str::to_owned) });
    }

    /// A heartbeat was answered. What is owed may fail all the same.
    pub(super) fn answered(&self) {
        self.lock().silent = None;
    }

    /// The worker has looked; `owed`: there is something to deliver, or under way.
    pub(super) fn looked(&self, owed: bool) {
        let mut state = self.lock();
        state.looked = Instant::now();
        if !owed {
            state.failing = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // It counts from the first failure behind the last success, with the last words; what began before a success and fails
    // after it counts from the success; a success ends it, and so does having nothing to deliver.
    #[test]
    fn since_the_first_failure() {
        let alive = Liveness::default();
        let since = |alive: &Liveness| alive.failing().map(|f| (f.since.0, f.error.unwrap_or_default()));
        alive.failed(Timestamp(5), Some("a"));
        alive.failed(Timestamp(9), Some("b"));
        assert_eq!(since(&alive), Some((5, "b".to_owned())));
        alive.looked(true);
        assert_eq!(since(&alive), Some((5, "b".to_owned())));
        alive.succeeded(Timestamp(20));
        assert_eq!(since(&alive), None);
        alive.failed(Timestamp(15), Some("c"));
        assert_eq!(since(&alive), Some((20, "c".to_owned())));
        alive.looked(false);
        assert_eq!(since(&alive), None);
    }

    // A heartbeat counts where nothing is owed; one that is answered ends that, and excuses nothing that is not taken.
    #[test]
    fn heartbeats_count_too() {
        let alive = Liveness::default();
        let since = |alive: &Liveness| alive.failing().map(|f| f.since.0);
        alive.silent(Timestamp(5), Some("a"));
        alive.silent(Timestamp(9), Some("b"));
        alive.looked(false);
        assert_eq!(since(&alive), Some(5));
        alive.failed(Timestamp(7), Some("c"));
        assert_eq!(since(&alive), Some(5));
        alive.answered();
        assert_eq!(since(&alive), Some(7));
        alive.silent(Timestamp(11), None);
        alive.succeeded(Timestamp(12));
        assert_eq!(since(&alive), None, "what takes a message is alive");
    }
}
