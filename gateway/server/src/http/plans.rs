//! Response plans: what they say, their runs, and what they would do.

use std::sync::PoisonError;

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use maibo_core::id::{EpisodeId, IncidentId, PlaceCode, RuleId, Version};
use maibo_core::place::{Domain, Level};
use maibo_store::outbox::{RunFilter, RunRow};
use maibo_store::state::StateReader;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params, Raw};
use super::plan_versions::{BODY_MAX, checked};
use super::{Fault, HttpState, alerts};
use crate::live::{Scope, words};
use crate::plan;

/// The rule of an alert that never was, unless one is given.
const RULE: &str = "simulated";

/// Parameters of the list of runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// Of this plan.
    plan: Option<String>,
    /// About this alert.
    alert: Option<String>,
    /// `true`: those that go on; `false`: those that are over.
    open: Option<bool>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// The plans in force, in the order in which they are written.
#[utoipa::path(get, path = "/api/v1/plans", tag = "plans", responses((status = 200, body = Vec<api::Plan>)))]
pub(super) async fn list(State(state): State<HttpState>) -> Json<Vec<api::Plan>> {
    Json(state.shared.plans.current().plans.iter().map(plan::shown).collect())
}

/// Runs of plans, newest first.
#[utoipa::path(get, path = "/api/v1/plans/runs", tag = "plans", params(RunsQuery),
    responses((status = 200, body = api::Page<api::PlanRun>), (status = 400, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn runs(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<RunsQuery>,
) -> Result<Json<api::Page<api::PlanRun>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = query.cursor.as_deref().map(|c| c.parse::<u64>().map_err(|_| wrong_cursor())).transpose()?;
    let alert = |text: &str| EpisodeId::parse(text).ok_or_else(|| Fault::bad_request("alert: is not an alert's id"));
    let filter =
        RunFilter { plan: query.plan, episode: query.alert.as_deref().map(alert).transpose()?, open: query.open };
    let Some(outbox) = state.outbox.clone() else { return Ok(Json(api::Page { items: Vec::new(), next: None })) };
    let read = move || outbox.lock().unwrap_or_else(PoisonError::into_inner).runs(&filter, before, limit);
    let rows = state.blocking(read).await?.map_err(|e| Fault::internal(&e))?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.id.to_string())).flatten();
    let seen = |district: &str| scope.is_everything() || (scope.domains.is_none() && scope.allows_district(district));
    let current = state.shared.plans.current();
    let shown = |row: &RunRow| {
        let begun = row.plans.as_deref().and_then(Version::parse).and_then(|version| state.shared.plans.set(version));
        plan::run(row, &begun.as_ref().unwrap_or(&current).plans)
    };
    let items = rows.iter().filter(|row| seen(plan::district(row))).map(shown).collect();
    Ok(Json(api::Page { items, next }))
}

fn wrong_cursor() -> Fault {
    Fault::bad_request("cursor: is not one that this list gave")
}

/// What the plans in force, or others that are given, would do with a recorded alert or incident, or with an alert that never was. Nobody is told.
#[utoipa::path(post, path = "/api/v1/plans/simulate", tag = "plans", request_body = api::SimulatePlans,
    responses((status = 200, body = api::PlanSimulation), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn simulate(
    State(state): State<HttpState>,
    scope: Scope,
    Raw(body): Raw<BODY_MAX>,
) -> Result<Json<api::PlanSimulation>, Fault> {
    let mut body: api::SimulatePlans =
        serde_json::from_slice(&body).map_err(|e| Fault::bad_request(format!("body: {e}")))?;
    let plans = match body.plans.take() {
        Some(written) => checked(&state, &written)?,
        None => state.shared.plans.current(),
    };
    let facts = match body {
        api::SimulatePlans {
            alert: Some(id),
            incident: None,
            domain: None,
            place: None,
            level: None,
            rule: None,
            ..
        } => {
            let episode = EpisodeId::parse(&id).ok_or_else(alerts::missing)?;
            let read = move |r: &StateReader| {
                let known = r.alert(episode)?.filter(|row| scope.allows_alert(&row.alert));
                if known.is_none() { Ok(Vec::new()) } else { plan::of_alert(r, episode) }
            };
            let facts = state.stored(read).await?;
            if facts.is_empty() {
                return Err(alerts::missing());
            }
            facts
        }
        api::SimulatePlans {
            alert: None,
            incident: Some(id),
            domain: None,
            place: None,
            level: None,
            rule: None,
            ..
        } => {
            let missing = || Fault::not_found("there is no such incident");
            let incident = IncidentId::parse(&id).ok_or_else(missing)?;
            let read = move |r: &StateReader| {
                let members = r.incident_alerts(incident, None, 1)?;
                let seen = members.iter().all(|row| scope.allows_alert(&row.alert));
                if seen { plan::of_incident(r, incident) } else { Ok(Vec::new()) }
            };
            let facts = state.stored(read).await?;
            if facts.is_empty() {
                return Err(missing());
            }
            facts
        }
        api::SimulatePlans {
            alert: None,
            incident: None,
            domain: Some(domain),
            place: Some(place),
            level: Some(level),
            rule,
            ..
        } => {
            let place = PlaceCode::new(&place).map_err(|e| Fault::invalid(format!("place: {e}")))?;
            let rule =
                RuleId::new(rule.as_deref().unwrap_or(RULE)).map_err(|e| Fault::invalid(format!("rule: {e}")))?;
            let domain = Domain::ALL.into_iter().find(|d| words::domain(*d) == domain).ok_or_else(incomplete)?;
            let level = Level::ALL.into_iter().find(|l| words::level(*l) == level).ok_or_else(incomplete)?;
            plan::one_that_never_was(domain, place, level, rule, state.shared.clock.now())
        }
        _ => return Err(incomplete()),
    };
    let targets: Vec<_> = state.shared.settings.receivers.iter().map(|t| t.receiver.clone()).collect();
    let work = move || plan::simulate(&plans, &targets, facts);
    state.blocking(work).await?.map(Json).map_err(|e| Fault::internal(&e))
}

fn incomplete() -> Fault {
    Fault::invalid("body: name `alert`, or `incident`, or `domain`, `place` and `level` (and a `rule`)")
}
