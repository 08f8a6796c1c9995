//! What one more alert costs does not grow with what was before it. Counted in steps of SQLite's machine, which are the
//! same on a busy computer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Steps from one count to the next.
const GRAIN: i32 = 10;

fn steps(connection: &Connection) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    let count_one = move || {
        counter.fetch_add(GRAIN as u64, Ordering::Relaxed);
        false
    };
    connection.progress_handler(GRAIN, Some(count_one));
    count
}

/// So many rows of other episodes, settled or pending.
fn fill(outbox: &Outbox, receiver: &str, state: &str, rows: u32) {
    let head = i32::from(state == "pending");
    let settled = if state == "pending" { "NULL" } else { "n" };
    outbox
        .connection
        .execute_batch(&format!(
            "WITH RECURSIVE many(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM many WHERE n < {rows})
             INSERT INTO delivery (message, receiver, episode, version, latest, urgency, created_at, body, state, head,
               next_at, settled_at, reported)
             SELECT '{receiver}-{state}-' || n, '{receiver}', 'e' || n, 1, 0, 1, n, x'', '{state}', {head}, 9e12, {settled}, 1
             FROM many"
        ))
        .unwrap();
}

/// An alert from its fact to the receiver's answer, its end, and what the keeper and the monitor do every minute.
fn one_alert(bench: &mut Bench, n: u32) {
    for (version, state) in [(1, State::Firing), (2, State::Resolved)] {
        bench.tell(Transition { state, ..transition(n, version) });
        let due = bench.claim("a", NOW, 8);
        assert_eq!(due.len(), 1);
        let gone = bench.end(due[0].id, Ending::Delivered, NOW);
        let reported =
            gone.into_iter().map(|d| fact(bench.outbox.cursor(), Body::Delivery(Box::new(d)))).collect::<Vec<_>>();
        bench.outbox.follow(&reported, &bench.receivers, NOW, text).unwrap();
        bench.outbox.lift(NOW).unwrap();
        bench.outbox.next_due("a").unwrap();
        bench.outbox.next_lift().unwrap();
    }
}

fn measure(bench: &mut Bench, n: u32) -> u64 {
    let count = steps(&bench.outbox.connection);
    one_alert(bench, n);
    count.load(Ordering::Relaxed)
}

// Under 300 alerts a second each looked at every delivery there ever was, and the thousandth was late.
#[test]
fn an_alert_costs_the_same_behind_many_deliveries() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All), receiver("dead", Mode::All)]);
    one_alert(&mut bench, 1);
    let few = measure(&mut bench, 2);
    fill(&bench.outbox, "a", "delivered", 20_000);
    fill(&bench.outbox, "dead", "pending", 20_000);
    let many = measure(&mut bench, 3);
    assert!(few > 100, "something is counted: {few}");
    assert!(many < few * 2, "{few} steps with few deliveries, {many} behind 40,000");
}

// What is looked up every few seconds or every minute passes over what is settled.
#[test]
fn housekeeping_passes_over_what_is_settled() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    fill(&bench.outbox, "a", "delivered", 20_000);
    let count = steps(&bench.outbox.connection);
    bench.outbox.unreported(NOW, PAGE_MAX).unwrap();
    assert!(count.load(Ordering::Relaxed) < 1_000, "{count:?}");
    bench.outbox.connection.execute("UPDATE delivery SET needs_operator = 1 WHERE head = 1", []).unwrap();
    let reader = OutboxReader::open(&bench.dir.path().join("outbox.db")).unwrap();
    let count = steps(&reader.connection);
    assert_eq!(reader.failing(0).unwrap()[0].count, 1);
    assert!(count.load(Ordering::Relaxed) < 1_000, "{count:?}");
}
