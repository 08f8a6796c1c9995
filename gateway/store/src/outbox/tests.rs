#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use maibo_core::fact::{Body, Cause, Fact, Reason, State, Transition};
use maibo_core::id::{RuleId, SourceId, Subject, Version};
use maibo_core::notify::{CLOSED_LONG_AGO, DEAD_AFTER, Matcher, Mode, Receiver};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;
use proptest::prelude::*;

use super::*;

mod cost;
mod dismiss;
mod grouping;
mod historic;
mod past;
mod places;
mod plan;
mod replay;
mod silence;
mod substitute;
mod withheld;

const NOW: Timestamp = Timestamp(1_000_000);

fn receiver(name: &str, mode: Mode) -> Receiver {
    Receiver { name: name.to_owned(), mode, matcher: Matcher::default(), group_every: None }
}

fn episode(n: u32) -> EpisodeId {
    transition(n, 1).episode
}

fn transition(n: u32, version: u32) -> Transition {
    let rule = RuleId::new("r").unwrap();
    let subject = Subject::Source(SourceId::new(&format!("s{n}")).unwrap());
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(0), 0),
        version,
        rule,
        subject,
        quantity: None,
        place: None,
        domain: Domain::Traffic,
        state: State::Firing,
        level: Level::Yellow,
        peak: Level::Yellow,
        stale: false,
        historic: false,
        value: None,
        threshold: None,
        started_at: Timestamp(0),
        at: Timestamp(0),
        resolved_at: None,
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    }
}

fn fact(index: u64, body: Body) -> Fact {
    Fact { index, cause: Cause::default(), actor: None, at: Timestamp(7), rules: Version(0), engine: 1, body }
}

fn told(index: u64, t: Transition) -> Fact {
    fact(index, Body::Transition(Box::new(t)))
}

fn text(t: &Transition) -> Vec<u8> {
    format!("{}:{}", t.episode, t.version).into_bytes()
}

struct Bench {
    dir: tempfile::TempDir,
    outbox: Outbox,
    receivers: Vec<Receiver>,
}

impl Bench {
    fn new(receivers: Vec<Receiver>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&dir.path().join("outbox.db"), 0).unwrap();
        Self { dir, outbox, receivers }
    }

    fn tell(&mut self, t: Transition) -> Vec<Delivery> {
        let fact = told(self.outbox.cursor(), t);
        self.outbox.follow(&[fact], &self.receivers, NOW, text).unwrap()
    }

    /// As a new process finds it.
    fn reopen(&mut self) {
        let facts = self.outbox.cursor();
        self.outbox = Outbox::open(&self.dir.path().join("outbox.db"), facts).unwrap();
    }

    fn list(&self) -> Vec<OutboxRow> {
        let reader = OutboxReader::open(&self.dir.path().join("outbox.db")).unwrap();
        let mut rows = reader.list(&OutboxFilter::default(), None, PAGE_MAX).unwrap();
        rows.reverse();
        rows
    }

    /// What is due, without regard to what goes together.
    fn claim(&mut self, name: &str, now: Timestamp, limit: usize) -> Vec<Due> {
        self.parcels(name, now, limit).into_iter().flat_map(|p| p.letters).collect()
    }

    fn parcels(&mut self, name: &str, now: Timestamp, limit: usize) -> Vec<Parcel> {
        let receiver = self.receivers.iter().find(|r| r.name == name).unwrap().clone();
        self.outbox.claim(&receiver, now, limit).unwrap()
    }

    fn end(&mut self, id: i64, ending: Ending, now: Timestamp) -> Vec<Delivery> {
        self.outbox.record(&[Ended { id, ending, error: Some("why".to_owned()) }], now).unwrap()
    }
}

fn failed(at: Timestamp) -> Ending {
    Ending::Failed { at, needs_operator: false }
}

// P5, reliability 3: facts become rows once, however often they are given and whenever the process dies.
#[test]
fn facts_are_enqueued_exactly_once() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All), receiver("b", Mode::All)]);
    let facts = [told(0, transition(1, 1)), told(1, transition(2, 1)), told(2, transition(1, 2))];
    bench.outbox.follow(&facts[..2], &bench.receivers, NOW, text).unwrap();
    bench.reopen();
    assert_eq!(bench.outbox.cursor(), 2);
    bench.outbox.follow(&facts, &bench.receivers, NOW, text).unwrap();
    bench.outbox.follow(&facts, &bench.receivers, NOW, text).unwrap();
    let rows: Vec<_> = bench.list().into_iter().map(|r| (r.receiver, r.version)).collect();
    let expected = [("a", 1), ("b", 1), ("a", 1), ("b", 1), ("a", 2), ("b", 2)];
    assert_eq!(rows, expected.map(|(r, v)| (r.to_owned(), v)));
    let gap = bench.outbox.follow(&[told(9, transition(3, 1))], &bench.receivers, NOW, text);
    assert!(matches!(gap, Err(OutboxError::Skipped { wanted: 3, found: 9 })));
}

