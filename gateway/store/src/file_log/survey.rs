//! Reads a log whole from outside, changing nothing: to check it, and to copy it while its owner writes.
//!
//! Opening a log ([`super::FileLog::open`]) stops at the first damage. Here the walk goes on behind it, so that a person
//! is told all of it at once, each place with file and offset.
//!
//! A copy is a prefix of the log in whole records. It needs no lock: segments but the last are never written again, the
//! last only grows, and what is read of an unfinished write is left out. [`Held`] keeps the files readable while their
//! owner trims them.
//!
//! Limits: reads every byte once (a copy: twice); at most [`PROBLEMS_MAX`] problems are kept, further ones are counted.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};

use super::OpenError;
use super::record::{self, Head};
use super::scan::{Scan, Step};
use super::segment::{self, Header};
use crate::disk::{Disk, DiskFile};
use crate::log::Record;

mod copy;
mod formats;
mod snapshots;

pub use copy::{Copied, CopyError};
pub use formats::{Newer, newer};
pub use snapshots::{SnapshotFile, State, copy_snapshots, snapshot_files};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// Most problems kept.
pub const PROBLEMS_MAX: usize = 1_000;
/// How often the list of files is taken anew because some were trimmed meanwhile.
const TRIES: u32 = 100;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file in the log's directory.
    pub file: String,
    /// Offset in it, bytes.
    pub offset: u64,
    /// What is wrong, in words.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} offset {}: {}", self.file, self.offset, self.what)
    }
}

/// A record where it stands.
#[derive(Debug)]
pub struct Found<'a> {
    /// Name of the segment file.
    pub file: &'a str,
    /// Offset in it, bytes.
    pub offset: u64,
    /// The record.
    pub record: Record,
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Segment files.
    pub segments: usize,
    /// Whole records.
    pub records: u64,
    /// Bytes of them with their headers.
    pub bytes: u64,
    /// Position of the first record that is still there, or comes.
    pub first: u64,
    /// Position the next record gets.
    pub next: u64,
    /// Last position of each partition, trimmed or not.
    pub last: BTreeMap<PartitionId, Position>,
    /// Last position of each partition that was trimmed.
    pub trimmed: BTreeMap<PartitionId, Position>,
    /// Bytes of an unfinished write at the end; nothing of it was acknowledged.
    pub torn_bytes: u64,
    /// Bytes given up after a failed sync or a crash, and written again behind them.
    pub superseded_bytes: u64,
    /// What is damaged.
    pub problems: Vec<Problem>,
    /// Problems beyond [`PROBLEMS_MAX`].
    pub more: u64,
}

impl Survey {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, file: &str, offset: u64, what: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { file: file.to_owned(), offset, what });
        } else {
            self.more += 1;
        }
    }
}

/// The segments of a log, held open: trimming takes them out of the directory, not away from here.
pub struct Held {
    kind: String,
    segments: Vec<Segment>,
}

struct Segment {
    ordinal: u64,
    name: String,
    file: Arc<dyn DiskFile>,
}

/// Where a walk ended before the end: in which of the segments, and at which offset.
type Cut = (usize, u64);

impl Held {
    /// Opens all segments that are there now.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn hold(disk: &dyn Disk, kind: &str) -> io::Result<Self> {
        let mut held = Self { kind: kind.to_owned(), segments: Vec::new() };
        held.renew(disk)?;
        Ok(held)
    }

    /// Opens the segments that have come since.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn renew(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let after = self.segments.last().map(|s| s.ordinal);
        for _ in 0..TRIES {
            let mut ordinals: Vec<u64> = disk.list()?.iter().filter_map(|f| segment::ordinal(f)).collect();
            ordinals.sort_unstable();
            ordinals.retain(|o| after.is_none_or(|a| *o > a));
            let opened = ordinals.into_iter().map(|ordinal| {
                let name = segment::name(ordinal);
                disk.open(&name).map(|file| Segment { ordinal, name, file })
            });
            match opened.collect::<io::Result<Vec<_>>>() {
                // Trimmed between the list and the opening: the next list has fewer.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                opened => {
                    self.segments.extend(opened?);
                    return Ok(());
                }
            }
        }
        Err(io::Error::other("the log is trimmed faster than it can be opened"))
    }

    /// Walks over everything, hands every whole record on, and says what was found.
    ///
    /// # Errors
    /// Where the operating system fails. What is damaged is no error: it stands in the survey.
    pub fn survey(&self, visit: &mut dyn FnMut(Found<'_>)) -> io::Result<Survey> {
        let mut go_on = |found: Found<'_>| {
            visit(found);
            ControlFlow::Continue(())
        };
        self.walk(&mut go_on).map(|(survey, _)| survey)
    }

    /// Walks like [`Self::survey`], until it is told to stop; the survey is then of what came before.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn visit(&self, visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>) -> io::Result<Survey> {
        self.walk(visit).map(|(survey, _)| survey)
    }

    fn walk(&self, visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>) -> io::Result<(Survey, Option<Cut>)> {
        let mut survey = Survey { segments: self.segments.len(), ..Survey::default() };
        let mut headers = Vec::new();
        for segment in &self.segments {
            headers.push(match segment::read_header(&*segment.file, &segment.name, &self.kind) {
                Ok(header) => Some(header),
                Err(OpenError::Io { source, .. }) => return Err(source),
                Err(OpenError::Damaged(damage)) => {
                    survey.problem(&segment.name, damage.offset, damage.why.to_owned());
                    None
                }
                Err(other) => {
                    survey.problem(&segment.name, 0, other.to_string());
                    None
                }
            });
        }
        let mut begun = false;
        for (i, segment) in self.segments.iter().enumerate() {
            let Some(header) = headers.get(i).and_then(Option::as_ref) else { continue };
            let before: BTreeMap<_, _> = header.before.iter().map(|(p, at)| (PartitionId(*p), Position(*at))).collect();
            if !begun {
                (survey.first, survey.next) = (header.first, header.first);
                survey.trimmed.clone_from(&before);
            } else if before != survey.last && survey.problems.is_empty() {
                // Behind damage this would only say the same once more.
                let what = "its header and the records before it say different things";
                survey.problem(&segment.name, 0, what.to_owned());
            }
            begun = true;
            survey.last = before;
            let until = headers.iter().skip(i + 1).flatten().next().map(|h| h.first);
            if let Some(offset) = segment.walk(header, until, &mut survey, visit)? {
                return Ok((survey, Some((i, offset))));
            }
        }
        Ok((survey, None))
    }
}

