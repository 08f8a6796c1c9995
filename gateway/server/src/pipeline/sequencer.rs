//! Stamps, groups, commits, confirms. The only writer of the inputs log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::id::PartitionId;
use maibo_core::input::{Batch, Input};
use maibo_core::reading::Quality;
use maibo_core::time::{Millis, Timestamp};
use maibo_store::log::{Dropped, Log, SnapshotError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ears::Ears;
use super::failpoint;
use super::feed::Feed;
use super::{Committed, Deadlines, Pause, PipelineError, Work};
use crate::clock::EngineClock;
use crate::ingest::ClockMode;
use crate::telemetry::Metrics;

mod append;
mod pending;
mod scarce;

use append::split;
use pending::Pending;
pub use scarce::Scarcity;

/// Most messages in one commit: bounds the latency that a burst adds to its own first message.
const COMMIT_MESSAGES: usize = 4_096;
/// Most inputs in one commit: bounds its bytes, since one message may carry many readings.
const COMMIT_INPUTS: usize = 32_768;
/// How long the sequencer sleeps at most with nothing to do; deadlines are looked at in between.
const IDLE: Duration = Duration::from_millis(50);
/// How often the city's partition is ticked when nothing else is: the next start reads from it how long Maibo was deaf.
const HEARTBEAT: Millis = Millis(5_000);
/// The clock is looked at every [`IDLE`]; a longer gap than this is a stall of Maibo itself: a full disk, a frozen process.
const STALL: Millis = Millis(5_000);
/// How often, in engine time, records that nobody needs any more are dropped.
const TRIM_EVERY: Millis = Millis(10_000);
/// Nobody sends work any more.
struct Ended;

/// The sequencer's parts.
pub struct Sequencer {
    /// The inputs log.
    pub log: Box<dyn Log>,
    /// Work from sources.
    pub work: flume::Receiver<Work>,
    /// What goes before it.
    pub urgent: flume::Receiver<Work>,
    /// While the disk has no room for messages.
    pub scarce: Scarcity,
    /// Housekeeping: snapshots, and how far followers are.
    pub care: flume::Receiver<Work>,
    /// To the decider.
    pub committed: flume::Sender<Committed>,
    /// Confirmation of the decider that a commit is done, used only in replay.
    pub done: flume::Receiver<()>,
    /// When partitions want to be called.
    pub deadlines: Deadlines,
    /// Stamps.
    pub clock: Arc<EngineClock>,
    /// Where `now` comes from.
    pub mode: ClockMode,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Drawn at start.
    pub boot: u64,
    /// The last `now` in the log.
    pub last_now: Timestamp,
    /// Set when the drain has taken too long: what waits for room is given up, unacknowledged.
    pub abort: CancellationToken,
    /// Bytes in use, for status.
    pub bytes: Arc<std::sync::atomic::AtomicU64>,
    /// Told after every commit, for followers of the inputs log.
    pub wake: tokio::sync::watch::Sender<u64>,
    /// When the clock was last looked at.
    pub last_look: Timestamp,
    /// Which sources listen, as they last said.
    pub ears: Ears,
    /// Only in replay: what was decided is told to the city before the next message is taken, so that two runs give the
    /// same positions. Otherwise the feed runs by itself.
    pub feed: Option<Feed>,
    /// How it waits for room on a full disk.
    pub pause: Pause,
    /// What was dropped at the quota, to be put on record with the next commit; at most one a partition and trim.
    pub gaps: Vec<Input>,
}

/// A sequencer at work, turn by turn.
pub struct Sequencing {
    parts: Sequencer,
    /// Number of the last append of this boot.
    number: u64,
    /// Engine time of the last trim.
    trimmed: Timestamp,
}

impl Sequencing {
    /// Waits at most so long for work or a deadline, then commits what is there. False when it was told to stop.
    ///
    /// # Errors
    /// [`PipelineError`]; the log takes nothing more then, and what was not acknowledged is not.
    pub fn turn(&mut self, wait: Duration) -> Result<bool, PipelineError> {
        let Self { parts, number, trimmed } = self;
        let mut pending = Pending::default();
        parts.take_care();
        let stop = parts.gather(&mut pending, wait);
        if !parts.gaps.is_empty() {
            pending.batches.entry(PartitionId::CITY).or_default().append(&mut parts.gaps);
        }
        parts.add_time(&mut pending);
        if pending.batches.is_empty() {
            pending.tickets.durable();
            return Ok(!stop);
        }
        parts.commit(pending, number)?;
        parts.tell_city(number)?;
        if parts.last_now.since(*trimmed) >= TRIM_EVERY {
            *trimmed = parts.last_now;
            parts.trim();
        }
        Ok(!stop)
    }

    /// Hands the log back, for the last snapshots.
    pub fn into_log(self) -> Box<dyn Log> {
        self.parts.log
    }
}

impl Sequencer {
    /// Begins.
    pub fn begin(self) -> Sequencing {
        let trimmed = self.last_now;
        Sequencing { parts: self, number: 0, trimmed }
    }

    /// Runs until told to stop, or until the log takes nothing more. Hands the log back for the last snapshots.
    ///
    /// # Errors
    /// [`PipelineError`]; receipts that are not settled by then are settled as failed.
    pub fn run(self) -> Result<Box<dyn Log>, PipelineError> {
        let mut working = self.begin();
        let ended = loop {
            let wait = working.parts.patience();
            match working.turn(wait) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // A queue with a living sender keeps what is in it; receipts that nobody will settle must fail now.
        while working.parts.work.try_recv().is_ok() {}
        ended?;
        info!("intake has ended; everything accepted is committed");
        Ok(working.into_log())
    }

    /// How long to wait for work: until something is due, and never long.
    fn patience(&self) -> Duration {
        match self.mode {
            ClockMode::Wall => {
                let until = self.deadlines.earliest().since(self.clock.now()).0.clamp(0, IDLE.as_millis() as i64);
                Duration::from_millis(until as u64)
            }
            ClockMode::Replay => IDLE,
        }
    }

    /// In replay: tells the city everything that was decided by now.
    fn tell_city(&mut self, number: &mut u64) -> Result<(), PipelineError> {
        while let Some(feed) = &mut self.feed
            && let Some(told) = feed.take().map_err(PipelineError::FactsClosed)?
        {
            let mut pending = Pending::default();
            self.take(Work::Told(told), &mut pending);
            self.add_time(&mut pending);
            self.commit(pending, number)?;
        }
        Ok(())
    }

    /// Waits for work, then takes whatever else is there. True when it is time to end.
    fn gather(&mut self, pending: &mut Pending, wait: Duration) -> bool {
        if self.scarce.lasts() {
            return self.gather_urgent(pending, wait);
        }
        let mut next = match self.first(wait) {
            Ok(first) => first,
            Err(Ended) => return true,
        };
        while let Some(work) = next {
            if self.take(work, pending) {
                return true;
            }
            // In replay every message is a commit of its own, so that two runs give the same positions.
            let full = pending.messages >= COMMIT_MESSAGES || pending.inputs >= COMMIT_INPUTS;
            if self.mode == ClockMode::Replay || full {
                break;
            }
            next = self.urgent.try_recv().or_else(|_| self.work.try_recv()).ok();
        }
        false
    }

    /// The first piece of work, or none in time.
    fn first(&self, wait: Duration) -> Result<Option<Work>, Ended> {
        match self.urgent.try_recv().or_else(|_| self.work.try_recv()) {
            Ok(work) => Ok(Some(work)),
            Err(flume::TryRecvError::Disconnected) => Err(Ended),
            Err(flume::TryRecvError::Empty) if self.urgent.is_disconnected() => Ok(self.work.recv_timeout(wait).ok()),
            Err(flume::TryRecvError::Empty) => {
                let either = flume::Selector::new().recv(&self.urgent, Result::ok).recv(&self.work, Result::ok);
                Ok(either.wait_timeout(wait).ok().flatten())
            }
        }
    }

    /// Puts one piece of work into the commit. True for [`Work::Stop`].
    fn take(&mut self, work: Work, pending: &mut Pending) -> bool {
        match work {
            Work::Message { inputs, receipt, .. } => {
                pending.messages += 1;
                pending.inputs += inputs.len();
                let mut partitions = BTreeSet::new();
                for (partition, input) in inputs {
                    partitions.insert(partition);
                    pending.batches.entry(partition).or_default().push(input);
                }
                pending.tickets.add(receipt, partitions);
            }
            Work::Deaf { source, from } => {
                let from = match self.mode {
                    ClockMode::Wall => from,
                    ClockMode::Replay => self.last_now,
                };
                self.ears.deaf(source.clone(), from);
                pending.everywhere(&Input::Deaf { source: Some(source), from });
            }
            Work::Listening { source } => {
                self.ears.listening(source.clone());
                pending.everywhere(&Input::Listening { source });
            }
            Work::Everywhere(input) => pending.everywhere(&input),
            Work::Delivered(delivery) => {
                pending.batches.entry(PartitionId::CITY).or_default().push(Input::Delivered(delivery));
            }
            Work::Told(told) => {
                if let Input::Told { items, .. } = &told {
                    pending.inputs += items.len();
                }
                pending.batches.entry(PartitionId::CITY).or_default().push(told);
            }
            Work::City(input) => pending.batches.entry(PartitionId::CITY).or_default().push(input),
            Work::Command { partition, command, reply } => {
                pending.batches.entry(partition).or_default().push(Input::Command(command));
                pending.replies.push((partition, reply));
            }
            Work::Drill { asked, reply } => {
                pending.batches.entry(PartitionId::CITY).or_default().push(Input::Drill(asked));
                pending.replies.push((PartitionId::CITY, reply));
            }
            Work::Snapshot { partition, expected, position, state } => {
                let saved = match self.log.snapshot_save(partition, expected, position, &state) {
                    // We are the only writer: what stands there is an older one of ours whose successor failed to save.
                    Err(SnapshotError::Conflict { found }) => {
                        self.log.snapshot_save(partition, found, position, &state)
                    }
                    saved => saved,
                };
                match saved {
                    Ok(()) => self.log.keep_from("engine", partition, position),
                    Err(error) => {
                        warn!(partition = partition.0, %error, "snapshot not saved; recovery will replay more");
                    }
                }
            }
            Work::KeepFrom { consumer, partition, position } => self.log.keep_from(consumer, partition, position),
            Work::Stop => return true,
        }
        false
    }

    /// Decides `now` and adds what time itself brings: clock steps, due ticks, the heartbeat.
    fn add_time(&mut self, pending: &mut Pending) {
        let now = match self.mode {
            ClockMode::Wall => {
                let (now, step) = self.clock.now_and_step();
                let now = now.max(self.last_now);
                // Engine time moves along with a forward step, which is no stall.
                let stalled = now.since(self.last_look) - step.unwrap_or_default().max(Millis::ZERO);
                if let Some(since) = self.scarce.over() {
                    pending.first_everywhere(&self.ears.anew(since.min(now)));
                }
                if stalled > STALL {
                    warn!(for_ms = stalled.0, "nothing was taken in meanwhile: no device is accused of that");
                    pending.first_everywhere(&self.ears.anew(now - stalled));
                }
                self.last_look = now;
                if let Some(by) = step {
                    warn!(by_ms = by.0, "the wall clock stepped");
                    self.metrics.clock_step.set(by.0);
                    self.metrics.clock_steps.inc();
                    pending.first_everywhere(&[Input::ClockStep { by }]);
                }
                now
            }
            ClockMode::Replay => {
                let newest = pending.batches.values().flatten().filter_map(|i| match i {
                    // Only a time that the stream itself gave moves it on.
                    Input::Reading(r) if r.timed && r.quality != Quality::Clock => Some(r.at),
                    Input::Event(e) => Some(e.at),
                    _ => None,
                });
                newest.max().unwrap_or(self.last_now).max(self.last_now)
            }
        };
        if self.mode == ClockMode::Wall || !pending.batches.is_empty() {
            for partition in self.deadlines.due(now).filter(|p| self.scarce.may_tick(*p)) {
                pending.batches.entry(partition).or_default();
            }
        }
        if self.mode == ClockMode::Wall && now.since(self.last_now) >= HEARTBEAT {
            pending.batches.entry(PartitionId::CITY).or_default();
        }
        if !pending.batches.is_empty() {
            self.last_now = now;
            self.clock.replay_at(now);
        }
    }

    /// Appends, settles, hands over.
    fn commit(&mut self, mut pending: Pending, number: &mut u64) -> Result<(), PipelineError> {
        let now = self.last_now;
        let mut batches: Vec<(PartitionId, Batch, Vec<u8>)> = Vec::with_capacity(pending.batches.len());
        for (partition, inputs) in std::mem::take(&mut pending.batches) {
            split(now, inputs, &mut |batch, bytes| batches.push((partition, batch, bytes)));
        }
        let timer = self.metrics.inputs_sync.start_timer();
        let positions = self.append(&batches, number, &mut pending.tickets)?;
        timer.observe_duration();
        failpoint::hit("after_inputs_before_ack");
        pending.tickets.durable();
        failpoint::hit("after_ack_before_decide");
        let batches = batches.into_iter().zip(positions).map(|((p, b, _), at)| (p, at, b)).collect();
        let committed = Committed { now, batches, replies: pending.replies };
        self.committed.send(committed).map_err(|_| PipelineError::Partner("decider"))?;
        self.bytes.store(self.log.size(), std::sync::atomic::Ordering::Relaxed);
        self.wake.send_modify(|n| *n += 1);
        if self.mode == ClockMode::Replay {
            self.done.recv().map_err(|_| PipelineError::Partner("decider"))?;
        }
        Ok(())
    }

    /// Saves snapshots and notes how far followers are.
    fn take_care(&mut self) {
        let mut none = Pending::default();
        while let Ok(work) = self.care.try_recv() {
            self.take(work, &mut none);
        }
    }

    /// Drops what nobody needs, and at the quota the oldest: what is dropped although somebody needed it is counted.
    fn trim(&mut self) {
        match self.log.trim() {
            Ok(dropped) => {
                let mut batches = 0;
                for Dropped { partition, first, last, records } in dropped {
                    batches += records;
                    self.gaps.push(Input::Dropped { partition, first, last, batches: records });
                }
                if batches > 0 {
                    self.metrics.shed.with_label_values(&["inputs_quota"]).inc_by(batches);
                    warn!(batches, "inputs dropped at the quota before all had them; the facts say which");
                }
            }
            Err(error) => warn!(%error, "trimming failed"),
        }
    }
}
