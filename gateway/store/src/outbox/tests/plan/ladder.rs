//! What goes up rung by rung.

use maibo_core::notify::Rung;

use super::*;

fn rung(seconds: i64, name: &str) -> Rung {
    Rung { after: Millis::from_secs(seconds), escalate: vec![name.to_owned()] }
}

/// Water has a minute; then its chief is told, a minute later the deputy, two later the mayor.
fn tall() -> Arc<PlanSet> {
    let then = vec![rung(60, "deputy"), rung(120, "mayor")];
    let tasks = vec![Task { then, ..task("pumps", "water", 60) }];
    set(vec![Plan { tasks, ..plan() }])
}

fn bench() -> Bench {
    let names = ["water", "traffic", "chief", "deputy", "mayor"];
    let mut bench = Bench::new(names.map(silent).to_vec());
    bench.outbox.set_plans(tall());
    bench
}

/// Who would hear, and the deadline that is said.
fn next(bench: &Bench, now: Timestamp) -> Option<(Vec<String>, Timestamp)> {
    bench.outbox.overdue(now, 10).unwrap().pop().map(|one| (one.escalate, one.due_at))
}

fn who(bench: &Bench) -> Vec<String> {
    let mut names: Vec<String> = bench.told_of(1).into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names
}

// Nobody does it: one after the other is told, each when his rung is due, and the deadline that is said stays the task's.
#[test]
fn it_goes_up_rung_by_rung() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    assert_eq!(next(&bench, secs(60)), Some((vec!["chief".to_owned()], secs(60))));
    assert_eq!(bench.escalate(secs(61)).len(), 1);
    assert_eq!((next(&bench, secs(119)), bench.outbox.next_deadline().unwrap()), (None, Some(secs(120))));
    let task = bench.runs()[0].tasks[0].clone();
    assert_eq!((task.due_at, task.missed_at, task.next_at), (Some(secs(60).0), Some(secs(61).0), Some(secs(120).0)));
    bench.reopen();
    bench.outbox.set_plans(tall());
    assert_eq!(next(&bench, secs(120)), Some((vec!["deputy".to_owned()], secs(60))));
    assert_eq!(bench.escalate(secs(121)).len(), 1);
    assert_eq!(who(&bench), ["chief", "deputy", "traffic", "water"]);
    // Late itself, and all the same two minutes behind when the one before was due.
    assert_eq!(bench.outbox.next_deadline().unwrap(), Some(secs(240)));
    assert_eq!(bench.escalate(secs(500)).len(), 1);
    let expected = [
        "0 began",
        "61 missed pumps water",
        "61 escalated pumps chief",
        "121 escalated pumps deputy",
        "500 escalated pumps mayor",
    ];
    assert_eq!(bench.events(1), expected);
    assert_eq!((next(&bench, secs(9_999)), bench.outbox.next_deadline().unwrap()), (None, None));
    let task = bench.runs()[0].tasks[0].clone();
    assert_eq!((task.due_at, task.told, task.next_at), (Some(secs(60).0), 2, None));
}

// Who answers late stops it there; what got worse begins at the bottom again.
#[test]
fn an_answer_ends_it() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.escalate(secs(61));
    bench.at(secs(70), flood(1, 3, Level::Red));
    assert_eq!(next(&bench, secs(130)), Some((vec!["chief".to_owned()], secs(130))));
    bench.escalate(secs(130));
    bench.acknowledge(secs(140), "water", flood(1, 5, Level::Red));
    assert_eq!((next(&bench, secs(9_999)), bench.outbox.next_deadline().unwrap()), (None, None));
    assert_eq!(who(&bench), ["chief", "traffic", "water"]);
    let task = bench.runs()[0].tasks[0].clone();
    assert_eq!((task.due_at, task.done_at, task.next_at), (Some(secs(130).0), Some(secs(140).0), None));
}

// What was asked twice around a crash is on record twice, and is noted once: the next rung is not passed over.
#[test]
fn a_rung_is_noted_once() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let first = bench.outbox.overdue(secs(61), 1).unwrap().remove(0);
    bench.at(secs(61), missed(&first, flood(1, 2, Level::Orange)));
    bench.at(secs(130), missed(&first, flood(1, 3, Level::Orange)));
    assert_eq!(next(&bench, secs(130)), Some((vec!["deputy".to_owned()], secs(60))));
    let second = bench.outbox.overdue(secs(130), 1).unwrap().remove(0);
    bench.at(secs(130), missed(&second, flood(1, 4, Level::Orange)));
    bench.at(secs(250), missed(&second, flood(1, 5, Level::Orange)));
    assert_eq!(next(&bench, secs(250)), Some((vec!["mayor".to_owned()], secs(60))));
    assert_eq!(bench.events(1).len(), 4);
}

// Maibo was down, or all of it was silenced, for an hour: whoever is told has had some time before the next one is.
#[test]
fn an_outage_sends_nobody_up_at_once() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    assert_eq!(bench.escalate(secs(3_600)).len(), 1, "the chief");
    assert_eq!(next(&bench, secs(3_629)), None);
    assert_eq!(next(&bench, secs(3_630)), Some((vec!["deputy".to_owned()], secs(60))));
    assert_eq!(bench.escalate(secs(3_640)).len(), 1);
    assert_eq!(bench.outbox.next_deadline().unwrap(), Some(secs(3_700)), "half of two minutes behind the deputy");
}

// A file that was begun anew may have lost the first miss with its alert: the later rung is noted all the same, and nobody who
// was told is told again.
#[test]
fn a_later_rung_is_seen_first() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let first = bench.outbox.overdue(secs(61), 1).unwrap().remove(0);
    let second = Overdue { rung: 1, escalate: vec!["deputy".to_owned()], ..first };
    bench.at(secs(121), missed(&second, flood(1, 2, Level::Orange)));
    assert_eq!(next(&bench, secs(9_999)), Some((vec!["mayor".to_owned()], secs(60))));
    assert_eq!(bench.events(1), ["0 began", "121 missed pumps water", "121 escalated pumps deputy"]);
}
