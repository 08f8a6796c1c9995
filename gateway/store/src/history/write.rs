//! The one writer: opens, recovers, applies the inputs log.

use std::path::Path;
use std::sync::Arc;

use maibo_core::id::{DeviceId, PartitionId, Position, Quantity};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::counts::{Counters, Counts};
use super::memory::{Memory, Shared};
use super::read::HistoryReader;
use super::tail;
use super::{Cursors, HistoryError, Options, bucket_of, connect, schema};

/// SQLite's WAL is cut back to this after use, bytes.
const WAL_KEPT: i64 = 64 << 20;

/// What a restart found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Rows with the tails of open buckets.
    pub tails: usize,
    /// Of them damaged. With any, the log is read again from its beginning: what is there already is recognised.
    pub damaged: usize,
}

/// The one writer of history.
pub struct HistoryWriter {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) options: Options,
    pub(super) now: Timestamp,
    /// Applied so far.
    pub(super) cursors: Cursors,
    /// As SQLite has them.
    pub(super) stored: Cursors,
    /// As the database file is known to have them, synced.
    pub(super) safe: Cursors,
}

impl HistoryWriter {
    /// Opens or creates the file, with a reader of it. [`Self::recover`] comes next.
    ///
    /// # Errors
    /// Where SQLite fails, or the file is of a newer format.
    pub fn open(path: &Path, options: Options) -> Result<(Self, HistoryReader), HistoryError> {
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "journal_size_limit", WAL_KEPT)?;
        schema::migrate(&mut connection)?;
        let stored = cursors(&connection)?;
        let shared = Shared::new(known(&connection)?);
        let reader = HistoryReader::open(path, Arc::clone(&shared))?;
        let (now, safe) = (Timestamp::default(), Cursors::new());
        let mut writer = Self { connection, shared, options, now, cursors: stored.clone(), stored, safe };
        writer.sync()?;
        Ok((writer, reader))
    }

    /// Reads back what was in memory at the last checkpoint. Until then queries lack the open buckets.
    ///
    /// # Errors
    /// SQLite's.
    pub fn recover(&mut self) -> Result<Recovered, HistoryError> {
        let mut recovered = Recovered::default();
        let mut statement = self.connection.prepare("SELECT bucket, data FROM tail ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bucket = row.get(0)?;
            let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let mut memory = self.shared.write();
            let whole = tail::read(data, bucket, |series, samples| Ok(memory.restore(series, bucket, samples)?))?;
            recovered.tails += 1;
            recovered.damaged += usize::from(!whole);
        }
        if recovered.damaged > 0 {
            Counters::add(&self.shared.counters.damaged, recovered.damaged as u64);
            self.cursors.clear();
        }
        Ok(recovered)
    }

    /// Where to read each partition of the log from: strictly after these positions.
    pub fn cursors(&self) -> Vec<(PartitionId, Option<Position>)> {
        PartitionId::all().map(|p| (p, self.cursors.get(&p).copied())).collect()
    }

    /// Whether a record was not applied yet.
    pub fn wants(&self, partition: PartitionId, position: Position) -> bool {
        self.cursors.get(&partition).is_none_or(|c| *c < position)
    }

    /// Positions up to which the log may be trimmed now.
    pub fn safe(&self) -> &Cursors {
        &self.safe
    }

    /// What became of readings so far.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Applies one record of the inputs log. One that was applied before is passed over.
    ///
    /// # Errors
    /// [`HistoryError::Memory`].
    pub fn apply(&mut self, partition: PartitionId, position: Position, batch: &Batch) -> Result<(), HistoryError> {
        if !self.wants(partition, position) {
            return Ok(());
        }
        self.now = self.now.max(batch.now);
        let mut readings = batch.inputs.iter().filter_map(|i| if let Input::Reading(r) = i { Some(r) } else { None });
        if let Some(first) = readings.next() {
            let mut memory = self.shared.write();
            for reading in std::iter::once(first).chain(readings) {
                // By its own batch's time, so that it is the same whatever else was applied before.
                memory.insert(reading, batch.now, &self.options, &self.shared.counters)?;
            }
        }
        self.cursors.insert(partition, position);
        Ok(())
    }

    /// Whether so much is in memory that a checkpoint is due whatever the clock says.
    pub fn is_full(&self) -> bool {
        let memory = self.shared.read();
        memory.bytes >= self.options.memory_max || memory.unsaved >= self.options.unsaved_max
    }

    /// Syncs SQLite's WAL into the database. Where a reader is in the way, what is safe stays as it was.
    pub(super) fn sync(&mut self) -> Result<(), HistoryError> {
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            self.safe.clone_from(&self.stored);
        }
        Ok(())
    }
}

fn cursors(connection: &Connection) -> Result<Cursors, HistoryError> {
    let mut statement = connection.prepare("SELECT partition, position FROM cursor")?;
    let rows = statement.query_map([], |row| Ok((PartitionId(row.get(0)?), Position(row.get::<_, i64>(1)? as u64))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Series and buckets as the file has them.
fn known(connection: &Connection) -> Result<Memory, HistoryError> {
    let mut memory = Memory::default();
    let mut statement = connection.prepare("SELECT id, device, quantity, day FROM series ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (device, quantity): (String, String) = (row.get(1)?, row.get(2)?);
        // A name that is none was never written by us; its readings are out of reach by name anyway.
        if let (Ok(device), Ok(quantity)) = (DeviceId::new(&device), Quantity::new(&quantity)) {
            memory.know(row.get(0)?, device, quantity, row.get(3)?);
        }
    }
    // From one bucket to the next by the key, without reading what is in them.
    let mut after = i64::MIN;
    let mut statement = connection.prepare("SELECT min(bucket) FROM chunk WHERE bucket >= ?1")?;
    while let Some(bucket) = statement.query_row([after], |row| row.get::<_, Option<i64>>(0))? {
        memory.buckets.insert(bucket);
        after = bucket.saturating_add(1);
        if bucket == bucket_of(i64::MAX) {
            break;
        }
    }
    Ok(memory)
}
