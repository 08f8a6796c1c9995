//! Maintenances: planning one, ending one early, and the list.
//!
//! A plan becomes an input of the city machine and is answered when its fact is durable. The identity is derived here from
//! what is asked, so that a request that is repeated within its time plans nothing twice.

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::fact::{Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::id::{Actor, MaintenanceId, PlaceCode};
use maibo_core::input::Input;
use maibo_core::limit::{MAX_MAINTENANCE, MAX_MAINTENANCES};
use maibo_core::registry::place;
use maibo_core::time::Timestamp;

use super::acknowledge::note;
use super::extract::{Body, Caller};
use super::{Fault, HttpState, devices};
use crate::live::{Scope, words};
use crate::pipeline::Work;

/// Maintenances planned and under way, then the last that are over.
#[utoipa::path(get, path = "/api/v1/maintenance", tag = "maintenance",
    responses((status = 200, body = Vec<api::Maintenance>)))]
pub(super) async fn list(State(state): State<HttpState>, scope: Scope) -> Json<Vec<api::Maintenance>> {
    let all = state.picture.maintenances();
    Json(all.into_iter().filter(|m| allows(&state, &scope, &m.scope)).filter_map(|m| told(&m)).collect())
}

/// Plans a maintenance of a device or a place.
#[utoipa::path(post, path = "/api/v1/maintenance", tag = "maintenance",
    params(("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::PlanMaintenance,
    responses((status = 200, body = api::Maintenance), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 413, body = api::Problem),
        (status = 422, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn plan(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(by): Caller,
    Body(body): Body<api::PlanMaintenance>,
) -> Result<Json<api::Maintenance>, Fault> {
    let reason = note(&body.reason)?;
    if reason.trim().is_empty() {
        return Err(Fault::invalid("reason: must say why"));
    }
    let of = of(&state, &scope, &body)?;
    let now = state.shared.clock.now();
    let from = time("from", body.from.as_deref())?.unwrap_or(now).max(now);
    let until = time("until", Some(&body.until))?.unwrap_or(now);
    if until <= from || until.since(from) > MAX_MAINTENANCE || from.since(now) > MAX_MAINTENANCE {
        let days = MAX_MAINTENANCE.0 / 86_400_000;
        let why =
            format!("until: must lie behind the beginning and ahead, by at most {days} days, as the beginning does");
        return Err(Fault::invalid(why));
    }
    let id = MaintenanceId::derive(&by, of.id(), &reason, body.from.as_ref().map_or(until, |_| from), 1);
    let state_asked = MaintenanceState::Planned;
    let asked = Maintenance { id, scope: of, from, until, by, reason, state: state_asked, ended_by: None };
    let input = Input::Maintain(Box::new(asked));
    let open = |m: &Maintenance| m.state != MaintenanceState::Over;
    let found = ask(&state, id, input, open).await?;
    told(&found).map(Json).ok_or_else(|| {
        Fault::invalid(format!("it was refused: at most {MAX_MAINTENANCES} can be planned and under way"))
    })
}

/// Ends a maintenance early, or calls it off.
#[utoipa::path(post, path = "/api/v1/maintenance/{id}/end", tag = "maintenance",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    responses((status = 200, body = api::Maintenance), (status = 404, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn end(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(by): Caller,
    Path(id): Path<String>,
) -> Result<Json<api::Maintenance>, Fault> {
    let missing = || Fault::not_found("there is no such maintenance");
    let id = MaintenanceId::parse(&id).ok_or_else(missing)?;
    let known = state.picture.maintenance(id).filter(|m| allows(&state, &scope, &m.scope)).ok_or_else(missing)?;
    let found = if known.state == MaintenanceState::Over {
        known
    } else {
        let over = |m: &Maintenance| m.state == MaintenanceState::Over;
        ask(&state, id, Input::EndMaintenance { id, by }, over).await?
    };
    told(&found).map(Json).ok_or_else(missing)
}

/// What is to be worked on, where the caller may see it.
fn of(state: &HttpState, scope: &Scope, body: &api::PlanMaintenance) -> Result<MaintenanceScope, Fault> {
    match (&body.device, &body.place) {
        (Some(device), None) => devices::find(state, scope, device).map(|(id, _)| MaintenanceScope::Device(id)),
        (None, Some(code)) => {
            let code = PlaceCode::new(code).map_err(|e| Fault::bad_request(format!("place: {e}")))?;
            let of = MaintenanceScope::Place(code);
            if allows(state, scope, &of) { Ok(of) } else { Err(Fault::not_found("there is no such place")) }
        }
        _ => Err(Fault::bad_request("body: name either `device` or `place`")),
    }
}

/// Whether the caller sees what is worked on. A place is seen by who sees its district and every domain there.
fn allows(state: &HttpState, scope: &Scope, of: &MaintenanceScope) -> bool {
    match of {
        MaintenanceScope::Device(id) => {
            state.picture.roster().get(id).is_some_and(|e| scope.allows(&e.district, e.domain))
        }
        MaintenanceScope::Place(code) => {
            scope.is_everything()
                || (scope.domains.is_none() && place::district(code).is_some_and(|d| scope.allows_district(d)))
        }
    }
}

fn time(key: &str, text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
    let wrong = || Fault::bad_request(format!("{key}: is not an RFC 3339 time"));
    text.map(|text| words::parse_time(text).ok_or_else(wrong)).transpose()
}

/// Gives an input to the city machine and waits until the maintenance stands as wanted, or was refused.
async fn ask(
    state: &HttpState,
    id: MaintenanceId,
    input: Input,
    wanted: impl Fn(&Maintenance) -> bool,
) -> Result<Maintenance, Fault> {
    let mut changes = state.picture.maintenance_changes();
    let ask = async {
        state.shared.ingest.urge(Work::City(input)).await.ok()?;
        loop {
            if let Some(found) = state.picture.maintenance(id).filter(&wanted) {
                return Some(found);
            }
            changes.changed().await.ok()?;
        }
    };
    match tokio::time::timeout(state.limits.command, ask).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Fault::unavailable("the server is stopping", 5)),
        Err(_) => Err(Fault::unavailable("not decided in time; it may still take effect", 2)),
    }
}

/// As everybody sees it; `None` of what was refused.
fn told(m: &Maintenance) -> Option<api::Maintenance> {
    let state = match m.state {
        MaintenanceState::Planned => api::MaintenanceState::Planned,
        MaintenanceState::Running => api::MaintenanceState::Running,
        MaintenanceState::Over => api::MaintenanceState::Over,
        MaintenanceState::Refused => return None,
    };
    let (device, place) = match &m.scope {
        MaintenanceScope::Device(id) => (Some(id.to_string()), None),
        MaintenanceScope::Place(code) => (None, Some(code.to_string())),
    };
    Some(api::Maintenance {
        id: m.id.to_string(),
        state,
        device,
        place,
        from: words::time(m.from),
        until: words::time(m.until),
        by: actor(&m.by),
        reason: m.reason.to_string(),
        ended_by: m.ended_by.as_ref().map(actor),
    })
}

fn actor(by: &Actor) -> String {
    by.to_string()
}
