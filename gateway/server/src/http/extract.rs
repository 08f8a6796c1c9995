//! What handlers take from a request, with errors as problems.

use std::num::IntErrorKind;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use maibo_core::id::Actor;
use maibo_core::place::{Domain, Level};
use serde::de::DeserializeOwned;

use super::{Fault, HttpState, guard};
use crate::live::Scope;

/// Entries of a page where the caller does not say.
const PAGE: usize = 100;
/// Most entries of a page.
pub(super) const PAGE_MAX: usize = 1_000;

/// Who gives a command: header `Maibo-Actor`, `operator` where there is none.
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let name = match parts.headers.get("maibo-actor") {
            None => "operator",
            Some(value) => value.to_str().map_err(|_| Fault::bad_request("Maibo-Actor: is not plain text"))?,
        };
        Actor::account(name).map(Self).map_err(|e| Fault::bad_request(format!("Maibo-Actor: {e}")))
    }
}

/// What the caller may see: what whoever knows the caller has put among the request's extensions. Today nobody does, and
/// everybody sees everything; every query asks all the same.
impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::everything))
    }
}

/// Query parameters. Unknown ones are refused where `T` says so.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Fault::bad_request(rejection.body_text())),
        }
    }
}

/// A JSON body of at most [`guard::BODY_MAX`] bytes.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<HttpState> for Body<T> {
    type Rejection = Fault;
    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Fault> {
        let bytes = json_bytes(request, state, guard::BODY_MAX).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|e| Fault::bad_request(format!("body: {e}")))
    }
}

/// The bytes of a JSON body of at most `MAX` bytes, to be read where it may block.
pub(super) struct Raw<const MAX: usize>(pub(super) Bytes);

impl<const MAX: usize> FromRequest<HttpState> for Raw<MAX> {
    type Rejection = Fault;
    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Fault> {
        json_bytes(request, state, MAX).await.map(Self)
    }
}

/// The body of a request that says it is JSON.
async fn json_bytes(mut request: Request, state: &HttpState, most: usize) -> Result<Bytes, Fault> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // Also keeps forms of foreign pages out: this type needs a browser's permission.
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Fault::bad_request("Content-Type must be application/json"));
    }
    axum::extract::DefaultBodyLimit::max(most).apply(&mut request);
    match Bytes::from_request(request, state).await {
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(e)) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Fault::too_large(format!("the body is longer than {most} bytes")))
        }
        Err(e) => Err(Fault::bad_request(e.body_text())),
    }
}

/// How many entries; `None` means [`PAGE`].
pub(super) fn limit(text: Option<&str>) -> Result<usize, Fault> {
    let Some(text) = text else { return Ok(PAGE) };
    match text.parse::<usize>() {
        Ok(n) if (1..=PAGE_MAX).contains(&n) => Ok(n),
        Err(e) if *e.kind() != IntErrorKind::PosOverflow => Err(Fault::bad_request("limit: is not a number")),
        _ => Err(Fault::bad_request(format!("limit: must be 1 to {PAGE_MAX}"))),
    }
}

/// The cursor of lists that are ordered by a number.
pub(super) fn cursor(text: Option<&str>) -> Result<Option<u64>, Fault> {
    text.map(|t| t.parse().map_err(|_| Fault::bad_request("cursor: is not one that this list gave"))).transpose()
}

/// A level by its word.
pub(super) fn level(text: Option<&str>) -> Result<Option<Level>, Fault> {
    word("level", text, Level::parse, "blue, yellow, orange, red")
}

/// A domain by its word.
pub(super) fn domain(text: Option<&str>) -> Result<Option<Domain>, Fault> {
    word("domain", text, Domain::parse, "municipal, traffic, ecology, health, safety, emergency")
}

/// One of a closed set of words.
pub(super) fn word<T>(
    name: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
    words: &str,
) -> Result<Option<T>, Fault> {
    text.map(|t| parse(t).ok_or_else(|| Fault::bad_request(format!("{name}: must be one of {words}")))).transpose()
}

/// Waits until facts before `after` can be read. Gives up after a while: the read then says 503 rather than lie.
pub(super) async fn wait_for(state: &HttpState, after: Option<u64>, limit: Duration) -> Result<(), Fault> {
    match after {
        Some(next) if !state.projection.reached(next, limit).await => {
            Err(Fault::unavailable("what the command did cannot be read yet", 1))
        }
        _ => Ok(()),
    }
}
