//! Health, readiness, metrics.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use maibo_api as api;

use super::HttpState;
use crate::history::Progress;

/// A read must have come as far as the record within this time to be called ready: shorter than what asks about health
/// usually waits, longer than the follower takes for a batch.
const READ_WAIT: Duration = Duration::from_millis(500);

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
        history: history(&state).await,
        sources: state.picture.sources().iter().any(|s| s.state == api::SourceState::Listening),
    };
    let ready = parts.evaluating && parts.history && parts.sources && !state.stop.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(api::Ready { ready, parts }))
}

/// Whether rules are being judged: the decider holds the other end of this as long as it runs, and takes steps as long as
/// it is not stuck, and the disk has room for what it would judge.
pub(super) fn evaluating(state: &HttpState) -> bool {
    state.shared.facts_wake.has_changed().is_ok() && state.picture.evaluating()
}

/// Whether lists have everything that is on record: the alerts up to the newest fact, the readings at least up to what the
/// log had at the start. A part of a list must not look like the whole of it.
async fn history(state: &HttpState) -> bool {
    if state.history.as_ref().is_some_and(|h| !complete(h.progress())) || state.projection.progress().failing {
        return false;
    }
    let facts = *state.shared.facts_wake.borrow();
    state.projection.reached(facts, READ_WAIT).await
}

const fn complete(progress: Progress) -> bool {
    progress.caught_up && !progress.failing
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.shared.metrics.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: history that has not caught up, or that fails at present although it once had, is not ready.
    #[test]
    fn history_is_complete_or_not() {
        let of = |caught_up, failing| complete(Progress { caught_up, failing, ..Progress::default() });
        assert!(of(true, false));
        assert!(!of(false, false) && !of(true, true) && !of(false, true));
    }
}
