//! Receivers: who is told, how they do, and whether a message gets through now.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;

use super::extract::{Body, Caller};
use super::{Fault, HttpState};
use crate::clock::{Clock, SystemClock};
use crate::deliver::{NoTest, Shown, Way};
use crate::live::words;

/// Receivers, in the order of the configuration.
#[utoipa::path(get, path = "/api/v1/receivers", tag = "deliveries",
    responses((status = 200, body = Vec<api::Receiver>)))]
pub(super) async fn list(State(state): State<HttpState>) -> Result<Json<Vec<api::Receiver>>, Fault> {
    let pending = match state.outbox.clone() {
        None => None,
        Some(outbox) => {
            let read = move || outbox.lock().unwrap_or_else(PoisonError::into_inner).pending();
            let rows = state.blocking(read).await?.map_err(|e| Fault::internal(&e))?;
            Some(rows.into_iter().collect::<BTreeMap<_, _>>())
        }
    };
    let shown = state.receivers.all();
    Ok(Json(shown.map(|shown| receiver(&shown, pending.as_ref())).collect()))
}

/// Sends a message that is marked as a test, at once and past what is owed, and says what came of it.
#[utoipa::path(post, path = "/api/v1/receivers/{name}/test", tag = "deliveries",
    params(("name" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = Object,
    responses((status = 200, body = api::ReceiverTest), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 413, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn test(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Body(body): Body<serde_json::Map<String, serde_json::Value>>,
) -> Result<Json<api::ReceiverTest>, Fault> {
    if let Some(key) = body.keys().next() {
        return Err(Fault::bad_request(format!("body: unknown field `{key}`; a test has none")));
    }
    let now = SystemClock::default().wall();
    let tested = state.receivers.test(&name, actor.as_str(), now).await.map_err(|why| match why {
        NoTest::Unknown => Fault::not_found("there is no receiver of that name"),
        NoTest::Busy => Fault::unavailable("another test is under way; one runs at a time", 5),
        NoTest::TooMany => Fault::unavailable("five tests a minute to one receiver are enough", 60),
    })?;
    Ok(Json(api::ReceiverTest {
        receiver: name,
        message: tested.message,
        delivered: tested.delivered,
        error: tested.error,
        status: tested.status,
        latency_ms: u64::try_from(tested.took.as_millis()).unwrap_or(u64::MAX),
    }))
}

fn receiver(shown: &Shown<'_>, pending: Option<&BTreeMap<String, u64>>) -> api::Receiver {
    let Shown { target, receiver, failing, took, open } = shown;
    let matcher = &receiver.matcher;
    let health = if failing.is_some() { api::ReceiverHealth::Failing } else { api::ReceiverHealth::Well };
    let format = if matches!(target.way, Way::Mail(_)) { "mail" } else { target.manner.format.as_str() };
    api::Receiver {
        name: receiver.name.clone(),
        kind: target.way.kind().to_owned(),
        format: format.to_owned(),
        host: target.way.host().to_owned(),
        mode: receiver.mode.as_str().to_owned(),
        min_level: words::level(matcher.min_level),
        domains: matcher.domains.iter().map(|d| words::domain(*d)).collect(),
        districts: matcher.districts.iter().map(ToString::to_string).collect(),
        rules: matcher.rules.iter().map(ToString::to_string).collect(),
        kinds: matcher.kinds.iter().map(ToString::to_string).collect(),
        during: matcher
            .hours
            .iter()
            .flat_map(maibo_core::rule::Schedule::periods)
            .map(|period| period.name.to_string())
            .collect(),
        from_reminder: matcher.from_reminder,
        planned: matcher.planned,
        per_minute: target.per_minute,
        health,
        circuit: if *open { api::Circuit::Open } else { api::Circuit::Closed },
        failing_since: failing.as_ref().map(|f| words::time(f.since)),
        last_error: failing.as_ref().and_then(|f| f.error.clone()),
        needs_operator: failing.as_ref().is_some_and(|f| f.needs_operator),
        last_success: took.map(words::time),
        pending: pending.map(|p| p.get(&receiver.name).copied().unwrap_or(0)),
    }
}
