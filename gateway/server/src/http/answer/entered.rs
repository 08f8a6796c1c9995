//! What a receiver answered by other means, put down by an operator in its name.
//!
//! In life a bureau often telephones. The answer is then the bureau's, as if it had used its link, and does its task; that an
//! operator put it down, and who, stands in the actor: `receiver/person/operator`. Like every command of an operator it says
//! which version was seen, and is refused where others acted since.

use std::sync::PoisonError;

use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::fact::State as AlertState;
use maibo_core::id::{Actor, EpisodeId};
use maibo_store::outbox::{PAGE_MAX, RunFilter};

use crate::http::acknowledge::{self, Carried};
use crate::http::extract::{Body, Caller};
use crate::http::{Fault, HttpState, alerts};
use crate::live::{Scope, words};

/// Puts down what a receiver answered by other means. It has to be the owner of a task that is not done, of a plan that the
/// alert called for.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/answer", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::EnteredAnswer,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(in crate::http) async fn enter(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(operator): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::EnteredAnswer>,
) -> Result<Carried, Fault> {
    let api::EnteredAnswer { version, receiver, stage, by, note } = body;
    let actor = Actor::entered(&receiver, &by, &operator).map_err(|e| Fault::invalid(format!("by: {e}")))?;
    let act = super::act(&api::Answer { stage, by, note })?;
    let episode = EpisodeId::parse(&id).ok_or_else(alerts::missing)?;
    let known = acknowledge::find(&state, &scope, episode).await?;
    // Of one that is over its machine says so, whatever its runs do.
    if known.state != AlertState::Resolved {
        match owes(&state, episode, &receiver).await? {
            Some(true) => {}
            None if state.shared.settings.receivers.iter().all(|target| target.receiver.name != receiver) => {
                return Err(Fault::invalid("receiver: there is no receiver of that name"));
            }
            _ => {
                let current = words::alert(&known, &state.picture.roster());
                let why = "no task of this receiver waits for its answer, of any plan that the alert called for";
                return Err(Fault::conflict(None, Some(current), why));
            }
        }
    }
    acknowledge::carry_out(&state, &scope, actor, &id, version, act).await
}

/// Whether a receiver has something to do that it has not answered, late or not; `None` where it has nothing to do.
async fn owes(state: &HttpState, episode: EpisodeId, receiver: &str) -> Result<Option<bool>, Fault> {
    let Some(outbox) = state.outbox.clone() else { return Ok(None) };
    let filter = RunFilter { episode: Some(episode), open: Some(true), ..RunFilter::default() };
    let read = move || outbox.lock().unwrap_or_else(PoisonError::into_inner).runs(&filter, None, PAGE_MAX);
    let runs = state.blocking(read).await?.map_err(|e| Fault::internal(&e))?;
    let tasks = runs.iter().flat_map(|run| &run.tasks).filter(|task| task.owner == receiver);
    Ok(tasks.map(|task| task.done_at.is_none()).reduce(|one, other| one || other))
}
