//! What happened to an alert, in one sentence of each language, for people who have nothing but that sentence.
//!
//! It says what the version says and no more: value, limit, unit, duration and names where they apply. Times of day are
//! left to whoever shows it, who knows the reader's clock. Without allocation limits of its own: all parts are bounded.

mod act;
mod drill;
mod formula;
mod names;

use crate::fact::{Formula, Measure, Reason, State, Transition};
use crate::id::Subject;
use crate::place::Level;
use crate::reading::quantity;
use crate::rule::Words;
use crate::time::Millis;

/// The sentence of a transition; `title` is its rule's.
pub fn sentence(t: &Transition, title: &Words) -> Words {
    let said = happened(t, title);
    match t.found.as_deref() {
        // Whoever hears only that nobody has acknowledged it has not heard what it is about.
        Some(f) if t.reason.is_handling() && t.state == State::Firing && matches!(t.subject, Subject::Event { .. }) => {
            words(format!("{}（{}）", said.zh, &*f.zh), format!("{} ({})", said.en, &*f.en))
        }
        _ => said,
    }
}

fn happened(t: &Transition, title: &Words) -> Words {
    match t.reason {
        reason if t.is_drill() && !reason.is_handling() => drill::sentence(t, title),
        Reason::Raised | Reason::Lowered if t.found.is_some() => found_sentence(t, title),
        Reason::Threshold | Reason::Raised | Reason::Lowered => level_sentence(t, title),
        Reason::Recovered | Reason::DataStale | Reason::DataFresh | Reason::Contradicted => value_sentence(t, title),
        Reason::RuleChanged | Reason::RuleRemoved | Reason::SubjectGone | Reason::Calendar => end_sentence(t, title),
        Reason::Event | Reason::EventCancelled | Reason::EventExpired => event_sentence(t, title),
        Reason::Quorum | Reason::QuorumLost => quorum_sentence(t, title),
        Reason::Absent
        | Reason::Returned
        | Reason::SourceDeaf
        | Reason::SourceListening
        | Reason::ClockWrong
        | Reason::ClockRight => silence_sentence(t),
        Reason::Unwell | Reason::Well => found_sentence(t, title),
        Reason::Acknowledged
        | Reason::Assigned
        | Reason::Commented
        | Reason::Silenced
        | Reason::Unsilenced
        | Reason::Closed
        | Reason::FedBack => act::act_sentence(t),
        Reason::SilenceOver | Reason::Unacknowledged => timer_sentence(t, title),
        Reason::Escalated => act::missed_sentence(t),
    }
}

fn words(zh: String, en: String) -> Words {
    Words { zh, en }
}

fn level_sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = level(t.level);
    let (now, limit) = (reading(t, title), t.threshold.map(|limit| number(t, limit)));
    let plain = |zh_verb: &str, en_verb: &str| {
        words(format!("{}，{zh_verb}{zh}", now.zh), format!("{}: {en_verb} {en}", now.en))
    };
    match (t.reason, limit.filter(|_| value(t).is_some() && states(t).is_none() && !formula::is_true_or_false(t))) {
        (Reason::Raised, None) => plain("升为", "raised to"),
        (Reason::Lowered, None) => plain("降为", "lowered to"),
        (_, None) => words(format!("{}，{zh}预警", now.zh), format!("{}: {en} alert", now.en)),
        (Reason::Raised, Some(limit)) => {
            words(format!("{}，升为{zh}，限值 {limit}", now.zh), format!("{}: raised to {en}, limit {limit}", now.en))
        }
        (Reason::Lowered, Some(limit)) => {
            words(format!("{}，降为{zh}，限值 {limit}", now.zh), format!("{}: lowered to {en}, limit {limit}", now.en))
        }
        (_, Some(limit)) => {
            words(format!("{}，达到{zh}限值 {limit}", now.zh), format!("{} reached the {en} limit {limit}", now.en))
        }
    }
}

