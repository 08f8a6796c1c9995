//! The mains: goes out before one of the next operations of all disks on it, and stays out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// A switch that several disks share. Clones are the same switch.
#[derive(Clone, Debug)]
pub struct Power(Arc<AtomicI64>);

impl Default for Power {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }
}

impl Power {
    /// The power goes out before the `n`th changing operation from now on (0: at once).
    pub fn cut_in(&self, n: u32) {
        self.0.store(i64::from(n), Relaxed);
    }

    /// Whether it is out. Then nothing changes on the disks any more.
    pub fn is_out(&self) -> bool {
        self.0.load(Relaxed) <= 0
    }

    /// One operation that changes something.
    pub(super) fn spend(&self) -> io::Result<()> {
        if self.is_out() || (self.0.load(Relaxed) != i64::MAX && self.0.fetch_sub(1, Relaxed) == 1) {
            return Err(io::Error::other("the power is out"));
        }
        Ok(())
    }
}
