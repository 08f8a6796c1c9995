//! Runs in an outbox that is begun anew, and runs that are forgotten.

use super::*;

// An outbox that is begun anew knows who had answered, what was missed and by when, also where it got worse between, and tells
// nobody again.
#[test]
fn begun_anew() {
    let mut first = bench();
    first.at(NOW, flood(1, 1, Level::Orange));
    first.acknowledge(secs(10), "water", flood(1, 2, Level::Orange));
    assert_eq!(first.escalate(secs(31)).len(), 1);
    first.at(secs(40), flood(1, 4, Level::Red));
    let overdue = first.outbox.overdue(secs(71), 10).unwrap().remove(0);
    assert_eq!((&*overdue.task, overdue.due_at, overdue.version), ("close the road", secs(70), 4));

    let actor = Actor::at("water", "Wang").unwrap();
    let done = Transition { reason: Reason::Acknowledged, ..flood(1, 2, Level::Orange) };
    let at = |s, index, t| Fact { at: secs(s), ..told(index, t) };
    let facts = [
        at(0, 0, flood(1, 1, Level::Orange)),
        Fact { actor: Some(actor), ..at(10, 1, done) },
        at(31, 2, missed(&Overdue { due_at: secs(30), ..overdue.clone() }, flood(1, 3, Level::Orange))),
        at(40, 3, flood(1, 4, Level::Red)),
        at(71, 4, missed(&overdue, flood(1, 5, Level::Red))),
    ];
    first.outbox.follow(&facts[4..], &first.receivers, secs(71), text).unwrap();
    for before in [facts.len(), 1] {
        let mut again = bench();
        let mut past = Past::new(6, None);
        for (receiver, version) in first.told_of(1) {
            let (receiver, episode) = (receiver.as_str().into(), episode(1));
            let outcome = "delivered".into();
            past.settled(&Delivery { receiver, episode, version, outcome, attempts: 1, error: None });
        }
        again.outbox.remember(past);
        for some in facts.chunks(before) {
            again.outbox.follow(some, &again.receivers, secs(500), text).unwrap();
        }
        assert_eq!(again.outbox.overdue(secs(500), 10).unwrap(), [], "the answer may be in what comes");
        let last = fact_of(&again, Body::ClockStepped { by_ms: 1 });
        again.outbox.follow(&[last], &again.receivers, secs(500), text).unwrap();
        assert_eq!(again.events(1), first.events(1));
        assert_eq!(again.runs()[0].tasks, first.runs()[0].tasks);
        let left = again.outbox.overdue(secs(500), 10).unwrap();
        assert_eq!(left.iter().map(|o| (&*o.task, o.version)).collect::<Vec<_>>(), [("pumps", 5)]);
        assert!(again.list().iter().all(|r| r.outcome == "delivered"));
        assert_eq!(again.told_of(1), first.told_of(1));
    }
}

// Runs that are over are forgotten with the deliveries of their time.
#[test]
fn runs_are_forgotten() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.at(NOW, Transition { state: State::Resolved, ..flood(1, 2, Level::Orange) });
    bench.at(NOW, flood(2, 1, Level::Orange));
    bench.outbox.tidy(NOW + SETTLED_KEPT).unwrap();
    assert_eq!(bench.runs().len(), 2);
    bench.outbox.tidy(NOW + SETTLED_KEPT + Millis(1)).unwrap();
    let left = bench.runs();
    assert!(left.len() == 1 && left[0].ended_at.is_none());
    assert_eq!(bench.events(1), [] as [String; 0]);
}
