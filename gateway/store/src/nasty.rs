//! A log in memory that is everything its interface allows, and never what a user hopes. For tests of users of [`Log`].
//!
//! Positions have gaps. Now and then an append is `Full` or `Unknown` (and then some of it is kept). A reader falls silent
//! in the middle, though never more than [`SILENCES`] times in a row, and mixes partitions as it likes. [`NastyLog::intrude`]
//! is another writer. The seed decides all of it. Limits: everything in memory, nothing survives the process.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use maibo_core::id::{PartitionId, Position};

use crate::log::{
    Append, AppendId, Dropped, Durability, Log, LogReader, Outcome, RECORD_MAX, ReadError, Record, SnapshotError,
};
use crate::seeded::Seeded;

/// Most times in a row that a reader says nothing although there is something.
pub const SILENCES: u32 = 3;

/// How unpleasant, each in percent of calls.
#[derive(Clone, Copy, Debug)]
pub struct Nastiness {
    /// Calls in which some record is `Full`, and what follows it in its partition.
    pub full: u64,
    /// Calls whose outcomes are `Unknown` from some record on.
    pub unknown: u64,
    /// Reads answered with silence.
    pub silent: u64,
}

impl Default for Nastiness {
    fn default() -> Self {
        Self { full: 5, unknown: 10, silent: 30 }
    }
}

/// The log. Its content is shared by [`NastyLog::reopen`].
pub struct NastyLog {
    state: Arc<Mutex<State>>,
    nastiness: Nastiness,
    seeded: Seeded,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<PartitionId, Vec<Record>>,
    last: BTreeMap<PartitionId, Position>,
    dropped: BTreeMap<PartitionId, Position>,
    needs: BTreeMap<String, BTreeMap<PartitionId, Position>>,
    snapshots: BTreeMap<PartitionId, (Position, Vec<u8>)>,
    quota_records: Option<usize>,
    closed: bool,
}

impl NastyLog {
    /// An empty log whose troubles follow from `seed`.
    pub fn new(seed: u64, nastiness: Nastiness) -> Self {
        Self { state: Arc::default(), nastiness, seeded: Seeded::new(seed) }
    }

    /// The same log after a restart: its content stays, advice is forgotten.
    #[must_use]
    pub fn reopen(&self, seed: u64) -> Self {
        {
            let mut state = self.state();
            state.needs.clear();
            state.closed = false;
        }
        Self { state: Arc::clone(&self.state), nastiness: self.nastiness, seeded: Seeded::new(seed) }
    }

    /// A partition keeps at most this many records when [`Log::trim`] is called; the oldest go, needed or not.
    pub fn set_quota(&self, records: Option<usize>) {
        self.state().quota_records = records;
    }

    /// From now on every append is `Closed`.
    pub fn close(&self) {
        self.state().closed = true;
    }

