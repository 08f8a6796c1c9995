//! The rule sets, catalogues and response plans that inputs name by version.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::Version;
use crate::notify::PlanSet;
use crate::registry::Catalogue;
use crate::rule::RuleSet;

/// Rule sets, catalogues and response plans by version. A machine is told a version by an input and finds what it means here.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    rules: BTreeMap<Version, Arc<RuleSet>>,
    catalogues: BTreeMap<Version, Arc<Catalogue>>,
    plans: BTreeMap<Version, Arc<PlanSet>>,
}

impl Versions {
    /// Adds a rule set under its version.
    pub fn insert_rules(&mut self, rules: Arc<RuleSet>) {
        self.rules.insert(rules.version, rules);
    }

    /// How many rule sets there are.
    pub fn rule_sets(&self) -> usize {
        self.rules.len()
    }

    /// Adds a catalogue under its version.
    pub fn insert_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.catalogues.insert(catalogue.version, catalogue);
    }

    /// Adds a set of response plans under its version. No machine looks at it.
    pub fn insert_plans(&mut self, plans: Arc<PlanSet>) {
        self.plans.insert(plans.version, plans);
    }

    /// How many sets of response plans there are.
    pub fn plan_sets(&self) -> usize {
        self.plans.len()
    }

    /// The response plans of a version.
    pub fn plans(&self, version: Version) -> Option<&Arc<PlanSet>> {
        self.plans.get(&version)
    }

    /// The rule set of a version.
    pub fn rules(&self, version: Version) -> Option<&Arc<RuleSet>> {
        self.rules.get(&version)
    }

    /// The catalogue of a version.
    pub fn catalogue(&self, version: Version) -> Option<&Arc<Catalogue>> {
        self.catalogues.get(&version)
    }
}
