//! What an outbox that is begun anew knows of the time before it, from the facts log: what became of deliveries is on
//! record, so nothing that was told is told again, and what is still owed is owed.

use std::collections::{BTreeMap, BTreeSet};

use maibo_core::fact::{Delivery, Transition};
use maibo_core::id::EpisodeId;
use maibo_core::notify::Receiver;

use super::Outbox;

/// Outcomes that a row can have; others, of a later Maibo, are nothing to go by.
const OUTCOMES: [&str; 8] =
    ["delivered", "superseded", "dead", "silenced", "inhibited", "muted", "maintenance", "historic"];
/// Most outcomes kept: what is beyond is told again, under the same keys.
const FATES_MAX: usize = 200_000;

/// What is known of the facts before `until`.
#[derive(Debug, Default)]
pub struct Past {
    /// The number after the last fact that this is about.
    pub until: u64,
    /// The only episodes of which something may be owed; `None`: all.
    pub episodes: Option<BTreeSet<EpisodeId>>,
    fates: BTreeMap<(EpisodeId, u32), Vec<Delivery>>,
    count: usize,
}

impl Past {
    /// Of facts before `until`, about these episodes or about all.
    pub fn new(until: u64, episodes: Option<BTreeSet<EpisodeId>>) -> Self {
        Self { until, episodes, ..Self::default() }
    }

    /// What became of a delivery. The last word about it counts: what was dead may have been told after all.
    pub fn settled(&mut self, delivery: &Delivery) {
        if self.concerns(delivery.episode) && OUTCOMES.contains(&&*delivery.outcome) && self.count < FATES_MAX {
            let fates = self.fates.entry((delivery.episode, delivery.version)).or_default();
            if let Some(known) = fates.iter_mut().find(|known| known.receiver == delivery.receiver) {
                known.clone_from(delivery);
            } else {
                fates.push(delivery.clone());
                self.count += 1;
            }
        }
    }

    pub(super) fn concerns(&self, episode: EpisodeId) -> bool {
        self.episodes.as_ref().is_none_or(|all| all.contains(&episode))
    }

    pub(super) fn fate(&self, receiver: &Receiver, t: &Transition) -> Option<&Delivery> {
        self.fates.get(&(t.episode, t.version))?.iter().find(|d| *d.receiver == *receiver.name)
    }
}

impl Outbox {
    /// Goes by this for facts before [`Past::until`], and lets go of it behind them. Forgotten at the end of the process, too:
    /// what is not followed by then is told again.
    pub fn remember(&mut self, past: Past) {
        self.past = Some(past);
    }
}
