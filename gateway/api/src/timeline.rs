//! An alert in the order of time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::AlertState;
use crate::common::{Level, Time, Words};

/// What an entry of a timeline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// It began, in event time.
    Happened,
    /// The city knew: version 1 was decided.
    Known,
    /// It changed by itself.
    Changed,
    /// An operator did something.
    Act,
    /// Somebody at a receiver answered.
    Answer,
    /// It got one of the four stamps.
    Stamp,
    /// A receiver has it.
    Told,
    /// A receiver does not have it yet.
    Owed,
    /// A receiver is not told, for now or for good; `outcome` and `error` say why.
    Withheld,
    /// Something happened to a run of a response plan that it belongs to; `plan`, `task` and `step` say what.
    Plan,
    /// Somebody set aside what a receiver was not told.
    Dismissed,
}

/// One of the four stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StampName {
    /// 发布
    Published,
    /// 处置
    Responding,
    /// 反馈
    FedBack,
    /// 归档
    Archived,
}

/// One thing that happened to an alert. What does not belong to its kind is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When: engine time, but for `happened`. Of `told` and `withheld` for good, when that was put on record; of `owed` and
    /// `withheld` for now, when the version was decided.
    pub at: Time,
    /// What.
    pub kind: TimelineKind,
    /// In a sentence.
    pub text: Words,
    /// Which version it is, or is about.
    pub version: Option<u32>,
    /// Of a version: why.
    pub reason: Option<String>,
    /// Of a version: firing or resolved.
    pub state: Option<AlertState>,
    /// Of a version: its level.
    pub level: Option<Level>,
    /// Who, where a person did it: an operator, or `receiver/person`.
    pub by: Option<String>,
    /// In their words.
    pub note: Option<String>,
    /// Which stamp.
    pub stamp: Option<StampName>,
    /// Who is told, whose answer it is, or who was not told.
    pub receiver: Option<String>,
    /// Of a telling: `pending`, `delivered`, `superseded`, `silenced`, `inhibited`, `muted`, `maintenance`, `historic`, `dead`.
    pub outcome: Option<String>,
    /// Of a telling: attempts made.
    pub attempts: Option<u32>,
    /// Of a telling: the last error, or the reason why not.
    pub error: Option<String>,
    /// Of a telling: since when it is owed, which is when the version was decided.
    pub owed_since: Option<Time>,
    /// Of one that is owed: when it is tried next.
    pub next_attempt_at: Option<Time>,
    /// Of a run of a plan: which plan.
    pub plan: Option<String>,
    /// Of a run of a plan: which task.
    pub task: Option<String>,
    /// Of a run of a plan: `began`, `done`, `missed`, `escalated`, `raised` or `ended`.
    pub step: Option<String>,
}
