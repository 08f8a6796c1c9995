//! What is left of readings when they are summed up: all signals but percentiles come from it.

use minicbor::{Decode, Encode};

use crate::rule::Signal;
use crate::time::Timestamp;

/// One or more readings, summed up. Sums are taken from the oldest reading to the newest.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(super) struct Digest {
    #[n(0)]
    count: u64,
    #[n(1)]
    sum: f64,
    /// Sum of `10^(v / 10)`; 0 where nobody asked for it.
    #[n(2)]
    energy: f64,
    #[n(3)]
    min: f64,
    #[n(4)]
    max: f64,
    #[n(5)]
    first_at: Timestamp,
    #[n(6)]
    first: f64,
    #[n(7)]
    last_at: Timestamp,
    #[n(8)]
    last: f64,
}

impl Digest {
    /// Of one reading; `energy` is [`energy`] of the value or 0.
    pub(super) fn new(at: Timestamp, value: f64, energy: f64) -> Self {
        Self {
            count: 1,
            sum: value,
            energy,
            min: value,
            max: value,
            first_at: at,
            first: value,
            last_at: at,
            last: value,
        }
    }

    /// Appends what came later.
    pub(super) fn append(&mut self, later: &Self) {
        self.count = self.count.saturating_add(later.count);
        self.sum += later.sum;
        self.energy += later.energy;
        // Compared by hand: what `f64::min` gives for 0 and -0 is not laid down.
        if later.min < self.min {
            self.min = later.min;
        }
        if later.max > self.max {
            self.max = later.max;
        }
        self.last_at = later.last_at;
        self.last = later.last;
    }

    /// When the newest reading was measured.
    pub(super) const fn newest(&self) -> Timestamp {
        self.last_at
    }

    /// The number that `signal` is; `None` for a rate or delta of one reading, and for what a digest does not hold.
    pub(super) fn read(&self, signal: Signal) -> Option<f64> {
        let count = self.count as f64;
        match signal {
            Signal::Last => Some(self.last),
            Signal::Mean => Some(self.sum / count),
            Signal::Min => Some(self.min),
            Signal::Max => Some(self.max),
            Signal::Sum => Some(self.sum),
            Signal::Count => Some(count),
            Signal::Range => Some(self.max - self.min),
            Signal::Delta => self.delta(),
            Signal::Rate { per } => {
                let time = self.last_at.since(self.first_at);
                self.delta().map(|delta| delta / time.0 as f64 * per.0 as f64)
            }
            Signal::Leq => Some(10.0 * (self.energy / count).log10()),
            Signal::Percentile(_) | Signal::Stuck { .. } | Signal::Baseline { .. } => None,
        }
    }

    fn delta(&self) -> Option<f64> {
        (self.count >= 2).then_some(self.last - self.first)
    }
}

/// What a level in dB stands for in energy, in multiples of the reference: `10^(v / 10)`.
pub(super) fn energy(level: f64) -> f64 {
    10.0_f64.powf(level / 10.0)
}
