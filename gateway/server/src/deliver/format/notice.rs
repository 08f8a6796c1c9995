//! What people read: a message in words, the same for chat groups, mails and templates.
//!
//! One alert is told in full; several as their number, the worst level, the first [`LISTED`] in a line each, worst first, and
//! how many more. Every head has the word 预警, so that robots which want a keyword can have that one.
//!
//! Limits: [`SENTENCE`] characters of any text that comes from rules and catalogues.

use maibo_api::{Escalated, Level, PlanTask, Words};

use super::language::{Language, local, read};
use super::{Kept, over};
use crate::deliver::sender::Sender;

/// Alerts of a group that are listed.
const LISTED: usize = 10;
/// Characters of one text.
const SENTENCE: usize = 500;
/// Tasks of plans that are listed.
const TASKS: usize = 10;

/// A message in words.
pub(in crate::deliver) struct Notice {
    /// The alerts, worst first, those that are over last.
    entries: Vec<Entry>,
    /// The worst level of what is firing; of all where nothing is.
    pub(in crate::deliver) worst: Level,
    /// All of them are over.
    pub(in crate::deliver) over: bool,
    /// Somebody tries whether messages arrive.
    pub(in crate::deliver) test: bool,
    /// Told before it could be put on record.
    unrecorded: bool,
    /// Where to look, of a group: the page.
    page: Option<String>,
}

/// One alert in words.
struct Entry {
    title: Words,
    level: Level,
    over: bool,
    drill: bool,
    place: Words,
    value: Option<String>,
    limit: Option<String>,
    since: String,
    until: Option<String>,
    text: Words,
    advice: Option<Words>,
    tasks: Vec<Words>,
    escalated: Option<Words>,
    link: Option<String>,
}

/// A label and what it stands before.
pub(in crate::deliver) type Line = (&'static str, String);

impl Notice {
    /// Of one alert or several; of none it is a notice of nothing.
    pub(super) fn new(kept: &[Kept], sender: &Sender) -> Self {
        let mut entries: Vec<Entry> = kept.iter().map(|k| Entry::new(k, sender)).collect();
        entries.sort_by_key(|e| (e.over, std::cmp::Reverse(e.level)));
        let firing = entries.iter().filter(|e| !e.over).map(|e| e.level).max();
        let worst = firing.or_else(|| entries.iter().map(|e| e.level).max()).unwrap_or(Level::Blue);
        Self {
            worst,
            over: firing.is_none(),
            test: kept.iter().any(|k| k.data.test),
            unrecorded: kept.iter().any(|k| !k.data.recorded && !k.data.test),
            page: sender.page.clone(),
            entries,
        }
    }

    /// Whether it is an exercise. A group is of one rule, so that all of it is or nothing.
    pub(super) fn is_drill(&self) -> bool {
        self.entries.iter().any(|e| e.drill)
    }

    /// The first words: mark, level and what it is about.
    pub(in crate::deliver) fn head(&self, language: Language) -> String {
        let test = if self.test { language.pick("【测试】", "[TEST] ") } else { "" };
        let drill = if self.is_drill() { language.pick("【演练】", "[DRILL] ") } else { "" };
        let (mark, level) = (mark(self.worst, self.over), language.level(self.worst));
        let words = match (&*self.entries, self.over, language) {
            ([one], false, Language::Chinese) => format!("{level}预警 · {}", one.title.zh),
            ([one], true, Language::Chinese) => format!("预警解除 · {}", one.title.zh),
            ([one], false, Language::English) => format!("{} alert · {}", capital(level), one.title.en),
            ([one], true, Language::English) => format!("Over · {}", one.title.en),
            (all, false, Language::Chinese) => format!("{} 条预警，最高{level}", all.len()),
            (all, true, Language::Chinese) => format!("{} 条预警解除", all.len()),
            (all, false, Language::English) => format!("{} alerts, worst {level}", all.len()),
            (all, true, Language::English) => format!("{} alerts are over", all.len()),
        };
        format!("{test}{drill}{mark} {}", sentence(&words))
    }

    /// What follows the head, line by line.
    pub(in crate::deliver) fn lines(&self, language: Language) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.test {
            let words = language.pick("这是一条测试消息，无须处置", "this is a test; nothing has to be done");
            lines.push((language.pick("注意", "Note"), words.to_owned()));
        }
        if self.is_drill() {
            let words = language.pick("这是演练，并无实际险情", "this is an exercise; nothing has happened");
            lines.push((language.pick("注意", "Note"), words.to_owned()));
        }
        if self.unrecorded {
            let words = language.pick("本消息先于入库发出", "told before it could be put on record");
            lines.push((language.pick("注意", "Note"), words.to_owned()));
        }
        if let [one] = &*self.entries {
            one.lines(language, &mut lines);
            return lines;
        }
        lines.extend(self.entries.iter().take(LISTED).map(|e| ("", e.line(language))));
        let more = self.entries.len().saturating_sub(LISTED);
        if more > 0 {
            let words = match language {
                Language::Chinese => format!("另有 {more} 条"),
                Language::English => format!("and {more} more"),
            };
            lines.push(("", words));
        }
        lines
    }

    /// Where to see more.
    pub(in crate::deliver) fn link(&self) -> Option<&str> {
        match &*self.entries {
            [one] => one.link.as_deref(),
            _ => self.page.as_deref(),
        }
    }

    /// All of it in plain text.
    pub(in crate::deliver) fn plain(&self, language: Language) -> String {
        let mut text = self.head(language);
        let colon = language.pick("：", ": ");
        for (label, words) in self.lines(language) {
            text.push('\n');
            if !label.is_empty() {
                text.push_str(label);
                text.push_str(colon);
            }
            text.push_str(&words);
        }
        if let Some(link) = self.link() {
            text.push('\n');
            text.push_str(link);
        }
        text
    }
}

