//! Which sources listen, as the sequencer last heard from them: what must be said again after a stall of Maibo itself.

use std::collections::BTreeMap;

use maibo_core::id::SourceId;
use maibo_core::input::Input;
use maibo_core::time::Timestamp;

/// The sources by name, each with the beginning of its deafness; bounded by the configuration.
#[derive(Debug, Default)]
pub struct Ears(BTreeMap<SourceId, Option<Timestamp>>);

impl Ears {
    /// A source listens.
    pub fn listening(&mut self, source: SourceId) {
        self.0.insert(source, None);
    }

    /// A source hears nothing since then.
    pub fn deaf(&mut self, source: SourceId, from: Timestamp) {
        self.0.insert(source, Some(from));
    }

    /// What every machine is told after a stall: Maibo heard nothing since `from`; then how each source stands now.
    pub fn anew(&self, from: Timestamp) -> Vec<Input> {
        let stands = self.0.iter().map(|(source, deaf)| {
            let source = source.clone();
            match deaf {
                None => Input::Listening { source },
                Some(from) => Input::Deaf { source: Some(source), from: *from },
            }
        });
        std::iter::once(Input::Deaf { source: None, from }).chain(stands).collect()
    }
}
