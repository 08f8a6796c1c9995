//! Response plans (预案): from the configuration to what messages, lists and trials say of them.
//!
//! Which alert calls for which plan is decided in `maibo_core::notify`, what runs is kept in `maibo_store::outbox`, and whose time is
//! over is seen to by `deliver::escalate`. Here is how plans are written, and what would come of them.

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::notify::{Answered, DRILLED, Plan, Rung, Task};
use maibo_core::place::Level;
use maibo_core::rule::Words;
use maibo_core::time::Timestamp;
use maibo_store::outbox::{RunRow, TaskRow};

use crate::live::words;

mod book;
mod set;
mod settings;
mod simulate;

pub use book::PlanBook;
pub use set::{difference, read, set, text, written};
pub use settings::{Named, validate};
pub use simulate::{SimulateError, of_alert, of_incident, one_that_never_was, simulate};

/// What a message about a version says of the plans that cover it: those that are marked so.
pub fn orders(plans: &[(Plan, bool)]) -> Vec<api::PlanOrder> {
    let order = |plan: &Plan| api::PlanOrder {
        name: plan.name.clone(),
        title: both(&plan.title),
        tasks: plan.tasks.iter().map(task).collect(),
    };
    plans.iter().filter(|(_, covers)| *covers).map(|(plan, _)| order(plan)).collect()
}

/// What a task is called, if its plan still has it.
fn what<'a>(plans: impl IntoIterator<Item = &'a Plan>, plan: &str, task: &str) -> Option<api::Words> {
    let plan = plans.into_iter().find(|p| p.name == plan)?;
    plan.tasks.iter().find(|t| t.name == task).map(|t| both(&t.what))
}

/// What a message about a version says of the task that was missed, where it is about one.
pub fn escalated(plans: &[(Plan, bool)], t: &Transition) -> Option<api::Escalated> {
    let missed = t.missed()?;
    Some(api::Escalated {
        plan: missed.plan.0.to_string(),
        task: missed.task.0.to_string(),
        owner: missed.owner.0.to_string(),
        what: what(plans.iter().map(|(plan, _)| plan), &missed.plan, &missed.task),
        due_at: words::time(missed.due_at),
        rung: missed.rung,
    })
}

/// A plan as the interface has it.
pub fn shown(plan: &Plan) -> api::Plan {
    api::Plan {
        name: plan.name.clone(),
        title: both(&plan.title),
        min_level: words::level(plan.matcher.min_level),
        domains: plan.matcher.domains.iter().map(|d| words::domain(*d)).collect(),
        districts: plan.matcher.districts.iter().map(ToString::to_string).collect(),
        rules: plan.rules.iter().map(ToString::to_string).collect(),
        receivers: plan.receivers.clone(),
        tasks: plan.tasks.iter().map(task).collect(),
    }
}

/// A run as the interface has it, by the plans that it was begun by.
pub fn run(row: &RunRow, plans: &[Plan]) -> api::PlanRun {
    let at = |ms: Option<i64>| ms.map(|ms| words::time(Timestamp(ms)));
    let known = plans.iter().find(|p| p.name == row.plan);
    let level = Level::ALL.into_iter().find(|l| *l as i64 == row.level).unwrap_or(Level::Blue);
    let task = |one: &TaskRow| api::RunTask {
        name: one.name.clone(),
        owner: one.owner.clone(),
        what: what(plans, &row.plan, &one.name),
        state: match one {
            TaskRow { missed_at: Some(_), .. } => api::TaskState::Missed,
            TaskRow { done_at: Some(_), .. } => api::TaskState::Done,
            _ if row.ended_at.is_some() => api::TaskState::Lapsed,
            TaskRow { due_at: Some(_), .. } => api::TaskState::Running,
            _ => api::TaskState::Waiting,
        },
        done: stage(one.done),
        due_at: at(one.due_at),
        done_at: at(one.done_at),
        done_by: one.done_by.clone(),
        missed_at: at(one.missed_at),
        escalate: one.escalate.clone(),
        then: one.then.iter().map(rung).collect(),
        rungs_told: one.told,
        next_at: at(one.next_at),
    };
    api::PlanRun {
        id: row.id.to_string(),
        plan: row.plan.clone(),
        version: row.plans.clone(),
        title: known.map(|p| both(&p.title)),
        district: Some(district(row).to_owned()).filter(|d| !d.is_empty()),
        drill: district(row) != row.ground,
        level: words::level(level),
        called_at: words::time(Timestamp(row.made_at)),
        began_at: at(row.began_at),
        ended_at: at(row.ended_at),
        alerts: row.episodes.clone(),
        tasks: row.tasks.iter().map(task).collect(),
    }
}

/// Code of the district that a run is in; empty where its alerts have no place.
pub fn district(row: &RunRow) -> &str {
    row.ground.strip_suffix(DRILLED).unwrap_or(&row.ground)
}

fn task(task: &Task) -> api::PlanTask {
    api::PlanTask {
        name: task.name.clone(),
        owner: task.owner.clone(),
        what: both(&task.what),
        done: stage(task.done),
        within_s: task.within.0.unsigned_abs() / 1_000,
        escalate: task.escalate.clone(),
        then: task.then.iter().map(rung).collect(),
    }
}

fn rung(rung: &Rung) -> api::PlanRung {
    api::PlanRung { after_s: rung.after.0.unsigned_abs() / 1_000, escalate: rung.escalate.clone() }
}

/// An answer as the interface has it.
pub const fn stage(answered: Answered) -> api::AnswerStage {
    match answered {
        Answered::Acknowledged => api::AnswerStage::Acknowledged,
        Answered::Responding => api::AnswerStage::Responding,
        Answered::FedBack => api::AnswerStage::FedBack,
        Answered::Closed => api::AnswerStage::Closed,
    }
}

fn both(text: &Words) -> api::Words {
    words::words(&text.zh, &text.en)
}

#[cfg(test)]
mod tests;
