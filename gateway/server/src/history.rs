//! Follows the inputs log into the history database, behind the pipeline and never in its way.
//!
//! The follower reads the log of all partitions from its own cursors, applies what it reads, and writes a checkpoint every
//! ten minutes, and earlier when much is in memory only. After each it tells the sequencer how far the log may be trimmed.
//! After a restart it catches up the same way; [`Progress::caught_up`] says when it has everything that was in the log
//! when it was opened.
//!
//! Trouble: when SQLite fails (a full disk) it says so and tries again, and goes on reading until memory is at its limit;
//! then the log keeps the rest. A damaged file is put aside, and history begins anew from the log. Where the log was
//! trimmed at its quota before it was read, the gap is counted and history goes on behind it. A damaged log stops it.

use std::path::Path;

use maibo_core::id::{PartitionId, Position};
use maibo_store::damage::put_aside;
use maibo_store::history::{HistoryError, HistoryReader, HistoryWriter, Options};
use maibo_store::log::Log;
use tokio::sync::watch;
use tracing::error;

use crate::Chain;
use crate::ingest::ClockMode;
use crate::monitor::Mark;
use crate::pipeline::Work;

mod follow;
#[cfg(test)]
mod tests;

pub use follow::Follower;
use follow::Source;

/// The name under which it speaks for what it needs of the log.
pub const CONSUMER: &str = "history";

/// How far the follower has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// It has everything that was in the log when it was opened.
    pub caught_up: bool,
    /// It cannot go on at present.
    pub failing: bool,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Times that records were trimmed before they were read.
    pub gaps: u64,
    /// Records that could not be decoded.
    pub undecodable: u64,
}

/// Reads of history.
#[derive(Clone)]
pub struct History {
    reader: HistoryReader,
    progress: watch::Receiver<Progress>,
    mark: Mark,
}

impl History {
    /// Runs a query where it may block.
    ///
    /// # Errors
    /// The query's, or [`HistoryError::Closed`] where the process is ending.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&HistoryReader) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let reader = self.reader.clone();
        tokio::task::spawn_blocking(move || query(&reader)).await.unwrap_or(Err(HistoryError::Closed))
    }

    /// What answers at once: names and counters.
    pub fn reader(&self) -> &HistoryReader {
        &self.reader
    }

    /// Commits of the inputs log that it has looked at.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// How far it has come. A follower that is gone fails for good, whatever it last said.
    pub fn progress(&self) -> Progress {
        let progress = *self.progress.borrow();
        Progress { failing: progress.failing || self.progress.has_changed().is_err(), ..progress }
    }

    /// Whether it has everything that was in the log when it was opened; `/readyz` waits for it.
    pub fn caught_up(&self) -> bool {
        self.progress().caught_up
    }
}

/// The options that belong to a clock: recorded data are never too old.
pub fn options(mode: ClockMode) -> Options {
    match mode {
        ClockMode::Wall => Options::default(),
        ClockMode::Replay => Options { retention: None, ..Options::default() },
    }
}

/// Opens the history database and gives a follower with what reads from it. A damaged file is put aside.
///
/// `log` is the inputs log, `work` leads to the sequencer that writes it. Quick: what is slow is done when it runs.
///
/// # Errors
/// Where the file cannot be created, or was written by a newer Maibo.
pub fn open(
    path: &Path,
    options: Options,
    log: &dyn Log,
    work: &flume::Sender<Work>,
) -> Result<(Follower, History), HistoryError> {
    let (writer, reader) = match HistoryWriter::open(path, options) {
        Err(error) if error.is_damaged() => {
            error!(error = %Chain(&error), path = %path.display(), "the history database is damaged; it is put aside, and `maibo rebuild history` takes over what is whole of it");
            put_aside(path);
            HistoryWriter::open(path, options)?
        }
        opened => opened?,
    };
    let everything: Vec<(PartitionId, Option<Position>)> = PartitionId::all().map(|p| (p, None)).collect();
    let source = Source { reader: log.reader(&writer.cursors()), spare: Some(log.reader(&everything)) };
    let ends = PartitionId::all().filter_map(|p| log.end(p).map(|end| (p, end))).collect();
    let (progress, receiver) = watch::channel(Progress::default());
    let mark = Mark::default();
    let follower = Follower::new(writer, source, ends, (progress, mark.clone()), work.downgrade());
    Ok((follower, History { reader, progress: receiver, mark }))
}
