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
