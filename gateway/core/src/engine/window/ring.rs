//! The exact form: every reading of the window, oldest first.
//!
//! A reading takes 16 bytes. Its time is kept as the distance from the one before, which fits 32 bits (49 days): a reading
//! that is further away has left the window, whose length is at most [`crate::limit::MAX_DURATION`], 31 days.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use super::digest::{Digest, energy};
use super::nearest_rank;
use crate::time::{Millis, Timestamp};

/// Readings it holds at most.
pub(super) const EXACT_MOST: usize = 512;

/// One reading as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
struct Sample {
    /// Milliseconds since the reading before it.
    #[n(0)]
    gap: u32,
    /// Milliseconds up to the reading that it speaks for.
    #[n(1)]
    span: u32,
    #[n(2)]
    value: f64,
}

/// One reading.
pub(super) struct Kept {
    pub(super) at: Timestamp,
    pub(super) value: f64,
    pub(super) span: Millis,
}

/// The readings of a window.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(super) struct Ring {
    /// When the first of `samples` was measured.
    #[n(0)]
    oldest: Timestamp,
    /// When the last reading since the start was measured, be it still held or not.
    #[n(1)]
    newest: Option<Timestamp>,
    #[n(2)]
    samples: VecDeque<Sample>,
    /// Sum of all spans, so that the coverage need not be added up for every rule; `None` in what was saved before it was kept.
    #[n(3)]
    spans: Option<Millis>,
}

impl Ring {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.newest = None;
        self.samples.clear();
        self.spans = None;
    }

    /// Sum of all spans.
    fn spans(&self) -> Millis {
        self.spans.unwrap_or_else(|| self.samples.iter().fold(Millis::ZERO, |sum, s| sum + Millis(i64::from(s.span))))
    }

    /// Lets go of the readings at or before `edge`.
    pub(super) fn leave(&mut self, edge: Timestamp) {
        let mut spans = self.spans();
        while self.oldest <= edge {
            let Some(gone) = self.samples.pop_front() else { break };
            spans = spans - Millis(i64::from(gone.span));
            if let Some(next) = self.samples.front() {
                self.oldest = self.oldest + Millis(i64::from(next.gap));
            }
        }
        self.spans = Some(spans);
    }

    /// Appends a reading that speaks for `span`, unless the ring is full.
    #[must_use]
    pub(super) fn push(&mut self, at: Timestamp, value: f64, span: Millis) -> bool {
        if self.samples.len() >= EXACT_MOST {
            return false;
        }
        let gap = self.newest.map_or(Millis::ZERO, |newest| at.since(newest));
        if self.samples.is_empty() {
            self.oldest = at;
        }
        self.newest = Some(at);
        let span = saturated(span);
        self.spans = Some(self.spans() + Millis(i64::from(span)));
        self.samples.push_back(Sample { gap: saturated(gap), span, value });
        true
    }

    /// The readings, oldest first.
    pub(super) fn readings(&self) -> impl Iterator<Item = Kept> + '_ {
        self.samples.iter().enumerate().scan(self.oldest, |at, (i, sample)| {
            if i > 0 {
                *at = *at + Millis(i64::from(sample.gap));
            }
            Some(Kept { at: *at, value: sample.value, span: Millis(i64::from(sample.span)) })
        })
    }

    /// When the last reading was measured.
    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// How much of the `length` up to the newest reading the readings speak for.
    pub(super) fn covered(&self, length: Millis) -> Millis {
        let Some(newest) = self.newest else { return Millis::ZERO };
        let edge = newest - length;
        // Only the oldest can speak for time before the edge: the spans of the others end at a reading that is held.
        let outside = self.samples.front().map_or(Millis::ZERO, |s| {
            let span = Millis(i64::from(s.span));
            span - span.min(self.oldest.since(edge))
        });
        self.spans() - outside
    }

    /// All readings summed up, energies only `with_energy`: they are dear.
    pub(super) fn digest(&self, with_energy: bool) -> Option<Digest> {
        let one = |r: Kept| Digest::new(r.at, r.value, if with_energy { energy(r.value) } else { 0.0 });
        let mut readings = self.readings();
        let first = one(readings.next()?);
        Some(readings.fold(first, |mut all, r| {
            all.append(&one(r));
            all
        }))
    }

    /// The value at the nearest rank. `scratch` is overwritten.
    pub(super) fn percentile(&self, percent: u8, scratch: &mut Vec<f64>) -> Option<f64> {
        if self.samples.is_empty() {
            return None;
        }
        scratch.clear();
        scratch.reserve_exact(EXACT_MOST);
        scratch.extend(self.samples.iter().map(|s| s.value));
        let rank = nearest_rank(percent, scratch.len() as u64) as usize;
        let (_, value, _) = scratch.select_nth_unstable_by(rank - 1, f64::total_cmp);
        Some(*value)
    }

    /// Memory behind it, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.samples.capacity() * size_of::<Sample>()
    }
}

fn saturated(length: Millis) -> u32 {
    u32::try_from(length.0.max(0)).unwrap_or(u32::MAX)
}
