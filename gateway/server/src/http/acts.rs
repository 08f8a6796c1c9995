//! Commands on alerts besides `acknowledge`, which has what they share.

use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::input::{Act, Stage};

use super::acknowledge::{Carried, carry_out, note};
use super::extract::{Body, Caller};
use super::{Fault, HttpState};
use crate::live::{Scope, words};

/// Says who works on an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/assign", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Assign,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn assign(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Assign>,
) -> Result<Carried, Fault> {
    let act = Act::Assign { to: body.to.as_str().into(), note: note(body.note.as_deref().unwrap_or_default())? };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// Says something about an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/comment", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Comment,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn comment(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Comment>,
) -> Result<Carried, Fault> {
    let act = Act::Comment { note: note(&body.note)? };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// Stops telling receivers of an alert for a while.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/silence", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Silence,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn silence(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Silence>,
) -> Result<Carried, Fault> {
    let until = words::parse_time(&body.until).ok_or_else(|| Fault::bad_request("until: is not an RFC 3339 time"))?;
    let act = Act::Silence { until, note: note(&body.note)? };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// Ends a silence.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/unsilence", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Unsilence,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn unsilence(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Unsilence>,
) -> Result<Carried, Fault> {
    let act = Act::Unsilence;
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// Ends an alert: one whose data are stale, or by force. There are no roles yet: whoever may give commands may force, and
/// the record has the name.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/close", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Close,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn close(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Close>,
) -> Result<Carried, Fault> {
    let act = Act::Close { note: note(body.note.as_deref().unwrap_or_default())?, forced: body.forced };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// Reports what is done about an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/feedback", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Feedback,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn feedback(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Feedback>,
) -> Result<Carried, Fault> {
    let stage = match body.stage {
        api::Stage::Responding => Stage::Responding,
        api::Stage::FedBack => Stage::FedBack,
    };
    let act = Act::Feedback { stage, note: note(&body.note)? };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}
