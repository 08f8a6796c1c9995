//! What differs between two rule sets, rule by rule.

use super::RuleSet;
use crate::id::RuleId;

/// The rules that are not the same in two sets, each list in the order of identifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDifference {
    /// Only in the later one.
    pub added: Vec<RuleId>,
    /// Only in the earlier one.
    pub removed: Vec<RuleId>,
    /// In both, and not the same in everything: a title counts like a limit.
    pub changed: Vec<RuleId>,
}

impl RuleDifference {
    /// From `before` to `after`.
    pub fn between(before: &RuleSet, after: &RuleSet) -> Self {
        let mut difference = Self::default();
        for rule in &after.rules {
            match before.get(&rule.id) {
                None => difference.added.push(rule.id.clone()),
                Some(old) if old != rule => difference.changed.push(rule.id.clone()),
                Some(_) => {}
            }
        }
        let gone = before.rules.iter().filter(|r| after.get(&r.id).is_none());
        difference.removed = gone.map(|r| r.id.clone()).collect();
        difference
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn set(rules: &[(&str, u32, bool)]) -> RuleSet {
        let mut text = String::new();
        for (id, intervals, shadow) in rules {
            let _ = write!(
                text,
                "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"t\", en = \"t\" }}\ndomain = \"traffic\"\nwhen = {{ kind = \"k\" }}\n\
                 absent = {{ intervals = {intervals} }}\nlevel = \"blue\"\nsource = \"s\"\nshadow = {shadow}\n\
                 advice = {{ zh = \"a\", en = \"a\" }}\n"
            );
        }
        RuleSet::compile(&[("p.toml", &text)]).expect("rules")
    }

    // P: added, removed and changed rules are told apart; a rule that goes on trial has changed, one that stays has not.
    #[test]
    fn rule_by_rule() {
        let before = set(&[("a", 3, false), ("b", 3, false), ("c", 3, false), ("d", 3, false)]);
        let after = set(&[("a", 3, false), ("b", 4, false), ("c", 3, true), ("e", 3, false)]);
        let difference = RuleDifference::between(&before, &after);
        let ids = |list: &[RuleId]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!((ids(&difference.added), ids(&difference.removed)), ("e".to_owned(), "d".to_owned()));
        assert_eq!(ids(&difference.changed), "b c");
        assert_eq!(RuleDifference::between(&after, &after), RuleDifference::default());
    }
}