fn value_sentence(t: &Transition, title: &Words) -> Words {
    let now = reading(t, title);
    match t.reason {
        Reason::Recovered => {
            let lasted = length(t.resolved_at.unwrap_or(t.at).since(t.started_at));
            words(
                format!("{}，已恢复，历时{}", now.zh, lasted.zh),
                format!("{}: back to normal after {}", now.en, lasted.en),
            )
        }
        Reason::DataFresh => words(format!("数据恢复，{}", now.zh), format!("Data flow again: {}", now.en)),
        Reason::Contradicted => words(
            format!("更正：{}，限值未持续达到", now.zh),
            format!("Correction: {}; the limit was not reached for long enough", now.en),
        ),
        _ => words(
            format!("数据中断，预警按最后所知保持：{}", now.zh),
            format!("No fresh data, the alert stays open on the last known: {}", now.en),
        ),
    }
}

fn end_sentence(t: &Transition, title: &Words) -> Words {
    let over = t.state == State::Resolved;
    let (zh, en) = level(t.level);
    match t.reason {
        Reason::RuleChanged if !over => words(
            format!("规则“{}”已修改，按新规则为{zh}", title.zh),
            format!("The rule \"{}\" was edited: {en} by the new version", title.en),
        ),
        Reason::RuleChanged => words(
            format!("规则“{}”已修改，按新规则预警结束", title.zh),
            format!("The rule \"{}\" was edited: no alert by the new version", title.en),
        ),
        Reason::Calendar if !over => words(
            format!("规则“{}”进入另一时段，按其限值为{zh}", title.zh),
            format!("Another period of the rule \"{}\" began: {en} by its limits", title.en),
        ),
        Reason::Calendar => words(
            format!("规则“{}”的时段结束，预警结束", title.zh),
            format!("A period of the rule \"{}\" ended, and the alert with it", title.en),
        ),
        Reason::RuleRemoved => words(
            format!("规则“{}”已删除，预警结束", title.zh),
            format!("The rule \"{}\" is gone, and the alert with it", title.en),
        ),
        _ => {
            let who = subject(&t.subject);
            words(
                format!("{}已不在目录或规则范围内，预警结束", who.zh),
                format!("{} left the catalogue or the rule's selection, and the alert ended", who.en),
            )
        }
    }
}

fn event_sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = level(t.level);
    let who = subject(&t.subject);
    let told = t.found.as_deref();
    let told = told.map_or_else(Words::default, |f| words(format!("，{}", &*f.zh), format!(", {}", &*f.en)));
    match t.reason {
        Reason::Event => words(
            format!("{}：{}上报，{zh}预警{}", title.zh, who.zh, told.zh),
            format!("{}: reported by {}, {en} alert{}", title.en, lower(&who.en), told.en),
        ),
        Reason::EventCancelled => words(
            format!("{}：{}已解除", title.zh, who.zh),
            format!("{}: {} says that it is over", title.en, lower(&who.en)),
        ),
        _ => words(
            format!("{}：{}不再上报，事件到期", title.zh, who.zh),
            format!("{}: no longer reported by {}, its time is over", title.en, lower(&who.en)),
        ),
    }
}

fn quorum_sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = level(t.level);
    let who = subject(&t.subject);
    let count = |n: Option<f64>| n.map_or_else(|| "?".to_owned(), |n| format!("{n:.0}"));
    let (devices, enough) = (count(t.value), count(t.threshold));
    match t.reason {
        Reason::Quorum => words(
            format!("{}：{}有 {devices} 处同时达到，{zh}预警", title.zh, who.zh),
            format!("{}: {devices} devices at once in {}, {en} alert", title.en, lower(&who.en)),
        ),
        _ => words(
            format!("{}：{}已不足 {enough} 处，预警结束", title.zh, who.zh),
            format!("{}: fewer than {enough} devices are left in {}", title.en, lower(&who.en)),
        ),
    }
}