    /// Another writer appends to `partition`.
    pub fn intrude(&self, partition: PartitionId, payload: &[u8]) -> Position {
        let id = AppendId { boot: u64::MAX, number: 1 };
        self.state().keep(&Append { partition, id, expected: None, payload }, 1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, record: &Append<'_>, gap: u64) -> Position {
        let position = Position(self.last.get(&record.partition).map_or(0, |l| l.0) + gap);
        self.last.insert(record.partition, position);
        self.partitions.entry(record.partition).or_default().push(Record {
            partition: record.partition,
            position,
            id: record.id,
            payload: record.payload.to_vec(),
        });
        position
    }

    /// The position up to which nobody needs a partition.
    fn done(&self, partition: PartitionId) -> Position {
        let positions = self.needs.values().map(|n| n.get(&partition).copied().unwrap_or_default());
        positions.min().unwrap_or_default()
    }
}

impl Log for NastyLog {
    fn append(&mut self, records: &[Append<'_>]) -> Vec<Outcome> {
        let n = records.len() as u64;
        let full_from = if self.seeded.chance(self.nastiness.full) { self.seeded.below(n) } else { n };
        let unknown_from = if self.seeded.chance(self.nastiness.unknown) { self.seeded.below(n) } else { n };
        // Of what is unknown, this many more are kept.
        let kept_until = unknown_from + self.seeded.below(n - unknown_from + 1);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.last.clone();
        let mut stopped: BTreeMap<PartitionId, Outcome> = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(records.len());
        for (record, i) in records.iter().zip(0..) {
            let last = before.get(&record.partition).copied();
            let refused = if let Some(outcome) = stopped.get(&record.partition) {
                Some(outcome.clone())
            } else if state.closed {
                Some(Outcome::Closed)
            } else if record.expected.is_some() && record.expected != last {
                Some(Outcome::Fenced { last })
            } else if i >= full_from || record.payload.len() > RECORD_MAX {
                Some(Outcome::Full)
            } else if i >= kept_until {
                Some(Outcome::Unknown)
            } else {
                None
            };
            outcomes.push(if let Some(outcome) = refused {
                stopped.insert(record.partition, outcome.clone());
                outcome
            } else {
                let position = state.keep(record, 1 + self.seeded.below(5));
                if i >= unknown_from { Outcome::Unknown } else { Outcome::Ok(position) }
            });
        }
        outcomes
    }

    fn end(&self, partition: PartitionId) -> Option<Position> {
        self.state().partitions.get(&partition).and_then(|r| r.last()).map(|r| r.position)
    }

    fn reader(&self, from: &[(PartitionId, Option<Position>)]) -> Box<dyn LogReader> {
        Box::new(NastyReader {
            state: Arc::clone(&self.state),
            after: from.to_vec(),
            silent: self.nastiness.silent,
            silences: 0,
            // Readers are not alike, and yet the same in every run.
            seeded: Seeded::new(self.state().last.values().map(|p| p.0).sum()),
        })
    }

    fn keep_from(&mut self, consumer: &str, partition: PartitionId, position: Position) {
        self.state().needs.entry(consumer.to_owned()).or_default().insert(partition, position);
    }

    fn trim(&mut self) -> io::Result<Vec<Dropped>> {
        let mut state = self.state();
        let done: BTreeMap<_, _> = state.partitions.keys().map(|p| (*p, state.done(*p))).collect();
        let quota = state.quota_records.unwrap_or(usize::MAX);
        let (mut lost, mut gone) = (Vec::new(), Vec::new());
        for (partition, records) in &mut state.partitions {
            let done = done.get(partition).copied().unwrap_or_default();
            let unneeded = records.iter().take_while(|r| r.position <= done).count();
            let cut = unneeded.max(records.len().saturating_sub(quota));
            let dropped: Vec<Record> = records.drain(..cut).collect();
            gone.extend(dropped.last().map(|r| (*partition, r.position)));
            if let (Some(first), Some(last)) = (dropped.get(unneeded), dropped.last()) {
                let (first, last, records) = (first.position, last.position, (cut - unneeded) as u64);
                lost.push(Dropped { partition: *partition, first, last, records });
            }
        }
        state.dropped.extend(gone);
        Ok(lost)
    }

    fn durability(&self) -> Durability {
        Durability::Volatile
    }

    fn size(&self) -> u64 {
        self.state().partitions.values().flatten().map(|r| r.payload.len() as u64).sum()
    }

    fn snapshot_save(
        &mut self,
        partition: PartitionId,
        expected: Option<Position>,
        position: Position,
        state: &[u8],
    ) -> Result<(), SnapshotError> {
        let mut all = self.state();
        let found = all.snapshots.get(&partition).map(|(at, _)| *at);
        if found != expected {
            return Err(SnapshotError::Conflict { found });
        }
        all.snapshots.insert(partition, (position, state.to_vec()));
        Ok(())
    }

    fn snapshot_load(&self, partition: PartitionId) -> io::Result<Option<(Position, Vec<u8>)>> {
        Ok(self.state().snapshots.get(&partition).cloned())
    }
}

struct NastyReader {
    state: Arc<Mutex<State>>,
    after: Vec<(PartitionId, Option<Position>)>,
    silent: u64,
    silences: u32,
    seeded: Seeded,
}

impl LogReader for NastyReader {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        if self.silences < SILENCES && self.seeded.chance(self.silent) {
            self.silences += 1;
            return Ok(None);
        }
        self.silences = 0;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let n = self.after.len();
        let start = self.seeded.below(n as u64) as usize;
        for i in (0..n).map(|i| (start + i) % n) {
            let (partition, after) = self.after[i];
            let records = state.partitions.get(&partition).map_or(&[][..], Vec::as_slice);
            if after.is_some() && state.dropped.get(&partition).copied() > after {
                return Err(ReadError::Trimmed { partition, first: records.first().map(|r| r.position) });
            }
            if let Some(record) = records.iter().find(|r| after.is_none_or(|a| r.position > a)) {
                self.after[i].1 = Some(record.position);
                return Ok(Some(record.clone()));
            }
        }
        Ok(None)
    }

    fn skip_dropped(&mut self, partition: PartitionId) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, after) in self.after.iter_mut().filter(|(p, _)| *p == partition) {
            *after = (*after).max(state.dropped.get(&partition).copied());
        }
    }
}
