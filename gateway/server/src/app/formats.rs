//! Looks at the format version of every file before any is opened for writing, so that a Maibo that is older than its
//! data changes nothing.

use std::path::{Path, PathBuf};

use maibo_store::disk::os::OsDisk;
use maibo_store::file_log::survey::newer;
use maibo_store::{database, history, outbox, state};

use crate::influx;

/// A file that a newer Maibo wrote.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} has format version {found}; this program knows up to {known}. A newer Maibo wrote it: start that one, or \
     restore a backup made before the upgrade. Nothing was changed"
)]
pub struct FormatError {
    /// Which file.
    pub path: PathBuf,
    /// The version found.
    pub found: i64,
    /// The latest version this program knows.
    pub known: i64,
}

/// The databases and what this program knows of each.
const DATABASES: [(&str, i64); 3] =
    [("state.db", state::FORMAT), ("history.db", history::FORMAT), ("outbox.db", outbox::FORMAT)];

/// Answers the first file of a later format. What cannot be read is not judged here: whoever opens it says so.
pub(super) fn check(dir: &Path) -> Result<(), FormatError> {
    for log in ["inputs", "facts"] {
        let path = dir.join(log);
        let found = OsDisk::reading(&path).and_then(|disk| newer(&disk));
        if let Ok(Some(newer)) = found {
            let (found, known) = (newer.found.into(), newer.known.into());
            return Err(FormatError { path: path.join(newer.file), found, known });
        }
    }
    let (path, known) = (dir.join(influx::CURSOR), influx::cursor::FORMAT);
    if let Ok(Some(found)) = influx::cursor::format(&path)
        && found > known
    {
        return Err(FormatError { path, found, known });
    }
    for (name, known) in DATABASES {
        let path = dir.join(name);
        if let Ok(found) = database::format(&path)
            && found > known
        {
            return Err(FormatError { path, found, known });
        }
    }
    Ok(())
}
