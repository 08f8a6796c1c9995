//! What the partitions tell the city machine.

use maibo_core::fact::{Body, Cause, Fact};
use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Input, Told};
use maibo_core::place::Level::{Blue, Yellow};

use crate::engine_world::block::{Block, flood};
use crate::engine_world::{World, depth, s};

const A: &str = "110105003-a";
const B: &str = "110105003-b";
const C: &str = "110105004-c";

// said again, whole or in part, nothing happens again.
#[test]
fn said_again_is_passed_over() {
    let mut b = Block::new(&flood());
    let told = vec![b.fires(A, Yellow), b.fires(B, Yellow), b.fires(C, Yellow), b.ends(A)];
    b.tell(told.clone());
    let facts = b.w.facts.len();
    b.tell(told.clone()).tell(told[1..].to_vec()).tell(told[3..].to_vec());
    assert_eq!(b.w.facts.len(), facts);
    assert_eq!(b.w.machine.facts_seen(), Some(4));
}

// a repetition that goes on further is taken from where it is new.
#[test]
fn the_new_part_is_taken() {
    let mut b = Block::new(&flood());
    let told = vec![b.fires(A, Yellow), b.fires(B, Yellow), b.fires(C, Yellow)];
    b.tell(told[..2].to_vec()).expect(&[]);
    b.tell(told).expect(&["0 v1 firing red quorum"]);
}

// facts that the city need not know move it on all the same.
#[test]
fn passed_over_facts_count() {
    let mut b = Block::new("");
    b.w.batch(vec![Input::Told { first: 0, next: 70, items: Vec::new() }]).restart();
    assert_eq!(b.w.machine.facts_seen(), Some(70));
    let old = b.fires(A, Blue);
    b.tell(vec![old]).expect_incidents(&[]);
}

// a restart at any step changes nothing.
#[test]
fn a_restart_changes_nothing() {
    let (mut straight, mut restarted) = (Block::new(&flood()), Block::new(&flood()));
    for b in [&mut straight, &mut restarted] {
        let restart = b.next;
        assert_eq!(restart, 0);
    }
    let script = [(A, true), (B, true), (A, false), (C, true), (A, true), (B, false), (C, false), (A, false)];
    for (n, (device, fires)) in script.into_iter().enumerate() {
        for (b, again) in [(&mut straight, false), (&mut restarted, true)] {
            b.at(s(n as i64 * 70));
            if again {
                b.w.restart();
            }
            let told = if fires { b.fires(device, Yellow) } else { b.ends(device) };
            b.tell(vec![told]);
        }
        assert_eq!(straight.w.out, restarted.w.out, "step {n}");
        assert_eq!(straight.w.machine.next_deadline(), restarted.w.machine.next_deadline());
    }
    assert_eq!(straight.w.facts, restarted.w.facts);
    assert!(!straight.w.transitions().is_empty());
}

// what the city is told of: what partitions decide about alerts; not its own facts, not what operators say.
#[test]
fn what_is_told() {
    let mut w = World::new(&depth(""));
    w.at(0).value(25.0);
    assert!(w.acknowledge("li", 1).result.is_ok());
    w.at(s(1)).value(0.0);
    let mut city = World::with(PartitionId::CITY, &depth(""), "");
    city.at(0).listening().at(s(60)).deaf(s(60)).run(s(100));
    let facts: Vec<Fact> = w.facts.iter().chain(&city.facts).cloned().collect();
    let told: Vec<(u32, &str)> = facts.iter().filter_map(Told::about).map(|t| (t.version, t.state.as_str())).collect();
    assert_eq!(told, [(1, "firing"), (3, "resolved")]);
    let own = city.transitions().first().map(|t| Box::new((*t).clone())).expect("an alert");
    let cause = Cause { partition: PartitionId::CITY, position: Position(1), seq: 0 };
    assert!(Told::about(&Fact { cause, body: Body::Transition(own), ..facts[0].clone() }).is_none());
}

// a snapshot of a binary that told the city nothing: it is told what was decided after it, and nothing of before.
#[test]
fn an_old_snapshot_begins_where_it_was_taken() {
    let b = Block::new("");
    let bytes = b.w.machine.snapshot();
    // As it was: a format number, then an array of six without what came later.
    let mut decoder = minicbor::Decoder::new(&bytes);
    let format = decoder.u32().expect("a format");
    assert_eq!((format, decoder.array().expect("an array")), (1, Some(12)));
    let from = decoder.position();
    for _ in 0..6 {
        decoder.skip().expect("a field");
    }
    let old = [&[1, 0x86], &bytes[from..decoder.position()]].concat();
    let restore = || maibo_core::engine::Machine::restore(PartitionId::CITY, &old, &b.w.versions).expect("readable");
    let mut machine = restore();
    machine.restored_at(17);
    assert_eq!(machine.facts_seen(), Some(17));
    let mut kept = maibo_core::engine::Machine::restore(PartitionId::CITY, &bytes, &b.w.versions).expect("a snapshot");
    kept.restored_at(17);
    assert_eq!(kept.facts_seen(), Some(0));
}
