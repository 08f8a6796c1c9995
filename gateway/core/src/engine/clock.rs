//! Which time a reading is judged at, and how far engine time jumps with the wall clock.

use super::watch::Watch;
use crate::limit;
use crate::reading::{Quality, Reading};
use crate::registry::Device;
use crate::time::{Millis, Timestamp};

/// From event time to engine time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// A reading brought it about: decided when the reading was taken.
    At(Timestamp),
    /// A deadline of a series with this lag, decided no earlier than the given engine time.
    Lag(Millis, Timestamp),
}

impl Pace {
    /// Engine time of a decision at this event time.
    pub(super) fn decided(self, event: Timestamp) -> Timestamp {
        match self {
            Self::At(now) => now,
            Self::Lag(lag, floor) => (event + lag).max(floor),
        }
    }
}

/// The time a reading is judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// The device's own.
    Own(Timestamp),
    /// The receive time: the device gives none, or one that cannot be used.
    Borrowed {
        /// The receive time.
        at: Timestamp,
        /// What the device claims, where it claims anything.
        claimed: Option<Timestamp>,
        /// Whether the clock is at fault, and not just a little ahead.
        wrong: bool,
    },
    /// None: history only.
    TooOld,
}

/// The time a reading is judged at. `held` is the time of the last value of its series.
///
/// A device ahead of Maibo is judged at the receive time: a little ahead is jitter, far ahead is a wrong clock, and
/// neither may reach into the future. A wrong clock never silences a value, so it is looked for before age.
pub(super) fn stamp(
    reading: &Reading,
    now: Timestamp,
    held: Option<Timestamp>,
    watch: &mut Watch,
    device: &Device,
) -> Stamp {
    let received = reading.received.min(now);
    if !reading.timed {
        return Stamp::Borrowed { at: received, claimed: None, wrong: reading.quality == Quality::Clock };
    }
    let lead = reading.at.since(received);
    let impossible = reading.at < Timestamp::EARLIEST || lead > limit::MAX_LEAD || reading.quality == Quality::Clock;
    let wrong = impossible || watch.lags_steadily(reading.at, received, held, device);
    if wrong || lead > Millis::ZERO {
        return Stamp::Borrowed { at: received, claimed: Some(reading.at), wrong };
    }
    if received.since(reading.at) > limit::MAX_AGE {
        return Stamp::TooOld;
    }
    Stamp::Own(reading.at)
}

/// By how much engine time jumped with a wall clock that stepped by `by`: engine time never goes back, and does not move
/// with a forward step that only undoes an earlier backward one.
pub(super) fn jump(by: Millis, last: Option<Timestamp>, now: Timestamp) -> Millis {
    let moved = last.map_or(Millis::ZERO, |last| now.since(last));
    Millis(by.0.clamp(0, moved.0.max(0)))
}
