//! Frames of `/ws`: one JSON object a text frame, its type in `t`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Alert;
use crate::common::{LevelCounts, Ms};
use crate::status::Source;

/// From the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum ClientFrame {
    /// The first frame.
    Hello(Hello),
}

/// Asks for a view, from the beginning or from where it was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// Protocol version, 1.
    pub v: u32,
    /// Which view.
    pub view: String,
    /// Where it was left.
    #[serde(default)]
    pub resume: Option<Resume>,
}

/// A place in a view's sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resume {
    /// Of which start of the server.
    pub epoch: String,
    /// The last frame applied.
    pub seq: u64,
}

/// From the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// Alerts changed.
    Al(AlertFrame),
    /// Devices changed.
    Dv(DeviceFrame),
    /// Still there.
    Hb(Heartbeat),
    /// Frames were skipped: take a snapshot.
    Gap,
    /// The server closes.
    Bye(Bye),
}

/// How the stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WelcomeMode {
    /// The missed frames follow.
    Resumed,
    /// Take a snapshot.
    Snapshot,
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    /// Protocol version, 1.
    pub v: u32,
    /// Which view.
    pub view: String,
    /// Of this start of the server.
    pub epoch: String,
    /// The last sequence number.
    pub seq: u64,
    /// Engine time.
    pub now: Ms,
    /// Milliseconds between heartbeats.
    pub hb: u32,
    /// How the stream begins.
    pub mode: WelcomeMode,
}

/// Alerts changed: sent at commit, never merged, never dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertFrame {
    /// Sequence number.
    pub s: u64,
    /// Engine time.
    pub ts: Ms,
    /// In the order of the facts.
    pub up: Vec<Alert>,
}

/// Devices changed: the last value and the highest level of a window of 200 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceFrame {
    /// Sequence number.
    pub s: u64,
    /// Engine time.
    pub ts: Ms,
    /// Positions in the device columns.
    pub i: Vec<u32>,
    /// 0 normal, 1 blue, 2 yellow, 3 orange, 4 red, -1 never seen, -2 stale, -3 deaf.
    pub l: Vec<i8>,
    /// Values of the primary quantity.
    pub v: Vec<Option<f64>>,
    /// Event times, 0 where there is none.
    pub a: Vec<Ms>,
}

/// An index with its coverage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// 0 to 100; `null` where nothing is known.
    pub index: Option<f64>,
    /// Share of devices that are known, 0 to 1; `null` where there are no devices.
    pub coverage: Option<f64>,
}

/// The city's index and its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Indices {
    /// 0 to 100; `null` where nothing is known.
    pub city: Option<f64>,
    /// Share of devices that are known, 0 to 1; `null` where there are no devices.
    pub coverage: Option<f64>,
    /// By domain.
    pub domains: BTreeMap<String, Score>,
}

/// The present state of one district.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DistrictState {
    /// Devices in it.
    pub devices: u64,
    /// Of these, heard and fresh.
    pub online: u64,
    /// Open alerts by level.
    pub open: LevelCounts,
}

/// Still there, every second. Not part of the sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// The last sequence number.
    pub s: u64,
    /// Engine time.
    pub ts: Ms,
    /// Readings a second, over five seconds.
    pub rate: f64,
    /// Devices in the view.
    pub devices: u64,
    /// Of these, heard and fresh.
    pub online: u64,
    /// Sources of messages.
    pub sources: Vec<Source>,
    /// Indices.
    pub index: Indices,
    /// By district code.
    pub districts: BTreeMap<String, DistrictState>,
    /// Alerts opened in the last ten minutes.
    pub alarm_rate_10min: u64,
    /// Whether rules are being judged. Where not, nothing new will be told, however alive the connection is.
    pub evaluating: bool,
}

/// Why the server closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ByeCode {
    /// It stops; come back.
    Restart,
    /// Too many clients.
    Overload,
    /// This client took nothing for too long.
    Slow,
}

/// The server closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bye {
    /// Why.
    pub code: ByeCode,
    /// Come back after this long, in milliseconds.
    pub retry_ms: u32,
}
