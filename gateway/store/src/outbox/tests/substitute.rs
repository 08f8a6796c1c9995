//! What one receiver has not taken goes to another, in order and once.

use maibo_core::time::Millis;

use super::*;

/// A receiver that hears everything, and a substitute that by itself hears only of red.
fn bench(mode: Mode) -> Bench {
    let matcher = Matcher { min_level: Level::Red, ..Matcher::default() };
    Bench::new(vec![receiver("a", Mode::All), Receiver { matcher, ..receiver("sub", mode) }])
}

fn secs(s: i64) -> Timestamp {
    NOW + Millis::from_secs(s)
}

impl Bench {
    /// Passes on what was decided before engine time `before`; all facts here are of 7.
    fn pass(&mut self, before: i64) -> usize {
        let sub = self.receivers[1].clone();
        self.outbox.stand_in("a", &sub, Timestamp(before), secs(30)).unwrap()
    }

    fn words(&mut self, name: &str) -> Vec<String> {
        let due = self.claim(name, secs(60), 100);
        let words = due.iter().map(|d| String::from_utf8(d.body.clone()).unwrap()).collect();
        for one in &due {
            self.end(one.id, Ending::Delivered, NOW);
        }
        words
    }
}

// Issue "alive": what is not taken in time the substitute hears, and from then on the rest of it; the receiver is owed it all the
// same, and what it takes in time stays between them.
#[test]
fn what_is_not_taken_in_time() {
    let mut bench = bench(Mode::All);
    for (n, version) in [(1, 1), (2, 1), (1, 2)] {
        bench.tell(transition(n, version));
    }
    assert_eq!(bench.pass(7), 0, "it is not late yet");
    let taken = bench.claim("a", NOW, 10).into_iter().find(|d| d.body == text(&transition(2, 1))).unwrap();
    bench.end(taken.id, Ending::Delivered, NOW);
    bench.outbox.release(&[taken.id - 1]);
    assert_eq!(bench.pass(8), 2);
    assert_eq!(bench.pass(8), 0, "once");
    bench.reopen();
    assert_eq!(bench.pass(8), 0, "in a new process, too");
    assert_eq!(bench.words("sub"), [format!("{}:1", episode(1))]);
    assert_eq!(bench.words("sub"), [format!("{}:2", episode(1))]);
    // Told of it, it hears how it ends, and does not hear it twice.
    bench.tell(Transition { state: State::Resolved, ..transition(1, 3) });
    assert_eq!(bench.pass(8), 0);
    assert_eq!(bench.words("sub"), [format!("{}:3", episode(1))]);
    for version in 1..=3 {
        assert_eq!(bench.words("a"), [format!("{}:{version}", episode(1))], "the receiver gets all of it");
    }
}

// What the substitute has later versions of is not told backwards.
#[test]
fn no_step_back() {
    let mut bench = bench(Mode::All);
    bench.tell(transition(1, 1));
    bench.tell(Transition { level: Level::Red, peak: Level::Red, ..transition(1, 2) });
    assert_eq!(bench.pass(8), 0);
    assert_eq!(bench.words("sub"), [format!("{}:2", episode(1))]);
}

// People are told the present.
#[test]
fn the_latest_only() {
    let mut bench = bench(Mode::Latest);
    for (n, version) in [(1, 1), (1, 2), (1, 3), (2, 1)] {
        bench.tell(transition(n, version));
    }
    assert_eq!(bench.pass(8), 2);
    assert_eq!(bench.words("sub"), [format!("{}:1", episode(2)), format!("{}:3", episode(1))]);
}

// A substitute for whom too much waits gets no more.
#[test]
fn there_is_a_limit() {
    let mut bench = bench(Mode::All);
    for n in 1..=5 {
        bench.tell(transition(n, 1));
    }
    bench.outbox.set_pending_max(3);
    assert_eq!(bench.pass(8), 3);
    assert_eq!(bench.pass(8), 0);
    assert_eq!(bench.words("sub").len(), 3);
    assert_eq!(bench.pass(8), 2, "it goes on where there is room");
}
