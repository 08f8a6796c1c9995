//! Others' alarms, as they are taken and listed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// What became of a CAP message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlarmTaken {
    /// Reports that it was: one, of one that ends several that many.
    pub taken: usize,
    /// Why it was understood and not taken.
    pub ignored: Option<String>,
}

/// An alert as Prometheus posts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostableAlert {
    /// What it is, and its identity; not empty.
    pub labels: BTreeMap<String, String>,
    /// Words about it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    #[serde(default)]
    pub starts_at: Option<Time>,
    /// Until when, unless it is posted again before.
    #[serde(default)]
    pub ends_at: Option<Time>,
    /// Where it comes from.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: Option<String>,
}

/// An alert as an Alertmanager lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GettableAlert {
    /// What it is.
    pub labels: BTreeMap<String, String>,
    /// Words about it.
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    pub starts_at: Time,
    /// Its end, which is not known.
    pub ends_at: Time,
    /// When it changed last.
    pub updated_at: Time,
    /// Sixteen hexadecimal digits.
    pub fingerprint: String,
    /// Where it comes from.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// Who is told; not known here.
    pub receivers: Vec<BTreeMap<String, String>>,
    /// Whether it is told.
    pub status: GettableStatus,
}

/// Whether an alert is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GettableStatus {
    /// `active` or `suppressed`.
    pub state: String,
    /// Who silenced it.
    pub silenced_by: Vec<String>,
    /// The alert that is told instead.
    pub inhibited_by: Vec<String>,
    /// Nothing.
    pub muted_by: Vec<String>,
}
