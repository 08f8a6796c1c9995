//! The acknowledge command, and what all commands on alerts share.
//!
//! A command becomes an input of the alert's partition, is decided there like everything else, and is answered when the
//! fact is durable and the state database has it: a read that follows sees it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderName;
use maibo_api as api;
use maibo_core::engine::CommandOutcome;
use maibo_core::fact::{State as AlertState, Transition};
use maibo_core::id::{Actor, EpisodeId, PartitionId};
use maibo_core::input::{Act, Command};
use maibo_core::reading::Text;
use tokio::sync::oneshot;

use super::extract::{Body, Caller};
use super::{Fault, HttpState, alerts};
use crate::live::{Scope, words};
use crate::pipeline::Work;

/// Longest note, in characters.
const NOTE_MAX: usize = maibo_core::limit::MAX_NOTE;
/// Why most conflicts are.
const CHANGED: &str = "the alert is not as it was when you saw it";
/// Tells which facts a later read may wait for (`?after=`).
pub(super) const AFTER: HeaderName = HeaderName::from_static("maibo-after");

/// Takes notice of an alert, by name.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Acknowledge,
    responses((status = 200, body = api::Alert), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 413, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn acknowledge(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Acknowledge>,
) -> Result<Carried, Fault> {
    let act = Act::Acknowledge { note: note(body.note.as_deref().unwrap_or_default())? };
    carry_out(&state, &scope, actor, &id, body.version, act).await
}

/// What a command is answered with.
pub(super) type Carried = ([(HeaderName, String); 1], Json<api::Alert>);

/// Gives an act to the pipeline and answers when it can be read.
pub(super) async fn carry_out(
    state: &HttpState,
    scope: &Scope,
    actor: Actor,
    id: &str,
    seen: u32,
    act: Act,
) -> Result<Carried, Fault> {
    let episode = EpisodeId::parse(id).ok_or_else(alerts::missing)?;
    let known = find(state, scope, episode).await?;
    let command = Command { actor, episode, seen, act };
    let partition = PartitionId::home(&known.subject);
    let (outcome, next) = ask(state, |reply| Work::Command { partition, command, reply }).await?;
    let roster = state.picture.roster();
    match outcome.result {
        Ok(transition) => Ok(([(AFTER, next.to_string())], Json(words::alert(&transition, &roster)))),
        Err(refusal) => Err(refused(state, refusal.reason, refusal.current, episode).await?),
    }
}

/// The answer to a command that changes nothing, because it was carried out already.
pub(super) fn carried(state: &HttpState, known: &Transition) -> Carried {
    let alert = words::alert(known, &state.picture.roster());
    ([(AFTER, state.picture.facts().to_string())], Json(alert))
}

/// A note of a length that is kept.
pub(super) fn note(text: &str) -> Result<Text, Fault> {
    if text.chars().count() > NOTE_MAX {
        return Err(Fault::bad_request(format!("note: is longer than {NOTE_MAX} characters")));
    }
    Ok(text.into())
}

/// The alert as last told: from the picture, else from the database.
pub(super) async fn find(state: &HttpState, scope: &Scope, episode: EpisodeId) -> Result<Transition, Fault> {
    let found = match state.picture.alert(episode) {
        Some(found) => Some(found),
        None => state.stored(move |r| r.alert(episode)).await?.map(|row| row.alert),
    };
    found.filter(|t| scope.allows_alert(t)).ok_or_else(alerts::missing)
}

/// Gives a piece of work to the pipeline, waits for its answer, and until what it did can be read: before the fact with the
/// number that is given with it.
pub(super) async fn ask(
    state: &HttpState,
    work: impl FnOnce(oneshot::Sender<CommandOutcome>) -> Work,
) -> Result<(CommandOutcome, u64), Fault> {
    let (reply, answer) = oneshot::channel();
    let ask = async {
        // A full queue waits here, and so runs into the same time limit.
        state.shared.ingest.urge(work(reply)).await.ok()?;
        answer.await.ok()
    };
    let outcome = match tokio::time::timeout(state.limits.command, ask).await {
        Ok(Some(outcome)) => outcome,
        Ok(None) => return Err(Fault::unavailable("the server is stopping", 5)),
        Err(_) => return Err(Fault::unavailable("not decided in time; it may still take effect", 2)),
    };
    // The picture was told before the answer: what the work did lies before this.
    let next = state.picture.facts();
    if !state.projection.reached(next, state.limits.after).await {
        return Err(Fault::unavailable("it is recorded, but cannot be read yet", 1));
    }
    Ok((outcome, next))
}

/// The problem for a refusal.
async fn refused(
    state: &HttpState,
    reason: &str,
    current: Option<Transition>,
    episode: EpisodeId,
) -> Result<Fault, Fault> {
    if let Some(why) = senseless(reason) {
        return Ok(Fault::invalid(why));
    }
    let current = match current {
        Some(current) => Some(current),
        // The machine forgets what is over; the record does not.
        None => state.stored(move |r| r.alert(episode)).await?.map(|row| row.alert),
    };
    let Some(current) = current else { return Ok(alerts::missing()) };
    let over = current.state == AlertState::Resolved;
    let (reason, why) = match reason {
        _ if over => (Some(api::ConflictReason::Resolved), "the alert is over"),
        "resolved" => (Some(api::ConflictReason::Resolved), "the alert is over"),
        "newer_fact" => (Some(api::ConflictReason::NewerFact), CHANGED),
        "level_rose" => (Some(api::ConflictReason::LevelRose), CHANGED),
        "still_firing" => {
            let why = "its values say that it goes on: it ends by itself, or by a forced close";
            (Some(api::ConflictReason::StillFiring), why)
        }
        "not_silenced" => (Some(api::ConflictReason::NotSilenced), "the alert is not silenced"),
        _ => (None, CHANGED),
    };
    let current = words::alert(&current, &state.picture.roster());
    Ok(Fault::conflict(reason, Some(current), why))
}

/// What is wrong with a command that no state of the alert would make right.
fn senseless(reason: &str) -> Option<&'static str> {
    match reason {
        "bad_until" => Some("until: must lie ahead, at most seven days"),
        "bad_name" => Some("to: must have 1 to 64 characters"),
        "no_note" => Some("note: must say why"),
        _ => None,
    }
}