// P5: a new outbox tells nothing of the past, and one that is ahead of the log does not wait for facts that never come.
#[test]
fn a_new_outbox_begins_at_the_present() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    assert_eq!(Outbox::open(&path, 40).unwrap().cursor(), 40);
    assert_eq!(Outbox::open(&path, 90).unwrap().cursor(), 40);
    assert_eq!(Outbox::open(&path, 10).unwrap().cursor(), 10);
}

// P5: of one episode only the earliest unsettled version can be claimed; the next one follows at once when it is settled.
#[test]
fn order_is_kept_per_episode() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    for (n, version) in [(1, 1), (1, 2), (2, 1), (1, 3)] {
        bench.tell(transition(n, version));
    }
    let due = bench.claim("a", NOW, 10);
    let bodies: Vec<_> = due.iter().map(|d| String::from_utf8(d.body.clone()).unwrap()).collect();
    assert_eq!(bodies, [format!("{}:1", episode(1)), format!("{}:1", episode(2))]);
    assert!(bench.claim("a", NOW, 10).is_empty(), "claimed twice");
    assert_eq!(bench.outbox.next_due("a").unwrap(), None);
    let later = Timestamp(NOW.0 + 5_000);
    assert!(bench.end(due[0].id, failed(later), NOW).is_empty());
    assert!(bench.claim("a", NOW, 10).is_empty(), "a later version overtook a failed one");
    assert_eq!(bench.outbox.next_due("a").unwrap(), Some(later));
    let again = bench.claim("a", later, 10);
    assert_eq!((&again[0].message, again[0].attempts), (&due[0].message, 1));
    let settled = bench.end(due[0].id, Ending::Delivered, later);
    assert_eq!((settled[0].version, &*settled[0].outcome, settled[0].attempts), (1, "delivered", 2));
    assert_eq!(bench.claim("a", later, 10)[0].body, format!("{}:2", episode(1)).into_bytes());
}

// Reliability 4: a death between the receiver's 2xx and its record sends the same message again, under the same key.
#[test]
fn a_claimed_row_survives_a_crash_with_its_key() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    let before = bench.claim("a", NOW, 1);
    bench.reopen();
    let after = bench.claim("a", NOW, 1);
    assert_eq!(before, after);
    assert_eq!(before[0].message, maibo_core::notify::message_id("a", episode(1), 1));
    bench.end(after[0].id, Ending::Delivered, NOW);
    bench.reopen();
    assert!(bench.claim("a", NOW, 1).is_empty());
}

// P5: in `latest` a newer version supersedes those that are not under way, and says by which version.
#[test]
fn latest_supersedes_what_is_not_under_way() {
    let mut bench = Bench::new(vec![receiver("a", Mode::Latest)]);
    bench.tell(transition(1, 1));
    let due = bench.claim("a", NOW, 1);
    assert!(bench.tell(transition(1, 2)).is_empty(), "what is under way is not superseded");
    let settled = bench.tell(transition(1, 3));
    assert_eq!((settled[0].version, settled[0].error.as_deref()), (2, Some("superseded by version 3")));
    let settled = bench.end(due[0].id, failed(Timestamp(NOW.0 + 60_000)), NOW);
    assert_eq!((settled[0].version, &*settled[0].outcome), (1, "superseded"));
    assert_eq!(settled[0].error.as_deref(), Some("superseded by version 3; last attempt: why"));
    let next = bench.claim("a", NOW, 1);
    assert_eq!(next[0].body, format!("{}:3", episode(1)).into_bytes());
}

// G7: the most urgent first; an episode is as urgent as the highest level that waits in it.
#[test]
fn urgent_deliveries_go_first() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    bench.tell(transition(2, 1));
    bench.tell(Transition { level: Level::Red, peak: Level::Red, ..transition(2, 2) });
    bench.tell(Transition { level: Level::Orange, peak: Level::Orange, ..transition(3, 1) });
    let order: Vec<_> = bench.claim("a", NOW, 10).into_iter().map(|d| d.body).collect();
    assert_eq!(order, [(2, 1), (3, 1), (1, 1)].map(|(n, v)| format!("{}:{v}", episode(n)).into_bytes()));
}

