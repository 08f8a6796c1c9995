//! Versions that wait because something withholds them, for whatever reason.

use maibo_core::fact::{Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::id::MaintenanceId;
use maibo_core::notify::{DECISION_LATE, Manners};

use super::*;

const WAIT: Millis = Millis(15_000);

impl Bench {
    pub(super) fn put(&mut self, now: Timestamp, bodies: Vec<Body>) -> Vec<Delivery> {
        let first = self.outbox.cursor();
        let facts: Vec<Fact> = (first..).zip(bodies).map(|(n, b)| fact(n, b)).collect();
        // Episodes below 10 may be consequences; those of 20 and above are muted for a minute after `NOW`.
        let manners = |_: &Fact, t: &Transition| {
            let n: u32 = t.subject.id().strip_prefix('s').unwrap().parse().unwrap();
            let wait = (n < 10 && t.version == 1).then_some(WAIT);
            Manners { wait, muted_until: (n >= 20 && t.level < Level::Red).then_some(NOW + MINUTE) }
        };
        self.outbox.follow_by(&facts, &self.receivers, now, manners, |t, _| text(t)).unwrap()
    }

    pub(super) fn say(&mut self, now: Timestamp, t: Transition) -> Vec<Delivery> {
        self.put(now, vec![Body::Transition(Box::new(t))])
    }

    /// What can be sent, which is then delivered.
    pub(super) fn sent(&mut self, now: Timestamp) -> Vec<String> {
        self.outbox.lift(now).unwrap();
        let mut all = Vec::new();
        let names: Vec<String> = self.receivers.iter().map(|r| r.name.clone()).collect();
        for name in names {
            loop {
                let due = self.claim(&name, now, 10);
                if due.is_empty() {
                    break;
                }
                for one in due {
                    let body = String::from_utf8(one.body.clone()).unwrap();
                    all.push(body.split_once(':').unwrap().1.to_owned());
                    self.end(one.id, Ending::Delivered, now);
                }
            }
        }
        all
    }

    pub(super) fn states(&self) -> Vec<(u32, String)> {
        self.list().into_iter().map(|r| (r.version, r.outcome)).collect()
    }
}

pub(super) const MINUTE: Millis = Millis(60_000);

pub(super) fn inhibited(n: u32, by: Option<u32>) -> Body {
    Body::Inhibition { episode: episode(n), by: by.map(episode) }
}

fn released(n: &[u32]) -> Body {
    Body::Released { parent: episode(50), episodes: n.iter().map(|n| episode(*n)).collect() }
}

pub(super) fn over(n: u32, version: u32) -> Transition {
    Transition { state: State::Resolved, reason: Reason::Recovered, ..transition(n, version) }
}

pub(super) fn raised(n: u32, version: u32, level: Level) -> Transition {
    Transition { level, peak: level, reason: Reason::Raised, ..transition(n, version) }
}

pub(super) fn named(states: &[(u32, &str)]) -> Vec<(u32, String)> {
    states.iter().map(|(v, s)| (*v, (*s).to_owned())).collect()
}

pub(super) fn both() -> [Bench; 2] {
    [Mode::All, Mode::Latest].map(|mode| Bench::new(vec![receiver("a", mode)]))
}

// P8: what is held counts like what is owed: a new episode beyond the limit is listed as dead, one that waits has room behind it.
#[test]
fn what_is_held_is_bounded() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.outbox.set_pending_max(2);
    bench.say(NOW, transition(20, 1));
    bench.say(NOW, transition(1, 1));
    assert_eq!(&*bench.say(NOW, transition(21, 1))[0].outcome, "dead");
    assert_eq!(&*bench.say(NOW, transition(50, 1).clone())[0].outcome, "dead");
    assert_eq!(&*bench.say(NOW, raised(20, 2, Level::Orange))[0].outcome, "muted");
    assert_eq!(bench.sent(NOW + MINUTE).len(), 2);
}

