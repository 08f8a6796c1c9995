//! Leaves a receiver that takes nothing in peace: what waits for it does not go out all at once, over and over.
//!
//! ```text
//! closed ─8 failures in a row─▶ open ─wait is over─▶ one attempt ─fails─▶ open, twice the wait (1 s to 5 s)
//!    ▲                                                    └─ answered ──────────────────────────▶ closed
//! ```
//!
//! What is most urgent of what is due is what is tried. Each version keeps its own schedule beside this: what was not tried
//! has lost no attempt. A receiver that is overloaded says so by failing, and gets room by that.

use maibo_core::time::{Millis, Timestamp};

/// Failures in a row that open it.
const OPENS: u32 = 8;
/// The first wait, doubled after each failure, up to the last.
const FIRST: Millis = Millis::from_secs(1);
const LAST: Millis = Millis::from_secs(5);

/// One receiver's, as its worker sees it.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// Failures since something was answered.
    failures: u32,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    since: Timestamp,
    wait: Millis,
    /// When the next attempt may begin.
    until: Timestamp,
}

impl Circuit {
    /// An attempt that began at `begun` was not answered, or not as it should be.
    pub(super) fn failed(&mut self, begun: Timestamp, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        match &mut self.open {
            // Attempts that were under way when it opened say nothing new.
            Some(open) if begun < open.since => {}
            Some(open) => {
                open.wait = open.wait.times(2).min(LAST);
                (open.since, open.until) = (now, now + open.wait);
            }
            None if self.failures >= OPENS => self.open = Some(Open { since: now, wait: FIRST, until: now + FIRST }),
            None => {}
        }
    }

    /// The receiver answered what can be said to one message: it is there.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Whether it is open: at most one attempt at a time goes out.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many attempts may begin, of those for which there is `room` while `flying` are under way.
    pub(super) fn room(&self, room: usize, flying: usize, now: Timestamp) -> usize {
        match self.open {
            None => room,
            Some(open) => usize::from(flying == 0 && now >= open.until).min(room),
        }
    }

    /// How long nothing may begin.
    pub(super) fn rest(&self, now: Timestamp) -> Option<Millis> {
        self.open.filter(|open| now < open.until).map(|open| open.until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    // Eight in a row open it, whatever else was under way then; each failure after that doubles the wait, and one answer
    // closes it.
    #[test]
    fn opens_and_closes() {
        let mut circuit = Circuit::default();
        for _ in 0..7 {
            circuit.failed(s(0), s(1));
        }
        circuit.answered();
        for _ in 0..7 {
            circuit.failed(s(2), s(3));
        }
        assert_eq!((circuit.is_open(), circuit.room(16, 0, s(3)), circuit.rest(s(3))), (false, 16, None));
        for _ in 0..9 {
            circuit.failed(s(2), s(4));
        }
        assert_eq!((circuit.is_open(), circuit.rest(s(4))), (true, Some(Millis(1_000))));
        assert_eq!(
            [(16, 0, 4), (16, 0, 5), (15, 1, 5), (0, 0, 5)].map(|(r, f, t)| circuit.room(r, f, s(t))),
            [0, 1, 0, 0]
        );
        for (at, wait) in [(5, 2), (7, 4), (11, 5), (16, 5)] {
            circuit.failed(s(at), s(at));
            assert_eq!(circuit.rest(s(at)), Some(Millis::from_secs(wait)));
        }
        circuit.answered();
        assert_eq!((circuit.is_open(), circuit.room(16, 0, s(16))), (false, 16));
    }
}
