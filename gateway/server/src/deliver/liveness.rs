//! Whether a receiver takes anything, as its worker sees it, and answers its heartbeat: what single deliveries cannot say,
//! because in `latest` a newer version begins with attempts of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maibo_core::notify::Verdict;
use maibo_core::time::Timestamp;

/// A receiver that has taken nothing for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// When the first attempt began that failed since one succeeded, in engine time.
    pub since: Timestamp,
    /// Why the last one failed, in words.
    pub error: Option<String>,
    /// Waiting does not mend it: a person has to act.
    pub needs_operator: bool,
}

impl Failing {
    fn new(since: Timestamp, verdict: &Verdict) -> Self {
        Self { since, error: verdict.error.clone(), needs_operator: verdict.needs_operator() }
    }
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
    pub(super) fn failed(&self, begun: Timestamp, verdict: &Verdict) {
        let mut state = self.lock();
        let since = state.failing.as_ref().map_or(begun.max(state.took.unwrap_or(begun)), |f| f.since);
        state.failing = Some(Failing::new(since, verdict));
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

    /// Heartbeats, the first of which began at `begun`, were not answered.
    pub(super) fn silent(&self, begun: Timestamp, verdict: &Verdict) {
        let mut state = self.lock();
        let since = state.silent.as_ref().map_or(begun.max(state.took.unwrap_or(begun)), |s| s.since);
        state.silent = Some(Failing::new(since, verdict));
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
    use maibo_core::notify::{Answer, Disposition, Transport};

    use super::*;

    fn verdict(error: &str) -> Verdict {
        Verdict { error: Some(error.to_owned()), ..Answer::Failed(Transport::Connect).judge() }
    }

    // What waiting does not mend is told from what it may: by the last attempt, not by words.
    #[test]
    fn a_person_is_needed() {
        let alive = Liveness::default();
        let needs = |alive: &Liveness| alive.failing().map(|f| f.needs_operator);
        for (answer, person) in [
            (Answer::Status { code: 401, retry_after: None }, true),
            (Answer::Status { code: 503, retry_after: None }, false),
            (Answer::Failed(Transport::Certificate), true),
            (Answer::Failed(Transport::Deadline), false),
        ] {
            alive.failed(Timestamp(5), &answer.judge());
            assert_eq!(needs(&alive), Some(person), "{answer:?}");
        }
        alive.succeeded(Timestamp(6));
        assert_eq!(needs(&alive), None);
        let gone = Answer::Status { code: 410, retry_after: None }.judge();
        assert_eq!(gone.disposition, Disposition::Dead);
        alive.silent(Timestamp(7), &gone);
        assert_eq!(needs(&alive), Some(true), "a heartbeat that is refused for good");
    }

    // It counts from the first failure behind the last success, with the last words; what began before a success and fails
    // after it counts from the success; a success ends it, and so does having nothing to deliver.
    #[test]
    fn since_the_first_failure() {
        let alive = Liveness::default();
        let since = |alive: &Liveness| alive.failing().map(|f| (f.since.0, f.error.unwrap_or_default()));
        alive.failed(Timestamp(5), &verdict("a"));
        alive.failed(Timestamp(9), &verdict("b"));
        assert_eq!(since(&alive), Some((5, "b".to_owned())));
        alive.looked(true);
        assert_eq!(since(&alive), Some((5, "b".to_owned())));
        alive.succeeded(Timestamp(20));
        assert_eq!(since(&alive), None);
        alive.failed(Timestamp(15), &verdict("c"));
        assert_eq!(since(&alive), Some((20, "c".to_owned())));
        alive.looked(false);
        assert_eq!(since(&alive), None);
    }

    // A heartbeat counts where nothing is owed; one that is answered ends that, and excuses nothing that is not taken.
    #[test]
    fn heartbeats_count_too() {
        let alive = Liveness::default();
        let since = |alive: &Liveness| alive.failing().map(|f| f.since.0);
        alive.silent(Timestamp(5), &verdict("a"));
        alive.silent(Timestamp(9), &verdict("b"));
        alive.looked(false);
        assert_eq!(since(&alive), Some(5));
        alive.failed(Timestamp(7), &verdict("c"));
        assert_eq!(since(&alive), Some(5));
        alive.answered();
        assert_eq!(since(&alive), Some(7));
        alive.silent(Timestamp(11), &verdict("d"));
        alive.succeeded(Timestamp(12));
        assert_eq!(since(&alive), None, "what takes a message is alive");
    }
}
