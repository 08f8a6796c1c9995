//! What comes into force: rules, catalogue, response plans. Brought again it changes nothing, and is no fact.

use super::City;
use crate::engine::Versions;
use crate::fact::Body;
use crate::id::{Actor, Version};
use crate::time::Timestamp;

impl City {
    pub(super) fn bring_rules(&mut self, version: Version, by: Option<&Actor>, now: Timestamp, versions: &Versions) {
        if self.law.rules_version.replace(version) == Some(version) {
            return;
        }
        let rules = versions.rules(version).cloned().unwrap_or_default();
        self.book.judge_by(version, &rules);
        self.book.draft(now, by.cloned(), Body::RulesActivated { version });
        self.enact(rules, now);
    }

    pub(super) fn bring_catalogue(&mut self, version: Version, now: Timestamp, versions: &Versions) {
        if self.law.catalogue_version.replace(version) == Some(version) {
            return;
        }
        self.law.catalogue = versions.catalogue(version).cloned().unwrap_or_default();
        self.book.draft(now, None, Body::CatalogueActivated { version });
        // Devices may stand elsewhere now.
        self.enact(self.law.rules.clone(), now);
    }

    /// Nothing here is decided by plans; whoever follows the facts goes by these from this fact on.
    pub(super) fn bring_plans(&mut self, version: Version, by: Option<&Actor>, now: Timestamp) {
        if self.plans.replace(version) != Some(version) {
            self.book.draft(now, by.cloned(), Body::PlansActivated { version });
        }
    }
}
