//! Tables and their versions. `user_version` says which of the steps a file has seen.

use rusqlite::Connection;

use super::OutboxError;

/// Each step is applied once, in order, in a transaction with its `user_version`.
const STEPS: &[&str] = &[
    // `head` marks the one row of an episode that may be under way at a receiver; `urgency` is the highest level that
    // waits with it. `closed_at` is when this outbox learned that the episode is over, so that a Maibo that was down for
    // days still gives a receiver its 24 hours. `reported` says that the outcome is in the facts log. Bodies of rows that
    // are delivered or superseded are emptied; those of dead ones are kept for a person to look at.
    "CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER) STRICT;
     INSERT INTO cursor VALUES (1, NULL);
     CREATE TABLE delivery (
       id INTEGER PRIMARY KEY,
       message TEXT NOT NULL UNIQUE,
       receiver TEXT NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       latest INTEGER NOT NULL,
       urgency INTEGER NOT NULL,
       created_at INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'superseded', 'dead')),
       head INTEGER NOT NULL DEFAULT 0 CHECK (head = 0 OR state = 'pending'),
       attempts INTEGER NOT NULL DEFAULT 0,
       next_at INTEGER NOT NULL,
       last_error TEXT,
       needs_operator INTEGER NOT NULL DEFAULT 0,
       settled_at INTEGER CHECK ((settled_at IS NULL) = (state = 'pending')),
       closed_at INTEGER,
       reported INTEGER NOT NULL DEFAULT 0,
       UNIQUE (receiver, episode, version)
     ) STRICT;
     CREATE UNIQUE INDEX delivery_head ON delivery (receiver, episode) WHERE head = 1;
     CREATE INDEX delivery_due ON delivery (receiver, urgency, next_at, id) WHERE head = 1;
     CREATE INDEX delivery_pending ON delivery (receiver, id) WHERE state = 'pending';
     CREATE INDEX delivery_closed ON delivery (closed_at) WHERE state = 'pending' AND closed_at IS NOT NULL;
     CREATE INDEX delivery_settled ON delivery (settled_at, id) WHERE settled_at IS NOT NULL;
     CREATE INDEX delivery_unreported ON delivery (settled_at, id) WHERE settled_at IS NOT NULL AND reported = 0;
     CREATE INDEX delivery_state ON delivery (state, id);
     CREATE INDEX delivery_receiver ON delivery (receiver, id);",
];

/// The format this binary writes.
const VERSION: i64 = STEPS.len() as i64;

/// Brings a file to the present format.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OutboxError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(done) = usize::try_from(found).ok().filter(|n| *n <= STEPS.len()) else {
        return Err(OutboxError::Newer { found, known: VERSION });
    };
    for (n, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", n as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
