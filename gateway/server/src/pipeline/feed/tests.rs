#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_core::codec;
use maibo_core::engine::{Machine, Output, Versions};
use maibo_core::fact::Body;
use maibo_core::id::{DeviceId, EpisodeId, PartitionId, PlaceCode, Position, RuleId, Subject};
use maibo_core::input::Batch;
use maibo_core::place::{Domain, Level};
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::{Append, AppendId, Log, Outcome, RECORD_MAX};

use super::*;
use crate::pipeline::{decider, full_pause, recovery};

const RULES: &str = "[[rule]]\nid = \"depth\"\ntitle = { zh = \"甲\", en = \"a\" }\ndomain = \"traffic\"\nsource = \"default\"\n\
    advice = { zh = \"乙\", en = \"b\" }\nwhen = { quantity = \"water_depth\" }\nlevels = { blue = 10, red = 40 }\n\
    direction = \"above\"\n\
    [[rule]]\nid = \"several\"\ntitle = { zh = \"甲\", en = \"a\" }\ndomain = \"traffic\"\nsource = \"default\"\n\
    advice = { zh = \"乙\", en = \"b\" }\nlevel = \"red\"\n\
    quorum = { rule = \"depth\", level = \"red\", count = 2, within = \"1m\", of = \"city\" }\n";

/// A pipeline turned by hand: one thing at a time, and a crash wherever it is wanted.
struct Hand {
    disks: [MemDisk; 2],
    versions: Versions,
    inputs: FileLog,
    facts: FactsLog,
    machines: Vec<Machine>,
    feed: Feed,
    now: i64,
    number: u64,
}

fn open(disks: &[MemDisk; 2]) -> (FileLog, FactsLog) {
    let inputs = FileLog::open(Arc::new(disks[0].clone()), FileLogOptions::default()).unwrap().0;
    let facts = FileLog::open(Arc::new(disks[1].clone()), FileLogOptions::facts()).unwrap().0;
    (inputs, FactsLog::open(Box::new(facts)).unwrap())
}

impl Hand {
    fn new() -> Self {
        let mut versions = Versions::default();
        let rules = RuleSet::compile(&[("test.toml", RULES)]).unwrap();
        let catalogue = "id,kind,place,domain,interval\na,k,110105003,traffic,10s\nb,k,110105004,traffic,10s\n\
            c,k,110106001,traffic,10s\n";
        let catalogue = Catalogue::parse(catalogue).unwrap();
        let first =
            [Input::Catalogue { version: catalogue.version }, Input::Rules { version: rules.version, by: None }];
        versions.insert_rules(Arc::new(rules));
        versions.insert_catalogue(Arc::new(catalogue));
        let disks = [MemDisk::new(), MemDisk::new()];
        let (inputs, facts) = open(&disks);
        let feed = Feed::new(facts.reader(0), 0);
        let machines = PartitionId::all().map(Machine::new).collect();
        let mut hand = Self { disks, versions, inputs, facts, machines, feed, now: 0, number: 0 };
        for partition in PartitionId::all() {
            hand.input(partition, first.to_vec(), true);
        }
        hand
    }

    /// Commits a batch, and decides it or (a crash in between) not.
    fn input(&mut self, partition: PartitionId, inputs: Vec<Input>, decide: bool) {
        self.number += 1;
        let batch = Batch { now: Timestamp(1_800_000_000_000 + self.now), inputs };
        let payload = batch.to_bytes();
        let id = AppendId { boot: 1, number: self.number };
        let [Outcome::Ok(position)] =
            self.inputs.append(&[Append { partition, id, expected: None, payload: &payload }])[..]
        else {
            panic!("kept")
        };
        if decide {
            let mut out = Output::default();
            let machine = &mut self.machines[usize::from(partition.0)];
            machine.step(position, &batch, &self.versions, &mut out).unwrap();
            self.facts.append(out.facts).unwrap();
        }
    }

    fn value(&mut self, device: &str, value: f64, decide: bool) {
        self.now += 1_000;
        let device = DeviceId::new(device).unwrap();
        let at = Timestamp(1_800_000_000_000 + self.now);
        let partition = PartitionId::of(&device);
        let quantity = maibo_core::id::Quantity::new("water_depth").unwrap();
        let reading = Reading { device, quantity, at, received: at, value, quality: Quality::Good, timed: true };
        self.input(partition, vec![Input::Reading(reading)], decide);
    }

    /// Tells the city what there is; whether there was anything.
    fn tell(&mut self, decide: bool) -> bool {
        let Some(told) = self.feed.take().unwrap() else { return false };
        self.input(PartitionId::CITY, vec![told], decide);
        true
    }

    fn snapshot(&mut self) {
        let city = &self.machines[usize::from(PartitionId::CITY.0)];
        let position = city.position().unwrap();
        let bytes = decider::snapshot_bytes(self.facts.next_index(), city);
        let expected = self.inputs.snapshot_load(PartitionId::CITY).unwrap().map(|(p, _)| p);
        self.inputs.snapshot_save(PartitionId::CITY, expected, position, &bytes).unwrap();
    }

