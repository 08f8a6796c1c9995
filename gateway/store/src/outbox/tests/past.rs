//! An outbox that is begun anew.

use maibo_core::fact::Delivery;
use maibo_core::reading::Text;

use super::*;

fn fate(receiver: &str, n: u32, version: u32, outcome: &str) -> Delivery {
    let (receiver, outcome) = (Text::from(receiver), Text::from(outcome));
    Delivery { receiver, episode: episode(n), version, outcome, attempts: 2, error: None }
}

// P5: what is on record as delivered is not told again and not reported again; what is not on record is owed, in its
// order, also an end; what nobody can be owed of any more is passed over. Behind what was known everything is as ever.
#[test]
fn what_was_told_is_not_told_again() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All), receiver("b", Mode::Latest)]);
    let mut past = Past::new(5, Some(BTreeSet::from([episode(1), episode(2)])));
    let of_a = [fate("a", 1, 1, "delivered"), fate("a", 2, 1, "delivered"), fate("a", 1, 2, "a word of the future")];
    let of_b = [fate("b", 1, 1, "superseded"), fate("b", 1, 2, "delivered"), fate("b", 2, 1, "dead")];
    of_a.iter().chain(&of_b).for_each(|d| past.settled(d));
    bench.outbox.remember(past);
    let end = Transition { state: State::Resolved, ..transition(2, 2) };
    let facts = [
        told(0, transition(1, 1)),
        told(1, transition(2, 1)),
        told(2, transition(3, 1)),
        told(3, transition(1, 2)),
        told(4, end),
        told(5, transition(3, 2)),
    ];
    let settled = bench.outbox.follow(&facts, &bench.receivers, NOW, text).unwrap();
    assert_eq!(settled, [], "nothing is reported twice");
    assert_eq!(bench.outbox.unreported(NOW, PAGE_MAX).unwrap(), []);
    assert!(bench.outbox.past.is_none(), "behind it nothing of it is held");
    let mut due = |name: &str| {
        let due = bench.claim(name, NOW, 10);
        due.iter().map(|d| String::from_utf8(d.body.clone()).unwrap()).collect::<Vec<_>>()
    };
    let (one, two, three) = (episode(1), episode(2), episode(3));
    assert_eq!(due("a"), [format!("{one}:2"), format!("{two}:2"), format!("{three}:2")]);
    assert_eq!(due("b"), [format!("{two}:2"), format!("{three}:2")]);
    let row = bench.list().into_iter().find(|r| r.receiver == "a" && r.version == 1).unwrap();
    assert_eq!((row.outcome.as_str(), row.attempts), ("delivered", 2));
}
