//! Maibo's own ears: which of them hear nothing, through no fault of the devices.
//!
//! A machine does not know which source a device speaks through. So while any ear is deaf every device counts as not
//! heard, until it proves otherwise: its next sign of life, or its next reading for a series, ends the deafness for it.

use std::collections::BTreeSet;

use crate::id::SourceId;
use crate::limit;

/// The ears of one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ears {
    /// Maibo was stopped, and no source has reported yet.
    pub(super) all: bool,
    /// Sources that are deaf by name.
    pub(super) deaf: BTreeSet<SourceId>,
}

impl Ears {
    /// A source went deaf; `None` is a start after a stop, from which on every source reports anew.
    pub(super) fn deafen(&mut self, source: Option<&SourceId>) {
        match source {
            None => {
                self.deaf.clear();
                self.all = true;
            }
            Some(source) if self.deaf.len() < limit::MAX_SOURCES => drop(self.deaf.insert(source.clone())),
            Some(_) => {}
        }
    }

    /// A source hears. True where with it everything does.
    pub(super) fn listen(&mut self, source: &SourceId) -> bool {
        self.all = false;
        self.deaf.remove(source);
        self.deaf.is_empty()
    }
}
