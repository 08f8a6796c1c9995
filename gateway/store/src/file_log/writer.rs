//! The one writer: encodes, appends, syncs, and goes to a new file when this one is full or not to be trusted.
//!
//! Invariants: everything before [`Segment::len`] of the last segment is durable, and nothing behind it is ever shown.
//! A file that failed a sync is never written or synced again. A new segment appears under its name only when its header
//! is durable, and from then on no record goes to an older one, because its `first` is what ends the one before it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use maibo_core::id::Position;

use super::FileLogOptions;
use super::record;
use super::segment::{self, Segment, UNFINISHED};
use super::shared::Shared;
use crate::disk::DiskFile;
use crate::log::{Append, Outcome, RECORD_MAX, Record};

/// Most bytes one call appends; what is beyond gets [`Outcome::Full`].
pub(super) const CALL_MAX: usize = 64 * 1024 * 1024;
/// Longest a segment gets when no new one can be made, in bytes; offsets are 32 bits.
const SEGMENT_LONGEST: u64 = 3 << 30;
/// How much the reserve is topped up at a time, in bytes.
const RESERVE_STEP: u64 = 1 << 20;
/// Largest buffer kept between calls, in bytes.
const BUFFER_KEPT: usize = 1 << 20;

/// The writing half of the log.
pub(super) struct Writer {
    shared: Arc<Shared>,
    options: FileLogOptions,
    /// The last segment's file; `None` once nothing more is taken.
    active: Option<Active>,
    next_ordinal: u64,
    buf: Vec<u8>,
    /// Nothing is set aside beyond what is written: others need the room.
    pub(super) frugal: bool,
    /// The last call was refused by the quota: no room on the disk would help.
    pub(super) over_quota: bool,
}

struct Active {
    file: Arc<dyn DiskFile>,
    /// File length up to which space is set aside.
    reserved: u64,
}

/// Why a call was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Full,
    Closed,
}

/// What went wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It has no room; cut back, it is as good as before.
    NoRoom,
    /// Nothing is known about what was not synced before.
    Broken,
}

/// Why there is no new segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartFault {
    /// Nothing of it is there.
    NotMade,
    /// It may or may not come back after a power cut; the segment before it must not grow.
    Ambiguous,
}

impl Writer {
    /// Begins a segment, with the records of the last call of before, `tail`. The last file of before, `old`, is not
    /// written again, because nobody knows what its syncs were worth; only a full disk makes the log go on in it.
    pub(super) fn new(
        shared: Arc<Shared>,
        options: FileLogOptions,
        old: Option<Arc<dyn DiskFile>>,
        tail: &[Record],
    ) -> io::Result<Self> {
        let next_ordinal = shared.lock().list.back().map_or(1, |s| s.ordinal + 1);
        let mut writer =
            Self { shared, options, active: None, next_ordinal, buf: Vec::new(), frugal: false, over_quota: false };
        let again: Vec<Append<'_>> = tail.iter().map(as_append).collect();
        let again: Vec<&Append<'_>> = again.iter().collect();
        match (writer.create_segment(&again), old) {
            (Ok(()), Some(old)) => writer.leave_old(&*old),
            (Ok(()), None) => {}
            (Err((StartFault::NotMade, error)), Some(old)) if no_room(&error) => {
                let first = writer.shared.lock().next();
                writer.show(&again, first);
                // Here what is behind must be gone for good before something is written there.
                old.truncate(writer.last_len())?;
                old.sync()?;
                writer.active = Some(Active { file: old, reserved: 0 });
                writer.top_up();
            }
            (Err((_, error)), _) => return Err(error),
        }
        Ok(writer)
    }

    /// Saves the space behind the records of the file before the last, or all of it where it has none. Nothing depends
    /// on it: the new header says where the old file ends.
    fn leave_old(&self, old: &dyn DiskFile) {
        let mut segments = self.shared.lock();
        let Some(at) = segments.list.len().checked_sub(2) else { return };
        let Some(segment) = segments.list.get(at) else { return };
        if segment.records > 0 {
            drop(old.truncate(segment.len));
        } else if self.shared.disk.remove(&segment.name).is_ok() {
            segments.list.remove(at);
        }
    }

    /// Space set aside behind the records, in bytes.
    pub(super) fn reserve_left(&self) -> u64 {
        let len = self.last_len();
        self.active.as_ref().map_or(0, |a| a.reserved.saturating_sub(len))
    }

    /// Durable length of the last segment.
    fn last_len(&self) -> u64 {
        self.shared.lock().list.back().map_or(0, |s| s.len)
    }

