//! A drill as it is asked for, and what its alert is about.

use maibo_core::id::DrillId;
use maibo_core::input::Drill;

use super::*;

fn name() -> DrillId {
    DrillId::new("flood-2026").expect("id")
}

pub(super) fn subject() -> Subject {
    Subject::Drill(name())
}

pub(super) fn input() -> Input {
    Input::Drill(Box::new(Drill {
        name: name(),
        title: Found::new("内涝演练", "flood exercise"),
        domain: Domain::Emergency,
        place: PlaceCode::new("110105").ok(),
        level: Level::Red,
        lasts: Millis(3_600_000),
        by: actor(),
    }))
}
