//! Alerts and their history.

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::id::EpisodeId;
use maibo_store::state::{AlertFilter, AlertRow, VersionRow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::{Picture, Roster, Scope, words};

pub(super) mod export;

/// Parameters of the list of alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertsQuery {
    /// `firing` or `resolved`.
    state: Option<String>,
    /// One of the six domains.
    domain: Option<String>,
    /// District code, six digits.
    district: Option<String>,
    /// `blue`, `yellow`, `orange` or `red`.
    level: Option<String>,
    /// `true` or `false`.
    acknowledged: Option<String>,
    /// Of one device.
    device: Option<String>,
    /// Of one rule.
    rule: Option<String>,
    /// `true`: only drills; `false`: none.
    drill: Option<String>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Wait until the facts before this number can be read.
    after: Option<String>,
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertsQuery),
    responses((status = 200, body = api::Page<api::Alert>), (status = 400, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<AlertsQuery>,
) -> Result<Json<api::Page<api::Alert>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    let after = after(query.after.as_deref())?;
    let Some(filter) = filter(&scope, query)? else {
        return Ok(Json(api::Page { items: Vec::new(), next: None }));
    };
    extract::wait_for(&state, after, state.limits.after).await?;
    // One more than asked tells whether there is a next page; at the most the reader gives, a full page does.
    let mut rows = state.stored(move |r| r.alerts(&filter, before, limit + 1)).await?;
    let more = rows.len() > limit || rows.len() == maibo_store::state::PAGE_MAX;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.opened.to_string());
    Ok(Json(api::Page { items: rows.iter().map(|row| state.picture.shown(&row.alert)).collect(), next }))
}

/// `None` where the caller asks only for what it may not see.
fn filter(scope: &Scope, query: AlertsQuery) -> Result<Option<AlertFilter>, Fault> {
    let firing_or_resolved = |s: &str| matches!(s, "firing" | "resolved").then(|| s.to_owned());
    let truth = |s: &str| s.parse::<bool>().ok();
    let domain = extract::domain(query.domain.as_deref())?;
    let level = extract::level(query.level.as_deref())?;
    let state = extract::word("state", query.state.as_deref(), firing_or_resolved, "firing, resolved")?;
    let acknowledged = extract::word("acknowledged", query.acknowledged.as_deref(), truth, "true, false")?;
    let drill = extract::word("drill", query.drill.as_deref(), truth, "true, false")?;
    if domain.is_some_and(|d| !scope.allows_domain(d))
        || query.district.as_ref().is_some_and(|d| !scope.allows_district(d))
    {
        return Ok(None);
    }
    let domains = match (domain, &scope.domains) {
        (Some(domain), _) => vec![domain.as_str().to_owned()],
        (None, Some(domains)) => domains.iter().map(|d| d.as_str().to_owned()).collect(),
        (None, None) => Vec::new(),
    };
    let districts = match (query.district, &scope.districts) {
        (Some(district), _) => vec![district],
        (None, Some(districts)) => districts.iter().cloned().collect(),
        (None, None) => Vec::new(),
    };
    let level = level.map(|l| l.as_str().to_owned());
    let (device, rule) = (query.device, query.rule);
    Ok(Some(AlertFilter { state, domains, districts, level, acknowledged, device, rule, drill }))
}

/// Parameters of one alert.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertQuery {
    /// Wait until the facts before this number can be read.
    after: Option<String>,
}

/// One alert with its history and its rule's words.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path), AlertQuery),
    responses((status = 200, body = api::AlertDetail), (status = 404, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn one(
    State(state): State<HttpState>,
    scope: Scope,
    Path(id): Path<String>,
    Params(query): Params<AlertQuery>,
) -> Result<Json<api::AlertDetail>, Fault> {
    let episode = EpisodeId::parse(&id).ok_or_else(missing)?;
    // An alert that the page already shows must not be missing here because the database is a moment behind.
    let shown = state.picture.alert(episode).is_some();
    let after = after(query.after.as_deref())?.or(shown.then(|| state.picture.facts()));
    extract::wait_for(&state, after, state.limits.after).await?;
    let found = state.stored(move |r| Ok((r.alert(episode)?, r.versions(episode)?, r.incident_of(episode)?)));
    let (Some(row), versions, incident) = found.await? else { return Err(missing()) };
    if !scope.allows_alert(&row.alert) {
        return Err(missing());
    }
    Ok(Json(api::AlertDetail { incident, ..detail(&row, versions, &state.picture) }))
}

pub(super) fn after(text: Option<&str>) -> Result<Option<u64>, Fault> {
    text.map(|t| t.parse().map_err(|_| Fault::bad_request("after: is not a number"))).transpose()
}

/// For identifiers that are no alert's, and for alerts outside the scope.
pub(super) fn missing() -> Fault {
    Fault::not_found("there is no such alert")
}

fn detail(row: &AlertRow, versions: Vec<VersionRow>, picture: &Picture) -> api::AlertDetail {
    let roster = picture.roster();
    let rule = roster.rules.get(&row.alert.rule);
    api::AlertDetail {
        alert: picture.shown(&row.alert),
        versions: versions.into_iter().filter_map(|row| version(row, &roster)).collect(),
        advice: rule.map(|r| r.advice.clone()),
        source: rule.map(|r| r.source.clone()),
        levels: rule.and_then(|r| r.levels.clone()),
        direction: rule.and_then(|r| r.direction),
        incident: None,
    }
}

/// `None` for words this binary does not know.
fn version(row: VersionRow, roster: &Roster) -> Option<api::AlertVersion> {
    let state = match row.state.as_str() {
        "firing" => api::AlertState::Firing,
        "resolved" => api::AlertState::Resolved,
        _ => return None,
    };
    Some(api::AlertVersion {
        version: row.version,
        at: words::time(maibo_core::time::Timestamp(row.at)),
        state,
        level: words::level(maibo_core::place::Level::parse(&row.level)?),
        reason: row.reason,
        value: row.value,
        actor: row.actor,
        text: row.alert.map(|t| words::text(&t, roster)),
    })
}
