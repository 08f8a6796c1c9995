//! The follower: reads, applies, writes checkpoints, tells how far it is.

use std::collections::BTreeMap;
use std::time::Duration;

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::Batch;
use maibo_store::history::{Cursors, HistoryWriter};
use maibo_store::log::{LogReader, ReadError};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{CONSUMER, Progress};
use crate::Chain;
use crate::monitor::Mark;
use crate::pipeline::{Work, failpoint};

/// Between two checkpoints. A restart reads again at most what came since the last.
const INTERVAL: Duration = Duration::from_mins(10);
/// Wait before trying again after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// Rest between looks at a log that grows all the time: history is read by people, and a look at every commit would cost
/// the alert path its share of the processor.
const REST: Duration = Duration::from_millis(100);
/// Records applied before anything else is looked at.
const RECORDS: usize = 4_096;
/// Times in a row that a reader may be silent before it is left until the log has more.
const SILENCES: u32 = 8;
/// Steps at most when the pipeline has ended; the next start reads what is then still left.
const LAST_STEPS: usize = 16;

/// The inputs log as it is when the follower is opened: the log itself belongs to the sequencer afterwards.
pub(super) struct Source {
    pub(super) reader: Box<dyn LogReader>,
    /// Reads all there is, for when the cursors are gone; what was applied already is passed over.
    pub(super) spare: Option<Box<dyn LogReader>>,
}

/// The follower, not running.
pub struct Follower {
    writer: HistoryWriter,
    source: Source,
    progress: watch::Sender<Progress>,
    mark: Mark,
    /// Partitions that are not read up to where the log ended at the opening.
    missing: BTreeMap<PartitionId, Position>,
    work: flume::WeakSender<Work>,
    /// What the sequencer was told may be trimmed.
    advised: Cursors,
    next_checkpoint: Instant,
    checkpoint_failed: bool,
    recovered: bool,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There may be more.
    More,
    /// Nothing more now.
    Idle,
    /// Something failed; to be tried again.
    Failed,
}

/// A failure that was reported where it happened.
struct Reported;

impl Follower {
    pub(super) fn new(
        writer: HistoryWriter,
        source: Source,
        missing: BTreeMap<PartitionId, Position>,
        (progress, mark): (watch::Sender<Progress>, Mark),
        work: flume::WeakSender<Work>,
    ) -> Self {
        let (advised, next_checkpoint) = (Cursors::new(), Instant::now() + INTERVAL);
        let (checkpoint_failed, recovered) = (false, false);
        Self { writer, source, progress, mark, missing, work, advised, next_checkpoint, checkpoint_failed, recovered }
    }

