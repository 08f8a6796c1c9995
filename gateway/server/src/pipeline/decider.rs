//! Runs the machines on what is committed, and tells only what is durable.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::engine::{CommandOutcome, Machine, Output, Versions};
use maibo_core::fact::{Body, Fact};
use maibo_core::id::{PartitionId, Position};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::facts::{FactsError, FactsLog};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::shards::{Answers, Shards};
use super::{Committed, Observer, Pause, PipelineError, Step, Unrecorded, Work, failpoint};
use crate::telemetry::Metrics;
use crate::versions::VersionStore;

/// How often, in engine time, one partition's state is saved: all 257 in about four minutes.
const SNAPSHOT_EVERY: Millis = Millis(1_000);
/// How many are taken then: a log that is full at its quota waits for those of all partitions.
const SNAPSHOTS_IDLE: usize = 32;
/// How long nothing may come before a snapshot is taken all the same.
const IDLE: Duration = Duration::from_secs(1);
/// How many pauses (ten seconds) facts may wait for room, their reserve used up, before the process ends: a city that
/// nobody tells anything must not look as if all were well.
const FULL_PATIENCE: u32 = 50;

/// The decider's parts.
pub struct Decider {
    /// One machine a partition.
    pub shards: Shards,
    /// Position of each partition's saved snapshot.
    pub saved: Vec<Option<Position>>,
    /// The facts log.
    pub facts: FactsLog,
    /// From the sequencer.
    pub committed: flume::Receiver<Committed>,
    /// Confirms each commit, for replay.
    pub done: flume::Sender<()>,
    /// Back to the sequencer: snapshots.
    pub care: flume::WeakSender<Work>,
    /// Rule sets and catalogues by version.
    pub versions: Arc<VersionStore>,
    /// Told of every step.
    pub observers: Vec<Box<dyn Observer>>,
    /// Told when the facts log cannot be written any more.
    pub unrecorded: Option<Box<dyn Unrecorded>>,
    /// Set when the drain has taken too long.
    pub abort: CancellationToken,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told the next fact index after every step with facts, for followers of the facts log.
    pub wake: tokio::sync::watch::Sender<u64>,
    /// How it waits for room on a full disk.
    pub pause: Pause,
}

/// A decider at work, turn by turn.
pub struct Deciding {
    parts: Decider,
    out: Output,
    last_snapshot: Timestamp,
    /// Whose state is saved next.
    next: usize,
}

/// What the decider leaves behind.
pub struct Rest {
    /// The machines' last state.
    pub machines: Vec<Machine>,
    /// Next fact index.
    pub facts_next: u64,
}

impl Deciding {
    /// Waits at most so long for a commit and decides it. False when the sequencer has ended and nothing is left.
    ///
    /// # Errors
    /// [`PipelineError`]; what was not durable by then was not told.
    pub fn turn(&mut self, wait: Duration) -> Result<bool, PipelineError> {
        match self.parts.committed.recv_timeout(wait) {
            Ok(commit) => {
                let now = commit.now;
                self.parts.decide(commit, &mut self.out)?;
                if now.since(self.last_snapshot) >= SNAPSHOT_EVERY {
                    self.last_snapshot = now;
                    self.parts.snapshot_one(&mut self.next);
                }
            }
            // Nothing comes, perhaps because the log is full: snapshots are what lets it be trimmed, all of them. Who turns
            // without waiting sees each.
            Err(flume::RecvTimeoutError::Timeout) => {
                for _ in 0..if wait.is_zero() { 1 } else { SNAPSHOTS_IDLE } {
                    self.parts.snapshot_one(&mut self.next);
                }
            }
            Err(flume::RecvTimeoutError::Disconnected) => return Ok(false),
        }
        Ok(true)
    }

    /// Commits that wait to be decided.
    pub fn waiting(&self) -> usize {
        self.parts.committed.len()
    }

    /// What is left at the end.
    pub fn into_rest(self) -> Rest {
        let parts = self.parts;
        let facts_next = parts.facts.next_index();
        Rest { machines: parts.shards.into_machines(), facts_next }
    }
}

impl Decider {
    /// Begins.
    pub fn begin(self) -> Deciding {
        Deciding { parts: self, out: Output::default(), last_snapshot: Timestamp(0), next: 0 }
    }

    /// Runs until the sequencer has ended and everything it committed is decided.
    ///
    /// # Errors
    /// [`PipelineError`]; what was not durable by then was not told.
    pub fn run(self) -> Result<Rest, PipelineError> {
        let mut working = self.begin();
        while working.turn(IDLE)? {}
        info!("everything committed is decided");
        Ok(working.into_rest())
    }

    fn decide(&mut self, commit: Committed, out: &mut Output) -> Result<(), PipelineError> {
        out.clear();
        let mut answers = Answers::new();
        let batches = Arc::new(commit.batches);
        self.shards.step(&batches, &self.versions.current(), out, &mut answers)?;
        self.metrics.judged.add(&out.counts);
        self.metrics.events.add(&out.counts.events);
        failpoint::hit("after_decide_before_facts");
        let facts = self.record(std::mem::take(&mut out.facts))?;
        failpoint::hit("after_facts_before_tell");
        let step = Step { now: commit.now, batches: &batches, facts: &facts, verdicts: &out.verdicts };
        for observer in &mut self.observers {
            observer.observe(&step);
        }
        if !facts.is_empty() {
            let trials = facts.iter().filter(|f| matches!(f.body, Body::Shadow(_))).count();
            self.metrics.shadow_facts.inc_by(trials as u64);
            self.metrics.facts.inc_by(facts.len() as u64);
            self.wake.send_replace(self.facts.next_index());
        }
        reply(commit.replies, answers);
        // Nobody listens outside replay; a full or closed channel is no fault.
        let _ = self.done.try_send(());
        Ok(())
    }

