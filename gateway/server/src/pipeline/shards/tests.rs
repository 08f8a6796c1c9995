#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use maibo_core::engine::EngineError;
use maibo_core::fact::Body;
use maibo_core::id::{Actor, DeviceId, EpisodeId, Quantity, RuleId, Subject, Version};
use maibo_core::input::{Act, Command, Input};
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;
use proptest::prelude::*;

use super::*;

mod hour;

const BEGIN: i64 = 1_800_000_000_000;
const DEVICES: usize = 40;
const RULES: &str = r#"
[[rule]]
id = "depth"
title = { zh = "积水", en = "water" }
domain = "traffic"
source = "test"
advice = { zh = "查看", en = "look" }
when = { quantity = "water_depth", kind = "k" }
levels = { yellow = 10, red = 40 }
direction = "above"
deadband = 2
for = "0s"
keep_firing_for = "5s"
"#;

fn device(n: usize) -> DeviceId {
    DeviceId::new(&format!("d-{n}")).unwrap()
}

/// Rules and catalogue of the tests, and the inputs that put them in force.
fn law() -> (Arc<Versions>, Vec<Input>) {
    let rules = RuleSet::compile(&[("test.toml", RULES)]).unwrap();
    let rows = (0..DEVICES).fold(String::new(), |rows, n| rows + &format!("d-{n},k,110105001,traffic,10s\n"));
    let catalogue = Catalogue::parse(&format!("id,kind,place,domain,interval\n{rows}")).unwrap();
    let inputs =
        vec![Input::Catalogue { version: catalogue.version }, Input::Rules { version: rules.version, by: None }];
    let mut versions = Versions::default();
    versions.insert_rules(Arc::new(rules));
    versions.insert_catalogue(Arc::new(catalogue));
    (Arc::new(versions), inputs)
}

fn shards(of: usize, hand_over_from: usize) -> Shards {
    let machines = PartitionId::all().map(Machine::new).collect();
    Shards { hand_over_from, ..Shards::start(machines, of, Deadlines::default()).unwrap() }
}

fn value(n: usize, at: i64, value: f64) -> (PartitionId, Input) {
    let (device, at) = (device(n), Timestamp(at));
    let quantity = Quantity::new("water_depth").unwrap();
    let partition = PartitionId::of(&device);
    let reading = Reading { device, quantity, at, received: at, value, quality: Quality::Good, timed: true };
    (partition, Input::Reading(reading))
}

/// One thing in a commit: a value of a device (200 has no meaning), or an acknowledgement.
#[derive(Clone, Debug)]
enum Deed {
    Value(usize, u8),
    Acknowledge(usize),
}

fn commits() -> impl Strategy<Value = Vec<(i64, Vec<Deed>)>> {
    let deed = prop_oneof![
        6 => (0..DEVICES, prop_oneof![0..60_u8, Just(200)]).prop_map(|(n, v)| Deed::Value(n, v)),
        1 => (0..DEVICES).prop_map(Deed::Acknowledge),
    ];
    proptest::collection::vec((0..9_000_i64, proptest::collection::vec(deed, 0..80)), 1..8)
}

/// What all commits gave: facts, verdicts and counts, answers, and every machine's last state.
type Given = (Output, Answers, Vec<Vec<u8>>);

fn play(mut shards: Shards, commits: &[(i64, Vec<Deed>)]) -> Given {
    let (versions, first) = law();
    let (mut out, mut answers) = (Output::default(), Answers::new());
    let everywhere =
        PartitionId::all().map(|p| (p, Position(1), Batch { now: Timestamp(BEGIN), inputs: first.clone() }));
    shards.step(&Arc::new(everywhere.collect()), &versions, &mut out, &mut answers).unwrap();
    let mut now = BEGIN;
    for (n, (after, deeds)) in (2..).zip(commits) {
        now += after;
        let mut inputs: BTreeMap<PartitionId, Vec<Input>> = BTreeMap::new();
        for deed in deeds {
            let (partition, input) = match deed {
                Deed::Value(d, v) => value(*d, now, if *v == 200 { f64::NAN } else { f64::from(*v) }),
                Deed::Acknowledge(d) => acknowledge(*d, &out),
            };
            inputs.entry(partition).or_default().push(input);
        }
        let item = |(p, inputs)| (p, Position(n), Batch { now: Timestamp(now), inputs });
        let batches = Arc::new(inputs.into_iter().map(item).collect());
        shards.step(&batches, &versions, &mut out, &mut answers).unwrap();
    }
    (out, answers, shards.into_machines().iter().map(Machine::snapshot).collect())
}