impl Entry {
    fn new(kept: &Kept, sender: &Sender) -> Self {
        let alert = &kept.data.alert;
        let device = alert.device_name.as_deref().unwrap_or(&alert.subject.id);
        let place = |language: Language| {
            let name = alert.place_name.as_ref().map_or("", |p| language.of(p));
            sentence(format!("{name} {device}").trim())
        };
        let unit = alert.unit.as_deref().filter(|u| !u.is_empty());
        let measured = |value: f64| {
            let number = (value * 1_000.0).round() / 1_000.0;
            unit.map_or_else(|| number.to_string(), |unit| format!("{number} {unit}"))
        };
        let time = |time: &str| {
            read(time).map_or_else(|| time.to_owned(), |at| local(at).strftime("%Y-%m-%d %H:%M:%S").to_string())
        };
        let words = |words: &Words| Words { zh: sentence(&words.zh), en: sentence(&words.en) };
        Self {
            title: words(&alert.title),
            level: alert.level,
            over: over(alert),
            drill: alert.drill,
            place: Words { zh: place(Language::Chinese), en: place(Language::English) },
            value: alert.value.map(measured),
            limit: alert.threshold.map(measured),
            since: time(&alert.started_at),
            until: alert.resolved_at.as_deref().filter(|_| over(alert)).map(time),
            text: words(&alert.text),
            advice: kept.data.advice.as_ref().map(words).filter(|a| !a.zh.is_empty()),
            tasks: tasks(kept).collect(),
            escalated: escalated(kept),
            // The page that takes answers shows the alert, too.
            link: kept.data.answer.as_ref().map(|a| a.url.clone()).or_else(|| sender.link(&alert.id)),
        }
    }

