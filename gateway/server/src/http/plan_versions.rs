//! Response plans that people bring, and the sets of them that were in force.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::engine::Versions;
use maibo_core::id::Version;
use maibo_core::input::Input;
use maibo_core::notify::PlanSet;
use maibo_core::time::Timestamp;
use maibo_store::state::{Activation, ActivationOf};

use super::extract::{self, Caller, Params, Raw};
use super::rule_versions::{VersionQuery, VersionsQuery};
use super::upload::NOTE_MAX;
use super::{Fault, HttpState};
use crate::live::{Scope, words};
use crate::pipeline::Work;
use crate::plan::{self, Named};
use crate::versions::{Brought, FILE, Kind};

/// Longest body, in bytes.
pub(super) const BODY_MAX: usize = 1 << 20;
/// Sets kept, each in memory: what a person brings by hand in years.
pub(super) const PLAN_SETS_MAX: usize = 1_000;
/// Between two looks whether delivery goes by them.
const LOOK: Duration = Duration::from_millis(10);

/// Puts response plans in force, all of them or none: with one mistake in one plan what is in force stays. Runs that go on keep
/// the tasks that they began with.
#[utoipa::path(post, path = "/api/v1/plans", tag = "plans", request_body = api::PlansUpload,
    params(("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    responses((status = 200, body = api::PlansActivated), (status = 400, body = api::Problem),
        (status = 403, body = api::Problem), (status = 413, body = api::Problem),
        (status = 422, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn upload(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Raw(body): Raw<BODY_MAX>,
) -> Result<Json<api::PlansActivated>, Fault> {
    if !scope.is_everything() {
        return Err(Fault::forbidden("plans are about the whole city; only who sees all of it may bring them"));
    }
    // One at a time: what is compared with what is in force is in force until this one is.
    let turn = Arc::clone(&state.limits.uploads).try_acquire_owned();
    let turn = turn.map_err(|_| Fault::unavailable("other rules or plans are just being brought", 1))?;
    let ask: api::PlansUpload = serde_json::from_slice(&body).map_err(|e| Fault::bad_request(format!("body: {e}")))?;
    if ask.note.chars().count() > NOTE_MAX {
        return Err(Fault::invalid(format!("note: is longer than {NOTE_MAX} characters")));
    }
    let set = checked(&state, &ask.plans)?;
    room(&state.shared.versions.current(), set.version)?;
    let told = api::PlansActivated {
        version: set.version.to_string(),
        activated: !ask.dry_run,
        plans: set.plans.len() as u64,
        difference: plan::difference(&state.shared.plans.current(), &set),
    };
    if ask.dry_run {
        return Ok(Json(told));
    }
    let (version, bringing) = (set.version, state.clone());
    // To its end, even where nobody waits for the answer any more: what is kept and not brought would come with the next start.
    let brought = tokio::spawn(async move {
        let _turn = turn;
        let (shared, by) = (Arc::clone(&bringing.shared), actor.clone());
        let keep = move || {
            shared.versions.keep_plans(&set)?;
            let files = shared.settings.file_plans.version;
            shared.versions.bring(Kind::Plans, (version, files), &by, &ask.note, shared.clock.now())
        };
        bringing.blocking(keep).await?.map_err(|e| Fault::internal(&e))?;
        let work = Work::City(Input::Plans { version, by: Some(actor) });
        bringing.shared.ingest.urge(work).await.map_err(|_| Fault::unavailable("the pipeline has ended", 5))?;
        in_force(&bringing, version).await
    });
    brought.await.map_err(|e| Fault::internal(&e))??;
    Ok(Json(told))
}

/// Whether another set can be kept.
pub(super) fn room(known: &Versions, version: Version) -> Result<(), Fault> {
    if known.plan_sets() < PLAN_SETS_MAX || known.plans(version).is_some() {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "{PLAN_SETS_MAX} sets of plans are kept, and that is the most; one that is kept can be brought again, others by the configuration"
    )))
}

/// The set of plans as written, held against the receivers; all problems are told at once.
pub(super) fn checked(state: &HttpState, written: &[api::PlanText]) -> Result<Arc<PlanSet>, Fault> {
    let known: Vec<Named> = state.shared.settings.receivers.iter().map(Named::of).collect();
    let plans = plan::validate(written, Some(&known)).map_err(|problems| Fault::invalid(problems.join("\n")))?;
    Ok(Arc::new(plan::set(plans)))
}

/// Waits until delivery goes by them and the record has them, and so every read after this answer.
async fn in_force(state: &HttpState, version: Version) -> Result<(), Fault> {
    let look = async {
        loop {
            let last = state.stored(|r| r.activations(ActivationOf::Plans, None, 1)).await?;
            let recorded = last.first().is_some_and(|a| a.version == version.to_string());
            if recorded && state.shared.plans.current().version == version {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let late = |_| Fault::unavailable("the plans are kept and on their way; they are not in force yet", 1);
    tokio::time::timeout(state.limits.command, look).await.map_err(late)?
}

/// Sets of response plans that came into force, newest first. For callers who see every domain: a set is about all of them.
#[utoipa::path(get, path = "/api/v1/plans/versions", tag = "plans", params(VersionsQuery),
    responses((status = 200, body = api::Page<api::PlanVersion>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<VersionsQuery>,
) -> Result<Json<api::Page<api::PlanVersion>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    if scope.domains.is_some() {
        return Ok(Json(api::Page { items: Vec::new(), next: None }));
    }
    // One more than is told: the last one differs from something too.
    let rows = state.stored(move |r| r.activations(ActivationOf::Plans, before, limit + 1)).await?;
    let versions = state.shared.versions.current();
    let in_force = state.shared.plans.current().version;
    let store = Arc::clone(&state.shared.versions);
    let brought = state.blocking(move || store.brought(Kind::Plans)).await?;
    let items = (0..rows.len().min(limit)).map(|n| told(&rows, n, &versions, &brought, in_force)).collect();
    let next = rows.get(limit).and(rows.get(limit.saturating_sub(1))).map(|row| row.fact.to_string());
    Ok(Json(api::Page { items, next }))
}

fn told(
    rows: &[Activation],
    n: usize,
    versions: &Versions,
    brought: &[Brought],
    in_force: Version,
) -> api::PlanVersion {
    let row = &rows[n];
    let by = Brought::of(brought, row, rows.get(n + 1));
    let set = |row: &Activation| Version::parse(&row.version).and_then(|v| versions.plans(v).cloned());
    let (plans, before) = (set(row), rows.get(n + 1).and_then(set));
    api::PlanVersion {
        version: row.version.clone(),
        activated_at: words::time(Timestamp(row.at)),
        author: row.actor.as_deref().unwrap_or(FILE).to_owned(),
        note: by.map(|b| b.note.clone()).filter(|note| !note.is_empty() && row.actor.is_some()),
        in_force: row.version == in_force.to_string(),
        plans: plans.as_ref().map(|set| set.plans.len() as u64),
        difference: before.zip(plans).map(|(before, plans)| plan::difference(&before, &plans)),
    }
}

/// The plans of a set that was in force, as they are written: to be changed and brought again.
#[utoipa::path(get, path = "/api/v1/plans/versions/{version}", tag = "plans",
    params(("version" = String, Path), VersionQuery),
    responses((status = 200, body = api::PlanTexts), (status = 404, body = api::Problem)))]
pub(super) async fn one(
    State(state): State<HttpState>,
    scope: Scope,
    Path(version): Path<String>,
    Params(query): Params<VersionQuery>,
) -> Result<Json<api::PlanTexts>, Fault> {
    let missing = || Fault::not_found("there is no such set of plans");
    if scope.domains.is_some() {
        return Err(missing());
    }
    let find = |text: &str| Version::parse(text).and_then(|v| state.shared.plans.set(v)).ok_or_else(missing);
    let set = find(&version)?;
    let difference = query.from.as_deref().map(find).transpose()?.map(|from| plan::difference(&from, &set));
    Ok(Json(api::PlanTexts { version: set.version.to_string(), plans: plan::written(&set.plans), difference }))
}
