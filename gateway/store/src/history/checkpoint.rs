//! Checkpoints: what is in memory only goes to SQLite, then the cursors move.
//!
//! The order of the transactions is the point: names before readings, readings before cursors, and memory lets go last.

use std::ops::Range;

use super::tail::TailRow;
use super::write::HistoryWriter;
use super::{Cursors, HistoryError, open_from, settle};

/// Rows of one transaction: bounds SQLite's WAL and the time readers wait.
const ROWS: usize = 2_000;
/// Tail rows of one transaction.
const TAIL_ROWS: usize = 32;

/// What a checkpoint did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log may be trimmed up to these positions: what lies before them survives a power loss. Those of an earlier
    /// checkpoint where a long read kept SQLite's WAL from being synced whole.
    pub safe: Cursors,
    /// Chunks written.
    pub chunks: usize,
    /// Series whose new readings were written as tails.
    pub tails: usize,
    /// Buckets that fell out of the retention and were dropped.
    pub pruned: usize,
}

impl HistoryWriter {
    /// Writes everything that is in memory only, and the cursors; drops what fell out of the retention.
    ///
    /// # Errors
    /// SQLite's; memory is then as before, and another call tries again.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, HistoryError> {
        let everything = self.shared.read().bytes >= self.options.memory_max;
        let closed = if everything { i64::MAX } else { open_from(self.now, &self.options) };
        self.write_series()?;
        let settled = self.settle(&(i64::MIN..closed))?;
        let saved = self.write_tails(&(closed..i64::MAX))?;
        self.write_cursors(closed)?;
        self.let_go(&settled, &saved)?;
        let pruned = self.prune()?;
        self.sync()?;
        Ok(Checkpoint { safe: self.safe.clone(), chunks: settled.len(), tails: saved.len(), pruned })
    }

    /// Writes new series and the last day of those that went on.
    pub(super) fn write_series(&mut self) -> Result<(), HistoryError> {
        let unknown = self.shared.read().unknown_to_sqlite();
        for some in unknown.chunks(ROWS) {
            let transaction = self.connection.transaction()?;
            for (id, device, quantity, day) in some {
                transaction.prepare_cached("INSERT INTO series VALUES (?1, ?2, ?3, ?4)")?.execute((
                    id,
                    device.as_str(),
                    quantity.as_str(),
                    day,
                ))?;
            }
            transaction.commit()?;
            self.days_stored(some.iter().map(|(id, _, _, day)| (*id, *day)));
        }
        let later: Vec<(u32, i64)> = {
            let memory = self.shared.read();
            let later = memory.series.iter().filter(|(_, s)| s.stored_day.is_some_and(|d| d < s.day));
            later.map(|(id, s)| (*id, s.day)).collect()
        };
        for some in later.chunks(ROWS) {
            let transaction = self.connection.transaction()?;
            for (id, day) in some {
                transaction.prepare_cached("UPDATE series SET day = ?2 WHERE id = ?1")?.execute((id, day))?;
            }
            transaction.commit()?;
            self.days_stored(some.iter().copied());
        }
        Ok(())
    }

    fn days_stored(&self, days: impl Iterator<Item = (u32, i64)>) {
        let mut memory = self.shared.write();
        for (id, day) in days {
            if let Some(series) = memory.series.get_mut(&id) {
                series.stored_day = Some(day);
            }
        }
    }

    /// Writes the heads of some buckets as chunks, and says which.
    pub(super) fn settle(&mut self, buckets: &Range<i64>) -> Result<Vec<(i64, u32)>, HistoryError> {
        let heads = self.shared.read().heads(buckets);
        for some in heads.chunks(ROWS) {
            let transaction = self.connection.transaction()?;
            let memory = self.shared.read();
            for (bucket, id) in some {
                if let Some(head) = memory.head(*id, *bucket) {
                    settle::settle(&transaction, *bucket, *id, head, &self.shared.counters)?;
                }
            }
            drop(memory);
            transaction.commit()?;
        }
        Ok(heads)
    }

    /// Writes what is new in some buckets as tails, and says in which heads.
    pub(super) fn write_tails(&mut self, buckets: &Range<i64>) -> Result<Vec<(i64, u32)>, HistoryError> {
        let mut heads = self.shared.read().heads(buckets);
        let mut samples = Vec::new();
        let mut transaction = self.connection.transaction()?;
        let mut rows = 0;
        for of_bucket in heads.chunk_by(|a, b| a.0 == b.0) {
            let mut row = TailRow::default();
            for (bucket, id) in of_bucket {
                samples.clear();
                if let Some(head) = self.shared.read().head(*id, *bucket).filter(|h| h.unsaved() > 0) {
                    head.read_unsaved(&mut samples)?;
                }
                if !samples.is_empty() && row.push(*id, &samples) {
                    row.write(&transaction, *bucket)?;
                    rows += 1;
                }
                if rows >= TAIL_ROWS {
                    transaction.commit()?;
                    transaction = self.connection.transaction()?;
                    rows = 0;
                }
            }
            if let Some((bucket, _)) = of_bucket.first() {
                row.write(&transaction, *bucket)?;
            }
        }
        transaction.commit()?;
        let memory = self.shared.read();
        heads.retain(|(bucket, id)| memory.head(*id, *bucket).is_some_and(|h| h.unsaved() > 0));
        Ok(heads)
    }

    /// The last transaction of a checkpoint: the cursors, and the tails that chunks stand for now.
    fn write_cursors(&mut self, closed: i64) -> Result<(), HistoryError> {
        let transaction = self.connection.transaction()?;
        for (partition, position) in &self.cursors {
            if self.stored.get(partition) != Some(position) {
                transaction
                    .prepare_cached(
                        "INSERT INTO cursor VALUES (?1, ?2)
                         ON CONFLICT (partition) DO UPDATE SET position = excluded.position",
                    )?
                    .execute((partition.0, position.0 as i64))?;
            }
        }
        transaction.prepare_cached("DELETE FROM tail WHERE bucket < ?1")?.execute([closed])?;
        transaction.commit()?;
        self.stored.extend(self.cursors.iter().map(|(partition, position)| (*partition, *position)));
        Ok(())
    }

    /// Takes out of memory what SQLite has.
    fn let_go(&self, settled: &[(i64, u32)], saved: &[(i64, u32)]) -> Result<(), HistoryError> {
        for some in settled.chunks(ROWS) {
            let mut memory = self.shared.write();
            for (bucket, id) in some {
                memory.buckets.insert(*bucket);
                memory.settled(*id, *bucket);
            }
        }
        for some in saved.chunks(ROWS) {
            let mut memory = self.shared.write();
            for (bucket, id) in some {
                memory.saved(*id, *bucket)?;
            }
        }
        Ok(())
    }
}
