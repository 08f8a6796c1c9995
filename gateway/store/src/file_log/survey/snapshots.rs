//! Snapshot files from outside.

use std::io;

use maibo_core::id::{PartitionId, Position};

use super::Problem;
use crate::disk::Disk;
use crate::file_log::snapshot;

/// A snapshot: as of which position, and the state.
pub type State = (Position, Vec<u8>);

/// A snapshot file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Whose.
    pub partition: PartitionId,
    /// Its name in the log's directory.
    pub name: String,
}

impl SnapshotFile {
    /// Position and state, or what is wrong with it.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn read(&self, disk: &dyn Disk) -> io::Result<Result<State, Problem>> {
        let problem = |what: String| Problem { file: self.name.clone(), offset: 0, what };
        Ok(match snapshot::look(disk, self.partition.0)? {
            snapshot::Look::Gone => Err(problem("is gone".to_owned())),
            snapshot::Look::Whole(position, state) => Ok((Position(position), state)),
            snapshot::Look::Damaged => Err(problem("no whole snapshot".to_owned())),
            snapshot::Look::Newer(found) => {
                Err(problem(format!("has format version {found}; this program reads version {}", snapshot::VERSION)))
            }
        })
    }
}

/// The snapshot files that are there, by partition.
///
/// # Errors
/// Where the operating system fails.
pub fn snapshot_files(disk: &dyn Disk) -> io::Result<Vec<SnapshotFile>> {
    let names = disk.list()?.into_iter();
    let ours = names.filter_map(|name| Some((snapshot::partition(&name)?, name)));
    Ok(ours.map(|(partition, name)| SnapshotFile { partition: PartitionId(partition), name }).collect())
}

/// Copies the snapshots that are there now, as they are, and answers their names. Each is whole: its owner replaces it
/// by renaming.
///
/// # Errors
/// Where the operating system fails.
pub fn copy_snapshots(from: &dyn Disk, to: &dyn Disk) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for SnapshotFile { name, .. } in snapshot_files(from)? {
        let file = match from.open(&name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        super::copy::copy_file(&*file, file.len()?, to, &name)?;
        names.push(name);
    }
    to.sync_dir()?;
    Ok(names)
}
