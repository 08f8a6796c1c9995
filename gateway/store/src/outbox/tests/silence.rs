//! Versions that an operator did not want to be told.

use maibo_core::fact::{Handling, Silenced};
use maibo_core::id::Actor;

use super::*;

fn silenced(n: u32, version: u32) -> Transition {
    let by = Actor::new("li.wei").unwrap();
    let silence = Silenced { until: Timestamp(90_000), by, at: Timestamp(7), note: Text::from("pumps under repair") };
    let handling = Handling { silenced: Some(silence), ..Handling::default() };
    Transition { handling: Some(Box::new(handling)), reason: Reason::Silenced, ..transition(n, version) }
}

fn states(bench: &Bench) -> Vec<(u32, String)> {
    bench.list().into_iter().map(|r| (r.version, r.outcome)).collect()
}

fn named(states: &[(u32, &str)]) -> Vec<(u32, String)> {
    states.iter().map(|(v, s)| (*v, (*s).to_owned())).collect()
}

// P5: a version under a silence is listed as silenced with the reason, reported, and never handed out.
#[test]
fn a_silenced_version_is_listed_and_not_told() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All), receiver("b", Mode::All)]);
    bench.tell(transition(1, 1));
    let settled = bench.tell(silenced(1, 2));
    let outcomes: Vec<_> = settled.iter().map(|d| (&*d.receiver, d.version, &*d.outcome, d.error.as_deref())).collect();
    let why = Some("silenced by li.wei: pumps under repair");
    assert_eq!(outcomes, [("a", 2, "silenced", why), ("b", 2, "silenced", why)]);
    let due: Vec<_> = bench.claim("a", NOW, 10).into_iter().map(|d| d.body).collect();
    assert_eq!(due, [text(&transition(1, 1))], "only what was owed before");
    assert_eq!(bench.outbox.unreported(NOW + Millis(1), 10).unwrap().len(), 2);
    for delivery in settled {
        let fact = fact(bench.outbox.cursor(), Body::Delivery(Box::new(delivery)));
        bench.outbox.follow(&[fact], &bench.receivers, NOW, text).unwrap();
    }
    assert_eq!(bench.outbox.unreported(NOW + Millis(1), 10).unwrap(), []);
}

// P5: when the silence is over, the version that says so is told; nothing of the silence comes after it.
#[test]
fn what_ends_the_silence_is_told() {
    for mode in [Mode::All, Mode::Latest] {
        let mut bench = Bench::new(vec![receiver("a", mode)]);
        bench.tell(transition(1, 1));
        let [first] = bench.claim("a", NOW, 10).try_into().unwrap();
        bench.end(first.id, Ending::Delivered, NOW);
        bench.tell(silenced(1, 2));
        bench.tell(silenced(1, 3));
        assert_eq!(bench.claim("a", NOW, 10), []);
        bench.reopen();
        bench.tell(Transition { reason: Reason::SilenceOver, ..transition(1, 4) });
        let due: Vec<_> = bench.claim("a", NOW, 10).into_iter().map(|d| d.body).collect();
        assert_eq!(due, [text(&transition(1, 4))]);
        let expected = named(&[(1, "delivered"), (2, "silenced"), (3, "silenced"), (4, "pending")]);
        assert_eq!(states(&bench), expected);
    }
}

// P5: a silence takes nothing back: what was owed before it stays owed, for people too.
#[test]
fn what_was_owed_stays_owed() {
    let mut bench = Bench::new(vec![receiver("people", Mode::Latest)]);
    bench.tell(transition(1, 1));
    bench.tell(silenced(1, 2));
    assert_eq!(states(&bench), named(&[(1, "pending"), (2, "silenced")]));
    assert_eq!(bench.claim("people", NOW, 10).len(), 1);
}

// P5: whoever does not want an episode has nothing listed about its silence.
#[test]
fn only_those_whom_it_concerns() {
    let matcher = Matcher { min_level: Level::Red, ..Matcher::default() };
    let mut bench = Bench::new(vec![Receiver { matcher, ..receiver("red", Mode::All) }]);
    assert_eq!(bench.tell(silenced(1, 2)), []);
    assert_eq!(states(&bench), []);
}
