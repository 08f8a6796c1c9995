//! Whether Maibo can hear a series, and what time lost to deafness does to its timers.
//!
//! While Maibo is deaf nothing is known and no timer runs. When it hears again, a held value that still counts is known
//! again and its timers go on, ending later by the time lost. The next reading settles what the lost time was: measured
//! within it, the readings themselves speak for it; measured behind it, it counts for nothing.

use minicbor::{Decode, Encode};

use super::level::NEVER;
use crate::time::{Millis, Timestamp};

/// Whether Maibo hears a series. All times are engine times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) enum Mute {
    /// Yes, as far as is known.
    #[default]
    #[n(0)]
    No,
    /// No, and nothing came since.
    #[n(1)]
    Deaf {
        /// Since when.
        #[n(0)]
        from: Timestamp,
        /// Time lost to earlier deafness since the last reading.
        #[n(1)]
        lost: Millis,
    },
    /// Again; nothing came yet, but what is held still counts.
    #[n(2)]
    Again {
        /// Since when.
        #[n(0)]
        from: Timestamp,
        /// Time lost since the last reading.
        #[n(1)]
        lost: Millis,
    },
    /// Again; nothing came yet, and what is held is too old to count.
    #[n(3)]
    Waiting {
        /// Since when.
        #[n(0)]
        from: Timestamp,
        /// Time lost since the last reading.
        #[n(1)]
        lost: Millis,
    },
}

impl Mute {
    /// Whether what is held can be spoken of.
    pub(super) const fn is_known(self) -> bool {
        matches!(self, Self::No | Self::Again { .. })
    }

    /// Whether Maibo does not hear now.
    pub(super) const fn is_deaf(self) -> bool {
        matches!(self, Self::Deaf { .. })
    }

    /// Maibo does not hear since `from`; the last reading was taken at `taken`.
    pub(super) fn deafen(&mut self, from: Timestamp, taken: Timestamp) {
        *self = match *self {
            Self::No => Self::Deaf { from: from.max(taken), lost: Millis::ZERO },
            Self::Deaf { from, lost } => Self::Deaf { from, lost },
            Self::Again { from: again, lost } | Self::Waiting { from: again, lost } => {
                // A time that was borrowed can lie ahead, and then the value was taken behind the listening.
                Self::Deaf { from: from.max(again).max(taken), lost }
            }
        };
    }

    /// Maibo hears again; `counts` says whether what is held still does.
    pub(super) fn listen(&mut self, now: Timestamp, counts: bool) {
        if let Self::Deaf { from, lost } = *self {
            let lost = lost + now.since(from).max(Millis::ZERO);
            *self = if counts { Self::Again { from: now, lost } } else { Self::Waiting { from: now, lost } };
        }
    }

    /// Engine time jumped.
    pub(super) fn shift(&mut self, by: Millis) {
        match self {
            Self::No => {}
            Self::Deaf { from, .. } | Self::Again { from, .. } | Self::Waiting { from, .. } => *from = *from + by,
        }
    }

    /// What timers on a held value have to wait for; the series lags by `lag`.
    pub(super) fn pause(self, lag: Millis) -> Pause {
        match self {
            Self::No | Self::Deaf { .. } => Pause::NONE,
            Self::Again { from, lost } | Self::Waiting { from, lost } => Pause { until: from - lag, lost },
        }
    }
}

/// Time that counts for no timer that began before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// Its end, event time.
    until: Timestamp,
    lost: Millis,
}

impl Pause {
    /// No time at all.
    pub(super) const NONE: Self = Self { until: NEVER, lost: Millis::ZERO };

    /// The same as the next reading, measured at `at`, settles it: nothing is lost where readings cover it.
    pub(super) fn settled(self, at: Timestamp) -> Self {
        if at < self.until { Self::NONE } else { self }
    }

    /// Whether a value that counts until `end` counts behind it: timers on one that does not stand still.
    pub(super) fn leaves(self, end: Timestamp) -> bool {
        end > self.until
    }

    /// A timer's beginning, moved behind the time lost.
    pub(super) fn moved(self, since: Timestamp) -> Timestamp {
        if since < self.until { since + self.lost } else { since }
    }
}
