//! Events: how an episode opens, goes on and ends, and in which order reports count.

use maibo_core::engine::{EventCounts, Verdict};
use maibo_core::fact::Transition;
use maibo_core::id::DeviceId;
use maibo_core::input::{Found, Input};
use maibo_core::limit;
use maibo_core::place::Level;
use maibo_core::reading::{Event, Text};
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, absent, depth, ladder, reading, s, source};

/// Congestion is orange, anything else from a road sensor yellow, a radar's ones are blue.
pub(crate) const CODES: &str = "\"rsi.707\" = \"orange\", \"rsi.*\" = \"yellow\", \"radar.1\" = \"blue\"";

/// An event rule on kind `k`; `more` stands inside its table.
pub(crate) fn rule(codes: &str, more: &str) -> String {
    ladder("road", &format!("when = {{ kind = \"k\" }}\nevent = {{ codes = {{ {codes} }}{more} }}"))
}

pub(crate) fn world() -> World {
    World::new(&rule(CODES, ""))
}

/// A report of device `d`, received when it happened.
pub(crate) fn report(code: &str, identity: &str, at: i64) -> Event {
    Event {
        device: DeviceId::new("d").expect("id"),
        code: Text::from(code),
        identity: Text::from(identity),
        at: Timestamp(ZERO + at),
        received: Timestamp(ZERO + at),
        expires: None,
        cancelled: false,
        position: None,
        text: Text::default(),
        ahead: None,
    }
}

pub(crate) fn cancel(identity: &str, at: i64) -> Event {
    Event { cancelled: true, ..report("rsi.707", identity, at) }
}

/// The same report with an end of its own.
pub(crate) fn until(event: Event, end: i64) -> Event {
    Event { expires: Some(Timestamp(ZERO + end)), ..event }
}

/// The same report, received later than it happened.
pub(crate) fn received(event: Event, at: i64) -> Event {
    Event { received: Timestamp(ZERO + at), ..event }
}

/// Takes a report when it is received, after all that was due by then.
pub(crate) fn take(w: &mut World, event: Event) -> &mut World {
    w.run(event.received.0 - ZERO).batch(vec![Input::Event(event)])
}

fn counts(w: &World) -> EventCounts {
    w.out.counts.events
}

fn value(t: &Transition) -> Option<f64> {
    t.value
}

// event: the first report opens at once, at the level of its code, from the time it names.
#[test]
fn opens_at_once() {
    let mut w = world();
    take(&mut w, received(report("rsi.707", "9", s(3)), s(5))).expect(&["3000 v1 firing orange event"]);
    let t = w.last();
    assert_eq!((t.subject.kind(), &*t.subject.id()), ("event", "d/9"));
    assert_eq!(t.subject.device().map(DeviceId::as_str), Some("d"));
    assert_eq!((t.started_at.0 - ZERO, t.value, t.threshold, t.quantity.is_none()), (s(3), Some(1.0), None, true));
    assert_eq!(w.facts.last().map(|f| f.at.0 - ZERO), Some(s(5)), "decided when it was received");
    assert_eq!(counts(&w).judged, 1);
}

// event: what is yet to begin opens at once, too, and says when it begins, as of its last report.
#[test]
fn what_is_ahead_is_said() {
    let ahead = |words: &str, event: Event| Event { ahead: Some(Box::new(Found::new("20:00 起", words))), ..event };
    let found = |t: &Transition| t.found.as_ref().map(|f| f.en.to_string());
    let mut w = world();
    take(&mut w, ahead("from 20:00", report("rsi.9", "1", 0))).expect(&["0 v1 firing yellow event"]);
    assert_eq!(found(w.last()).as_deref(), Some("from 20:00"));
    take(&mut w, ahead("from 22:00", report("rsi.707", "1", s(1)))).expect(&["1000 v2 firing orange raised"]);
    assert_eq!(found(w.last()).as_deref(), Some("from 22:00"));
    take(&mut w, report("rsi.9", "1", s(2))).expect(&["2000 v3 firing yellow lowered"]);
    assert_eq!(found(w.last()), None, "the last report says nothing of a beginning");
    take(&mut w, cancel("1", s(3))).expect(&["3000 v4 resolved yellow event_cancelled"]);
}

