//! What people did, and what a plan says that they did not.

use super::{length, words};
use crate::fact::{Reason, Said, Transition};
use crate::rule::Words;
use crate::time::Millis;

pub(super) fn act_sentence(t: &Transition) -> Words {
    let handling = t.handling.as_deref().cloned().unwrap_or_default();
    let taken = t.acknowledged.as_ref().filter(|_| t.reason == Reason::Acknowledged);
    let said = taken.map(|a| Said { by: a.by.clone(), note: a.note.clone() }).or(handling.said);
    let note = said.as_ref().map_or("", |s| &*s.note);
    let (by, by_en) = said.as_ref().map_or_else(|| ("?".to_owned(), "?".to_owned()), |s| s.by.spoken());
    let to = handling.assigned.as_ref().map_or("?", |a| &*a.to);
    let silent = length(handling.silenced.as_ref().map_or(Millis::ZERO, |s| s.until.since(s.at)));
    let result = handling.stamps.fed_back.as_ref().is_some_and(|s| Some(s.at) == handling.noted);
    let (zh, en) = match t.reason {
        Reason::Acknowledged => (format!("{by} 已确认"), format!("Acknowledged by {by_en}")),
        Reason::Assigned => (format!("{by} 指派 {to} 处置"), format!("{by_en} assigned it to {to}")),
        Reason::Commented => (by, by_en),
        Reason::Silenced => {
            (format!("{by} 静默通知{}", silent.zh), format!("{by_en} silenced the notifications for {}", silent.en))
        }
        Reason::Unsilenced => (format!("{by} 解除静默"), format!("{by_en} ended the silence")),
        Reason::FedBack if result => (format!("{by} 反馈结果"), format!("{by_en} reported the outcome")),
        Reason::FedBack => (format!("{by} 报告处置进展"), format!("{by_en} reported from the response")),
        _ if handling.forced => (format!("{by} 强制关闭预警"), format!("{by_en} closed the alert by force")),
        _ => (format!("{by} 关闭预警"), format!("{by_en} closed the alert")),
    };
    if note.is_empty() { words(zh, en) } else { words(format!("{zh}：{note}"), format!("{en}: {note}")) }
}

pub(super) fn missed_sentence(t: &Transition) -> Words {
    let Some(missed) = t.missed() else {
        return words("预案任务逾期".to_owned(), "A task of a plan is overdue".to_owned());
    };
    let (plan, task, owner) = (&*missed.plan, &*missed.task, &*missed.owner);
    let to: Vec<&str> = missed.to.iter().map(|name| &**name).collect();
    let (zh, en) = if to.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("，上报 {}", to.join("、")), format!("; told to {}", to.join(", ")))
    };
    if missed.rung.is_some() {
        return words(
            format!("预案“{plan}”任务 {task} 仍未完成，责任方 {owner}{zh}"),
            format!("Task {task} of plan \"{plan}\" is still not done by {owner}{en}"),
        );
    }
    words(
        format!("预案“{plan}”任务 {task} 逾期未完成，责任方 {owner}{zh}"),
        format!("Task {task} of plan \"{plan}\" was not done in time by {owner}{en}"),
    )
}
