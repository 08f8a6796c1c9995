//! `[[plan]]`: checked whole, with every problem at once.

use std::collections::BTreeSet;

use maibo_core::id::{PlaceCode, RuleId};
use maibo_core::notify::{Answered, CALLED_MAX, Matcher, PLANS_MAX, Plan, TASKS_MAX, Task, WITHIN};
use maibo_core::place::{Domain, Level};
use maibo_core::rule::{Words, parse_duration};
use maibo_core::time::Millis;
use serde::Deserialize;

/// Longest list of conditions.
const LIST_MAX: usize = 64;
/// Longest title and task, in characters of each language.
const WORDS_MAX: usize = 200;

/// One `[[plan]]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSettings {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique. A plan that gets another name is another plan.
    pub name: String,
    /// What people call it.
    pub title: WordsSettings,
    /// `blue`, `yellow`, `orange` (the default), `red`.
    #[serde(default)]
    pub min_level: Option<String>,
    /// Domains; none means all.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Place codes such as `110105`; none means all.
    #[serde(default)]
    pub districts: Vec<String>,
    /// Rules; none means all but those of Maibo about itself.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Receivers that are told of what it covers, whatever their own conditions say.
    pub receivers: Vec<String>,
    /// Who has to do what.
    #[serde(default, rename = "task")]
    pub tasks: Vec<TaskSettings>,
}

/// One `[[plan.task]]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSettings {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique in the plan.
    pub name: String,
    /// The receiver that has to do it: one of the plan's.
    pub owner: String,
    /// What it is, for people.
    pub what: WordsSettings,
    /// Which answer says that it is done: `acknowledged` (the default), `responding`, `fed_back` or `closed`.
    #[serde(default)]
    pub done: Option<String>,
    /// How long after somebody of the plan is told: 5 s to 7 days.
    pub within: String,
    /// Receivers that are told where it was not done in time.
    #[serde(default)]
    pub escalate: Vec<String>,
}

/// A text in both languages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordsSettings {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Who can be named.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// A receiver.
    pub name: String,
    /// Whether it can answer.
    pub answers: bool,
}

type Known = [Named];

/// Checks all entries against the receivers there are.
///
/// # Errors
/// Every problem, each with its path.
pub fn validate(entries: &[PlanSettings], known: &Known) -> Result<Vec<Plan>, Vec<String>> {
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
        plans.extend(entry.parse(known, &mut found));
        p.extend(found.into_iter().map(|problem| format!("plan[{i}].{problem}")));
    }
    if p.is_empty() { Ok(plans) } else { Err(p) }
}

impl PlanSettings {
    fn parse(&self, known: &Known, p: &mut Vec<String>) -> Option<Plan> {
        name(&self.name, p);
        let title = self.title.parse("title", p);
        let min_level = match self.min_level.as_deref().map(Level::parse) {
            None => Level::Orange,
            Some(Some(level)) => level,
            Some(None) => {
                p.push("min_level: is not one of blue, yellow, orange, red".to_owned());
                Level::Orange
            }
        };
        let domains = each(p, "domains", &self.domains, |d| Domain::parse(d).ok_or("is not a domain"));
        let districts = each(p, "districts", &self.districts, |d| PlaceCode::new(d).map_err(|_| "is not a place code"));
        let rules = each(p, "rules", &self.rules, |r| RuleId::new(r).map_err(|_| "is not the name of a rule"));
        if self.receivers.is_empty() {
            p.push("receivers: there is none: nobody would be told".to_owned());
        }
        receivers(p, "receivers", &self.receivers, known);
        if self.tasks.len() > TASKS_MAX {
            p.push(format!("task: more than {TASKS_MAX} entries"));
        }
        let mut names = BTreeSet::new();
        let mut tasks = Vec::new();
        for (i, entry) in self.tasks.iter().enumerate() {
            let mut found = Vec::new();
            if !names.insert(&entry.name) {
                found.push(format!("name: `{}` is used twice", entry.name));
            }
            if !self.receivers.contains(&entry.owner) {
                found.push(format!("owner: `{}` is not one of the plan's receivers", entry.owner));
            } else if known.iter().any(|r| r.name == entry.owner && !r.answers) {
                found.push(format!("owner: `{}` cannot answer: it needs `answers = true`", entry.owner));
            }
            // A miss is a version of the alert, so whoever has it hears of that anyway.
            for name in entry.escalate.iter().filter(|e| self.receivers.contains(e)) {
                found.push(format!("escalate: `{name}` is told by the plan already"));
            }
            tasks.extend(entry.parse(known, &mut found));
            p.extend(found.into_iter().map(|problem| format!("task[{i}].{problem}")));
        }
        p.is_empty().then(|| Plan {
            name: self.name.clone(),
            title,
            matcher: Matcher { min_level, domains, districts, ..Matcher::default() },
            rules,
            receivers: self.receivers.clone(),
            tasks,
        })
    }
}

impl TaskSettings {
    fn parse(&self, known: &Known, p: &mut Vec<String>) -> Option<Task> {
        name(&self.name, p);
        let what = self.what.parse("what", p);
        let done = self.done.as_deref().map_or(Some(Answered::default()), Answered::parse);
        if done.is_none() {
            p.push("done: is not one of acknowledged, responding, fed_back, closed".to_owned());
        }
        let within = parse_duration(&self.within).ok().filter(|within: &Millis| WITHIN.contains(within));
        if within.is_none() {
            p.push(format!("within: `{}` is not 5s to 7d", self.within));
        }
        receivers(p, "escalate", &self.escalate, known);
        let (name, owner, escalate) = (self.name.clone(), self.owner.clone(), self.escalate.clone());
        Some(Task { name, owner, what, done: done?, within: within?, escalate })
    }
}

impl WordsSettings {
    fn parse(&self, key: &str, p: &mut Vec<String>) -> Words {
        for (language, text) in [("zh", &self.zh), ("en", &self.en)] {
            if text.trim().is_empty() || text.chars().count() > WORDS_MAX {
                p.push(format!("{key}.{language}: 1 to {WORDS_MAX} characters"));
            }
        }
        Words { zh: self.zh.clone(), en: self.en.clone() }
    }
}

fn name(name: &str, p: &mut Vec<String>) {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        p.push("name: 1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned());
    }
}

fn receivers(p: &mut Vec<String>, key: &str, names: &[String], known: &Known) {
    if names.len() > CALLED_MAX {
        p.push(format!("{key}: more than {CALLED_MAX} entries"));
    }
    for (i, name) in names.iter().enumerate() {
        if !known.iter().any(|r| r.name == *name) {
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
