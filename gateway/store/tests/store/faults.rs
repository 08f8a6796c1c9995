//! Disks that fill up and syncs that fail.

use std::io::ErrorKind;

use maibo_core::id::PartitionId;
use maibo_store::disk::mem::MemDisk;
use maibo_store::file_log::FileLogOptions;
use maibo_store::log::{Log, Outcome};

use crate::support::{append, fill, numbers, open, open_with, segments, small};

fn range(n: u64) -> Vec<u64> {
    (0..n).collect()
}

#[test]
fn one_call_is_one_write_and_one_sync() {
    // Group commit: a call of many records costs what a call of one costs.
    let disk = MemDisk::new();
    let (mut log, _) = open_with(&disk, FileLogOptions { segment_bytes: 1 << 20, ..small() });
    let before = disk.counts();
    append(&mut log, 0..500);
    let after = disk.counts();
    assert_eq!((after.appends - before.appends, after.syncs - before.syncs), (1, 1));
}

#[test]
fn nothing_is_shown_before_it_is_durable() {
    // P1, P4: after a power cut at any time the log has everything that was read or answered before.
    let disk = MemDisk::new();
    let mut log = open(&disk);
    for n in 0..60 {
        append(&mut log, n * 3..n * 3 + 3);
        let shown = numbers(&log);
        let left = disk.after_crash(n);
        assert_eq!(numbers(&open(&left)), shown);
    }
}

#[test]
fn a_write_cut_short_by_a_full_disk_keeps_nothing_and_the_log_goes_on() {
    // Fault 11 (failed write): all of the call is Full, none of it is there, also after a power cut.
    for after in 0..700 {
        let disk = MemDisk::new();
        let mut log = open(&disk);
        fill(&mut log, 0..5);
        disk.fail_append(after, ErrorKind::StorageFull);
        assert_eq!(append(&mut log, 5..8), vec![Outcome::Full; 3], "after {after} bytes");
        assert_eq!(numbers(&log), range(5));
        assert_eq!(numbers(&open(&disk.after_crash(after))), range(5), "nothing of it comes back");
        fill(&mut log, 5..20);
        assert_eq!(numbers(&open(&disk.after_crash(after))), range(20));
    }
}

#[test]
fn a_full_disk_that_gets_room_again() {
    // Fault 11: Full while full, and then on, in the same process.
    let disk = MemDisk::new();
    let mut log = open(&disk);
    fill(&mut log, 0..50);
    disk.set_capacity(Some(disk.used() + 1_000));
    let mut kept = 50;
    let mut full = 0;
    while full < 20 {
        match append(&mut log, kept..kept + 1)[..] {
            [Outcome::Ok(_)] => kept += 1,
            [Outcome::Full] => full += 1,
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(numbers(&log), range(kept));
    disk.set_capacity(None);
    fill(&mut log, kept..kept + 100);
    drop(log);
    assert_eq!(numbers(&open(&disk.after_crash(7))), range(kept + 100));
}

#[test]
fn a_full_disk_that_cannot_even_cut_back() {
    // Fault 11 and 13 together: the new file takes back what the old one may still hold.
    for after in [0, 50, 200, 400] {
        let disk = MemDisk::new();
        let mut log = open(&disk);
        fill(&mut log, 0..5);
        disk.fail_append(after, ErrorKind::StorageFull);
        disk.fail_truncates(2);
        assert_eq!(append(&mut log, 5..8), vec![Outcome::Full; 3]);
        for seed in 0..20 {
            assert_eq!(numbers(&open(&disk.after_crash(seed))), range(5), "nothing of it comes back");
        }
        fill(&mut log, 5..20);
        assert_eq!(numbers(&open(&disk.after_crash(after))), range(20));
    }
}

#[test]
fn a_failed_sync_goes_on_in_a_new_file_with_nothing_acknowledged_lost() {
    // Fault 13: the file is never trusted again; a second sync of it would lie.
    for seed in 0..200 {
        let disk = MemDisk::new();
        let (mut log, _) = open_with(&disk, FileLogOptions { segment_bytes: 1 << 20, ..small() });
        fill(&mut log, 0..seed % 20 + 1);
        let n = seed % 20 + 1;
        let before = segments(&disk).len();
        disk.fail_syncs(1);
        let outcomes = append(&mut log, n..n + 3);
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Ok(_))), "{outcomes:?}");
        assert_eq!(segments(&disk).len(), before + 1, "a new file");
        fill(&mut log, n + 3..n + 6);
        assert_eq!(numbers(&log), range(n + 6), "each once, for readers");
        let left = disk.after_crash(seed);
        let mut log = open(&left);
        assert_eq!(numbers(&log), range(n + 6), "and after a power cut, seed {seed}");
        fill(&mut log, n + 6..n + 9);
        assert_eq!(numbers(&open(&left.after_crash(seed))), range(n + 9));
    }
}

