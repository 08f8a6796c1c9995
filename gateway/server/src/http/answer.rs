//! Answers of receivers by the link in their messages: a page for people, a POST for programs.
//!
//! Whoever has a link may see that alert and answer about it, and nothing else. An answer is a command like an operator's,
//! in the name of `receiver/person`. It never conflicts with what others did meanwhile: it says what was done, and not what
//! is to be decided, so it is given again with the version that there is now.
//!
//! The same answer twice is one: a program that saw no answer sends it again. It is another one after the level rose or
//! people were reminded.
//!
//! Limits: [`BODY_MAX`] bytes, notes as of all commands, the pace of [`crate::answer`].

use axum::Form;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::id::{Actor, EpisodeId};
use maibo_core::input::{Act, Stage};
use maibo_core::notify::Answered;
use maibo_core::time::Millis;
use maibo_store::state::{StateReader, VersionRow};

use super::acknowledge::{self, Carried};
use super::{Fault, HttpState, extract};
use crate::answer::{Answers, Denied};
use crate::live::{Scope, words};
use crate::plan;

pub(super) mod entered;
mod page;

/// Longest body, in bytes: a note of the longest characters, written as forms write them.
const BODY_MAX: usize = 16 * 1024;
/// How often an answer that others overtake is given again.
const TRIES: u32 = 5;
/// Answers shown.
const SHOWN: usize = 50;

/// The page by which somebody at a receiver answers.
#[utoipa::path(get, path = "/answer/{token}", tag = "answers", params(("token" = String, Path, description = "from the message")),
    responses((status = 200, description = "a page", content_type = "text/html", body = String),
        (status = 404, description = "no such link", content_type = "text/html", body = String),
        (status = 410, description = "its time is over", content_type = "text/html", body = String)))]
pub(super) async fn show(State(state): State<HttpState>, Path(token): Path<String>) -> Response {
    match sight(&state, &token).await {
        Ok(sight) => page::answer(&sight, &token),
        Err(fault) => page::refused(&fault),
    }
}

/// Takes an answer.
#[utoipa::path(post, path = "/api/v1/answer/{token}", tag = "answers", params(("token" = String, Path, description = "from the message")),
    request_body(content((api::Answer = "application/json"), (api::Answer = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = api::Alert), (status = 303, description = "to the page, where a form was sent"),
        (status = 400, body = api::Problem), (status = 404, body = api::Problem), (status = 409, body = api::Problem),
        (status = 410, body = api::Problem), (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 429, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn take(State(state): State<HttpState>, Path(token): Path<String>, request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let form = kind == "application/x-www-form-urlencoded";
    match answer(&state, &token, request, &kind).await {
        // Relative, so that it holds behind a proxy that puts Maibo below a path.
        Ok(_) if form => {
            (StatusCode::SEE_OTHER, [(header::LOCATION, format!("../../../answer/{token}"))]).into_response()
        }
        Ok(carried) => carried.into_response(),
        Err(fault) if form => page::refused(&fault),
        Err(fault) => fault.into_response(),
    }
}

/// What the page shows.
struct Sight {
    receiver: String,
    alert: api::Alert,
    advice: Option<api::Words>,
    /// What this receiver has answered, newest first.
    said: Vec<Said>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    stage: api::AnswerStage,
    by: String,
    note: String,
    at: api::Time,
}

/// Who answers about what by this token.
fn grant(state: &HttpState, token: &str) -> Result<(String, EpisodeId), Fault> {
    let now = state.picture.now(state.shared.clock.now());
    let checked = state.answers.as_ref().map_or(Err(Denied::Unknown), |answers| answers.check(token, now));
    checked.map_err(|denied| match denied {
        Denied::Unknown => missing(),
        Denied::Expired => Fault::gone("the link is too old: a newer message about the alert has a newer one"),
    })
}

fn missing() -> Fault {
    Fault::not_found("this link leads to nothing")
}

async fn sight(state: &HttpState, token: &str) -> Result<Sight, Fault> {
    let (receiver, episode) = grant(state, token)?;
    // What was just answered is to be seen.
    extract::wait_for(state, Some(state.picture.facts()), state.limits.after).await?;
    let name = receiver.clone();
    let read = move |r: &StateReader| Ok((r.alert(episode)?, r.answers_of(episode, &name, SHOWN)?));
    let (row, rows) = state.stored(read).await?;
    let row = row.ok_or_else(missing)?;
    let alert = state.picture.alert(episode).unwrap_or(row.alert);
    let advice = state.picture.roster().advice(&alert.rule);
    let said = rows.iter().filter_map(|row| said(row, &receiver)).collect();
    Ok(Sight { alert: state.picture.shown(&alert), advice, said, receiver })
}

/// What a version of an answer says; `None` for what is no answer.
fn said(row: &VersionRow, receiver: &str) -> Option<Said> {
    let t = row.alert.as_ref()?;
    let actor = Actor::new(row.actor.as_deref()?).ok()?;
    let (_, person) = actor.at_receiver().filter(|(at, _)| *at == receiver)?;
    let by = match actor.entered_by() {
        Some(operator) => format!("{person}（代填 entered by {operator}）"),
        None => person.to_owned(),
    };
    let (stage, note) = stage(t)?;
    let at = words::time(maibo_core::time::Timestamp(row.recorded));
    Some(Said { stage, by, note: note.to_owned(), at })
}

/// Which answer made a version, and its note.
fn stage(t: &Transition) -> Option<(api::AnswerStage, &str)> {
    let answered = Answered::of(t)?;
    let note = if answered == Answered::Acknowledged {
        t.acknowledged.as_ref().map(|a| &a.note)
    } else {
        t.handling.as_ref()?.said.as_ref().map(|s| &s.note)
    };
    Some((plan::stage(answered), note.map_or("", |n| n)))
}

async fn answer(state: &HttpState, token: &str, request: Request, kind: &str) -> Result<Carried, Fault> {
    let (receiver, episode) = grant(state, token)?;
    let body = body(request, state, kind).await?;
    let (Some(answers), now) = (&state.answers, state.shared.clock.now()) else { return Err(missing()) };
    answers.paced(&receiver, episode, now).map_err(too_often)?;
    let actor = Actor::at(&receiver, &body.by).map_err(|e| Fault::invalid(format!("by: {e}")))?;
    let act = act(&body)?;
    give(state, answers, &receiver, episode, actor, &act, body.stage).await
}

fn too_often(wait: Millis) -> Fault {
    let seconds = u32::try_from(wait.0 / 1_000 + 1).unwrap_or(u32::MAX);
    Fault::too_often("too many answers by this link", seconds)
}

/// Reads the body, of either kind.
async fn body(mut request: Request, state: &HttpState, kind: &str) -> Result<api::Answer, Fault> {
    DefaultBodyLimit::max(BODY_MAX).apply(&mut request);
    match kind {
        "application/x-www-form-urlencoded" => match Form::from_request(request, state).await {
            Ok(Form(body)) => Ok(body),
            Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
            Err(e) => Err(Fault::bad_request(e.body_text())),
        },
        "application/json" => match Bytes::from_request(request, state).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| Fault::bad_request(format!("body: {e}"))),
            Err(BytesRejection::FailedToBufferBody(e)) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(too_large())
            }
            Err(e) => Err(Fault::bad_request(e.body_text())),
        },
        _ => Err(Fault::bad_request("Content-Type must be application/json, or that of a form")),
    }
}

