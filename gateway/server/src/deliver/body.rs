//! The message: native JSON in the envelope of Standard Webhooks.

use maibo_api::{Alert, AlertState};
use serde::Serialize;

/// `{"type", "timestamp", "data"}`.
#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    timestamp: &'a str,
    data: Data<'a>,
}

/// The alert, and whether its fact is on record.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    alert: &'a Alert,
    recorded: bool,
}

/// The bytes that are signed and sent. The timestamp is that of the version, not of the attempt. `recorded` is false in the
/// one case in which something is told that is not a fact.
pub(super) fn native(alert: &Alert, recorded: bool) -> Vec<u8> {
    let r#type = match alert.state {
        AlertState::Firing => "alert.firing",
        AlertState::Resolved => "alert.resolved",
    };
    let envelope = Envelope { r#type, timestamp: &alert.updated_at, data: Data { alert, recorded } };
    // Numbers are finite and keys are texts, so that this cannot fail; an empty body would be refused by the receiver.
    serde_json::to_vec(&envelope).unwrap_or_default()
}
