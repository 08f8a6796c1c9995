//! Devices with their present state.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::id::DeviceId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::Scope;
use crate::live::roster::Entry;

/// Parameters of the list of devices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DevicesQuery {
    /// District code, six digits.
    district: Option<String>,
    /// One of the six domains.
    domain: Option<String>,
    /// What the device is.
    kind: Option<String>,
    /// `normal`, `unknown` or `firing`.
    state: Option<String>,
    /// Part of the identifier or name.
    q: Option<String>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Devices in the catalogue's order.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DevicesQuery),
    responses((status = 200, body = api::Page<api::Device>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<DevicesQuery>,
) -> Result<Json<api::Page<api::Device>>, Fault> {
    let domain = extract::domain(query.domain.as_deref())?;
    let wanted = extract::word("state", query.state.as_deref(), device_state, "normal, unknown, firing")?;
    let limit = extract::limit(query.limit.as_deref())?;
    let part = query.q.map(|q| q.to_lowercase());
    // Positions mean something in one catalogue only.
    let roster = state.picture.roster();
    let version = roster.catalogue_version.to_string();
    let from = match query.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor
            .split_once('.')
            .filter(|(v, _)| *v == version)
            .and_then(|(_, n)| n.parse().ok())
            .ok_or_else(|| Fault::bad_request("cursor: is not one that this list gave for the present catalogue"))?,
    };
    let keep = move |entry: &Entry| {
        scope.allows(&entry.district, entry.domain)
            && query.district.as_ref().is_none_or(|d| entry.district == *d)
            && domain.is_none_or(|d| entry.domain == d)
            && query.kind.as_ref().is_none_or(|k| entry.kind == *k)
            && part
                .as_ref()
                .is_none_or(|q| entry.id.as_str().to_lowercase().contains(q) || entry.name.to_lowercase().contains(q))
    };
    // A search goes over every device.
    let picture = Arc::clone(&state.picture);
    let found = state.blocking(move || picture.devices(&roster, from, limit, keep, wanted)).await?;
    let (items, next) = found.ok_or_else(|| Fault::unavailable("the catalogue is just being changed", 1))?;
    Ok(Json(api::Page { items, next: next.map(|n| format!("{version}.{n}")) }))
}

fn device_state(word: &str) -> Option<api::DeviceState> {
    match word {
        "normal" => Some(api::DeviceState::Normal),
        "unknown" => Some(api::DeviceState::Unknown),
        "firing" => Some(api::DeviceState::Firing),
        _ => None,
    }
}

/// One device.
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices", params(("id" = String, Path)),
    responses((status = 200, body = api::Device), (status = 404, body = api::Problem)))]
pub(super) async fn one(
    State(state): State<HttpState>,
    scope: Scope,
    Path(id): Path<String>,
) -> Result<Json<api::Device>, Fault> {
    find(&state, &scope, &id).map(|(_, device)| Json(device))
}

/// A device that exists and may be seen.
pub(super) fn find(state: &HttpState, scope: &Scope, id: &str) -> Result<(DeviceId, api::Device), Fault> {
    let missing = || Fault::not_found("there is no such device in the catalogue");
    let id = DeviceId::new(id).map_err(|_| missing())?;
    let roster = state.picture.roster();
    let seen = roster.get(&id).is_some_and(|e| scope.allows(&e.district, e.domain));
    let device = state.picture.device(&id).filter(|_| seen).ok_or_else(missing)?;
    Ok((id, device))
}
