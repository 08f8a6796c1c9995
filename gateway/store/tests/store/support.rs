//! What the tests share: small logs on a virtual disk.

use std::sync::Arc;

use maibo_core::id::{PartitionId, Position};
use maibo_store::disk::mem::MemDisk;
use maibo_store::file_log::{FileLog, FileLogOptions, OpenReport};
use maibo_store::log::{Append, AppendId, Log, Outcome, ReadError, Record};

/// Partitions the tests use.
pub(crate) const PARTITIONS: u16 = 5;

/// Short segments, so that tests see many.
pub(crate) fn small() -> FileLogOptions {
    FileLogOptions { kind: "test".to_owned(), segment_bytes: 4 << 10, quota_bytes: None, ..FileLogOptions::default() }
}

pub(crate) fn open(disk: &MemDisk) -> FileLog {
    open_with(disk, small()).0
}

pub(crate) fn open_with(disk: &MemDisk, options: FileLogOptions) -> (FileLog, OpenReport) {
    FileLog::open(Arc::new(disk.clone()), options).expect("the log opens")
}

/// Payload number `n`, of a length that depends on it.
pub(crate) fn payload(n: u64) -> Vec<u8> {
    let len = 8 + (n * 37 % 300) as usize;
    n.to_be_bytes().iter().copied().cycle().take(len).collect()
}

pub(crate) fn partition(n: u64) -> PartitionId {
    PartitionId((n % u64::from(PARTITIONS)) as u16)
}

/// Appends payloads `numbers` in one call.
pub(crate) fn append(log: &mut dyn Log, numbers: std::ops::Range<u64>) -> Vec<Outcome> {
    let payloads: Vec<Vec<u8>> = numbers.clone().map(payload).collect();
    let records: Vec<Append<'_>> = numbers
        .zip(&payloads)
        .map(|(n, payload)| Append {
            partition: partition(n),
            id: AppendId { boot: 1, number: n },
            expected: None,
            payload,
        })
        .collect();
    log.append(&records)
}

/// Appends payloads `numbers`, one call each, all of which must be kept.
pub(crate) fn fill(log: &mut dyn Log, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let outcomes = append(log, n..n + 1);
        assert!(matches!(outcomes[..], [Outcome::Ok(_)]), "append {n}: {outcomes:?}");
    }
}

/// Everything that is in the log, in the order of the stream.
pub(crate) fn read(log: &dyn Log) -> Result<Vec<Record>, ReadError> {
    let from: Vec<(PartitionId, Option<Position>)> = (0..PARTITIONS).map(|p| (PartitionId(p), None)).collect();
    let mut reader = log.reader(&from);
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Numbers of everything in the log; checks that each record is what was appended under its number.
pub(crate) fn numbers(log: &dyn Log) -> Vec<u64> {
    let records = read(log).expect("the log is readable");
    for record in &records {
        let n = record.id.number;
        assert_eq!((record.partition, &record.payload), (partition(n), &payload(n)), "record {n} is as appended");
    }
    records.iter().map(|r| r.id.number).collect()
}

/// Name of the last segment's file.
pub(crate) fn last_segment(disk: &MemDisk) -> String {
    segments(disk).pop().expect("a segment")
}

/// Names of all segments' files, oldest first.
pub(crate) fn segments(disk: &MemDisk) -> Vec<String> {
    use maibo_store::disk::Disk;
    disk.list().expect("a list").into_iter().filter(|f| f.starts_with("segment-") && !f.contains('.')).collect()
}
