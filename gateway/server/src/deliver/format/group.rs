//! Several versions in one message of native JSON: the alerts of one rule in one district.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{FormatError, Letter, Outgoing};

/// What is kept, read as far as a group needs it.
#[derive(Deserialize)]
struct Kept {
    timestamp: String,
    data: Value,
}

/// `{"type": "alert.group", "timestamp", "data": {"rule", "district", "count", "alerts"}}`, each alert as in the `data` of a
/// message of its own. The time is that of the latest version.
pub(super) fn native(letters: &[Letter]) -> Result<Outgoing, FormatError> {
    let kept: Vec<Kept> = letters.iter().map(|l| serde_json::from_slice(&l.body)).collect::<Result<_, _>>()?;
    let timestamp = kept.iter().map(|k| k.timestamp.as_str()).max().ok_or(FormatError::Empty)?.to_owned();
    let first = kept.first().map(|k| &k.data).ok_or(FormatError::Empty)?;
    let (rule, district) = (first["rule"].clone(), first["district"].clone());
    let alerts: Vec<Value> = kept.into_iter().map(|k| k.data).collect();
    let message = json!({
        "type": "alert.group", "timestamp": timestamp,
        "data": { "rule": rule, "district": district, "count": alerts.len(), "alerts": alerts },
    });
    Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body: serde_json::to_vec(&message)? })
}
