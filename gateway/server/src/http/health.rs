//! Health, readiness, metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use maibo_api as api;

use super::HttpState;
use crate::history::History;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether every part does its work.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = api::Ready), (status = 503, body = api::Ready)))]
pub(super) async fn readyz(State(state): State<HttpState>) -> impl IntoResponse {
    let parts = api::Parts {
        evaluating: evaluating(&state),
        history: !state.projection.progress().failing && state.history.as_ref().is_none_or(History::caught_up),
        sources: state.picture.sources().iter().any(|s| s.state == api::SourceState::Listening),
    };
    let ready = parts.evaluating && parts.history && parts.sources && !state.stop.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(api::Ready { ready, parts }))
}

/// Whether rules are being judged: the decider holds the other end of this as long as it runs.
pub(super) fn evaluating(state: &HttpState) -> bool {
    state.shared.facts_wake.has_changed().is_ok()
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.shared.metrics.text())
}
