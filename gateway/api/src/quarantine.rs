//! Rejected messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// One rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineEntry {
    /// Grows by one a rejection.
    pub id: String,
    /// When it came.
    pub at: Time,
    /// Through which source.
    pub source: String,
    /// On which topic.
    pub topic: String,
    /// Which decoder refused.
    pub format: String,
    /// Why, a constant word.
    pub reason: String,
    /// Why, in words.
    pub detail: String,
    /// The redacted beginning of the payload, where it may be kept.
    pub sample: Option<String>,
    /// Hash of the payload, where only that may be kept.
    pub sha256: Option<String>,
}
