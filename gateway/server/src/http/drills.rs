//! Drills (演练): opening one, letting one go on, and the list of those that are open.
//!
//! What is asked becomes an input of the city machine and is answered like a command: when its fact is durable and can be
//! read. From then on a drill is an alert like any other, with the same commands; it is closed by `close`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use maibo_api as api;
use maibo_core::engine::Refusal;
use maibo_core::id::{Actor, DrillId, PlaceCode, Subject};
use maibo_core::input::{Drill, Found};
use maibo_core::limit::{MAX_DRILL, MAX_DRILLS};
use maibo_core::place::{Domain, Level};
use maibo_core::registry::place;
use maibo_core::time::Millis;

use super::acknowledge::{AFTER, ask};
use super::extract::{Body, Caller};
use super::{Fault, HttpState};
use crate::live::{Roster, Scope, words};
use crate::pipeline::Work;

/// Longest title, in characters of each language.
const TITLE_MAX: usize = 100;
/// Longest drill, in minutes.
const MINUTES_MAX: i64 = MAX_DRILL.0 / 60_000;

/// The answer to what was asked: the alert, and which facts a later read may wait for.
type Opened = (StatusCode, [(HeaderName, HeaderValue); 1], Json<api::Alert>);

/// Open drills that the caller sees.
#[utoipa::path(get, path = "/api/v1/drills", tag = "drills", responses((status = 200, body = Vec<api::Alert>)))]
pub(super) async fn list(State(state): State<HttpState>, scope: Scope) -> Json<Vec<api::Alert>> {
    let roster = state.picture.roster();
    Json(state.picture.drills(&scope).iter().map(|t| words::alert(t, &roster)).collect())
}

/// Opens a drill: 201; where one of this name is open, lets that go on at this level and for so long from now: 200.
#[utoipa::path(post, path = "/api/v1/drills", tag = "drills",
    params(("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    request_body = api::OpenDrill,
    responses((status = 200, body = api::Alert), (status = 201, body = api::Alert), (status = 400, body = api::Problem),
        (status = 409, body = api::Problem), (status = 413, body = api::Problem), (status = 422, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(super) async fn open(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(caller): Caller,
    Body(body): Body<api::OpenDrill>,
) -> Result<Opened, Fault> {
    let roster = state.picture.roster();
    let asked = read(&body, caller, &scope, &roster).map_err(|problems| Fault::invalid(problems.join("; ")))?;
    let subject = Subject::Drill(asked.name.clone());
    let known = state.picture.drills(&Scope::everything()).iter().any(|t| t.subject == subject);
    let (outcome, next) = ask(&state, |reply| Work::Drill { asked: Box::new(asked), reply }).await?;
    let t = outcome.result.map_err(|refusal| refused(&refusal, &scope, &roster))?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, [(AFTER, HeaderValue::from(next))], Json(words::alert(&t, &roster))))
}

/// Reads what is asked, or says all that is wrong with it.
fn read(body: &api::OpenDrill, caller: Actor, scope: &Scope, roster: &Roster) -> Result<Drill, Vec<String>> {
    let mut problems = Vec::new();
    let name = DrillId::new(&body.name).map_err(|e| problems.push(format!("name: {e}"))).ok();
    for (key, text) in [("title.zh", &body.title.zh), ("title.en", &body.title.en)] {
        if text.trim().is_empty() || text.chars().count() > TITLE_MAX || text.contains(char::is_control) {
            problems.push(format!("{key}: must have 1 to {TITLE_MAX} characters in one line"));
        }
    }
    let domain = Domain::parse(&body.domain).filter(|d| scope.allows_domain(*d));
    if domain.is_none() {
        let known = Domain::ALL.iter().filter(|d| scope.allows_domain(**d)).map(|d| d.as_str());
        problems.push(format!("domain: must be one of {}", known.collect::<Vec<_>>().join(", ")));
    }
    let place = match &body.place {
        None => Some(None),
        Some(code) => known_place(code, roster).map(Some),
    };
    match &place {
        None => {
            let words = "is no district and no place with devices; leave it out to play in the whole city";
            problems.push(format!("place: {words}"));
        }
        Some(code) if !sees(scope, code.as_ref()) => problems.push("place: is outside of what you see".to_owned()),
        Some(_) => {}
    }
    let level = Level::parse(&body.level);
    if level.is_none() {
        problems.push("level: must be one of blue, yellow, orange, red".to_owned());
    }
    if !(1..=MINUTES_MAX).contains(&body.minutes) {
        problems.push(format!("minutes: must be 1 to {MINUTES_MAX}"));
    }
    let by = match &body.by {
        None => Some(caller),
        Some(name) => Actor::account(name).map_err(|e| problems.push(format!("by: {e}"))).ok(),
    };
    match (name, domain, place, level, by) {
        (Some(name), Some(domain), Some(place), Some(level), Some(by)) if problems.is_empty() => {
            let title = Found::new(body.title.zh.trim(), body.title.en.trim());
            Ok(Drill { name, title, domain, place, level, lasts: Millis(body.minutes * 60_000), by })
        }
        _ => Err(problems),
    }
}

/// A place that means something to whoever hears of it: one with a name, or one with devices in it.
fn known_place(code: &str, roster: &Roster) -> Option<PlaceCode> {
    let place = PlaceCode::new(code).ok()?;
    let has_devices = || {
        let streets = roster.streets.iter().any(|s| s.code == code || s.district == code);
        streets || roster.devices.iter().any(|d| d.place == code)
    };
    (place::named(code).is_some() || has_devices()).then_some(place)
}

/// Whether the caller sees a place; the whole city only who sees every district.
fn sees(scope: &Scope, place: Option<&PlaceCode>) -> bool {
    match place.and_then(place::district) {
        Some(district) => scope.allows_district(district),
        None => scope.districts.is_none(),
    }
}

/// The problem for a refusal. What is open elsewhere is shown to who may see it.
fn refused(refusal: &Refusal, scope: &Scope, roster: &Roster) -> Fault {
    let current = refusal.current.as_ref().filter(|t| scope.allows_alert(t)).map(|t| words::alert(t, roster));
    match refusal.reason {
        "too_many" => Fault::conflict(None, None, &format!("{MAX_DRILLS} drills are open: close one first")),
        "elsewhere" => Fault::conflict(
            None,
            current,
            "a drill of this name is open in another place or domain: choose another name",
        ),
        "bad_until" => Fault::invalid(format!("minutes: must be 1 to {MINUTES_MAX}")),
        _ => Fault::conflict(None, current, "the drill is over"),
    }
}
