//! Deliveries to receivers, and what was given up sent again or set aside.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::id::EpisodeId;
use maibo_core::time::Timestamp;
use maibo_store::outbox::{self, Dismissal, OutboxFilter, OutboxRow, Replay};
use maibo_store::state::{DeliveryFilter, DeliveryRow, StateReader};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Body, Caller, Params};
use super::{Fault, HttpState, acknowledge};
use crate::live::{Scope, words};

/// Parameters of the list of deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// To one receiver.
    receiver: Option<String>,
    /// `pending`, `delivered`, `superseded`, `silenced`, `inhibited`, `muted`, `maintenance`, `historic` or `dead`.
    outcome: Option<String>,
    /// `true`: dead letters that were set aside, and only those; `false`, the default: all others.
    dismissed: Option<bool>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(DeliveriesQuery),
    responses((status = 200, body = api::Page<api::Delivery>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<DeliveriesQuery>,
) -> Result<Json<api::Page<api::Delivery>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    let words = "pending, delivered, superseded, silenced, inhibited, muted, maintenance, historic, dead";
    extract::word("outcome", query.outcome.as_deref(), outcome, words)?;
    let dismissed = query.dismissed.unwrap_or_default();
    if let Some(outbox) = state.outbox.clone() {
        let filter = OutboxFilter { receiver: query.receiver, outcome: query.outcome, episode: None, dismissed };
        let read = move || outbox.lock().unwrap_or_else(PoisonError::into_inner).list(&filter, before, limit + 1);
        let mut rows = state.blocking(read).await?.map_err(|e| Fault::internal(&e))?;
        let next = cut(&mut rows, limit, outbox::PAGE_MAX, |row| row.id);
        let items = rows.into_iter().filter_map(owed).collect();
        return Ok(Json(api::Page { items: seen(&state, scope, items).await?, next }));
    }
    if dismissed {
        return Ok(Json(api::Page { items: Vec::new(), next: None }));
    }
    let filter = DeliveryFilter { receiver: query.receiver, outcome: query.outcome };
    let mut rows = state.stored(move |r| r.deliveries(&filter, before, limit + 1)).await?;
    let next = cut(&mut rows, limit, maibo_store::state::PAGE_MAX, |row| row.id);
    let items = rows.into_iter().filter_map(delivery).collect();
    Ok(Json(api::Page { items: seen(&state, scope, items).await?, next }))
}

