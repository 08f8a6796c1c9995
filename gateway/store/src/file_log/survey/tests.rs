#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};

use super::*;
use crate::disk::mem::MemDisk;
use crate::file_log::{FileLog, FileLogOptions};
use crate::log::{Append, AppendId, Log, Outcome};

const KIND: &str = "test";

fn options() -> FileLogOptions {
    FileLogOptions { kind: KIND.to_owned(), segment_bytes: 4 << 10, quota_bytes: None, ..FileLogOptions::default() }
}

fn open(disk: &MemDisk) -> FileLog {
    FileLog::open(Arc::new(disk.clone()), options()).unwrap().0
}

fn append(log: &mut FileLog, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let partition = PartitionId((number % 3) as u16);
        let id = AppendId { boot: 7, number };
        let outcomes = log.append(&[Append { partition, id, expected: None, payload: &[number as u8; 200] }]);
        assert!(matches!(outcomes[..], [Outcome::Ok(_)]));
    }
}

/// A log of several segments with records 1 to 100.
fn written() -> MemDisk {
    let disk = MemDisk::new();
    append(&mut open(&disk), 1..=100);
    disk
}

fn survey(disk: &MemDisk) -> (Survey, Vec<(String, u64, u64)>) {
    let mut seen = Vec::new();
    let held = Held::hold(disk, KIND).unwrap();
    let survey = held.survey(&mut |f| seen.push((f.file.to_owned(), f.offset, f.record.position.0))).unwrap();
    (survey, seen)
}

fn numbers(seen: &[(String, u64, u64)]) -> Vec<u64> {
    seen.iter().map(|s| s.2).collect()
}

