//! Tables and their versions. `user_version` says which of the steps a file has seen.

use rusqlite::Connection;

use super::HistoryError;

/// Each step is applied once, in order, in a transaction with its `user_version`.
const STEPS: &[&str] = &[
    // `series.day` is the last day (since 1970) with a reading: a series without any left is forgotten by it.
    // `chunk.n` is 0 but for what was written beside a damaged row. Its key begins with the bucket, so that what is
    // written together lies together and a bucket goes at once.
    // `tail` holds new readings of many series of an open bucket, packed together: they are only ever read all at once.
    "CREATE TABLE series (
       id INTEGER PRIMARY KEY,
       device TEXT NOT NULL,
       quantity TEXT NOT NULL,
       day INTEGER NOT NULL,
       UNIQUE (device, quantity)
     ) STRICT;
     CREATE TABLE chunk (
       bucket INTEGER NOT NULL,
       series INTEGER NOT NULL,
       n INTEGER NOT NULL,
       data BLOB NOT NULL,
       PRIMARY KEY (bucket, series, n)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE tail (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
     CREATE TABLE cursor (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;",
];

/// The format this binary writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// The format of a file; 0 where it has none yet.
pub(super) fn found(connection: &Connection) -> Result<i64, HistoryError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings a file to the present format.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), HistoryError> {
    let found = found(connection)?;
    let Some(done) = usize::try_from(found).ok().filter(|n| *n <= STEPS.len()) else {
        return Err(HistoryError::Newer { found, known: VERSION });
    };
    for (n, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", n as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