/// Owes again what was given up. It is told at once, under its old key, and in the order of its alert.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/replay", tag = "deliveries",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = Object,
    responses((status = 200, body = api::Delivery), (status = 400, body = api::Problem), (status = 404, body = api::Problem),
        (status = 409, body = api::Problem), (status = 413, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn replay(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<serde_json::Map<String, serde_json::Value>>,
) -> Result<Json<api::Delivery>, Fault> {
    if let Some(key) = body.keys().next() {
        return Err(Fault::bad_request(format!(
            "body: unknown field `{key}`; there is nothing to say but which delivery"
        )));
    }
    let (id, seen) = one(&state, scope, &id).await?;
    let conflict = |detail: &str| Err(Fault::conflict(None, None, detail));
    let answer = state.receivers.replay(id, &seen.receiver, actor.as_str()).await.map_err(|e| Fault::internal(&e))?;
    match answer {
        Some(Replay::Owed(row)) => owed(*row).map(Json).ok_or_else(unknown),
        Some(Replay::Unknown) => Err(unknown()),
        Some(Replay::NotDead(state)) => conflict(&format!("it is {state}; only what was given up can be sent again")),
        Some(Replay::Overtaken(version)) => conflict(&format!(
            "the receiver has been told version {version} of the alert, or is about to be, which says more"
        )),
        Some(Replay::Emptied) => conflict("what it said is not kept any more"),
        Some(Replay::NoRoom) => Err(Fault::unavailable("too much waits for this receiver", 60)),
        None => conflict("there is no receiver of that name any more"),
    }
}

/// Sets aside what was given up: somebody has seen it, and nothing more is to be done. It stays on record, with the name of
/// the first who did; what is set aside already is answered as it stands.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/dismiss", tag = "deliveries",
    params(("id" = String, Path), ("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::Dismiss,
    responses((status = 200, body = api::Delivery), (status = 400, body = api::Problem), (status = 404, body = api::Problem),
        (status = 409, body = api::Problem), (status = 413, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn dismiss(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Body(body): Body<api::Dismiss>,
) -> Result<Json<api::Delivery>, Fault> {
    let note = acknowledge::note(body.note.as_deref().unwrap_or_default().trim())?;
    let (id, _) = one(&state, scope, &id).await?;
    match state.receivers.dismiss(id, actor.as_str(), &note).await.map_err(|e| Fault::internal(&e))? {
        Some(Dismissal::Done(row)) => owed(*row).map(Json).ok_or_else(unknown),
        Some(Dismissal::Unknown) => Err(unknown()),
        Some(Dismissal::NotDead(state)) => {
            let why = format!("it is {state}; only what was given up can be set aside");
            Err(Fault::conflict(None, None, &why))
        }
        None => Err(Fault::unavailable("the server is stopping", 5)),
    }
}

fn unknown() -> Fault {
    Fault::not_found("there is no such delivery")
}

/// One that the caller may see, and its number.
async fn one(state: &HttpState, scope: Scope, id: &str) -> Result<(u64, api::Delivery), Fault> {
    let (id, outbox) = id.parse::<u64>().ok().zip(state.outbox.clone()).ok_or_else(unknown)?;
    let read = move || outbox.lock().unwrap_or_else(PoisonError::into_inner).one(id);
    let row = state.blocking(read).await?.map_err(|e| Fault::internal(&e))?;
    let one = row.and_then(owed).into_iter().collect();
    Ok((id, seen(state, scope, one).await?.pop().ok_or_else(unknown)?))
}

/// Leaves one page; gives where the next begins. One more than asked tells whether there is one; at the most that the
/// reader gives, a full page does.
fn cut<T>(rows: &mut Vec<T>, limit: usize, most: usize, id: impl Fn(&T) -> u64) -> Option<String> {
    let more = rows.len() > limit || rows.len() == most;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(|row| id(row).to_string())
}

/// Leaves deliveries about alerts that the caller may see; a page may come out shorter, and there may be more behind it.
async fn seen(state: &HttpState, scope: Scope, items: Vec<api::Delivery>) -> Result<Vec<api::Delivery>, Fault> {
    if scope.is_everything() {
        return Ok(items);
    }
    let filter = move |r: &StateReader| {
        let wanted: BTreeSet<&str> = items.iter().map(|d| d.alert.as_str()).collect();
        let mut allowed = BTreeSet::new();
        for episode in wanted.into_iter().filter_map(EpisodeId::parse) {
            if r.alert(episode)?.is_some_and(|row| scope.allows_alert(&row.alert)) {
                allowed.insert(episode.to_string());
            }
        }
        Ok(items.into_iter().filter(|d| allowed.contains(&d.alert)).collect())
    };
    state.stored(filter).await
}

fn outcome(word: &str) -> Option<api::Outcome> {
    match word {
        "pending" => Some(api::Outcome::Pending),
        "delivered" => Some(api::Outcome::Delivered),
        "superseded" => Some(api::Outcome::Superseded),
        "silenced" => Some(api::Outcome::Silenced),
        "inhibited" => Some(api::Outcome::Inhibited),
        "muted" => Some(api::Outcome::Muted),
        "maintenance" => Some(api::Outcome::Maintenance),
        "historic" => Some(api::Outcome::Historic),
        "dead" => Some(api::Outcome::Dead),
        _ => None,
    }
}

/// `None` for words this binary does not know.
fn delivery(row: DeliveryRow) -> Option<api::Delivery> {
    Some(api::Delivery {
        id: row.id.to_string(),
        receiver: row.receiver,
        alert: row.episode,
        version: row.version,
        outcome: outcome(&row.outcome)?,
        attempts: row.attempts,
        last_error: row.error,
        next_attempt_at: None,
        created_at: words::time(Timestamp(row.created)),
        settled_at: Some(words::time(Timestamp(row.settled))),
        bundle: None,
        dismissed: None,
    })
}

/// The same of the outbox, which knows what is still owed.
fn owed(row: OutboxRow) -> Option<api::Delivery> {
    Some(api::Delivery {
        id: row.id.to_string(),
        receiver: row.receiver,
        alert: row.episode,
        version: row.version,
        outcome: outcome(&row.outcome)?,
        attempts: row.attempts,
        last_error: row.last_error,
        next_attempt_at: row.next_at.map(|t| words::time(Timestamp(t))),
        created_at: words::time(Timestamp(row.created_at)),
        settled_at: row.settled_at.map(|t| words::time(Timestamp(t))),
        bundle: row.bundle.map(|b| b.to_string()),
        dismissed: row.dismissed.map(|d| api::Dismissed { by: d.by, at: words::time(Timestamp(d.at)), note: d.note }),
    })
}
