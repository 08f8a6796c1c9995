//! Rules as the page shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Domain, Level, Words};

/// Which side of a limit is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// At or above the limit.
    Above,
    /// At or below the limit.
    Below,
    /// Outside a band.
    Outside,
}

/// One limit: a number, or a band `[low, high]` for `outside`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Limit {
    /// One number, in the quantity's unit.
    Value(f64),
    /// Lowest and highest good value.
    Band([f64; 2]),
}

/// One rule in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// Its title.
    pub title: Words,
    /// Which of the six domains.
    pub domain: Domain,
    /// What it judges; `null` for absence rules.
    pub quantity: Option<String>,
    /// The quantity's canonical unit.
    pub unit: Option<String>,
    /// Its ladder; `null` for absence rules.
    pub levels: Option<BTreeMap<Level, Limit>>,
    /// Which side is bad; `null` for absence rules.
    pub direction: Option<Direction>,
    /// How far back behind the limit a value must be to count as recovered, in `unit`.
    pub deadband: Option<f64>,
    /// How long a value must stay beyond a limit.
    pub for_ms: i64,
    /// How long a value must be back.
    pub keep_firing_for_ms: i64,
    /// Where the limits come from.
    pub source: String,
    /// Since when the source is in force, as written in the pack.
    pub effective: Option<String>,
    /// What to do.
    pub advice: Words,
    /// Open alerts of this rule.
    pub open: u64,
}
