//! What goes together, when, and what becomes of it.

use maibo_core::id::PlaceCode;
use maibo_core::notify::{GROUP_EVERY, GROUP_MAX, RED_ALONE, message_id};
use maibo_core::time::Millis;

use super::*;

fn bench(mode: Mode) -> Bench {
    Bench::new(vec![Receiver { group_every: Some(GROUP_EVERY), ..receiver("a", mode) }])
}

impl Bench {
    fn tell_at(&mut self, now: Timestamp, t: Transition) {
        let fact = told(self.outbox.cursor(), t);
        self.outbox.follow(&[fact], &self.receivers, now, text).unwrap();
    }

    /// The versions in each message that is due, which is then delivered.
    fn messages(&mut self, now: Timestamp) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for parcel in self.parcels("a", now, 100) {
            let ended: Vec<_> = parcel.ids().map(|id| Ended { id, ending: Ending::Delivered, error: None }).collect();
            self.outbox.record(&ended, now).unwrap();
            all.push(parcel.letters.into_iter().map(|due| String::from_utf8(due.body).unwrap()).collect());
        }
        all
    }
}

fn words(list: &[(u32, u32)]) -> Vec<String> {
    list.iter().map(|(n, version)| format!("{}:{version}", episode(*n))).collect()
}

fn secs(s: i64) -> Timestamp {
    NOW + Millis::from_secs(s)
}

// Semantics, notifications: the first at once, then every ten seconds what came since; a quiet group begins at once again.
#[test]
fn the_first_at_once_then_together() {
    let mut bench = bench(Mode::All);
    bench.tell_at(NOW, transition(1, 1));
    assert_eq!(bench.messages(NOW), [words(&[(1, 1)])]);
    for (s, n) in [(1, 2), (4, 3), (9, 4)] {
        bench.tell_at(secs(s), transition(n, 1));
        assert_eq!(bench.messages(secs(s)), [] as [Vec<String>; 0], "after {s} s");
    }
    // A second version of one that waits comes behind it, and not in the same message.
    bench.tell_at(secs(9), transition(2, 2));
    assert_eq!(bench.outbox.next_due("a").unwrap(), Some(secs(10)));
    assert_eq!(bench.messages(secs(10)), [words(&[(2, 1), (3, 1), (4, 1)])]);
    assert_eq!(bench.messages(secs(19)), [] as [Vec<String>; 0]);
    assert_eq!(bench.messages(secs(20)), [words(&[(2, 2)])]);
    bench.tell_at(secs(40), transition(5, 1));
    assert_eq!(bench.messages(secs(40)), [words(&[(5, 1)])], "it was quiet");
    let rows = bench.list();
    assert!(rows.iter().all(|r| r.outcome == "delivered"), "{rows:#?}");
    let together: Vec<_> = rows.iter().filter(|r| r.bundle == rows[1].bundle).map(|r| r.version).collect();
    assert_eq!(together, [1, 1, 1]);
}

// A flood that takes a while to leave does not split what comes meanwhile: all of that goes together when the stretch is over.
#[test]
fn a_long_drain_does_not_begin_the_stretch_anew() {
    let mut bench = bench(Mode::All);
    let full = GROUP_MAX as u32;
    for n in 0..3 * full {
        bench.tell_at(NOW, transition(n, 1));
    }
    for s in 0..3 {
        let now = secs(s);
        let mut one = bench.outbox.claim(&bench.receivers[0].clone(), now, 1).unwrap();
        let parcel = one.pop().unwrap();
        assert_eq!(parcel.letters.len(), GROUP_MAX, "after {s} s");
        let ended: Vec<_> = parcel.ids().map(|id| Ended { id, ending: Ending::Delivered, error: None }).collect();
        bench.outbox.record(&ended, now).unwrap();
        bench.tell_at(now, transition(3 * full + s as u32, 1));
    }
    assert_eq!(bench.messages(secs(9)), [] as [Vec<String>; 0]);
    assert_eq!(bench.messages(secs(10)), [words(&[(3 * full, 1), (3 * full + 1, 1), (3 * full + 2, 1)])]);
}

// Each rule in each district, each receiver, waits for its own.
#[test]
fn groups_do_not_wait_for_each_other() {
    let mut bench = bench(Mode::All);
    bench.receivers.push(receiver("b", Mode::All));
    let here = |n: u32, place: &str| Transition { place: Some(PlaceCode::new(place).unwrap()), ..transition(n, 1) };
    bench.tell_at(NOW, here(1, "110105001"));
    assert_eq!(bench.messages(NOW).len(), 1);
    bench.tell_at(secs(1), here(2, "110108001"));
    bench.tell_at(secs(1), here(3, "110105002"));
    let other = Transition { rule: RuleId::new("other").unwrap(), ..here(4, "110105003") };
    bench.tell_at(secs(1), other);
    assert_eq!(bench.messages(secs(1)), [words(&[(2, 1)]), words(&[(4, 1)])], "other district, other rule");
    assert_eq!(bench.claim("b", secs(1), 10).len(), 4, "who wants nothing grouped gets all at once");
    assert_eq!(bench.messages(secs(10)), [words(&[(3, 1)])]);
}

