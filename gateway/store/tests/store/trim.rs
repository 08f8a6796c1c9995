//! What is dropped, when, and who is told.

use maibo_core::id::{PartitionId, Position};
use maibo_store::disk::mem::MemDisk;
use maibo_store::file_log::FileLogOptions;
use maibo_store::log::{Dropped, Log, Outcome, ReadError};

use crate::support::{PARTITIONS, append, fill, numbers, open_with, partition, segments, small};

fn quota(bytes: u64) -> FileLogOptions {
    FileLogOptions { quota_bytes: Some(bytes), keep_unsnapshotted: false, ..small() }
}

fn advise(log: &mut dyn Log, consumer: &str, position: u64) {
    for p in 0..PARTITIONS {
        log.keep_from(consumer, PartitionId(p), Position(position));
    }
}

#[test]
fn nothing_needed_is_dropped_below_the_quota() {
    // P2: a segment goes when every consumer is past it, and not before.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, small());
    fill(&mut log, 0..200);
    assert_eq!(log.trim().expect("trims"), []);
    assert_eq!(numbers(&log).len(), 200, "nobody has spoken");
    advise(&mut log, "fast", 200);
    advise(&mut log, "slow", 100);
    assert_eq!(log.trim().expect("trims"), []);
    let left = numbers(&log);
    assert!(left[0] <= 100 && left[0] > 70, "whole segments below position 100 went: {}", left[0]);
    log.keep_from("new", PartitionId(0), Position(200));
    advise(&mut log, "slow", 200);
    log.trim().expect("trims");
    assert_eq!(numbers(&log), left, "a consumer needs what it is silent about");
}

#[test]
fn a_consumer_named_beforehand_needs_everything_until_it_speaks() {
    // P2: a consumer that starts late finds what it has not had yet.
    let options = FileLogOptions { consumers: vec!["influx".to_owned()], ..small() };
    let (mut log, _) = open_with(&MemDisk::new(), options);
    fill(&mut log, 0..100);
    advise(&mut log, "history", 100);
    log.trim().expect("trims");
    assert_eq!(numbers(&log).len(), 100);
    advise(&mut log, "influx", 100);
    log.trim().expect("trims");
    assert!(numbers(&log).len() < 40);
}

#[test]
fn the_newest_records_may_be_kept_for_nobody() {
    // Retention: `keep_records` holds below the quota.
    let (mut log, _) = open_with(&MemDisk::new(), FileLogOptions { keep_records: 120, ..small() });
    fill(&mut log, 0..300);
    advise(&mut log, "all", 300);
    log.trim().expect("trims");
    assert!((120..160).contains(&numbers(&log).len()));
}

#[test]
fn at_the_quota_appends_are_full_until_the_oldest_is_dropped_and_reported() {
    // P2: the gap is exact, so that it can be a fact.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, quota(32 << 10));
    let mut kept = 0;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
    }
    assert!(log.size() <= 32 << 10);
    // Position n + 1 belongs to number n. Needed from number 10 on, in the middle of the first segment.
    advise(&mut log, "slow", 10);
    let dropped = log.trim().expect("trims");
    let left = numbers(&log);
    assert!(left[0] > 10);
    for p in 0..PARTITIONS {
        let gone: Vec<u64> = (10..left[0]).filter(|n| partition(*n).0 == p).collect();
        let (first, last) = (gone[0] + 1, gone[gone.len() - 1] + 1);
        let span = Dropped {
            partition: PartitionId(p),
            first: Position(first),
            last: Position(last),
            records: gone.len() as u64,
        };
        assert!(dropped.contains(&span), "{span:?} in {dropped:?}");
    }
    fill(&mut log, kept..kept + 5);
    assert!(log.size() <= 32 << 10, "the quota holds");
}

#[test]
fn the_quota_never_drops_past_the_last_snapshot() {
    // P3: what the machines were not saved with stays, and appends wait.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, FileLogOptions { keep_unsnapshotted: true, ..quota(32 << 10) });
    let mut kept = 0;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
    }
    assert_eq!(log.trim().expect("trims"), []);
    assert_eq!(append(&mut log, kept..kept + 1), [Outcome::Full], "nothing could go");
    for p in 0..PARTITIONS {
        log.snapshot_save(PartitionId(p), None, Position(kept), b"state").expect("saved");
    }
    assert!(!log.trim().expect("trims").is_empty());
    fill(&mut log, kept..kept + 1);
}

