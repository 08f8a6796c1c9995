//! Queries, from any thread: what is in memory first, then what is on disk.
//!
//! Readings only move from memory to disk, so in this order none is missed, and one that is found in both is the same.
//! Every statement is one short read of one row, so that a query over a month never holds up SQLite's checkpoints.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use maibo_core::id::{DeviceId, Quantity};
use maibo_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::chunk::Sample;
use super::counts::Counts;
use super::head::merge;
use super::memory::Shared;
use super::settle::{Stored, stored};
use super::{BUCKET_MS, HistoryError, bucket_of, connect, start_of};

/// Most points of one answer.
pub const POINTS_MAX: usize = 5_000;
/// Most readings of one answer.
pub const RAW_MAX: usize = 100_000;

/// One step of a chart: the comparable readings in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Start of the step.
    pub t: Timestamp,
    /// Smallest value.
    pub min: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
    /// How many.
    pub count: u64,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// In order of time.
    pub items: Vec<T>,
    /// Spans (from, to) in which stored readings are damaged and missing here.
    pub damaged: Vec<(Timestamp, Timestamp)>,
    /// True where the limit cut the answer short.
    pub more: bool,
}

/// Reads history; clones share one connection.
#[derive(Clone)]
pub struct HistoryReader {
    connection: Arc<Mutex<Connection>>,
    shared: Arc<Shared>,
}

impl HistoryReader {
    pub(super) fn open(path: &Path, shared: Arc<Shared>) -> Result<Self, HistoryError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), shared })
    }

    /// `points` steps (1..=[`POINTS_MAX`]) over `from..to`. Steps without a comparable, finite value are left out.
    ///
    /// # Errors
    /// SQLite's.
    pub fn range(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Answer<Point>, HistoryError> {
        let steps = points.clamp(1, POINTS_MAX) as u64;
        let width = from.0.abs_diff(to.0.max(from.0)).div_ceil(steps).max(1);
        let mut items: Vec<Point> = Vec::new();
        let damaged = self.visit(device, quantity, from, to, |sample| {
            if sample.quality.comparable() && sample.value.is_finite() {
                let step = from.0.abs_diff(sample.t) / width * width;
                let t = Timestamp(from.0.saturating_add_unsigned(step));
                match items.last_mut().filter(|p| p.t == t) {
                    Some(point) => add(point, sample.value),
                    None => items.push(first(t, sample.value)),
                }
            }
            ControlFlow::Continue(())
        })?;
        for point in &mut items {
            // A sum beyond the largest float is no reason for a mean beyond the largest value.
            point.mean = (point.mean / point.count as f64).clamp(point.min, point.max);
        }
        Ok(Answer { items, damaged, more: false })
    }

    /// The first `limit` (at most [`RAW_MAX`]) readings in `from..to`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn raw(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Answer<Sample>, HistoryError> {
        let (mut items, mut more) = (Vec::new(), false);
        let damaged = self.visit(device, quantity, from, to, |sample| {
            if items.len() >= limit.min(RAW_MAX) {
                more = true;
                return ControlFlow::Break(());
            }
            items.push(sample);
            ControlFlow::Continue(())
        })?;
        Ok(Answer { items, damaged, more })
    }

    /// The reading with the latest event time.
    ///
    /// # Errors
    /// SQLite's.
    pub fn latest(&self, device: &DeviceId, quantity: &Quantity) -> Result<Option<Sample>, HistoryError> {
        let Some((id, buckets)) = self.in_memory(device, quantity, i64::MIN, i64::MAX)? else { return Ok(None) };
        for (bucket, memory) in buckets.iter().rev() {
            let on_disk = self.on_disk(*bucket, id)?;
            if let Some(last) = merge(&on_disk.samples, memory, |_| {}).last() {
                return Ok(Some(absolute(last, *bucket)));
            }
        }
        Ok(None)
    }

    /// What there is history of for a device.
    pub fn quantities(&self, device: &DeviceId) -> Vec<Quantity> {
        self.shared.read().quantities(device)
    }

    /// What became of readings so far.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Hands on every reading in `from..to` in order of time; gives the damaged spans it came across.
    fn visit(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        mut each: impl FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<Vec<(Timestamp, Timestamp)>, HistoryError> {
        let mut damaged = Vec::new();
        if to <= from {
            return Ok(damaged);
        }
        let wanted = self.in_memory(device, quantity, bucket_of(from.0), bucket_of(to.0 - 1))?;
        let Some((id, buckets)) = wanted else { return Ok(damaged) };
        for (bucket, memory) in buckets {
            let on_disk = self.on_disk(bucket, id)?;
            if on_disk.damaged > 0 {
                let start = start_of(bucket);
                damaged.push((Timestamp(start), Timestamp(start.saturating_add(BUCKET_MS))));
            }
            for sample in merge(&on_disk.samples, &memory, |_| {}) {
                let sample = absolute(&sample, bucket);
                if (from.0..to.0).contains(&sample.t) && each(sample).is_break() {
                    return Ok(damaged);
                }
            }
        }
        Ok(damaged)
    }

    /// The series, and its buckets that may hold something, each with what is in memory.
    #[expect(clippy::type_complexity, reason = "an answer in two parts, used twice here")]
    fn in_memory(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        first: i64,
        last: i64,
    ) -> Result<Option<(u32, BTreeMap<i64, Vec<Sample>>)>, HistoryError> {
        let memory = self.shared.read();
        let Some(id) = memory.id(device, quantity) else { return Ok(None) };
        let mut buckets: BTreeMap<i64, Vec<Sample>> =
            memory.buckets.range(first..=last).map(|b| (*b, Vec::new())).collect();
        let heads =
            memory.series.get(&id).map(|s| s.heads.within(&(first..last.saturating_add(1)))).unwrap_or_default();
        for (bucket, head) in heads {
            head.read(buckets.entry(*bucket).or_default())?;
        }
        Ok(Some((id, buckets)))
    }

    fn on_disk(&self, bucket: i64, id: u32) -> Result<Stored, HistoryError> {
        stored(&self.connection.lock().unwrap_or_else(PoisonError::into_inner), bucket, id)
    }
}

fn absolute(sample: &Sample, bucket: i64) -> Sample {
    Sample { t: start_of(bucket).saturating_add(sample.t), ..*sample }
}

/// A step begins; its mean is a sum until all is in.
fn first(t: Timestamp, value: f64) -> Point {
    Point { t, min: value, mean: value, max: value, count: 1 }
}

fn add(point: &mut Point, value: f64) {
    point.min = point.min.min(value);
    point.max = point.max.max(value);
    point.mean += value;
    point.count += 1;
}
