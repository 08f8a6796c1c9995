//! Maibo about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// How a source of messages does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// It delivers.
    Listening,
    /// It does not.
    Deaf,
    /// Not yet since the start.
    Connecting,
}

/// One source of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its name in the configuration.
    pub id: String,
    /// `embedded` or `mqtt`.
    pub kind: String,
    /// How it does.
    pub state: SourceState,
    /// Since when.
    pub since: Time,
    /// Its address.
    pub detail: Option<String>,
    /// Why it does not listen, in words; in the status only, and absent where it listens or the reason is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a long-term sink does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkState {
    /// It does not run: no answer of its server yet, or not any more.
    Off,
    /// It keeps up.
    Running,
    /// Its server takes everything, and it is more than a minute back.
    Behind,
    /// Its server does not answer, or not now.
    Down,
    /// Its server takes nothing until somebody changes a configuration.
    Refused,
}

/// Readings that were dropped at the log's quota before a sink had them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinkGap {
    /// Engine time of the last record before; null where nothing was settled before.
    pub from: Option<Time>,
    /// Engine time of the first record after.
    pub to: Option<Time>,
}

/// One long-term sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sink {
    /// Its name.
    pub id: String,
    /// `influxdb2`.
    pub kind: String,
    /// How it does.
    pub state: SinkState,
    /// Since when.
    pub since: Time,
    /// Its address.
    pub detail: String,
    /// Age of the oldest record that is not settled, in milliseconds; 0 where there is none.
    pub age_ms: i64,
    /// Engine time of the last record that is settled.
    pub until: Option<Time>,
    /// Lines stored since the start.
    pub written: u64,
    /// Lines put into quarantine since the start.
    pub rejected: u64,
    /// Values since the start that are not finite, and so not written.
    pub skipped: u64,
    /// Times since the start that readings were dropped before they were sent, each partition apart.
    pub gaps: u64,
    /// The last of these.
    pub gap: Option<SinkGap>,
    /// Why it does not do better, in words; null while it runs well.
    pub error: Option<String>,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counters {
    /// Messages taken in.
    pub messages: u64,
    /// Readings taken in.
    pub readings: u64,
    /// Events taken in.
    pub events: u64,
    /// Rejections.
    pub rejected: u64,
    /// Facts recorded.
    pub facts: u64,
    /// Batches this binary would have decided otherwise.
    pub divergences: u64,
    /// Unknown devices listed.
    pub unregistered: u64,
}

/// Sizes of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogState {
    /// Bytes of the inputs log.
    pub inputs_bytes: u64,
    /// Facts in the facts log.
    pub facts: u64,
}

/// The state of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// `maibo`.
    pub product: String,
    /// Of the binary.
    pub version: String,
    /// `demo` or `run`.
    pub mode: String,
    /// Of this process.
    pub started_at: Time,
    /// Engine time.
    pub now: Time,
    /// What an acknowledgement survives: `power-safe`, `process-safe` or `volatile`.
    pub durability: String,
    /// Of the deciding code.
    pub engine_version: u32,
    /// Rule set in force, 16 hexadecimal digits.
    pub rules_version: String,
    /// Catalogue in force, 16 hexadecimal digits.
    pub catalogue_version: String,
    /// Whether rules are being judged.
    pub evaluating: bool,
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, heard and fresh.
    pub online: u64,
    /// Sources of messages.
    pub sources: Vec<Source>,
    /// Long-term sinks; empty where none is configured.
    pub sinks: Vec<Sink>,
    /// Totals.
    pub counters: Counters,
    /// Logs.
    pub log: LogState,
}

/// Which parts are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parts {
    /// Rules are being judged.
    pub evaluating: bool,
    /// Reads of alerts and of readings keep up: a list has everything that is on record.
    pub history: bool,
    /// At least one source delivers.
    pub sources: bool,
}

/// Readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// All parts are.
    pub ready: bool,
    /// Each part.
    pub parts: Parts,
}
