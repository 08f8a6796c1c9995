//! Reads the durable records of some partitions, in one pass over the segments, from any thread.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};

use super::Damage;
use super::scan::{Scan, Step};
use super::segment::Segment;
use super::shared::{Segments, Shared};
use crate::log::{LogReader, ReadError, Record};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// The reader. It holds one file open, and keeps it readable should it be dropped meanwhile.
pub(super) struct FileReader {
    shared: Arc<Shared>,
    /// Wanted partitions, each with the last position read or asked to begin after.
    wanted: BTreeMap<u16, Option<u64>>,
    open: Option<Open>,
    /// [`Segments::drops`] when trimming was last looked at.
    drops: Option<u64>,
}

struct Open {
    ordinal: u64,
    name: String,
    scan: Scan,
    /// File offset up to which records are known to be durable.
    limit: u64,
    /// Position the next record must have.
    expect: u64,
}

/// Where the reader goes when its file is read to the limit.
enum Forward {
    /// On in the same file.
    Same,
    /// To another file.
    To(Segment),
    /// Nothing more now.
    Wait,
}

impl FileReader {
    pub(super) fn new(shared: Arc<Shared>, from: &[(PartitionId, Option<Position>)]) -> Self {
        let wanted = from.iter().map(|(p, after)| (p.0, after.map(|a| a.0))).collect();
        Self { shared, wanted, open: None, drops: None }
    }

    /// Answers what comes behind the limit, and whether something wanted was dropped.
    fn look(&mut self) -> Result<Forward, ReadError> {
        let segments = self.shared.lock();
        if self.drops != Some(segments.drops) {
            check_trimmed(&self.wanted, &segments)?;
            self.drops = Some(segments.drops);
        }
        let current = self.open.as_ref().map(|o| o.ordinal);
        if let Some(open) = &mut self.open
            && let Some(segment) = segments.list.iter().rev().find(|s| s.ordinal == open.ordinal)
            && segment.len > open.limit
        {
            open.limit = segment.len;
            return Ok(Forward::Same);
        }
        let later = || segments.list.iter().filter(|s| current.is_none_or(|c| s.ordinal > c));
        let wanted = later().find(|s| self.wanted.iter().any(|(p, after)| s.has(*p, *after)));
        // With nothing wanted anywhere, go to the last segment, where it will be written.
        Ok(wanted.or_else(|| later().next_back()).cloned().map_or(Forward::Wait, Forward::To))
    }

    fn go_to(&mut self, segment: &Segment) -> io::Result<()> {
        let file = self.shared.disk.open(&segment.name)?;
        let wanted = self.wanted.iter().any(|(p, after)| segment.has(*p, *after));
        let (offset, expect) = if wanted { (segment.start, segment.first) } else { (segment.len, segment.next()) };
        self.open = Some(Open {
            ordinal: segment.ordinal,
            name: segment.name.clone(),
            scan: Scan::new(file, offset, CHUNK),
            limit: segment.len,
            expect,
        });
        Ok(())
    }

    /// Moves on to more records. False where there are none now.
    fn forward(&mut self) -> Result<bool, ReadError> {
        let mut missing = None;
        loop {
            match self.look()? {
                Forward::Same => return Ok(true),
                Forward::Wait => return Ok(false),
                Forward::To(segment) => match self.go_to(&segment) {
                    Ok(()) => return Ok(true),
                    // Dropped between the look and the opening: then another look does not find it.
                    Err(e) if e.kind() == io::ErrorKind::NotFound && missing != Some(segment.ordinal) => {
                        missing = Some(segment.ordinal);
                    }
                    Err(e) => return Err(ReadError::Io(e)),
                },
            }
        }
    }
}

impl LogReader for FileReader {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            if let Some(open) = &mut self.open {
                while open.scan.offset() < open.limit {
                    let at = open.scan.offset();
                    let damaged = |why| ReadError::Damaged {
                        at: Damage { file: open.name.clone(), offset: at, why }.to_string(),
                    };
                    let (head, payload) = match open.scan.next(open.limit).map_err(ReadError::Io)? {
                        Step::Record(head, payload) => (head, payload),
                        Step::End => return Err(damaged("the records end before the durable end")),
                        Step::Bad => return Err(damaged("no valid record")),
                    };
                    if head.position != open.expect {
                        return Err(damaged("the positions do not follow each other"));
                    }
                    open.expect += 1;
                    let Some(after) = self.wanted.get_mut(&head.partition) else { continue };
                    if after.is_some_and(|a| head.position <= a) {
                        continue;
                    }
                    *after = Some(head.position);
                    return Ok(Some(Record {
                        partition: PartitionId(head.partition),
                        position: Position(head.position),
                        id: head.id,
                        payload: open.scan.payload(payload).to_vec(),
                    }));
                }
            }
            if !self.forward()? {
                return Ok(None);
            }
        }
    }

    fn skip_dropped(&mut self, partition: PartitionId) {
        let dropped = self.shared.lock().dropped.get(&partition.0).copied();
        if let Some(after) = self.wanted.get_mut(&partition.0) {
            *after = (*after).max(dropped);
        }
    }
}

fn check_trimmed(wanted: &BTreeMap<u16, Option<u64>>, segments: &Segments) -> Result<(), ReadError> {
    let gone = |p: &u16, after: u64| segments.dropped.get(p).is_some_and(|d| *d > after);
    match wanted.iter().find(|(p, after)| after.is_some_and(|a| gone(p, a))) {
        None => Ok(()),
        Some((partition, _)) => Err(ReadError::Trimmed {
            partition: PartitionId(*partition),
            first: segments.first(*partition).map(Position),
        }),
    }
}
