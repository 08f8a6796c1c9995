//! Space set aside for when others fill the disk: given up, it lets the log's owner say that the disk is full, and go on
//! with what is urgent.
//!
//! A file of its own with nothing in it but reserved blocks. Where a file system cannot reserve there is no ballast.

use std::io;

use crate::disk::Disk;

/// Its name in the log's directory.
const NAME: &str = "ballast";

/// The ballast of one log.
#[derive(Debug)]
pub(super) struct Ballast {
    bytes: u64,
    held: bool,
}

impl Ballast {
    /// Sets `bytes` aside, or takes over what an earlier process had. A disk that is full already is no error.
    pub(super) fn open(disk: &dyn Disk, bytes: u64) -> Self {
        let mut ballast = Self { bytes, held: false };
        ballast.replenish(disk);
        ballast
    }

    /// Gives the space up; true where there was some.
    pub(super) fn relieve(&mut self, disk: &dyn Disk) -> bool {
        if !self.held {
            return false;
        }
        self.held = false;
        disk.remove(NAME).is_ok()
    }

    /// Sets the space aside again; true where all of it is there, or none is wanted.
    pub(super) fn replenish(&mut self, disk: &dyn Disk) -> bool {
        if self.held || self.bytes == 0 {
            return true;
        }
        match self.reserve(disk) {
            Ok(()) => self.held = true,
            Err(error) => {
                // A part of it would be missing elsewhere. What is not there cannot be removed.
                drop(disk.remove(NAME));
                if error.kind() == io::ErrorKind::Unsupported {
                    self.bytes = 0;
                }
            }
        }
        self.held || self.bytes == 0
    }

    fn reserve(&self, disk: &dyn Disk) -> io::Result<()> {
        let file = match disk.create(NAME) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => disk.open(NAME),
            made => made,
        }?;
        file.reserve(self.bytes)
    }
}
