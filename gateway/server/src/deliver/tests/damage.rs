//! A damaged outbox costs neither the start nor what is still owed.

use std::collections::BTreeSet;
use std::sync::Arc;

use maibo_core::fact::{self, Cause, Fact};
use maibo_core::id::Version;
use maibo_core::notify::{Matcher, Mode, Receiver};
use maibo_core::reading::Text;
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};

use super::support::{episode, transition};

fn draft(t: fact::Transition) -> Fact {
    draft_of(t.at, fact::Body::Transition(Box::new(t)))
}

fn draft_of(at: Timestamp, body: fact::Body) -> Fact {
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
    let outbox = crate::deliver::open(&path, &facts, &open, None).unwrap();
    assert_eq!(outbox.cursor(), 2, "the first fact of episode 2");
    assert!(dir.path().join("outbox.db.damaged").exists(), "nothing is thrown away");
    drop(outbox);
    assert_eq!(crate::deliver::open(&path, &facts, &open, None).unwrap().cursor(), 2, "a good file is left alone");
}

// P5: what the facts say was delivered is not told again; an end that was owed is, although the episode is over; what
// ended more than a day before the log does is history.
#[test]
fn after_damage_what_was_owed_is_owed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    let log = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0;
    let mut facts = FactsLog::open(Box::new(log)).unwrap();
    let at = |hours: i64| Timestamp(hours * 3_600_000);
    let told = |n, version, hours| draft(fact::Transition { at: at(hours), ..transition(n, version) });
    let ended = |n, version, hours| {
        draft(fact::Transition { at: at(hours), state: fact::State::Resolved, ..transition(n, version) })
    };
    let delivered = |n, version, hours| {
        let (receiver, outcome) = (Text::from("bureau"), Text::from("delivered"));
        let delivery = fact::Delivery { receiver, episode: episode(n), version, outcome, attempts: 1, error: None };
        draft_of(at(hours), fact::Body::Delivery(Box::new(delivery)))
    };
    let log = vec![
        told(3, 1, 0),
        told(1, 1, 0),
        ended(1, 2, 1),
        delivered(3, 1, 1),
        told(2, 1, 30),
        delivered(2, 1, 30),
        ended(2, 2, 40),
        told(3, 2, 48),
    ];
    facts.append(log).unwrap();
    std::fs::write(&path, "this is no database, and long enough to be looked at as one: ".repeat(40)).unwrap();
    let mut outbox = crate::deliver::open(&path, &facts, &BTreeSet::from([episode(3)]), None).unwrap();
    assert_eq!(outbox.cursor(), 0);
    let mut reader = facts.reader(0);
    let all: Vec<Fact> = std::iter::from_fn(|| reader.next().unwrap()).collect();
    let bureau =
        [Receiver { name: "bureau".to_owned(), mode: Mode::All, matcher: Matcher::default(), group_every: None }];
    let body = |t: &fact::Transition| format!("{} {}", t.episode, t.version).into_bytes();
    let now = at(48);
    assert_eq!(outbox.follow(&all, &bureau, now, body).unwrap(), []);
    let due = outbox.claim(&bureau[0], now, 10).unwrap();
    let mut due: Vec<String> =
        due.into_iter().flat_map(|p| p.letters).map(|d| String::from_utf8(d.body).unwrap()).collect();
    due.sort();
    let mut owed = [format!("{} 2", episode(2)), format!("{} 2", episode(3))];
    owed.sort();
    assert_eq!(due, owed);
}

// After damage the plans are known that were in force where it begins again, and not those that came later.
#[test]
fn after_damage_the_plans_of_that_time_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    let log = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0;
    let mut facts = FactsLog::open(Box::new(log)).unwrap();
    let plans = |version| draft_of(Timestamp(0), fact::Body::PlansActivated { version: Version(version) });
    facts.append(vec![plans(1), plans(2), draft(transition(1, 1)), plans(3)]).unwrap();
    std::fs::write(&path, "this is no database, and long enough to be looked at as one: ".repeat(40)).unwrap();
    let open = BTreeSet::from([episode(1)]);
    let outbox = crate::deliver::open(&path, &facts, &open, None).unwrap();
    assert_eq!((outbox.cursor(), outbox.plans_version()), (2, Some(Version(2))));
    drop(outbox);
    let again = crate::deliver::open(&path, &facts, &open, None).unwrap();
    assert_eq!(again.plans_version(), Some(Version(2)));
}

// Where no fact in front says which plans are in force: none in front of the first that somebody brought, those of a start in front
// of it, and those of the end where nothing changed since.
#[test]
fn plans_that_no_fact_says() {
    let begun = |facts_of: Vec<Fact>, at_the_end| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox.db");
        let log = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0;
        let mut facts = FactsLog::open(Box::new(log)).unwrap();
        facts.append(vec![draft(transition(1, 1))]).unwrap();
        drop(crate::deliver::open(&path, &facts, &BTreeSet::new(), None).unwrap());
        facts.append(facts_of).unwrap();
        let outbox = crate::deliver::open(&path, &facts, &BTreeSet::new(), at_the_end).unwrap();
        (outbox.cursor(), outbox.plans_version())
    };
    let plans = |by: Option<&str>| Fact {
        actor: by.map(|by| maibo_core::id::Actor::new(by).unwrap()),
        ..draft_of(Timestamp(0), fact::Body::PlansActivated { version: Version(7) })
    };
    let none = crate::plan::set(Vec::new()).version;
    let end = Some(Version(7));
    assert_eq!(begun(vec![draft(transition(2, 1)), plans(Some("li"))], end), (1, Some(none)));
    assert_eq!(begun(vec![draft(transition(2, 1)), plans(None)], end), (1, end));
    assert_eq!(begun(vec![draft(transition(2, 1))], end), (1, end));
    assert_eq!(begun(vec![draft(transition(2, 1))], None), (1, None));
}
