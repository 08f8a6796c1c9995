#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::fact::{Reason, State, Transition};
use crate::id::{PlaceCode, RuleId, SourceId, Subject};
use crate::place::{Domain, Level};

fn transition() -> Transition {
    let rule = RuleId::new("underpass-waterlogging").unwrap();
    let subject = Subject::Source(SourceId::new("north").unwrap());
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(1_000), 0),
        version: 1,
        rule,
        subject,
        quantity: None,
        place: Some(PlaceCode::new("110105003").unwrap()),
        domain: Domain::Traffic,
        state: State::Firing,
        level: Level::Yellow,
        peak: Level::Yellow,
        stale: false,
        historic: false,
        value: Some(21.0),
        threshold: Some(20.0),
        started_at: Timestamp(1_000),
        at: Timestamp(2_000),
        resolved_at: None,
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    }
}

// An escalation hears of an episode from the reminder on that it waits for, and then of all that follows.
#[test]
fn an_escalation_waits_for_its_reminder() {
    let second = receiver(Matcher { from_reminder: 2, ..Matcher::default() });
    let reminded = |number: Option<u32>| {
        let reminder = number.map(|number| crate::fact::Reminder { number, after: Millis(1) });
        let handling = crate::fact::Handling { reminder, ..Default::default() };
        Transition { handling: Some(Box::new(handling)), ..transition() }
    };
    let heard = [None, Some(1), Some(2), Some(3)].map(|n| second.wants(&reminded(n), false));
    assert_eq!(heard, [false, false, true, true]);
    assert!(second.wants(&reminded(None), true), "what follows");
    assert!(receiver(Matcher::default()).wants(&reminded(None), false));
}

fn receiver(matcher: Matcher) -> Receiver {
    Receiver { name: "bureau".to_owned(), mode: Mode::All, matcher, group_every: None }
}

// P5: who was told of an episode is told of its end: the way down, the recovery, stale and fresh data are versions too.
#[test]
fn the_way_down_is_told() {
    let red = receiver(Matcher { min_level: Level::Red, ..Matcher::default() });
    let mut t = transition();
    assert!(!red.wants(&t, false));
    (t.level, t.peak) = (Level::Red, Level::Red);
    assert!(red.wants(&t, false));
    for reason in [Reason::Lowered, Reason::DataStale, Reason::DataFresh, Reason::Acknowledged, Reason::Recovered] {
        (t.level, t.reason) = (Level::Blue, reason);
        assert!(red.wants(&t, false), "{reason:?}");
    }
    // A rule edited to another domain ends the match, not the story.
    let traffic = receiver(Matcher { domains: vec![Domain::Traffic], ..Matcher::default() });
    t.domain = Domain::Ecology;
    assert!(!traffic.wants(&t, false));
    assert!(traffic.wants(&t, true));
}

// P5: domains and districts select by what the alert carries; an alert without a place is in no district.
#[test]
fn domains_and_districts_select() {
    let chaoyang = receiver(Matcher { districts: vec![PlaceCode::new("110105").unwrap()], ..Matcher::default() });
    let mut t = transition();
    assert!(matches(&t, &chaoyang));
    t.place = Some(PlaceCode::new("110108").unwrap());
    assert!(!matches(&t, &chaoyang));
    let city = |code: &str| receiver(Matcher { districts: vec![PlaceCode::new(code).unwrap()], ..Matcher::default() });
    assert!(["110000", "110100", "11"].into_iter().all(|code| matches(&t, &city(code))));
    assert!(!matches(&t, &city("120000")));
    t.place = None;
    assert!(!matches(&t, &chaoyang) && !matches(&t, &city("110000")));
    assert!(matches(&t, &receiver(Matcher::default())));
    assert!(!matches(&t, &receiver(Matcher { domains: vec![Domain::Health], ..Matcher::default() })));
}

