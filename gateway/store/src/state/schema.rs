//! Tables and their versions. `user_version` says which of the steps a file has seen.

use rusqlite::Connection;

use super::StateError;

/// Each step is applied once, in order, in a transaction with its `user_version`.
const STEPS: &[&str] = &[
    // `opened` is the index of the episode's first fact: it never changes, so a cursor over it stays valid while alerts
    // come and go. `body` is the canonical form of the latest transition; the other columns are there to be filtered by.
    "CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL) STRICT;
     INSERT INTO cursor VALUES (1, 0);
     CREATE TABLE alert (
       opened INTEGER PRIMARY KEY,
       episode TEXT NOT NULL UNIQUE,
       version INTEGER NOT NULL,
       rule TEXT NOT NULL,
       device TEXT,
       district TEXT,
       domain TEXT NOT NULL,
       level TEXT NOT NULL,
       state TEXT NOT NULL,
       acknowledged INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;
     CREATE INDEX alert_open ON alert (state, opened);
     CREATE INDEX alert_device ON alert (device, opened) WHERE device IS NOT NULL;
     CREATE INDEX alert_rule ON alert (rule, opened);
     CREATE TABLE alert_version (
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       fact INTEGER NOT NULL,
       at INTEGER NOT NULL,
       recorded INTEGER NOT NULL,
       state TEXT NOT NULL,
       level TEXT NOT NULL,
       reason TEXT NOT NULL,
       value REAL,
       actor TEXT,
       PRIMARY KEY (episode, version)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE delivery (
       id INTEGER PRIMARY KEY,
       receiver TEXT NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       outcome TEXT NOT NULL,
       attempts INTEGER NOT NULL,
       error TEXT,
       created INTEGER NOT NULL,
       settled INTEGER NOT NULL,
       UNIQUE (receiver, episode, version)
     ) STRICT;
     CREATE INDEX delivery_outcome ON delivery (outcome, id);",
    // `opened` is the index of the incident's first fact. An alert may be known here before its incident is, and the other
    // way round: both come from facts of their own.
    "CREATE TABLE incident (
       opened INTEGER PRIMARY KEY,
       id TEXT NOT NULL UNIQUE,
       state TEXT NOT NULL,
       district TEXT,
       domain TEXT NOT NULL,
       updated INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;
     CREATE INDEX incident_state ON incident (state, opened);
     CREATE TABLE membership (episode TEXT PRIMARY KEY, incident TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE INDEX membership_incident ON membership (incident);",
    // The whole transition of a version, for the sentence about it; missing in rows that are older than this.
    "ALTER TABLE alert_version ADD COLUMN body BLOB;",
    // What rules on trial would have told, by the index of the episode's first fact; `total` counts openings of a rule,
    // also those that are forgotten.
    "CREATE TABLE shadow (
       opened INTEGER PRIMARY KEY,
       episode TEXT NOT NULL UNIQUE,
       rule TEXT NOT NULL,
       recorded INTEGER NOT NULL,
       first TEXT NOT NULL,
       transitions INTEGER NOT NULL,
       raised INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;
     CREATE INDEX shadow_rule ON shadow (rule, opened);
     CREATE TABLE shadow_total (rule TEXT PRIMARY KEY, total INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE activation (fact INTEGER PRIMARY KEY, at INTEGER NOT NULL, version TEXT NOT NULL, actor TEXT) STRICT;",
    // Of response plans: a fact that no earlier binary wrote.
    "CREATE TABLE plan_activation (fact INTEGER PRIMARY KEY, at INTEGER NOT NULL, version TEXT NOT NULL, actor TEXT) STRICT;",
];

/// The format this binary writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Brings a file to the present format.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(done) = usize::try_from(found).ok().filter(|n| *n <= STEPS.len()) else {
        return Err(StateError::Newer { found, known: VERSION });
    };
    for (n, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", n as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: a file of the first format keeps its versions; they have no sentence, and that is no damage.
    #[test]
    fn the_first_format_is_brought_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        let connection = Connection::open(&path).expect("opens");
        connection.execute_batch(STEPS[0]).expect("the first format");
        connection.pragma_update(None, "user_version", 1).expect("sets");
        let episode = maibo_core::id::EpisodeId::parse("9b262799d5c0984c31351e2c682a1e3d").expect("an id");
        connection
            .execute(
                "INSERT INTO alert_version VALUES (?1, 1, 0, 5, 6, 'firing', 'red', 'threshold', 1.5, NULL)",
                [episode.to_string()],
            )
            .expect("inserts");
        drop(connection);
        drop(crate::state::StateWriter::open(&path).expect("migrates"));
        let versions = crate::state::StateReader::open(&path).expect("opens").versions(episode).expect("reads");
        assert_eq!(versions.len(), 1);
        assert_eq!((versions[0].reason.as_str(), versions[0].alert.is_none()), ("threshold", true));
    }
}
