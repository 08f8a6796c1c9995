//! What the city machine knows of each open alert of a device, from what the partitions told.

use minicbor::{Decode, Encode};

use crate::id::{DeviceId, PlaceCode, RuleId};
use crate::input::Told;
use crate::place::Level;
use crate::time::Timestamp;

/// One open alert of a device.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Member {
    #[n(0)]
    pub(in crate::engine) rule: RuleId,
    /// As of its opening.
    #[n(1)]
    pub(in crate::engine) place: Option<PlaceCode>,
    #[n(2)]
    pub(in crate::engine) level: Level,
    /// When it reached each level up to its own, event time; a level that was left counts anew.
    #[n(3)]
    pub(in crate::engine) since: [Timestamp; 4],
    #[n(4)]
    pub(in crate::engine) historic: bool,
    /// `None` only in what was saved before this was kept.
    #[n(5)]
    pub(in crate::engine) device: Option<DeviceId>,
}

impl Member {
    /// An alert that was not known before.
    pub(super) fn new(told: &Told) -> Self {
        Self {
            rule: told.rule.clone(),
            place: told.place.clone(),
            level: told.level,
            since: [told.at; 4],
            historic: told.historic,
            device: told.subject.device().cloned(),
        }
    }

    /// The same alert after a change.
    pub(super) fn changed(&self, told: &Told) -> Self {
        let mut next = Self { level: told.level, historic: told.historic, ..self.clone() };
        for level in Level::ALL.into_iter().filter(|l| *l > self.level) {
            next.since[level as usize] = told.at;
        }
        next
    }
}
