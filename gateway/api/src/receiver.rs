//! Receivers of alerts: who they are, how they do, and what came of a test.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Domain, Level, Time};

/// How a receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverHealth {
    /// It takes what it is told, or has been told nothing.
    Well,
    /// It has not taken what was tried last.
    Failing,
}

/// Whether a receiver is tried with all there is to tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Circuit {
    /// It is.
    Closed,
    /// It failed eight times in a row: one attempt at a time, after waits of 1 to 5 s, until it answers.
    Open,
}

/// Somebody who is told. Neither secrets nor what an address has behind its host are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// `http`, `mqtt` or `mail`.
    pub kind: String,
    /// In which format; `mail` of mail.
    pub format: String,
    /// The machine that is told.
    pub host: String,
    /// `all` or `latest`.
    pub mode: String,
    /// From this level on.
    pub min_level: Level,
    /// In these domains; none means all.
    pub domains: Vec<Domain>,
    /// In these places; none means all.
    pub districts: Vec<String>,
    /// Of these rules; none means all.
    pub rules: Vec<String>,
    /// About these kinds of subject; none means all.
    pub kinds: Vec<String>,
    /// Only in these periods, by their names; none means at any hour.
    pub during: Vec<String>,
    /// From this reminder on; 0: at once.
    pub from_reminder: u32,
    /// It hears of nothing but what a plan calls it for.
    pub planned: bool,
    /// How many messages it takes in a minute; `null`: without limit.
    pub per_minute: Option<u32>,
    /// How it does.
    pub health: ReceiverHealth,
    /// How much it is tried.
    pub circuit: Circuit,
    /// Since when it takes nothing.
    pub failing_since: Option<Time>,
    /// Why, in words.
    pub last_error: Option<String>,
    /// Waiting does not mend that: a person has to act, as where it refuses or its certificate is not valid.
    pub needs_operator: bool,
    /// When it last took something, since the start.
    pub last_success: Option<Time>,
    /// Versions that wait for it; `null` where that is not known.
    pub pending: Option<u64>,
}

/// What came of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiverTest {
    /// To whom.
    pub receiver: String,
    /// The message's key.
    pub message: String,
    /// Whether the receiver took it.
    pub delivered: bool,
    /// Why not, in words.
    pub error: Option<String>,
    /// The HTTP status, where that was the answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}
