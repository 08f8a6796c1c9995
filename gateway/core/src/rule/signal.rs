//! What a rule looks at: the last value of a series, or a number that sums up its recent readings.

use crate::time::Millis;

/// A number made of the readings of one series. Except for [`Self::Last`], [`Self::Stuck`] and
/// [`Self::Baseline`] it is that of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// The newest value, in the quantity's unit.
    Last,
    /// The arithmetic mean, in the quantity's unit.
    Mean,
    /// The smallest value, in the quantity's unit.
    Min,
    /// The largest value, in the quantity's unit.
    Max,
    /// The sum, in the quantity's unit.
    Sum,
    /// How many readings there are; unit 1.
    Count,
    /// The largest value minus the smallest, in the quantity's unit.
    Range,
    /// The newest value minus the oldest, divided by the time between them; in the quantity's unit per `per`.
    Rate {
        /// The time it is told for, above 0.
        per: Millis,
    },
    /// The newest value minus the oldest, in the quantity's unit.
    Delta,
    /// The smallest value that at least so many percent of the readings do not exceed (nearest rank), 1 to 99; in the
    /// quantity's unit.
    Percentile(u8),
    /// The energy mean of levels, `10 · log10(mean(10^(v / 10)))` (Leq, GB 3096-2008), in the quantity's unit,
    /// which is dB.
    Leq,
    /// How long the value has not moved, in seconds.
    Stuck {
        /// How far a value may lie from the first of the run and count as the same; at least 0, in the quantity's unit.
        tolerance: f64,
    },
    /// How far the value departs from what is usual at its hour of the week, in deviations; unit 1.
    Baseline {
        /// Different weeks that the hour must have values of before anything is said, from 1.
        weeks: u8,
        /// The least that counts as one deviation; at least 0, in the quantity's unit.
        floor: f64,
    },
}

impl Signal {
    /// The word in packs and on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Range => "range",
            Self::Rate { .. } => "rate",
            Self::Delta => "delta",
            Self::Percentile(_) => "percentile",
            Self::Leq => "leq",
            Self::Stuck { .. } => "stuck",
            Self::Baseline { .. } => "baseline",
        }
    }

    /// Its parameter as a number, where it has one: what makes two of one word different.
    pub(super) const fn parameter(&self) -> u64 {
        match self {
            Self::Rate { per } => per.0.unsigned_abs(),
            Self::Percentile(rank) => *rank as u64,
            Self::Stuck { tolerance } => tolerance.to_bits(),
            _ => 0,
        }
    }

    /// Whether it lies in the quantity's own range, so that its limits can be compared with what is plausible.
    pub const fn is_a_value(self) -> bool {
        matches!(self, Self::Last | Self::Mean | Self::Min | Self::Max | Self::Percentile(_) | Self::Leq)
    }
}
