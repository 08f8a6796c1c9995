//! A set of plans as a text with a version: what is the same has the same version, whatever it was written in.

use std::collections::{BTreeMap, BTreeSet};

use maibo_api::{PlanDifference, PlanText, RungText, TaskText, WordsText};
use maibo_core::id::Version;
use maibo_core::notify::{Answered, Plan, PlanSet, Rung, Task};
use maibo_core::place::Level;
use maibo_core::rule::Words;
use maibo_core::time::Millis;

use super::settings::validate;

/// The set of these plans.
pub fn set(plans: Vec<Plan>) -> PlanSet {
    PlanSet { version: Version::of(text(&plans).as_bytes()), plans }
}

/// Its text, as it is kept.
pub fn text(plans: &[Plan]) -> String {
    // Strings and lists of strings: this cannot fail to serialize.
    serde_json::to_string(&written(plans)).unwrap_or_default()
}

/// Reads [`text`]. Receivers need not be there any more.
///
/// # Errors
/// The first problem.
pub fn read(text: &str) -> Result<PlanSet, String> {
    let written: Vec<PlanText> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    validate(&written, None).map(set).map_err(|problems| problems.into_iter().next().unwrap_or_default())
}

/// Plans as people would write them.
pub fn written(plans: &[Plan]) -> Vec<PlanText> {
    plans.iter().map(plan).collect()
}

fn plan(plan: &Plan) -> PlanText {
    PlanText {
        name: plan.name.clone(),
        title: words(&plan.title),
        min_level: Some(plan.matcher.min_level).filter(|level| *level != Level::Orange).map(|l| l.as_str().to_owned()),
        domains: plan.matcher.domains.iter().map(|domain| domain.as_str().to_owned()).collect(),
        districts: plan.matcher.districts.iter().map(ToString::to_string).collect(),
        rules: plan.rules.iter().map(ToString::to_string).collect(),
        receivers: plan.receivers.clone(),
        tasks: plan.tasks.iter().map(task).collect(),
    }
}

fn task(task: &Task) -> TaskText {
    TaskText {
        name: task.name.clone(),
        owner: task.owner.clone(),
        what: words(&task.what),
        done: Some(task.done).filter(|done| *done != Answered::default()).map(|done| done.as_str().to_owned()),
        within: span(task.within),
        escalate: task.escalate.clone(),
        then: task.then.iter().map(rung).collect(),
    }
}

fn rung(rung: &Rung) -> RungText {
    RungText { after: span(rung.after), escalate: rung.escalate.clone() }
}

fn words(words: &Words) -> WordsText {
    WordsText { zh: words.zh.clone(), en: words.en.clone() }
}

/// In the largest unit that it is whole in.
fn span(span: Millis) -> String {
    match span.0 {
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// What differs between two sets.
pub fn difference(before: &PlanSet, after: &PlanSet) -> PlanDifference {
    let by_name = |set: &PlanSet| -> BTreeMap<String, Plan> {
        set.plans.iter().map(|plan| (plan.name.clone(), plan.clone())).collect()
    };
    let (before, after) = (by_name(before), by_name(after));
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.keys().collect(), after.keys().collect());
    let names = |found: Vec<&&String>| found.into_iter().map(|name| (*name).clone()).collect();
    PlanDifference {
        added: names(new.difference(&old).collect()),
        removed: names(old.difference(&new).collect()),
        changed: names(new.intersection(&old).filter(|name| before.get(**name) != after.get(**name)).collect()),
    }
}
