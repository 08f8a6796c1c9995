//! Real files.

use std::sync::Arc;

use maibo_store::disk::Disk;
use maibo_store::disk::lock::{DirLock, LockError};
use maibo_store::disk::os::OsDisk;
use maibo_store::file_log::FileLog;

use crate::support::{fill, numbers, small};

#[test]
fn the_second_owner_of_a_directory_is_refused_and_told_who_has_it() {
    // Fault 23: two gateways on one data directory.
    let dir = tempfile::tempdir().expect("a directory");
    let lock = DirLock::acquire(dir.path()).expect("free");
    let second = DirLock::acquire(dir.path());
    let pid = std::process::id();
    assert!(matches!(&second, Err(LockError::Held { pid: Some(p) }) if *p == pid), "{second:?}");
    assert!(second.map_err(|e| e.to_string()).is_err_and(|e| e.contains(&format!("pid {pid}"))));
    drop(lock);
    drop(DirLock::acquire(dir.path()).expect("free again"));
}

#[test]
fn a_file_does_what_the_log_needs() {
    // The disk interface on real files: append, reserve behind the end, cut, read past the end.
    let dir = tempfile::tempdir().expect("a directory");
    let disk = OsDisk::open(&dir.path().join("a/b")).expect("made");
    let file = disk.create("x").expect("created");
    assert!(disk.create("x").is_err(), "a file is created once");
    file.append(b"hello ").expect("appended");
    match file.reserve(1 << 20) {
        Err(e) if e.kind() != std::io::ErrorKind::Unsupported => panic!("{e}"),
        _ => {}
    }
    file.append(b"world").expect("appended");
    assert_eq!(file.len().expect("a length"), 11, "the reserve is not part of it");
    file.truncate(5).expect("cut");
    file.append(b"!").expect("appended");
    file.sync().expect("synced");
    let mut buf = [0; 10];
    assert_eq!(file.read_at(2, &mut buf).expect("read"), 4);
    assert_eq!(&buf[..4], b"llo!");
    disk.rename("x", "y").expect("renamed");
    disk.sync_dir().expect("synced");
    assert_eq!(disk.list().expect("listed"), ["y"]);
    for name in ["", "..", "a/b", "/etc/passwd"] {
        assert!(disk.open(name).is_err() && disk.create(name).is_err(), "{name:?} is no name");
    }
}

#[test]
fn a_log_in_a_directory_is_there_again() {
    // P2: across processes, on real files, over many segments.
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        let disk = OsDisk::open(dir.path()).expect("opens");
        let (mut log, report) = FileLog::open(Arc::new(disk), small()).expect("opens");
        assert_eq!((report.records, report.torn_bytes), (round * 50, 0));
        fill(&mut log, round * 50..(round + 1) * 50);
        assert_eq!(numbers(&log), (0..(round + 1) * 50).collect::<Vec<_>>());
    }
}
