//! The inputs log of a stopped Maibo.

use maibo_core::engine::{Machine, Output, Versions};
use maibo_core::fact::{Body, Reason};
use maibo_core::id::{EpisodeId, PartitionId, SourceId};
use maibo_core::input::{Batch, Input};
use maibo_store::log::{Append, AppendId, Outcome as Kept};

use super::*;
use crate::app::DataDir;
use crate::live::tests::reading;

// P3: what a run recorded gives, under the rules of then, the episodes that were told then: deafness, late values and the
// times of decision included. The recording's end is when it stopped listening.
#[test]
fn a_recorded_run_gives_its_own_episodes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (rules, catalogue) = (rules(), catalogue());
    let mut versions = Versions::default();
    versions.insert_rules(Arc::clone(&rules));
    versions.insert_catalogue(Arc::clone(&catalogue));
    let mut machines: Vec<Machine> = PartitionId::all().map(Machine::new).collect();
    let mut logs = DataDir::open(dir.path(), u64::MAX, false).expect("opens");
    let mut out = Output::default();
    let mut number = 0;
    let mut step = |now: i64, partition: PartitionId, inputs: Vec<Input>| {
        let batch = Batch { now: Timestamp(now), inputs };
        number += 1;
        let id = AppendId { boot: 1, number };
        let payload = batch.to_bytes();
        let kept = logs.inputs.append(&[Append { partition, id, expected: None, payload: &payload }]);
        let [Kept::Ok(position)] = kept[..] else { panic!("{kept:?}") };
        let machine = &mut machines[usize::from(partition.0)];
        machine.step(position, &batch, &versions, &mut out).expect("steps");
    };
    let source = SourceId::new("broker").expect("id");
    let start = |from: i64| {
        vec![
            Input::Deaf { source: None, from: Timestamp(from) },
            Input::Catalogue { version: catalogue.version },
            Input::Rules { version: rules.version, by: None },
            Input::Listening { source: source.clone() },
        ]
    };
    for partition in PartitionId::all() {
        step(NOON, partition, start(NOON));
    }
    let home = PartitionId::of(&DeviceId::new("wl-1").expect("id"));
    for (now, at, depth) in [(10, 10, 0.2), (20, 5, 0.9), (30, 29, 0.6), (40, 40, 0.0), (80, 41, 0.3), (81, 50, 0.0)] {
        let mut value = reading("wl-1", NOON + at * 1000, depth);
        value.received = Timestamp(NOON + now * 1000);
        step(NOON + now * 1000, home, vec![Input::Reading(value)]);
    }
    for partition in PartitionId::all() {
        step(
            NOON + 200_000,
            partition,
            vec![Input::Deaf { source: Some(source.clone()), from: Timestamp(NOON + 100_000) }],
        );
        step(NOON + 201_000, partition, vec![Input::Listening { source: source.clone() }]);
    }
    step(NOON + 300_000, PartitionId::CITY, Vec::new());
    drop(logs);

    let mut tape = Tape::new(None, None);
    source::load(&[dir.path().to_owned()], None, &mut tape).expect("reads");
    let recorded = run(&rules, &catalogue, &tape, || false).expect("runs").0;
    let mut told: Vec<(EpisodeId, Timestamp, Option<Timestamp>, u32)> = Vec::new();
    for fact in &out.facts {
        let Body::Transition(t) = &fact.body else { continue };
        match told.iter_mut().find(|e| e.0 == t.episode) {
            None => told.push((t.episode, fact.at, None, 1)),
            Some(e) => {
                e.2 = (t.state == State::Resolved).then_some(t.at);
                e.3 += 1;
            }
        }
    }
    let mut found: Vec<_> = recorded.episodes.iter().map(|e| (e.id, e.opened_at, e.ended_at, e.transitions)).collect();
    found.sort();
    told.sort();
    assert_eq!(found, told);
    let rules_told: Vec<&str> = recorded.episodes.iter().map(|e| e.rule.as_str()).collect();
    assert_eq!(rules_told, ["standing-water", "standing-water", "maibo-source"]);
    assert_eq!(recorded.counts, out.counts);
    assert_eq!((recorded.counts.late, recorded.counts.late_exceeding), (1, 1));
    assert_eq!((recorded.begin, recorded.end), (Some(Timestamp(NOON + 10_000)), Some(Timestamp(NOON + 300_000))));
    assert!(recorded.episodes.iter().all(|e| e.reason != Reason::DataStale));
}

// A directory that holds no logs is no recording.
#[test]
fn a_directory_without_logs() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = source::load(&[dir.path().to_owned()], None, &mut Tape::new(None, None)).expect_err("no logs");
    assert!(error.exit_code() == 65 && error.to_string().ends_with("holds no logs of a Maibo"), "{error}");
}