    /// Runs until the pipeline has ended or `stop`, and ends with a checkpoint. `wake` is told when the log has more.
    pub async fn run(mut self, mut wake: watch::Receiver<u64>, stop: CancellationToken) {
        // A consumer that is silent about a partition before its first checkpoint would not be waited for.
        let safe = self.writer.safe();
        self.advised = PartitionId::all().map(|p| (p, safe.get(&p).copied().unwrap_or_default())).collect();
        advise(&self.work, &self.advised).await;
        let mut ended = false;
        while !ended && !stop.is_cancelled() {
            let commits = *wake.borrow_and_update();
            let task = tokio::task::spawn_blocking(move || {
                let step = self.step();
                if step != Step::Failed && Instant::now() >= self.next_checkpoint {
                    self.checkpoint();
                }
                (self, step)
            });
            let Ok((back, step)) = task.await else {
                error!(
                    "what keeps readings over time has failed; alerts go on, and the next start reads on where it was"
                );
                return;
            };
            self = back;
            if step != Step::Failed {
                self.mark.set(commits);
            }
            tokio::select! {
                () = self.tell_safe() => {}
                () = stop.cancelled() => {}
            }
            match step {
                Step::More => {}
                Step::Idle => {
                    tokio::select! {
                        woken = wake.changed() => ended = woken.is_err(),
                        () = tokio::time::sleep_until(self.next_checkpoint) => {}
                        () = stop.cancelled() => {}
                    }
                    if !ended {
                        tokio::select! {
                            () = tokio::time::sleep(REST) => {}
                            () = stop.cancelled() => {}
                        }
                    }
                }
                Step::Failed => tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stop.cancelled() => {}
                },
            }
        }
        let last = tokio::task::spawn_blocking(move || {
            let steps = if ended { LAST_STEPS } else { 0 };
            for _ in 0..steps {
                if self.step() != Step::More {
                    break;
                }
            }
            self.checkpoint()
        });
        if last.await.unwrap_or(false) {
            info!("history is saved");
        }
    }

    /// Tells the sequencer what may be trimmed, where that has changed.
    async fn tell_safe(&mut self) {
        let advised = &self.advised;
        let moved = self.writer.safe().iter().filter(|(p, position)| advised.get(p) != Some(position));
        let moved: Cursors = moved.map(|(p, position)| (*p, *position)).collect();
        advise(&self.work, &moved).await;
        self.advised.extend(moved);
    }

    /// Applies some records.
    fn step(&mut self) -> Step {
        if !self.recovered && self.recover().is_err() {
            return Step::Failed;
        }
        let mut silences = 0;
        for _ in 0..RECORDS {
            // Nothing more is read while memory is full and cannot be written.
            if self.writer.is_full() && !self.checkpoint() {
                return Step::Failed;
            }
            match self.source.reader.next() {
                Ok(Some(record)) => {
                    failpoint::hit("in_history");
                    silences = 0;
                    if self.apply(record.partition, record.position, &record.payload).is_err() {
                        return Step::Failed;
                    }
                }
                Ok(None) if silences < SILENCES => silences += 1,
                Ok(None) => {
                    self.works();
                    return Step::Idle;
                }
                Err(ReadError::Trimmed { partition, first }) => {
                    self.skip(partition, first);
                }
                Err(error) => {
                    self.failed(&error);
                    return Step::Failed;
                }
            }
        }
        self.works();
        Step::More
    }

    /// Reads back what the last checkpoint saved of the open buckets.
    fn recover(&mut self) -> Result<(), Reported> {
        let recovered = self.writer.recover().map_err(|error| self.failed(&error))?;
        if recovered.damaged > 0 {
            warn!(rows = recovered.damaged, "saved readings are damaged; the log is read again");
            // The cursors are gone: everything in the log is wanted.
            if let Some(spare) = self.source.spare.take() {
                self.source.reader = spare;
            }
        }
        self.recovered = true;
        info!(rows = recovered.tails, "history is open");
        Ok(())
    }

    fn apply(&mut self, partition: PartitionId, position: Position, payload: &[u8]) -> Result<(), Reported> {
        if self.writer.wants(partition, position) {
            let batch = Batch::from_bytes(payload).unwrap_or_else(|error| {
                let (partition, position) = (partition.0, position.0);
                error!(partition, position, error = %Chain(&error), "a record cannot be read and is not in history");
                self.progress.send_modify(|p| p.undecodable += 1);
                Batch::default()
            });
            self.writer.apply(partition, position, &batch).map_err(|error| self.failed(&error))?;
        }
        if self.missing.get(&partition).is_some_and(|end| *end <= position) {
            self.missing.remove(&partition);
        }
        Ok(())
    }

    /// Goes on behind records that were trimmed before they were read.
    fn skip(&mut self, partition: PartitionId, first: Option<Position>) {
        warn!(partition = partition.0, "the log was trimmed before history had read it; readings are missing");
        self.progress.send_modify(|p| p.gaps += 1);
        if self.missing.get(&partition).is_some_and(|end| first.is_none_or(|first| first > *end)) {
            self.missing.remove(&partition);
        }
        self.source.reader.skip_dropped(partition);
    }

    /// Writes a checkpoint; false where that failed.
    fn checkpoint(&mut self) -> bool {
        if !self.recovered {
            return false;
        }
        let done = self.writer.checkpoint();
        self.checkpoint_failed = done.is_err();
        match done {
            Ok(_) => {
                self.next_checkpoint = Instant::now() + INTERVAL;
                self.progress.send_modify(|p| p.checkpoints += 1);
                true
            }
            Err(error) => {
                self.next_checkpoint = Instant::now() + RETRY;
                self.failed(&error);
                false
            }
        }
    }

    fn works(&mut self) {
        let now =
            Progress { caught_up: self.missing.is_empty(), failing: self.checkpoint_failed, ..*self.progress.borrow() };
        self.progress.send_if_modified(|p| std::mem::replace(p, now) != now);
    }

    /// Says so once, until it works again.
    fn failed(&self, error: &dyn std::error::Error) -> Reported {
        self.progress.send_if_modified(|p| {
            if !p.failing {
                warn!(error = %Chain(error), "history does not follow; trying again");
            }
            !std::mem::replace(&mut p.failing, true)
        });
        Reported
    }
}

/// Tells the sequencer what may be trimmed. Nothing to tell when it has ended.
async fn advise(work: &flume::WeakSender<Work>, safe: &Cursors) {
    let Some(work) = work.upgrade() else { return };
    for (partition, position) in safe {
        let advice = Work::KeepFrom { consumer: CONSUMER, partition: *partition, position: *position };
        if work.send_async(advice).await.is_err() {
            return;
        }
    }
}
