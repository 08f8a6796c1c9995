//! What was given up and is owed again.

use super::*;

/// A dead delivery of version 1, and its number.
fn dead(bench: &mut Bench) -> u64 {
    bench.tell(transition(1, 1));
    let due = bench.claim("a", NOW, 1);
    let gone = bench.end(due[0].id, Ending::Dead, NOW);
    assert_eq!(&*gone[0].outcome, "dead");
    due[0].id as u64
}

// It goes out with what it said, under its old key, and what comes of it is on record anew.
#[test]
fn a_dead_one_is_owed_again() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let id = dead(&mut bench);
    let later = Timestamp(NOW.0 + 60_000);
    let Replay::Owed(row) = bench.outbox.replay(id, later).unwrap() else { panic!("it is dead") };
    assert_eq!((&*row.outcome, row.attempts, row.next_at), ("pending", 0, Some(later.0)));
    bench.reopen();
    let due = bench.claim("a", later, 1);
    assert_eq!(due[0].body, text(&transition(1, 1)));
    assert_eq!(due[0].message, maibo_core::notify::message_id("a", episode(1), 1));
    assert_eq!(bench.outbox.replay(id, later).unwrap(), Replay::NotDead("pending".to_owned()));
    let gone = bench.end(due[0].id, Ending::Delivered, later);
    assert_eq!((&*gone[0].outcome, gone[0].attempts), ("delivered", 1));
    assert_eq!(bench.outbox.replay(id, later).unwrap(), Replay::NotDead("delivered".to_owned()));
    assert_eq!(bench.outbox.replay(99, later).unwrap(), Replay::Unknown);
}

// P5: the order of an episode holds, whoever wishes what.
#[test]
fn what_was_overtaken_stays_dead() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let id = dead(&mut bench);
    bench.tell(transition(1, 2));
    assert_eq!(bench.outbox.replay(id, NOW).unwrap(), Replay::Overtaken(2), "it waits");
    let due = bench.claim("a", NOW, 1);
    bench.end(due[0].id, Ending::Delivered, NOW);
    assert_eq!(bench.outbox.replay(id, NOW).unwrap(), Replay::Overtaken(2), "it was told");
    assert_eq!(bench.list()[0].outcome, "dead");
}

// Two that are dead are owed in their order where the earlier is wished first; and a later one waits behind it.
#[test]
fn several_of_one_episode() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let first = dead(&mut bench);
    bench.tell(transition(1, 2));
    let due = bench.claim("a", NOW, 1);
    let second = due[0].id as u64;
    bench.end(due[0].id, Ending::Dead, NOW);
    assert!(matches!(bench.outbox.replay(first, NOW).unwrap(), Replay::Owed(_)));
    assert!(matches!(bench.outbox.replay(second, NOW).unwrap(), Replay::Owed(_)));
    let due = bench.claim("a", NOW, 8);
    assert_eq!(due.iter().map(|d| d.id as u64).collect::<Vec<_>>(), [first]);
    bench.end(due[0].id, Ending::Delivered, NOW);
    assert_eq!(bench.claim("a", NOW, 8)[0].id as u64, second);
}

// A receiver that takes nothing must not fill the disk by wishes.
#[test]
fn there_must_be_room() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let id = dead(&mut bench);
    bench.outbox.set_pending_max(1);
    bench.tell(transition(2, 1));
    assert_eq!(bench.outbox.replay(id, NOW).unwrap(), Replay::NoRoom);
}

// It waits since long ago by its decision, but nobody is told in the receiver's place because somebody wished it sent again.
#[test]
fn nobody_stands_in_for_it() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let id = dead(&mut bench);
    assert!(matches!(bench.outbox.replay(id, NOW).unwrap(), Replay::Owed(_)));
    let passed = bench.outbox.stand_in("a", &receiver("b", Mode::All), NOW, NOW).unwrap();
    assert_eq!((passed, bench.list().len()), (0, 1));
}
