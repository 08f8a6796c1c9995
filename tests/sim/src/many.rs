//! Many cases, on all cores.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::{Case, Summary};

/// What many cases did.
#[derive(Debug, Default)]
pub struct Total {
    /// How many there were.
    pub cases: u64,
    /// The seeds of those in which something did not hold.
    pub failed: Vec<u64>,
    /// The others, added up; without the digests.
    pub sum: Summary,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { starts, failed_starts, cuts, acknowledged, facts, heard, .. } = self.sum;
        write!(
            f,
            "{} cases: {} failed; {starts} starts of which {failed_starts} died on the way, {cuts} power cuts, \
             {acknowledged} readings acknowledged, {facts} facts, {heard} messages delivered",
            self.cases,
            self.failed.len()
        )
    }
}

impl Total {
    fn add(&mut self, seed: u64, case: Option<Summary>) {
        self.cases += 1;
        let Some(case) = case else {
            self.failed.push(seed);
            return;
        };
        let sum = &mut self.sum;
        sum.starts += case.starts;
        sum.failed_starts += case.failed_starts;
        sum.cuts += case.cuts;
        sum.acknowledged += case.acknowledged;
        sum.facts += case.facts;
        sum.heard += case.heard;
    }
}

/// Runs the cases of these seeds.
pub fn many(seeds: Range<u64>) -> Total {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Total::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let case = std::panic::catch_unwind(|| Case::new(seed, false).run()).ok();
                    total.lock().unwrap_or_else(PoisonError::into_inner).add(seed, case);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}
