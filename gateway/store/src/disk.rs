//! The only way to the file system, so that tests can put a disk behind it that tears, reorders and fails.

use std::io;
use std::sync::Arc;

pub mod lock;
pub mod mem;
pub mod os;
pub mod room;

/// One open file. Writes are appends; a file is written by one owner and may be read by others.
pub trait DiskFile: Send + Sync {
    /// Appends all of `bytes`.
    ///
    /// # Errors
    /// After an error an unknown prefix of `bytes` may have been written; the owner truncates to its last good length.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written so far survive power loss.
    ///
    /// # Errors
    /// After an error nothing is known about any unsynced byte, and a second call may lie: never retry on this file.
    fn sync(&self) -> io::Result<()>;

    /// Reads up to `buf.len()` bytes at `offset`; fewer at the end of the file.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Current length in bytes, excluding any preallocated tail.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn len(&self) -> io::Result<u64>;

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|n| n == 0)
    }

    /// Cuts the file to `len` bytes; later appends go there.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Sets space aside so that appends up to a length of `len` bytes cannot fail for lack of it. [`Self::len`] stays,
    /// and [`Self::truncate`] gives back what lies behind the new length.
    ///
    /// # Errors
    /// `StorageFull` where there is not that much, `Unsupported` where the file system cannot do it.
    fn reserve(&self, len: u64) -> io::Result<()>;
}

/// One directory of files, named without separators.
pub trait Disk: Send + Sync {
    /// Creates a file that must not exist yet, open for appending and reading.
    ///
    /// # Errors
    /// Where it exists, or the operating system fails.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for appending and reading.
    ///
    /// # Errors
    /// Where there is none, or the operating system fails.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Names in the directory, sorted.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Removes a file.
    ///
    /// # Errors
    /// Where there is none, or the operating system fails.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Renames a file over another, atomically.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes creations, removals and renames survive power loss.
    ///
    /// # Errors
    /// Where the operating system fails.
    fn sync_dir(&self) -> io::Result<()>;
}