fn with(disk: &MemDisk, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> MemDisk {
    let copy = disk.copy();
    let mut bytes = copy.content(file).unwrap();
    change(&mut bytes);
    copy.put(file, bytes);
    copy
}

// Rows 14 and 15: what opens is sound, with the same figures; nothing is changed by looking.
#[test]
fn a_sound_log_is_seen_as_opening_sees_it() {
    let disk = written();
    let before = disk.counts();
    let (survey, seen) = survey(&disk);
    let report = FileLog::inspect(&disk, KIND).unwrap();
    assert!(survey.is_sound(), "{survey:?}");
    assert_eq!((survey.segments, survey.records, survey.next), (report.segments, report.records, report.next));
    assert_eq!((survey.bytes, survey.first, survey.torn_bytes), (report.bytes, 1, 0));
    assert_eq!(numbers(&seen), (1..=100).collect::<Vec<_>>());
    assert_eq!(survey.last[&PartitionId(1)], Position(100));
    assert!(survey.trimmed.is_empty());
    assert_eq!(disk.counts(), before);
}

// Row 15: a flipped byte is told with file and offset, wherever it is, and what is behind it is read all the same.
#[test]
fn every_damage_is_told_with_its_place() {
    let disk = written();
    let (_, seen) = survey(&disk);
    let mut damaged = disk.copy();
    let hit = [&seen[20], &seen[60]];
    for (file, offset, _) in hit {
        damaged = with(&damaged, file, |bytes| bytes[*offset as usize + 60] ^= 1);
    }
    let (found, rest) = survey(&damaged);
    let places: Vec<(&str, u64)> = found.problems.iter().map(|p| (p.file.as_str(), p.offset)).collect();
    assert_eq!(places, hit.map(|(file, offset, _)| (file.as_str(), *offset)));
    for (problem, (.., position)) in found.problems.iter().zip(hit) {
        assert!(problem.what.ends_with(&format!("record {position} is missing")), "{problem}");
    }
    let wanted: Vec<u64> = (1..=100).filter(|n| !hit.iter().any(|h| h.2 == *n)).collect();
    assert_eq!(numbers(&rest), wanted);
    assert!(FileLog::inspect(&damaged, KIND).is_err());
}

// Row 14: whatever the last call left half is torn and sound; at no cut does it say otherwise than opening does.
#[test]
fn a_cut_tail_is_torn_and_sound() {
    let disk = written();
    let (whole, seen) = survey(&disk);
    let (file, offset, _) = seen.last().unwrap();
    for cut in *offset..disk.content(file).unwrap().len() as u64 {
        let (found, rest) = survey(&with(&disk, file, |bytes| bytes.truncate(cut as usize)));
        assert!(found.is_sound(), "{found:?}");
        assert_eq!((found.torn_bytes, found.next), (cut - offset, whole.next - 1));
        assert_eq!(rest.len(), 99);
    }
}

// Row 15: a missing segment is a hole with its records; a damaged header takes its own records only.
#[test]
fn a_missing_segment_is_a_hole() {
    let disk = written();
    let (_, seen) = survey(&disk);
    let files: Vec<String> = disk.list().unwrap().into_iter().filter(|f| f.starts_with("segment-")).collect();
    assert!(files.len() > 4, "{files:?}");
    let gone: Vec<u64> = seen.iter().filter(|s| s.0 == files[2]).map(|s| s.2).collect();
    let words = format!("records {} to {} are missing", gone[0], gone[gone.len() - 1]);
    let without = disk.copy();
    without.remove(&files[2]).unwrap();
    let (found, rest) = survey(&without);
    assert_eq!(found.problems.len(), 1, "{found:?}");
    assert_eq!(found.problems[0].file, files[1]);
    assert!(found.problems[0].what.starts_with(&words), "{found:?}");
    assert_eq!(rest.len(), 100 - gone.len());
    let (found, rest) = survey(&with(&disk, &files[2], |bytes| bytes[30] ^= 1));
    assert_eq!((found.problems[0].file.as_str(), found.problems[0].offset), (files[2].as_str(), 0));
    assert!(found.problems.iter().any(|p| p.what.starts_with(&words)), "{found:?}");
    assert_eq!(rest.len(), 100 - gone.len());
}

// Row 21: a copy is a prefix in whole records that opens, also where the files are trimmed while it is made.
#[test]
fn a_copy_is_a_prefix_that_opens() {
    let disk = written();
    let mut held = Held::hold(&disk, KIND).unwrap();
    append(&mut open(&disk), 101..=150);
    for old in disk.list().unwrap().iter().filter(|f| f.starts_with("segment-")).take(3) {
        disk.remove(old).unwrap();
    }
    held.renew(&disk).unwrap();
    for stop in [1, 2, 50, 101, 150, 151] {
        let copy = MemDisk::new();
        let copied = held.copy(&copy, &mut |f| f.record.position.0 < stop).unwrap();
        assert_eq!((copied.survey.records, copied.survey.torn_bytes), (stop - 1, 0), "up to {stop}");
        let (found, seen) = survey(&copy);
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(numbers(&seen), (1..stop).collect::<Vec<_>>());
        assert_eq!(found.segments, copied.files.len());
        append(&mut open(&copy), 900..=901);
        assert_eq!(survey(&copy).0.next, stop + 2);
    }
    let (file, offset, _) = survey(&disk).1[3].clone();
    let damaged = with(&disk, &file, |bytes| bytes[offset as usize + 60] ^= 1);
    let refused = Held::hold(&damaged, KIND).unwrap().copy(&MemDisk::new(), &mut |_| true);
    assert!(matches!(refused, Err(CopyError::Damaged(_))), "{refused:?}");
}

// Row 22: a snapshot of a later version is refused, not replayed over; a damaged one is told and left.
#[test]
fn a_snapshot_of_a_later_version_is_refused() {
    let disk = written();
    let mut log = open(&disk);
    log.snapshot_save(PartitionId(1), None, Position(100), b"state").unwrap();
    drop(log);
    let [file] = &snapshot_files(&disk).unwrap()[..] else { panic!("one snapshot") };
    assert_eq!(file.read(&disk).unwrap(), Ok((Position(100), b"state".to_vec())));
    let newer = with(&disk, &file.name, |bytes| bytes[8] = 2);
    let opened = FileLog::open(Arc::new(newer.clone()), options()).map(|_| ());
    let said = opened.unwrap_err().to_string();
    assert_eq!(said, "snapshot-00001 has format version 2; this program reads version 1");
    assert_eq!(newer.content(&file.name).unwrap()[8], 2);
    let damaged = with(&disk, &file.name, |bytes| bytes[26] ^= 1);
    assert!(matches!(file.read(&damaged), Ok(Err(_))));
    drop(open(&damaged));
}
