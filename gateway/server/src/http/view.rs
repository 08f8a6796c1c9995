//! What the page loads before it listens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maibo_api as api;

use super::{Fault, HttpState};
use crate::live::Scope;

/// The one view there is. It is encoded once for everybody, so that a caller who may see a part of it only is told that
/// there is none; whoever gives out such scopes needs views for them.
const VIEW: &str = "city";

/// The device columns; a device is its position in them.
#[utoipa::path(get, path = "/api/v1/view/devices", tag = "view",
    responses((status = 200, body = api::ViewDevices), (status = 304)))]
pub(super) async fn devices(
    State(state): State<HttpState>,
    scope: Scope,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let (version, columns) = state.picture.columns(VIEW, &scope).ok_or_else(missing)?;
    let tag = format!("\"{version}\"");
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    if tag_matches(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    Ok((fixed, columns).into_response())
}

/// The view as of one sequence number.
#[utoipa::path(get, path = "/api/v1/view/snapshot", tag = "view", responses((status = 200, body = api::Snapshot)))]
pub(super) async fn snapshot(State(state): State<HttpState>, scope: Scope) -> Result<Response, Fault> {
    let (clock, picture) = (state.shared.clock.now(), Arc::clone(&state.picture));
    let snapshot = state.blocking(move || picture.snapshot(VIEW, &scope, clock)).await?.ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], snapshot).into_response())
}

fn missing() -> Fault {
    Fault::not_found("there is no such view")
}

/// Whether the caller has this already. Compression makes the tag a weak one on its way.
pub(super) fn tag_matches(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    given.split(',').any(|t| t.trim().trim_start_matches("W/") == tag)
}
