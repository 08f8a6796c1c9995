//! How long a value has not moved. No window: a run of readings has no fixed length.

use minicbor::{Decode, Encode};

use crate::time::Timestamp;

/// A run of readings that all lie near the first of it.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Stuck {
    /// When the first was measured.
    #[n(0)]
    pub(in crate::engine) since: Timestamp,
    /// Its value.
    #[n(1)]
    pub(in crate::engine) value: f64,
}

impl Stuck {
    /// A run begins with this reading.
    pub(in crate::engine) const fn begin(at: Timestamp, value: f64) -> Self {
        Self { since: at, value }
    }

    /// Takes the next reading and says how long the run has lasted, in seconds. A new run begins behind a `gap`, or
    /// where the value lies further than `tolerance` (at least 0; inclusive, in binary: 20.1 lies a little further than
    /// 0.1 from 20.0) from the first of the run.
    pub(in crate::engine) fn observe(&mut self, at: Timestamp, value: f64, tolerance: f64, gap: bool) -> f64 {
        debug_assert!(value.is_finite() && tolerance >= 0.0, "{value} within {tolerance}");
        // Finite values differ by nothing only where they are equal, so that tolerance 0 needs no case of its own.
        if gap || (value - self.value).abs() > tolerance {
            *self = Self::begin(at, value);
        }
        at.since(self.since).0 as f64 / 1000.0
    }
}
