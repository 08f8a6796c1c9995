//! Limits of single devices: what the catalogue says in place of a rule's own limits.
//!
//! Worked out once when rules or catalogue are activated. A device without limits of its own has nothing here. Limits that
//! do not make a ladder (a level the rule does not have, a limit that does not climb) are not used; the check of
//! rules and catalogue says so before they are activated.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fleet::Law;
use super::series::OwnLimits;
use crate::registry::Catalogue;
use crate::rule::RuleSet;

/// Thresholds with limits of single devices, by the device's number in the catalogue.
#[derive(Clone, Debug, Default)]
pub(super) struct Own(BTreeMap<u32, OwnLimits>);

impl Own {
    fn new(rules: &RuleSet, catalogue: &Catalogue) -> Self {
        let mut all = BTreeMap::new();
        for (number, device) in (0..).zip(catalogue.devices()).filter(|(_, d)| !d.limits.is_empty()) {
            let with_limits = device.limits.iter().filter_map(|(id, limits)| {
                let rule = rules.number(id)?;
                let threshold = rules.rules.get(rule as usize)?.threshold()?.with_limits(limits).ok()?;
                Some((rule, threshold))
            });
            all.insert(number, with_limits.collect());
        }
        Self(all)
    }

    /// The thresholds of one device, where it has any of its own.
    pub(super) fn of(&self, device: u32) -> Option<&OwnLimits> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&device)
    }
}

impl Law {
    /// The same with the limits of single devices worked out.
    pub(super) fn with_own_limits(mut self) -> Self {
        self.own = Arc::new(Own::new(&self.rules, &self.catalogue));
        self
    }
}
