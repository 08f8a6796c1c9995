//! Bodies of the commands on alerts. `version` is the version that the operator saw.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// Take notice of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// The version the operator saw.
    pub version: u32,
    /// Free words, at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// Say who works on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// The version the operator saw.
    pub version: u32,
    /// A person, crew or bureau, 1 to 64 characters.
    pub to: String,
    /// Free words, at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// Say something about it. Never a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// The version the operator saw.
    pub version: u32,
    /// 1 to 500 characters.
    pub note: String,
}

/// Stop telling receivers for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// The version the operator saw.
    pub version: u32,
    /// Its end, at most seven days ahead.
    pub until: Time,
    /// Why, 1 to 500 characters.
    pub note: String,
}

/// End a silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsilence {
    /// The version the operator saw.
    pub version: u32,
}

/// End the alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The version the operator saw.
    pub version: u32,
    /// Free words, at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
    /// Also where fresh values say that it goes on. Then the rule opens nothing on the subject until the condition was
    /// over once.
    #[serde(default)]
    pub forced: bool,
}

/// How far people have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 处置: somebody is at it.
    Responding,
    /// 反馈: this came of it.
    #[default]
    FedBack,
}

/// Report what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The version the operator saw.
    pub version: u32,
    /// Which stamp it gives.
    #[serde(default)]
    pub stage: Stage,
    /// What, 1 to 500 characters.
    pub note: String,
}
