//! The coarse form: readings summed up in panes of a 64th of the window.
//!
//! ```text
//!        t−W                                   t
//! ──┬─────●───┬─────────┬─────────┬─────────┬──●──
//!   ◀ covered, at most one pane longer than W ─▶      pane n: (n·P, (n+1)·P], P = max(1 ms, ⌈W/64⌉)
//! ```
//!
//! Panes are open on the left and closed on the right, as the window is, so that a window that begins at a pane's edge is
//! exact. At most 65 panes touch it. Panes without readings are not kept.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use super::digest::{Digest, energy};
use super::sketch::Sketch;
use crate::time::{Millis, Timestamp};

/// Panes in one window length.
const IN_WINDOW: i64 = 64;
/// Panes kept at most: those of the window, the one its beginning lies in, and one to spare.
pub(super) const PANES_MOST: usize = 66;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Pane {
    #[n(0)]
    number: i64,
    /// What its readings speak for, even where that lies in the pane before.
    #[n(1)]
    covered: Millis,
    #[n(2)]
    digest: Digest,
}

/// The panes of a window.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Panes {
    /// Of the window.
    #[n(0)]
    length: Millis,
    /// Oldest first.
    #[n(1)]
    kept: VecDeque<Pane>,
    /// One more column a pane, where percentiles are wanted.
    #[n(2)]
    sketch: Option<Sketch>,
}

impl Panes {
    /// No panes yet, all memory allocated.
    pub(super) fn new(length: Millis, plausible: Option<(f64, f64)>) -> Self {
        let sketch = plausible.map(|(low, high)| Sketch::new(low, high));
        Self { length, kept: VecDeque::with_capacity(PANES_MOST), sketch }
    }

    /// Takes a reading later than all before, which speaks for `span`, and lets go of the panes that lie wholly outside
    /// the window up to it.
    pub(super) fn push(&mut self, at: Timestamp, value: f64, span: Millis) {
        let pane = self.pane_length();
        let oldest = (at - self.length).0.div_euclid(pane);
        while self.kept.front().is_some_and(|p| p.number < oldest) {
            self.kept.pop_front();
            if let Some(sketch) = &mut self.sketch {
                sketch.leave();
            }
        }
        let number = at.0.saturating_sub(1).div_euclid(pane);
        let one = Digest::new(at, value, energy(value));
        match self.kept.back_mut() {
            Some(last) if last.number == number => {
                last.covered = last.covered + span;
                last.digest.append(&one);
            }
            _ => {
                self.kept.push_back(Pane { number, covered: span, digest: one });
                if let Some(sketch) = &mut self.sketch {
                    sketch.open();
                }
            }
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.add(value);
        }
    }

    /// When the newest reading was measured.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.kept.back().map(|p| p.digest.newest())
    }

    /// How much time the readings of all panes speak for; it can be more than the window's length.
    pub(super) fn covered(&self) -> Millis {
        self.kept.iter().fold(Millis::ZERO, |sum, p| sum + p.covered)
    }

    /// All panes summed up, from the oldest to the newest.
    pub(super) fn digest(&self) -> Option<Digest> {
        let mut panes = self.kept.iter();
        let first = panes.next()?.digest;
        Some(panes.fold(first, |mut all, p| {
            all.append(&p.digest);
            all
        }))
    }

    /// The value at the nearest rank, to half a bin; `None` where no sketch is kept.
    pub(super) fn percentile(&self, percent: u8) -> Option<f64> {
        self.sketch.as_ref()?.percentile(percent)
    }

    /// Memory behind it, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.kept.capacity() * size_of::<Pane>() + self.sketch.as_ref().map_or(0, Sketch::bytes)
    }

    /// P, at least 1 ms.
    fn pane_length(&self) -> i64 {
        self.length.0.saturating_add(IN_WINDOW - 1).div_euclid(IN_WINDOW).max(1)
    }
}
