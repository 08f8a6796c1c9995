//! A damaged outbox costs neither the start nor what is still owed.

use std::collections::BTreeSet;
use std::sync::Arc;

use maibo_core::fact::{self, Cause, Fact};
use maibo_core::id::Version;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};

use super::support::{episode, transition};

fn draft(t: fact::Transition) -> Fact {
    let at = t.at;
    let body = fact::Body::Transition(Box::new(t));
    Fact { index: 0, cause: Cause::default(), actor: None, at, rules: Version(0), engine: 1, body }
}

// P5: after damage delivery begins again where the oldest open episode began; closed ones before it are history.
#[test]
fn a_damaged_outbox_begins_at_the_oldest_open_episode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    let log = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0;
    let mut facts = FactsLog::open(Box::new(log)).unwrap();
    facts.append([(1, 1), (1, 2), (2, 1), (3, 1)].map(|(n, v)| draft(transition(n, v))).to_vec()).unwrap();
    std::fs::write(&path, "this is no database, and long enough to be looked at as one: ".repeat(40)).unwrap();
    let open = BTreeSet::from([episode(2), episode(3)]);
    let outbox = crate::deliver::open(&path, &facts, &open).unwrap();
    assert_eq!(outbox.cursor(), 2, "the first fact of episode 2");
    assert!(dir.path().join("outbox.db.damaged").exists(), "nothing is thrown away");
    drop(outbox);
    assert_eq!(crate::deliver::open(&path, &facts, &open).unwrap().cursor(), 2, "a good file is left alone");
}
