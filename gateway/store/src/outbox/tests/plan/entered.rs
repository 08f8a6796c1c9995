//! Answers of owners that an operator puts down.

use super::*;

// What an operator puts down for an owner is that owner's answer, also a late one, and says by whose hand; his own is nobody's.
#[test]
fn an_operator_answers_for_an_owner() {
    let mut bench = bench();
    let operator = Actor::account("li.wei").unwrap();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.acknowledge_as(secs(5), operator.clone(), flood(1, 2, Level::Orange));
    bench.acknowledge_as(secs(10), Actor::entered("water", "Wang", &operator).unwrap(), flood(1, 3, Level::Orange));
    assert_eq!(bench.escalate(secs(99)), [("close the road".to_owned(), 1, 4)]);
    bench.acknowledge_as(secs(100), Actor::entered("traffic", "Li", &operator).unwrap(), flood(1, 5, Level::Orange));
    let expected = [
        "0 began",
        "10 done pumps water/Wang/li.wei",
        "99 missed close the road traffic",
        "99 escalated close the road chief",
        "100 done close the road traffic/Li/li.wei",
    ];
    assert_eq!(bench.events(1), expected);
}
