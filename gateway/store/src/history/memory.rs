//! What history holds in memory: the series by name, their heads, and which buckets have chunks.
//!
//! One writer changes it, readers copy out of it; a lock lies around it. Everything here moves towards SQLite only, so a
//! reader that looks here first and in SQLite afterwards misses nothing, and what it finds twice is equal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use maibo_core::id::{DeviceId, Quantity};
use maibo_core::limit::MAX_LEAD;
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::Timestamp;

use super::chunk::{ChunkError, READINGS_MAX, Sample};
use super::counts::Counters;
use super::head::{Head, Kept};
use super::{BUCKET_MS, Options, bucket_of, kept_from, start_of};

/// Longest that a value is set behind others of its millisecond.
const BURST_MS: i64 = 100;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// Shared by the writer and its readers.
#[derive(Debug, Default)]
pub(super) struct Shared {
    memory: RwLock<Memory>,
    pub(super) counters: Counters,
}

impl Shared {
    pub(super) fn new(memory: Memory) -> Arc<Self> {
        Arc::new(Self { memory: RwLock::new(memory), counters: Counters::default() })
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    /// The last day (since 1970) with a reading.
    pub(super) day: i64,
    /// The same, as SQLite has it; `None` where SQLite does not know the series.
    pub(super) stored_day: Option<i64>,
    pub(super) heads: Heads,
}

/// Heads by bucket, ascending. A few: the open ones, and those of late readings until the next checkpoint.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<(i64, Head)>);

impl Heads {
    /// Those of some buckets.
    pub(super) fn within(&self, buckets: &Range<i64>) -> &[(i64, Head)] {
        let from = self.0.partition_point(|(b, _)| *b < buckets.start);
        let to = self.0.partition_point(|(b, _)| *b < buckets.end);
        self.0.get(from..to).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, bucket: i64) -> Option<&Head> {
        let at = self.0.binary_search_by_key(&bucket, |(b, _)| *b).ok()?;
        self.0.get(at).map(|(_, head)| head)
    }

    fn get_mut(&mut self, bucket: i64) -> Option<&mut Head> {
        let at = self.0.binary_search_by_key(&bucket, |(b, _)| *b).ok()?;
        self.0.get_mut(at).map(|(_, head)| head)
    }

    fn get_or_new(&mut self, bucket: i64) -> &mut Head {
        let at = match self.0.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (bucket, Head::default()));
                at
            }
        };
        &mut self.0[at].1
    }

    fn remove(&mut self, bucket: i64) -> Option<Head> {
        let at = self.0.binary_search_by_key(&bucket, |(b, _)| *b).ok()?;
        Some(self.0.remove(at).1)
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    ids: HashMap<DeviceId, Vec<(Quantity, u32)>>,
    pub(super) series: BTreeMap<u32, Series>,
    next_id: u32,
    /// Buckets that have chunks.
    pub(super) buckets: BTreeSet<i64>,
    /// Bytes of heads, roughly.
    pub(super) bytes: usize,
    /// Readings that are here only.
    pub(super) unsaved: usize,
}

impl Memory {
    /// Adds a series that SQLite knows.
    pub(super) fn know(&mut self, id: u32, device: DeviceId, quantity: Quantity, day: i64) {
        self.ids.entry(device).or_default().push((quantity, id));
        self.series.insert(id, Series { day, stored_day: Some(day), heads: Heads::default() });
        self.next_id = self.next_id.max(id.saturating_add(1));
    }

    pub(super) fn id(&self, device: &DeviceId, quantity: &Quantity) -> Option<u32> {
        self.ids.get(device)?.iter().find(|(q, _)| q == quantity).map(|(_, id)| *id)
    }

    /// What a device measures, as far as there is history of it.
    pub(super) fn quantities(&self, device: &DeviceId) -> Vec<Quantity> {
        self.ids.get(device).map(|all| all.iter().map(|(q, _)| q.clone()).collect()).unwrap_or_default()
    }

    /// Names of the series that SQLite does not know, by id.
    pub(super) fn unknown_to_sqlite(&self) -> Vec<(u32, DeviceId, Quantity, i64)> {
        let mut unknown: Vec<_> = self
            .ids
            .iter()
            .flat_map(|(device, all)| all.iter().map(move |(quantity, id)| (*id, device, quantity)))
            .filter_map(|(id, device, quantity)| {
                let series = self.series.get(&id).filter(|s| s.stored_day.is_none())?;
                Some((id, device.clone(), quantity.clone(), series.day))
            })
            .collect();
        unknown.sort_unstable_by_key(|(id, ..)| *id);
        unknown
    }

