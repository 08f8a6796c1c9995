//! The city's index, and what lowers it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Params;
use super::{Fault, HttpState};
use crate::live::{Part, Scope};

/// The index of the city, of its domains and of its districts, with coverage and counts.
#[utoipa::path(get, path = "/api/v1/index", tag = "index", responses((status = 200, body = api::Index)))]
pub(super) async fn index(State(state): State<HttpState>, scope: Scope) -> Result<Json<api::Index>, Fault> {
    // Goes over every device.
    let picture = Arc::clone(&state.picture);
    Ok(Json(state.blocking(move || picture.index(&scope)).await?))
}

/// Parameters of the explanation of an index.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// `city` (the default), `domain:<domain>`, `district:<code>`, `street:<code>`, or one of the latter two in one domain
    /// as `district:<code>/<domain>`; `district:none` is what lies in no district.
    of: Option<String>,
}

/// What makes one index what it is: its children with score, weight and coverage, and what caps it.
#[utoipa::path(get, path = "/api/v1/index/explain", tag = "index", params(ExplainQuery),
    responses((status = 200, body = api::IndexExplanation), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem)))]
pub(super) async fn explain(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<ExplainQuery>,
) -> Result<Json<api::IndexExplanation>, Fault> {
    let part = Part::parse(query.of.as_deref().unwrap_or("city")).ok_or_else(|| {
        Fault::bad_request("of: must be city, domain:traffic, district:110105, street:110105003, or one of the latter two as district:110105/traffic")
    })?;
    let picture = Arc::clone(&state.picture);
    let explained = state.blocking(move || picture.explain(&scope, &part)).await?;
    explained.map(Json).ok_or_else(|| Fault::not_found("there is no such part of the city, or nothing in it"))
}
