//! Whether the limits that a catalogue gives single devices fit the rules.

use super::Catalogue;
use crate::limit;
use crate::rule::{Problem, RuleSet};

/// What is wrong with the limits of single devices: a rule that there is not or that has no limits, one that is not about
/// the device, limits that make no ladder. Such limits would not be used.
pub fn misfits(rules: &RuleSet, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    for device in catalogue.devices() {
        for (id, limits) in &device.limits {
            let path = format!("{}.limits.{id}", device.id);
            let wrong = match rules.get(id) {
                None => Some("there is no such rule".to_owned()),
                Some(rule) if !rule.selector.selects(device) => Some("the rule is not about this device".to_owned()),
                Some(rule) => match rule.threshold() {
                    None => Some("the rule has no limits".to_owned()),
                    Some(threshold) => threshold.with_limits(limits).err().map(|e| format!("the rule {e}")),
                },
            };
            problems.extend(wrong.map(|text| Problem::new(path, text)));
            if problems.len() >= limit::MAX_PROBLEMS {
                return problems;
            }
        }
    }
    problems
}
