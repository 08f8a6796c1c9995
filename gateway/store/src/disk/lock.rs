//! One process per data directory: an advisory lock on the file `lock` in it, which also names the holder.
//!
//! The operating system lets go of the lock when the holder dies, however it dies; the file itself stays.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::FlockOperation;

/// Name of the lock file.
const FILE: &str = "lock";

/// Held until dropped.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// Why a directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("in use by another process{}", .pid.map(|p| format!(" (pid {p})")).unwrap_or_default())]
    Held {
        /// Which, where the lock file says so.
        pid: Option<u32>,
    },
    /// The lock file cannot be opened or written.
    #[error("lock file")]
    Io(#[from] io::Error),
}

impl DirLock {
    /// Takes the lock of directory `dir`, which must exist, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] where another process, or this one, has it already.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(FILE))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::Held { pid: holder(&mut file) }),
            Err(e) => return Err(LockError::Io(e.into())),
        }
        // The pid is for the message a second process shows; the lock holds without it, even on a full disk.
        if file.set_len(0).is_ok() {
            drop(writeln!(file, "{}", std::process::id()));
        }
        Ok(Self { _file: file })
    }

    /// Keeps everybody from writing while the directory is read, and writes nothing itself. Several may look at a time.
    /// `None` where there is no lock file: nobody has ever written there.
    ///
    /// # Errors
    /// [`LockError::Held`] where somebody writes there.
    pub fn look(dir: &Path) -> Result<Option<Self>, LockError> {
        let mut file = match File::open(dir.join(FILE)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Held { pid: holder(&mut file) }),
            Err(e) => Err(LockError::Io(e.into())),
        }
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
