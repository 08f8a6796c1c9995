//! The index in words.

use maibo_api as api;
use maibo_core::fact::Transition;

use super::explain::Part;
use super::tree::{points, tenths};
use crate::live::device::Condition;
use crate::live::roster::{Entry, Roster, district_name};
use crate::live::words;

/// A part's name; of a street its code, for no names of streets are known.
pub(super) fn name(of: &Part) -> api::Words {
    match of {
        Part::City => words::words("全市", "The city"),
        Part::Domain(domain) => words::domain_title(*domain),
        Part::District(code, _) if code.is_empty() => words::words("不在任何区内", "In no district"),
        Part::District(code, _) => district_name(code),
        Part::Street(code, _) => words::words(&format!("街道 {code}"), &format!("Street {code}")),
    }
}

/// How a part's index is computed.
pub(super) fn formula(of: &Part) -> api::Words {
    let (zh, en) = match of {
        Part::City => ("各领域指数的平均值，权重相同。", "The mean of its domains' indices, all of the same weight."),
        Part::Domain(_) => (
            "各区本领域指数的加权平均值，权重为有得分的街道数；并且不高于本领域不属于任何一区的预警所留的上限。",
            "The mean of its districts' indices, each weighing as many as it has streets with a score; and not more than an \
             alert of the domain about no district leaves.",
        ),
        Part::District(_, None) => (
            "本区各领域指数的平均值，权重相同。",
            "The mean of the indices of the district's domains, all of the same weight.",
        ),
        Part::District(_, Some(_)) => (
            "各街道指数的平均值，权重相同；并且不高于针对本区本身的预警所留的上限。",
            "The mean of its streets' indices, all of the same weight; and not more than an alert about the district itself \
             leaves.",
        ),
        Part::Street(_, None) => (
            "本街道各领域指数的平均值，权重相同。",
            "The mean of the indices of the street's domains, all of the same weight.",
        ),
        Part::Street(_, Some(_)) => (
            "有得分的设备的平均值，权重相同；并且不高于街道内最高等级预警所留的上限。设备按数值与限值的距离得分，并受自身预警限制。",
            "The mean of its devices that have a score, all of the same weight; and not more than the worst open alert in the \
             street leaves. A device scores by the distance of its value from its limits, and at most what its alert leaves.",
        ),
    };
    let zh = format!("{zh}预警上限：蓝 95、黄 80、橙 60、红 40。每一步四舍五入到 0.1。未知的不计分，只降低覆盖率。");
    let en = format!(
        "{en} Alerts leave: blue 95, yellow 80, orange 60, red 40. Every step is rounded half up to 0.1. What is unknown has \
         no score and lowers the coverage."
    );
    api::Words { zh, en }
}

/// A device that has a score.
pub(super) fn device(entry: &Entry, condition: &Condition) -> api::IndexDevice {
    let value = condition.value;
    let limit = value.and_then(|v| entry.scale.limit(v));
    api::IndexDevice {
        id: entry.id.to_string(),
        name: entry.name.clone(),
        quantity: entry.primary.as_ref().map(ToString::to_string),
        unit: entry.primary.as_ref().map(|q| words::unit(q).to_owned()),
        value,
        limit: limit.map(|(_, limit)| limit),
        limit_level: limit.map(|(level, _)| words::level(level)),
        distance: condition.unknown.is_none().then(|| points(tenths(condition.distance))),
        level: condition.level.map(words::level),
        score: points(tenths(condition.score.unwrap_or_default())),
        unknown_why: condition.unknown,
    }
}

/// The alert that caps a part.
pub(super) fn cause(t: &Transition, roster: &Roster) -> api::IndexCause {
    api::IndexCause {
        alert: t.episode.to_string(),
        rule: t.rule.to_string(),
        title: roster.title(&t.rule),
        subject: api::Subject { kind: t.subject.kind().to_owned(), id: t.subject.id().into_owned() },
    }
}
