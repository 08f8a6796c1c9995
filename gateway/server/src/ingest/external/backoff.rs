//! Waiting times that grow, with jitter, so that a hundred clients of a restarted broker (or database) do not come back at once.

use std::time::Duration;

/// Doubling delays between `first` and `last`, each drawn from the upper half of its range.
pub(crate) struct Backoff {
    first: Duration,
    last: Duration,
    next: Duration,
    state: u64,
}

impl Backoff {
    /// `seed` makes the jitter; it need not be secret.
    pub(crate) fn new(first: Duration, last: Duration, seed: u64) -> Self {
        Self { first, last, next: first, state: seed | 1 }
    }

    /// Begin again from the shortest delay.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Go on with the longest delay.
    pub(crate) fn longest(&mut self) {
        self.next = self.last;
    }

    /// The next delay.
    pub(crate) fn next(&mut self) -> Duration {
        // xorshift64: jitter needs no better randomness.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let full = self.next;
        self.next = (self.next * 2).min(self.last);
        full / 2 + full.mul_f64((self.state % 1_000) as f64 / 2_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P8: delays grow to the limit and stay there, never zero.
    #[test]
    fn grows_within_bounds() {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10), 7);
        let delays: Vec<Duration> = (0..20).map(|_| backoff.next()).collect();
        assert!(delays[0] >= Duration::from_millis(100) && delays[0] <= Duration::from_millis(200));
        assert!(delays.iter().all(|d| *d <= Duration::from_secs(10)));
        assert!(delays[19] >= Duration::from_secs(5));
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(200));
        backoff.longest();
        assert!(backoff.next() >= Duration::from_secs(5));
    }
}
