//! The follower: reads, sends until it is taken, moves the cursor.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use maibo_core::id::{PartitionId, Position};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::batch::Batch;
use super::cursor::Cursor;
use super::cut::Cut;
use super::intake::{Fill, Intake};
use super::metrics::{Now, SinkMetrics};
use super::rejected::{Rejected, Rejection};
use super::status::{BEHIND, SinkState, SinkStatus};
use super::transport::{Answer, Transport};
use super::{CONSUMER, Limits};
use crate::ingest::external::backoff::Backoff;
use crate::pipeline::Work;

/// Rest between looks at a log that grows all the time.
const REST: Duration = Duration::from_millis(100);
/// Wait before a log that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Fewest lines that a server's `413` brings a request down to; a single longer line is another matter.
const CEILING_LEAST: usize = 64;
/// So many single lines refused in a row, and it is the server's or the configuration's fault: nothing more is put aside.
const UNACCEPTED: u32 = 500;
/// Of these, so many may be refused anew each time it is tried again, should it have been the lines after all.
const TRIES: u32 = 50;

/// The follower, not running.
pub struct Follower<T> {
    pub(super) intake: Option<Intake>,
    pub(super) transport: T,
    pub(super) limits: Limits,
    pub(super) cursor: Cursor,
    pub(super) path: PathBuf,
    pub(super) rejected: Rejected,
    pub(super) status: SinkStatus,
    pub(super) metrics: SinkMetrics,
    pub(super) now: Now,
    pub(super) work: flume::WeakSender<Work>,
    pub(super) backoff: Backoff,
    pub(super) next_save: Instant,
    /// What the file has; the sequencer was told of it.
    pub(super) saved: Cursor,
    pub(super) save_failed: bool,
    /// Lines of one request at present.
    pub(super) ceiling: usize,
    /// Single lines refused since anything was stored.
    pub(super) unaccepted: u32,
}

/// Nothing more is to be done: the process stops.
struct Stopped;

impl<T: Transport> Follower<T> {
    /// Runs until the pipeline has ended or `stop`. `wake` is told when the log has more.
    pub async fn run(mut self, mut wake: watch::Receiver<u64>, stop: CancellationToken) {
        let Some(intake) = self.intake.take() else { return };
        // A consumer that is silent about a partition before its first advice would not be waited for.
        let position = |p: PartitionId| self.cursor.marks.get(&p).map(|m| m.position).unwrap_or_default();
        advise(&self.work, PartitionId::all().map(|p| (p, position(p))).collect()).await;
        // Either way the cursor is saved and nothing is sent any more.
        let _ = self.follow(intake, &mut wake, &stop).await;
        self.save().await;
        self.status.update((self.now)(), |view| view.state = SinkState::Off);
        info!("the sink has stopped");
    }

    async fn follow(
        &mut self,
        mut intake: Intake,
        wake: &mut watch::Receiver<u64>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let mut batch = Batch::default();
        loop {
            let commits = *wake.borrow_and_update();
            let (lines, bytes) = (self.limits.lines, self.limits.bytes);
            let task = tokio::task::spawn_blocking(move || {
                let fill = intake.fill(&mut batch, lines, bytes);
                (intake, batch, fill)
            });
            let fill;
            let Ok(read) = task.await else { return self.broken(stop).await };
            (intake, batch, fill) = read;
            self.note(&mut batch, &fill);
            self.status.mark().set(commits);
            let ripe = batch.begun.is_some_and(|b| b.elapsed() >= self.limits.wait);
            if !batch.is_empty() && (fill == Fill::Full || ripe || batch.count() == 0) {
                self.settle(&mut batch, stop).await?;
                let more = fill != Fill::Idle;
                self.goes_well(more);
            }
            if Instant::now() >= self.next_save {
                self.save().await;
            }
            match fill {
                Fill::Full | Fill::More => {}
                Fill::Failed(words) => {
                    self.troubled(SinkState::Down, words);
                    rest(RETRY, stop).await?;
                }
                Fill::Idle if batch.is_empty() => {
                    let save_at = if self.cursor == self.saved { None } else { Some(self.next_save) };
                    tokio::select! {
                        woken = wake.changed() => woken.map_err(|_| Stopped)?,
                        () = until(save_at) => continue,
                        () = stop.cancelled() => return Err(Stopped),
                    }
                    rest(REST, stop).await?;
                }
                Fill::Idle => rest(REST.min(self.limits.wait), stop).await?,
            }
        }
    }

