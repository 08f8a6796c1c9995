//! The facts log: every decision under a number, from 0, without gaps.
//!
//! In the data path it stands between deciding and telling: what [`FactsLog::append`] answers is durable and may be told.
//! It wraps any [`Log`] and uses its partition 0. A record holds several facts: the format number 1 and then each fact's
//! canonical bytes, as one CBOR sequence. Every read checks that the numbers follow each other.
//!
//! Limits: one writer; a fact is at most [`FACT_MAX`] bytes. It keeps the position of about every 4,000th fact in memory
//! and, in the log's snapshot of partition 0, on disk, so that neither opening nor reading starts at the beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maibo_core::codec;
use maibo_core::fact::Fact;
use maibo_core::id::{PartitionId, Position};

use self::landmarks::Landmarks;
use crate::log::{Append, AppendId, Log, Outcome, RECORD_MAX, ReadError};

mod landmarks;
mod reader;

pub use self::reader::{FactsReader, unpack};

/// The one partition in use.
const PARTITION: PartitionId = PartitionId(0);
/// Format of a record: facts in canonical bytes, one behind the other.
const FORMAT: u8 = 1;
/// Longest fact, in bytes.
pub const FACT_MAX: usize = RECORD_MAX - 1;
/// How often a log that cannot say whether an append took place is given it again.
const TRIES: u32 = 8;
/// How often a silent reader is asked before it counts as stuck.
const SILENT_MAX: u32 = 100_000;

/// Why facts cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// No room.
    #[error("no room for {} facts", .0.drafts.len())]
    Full(Box<Unwritten>),
    /// The log takes nothing more.
    #[error("the facts log is closed")]
    Closed,
    /// Another writer appended.
    #[error("another writer appended to the facts log")]
    Fenced,
    /// The log keeps not knowing whether it has the facts. Opening it anew tells.
    #[error("the facts log cannot say whether it kept the facts")]
    Unknown,
    /// A fact is longer than [`FACT_MAX`]; nothing of the call was kept.
    #[error("a fact of {bytes} bytes is longer than {FACT_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The numbers do not follow each other.
    #[error("fact {found} at position {} where {expected} should be", .at.0)]
    Broken {
        /// The number that should be there.
        expected: u64,
        /// The number that is there.
        found: u64,
        /// In which record.
        at: Position,
    },
    /// A record that holds no facts of this format.
    #[error("no facts at position {}", .at.0)]
    Format {
        /// In which record.
        at: Position,
        /// Why.
        #[source]
        source: codec::CodecError,
    },
    /// A reader stays silent in front of facts that are there.
    #[error("the facts log does not answer")]
    Silent,
    /// The log cannot be read.
    #[error("read the facts log")]
    Read(#[from] ReadError),
}

/// What became of an append for which there was no room.
#[derive(Debug)]
pub struct Unwritten {
    /// Durable, with their numbers: the first ones of the call.
    pub kept: Vec<Fact>,
    /// Not kept; to be appended again when there is room.
    pub drafts: Vec<Fact>,
}

/// The facts log's one writer.
pub struct FactsLog {
    log: Box<dyn Log>,
    /// Number of the next fact; readers follow it.
    next: Arc<AtomicU64>,
    landmarks: Landmarks,
    last: Option<Position>,
    boot: u64,
    /// Number of the last append id; an append that is written again keeps its id.
    appends: u64,
    /// The fate of some facts could not be found out, so no number can be given any more.
    lost_track: bool,
}

/// Facts that go into one record.
struct Packed {
    id: AppendId,
    facts: Vec<Fact>,
    bytes: Vec<u8>,
}

impl FactsLog {
    /// Opens the facts in `log`, reading those behind the last landmark.
    ///
    /// # Errors
    /// Where the log is damaged or its facts do not follow each other.
    pub fn open(log: Box<dyn Log>) -> Result<Self, FactsError> {
        let mut landmarks = Landmarks::load(&*log, PARTITION);
        let end = log.end(PARTITION);
        let (from, mut next) = landmarks.last();
        let mut records = 0;
        let mut last = from;
        let mut reader = log.reader(&[(PARTITION, from)]);
        let mut silent = 0;
        while end.is_some_and(|end| last.is_none_or(|l| l < end)) {
            let Some(record) = reader.next()? else {
                reader::wait(&mut silent)?;
                continue;
            };
            let facts = reader::unpack(&record)?;
            reader::check(&facts, next, record.position)?;
            landmarks.note(last, next);
            next += facts.len() as u64;
            last = Some(record.position);
            records += 1;
        }
        let mut facts = Self {
            log,
            next: Arc::new(AtomicU64::new(next)),
            landmarks,
            last,
            // No record of an earlier process can have this: they all begin with an earlier fact.
            boot: next,
            appends: 0,
            lost_track: false,
        };
        if records > 0 {
            facts.save_landmarks();
        }
        Ok(facts)
    }

