//! Looks for tasks of response plans whose time is over, and has it put on record.
//!
//! A task of its own, like that of substitutes. That a task was missed is asked of the machine of its alert, like what people do,
//! and becomes a version of the alert: what follows from it, who is told and what is noted, the outbox makes of that fact. Nothing
//! is written here. What is refused or not taken in is looked at again in the next round.
//!
//! Nothing is missed in the first moments after a start: who had something to do could not answer while Maibo was down.
//!
//! Limits: [`PARALLEL`] are asked at a time, each for [`PATIENCE`]; of one alert one at a time, because each needs the version that
//! the one before made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use maibo_core::engine::CommandOutcome;
use maibo_core::id::{Actor, EpisodeId};
use maibo_core::input::{Act, Command};
use maibo_store::outbox::Overdue;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Ask;
use super::shelf::{Shelf, Trouble, noted};
use crate::monitor::Mark;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);
/// How soon again behind a round in which something was put on record: more of the same alert may be late.
const SOON: Duration = Duration::from_millis(50);
/// How long after a start nothing is missed.
const AFTER_START: Duration = Duration::from_secs(10);
/// Tasks seen to in one round.
const MOST: usize = 100;
/// Asked at a time.
const PARALLEL: usize = 16;
/// How long an answer is waited for. What comes later is found in the outbox.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs until `stop`; every round moves the mark. `names` are the receivers there are.
pub(super) async fn run(shelf: Shelf, names: Vec<String>, ask: Ask, round: Mark, stop: CancellationToken) {
    let began = Instant::now();
    let mut looking =
        Looking { shelf, names: names.into(), ask, round, trouble: Trouble::default(), wanted: BTreeMap::new() };
    let mut wait = EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        looking.round.step();
        if began.elapsed() < AFTER_START {
            continue;
        }
        wait = tokio::select! {
            () = stop.cancelled() => return,
            more = looking.look() => match more {
                Some(true) => SOON,
                Some(false) => EVERY,
                None => return,
            }
        };
    }
}

struct Looking {
    shelf: Shelf,
    names: Arc<[String]>,
    ask: Ask,
    round: Mark,
    trouble: Trouble,
    /// The version that an alert has by its machine's word: before the outbox has it nothing more is asked about that alert.
    wanted: BTreeMap<EpisodeId, u32>,
}

impl Looking {
    /// One round. Whether something was put on record; `None` where the process is ending.
    async fn look(&mut self) -> Option<bool> {
        let found = self.shelf.with(|outbox, now| outbox.overdue(now, MOST)).await?;
        let found = noted(&mut self.trouble, "response plans", found).unwrap_or_default();
        let late: BTreeSet<EpisodeId> = found.iter().map(|overdue| overdue.episode).collect();
        self.wanted.retain(|episode, _| late.contains(episode));
        let (mut more, mut one_each) = (false, late);
        let due: Vec<Overdue> = found
            .into_iter()
            .filter(|overdue| one_each.remove(&overdue.episode))
            .filter(|overdue| self.wanted.get(&overdue.episode).is_none_or(|wanted| overdue.version >= *wanted))
            .collect();
        for some in due.chunks(PARALLEL) {
            let mut asked = JoinSet::new();
            for overdue in some {
                let Some(command) = command(overdue, &self.names) else { continue };
                let (answer, overdue) = ((self.ask)(command), overdue.clone());
                asked.spawn(async move { (timeout(PATIENCE, answer).await.ok().flatten(), overdue) });
            }
            while let Some(answered) = asked.join_next().await {
                if let Ok((Some(outcome), overdue)) = answered {
                    more |= self.answered(&overdue, outcome);
                }
            }
            self.round.step();
        }
        Some(more)
    }

    /// Takes an answer. Whether it is on record.
    fn answered(&mut self, overdue: &Overdue, outcome: CommandOutcome) -> bool {
        let Overdue { plan, task, owner, episode, .. } = overdue;
        match outcome.result {
            Ok(t) => {
                let told: Vec<&str> =
                    t.missed().iter().flat_map(|missed| missed.to.iter()).map(|name| &**name).collect();
                warn!(plan, task, owner, told = told.join(" "), "a task of a plan was not done in time");
                self.wanted.insert(*episode, t.version);
                true
            }
            Err(refusal) => {
                debug!(plan, task, %episode, refusal.reason, "looked at again when the outbox has the alert's present version");
                // One that is over is gone from the list as soon as the outbox has it.
                let version = refusal.current.map_or(u32::MAX, |t| t.version.max(overdue.version.saturating_add(1)));
                self.wanted.insert(*episode, version);
                false
            }
        }
    }
}

/// What is asked of the alert's machine. `None` cannot be: names of plans are short.
fn command(overdue: &Overdue, names: &[String]) -> Option<Command> {
    let missed = overdue.missed(|name| names.iter().any(|known| known == name));
    let act = Act::Escalate(Box::new(missed));
    let actor = Actor::of_plan(&overdue.plan).ok()?;
    Some(Command { actor, episode: overdue.episode, seen: overdue.version, act })
}

#[cfg(test)]
mod tests;