// event: what a report says of itself is told again where it is not what the last one said, at the same level, too; a mere
// repetition is no version, and neither is one of what an operator closed. Its count goes on.
#[test]
fn other_words_are_news() {
    let says = |words: &str, event: Event| Event { ahead: Some(Box::new(Found::new("雷雨", words))), ..event };
    let found = |t: &Transition| t.found.as_ref().map(|f| f.en.to_string());
    let mut w = world();
    take(&mut w, says("from 20:00", report("rsi.9", "1", 0))).expect(&["0 v1 firing yellow event"]);
    take(&mut w, says("from 20:00", report("rsi.9", "1", s(1)))).expect(&[]);
    take(&mut w, says("from 18:00", report("rsi.9", "1", s(2)))).expect(&["2000 v2 firing yellow event"]);
    assert_eq!((found(w.last()).as_deref(), value(w.last())), (Some("from 18:00"), Some(3.0)));
    take(&mut w, says("from 18:00", report("rsi.9", "1", s(3)))).expect(&[]);
    take(&mut w, says("from 16:00", received(report("rsi.9", "1", s(1)), s(4)))).expect(&[]);
    assert_eq!(counts(&w).late, 1, "an older one is no news");
    take(&mut w, report("rsi.9", "1", s(4))).expect(&["4000 v3 firing yellow event"]);
    assert_eq!(found(w.last()), None);
    take(&mut w, report("rsi.9", "1", s(5))).expect(&[]);
    // Behind a restart it is known what was said.
    take(&mut w, says("from 20:00", report("rsi.9", "1", s(6)))).expect(&["6000 v4 firing yellow event"]);
    w.restart();
    take(&mut w, says("from 20:00", report("rsi.9", "1", s(7)))).expect(&[]);
    take(&mut w, says("from 20:00", cancel("1", s(8)))).expect(&["8000 v5 resolved yellow event_cancelled"]);
}

// event: acts leave what the event says as it was.
#[test]
fn acts_leave_the_words() {
    let mut w = world();
    let words = Some(Box::new(Found::new("20:00 起", "from 20:00")));
    take(&mut w, Event { ahead: words.clone(), ..report("rsi.9", "1", 0) });
    w.acknowledge("li.wei", 1);
    assert_eq!(w.last().found, words);
    take(&mut w, Event { ahead: words.clone(), ..report("rsi.707", "1", s(2)) });
    assert_eq!((w.last().version, &w.last().found), (3, &words));
}

// event: one episode for each identity; the level is that of the code itself, else of the longest prefix.
#[test]
fn one_episode_for_each_identity() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    take(&mut w, report("rsi.9", "2", s(1)));
    take(&mut w, report("radar.1", "3", s(2)));
    w.expect(&["0 v1 firing orange event", "1000 v1 firing yellow event", "2000 v1 firing blue event"]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Orange, stale: false });
    take(&mut w, cancel("1", s(3))).expect(&["3000 v2 resolved orange event_cancelled"]);
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Yellow, stale: false });
}

// event: an unknown code means nothing to the rule, but is a sign of life.
#[test]
fn unknown_codes_are_ignored() {
    let mut w = World::new(&(rule(CODES, "") + &absent()));
    take(&mut w, report("radar.10", "1", 0)).expect(&[]);
    assert_eq!(counts(&w), EventCounts { ignored: 1, ..EventCounts::default() });
    take(&mut w, report("rsi.1", "1", s(20))).expect(&["20000 v1 firing yellow event"]);
    take(&mut w, report("radar.10", "1", s(40))).expect(&[]);
    assert_eq!(counts(&w).ignored, 1, "not even of an event that is open");
    w.run(s(69)).expect(&[]);
    w.run(s(70)).expect(&["70000 v1 firing yellow absent"]);
}

// event: repeats count and extend, and are no facts; the count is in the next transition, also in an operator's.
#[test]
fn repeats_are_counted() {
    let mut w = world();
    for n in 0..20 {
        take(&mut w, report("rsi.707", "1", s(60 * n)));
    }
    w.expect(&["0 v1 firing orange event"]);
    assert!(w.acknowledge("li", 1).result.is_ok());
    assert_eq!(value(w.last()), Some(20.0));
    w.restart();
    take(&mut w, report("rsi.707", "1", s(1200))).restart().run(s(1799));
    w.expect(&["0 v2 firing orange acknowledged acknowledged"]);
    w.run(s(1800)).expect(&["1800000 v3 resolved orange event_expired acknowledged"]);
    assert_eq!(value(w.last()), Some(21.0));
    assert_eq!(w.verdict(), Verdict::Normal);
}

