//! Follows the facts log into the state database, behind the pipeline and never in its way.
//!
//! The follower reads facts from its own cursor, applies them in batches, and tells how far it has come, so that a read
//! after a command can wait until it sees what the command did. Where facts come all the time it takes them together, a
//! transaction every [`PACE`]: a transaction costs more than the facts in it, and who is told of alerts waits for the same
//! processors. What comes after a pause is applied at once. When SQLite fails (a full disk) it keeps the batch and
//! tries again; when the database is damaged or ahead of the facts log it is built anew.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use maibo_core::fact::Fact;
use maibo_store::facts::FactsReader;
use maibo_store::state::{StateError, StateReader, StateWriter};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::Chain;
use crate::pipeline::failpoint;

/// Facts in one transaction.
const BATCH: usize = 2_000;
/// Between two transactions, where more facts come; far below what somebody who reads would notice.
const PACE: Duration = Duration::from_millis(20);
/// Wait before trying again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How far the follower has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Index of the next fact wanted: every fact before it can be read.
    pub next: u64,
    /// False while it cannot go on.
    pub failing: bool,
}

/// Reads of the state database.
#[derive(Clone)]
pub struct Projection {
    reader: Arc<Mutex<StateReader>>,
    progress: watch::Receiver<Progress>,
}

impl Projection {
    /// Runs a query. To be called where it may block.
    ///
    /// # Errors
    /// The query's.
    pub fn read<T>(&self, query: impl FnOnce(&StateReader) -> Result<T, StateError>) -> Result<T, StateError> {
        query(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far it has come. A follower that is gone fails for good, whatever it last said.
    pub fn progress(&self) -> Progress {
        let progress = *self.progress.borrow();
        Progress { failing: progress.failing || self.progress.has_changed().is_err(), ..progress }
    }

    /// Waits until every fact before `next` can be read; false where that takes longer than `limit`.
    pub async fn reached(&self, next: u64, limit: Duration) -> bool {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|p| p.next >= next);
        matches!(tokio::time::timeout(limit, reached).await, Ok(Ok(_)))
    }
}

/// The follower, not running.
pub struct Follower {
    writer: StateWriter,
    batch: Vec<Fact>,
    progress: watch::Sender<Progress>,
}

/// Opens the state database, builds it anew where it cannot be used, and gives a follower with what reads from it.
///
/// `facts` is the next index of the facts log: a database that is ahead of it belongs to another log.
///
/// # Errors
/// Where it cannot be created, or was written by a newer Maibo.
pub fn open(path: &Path, facts: u64) -> Result<(Follower, Projection), StateError> {
    let writer = match StateWriter::open(path) {
        Ok(writer) if writer.cursor() <= facts => writer,
        Ok(writer) => {
            warn!(cursor = writer.cursor(), facts, "the state database is ahead of the facts log; building it anew");
            drop(writer);
            anew(path)?
        }
        // A lock or a full disk passes: only what is damaged is built anew.
        Err(error) if !error.is_damaged() => return Err(error),
        Err(error) => {
            warn!(error = %Chain(&error), "the state database cannot be used; building it anew");
            anew(path)?
        }
    };
    let reader = StateReader::open(path)?;
    let (sender, receiver) = watch::channel(Progress { next: writer.cursor(), failing: false });
    let projection = Projection { reader: Arc::new(Mutex::new(reader)), progress: receiver };
    Ok((Follower { writer, batch: Vec::new(), progress: sender }, projection))
}

fn anew(path: &Path) -> Result<StateWriter, StateError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // What is not there need not go; what cannot go makes the open below fail.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
    StateWriter::open(path)
}

impl Follower {
    /// The index to read the facts log from.
    pub fn cursor(&self) -> u64 {
        self.writer.cursor()
    }

    /// Runs until the pipeline has ended or `stop`; `facts` reads from [`Self::cursor`] on, `wake` is told when there is
    /// more.
    pub async fn run(mut self, mut facts: FactsReader, mut wake: watch::Receiver<u64>, stop: CancellationToken) {
        loop {
            wake.mark_unchanged();
            let step = tokio::task::spawn_blocking(move || {
                let applied = self.step(&mut facts);
                (self, facts, applied)
            });
            let Ok((back, reader, applied)) = step.await else {
                error!(
                    "what keeps alerts for queries has failed; alerts go on, and the next start reads on where it was"
                );
                return;
            };
            (self, facts) = (back, reader);
            match applied {
                Ok(0) => tokio::select! {
                    woken = wake.changed() => if woken.is_err() {
                        info!(next = self.writer.cursor(), "state database has everything");
                        return;
                    },
                    () = stop.cancelled() => return,
                },
                Ok(BATCH..) => {}
                // Also at the end: what is there by then is applied.
                Ok(_) => tokio::select! {
                    () = tokio::time::sleep(PACE) => {}
                    () = stop.cancelled() => {}
                },
                Err(()) => tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stop.cancelled() => return,
                },
            }
        }
    }

    /// Applies one batch; how many facts were in it.
    fn step(&mut self, facts: &mut FactsReader) -> Result<usize, ()> {
        while self.batch.len() < BATCH {
            match facts.next() {
                Ok(Some(fact)) => self.batch.push(fact),
                Ok(None) => break,
                Err(error) => return self.failed(&error),
            }
        }
        if self.batch.is_empty() {
            return Ok(0);
        }
        failpoint::hit("in_alerts");
        match self.writer.apply(&self.batch) {
            Ok(next) => {
                let applied = self.batch.len();
                self.batch.clear();
                self.progress.send_replace(Progress { next, failing: false });
                Ok(applied)
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Says so once, until it works again.
    fn failed(&self, error: &dyn std::error::Error) -> Result<usize, ()> {
        self.progress.send_if_modified(|p| {
            if !p.failing {
                warn!(error = %Chain(error), "the state database does not follow; trying again");
            }
            !std::mem::replace(&mut p.failing, true)
        });
        Err(())
    }
}
