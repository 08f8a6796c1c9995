#![allow(clippy::unwrap_used, reason = "tests")]

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::Millis;

use super::*;
use crate::history::{HistoryReader, HistoryWriter, Options};

const T0: i64 = 1_760_000_000_000 / BUCKET_MS * BUCKET_MS;

fn device(n: u64) -> DeviceId {
    DeviceId::new(&format!("wl-{n}")).unwrap()
}

fn quantity() -> Quantity {
    Quantity::new("water_depth").unwrap()
}

fn options() -> Options {
    Options { retention: None, grace: Millis(0), ..Options::default() }
}

/// Readings of some devices, one a minute in minutes `minutes`; the last bucket stays open.
fn write(path: &Path, devices: std::ops::Range<u64>, minutes: std::ops::Range<i64>) {
    let (mut writer, _reader) = HistoryWriter::open(path, options()).unwrap();
    writer.recover().unwrap();
    for (minute, n) in minutes.zip(1..) {
        let now = Timestamp(T0 + minute * 60_000);
        let reading = |n: u64| {
            Input::Reading(Reading {
                device: device(n),
                quantity: quantity(),
                at: now,
                received: now,
                value: minute as f64,
                quality: Quality::Good,
                timed: true,
            })
        };
        let batch = Batch { now, inputs: devices.clone().map(reading).collect() };
        writer.apply(PartitionId(0), Position(n), &batch).unwrap();
    }
    writer.checkpoint().unwrap();
}

fn read(path: &Path, n: u64) -> Vec<(i64, f64)> {
    let (mut writer, reader): (_, HistoryReader) = HistoryWriter::open(path, options()).unwrap();
    writer.recover().unwrap();
    assert!(writer.cursors().iter().all(|(_, c)| c.is_none()), "the log is wanted from its beginning");
    let all = reader.raw(&device(n), &quantity(), Timestamp(0), Timestamp(i64::MAX), 100_000).unwrap();
    assert!(all.damaged.is_empty() && !all.more);
    all.items.iter().map(|s| ((s.t - T0) / 60_000, s.value)).collect()
}

fn minutes(range: impl Iterator<Item = i64>) -> Vec<(i64, f64)> {
    range.map(|m| (m, m as f64)).collect()
}

// P2: everything whole is taken, closed buckets and the tails of open ones, from several files whose series have other
// numbers, each reading once.
#[test]
fn everything_whole_is_taken_once() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second, into] = ["a", "b", "c"].map(|n| dir.path().join(n));
    write(&first, 0..3, 0..400);
    write(&second, 1..5, 390..500);
    let taken = salvage(&first, &into).unwrap();
    assert_eq!((taken.readings, taken.damaged.len()), (1_200, 0));
    assert_eq!(taken.span, Some((Timestamp(T0), Timestamp(T0 + 4 * BUCKET_MS))));
    let taken = salvage(&second, &into).unwrap();
    assert_eq!(taken.readings, 4 * 110 - 2 * 10);
    assert_eq!(read(&into, 0), minutes(0..400));
    assert_eq!(read(&into, 1), minutes(0..500));
    assert_eq!(read(&into, 4), minutes(390..500));
}

// P2: a damaged row costs its bucket's span, which is told; a file that is no database is told as a whole.
#[test]
fn what_is_damaged_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let [from, into, other] = ["a", "b", "c"].map(|n| dir.path().join(n));
    write(&from, 0..2, 0..400);
    let connection = Connection::open(&from).unwrap();
    let row = "FROM chunk WHERE series = 1 AND bucket = ?1";
    let bucket = bucket_of(T0) + 1;
    let mut data: Vec<u8> = connection.query_row(&format!("SELECT data {row}"), [bucket], |r| r.get(0)).unwrap();
    data[0] ^= 1;
    let changed = connection.execute("UPDATE chunk SET data = ?2 WHERE series = 1 AND bucket = ?1", (bucket, data));
    assert_eq!(changed.unwrap(), 1);
    drop(connection);
    let taken = salvage(&from, &into).unwrap();
    let span = (Timestamp(T0 + BUCKET_MS), Timestamp(T0 + 2 * BUCKET_MS));
    assert_eq!((taken.readings, taken.damaged), (800 - 120, vec![span]));
    let lengths: Vec<usize> = [0, 1].map(|n| read(&into, n).len()).into();
    assert!(lengths.contains(&400) && lengths.contains(&280), "{lengths:?}");
    std::fs::write(&from, vec![7; 10_000]).unwrap();
    let taken = salvage(&from, &other).unwrap();
    assert_eq!((taken.readings, taken.damaged), (0, vec![(Timestamp(i64::MIN), Timestamp(i64::MAX))]));
    // SQLite's own pages: what can be read of them is, and the rest is told.
    let [torn, rest] = ["d", "e"].map(|n| dir.path().join(n));
    write(&torn, 0..200, 0..400);
    let len = std::fs::metadata(&torn).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&torn).unwrap().set_len(len / 2).unwrap();
    let taken = salvage(&torn, &rest).unwrap();
    assert!(!taken.damaged.is_empty() && taken.readings < 80_000, "{taken:?}");
    drop(HistoryWriter::open(&rest, options()).unwrap());
}
