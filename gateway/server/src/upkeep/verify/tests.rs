#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use maibo_core::fact::{Body, Cause, Fact};
use maibo_core::id::{PartitionId, Position, Version};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;
use maibo_store::disk::os::OsDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::{Append, AppendId, Log};

use super::*;
use crate::app::inputs_options;

fn log(dir: &Path, name: &str, options: FileLogOptions) -> FileLog {
    FileLog::open(Arc::new(OsDisk::open(&dir.join(name)).unwrap()), options).unwrap().0
}

/// Ten inputs of partition 3 at positions 1 to 10.
fn inputs(dir: &Path) {
    std::fs::create_dir(dir.join("versions")).unwrap();
    let mut log = log(dir, "inputs", inputs_options(1 << 30, false));
    for number in 1..=10 {
        let batch = Batch {
            now: Timestamp(1_000 + number as i64),
            inputs: vec![Input::ClockStep { by: maibo_core::time::Millis(5) }],
        };
        let payload = batch.to_bytes();
        let id = AppendId { boot: 1, number };
        log.append(&[Append { partition: PartitionId(3), id, expected: None, payload: &payload }]);
    }
}

fn fact(index: u64, partition: u16, position: u64) -> Fact {
    let cause = Cause { partition: PartitionId(partition), position: Position(position), seq: 0 };
    let (rules, body) = (Version::default(), Body::ClockStepped { by_ms: 5 });
    Fact { index, cause, actor: None, at: Timestamp(1_001), rules, engine: 1, body }
}

/// A facts log with exactly these facts, a record each, whatever their numbers.
fn facts(dir: &Path, facts: &[Fact]) {
    let mut log = log(dir, "facts", FileLogOptions { reserve_bytes: 0, ..FileLogOptions::facts() });
    for (fact, number) in facts.iter().zip(1..) {
        let payload = [vec![1], fact.to_bytes()].concat();
        let id = AppendId { boot: 1, number };
        log.append(&[Append { partition: PartitionId(0), id, expected: None, payload: &payload }]);
    }
}

fn problems(make: impl FnOnce(&Path)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    verify(dir.path()).unwrap().problems
}

fn only(problems: &[String], words: &str) {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains(words), "{problems:#?}");
}

// P3: numbers without holes, each caused by an input that is there; what says otherwise is told by its place.
#[test]
fn facts_are_complete_and_caused() {
    let sound = |dir: &Path| {
        inputs(dir);
        facts(dir, &[fact(0, 3, 1), fact(1, 3, 1), fact(2, 3, 10)]);
    };
    assert_eq!(problems(sound), Vec::<String>::new());
    let hole = problems(|dir| {
        inputs(dir);
        facts(dir, &[fact(0, 3, 1), fact(2, 3, 2), fact(3, 3, 3)]);
    });
    only(&hole, "facts 1 to 1 are missing");
    assert!(hole[0].starts_with("facts/segment-0000000001 offset "), "{hole:?}");
    let beyond = problems(|dir| {
        inputs(dir);
        facts(dir, &[fact(0, 3, 11)]);
    });
    only(&beyond, "fact 0 is caused by input 11, and the inputs log ends before 11");
    let elsewhere = problems(|dir| {
        inputs(dir);
        facts(dir, &[fact(0, 4, 2)]);
    });
    only(&elsewhere, "fact 0 is caused by input 2 of partition 4, which is in partition 3");
    let undecodable = problems(|dir| {
        inputs(dir);
        let mut log = log(dir, "facts", FileLogOptions { reserve_bytes: 0, ..FileLogOptions::facts() });
        let id = AppendId { boot: 1, number: 1 };
        log.append(&[Append { partition: PartitionId(0), id, expected: None, payload: &[2, 0] }]);
    });
    only(&undecodable, "another format");
}

// P2: a snapshot that is ahead of its log, or knows facts that are not there, would make Maibo forget or invent.
#[test]
fn snapshots_are_not_ahead() {
    let with = |position: u64, next: u64| {
        problems(|dir| {
            inputs(dir);
            facts(dir, &[fact(0, 3, 1)]);
            let mut state = next.to_be_bytes().to_vec();
            state.extend_from_slice(&Machine::new(PartitionId(3)).snapshot());
            let mut log = log(dir, "inputs", inputs_options(1 << 30, false));
            log.snapshot_save(PartitionId(3), None, Position(position), &state).unwrap();
        })
    };
    assert_eq!(with(10, 1), Vec::<String>::new());
    only(&with(11, 1), "inputs/snapshot-00003 offset 16: stands at 11, ahead of its log, which ends at 10");
    only(&with(10, 2), "inputs/snapshot-00003 offset 24: knows facts up to 2, and the facts log ends before 1");
}

// P3: what the city was told of was on disk before.
#[test]
fn nobody_is_told_what_is_no_fact() {
    let with = |next: u64| {
        problems(|dir| {
            inputs(dir);
            facts(dir, &[fact(0, 3, 1), fact(1, 3, 2)]);
            let batch =
                Batch { now: Timestamp(2_000), inputs: vec![Input::Told { first: 0, next, items: Vec::new() }] };
            let payload = batch.to_bytes();
            let id = AppendId { boot: 1, number: 99 };
            let mut log = log(dir, "inputs", inputs_options(1 << 30, false));
            log.append(&[Append { partition: PartitionId::CITY, id, expected: None, payload: &payload }]);
        })
    };
    assert_eq!(with(2), Vec::<String>::new());
    only(&with(3), "the city is told of facts before 3, and the facts log ends before 2");
}

// Looking changes nothing: the same files with the same bytes, and a directory that was never one stays as it is.
#[test]
fn looking_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(verify(dir.path()), Err(UpkeepError::Refused(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    inputs(dir.path());
    drop(FactsLog::open(Box::new(log(dir.path(), "facts", FileLogOptions::facts()))).unwrap());
    let files = || {
        let mut all = Vec::new();
        for part in ["inputs", "facts", "versions"] {
            for entry in std::fs::read_dir(dir.path().join(part)).unwrap().flatten() {
                all.push((entry.path(), std::fs::read(entry.path()).unwrap()));
            }
        }
        all.sort();
        all
    };
    let before = files();
    assert!(verify(dir.path()).unwrap().is_sound());
    assert_eq!(files(), before);
}
