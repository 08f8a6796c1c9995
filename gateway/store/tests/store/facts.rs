//! Facts under their numbers.

use std::sync::Arc;

use maibo_core::fact::{Body, Cause, ENGINE_VERSION, Fact};
use maibo_core::id::{EpisodeId, PartitionId, Version};
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::{FACT_MAX, FactsError, FactsLog, FactsReader};
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::{Append, AppendId, Log};
use maibo_store::nasty::{Nastiness, NastyLog};

fn draft(n: i64) -> Fact {
    Fact {
        index: 0,
        cause: Cause::default(),
        actor: None,
        at: Timestamp(n),
        rules: Version(1),
        engine: ENGINE_VERSION,
        body: Body::ClockStepped { by_ms: n },
    }
}

fn long(bytes: usize) -> Fact {
    let episode = EpisodeId::parse(&"0".repeat(32)).expect("an id");
    Fact { body: Body::Refused { episode, reason: "x".repeat(bytes).as_str().into() }, ..draft(0) }
}

fn drafts(range: std::ops::Range<i64>) -> Vec<Fact> {
    range.map(draft).collect()
}

fn file_log(disk: &MemDisk) -> Box<dyn Log> {
    let options = FileLogOptions { segment_bytes: 64 << 10, reserve_bytes: 0, ..FileLogOptions::facts() };
    Box::new(FileLog::open(Arc::new(disk.clone()), options).expect("opens").0)
}

fn read(reader: &mut FactsReader) -> Vec<Fact> {
    let mut facts = Vec::new();
    while let Some(fact) = reader.next().expect("readable") {
        facts.push(fact);
    }
    facts
}

fn check(facts: &[Fact], from: u64) {
    for (fact, index) in facts.iter().zip(from..) {
        assert_eq!((fact.index, fact.at), (index, Timestamp(index as i64)));
    }
}

#[test]
fn numbers_go_on_over_restarts_and_readers_begin_anywhere() {
    // P3, P10: numbers from 0 without gaps, whatever the size of calls, over power cuts.
    let mut disk = MemDisk::new();
    let mut n = 0;
    for round in 0..6 {
        let mut facts = FactsLog::open(file_log(&disk)).expect("opens");
        assert_eq!(facts.next_index(), n as u64);
        for size in [1, 0, 7, 3_000] {
            let kept = facts.append(drafts(n..n + size)).expect("kept");
            assert_eq!(kept.len(), size as usize);
            check(&kept, n as u64);
            n += size;
        }
        for from in [0, 1, n / 2, n - 1, n, n + 5] {
            let mut reader = facts.reader(from as u64);
            let read = read(&mut reader);
            assert_eq!(read.len() as i64, (n - from).max(0), "from {from}");
            check(&read, from as u64);
        }
        disk = disk.after_crash(round);
    }
}

#[test]
fn a_reader_follows_the_writer() {
    // P4: a reader has everything that was answered, and nothing else, after each append.
    let mut facts = FactsLog::open(file_log(&MemDisk::new())).expect("opens");
    let mut reader = facts.reader(0);
    for n in 0..50 {
        assert!(read(&mut reader).is_empty());
        facts.append(drafts(n * 2..n * 2 + 2)).expect("kept");
        let new = read(&mut reader);
        assert_eq!(new.len(), 2);
        check(&new, n as u64 * 2);
    }
}

#[test]
fn long_facts_are_split_over_records_and_too_long_ones_refused() {
    // P8: a record's limit is no fact's problem until the fact itself is longer.
    let mut facts = FactsLog::open(file_log(&MemDisk::new())).expect("opens");
    let kept = facts.append((0..5).map(|_| long(FACT_MAX / 2)).collect()).expect("kept");
    assert_eq!(kept.len(), 5);
    assert!(matches!(facts.append(vec![draft(5), long(FACT_MAX)]), Err(FactsError::TooLong { .. })));
    assert_eq!(facts.next_index(), 5, "nothing of the call was kept");
    assert_eq!(facts.append(vec![draft(5)]).expect("kept")[0].index, 5);
    assert_eq!(read(&mut facts.reader(0)).len(), 6);
}

