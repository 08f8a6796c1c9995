//! The data directory: one lock, two logs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maibo_store::disk::lock::{DirLock, LockError};
use maibo_store::disk::os::OsDisk;
use maibo_store::facts::{FactsError, FactsLog};
use maibo_store::file_log::{FileLog, FileLogOptions, OpenError};
use maibo_store::log::Log;
use tracing::{info, warn};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another Maibo has it.
    #[error("lock {path}")]
    Lock {
        /// The directory.
        path: PathBuf,
        /// Who has it.
        #[source]
        source: LockError,
    },
    /// A newer Maibo wrote there.
    #[error(transparent)]
    Format(#[from] super::formats::FormatError),
    /// A directory cannot be made or opened.
    #[error("open {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A log cannot be opened: damaged, or of another version.
    #[error("open the {log} log")]
    Log {
        /// `inputs` or `facts`.
        log: &'static str,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The facts log is not what it should be.
    #[error("open the facts log")]
    Facts(#[from] FactsError),
}

impl DataError {
    /// `sysexits`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock { source: LockError::Io(_), .. }
            | Self::Log { source: OpenError::Io { .. }, .. }
            | Self::Facts(FactsError::Read(maibo_store::log::ReadError::Io(_)))
            | Self::Io { .. } => 74,
            Self::Lock { .. } => 69,
            Self::Log { .. } | Self::Facts(_) | Self::Format(_) => 65,
        }
    }
}

/// Both logs, open for writing.
pub struct Logs {
    /// The inputs log.
    pub inputs: Box<dyn Log>,
    /// The facts log.
    pub facts: FactsLog,
    /// To be held as long as anything is written.
    pub lock: DirLock,
}

/// The data directory.
pub struct DataDir;

impl DataDir {
    /// Creates or opens it, and says what was found. `sink`: a long-term sink is configured.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn open(dir: &Path, inputs_quota: u64, sink: bool) -> Result<Logs, DataError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DataError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let lock = DirLock::acquire(dir).map_err(|source| DataError::Lock { path: dir.to_owned(), source })?;
        super::formats::check(dir)?;
        let inputs = open_log(dir, "inputs", inputs_options(inputs_quota, sink))?;
        let facts = open_log(dir, "facts", FileLogOptions::facts())?;
        Ok(Logs { inputs: Box::new(inputs), facts: FactsLog::open(Box::new(facts))?, lock })
    }
}

/// What the inputs log keeps aside for when others fill the disk, in bytes: enough for days of what is urgent, and for one
/// commit of what had been taken in.
const BALLAST: u64 = 16 << 20;

/// How the inputs log is kept. Those that read it are known beforehand: what is not in a snapshot yet, not in history, or
/// not in the sink where there is one, stays, also where none of them has said a word.
pub fn inputs_options(quota: u64, sink: bool) -> FileLogOptions {
    let consumers = ["engine", crate::history::CONSUMER].into_iter().chain(sink.then_some(crate::influx::CONSUMER));
    FileLogOptions {
        quota_bytes: Some(quota),
        ballast_bytes: BALLAST.min(quota / 8),
        consumers: consumers.map(str::to_owned).collect(),
        ..Default::default()
    }
}

fn open_log(dir: &Path, name: &'static str, options: FileLogOptions) -> Result<FileLog, DataError> {
    let path = dir.join(name);
    let disk = OsDisk::open(&path).map_err(|source| DataError::Io { path: path.clone(), source })?;
    let (log, report) =
        FileLog::open(Arc::new(disk), options).map_err(|source| DataError::Log { log: name, source })?;
    if report.torn_bytes > 0 {
        warn!(
            log = name,
            bytes = report.torn_bytes,
            "an unfinished write at the end was dropped; nothing of it was acknowledged"
        );
    }
    info!(log = name, segments = report.segments, records = report.records, bytes = report.bytes, "log is open");
    Ok(log)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use maibo_core::id::{PartitionId, Position};
    use maibo_store::disk::mem::MemDisk;
    use maibo_store::log::{Append, AppendId};

    use super::*;

    const PARTITION: PartitionId = PartitionId(3);

    /// Forty records in several segments.
    fn log(sink: bool) -> FileLog {
        let options = FileLogOptions { segment_bytes: 4 << 10, ..inputs_options(1 << 30, sink) };
        let mut log = FileLog::open(Arc::new(MemDisk::new()), options).unwrap().0;
        for number in 1..=40 {
            let id = AppendId { boot: 1, number };
            log.append(&[Append { partition: PARTITION, id, expected: None, payload: &[7; 500] }]);
        }
        log
    }

    // P1: no snapshot could be saved yet; history has everything and lets it go: the engine still needs it for the next start.
    #[test]
    fn what_no_snapshot_has_stays() {
        let mut log = log(false);
        log.keep_from("history", PARTITION, Position(40));
        let before = log.size();
        assert_eq!(log.trim().unwrap(), []);
        assert_eq!(log.size(), before);
        log.keep_from("engine", PARTITION, Position(40));
        log.trim().unwrap();
        assert!(log.size() < before / 2, "what both have goes");
    }

    // P2: what a configured sink has not stored stays, also before it said a word; without one nobody waits for it.
    #[test]
    fn what_the_sink_has_not_stays() {
        let both = |log: &mut FileLog| ["engine", "history"].map(|who| log.keep_from(who, PARTITION, Position(40)));
        let (mut with, mut without) = (log(true), log(false));
        let before = with.size();
        for log in [&mut with, &mut without] {
            both(log);
            assert_eq!(log.trim().unwrap(), []);
        }
        assert_eq!(with.size(), before);
        assert!(without.size() < before / 2);
        with.keep_from(crate::influx::CONSUMER, PARTITION, Position(40));
        with.trim().unwrap();
        assert_eq!(with.size(), without.size());
    }
}