// Dead letter: never while the episode is open, and 24 h after its end at the latest, of receivers that are gone too.
#[test]
fn an_ended_episode_is_given_up_after_a_day() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    bench.tell(transition(2, 1));
    bench.tell(Transition { state: State::Resolved, ..transition(2, 2) });
    let (eve, end) = (NOW + DEAD_AFTER - Millis(1), NOW + DEAD_AFTER);
    assert!(bench.outbox.tidy(eve).unwrap().is_empty());
    let claimed = bench.claim("a", eve, 10);
    assert_eq!(claimed.len(), 2);
    bench.end(claimed[0].id, failed(end), end);
    let dead = bench.end(claimed[1].id, failed(end), end);
    assert_eq!((&*dead[0].outcome, dead[0].version), ("dead", 1));
    let dead = bench.outbox.tidy(end).unwrap();
    assert_eq!((&*dead[0].outcome, dead[0].version, dead[0].error.as_deref()), ("dead", 2, Some(CLOSED_LONG_AGO)));
    let states: Vec<_> = bench.list().into_iter().map(|r| r.outcome).collect();
    assert_eq!(states, ["pending", "dead", "dead"]);
}

// P8: at the limit a receiver's versions supersede each other, and a new episode is listed as dead; others are not hit.
#[test]
fn a_receiver_far_behind_is_bounded() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.outbox.set_pending_max(2);
    bench.tell(transition(1, 1));
    bench.tell(transition(2, 1));
    assert_eq!(&*bench.tell(transition(1, 2))[0].outcome, "superseded");
    assert_eq!(&*bench.tell(transition(3, 1))[0].outcome, "dead");
    // One that is under way has room for one behind it, and no more.
    bench.claim("a", NOW, 10);
    assert!(bench.tell(transition(2, 2)).is_empty());
    assert_eq!((bench.tell(transition(2, 3))[0].version, bench.list().len()), (2, 6));
    bench.receivers.push(receiver("b", Mode::All));
    assert_eq!(bench.tell(transition(4, 1)).len(), 1);
    assert_eq!(bench.claim("b", NOW, 10).len(), 1);
}

// P5: an outcome is told again until it is found in the facts log, after a crash too.
#[test]
fn outcomes_are_reported_until_they_are_facts() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    let id = bench.claim("a", NOW, 1)[0].id;
    let settled = bench.end(id, Ending::Delivered, NOW);
    bench.reopen();
    let later = Timestamp(NOW.0 + 1);
    assert_eq!(bench.outbox.unreported(later, 10).unwrap(), settled);
    assert!(bench.outbox.unreported(NOW, 10).unwrap().is_empty());
    let fact = fact(bench.outbox.cursor(), Body::Delivery(Box::new(settled[0].clone())));
    bench.outbox.follow(&[fact], &bench.receivers, NOW, text).unwrap();
    assert!(bench.outbox.unreported(later, 10).unwrap().is_empty());
}

// P8: settled rows are forgotten after 30 days, pending ones never.
#[test]
fn settled_rows_are_forgotten() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All)]);
    bench.tell(transition(1, 1));
    bench.tell(transition(1, 2));
    let id = bench.claim("a", NOW, 1)[0].id;
    bench.end(id, Ending::Delivered, NOW);
    bench.outbox.tidy(NOW + SETTLED_KEPT).unwrap();
    assert_eq!(bench.list().len(), 2);
    bench.outbox.tidy(NOW + SETTLED_KEPT + Millis(1)).unwrap();
    assert_eq!(bench.list().iter().map(|r| r.version).collect::<Vec<_>>(), [2]);
}

