//! Incidents: alerts with one cause.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Alert;
use crate::common::{Domain, Level, Page, Time, Words};

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// Some of its alerts are open, or were a moment ago.
    Open,
    /// All are over, or another incident took them in.
    Closed,
}

/// Alerts with one cause, as of the latest version that was told: counts between two versions are not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Version within the incident, from 1.
    pub version: u32,
    /// Open or closed.
    pub state: IncidentState,
    /// The rule of its first alert.
    pub rule: String,
    /// That rule's title.
    pub title: Words,
    /// The district of its first alert.
    pub district: Option<String>,
    /// Name of the district.
    pub place_name: Option<Words>,
    /// The domain of its first alert.
    pub domain: Domain,
    /// The worst level of any of its alerts.
    pub level: Level,
    /// How many alerts it had by this version.
    pub alerts: u32,
    /// How many of them were open.
    pub open: u32,
    /// How many devices they were of.
    pub devices: u32,
    /// Codes of the places, at most 32.
    pub places: Vec<String>,
    /// True where it lay in the past when it was found.
    pub historic: bool,
    /// Since when the condition of its first alert holds.
    pub started_at: Time,
    /// When its first alert was decided.
    pub opened_at: Time,
    /// When its newest alert was decided.
    pub latest_at: Time,
    /// When this version was decided.
    pub updated_at: Time,
    /// The incident that took its alerts in.
    pub into: Option<String>,
}

/// An incident with a page of its alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    #[serde(flatten)]
    pub incident: Incident,
    /// Its alerts, newest first.
    pub members: Page<Alert>,
}