// A receiver for some rules, some kinds, some hours: each is a condition, and the hour is that of the version.
#[test]
fn rules_kinds_and_hours() {
    let t = transition();
    let rules = |name: &str| receiver(Matcher { rules: vec![RuleId::new(name).unwrap()], ..Matcher::default() });
    assert!(matches(&t, &rules("underpass-waterlogging")) && !matches(&t, &rules("underpass")));
    let kinds = |kind| receiver(Matcher { kinds: vec![kind], ..Matcher::default() });
    assert!(matches(&t, &kinds("source")) && !matches(&t, &kinds("device")));
    // 1970-01-01 was a Thursday, and it is past eight in Beijing.
    let hours = |during: &str| {
        let table: toml::Table = during.parse().unwrap();
        receiver(Matcher { hours: crate::rule::Schedule::read(table).unwrap(), ..Matcher::default() })
    };
    let day = hours("during = [{ name = \"day\", hours = \"08:00-18:00\", days = [\"thu\"] }]");
    assert!(matches(&t, &day));
    let later = |hours: i64| Transition { at: Timestamp(hours * 3_600_000), ..transition() };
    assert!(matches(&later(9), &day) && !matches(&later(10), &day) && !matches(&later(24), &day));
    assert!(day.wants(&later(10), true), "who was told hears the rest");
    let utc = hours("zone = \"UTC\"\nduring = [{ name = \"day\", hours = \"08:00-18:00\" }]");
    assert!(!matches(&t, &utc) && matches(&later(10), &utc));
}

// Reliability 4: the key of a message is the same in every process, and different for every receiver and version.
#[test]
fn message_id_is_frozen() {
    let episode = transition().episode;
    let id = message_id("bureau", episode, 1);
    assert_eq!(id, "msg_f338fc59ab641bb61fca8743b46b4f18");
    let others = [message_id("bureau2", episode, 1), message_id("bureau", episode, 2)];
    assert!(!others.contains(&id) && others[0] != others[1]);
    assert!(!id.contains('.'));
}

// G7: waits of 1, 2, 4, 8, 15, 30, 60, 60 … seconds, up to 300 where a person has to act; jitter only shortens.
#[test]
fn waits_follow_the_schedule() {
    let quick = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60];
    let slow = [1, 2, 4, 8, 15, 30, 60, 120, 300, 300];
    for (ladder, steps) in [(Ladder::Quick, quick), (Ladder::Slow, slow)] {
        for (attempt, step) in (1..).zip(steps) {
            let waits: Vec<i64> = (0..200).map(|seed| delay(ladder, attempt, seed, None).0).collect();
            assert!(waits.iter().all(|w| (step * 800..=step * 1_000).contains(w)), "{attempt} {waits:?}");
            assert!(waits.iter().max() > waits.iter().min(), "no jitter in step {attempt}");
        }
    }
    assert!(delay(Ladder::Quick, u32::MAX, 1, None) <= Millis::from_secs(60));
}

// Reliability 61: Retry-After is kept, up to one hour, and never makes a wait shorter.
#[test]
fn the_receivers_wish_is_kept() {
    assert_eq!(delay(Ladder::Quick, 1, 7, Some(Millis::from_secs(90))), Millis::from_secs(90));
    assert_eq!(delay(Ladder::Quick, 1, 7, Some(Millis(i64::MAX))), RETRY_AFTER_MAX);
    assert_eq!(delay(Ladder::Quick, 7, 7, Some(Millis::ZERO)), delay(Ladder::Quick, 7, 7, None));
    assert_eq!(delay(Ladder::Quick, 7, 7, Some(Millis(-5))), delay(Ladder::Quick, 7, 7, None));
}

// Reliability 61, 62, 64: what each answer leads to.
#[test]
fn answers_are_judged() {
    let judge = |code| Answer::Status { code, retry_after: None }.judge().disposition;
    let retry = |d: Disposition| match d {
        Disposition::Retry { ladder, needs_operator, .. } => Some((ladder, needs_operator)),
        Disposition::Delivered | Disposition::Dead => None,
    };
    for code in [200, 202, 204, 299] {
        assert_eq!(judge(code), Disposition::Delivered);
    }
    assert_eq!(judge(410), Disposition::Dead);
    for code in [408, 429, 500, 503, 599] {
        assert_eq!(retry(judge(code)), Some((Ladder::Quick, false)), "{code}");
    }
    for code in [100, 301, 307, 400, 401, 404, 600, 999] {
        assert_eq!(retry(judge(code)), Some((Ladder::Slow, true)), "{code}");
    }
    for (why, slow) in [
        (Transport::Certificate, true),
        (Transport::Forbidden, true),
        (Transport::Plain, true),
        (Transport::Deadline, false),
    ] {
        let verdict = Answer::Failed(why).judge();
        assert_eq!(retry(verdict.disposition).map(|(_, operator)| operator), Some(slow));
        assert!(verdict.error.is_some());
    }
}