#[test]
fn a_second_failed_sync_closes_the_log() {
    // Fault 13: no acknowledgement is given, then or later; what was acknowledged stays.
    for syncs in 2..4 {
        let disk = MemDisk::new();
        let mut log = open(&disk);
        fill(&mut log, 0..10);
        disk.fail_syncs(syncs);
        assert_eq!(append(&mut log, 10..12), vec![Outcome::Closed; 2]);
        disk.heal();
        assert_eq!(append(&mut log, 12..13), vec![Outcome::Closed], "for good");
        assert_eq!(numbers(&log), range(10), "reading goes on");
        for seed in 0..50 {
            let left = numbers(&open(&disk.after_crash(seed)));
            assert!(left.len() >= 10 && left == range(left.len() as u64), "seed {seed}: {left:?}");
        }
    }
}

#[test]
fn a_write_that_fails_otherwise_goes_on_in_a_new_file() {
    // Fault 13: an input/output error of a write says as little as one of a sync.
    let disk = MemDisk::new();
    let mut log = open(&disk);
    fill(&mut log, 0..5);
    disk.fail_append(100, ErrorKind::Other);
    fill(&mut log, 5..8);
    assert_eq!(segments(&disk).len(), 2);
    for seed in 0..50 {
        assert_eq!(numbers(&open(&disk.after_crash(seed))), range(8));
    }
}

#[test]
fn a_directory_that_does_not_sync_closes_the_log_or_is_made_good() {
    // Fault 16 (lost directory entry): no record goes to a file whose name may be lost.
    for failures in 1..4 {
        let disk = MemDisk::new();
        let mut log = open(&disk);
        let mut kept = 0;
        while segments(&disk).len() < 2 {
            fill(&mut log, kept..kept + 1);
            kept += 1;
        }
        disk.fail_dir_syncs(failures);
        let closed = loop {
            match append(&mut log, kept..kept + 1)[..] {
                [Outcome::Ok(_)] => kept += 1,
                [Outcome::Closed] => break true,
                ref other => panic!("{other:?}"),
            }
            if segments(&disk).len() > 4 {
                break false;
            }
        };
        assert_eq!(closed, failures > 1);
        for seed in 0..50 {
            let left = numbers(&open(&disk.after_crash(seed)));
            assert_eq!(left, range(kept), "seed {seed}");
        }
    }
}

#[test]
fn the_reserve_carries_the_facts_over_a_full_disk() {
    // P4: a transition is kept even when everything else has filled the disk.
    let disk = MemDisk::new();
    let options = FileLogOptions { segment_bytes: 4 << 10, reserve_bytes: 20 << 10, ..FileLogOptions::facts() };
    let (mut log, _) = open_with(&disk, options.clone());
    fill(&mut log, 0..40);
    disk.set_capacity(Some(disk.used()));
    assert!(log.reserve_left() >= 20 << 10);
    let mut kept = 40;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
    }
    assert!(kept - 40 > (20 << 10) / 350, "the reserve was used: {kept}");
    assert!(log.reserve_left() < 400);
    drop(log);
    let left = disk.after_crash(3);
    let (mut log, _) = open_with(&left, options);
    assert_eq!(numbers(&log), range(kept), "also over a restart on the full disk");
    left.set_capacity(None);
    fill(&mut log, kept..kept + 40);
    assert!(log.reserve_left() >= 20 << 10, "and is there again when space returns");
}

#[test]
fn a_partition_that_says_nothing_ends_nowhere() {
    // Interface: `end` says where the end is, and only for what can be read.
    let disk = MemDisk::new();
    let mut log = open(&disk);
    fill(&mut log, 0..1);
    assert!(log.end(PartitionId(0)).is_some());
    assert_eq!(log.end(PartitionId(1)), None);
}

#[test]
fn ballast_lets_urgent_records_go_on_and_comes_back_with_room() {
    // P4, P8: what was set aside is given up once, carries small records over new segments, and is set aside again.
    let disk = MemDisk::new();
    let options = FileLogOptions { segment_bytes: 8 << 10, ballast_bytes: 24 << 10, ..small() };
    let (mut log, _) = open_with(&disk, options.clone());
    assert!(log.replenish(), "it is there from the start");
    fill(&mut log, 0..10);
    disk.set_capacity(Some(disk.used()));
    let mut kept = 10;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
    }
    assert!(log.relieve() && !log.relieve(), "given up once");
    let before = kept;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
        assert!(!log.replenish(), "not while it is being used");
    }
    assert!(kept - before > (20 << 10) / 350, "all of it serves records, not segments to come: {}", kept - before);
    drop(log);
    let left = disk.after_crash(3);
    let (mut log, _) = open_with(&left, options);
    assert_eq!(numbers(&log), range(kept), "also over a restart on the full disk");
    assert!(!log.relieve() && !log.replenish());
    left.set_capacity(None);
    assert!(log.replenish());
    fill(&mut log, kept..kept + 40);
    assert!(log.relieve());
}

#[test]
fn ballast_is_not_given_up_for_a_quota() {
    // P8: where the quota refuses, the disk has room, and nobody is to be told that it has none.
    let disk = MemDisk::new();
    let options = FileLogOptions { quota_bytes: Some(32 << 10), ballast_bytes: 4 << 10, ..small() };
    let (mut log, _) = open_with(&disk, options);
    let mut kept = 0;
    while append(&mut log, kept..kept + 1) != [Outcome::Full] {
        kept += 1;
    }
    assert!(!log.relieve() && log.replenish());
}
