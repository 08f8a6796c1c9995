//! `[[plan]]`: checked whole, with every problem at once.

use std::collections::BTreeSet;

use maibo_api::{PlanText, RungText, TaskText, WordsText};
use maibo_core::id::{PlaceCode, RuleId};
use maibo_core::notify::{Answered, CALLED_MAX, Matcher, PLANS_MAX, Plan, RUNGS_MAX, Rung, TASKS_MAX, Task, WITHIN};
use maibo_core::place::{Domain, Level};
use maibo_core::rule::{Words, parse_duration};
use maibo_core::time::Millis;

/// Longest list of conditions.
const LIST_MAX: usize = 64;
/// Longest title and task, in characters of each language.
const WORDS_MAX: usize = 200;

/// Who can be named.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// A receiver.
    pub name: String,
    /// Whether it can answer.
    pub answers: bool,
}

impl Named {
    /// A receiver as it is configured.
    pub fn of(target: &crate::deliver::Target) -> Self {
        Self { name: target.receiver.name.clone(), answers: target.answers }
    }
}

/// The receivers there are; `None` where that is not asked, of plans that were in force with others.
type Known<'a> = Option<&'a [Named]>;

/// Checks all entries, against the receivers that are known.
///
/// # Errors
/// Every problem, each with its path.
pub fn validate(entries: &[PlanText], known: Known<'_>) -> Result<Vec<Plan>, Vec<String>> {
    let mut p = Vec::new();
    if entries.len() > PLANS_MAX {
        p.push(format!("plan: more than {PLANS_MAX} entries"));
    }
    let mut names = BTreeSet::new();
    let mut plans = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let mut found = Vec::new();
        if !names.insert(&entry.name) {
            found.push(format!("name: `{}` is used twice", entry.name));
        }
        plans.extend(plan(entry, known, &mut found));
        p.extend(found.into_iter().map(|problem| format!("plan[{i}].{problem}")));
    }
    if p.is_empty() { Ok(plans) } else { Err(p) }
}

fn plan(written: &PlanText, known: Known<'_>, p: &mut Vec<String>) -> Option<Plan> {
    name(&written.name, p);
    let title = words("title", &written.title, p);
    let min_level = match written.min_level.as_deref().map(Level::parse) {
        None => Level::Orange,
        Some(Some(level)) => level,
        Some(None) => {
            p.push("min_level: is not one of blue, yellow, orange, red".to_owned());
            Level::Orange
        }
    };
    let domains = each(p, "domains", &written.domains, |d| Domain::parse(d).ok_or("is not a domain"));
    let districts = each(p, "districts", &written.districts, |d| PlaceCode::new(d).map_err(|_| "is not a place code"));
    let rules = each(p, "rules", &written.rules, |r| RuleId::new(r).map_err(|_| "is not the name of a rule"));
    if written.receivers.is_empty() {
        p.push("receivers: there is none: nobody would be told".to_owned());
    }
    receivers(p, "receivers", &written.receivers, known);
    if written.tasks.len() > TASKS_MAX {
        p.push(format!("task: more than {TASKS_MAX} entries"));
    }
    let mut names = BTreeSet::new();
    let mut tasks = Vec::new();
    for (i, entry) in written.tasks.iter().enumerate() {
        let mut found = Vec::new();
        if !names.insert(&entry.name) {
            found.push(format!("name: `{}` is used twice", entry.name));
        }
        if !written.receivers.contains(&entry.owner) {
            found.push(format!("owner: `{}` is not one of the plan's receivers", entry.owner));
        } else if known.into_iter().flatten().any(|r| r.name == entry.owner && !r.answers) {
            found.push(format!("owner: `{}` cannot answer: it needs `answers = true`", entry.owner));
        }
        tasks.extend(task(entry, &written.receivers, known, &mut found));
        p.extend(found.into_iter().map(|problem| format!("task[{i}].{problem}")));
    }
    p.is_empty().then(|| Plan {
        name: written.name.clone(),
        title,
        matcher: Matcher { min_level, domains, districts, ..Matcher::default() },
        rules,
        receivers: written.receivers.clone(),
        tasks,
    })
}