#[test]
fn facts_are_never_dropped() {
    // P2: whatever consumers say.
    let (mut log, _) = open_with(&MemDisk::new(), FileLogOptions { segment_bytes: 4 << 10, ..FileLogOptions::facts() });
    fill(&mut log, 0..100);
    advise(&mut log, "ledger", 100);
    assert_eq!(log.trim().expect("trims"), []);
    assert_eq!(numbers(&log).len(), 100);
}

#[test]
fn readers_are_told_exactly_when_something_they_wanted_is_gone() {
    // Interface: Trimmed after a restart too, and never for a partition that was only silent.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, small());
    fill(&mut log, 0..1);
    let mut behind = log.reader(&[(PartitionId(0), Some(Position(1)))]);
    let mut quiet_one = log.reader(&[(PartitionId(9), Some(Position(0)))]);
    fill(&mut log, 1..100);
    advise(&mut log, "all", 100);
    log.trim().expect("trims");
    let first = numbers(&log)[0];
    let first_of_0 = Position((first..200).find(|n| partition(*n).0 == 0).expect("one") + 1);
    let trimmed =
        |r: Result<_, ReadError>| matches!(r, Err(ReadError::Trimmed { first: Some(f), .. }) if f == first_of_0);
    assert!(trimmed(behind.next()), "a reader that fell behind");
    assert!(trimmed(behind.next()), "stays there");
    assert!(matches!(quiet_one.next(), Ok(None)), "a silent partition is not trimmed");
    drop(log);
    let (log, _) = open_with(&disk.after_crash(1), small());
    assert!(trimmed(log.reader(&[(PartitionId(0), Some(Position(1)))]).next()), "after a restart");
    let last_gone = (0..first).rev().find(|n| partition(*n).0 == 0).expect("one") + 1;
    let mut exact = log.reader(&[(PartitionId(0), Some(Position(last_gone)))]);
    assert_eq!(exact.next().ok().flatten().map(|r| r.position), Some(first_of_0), "nothing missing, nothing said");
    let mut quiet_one = log.reader(&[(PartitionId(9), Some(Position(0)))]);
    assert!(matches!(quiet_one.next(), Ok(None)), "silent before and after a restart");
}

#[test]
fn a_power_cut_while_dropping_leaves_no_hole() {
    // Fault 16: removals become durable one by one, from the oldest on.
    for seed in 0..100 {
        let disk = MemDisk::new();
        let (mut log, _) = open_with(&disk, small());
        fill(&mut log, 0..150);
        advise(&mut log, "all", 150);
        disk.fail_dir_syncs(1);
        assert!(log.trim().is_err(), "the operating system refuses");
        let left = disk.after_crash(seed);
        let (log, _) = open_with(&left, small());
        let all = numbers(&log);
        assert_eq!(all, (all[0]..150).collect::<Vec<_>>(), "seed {seed}");
        assert!(segments(&left).len() > 2);
    }
}

#[test]
fn a_partition_whose_records_are_gone_has_no_end_but_still_fences() {
    // Interface: `end` is readable now; the fence remembers.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, small());
    let put = |log: &mut dyn Log, expected| {
        let id = maibo_store::log::AppendId { boot: 9, number: 1 };
        log.append(&[maibo_store::log::Append { partition: PartitionId(9), id, expected, payload: b"x" }])
    };
    put(&mut log, None);
    fill(&mut log, 0..100);
    advise(&mut log, "all", 200);
    log.keep_from("all", PartitionId(9), Position(1));
    log.trim().expect("trims");
    assert_eq!(log.end(PartitionId(9)), None);
    assert_eq!(put(&mut log, Some(Position(7))), [Outcome::Fenced { last: Some(Position(1)) }]);
    drop(log);
    let (mut log, _) = open_with(&disk, small());
    assert_eq!(log.end(PartitionId(9)), None);
    assert_eq!(put(&mut log, Some(Position(7))), [Outcome::Fenced { last: Some(Position(1)) }], "after a restart");
    assert!(matches!(put(&mut log, Some(Position(1)))[..], [Outcome::Ok(_)]));
}