fn silence_sentence(t: &Transition) -> Words {
    let who = subject(&t.subject);
    let lasted = length(t.at.since(t.started_at));
    match t.reason {
        Reason::Absent => {
            words(format!("{}已{}未上报", who.zh, lasted.zh), format!("{} has not reported for {}", who.en, lasted.en))
        }
        Reason::SourceDeaf => words(
            format!("{}已{}无消息，其设备状态未知", who.zh, lasted.zh),
            format!("Nothing from {} for {}; its devices are unknown", lower(&who.en), lasted.en),
        ),
        Reason::ClockWrong => words(
            format!("{}时钟错误，按接收时间判定", who.zh),
            format!("{}: the clock is wrong, values are judged when received", who.en),
        ),
        Reason::ClockRight => {
            words(format!("{}时钟已恢复正常", who.zh), format!("{}: the clock is right again", who.en))
        }
        _ => words(
            format!("{}恢复上报，中断{}", who.zh, lasted.zh),
            format!("{} reports again after {}", who.en, lasted.en),
        ),
    }
}

/// What Maibo found about itself, and a level that moves of what has words of its own.
fn found_sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = t.found.as_ref().map_or(("", ""), |f| (&*f.zh, &*f.en));
    let lasted = length(t.resolved_at.unwrap_or(t.at).since(t.started_at));
    let ((level_zh, level_en), part) = (level(t.level), t.subject.id());
    match t.reason {
        Reason::Raised => {
            words(format!("{}，升为{level_zh}：{zh}", title.zh), format!("{}, raised to {level_en}: {en}", title.en))
        }
        Reason::Lowered => {
            words(format!("{}，降为{level_zh}：{zh}", title.zh), format!("{}, lowered to {level_en}: {en}", title.en))
        }
        Reason::Well => words(
            format!("{}（{part}）：已恢复，历时{}", title.zh, lasted.zh),
            format!("{} ({part}): well again after {}", title.en, lasted.en),
        ),
        _ => words(format!("{}：{zh}", title.zh), format!("{}: {en}", title.en)),
    }
}

fn timer_sentence(t: &Transition, title: &Words) -> Words {
    let (zh, en) = level(t.level);
    let reminder = t.handling.as_ref().and_then(|h| h.reminder);
    match (t.reason, reminder) {
        (Reason::Unacknowledged, Some(reminder)) => {
            let (waited, n) = (length(reminder.after), reminder.number);
            words(
                format!("{}：{zh}预警已{}无人确认（第 {n} 次提醒）", title.zh, waited.zh),
                format!("{}: nobody has acknowledged this {en} alert for {} (reminder {n})", title.en, waited.en),
            )
        }
        (Reason::Unacknowledged, None) => words(
            format!("{}：{zh}预警无人确认", title.zh),
            format!("{}: nobody has acknowledged this {en} alert", title.en),
        ),
        _ => words(
            format!("{}：静默到期，{zh}预警仍在持续", title.zh),
            format!("{}: the silence is over, the {en} alert goes on", title.en),
        ),
    }
}

/// The quantity and its value; the rule's title where there is none.
fn reading(t: &Transition, title: &Words) -> Words {
    let name = t.quantity.as_ref().and_then(|q| names::of(q.as_str()));
    let computed = formula(t).map(formula::words);
    let (zh, en) = match &computed {
        Some(words) => (words.zh.as_str(), words.en.as_str()),
        None => name.map_or((title.zh.as_str(), title.en.as_str()), |n| n.words),
    };
    if let Some(measure) = &t.measure
        && let Some(value) = value(t).filter(|_| &*measure.signal != "last")
    {
        return measured(t, measure, (zh, en), value);
    }
    match (value(t), states(t)) {
        (Some(value), None) if computed.is_some() => formula::said(t, (zh, en), value),
        (Some(value), Some([no, yes])) => {
            let (state_zh, state_en) = if value >= 0.5 { yes } else { no };
            words(format!("{zh}：{state_zh}"), format!("{en} {state_en}"))
        }
        (Some(value), None) => words(format!("{zh} {}", number(t, value)), format!("{en} {}", number(t, value))),
        (None, _) => words(zh.to_owned(), en.to_owned()),
    }
}

