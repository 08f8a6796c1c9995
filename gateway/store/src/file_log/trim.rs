//! What may go: whole segments from the oldest on, when nobody needs them or the quota wants their room.
//!
//! One segment at a time, each made durable before the next, so that a power cut never leaves a hole in the log.

use std::collections::BTreeMap;
use std::io;

use maibo_core::id::{PartitionId, Position};

use super::FileLogOptions;
use super::scan::{Scan, Step};
use super::segment::Segment;
use super::shared::Shared;
use crate::log::Dropped;

/// Most consumers told apart; with more, everything counts as needed.
const CONSUMERS_MAX: usize = 256;
/// Bytes read at a time where a dropped segment is counted.
const CHUNK: usize = 256 * 1024;

/// Who needs what.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Each consumer's advice: the last position it has done with, by partition. What it is silent about it needs.
    consumers: BTreeMap<String, BTreeMap<u16, u64>>,
    overflow: bool,
}

impl Needs {
    /// With consumers that need everything until they say otherwise.
    pub(super) fn new(consumers: &[String]) -> Self {
        let mut needs = Self::default();
        for consumer in consumers {
            needs.consumers.insert(consumer.clone(), BTreeMap::new());
        }
        needs
    }

    /// Takes note of advice; the latest counts.
    pub(super) fn advise(&mut self, consumer: &str, partition: u16, position: u64) {
        if let Some(advice) = self.consumers.get_mut(consumer) {
            advice.insert(partition, position);
        } else if self.consumers.len() < CONSUMERS_MAX {
            self.consumers.insert(consumer.to_owned(), BTreeMap::from([(partition, position)]));
        } else {
            self.overflow = true;
        }
    }

    /// The position up to which nobody needs a partition any more; 0 where all of it is needed or nobody has spoken.
    fn done(&self, partition: u16) -> u64 {
        if self.overflow {
            return 0;
        }
        self.consumers.values().map(|advice| advice.get(&partition).copied().unwrap_or(0)).min().unwrap_or(0)
    }

    fn need(&self, segment: &Segment) -> bool {
        self.consumers.is_empty() || segment.spans.iter().any(|(p, span)| self.done(*p) < span.last)
    }
}

/// Drops what may go. `snapshot` answers the position of a partition's snapshot.
pub(super) fn trim(
    shared: &Shared,
    options: &FileLogOptions,
    needs: &Needs,
    snapshot: impl Fn(u16) -> Option<u64>,
) -> io::Result<Vec<Dropped>> {
    let mut lost: BTreeMap<u16, Dropped> = BTreeMap::new();
    if !options.trims {
        return Ok(Vec::new());
    }
    loop {
        let mut segments = shared.lock();
        // The last one is being written.
        let Some(oldest) = segments.list.front().filter(|_| segments.list.len() > 1).cloned() else { break };
        let over = options.quota_bytes.is_some_and(|quota| segments.size() + options.segment_bytes > quota);
        let needed = needs.need(&oldest);
        let recent = segments.next() - oldest.next() < options.keep_records;
        if !over && (needed || recent) {
            break;
        }
        let decided = |(p, span): (&u16, &super::segment::Span)| snapshot(*p).is_some_and(|s| s >= span.last);
        if options.keep_unsnapshotted && needed && !oldest.spans.iter().all(decided) {
            break;
        }
        let gone = if needed { count(shared, &oldest, needs) } else { Vec::new() };
        match shared.disk.remove(&oldest.name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => segments.drop_oldest(),
        }
        drop(segments);
        for span in gone {
            let whole = lost.entry(span.partition.0).or_insert(Dropped { records: 0, ..span });
            whole.last = span.last;
            whole.records += span.records;
        }
        shared.disk.sync_dir()?;
    }
    Ok(lost.into_values().collect())
}

/// What of a segment was still needed by somebody.
fn count(shared: &Shared, segment: &Segment, needs: &Needs) -> Vec<Dropped> {
    let mut lost: BTreeMap<u16, Dropped> = BTreeMap::new();
    let mut partly = false;
    for (partition, span) in &segment.spans {
        let done = needs.done(*partition);
        if done < span.last {
            partly |= done >= span.first;
            let (first, last) = (Position(span.first.max(done + 1)), Position(span.last));
            let records = span.records;
            lost.insert(*partition, Dropped { partition: PartitionId(*partition), first, last, records });
        }
    }
    // Where somebody is in the middle of the segment the numbers above are too high; unreadable, they stay so.
    if partly && let Ok(exact) = count_exactly(shared, segment, needs) {
        return exact;
    }
    lost.into_values().collect()
}

fn count_exactly(shared: &Shared, segment: &Segment, needs: &Needs) -> io::Result<Vec<Dropped>> {
    let mut lost: BTreeMap<u16, Dropped> = BTreeMap::new();
    let mut scan = Scan::new(shared.disk.open(&segment.name)?, segment.start, CHUNK);
    while scan.offset() < segment.len {
        let Step::Record(head, _) = scan.next(segment.len)? else { return Err(io::ErrorKind::InvalidData.into()) };
        if head.position > needs.done(head.partition) {
            let (partition, at) = (PartitionId(head.partition), Position(head.position));
            let span = lost.entry(head.partition).or_insert(Dropped { partition, first: at, last: at, records: 0 });
            span.last = at;
            span.records += 1;
        }
    }
    Ok(lost.into_values().collect())
}
