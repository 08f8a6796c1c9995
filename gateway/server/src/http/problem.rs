//! Errors as the caller sees them.
//!
//! | code | status | when |
//! |---|---|---|
//! | `bad_request` | 400, 405 | the request cannot be understood, or the method is not one of the path's |
//! | `bad_request` | 401 | a sender of alarms without its token |
//! | `bad_request` | 403 | a command from a foreign page |
//! | `bad_request` | 421 | a request that names another server |
//! | `not_found` | 404 | there is no such thing, or it is outside the caller's scope |
//! | `not_found` | 410 | there was, and its time is over |
//! | `invalid` | 422 | the request is understood and makes no sense |
//! | `conflict` | 409 | somebody or something was first |
//! | `too_large` | 413 | the body is longer than the limit |
//! | `unavailable` | 429 | too often; `Retry-After` says when to try again |
//! | `unavailable` | 503 | not now; `Retry-After` says when to try again |
//! | `internal` | 500 | a fault of the server; the log has the cause |

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maibo_api as api;
use tracing::error;

use crate::Chain;

/// An error on its way to the caller.
#[derive(Debug)]
pub struct Fault {
    problem: Box<api::Problem>,
    retry_after: Option<u32>,
}

impl Fault {
    fn new(status: StatusCode, code: api::Code, detail: impl Into<String>) -> Self {
        let problem = api::Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            reason: None,
            current: None,
        };
        Self { problem: Box::new(problem), retry_after: None }
    }

    /// The request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, api::Code::BadRequest, detail)
    }

    /// Not without a token.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, api::Code::BadRequest, detail)
    }

    /// Not from here.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, api::Code::BadRequest, detail)
    }

    /// Not to us.
    pub fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, api::Code::BadRequest, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, api::Code::NotFound, detail)
    }

    /// There was such a thing.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, api::Code::NotFound, detail)
    }

    /// Too often; try again after so many seconds.
    pub fn too_often(detail: impl Into<String>, retry_after: u32) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, api::Code::Unavailable, detail);
        Self { retry_after: Some(retry_after), ..fault }
    }

    /// Understood, and makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, api::Code::Invalid, detail)
    }

    /// Somebody or something was first; `current` is the alert as it is now.
    pub fn conflict(reason: Option<api::ConflictReason>, current: Option<api::Alert>, detail: &str) -> Self {
        let mut fault = Self::new(StatusCode::CONFLICT, api::Code::Conflict, detail);
        fault.problem.reason = reason;
        fault.problem.current = current.map(Box::new);
        fault
    }

    /// The body is longer than the limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, api::Code::TooLarge, detail)
    }

    /// Not now; try again after so many seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, api::Code::Unavailable, detail);
        Self { retry_after: Some(retry_after), ..fault }
    }

    /// A fault of the server: the cause goes to the log, not to the caller.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        error!(error = %Chain(cause), "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, api::Code::Internal, "see the server's log")
    }
}

impl Fault {
    /// What the caller gets.
    pub(super) fn problem(&self) -> &api::Problem {
        &self.problem
    }
}

impl From<maibo_store::state::StateError> for Fault {
    fn from(error: maibo_store::state::StateError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: it says how to come in; RFC 6750 §3.
            let how = HeaderValue::from_static(r#"Bearer realm="maibo""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
        }
        response
    }
}

/// For paths that no route has.
pub(super) async fn no_such_path() -> Fault {
    Fault::not_found("there is no such path; see /api/openapi.json")
}

/// For methods that a path does not have.
pub(super) async fn no_such_method() -> Fault {
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, api::Code::BadRequest, "the path does not have this method")
}
