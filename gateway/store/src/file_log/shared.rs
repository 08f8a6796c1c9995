//! What the writer and the readers share: which segments there are and how far each is durable.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::segment::Segment;
use crate::disk::Disk;

/// Shared by the writer and all its readers. The lock is held for lookups, and while a file is removed.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    state: Mutex<Segments>,
}

/// All segments, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Segments {
    pub(super) list: VecDeque<Segment>,
    /// Last dropped position of each partition.
    pub(super) dropped: BTreeMap<u16, u64>,
    /// How often something was dropped, so that readers look at `dropped` only when it changed.
    pub(super) drops: u64,
    /// Last position of each partition, dropped or not.
    pub(super) last: BTreeMap<u16, u64>,
}

impl Shared {
    pub(super) fn new(disk: Arc<dyn Disk>, segments: Segments) -> Arc<Self> {
        Arc::new(Self { disk, state: Mutex::new(segments) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Segments> {
        // A panic elsewhere leaves whole values behind: every change here is a few assignments.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segments {
    /// Bytes of all segments.
    pub(super) fn size(&self) -> u64 {
        self.list.iter().map(|s| s.len).sum()
    }

    /// Position of the record that comes next; the first of a log is 1.
    pub(super) fn next(&self) -> u64 {
        self.list.back().map_or(1, Segment::next)
    }

    /// The first position of a partition that is still there.
    pub(super) fn first(&self, partition: u16) -> Option<u64> {
        self.list.iter().find_map(|s| s.spans.get(&partition)).map(|s| s.first)
    }

    /// The last position of a partition, if it is still there.
    pub(super) fn end(&self, partition: u16) -> Option<u64> {
        let last = self.last.get(&partition).copied();
        last.filter(|l| self.dropped.get(&partition).is_none_or(|d| l > d))
    }

    /// Takes the oldest segment off the list.
    pub(super) fn drop_oldest(&mut self) {
        if let Some(segment) = self.list.pop_front() {
            for (partition, span) in &segment.spans {
                self.dropped.insert(*partition, span.last);
            }
            self.drops += 1;
        }
    }
}