// event: an update moves the level by its code.
#[test]
fn updates_move_the_level() {
    let mut w = world();
    take(&mut w, report("rsi.1", "1", 0));
    take(&mut w, report("rsi.707", "1", s(1)));
    take(&mut w, report("radar.1", "1", s(2)));
    w.expect(&["0 v1 firing yellow event", "1000 v2 firing orange raised", "2000 v3 firing blue lowered"]);
    assert_eq!((value(w.last()), w.last().peak), (Some(3.0), Level::Orange));
    let refused = w.acknowledge("li", 1).result.expect_err("the level rose since");
    assert_eq!(refused.reason, "level_rose");
}

// event: same identity and time is a duplicate, an older time is late; neither extends.
#[test]
fn duplicates_and_late_reports() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", s(100)));
    take(&mut w, received(report("rsi.707", "1", s(100)), s(200)));
    assert_eq!(counts(&w), EventCounts { duplicate: 1, ..EventCounts::default() });
    take(&mut w, received(report("radar.1", "1", s(99)), s(300)));
    assert_eq!(counts(&w), EventCounts { late: 1, ..EventCounts::default() });
    take(&mut w, received(cancel("1", s(99)), s(400)));
    assert_eq!(counts(&w), EventCounts { late: 1, ..EventCounts::default() });
    w.run(s(900)).expect(&["100000 v1 firing orange event", "700000 v2 resolved orange event_expired"]);
    assert_eq!(value(w.last()), Some(1.0));
}

// event: a cancellation ends it; of an unknown identity it is nothing.
#[test]
fn cancellations() {
    let mut w = world();
    take(&mut w, cancel("1", 0)).expect(&[]);
    assert_eq!(counts(&w), EventCounts { unknown: 1, ..EventCounts::default() });
    take(&mut w, report("rsi.707", "1", s(1)));
    take(&mut w, Event { code: Text::from("whatever"), ..cancel("1", s(5)) });
    w.expect(&["1000 v1 firing orange event", "5000 v2 resolved orange event_cancelled"]);
    take(&mut w, cancel("1", s(5))).expect(&[]);
    assert_eq!(counts(&w).duplicate, 1);
}

// event: a cancellation that carries the time of the last report ends the event, as units write the event's own time.
#[test]
fn a_cancellation_with_the_same_time() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", s(1)));
    take(&mut w, received(cancel("1", s(1)), s(9)));
    w.expect(&["1000 v1 firing orange event", "1000 v2 resolved orange event_cancelled"]);
    take(&mut w, received(report("rsi.707", "1", s(1)), s(10))).expect(&[]);
}

// event: after an end only a later report opens a new episode, over restarts too.
#[test]
fn after_the_end() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", s(1)));
    take(&mut w, cancel("1", s(10)));
    take(&mut w, cancel("1", s(20))).restart();
    for late in [1, 9, 15, 20] {
        take(&mut w, received(report("rsi.707", "1", s(late)), s(21)));
    }
    w.expect(&["1000 v1 firing orange event", "10000 v2 resolved orange event_cancelled"]);
    let first = w.last().episode;
    take(&mut w, received(report("rsi.707", "1", s(20) + 1), s(22))).expect(&["20001 v1 firing orange event"]);
    assert_ne!(w.last().episode, first);
    assert_eq!(value(w.last()), Some(1.0), "counted anew");
}

// event: without an end of its own it is over when no repeat came for `expires_after`.
#[test]
fn without_a_repeat() {
    let mut w = World::new(&rule(CODES, ", expires_after = \"30s\""));
    take(&mut w, report("rsi.707", "1", 0));
    take(&mut w, report("rsi.707", "1", s(20))).run(s(49)).expect(&["0 v1 firing orange event"]);
    w.run(s(50)).expect(&["50000 v2 resolved orange event_expired"]);
    take(&mut w, report("rsi.707", "1", s(60))).expect(&["60000 v1 firing orange event"]);
}

// event: an end of its own holds instead, and moves with each report; one before 2000 is none.
#[test]
fn with_an_end_of_its_own() {
    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), s(3600)));
    take(&mut w, until(report("rsi.707", "1", s(10)), s(60)))
        .restart()
        .run(s(59))
        .expect(&["0 v1 firing orange event"]);
    w.run(s(60)).expect(&["60000 v2 resolved orange event_expired"]);
    for year_one in [-62_135_596_800_000, 0, Timestamp::EARLIEST.0 - 1] {
        let mut w = world();
        take(&mut w, until(report("rsi.707", "1", 0), year_one - ZERO)).run(s(600));
        w.expect(&["0 v1 firing orange event", "600000 v2 resolved orange event_expired"]);
    }
    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), s(60)));
    take(&mut w, report("rsi.707", "1", s(50))).run(s(649)).expect(&["0 v1 firing orange event"]);
    w.run(s(650)).expect(&["650000 v2 resolved orange event_expired"]);
}

