//! The recent readings of one series, and the numbers that rules make of them.
//!
//! A [`Window`] of length W is told every accepted reading in strictly increasing event time and speaks of those in
//! `(t − W, t]`, where `t` is the newest: what lies exactly W back is out. Between readings its numbers are held; whether
//! they still count, and whether one that is not [full](Window::is_full) may fire or resolve, is the caller's to decide.
//!
//! ```text
//! Exact (≤ 512 readings) ── a 513th would lie in the window ─▶ Coarse (panes of W/64) ── restart ─▶ Exact, empty
//! ```
//!
//! **Exact:** every number is computed from the readings, in order of time. **Coarse:** whole panes are in or out, so that
//! the time spoken of is up to one pane (W/64, rounded up to a millisecond) too long, never too short, and exactly W where
//! the window begins at a pane's edge; a percentile is the middle of one of 64 bins over the plausible range, off by at
//! most half a bin. Readings that had left the window before it became coarse are in no pane.
//!
//! **Coverage** is the share of W that readings speak for: each covers the time from the one before it, at most the
//! device's interval; the first covers one interval. A mean of a quarter of the time is no mean of it: below 75 % mean,
//! percentile, leq, rate and delta say nothing.
//!
//! Memory: exact 16 bytes a reading, at most 8,192, kept once used and freed when coarse; coarse 66 × 88 = 5,808 bytes,
//! and 66 × 128 = 8,448 more with a percentile on it (up to 128 slots instead of 66 after decoding). Nothing is allocated
//! once the window is filled.

use minicbor::{Decode, Encode};

use crate::limit;
use crate::rule::Signal;
use crate::time::{Millis, Timestamp};

mod digest;
mod panes;
mod ring;
mod sketch;
mod stuck;
#[cfg(test)]
mod tests;

pub(super) use stuck::Stuck;

use digest::Digest;
use panes::Panes;
use ring::Ring;

/// Share of the window that readings must speak for before a mean, percentile, leq, rate or delta is told.
const COVERED_LEAST: f64 = 0.75;

/// The readings of one series over one length of time.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Window {
    #[n(0)]
    length: Millis,
    /// Smallest and largest plausible value, where a percentile is wanted.
    #[n(1)]
    plausible: Option<(f64, f64)>,
    /// Where the first reading's covered span begins; `None` while empty.
    #[n(2)]
    begun: Option<Timestamp>,
    #[n(3)]
    form: Form,
    /// What was worked out since the last reading came: rules share a window.
    #[cbor(skip)]
    summed: Summed,
}

/// Follows from the readings: neither saved nor compared.
#[derive(Clone, Copy, Debug, Default)]
struct Summed {
    /// With energies or without.
    digest: Option<(Digest, bool)>,
    coverage: Option<f64>,
}