    /// What the reading says about how far behind it is, and about what is missing.
    fn note(&mut self, batch: &mut Batch, fill: &Fill) {
        let (gaps, gap, skipped) =
            (std::mem::take(&mut batch.gaps), batch.gap.take(), std::mem::take(&mut batch.skipped));
        self.metrics.gaps.inc_by(gaps);
        self.metrics.skipped.inc_by(skipped);
        let waiting = batch.span.map(|(first, _)| first);
        let nothing = *fill == Fill::Idle && batch.is_empty();
        self.status.update((self.now)(), |view| {
            view.gaps += gaps;
            view.skipped += skipped;
            view.gap = gap.or(view.gap);
            if waiting.is_some() || *fill == Fill::Idle {
                view.waiting = waiting;
            }
            // After a start it runs when the server has taken something, or there is nothing to take.
            if nothing && view.state == SinkState::Off {
                view.state = SinkState::Running;
            }
        });
    }

    /// Sends the batch until it is settled, then moves the cursor.
    async fn settle(&mut self, batch: &mut Batch, stop: &CancellationToken) -> Result<(), Stopped> {
        let mut rejections = std::mem::take(&mut batch.unfit);
        self.send(batch, &mut rejections, stop).await?;
        self.put_aside(rejections).await;
        self.cursor.marks.append(&mut batch.marks);
        self.cursor.until = batch.span.map(|(_, last)| last).max(self.cursor.until);
        self.ceiling = (self.ceiling + (self.ceiling / 8).max(1)).min(self.limits.lines);
        batch.clear();
        Ok(())
    }

    /// Sends until every line is stored or refused by itself; what is refused is added to `rejections`.
    async fn send(
        &mut self,
        batch: &Batch,
        rejections: &mut Vec<Rejection>,
        stop: &CancellationToken,
    ) -> Result<(), Stopped> {
        let mut cut = Cut::new(batch.count());
        loop {
            let (ceiling, bytes) = (self.ceiling, self.limits.bytes);
            let fits = |p: &std::ops::Range<usize>| p.len() <= ceiling && batch.lines(p.clone()).len() <= bytes;
            let Some(piece) = cut.next(fits) else { return Ok(()) };
            let lines = batch.lines(piece.clone()).to_vec();
            let answer = tokio::select! {
                answer = self.transport.write(lines) => answer,
                () = stop.cancelled() => return Err(Stopped),
            };
            self.metrics.requests.with_label_values(&[answer.as_str()]).inc();
            let refused = match answer {
                Answer::Stored => {
                    cut.stored();
                    self.unaccepted = 0;
                    self.backoff.reset();
                    self.stored(piece.len());
                    None
                }
                Answer::Again(words) => {
                    self.troubled(SinkState::Down, words);
                    let wait = self.backoff.next();
                    self.pause(wait, stop).await?;
                    None
                }
                Answer::Refused(words) => {
                    self.troubled(SinkState::Refused, words);
                    self.pause(self.limits.refused, stop).await?;
                    None
                }
                // Not one line is taken, so it is not the lines.
                Answer::TooLarge(words) | Answer::Malformed(words) if self.unaccepted >= UNACCEPTED => {
                    self.troubled(SinkState::Refused, format!("the server refuses every line: {words}"));
                    cut.rejoin();
                    self.pause(self.limits.refused, stop).await?;
                    self.unaccepted = UNACCEPTED - TRIES;
                    None
                }
                Answer::TooLarge(words) => {
                    self.ceiling = self.ceiling.min((piece.len() / 2).max(CEILING_LEAST));
                    let line = cut.too_large();
                    self.unaccepted += u32::from(line.is_some());
                    line.map(|line| (line, words))
                }
                Answer::Malformed(words) => {
                    let line = cut.malformed();
                    self.unaccepted += u32::from(line.is_some());
                    line.map(|line| (line, words))
                }
            };
            if let Some((line, reason)) = refused {
                let line = batch.lines(line..line + 1).trim_ascii_end().to_vec();
                rejections.push(Rejection { reason, line });
            }
        }
    }

