//! The state of the whole.

use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use maibo_core::fact::ENGINE_VERSION;
use maibo_core::time::Timestamp;
use prometheus::core::Collector;

use super::{HttpState, health};
use crate::influx::{SinkState, SinkStatus};
use crate::live::{Scope, words};

/// What runs, since when, and how much went through.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = api::Status)))]
pub(super) async fn status(State(state): State<HttpState>, scope: Scope) -> Json<api::Status> {
    let shared = &state.shared;
    let tally = state.picture.tally(&scope);
    let roster = state.picture.roster();
    let now = state.picture.now(shared.clock.now());
    Json(api::Status {
        product: "maibo".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: state.mode.to_owned(),
        started_at: words::time(shared.started_at),
        now: words::time(now),
        durability: shared.durability.to_owned(),
        engine_version: ENGINE_VERSION,
        rules_version: roster.rules_version.to_string(),
        catalogue_version: roster.catalogue_version.to_string(),
        evaluating: health::evaluating(&state),
        devices: tally.devices,
        online: tally.online,
        sources: state.picture.sources().into_iter().map(|source| explained(source, &state)).collect(),
        sinks: state.sinks.iter().map(|sink| shown(sink, now)).collect(),
        counters: api::Counters {
            messages: sum(&shared.metrics.messages),
            readings: shared.metrics.readings.get(),
            events: state.picture.events(),
            rejected: sum(&shared.metrics.rejected),
            facts: shared.metrics.facts.get(),
            divergences: shared.divergences,
            unregistered: shared.unregistered.len() as u64,
        },
        log: api::LogState { inputs_bytes: state.inputs_bytes.load(Relaxed), facts: *shared.facts_wake.borrow() },
    })
}

/// With the reason why it does not listen.
fn explained(source: api::Source, state: &HttpState) -> api::Source {
    let deaf = source.state != api::SourceState::Listening;
    let error = deaf.then(|| state.shared.ingest.troubles.of(&source.id)).flatten();
    api::Source { error, ..source }
}

fn shown(sink: &SinkStatus, now: Timestamp) -> api::Sink {
    let view = sink.view();
    api::Sink {
        id: sink.id.to_owned(),
        kind: "influxdb2".to_owned(),
        state: match view.state {
            SinkState::Off => api::SinkState::Off,
            SinkState::Running => api::SinkState::Running,
            SinkState::Behind => api::SinkState::Behind,
            SinkState::Down => api::SinkState::Down,
            SinkState::Refused => api::SinkState::Refused,
        },
        since: words::time(view.since),
        detail: sink.target.to_string(),
        age_ms: view.age(now).0,
        until: view.until.map(words::time),
        written: view.written,
        rejected: view.rejected,
        skipped: view.skipped,
        gaps: view.gaps,
        gap: view.gap.map(|gap| api::SinkGap { from: gap.from.map(words::time), to: gap.to.map(words::time) }),
        error: view.error,
    }
}

/// A counter family over all its labels, by way of its text: the accessors differ with the library's features.
fn sum(family: &prometheus::IntCounterVec) -> u64 {
    let text = prometheus::TextEncoder::new().encode_to_string(&family.collect()).unwrap_or_default();
    let samples = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.rsplit(' ').next());
    samples.filter_map(|v| v.parse::<f64>().ok()).sum::<f64>() as u64
}
