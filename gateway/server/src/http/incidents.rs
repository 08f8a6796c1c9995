//! Incidents and their alerts.

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::fact::{Incident, IncidentState};
use maibo_core::id::{IncidentId, PlaceCode};
use maibo_store::state::{IncidentFilter, IncidentRow, PAGE_MAX};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::roster::district_name;
use crate::live::{Roster, Scope, words};

/// Parameters of the list of incidents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IncidentsQuery {
    /// `open` or `closed`.
    state: Option<String>,
    /// One of the six domains.
    domain: Option<String>,
    /// District code, six digits.
    district: Option<String>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentsQuery),
    responses((status = 200, body = api::Page<api::Incident>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<IncidentsQuery>,
) -> Result<Json<api::Page<api::Incident>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    let wanted = filter(&query)?;
    let mut rows = state.stored(move |r| r.incidents(&wanted, before, limit + 1)).await?;
    let more = rows.len() > limit || rows.len() == PAGE_MAX;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.opened.to_string());
    let roster = state.picture.roster();
    // A page may come out shorter for a caller who sees a part of the city.
    let seen = rows.iter().filter(|row| allows(&scope, &row.incident));
    Ok(Json(api::Page { items: seen.map(|row| incident(row, &roster)).collect(), next }))
}

fn filter(query: &IncidentsQuery) -> Result<IncidentFilter, Fault> {
    let known = |s: &str| matches!(s, "open" | "closed").then(|| s.to_owned());
    let state = extract::word("state", query.state.as_deref(), known, "open, closed")?;
    let domain = extract::domain(query.domain.as_deref())?;
    let domains = domain.iter().map(|d| d.as_str().to_owned()).collect();
    Ok(IncidentFilter { state, domains, districts: query.district.clone().into_iter().collect() })
}

/// Parameters of one incident.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IncidentQuery {
    /// Alerts on a page, 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page of alerts ended.
    cursor: Option<String>,
}

/// One incident with its alerts.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path), IncidentQuery),
    responses((status = 200, body = api::IncidentDetail), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem)))]
pub(super) async fn one(
    State(state): State<HttpState>,
    scope: Scope,
    Path(id): Path<String>,
    Params(query): Params<IncidentQuery>,
) -> Result<Json<api::IncidentDetail>, Fault> {
    let id = IncidentId::parse(&id).ok_or_else(missing)?;
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    let found = state.stored(move |r| Ok((r.incident(id)?, r.incident_alerts(id, before, limit + 1)?))).await?;
    let (Some(row), mut alerts) = found else { return Err(missing()) };
    if !allows(&scope, &row.incident) {
        return Err(missing());
    }
    let more = alerts.len() > limit || alerts.len() == PAGE_MAX;
    alerts.truncate(limit);
    let next = alerts.last().filter(|_| more).map(|row| row.opened.to_string());
    let roster = state.picture.roster();
    let seen = alerts.iter().filter(|row| scope.allows_alert(&row.alert));
    let members = api::Page { items: seen.map(|row| state.picture.shown(&row.alert)).collect(), next };
    Ok(Json(api::IncidentDetail { incident: incident(&row, &roster), members }))
}

/// For identifiers that are no incident's, and for incidents outside the scope.
fn missing() -> Fault {
    Fault::not_found("there is no such incident")
}

/// One without a district belongs to every district, like an alert without a place.
fn allows(scope: &Scope, i: &Incident) -> bool {
    scope.allows_domain(i.domain) && i.district.as_ref().is_none_or(|d| scope.allows_district(d.as_str()))
}

fn incident(row: &IncidentRow, roster: &Roster) -> api::Incident {
    let i = &row.incident;
    let district = i.district.as_ref().map(PlaceCode::as_str);
    api::Incident {
        id: i.id.to_string(),
        version: i.version,
        state: match i.state {
            IncidentState::Open => api::IncidentState::Open,
            IncidentState::Closed => api::IncidentState::Closed,
        },
        rule: i.rule.to_string(),
        title: roster.title(&i.rule),
        district: district.map(str::to_owned),
        place_name: district.map(district_name),
        domain: words::domain(i.domain),
        level: words::level(i.level),
        alerts: i.episodes,
        open: i.open,
        devices: i.devices,
        places: i.places.iter().map(ToString::to_string).collect(),
        historic: i.historic,
        started_at: words::time(i.started_at),
        opened_at: words::time(i.opened_at),
        latest_at: words::time(i.latest_at),
        updated_at: words::time(maibo_core::time::Timestamp(row.updated)),
        into: i.into.map(|id| id.to_string()),
    }
}
