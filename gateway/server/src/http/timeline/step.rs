//! What happened to runs of response plans, and what somebody set aside, in sentences.

use maibo_api::{TimelineEntry, TimelineKind};
use maibo_store::outbox::{OutboxRow, RunEvent, RunEventKind};

use super::{Item, Origin, entry};
use crate::live::words;

/// What happened to a run of a plan.
pub(super) fn step(event: &RunEvent) -> Item {
    let (task, who) = (event.task.as_deref().unwrap_or_default(), event.who.as_deref().unwrap_or_default());
    let plan = &event.plan;
    let text = match event.kind {
        RunEventKind::Began => words::words(&format!("启动预案 {plan}"), &format!("Plan {plan} began")),
        RunEventKind::Done => {
            let who = words::spoken(who);
            words::words(&format!("{} 完成 {task}", who.zh), &format!("{} did {task}", who.en))
        }
        RunEventKind::Missed => words::words(&format!("{who} 逾期未完成 {task}"), &format!("{who} missed {task}")),
        RunEventKind::Escalated => {
            words::words(&format!("{task} 逾期，升级告知 {who}"), &format!("{task} was missed: {who} is told"))
        }
        RunEventKind::Raised => {
            let text = format!("Worse ({who}): tasks of {plan} begin anew");
            words::words(&format!("升至{who}，预案 {plan} 任务重新计时"), &text)
        }
        RunEventKind::Ended => words::words(&format!("预案 {plan} 结束"), &format!("Plan {plan} ended")),
    };
    let receiver = event.who.as_deref().filter(|_| event.kind != RunEventKind::Raised);
    let one = TimelineEntry {
        receiver: receiver.map(|who| who.split('/').next().unwrap_or_default().to_owned()),
        by: event.who.clone().filter(|_| event.kind == RunEventKind::Done),
        step: Some(event.kind.as_str().to_owned()),
        task: event.task.clone(),
        plan: Some(event.plan.clone()),
        ..entry(event.at, TimelineKind::Plan, text)
    };
    Item { at: event.at, origin: Origin::Step(event.at, event.id), entries: vec![one] }
}

/// A dead letter that somebody set aside.
pub(super) fn dismissed(row: OutboxRow) -> Option<Item> {
    let (id, aside) = (row.id, row.dismissed?);
    let (by, receiver) = (&aside.by, &row.receiver);
    let text = words::words(
        &format!("{by} 不再处理未告知 {receiver} 的消息"),
        &format!("{by} set aside what {receiver} was not told"),
    );
    let one = TimelineEntry {
        version: Some(row.version),
        receiver: Some(row.receiver),
        by: Some(aside.by),
        note: Some(aside.note).filter(|note| !note.is_empty()),
        ..entry(aside.at, TimelineKind::Dismissed, text)
    };
    Some(Item { at: aside.at, origin: Origin::Aside(aside.at, id), entries: vec![one] })
}
