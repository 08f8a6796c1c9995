//! What may be claimed where a receiver is held back.

use super::*;

fn red(n: u32) -> Transition {
    Transition { level: Level::Red, peak: Level::Red, ..transition(n, 1) }
}

/// The sources of what is claimed, which is then given back.
fn claimed(bench: &mut Bench, places: Places) -> Vec<String> {
    let receiver = bench.receivers[0].clone();
    let parcels = bench.outbox.claim(&receiver, NOW, places).unwrap();
    let dues: Vec<Due> = parcels.into_iter().flat_map(|p| p.letters).collect();
    bench.outbox.release(&dues.iter().map(|due| due.id).collect::<Vec<_>>());
    dues.into_iter().map(|due| String::from_utf8(due.body).unwrap()).collect()
}

fn bodies(list: &[u32]) -> Vec<String> {
    list.iter().map(|n| format!("{}:1", episode(*n))).collect()
}

// P: what is kept for red nothing else takes, and red takes what is anybody's too.
#[test]
fn places_for_red() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    for t in [transition(1, 1), transition(2, 1), red(3), red(4)] {
        bench.tell(t);
    }
    let places = |any, red| Places { any, red, first_red: 0 };
    assert_eq!(claimed(&mut bench, places(0, 0)), bodies(&[]));
    assert_eq!(claimed(&mut bench, places(0, 1)), bodies(&[3]));
    assert_eq!(claimed(&mut bench, places(1, 0)), bodies(&[3]));
    assert_eq!(claimed(&mut bench, places(1, 5)), bodies(&[3, 4]), "what is anybody's is used up by red");
    assert_eq!(claimed(&mut bench, places(3, 1)), bodies(&[3, 4, 1]));
    assert_eq!(claimed(&mut bench, places(4, 0)), bodies(&[3, 4, 1, 2]));
}

// P: a place for what was never tried is not taken by what was.
#[test]
fn a_place_for_a_first_attempt() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(red(1));
    let first = bench.claim("a", NOW, 1);
    bench.end(first[0].id, failed(NOW), NOW);
    bench.tell(transition(2, 1));
    let only = |first_red| Places { first_red, ..Places::default() };
    assert_eq!(claimed(&mut bench, only(2)), bodies(&[]));
    bench.tell(red(3));
    bench.tell(red(4));
    assert_eq!(claimed(&mut bench, only(1)), bodies(&[3]));
    assert_eq!(claimed(&mut bench, Places { any: 1, red: 0, first_red: 1 }), bodies(&[1, 3]));
}

// P: what is asked for every attempt is prepared once, whatever level it asks for. A partial index that holds one level would
// have SQLite prepare it anew for each: that made telling a thousand alerts a second ten times slower.
#[test]
fn what_is_due_is_prepared_once() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(red(1));
    let mut due = bench.outbox.connection.prepare(super::super::claim::DUE).unwrap();
    for urgency in [3, 2, 1, 0, 3] {
        let found = due.query_map(rusqlite::params!["a", urgency, NOW.0], |row| row.get::<_, i64>(0)).unwrap().count();
        assert_eq!(found, usize::from(urgency == 3));
    }
    assert_eq!(due.get_status(rusqlite::StatementStatus::RePrepare), 0);
}
