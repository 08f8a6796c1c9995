//! Answers of those who are told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a receiver has come with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerStage {
    /// 已收到
    Acknowledged,
    /// 正在处置
    Responding,
    /// 已处置
    FedBack,
    /// 关闭: as an operator may, never by force.
    Closed,
}

/// What a receiver answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// How far they are.
    pub stage: AnswerStage,
    /// Who says so: 1 to 30 letters, digits, spaces and `. · _ @ -`.
    pub by: String,
    /// At most 500 characters; with `fed_back` at least one: what came of it.
    #[serde(default)]
    pub note: String,
}

/// What a receiver answered by other means, such as by telephone, put down by an operator in its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnteredAnswer {
    /// The version the operator saw.
    pub version: u32,
    /// Whose answer it is: the owner of an open task of a plan that the alert called for.
    pub receiver: String,
    /// How far they are.
    pub stage: AnswerStage,
    /// Who said so: 1 to 30 letters, digits, spaces and `. · _ @ -`.
    pub by: String,
    /// At most 500 characters; with `fed_back` at least one: what came of it.
    #[serde(default)]
    pub note: String,
}
