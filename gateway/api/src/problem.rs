//! Errors as `application/problem+json`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Alert;

/// What went wrong, for programs. Stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request cannot be understood.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// The request is understood and makes no sense.
    Invalid,
    /// Somebody or something was first.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// Not now; try again.
    Unavailable,
    /// A fault of the server.
    Internal,
}

/// Why a command met a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictReason {
    /// Another operator acted since.
    NewerFact,
    /// The level rose since.
    LevelRose,
    /// The alert is over.
    Resolved,
    /// Fresh values say that it goes on: only a forced close ends it.
    StillFiring,
    /// There is no silence to end.
    NotSilenced,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// For programs.
    pub code: Code,
    /// For people.
    pub detail: String,
    /// Why a command met a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ConflictReason>,
    /// The alert as it is now, with a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline = false)]
    pub current: Option<Box<Alert>>,
}
