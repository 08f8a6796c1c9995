//! How much room a file system has.

use std::io;
use std::path::Path;

/// What a file system has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What unprivileged processes may still write.
    pub free: u64,
    /// All of it.
    pub whole: u64,
}

impl Room {
    /// Of the file system that holds `path`.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self { free: found.f_bavail * found.f_frsize, whole: found.f_blocks * found.f_frsize })
    }

    /// The free part in per cent; of a file system without a size all of it.
    pub fn percent(self) -> f64 {
        if self.whole == 0 { 100.0 } else { self.free as f64 / self.whole as f64 * 100.0 }
    }
}
