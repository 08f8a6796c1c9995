//! Maintenance of devices and places.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// How far a maintenance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MaintenanceState {
    /// It begins later.
    Planned,
    /// It is under way: nobody is told of alerts in its scope, and its devices are unknown.
    Running,
    /// It is over, or was called off.
    Over,
}

/// Planned work on a device or a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Maintenance {
    /// Its identifier.
    pub id: String,
    /// How far it is.
    pub state: MaintenanceState,
    /// Of this device.
    pub device: Option<String>,
    /// Of everything in this place.
    pub place: Option<String>,
    /// When it begins.
    pub from: Time,
    /// When it ends, or was ended.
    pub until: Time,
    /// Who planned it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Who ended it early.
    pub ended_by: Option<String>,
}

/// Plans a maintenance of a device or of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanMaintenance {
    /// Of this device.
    #[serde(default)]
    pub device: Option<String>,
    /// Of everything in this place, a code of a city, district, street or community.
    #[serde(default)]
    pub place: Option<String>,
    /// When it begins; now where it is not said. At most 31 days ahead.
    #[serde(default)]
    pub from: Option<Time>,
    /// When it ends, at most 31 days after it began.
    pub until: Time,
    /// Why; not empty, at most 500 characters.
    pub reason: String,
}
