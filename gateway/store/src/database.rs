//! The SQLite files from outside: copied while their owner writes to them, checked, asked how far they are.
//!
//! A copy is one transaction's view of the file, taken by SQLite's own backup interface in one step: the owner goes on
//! writing, and only its write-ahead log cannot be emptied meanwhile. The copy is a single file without companions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use maibo_core::id::{PartitionId, Position};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::history::Cursors;

/// How often a busy file is tried.
const TRIES: u32 = 100;
/// Wait between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a database cannot be copied or read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite failed.
    #[error("use {path}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// What is in it does not hold together.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        what: String,
    },
    /// Somebody writes to it all the time.
    #[error("{path} is busy")]
    Busy {
        /// Which file.
        path: PathBuf,
    },
}

impl DatabaseError {
    /// Whether the file itself is at fault, and not the moment.
    pub fn is_damaged(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => crate::damage::is_damaged(source),
            Self::Damaged { .. } => true,
            Self::Busy { .. } => false,
        }
    }
}

fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> DatabaseError + '_ {
    |source| DatabaseError::Sqlite { path: path.to_owned(), source }
}

fn read_only(path: &Path) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite(path))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite(path))?;
    Ok(connection)
}

/// Copies the database at `from`, in use or not, to `to`, which must not exist. Not synced.
///
/// # Errors
/// [`DatabaseError`]; what is at `to` is then no use.
pub fn copy(from: &Path, to: &Path) -> Result<(), DatabaseError> {
    let source = read_only(from)?;
    let mut target = Connection::open(to).map_err(sqlite(to))?;
    let backup = Backup::new(&source, &mut target).map_err(sqlite(from))?;
    let mut tries = 0;
    loop {
        match backup.step(-1).map_err(sqlite(from))? {
            StepResult::Done => break,
            _ if tries == TRIES => return Err(DatabaseError::Busy { path: from.to_owned() }),
            _ => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
        }
    }
    drop(backup);
    // The mode is copied too; without it the file stands alone, and its owner sets it again.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(sqlite(to))?;
    target.close().map_err(|(_, source)| sqlite(to)(source))
}

/// Makes the file stand alone, without companions; nobody else has it open. It is synced then.
///
/// # Errors
/// SQLite's.
pub fn settle(path: &Path) -> Result<(), DatabaseError> {
    let connection = Connection::open(path).map_err(sqlite(path))?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite(path))?;
    connection.pragma_update(None, "journal_mode", "DELETE").map_err(sqlite(path))?;
    connection.close().map_err(|(_, source)| sqlite(path)(source))
}

/// Reads the whole file and checks that it holds together.
///
/// # Errors
/// [`DatabaseError::Damaged`] where it does not.
pub fn check(path: &Path) -> Result<(), DatabaseError> {
    let connection = read_only(path)?;
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite(path))?;
    if said == "ok" { Ok(()) } else { Err(DatabaseError::Damaged { path: path.to_owned(), what: said }) }
}

/// The format its owner gave it; 0 where it has none yet. Leaves nothing beside the file that was not there.
///
/// # Errors
/// Where it cannot be read.
pub fn format(path: &Path) -> Result<i64, DatabaseError> {
    let mut companion = path.as_os_str().to_owned();
    companion.push("-wal");
    // A write-ahead log may have a later one than the file.
    if std::fs::metadata(companion).is_ok_and(|wal| wal.len() > 0) {
        return read_only(path)?.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sqlite(path));
    }
    let damaged = |what: String| DatabaseError::Damaged { path: path.to_owned(), what };
    let mut head = [0; 100];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.map_err(|error| damaged(error.to_string()))?;
    if !head.starts_with(b"SQLite format 3\0") {
        return Err(damaged("this is no database".to_owned()));
    }
    Ok(i64::from(i32::from_be_bytes([head[60], head[61], head[62], head[63]])))
}

/// Of a follower of the facts log (`state.db`, `outbox.db`): the next fact it wants.
///
/// # Errors
/// SQLite's.
pub fn facts_wanted(path: &Path) -> Result<Option<u64>, DatabaseError> {
    let next: Option<i64> =
        read_only(path)?.query_row("SELECT next FROM cursor", [], |row| row.get(0)).map_err(sqlite(path))?;
    Ok(next.map(|next| next as u64))
}

/// Of a follower of the inputs log (`history.db`): what it has of each partition.
///
/// # Errors
/// SQLite's.
pub fn inputs_had(path: &Path) -> Result<Cursors, DatabaseError> {
    let connection = read_only(path)?;
    let mut statement = connection.prepare("SELECT partition, position FROM cursor").map_err(sqlite(path))?;
    let rows = statement.query_map([], |row| Ok((PartitionId(row.get(0)?), Position(row.get::<_, i64>(1)? as u64))));
    rows.and_then(Iterator::collect).map_err(sqlite(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // Row 21: a copy taken while somebody writes is one moment of the file, alone and whole; a damaged file is told.
    #[test]
    fn a_copy_is_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.db"), dir.path().join("b.db"));
        let writer = Connection::open(&from).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "user_version", 4).unwrap();
        writer.execute_batch("CREATE TABLE cursor (next INTEGER); INSERT INTO cursor VALUES (7);").unwrap();
        writer.execute_batch("BEGIN; UPDATE cursor SET next = 8;").unwrap();
        copy(&from, &to).unwrap();
        writer.execute_batch("COMMIT;").unwrap();
        assert_eq!(facts_wanted(&to).unwrap(), Some(7));
        assert_eq!(facts_wanted(&from).unwrap(), Some(8));
        assert_eq!((format(&to).unwrap(), format(&from).unwrap()), (4, 4));
        check(&to).unwrap();
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert!(names.iter().all(|n| !n.to_string_lossy().starts_with("b.db-")), "{names:?}");
        std::fs::write(&to, b"no database at all, but long enough to look at").unwrap();
        assert!(check(&to).unwrap_err().is_damaged());
        assert!(copy(&to, &dir.path().join("c.db")).unwrap_err().is_damaged());
    }
}
