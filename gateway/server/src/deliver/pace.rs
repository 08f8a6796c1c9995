//! `per_minute`: keeps to what a receiver takes in a minute. Robots of chat groups are blocked for minutes where it is more.
//!
//! Counted are attempts, by when they began, over the minute before each: there is no minute of the clock at whose end twice as
//! many could go. A quarter of the places is kept for red, so that what is less urgent cannot have used them up. Heartbeats and
//! tests are few, and not counted; after a restart counting begins anew.

use std::collections::VecDeque;

use maibo_core::time::{Millis, Timestamp};

const MINUTE: Millis = Millis::from_secs(60);

/// One receiver's, as its worker sees it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many a minute; `None`: as many as there are.
    limit: Option<usize>,
    /// When those of the last minute began, at most `limit` but where the clock was put back.
    begun: VecDeque<Timestamp>,
}

impl Pace {
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { limit: per_minute.map(|n| n as usize), begun: VecDeque::new() }
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if self.limit.is_some() {
            self.begun.push_back(now);
        }
    }

    /// How many attempts of any level may begin, and how many of red in all.
    pub(super) fn room(&mut self, now: Timestamp) -> (usize, usize) {
        let Some(limit) = self.limit else { return (usize::MAX, usize::MAX) };
        while self.begun.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            self.begun.pop_front();
        }
        let left = limit.saturating_sub(self.begun.len());
        (left.saturating_sub(limit / 4), left)
    }

    /// How long nothing below red may begin.
    pub(super) fn rest(&mut self, now: Timestamp) -> Option<Millis> {
        let (any, left) = self.room(now);
        let (0, Some(limit)) = (any, self.limit) else { return None };
        // So many have to be more than a minute old for one place more than is kept.
        let at = self.begun.get(limit / 4 - left.min(limit / 4))?;
        Some((*at + MINUTE).since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: in no stretch of a minute more begin than are allowed, and the last quarter is red's.
    #[test]
    fn a_minute_has_so_many() {
        let mut pace = Pace::new(Some(8));
        for n in 0..6 {
            assert_eq!(pace.room(Timestamp(n)), (6 - n as usize, 8 - n as usize));
            pace.begin(Timestamp(n));
        }
        assert_eq!((pace.room(Timestamp(10)), pace.rest(Timestamp(10))), ((0, 2), Some(Millis(59_990))));
        pace.begin(Timestamp(10));
        assert_eq!((pace.room(Timestamp(10)), pace.rest(Timestamp(10))), ((0, 1), Some(Millis(59_991))));
        pace.begin(Timestamp(10));
        assert_eq!((pace.room(Timestamp(59_999)), pace.rest(Timestamp(59_999))), ((0, 0), Some(Millis(3))));
        assert_eq!((pace.room(Timestamp(60_002)), pace.rest(Timestamp(60_002))), ((1, 3), None));
    }

    // P: one a minute is anybody's; without a limit nothing is counted.
    #[test]
    fn one_and_all() {
        let mut one = Pace::new(Some(1));
        assert_eq!(one.room(Timestamp(0)), (1, 1));
        one.begin(Timestamp(0));
        assert_eq!((one.room(Timestamp(1)), one.rest(Timestamp(1))), ((0, 0), Some(Millis(59_999))));
        let mut all = Pace::new(None);
        all.begin(Timestamp(0));
        assert_eq!((all.room(Timestamp(1)).0, all.rest(Timestamp(1)), all.begun.len()), (usize::MAX, None, 0));
    }
}