// P5: nothing is told before it is decided, and then every version in order; for people the latest.
#[test]
fn a_clear_alert_is_told_when_it_is_decided() {
    let [mut all, mut latest] = both();
    for bench in [&mut all, &mut latest] {
        bench.say(NOW, transition(1, 1));
        bench.say(NOW, transition(1, 2));
        assert_eq!(bench.sent(NOW), Vec::<String>::new());
        assert_eq!(bench.states(), named(&[(1, "pending"), (2, "pending")]));
        bench.reopen();
        bench.put(NOW, vec![inhibited(1, None)]);
    }
    assert_eq!((all.sent(NOW), latest.sent(NOW)), (vec!["1".to_owned(), "2".to_owned()], vec!["2".to_owned()]));
    assert_eq!(latest.states(), named(&[(1, "superseded"), (2, "delivered")]));
}

// P5: a consequence is listed with its cause, version by version, and told as of its current version when it is released.
#[test]
fn a_consequence_is_listed_and_told_when_released() {
    for mut bench in both() {
        bench.say(NOW, transition(1, 1));
        bench.put(NOW, vec![inhibited(1, Some(50))]);
        let settled = bench.say(NOW, transition(1, 2));
        let why = format!("inhibited by {}", episode(50));
        assert_eq!(
            (settled[0].version, &*settled[0].outcome, settled[0].error.as_deref()),
            (1, "inhibited", Some(&*why))
        );
        assert_eq!(bench.sent(NOW + Millis(1_000_000)), Vec::<String>::new(), "for as long as it takes");
        assert_eq!(bench.states(), named(&[(1, "inhibited"), (2, "inhibited")]));
        assert_eq!(bench.list()[1].last_error.as_deref(), Some(&*why));
        bench.reopen();
        bench.put(NOW, vec![released(&[1])]);
        assert_eq!(bench.sent(NOW), ["2"]);
        bench.say(NOW, over(1, 3));
        assert_eq!(bench.sent(NOW), ["3"]);
        assert_eq!(bench.states(), named(&[(1, "inhibited"), (2, "delivered"), (3, "delivered")]));
    }
}

// P5: a consequence that ends is listed, and nobody hears of it; one that ends undecided is told if it is none.
#[test]
fn the_end_of_a_consequence() {
    for mut bench in both() {
        bench.say(NOW, transition(1, 1));
        bench.put(NOW, vec![inhibited(1, Some(50))]);
        bench.say(NOW, over(1, 2));
        bench.put(NOW, vec![released(&[1])]);
        assert_eq!(bench.sent(NOW), Vec::<String>::new());
        assert_eq!(bench.states(), named(&[(1, "inhibited"), (2, "inhibited")]));
        for by in [Some(50), None] {
            let n = if by.is_some() { 2 } else { 3 };
            bench.say(NOW, transition(n, 1));
            bench.say(NOW, over(n, 2));
            bench.put(NOW, vec![inhibited(n, by)]);
            assert_eq!(bench.sent(NOW).last().map(String::as_str), by.is_none().then_some("2"));
        }
        assert_eq!(bench.outbox.next_lift().unwrap(), None, "nothing is left to look at");
        assert!(bench.list().iter().all(|r| r.outcome != "pending"));
    }
}

