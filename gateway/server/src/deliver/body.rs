//! The message as it is kept: native JSON in the envelope of Standard Webhooks.

use maibo_api::{Alert, AlertState, Escalated, PlanOrder, Words};
use serde::Serialize;

/// What receivers are told of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The alert as everybody sees it.
    pub alert: Alert,
    /// What to do, from the rule; `None` where there is no rule any more.
    pub advice: Option<Words>,
    /// The response plans that cover it.
    pub plans: Vec<PlanOrder>,
    /// The task that was missed, where the version is about one.
    pub escalated: Option<Escalated>,
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a Words>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    plans: &'a [PlanOrder],
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated: Option<&'a Escalated>,
    recorded: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// The bytes that are signed and sent. The timestamp is that of the version, not of the attempt. `recorded` is false in the
/// one case in which something is told that is not a fact.
pub(super) fn native(told: &Told, recorded: bool) -> Vec<u8> {
    write(told, recorded, false)
}

/// The same of an alert that never was: somebody tries whether messages arrive.
pub(super) fn test(told: &Told) -> Vec<u8> {
    write(told, false, true)
}

fn write(told: &Told, recorded: bool, test: bool) -> Vec<u8> {
    let Told { alert, advice, plans, escalated } = told;
    let r#type = match alert.state {
        AlertState::Firing => "alert.firing",
        AlertState::Resolved => "alert.resolved",
    };
    let envelope = Envelope {
        r#type,
        timestamp: &alert.updated_at,
        data: Data { alert, advice: advice.as_ref(), plans, escalated: escalated.as_ref(), recorded, test },
    };
    // Numbers are finite and keys are texts, so that this cannot fail; an empty body would be refused by the receiver.
    serde_json::to_vec(&envelope).unwrap_or_default()
}
