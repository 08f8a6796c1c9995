//! One file of the log: its name, its header, and what is known of its records.
//!
//! The header is little-endian and ends in a checksum of everything before it:
//!
//! ```text
//!  0  8 bytes   magic
//!  8  u16       version, 1
//! 10  u16       number of entries
//! 12  16 bytes  kind of the log, padded with zeros
//! 28  u64       position of the first record this file takes
//! 36  entries   (u16 partition, u64 last position before this file)
//!     u32       CRC-32C
//! ```
//!
//! The entries make the file self-contained: when everything before it is gone, they still say where each partition
//! stood, so a reader is told `Trimmed` exactly when something was dropped, and not because a partition was silent.

use std::collections::BTreeMap;
use std::io;

use super::record::{u32_at, u64_at};
use super::{Damage, OpenError};
use crate::disk::DiskFile;

pub(super) const MAGIC: [u8; 8] = *b"MAIBOLOG";
pub(super) const VERSION: u16 = 1;
const FIXED: usize = 36;
const ENTRY: usize = 10;
/// Longest name of a log's kind, in bytes.
pub(super) const KIND: usize = 16;

/// Name of a segment that is being made and holds no record yet.
pub(super) const UNFINISHED: &str = ".tmp";

/// What one partition has in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) records: u64,
}

/// One file of the log.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Number in the file's name; grows from segment to segment, with gaps.
    pub(super) ordinal: u64,
    pub(super) name: String,
    /// File offset of the first record.
    pub(super) start: u64,
    /// File offset behind the last durable record.
    pub(super) len: u64,
    /// Position of the first record, whether it is there yet or not.
    pub(super) first: u64,
    /// Durable records.
    pub(super) records: u64,
    pub(super) spans: BTreeMap<u16, Span>,
}

impl Segment {
    pub(super) fn new(ordinal: u64, start: u64, first: u64) -> Self {
        Self { ordinal, name: name(ordinal), start, len: start, first, records: 0, spans: BTreeMap::new() }
    }

    /// Position of the record that comes next.
    pub(super) fn next(&self) -> u64 {
        self.first + self.records
    }

    /// Takes note of a record behind the others.
    pub(super) fn add(&mut self, partition: u16, position: u64, size: u64) {
        self.len += size;
        self.records += 1;
        let span = self.spans.entry(partition).or_insert(Span { first: position, last: position, records: 0 });
        span.last = position;
        span.records += 1;
    }

    /// Whether a reader that has read up to `after` finds something of `partition` here.
    pub(super) fn has(&self, partition: u16, after: Option<u64>) -> bool {
        self.spans.get(&partition).is_some_and(|s| after.is_none_or(|a| s.last > a))
    }
}

/// Name of the segment file with this number.
pub(super) fn name(ordinal: u64) -> String {
    format!("segment-{ordinal:010}")
}

/// The number in a segment file's name.
pub(super) fn ordinal(file: &str) -> Option<u64> {
    let ordinal = file.strip_prefix("segment-")?.parse().ok()?;
    (name(ordinal) == file).then_some(ordinal)
}

/// A header as read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) first: u64,
    /// Last position of each partition before this file.
    pub(super) before: BTreeMap<u16, u64>,
    /// Bytes of the header.
    pub(super) size: u64,
}

/// The bytes of a header.
pub(super) fn header(kind: &str, first: u64, before: &BTreeMap<u16, u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIXED + before.len() * ENTRY + 4);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(before.len() as u16).to_le_bytes());
    let mut padded = [0; KIND];
    let kind = &kind.as_bytes()[..kind.len().min(KIND)];
    padded[..kind.len()].copy_from_slice(kind);
    out.extend_from_slice(&padded);
    out.extend_from_slice(&first.to_le_bytes());
    for (partition, last) in before {
        out.extend_from_slice(&partition.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Reads and checks the header of segment file `name`.
pub(super) fn read_header(file: &dyn DiskFile, name: &str, kind: &str) -> Result<Header, OpenError> {
    let damaged = |why| OpenError::Damaged(Damage { file: name.to_owned(), offset: 0, why });
    let io = |source| OpenError::Io { what: format!("read {name}"), source };
    let fixed = read(file, 0, FIXED).map_err(io)?.ok_or_else(|| damaged("the header is cut short"))?;
    if fixed[..8] != MAGIC {
        return Err(damaged("this is no segment of a log"));
    }
    let entries = usize::from(u16::from_le_bytes([fixed[10], fixed[11]]));
    let size = FIXED + entries * ENTRY + 4;
    let version = u16::from_le_bytes([fixed[8], fixed[9]]);
    let all = read(file, 0, size).map_err(io)?.filter(|all| u32_at(all, size - 4) == crc32c::crc32c(&all[..size - 4]));
    // A later version may end otherwise, so its checksum is not judged; a damaged version number is refused all the same.
    if version != VERSION {
        return Err(OpenError::Version { file: name.to_owned(), found: version });
    }
    let all = all.ok_or_else(|| damaged("the header is damaged"))?;
    let found = String::from_utf8_lossy(&all[12..12 + KIND]).trim_end_matches('\0').to_owned();
    if found != kind {
        return Err(OpenError::Kind { file: name.to_owned(), found, wanted: kind.to_owned() });
    }
    let before =
        all[FIXED..size - 4].chunks_exact(ENTRY).map(|e| (u16::from_le_bytes([e[0], e[1]]), u64_at(e, 2))).collect();
    Ok(Header { first: u64_at(&all, 28), before, size: size as u64 })
}

fn read(file: &dyn DiskFile, offset: u64, n: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; n];
    let read = file.read_at(offset, &mut bytes)?;
    Ok((read == n).then_some(bytes))
}
