//! Alerts with one cause.

use std::collections::BTreeSet;

use maibo_core::engine::MANY_RULE;
use maibo_core::fact::Body;
use maibo_core::input::Told;
use maibo_core::limit;
use maibo_core::place::Level::{Blue, Red, Yellow};

use crate::engine_world::block::{Block, flood};
use crate::engine_world::s;

const A: &str = "110105003-a";
const B: &str = "110105003-b";
const C: &str = "110105004-c";
const ELSEWHERE: &str = "110106001-e";

fn episodes(told: &[Told]) -> BTreeSet<maibo_core::id::EpisodeId> {
    told.iter().map(|t| t.episode).collect()
}

// one rule in one district within ten minutes is one incident; another district or another rule is another.
#[test]
fn one_rule_in_one_district() {
    let mut b = Block::new("");
    b.at(0).fire(A, Blue).expect_incidents(&["v1 open depth 110105 blue 1/1 of 1"]);
    b.at(s(599)).fire(B, Blue).expect_incidents(&["v2 open depth 110105 blue 2/2 of 2"]);
    b.fire(ELSEWHERE, Blue).expect_incidents(&["v1 open depth 110106 blue 1/1 of 1"]);
    let other = b.fires_by("other", A, Blue);
    b.tell(vec![other]).expect_incidents(&["v1 open other 110105 blue 1/1 of 1"]);
    b.at(s(1_200)).fire(C, Blue).expect_incidents(&["v1 open depth 110105 blue 1/1 of 1"]);
}

// told again when it got worse and when it doubled, not with every alert.
#[test]
fn few_facts() {
    let mut b = Block::new("");
    b.at(0).fire(A, Blue);
    for n in 0..20 {
        b.fire(&format!("110105004-{n}"), Blue);
    }
    b.expect_incidents(&[
        "v1 open depth 110105 blue 1/1 of 1",
        "v2 open depth 110105 blue 2/2 of 2",
        "v3 open depth 110105 blue 4/4 of 4",
        "v4 open depth 110105 blue 8/8 of 8",
        "v5 open depth 110105 blue 16/16 of 16",
    ]);
    b.fire(A, Red).expect_incidents(&["v6 open depth 110105 red 21/21 of 21"]);
    b.fire(A, Yellow).fire(A, Red).expect_incidents(&[]);
}

// closed when all has been over for ten minutes, and not before; an alert in between keeps it open.
#[test]
fn closed_at_rest() {
    let mut b = Block::new("");
    b.at(0).fire(A, Blue).at(s(60)).end(A).at(s(400)).fire(A, Blue).at(s(500)).end(A);
    b.expect_incidents(&["v1 open depth 110105 blue 1/1 of 1", "v2 open depth 110105 blue 1/2 of 1"]);
    b.at(s(1_099)).expect_incidents(&[]);
    b.w.restart();
    b.at(s(1_100)).expect_incidents(&["v3 closed depth 110105 blue 0/2 of 1"]);
    b.at(s(1_101)).fire(A, Blue).expect_incidents(&["v1 open depth 110105 blue 1/1 of 1"]);
    let ids: BTreeSet<_> = b.incidents().iter().map(|i| i.id).collect();
    assert_eq!(ids.len(), 2, "another incident");
}

// what lay in the past does not mix with the present.
#[test]
fn the_past_is_apart() {
    let mut b = Block::new("");
    let now = b.at(0).fires(A, Blue);
    let mut past = b.fires(B, Blue);
    past.historic = true;
    b.tell(vec![now, past]);
    let historic: BTreeSet<bool> = b.incidents().iter().map(|i| i.historic).collect();
    assert_eq!(historic.len(), 2);
}