// Interface: the list is newest first, filtered, and pages by a cursor.
#[test]
fn the_list_pages() {
    let mut bench = Bench::new(vec![receiver("a", Mode::All), receiver("b", Mode::All)]);
    for n in 0..3 {
        bench.tell(transition(n, 1));
    }
    let reader = OutboxReader::open(&bench.dir.path().join("outbox.db")).unwrap();
    let filter = OutboxFilter { receiver: Some("b".to_owned()), ..OutboxFilter::default() };
    let first = reader.list(&filter, None, 2).unwrap();
    let second = reader.list(&filter, first.last().map(|r| r.id), 2).unwrap();
    let episodes: Vec<_> = first.iter().chain(&second).map(|r| r.episode.clone()).collect();
    assert_eq!(episodes, [2, 1, 0].map(|n| episode(n).to_string()));
    let filter = OutboxFilter { outcome: Some("dead".to_owned()), ..OutboxFilter::default() };
    assert!(reader.list(&filter, None, 10).unwrap().is_empty());
    let filter = OutboxFilter { episode: Some(episode(1).to_string()), ..OutboxFilter::default() };
    assert_eq!(reader.list(&filter, None, 10).unwrap().len(), 2);
    assert_eq!(first[0].created_at, 7);
}

// Reliability 22: a file of a newer Maibo is refused, not damaged.
#[test]
fn a_newer_file_is_refused() {
    let bench = Bench::new(Vec::new());
    bench.outbox.connection.pragma_update(None, "user_version", 99).unwrap();
    let again = Outbox::open(&bench.dir.path().join("outbox.db"), 0);
    assert!(matches!(again, Err(OutboxError::Newer { found: 99, .. })));
}

#[derive(Clone, Debug)]
enum Step {
    Tell(u32, bool),
    Claim(usize),
    End(usize, u8),
    Crash,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u32, any::<bool>()).prop_map(|(n, over)| Step::Tell(n, over)),
        3 => (1..5_usize).prop_map(Step::Claim),
        4 => (0..8_usize, 0..6_u8).prop_map(|(at, how)| Step::End(at, how)),
        1 => Just(Step::Crash),
        1 => (0..100_000_i64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    // P5, whatever happens in whatever order: versions of an episode are attempted in order, never two at a time, none is
    // lost, and in the end each is settled with a reason.
    #[test]
    fn every_version_is_settled_in_order(latest: bool, steps in prop::collection::vec(step(), 1..60)) {
        let mode = if latest { Mode::Latest } else { Mode::All };
        let mut bench = Bench::new(vec![receiver("a", mode)]);
        let (mut now, mut versions, mut over) = (NOW, BTreeMap::<u32, u32>::new(), Vec::new());
        let mut flying: Vec<Due> = Vec::new();
        let mut settled = Vec::new();
        let mut highest = BTreeMap::<String, u32>::new();
        let drain = (0..400).flat_map(|_| [Step::Pass(60_000), Step::Claim(8), Step::End(0, 0), Step::End(0, 0)]);
        for step in steps.into_iter().chain(drain) {
            match step {
                Step::Tell(n, last) if !over.contains(&n) => {
                    let version = versions.entry(n).or_default();
                    *version += 1;
                    let state = if last { State::Resolved } else { State::Firing };
                    if last { over.push(n); }
                    let fact = told(bench.outbox.cursor(), Transition { state, ..transition(n, *version) });
                    settled.extend(bench.outbox.follow(&[fact], &bench.receivers, now, text).unwrap());
                }
                Step::Claim(limit) => {
                    for due in bench.claim("a", now, limit) {
                        let body = String::from_utf8(due.body.clone()).unwrap();
                        let (name, version) = body.split_once(':').unwrap();
                        let version: u32 = version.parse().unwrap();
                        let busy = flying.iter().any(|f| f.body.starts_with(name.as_bytes()));
                        prop_assert!(!busy, "two versions of one episode under way");
                        let seen = highest.entry(name.to_owned()).or_insert(version);
                        prop_assert!(version >= *seen, "version {version} after {seen}");
                        *seen = version;
                        flying.push(due);
                    }
                }
                Step::End(at, how) if at < flying.len() => {
                    let due = flying.remove(at);
                    let ending = match how {
                        0 | 1 => Ending::Delivered,
                        2 => Ending::Dead,
                        _ => failed(now + Millis(i64::from(how) * 1_000)),
                    };
                    settled.extend(bench.end(due.id, ending, now));
                }
                Step::Tell(..) | Step::End(..) => {}
                Step::Crash => { bench.reopen(); flying.clear(); }
                Step::Pass(ms) => now = now + Millis(ms),
            }
        }
        let told: u32 = versions.values().sum();
        prop_assert_eq!(bench.list().len(), told as usize);
        prop_assert!(bench.list().iter().all(|r| r.outcome != "pending"), "{:?}", bench.list());
        prop_assert_eq!(settled.len(), told as usize, "settled once each");
        prop_assert!(settled.iter().all(|d| &*d.outcome == "delivered" || d.error.is_some()));
    }
}
