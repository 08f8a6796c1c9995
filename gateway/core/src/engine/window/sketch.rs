//! Percentiles of a coarse window: how many readings of each pane fall into which of 64 equal bins.
//!
//! The bins span the quantity's plausible range; values outside, which are not judged anyway, count in the end bins. The
//! answer is the middle of a bin, so the error is at most half a bin: a 128th of the range. A count stops at 65,535 a
//! pane and bin; beyond that the bin weighs less than it should.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use super::nearest_rank;
use super::panes::PANES_MOST;

/// Bins over the plausible range.
const BINS: usize = 64;

/// Counts by pane and bin.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Sketch {
    /// Lower end of the first bin.
    #[n(0)]
    low: f64,
    /// Upper end of the last.
    #[n(1)]
    high: f64,
    /// One a pane, oldest first.
    #[n(2)]
    panes: VecDeque<[u16; BINS]>,
}

impl Sketch {
    /// Over the range from `low` to `high`, no panes yet, all memory allocated.
    pub(super) fn new(low: f64, high: f64) -> Self {
        debug_assert!(low < high && (high - low).is_finite(), "bins from {low} to {high}");
        Self { low, high, panes: VecDeque::with_capacity(PANES_MOST) }
    }

    /// Begins a pane.
    pub(super) fn open(&mut self) {
        self.panes.push_back([0; BINS]);
    }

    /// Lets go of the oldest pane.
    pub(super) fn leave(&mut self) {
        self.panes.pop_front();
    }

    /// Counts a value in the newest pane.
    pub(super) fn add(&mut self, value: f64) {
        // The cast saturates: what lies below the range, and NaN, counts in the first bin.
        let bin = ((value - self.low) / self.width()).floor() as usize;
        if let Some(count) = self.panes.back_mut().and_then(|p| p.get_mut(bin.min(BINS - 1))) {
            *count = count.saturating_add(1);
        }
    }

    /// The middle of the bin that holds the nearest rank.
    pub(super) fn percentile(&self, percent: u8) -> Option<f64> {
        let mut counts = [0_u64; BINS];
        for pane in &self.panes {
            counts.iter_mut().zip(pane).for_each(|(sum, &count)| *sum += u64::from(count));
        }
        let rank = nearest_rank(percent, counts.iter().sum());
        let mut below = 0;
        let bin = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(self.low + (bin as f64 + 0.5) * self.width())
    }

    /// Memory behind it, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.panes.capacity() * size_of::<[u16; BINS]>()
    }

    /// Of one bin, in the quantity's unit.
    fn width(&self) -> f64 {
        (self.high - self.low) / BINS as f64
    }
}
