//! The sources of messages and how they do.

use maibo_api as api;
use maibo_core::id::SourceId;
use maibo_core::input::Input;
use maibo_core::time::Timestamp;

use super::words;
use crate::config::{Settings, Source};

/// A configured source.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// Its name.
    pub id: SourceId,
    /// `embedded` or `mqtt`.
    pub kind: &'static str,
    /// Its address.
    pub detail: Option<String>,
}

/// The sources that the settings name.
pub fn configured(settings: &Settings) -> Vec<SourceInfo> {
    let info = |source: &Source| {
        let detail = match source {
            Source::Mqtt(s) => format!("{}:{}", s.host, s.port),
            #[cfg(feature = "embedded-broker")]
            Source::Embedded(s) => s.listen.to_string(),
        };
        SourceInfo { id: source.id().clone(), kind: source.kind(), detail: Some(detail) }
    };
    settings.sources.iter().map(info).collect()
}

struct Ear {
    info: SourceInfo,
    state: api::SourceState,
    since: Timestamp,
}

/// All sources with their states. Sources that are not configured (any more) are not shown.
pub(super) struct Sources(Vec<Ear>);

impl Sources {
    /// All connecting.
    pub(super) fn new(sources: Vec<SourceInfo>, now: Timestamp) -> Self {
        let ear = |info| Ear { info, state: api::SourceState::Connecting, since: now };
        Self(sources.into_iter().map(ear).collect())
    }

    /// Takes note of what the city's partition heard.
    pub(super) fn note(&mut self, input: &Input, now: Timestamp) {
        match input {
            Input::Deaf { source: Some(source), from } => self.set(source, api::SourceState::Deaf, *from),
            Input::Listening { source } => self.set(source, api::SourceState::Listening, now),
            _ => {}
        }
    }

    fn set(&mut self, id: &SourceId, state: api::SourceState, since: Timestamp) {
        if let Some(found) = self.0.iter_mut().find(|s| s.info.id == *id)
            && found.state != state
        {
            (found.state, found.since) = (state, since);
        }
    }

    /// As told to the page.
    pub(super) fn list(&self) -> Vec<api::Source> {
        let source = |s: &Ear| api::Source {
            id: s.info.id.to_string(),
            kind: s.info.kind.to_owned(),
            state: s.state,
            since: words::time(s.since),
            detail: s.info.detail.clone(),
            error: None,
        };
        self.0.iter().map(source).collect()
    }
}