// P5: a city machine that stands still silences nobody: neither before its word nor after it should have freed.
#[test]
fn a_city_that_stands_still_silences_nobody() {
    for mut bench in both() {
        bench.say(NOW, transition(1, 1));
        let due = NOW + WAIT + DECISION_LATE;
        assert_eq!(bench.outbox.next_lift().unwrap(), Some(due));
        assert_eq!(bench.sent(due - Millis(1)), Vec::<String>::new());
        bench.reopen();
        assert_eq!(bench.sent(due), ["1"]);
        // A late word changes nothing for who has heard.
        bench.put(due, vec![inhibited(1, Some(50))]);
        bench.say(due, transition(1, 2));
        assert_eq!(bench.sent(due), ["2"]);
        // The cause ends, or the consequence gets worse, and no word comes.
        bench.say(NOW, transition(2, 1));
        bench.put(NOW, vec![inhibited(2, Some(50))]);
        bench.say(NOW, raised(2, 2, Level::Red));
        bench.say(NOW, transition(3, 1));
        bench.put(NOW, vec![inhibited(3, Some(13))]);
        bench.say(NOW, over(13, 9));
        assert_eq!(bench.sent(NOW + DECISION_LATE - Millis(1)), ["9"], "the cause itself");
        assert_eq!(bench.sent(NOW + DECISION_LATE), ["2", "1"]);
    }
}

// P5: who has heard of an episode hears the rest of it, whatever comes of its causes; who has not does not.
#[test]
fn who_has_heard_hears_the_rest() {
    let matcher = Matcher { min_level: Level::Orange, ..Matcher::default() };
    let mut bench = Bench::new(vec![receiver("a", Mode::All), Receiver { matcher, ..receiver("b", Mode::All) }]);
    bench.say(NOW, transition(1, 1));
    bench.put(NOW, vec![inhibited(1, None)]);
    assert_eq!(bench.sent(NOW), ["1"]);
    bench.put(NOW, vec![inhibited(1, Some(50))]);
    bench.say(NOW, raised(1, 2, Level::Orange));
    assert_eq!(bench.sent(NOW), ["2"]);
    let rows: Vec<_> = bench.list().into_iter().map(|r| (r.receiver, r.version, r.outcome)).collect();
    assert_eq!(rows.last(), Some(&("b".to_owned(), 2, "inhibited".to_owned())));
}

// A silence on what is withheld: nothing of before it comes after it.
#[test]
fn a_silence_on_top() {
    let by = maibo_core::id::Actor::new("li.wei").unwrap();
    let silence = maibo_core::fact::Silenced { until: Timestamp(9), by, at: Timestamp(7), note: Text::from("known") };
    let handling = maibo_core::fact::Handling { silenced: Some(silence), ..Default::default() };
    for mut bench in both() {
        bench.say(NOW, transition(1, 1));
        bench.put(NOW, vec![inhibited(1, Some(50))]);
        bench.say(NOW, Transition { handling: Some(Box::new(handling.clone())), ..transition(1, 2) });
        bench.put(NOW, vec![released(&[1])]);
        assert_eq!(bench.sent(NOW + MINUTE), Vec::<String>::new());
        bench.say(NOW, transition(1, 3));
        assert_eq!(bench.sent(NOW), ["3"]);
        assert_eq!(bench.states(), named(&[(1, "inhibited"), (2, "silenced"), (3, "delivered")]));
    }
}

// P5: what is decided in a muted period is told at its end as it is then, by the clock alone; red at once; who has heard
// hears the end.
#[test]
fn muted_hours() {
    let yellow = |version| transition(20, version);
    for mut bench in both() {
        bench.say(NOW, yellow(1));
        let settled = bench.say(NOW, yellow(2));
        assert_eq!((settled[0].version, &*settled[0].outcome), (1, "muted"));
        bench.reopen();
        assert_eq!(bench.sent(NOW + MINUTE - Millis(1)), Vec::<String>::new());
        assert_eq!(bench.states(), named(&[(1, "muted"), (2, "muted")]));
        assert_eq!(bench.sent(NOW + MINUTE), ["2"]);
        bench.say(NOW, raised(21, 1, Level::Red));
        bench.say(NOW, transition(21, 2));
        assert_eq!(bench.sent(NOW), ["1"], "red, and nothing of what came after it");
        bench.say(NOW, over(21, 3));
        assert_eq!(bench.sent(NOW), ["3"]);
        bench.say(NOW, transition(22, 1));
        bench.say(NOW, over(22, 2));
        bench.say(NOW, transition(23, 1));
        bench.say(NOW, raised(23, 2, Level::Red));
        assert_eq!(bench.sent(NOW + MINUTE), ["2"], "what ended unheard stays unheard; what is red now is told once");
        let last: Vec<_> = bench.states().split_off(5);
        assert_eq!(last, named(&[(1, "muted"), (2, "muted"), (1, "muted"), (2, "delivered")]));
    }
}

