use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use maibo_core::id::{DeviceId, PartitionId, Position, Quantity};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::time::{Millis, Timestamp};

use super::*;
use crate::seeded::Seeded;

const T0: i64 = 1_760_000_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

fn device(n: u64) -> DeviceId {
    DeviceId::new(&format!("wl-{n:04}")).expect("device")
}

fn quantity(n: u64) -> Quantity {
    Quantity::new(["water_depth", "rainfall"][n as usize % 2]).expect("quantity")
}

fn reading(series: u64, t: i64, now: i64, value: f64) -> Reading {
    Reading {
        device: device(series / 2),
        quantity: quantity(series),
        at: Timestamp(t),
        received: Timestamp(now),
        value,
        quality: Quality::Good,
        timed: true,
    }
}

/// What history ought to hold: a map, and the log it was made from.
#[derive(Default)]
struct Model {
    series: BTreeMap<u64, BTreeMap<i64, (f64, Quality)>>,
    log: Vec<(PartitionId, Position, Batch)>,
    now: i64,
    duplicates: u64,
    conflicts: u64,
}

impl Model {
    fn append(&mut self, now: i64, readings: Vec<(u64, Reading)>) {
        self.now = now;
        let mut batches: BTreeMap<PartitionId, Vec<Input>> = BTreeMap::new();
        for (series, r) in readings {
            let at = self.series.entry(series).or_default();
            match at.get(&r.at.0) {
                None => {
                    at.insert(r.at.0, (r.value, r.quality));
                }
                Some((v, _)) if v.total_cmp(&r.value).is_eq() => self.duplicates += 1,
                Some(_) => self.conflicts += 1,
            }
            batches.entry(PartitionId::of(&r.device)).or_default().push(Input::Reading(r));
        }
        for (partition, inputs) in batches {
            let position = Position(self.log.len() as u64 * 3 + 5);
            self.log.push((partition, position, Batch { now: Timestamp(now), inputs }));
        }
    }

    fn samples(&self, series: u64, from: i64, to: i64) -> Vec<Sample> {
        let Some(all) = self.series.get(&series) else { return Vec::new() };
        all.range(from..to).map(|(t, (value, quality))| Sample { t: *t, value: *value, quality: *quality }).collect()
    }
}

/// Chart steps, the slow way.
fn naive(samples: &[Sample], from: i64, to: i64, points: i64) -> Vec<Point> {
    let width = ((to - from) + points - 1) / points;
    let mut steps: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for s in samples.iter().filter(|s| s.quality != Quality::Range && s.value.is_finite()) {
        steps.entry((s.t - from) / width).or_default().push(s.value);
    }
    steps
        .into_iter()
        .map(|(step, values)| Point {
            t: Timestamp(from + step * width),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean: (values.iter().sum::<f64>() / values.len() as f64).clamp(
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
            count: values.len() as u64,
        })
        .collect()
}

struct Bench {
    path: PathBuf,
    options: Options,
    writer: HistoryWriter,
    reader: HistoryReader,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("history.db");
        let (writer, reader) = open(&path, options);
        Self { path, options, writer, reader, _dir: dir }
    }

    /// As after a kill: whatever was in memory is gone.
    fn restart(&mut self) -> Recovered {
        (self.writer, self.reader) = HistoryWriter::open(&self.path, self.options).expect("opens");
        self.writer.recover().expect("recovers")
    }

    /// Applies the log from the cursors on, as a follower does.
    fn follow(&mut self, model: &Model) {
        let after: BTreeMap<PartitionId, Position> =
            self.writer.cursors().into_iter().filter_map(|(p, c)| Some((p, c?))).collect();
        for (partition, position, batch) in &model.log {
            if after.get(partition).is_none_or(|a| a < position) {
                self.writer.apply(*partition, *position, batch).expect("applies");
            }
        }
    }

    fn raw(&self, series: u64, from: i64, to: i64) -> Answer<Sample> {
        let (device, quantity) = (device(series / 2), quantity(series));
        self.reader.raw(&device, &quantity, Timestamp(from), Timestamp(to), RAW_MAX).expect("reads")
    }

    fn points(&self, series: u64, from: i64, to: i64, points: usize) -> Vec<Point> {
        let (device, quantity) = (device(series / 2), quantity(series));
        self.reader.range(&device, &quantity, Timestamp(from), Timestamp(to), points).expect("reads").items
    }

    fn execute(&self, sql: &str) -> usize {
        rusqlite::Connection::open(&self.path).expect("opens").execute(sql, []).expect("executes")
    }

    fn number(&self, sql: &str) -> i64 {
        rusqlite::Connection::open(&self.path).expect("opens").query_row(sql, [], |r| r.get(0)).expect("reads")
    }
}

fn open(path: &Path, options: Options) -> (HistoryWriter, HistoryReader) {
    let (mut writer, reader) = HistoryWriter::open(path, options).expect("opens");
    writer.recover().expect("recovers");
    (writer, reader)
}

fn compare(bench: &Bench, model: &Model, seed: u64) {
    for series in 0..6 {
        let (from, to) = (T0 - DAY, T0 + 3 * DAY);
        let wanted = model.samples(series, from, to);
        let found = bench.raw(series, from, to);
        assert_eq!(found.items, wanted, "seed {seed} series {series}");
        assert!(found.damaged.is_empty() && !found.more);
        let (device, quantity) = (device(series / 2), quantity(series));
        assert_eq!(bench.reader.latest(&device, &quantity).expect("reads"), wanted.last().copied(), "seed {seed}");
        for (from, to, points) in [(from, to, 300), (T0 + MINUTE, T0 + 9 * 60 * MINUTE + 7, 17), (T0, T0 + 50, 300)] {
            let samples = model.samples(series, from, to);
            assert_eq!(bench.raw(series, from, to).items, samples);
            assert_eq!(
                bench.points(series, from, to, points as usize),
                naive(&samples, from, to, points),
                "seed {seed}"
            );
        }
    }
}

fn compare_now(bench: &mut Bench, model: &Model, seed: u64) {
    bench.follow(model);
    compare(bench, model, seed);
}

fn hours(n: i64) -> Model {
    let mut model = Model::default();
    for i in 0..n * 60 {
        let now = T0 + i * MINUTE;
        model.append(now, (0..4).map(|s| (s, reading(s, now, now, (i % 50) as f64 / 10.0))).collect());
    }
    model
}

mod borrowed;
mod damage;
mod equality;
mod figures;
mod limits;
