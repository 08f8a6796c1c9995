//! Takes what is whole out of a history database, damaged or not, into another one.
//!
//! For a rebuild: readings that the inputs log does not have any more are in no other place. Rows whose checksum is wrong
//! and pages that SQLite cannot read are passed over, and their spans told. Cursors are left behind, so that the log is
//! read from its beginning: what is there already is recognised.
//!
//! Limits: the saved tails of open buckets are in memory at once; one transaction a bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maibo_core::id::{DeviceId, Quantity};
use maibo_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::chunk::{self, READINGS_MAX, Sample};
use super::head::merge;
use super::settle::stored;
use super::{BUCKET_MS, HistoryError, bucket_of, connect, schema, start_of, tail};
use crate::damage::is_damaged;

/// What was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Readings.
    pub readings: u64,
    /// Begin of the first bucket with any, and end of the last.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Spans in which something could not be read, in order.
    pub damaged: Vec<(Timestamp, Timestamp)>,
}

/// One series of the old file as it is called in the new one, by its old number.
type Names = BTreeMap<u32, u32>;
/// Readings by bucket and new number.
type Readings = BTreeMap<(i64, u32), Vec<Sample>>;

/// Adds what is whole in the database at `from` to the one at `into`, which is created where there is none.
///
/// # Errors
/// Where `into` cannot be written, or `from` is of a newer format. Damage in `from` is no error.
pub fn salvage(from: &Path, into: &Path) -> Result<Salvage, HistoryError> {
    let mut target = connect(into, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    schema::migrate(&mut target)?;
    let mut salvage = Salvage::default();
    let everything = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    // The owner is not there: its write-ahead log is taken in, which needs a connection that may write.
    let source = match connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map(|source| (schema::found(&source), source)) {
        Ok((Ok(found), source)) if found == schema::VERSION => source,
        Ok((Ok(found), _)) if !(0..=schema::VERSION).contains(&found) => {
            return Err(HistoryError::Newer { found, known: schema::VERSION });
        }
        Err(error) | Ok((Err(error), _)) if !error.is_damaged() => return Err(error),
        _ => {
            salvage.damaged.push(everything);
            return Ok(salvage);
        }
    };
    let Some(names) = whole(names(&source, &target))? else {
        salvage.damaged.push(everything);
        return Ok(salvage);
    };
    let mut bad = BTreeSet::new();
    let mut after = i64::MIN;
    loop {
        let next = source.query_row("SELECT min(bucket) FROM chunk WHERE bucket >= ?1", [after], |row| row.get(0));
        let Some(next) = whole(next.map_err(HistoryError::from))? else {
            // Which buckets there are from here on cannot be known.
            salvage.damaged.push((Timestamp(start_of(after)), everything.1));
            break;
        };
        let next: Option<i64> = next;
        let Some(bucket) = next else { break };
        let mut readings = Readings::new();
        match whole(chunks(&source, bucket, &names, &mut readings))? {
            Some(0) => {}
            _ => {
                bad.insert(bucket);
            }
        }
        put(&mut target, &readings, &mut salvage)?;
        if bucket >= bucket_of(i64::MAX) {
            break;
        }
        after = bucket + 1;
    }
    let mut readings = Readings::new();
    match whole(tails(&source, &names, &mut readings, &mut bad))? {
        Some(()) => {}
        None => salvage.damaged.push(everything),
    }
    put(&mut target, &readings, &mut salvage)?;
    let spans = bad.into_iter().map(|b| (Timestamp(start_of(b)), Timestamp(start_of(b).saturating_add(BUCKET_MS))));
    salvage.damaged.extend(spans);
    salvage.damaged.sort_unstable();
    Ok(salvage)
}

/// `None` where the file is at fault.
fn whole<T>(result: Result<T, HistoryError>) -> Result<Option<T>, HistoryError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(HistoryError::Sqlite(error)) if is_damaged(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the series of the old file known in the new one.
fn names(source: &Connection, target: &Connection) -> Result<Names, HistoryError> {
    let mut names = Names::new();
    let mut statement = source.prepare("SELECT id, device, quantity, day FROM series ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (old, device, quantity, day): (u32, String, String, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if DeviceId::new(&device).is_err() || Quantity::new(&quantity).is_err() {
            continue;
        }
        let known: Option<u32> = target
            .prepare_cached("SELECT id FROM series WHERE device = ?1 AND quantity = ?2")?
            .query_row((&device, &quantity), |row| row.get(0))
            .optional()?;
        let new = match known {
            Some(id) => {
                target.prepare_cached("UPDATE series SET day = max(day, ?2) WHERE id = ?1")?.execute((id, day))?;
                id
            }
            None => target
                .prepare_cached("INSERT INTO series (device, quantity, day) VALUES (?1, ?2, ?3) RETURNING id")?
                .query_row((&device, &quantity, day), |row| row.get(0))?,
        };
        names.insert(old, new);
    }
    Ok(names)
}

/// Reads one bucket; answers how many rows are damaged.
fn chunks(source: &Connection, bucket: i64, names: &Names, into: &mut Readings) -> Result<u32, HistoryError> {
    let mut damaged = 0;
    let mut statement = source.prepare_cached("SELECT series, data FROM chunk WHERE bucket = ?1 ORDER BY series, n")?;
    let mut rows = statement.query([bucket])?;
    while let Some(row) = rows.next()? {
        let series: u32 = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let mut samples = Vec::new();
        let read = chunk::unseal(data, bucket, series).and_then(|packed| chunk::decode(packed, &mut samples));
        match names.get(&series) {
            Some(new) if read.is_ok() => add(into, bucket, *new, &samples),
            _ => damaged += 1,
        }
    }
    Ok(damaged)
}

fn tails(source: &Connection, names: &Names, into: &mut Readings, bad: &mut BTreeSet<i64>) -> Result<(), HistoryError> {
    let mut statement = source.prepare("SELECT bucket, data FROM tail ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bucket: i64 = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let read = tail::read(data, bucket, |series, samples| {
            if let Some(new) = names.get(&series) {
                add(into, bucket, *new, samples);
            }
            Ok(())
        })?;
        if !read {
            bad.insert(bucket);
        }
    }
    Ok(())
}

/// Adds readings of which those that are there came first.
fn add(into: &mut Readings, bucket: i64, series: u32, samples: &[Sample]) {
    let there = into.entry((bucket, series)).or_default();
    *there = merge(there, samples, |_| {});
}

fn put(target: &mut Connection, readings: &Readings, salvage: &mut Salvage) -> Result<(), HistoryError> {
    let transaction = target.transaction()?;
    for ((bucket, series), samples) in readings.iter().filter(|(_, samples)| !samples.is_empty()) {
        let before = stored(&transaction, *bucket, *series)?.samples;
        let mut all = merge(&before, samples, |_| {});
        all.truncate(READINGS_MAX.max(before.len()));
        let row = chunk::seal(chunk::encode(&all), *bucket, *series);
        transaction
            .prepare_cached("INSERT OR REPLACE INTO chunk VALUES (?1, ?2, 0, ?3)")?
            .execute((bucket, series, row))?;
        salvage.readings += (all.len() - before.len()) as u64;
        let (start, end) = (start_of(*bucket), start_of(*bucket).saturating_add(BUCKET_MS));
        let span = salvage.span.unwrap_or((Timestamp(start), Timestamp(end)));
        salvage.span = Some((span.0.min(Timestamp(start)), span.1.max(Timestamp(end))));
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests;