    /// All that is known of it.
    fn lines(&self, language: Language, lines: &mut Vec<Line>) {
        let mut line = |chinese, english, words: &str| {
            lines.push((language.pick(chinese, english), words.to_owned()));
        };
        if let Some(escalated) = &self.escalated {
            line("升级", "Escalated", language.of(escalated));
        }
        line("级别", "Level", language.level(self.level));
        line("地点", "Place", language.of(&self.place));
        if let Some(value) = &self.value {
            let limit = self.limit.as_ref().map(|limit| match language {
                Language::Chinese => format!("（限值 {limit}）"),
                Language::English => format!(" (limit {limit})"),
            });
            line("数值", "Value", &format!("{value}{}", limit.unwrap_or_default()));
        }
        line("开始", "Since", &self.since);
        if let Some(until) = &self.until {
            line("结束", "Until", until);
        }
        line("情况", "Now", language.of(&self.text));
        if let Some(advice) = self.advice.as_ref().filter(|_| !self.over) {
            line("处置", "Do", language.of(advice));
        }
        for task in &self.tasks {
            line("任务", "Task", language.of(task));
        }
    }

    /// The same in one line of a list.
    fn line(&self, language: Language) -> String {
        let state = if self.over { language.pick("解除", "over") } else { language.level(self.level) };
        let parts = [language.of(&self.title), language.of(&self.place), self.value.as_deref().unwrap_or_default()];
        let words: Vec<String> = parts.iter().filter(|p| !p.is_empty()).map(|p| first(p, 40)).collect();
        format!("{} {state} {}", mark(self.level, self.over), words.join(" · "))
    }
}

/// What plans give people to do, the first [`TASKS`]; of what is over nothing any more.
pub(super) fn tasks(kept: &Kept) -> impl Iterator<Item = Words> {
    let tasks = kept.data.plans.iter().filter(|_| !over(&kept.data.alert)).flat_map(|plan| &plan.tasks);
    tasks.take(TASKS).map(task)
}

/// A task of a plan in words.
fn task(task: &PlanTask) -> Words {
    let (zh, en) = span(task.within_s);
    Words {
        zh: sentence(&format!("{}：{}（{zh}内）", task.owner, task.what.zh)),
        en: sentence(&format!("{}: {} (within {en})", task.owner, task.what.en)),
    }
}

/// Why somebody is told who otherwise would not be.
pub(super) fn escalated(kept: &Kept) -> Option<Words> {
    kept.data.escalated.as_ref().map(missed)
}

/// What somebody did not do in time.
fn missed(missed: &Escalated) -> Words {
    let what = missed.what.as_ref();
    let at =
        read(&missed.due_at).map_or_else(|| missed.due_at.clone(), |at| local(at).strftime("%H:%M:%S").to_string());
    let (zh, en) = what.map_or((&*missed.task, &*missed.task), |what| (&*what.zh, &*what.en));
    if missed.rung.is_some() {
        return Words {
            zh: sentence(&format!("{} 仍未完成（限 {at} 前）：{zh}", missed.owner)),
            en: sentence(&format!("{} has still not done, due by {at}: {en}", missed.owner)),
        };
    }
    Words {
        zh: sentence(&format!("{} 未在 {at} 前完成：{zh}", missed.owner)),
        en: sentence(&format!("{} did not do by {at}: {en}", missed.owner)),
    }
}

/// A time in the largest unit that it is whole in.
fn span(seconds: u64) -> (String, String) {
    match seconds {
        s if s % 3_600 == 0 => (format!("{} 小时", s / 3_600), format!("{} h", s / 3_600)),
        s if s % 60 == 0 => (format!("{} 分钟", s / 60), format!("{} min", s / 60)),
        s => (format!("{s} 秒"), format!("{s} s")),
    }
}

/// The colour as a mark.
const fn mark(level: Level, over: bool) -> &'static str {
    match level {
        _ if over => "✅",
        Level::Blue => "🔵",
        Level::Yellow => "🟡",
        Level::Orange => "🟠",
        Level::Red => "🔴",
    }
}

/// One line of bounded length: line breaks and what cannot be seen would break what it stands in.
fn sentence(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    first(line.trim(), SENTENCE)
}

/// The first characters, with a mark where there were more.
pub(super) fn first(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
