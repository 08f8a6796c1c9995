//! Rules on trial, and the rule sets that were in force.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::backtest::{BacktestRule, Pack};
use crate::common::{LevelCounts, Time};

/// What a rule on trial would have told, since it is on trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowReport {
    /// Since when it is on trial without a break; where more was recorded than is kept, since when all of it is kept.
    pub since: Time,
    /// Until when it was counted.
    pub until: Time,
    /// Days between both.
    pub days: f64,
    /// Openings a day; `null` within the first minute.
    pub per_day: Option<f64>,
    /// The same figures as a backtest gives of a rule; `open` is now.
    pub figures: BacktestRule,
    /// Of the open ones by level in force.
    pub open: LevelCounts,
    /// When it last opened.
    pub last: Option<Time>,
}

/// What differs between two rule sets, by identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleDifference {
    /// Only in the later one.
    pub added: Vec<String>,
    /// Only in the earlier one.
    pub removed: Vec<String>,
    /// In both, and not the same: text, limits, or on trial in one only.
    pub changed: Vec<String>,
}

/// A rule set that came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersion {
    /// Its version.
    pub version: String,
    /// When it came into force.
    pub activated_at: Time,
    /// Who brought it: a name, or `file` where it was read from the configured files.
    pub author: String,
    /// Why, as its author says.
    pub note: Option<String>,
    /// Whether it is in force now.
    pub in_force: bool,
    /// How many rules; `null` where its text is gone.
    pub rules: Option<u64>,
    /// Of these on trial.
    pub shadow: Option<u64>,
    /// Against what was in force before; `null` of the first, and where a text is gone.
    pub difference: Option<RuleDifference>,
}

/// The texts of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleTexts {
    /// Its version.
    pub version: String,
    /// Its packs.
    pub packs: Vec<Pack>,
    /// From the rule set that was asked to be compared with.
    pub difference: Option<RuleDifference>,
}

/// Rules to be put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesUpload {
    /// All packs: what is not in them is no longer in force.
    pub packs: Vec<Pack>,
    /// Why, at most 1,000 characters.
    #[serde(default)]
    pub note: String,
    /// Only say what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of an upload, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesActivated {
    /// The rule set's version.
    pub version: String,
    /// Whether it is in force by this; false of a dry run.
    pub activated: bool,
    /// How many rules.
    pub rules: u64,
    /// Of these on trial.
    pub shadow: u64,
    /// Against what was in force before.
    pub difference: RuleDifference,
}