/// A value that was computed from several readings.
fn measured(t: &Transition, measure: &Measure, (zh, en): (&str, &str), value: f64) -> Words {
    let over = length(measure.window);
    if &*measure.signal == "stuck" {
        let since = length(Millis((value * 1000.0) as i64));
        return words(format!("{zh}已{}未变化", since.zh), format!("{en} has not moved for {}", since.en));
    }
    let (of_zh, of_en) = names::signal(&measure.signal);
    let number = number(t, value);
    if &*measure.signal == "baseline" {
        return words(
            format!("{zh}偏离同期常值 {number} 倍偏差"),
            format!("{en}, deviations from its usual at this hour: {number}"),
        );
    }
    words(format!("{zh}{}{of_zh} {number}", over.zh), format!("{en}, {of_en} of {}: {number}", over.en))
}

fn formula(t: &Transition) -> Option<&Formula> {
    t.measure.as_ref().and_then(|m| m.formula.as_deref())
}

fn value(t: &Transition) -> Option<f64> {
    t.value.filter(|v| v.is_finite())
}

fn states(t: &Transition) -> Option<[names::Pair; 2]> {
    t.quantity.as_ref().and_then(|q| names::of(q.as_str())).and_then(|n| n.states)
}

/// A value with its unit, to as many places as people read.
fn number(t: &Transition, value: f64) -> String {
    let signal = t.measure.as_ref().map_or("last", |m| &*m.signal);
    if signal == "stuck" {
        return length(Millis((value * 1000.0) as i64)).en;
    }
    let of_quantity = t.quantity.as_ref().and_then(|q| quantity::lookup(q.as_str())).map_or("1", |spec| spec.unit);
    let (space, unit) = names::unit(if ["count", "baseline"].contains(&signal) { "1" } else { of_quantity });
    let per = t.measure.as_ref().and_then(|m| m.per).map(|per| format!("/{}", length(per).en)).unwrap_or_default();
    let places = match value.abs() {
        big if big >= 100.0 => 1,
        middle if middle >= 1.0 => 2,
        _ => 3,
    };
    let digits = format!("{value:.places$}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    let digits = if digits == "-0" { "0" } else { digits };
    format!("{digits}{}{unit}{per}", if space { " " } else { "" })
}

const fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Blue => ("蓝色", "blue"),
        Level::Yellow => ("黄色", "yellow"),
        Level::Orange => ("橙色", "orange"),
        Level::Red => ("红色", "red"),
    }
}

/// What it is about, by its identifier.
fn subject(subject: &Subject) -> Words {
    let (zh, en) = match subject {
        Subject::Device(_) => ("设备", "Device"),
        Subject::Source(_) => ("消息来源", "Source"),
        Subject::Part(_) => ("系统部件", "Part of Maibo"),
        Subject::Drill(_) => ("演练", "Drill"),
        Subject::Place(_) => ("区域", "Place"),
        Subject::Event { .. } => ("事件", "Event"),
        Subject::Around(device) => {
            return words(format!("设备 {device} 周边"), format!("The surroundings of {device}"));
        }
    };
    words(format!("{zh} {} ", subject.id()), format!("{en} {}", subject.id()))
}

/// The same within a sentence.
fn lower(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// A length of time in its two largest units; what is negative is none.
fn length(length: Millis) -> Words {
    let seconds = length.0.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |a: i64, unit_a: (&str, &str), b: i64, unit_b: (&str, &str)| {
        if b == 0 {
            words(format!(" {a} {}", unit_a.0), format!("{a} {}", unit_a.1))
        } else {
            words(format!(" {a} {} {b} {}", unit_a.0, unit_b.0), format!("{a} {} {b} {}", unit_a.1, unit_b.1))
        }
    };
    let (s, min, h, d) = (("秒", "s"), ("分钟", "min"), ("小时", "h"), ("天", "d"));
    match (days, hours, minutes) {
        (0, 0, 0) => two(seconds, s, 0, s),
        (0, 0, _) => two(minutes, min, seconds % 60, s),
        (0, ..) => two(hours, h, minutes % 60, min),
        _ => two(days, d, hours % 24, h),
    }
}

#[cfg(test)]
mod tests;
