//! One record as bytes, little-endian:
//!
//! ```text
//!  0  u32  length of what follows the checksum; 0 means the end
//!  4  u32  CRC-32C of everything but itself
//!  8  u8   format, 1
//!  9  u8   0
//! 10  u16  partition
//! 12  u32  offset in the file at which this append call began: everything before was durable when this was written
//! 16  u64  position
//! 24  u64  boot of the append id
//! 32  u64  number of the append id
//! 40       payload
//! ```
//!
//! The call's offset is what tells a torn tail from damage: sectors of one unsynced call reach the disk in any order, so
//! a whole record behind a broken one proves damage only where it was written after the broken one had been synced.

use crate::log::{Append, AppendId, RECORD_MAX, Record};

/// Bytes in front of the payload.
pub(super) const HEAD: usize = 40;
/// Longest record, in bytes.
pub(super) const LONGEST: usize = HEAD + RECORD_MAX;
/// Bytes that the length field and the checksum take.
const PREFIX: usize = 8;
const FORMAT: u8 = 1;

/// What is in front of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) partition: u16,
    pub(super) call: u32,
    pub(super) position: u64,
    pub(super) id: AppendId,
    /// Bytes of the whole record.
    pub(super) size: usize,
}

/// What stands at some place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A length of 0.
    End,
    /// Cannot be told from fewer than this many bytes.
    Needs(usize),
    /// No record.
    Bad,
    /// A whole record.
    Whole(Head),
}

/// Appends a record to `out`.
pub(super) fn write(out: &mut Vec<u8>, call: u32, position: u64, record: &Append<'_>) {
    let start = out.len();
    let length = (HEAD - PREFIX + record.payload.len()) as u32;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[FORMAT, 0]);
    out.extend_from_slice(&record.partition.0.to_le_bytes());
    out.extend_from_slice(&call.to_le_bytes());
    out.extend_from_slice(&position.to_le_bytes());
    out.extend_from_slice(&record.id.boot.to_le_bytes());
    out.extend_from_slice(&record.id.number.to_le_bytes());
    out.extend_from_slice(record.payload);
    let crc = checksum(&out[start..]);
    out[start + 4..start + PREFIX].copy_from_slice(&crc.to_le_bytes());
}

/// Bytes a record takes.
pub(super) fn size(record: &Record) -> u64 {
    (HEAD + record.payload.len()) as u64
}

/// Reads the record at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    if bytes.len() < 4 {
        return Parsed::Needs(4);
    }
    let length = u32_at(bytes, 0) as usize;
    if length == 0 {
        return Parsed::End;
    }
    let size = PREFIX + length;
    if !(HEAD..=LONGEST).contains(&size) {
        return Parsed::Bad;
    }
    let Some(record) = bytes.get(..size) else { return Parsed::Needs(size) };
    if record[8] != FORMAT || record[9] != 0 || u32_at(record, 4) != checksum(record) {
        return Parsed::Bad;
    }
    Parsed::Whole(head(record, size))
}

/// Whether some whole record begins inside `bytes`, written by a call that began behind file offset `bad`.
///
/// `base` is the file offset of `bytes`.
pub(super) fn later_call(bytes: &[u8], base: u64, bad: u64, last_position: u64) -> bool {
    whole_behind(bytes, base, |head, offset| is_later(head, offset, bad) && head.position > last_position).is_some()
}

/// Whether the record at file offset `offset` was written by a call that began behind `bad`, so after that place had
/// been synced.
pub(super) fn is_later(head: &Head, offset: u64, bad: u64) -> bool {
    let call = u64::from(head.call);
    call > bad && call <= offset
}

/// The first whole record inside `bytes` that `fits`, with its file offset. `base` is the file offset of `bytes`.
/// Checks the cheap fields at every byte and the checksum only where they fit.
pub(super) fn whole_behind(bytes: &[u8], base: u64, fits: impl Fn(&Head, u64) -> bool) -> Option<(u64, Head)> {
    (0..bytes.len().saturating_sub(HEAD - 1)).find_map(|at| {
        let here = &bytes[at..];
        let offset = base + at as u64;
        if here[8] != FORMAT || here[9] != 0 || !fits(&head(here, 0), offset) {
            return None;
        }
        if let Parsed::Whole(head) = parse(here) { Some((offset, head)) } else { None }
    })
}

fn head(bytes: &[u8], size: usize) -> Head {
    Head {
        partition: u16::from_le_bytes([bytes[10], bytes[11]]),
        call: u32_at(bytes, 12),
        position: u64_at(bytes, 16),
        id: AppendId { boot: u64_at(bytes, 24), number: u64_at(bytes, 32) },
        size,
    }
}

fn checksum(record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[PREFIX..])
}

/// The number at `at`; 0 where `bytes` ends before.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

/// The number at `at`; 0 where `bytes` ends before.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}
