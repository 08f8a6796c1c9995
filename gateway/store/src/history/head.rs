//! The readings of one series in one bucket while they are in memory: sorted, packed, without doubles.
//!
//! A head is three parts, each reading in exactly one: `saved` is in SQLite already (as part of a tail), `fresh` is not,
//! and `recent` is the unpacked end of `fresh`. Packed readings lie in leaves ([`Leaves`]), so that looking for one
//! time unpacks few of them, in whatever order they came.
//!
//! Times here are relative to the bucket's start: `0..BUCKET_MS`.
//!
//! Invariant: no two readings of a head have the same time; of those that came, the first is kept.

use std::cmp::Ordering;

use maibo_core::reading::Quality;

use super::chunk::{ChunkError, Sample};
use super::leaves::Leaves;

/// Readings kept unpacked. Fewer than a leaf, for there is one such list for every series that reports.
const RECENT: usize = 16;

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is there now.
    New,
    /// There was an equal one of the same time.
    Duplicate,
    /// There was a different one of the same time, which stays.
    Conflict,
}

/// Two readings of one time and series.
pub(super) fn same_time(first: &Sample, second: &Sample) -> Kept {
    // The zeros are equal, and so is what is no number.
    let order = first.value.partial_cmp(&second.value);
    if order == Some(Ordering::Equal) || (first.value.is_nan() && second.value.is_nan()) {
        Kept::Duplicate
    } else {
        Kept::Conflict
    }
}

/// A reading in 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Near {
    t: u32,
    quality: Quality,
    value: f64,
}

impl Near {
    fn sample(&self) -> Sample {
        Sample { t: i64::from(self.t), value: self.value, quality: self.quality }
    }
}

/// One series in one bucket.
#[derive(Debug, Default)]
pub(super) struct Head {
    saved: Leaves,
    fresh: Leaves,
    recent: Vec<Near>,
    /// Latest time of all, once there is one.
    latest: u32,
    count: u32,
    unsaved: u32,
    /// Bytes as last measured, and the capacity of `recent` then.
    measured: usize,
    recent_capacity: usize,
}

impl Head {
    /// How many readings there are.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// How many of them SQLite does not have.
    pub(super) fn unsaved(&self) -> usize {
        self.unsaved as usize
    }

    /// Brings a sum of bytes up to date with this head, where it may have grown.
    pub(super) fn measure(&mut self, sum: &mut usize) {
        // Packed readings change when `recent` was emptied; between that only its few bytes do.
        if self.recent.len() > 1 && self.recent.capacity() == self.recent_capacity {
            return;
        }
        self.recent_capacity = self.recent.capacity();
        let bytes =
            size_of::<Self>() + self.recent_capacity * size_of::<Near>() + self.saved.bytes() + self.fresh.bytes();
        *sum = (*sum + bytes).saturating_sub(self.measured);
        self.measured = bytes;
    }

    /// Takes this head out of a sum of bytes.
    pub(super) fn forget(&self, sum: &mut usize) {
        *sum = sum.saturating_sub(self.measured);
    }

    /// Takes a reading unless there is one of its time.
    pub(super) fn insert(&mut self, sample: Sample) -> Result<Kept, ChunkError> {
        let t = sample.t as u32;
        if self.count > 0
            && t <= self.latest
            && let Some(first) = self.find(t)?
        {
            return Ok(same_time(&first, &sample));
        }
        self.latest = self.latest.max(t);
        self.count += 1;
        self.unsaved += 1;
        self.recent.push(Near { t, quality: sample.quality, value: sample.value });
        if self.recent.len() >= RECENT {
            self.pack()?;
        }
        Ok(Kept::New)
    }

    /// Takes what SQLite has, in order of time. What is there already is left as it is.
    pub(super) fn restore(&mut self, samples: &[Sample]) -> Result<(), ChunkError> {
        let behind = self.count == 0 || samples.first().is_some_and(|s| s.t > i64::from(self.latest));
        let mut new = Vec::with_capacity(samples.len());
        for sample in samples {
            if behind || self.find(sample.t as u32)?.is_none() {
                new.push(*sample);
            }
        }
        self.count += new.len() as u32;
        self.latest = new.last().map_or(self.latest, |s| self.latest.max(s.t as u32));
        self.saved.absorb(&new)
    }

    /// Appends the readings that SQLite does not have, in order of time.
    pub(super) fn read_unsaved(&self, out: &mut Vec<Sample>) -> Result<(), ChunkError> {
        let before = out.len();
        self.fresh.read(out)?;
        out.extend(self.recent.iter().map(Near::sample));
        sort_from(out, before);
        Ok(())
    }

    /// Appends all readings, in order of time.
    pub(super) fn read(&self, out: &mut Vec<Sample>) -> Result<(), ChunkError> {
        let before = out.len();
        self.saved.read(out)?;
        self.fresh.read(out)?;
        out.extend(self.recent.iter().map(Near::sample));
        sort_from(out, before);
        Ok(())
    }

