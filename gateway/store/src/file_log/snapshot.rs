//! One file per partition with its state as of a position, replaced whole by writing beside it and renaming.
//!
//! ```text
//!  0  8 bytes  magic
//!  8  u16      version, 1
//! 10  u16      partition
//! 12  u32      CRC-32C of everything but itself
//! 16  u64      position
//! 24           state
//! ```
//!
//! A snapshot that is not whole is no snapshot: it costs a longer replay, never data. It may be lost, so it is never the
//! only reason to drop a record that [`super::FileLogOptions::keep_unsnapshotted`] would not have dropped.

use std::collections::BTreeMap;
use std::io;

use super::OpenError;
use super::segment::UNFINISHED;
use crate::disk::Disk;
use crate::log::SnapshotError;
use maibo_core::id::Position;

pub(super) const MAGIC: [u8; 8] = *b"MAIBOSNP";
pub(super) const VERSION: u16 = 1;
const HEAD: usize = 24;
/// Longest state, in bytes.
pub(super) const STATE_MAX: usize = 256 * 1024 * 1024;

/// Where each partition's snapshot stands.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    positions: BTreeMap<u16, u64>,
}

fn name(partition: u16) -> String {
    format!("snapshot-{partition:05}")
}

pub(super) fn partition(file: &str) -> Option<u16> {
    let partition = file.strip_prefix("snapshot-")?.parse().ok()?;
    (name(partition) == file).then_some(partition)
}

impl Snapshots {
    /// Looks at all snapshots among `files`; answers also why some are ignored. One of a later version is refused: a
    /// replay instead would write over it.
    pub(super) fn open(disk: &dyn Disk, files: &[String]) -> Result<(Self, Vec<String>), OpenError> {
        let (mut snapshots, mut ignored) = (Self::default(), Vec::new());
        for (file, partition) in files.iter().filter_map(|f| partition(f).map(|p| (f, p))) {
            let io = |source| OpenError::Io { what: format!("read {file}"), source };
            match look(disk, partition).map_err(io)? {
                Look::Whole(position, _) => {
                    snapshots.positions.insert(partition, position);
                }
                Look::Newer(found) => return Err(OpenError::Version { file: file.clone(), found }),
                Look::Gone | Look::Damaged => ignored.push(format!("{file} is damaged")),
            }
        }
        Ok((snapshots, ignored))
    }

    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    pub(super) fn position(&self, partition: u16) -> Option<u64> {
        self.positions.get(&partition).copied()
    }

    /// The snapshot of a partition. One found damaged since is forgotten, so that it can be replaced.
    pub(super) fn load(&mut self, disk: &dyn Disk, partition: u16) -> io::Result<Option<(Position, Vec<u8>)>> {
        if self.position(partition).is_none() {
            return Ok(None);
        }
        let found = read(disk, partition)?;
        self.note(partition, found.as_ref().map(|(position, _)| *position));
        Ok(found.map(|(position, state)| (Position(position), state)))
    }

    pub(super) fn save(
        &mut self,
        disk: &dyn Disk,
        partition: u16,
        expected: Option<Position>,
        position: Position,
        state: &[u8],
    ) -> Result<(), SnapshotError> {
        let found = self.position(partition).map(Position);
        if found != expected {
            return Err(SnapshotError::Conflict { found });
        }
        if state.len() > STATE_MAX {
            let error = format!("a state of {} bytes is longer than {STATE_MAX}", state.len());
            return Err(SnapshotError::Io(io::Error::new(io::ErrorKind::InvalidInput, error)));
        }
        match replace(disk, partition, position.0, state) {
            Ok(()) => {
                self.note(partition, Some(position.0));
                Ok(())
            }
            Err(error) => {
                // The old one or the new one: whichever is there now is the one to compare with.
                self.note(partition, read(disk, partition).ok().flatten().map(|(at, _)| at));
                Err(SnapshotError::Io(error))
            }
        }
    }

    fn note(&mut self, partition: u16, position: Option<u64>) {
        match position {
            Some(position) => self.positions.insert(partition, position),
            None => self.positions.remove(&partition),
        };
    }
}

fn replace(disk: &dyn Disk, partition: u16, position: u64, state: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEAD + state.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&partition.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&position.to_le_bytes());
    bytes.extend_from_slice(state);
    let crc = checksum(&bytes);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let name = name(partition);
    let unfinished = format!("{name}{UNFINISHED}");
    match disk.remove(&unfinished) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = disk.create(&unfinished).and_then(|file| file.append(&bytes).and_then(|()| file.sync()));
    if let Err(error) = written {
        // Gives its room back; a leftover is removed the next time.
        drop(disk.remove(&unfinished));
        return Err(error);
    }
    disk.rename(&unfinished, &name)?;
    disk.sync_dir()
}

fn read(disk: &dyn Disk, partition: u16) -> io::Result<Option<(u64, Vec<u8>)>> {
    Ok(match look(disk, partition)? {
        Look::Whole(position, state) => Some((position, state)),
        Look::Gone | Look::Damaged | Look::Newer(_) => None,
    })
}

/// What stands under a snapshot's name.
pub(super) enum Look {
    /// Nothing.
    Gone,
    /// A snapshot: position and state.
    Whole(u64, Vec<u8>),
    /// Something that is no whole snapshot.
    Damaged,
    /// One of this later format version.
    Newer(u16),
}

pub(super) fn look(disk: &dyn Disk, partition: u16) -> io::Result<Look> {
    let file = match disk.open(&name(partition)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Look::Gone),
        file => file?,
    };
    let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
    let mut head = [0; HEAD];
    if file.read_at(0, &mut head)? == HEAD && head[..8] == MAGIC {
        let version = u16::from_le_bytes([head[8], head[9]]);
        // A later version may end otherwise, so its checksum is not judged.
        if version > VERSION {
            return Ok(Look::Newer(version));
        }
    }
    if !(HEAD..=HEAD + STATE_MAX).contains(&len) {
        return Ok(Look::Damaged);
    }
    let mut bytes = vec![0; len];
    let whole = file.read_at(0, &mut bytes)? == len
        && bytes[..8] == MAGIC
        && bytes[8..10] == VERSION.to_le_bytes()
        && bytes[10..12] == partition.to_le_bytes()
        && bytes[12..16] == checksum(&bytes).to_le_bytes();
    if !whole {
        return Ok(Look::Damaged);
    }
    let position = super::record::u64_at(&bytes, 16);
    bytes.drain(..HEAD);
    Ok(Look::Whole(position, bytes))
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..])
}
