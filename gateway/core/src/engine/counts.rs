//! Counts of several outputs together.

use core::ops::AddAssign;

use super::{Counts, EventCounts};

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        // Taken apart so that a new count cannot be left out.
        let Self {
            judged,
            late,
            late_exceeding,
            duplicate,
            conflict,
            too_old,
            clock,
            incomparable,
            unregistered,
            refused,
            undefined,
            events,
        } = other;
        self.judged += judged;
        self.late += late;
        self.late_exceeding += late_exceeding;
        self.duplicate += duplicate;
        self.conflict += conflict;
        self.too_old += too_old;
        self.clock += clock;
        self.incomparable += incomparable;
        self.unregistered += unregistered;
        self.refused += refused;
        self.undefined += undefined;
        self.events += events;
    }
}

impl AddAssign for EventCounts {
    fn add_assign(&mut self, other: Self) {
        let Self { judged, duplicate, late, too_old, unknown, refused, ignored, unregistered } = other;
        self.judged += judged;
        self.duplicate += duplicate;
        self.late += late;
        self.too_old += too_old;
        self.unknown += unknown;
        self.refused += refused;
        self.ignored += ignored;
        self.unregistered += unregistered;
    }
}
