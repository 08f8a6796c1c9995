//! Format versions, without reading what is behind them.

use std::io;

use crate::disk::Disk;
use crate::file_log::{segment, snapshot};

/// A file of a later format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newer {
    /// Its name in the log's directory.
    pub file: String,
    /// The version found.
    pub found: u16,
    /// The version this program knows.
    pub known: u16,
}

/// The first segment or snapshot of a later format version.
///
/// # Errors
/// Where the operating system fails.
pub fn newer(disk: &dyn Disk) -> io::Result<Option<Newer>> {
    for file in disk.list()? {
        let (magic, known) = match () {
            () if segment::ordinal(&file).is_some() => (segment::MAGIC, segment::VERSION),
            () if snapshot::partition(&file).is_some() => (snapshot::MAGIC, snapshot::VERSION),
            () => continue,
        };
        // Magic and version begin both.
        let mut head = [0; 10];
        if disk.open(&file)?.read_at(0, &mut head)? < head.len() || head[..8] != magic {
            continue;
        }
        let found = u16::from_le_bytes([head[8], head[9]]);
        if found > known {
            return Ok(Some(Newer { file, found, known }));
        }
    }
    Ok(None)
}