    /// Appends `records` and makes them durable.
    pub(super) fn append(&mut self, records: &[Append<'_>]) -> Vec<Outcome> {
        if self.active.is_none() {
            return vec![Outcome::Closed; records.len()];
        }
        let refused = self.admit(records);
        let admitted: Vec<&Append<'_>> =
            records.iter().zip(&refused).filter(|(_, refused)| refused.is_none()).map(|(r, _)| r).collect();
        let committed = if admitted.is_empty() { Ok(0) } else { self.commit(&admitted) };
        let mut position = committed.unwrap_or(0);
        let mut settle = || match committed {
            Ok(_) => {
                position += 1;
                Outcome::Ok(Position(position - 1))
            }
            Err(Refusal::Full) => Outcome::Full,
            Err(Refusal::Closed) => Outcome::Closed,
        };
        refused.into_iter().map(|refused| refused.unwrap_or_else(&mut settle)).collect()
    }

    /// The outcome of each record that is refused before anything is written.
    fn admit(&self, records: &[Append<'_>]) -> Vec<Option<Outcome>> {
        let segments = self.shared.lock();
        let oldest = segments.list.front().map_or(1, |s| s.first);
        let mut bytes = 0;
        // Of a partition, nothing is kept behind what is not kept.
        let mut stopped: BTreeMap<u16, Outcome> = BTreeMap::new();
        let mut admit = |record: &Append<'_>| {
            if let Some(outcome) = stopped.get(&record.partition.0) {
                return Some(outcome.clone());
            }
            let last = segments.last.get(&record.partition.0).copied();
            let same = match (record.expected, last) {
                (None, _) => true,
                (Some(expected), Some(last)) => expected.0 == last,
                // Known only from what was dropped before this process.
                (Some(expected), None) => expected.0 < oldest,
            };
            let size = record::HEAD + record.payload.len();
            let outcome = if !same {
                Outcome::Fenced { last: last.map(Position) }
            } else if record.payload.len() > RECORD_MAX || bytes + size > CALL_MAX {
                Outcome::Full
            } else {
                bytes += size;
                return None;
            };
            stopped.insert(record.partition.0, outcome.clone());
            Some(outcome)
        };
        records.iter().map(&mut admit).collect()
    }

    /// Writes `records`, if need be once more to another file. Answers the first position.
    fn commit(&mut self, records: &[&Append<'_>]) -> Result<u64, Refusal> {
        let size: u64 = records.iter().map(|r| (record::HEAD + r.payload.len()) as u64).sum();
        self.make_room(size)?;
        for retry in [false, true] {
            match self.write(records) {
                Ok(first) => return Ok(first),
                Err(Fault::NoRoom) if self.cut_back().is_ok() => return Err(Refusal::Full),
                // Where even cutting back failed, the new segment's header takes back what may be there.
                Err(Fault::NoRoom) => return self.replace_file().and(Err(Refusal::Full)),
                Err(Fault::Broken) if retry => return self.close(),
                Err(Fault::Broken) => self.replace_file()?,
            }
        }
        self.close()
    }

    /// Sees to it that there is room under the quota, and a segment that is short enough.
    fn make_room(&mut self, size: u64) -> Result<(), Refusal> {
        let segments = self.shared.lock();
        let (used, len) = (segments.size(), segments.list.back().map_or(0, |s| s.len));
        let empty = segments.list.back().is_none_or(|s| s.records == 0);
        drop(segments);
        self.over_quota = self.options.quota_bytes.is_some_and(|quota| used + size > quota);
        if self.over_quota {
            return Err(Refusal::Full);
        }
        if len + size <= self.options.segment_bytes || empty {
            return Ok(());
        }
        let old = self.active.as_ref().map(|a| Arc::clone(&a.file));
        match self.start_segment() {
            Ok(()) => {
                // Gives back what was set aside; all its records are durable, so nothing depends on this.
                drop(old.map(|file| file.truncate(len)));
                Ok(())
            }
            Err(StartFault::NotMade) if len + size <= SEGMENT_LONGEST => Ok(()),
            Err(StartFault::NotMade) => Err(Refusal::Full),
            Err(StartFault::Ambiguous) => self.close(),
        }
    }

    fn write(&mut self, records: &[&Append<'_>]) -> Result<u64, Fault> {
        let Some(active) = &self.active else { return Err(Fault::Broken) };
        let segments = self.shared.lock();
        let (first, call) = (segments.next(), segments.list.back().map_or(0, |s| s.len) as u32);
        drop(segments);
        self.buf.clear();
        encode(records, call, first, &mut self.buf);
        active.file.append(&self.buf).map_err(|e| if no_room(&e) { Fault::NoRoom } else { Fault::Broken })?;
        active.file.sync().map_err(|_| Fault::Broken)?;
        self.show(records, first);
        self.buf.shrink_to(BUFFER_KEPT);
        self.top_up();
        Ok(first)
    }

    /// Lets readers see what has become durable.
    fn show(&self, records: &[&Append<'_>], first: u64) {
        let mut segments = self.shared.lock();
        for (record, position) in records.iter().zip(first..) {
            if let Some(segment) = segments.list.back_mut() {
                segment.add(record.partition.0, position, (record::HEAD + record.payload.len()) as u64);
            }
            segments.last.insert(record.partition.0, position);
        }
    }

    /// Takes back a write that had no room, durably, so that nothing of it comes back after a power cut.
    fn cut_back(&mut self) -> io::Result<()> {
        let len = self.last_len();
        let Some(active) = &mut self.active else { return Ok(()) };
        active.file.truncate(len)?;
        active.file.sync()?;
        active.reserved = len;
        self.top_up();
        Ok(())
    }

    /// Leaves the last file at its durable length and goes on in a new one.
    fn replace_file(&mut self) -> Result<(), Refusal> {
        let len = self.last_len();
        if let Some(active) = &self.active {
            // Only to save space: the new header says where this file ends, whether the cut holds or not.
            drop(active.file.truncate(len));
        }
        self.start_segment().or_else(|_| self.close())
    }

    fn close<T>(&mut self) -> Result<T, Refusal> {
        self.active = None;
        Err(Refusal::Closed)
    }

    fn start_segment(&mut self) -> Result<(), StartFault> {
        match self.create_segment(&[]) {
            Ok(()) => Ok(()),
            Err((StartFault::NotMade, _)) => Err(StartFault::NotMade),
            // Once more: syncing the directory for the second one also settles the first.
            Err((StartFault::Ambiguous, _)) => self.create_segment(&[]).map_err(|_| StartFault::Ambiguous),
        }
    }

    /// Makes a new, durable segment that begins with `records`, and the log goes on there.
    fn create_segment(&mut self, records: &[&Append<'_>]) -> Result<(), (StartFault, io::Error)> {
        let disk = Arc::clone(&self.shared.disk);
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        let name = segment::name(ordinal);
        let unfinished = format!("{name}{UNFINISHED}");
        let segments = self.shared.lock();
        let first = segments.next();
        let mut bytes = segment::header(&self.options.kind, first, &segments.last);
        drop(segments);
        let len = bytes.len() as u64;
        encode(records, len as u32, first, &mut bytes);
        let made = disk.create(&unfinished).and_then(|file| {
            file.append(&bytes)?;
            let reserved = self.reserve_first(&*file, bytes.len() as u64)?;
            file.sync()?;
            Ok(Active { file, reserved })
        });
        let active = made.map_err(|error| {
            // A leftover is removed at the next open.
            drop(disk.remove(&unfinished));
            (StartFault::NotMade, error)
        })?;
        let placed = disk.rename(&unfinished, &name).and_then(|()| disk.sync_dir());
        // In the list even if it may not be on disk: trimming then removes it in its turn.
        self.shared.lock().list.push_back(Segment::new(ordinal, len, first));
        self.show(records, first);
        placed.map_err(|error| (StartFault::Ambiguous, error))?;
        self.active = Some(active);
        Ok(())
    }

    /// Sets space aside in a new file. Only a wanted reserve must be there; otherwise it just saves time later.
    fn reserve_first(&self, file: &dyn DiskFile, len: u64) -> io::Result<u64> {
        let wanted = len + self.options.reserve_bytes;
        if self.options.reserve_bytes > 0 {
            return match file.reserve(wanted) {
                Ok(()) => Ok(wanted),
                Err(error) if no_room(&error) => Err(error),
                Err(_) => Ok(len),
            };
        }
        if !self.frugal && file.reserve(self.options.segment_bytes).is_err() {
            drop(file.truncate(len));
        }
        Ok(len)
    }

    /// Keeps the wanted reserve behind the records. On a full disk it is what is used up.
    fn top_up(&mut self) {
        let len = self.last_len();
        let wanted = len + self.options.reserve_bytes;
        let Some(active) = &mut self.active else { return };
        if self.options.reserve_bytes == 0 || active.reserved >= wanted {
            return;
        }
        for target in [wanted + RESERVE_STEP, wanted] {
            if active.file.reserve(target).is_ok() {
                active.reserved = target;
                return;
            }
        }
    }
}

fn encode(records: &[&Append<'_>], call: u32, first: u64, out: &mut Vec<u8>) {
    for (record, position) in records.iter().zip(first..) {
        record::write(out, call, position, record);
    }
}

fn as_append(record: &Record) -> Append<'_> {
    Append { partition: record.partition, id: record.id, expected: None, payload: &record.payload }
}

fn no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
