//! SQLite files that are no use any more: how to tell them, and how to put them out of the way.

use std::path::{Path, PathBuf};

/// Whether the file itself is at fault: no database, or a damaged one. Anything else may pass.
pub(crate) fn is_damaged(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// Most files of one name that are kept aside; then the last of them is written over.
const ASIDE_MAX: u32 = 9;

/// Renames the file to `NAME.damaged`, or `NAME.2.damaged` and so on where that is there already; its companions belong
/// to it and go.
pub fn put_aside(path: &Path) {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let numbered = (2..=ASIDE_MAX).map(|n| with(&format!(".{n}.damaged")));
    let free = std::iter::once(with(".damaged")).chain(numbered).find(|aside| !aside.exists());
    let aside = free.unwrap_or_else(|| with(&format!(".{ASIDE_MAX}.damaged")));
    // What is not there need not go; what cannot go makes the next opening fail.
    let _ = std::fs::rename(path, aside);
    let _ = std::fs::remove_file(with("-wal"));
    let _ = std::fs::remove_file(with("-shm"));
}

/// What [`put_aside`] has put aside of a file, the first first.
pub fn aside(path: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else { return Vec::new() };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours = |file: &str| file.strip_prefix(name).is_some_and(|rest| rest.ends_with(".damaged"));
    let mut found: Vec<PathBuf> =
        entries.filter(|e| e.file_name().to_str().is_some_and(ours)).map(|e| e.path()).collect();
    found.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    // P2: a second damaged file does not take the place of the first, of which something may still be wanted.
    #[test]
    fn nothing_put_aside_is_written_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("history.db");
        for n in 1..=3 {
            std::fs::write(&path, n.to_string()).expect("write");
            put_aside(&path);
            assert!(!path.exists());
        }
        std::fs::write(dir.path().join("outbox.db.damaged"), "other").expect("write");
        let kept: Vec<String> = aside(&path).iter().map(|path| std::fs::read_to_string(path).expect("read")).collect();
        assert_eq!(kept, ["1", "2", "3"]);
    }
}
