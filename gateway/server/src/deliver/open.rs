//! Opening the outbox, also where the file is damaged: the alerts must go on, and so must what is owed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maibo_core::fact::{Body, State};
use maibo_core::id::{EpisodeId, Version};
use maibo_core::notify::is_dead;
use maibo_core::time::Timestamp;
use maibo_store::damage::put_aside;
use maibo_store::facts::FactsLog;
use maibo_store::outbox::{Outbox, OutboxError, Past};
use tracing::error;

use crate::Chain;
use crate::plan;

/// Episodes held in memory before those that ended long ago are let go.
const LOOK_AT: usize = 10_000;

/// Opens the outbox. A damaged file is put aside, and a new one begins at the first fact of an episode of which something
/// may be owed: one that is still open, or ended within the last day of the log. What became of deliveries is on record,
/// so receivers hear what they have not heard, ends too; what was delivered and not on record yet they hear again, under
/// the same key.
///
/// `plans` are the response plans in force at the end of the log.
///
/// # Errors
/// Where SQLite fails for another reason, or the file is of a newer format.
pub fn open(
    path: &Path,
    facts: &FactsLog,
    still_open: &BTreeSet<EpisodeId>,
    plans: Option<Version>,
) -> Result<Outbox, OutboxError> {
    let (mut outbox, episodes) = match Outbox::open(path, facts.next_index()) {
        Err(error) if error.is_damaged() => {
            error!(error = %Chain(&error), path = %path.display(), "the outbox is damaged; it is put aside");
            put_aside(path);
            let (first, episodes, begun) = owed(facts, still_open);
            (Outbox::begin(path, first, begun)?, Some(episodes))
        }
        opened => (opened?, None),
    };
    if outbox.plans_version().is_none()
        && let Some(version) = begun(facts, outbox.cursor(), plans)
    {
        outbox.begin_with_plans(version)?;
    }
    // Next to nothing after a clean end or a crash; much behind a file that was made anew.
    if outbox.cursor() < facts.next_index() {
        let past = past(facts, outbox.cursor(), episodes);
        outbox.remember(past);
    }
    Ok(outbox)
}

/// The episodes of which something may be owed, the first fact about any of them (the next index where there is none), and the
/// response plans in force before it. What of the log cannot be read says nothing.
fn owed(facts: &FactsLog, still_open: &BTreeSet<EpisodeId>) -> (u64, BTreeSet<EpisodeId>, Option<Version>) {
    // By episode: the first fact about it, and when it ended.
    let mut first: BTreeMap<EpisodeId, (u64, Option<Timestamp>)> = BTreeMap::new();
    let (mut now, mut least, mut plans) = (Timestamp(i64::MIN), LOOK_AT, Vec::new());
    let recent = |ended: Option<Timestamp>, now| !is_dead(now, ended);
    let mut reader = facts.reader(0);
    while let Ok(Some(fact)) = reader.next() {
        let t = match &fact.body {
            Body::Transition(t) => t,
            Body::PlansActivated { version } => {
                plans.push((fact.index, *version));
                continue;
            }
            _ => continue,
        };
        now = now.max(fact.at);
        let known = first.entry(t.episode).or_insert((fact.index, None));
        known.1 = (t.state == State::Resolved).then_some(fact.at);
        if first.len() > least {
            first.retain(|_, (_, ended)| recent(*ended, now));
            least = LOOK_AT.max(2 * first.len());
        }
    }
    // One that is neither open nor has an end was given up with a lost snapshot or a forgotten rule: nobody waits for it.
    first.retain(|episode, (_, ended)| still_open.contains(episode) || (ended.is_some() && recent(*ended, now)));
    let begin = first.values().map(|(index, _)| *index).min().unwrap_or_else(|| facts.next_index());
    let before = plans.into_iter().rfind(|(index, _)| *index < begin).map(|(_, version)| version);
    (begin, first.into_keys().collect(), before)
}

/// Which response plans are in force before fact number `from`, in front of which no fact says so: none, where the first set came by
/// somebody's hand; the configuration's, if a start put them on record; those in force at the end, where nothing changed since.
fn begun(facts: &FactsLog, from: u64, at_the_end: Option<Version>) -> Option<Version> {
    let mut reader = facts.reader(from);
    while let Ok(Some(fact)) = reader.next() {
        if let Body::PlansActivated { version } = fact.body {
            return Some(if fact.actor.is_some() { plan::set(Vec::new()).version } else { version });
        }
    }
    at_the_end
}

/// What became of deliveries, by the facts from number `from` on.
fn past(facts: &FactsLog, from: u64, episodes: Option<BTreeSet<EpisodeId>>) -> Past {
    let mut past = Past::new(facts.next_index(), episodes);
    let mut reader = facts.reader(from);
    while let Ok(Some(fact)) = reader.next() {
        if let Body::Delivery(delivery) = &fact.body {
            past.settled(delivery);
        }
    }
    past
}
