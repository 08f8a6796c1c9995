//! One contract, all implementations.

use std::sync::Arc;

use maibo_store::contract::{Wanted, check};
use maibo_store::disk::mem::MemDisk;
use maibo_store::disk::os::OsDisk;
use maibo_store::file_log::FileLog;
use maibo_store::log::Log;
use maibo_store::nasty::{Nastiness, NastyLog};

use crate::support::small;

#[test]
fn file_log_on_a_real_directory() {
    // The log's interface (P1): the same promises on the operating system's files.
    let mut dir = tempfile::tempdir().expect("a directory");
    let seen = check(|wanted| {
        if wanted == Wanted::Fresh {
            dir = tempfile::tempdir().expect("a directory");
        }
        let disk = OsDisk::open(&dir.path().join("log")).expect("the directory opens");
        Box::new(FileLog::open(Arc::new(disk), small()).expect("the log opens").0)
    });
    assert!(seen.trimmed > 0, "the test came across trimming: {seen:?}");
    assert_eq!((seen.full, seen.unknown), (0, 0));
}

#[test]
fn file_log_on_a_virtual_disk_that_loses_power() {
    // The log's interface (P1): a restart after a power cut is a restart.
    let mut disk = MemDisk::new();
    let mut seed = 0;
    let seen = check(|wanted| {
        seed += 1;
        disk = if wanted == Wanted::Fresh { MemDisk::new() } else { disk.after_crash(seed) };
        Box::new(FileLog::open(Arc::new(disk.clone()), small()).expect("the log opens").0)
    });
    assert!(seen.trimmed > 0, "the test came across trimming: {seen:?}");
}

#[test]
fn nasty_log() {
    // The log's interface: everything unpleasant is allowed, and the contract still holds.
    let (mut full, mut unknown, mut silences, mut trimmed) = (0, 0, 0, 0);
    for seed in 0..50 {
        let nastiness = Nastiness { full: 10, unknown: 20, silent: 30 };
        let mut log = NastyLog::new(seed, nastiness);
        let seen = check(|wanted| -> Box<dyn Log> {
            if wanted == Wanted::Fresh {
                log = NastyLog::new(seed, nastiness);
            }
            Box::new(log.reopen(seed))
        });
        full += seen.full;
        unknown += seen.unknown;
        silences += seen.silences;
        trimmed += seen.trimmed;
    }
    assert!(full > 0 && unknown > 0 && silences > 0 && trimmed > 0, "nasty enough");
}