fn task(written: &TaskText, told: &[String], known: Known<'_>, p: &mut Vec<String>) -> Option<Task> {
    name(&written.name, p);
    let what = words("what", &written.what, p);
    let done = written.done.as_deref().map_or(Some(Answered::default()), Answered::parse);
    if done.is_none() {
        p.push("done: is not one of acknowledged, responding, fed_back, closed".to_owned());
    }
    let within = span("within", &written.within, p);
    // A miss is a version of the alert, so whoever has it hears of that anyway.
    for name in written.escalate.iter().filter(|e| told.contains(e)) {
        p.push(format!("escalate: `{name}` is told by the plan already"));
    }
    receivers(p, "escalate", &written.escalate, known);
    let then = ladder(written, told, known, p);
    let (name, owner, escalate) = (written.name.clone(), written.owner.clone(), written.escalate.clone());
    Some(Task { name, owner, what, done: done?, within: within?, escalate, then })
}

/// The rungs behind the deadline: each tells somebody whom nothing before it told.
fn ladder(task: &TaskText, told: &[String], known: Known<'_>, p: &mut Vec<String>) -> Vec<Rung> {
    if task.then.len() > RUNGS_MAX {
        p.push(format!("then: more than {RUNGS_MAX} entries"));
    }
    let mut before: Vec<&String> = told.iter().chain(&task.escalate).collect();
    let mut rungs = Vec::new();
    for (i, RungText { after, escalate }) in task.then.iter().enumerate() {
        let mut found = Vec::new();
        let after = span("after", after, &mut found);
        if escalate.is_empty() {
            found.push("escalate: there is none: nobody would be told".to_owned());
        }
        for name in escalate.iter().filter(|e| before.contains(e)) {
            found.push(format!("escalate: `{name}` is told before"));
        }
        receivers(&mut found, "escalate", escalate, known);
        p.extend(found.into_iter().map(|problem| format!("then[{i}].{problem}")));
        before.extend(escalate);
        rungs.extend(after.map(|after| Rung { after, escalate: escalate.clone() }));
    }
    rungs
}

fn span(key: &str, text: &str, p: &mut Vec<String>) -> Option<Millis> {
    let span = parse_duration(text).ok().filter(|span: &Millis| WITHIN.contains(span));
    if span.is_none() {
        p.push(format!("{key}: `{text}` is not 5s to 7d"));
    }
    span
}

fn words(key: &str, written: &WordsText, p: &mut Vec<String>) -> Words {
    for (language, text) in [("zh", &written.zh), ("en", &written.en)] {
        if text.trim().is_empty() || text.chars().count() > WORDS_MAX {
            p.push(format!("{key}.{language}: 1 to {WORDS_MAX} characters"));
        }
    }
    Words { zh: written.zh.clone(), en: written.en.clone() }
}

fn name(name: &str, p: &mut Vec<String>) {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        p.push("name: 1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned());
    }
}

fn receivers(p: &mut Vec<String>, key: &str, names: &[String], known: Known<'_>) {
    if names.len() > CALLED_MAX {
        p.push(format!("{key}: more than {CALLED_MAX} entries"));
    }
    for (i, name) in names.iter().enumerate() {
        if known.is_some_and(|known| !known.iter().any(|r| r.name == *name)) {
            p.push(format!("{key}: there is no receiver `{name}`"));
        } else if names[..i].contains(name) {
            p.push(format!("{key}: `{name}` is named twice"));
        }
    }
}

/// The valid entries of a list.
fn each<T>(p: &mut Vec<String>, key: &str, list: &[String], read: impl Fn(&str) -> Result<T, &'static str>) -> Vec<T> {
    if list.len() > LIST_MAX {
        p.push(format!("{key}: more than {LIST_MAX} entries"));
    }
    let mut values = Vec::new();
    for text in list {
        match read(text) {
            Ok(value) => values.push(value),
            Err(why) => p.push(format!("{key}: `{text}` {why}")),
        }
    }
    values
}
