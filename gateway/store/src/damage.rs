//! SQLite files that are no use any more: how to tell them, and how to put them out of the way.

use std::path::{Path, PathBuf};

/// Whether the file itself is at fault: no database, or a damaged one. Anything else may pass.
pub(crate) fn is_damaged(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// Renames the file to `NAME.damaged`; its companions belong to it and go.
pub fn put_aside(path: &Path) {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    // What is not there need not go; what cannot go makes the next opening fail.
    let _ = std::fs::rename(path, with(".damaged"));
    let _ = std::fs::remove_file(with("-wal"));
    let _ = std::fs::remove_file(with("-shm"));
}