    /// Puts lines into quarantine and counts them. Where that fails they are counted all the same.
    async fn put_aside(&mut self, rejections: Vec<Rejection>) {
        let Some(first) = rejections.first() else { return };
        let (count, now) = (rejections.len() as u64, (self.now)());
        warn!(lines = count, reason = %super::status::words(&first.reason), "lines are rejected; see influx-rejected.lp");
        let rejected = self.rejected.clone();
        let written = tokio::task::spawn_blocking(move || rejected.append(&rejections, now)).await;
        if let Ok(Err(error)) = written {
            warn!(lines = count, %error, "rejected lines cannot be kept");
        }
        self.metrics.rejected.inc_by(count);
        self.status.update(now, |view| view.rejected += count);
    }

    fn stored(&self, lines: usize) {
        self.metrics.written.inc_by(lines as u64);
        self.status.update((self.now)(), |view| view.written += lines as u64);
    }

    /// What read the log is gone: says so until the process ends.
    async fn broken(&mut self, stop: &CancellationToken) -> Result<(), Stopped> {
        self.troubled(SinkState::Down, "what reads the log has failed; Maibo has to be started anew".to_owned());
        stop.cancelled().await;
        Err(Stopped)
    }

    fn troubled(&self, state: SinkState, words: String) {
        let shown = words.clone();
        let other = self.status.update((self.now)(), |view| {
            view.state = state;
            view.error = Some(words);
        });
        if other {
            warn!(
                sink = CONSUMER,
                state = state.as_str(),
                reason = shown,
                "the sink does not take anything; the log keeps it"
            );
        }
    }

    /// A batch is settled; `more`: the log has more than that.
    fn goes_well(&self, more: bool) {
        let (now, until) = ((self.now)(), self.cursor.until);
        let mut was = SinkState::Off;
        let other = self.status.update(now, |view| {
            was = view.state;
            if !more {
                view.waiting = None;
            }
            let behind = view.age(now) > BEHIND;
            view.state = if behind { SinkState::Behind } else { SinkState::Running };
            view.error = None;
            view.until = until;
        });
        if other {
            let state = if was == SinkState::Running { "falls behind" } else { "goes on" };
            info!(sink = CONSUMER, "the sink {state}");
        }
    }

    /// Waits before the next try, with the cursor on disk.
    async fn pause(&mut self, wait: Duration, stop: &CancellationToken) -> Result<(), Stopped> {
        self.save().await;
        rest(wait, stop).await
    }

    /// Saves the cursor where it has moved, and tells the sequencer what may be trimmed.
    async fn save(&mut self) {
        self.next_save = Instant::now() + self.limits.save;
        if self.cursor == self.saved {
            return;
        }
        let (cursor, path) = (self.cursor.clone(), self.path.clone());
        let Ok((cursor, result)) = tokio::task::spawn_blocking(move || {
            let result = cursor.save(&path);
            (cursor, result)
        })
        .await
        else {
            return;
        };
        match result {
            Ok(()) => {
                let moved = cursor.marks.iter().filter(|(p, mark)| self.saved.marks.get(p) != Some(mark));
                let moved: BTreeMap<PartitionId, Position> = moved.map(|(p, m)| (*p, m.position)).collect();
                self.saved = cursor;
                self.save_failed = false;
                advise(&self.work, moved).await;
            }
            Err(error) if !self.save_failed => {
                self.save_failed = true;
                warn!(%error, path = %self.path.display(), "the sink's cursor cannot be saved; trying again");
            }
            Err(_) => {}
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn rest(span: Duration, stop: &CancellationToken) -> Result<(), Stopped> {
    tokio::select! {
        () = tokio::time::sleep(span) => Ok(()),
        () = stop.cancelled() => Err(Stopped),
    }
}

/// Tells the sequencer what may be trimmed. Nothing to tell when it has ended.
async fn advise(work: &flume::WeakSender<Work>, safe: BTreeMap<PartitionId, Position>) {
    let Some(work) = work.upgrade() else { return };
    for (partition, position) in safe {
        if work.send_async(Work::KeepFrom { consumer: CONSUMER, partition, position }).await.is_err() {
            return;
        }
    }
}
