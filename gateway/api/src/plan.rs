//! Response plans: what they say, how they run, and what they would do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::AnswerStage;
use crate::common::{Domain, Level, Time, Words};
use crate::plan_text::PlanText;

/// A plan as it is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: Words,
    /// From this level on.
    pub min_level: Level,
    /// In these domains; none means all.
    pub domains: Vec<Domain>,
    /// In these places; none means all.
    pub districts: Vec<String>,
    /// Alerts of these rules; none means all.
    pub rules: Vec<String>,
    /// Who is told.
    pub receivers: Vec<String>,
    /// Who has to do what.
    pub tasks: Vec<PlanTask>,
}

/// What somebody has to do by a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanTask {
    /// Its name, unique in the plan.
    pub name: String,
    /// The receiver that has to do it.
    pub owner: String,
    /// What it is.
    pub what: Words,
    /// Which answer says that it is done.
    pub done: AnswerStage,
    /// How many seconds after somebody of the plan is told.
    pub within_s: u64,
    /// Who is told where it was not done in time.
    #[serde(default)]
    pub escalate: Vec<String>,
    /// Who is told where it stays undone, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<PlanRung>,
}

/// A rung of the ladder by which a task that stays undone goes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanRung {
    /// How many seconds after the deadline, or after the rung before.
    pub after_s: u64,
    /// Who is told then.
    pub escalate: Vec<String>,
}

/// What a message says of a plan that covers its alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanOrder {
    /// The plan's name.
    pub name: String,
    /// What people call it.
    pub title: Words,
    /// Who has to do what.
    pub tasks: Vec<PlanTask>,
}

/// What a message says to whom is told that a task was missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Escalated {
    /// The plan's name.
    pub plan: String,
    /// Its task.
    pub task: String,
    /// Whose it is.
    pub owner: String,
    /// What it is; `null` where the plan does not know it any more.
    pub what: Option<Words>,
    /// When it was due.
    pub due_at: Time,
    /// How often that was told before, to others; absent for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<u32>,
}

/// How a task of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Nobody was told yet.
    Waiting,
    /// Its time runs.
    Running,
    /// Done.
    Done,
    /// Its time was over.
    Missed,
    /// The run ended before it was done or due.
    Lapsed,
}

/// A task of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunTask {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// What it is; `null` where the plan does not know it any more.
    pub what: Option<Words>,
    /// Which answer says that it is done.
    pub done: AnswerStage,
    /// How it stands.
    pub state: TaskState,
    /// By when.
    pub due_at: Option<Time>,
    /// When it was done, late or in time.
    pub done_at: Option<Time>,
    /// By whom, as `receiver/person`.
    pub done_by: Option<String>,
    /// When it was noted that it was not done in time.
    pub missed_at: Option<Time>,
    /// Who is told then.
    pub escalate: Vec<String>,
    /// Who is told where it stays undone, one rung after the other.
    #[serde(default)]
    pub then: Vec<PlanRung>,
    /// How many of these were told.
    #[serde(default)]
    pub rungs_told: u32,
    /// When the next one is, unless it is done by then.
    #[serde(default)]
    pub next_at: Option<Time>,
}

/// A run of a plan: one joint action on what happens in a district.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanRun {
    /// Which.
    pub id: String,
    /// Of which plan.
    pub plan: String,
    /// The version of the plans that it was begun by, whose tasks it keeps; `null` of one from before there were versions.
    #[serde(default)]
    pub version: Option<String>,
    /// What people call it; `null` where that is not known any more.
    pub title: Option<Words>,
    /// Where; `null` for alerts without a place.
    pub district: Option<String>,
    /// It is a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// The worst level so far.
    pub level: Level,
    /// When the first alert called for it.
    pub called_at: Time,
    /// When somebody was told, and the time of its tasks began.
    pub began_at: Option<Time>,
    /// When the last of its alerts ended.
    pub ended_at: Option<Time>,
    /// Its first alerts, at most 32.
    pub alerts: Vec<String>,
    /// Its tasks.
    pub tasks: Vec<RunTask>,
}

/// What a simulation is about: an alert, an incident, or something that never was; and by which plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatePlans {
    /// A recorded alert.
    #[serde(default)]
    pub alert: Option<String>,
    /// A recorded incident.
    #[serde(default)]
    pub incident: Option<String>,
    /// An alert that never was, which nobody answers: its domain,
    #[serde(default)]
    pub domain: Option<Domain>,
    /// its place,
    #[serde(default)]
    pub place: Option<String>,
    /// its level,
    #[serde(default)]
    pub level: Option<Level>,
    /// and its rule.
    #[serde(default)]
    pub rule: Option<String>,
    /// Plans to try instead of those in force.
    #[serde(default)]
    pub plans: Option<Vec<PlanText>>,
}

/// Why somebody would be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToldBecause {
    /// By its own conditions.
    Own,
    /// A plan calls it.
    Plan,
    /// A task was missed.
    Escalation,
}

/// Somebody who would be told of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimulatedTelling {
    /// When first.
    pub at: Time,
    /// Who.
    pub receiver: String,
    /// Of which alert.
    pub alert: String,
    /// From which version on.
    pub version: u32,
    /// Why.
    pub because: ToldBecause,
}

/// What would happen to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimulatedEvent {
    /// When.
    pub at: Time,
    /// Of which plan.
    pub plan: String,
    /// `began`, `done`, `missed`, `escalated`, `raised` or `ended`.
    pub kind: String,
    /// Which task.
    pub task: Option<String>,
    /// Who did it, whose it is, who is told, or to which level.
    pub who: Option<String>,
}

/// What the plans would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanSimulation {
    /// Who would be told, each of an alert once.
    pub told: Vec<SimulatedTelling>,
    /// What would happen, in the order of time.
    pub events: Vec<SimulatedEvent>,
    /// The runs in the end.
    pub runs: Vec<PlanRun>,
}