fn maintenance(n: u32, scope: MaintenanceScope, state: MaintenanceState) -> Body {
    let by = maibo_core::id::Actor::new("li.wei").unwrap();
    let id = MaintenanceId::derive(&by, scope.id(), "pump", NOW, n);
    let (from, until) = (NOW, NOW + MINUTE);
    Body::Maintenance(Box::new(Maintenance {
        id,
        scope,
        from,
        until,
        by,
        reason: Text::from("pump"),
        state,
        ended_by: None,
    }))
}

fn at(n: u32, version: u32, place: &str) -> Transition {
    Transition { place: Some(maibo_core::id::PlaceCode::new(place).unwrap()), ..transition(n, version) }
}

// P5: while work goes on nobody is told, red neither; at its end what still fires is told as it is then.
#[test]
fn maintenance_withholds_and_releases() {
    let place = |code: &str| MaintenanceScope::Place(maibo_core::id::PlaceCode::new(code).unwrap());
    for mut bench in both() {
        bench.say(NOW, at(10, 1, "110105003"));
        assert_eq!(bench.sent(NOW), ["1"]);
        bench.put(NOW, vec![maintenance(1, place("110105"), MaintenanceState::Planned)]);
        bench.put(NOW, vec![maintenance(1, place("110105"), MaintenanceState::Running)]);
        bench.put(NOW, vec![maintenance(2, place("110105003"), MaintenanceState::Running)]);
        bench.say(NOW, Transition { level: Level::Red, peak: Level::Red, ..at(11, 1, "110105003") });
        bench.say(NOW, at(12, 1, "110106001"));
        bench.say(NOW, at(10, 2, "110105003"));
        assert_eq!(bench.sent(NOW), ["1"], "elsewhere");
        assert_eq!(bench.list()[1].last_error.as_deref(), Some("under maintenance by li.wei: pump"));
        bench.reopen();
        bench.put(NOW, vec![maintenance(1, place("110105"), MaintenanceState::Over)]);
        assert_eq!(bench.sent(NOW + MINUTE), Vec::<String>::new(), "the other goes on");
        bench.put(NOW, vec![maintenance(2, place("110105003"), MaintenanceState::Over)]);
        assert_eq!(bench.sent(NOW), ["1", "2"], "red first");
        bench.put(NOW, vec![maintenance(3, place("110105"), MaintenanceState::Running)]);
        let end = Transition { state: State::Resolved, ..at(10, 3, "110105003") };
        bench.say(NOW, end);
        assert_eq!(bench.sent(NOW), ["3"], "who has heard hears the end");
    }
}

// Of a consequence under maintenance, each reason holds by itself.
#[test]
fn one_reason_over_leaves_the_others() {
    let scope = MaintenanceScope::Place(maibo_core::id::PlaceCode::new("110105").unwrap());
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.put(NOW, vec![maintenance(1, scope.clone(), MaintenanceState::Running)]);
    bench.say(NOW, at(1, 1, "110105003"));
    bench.put(NOW, vec![inhibited(1, Some(50))]);
    assert_eq!(bench.states(), named(&[(1, "maintenance")]));
    bench.put(NOW, vec![maintenance(1, scope, MaintenanceState::Over)]);
    assert_eq!((bench.sent(NOW + MINUTE), bench.states()), (Vec::new(), named(&[(1, "inhibited")])));
    bench.put(NOW, vec![released(&[1])]);
    assert_eq!(bench.sent(NOW), ["1"]);
}
