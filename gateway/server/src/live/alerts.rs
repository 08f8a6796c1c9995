//! Open alerts, and those over a moment ago.

use std::collections::{BTreeMap, VecDeque};

use maibo_core::fact::{State, Transition};
use maibo_core::id::{EpisodeId, RuleId};
use maibo_core::time::Timestamp;

/// Resolved alerts kept for the page; beyond it the oldest go early.
pub const RESOLVED_MAX: usize = 1_000;
/// How long a resolved alert stays on the page, in milliseconds.
pub const RESOLVED_SHOWN: i64 = 600_000;

/// The alerts of the present, each as of its latest version.
#[derive(Default)]
pub(super) struct Alerts {
    open: BTreeMap<EpisodeId, Transition>,
    /// With the engine time at which each was told.
    resolved: VecDeque<(Timestamp, Transition)>,
}

impl Alerts {
    /// Takes in a transition told at `now`; gives what was open before.
    pub(super) fn apply(&mut self, now: Timestamp, t: &Transition) -> Option<Transition> {
        match t.state {
            State::Firing => self.open.insert(t.episode, t.clone()),
            State::Resolved => {
                let before = self.open.remove(&t.episode);
                // A later version of a resolved alert takes the place of the earlier one.
                self.resolved.retain(|(_, r)| r.episode != t.episode);
                if self.resolved.len() == RESOLVED_MAX {
                    self.resolved.pop_front();
                }
                self.resolved.push_back((now, t.clone()));
                before
            }
        }
    }

    /// Forgets what was resolved too long ago.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while self.resolved.front().is_some_and(|(told, _)| now.since(*told).0 > RESOLVED_SHOWN) {
            self.resolved.pop_front();
        }
    }

    /// The open ones, by episode.
    pub(super) fn open(&self) -> impl Iterator<Item = &Transition> {
        self.open.values()
    }

    /// The open ones, then those that are over.
    pub(super) fn all(&self) -> impl Iterator<Item = &Transition> {
        self.open.values().chain(self.resolved.iter().map(|(_, t)| t))
    }

    /// One of them.
    pub(super) fn get(&self, episode: EpisodeId) -> Option<&Transition> {
        self.open.get(&episode).or_else(|| self.resolved.iter().map(|(_, t)| t).find(|t| t.episode == episode))
    }

    /// How many are open, by rule.
    pub(super) fn by_rule(&self) -> BTreeMap<RuleId, u64> {
        let mut counts = BTreeMap::new();
        for t in self.open.values() {
            *counts.entry(t.rule.clone()).or_insert(0) += 1;
        }
        counts
    }
}
