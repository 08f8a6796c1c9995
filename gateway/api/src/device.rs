//! Devices and their series.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Domain, Level, Time};

/// What is known of a device now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// Heard, and nothing is wrong.
    Normal,
    /// Nothing can be said.
    Unknown,
    /// An alert is open on it.
    Firing,
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownWhy {
    /// It never reported.
    Never,
    /// Its last report is too old.
    Stale,
    /// Maibo itself hears nothing.
    Deaf,
    /// It is under maintenance: what it says is not to be relied on.
    Maintenance,
}

/// The last value of one quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceValue {
    /// What.
    pub quantity: String,
    /// Its canonical unit.
    pub unit: String,
    /// The value; `null` where it is not a number.
    pub value: Option<f64>,
    /// When it was measured.
    pub at: Time,
    /// `good`, `suspect`, `clock`, `range` or `substituted`.
    pub quality: String,
}

/// One device of the catalogue with its present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its identifier.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Code of its place.
    pub place: String,
    /// First six digits of the place.
    pub district: String,
    /// WGS-84 degrees.
    pub lon: Option<f64>,
    /// WGS-84 degrees.
    pub lat: Option<f64>,
    /// Which of the six domains.
    pub domain: Domain,
    /// Its state.
    pub state: DeviceState,
    /// Why nothing can be said; also set while firing on old data.
    pub unknown_why: Option<UnknownWhy>,
    /// The highest level of its open alerts.
    pub level: Option<Level>,
    /// When anything was last received from it.
    pub last_heard: Option<Time>,
    /// Last values by quantity.
    pub values: Vec<DeviceValue>,
}

/// Points of a series: buckets, or raw readings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Points {
    /// `[t_ms, min, mean, max, count]`, `t_ms` being the bucket's beginning; empty buckets are left out.
    Buckets(Vec<(i64, f64, f64, f64, u64)>),
    /// `[t_ms, value]`.
    Raw(Vec<(i64, f64)>),
}

/// One quantity of one device over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// What.
    pub quantity: String,
    /// Its canonical unit.
    pub unit: String,
    /// Oldest first.
    pub points: Points,
}