#[test]
fn a_nasty_log_loses_and_doubles_nothing() {
    // P3: Unknown, Full, silence and gaps below do not show above.
    let mut full = 0;
    for seed in 0..60 {
        let log = NastyLog::new(seed, Nastiness { full: 15, unknown: 30, silent: 50 });
        let mut facts = FactsLog::open(Box::new(log.reopen(seed))).expect("opens");
        let mut n = 0;
        for round in 0..60 {
            let size = round % 4 + 1;
            let mut open: Vec<Fact> =
                if round % 10 == 0 { (0..4).map(|_| long(100_000)).collect() } else { drafts(n..n + size) };
            n += open.len() as i64;
            while !open.is_empty() {
                match facts.append(std::mem::take(&mut open)) {
                    Ok(_) => {}
                    Err(FactsError::Full(unwritten)) => {
                        full += 1;
                        open = unwritten.drafts;
                    }
                    Err(error) => panic!("seed {seed}: {error}"),
                }
            }
            if round % 20 == 19 {
                facts = FactsLog::open(Box::new(log.reopen(seed + round as u64))).expect("opens");
            }
            assert_eq!(facts.next_index(), n as u64);
        }
        let all = read(&mut facts.reader(0));
        assert_eq!(all.iter().map(|f| f.index).collect::<Vec<_>>(), (0..n as u64).collect::<Vec<_>>(), "seed {seed}");
        let ats: Vec<i64> = all.iter().filter(|f| f.at.0 != 0).map(|f| f.at.0 - f.index as i64).collect();
        assert!(ats.iter().all(|d| *d == 0), "in order, seed {seed}");
    }
    assert!(full > 0);
}

#[test]
fn another_writer_and_a_closed_log_are_errors() {
    // P3: two writers never number the same facts.
    let calm = Nastiness { full: 0, unknown: 0, silent: 0 };
    let log = NastyLog::new(1, calm);
    let mut facts = FactsLog::open(Box::new(log.reopen(1))).expect("opens");
    facts.append(drafts(0..1)).expect("kept");
    log.intrude(PartitionId(0), b"?");
    assert!(matches!(facts.append(drafts(1..2)), Err(FactsError::Fenced)));
    let log = NastyLog::new(2, calm);
    let mut facts = FactsLog::open(Box::new(log.reopen(2))).expect("opens");
    log.close();
    assert!(matches!(facts.append(drafts(0..1)), Err(FactsError::Closed)));
}

#[test]
fn a_missing_number_or_another_format_is_found() {
    // P10: continuity is verified at opening and at reading.
    for payload in [
        {
            let mut p = vec![1];
            p.extend(Fact { index: 3, ..draft(3) }.to_bytes());
            p
        },
        vec![2],
        vec![1, 0xff],
        vec![],
    ] {
        let disk = MemDisk::new();
        let mut facts = FactsLog::open(file_log(&disk)).expect("opens");
        facts.append(drafts(0..2)).expect("kept");
        drop(facts);
        let mut log = file_log(&disk);
        log.append(&[Append { partition: PartitionId(0), id: AppendId::default(), expected: None, payload: &payload }]);
        drop(log);
        let opened = FactsLog::open(file_log(&disk)).map(|_| ());
        assert!(
            matches!(opened, Err(FactsError::Broken { expected: 2, .. } | FactsError::Format { .. })),
            "{opened:?}"
        );
    }
}

#[test]
fn landmarks_save_reading_and_lost_ones_cost_nothing_else() {
    // Restart time: opening reads only what is behind the last landmark; a damaged one is ignored.
    let disk = MemDisk::new();
    let mut facts = FactsLog::open(file_log(&disk)).expect("opens");
    for n in 0..200 {
        facts.append(drafts(n * 500..(n + 1) * 500)).expect("kept");
    }
    drop(facts);
    let without = disk.copy();
    without.put("snapshot-00000", b"nonsense".to_vec());
    for disk in [disk, without] {
        let mut facts = FactsLog::open(file_log(&disk)).expect("opens");
        assert_eq!(facts.next_index(), 100_000);
        check(&read(&mut facts.reader(99_000)), 99_000);
        facts.append(drafts(100_000..100_001)).expect("kept");
        assert_eq!(FactsLog::open(file_log(&disk)).expect("opens").next_index(), 100_001);
    }
}