// a quorum takes the incidents of its devices into one, the earliest, and later alerts of both come there.
#[test]
fn a_quorum_takes_them_in() {
    let quorum = flood().replace("district", "city");
    let mut b = Block::new(&quorum);
    b.at(0).fire(A, Yellow).at(s(1)).fire(ELSEWHERE, Yellow);
    b.expect_incidents(&["v1 open depth 110105 yellow 1/1 of 1", "v1 open depth 110106 yellow 1/1 of 1"]);
    b.at(s(2)).fire(C, Yellow);
    b.expect_incidents(&["v2 open depth 110105 red 4/4 of 3", "v2 closed depth 110106 yellow 0/1 of 1 into another"]);
    b.w.restart();
    b.at(s(3)).fire("110106002-f", Yellow).expect_incidents(&[]);
    assert_eq!(b.grouped().into_values().collect::<BTreeSet<_>>().len(), 1);
    b.end(A).end(C).end(ELSEWHERE).end("110106002-f").at(s(4_000));
    b.expect_incidents(&["v3 closed depth 110105 red 0/5 of 4"]);
}

// a deaf source is an incident of its own.
#[test]
fn a_source_is_an_incident() {
    let mut b = Block::new("");
    b.w.listening().at(s(60)).deaf(s(60)).run(s(100));
    b.expect_incidents(&["v1 open maibo-source - orange 1/1 of 0"]);
    b.w.listening().run(s(800));
    b.expect_incidents(&["v2 closed maibo-source - orange 0/1 of 0"]);
    b.check_grouped(&BTreeSet::new());
}

// an alert that came and went within one step is grouped all the same.
#[test]
fn short_ones_are_grouped() {
    let mut b = Block::new("");
    let told = vec![b.at(0).fires(A, Blue), b.ends(A), b.fires(B, Blue), b.ends(B)];
    let all = episodes(&told);
    b.tell(told).at(s(700));
    b.expect_incidents(&["v1 open depth 110105 blue 0/2 of 2", "v2 closed depth 110105 blue 0/2 of 2"]);
    b.check_grouped(&all);
}

// at the limit of open incidents one takes all that would open another.
#[test]
fn too_many_incidents_are_one() {
    let mut b = Block::new("");
    let mut all = BTreeSet::new();
    for n in 0..limit::MAX_INCIDENTS + 5 {
        let told = b.fires_by(&format!("r{n}"), A, Blue);
        all.insert(told.episode);
        b.tell(vec![told]);
    }
    let many: Vec<_> = b.incidents().into_iter().filter(|i| i.rule.as_str() == MANY_RULE).collect();
    assert_eq!(many.iter().map(|i| i.episodes).collect::<Vec<_>>(), [1, 2, 4]);
    b.check_grouped(&all);
}

// a storm: 100,000 alerts of all districts in ten seconds, and their end. Few facts, every alert in one incident, and
// nothing left when it is over.
#[test]
fn a_storm_gives_few_facts() {
    let mut b = Block::new(&flood()).alone();
    let mut all = BTreeSet::new();
    let devices: Vec<String> = (0..50_000).map(|n| format!("1101{:02}{:03}-{n}", 1 + n % 16, n / 16 % 20)).collect();
    let mut largest = 0;
    for (n, some) in devices.chunks(500).enumerate() {
        b.at(n as i64 * 50);
        let told: Vec<Told> = some.iter().map(|d| b.fires(d, Yellow)).collect();
        all.extend(told.iter().map(|t| t.episode));
        b.tell(told);
        largest = largest.max(b.w.out.facts.len());
    }
    for (n, some) in devices.chunks(500).enumerate() {
        b.at(s(5) + n as i64 * 50);
        let told: Vec<Told> = some.iter().map(|d| b.ends(d)).collect();
        b.tell(told);
    }
    let full = b.w.machine.snapshot().len();
    let count = |b: &Block| b.w.facts.iter().filter(|f| !matches!(f.body, Body::Grouped(_))).count();
    assert!(count(&b) < 500, "{} facts", count(&b));
    let grouped = b.w.facts.len() - count(&b);
    assert!(grouped <= 50_000 / 250 + 1, "{grouped} facts about who belongs where");
    assert!(largest < 100, "{largest} facts in one step");
    b.at(s(800));
    assert!(b.w.machine.snapshot().len() < 20_000, "{} bytes, {full} before", b.w.machine.snapshot().len());
    assert!(b.incidents().iter().rev().take(16).all(|i| i.open == 0));
    assert_eq!(b.w.machine.open_alerts().count(), 0);
    b.check_grouped(&all);
}
