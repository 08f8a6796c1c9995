//! What every [`Log`] must do, as one test that runs on all of them. For tests; it panics where a promise is broken.

use std::collections::BTreeMap;

use maibo_core::id::{PartitionId, Position};

use crate::log::{Append, AppendId, Log, LogReader, Outcome, RECORD_MAX, ReadError, Record, SnapshotError};

/// Most times a reader is asked before its silence counts as a fault.
const ASK_MAX: u32 = 10_000;
/// Most times an append is repeated.
const TRIES: u32 = 1_000;
/// Partitions the test uses.
const PARTITIONS: [PartitionId; 3] = [PartitionId(0), PartitionId(7), PartitionId::CITY];

/// Which log the test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An empty one.
    Fresh,
    /// The last one again, as after a restart. The test has let go of it.
    Again,
}

/// What the test came across, so that its caller can say what must have happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Appends that were `Full`.
    pub full: u32,
    /// Appends that were `Unknown`.
    pub unknown: u32,
    /// Reads that found nothing before the end.
    pub silences: u32,
    /// Reads of trimmed records.
    pub trimmed: u32,
}

/// Runs the contract on the logs that `make` makes.
pub fn check(mut make: impl FnMut(Wanted) -> Box<dyn Log>) -> Seen {
    let mut seen = Seen::default();
    empty(&*make(Wanted::Fresh), &mut seen);
    order_and_restart(&mut make, &mut seen);
    calls_of_many(&mut *make(Wanted::Fresh), &mut seen);
    fence(&mut *make(Wanted::Fresh), &mut seen);
    sizes(&mut *make(Wanted::Fresh), &mut seen);
    following(&mut *make(Wanted::Fresh), &mut seen);
    trimming(&mut make, &mut seen);
    snapshots(&mut make);
    seen
}

/// One writer that does what the interface asks of it.
struct Writer {
    boot: u64,
    number: u64,
}

impl Writer {
    fn new(boot: u64) -> Self {
        Self { boot, number: 0 }
    }

    /// Appends one record until it is kept.
    fn put(&mut self, log: &mut dyn Log, partition: PartitionId, payload: &[u8], seen: &mut Seen) -> Record {
        for _ in 0..TRIES {
            self.number += 1;
            let id = AppendId { boot: self.boot, number: self.number };
            let before = log.end(partition);
            let outcomes = log.append(&[Append { partition, id, expected: before, payload }]);
            assert_eq!(outcomes.len(), 1, "one outcome per record");
            let position = match &outcomes[0] {
                Outcome::Ok(position) => Some(*position),
                Outcome::Full => {
                    seen.full += 1;
                    assert_eq!(log.end(partition), before, "nothing of a Full append is kept");
                    None
                }
                Outcome::Unknown => {
                    seen.unknown += 1;
                    find(log, partition, id, seen)
                }
                other => panic!("{other:?} without a reason"),
            };
            if let Some(position) = position {
                assert!(before.is_none_or(|b| position > b), "positions grow");
                assert_eq!(log.end(partition), Some(position), "the end is the last position");
                return Record { partition, position, id, payload: payload.to_vec() };
            }
        }
        panic!("no room after {TRIES} tries");
    }
}

/// Looks for an append by its id.
fn find(log: &dyn Log, partition: PartitionId, id: AppendId, seen: &mut Seen) -> Option<Position> {
    read_to_end(log, &[(partition, None)], seen).into_iter().find(|r| r.id == id).map(|r| r.position)
}

/// Reads until the last record of every partition was seen.
fn read_to_end(log: &dyn Log, from: &[(PartitionId, Option<Position>)], seen: &mut Seen) -> Vec<Record> {
    let mut reader = log.reader(from);
    let mut missing: BTreeMap<PartitionId, Position> = from
        .iter()
        .filter_map(|(p, after)| log.end(*p).filter(|end| after.is_none_or(|a| a < *end)).map(|end| (*p, end)))
        .collect();
    let mut records = Vec::new();
    while !missing.is_empty() {
        let record = ask(&mut *reader, seen);
        if missing.get(&record.partition) == Some(&record.position) {
            missing.remove(&record.partition);
        }
        records.push(record);
    }
    records
}