    /// From now on all of it is in SQLite.
    pub(super) fn mark_saved(&mut self) -> Result<(), ChunkError> {
        let mut unsaved = Vec::with_capacity(self.unsaved as usize);
        self.read_unsaved(&mut unsaved)?;
        self.saved.absorb(&unsaved)?;
        self.fresh = Leaves::default();
        self.recent = Vec::new();
        self.unsaved = 0;
        Ok(())
    }

    fn find(&self, t: u32) -> Result<Option<Sample>, ChunkError> {
        if let Some(near) = self.recent.iter().find(|n| n.t == t) {
            return Ok(Some(near.sample()));
        }
        for leaves in [&self.fresh, &self.saved] {
            if leaves.last().is_some_and(|last| t <= last)
                && let Some(found) = leaves.find(t)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn pack(&mut self) -> Result<(), ChunkError> {
        self.recent.sort_by_key(|n| n.t);
        let samples: Vec<Sample> = self.recent.iter().map(Near::sample).collect();
        self.fresh.absorb(&samples)?;
        self.recent.clear();
        Ok(())
    }
}

/// Sorts what lies behind `before`; nothing to do for readings that came in order.
fn sort_from(samples: &mut [Sample], before: usize) {
    if let Some(new) = samples.get_mut(before..)
        && !new.is_sorted_by_key(|s| s.t)
    {
        new.sort_by_key(|s| s.t);
    }
}

/// Adds to `first`, in order of time, what `second` has at other times; says what became of those at the same time.
pub(super) fn merge(first: &[Sample], second: &[Sample], mut doubled: impl FnMut(Kept)) -> Vec<Sample> {
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let mut first = first.iter().peekable();
    for sample in second {
        while let Some(before) = first.next_if(|f| f.t < sample.t) {
            merged.push(*before);
        }
        match first.peek() {
            Some(same) if same.t == sample.t => doubled(same_time(same, sample)),
            _ => merged.push(*sample),
        }
    }
    merged.extend(first);
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn sample(t: u32, n: i64) -> Sample {
        Sample { t: i64::from(t), value: n as f64 / 10.0, quality: Quality::Good }
    }

    proptest! {
        // Same series, same millisecond: the first wins; everything else is there once, in order, whatever the order it
        // came in, wherever in between the head was saved.
        #[test]
        fn a_head_is_a_sorted_map(
            readings in prop::collection::vec((0_u32..600, -3_i64..3, 0_u8..40), 0..800)
        ) {
            let mut model: BTreeMap<u32, i64> = BTreeMap::new();
            let (mut head, mut saved) = (Head::default(), 0);
            for (t, n, save) in readings {
                let wanted = match model.get(&t) {
                    None => Kept::New,
                    Some(m) if *m == n => Kept::Duplicate,
                    Some(_) => Kept::Conflict,
                };
                model.entry(t).or_insert(n);
                prop_assert_eq!(head.insert(sample(t, n)).expect("inserts"), wanted);
                if save == 0 {
                    head.mark_saved().expect("saves");
                    saved = model.len();
                }
                prop_assert_eq!(head.unsaved(), model.len() - saved);
            }
            let mut all = Vec::new();
            head.read(&mut all).expect("reads");
            let wanted: Vec<Sample> = model.iter().map(|(t, n)| sample(*t, *n)).collect();
            prop_assert_eq!(&all, &wanted);
            prop_assert_eq!(head.count(), wanted.len());
        }

        // What is restored after a restart joins what is there already without doubling it.
        #[test]
        fn restoring_adds_only_what_is_missing(
            there in prop::collection::btree_map(0_u32..300, -3_i64..3, 0..100),
            restored in prop::collection::btree_map(0_u32..300, -3_i64..3, 0..100)
        ) {
            let mut head = Head::default();
            for (t, n) in &there {
                head.insert(sample(*t, *n)).expect("inserts");
            }
            let samples: Vec<Sample> = restored.iter().map(|(t, n)| sample(*t, *n)).collect();
            head.restore(&samples).expect("restores");
            let mut wanted = restored;
            wanted.extend(there);
            let mut all = Vec::new();
            head.read(&mut all).expect("reads");
            prop_assert_eq!(all, wanted.iter().map(|(t, n)| sample(*t, *n)).collect::<Vec<_>>());
        }
    }

    // Merging keeps the first of two readings of a time and says which kind of double the other was.
    #[test]
    fn merging_keeps_the_first() {
        let (mut duplicates, mut conflicts) = (0, 0);
        let merged = merge(
            &[sample(1, 1), sample(3, 3)],
            &[sample(0, 0), sample(1, 1), sample(3, 4), sample(9, 9)],
            |k| match k {
                Kept::Duplicate => duplicates += 1,
                Kept::Conflict => conflicts += 1,
                Kept::New => {}
            },
        );
        assert_eq!(merged, [sample(0, 0), sample(1, 1), sample(3, 3), sample(9, 9)]);
        assert_eq!((duplicates, conflicts), (1, 1));
    }
}