    /// Number of the next fact.
    pub fn next_index(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Numbers `drafts`, makes them durable, and answers them with their numbers.
    ///
    /// # Errors
    /// [`FactsError::Full`] says what was kept all the same; after [`FactsError::Unknown`] everything is `Unknown`.
    pub fn append(&mut self, drafts: Vec<Fact>) -> Result<Vec<Fact>, FactsError> {
        if self.lost_track {
            return Err(FactsError::Unknown);
        }
        let mut open = self.pack(drafts)?;
        let mut kept = Vec::new();
        for _ in 0..=TRIES {
            if open.is_empty() {
                self.save_landmarks_when_due();
                return Ok(kept);
            }
            let outcomes = self.write(&open);
            match self.settle(&mut open, outcomes, &mut kept) {
                Ok(()) => {}
                Err(FactsError::Full(_)) => {
                    let drafts = open.into_iter().flat_map(|p| p.facts).collect();
                    return Err(FactsError::Full(Box::new(Unwritten { kept, drafts })));
                }
                Err(error) => {
                    self.lost_track = matches!(error, FactsError::Read(_) | FactsError::Silent);
                    return Err(error);
                }
            }
        }
        self.lost_track = true;
        Err(FactsError::Unknown)
    }

    /// Reads facts from number `from` on, from any thread.
    pub fn reader(&self, from: u64) -> FactsReader {
        let (after, first) = self.landmarks.before(from);
        FactsReader::new(self.log.reader(&[(PARTITION, after)]), first, from, Arc::clone(&self.next))
    }

    /// What "durable" means here.
    pub fn durability(&self) -> crate::log::Durability {
        self.log.durability()
    }

    /// Bytes in use.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    fn pack(&mut self, drafts: Vec<Fact>) -> Result<Vec<Packed>, FactsError> {
        let mut packed: Vec<Packed> = Vec::new();
        let mut bytes = Vec::new();
        for (mut fact, index) in drafts.into_iter().zip(self.next_index()..) {
            fact.index = index;
            bytes.clear();
            codec::encode_into(&fact, &mut bytes);
            if bytes.len() > FACT_MAX {
                return Err(FactsError::TooLong { bytes: bytes.len() });
            }
            if let Some(record) = packed.last_mut().filter(|p| p.bytes.len() + bytes.len() <= RECORD_MAX) {
                record.bytes.extend_from_slice(&bytes);
                record.facts.push(fact);
                continue;
            }
            let mut first = vec![FORMAT];
            first.extend_from_slice(&bytes);
            self.appends += 1;
            let id = AppendId { boot: self.boot, number: self.appends };
            packed.push(Packed { id, facts: vec![fact], bytes: first });
        }
        Ok(packed)
    }

    fn write(&mut self, open: &[Packed]) -> Vec<Outcome> {
        let records: Vec<Append<'_>> = open
            .iter()
            .map(|p| Append { partition: PARTITION, id: p.id, expected: self.last, payload: &p.bytes })
            .collect();
        self.log.append(&records)
    }

    /// Moves what was kept from the front of `open` to `kept`. What is left in `open` is to be written again.
    fn settle(
        &mut self,
        open: &mut Vec<Packed>,
        outcomes: Vec<Outcome>,
        kept: &mut Vec<Fact>,
    ) -> Result<(), FactsError> {
        for outcome in outcomes {
            let position = match outcome {
                Outcome::Ok(position) => position,
                Outcome::Unknown => match self.read_back(open.first().map(|p| p.id).unwrap_or_default())? {
                    Some(position) => position,
                    None => return Ok(()),
                },
                Outcome::Full => {
                    return Err(FactsError::Full(Box::new(Unwritten { kept: Vec::new(), drafts: Vec::new() })));
                }
                Outcome::Fenced { .. } => return Err(FactsError::Fenced),
                Outcome::Closed => return Err(FactsError::Closed),
            };
            if open.is_empty() {
                break;
            }
            let record = open.remove(0);
            let next = self.next_index();
            self.landmarks.note(self.last, next);
            self.last = Some(position);
            self.next.store(next + record.facts.len() as u64, Ordering::Release);
            kept.extend(record.facts);
        }
        Ok(())
    }

    /// Looks behind the last known record for an append whose outcome is unknown.
    fn read_back(&self, id: AppendId) -> Result<Option<Position>, FactsError> {
        let Some(end) = self.log.end(PARTITION).filter(|end| self.last.is_none_or(|l| l < *end)) else {
            return Ok(None);
        };
        let mut reader = self.log.reader(&[(PARTITION, self.last)]);
        let mut silent = 0;
        loop {
            match reader.next()? {
                Some(record) if record.id == id => return Ok(Some(record.position)),
                Some(record) if record.position >= end => return Ok(None),
                Some(_) => {}
                None => reader::wait(&mut silent)?,
            }
        }
    }

    fn save_landmarks_when_due(&mut self) {
        if self.landmarks.due() {
            self.save_landmarks();
        }
    }

    fn save_landmarks(&mut self) {
        self.landmarks.save(&mut *self.log, PARTITION, self.last);
    }
}