/// The next record, which must be there.
fn ask(reader: &mut dyn LogReader, seen: &mut Seen) -> Record {
    for _ in 0..ASK_MAX {
        match reader.next() {
            Ok(Some(record)) => return record,
            Ok(None) => seen.silences += 1,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the reader says nothing before the end");
}

fn of(partition: PartitionId, records: &[Record]) -> Vec<Record> {
    records.iter().filter(|r| r.partition == partition).cloned().collect()
}

fn empty(log: &dyn Log, seen: &mut Seen) {
    for partition in PARTITIONS {
        assert_eq!(log.end(partition), None, "an empty log has no end");
        assert_eq!(log.snapshot_load(partition).ok(), Some(None), "and no snapshot");
    }
    assert!(read_to_end(log, &PARTITIONS.map(|p| (p, None)), seen).is_empty());
    assert!(matches!(log.reader(&[]).next(), Ok(None)), "a reader of nothing reads nothing");
}

fn order_and_restart(make: &mut impl FnMut(Wanted) -> Box<dyn Log>, seen: &mut Seen) {
    let mut log = make(Wanted::Fresh);
    let mut writer = Writer::new(1);
    let mut wrote = Vec::new();
    for i in 0..60_u32 {
        let partition = PARTITIONS[i as usize % PARTITIONS.len()];
        wrote.push(writer.put(&mut *log, partition, &i.to_be_bytes(), seen));
    }
    drop(log);
    let mut log = make(Wanted::Again);
    let mut writer = Writer::new(2);
    for i in 60..70_u32 {
        wrote.push(writer.put(&mut *log, PARTITIONS[0], &i.to_be_bytes(), seen));
    }
    let all = read_to_end(&*log, &PARTITIONS.map(|p| (p, None)), seen);
    for partition in PARTITIONS {
        let wanted = of(partition, &wrote);
        assert_eq!(of(partition, &all), wanted, "each partition reads back in order, ids and payloads as appended");
        let middle = wanted[wanted.len() / 2].position;
        let rest = read_to_end(&*log, &[(partition, Some(middle))], seen);
        assert_eq!(rest, wanted[wanted.len() / 2 + 1..], "reading begins strictly after the position");
    }
    assert!(log.size() > 0);
}

fn calls_of_many(log: &mut dyn Log, seen: &mut Seen) {
    let payloads: Vec<Vec<u8>> = (0..20_u32).map(|i| i.to_be_bytes().to_vec()).collect();
    for round in 1..20 {
        let records: Vec<Append<'_>> = payloads
            .iter()
            .zip(1..)
            .map(|(payload, number)| Append {
                partition: PARTITIONS[number as usize % PARTITIONS.len()],
                id: AppendId { boot: round, number },
                expected: None,
                payload,
            })
            .collect();
        let outcomes = log.append(&records);
        assert_eq!(outcomes.len(), records.len(), "one outcome per record");
        let all = read_to_end(log, &PARTITIONS.map(|p| (p, None)), seen);
        let mut stopped: BTreeMap<PartitionId, &Outcome> = BTreeMap::new();
        for (record, outcome) in records.iter().zip(&outcomes) {
            let kept = all.iter().find(|r| r.id == record.id);
            match outcome {
                Outcome::Ok(position) => assert_eq!(kept.map(|r| r.position), Some(*position), "Ok is kept"),
                Outcome::Unknown => seen.unknown += 1,
                Outcome::Full => {
                    seen.full += 1;
                    assert_eq!(kept, None, "Full is not kept");
                }
                other => panic!("{other:?} without a reason"),
            }
            if kept.is_none() {
                stopped.entry(record.partition).or_insert(outcome);
            } else if let Some(before) = stopped.get(&record.partition) {
                panic!("{outcome:?} is kept behind {before:?}");
            }
        }
    }
}

fn fence(log: &mut dyn Log, seen: &mut Seen) {
    let mut writer = Writer::new(1);
    let first = writer.put(log, PARTITIONS[0], b"mine", seen).position;
    let second = writer.put(log, PARTITIONS[0], b"the other writer's", seen).position;
    let other = writer.put(log, PARTITIONS[1], b"elsewhere", seen).position;
    let id = AppendId { boot: 2, number: 1 };
    let late = Append { partition: PARTITIONS[0], id, expected: Some(first), payload: b"late" };
    let behind = Append { expected: None, payload: b"behind", ..late };
    let fenced = Outcome::Fenced { last: Some(second) };
    assert_eq!(log.append(&[late, behind]), [fenced.clone(), fenced], "a late writer is fenced, and what follows too");
    assert_eq!(log.end(PARTITIONS[0]), Some(second));
    assert_eq!(log.end(PARTITIONS[1]), Some(other), "partitions do not fence each other");
    writer.put(log, PARTITIONS[0], b"knows the end", seen);
}

fn sizes(log: &mut dyn Log, seen: &mut Seen) {
    let mut writer = Writer::new(1);
    let long: Vec<u8> = (0..RECORD_MAX).map(|i| i as u8).collect();
    let mut wrote = Vec::new();
    for payload in [&[][..], &[0], &[0; 5_000], &long] {
        wrote.push(writer.put(log, PARTITIONS[2], payload, seen));
    }
    assert_eq!(read_to_end(log, &[(PARTITIONS[2], None)], seen), wrote, "any length up to the longest");
    let (id, payload) = (AppendId { boot: 2, number: 1 }, vec![0; RECORD_MAX + 1]);
    let longer = Append { partition: PARTITIONS[2], id, expected: None, payload: &payload };
    assert_eq!(log.append(&[longer]), [Outcome::Full], "there is no room for a longer one");
    assert_eq!(log.append(&[]), [], "nothing gives nothing");
}

fn following(log: &mut dyn Log, seen: &mut Seen) {
    let mut writer = Writer::new(1);
    let mut reader = log.reader(&PARTITIONS.map(|p| (p, None)));
    assert!(matches!(reader.next(), Ok(None)), "nothing is there yet");
    for i in 0..50_u8 {
        let wrote = writer.put(log, PARTITIONS[usize::from(i) % 3], &[i; 300], seen);
        let reader = &mut *reader;
        let read = std::thread::scope(|s| s.spawn(|| ask(reader, &mut Seen::default())).join());
        assert_eq!(read.ok(), Some(wrote), "a reader follows the writer from another thread");
    }
}

fn trimming(make: &mut impl FnMut(Wanted) -> Box<dyn Log>, seen: &mut Seen) {
    let mut log = make(Wanted::Fresh);
    let mut writer = Writer::new(1);
    let wrote: Vec<Record> =
        (0..200_u32).map(|i| writer.put(&mut *log, PARTITIONS[i as usize % 2], &[i as u8; 500], seen)).collect();
    let quiet = writer.put(&mut *log, PARTITIONS[2], b"quiet", seen);
    log.keep_from("slow", PARTITIONS[0], wrote[98].position);
    log.keep_from("slow", PARTITIONS[1], wrote[99].position);
    log.keep_from("slow", PARTITIONS[2], quiet.position);
    assert_eq!(log.trim().ok(), Some(Vec::new()), "without a quota nothing needed is dropped");
    let from = [(PARTITIONS[0], Some(wrote[98].position)), (PARTITIONS[1], Some(wrote[99].position))];
    let rest = read_to_end(&*log, &from, seen);
    assert_eq!(of(PARTITIONS[0], &rest), of(PARTITIONS[0], &wrote[100..]), "what is needed is there");
    drop(log);
    let log = make(Wanted::Again);
    let left = read_to_end(&*log, &[(PARTITIONS[0], None)], seen);
    let first = left[0].position;
    assert_eq!(left, of(PARTITIONS[0], &wrote)[100 - left.len()..], "what is left is the newest, whole");
    let mut reader = log.reader(&[(PARTITIONS[0], Some(wrote[0].position))]);
    for _ in 0..ASK_MAX {
        match reader.next() {
            Ok(None) => {}
            Ok(Some(record)) => {
                assert_eq!(record, wrote[2], "nothing is missing without Trimmed");
                break;
            }
            Err(ReadError::Trimmed { partition, first: found }) => {
                assert_eq!((partition, found), (PARTITIONS[0], Some(first)), "Trimmed says where the rest begins");
                seen.trimmed += 1;
                reader.skip_dropped(partition);
                let rest: Vec<Record> = left.iter().map(|_| ask(&mut *reader, seen)).collect();
                assert_eq!(rest, left, "it goes on where the rest begins, and misses nothing");
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let mut reader = log.reader(&[(PARTITIONS[2], Some(quiet.position))]);
    assert!(matches!(reader.next(), Ok(None)), "a quiet partition that is read is not trimmed");
}

fn snapshots(make: &mut impl FnMut(Wanted) -> Box<dyn Log>) {
    let mut log = make(Wanted::Fresh);
    let [p, other, _] = PARTITIONS;
    assert!(log.snapshot_save(p, None, Position(3), b"three").is_ok());
    let conflict = log.snapshot_save(p, None, Position(4), b"four");
    assert!(matches!(conflict, Err(SnapshotError::Conflict { found: Some(Position(3)) })), "compare and set");
    assert!(log.snapshot_save(p, Some(Position(3)), Position(5), b"five").is_ok());
    assert!(matches!(
        log.snapshot_save(other, Some(Position(3)), Position(4), b""),
        Err(SnapshotError::Conflict { .. })
    ));
    drop(log);
    let mut log = make(Wanted::Again);
    assert_eq!(log.snapshot_load(p).ok(), Some(Some((Position(5), b"five".to_vec()))), "a snapshot stays");
    assert_eq!(log.snapshot_load(other).ok(), Some(None));
    assert!(log.snapshot_save(p, Some(Position(5)), Position(6), b"").is_ok(), "also for the compare");
    assert_eq!(log.snapshot_load(p).ok(), Some(Some((Position(6), Vec::new()))), "a state may be empty");
}