impl PartialEq for Summed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
enum Form {
    #[n(0)]
    Exact(#[n(0)] Ring),
    #[n(1)]
    Coarse(#[n(0)] Panes),
}

impl Window {
    /// An empty window of a length from 1 ms to [`limit::MAX_DURATION`], which is forced on others. `plausible` is the
    /// quantity's smallest and largest plausible value where a percentile is wanted of it; without, it has none when coarse.
    pub(super) fn new(length: Millis, plausible: Option<(f64, f64)>) -> Self {
        debug_assert!(Millis::ZERO < length && length <= limit::MAX_DURATION, "window of {length:?}");
        let length = length.clamp(Millis(1), limit::MAX_DURATION);
        Self { length, plausible, begun: None, form: Form::Exact(Ring::default()), summed: Summed::default() }
    }

    /// Forgets everything; exact again.
    pub(super) fn restart(&mut self) {
        self.begun = None;
        self.summed = Summed::default();
        match &mut self.form {
            Form::Exact(ring) => ring.clear(),
            Form::Coarse(_) => self.form = Form::Exact(Ring::default()),
        }
    }

    /// Takes a finite value measured at `at`, later than all before, of a device that reports every `interval`.
    pub(super) fn push(&mut self, at: Timestamp, value: f64, interval: Millis) {
        let before = self.newest();
        self.summed = Summed::default();
        debug_assert!(value.is_finite(), "{value} in a window");
        debug_assert!(before.is_none_or(|b| b < at), "{at} after {before:?}");
        let interval = interval.max(Millis::ZERO);
        let span = before.map_or(interval, |b| interval.min(at.since(b)).max(Millis::ZERO));
        if self.begun.is_none() {
            self.begun = Some(at - interval);
        }
        let coarse = match &mut self.form {
            Form::Exact(ring) => {
                ring.leave(at - self.length);
                if ring.push(at, value, span) {
                    return;
                }
                let mut panes = Panes::new(self.length, self.plausible);
                ring.readings().for_each(|r| panes.push(r.at, r.value, r.span));
                panes.push(at, value, span);
                panes
            }
            Form::Coarse(panes) => return panes.push(at, value, span),
        };
        self.form = Form::Coarse(coarse);
    }

    /// The number that `signal` is, or `None` where there is none: the window is empty; too little of it is covered for
    /// a mean, percentile, leq, rate or delta; a rate or delta of one reading; [`Signal::Stuck`], which is no window's.
    /// `scratch` is overwritten; kept from call to call it is allocated once, 512 values long.
    pub(super) fn value(&mut self, signal: Signal, scratch: &mut Vec<f64>) -> Option<f64> {
        if needs_cover(signal) && self.coverage() < COVERED_LEAST {
            return None;
        }
        match (&self.form, signal) {
            (Form::Exact(ring), Signal::Percentile(percent)) => ring.percentile(percent, scratch),
            (Form::Coarse(panes), Signal::Percentile(percent)) => panes.percentile(percent),
            _ => self.digest(matches!(signal, Signal::Leq))?.read(signal),
        }
    }

    /// All readings summed up; `with_energy` where energies are wanted too.
    fn digest(&mut self, with_energy: bool) -> Option<Digest> {
        if let Some((digest, energies)) = self.summed.digest
            && (energies || !with_energy)
        {
            return Some(digest);
        }
        let digest = match &self.form {
            Form::Exact(ring) => ring.digest(with_energy),
            Form::Coarse(panes) => panes.digest(),
        }?;
        self.summed.digest = Some((digest, with_energy));
        Some(digest)
    }

    /// Share of the window that its readings speak for, 0 to 1.
    pub(super) fn coverage(&mut self) -> f64 {
        *self.summed.coverage.get_or_insert_with(|| {
            let covered = match &self.form {
                Form::Exact(ring) => ring.covered(self.length),
                Form::Coarse(panes) => panes.covered(),
            };
            (covered.0 as f64 / self.length.0 as f64).min(1.0)
        })
    }

    /// Whether the first reading's covered span begins a whole length before the newest reading, or earlier.
    pub(super) fn is_full(&self) -> bool {
        matches!((self.begun, self.newest()), (Some(begun), Some(newest)) if newest.since(begun) >= self.length)
    }

    /// Memory it takes, in bytes, its own size included.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Exact(ring) => ring.bytes(),
                Form::Coarse(panes) => panes.bytes(),
            }
    }

    /// When the newest reading was measured.
    fn newest(&self) -> Option<Timestamp> {
        match &self.form {
            Form::Exact(ring) => ring.newest(),
            Form::Coarse(panes) => panes.newest(),
        }
    }
}

/// Whether the signal is only told of a window that is covered well enough.
const fn needs_cover(signal: Signal) -> bool {
    match signal {
        Signal::Mean | Signal::Rate { .. } | Signal::Delta | Signal::Percentile(_) | Signal::Leq => true,
        Signal::Last
        | Signal::Min
        | Signal::Max
        | Signal::Sum
        | Signal::Count
        | Signal::Range
        | Signal::Stuck { .. }
        | Signal::Baseline { .. } => false,
    }
}

/// Which one in order, from 1, of `count` values the percentile is: the nearest rank, `⌈percent · count / 100⌉`.
fn nearest_rank(percent: u8, count: u64) -> u64 {
    debug_assert!((1..=99).contains(&percent), "percentile {percent}");
    u64::from(percent).saturating_mul(count).div_ceil(100).clamp(1, count.max(1))
}
