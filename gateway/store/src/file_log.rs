//! The log in files: one stream of segments that all partitions share.
//!
//! In the data path this is what makes P1 and P4 true: [`Log::append`] returns `Ok` only after `fdatasync`. One call is
//! one write and one sync for all its records. A position is a record's number in the whole log, from 1, so a partition's
//! positions have gaps. Readers work in other threads and see only what is durable.
//!
//! - Torn tail (power cut): dropped at open, and counted. Damage: refused at open, or when read, with file and offset.
//! - Failed write: taken back; [`Outcome::Full`] for the whole call, and the log works again when space returns.
//! - Failed sync: that file is never touched again; the call is written once more to a new one. Fails this too, the log
//!   is [`Outcome::Closed`].
//! - Dropping is by whole segments, see [`FileLogOptions`].
//!
//! Limits: 64 MiB per call, 256 KiB per record, 256 MiB per snapshot; opening reads everything once. The directory must
//! be locked by its owner ([`crate::disk::lock::DirLock`]).

mod ballast;
mod reader;
mod record;
mod recovery;
mod scan;
mod segment;
mod shared;
mod snapshot;
pub mod survey;
mod trim;
mod writer;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};

use self::ballast::Ballast;
use self::reader::FileReader;
use self::recovery::Found;
use self::shared::Shared;
use self::snapshot::Snapshots;
use self::trim::Needs;
use self::writer::Writer;
use crate::disk::Disk;
use crate::log::{Append, Dropped, Durability, Log, LogReader, Outcome, SnapshotError};

/// How a log keeps its files.
#[derive(Clone, Debug)]
pub struct FileLogOptions {
    /// Name of the log's kind, kept in every file so that logs are not mistaken for each other; at most 16 bytes.
    pub kind: String,
    /// A segment gets about this long, 4 KiB to 1 GiB, and at most a quarter of the quota.
    pub segment_bytes: u64,
    /// All segments together take at most this; then the oldest go, needed or not. `None`: no limit.
    pub quota_bytes: Option<u64>,
    /// This many of the newest records stay although nobody needs them.
    pub keep_records: u64,
    /// Space kept aside in the last file, for a disk that others fill, in bytes.
    pub reserve_bytes: u64,
    /// Space kept aside in a file of its own, to be given up on a full disk ([`Log::relieve`]), in bytes.
    pub ballast_bytes: u64,
    /// Whether anything is ever dropped.
    pub trims: bool,
    /// At the quota, what is needed and not covered by its partition's snapshot stays; without room appends are `Full`.
    pub keep_unsnapshotted: bool,
    /// Consumers known beforehand: they need everything until they say otherwise ([`Log::keep_from`]).
    pub consumers: Vec<String>,
}

impl Default for FileLogOptions {
    /// The inputs log: 2 GiB, never dropped past the last snapshots.
    fn default() -> Self {
        Self {
            kind: "inputs".to_owned(),
            segment_bytes: 16 << 20,
            quota_bytes: Some(2 << 30),
            keep_records: 0,
            reserve_bytes: 0,
            ballast_bytes: 0,
            trims: true,
            keep_unsnapshotted: true,
            consumers: Vec::new(),
        }
    }
}

impl FileLogOptions {
    /// The facts log: nothing is dropped, and a reserve of 32 MiB carries it over a full disk.
    pub fn facts() -> Self {
        Self { kind: "facts".to_owned(), quota_bytes: None, reserve_bytes: 32 << 20, trims: false, ..Self::default() }
    }

    fn bounded(mut self) -> Self {
        let most = self.quota_bytes.map_or(1 << 30, |quota| (quota / 4).clamp(4 << 10, 1 << 30));
        self.segment_bytes = self.segment_bytes.clamp(4 << 10, most);
        self
    }
}

/// Where stored bytes are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Name of the file in the log's directory.
    pub file: String,
    /// Offset of the first bad place, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub why: &'static str,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} offset {}: {}", self.file, self.offset, self.why)
    }
}

/// Why a log cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Acknowledged records are damaged. Restore the file from a backup, or move the log away.
    #[error("damaged: {0}")]
    Damaged(Damage),
    /// Written by another version.
    #[error("{file} has format version {found}; this program reads version 1")]
    Version {
        /// Which file.
        file: String,
        /// The version found.
        found: u16,
    },
    /// Another log's file.
    #[error("{file} belongs to the log {found:?}, not {wanted:?}")]
    Kind {
        /// Which file.
        file: String,
        /// The kind found.
        found: String,
        /// The kind this log has.
        wanted: String,
    },
    /// The operating system failed.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// What was found at open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segment files.
    pub segments: usize,
    /// Whole records.
    pub records: u64,
    /// Bytes of the segments, without what is dropped below.
    pub bytes: u64,
    /// Position the next record gets.
    pub next: u64,
    /// Bytes of an unfinished write at the end; nothing of it was acknowledged.
    pub torn_bytes: u64,
    /// Bytes in files given up after a failed sync, and written again behind them.
    pub superseded_bytes: u64,
    /// Whole snapshots.
    pub snapshots: usize,
    /// Snapshots that are ignored, each with its reason; they cost replay time.
    pub snapshots_ignored: Vec<String>,
}

