//! Others' alarms come in: `POST /api/v1/alarms` takes CAP, `POST /api/v2/alerts` what Prometheus posts to an Alertmanager.
//! `GET /api/v2/alerts` lists Maibo's own open alerts as an Alertmanager does, for tools that ask one.
//!
//! 200 means that what was posted is in the inputs log, synced. Of a list the good ones are taken where others are refused.
//!
//! Limits: [`alarms::BODY_MAX`] bytes; of refusals the first [`NAMED`] are named.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use maibo_api as api;
use maibo_core::reading::Event;
use maibo_store::state::AlertFilter;

use super::{Fault, HttpState};
use crate::Chain;
use crate::alarms::{self, AlarmSource, Kind, alertmanager, cap};
use crate::ingest::{Receipt, Refused, Settled};
use crate::live::Scope;

mod list;

/// Refusals that are named in an answer.
const NAMED: usize = 10;

/// Takes one CAP message.
#[utoipa::path(post, path = "/api/v1/alarms", tag = "alarms",
    params(("Authorization" = String, Header, description = "`Bearer` and the sender's token")),
    request_body(content = String, content_type = "application/cap+xml"),
    responses((status = 200, body = api::AlarmTaken), (status = 400, body = api::Problem),
        (status = 401, body = api::Problem), (status = 413, body = api::Problem), (status = 429, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn cap(State(state): State<HttpState>, request: Request) -> Result<Json<api::AlarmTaken>, Fault> {
    let source = sender(&state, Kind::Cap, request.headers())?;
    let body = body(request, &state).await?;
    let received = state.shared.ingest.now();
    let text = std::str::from_utf8(&body).map_err(|_| refused(&state, &source, "the message is not UTF-8"));
    let read = text
        .and_then(|text| cap::parse(text.trim_start_matches('\u{feff}')).map_err(|why| refused(&state, &source, &why)));
    let message = read?;
    if message.does == cap::Does::Nothing {
        let why = format!("{} {} is understood and not taken", message.status, message.kind);
        return Ok(Json(api::AlarmTaken { taken: 0, ignored: Some(why) }));
    }
    let (shared, name) = (state.shared.clone(), source.id.clone());
    let link = move || {
        let links = shared.chains.links(name.as_str(), &message, received);
        (links, message)
    };
    let (links, message) = state.blocking(link).await?;
    let links = links.map_err(|error| {
        tracing::error!(error = %Chain(&error), "a CAP message cannot be taken");
        Fault::unavailable("the chain of the message cannot be kept", 5)
    })?;
    let events = cap::events(&message, &links, &source, received);
    let taken = events.len();
    report(&state, &source, events).await?;
    Ok(Json(api::AlarmTaken { taken, ignored: None }))
}

/// Takes alerts as Prometheus posts them.
#[utoipa::path(post, path = "/api/v2/alerts", tag = "alarms",
    params(("Authorization" = String, Header, description = "`Bearer` and the sender's token")),
    request_body = Vec<api::PostableAlert>,
    responses((status = 200, description = "all are taken"), (status = 400, body = api::Problem),
        (status = 401, body = api::Problem), (status = 413, body = api::Problem), (status = 429, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn post(State(state): State<HttpState>, request: Request) -> Result<StatusCode, Fault> {
    let source = sender(&state, Kind::Alertmanager, request.headers())?;
    let body = body(request, &state).await?;
    let received = state.shared.ingest.now();
    let read = alertmanager::parse(&body, &source, received).map_err(|why| refused(&state, &source, &why));
    let (events, problems) = read?;
    report(&state, &source, events).await?;
    if problems.is_empty() {
        return Ok(StatusCode::OK);
    }
    let more = problems.len().saturating_sub(NAMED);
    let mut named = problems.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 {
        let _ = write!(named, "; and {more} more");
    }
    Err(refused(&state, &source, &named))
}

/// Open alerts as an Alertmanager lists them, newest first, at most 1,000.
#[utoipa::path(get, path = "/api/v2/alerts", tag = "alarms", params(list::ListQuery),
    responses((status = 200, body = Vec<api::GettableAlert>), (status = 400, body = api::Problem)))]
pub(super) async fn get(
    State(state): State<HttpState>,
    scope: Scope,
    uri: axum::http::Uri,
) -> Result<Json<Vec<api::GettableAlert>>, Fault> {
    let wanted = list::Wanted::parse(uri.query().unwrap_or_default())?;
    let filter = AlertFilter { state: Some("firing".to_owned()), ..AlertFilter::default() };
    let rows = state.stored(move |r| r.alerts(&filter, None, maibo_store::state::PAGE_MAX)).await?;
    let seen = rows.into_iter().filter(|row| scope.allows_alert(&row.alert));
    let all = seen.map(|row| list::alert(&state.picture.shown(&row.alert)));
    Ok(Json(all.filter(|alert| wanted.takes(alert)).collect()))
}

/// Whose token a request has.
fn sender(state: &HttpState, kind: Kind, headers: &HeaderMap) -> Result<AlarmSource, Fault> {
    let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let found = token.and_then(|(_, token)| alarms::sender(&state.shared.settings.alarms, kind, token.trim()));
    found
        .cloned()
        .ok_or_else(|| Fault::unauthorized("a sender of alarms has to say its token: Authorization: Bearer …"))
}

async fn body(mut request: Request, state: &HttpState) -> Result<Bytes, Fault> {
    DefaultBodyLimit::max(alarms::BODY_MAX).apply(&mut request);
    match Bytes::from_request(request, state).await {
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(e)) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Fault::too_large(format!("the body is longer than {} bytes", alarms::BODY_MAX)))
        }
        Err(e) => Err(Fault::bad_request(e.body_text())),
    }
}

/// Counts and keeps a refusal.
fn refused(state: &HttpState, source: &AlarmSource, why: &str) -> Fault {
    let (shared, kind) = (&state.shared, source.kind.as_str());
    shared.metrics.rejected.with_label_values(&[kind, "bad_alarm"]).inc();
    shared.quarantine.note(shared.clock.now(), &source.id, &format!("alarms/{kind}"), "bad_alarm", why);
    Fault::bad_request(why)
}

/// Gives events to the pipeline and waits until they are durable.
async fn report(state: &HttpState, source: &AlarmSource, events: Vec<Event>) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let (receipt, settled) = Receipt::waited();
    let topic = format!("alarms/{}", source.kind.as_str());
    let work = async {
        state.shared.ingest.report(&source.id, &topic, events, receipt).await?;
        Ok::<_, Refused>(settled.await == Ok(Settled::Durable))
    };
    match tokio::time::timeout(state.limits.command, work).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Err(Refused::Flood(wait))) => {
            let seconds = u32::try_from(wait.max(Duration::from_secs(1)).as_secs()).unwrap_or(u32::MAX);
            Err(Fault::too_often("the sender reports more than its device may", seconds))
        }
        Ok(Err(Refused::Unknown)) => Err(Fault::unavailable("the sender's device is not in the catalogue", 60)),
        Ok(Err(Refused::Stopped)) => Err(Fault::unavailable("the server is stopping", 5)),
        Ok(Ok(false)) | Err(_) => Err(Fault::unavailable("not durable in time; send it again", 2)),
    }
}
