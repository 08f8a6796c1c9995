//! What became of readings, counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::head::Kept;

/// What became of the readings since the start of the process. A stretch of the log that is read again after a restart is
/// counted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken into memory. A late one whose double is found on disk, at the next checkpoint, is counted there as well.
    pub kept: u64,
    /// There was an equal one of the same series and millisecond.
    pub duplicates: u64,
    /// There was another one of the same series and millisecond, which stays.
    pub conflicts: u64,
    /// Older than the retention.
    pub too_old: u64,
    /// Refused: of a series beyond the limit.
    pub series_full: u64,
    /// Refused: beyond the limit of one series in one bucket.
    pub bucket_full: u64,
    /// Rows whose checksum is wrong.
    pub damaged: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) kept: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) too_old: AtomicU64,
    pub(super) series_full: AtomicU64,
    pub(super) bucket_full: AtomicU64,
    pub(super) damaged: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Relaxed);
    }

    pub(super) fn count(&self, kept: Kept) {
        Self::add(
            match kept {
                Kept::New => &self.kept,
                Kept::Duplicate => &self.duplicates,
                Kept::Conflict => &self.conflicts,
            },
            1,
        );
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            kept: self.kept.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            too_old: self.too_old.load(Relaxed),
            series_full: self.series_full.load(Relaxed),
            bucket_full: self.bucket_full.load(Relaxed),
            damaged: self.damaged.load(Relaxed),
        }
    }
}
