//! What two sets of rules make of the same data.

use std::collections::BTreeMap;

use super::Episode;
use crate::id::{RuleId, Subject};
use crate::time::Timestamp;

/// An episode of both sets that is not the same in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// By the first set.
    pub before: Episode,
    /// By the second.
    pub after: Episode,
}

/// The episodes of two outcomes over the same data, held against each other.
///
/// Two episodes belong together where rule and subject are the same and their times, from the beginning of the condition
/// to the end, have a moment in common. Each belongs to one other at most, the earliest first: an episode that falls
/// apart into two is one change and one more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Episodes of the first only.
    pub gone: Vec<Episode>,
    /// Episodes of the second only.
    pub new: Vec<Episode>,
    /// In both, with another peak level, opening or end.
    pub changed: Vec<Change>,
    /// In both, and the same.
    pub same: u64,
}

impl Difference {
    /// Compares. Lists are in order of beginning, rule and subject.
    pub fn of(before: &[Episode], after: &[Episode]) -> Self {
        let mut difference = Self::default();
        let mut lists: BTreeMap<(&RuleId, &Subject), [Vec<&Episode>; 2]> = BTreeMap::new();
        for episode in before {
            lists.entry((&episode.rule, &episode.subject)).or_default()[0].push(episode);
        }
        for episode in after {
            lists.entry((&episode.rule, &episode.subject)).or_default()[1].push(episode);
        }
        for [before, after] in lists.into_values() {
            difference.pair(&before, &after);
        }
        let order = |e: &Episode| (e.started_at, e.rule.clone(), e.subject.clone());
        difference.gone.sort_by_key(order);
        difference.new.sort_by_key(order);
        difference.changed.sort_by_key(|c| order(&c.before));
        difference
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty() && self.changed.is_empty()
    }

    /// Two lists of one rule and subject, in order of time: episodes of one list do not overlap.
    fn pair(&mut self, before: &[&Episode], after: &[&Episode]) {
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (before.get(i), after.get(j)) {
            if end(a) < b.started_at {
                self.gone.push((*a).clone());
                i += 1;
            } else if end(b) < a.started_at {
                self.new.push((*b).clone());
                j += 1;
            } else {
                let like = |e: &Episode| (e.first, e.peak, e.opened_at, e.ended_at);
                if like(a) == like(b) {
                    self.same += 1;
                } else {
                    self.changed.push(Change { before: (*a).clone(), after: (*b).clone() });
                }
                (i, j) = (i + 1, j + 1);
            }
        }
        self.gone.extend(before.iter().skip(i).map(|e| (*e).clone()));
        self.new.extend(after.iter().skip(j).map(|e| (*e).clone()));
    }
}

fn end(episode: &Episode) -> Timestamp {
    episode.ended_at.unwrap_or(Timestamp::MAX)
}
