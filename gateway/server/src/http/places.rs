//! Domains, districts and their shapes.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use maibo_api as api;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::{Scope, roster, words};

/// The six domains with devices, open alerts and index.
#[utoipa::path(get, path = "/api/v1/domains", tag = "places",
    responses((status = 200, body = api::Page<api::DomainState>)))]
pub(super) async fn domains(State(state): State<HttpState>, scope: Scope) -> Json<api::Page<api::DomainState>> {
    let tally = state.picture.tally(&scope);
    let items = tally.domains.iter().map(|(domain, group)| api::DomainState {
        domain: words::domain(*domain),
        title: words::domain_title(*domain),
        devices: group.devices,
        online: group.online,
        open: group.open,
        index: group.index,
        coverage: group.coverage(),
    });
    Json(api::Page { items: items.collect(), next: None })
}

/// Parameters of the list of places.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlacesQuery {
    /// `district` (the default).
    level: Option<String>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Districts with devices and open alerts, by code.
#[utoipa::path(get, path = "/api/v1/places", tag = "places", params(PlacesQuery),
    responses((status = 200, body = api::Page<api::Place>), (status = 400, body = api::Problem)))]
pub(super) async fn places(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<PlacesQuery>,
) -> Result<Json<api::Page<api::Place>>, Fault> {
    extract::word("level", query.level.as_deref(), |l| (l == "district").then_some(()), "district")?;
    let limit = extract::limit(query.limit.as_deref())?;
    let after = query.cursor.unwrap_or_default();
    if after.len() > 12 || !after.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::bad_request("cursor: is not one that this list gave"));
    }
    let tally = state.picture.tally(&scope);
    let mut rest = tally.districts.into_iter().filter(|(code, _)| *code > after);
    let items: Vec<api::Place> = rest
        .by_ref()
        .take(limit)
        .map(|(code, group)| api::Place {
            name: roster::district_name(&code),
            code,
            kind: "district".to_owned(),
            devices: group.devices,
            online: group.online,
            open: group.open,
        })
        .collect();
    let next = rest.next().and(items.last().map(|p| p.code.clone()));
    Ok(Json(api::Page { items, next }))
}

/// Shapes of the districts that the caller may see.
#[utoipa::path(get, path = "/api/v1/districts", tag = "places",
    responses((status = 200, body = api::FeatureCollection, content_type = "application/geo+json"),
        (status = 404, body = api::Problem)))]
pub(super) async fn districts(State(state): State<HttpState>, scope: Scope) -> Result<impl IntoResponse, Fault> {
    let missing = || Fault::not_found("no district shapes are configured");
    let text = state.shared.settings.districts.as_ref().ok_or_else(missing)?;
    let text = match &scope.districts {
        None => text.clone(),
        Some(_) => shapes(text, &scope).map_err(|e| Fault::internal(&e))?,
    };
    Ok(([(header::CONTENT_TYPE, "application/geo+json")], text))
}

/// The collection without the features of districts outside the scope; one without a code belongs to nobody.
fn shapes(text: &str, scope: &Scope) -> Result<String, serde_json::Error> {
    let mut collection: serde_json::Value = serde_json::from_str(text)?;
    if let Some(features) = collection.get_mut("features").and_then(serde_json::Value::as_array_mut) {
        let code = |f: &serde_json::Value| f.pointer("/properties/code").and_then(|c| c.as_str()).map(str::to_owned);
        features.retain(|f| code(f).is_some_and(|c| scope.allows_district(&c)));
    }
    serde_json::to_string(&collection)
}
