//! Retention: whole buckets, the oldest first; then series of which nothing is left.

use std::collections::BTreeSet;

use super::memory::DAY_MS;
use super::write::HistoryWriter;
use super::{HistoryError, kept_from, start_of};

/// Most buckets dropped by one checkpoint. A wall clock that jumps years ahead then costs history slowly, not at once.
const BUCKETS: usize = 12;
/// Most series forgotten by one checkpoint.
const SERIES: usize = 20_000;

impl HistoryWriter {
    /// Drops what fell out of the retention; says how many buckets.
    pub(super) fn prune(&mut self) -> Result<usize, HistoryError> {
        let kept = kept_from(self.now, &self.options);
        let old: Vec<i64> = self.shared.read().buckets.range(..kept).copied().take(BUCKETS).collect();
        for bucket in &old {
            self.connection.prepare_cached("DELETE FROM chunk WHERE bucket = ?1")?.execute([bucket])?;
            self.shared.write().buckets.remove(bucket);
        }
        if !old.is_empty() {
            self.forget(start_of(kept).div_euclid(DAY_MS))?;
        }
        Ok(old.len())
    }

    /// Forgets series whose last reading is of a day before `day`.
    fn forget(&mut self, day: i64) -> Result<(), HistoryError> {
        let gone: BTreeSet<u32> = {
            let memory = self.shared.read();
            let gone = memory.series.iter().filter(|(_, s)| s.day < day && s.heads.is_empty());
            gone.map(|(id, _)| *id).take(SERIES).collect()
        };
        let transaction = self.connection.transaction()?;
        for id in &gone {
            transaction.prepare_cached("DELETE FROM series WHERE id = ?1")?.execute([id])?;
        }
        transaction.commit()?;
        self.shared.write().forget(&gone);
        Ok(())
    }
}