    fn record(&mut self, drafts: Vec<Fact>) -> Result<Vec<Fact>, PipelineError> {
        if drafts.is_empty() {
            return Ok(drafts);
        }
        let timer = self.metrics.facts_sync.start_timer();
        // A copy, because the log takes the drafts with it when it fails.
        let copy = self.unrecorded.as_ref().map(|_| drafts.clone());
        let recorded = record(&mut self.facts, drafts, &self.abort, &self.pause);
        timer.observe_duration();
        if let (Err(PipelineError::FactsClosed(_)), Some(unrecorded), Some(drafts)) =
            (&recorded, &mut self.unrecorded, copy)
        {
            unrecorded.tell(&drafts);
        }
        recorded
    }

    /// Sends one partition's state to be saved, if it moved since its last snapshot and the queue has room.
    fn snapshot_one(&mut self, next: &mut usize) {
        let n = self.shards.len();
        for _ in 0..n {
            *next = (*next + 1) % n;
            let Some(machine) = self.shards.get(*next) else { continue };
            let Some(position) = machine.position() else { continue };
            if self.saved[*next] == Some(position) {
                continue;
            }
            let state = snapshot_bytes(self.facts.next_index(), machine);
            let work = Work::Snapshot { partition: machine.id(), expected: self.saved[*next], position, state };
            if let Some(queue) = self.care.upgrade()
                && queue.try_send(work).is_ok()
            {
                self.saved[*next] = Some(position);
                debug!(partition = machine.id().0, "snapshot");
            }
            return;
        }
    }
}

/// Appends facts. A full disk makes it wait here for a while; the log's own reserve comes first.
pub(super) fn record(
    log: &mut FactsLog,
    mut drafts: Vec<Fact>,
    abort: &CancellationToken,
    pause: &Pause,
) -> Result<Vec<Fact>, PipelineError> {
    let mut kept = Vec::new();
    let mut pauses = 0;
    loop {
        match log.append(drafts) {
            Ok(facts) if kept.is_empty() => return Ok(facts),
            Ok(facts) => {
                kept.extend(facts);
                return Ok(kept);
            }
            Err(error @ FactsError::Full(_)) if abort.is_cancelled() || pauses > FULL_PATIENCE => {
                return Err(PipelineError::FactsClosed(error));
            }
            Err(FactsError::Full(unwritten)) => {
                if kept.is_empty() {
                    error!("no room for facts: nothing is told until there is");
                }
                kept.extend(unwritten.kept);
                drafts = unwritten.drafts;
                pause();
                pauses += 1;
            }
            Err(error) => return Err(PipelineError::FactsClosed(error)),
        }
    }
}

/// Runs one machine on one batch.
pub(super) fn step(
    machine: &mut Machine,
    position: Position,
    batch: &maibo_core::input::Batch,
    versions: &Versions,
    out: &mut Output,
) -> Result<(), PipelineError> {
    let partition = machine.id().0;
    machine.step(position, batch, versions, out).map_err(|source| PipelineError::Engine {
        partition,
        position: position.0,
        source,
    })
}

/// A snapshot as saved: the next fact index, then the machine's own bytes.
pub(super) fn snapshot_bytes(facts_next: u64, machine: &Machine) -> Vec<u8> {
    let mut bytes = facts_next.to_be_bytes().to_vec();
    bytes.extend_from_slice(&machine.snapshot());
    bytes
}

/// Answers the commands and drills of a commit: waiters and outcomes stand in the same order within each partition.
fn reply(waiters: Vec<(PartitionId, oneshot::Sender<CommandOutcome>)>, mut answers: Answers) {
    for (partition, waiter) in waiters {
        if let Some(at) = answers.iter().position(|(p, _)| *p == partition)
            && let Some((_, outcome)) = answers.remove(at)
        {
            // The asker may have given up; the fact stands.
            drop(waiter.send(outcome));
        }
    }
}

/// Saves the last state of every machine that moved since its snapshot. Failures cost replay time, not data.
pub fn save_all(log: &mut dyn maibo_store::log::Log, rest: &Rest) -> usize {
    let mut saved = 0;
    for machine in &rest.machines {
        let Some(position) = machine.position() else { continue };
        // The schedule's own notion of the last snapshot can be ahead of the disk, where the sequencer ended before it took
        // what the decider had sent: ask the disk.
        let expected = log.snapshot_load(machine.id()).ok().flatten().map(|(p, _)| p);
        if expected == Some(position) {
            continue;
        }
        let state = snapshot_bytes(rest.facts_next, machine);
        match log.snapshot_save(machine.id(), expected, position, &state) {
            Ok(()) => saved += 1,
            Err(error) => tracing::warn!(partition = machine.id().0, %error, "last snapshot not saved"),
        }
    }
    saved
}
