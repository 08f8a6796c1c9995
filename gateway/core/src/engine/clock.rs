//! Which time a reading is judged at, and how far engine time jumps with the wall clock.

use crate::limit;
use crate::reading::{Quality, Reading};
use crate::time::{Millis, Timestamp};

use super::Counts;

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

/// The time a reading is judged at, or `None` where it is history only.
///
/// A device ahead of Maibo is judged at the receive time: a little ahead is jitter, far ahead is a wrong clock, and
/// neither may reach into the future. A wrong clock never silences a value.
pub(super) fn judged_at(reading: &Reading, now: Timestamp, counts: &mut Counts) -> Option<Timestamp> {
    let received = reading.received.min(now);
    if !reading.timed {
        return Some(received);
    }
    let lead = reading.at.since(received);
    let wrong = reading.at < Timestamp::EARLIEST || lead > limit::MAX_LEAD || reading.quality == Quality::Clock;
    if wrong {
        counts.clock += 1;
    }
    if wrong || lead > Millis::ZERO {
        return Some(received);
    }
    if received.since(reading.at) > limit::MAX_AGE {
        counts.too_old += 1;
        return None;
    }
    Some(reading.at)
}

/// By how much engine time jumped with a wall clock that stepped by `by`: engine time never goes back, and does not move
/// with a forward step that only undoes an earlier backward one.
pub(super) fn jump(by: Millis, last: Option<Timestamp>, now: Timestamp) -> Millis {
    let moved = last.map_or(Millis::ZERO, |last| now.since(last));
    Millis(by.0.clamp(0, moved.0.max(0)))
}