// What a receiver says in words of its own: HTTP 200 or none at all, and yet not delivered.
#[test]
fn refusals_in_words_are_judged() {
    assert_eq!(Answer::Taken.judge(), Answer::Status { code: 200, retry_after: None }.judge());
    let judge = |refusal| Answer::Refused { refusal, words: "310000 sign not match".to_owned() }.judge();
    let minute = Some(Millis::from_secs(60));
    for (refusal, ladder, wish, operator) in [
        (Refusal::TooMany, Ladder::Quick, minute, false),
        (Refusal::Busy, Ladder::Quick, None, false),
        (Refusal::Credentials, Ladder::Slow, None, true),
        (Refusal::Message, Ladder::Slow, None, true),
    ] {
        let Verdict { disposition, error, one_of_many } = judge(refusal);
        assert!(!one_of_many, "taken apart it would be more of it");
        let wanted = Disposition::Retry { ladder, wish, pause: wish.is_some(), needs_operator: operator };
        assert_eq!(disposition, wanted, "{refusal:?}");
        assert!(error.is_some_and(|e| e.ends_with("(310000 sign not match)")), "{refusal:?}");
    }
}

// Reliability 61: a wish with 429 or 503 speaks for the whole receiver.
#[test]
fn a_wish_pauses_the_receiver() {
    let pauses = |code, retry_after| {
        let verdict = Answer::Status { code, retry_after }.judge();
        matches!(verdict.disposition, Disposition::Retry { pause: true, .. })
    };
    assert!(pauses(429, Some(Millis::from_secs(5))) && pauses(503, Some(Millis::from_secs(5))));
    assert!(!pauses(429, None) && !pauses(404, Some(Millis::from_secs(5))));
}

// Notifications, dead letter and modes: no give-up while the episode is open, nor within 24 h of its end.
#[test]
fn failures_wait_are_superseded_or_die() {
    let (now, at) = (Timestamp(100_000_000), Timestamp(100_060_000));
    let closed = |ago: Millis| Some(now - ago);
    assert_eq!(after_failure(Mode::All, now, at, None, Some(9)), Next::Wait(at));
    assert_eq!(after_failure(Mode::Latest, now, at, None, Some(9)), Next::Superseded(9));
    assert_eq!(after_failure(Mode::Latest, now, at, None, None), Next::Wait(at));
    assert_eq!(after_failure(Mode::All, now, at, closed(DEAD_AFTER - Millis(1)), None), Next::Wait(at));
    assert_eq!(after_failure(Mode::All, now, at, closed(DEAD_AFTER), None), Next::Dead(CLOSED_LONG_AGO));
}

proptest! {
    // P8: whatever is asked for, a wait is positive and at most one hour.
    #[test]
    fn waits_are_bounded(slow: bool, attempt: u32, seed: u64, wish: Option<i64>) {
        let ladder = if slow { Ladder::Slow } else { Ladder::Quick };
        let wait = delay(ladder, attempt, seed, wish.map(Millis));
        prop_assert!(wait > Millis::ZERO && wait <= RETRY_AFTER_MAX);
    }

    // P5: no answer is without a disposition, and none but 2xx counts as delivered.
    #[test]
    fn only_success_is_success(code: u16) {
        let delivered = Answer::Status { code, retry_after: None }.judge().disposition == Disposition::Delivered;
        prop_assert_eq!(delivered, (200..300).contains(&code));
    }
}

// A rule in a district is told together; the key of a message is that of the versions in it.
#[test]
fn groups_are_a_rule_in_a_district() {
    let mut t = transition();
    assert_eq!(group_of(&t), "underpass-waterlogging@110105");
    t.place = None;
    assert_eq!(group_of(&t), "underpass-waterlogging@");
    assert!(!goes_alone(&t));
    t.level = Level::Red;
    assert!(goes_alone(&t));
    t.state = State::Resolved;
    assert!(!goes_alone(&t), "the end of it can wait");
    assert_eq!(group_id(["b", "a"]), group_id(["a", "b"]));
    assert_ne!(group_id(["ab"]), group_id(["a", "b"]));
    assert_eq!(group_id(["a"]).len(), 36);
}
