//! Writes a head as the chunk of its series and bucket, joined with what is stored there already.
//!
//! Joining is what makes late readings, early writing and interrupted checkpoints all the same: whatever was stored
//! before came first, stays, and is met again as a duplicate.

use rusqlite::{Connection, params};

use super::HistoryError;
use super::chunk::{self, READINGS_MAX, Sample};
use super::counts::Counters;
use super::head::{Head, merge};

/// What is stored of one series in one bucket.
#[derive(Default)]
pub(super) struct Stored {
    /// In order of time.
    pub(super) samples: Vec<Sample>,
    /// Rows whose checksum is wrong.
    pub(super) damaged: u32,
    /// The first free number behind a damaged row.
    free: i64,
}

/// Reads what is stored of one series in one bucket.
pub(super) fn stored(connection: &Connection, bucket: i64, series: u32) -> Result<Stored, HistoryError> {
    let mut statement =
        connection.prepare_cached("SELECT n, data FROM chunk WHERE bucket = ?1 AND series = ?2 ORDER BY n")?;
    let mut rows = statement.query((bucket, series))?;
    let mut stored = Stored::default();
    while let Some(row) = rows.next()? {
        let n: i64 = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let before = stored.samples.len();
        let whole = chunk::unseal(data, bucket, series).and_then(|packed| chunk::decode(packed, &mut stored.samples));
        if whole.is_err() {
            stored.damaged += 1;
            stored.free = n + 1;
        } else if before > 0 {
            let (first, second) = stored.samples.split_at(before);
            stored.samples = merge(first, second, |_| {});
        }
    }
    Ok(stored)
}

/// Writes one head. A damaged row stays where it is, so that what is missing goes on being reported; the readings of the
/// whole ones and the head's are written behind it.
pub(super) fn settle(
    connection: &Connection,
    bucket: i64,
    series: u32,
    head: &Head,
    counters: &Counters,
) -> Result<(), HistoryError> {
    let before = stored(connection, bucket, series)?;
    Counters::add(&counters.damaged, u64::from(before.damaged));
    let mut samples = Vec::with_capacity(head.count());
    head.read(&mut samples)?;
    if !before.samples.is_empty() {
        let there = before.samples.len();
        samples = merge(&before.samples, &samples, |double| counters.count(double));
        if samples.len() > READINGS_MAX {
            let kept = there.max(READINGS_MAX);
            Counters::add(&counters.bucket_full, (samples.len() - kept) as u64);
            samples = full(&before.samples, &samples, kept);
        }
        if samples.len() == there {
            return Ok(());
        }
    }
    connection.prepare_cached("DELETE FROM chunk WHERE bucket = ?1 AND series = ?2 AND n >= ?3")?.execute((
        bucket,
        series,
        before.free,
    ))?;
    let row = chunk::seal(chunk::encode(&samples), bucket, series);
    connection.prepare_cached("INSERT INTO chunk VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        bucket,
        series,
        before.free,
        row
    ])?;
    Ok(())
}

/// The stored readings with as many of the new ones as there is room for, the earliest first.
fn full(stored: &[Sample], all: &[Sample], kept: usize) -> Vec<Sample> {
    let mut room = kept - stored.len();
    let mut stored = stored.iter().peekable();
    all.iter()
        .filter(|sample| {
            if stored.next_if(|s| s.t == sample.t).is_some() {
                return true;
            }
            let fits = room > 0;
            room -= usize::from(fits);
            fits
        })
        .copied()
        .collect()
}
