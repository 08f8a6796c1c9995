//! Open alerts, and those over a moment ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use maibo_core::fact::{State, Transition};
use maibo_core::id::EpisodeId;
use maibo_core::time::Timestamp;

/// Resolved alerts kept for the page; beyond it the oldest go early.
pub const RESOLVED_MAX: usize = 1_000;
/// How long a resolved alert stays on the page, in milliseconds.
pub const RESOLVED_SHOWN: i64 = 600_000;

/// The alerts of the present, each as of its latest version. Shared, so that a copy of them all is a quick one.
#[derive(Default)]
pub(super) struct Alerts {
    open: BTreeMap<EpisodeId, Arc<Transition>>,
    /// With the engine time at which each was told.
    resolved: VecDeque<(Timestamp, Arc<Transition>)>,
    /// Open alerts whose cause is told instead of them.
    inhibited: BTreeMap<EpisodeId, EpisodeId>,
}

impl Alerts {
    /// Takes in a transition told at `now`; gives what was open before.
    pub(super) fn apply(&mut self, now: Timestamp, t: &Transition) -> Option<Arc<Transition>> {
        match t.state {
            State::Firing => self.open.insert(t.episode, Arc::new(t.clone())),
            State::Resolved => {
                self.inhibited.remove(&t.episode);
                let before = self.open.remove(&t.episode);
                // A later version of a resolved alert takes the place of the earlier one.
                self.resolved.retain(|(_, r)| r.episode != t.episode);
                if self.resolved.len() == RESOLVED_MAX {
                    self.resolved.pop_front();
                }
                self.resolved.push_back((now, Arc::new(t.clone())));
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
    pub(super) fn open(&self) -> Vec<Arc<Transition>> {
        self.open.values().cloned().collect()
    }

    /// The open ones, then those that are over.
    pub(super) fn all(&self) -> Vec<Arc<Transition>> {
        self.open.values().chain(self.resolved.iter().map(|(_, t)| t)).cloned().collect()
    }

    /// An open alert has another cause, or none; gives the alert where it is shown.
    pub(super) fn inhibit(&mut self, episode: EpisodeId, by: Option<EpisodeId>) -> Option<Arc<Transition>> {
        let alert = self.open.get(&episode)?;
        match by {
            Some(by) => drop(self.inhibited.insert(episode, by)),
            None => drop(self.inhibited.remove(&episode)),
        }
        Some(Arc::clone(alert))
    }

    /// Open alerts whose cause is told instead, and the cause of each.
    pub(super) fn causes(&self) -> BTreeMap<EpisodeId, EpisodeId> {
        self.inhibited.clone()
    }

    /// The cause that is told instead of an alert.
    pub(super) fn cause(&self, episode: EpisodeId) -> Option<EpisodeId> {
        self.inhibited.get(&episode).copied()
    }

    /// One of them.
    pub(super) fn get(&self, episode: EpisodeId) -> Option<&Arc<Transition>> {
        self.open.get(&episode).or_else(|| self.resolved.iter().map(|(_, t)| t).find(|t| t.episode == episode))
    }
}
