//! What was given up and is set aside.

use super::*;

/// A dead delivery of version 1 of this episode, and its number.
fn dead(bench: &mut Bench, n: u32) -> u64 {
    bench.tell(transition(n, 1));
    let due = bench.claim("a", NOW, 1);
    bench.end(due[0].id, Ending::Dead, NOW);
    due[0].id as u64
}

fn listed(bench: &Bench, filter: &OutboxFilter) -> Vec<u64> {
    let reader = OutboxReader::open(&bench.dir.path().join("outbox.db")).unwrap();
    reader.list(filter, None, PAGE_MAX).unwrap().iter().map(|row| row.id).collect()
}

fn open(bench: &Bench) -> u64 {
    OutboxReader::open(&bench.dir.path().join("outbox.db")).unwrap().dead_letters().unwrap()
}

// P: who set it aside and when is on record, the first one for good; lists leave it out unless they are asked for it.
#[test]
fn it_is_set_aside_once() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let (id, other) = (dead(&mut bench, 1), dead(&mut bench, 2));
    assert_eq!(open(&bench), 2);
    let (later, last) = (Timestamp(NOW.0 + 5), Timestamp(NOW.0 + 9));
    let Dismissal::Done(row) = bench.outbox.dismiss(id, "li.wei", "已电话告知", later).unwrap() else {
        panic!("it is dead")
    };
    let first = Dismissed { at: later.0, by: "li.wei".to_owned(), note: "已电话告知".to_owned() };
    assert_eq!((&*row.outcome, row.dismissed), ("dead", Some(first.clone())));
    bench.reopen();
    let Dismissal::Done(row) = bench.outbox.dismiss(id, "zhang", "", last).unwrap() else { panic!("it is dead") };
    assert_eq!(row.dismissed, Some(first.clone()));
    assert_eq!(open(&bench), 1);
    let dead = OutboxFilter { outcome: Some("dead".to_owned()), ..OutboxFilter::default() };
    assert_eq!(listed(&bench, &dead), [other]);
    assert_eq!(listed(&bench, &OutboxFilter::default()), [other]);
    assert_eq!(listed(&bench, &OutboxFilter { dismissed: true, ..dead }), [id]);
    let reader = OutboxReader::open(&bench.dir.path().join("outbox.db")).unwrap();
    let of = |n, after| reader.dismissed_of(episode(n), after, PAGE_MAX).unwrap();
    assert_eq!(of(1, (i64::MIN, 0)).pop().unwrap().dismissed, Some(first));
    assert_eq!((of(1, (later.0, id)), of(2, (i64::MIN, 0))), (Vec::new(), Vec::new()));
    bench.outbox.tidy(NOW + SETTLED_KEPT + maibo_core::time::Millis(1)).unwrap();
    assert_eq!(
        bench.outbox.dismiss(id, "li.wei", "", last).unwrap(),
        Dismissal::Unknown,
        "it is forgotten like others"
    );
}

// P: what is not dead is left alone; what was set aside can be owed again, and is then as if nobody had.
#[test]
fn only_what_is_dead() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    let id = dead(&mut bench, 1);
    assert!(matches!(bench.outbox.dismiss(id, "li.wei", "", NOW).unwrap(), Dismissal::Done(_)));
    let Replay::Owed(row) = bench.outbox.replay(id, NOW).unwrap() else { panic!("it is dead") };
    assert_eq!((row.dismissed, open(&bench)), (None, 0));
    let refused = Dismissal::NotDead("pending".to_owned());
    assert_eq!(bench.outbox.dismiss(id, "li.wei", "", NOW).unwrap(), refused);
    let due = bench.claim("a", NOW, 1);
    bench.end(due[0].id, Ending::Dead, NOW);
    assert_eq!((bench.list()[0].dismissed.clone(), open(&bench)), (None, 1), "it died anew");
    assert_eq!(bench.outbox.dismiss(99, "li.wei", "", NOW).unwrap(), Dismissal::Unknown);
}
