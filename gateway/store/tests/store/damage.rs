//! Bytes that are not what was written: cut, flipped, zeroed.

use std::sync::Arc;

use maibo_store::disk::mem::{MemDisk, SECTOR};
use maibo_store::file_log::{FileLog, OpenError};
use maibo_store::log::{Log, ReadError};

use crate::support::{append, fill, last_segment, numbers, open, open_with, read, segments, small};

/// A log of several segments, with the records' numbers.
fn written() -> (MemDisk, Vec<u64>) {
    let disk = MemDisk::new();
    let mut log = open(&disk);
    fill(&mut log, 0..60);
    for n in 0..5 {
        append(&mut log, 60 + n * 4..64 + n * 4);
    }
    let numbers = numbers(&log);
    assert_eq!(numbers, (0..80).collect::<Vec<_>>());
    (disk, numbers)
}

fn with(disk: &MemDisk, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> MemDisk {
    let copy = disk.copy();
    let mut bytes = copy.content(file).expect("the file");
    change(&mut bytes);
    copy.put(file, bytes);
    copy
}

#[test]
fn a_tail_cut_at_any_byte_is_dropped_and_nothing_before_it() {
    // Fault 14: torn last record. The log opens with everything before the cut and goes on.
    let disk = MemDisk::new();
    let options = || maibo_store::file_log::FileLogOptions { segment_bytes: 64 << 10, ..small() };
    let (mut log, _) = open_with(&disk, options());
    let file = last_segment(&disk);
    let mut ends = vec![disk.content(&file).expect("the file").len()];
    for n in 0..40 {
        fill(&mut log, n..n + 1);
        ends.push(disk.content(&file).expect("the file").len());
    }
    let len = *ends.last().expect("an end");
    for cut in len - (4 << 10)..=len {
        let torn = with(&disk, &file, |bytes| bytes.truncate(cut));
        let (mut log, report) = open_with(&torn, options());
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(numbers(&log), (0..whole as u64).collect::<Vec<_>>(), "cut at {cut}");
        assert_eq!(report.torn_bytes, (cut - ends[whole]) as u64, "the rest is counted, cut at {cut}");
        fill(&mut log, whole as u64..whole as u64 + 2);
        drop(log);
        assert_eq!(numbers(&open_with(&torn, options()).0).len(), whole + 2, "and goes on, cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_is_refused_or_drops_the_tail_but_is_never_silent() {
    // Fault 15: whatever one bit flips, nothing wrong is ever read, and what is missing is at the very end.
    let (disk, all) = written();
    let (mut refused, mut dropped) = (0, 0);
    for file in segments(&disk) {
        let len = disk.content(&file).expect("the file").len();
        let last = file == last_segment(&disk);
        for at in 0..len {
            let bit = 1 << (at * 7 % 8);
            let flipped = with(&disk, &file, |bytes| bytes[at] ^= bit);
            match FileLog::open(Arc::new(flipped), small()) {
                Err(OpenError::Damaged(damage)) => {
                    assert_eq!(damage.file, file, "the right file is named");
                    assert!(damage.offset <= at as u64, "at or before the flip");
                    refused += 1;
                }
                Err(OpenError::Version { .. } | OpenError::Kind { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
                Ok((log, report)) => {
                    assert!(last && report.torn_bytes > 0, "{file} byte {at}: only a tail may go, and is counted");
                    let left = numbers(&log);
                    assert_eq!(left[..], all[..left.len()], "{file} byte {at}: the rest is a prefix");
                    assert!(left.len() >= all.len() - 4, "{file} byte {at}: only the last call is a tail");
                    dropped += 1;
                }
            }
        }
    }
    assert!(refused > 0 && dropped > 0);
}

#[test]
fn a_zeroed_sector_in_the_middle_is_refused_with_its_place() {
    // Fault 15: mid-log damage is loud, in the last segment and in sealed ones.
    let (disk, _) = written();
    for file in segments(&disk) {
        let len = disk.content(&file).expect("the file").len();
        for sector in 1..(len / SECTOR).saturating_sub(2) {
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            let zeroed = with(&disk, &file, |bytes| bytes[range.clone()].fill(0));
            let before = zeroed.content(&file);
            match FileLog::open(Arc::new(zeroed.clone()), small()) {
                Err(OpenError::Damaged(damage)) => {
                    assert_eq!(damage.file, file);
                    assert!(damage.offset < range.end as u64, "{damage}");
                    assert!(damage.to_string().contains(&format!("{file} offset {}", damage.offset)), "{damage}");
                }
                Err(error) => panic!("{file} sector {sector}: {error}"),
                Ok(_) => panic!("{file} sector {sector}: opened"),
            }
            assert_eq!(zeroed.content(&file), before, "nothing is repaired away");
        }
    }
}

#[test]
fn a_missing_segment_is_refused() {
    // Fault 15: every segment must end where the next one begins.
    let (disk, _) = written();
    let files = segments(&disk);
    let copy = disk.copy();
    maibo_store::disk::Disk::remove(&copy, &files[1]).expect("removed");
    assert!(matches!(FileLog::open(Arc::new(copy), small()), Err(OpenError::Damaged(_))));
}

#[test]
fn damage_after_opening_stops_the_reader() {
    // Fault 15: a reader reports damage, and stays in front of it.
    let (disk, _) = written();
    let log = open(&disk);
    let file = segments(&disk)[1].clone();
    let bytes = disk.content(&file).expect("the file");
    disk.put(&file, {
        let mut b = bytes.clone();
        b[2_000] ^= 4;
        b
    });
    assert!(matches!(read(&log), Err(ReadError::Damaged { at }) if at.starts_with(&file)));
    let all: Vec<_> = (0..crate::support::PARTITIONS).map(|p| (maibo_core::id::PartitionId(p), None)).collect();
    let mut reader = log.reader(&all);
    let stops = loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("passed over the damage"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(reader.next().map_err(|e| e.to_string()), Err(stops), "the reader stays there");
}

#[test]
fn another_kind_or_version_is_not_damage() {
    // Files: versioned formats; a wrong directory or a newer version is named as such.
    let (disk, _) = written();
    let other = FileLog::open(
        Arc::new(disk.copy()),
        maibo_store::file_log::FileLogOptions { kind: "other".to_owned(), ..small() },
    );
    assert!(matches!(other, Err(OpenError::Kind { found, .. }) if found == "test"));
    let newer = with(&disk, &segments(&disk)[0], |bytes| bytes[8] = 2);
    assert!(matches!(FileLog::open(Arc::new(newer), small()), Err(OpenError::Version { found: 2, .. })));
}

#[test]
fn inspecting_changes_nothing() {
    // `journal inspect` may look at a log that needs repair without repairing it.
    let (disk, _) = written();
    let file = last_segment(&disk);
    let torn = with(&disk, &file, |bytes| bytes.truncate(bytes.len() - 3));
    let before = torn.content(&file);
    let report = FileLog::inspect(&torn, "test").expect("a report");
    assert!(report.torn_bytes > 0 && report.records == 79, "{report:?}");
    assert_eq!(torn.content(&file), before);
    assert_eq!(open_with(&torn, small()).1, report, "opening finds the same");
}
