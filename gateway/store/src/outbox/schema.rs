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
    // SQLite cannot change a CHECK: the table is made anew. `silenced` and the words behind it are versions that are not
    // told, listed with the reason; those that this binary does not write yet are there so that they need no new table.
    "CREATE TABLE fresh (
       id INTEGER PRIMARY KEY,
       message TEXT NOT NULL UNIQUE,
       receiver TEXT NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       latest INTEGER NOT NULL,
       urgency INTEGER NOT NULL,
       created_at INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL CHECK
         (state IN ('pending', 'delivered', 'superseded', 'dead', 'silenced', 'grouped', 'inhibited', 'muted')),
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
     INSERT INTO fresh SELECT * FROM delivery;
     DROP TABLE delivery;
     ALTER TABLE fresh RENAME TO delivery;
     CREATE UNIQUE INDEX delivery_head ON delivery (receiver, episode) WHERE head = 1;
     CREATE INDEX delivery_due ON delivery (receiver, urgency, next_at, id) WHERE head = 1;
     CREATE INDEX delivery_pending ON delivery (receiver, id) WHERE state = 'pending';
     CREATE INDEX delivery_closed ON delivery (closed_at) WHERE state = 'pending' AND closed_at IS NOT NULL;
     CREATE INDEX delivery_settled ON delivery (settled_at, id) WHERE settled_at IS NOT NULL;
     CREATE INDEX delivery_unreported ON delivery (settled_at, id) WHERE settled_at IS NOT NULL AND reported = 0;
     CREATE INDEX delivery_state ON delivery (state, id);
     CREATE INDEX delivery_receiver ON delivery (receiver, id);",
    // Versions that wait because something withholds them are `held`, by the word in `held`. `hold` says of an episode what
    // withholds it: `parent` its cause (without one, and with `expires`: whether there is one is not decided yet, or that
    // came too late), `muted_until`, `maintenance` the id of what is in `maintenance` while it is under way; `look_at` is when any of this
    // ends by itself.
    "CREATE TABLE fresh (
       id INTEGER PRIMARY KEY,
       message TEXT NOT NULL UNIQUE,
       receiver TEXT NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       latest INTEGER NOT NULL,
       urgency INTEGER NOT NULL,
       created_at INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL CHECK
         (state IN ('pending', 'delivered', 'superseded', 'dead', 'silenced', 'grouped', 'inhibited', 'muted', 'maintenance', 'held')),
       head INTEGER NOT NULL DEFAULT 0 CHECK (head = 0 OR state = 'pending'),
       attempts INTEGER NOT NULL DEFAULT 0,
       next_at INTEGER NOT NULL,
       last_error TEXT,
       needs_operator INTEGER NOT NULL DEFAULT 0,
       settled_at INTEGER CHECK ((settled_at IS NULL) = (state IN ('pending', 'held'))),
       closed_at INTEGER,
       reported INTEGER NOT NULL DEFAULT 0,
       held TEXT CHECK ((held IS NULL) = (state <> 'held')),
       UNIQUE (receiver, episode, version)
     ) STRICT;
     INSERT INTO fresh SELECT *, NULL FROM delivery;
     DROP TABLE delivery;
     ALTER TABLE fresh RENAME TO delivery;
     CREATE UNIQUE INDEX delivery_head ON delivery (receiver, episode) WHERE head = 1;
     CREATE INDEX delivery_due ON delivery (receiver, urgency, next_at, id) WHERE head = 1;
     CREATE INDEX delivery_pending ON delivery (receiver, id) WHERE state = 'pending';
     CREATE INDEX delivery_closed ON delivery (closed_at) WHERE state = 'pending' AND closed_at IS NOT NULL;
     CREATE INDEX delivery_settled ON delivery (settled_at, id) WHERE settled_at IS NOT NULL;
     CREATE INDEX delivery_unreported ON delivery (settled_at, id) WHERE settled_at IS NOT NULL AND reported = 0;
     CREATE INDEX delivery_state ON delivery (state, id);
     CREATE INDEX delivery_receiver ON delivery (receiver, id);
     CREATE INDEX delivery_held ON delivery (episode) WHERE state = 'held';
     CREATE TABLE hold (
       episode TEXT PRIMARY KEY,
       parent TEXT,
       expires INTEGER,
       muted_until INTEGER,
       maintenance TEXT,
       device TEXT,
       place TEXT,
       look_at INTEGER,
       over INTEGER NOT NULL DEFAULT 0
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX hold_look ON hold (look_at) WHERE look_at IS NOT NULL;
     CREATE INDEX hold_parent ON hold (parent) WHERE parent IS NOT NULL;
     CREATE INDEX hold_maintenance ON hold (maintenance) WHERE maintenance IS NOT NULL;
     CREATE TABLE maintenance (id TEXT PRIMARY KEY, device TEXT, place TEXT, words TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    // `historic` are versions of what lay in the past, of which only the last is told; `settles` is when no more of it is
    // waited for.
    "CREATE TABLE fresh (
       id INTEGER PRIMARY KEY,
       message TEXT NOT NULL UNIQUE,
       receiver TEXT NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       latest INTEGER NOT NULL,
       urgency INTEGER NOT NULL,
       created_at INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL CHECK
         (state IN ('pending', 'delivered', 'superseded', 'dead', 'silenced', 'grouped', 'inhibited', 'muted', 'maintenance', 'held', 'historic')),
       head INTEGER NOT NULL DEFAULT 0 CHECK (head = 0 OR state = 'pending'),
       attempts INTEGER NOT NULL DEFAULT 0,
       next_at INTEGER NOT NULL,
       last_error TEXT,
       needs_operator INTEGER NOT NULL DEFAULT 0,
       settled_at INTEGER CHECK ((settled_at IS NULL) = (state IN ('pending', 'held'))),
       closed_at INTEGER,
       reported INTEGER NOT NULL DEFAULT 0,
       held TEXT CHECK ((held IS NULL) = (state <> 'held')),
       UNIQUE (receiver, episode, version)
     ) STRICT;
     INSERT INTO fresh SELECT * FROM delivery;
     DROP TABLE delivery;
     ALTER TABLE fresh RENAME TO delivery;
     CREATE UNIQUE INDEX delivery_head ON delivery (receiver, episode) WHERE head = 1;
     CREATE INDEX delivery_due ON delivery (receiver, urgency, next_at, id) WHERE head = 1;
     CREATE INDEX delivery_pending ON delivery (receiver, id) WHERE state = 'pending';
     CREATE INDEX delivery_closed ON delivery (closed_at) WHERE state = 'pending' AND closed_at IS NOT NULL;
     CREATE INDEX delivery_settled ON delivery (settled_at, id) WHERE settled_at IS NOT NULL;
     CREATE INDEX delivery_unreported ON delivery (settled_at, id) WHERE settled_at IS NOT NULL AND reported = 0;
     CREATE INDEX delivery_state ON delivery (state, id);
     CREATE INDEX delivery_receiver ON delivery (receiver, id);
     CREATE INDEX delivery_held ON delivery (episode) WHERE state = 'held';
     ALTER TABLE hold ADD COLUMN settles INTEGER;",
    // Each version that is told has a tenth of a second of its own, the same for all receivers: some formats know a message
    // by its second and one digit. What was enqueued before has none.
    "ALTER TABLE delivery ADD COLUMN slot INTEGER;
     ALTER TABLE cursor ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;",
    // `grp` is what a version may go together with, `bundle` what it went or goes in: the id of one of the rows in it.
    // `passed`: its receiver's substitute has been told, or need not be. `grouping` says when the next message of a group goes: not before `open_at`, which was `every` after the last.
    "ALTER TABLE delivery ADD COLUMN grp TEXT;
     ALTER TABLE delivery ADD COLUMN bundle INTEGER;
     ALTER TABLE delivery ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
     CREATE INDEX delivery_untaken ON delivery (receiver, created_at) WHERE state = 'pending' AND passed = 0;
     CREATE INDEX delivery_group ON delivery (receiver, grp, urgency DESC, id)
       WHERE head = 1 AND bundle IS NULL AND grp IS NOT NULL;
     CREATE INDEX delivery_bundle ON delivery (bundle) WHERE head = 1 AND bundle IS NOT NULL;
     CREATE TABLE grouping (
       receiver TEXT NOT NULL,
       grp TEXT NOT NULL,
       open_at INTEGER NOT NULL,
       every INTEGER NOT NULL,
       PRIMARY KEY (receiver, grp)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX grouping_open ON grouping (open_at);",
    // A run of a response plan: what it is about, what has to be done, and what happened. `began_at` is when somebody was told
    // first; a task is `open` while its time runs.
    "CREATE TABLE run (
       id INTEGER PRIMARY KEY,
       plan TEXT NOT NULL,
       ground TEXT NOT NULL,
       level INTEGER NOT NULL,
       made_at INTEGER NOT NULL,
       began_at INTEGER,
       ended_at INTEGER
     ) STRICT;
     CREATE UNIQUE INDEX run_open ON run (plan, ground) WHERE ended_at IS NULL;
     CREATE INDEX run_waiting ON run (id) WHERE began_at IS NULL AND ended_at IS NULL;
     CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;
     CREATE TABLE run_alert (
       run INTEGER NOT NULL,
       episode TEXT NOT NULL,
       version INTEGER NOT NULL,
       level INTEGER NOT NULL,
       slot INTEGER NOT NULL,
       body BLOB NOT NULL,
       open INTEGER NOT NULL,
       PRIMARY KEY (run, episode)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX run_alert_episode ON run_alert (episode);
     CREATE TABLE task (
       run INTEGER NOT NULL,
       seq INTEGER NOT NULL,
       name TEXT NOT NULL,
       owner TEXT NOT NULL,
       done INTEGER NOT NULL,
       within INTEGER NOT NULL,
       escalate TEXT NOT NULL,
       open INTEGER NOT NULL DEFAULT 0,
       due_at INTEGER,
       done_at INTEGER,
       done_by TEXT,
       missed_at INTEGER,
       PRIMARY KEY (run, seq)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX task_due ON task (due_at) WHERE open = 1;
     CREATE TABLE run_event (
       id INTEGER PRIMARY KEY,
       run INTEGER NOT NULL,
       at INTEGER NOT NULL,
       kind TEXT NOT NULL,
       task TEXT,
       who TEXT
     ) STRICT;
     CREATE INDEX run_event_run ON run_event (run, at, id);",
    // Who set a dead one aside, and when; it is dead all the same. And what is red and was never tried is found among any
    // number of others: by `> 2`, for with `= 3` SQLite would prepare `urgency = ?` anew whenever another value is bound.
    "ALTER TABLE delivery ADD COLUMN dismissed_at INTEGER;
     ALTER TABLE delivery ADD COLUMN dismissed_by TEXT;
     ALTER TABLE delivery ADD COLUMN dismissed_note TEXT;
     CREATE INDEX delivery_first_red ON delivery (receiver, next_at, id) WHERE head = 1 AND urgency > 2 AND attempts = 0;",
    // Which set of plans is in force behind the cursor, and which a run was begun by. `rung` is how often it was noted that a
    // task is late; `ladder` who is told the next times, as `milliseconds:name,name` with spaces between. `due_at` is when the
    // next one is, and `deadline`, once it was late, when the task was due.
    "ALTER TABLE cursor ADD COLUMN plans TEXT;
     ALTER TABLE run ADD COLUMN plans TEXT;
     ALTER TABLE task ADD COLUMN ladder TEXT NOT NULL DEFAULT '';
     ALTER TABLE task ADD COLUMN rung INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE task ADD COLUMN deadline INTEGER;
     UPDATE task SET rung = 1 WHERE missed_at IS NOT NULL;",
];

/// The format this binary writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

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

#[cfg(test)]
mod tests {
    use super::*;

    // P5: a file of the first format keeps its rows, and takes the outcomes that came later.
    #[test]
    fn the_first_format_is_brought_up() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch(STEPS[0]).expect("the first format");
        connection.pragma_update(None, "user_version", 1).expect("sets");
        let row = |id: i64, state: &str, settled: &str| {
            format!(
                "INSERT INTO delivery (id, message, receiver, episode, version, latest, urgency, created_at, body, state,
                   next_at, settled_at) VALUES ({id}, 'm{id}', 'r', 'e', {id}, 0, 3, 5, x'01', '{state}', 6, {settled})"
            )
        };
        connection.execute_batch(&row(1, "delivered", "9")).expect("inserts");
        connection.execute_batch(&row(2, "pending", "NULL")).expect("inserts");
        migrate(&mut connection).expect("migrates");
        connection.execute_batch(&row(3, "silenced", "9")).expect("the new outcome");
        assert!(connection.execute_batch(&row(4, "lost", "9")).is_err(), "still a closed set");
        let rows: String = connection
            .query_row("SELECT group_concat(id || state || hex(body), ' ' ORDER BY id) FROM delivery", [], |r| r.get(0))
            .expect("reads");
        assert_eq!(rows, "1delivered01 2pending01 3silenced01");
        let indexes: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'delivery_%'", [], |r| {
                r.get(0)
            })
            .expect("reads");
        assert_eq!(indexes, 13);
    }
}