    /// Forgets everything that is not on disk and starts again.
    fn crash(&mut self) {
        (self.inputs, self.facts) = open(&self.disks);
        let recovered = recovery::recover(&self.inputs, &mut self.facts, &self.versions, &full_pause()).unwrap();
        assert_eq!(recovered.divergences, 0);
        self.machines = recovered.machines;
        let wanted = self.machines.iter().find_map(Machine::facts_seen).unwrap();
        self.feed = Feed::new(self.facts.reader(wanted), wanted);
    }

    /// Numbers of the facts that the city was told, in the order of its log.
    fn told(&self) -> Vec<u64> {
        let mut reader = self.inputs.reader(&[(PartitionId::CITY, Some(Position(0)))]);
        let (mut told, end) = (Vec::new(), self.inputs.end(PartitionId::CITY).unwrap());
        loop {
            let Some(record) = reader.next().unwrap() else { continue };
            for input in Batch::from_bytes(&record.payload).unwrap().inputs {
                if let Input::Told { items, .. } = input {
                    told.extend(items.iter().map(|t| t.index));
                }
            }
            if record.position >= end {
                return told;
            }
        }
    }

    /// How many alerts of the place there were, and that each of all alerts has its versions, one after the other.
    fn quorums(&self) -> usize {
        let mut reader = self.facts.reader(0);
        let mut last: BTreeMap<EpisodeId, u32> = BTreeMap::new();
        let mut quorums = 0;
        while let Some(fact) = reader.next().unwrap() {
            let Body::Transition(t) = fact.body else { continue };
            let version = last.entry(t.episode).or_default();
            *version += 1;
            assert_eq!(t.version, *version, "{t:?}");
            quorums += usize::from(matches!(t.subject, Subject::Place(_)) && t.version == 1);
        }
        quorums
    }

    /// Numbers of the facts that the partitions made about alerts.
    fn decided(&self) -> Vec<u64> {
        let mut reader = self.facts.reader(0);
        std::iter::from_fn(|| reader.next().unwrap())
            .filter(|f| f.cause.partition != PartitionId::CITY && matches!(f.body, Body::Transition(_)))
            .map(|f| f.index)
            .collect()
    }
}

// P3: whatever the moment of a crash, the city is told every fact about a device once and in order.
#[test]
fn nothing_is_told_twice_or_left_out() {
    let mut quorums = 0;
    for seed in 0..60_u64 {
        let mut hand = Hand::new();
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % n
        };
        for _ in 0..60 {
            match draw(10) {
                0..=4 => {
                    let device = ["a", "b", "c"][draw(3) as usize];
                    hand.value(device, [0.0, 12.0, 45.0][draw(3) as usize], true);
                }
                5 | 6 => drop(hand.tell(true)),
                7 => {
                    hand.value("a", 45.0, false);
                    hand.crash();
                }
                8 => {
                    hand.tell(false);
                    hand.crash();
                }
                _ => {
                    hand.snapshot();
                    hand.crash();
                }
            }
        }
        while hand.tell(true) {}
        assert!(!hand.decided().is_empty());
        assert_eq!(hand.told(), hand.decided(), "seed {seed}");
        quorums += hand.quorums();
    }
    assert!(quorums > 20, "{quorums} alerts of the place");
}

// What the city decides does not come back to it: when all is told the feed is at rest.
#[test]
fn the_feed_comes_to_rest() {
    let mut hand = Hand::new();
    hand.value("a", 45.0, true);
    assert!(hand.tell(true));
    assert!(!hand.tell(true), "only the city's own facts are left");
}

// The watchdog sees how far the feed is: not beyond what it could hand over, and all of it when it is at rest.
#[tokio::test]
async fn its_pace() {
    let mut hand = Hand::new();
    hand.value("a", 45.0, true);
    let feed = Feed::new(hand.facts.reader(0), 0);
    let (pace, stop) = (feed.pace(), CancellationToken::new());
    let (queue, handed) = flume::bounded(0);
    let (_wake, woken) = watch::channel(0);
    let task = tokio::spawn(feed.run(queue, woken, stop.clone()));
    assert_eq!(pace.next(), 0, "nobody has taken anything");
    assert!(matches!(handed.recv_async().await, Ok(Work::Told(_))));
    let rest = async {
        while pace.next() < hand.facts.next_index() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), rest).await.expect("it is at rest");
    stop.cancel();
    task.await.unwrap();
}

// The most that is told at once, with the longest identifiers, fits into one record.
#[test]
fn the_longest_input_fits() {
    let rule = RuleId::new(&"r".repeat(RuleId::MAX)).unwrap();
    let subject = Subject::Device(DeviceId::new(&"d".repeat(DeviceId::MAX)).unwrap());
    let far = Timestamp(i64::MAX);
    let item = Told {
        index: u64::MAX,
        episode: EpisodeId::derive(&rule, &subject, far, 1),
        version: u32::MAX,
        rule,
        subject,
        place: Some(PlaceCode::new(&"9".repeat(PlaceCode::MAX)).unwrap()),
        domain: Domain::Emergency,
        state: maibo_core::fact::State::Resolved,
        level: Level::Red,
        stale: true,
        historic: true,
        started_at: far,
        at: far,
        resolved_at: Some(far),
        decided: far,
    };
    let told = Input::Told { first: u64::MAX, next: u64::MAX, items: vec![item; MAX_TOLD] };
    let bytes = codec::encode(&Batch { now: far, inputs: vec![told] });
    assert!(bytes.len() < RECORD_MAX, "{} bytes", bytes.len());
}
