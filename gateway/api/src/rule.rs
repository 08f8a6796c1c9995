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

/// How well founded the limits are that a rule takes from its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Read in the named standard, or in a reliable report of it.
    Verified,
    /// From a vendor, an encyclopedia or another second hand.
    Weak,
    /// A suggestion to begin with.
    Default,
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

/// One set of limits of a rule. Any of those of one period may alarm; the highest level counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTerm {
    /// `last`, or what is computed over the window: `mean`, `min`, `max`, `sum`, `count`, `range`, `rate`, `delta`,
    /// `percentile`, `leq`; or `stuck`, the seconds that a value has not moved; or
    /// `baseline`, the deviations it lies from what is usual at its hour of the week.
    pub signal: String,
    /// Length of the window; 0 for `last`, `stuck` and `baseline`.
    pub window_ms: i64,
    /// Which side is bad.
    pub direction: Direction,
    /// How far back behind the limit a value must be to count as recovered.
    pub deadband: f64,
    /// The limits.
    pub levels: BTreeMap<Level, Limit>,
    /// The period of the rule's calendar that they hold in; `null`: always.
    pub period: Option<String>,
}

/// An expression that a rule judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleExpression {
    /// As it stands in the pack.
    pub text: String,
    /// Whether it is true or false, which are judged as 1 and 0.
    pub truth: bool,
    /// Its series, in the order of their quantities.
    pub inputs: Vec<RuleInput>,
}

/// A named series of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleInput {
    /// Its name in the expression.
    pub name: String,
    /// What is measured.
    pub quantity: String,
    /// `last`, or the signal of a window.
    pub signal: String,
    /// Length of the window; 0 for the last value.
    pub window_ms: i64,
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
    /// What it judges; `null` for rules on something else: silence, events, an expression.
    pub quantity: Option<String>,
    /// The quantity's canonical unit.
    pub unit: Option<String>,
    /// What it judges instead of a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<RuleExpression>,
    /// Its limits where they are on the last value and hold at all hours without an end; else `null`.
    pub levels: Option<BTreeMap<Level, Limit>>,
    /// Which side of `levels` is bad.
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
    /// How well founded the limits are; `null` where the pack does not say.
    pub confidence: Option<Confidence>,
    /// What to do.
    pub advice: Words,
    /// All its limits, period by period.
    pub terms: Vec<RuleTerm>,
    /// Open alerts of this rule.
    pub open: u64,
    /// On trial (试运行): judged and counted, and never told.
    #[serde(default)]
    pub shadow: bool,
}
