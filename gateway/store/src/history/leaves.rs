//! Packed readings of one series in one bucket, sorted, in whatever order they came.
//!
//! They lie in leaves of at most [`LEAF`] whose spans do not overlap: looking for one time unpacks one leaf, and taking in
//! readings rewrites only the leaves between which they lie.

use super::chunk::{self, ChunkError, Sample};

/// Readings packed together.
const LEAF: usize = 64;

/// Packed readings.
#[derive(Debug)]
struct Leaf {
    first: u32,
    last: u32,
    count: u32,
    packed: Box<[u8]>,
}

impl Leaf {
    /// `samples` is not empty and within a bucket.
    fn new(samples: &[Sample]) -> Self {
        let time = |s: Option<&Sample>| s.map_or(0, |s| s.t as u32);
        let (first, last) = (time(samples.first()), time(samples.last()));
        Self { first, last, count: samples.len() as u32, packed: chunk::encode(samples).into_boxed_slice() }
    }
}

/// Leaves in order of time.
#[derive(Debug, Default)]
pub(super) struct Leaves(Vec<Leaf>);

impl Leaves {
    pub(super) fn last(&self) -> Option<u32> {
        self.0.last().map(|l| l.last)
    }

    /// The leaf in which a time would lie.
    fn place(&self, t: u32) -> usize {
        self.0.partition_point(|l| l.first <= t).saturating_sub(1)
    }

    pub(super) fn find(&self, t: u32) -> Result<Option<Sample>, ChunkError> {
        let Some(leaf) = self.0.get(self.place(t)).filter(|l| (l.first..=l.last).contains(&t)) else { return Ok(None) };
        let mut samples = Vec::with_capacity(leaf.count as usize);
        chunk::decode(&leaf.packed, &mut samples)?;
        Ok(samples.into_iter().find(|s| s.t == i64::from(t)))
    }

    pub(super) fn read(&self, out: &mut Vec<Sample>) -> Result<(), ChunkError> {
        self.0.iter().try_for_each(|leaf| chunk::decode(&leaf.packed, out))
    }

    /// Takes in readings in order of time, none of which is there yet.
    pub(super) fn absorb(&mut self, mut samples: &[Sample]) -> Result<(), ChunkError> {
        while let Some(first) = samples.first() {
            let at = self.place(first.t as u32);
            let until = self.0.get(at + 1).map_or(i64::MAX, |next| i64::from(next.first));
            let (these, rest) = samples.split_at(samples.partition_point(|s| s.t < until));
            self.absorb_at(at, these)?;
            samples = rest;
        }
        Ok(())
    }

    /// Takes readings into one leaf, or several in its place.
    fn absorb_at(&mut self, at: usize, samples: &[Sample]) -> Result<(), ChunkError> {
        let Some(leaf) = self.0.get(at) else {
            self.put(at..at, samples, LEAF);
            return Ok(());
        };
        let behind = samples.first().is_some_and(|s| s.t > i64::from(leaf.last));
        if behind && leaf.count as usize >= LEAF {
            self.put(at + 1..at + 1, samples, LEAF);
            return Ok(());
        }
        let mut merged = Vec::with_capacity(leaf.count as usize + samples.len());
        chunk::decode(&leaf.packed, &mut merged)?;
        merged.extend_from_slice(samples);
        // What comes behind fills leaves; what comes between leaves room for more of its kind.
        let size = if behind || merged.len() <= LEAF { LEAF } else { LEAF / 2 };
        if !behind {
            merged.sort_by_key(|s| s.t);
        }
        self.put(at..at + 1, &merged, size);
        Ok(())
    }

    fn put(&mut self, range: std::ops::Range<usize>, samples: &[Sample], size: usize) {
        // Most series have a leaf or two: growing by doubling would cost as much again as what is in them.
        if self.0.len() < 8 {
            self.0.reserve_exact(samples.len().div_ceil(size));
        }
        self.0.splice(range, samples.chunks(size).map(Leaf::new));
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Leaf>() + self.0.iter().map(|l| l.packed.len()).sum::<usize>()
    }
}
