//! What the city machine knows of who is not told, for a first picture.

use super::Machine;
use crate::fact::Maintenance;
use crate::id::EpisodeId;

impl Machine {
    /// Inhibited alerts, each with the cause that is told instead of it. Only the city machine has them.
    pub fn inhibited(&self) -> Box<dyn Iterator<Item = (EpisodeId, EpisodeId)> + '_> {
        match self {
            Self::Partition(_) => Box::new(core::iter::empty()),
            Self::City(m) => Box::new(m.inhibited()),
        }
    }

    /// Maintenances planned or under way. Only the city machine has them.
    pub fn maintenances(&self) -> Box<dyn Iterator<Item = &Maintenance> + '_> {
        match self {
            Self::Partition(_) => Box::new(core::iter::empty()),
            Self::City(m) => Box::new(m.maintenances()),
        }
    }
}