// Red goes alone and at once, so many times a minute; the flood behind it is grouped, and nothing of it is left out.
#[test]
fn red_goes_alone_until_it_is_a_flood() {
    let mut bench = bench(Mode::All);
    let red = |n: u32| Transition { level: Level::Red, peak: Level::Red, ..transition(n, 1) };
    bench.tell_at(NOW, transition(0, 1));
    assert_eq!(bench.messages(NOW).len(), 1);
    for n in 1..=30 {
        bench.tell_at(secs(1), red(n));
    }
    let alone = bench.messages(secs(1));
    assert_eq!(alone.len(), RED_ALONE);
    assert!(alone.iter().all(|m| m.len() == 1));
    let rest = bench.messages(secs(10));
    assert_eq!(rest.iter().map(Vec::len).collect::<Vec<_>>(), [30 - RED_ALONE]);
    bench.tell_at(secs(62), red(31));
    bench.tell_at(secs(62), red(32));
    assert_eq!(bench.messages(secs(62)).len(), 2, "a minute later they go alone again");
}

// P5: what was tried together is tried again together under the same key, in a new process too; what came since goes in a
// message of its own.
#[test]
fn a_message_keeps_its_versions_and_its_key() {
    let mut bench = bench(Mode::All);
    for n in 1..=3 {
        bench.tell_at(NOW, transition(n, 1));
    }
    let [first] = <[Parcel; 1]>::try_from(bench.parcels("a", NOW, 10)).unwrap();
    assert_eq!(first.letters.len(), 3);
    assert!(first.message.starts_with("grp_"));
    bench.reopen();
    bench.tell_at(secs(1), transition(4, 1));
    let [again] = <[Parcel; 1]>::try_from(bench.parcels("a", secs(1), 10)).unwrap();
    assert_eq!(again, first, "the process died in the attempt");
    let later = secs(11);
    let ended: Vec<_> = again.ids().map(|id| Ended { id, ending: failed(later), error: None }).collect();
    bench.outbox.record(&ended, secs(1)).unwrap();
    let parcels = bench.parcels("a", later, 10);
    let of = |p: &Parcel| (p.message.clone(), p.letters.len(), p.attempts());
    let four = message_id("a", episode(4), 1);
    assert_eq!(parcels.iter().map(of).collect::<Vec<_>>(), [(four, 1, 0), (first.message, 3, 1)]);
}

// A version that is overtaken while its message is being tried leaves it; the rest goes on.
#[test]
fn the_latest_leaves_the_message_of_the_one_before() {
    let mut bench = bench(Mode::Latest);
    for n in 1..=2 {
        bench.tell_at(NOW, transition(n, 1));
    }
    let [first] = <[Parcel; 1]>::try_from(bench.parcels("a", NOW, 10)).unwrap();
    let ended: Vec<_> = first.ids().map(|id| Ended { id, ending: failed(secs(1)), error: None }).collect();
    bench.outbox.record(&ended, NOW).unwrap();
    bench.tell_at(NOW, transition(1, 2));
    assert_eq!(bench.messages(secs(1)), [words(&[(2, 1)])]);
    assert_eq!(bench.messages(secs(10)), [words(&[(1, 2)])]);
    assert_eq!(bench.list()[0].outcome, "superseded");
}

// A message that is refused because of one version in it holds nobody else up: each is tried alone.
#[test]
fn what_is_refused_together_is_tried_alone() {
    let mut bench = bench(Mode::All);
    for n in 1..=3 {
        bench.tell_at(NOW, transition(n, 1));
    }
    let [first] = <[Parcel; 1]>::try_from(bench.parcels("a", NOW, 10)).unwrap();
    let alone = |id| Ended { id, ending: Ending::Alone { at: secs(1) }, error: Some("no".to_owned()) };
    bench.outbox.record(&first.ids().map(alone).collect::<Vec<_>>(), NOW).unwrap();
    assert_eq!(bench.parcels("a", NOW, 10), []);
    let parcels = bench.parcels("a", secs(1), 10);
    assert_eq!(parcels.iter().map(|p| (p.letters.len(), p.attempts())).collect::<Vec<_>>(), [(1, 1); 3]);
}

// A flood fills several messages, which go one behind the other and not ten seconds apart; none is larger than it may be.
#[test]
fn a_flood_fills_several_messages() {
    let mut bench = bench(Mode::All);
    let many = GROUP_MAX as u32 * 2 + 7;
    let facts: Vec<_> = (0..many).map(|n| told(u64::from(n), transition(n, 1))).collect();
    bench.outbox.follow(&facts, &bench.receivers, NOW, text).unwrap();
    let sizes: Vec<_> = bench.messages(NOW).iter().map(Vec::len).collect();
    assert_eq!(sizes, [GROUP_MAX, GROUP_MAX, 7]);
    assert!(bench.list().iter().all(|r| r.outcome == "delivered"));
}

// A message is not larger than a receiver takes, unless one version alone is.
#[test]
fn bodies_bound_a_message() {
    let mut bench = bench(Mode::All);
    let facts: Vec<_> = (0..5).map(|n| told(n, transition(n as u32, 1))).collect();
    bench.outbox.follow(&facts, &bench.receivers, NOW, |_| vec![b'x'; 200 * 1024]).unwrap();
    let sizes: Vec<_> = bench.parcels("a", NOW, 10).iter().map(|p| p.letters.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

// A clock that is set back an hour does not keep a group waiting for an hour.
#[test]
fn a_clock_set_back_holds_nothing_up() {
    let mut bench = bench(Mode::All);
    bench.tell_at(secs(3_600), transition(1, 1));
    assert_eq!(bench.messages(secs(3_600)).len(), 1);
    bench.tell_at(NOW, transition(2, 1));
    assert_eq!(bench.outbox.next_due("a").unwrap(), Some(secs(10)));
}
