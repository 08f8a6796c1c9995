//! Tails: what is new in open buckets, packed together for many series, written once and read only at a restart.
//!
//! A tail row is a sequence of (series u32, length u32, packed bytes), little endian, sealed as a whole under
//! its bucket. Packing thousands of series into one row makes a checkpoint a few sequential writes.

use rusqlite::Connection;

use super::HistoryError;
use super::chunk::{self, Sample};

/// A row is written when it is this long.
const ROW: usize = 256 * 1024;
/// Stands for the series in a tail's checksum: a tail is of many.
const MANY: u32 = u32::MAX;

/// Collects the tails of one bucket into rows.
#[derive(Default)]
pub(super) struct TailRow {
    bytes: Vec<u8>,
}

impl TailRow {
    /// Adds one series; true when the row is long enough to be written.
    pub(super) fn push(&mut self, series: u32, samples: &[Sample]) -> bool {
        let packed = chunk::encode(samples);
        self.bytes.extend_from_slice(&series.to_le_bytes());
        self.bytes.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&packed);
        self.bytes.len() >= ROW
    }

    /// Writes what was collected, if anything, and begins anew.
    pub(super) fn write(&mut self, connection: &Connection, bucket: i64) -> Result<(), HistoryError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let row = chunk::seal(std::mem::take(&mut self.bytes), bucket, MANY);
        connection.prepare_cached("INSERT INTO tail (bucket, data) VALUES (?1, ?2)")?.execute((bucket, row))?;
        Ok(())
    }
}

/// Reads a row; false where it is damaged. Whatever could be read before was handed on.
pub(super) fn read(
    row: &[u8],
    bucket: i64,
    mut each: impl FnMut(u32, &[Sample]) -> Result<(), HistoryError>,
) -> Result<bool, HistoryError> {
    let Ok(mut rest) = chunk::unseal(row, bucket, MANY) else { return Ok(false) };
    let mut samples = Vec::new();
    while !rest.is_empty() {
        let Some((series, packed, behind)) = split(rest) else { return Ok(false) };
        samples.clear();
        if chunk::decode(packed, &mut samples).is_err() {
            return Ok(false);
        }
        each(series, &samples)?;
        rest = behind;
    }
    Ok(true)
}

/// One entry: series, packed bytes, what follows.
fn split(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (series, bytes) = bytes.split_first_chunk::<4>()?;
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (packed, behind) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((u32::from_le_bytes(*series), packed, behind))
}