/// On the device's last alert, or on one that nobody knows: that is answered too.
fn acknowledge(n: usize, so_far: &Output) -> (PartitionId, Input) {
    let (partition, subject) = (PartitionId::of(&device(n)), Subject::Device(device(n)));
    let last = so_far.facts.iter().rev().find_map(|f| match &f.body {
        Body::Transition(t) if t.subject == subject => Some((t.episode, t.version)),
        _ => None,
    });
    let nobodys = || (EpisodeId::derive(&RuleId::new("depth").unwrap(), &subject, Timestamp(0), 0), 1);
    let (episode, seen) = last.unwrap_or_else(nobodys);
    let actor = Actor::new("operator").unwrap();
    (partition, Input::Command(Command { actor, episode, seen, act: Act::Acknowledge { note: "x".into() } }))
}

proptest! {
    // No regression files: a failure prints its smallest inputs, which become a test.
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    // P3: any number of threads, and any part of a commit handed over, gives the same in the same order.
    #[test]
    fn any_number_of_shards_gives_the_same(commits in commits(), of in 2..=8_usize, hand_over_from in 1..12_usize) {
        let one = play(shards(1, 1), &commits);
        let many = play(shards(of, hand_over_from), &commits);
        prop_assert_eq!(&one.0, &many.0);
        prop_assert_eq!(&one.1, &many.1);
        prop_assert!(one.2 == many.2, "the machines' states");
    }
}

// The machines come back in partition order, and each is found by its number.
#[test]
fn machines_keep_their_order() {
    for of in 1..=MAX_SHARDS {
        let shards = shards(of, 1);
        assert_eq!(shards.len(), 257);
        let found: Vec<_> = (0..258).filter_map(|p| shards.get(p)).map(Machine::id).collect();
        assert_eq!(found, PartitionId::all().collect::<Vec<_>>());
        let back: Vec<_> = shards.into_machines().iter().map(Machine::id).collect();
        assert_eq!(back, found);
    }
}

// Of several batches that cannot be taken the first of the commit is named, as one thread would have.
#[test]
fn the_first_failure_of_a_commit_is_the_one() {
    let unknown = |p: u16| {
        let inputs = vec![Input::Rules { version: Version::of(b"nobody"), by: None }];
        (PartitionId(p), Position(1), Batch { now: Timestamp(BEGIN), inputs })
    };
    for of in [1, 2, 3, 8] {
        let batches: Vec<Item> = [5, 6, 7, 8, 9].map(unknown).to_vec();
        let (mut out, mut answers) = (Output::default(), Answers::new());
        let failed = shards(of, 1).step(&Arc::new(batches), &Arc::default(), &mut out, &mut answers);
        let is_first =
            matches!(failed, Err(PipelineError::Engine { partition: 5, source: EngineError::UnknownRules(_), .. }));
        assert!(is_first, "{failed:?}");
    }
}

// A shard's thread that panics ends the decider; nothing waits for ever, and nothing of the commit is told.
#[test]
fn a_dead_thread_ends_the_decider() {
    let mut shards = shards(2, 1);
    let (jobs, jobs_rx) = flume::bounded::<Job>(1);
    let (done_tx, done) = flume::bounded::<Job>(1);
    let thread = std::thread::spawn(move || {
        let _done = done_tx;
        let _job = jobs_rx.recv();
        std::panic::resume_unwind(Box::new("a machine's own mistake"));
    });
    shards.threads = vec![Worker { jobs, done, thread }];
    let (versions, first) = law();
    let item = |p| (p, Position(1), Batch { now: Timestamp(BEGIN), inputs: first.clone() });
    let batches: Arc<Vec<Item>> = Arc::new(PartitionId::all().map(item).collect());
    for _ in 0..2 {
        let (mut out, mut answers) = (Output::default(), Answers::new());
        let failed = shards.step(&batches, &versions, &mut out, &mut answers);
        assert!(matches!(failed, Err(PipelineError::Partner(_))), "{failed:?}");
        assert_eq!(out, Output::default());
    }
}
