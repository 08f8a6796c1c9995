//! From a message to the machine: the real decoders in front of a scenario's world.

#![allow(dead_code, reason = "each test target uses its own part")]

use maibo_core::decode::{ChirpStackSpec, DecodeStage, Decoded, Message, Profile, Route, TopicFilter};
use maibo_core::input::Input;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO};

/// One source with all formats, and what its last message gave.
pub(crate) struct Wire {
    stage: DecodeStage,
    pub(crate) last: Decoded,
}

impl Wire {
    /// The formats on their own topics.
    pub(crate) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// The same, and declared mappings as `(topic filter, mapping)`.
    pub(crate) fn mapped(mappings: &[(&str, &str)]) -> Self {
        let route = |(filter, spec): &(&str, &str)| {
            let spec = serde_json::from_str(spec).expect("a mapping");
            Route::new(TopicFilter::new(filter).expect("a filter"), Profile::Mapped(spec))
        };
        Self::with(mappings.iter().map(route).collect())
    }

    fn with(mut routes: Vec<Route>) -> Self {
        let chirpstack = Profile::ChirpStack(ChirpStackSpec::default());
        routes.extend([Profile::Native, chirpstack, Profile::OpenV2x].map(Route::standard));
        Self { stage: DecodeStage::new(routes).unwrap_or_else(|p| panic!("{p:?}")), last: Decoded::default() }
    }

    /// A message that comes now, after all that was due by then: one batch.
    pub(crate) fn send(&mut self, w: &mut World, topic: &str, payload: impl AsRef<[u8]>) {
        self.decode(w, topic, payload.as_ref(), false);
        let d = self.last.clone();
        let liveness = d.liveness.into_iter().map(Input::Liveness);
        let readings = d.readings.into_iter().map(Input::Reading);
        let events = d.events.into_iter().map(Input::Event);
        w.run(w.now()).batch(liveness.chain(readings).chain(events).collect());
    }

    /// The same, delivered by the broker from its store.
    pub(crate) fn send_retained(&mut self, w: &mut World, topic: &str, payload: impl AsRef<[u8]>) {
        self.decode(w, topic, payload.as_ref(), true);
        assert!(self.last.readings.is_empty() && self.last.events.is_empty() && self.last.liveness.is_empty());
    }

    fn decode(&mut self, w: &World, topic: &str, payload: &[u8], retained: bool) {
        self.last.clear();
        let m = Message { topic, payload, retained, received: Timestamp(ZERO + w.now()) };
        self.stage.decode(&m, &mut self.last);
    }

    /// Why the last message, or a part of it, was refused.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        self.last.problems.iter().map(|p| p.reason.as_str()).collect()
    }
}