impl Segment {
    /// Walks one segment. `until` is where the next one begins; the last has none. Answers where it was told to stop.
    fn walk(
        &self,
        header: &Header,
        until: Option<u64>,
        survey: &mut Survey,
        visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> io::Result<Option<u64>> {
        let len = self.file.len()?;
        let mut scan = Scan::new(Arc::clone(&self.file), header.size, CHUNK);
        survey.next = header.first;
        survey.bytes += header.size;
        loop {
            let (at, expected) = (scan.offset(), survey.next);
            if until.is_some_and(|until| expected >= until) {
                survey.superseded_bytes += len.saturating_sub(at);
                return Ok(None);
            }
            match scan.next(len)? {
                Step::Record(head, payload) => {
                    let fits = head.position >= expected && until.is_none_or(|until| head.position < until);
                    if head.position != expected {
                        let what = format!("record {} stands where {expected} should be", head.position);
                        survey.problem(&self.name, at, what);
                    }
                    if !fits {
                        continue;
                    }
                    let record = Record {
                        partition: PartitionId(head.partition),
                        position: Position(head.position),
                        id: head.id,
                        payload: scan.payload(payload).to_vec(),
                    };
                    if visit(Found { file: &self.name, offset: at, record }).is_break() {
                        return Ok(Some(at));
                    }
                    survey.last.insert(PartitionId(head.partition), Position(head.position));
                    survey.next = head.position + 1;
                    survey.records += 1;
                    survey.bytes += head.size as u64;
                }
                Step::End | Step::Bad => match (self.resume(at, len, expected, until)?, until) {
                    (Some((offset, head)), _) => {
                        let lost = missing(expected, head.position);
                        let what = format!("no valid record up to offset {offset}; {lost}");
                        survey.problem(&self.name, at, what);
                        survey.next = head.position;
                        scan = Scan::new(Arc::clone(&self.file), offset, CHUNK);
                    }
                    (None, Some(until)) => {
                        let what = format!("{} before the next segment", missing(expected, until));
                        survey.problem(&self.name, at, what);
                        return Ok(None);
                    }
                    (None, None) => {
                        survey.torn_bytes += len.saturating_sub(at);
                        return Ok(None);
                    }
                },
            }
        }
    }

    /// The next whole record behind a bad place. In the last segment only one that proves damage: one of a later call.
    fn resume(&self, bad: u64, len: u64, expected: u64, until: Option<u64>) -> io::Result<Option<(u64, Head)>> {
        let fits = |head: &Head, offset: u64| match until {
            Some(until) => (expected..until).contains(&head.position),
            None => record::is_later(head, offset, bad) && head.position >= expected,
        };
        let mut offset = bad;
        while offset < len {
            let mut bytes = vec![0; (len - offset).min((CHUNK + record::LONGEST) as u64) as usize];
            let read = self.file.read_at(offset, &mut bytes)?;
            bytes.truncate(read);
            if let Some(found) = record::whole_behind(&bytes, offset, fits) {
                return Ok(Some(found));
            }
            offset += CHUNK as u64;
        }
        Ok(None)
    }
}

fn missing(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        0 => "no record is missing".to_owned(),
        1 => format!("record {from} is missing"),
        _ => format!("records {from} to {} are missing", to - 1),
    }
}

#[cfg(test)]
mod tests;
