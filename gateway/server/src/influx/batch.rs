//! What goes to the server together: lines, and up to where the log is thereby settled.

use std::collections::BTreeMap;
use std::ops::Range;

use maibo_core::id::PartitionId;
use maibo_core::time::Timestamp;
use tokio::time::Instant;

use super::cursor::Mark;
use super::rejected::Rejection;
use super::status::SinkGap;

/// Whole records of the log as lines. A record is not split between batches, so a batch can be longer than one request.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Where the log is settled up to when this batch is.
    pub(super) marks: BTreeMap<PartitionId, Mark>,
    /// Engine time of the oldest record, and of the newest.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// When the first record was read.
    pub(super) begun: Option<Instant>,
    /// Readings that no line can say, with the reason.
    pub(super) unfit: Vec<Rejection>,
    /// Values and times that line protocol has no word for.
    pub(super) skipped: u64,
    /// Partitions of which records were dropped before they were read.
    pub(super) gaps: u64,
    /// Where they are missing.
    pub(super) gap: Option<SinkGap>,
}

impl Batch {
    /// Lines.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all lines.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where the next line is written; followed by [`Self::end_line`].
    pub(super) fn line(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The line is whole.
    pub(super) fn end_line(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// The bytes of some lines.
    pub(super) fn lines(&self, lines: Range<usize>) -> &[u8] {
        let end = |n: usize| n.checked_sub(1).and_then(|n| self.ends.get(n)).copied().unwrap_or(0);
        self.bytes.get(end(lines.start)..end(lines.end)).unwrap_or_default()
    }

    /// A record was taken.
    pub(super) fn settle(&mut self, partition: PartitionId, mark: Mark, now: Timestamp) {
        self.marks.insert(partition, mark);
        let (first, last) = self.span.unwrap_or((now, now));
        self.span = Some((first.min(now), last.max(now)));
        self.begun.get_or_insert_with(Instant::now);
    }

    /// Nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        let (mut bytes, mut ends) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.ends));
        bytes.clear();
        ends.clear();
        *self = Self { bytes, ends, ..Self::default() };
    }
}
