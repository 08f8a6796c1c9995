//! What Prometheus posts to an Alertmanager (prometheus/alertmanager, `api/v2/openapi.yaml`), and the events that it is.
//!
//! An alert is its set of labels. It is posted again and again while it fires, each time with an end that lies ahead, and
//! with an end that is past when it is over. The first report stands at `startsAt`, repeats at the time at which they come.
//!
//! Its annotations are not in the text of its alert: `summary` mostly has the value, which is another one at every repeat, and
//! other words are another version.
//!
//! Limits: [`ALERTS_MAX`] alerts a request, [`LABELS_MAX`] labels and annotations of one.

use std::collections::BTreeMap;

use maibo_core::place::Level;
use maibo_core::reading::{Event, Text};
use maibo_core::time::Timestamp;
use serde::Deserialize;

use super::{AlarmSource, code, identity, line};

/// Alerts in one request; Prometheus sends 64 at a time.
pub const ALERTS_MAX: usize = 1_000;
/// Labels, and annotations, of one alert.
const LABELS_MAX: usize = 64;
/// How Go writes the time that is not set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// One alert as it is posted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
}

/// Reads a request: the events of what can be used, and of each that cannot which one it is and why.
///
/// # Errors
/// Where it is no list, or too long a one.
pub fn parse(body: &[u8], source: &AlarmSource, received: Timestamp) -> Result<(Vec<Event>, Vec<String>), String> {
    let alerts: Vec<serde_json::Value> =
        serde_json::from_slice(body).map_err(|e| format!("is no list of alerts: {e}"))?;
    if alerts.len() > ALERTS_MAX {
        return Err(format!("has {} alerts, allowed are {ALERTS_MAX}", alerts.len()));
    }
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for (n, alert) in alerts.into_iter().enumerate() {
        let posted = serde_json::from_value::<Posted>(alert).map_err(|e| e.to_string());
        match posted.and_then(|posted| reports(&posted, source, received)) {
            Ok(reports) => events.extend(reports),
            Err(why) => problems.push(format!("alerts[{n}]: {why}")),
        }
    }
    Ok((events, problems))
}

fn reports(posted: &Posted, source: &AlarmSource, received: Timestamp) -> Result<Vec<Event>, String> {
    // A label without a value is none.
    let labels: BTreeMap<&str, &str> =
        posted.labels.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.as_str(), v.as_str())).collect();
    if labels.is_empty() {
        return Err("labels: must not be empty".to_owned());
    }
    if labels.len() > LABELS_MAX || posted.annotations.len() > LABELS_MAX {
        return Err(format!("labels, annotations: more than {LABELS_MAX}"));
    }
    let bad = |name: &&str| {
        let fine = |(i, b): (usize, u8)| b == b'_' || b.is_ascii_alphabetic() || (i > 0 && b.is_ascii_digit());
        name.is_empty() || !name.bytes().enumerate().all(fine)
    };
    if let Some(name) = labels.keys().find(|name| bad(name)) {
        return Err(format!("labels: {name:?} is not a name of a label"));
    }
    let starts = time("startsAt", posted.starts_at.as_deref())?;
    let ends = time("endsAt", posted.ends_at.as_deref())?;
    if let (Some(starts), Some(ends)) = (starts, ends)
        && ends < starts
    {
        return Err("endsAt: lies before startsAt".to_owned());
    }
    let over = ends.is_some_and(|ends| ends <= received);
    let name = labels.get("alertname").copied().unwrap_or("alert");
    let summary = ["summary", "description", "message", "title"].iter().find_map(|n| posted.annotations.get(*n));
    let event = |at: Timestamp, cancelled: bool| Event {
        device: source.device.clone(),
        code: code(&source.prefix, labels.get("severity").and_then(|s| level(s)), name),
        identity: Text::from(identity(labels.iter().flat_map(|(n, v)| [*n, *v])).as_str()),
        at,
        received,
        expires: (!cancelled).then(|| ends.unwrap_or(received + source.valid_for)),
        cancelled,
        position: None,
        text: line(summary.map_or(name, String::as_str)),
        ahead: None,
    };
    if over {
        return Ok(vec![event(received, true)]);
    }
    // Where it is known already the first of the two is late, and moves nothing.
    let first = starts.filter(|starts| *starts < received).map(|starts| event(starts, false));
    Ok(first.into_iter().chain([event(received, false)]).collect())
}

fn time(of: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.filter(|t| !t.is_empty() && *t != NO_TIME) else { return Ok(None) };
    let read = text.parse::<jiff::Timestamp>().map_err(|_| format!("{of}: is not an RFC 3339 time"))?;
    Ok(Some(Timestamp(read.as_millisecond())))
}

/// The words that rules out there use.
fn level(severity: &str) -> Option<Level> {
    match severity.to_ascii_lowercase().as_str() {
        "critical" | "page" | "emergency" | "disaster" | "fatal" | "red" => Some(Level::Red),
        "error" | "high" | "major" | "severe" | "orange" => Some(Level::Orange),
        "warning" | "warn" | "moderate" | "average" | "yellow" => Some(Level::Yellow),
        "info" | "information" | "notice" | "minor" | "low" | "none" | "blue" => Some(Level::Blue),
        _ => None,
    }
}