// event: an update whose end is past when it comes ends the event, then.
#[test]
fn an_update_that_is_over() {
    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), s(3600)));
    take(&mut w, received(until(report("rsi.707", "1", s(10)), s(20)), s(30)));
    w.expect(&["0 v1 firing orange event", "20000 v2 resolved orange event_expired"]);
    assert_eq!((value(w.last()), w.facts.last().map(|f| f.at.0 - ZERO)), (Some(2.0), Some(s(30))));
}

// event: what is over when it comes, or older than the maximal age, opens nothing; a cancellation is never over.
#[test]
fn too_old() {
    let mut w = world();
    let age = limit::MAX_AGE.0;
    let old = [
        received(report("rsi.707", "1", 0), s(600)),
        received(until(report("rsi.707", "1", 0), s(600)), s(600)),
        received(until(report("rsi.707", "1", 0), 2 * age), age + 1),
    ];
    for event in old {
        take(&mut w, event).expect(&[]);
        assert_eq!(counts(&w), EventCounts { too_old: 1, ..EventCounts::default() });
    }
    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), 2 * age));
    take(&mut w, received(cancel("1", s(1)), age + s(2))).expect(&["0 v1 firing orange event"]);
    take(&mut w, received(cancel("1", s(4)), age + s(4)));
    w.expect(&["4000 v2 resolved orange event_cancelled historic"]);
}

// event: a transition further back than a minute and two intervals is historic.
#[test]
fn historic() {
    let mut w = world();
    take(&mut w, received(report("rsi.707", "1", 0), s(61))).expect(&["0 v1 firing orange event historic"]);
    take(&mut w, report("rsi.1", "1", s(70))).expect(&["70000 v2 firing yellow lowered"]);
}

// event: a report from ahead is judged at the receive time; a clock far off gives a length of validity, not an end.
#[test]
fn clocks_that_are_ahead_or_wrong() {
    let mut w = world();
    take(&mut w, received(report("rsi.707", "1", s(25)), s(5))).expect(&["5000 v1 firing orange event"]);
    take(&mut w, received(report("rsi.707", "1", s(25)), s(6))).expect(&[]);
    assert_eq!(counts(&w).duplicate, 1, "a copy is known by the device's time");
    take(&mut w, received(cancel("1", s(27)), s(7))).expect(&["7000 v2 resolved orange event_cancelled"]);
    take(&mut w, received(report("rsi.707", "1", s(26)), s(40))).expect(&[]);
    assert_eq!(counts(&w).late, 1);
    for off in [s(86_400), Timestamp::EARLIEST.0 - s(61) - ZERO] {
        let mut w = world();
        take(&mut w, received(until(report("rsi.707", "1", off), off + s(60)), s(5)));
        take(&mut w, received(report("rsi.1", "1", off), s(6)));
        w.expect(&["5000 v1 firing orange event", "6000 v2 firing yellow lowered"]);
    }
    let mut w = world();
    take(&mut w, received(until(report("rsi.707", "1", s(86_400)), s(86_460)), s(5))).run(s(65));
    w.expect(&["5000 v1 firing orange event", "65000 v2 resolved orange event_expired"]);
}

// event: a device whose clock is known to stand wrong by its readings is judged at the receive time.
#[test]
fn a_clock_that_lags_steadily() {
    let mut w = World::new(&(rule(CODES, "") + &depth("")));
    for n in 0..12 {
        w.run(s(10 * n)).value_at(s(10 * n - 3600), 0.0);
    }
    take(&mut w, received(until(report("rsi.707", "1", s(115 - 3600)), s(145 - 3600)), s(115))).run(s(145));
    let told: Vec<_> = w.transitions().iter().filter(|t| t.rule.as_str() == "road").map(|t| t.at.0 - ZERO).collect();
    assert_eq!(told, [s(115), s(145)]);
}

// event: what a repeat was waited for up to the moment at which Maibo hears again is over then, not with the next batch.
#[test]
fn what_is_over_when_maibo_hears_again() {
    let mut w = World::new(&rule(CODES, ", expires_after = \"50s\""));
    take(&mut w, report("rsi.707", "1", 0)).run(s(49)).expect(&["0 v1 firing orange event"]);
    let sign = Input::Reading(reading("d", "water_depth", s(50), s(50), 0.0));
    let deaf = Input::Deaf { source: Some(source("s")), from: Timestamp(ZERO + s(50) - 1) };
    w.at(s(50)).batch(vec![sign, deaf]).expect(&[]);
    w.listening().expect(&["50000 v2 resolved orange event_expired"]);
}
