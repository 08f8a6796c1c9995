#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use maibo_core::input::Input;
use maibo_store::disk::mem::MemDisk;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::{Append, AppendId};

use super::*;
use crate::pipeline::full_pause;

const PARTITION: PartitionId = PartitionId(3);

fn open(disk: &MemDisk) -> FileLog {
    let options = FileLogOptions { segment_bytes: 4 << 10, ..FileLogOptions::default() };
    FileLog::open(Arc::new(disk.clone()), options).unwrap().0
}

fn facts() -> FactsLog {
    FactsLog::open(Box::new(FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0)).unwrap()
}

/// A log whose older inputs went when the snapshot at its end was saved.
fn trimmed(disk: &MemDisk) {
    let mut log = open(disk);
    let mut machine = Machine::new(PARTITION);
    for n in 1..=400_i64 {
        let batch = Batch { now: Timestamp(n), inputs: vec![Input::Deaf { source: None, from: Timestamp(n) }] };
        let payload = batch.to_bytes();
        let id = AppendId { boot: 1, number: n as u64 };
        let [maibo_store::log::Outcome::Ok(position)] =
            log.append(&[Append { partition: PARTITION, id, expected: None, payload: &payload }])[..]
        else {
            panic!("kept")
        };
        machine.step(position, &batch, &Versions::default(), &mut Output::default()).unwrap();
    }
    let position = machine.position().unwrap();
    log.snapshot_save(PARTITION, None, position, &decider::snapshot_bytes(0, &machine)).unwrap();
    log.keep_from("engine", PARTITION, position);
    log.trim().unwrap();
}

// P3: where a snapshot cannot be used and the inputs behind it are gone, nothing is forgotten in silence.
#[test]
fn a_lost_snapshot_over_a_trimmed_log_is_said() {
    let disk = MemDisk::new();
    trimmed(&disk);
    let whole = recover(&open(&disk), &mut facts(), &Versions::default(), &full_pause()).unwrap();
    assert!(whole.saved[3].is_some() && whole.replayed == 0, "the snapshot has everything");
    disk.put("snapshot-00003", b"damaged".to_vec());
    let error = recover(&open(&disk), &mut facts(), &Versions::default(), &full_pause()).err().expect("refused");
    assert!(matches!(error, PipelineError::SnapshotGone(3)), "{error}");
}