    /// Takes a reading, or counts why not.
    pub(super) fn insert(
        &mut self,
        reading: &Reading,
        now: Timestamp,
        options: &Options,
        counters: &Counters,
    ) -> Result<(), ChunkError> {
        let (sample, borrowed) = sample_of(reading);
        let bucket = bucket_of(sample.t);
        if bucket < kept_from(now, options) {
            Counters::add(&counters.too_old, 1);
            return Ok(());
        }
        let Some(id) = self.id_or_new(reading, options) else {
            Counters::add(&counters.series_full, 1);
            return Ok(());
        };
        let Some(series) = self.series.get_mut(&id) else { return Ok(()) };
        let head = series.heads.get_or_new(bucket);
        if head.count() >= READINGS_MAX {
            Counters::add(&counters.bucket_full, 1);
            return Ok(());
        }
        let mut sample = Sample { t: sample.t - start_of(bucket), ..sample };
        let mut kept = head.insert(sample)?;
        // Where the time is ours, values of one millisecond are not in conflict: they came one after the other.
        let last = (sample.t + BURST_MS).min(BUCKET_MS - 1);
        while borrowed && kept == Kept::Conflict && sample.t < last {
            sample.t += 1;
            kept = head.insert(sample)?;
        }
        head.measure(&mut self.bytes);
        if kept == Kept::New {
            self.unsaved += 1;
            series.day = series.day.max((start_of(bucket) + sample.t).div_euclid(DAY_MS));
        }
        counters.count(kept);
        Ok(())
    }

    /// Takes what SQLite has of an open bucket.
    pub(super) fn restore(&mut self, id: u32, bucket: i64, samples: &[Sample]) -> Result<(), ChunkError> {
        let Some(series) = self.series.get_mut(&id) else { return Ok(()) };
        let head = series.heads.get_or_new(bucket);
        head.restore(samples)?;
        head.measure(&mut self.bytes);
        Ok(())
    }

    /// Lets go of a head that is in SQLite as a chunk.
    pub(super) fn settled(&mut self, id: u32, bucket: i64) {
        if let Some(head) = self.series.get_mut(&id).and_then(|s| s.heads.remove(bucket)) {
            head.forget(&mut self.bytes);
            self.unsaved -= head.unsaved().min(self.unsaved);
        }
    }

    /// Notes that SQLite has all of a head, as tails.
    pub(super) fn saved(&mut self, id: u32, bucket: i64) -> Result<(), ChunkError> {
        if let Some(head) = self.series.get_mut(&id).and_then(|s| s.heads.get_mut(bucket)) {
            self.unsaved -= head.unsaved().min(self.unsaved);
            head.mark_saved()?;
            head.measure(&mut self.bytes);
        }
        Ok(())
    }

    /// Forgets series by id.
    pub(super) fn forget(&mut self, ids: &BTreeSet<u32>) {
        for id in ids {
            self.series.remove(id);
        }
        self.ids.retain(|_, all| {
            all.retain(|(_, id)| !ids.contains(id));
            !all.is_empty()
        });
    }

    /// The heads of the wanted buckets, in the order in which chunks lie: by bucket, then series.
    pub(super) fn heads(&self, buckets: &Range<i64>) -> Vec<(i64, u32)> {
        let mut heads: Vec<(i64, u32)> = self
            .series
            .iter()
            .flat_map(|(id, s)| s.heads.within(buckets).iter().map(move |(b, _)| (*b, *id)))
            .collect();
        heads.sort_unstable();
        heads
    }

    pub(super) fn head(&self, id: u32, bucket: i64) -> Option<&Head> {
        self.series.get(&id)?.heads.get(bucket)
    }

    fn id_or_new(&mut self, reading: &Reading, options: &Options) -> Option<u32> {
        if let Some(id) = self.id(&reading.device, &reading.quantity) {
            return Some(id);
        }
        if self.series.len() >= options.series_max || self.next_id == u32::MAX {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.ids.entry(reading.device.clone()).or_default().push((reading.quantity.clone(), id));
        self.series.insert(id, Series { day: i64::MIN, stored_day: None, heads: Heads::default() });
        Some(id)
    }
}

/// A reading at the time it is kept under, and whether that is borrowed.
fn sample_of(reading: &Reading) -> (Sample, bool) {
    let (at, quality) = kept_under(reading);
    let borrowed = quality == Quality::Clock || !reading.timed;
    (Sample { t: at.0, value: reading.value, quality }, borrowed)
}

/// The time under which a reading is kept, and with which quality: the device's own, or where there is none or an
/// impossible one the time it was received.
pub fn kept_under(reading: &Reading) -> (Timestamp, Quality) {
    let wrong = reading.at < Timestamp::EARLIEST
        || reading.at.since(reading.received) > MAX_LEAD
        || reading.quality == Quality::Clock;
    if wrong { (reading.received, Quality::Clock) } else { (reading.at, reading.quality) }
}
