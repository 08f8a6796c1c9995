//! No device starves the others: each may send so much, and what it sends beyond waits, or is refused.
//!
//! A device is looked at closely only from the second on in which it sent more than its rate; then it has a bucket of
//! tokens: `burst` at most, `rate` new ones a second, one for each message. That is far beyond any device that works, also
//! one that drains a backlog. An empty bucket means: through the broker inside, the device's own connection waits for its
//! acknowledgement (QoS 1) and nothing is lost; through a broker elsewhere, whose one connection carries all devices, the
//! message is refused and counted as `flood`. QoS 0 beyond is dropped.
//!
//! **Bounded:** a second's counts of at most [`COUNTED`] devices, and [`HOT`] buckets.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maibo_core::id::{DeviceId, IdBuild};

/// Most devices counted within a second; beyond, the others are not looked at until the next.
const COUNTED: usize = 200_000;
/// How long it is remembered that a device was over its allowance.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Most devices looked at closely.
const HOT: usize = 1_024;

/// What a device may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Messages a second, in the long run; 0: no limit.
    pub rate: u32,
    /// Messages at once beyond that.
    pub burst: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        // Behind a broker what is over this is refused, so it must be more than any backlog that a broker keeps for a
        // device while Maibo is away: ten messages a second over a day.
        Self { rate: 500, burst: 1_000_000 }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
    /// When it was last empty.
    empty: Option<Instant>,
}

#[derive(Debug)]
struct State {
    second: Instant,
    counts: HashMap<DeviceId, u32, IdBuild>,
    hot: BTreeMap<DeviceId, Bucket>,
}

/// Counts what devices send.
#[derive(Debug)]
pub struct Floods {
    allowance: Allowance,
    state: Mutex<State>,
}

impl Floods {
    /// Nobody has sent anything.
    pub fn new(allowance: Allowance) -> Self {
        let state = State { second: Instant::now(), counts: HashMap::default(), hot: BTreeMap::new() };
        Self { allowance, state: Mutex::new(state) }
    }

    /// A device sent a message: how long it would have to wait with it, zero for nearly all.
    pub fn sent(&self, device: &DeviceId, now: Instant) -> Duration {
        let Allowance { rate, burst } = self.allowance;
        if rate == 0 {
            return Duration::ZERO;
        }
        let mut state = self.lock();
        if now.saturating_duration_since(state.second) >= Duration::from_secs(1) {
            state.second = now;
            state.counts.clear();
            let full = f64::from(burst);
            let lately = |b: &Bucket| b.empty.is_some_and(|at| now.saturating_duration_since(at) < REMEMBERED);
            state.hot.retain(|_, bucket| bucket.refilled(rate, full, now) < full || lately(bucket));
        }
        if !state.hot.contains_key(device) {
            if state.counts.len() >= COUNTED && !state.counts.contains_key(device) {
                return Duration::ZERO;
            }
            let count = state.counts.entry(device.clone()).or_insert(0);
            *count += 1;
            if *count <= rate || state.hot.len() >= HOT {
                return Duration::ZERO;
            }
            state.hot.insert(device.clone(), Bucket { tokens: f64::from(burst), at: now, empty: None });
        }
        state.hot.get_mut(device).map_or(Duration::ZERO, |bucket| bucket.take(rate, f64::from(burst), now))
    }

    /// Devices that were over their allowance within the last `span`, at most `limit` of them, and how many there are.
    pub fn flooding(&self, span: Duration, limit: usize) -> (Vec<DeviceId>, usize) {
        let now = Instant::now();
        let state = self.lock();
        let recent = |b: &Bucket| b.empty.is_some_and(|at| now.saturating_duration_since(at) < span);
        let all = state.hot.iter().filter(|(_, b)| recent(b)).map(|(device, _)| device);
        (all.clone().take(limit).cloned().collect(), all.count())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn refilled(&self, rate: u32, full: f64, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        since.mul_add(f64::from(rate), self.tokens).min(full)
    }

    /// Takes one token, also where there is none yet: then that is how long it takes until there is.
    fn take(&mut self, rate: u32, full: f64, now: Instant) -> Duration {
        self.tokens = self.refilled(rate, full, now);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Duration::ZERO;
        }
        self.empty = Some(now);
        Duration::from_secs_f64((1.0 - self.tokens) / f64::from(rate))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // A device within its rate never waits; one beyond has its burst, then its rate; others are not touched; calm again,
    // it is forgotten.
    #[test]
    fn floods_are_slowed_and_others_are_not() {
        let floods = Floods::new(Allowance { rate: 10, burst: 30 });
        let (bad, good) = (DeviceId::new("bad").unwrap(), DeviceId::new("good").unwrap());
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let taken = (0..1_000).filter(|i| floods.sent(&bad, at(*i / 2)) == Duration::ZERO).count();
        // Ten to be noticed, thirty at once, and ten a second over half a second.
        assert!((44..=46).contains(&taken), "{taken}");
        assert!(floods.sent(&bad, at(500)) > Duration::ZERO);
        for second in 0..5 {
            for i in 0..10 {
                assert_eq!(floods.sent(&good, at(1_000 * second + i * 90)), Duration::ZERO);
            }
        }
        assert_eq!(floods.flooding(Duration::from_mins(1), 3), (vec![bad.clone()], 1));
        assert_eq!(floods.sent(&bad, at(70_000)), Duration::ZERO);
        assert_eq!(floods.flooding(Duration::from_mins(1), 3).1, 0, "forgotten a minute after");
        let none = Floods::new(Allowance { rate: 0, burst: 0 });
        assert!((0..1_000).all(|_| none.sent(&bad, start) == Duration::ZERO));
    }
}
