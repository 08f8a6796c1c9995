//! Packs of rules: TOML files that are compiled together, all problems at once.

use std::collections::BTreeMap;

use super::table::{Problems, Reader};
use super::{Problem, RuleSet};
use super::{check, inhibit, quorum};
use crate::id::Version;
use crate::limit;

/// Compiles packs given as (name, text), in any order.
pub(super) fn compile(packs: &[(&str, &str)]) -> Result<RuleSet, Vec<Problem>> {
    let mut packs: Vec<(&str, &str)> = packs.to_vec();
    packs.sort_unstable();
    let mut problems = Problems::default();
    let mut rules = BTreeMap::new();
    let mut expressions = 0;
    let mut inhibits = BTreeMap::new();
    for (name, text) in &packs {
        let mut table = match text.strip_prefix('\u{feff}').unwrap_or(text).parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                problems.add(*name, error.to_string().trim_end());
                continue;
            }
        };
        let [of_rules, of_inhibits] = ["rule", "inhibit"].map(|key| tables(name, key, &mut table, &mut problems));
        for (key, _) in table {
            problems.add(format!("{name}: {key}"), "unknown key");
        }
        for (i, table) in of_inhibits.into_iter().enumerate() {
            let path = format!("{name}: inhibit[{i}]");
            inhibit::read(Reader::new(path, table, &mut problems), name, &mut inhibits);
        }
        for (i, table) in of_rules.into_iter().enumerate() {
            let Some(rule) = check::rule(Reader::new(format!("{name}: rule[{i}]"), table, &mut problems)) else {
                continue;
            };
            let path = format!("{name}: {}.id", rule.id);
            let computes = rule.threshold().is_some_and(|t| t.expression.is_some());
            expressions += usize::from(computes);
            if computes && expressions > limit::MAX_EXPRESSIONS {
                problems.add(&path, format_args!("more than {} expressions", limit::MAX_EXPRESSIONS));
            }
            if rules.len() >= limit::MAX_RULES {
                problems.add(path, format_args!("more than {} rules", limit::MAX_RULES));
            } else if let Some((first, _)) = rules.get(&rule.id) {
                problems.add(path, format_args!("is used twice, first in {first}"));
            } else {
                rules.insert(rule.id.clone(), (*name, rule));
            }
        }
    }
    quorum::watched(&rules, &mut problems);
    let inhibits = inhibit::checked(inhibits, &rules, &mut problems);
    let version = Version::of(&canonical(&packs));
    let rules = rules.into_values().map(|(_, rule)| rule).collect();
    problems.or(RuleSet::new(version, rules, inhibits))
}

/// Names and texts with their lengths, so that no two sets of packs share the bytes.
fn canonical(packs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in packs.iter().flat_map(|(name, text)| [name, text]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// Takes a list of tables out of a pack.
fn tables(name: &str, key: &str, pack: &mut toml::Table, problems: &mut Problems) -> Vec<toml::Table> {
    let mut tables = Vec::new();
    match pack.remove(key) {
        None => {}
        Some(toml::Value::Array(list)) => {
            for (i, value) in list.into_iter().enumerate() {
                match value {
                    toml::Value::Table(table) => tables.push(table),
                    _ => problems.add(format!("{name}: {key}[{i}]"), "is not a table"),
                }
            }
        }
        Some(_) => problems.add(format!("{name}: {key}"), format_args!("is not a list; write [[{key}]]")),
    }
    tables
}
