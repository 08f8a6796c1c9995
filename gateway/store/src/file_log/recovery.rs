//! Finds out what is on the disk: which records are whole, what a power cut tore, and what is damage.
//!
//! A torn tail was never acknowledged and goes. Damage is refused with file and offset: a bad place that had been synced
//! (a whole record of a later call lies behind it), or a segment that does not reach to where the next one begins.
//!
//! The last call is never taken from the disk as it is. It was perhaps not synced, perhaps its sync failed, and then the
//! operating system's cache shows records that a power cut takes away, whatever a second sync of that file says. So it
//! is handed on as the tail, to be written again to a new file. Every call before it was synced before it began.
//! For the same reason no file of an earlier process is written again.

use std::io;
use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};

use super::record::{self, Head};
use super::scan::{Scan, Step};
use super::segment::{self, Header, Segment};
use super::shared::Segments;
use super::{Damage, OpenError, OpenReport};
use crate::disk::{Disk, DiskFile};
use crate::log::Record;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// What was found. Nothing is changed yet.
pub(super) struct Found {
    pub(super) segments: Segments,
    pub(super) report: OpenReport,
    /// Files that are longer than what is good in them, each with its good length.
    pub(super) cuts: Vec<(Arc<dyn DiskFile>, u64)>,
    /// The last segment's file.
    pub(super) last: Option<Arc<dyn DiskFile>>,
    /// The records of the last call; the segments end before it.
    pub(super) tail: Vec<Record>,
}

struct OnDisk {
    segment: Segment,
    header: Header,
    file: Arc<dyn DiskFile>,
    len: u64,
}

/// Looks at all segments among `files`.
pub(super) fn find(disk: &dyn Disk, files: &[String], kind: &str) -> Result<Found, OpenError> {
    let mut ordinals: Vec<u64> = files.iter().filter_map(|f| segment::ordinal(f)).collect();
    ordinals.sort_unstable();
    let all = ordinals.into_iter().map(|o| open(disk, o, kind)).collect::<Result<Vec<_>, _>>()?;
    let mut found = Found {
        segments: Segments::default(),
        report: OpenReport::default(),
        cuts: Vec::new(),
        last: None,
        tail: Vec::new(),
    };
    if let Some(oldest) = all.first() {
        found.segments.dropped.clone_from(&oldest.header.before);
        found.segments.last.clone_from(&oldest.header.before);
    }
    let firsts: Vec<u64> = all.iter().skip(1).map(|s| s.header.first).collect();
    for (i, on_disk) in all.into_iter().enumerate() {
        found.take(on_disk, firsts.get(i).copied())?;
    }
    let report = &mut found.report;
    report.segments = found.segments.list.len();
    report.bytes = found.segments.size() + found.tail.iter().map(record::size).sum::<u64>();
    report.records = found.segments.list.iter().map(|s| s.records).sum::<u64>() + found.tail.len() as u64;
    report.next = found.segments.next() + found.tail.len() as u64;
    Ok(found)
}

fn open(disk: &dyn Disk, ordinal: u64, kind: &str) -> Result<OnDisk, OpenError> {
    let name = segment::name(ordinal);
    let io = |source| OpenError::Io { what: format!("open {name}"), source };
    let file = disk.open(&name).map_err(io)?;
    let len = file.len().map_err(io)?;
    let header = segment::read_header(&*file, &name, kind)?;
    Ok(OnDisk { segment: Segment::new(ordinal, header.size, header.first), header, file, len })
}

impl Found {
    /// Walks one segment. `until` is where the next one begins; the last has none.
    fn take(&mut self, on_disk: OnDisk, until: Option<u64>) -> Result<(), OpenError> {
        let OnDisk { mut segment, header, file, len } = on_disk;
        let name = segment.name.clone();
        let damaged = |offset, why| OpenError::Damaged(Damage { file: name.clone(), offset, why });
        // Later headers must repeat what the records before them say.
        if header.before != self.segments.last {
            return Err(damaged(0, "its header and the records before it say different things"));
        }
        let io = |source| OpenError::Io { what: format!("read {name}"), source };
        let mut scan = Scan::new(Arc::clone(&file), segment.start, CHUNK);
        let mut tail = Tail::default();
        while until != Some(segment.next() + tail.records.len() as u64) {
            let at = scan.offset();
            match scan.next(len).map_err(io)? {
                Step::Record(head, _) => {
                    if head.position != segment.next() + tail.records.len() as u64 {
                        return Err(damaged(at, "the positions do not follow each other"));
                    }
                    if tail.call != head.call {
                        self.settle(&mut segment, &mut tail);
                    }
                    tail.call = head.call;
                    tail.records.push(head);
                }
                Step::End | Step::Bad if until.is_some() => {
                    return Err(damaged(at, "the records end before the next segment begins"));
                }
                Step::End | Step::Bad => break,
            }
        }
        let good = scan.offset();
        if until.is_some() {
            self.settle(&mut segment, &mut tail);
            // The file was given up, after a failed sync or at an opening: what is behind was written again to the next.
            self.report.superseded_bytes += len - good;
        } else {
            if later_call(&*file, good, len, head_of(&segment, &tail)).map_err(io)? {
                return Err(damaged(good, "no valid record here, but behind it"));
            }
            self.report.torn_bytes = len - good;
            self.tail = read_tail(&file, segment.len, good).map_err(io)?;
            self.last = Some(Arc::clone(&file));
        }
        if len > good {
            self.cuts.push((file, good));
        }
        self.segments.list.push_back(segment);
        Ok(())
    }

    /// Takes note of a call that another one follows.
    fn settle(&mut self, segment: &mut Segment, tail: &mut Tail) {
        for record in tail.records.drain(..) {
            segment.add(record.partition, record.position, record.size as u64);
            self.segments.last.insert(record.partition, record.position);
        }
    }
}

/// The call that is being walked.
#[derive(Default)]
struct Tail {
    call: u32,
    records: Vec<Head>,
}

/// The records between two file offsets, which have just been found whole.
fn read_tail(file: &Arc<dyn DiskFile>, from: u64, to: u64) -> io::Result<Vec<Record>> {
    let mut scan = Scan::new(Arc::clone(file), from, CHUNK);
    let mut records = Vec::new();
    while scan.offset() < to {
        let Step::Record(head, payload) = scan.next(to)? else { return Err(io::ErrorKind::InvalidData.into()) };
        records.push(Record {
            partition: PartitionId(head.partition),
            position: Position(head.position),
            id: head.id,
            payload: scan.payload(payload).to_vec(),
        });
    }
    Ok(records)
}

/// The position of the last good record.
fn head_of(segment: &Segment, tail: &Tail) -> u64 {
    segment.next() + tail.records.len() as u64 - 1
}

/// Whether behind file offset `good` there is a record whose call began after that place had been synced.
fn later_call(file: &dyn DiskFile, good: u64, len: u64, last_position: u64) -> io::Result<bool> {
    let mut offset = good;
    while offset < len {
        let mut bytes = vec![0; (len - offset).min((CHUNK + record::LONGEST) as u64) as usize];
        let read = file.read_at(offset, &mut bytes)?;
        bytes.truncate(read);
        if record::later_call(&bytes, offset, good, last_position) {
            return Ok(true);
        }
        offset += CHUNK as u64;
    }
    Ok(false)
}