/// The log.
pub struct FileLog {
    shared: Arc<Shared>,
    writer: Writer,
    options: FileLogOptions,
    needs: Needs,
    snapshots: RefCell<Snapshots>,
    ballast: Ballast,
}

impl FileLog {
    /// Opens the log on `disk`, or begins one; drops what a power cut left unfinished, and makes the rest durable.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(disk: Arc<dyn Disk>, options: FileLogOptions) -> Result<(Self, OpenReport), OpenError> {
        let options = options.bounded();
        if options.kind.len() > segment::KIND {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the name of a log's kind has at most 16 bytes");
            return Err(OpenError::Io { what: format!("open the log {:?}", options.kind), source });
        }
        let (found, snapshots, files) = look(&*disk, &options.kind)?;
        let io = |what: &str| {
            let what = what.to_owned();
            move |source| OpenError::Io { what, source }
        };
        for (file, len) in &found.cuts {
            // Nothing depends on it: what is behind is ignored the next time as well.
            drop(file.truncate(*len));
        }
        for leftover in files.iter().filter(|f| f.ends_with(segment::UNFINISHED)) {
            disk.remove(leftover).map_err(io("remove an unfinished file"))?;
        }
        disk.sync_dir().map_err(io("sync the directory"))?;
        let shared = Shared::new(disk, found.segments);
        let writer = Writer::new(Arc::clone(&shared), options.clone(), found.last, &found.tail)
            .map_err(io(&format!("begin a segment, with {} MiB set aside", options.reserve_bytes >> 20)))?;
        let needs = Needs::new(&options.consumers);
        let ballast = Ballast::open(&*shared.disk, options.ballast_bytes);
        Ok((Self { shared, writer, options, needs, snapshots: RefCell::new(snapshots), ballast }, found.report))
    }

    /// Says what [`Self::open`] would find, and changes nothing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn inspect(disk: &dyn Disk, kind: &str) -> Result<OpenReport, OpenError> {
        look(disk, kind).map(|(found, _, _)| found.report)
    }

    /// Space set aside behind the last record, in bytes; less than [`FileLogOptions::reserve_bytes`] on a full disk.
    pub fn reserve_left(&self) -> u64 {
        self.writer.reserve_left()
    }
}

fn look(disk: &dyn Disk, kind: &str) -> Result<(Found, Snapshots, Vec<String>), OpenError> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| OpenError::Io { what, source }
    };
    let files = disk.list().map_err(io("list the files"))?;
    let mut found = recovery::find(disk, &files, kind)?;
    let (snapshots, ignored) = Snapshots::open(disk, &files)?;
    found.report.snapshots = snapshots.len();
    found.report.snapshots_ignored = ignored;
    Ok((found, snapshots, files))
}

impl Log for FileLog {
    fn append(&mut self, records: &[Append<'_>]) -> Vec<Outcome> {
        self.writer.append(records)
    }

    fn end(&self, partition: PartitionId) -> Option<Position> {
        self.shared.lock().end(partition.0).map(Position)
    }

    fn reader(&self, from: &[(PartitionId, Option<Position>)]) -> Box<dyn LogReader> {
        Box::new(FileReader::new(Arc::clone(&self.shared), from))
    }

    fn keep_from(&mut self, consumer: &str, partition: PartitionId, position: Position) {
        self.needs.advise(consumer, partition.0, position.0);
    }

    fn trim(&mut self) -> io::Result<Vec<Dropped>> {
        trim::trim(&self.shared, &self.options, &self.needs, |p| self.snapshots.borrow().position(p))
    }

    fn relieve(&mut self) -> bool {
        if self.writer.over_quota {
            return false;
        }
        self.writer.frugal = true;
        self.ballast.relieve(&*self.shared.disk)
    }

    fn replenish(&mut self) -> bool {
        self.writer.frugal = !self.ballast.replenish(&*self.shared.disk);
        !self.writer.frugal
    }

    fn durability(&self) -> Durability {
        Durability::PowerSafe
    }

    fn size(&self) -> u64 {
        self.shared.lock().size()
    }

    fn snapshot_save(
        &mut self,
        partition: PartitionId,
        expected: Option<Position>,
        position: Position,
        state: &[u8],
    ) -> Result<(), SnapshotError> {
        self.snapshots.get_mut().save(&*self.shared.disk, partition.0, expected, position, state)
    }

    fn snapshot_load(&self, partition: PartitionId) -> io::Result<Option<(Position, Vec<u8>)>> {
        self.snapshots.borrow_mut().load(&*self.shared.disk, partition.0)
    }
}
