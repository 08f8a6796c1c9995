//! Response plans as people write them, in the configuration and in requests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One `[[plan]]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanText {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique. A plan that gets another name is another plan.
    pub name: String,
    /// What people call it.
    pub title: WordsText,
    /// `blue`, `yellow`, `orange` (the default), `red`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_level: Option<String>,
    /// Domains; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Place codes such as `110105`; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<String>,
    /// Rules; none means all but those of Maibo about itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Receivers that are told of what it covers, whatever their own conditions say.
    pub receivers: Vec<String>,
    /// Who has to do what.
    #[serde(default, rename = "task", skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskText>,
}

/// One `[[plan.task]]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskText {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique in the plan.
    pub name: String,
    /// The receiver that has to do it: one of the plan's.
    pub owner: String,
    /// What it is, for people.
    pub what: WordsText,
    /// Which answer says that it is done: `acknowledged` (the default), `responding`, `fed_back` or `closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// How long after somebody of the plan is told: 5 s to 7 days, as `5m`.
    pub within: String,
    /// Receivers that are told where it was not done in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<String>,
    /// Who is told where it stays undone, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<RungText>,
}

/// One rung of `then` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RungText {
    /// How long after the deadline, or after the rung before: 5 s to 7 days, as `10m`.
    pub after: String,
    /// Receivers that are told then.
    pub escalate: Vec<String>,
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WordsText {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Response plans to be put in force, instead of those that are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlansUpload {
    /// All of them: what is not among them is no longer in force.
    pub plans: Vec<PlanText>,
    /// Why, at most 1,000 characters.
    #[serde(default)]
    pub note: String,
    /// Only say what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of an upload, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlansActivated {
    /// The set's version.
    pub version: String,
    /// Whether it is in force by this; false of a dry run.
    pub activated: bool,
    /// How many plans.
    pub plans: u64,
    /// Against what was in force before.
    pub difference: PlanDifference,
}

/// What differs between two sets of plans, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDifference {
    /// Only in the later one.
    pub added: Vec<String>,
    /// Only in the earlier one.
    pub removed: Vec<String>,
    /// In both, and not the same.
    pub changed: Vec<String>,
}

/// A set of plans that came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanVersion {
    /// Which.
    pub version: String,
    /// When.
    pub activated_at: crate::Time,
    /// Who brought it; `file` for the configuration.
    pub author: String,
    /// Why.
    pub note: Option<String>,
    /// Whether it is in force now.
    pub in_force: bool,
    /// How many plans; `null` where it is not kept any more.
    pub plans: Option<u64>,
    /// Against the one before; `null` where one of both is not known.
    pub difference: Option<PlanDifference>,
}

/// A set of plans as written, to be looked at, changed, and brought again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanTexts {
    /// Which.
    pub version: String,
    /// The plans.
    pub plans: Vec<PlanText>,
    /// Against the version that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<PlanDifference>,
}
