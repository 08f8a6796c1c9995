//! How much happens: readings a second over five seconds, alerts opened in ten minutes.

use std::collections::VecDeque;

use maibo_core::time::Timestamp;

/// Beats over which the rate of readings is taken.
const BEATS: usize = 5;
/// Span over which opened alerts are counted, in milliseconds.
const SPAN: i64 = 600_000;

/// Running counts.
#[derive(Default)]
pub(super) struct Rates {
    readings: u64,
    beats: VecDeque<u64>,
    /// Opened alerts by second of engine time: at most 601 entries.
    opened: VecDeque<(i64, u64)>,
}

impl Rates {
    /// Counts readings.
    pub(super) fn readings(&mut self, n: u64) {
        self.readings += n;
    }

    /// Counts an alert that opened.
    pub(super) fn opened(&mut self, at: Timestamp) {
        let second = at.0.div_euclid(1_000);
        match self.opened.back_mut() {
            // Engine time never goes back; the comparison keeps the list sorted if it ever did.
            Some((last, n)) if *last >= second => *n += 1,
            _ => self.opened.push_back((second, 1)),
        }
        self.forget(at);
    }

    /// Ends a second. Gives readings a second over the last five, and alerts opened in the last ten minutes.
    pub(super) fn beat(&mut self, now: Timestamp) -> (f64, u64) {
        self.beats.push_back(std::mem::take(&mut self.readings));
        if self.beats.len() > BEATS {
            self.beats.pop_front();
        }
        self.forget(now);
        let rate = self.beats.iter().sum::<u64>() as f64 / self.beats.len() as f64;
        (rate, self.opened.iter().map(|(_, n)| n).sum())
    }

    fn forget(&mut self, now: Timestamp) {
        while self.opened.front().is_some_and(|(second, _)| second * 1_000 <= now.0 - SPAN) {
            self.opened.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: the rate is of the last five seconds, the alarm rate of the last ten minutes, and neither grows for ever.
    #[test]
    fn windows() {
        let mut rates = Rates::default();
        rates.readings(50);
        rates.opened(Timestamp(1_000));
        rates.opened(Timestamp(1_500));
        let (rate, opened) = rates.beat(Timestamp(2_000));
        assert!((rate - 50.0).abs() < 1e-9);
        assert_eq!(opened, 2);
        for n in 0..4 {
            rates.beat(Timestamp(3_000 + n * 1_000));
        }
        rates.readings(5);
        let (rate, _) = rates.beat(Timestamp(7_000));
        assert!((rate - 1.0).abs() < 1e-9, "{rate}");
        for n in 0..10_000 {
            rates.opened(Timestamp(10_000 + n * 1_000));
        }
        assert!(rates.opened.len() <= 601);
        assert_eq!(rates.beat(Timestamp(100_000_000)).1, 0);
    }
}