fn too_large() -> Fault {
    Fault::too_large(format!("the body is longer than {BODY_MAX} bytes"))
}

/// The act that an answer is.
fn act(body: &api::Answer) -> Result<Act, Fault> {
    let note = acknowledge::note(body.note.trim())?;
    let report = |stage, note| Ok(Act::Feedback { stage, note });
    match body.stage {
        api::AnswerStage::Acknowledged => Ok(Act::Acknowledge { note }),
        // The record wants words with a report; here the stage says it all.
        api::AnswerStage::Responding if note.is_empty() => report(Stage::Responding, "正在处置".into()),
        api::AnswerStage::Responding => report(Stage::Responding, note),
        api::AnswerStage::FedBack if note.is_empty() => Err(Fault::invalid("note: must say what came of it")),
        api::AnswerStage::FedBack => report(Stage::FedBack, note),
        api::AnswerStage::Closed => Ok(Act::Close { note, forced: false }),
    }
}

async fn give(
    state: &HttpState,
    answers: &Answers,
    receiver: &str,
    episode: EpisodeId,
    actor: Actor,
    act: &Act,
    stage: api::AnswerStage,
) -> Result<Carried, Fault> {
    let _turn = answers.turn(episode).await;
    let mut tries = 0;
    loop {
        tries += 1;
        extract::wait_for(state, Some(state.picture.facts()), state.limits.after).await?;
        let scope = Scope::everything();
        let found = acknowledge::find(state, &scope, episode).await;
        let known = found.map_err(|fault| if fault.problem().status == 404 { missing() } else { fault })?;
        if repeated(state, receiver, episode, &actor, act, stage).await? {
            return Ok(acknowledge::carried(state, &known));
        }
        let id = episode.to_string();
        match acknowledge::carry_out(state, &scope, actor.clone(), &id, known.version, act.clone()).await {
            Err(fault) if overtaken(&fault) && tries < TRIES => {}
            Err(fault) if overtaken(&fault) => return Err(Fault::unavailable("others act on the alert right now", 1)),
            done => return done,
        }
    }
}

/// Whether somebody or something was faster, which an answer does not mind.
fn overtaken(fault: &Fault) -> bool {
    matches!(fault.problem().reason, Some(api::ConflictReason::NewerFact | api::ConflictReason::LevelRose))
}

/// Whether it is on record as the last thing that this person said, and nobody has called since.
async fn repeated(
    state: &HttpState,
    receiver: &str,
    episode: EpisodeId,
    actor: &Actor,
    act: &Act,
    wanted: api::AnswerStage,
) -> Result<bool, Fault> {
    let (receiver, actor, words) = (receiver.to_owned(), actor.clone(), act.note().to_owned());
    let read = move |r: &StateReader| {
        let rows = r.answers_of(episode, &receiver, SHOWN)?;
        let last = rows.iter().find(|row| row.actor.as_deref() == Some(actor.as_str()));
        let same = last.filter(|row| row.alert.as_ref().and_then(stage) == Some((wanted, &words)));
        same.map_or(Ok(false), |row| r.called_again(episode, row.version).map(|called| !called))
    };
    state.stored(read).await
}
