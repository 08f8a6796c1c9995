//! Events while rules and devices change, while Maibo is deaf, at the limits, and by the log's word.

use maibo_core::engine::{EventCounts, Unknown, Verdict};
use maibo_core::fact::{Body, Fact, Reason};
use maibo_core::id::PartitionId;
use maibo_core::input::{Act, Input};
use maibo_core::limit;
use maibo_core::place::Level;
use maibo_core::reading::Text;

use crate::engine_world::{World, ZERO, absent, catalogue, depth, s, source};
use crate::event::{CODES, cancel, received, report, rule, take, until, world};

// deaf: an event without an end of its own could have been repeated unheard, so that deaf time counts for nothing.
#[test]
fn deaf_time_does_not_count() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    w.run(s(500)).deaf(s(400)).restart();
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Orange, stale: true });
    w.run(s(5000)).expect(&["0 v1 firing orange event"]);
    w.listening().restart().run(s(5199)).expect(&[]);
    w.run(s(5200)).expect(&["5200000 v2 resolved orange event_expired"]);
}

// deaf: heard through another source, the device could have repeated the event from then on.
#[test]
fn heard_while_a_source_is_deaf() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    w.run(s(400)).deaf(s(400)).run(s(1400)).alive();
    w.run(s(1599)).expect(&["0 v1 firing orange event"]);
    w.run(s(1600)).expect(&["1600000 v2 resolved orange event_expired"]);
}

// deaf: what an operator closed could have been repeated unheard too: a stop of Maibo does not open it again.
#[test]
fn a_closed_event_stays_closed_over_a_deafness() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    w.at(s(100)).expect(&["0 v1 firing orange event"]);
    assert!(w.act("li", Act::Close { note: Text::from("seen to"), forced: true }).is_ok());
    w.run(s(400)).deaf(s(400)).run(s(5000)).listening().expect(&["0 v2 resolved orange closed"]);
    take(&mut w, report("rsi.707", "1", s(5001)));
    w.restart().run(s(5601)).expect(&[]);
    take(&mut w, report("rsi.707", "1", s(5602)));
    w.expect(&["5602000 v1 firing orange event"]);
}

// deaf: what an edit made too long a wait is over in the step in which the device is heard again, and not with the next.
#[test]
fn over_when_the_device_is_heard() {
    let shorter = rule(CODES, ", expires_after = \"400s\"");
    for again in [World::alive, World::listening] {
        let mut w = world();
        take(&mut w, report("rsi.707", "1", 0));
        w.run(s(400)).deaf(s(400)).run(s(450)).edit(&shorter).expect(&["0 v1 firing orange event"]);
        again(w.at(s(500)));
        w.expect(&["500000 v2 resolved orange event_expired"]);
    }
    // A repeat is judged first.
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    w.run(s(400)).deaf(s(400)).run(s(450)).edit(&shorter).at(s(500));
    take(&mut w, report("rsi.707", "1", s(500)));
    w.run(s(899)).expect(&["0 v1 firing orange event"]);
    w.run(s(900)).expect(&["900000 v2 resolved orange event_expired"]);
}

// deaf: reports that waited meanwhile count and do not shorten the wait.
#[test]
fn reports_that_waited() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    w.run(s(400)).deaf(s(400)).run(s(5000)).listening();
    take(&mut w, received(report("rsi.1", "1", s(410)), s(5001)));
    w.expect(&["0 v1 firing orange event", "410000 v2 firing yellow lowered historic"]);
    w.run(s(5199)).expect(&[]);
    w.run(s(5200)).expect(&["5200000 v3 resolved yellow event_expired"]);
    assert_eq!(w.last().value, Some(2.0));
}

// deaf: an end of its own holds whatever Maibo hears, also in the batch that tells of the deafness.
#[test]
fn an_own_end_holds_in_deaf_time() {
    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), s(100)));
    take(&mut w, until(report("rsi.707", "2", 0), s(900)));
    w.at(s(500)).deaf(s(50)).expect(&[
        "0 v1 firing orange event",
        "0 v1 firing orange event",
        "100000 v2 resolved orange event_expired",
    ]);
    w.run(s(900)).expect(&["900000 v2 resolved orange event_expired"]);
}

// clock step: the wait for a repeat moves along, an end of its own does not.
#[test]
fn a_clock_step() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    take(&mut w, until(report("rsi.1", "2", 0), s(7000)));
    w.run(s(100)).at(s(3700)).clock_step(s(3600));
    w.run(s(4199)).expect(&["0 v1 firing orange event", "0 v1 firing yellow event"]);
    w.run(s(7000));
    w.expect(&["4200000 v2 resolved orange event_expired", "7000000 v2 resolved yellow event_expired"]);
}

// verdict: event rules never make a device unknown, and its readings count as ever.
#[test]
fn verdicts() {
    let mut w = world();
    w.at(0).alive();
    assert_eq!(w.verdict(), Verdict::Normal);
    let mut w = World::new(&(rule(CODES, "") + &depth("")));
    take(&mut w, report("rsi.707", "1", 0));
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Orange, stale: false });
    take(&mut w, cancel("1", s(1)));
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Never });
    w.value(0.0);
    assert_eq!(w.verdict(), Verdict::Normal);
}

// edit: the same id goes on, judged by the new codes at once; a code that is gone ends it.
#[test]
fn edited_codes() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0));
    take(&mut w, report("radar.1", "2", s(1)));
    take(&mut w, report("rsi.1", "3", s(2)));
    w.at(s(10)).edit(&rule("\"rsi.707\" = \"red\", \"rsi.1\" = \"yellow\"", ""));
    w.expect(&[
        "0 v1 firing orange event",
        "1000 v1 firing blue event",
        "2000 v1 firing yellow event",
        "10000 v2 firing red rule_changed",
        "10000 v2 resolved blue rule_changed",
    ]);
    w.restart();
    take(&mut w, cancel("1", s(20)));
    assert_eq!((w.last().version, w.last().reason), (3, Reason::EventCancelled));
}

// edit: how long an event waits for a repeat is counted anew from its last report.
#[test]
fn an_edited_wait() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0)).at(s(100)).edit(&rule(CODES, ", expires_after = \"200s\""));
    w.run(s(199)).expect(&["0 v1 firing orange event"]);
    w.run(s(200)).expect(&["200000 v2 resolved orange event_expired"]);
    take(&mut w, report("rsi.707", "1", s(300))).at(s(400)).edit(&rule(CODES, ", expires_after = \"30s\""));
    w.expect(&["300000 v1 firing orange event", "330000 v2 resolved orange event_expired historic"]);
    assert_eq!(w.facts.last().map(|f| f.at.0 - ZERO), Some(s(400)), "decided at the edit");
}

// edit: a rule that is gone, that judges something else, or that leaves the device out ends its episodes with that word.
#[test]
fn rules_and_devices_that_go() {
    let without = [("", "rule_removed"), (&*depth("").replace("\"depth\"", "\"road\""), "rule_changed")];
    let elsewhere = rule(CODES, "").replace("kind = \"k\"", "kind = \"other\"");
    let silent = absent().replace("\"silent\"", "\"road\"");
    for (rules, word) in without.into_iter().chain([(&*elsewhere, "subject_gone"), (&*silent, "rule_changed")]) {
        let mut w = world();
        take(&mut w, report("rsi.707", "1", 0)).at(s(1)).edit(rules);
        w.expect(&["0 v1 firing orange event", &format!("1000 v2 resolved orange {word}")]);
    }
    let mut w = World::new(&silent);
    w.at(0).alive().run(s(30)).at(s(31)).edit(&rule(CODES, ""));
    w.expect(&["30000 v1 firing yellow absent", "31000 v2 resolved yellow rule_changed"]);
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0)).at(s(1)).edit_catalogue(&catalogue(&[("e", "10s")]));
    w.expect(&["0 v1 firing orange event", "1000 v2 resolved orange subject_gone"]);
}

// P3: a rule or a device that comes back can open the same report again, under another identity.
#[test]
fn a_rule_or_a_device_that_comes_back() {
    let mut w = world();
    take(&mut w, report("rsi.707", "1", 0)).at(s(1)).edit("").restart().edit(&rule(CODES, ""));
    take(&mut w, received(report("rsi.707", "1", 0), s(2)));
    w.at(s(3)).edit_catalogue(&catalogue(&[("e", "10s")])).restart().edit_catalogue(&catalogue(&[("d", "10s")]));
    take(&mut w, received(report("rsi.707", "1", 0), s(4)));
    let opened: std::collections::BTreeSet<_> = w.transitions().iter().map(|t| t.episode).collect();
    assert_eq!((w.transitions().len(), opened.len()), (5, 3));
}

// two rules on one event have an episode each, and the report counts once.
#[test]
fn two_rules() {
    let other = rule("\"rsi.707\" = \"red\"", ", expires_after = \"1m\"").replace("\"road\"", "\"police\"");
    let mut w = World::new(&(rule(CODES, "") + &other));
    take(&mut w, report("rsi.707", "1", 0)).expect(&["0 v1 firing red event", "0 v1 firing orange event"]);
    assert_eq!(w.out.counts.events, EventCounts { judged: 1, ..EventCounts::default() });
    w.run(s(600)).expect(&["60000 v2 resolved red event_expired", "600000 v2 resolved orange event_expired"]);
}

// limit: one event more than may be open is refused and counted; those that are open go on, and one end makes room.
#[test]
fn as_many_as_may_be_open() {
    let mut w = world();
    for n in 0..limit::MAX_EVENTS {
        take(&mut w, report("rsi.707", &n.to_string(), 0));
    }
    assert_eq!(w.machine.open_alerts().count(), limit::MAX_EVENTS);
    take(&mut w, report("rsi.707", "more", s(1)));
    assert_eq!(w.out.counts.events, EventCounts { refused: 1, ..EventCounts::default() });
    take(&mut w, report("rsi.1", "7", s(1)));
    assert_eq!((w.out.counts.events.judged, w.last().reason), (1, Reason::Lowered));
    take(&mut w, cancel("9", s(2)));
    take(&mut w, report("rsi.707", "9", s(3)));
    assert_eq!(w.last().reason, Reason::Event);
    take(&mut w, cancel("9", s(4)));
    take(&mut w, report("rsi.707", "more", s(5)));
    assert_eq!((&*w.last().subject.id(), w.last().reason), ("d/more", Reason::Event));
}

// limit: what is forgotten may come again, but never under the same identity; the state stays small.
#[test]
fn forgotten_events() {
    let mut w = world();
    for n in 0..2000_i64 {
        take(&mut w, until(report("rsi.707", &n.to_string(), n), s(9)));
        take(&mut w, cancel(&n.to_string(), n)).restart();
    }
    // Most of it is what tells flapping: at most 1,000 alerts of the last half hour.
    assert!(w.machine.snapshot().len() < 80_000, "{}", w.machine.snapshot().len());
    take(&mut w, received(until(report("rsi.707", "1999", 1999), s(9)), s(3)));
    assert_eq!(w.out.counts.events.duplicate, 1, "still known");
    take(&mut w, received(until(report("rsi.707", "0", 0), s(9)), s(3)));
    let of_first: Vec<_> = w.transitions().iter().filter(|t| &*t.subject.id() == "d/0").map(|t| t.episode).collect();
    assert!(of_first.len() == 3 && of_first[1] != of_first[2], "opened anew under its own identity");
    // Half an hour later flapping is forgotten too.
    w.at(s(3600)).tick();
    assert!(w.machine.snapshot().len() < 10_000, "{}", w.machine.snapshot().len());
}

// events of devices that the catalogue does not know are counted.
#[test]
fn unregistered() {
    let mut w = World::with(PartitionId(0), &rule(CODES, ""), &catalogue(&[("e", "10s")]));
    take(&mut w, report("rsi.707", "1", 0)).expect(&[]);
    assert_eq!(w.out.counts.events, EventCounts { unregistered: 1, ..EventCounts::default() });
}

// order: a report and the news of deafness in one batch give what they give one by one.
#[test]
fn a_report_and_deafness_in_one_batch() {
    let (mut one, mut two) = (world(), world());
    let again = || Input::Event(until(report("rsi.707", "1", s(500)), s(600)));
    let deaf = || Input::Deaf { source: Some(source("s")), from: maibo_core::time::Timestamp(ZERO + s(50)) };
    for w in [&mut one, &mut two] {
        take(w, until(report("rsi.707", "1", 0), s(100)));
    }
    one.at(s(500)).batch(vec![again(), deaf()]);
    two.at(s(500)).batch(vec![again()]).batch(vec![deaf()]);
    let told = |w: &World| w.transitions().into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(told(&one), told(&two));
}

fn edited(fact: &Fact, edit: impl FnOnce(&mut maibo_core::fact::Transition)) -> Fact {
    let mut fact = fact.clone();
    if let Body::Transition(t) = &mut fact.body {
        edit(t);
    }
    fact
}

// impose: what the log has stands, at its level; what it does not have is undone, and the next report decides anew.
#[test]
fn the_log_is_law() {
    let mut told = world();
    take(&mut told, report("rsi.707", "1", 0));
    let decided = told.facts.clone();
    told.impose(&decided, &[]);
    assert_eq!((told.machine.open_alerts().count(), told.known()), (0, Verdict::Normal));
    take(&mut told, report("rsi.707", "1", s(1)));
    assert_eq!(told.machine.open_alerts().count(), 1);

    let mut w = world();
    w.at(0).alive().impose(&[], &[edited(&decided[0], |t| t.level = Level::Red)]);
    w.restart();
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: false });
    w.at(s(1)).edit(&rule("\"rsi.707\" = \"blue\"", "")).expect(&[]);
    take(&mut w, report("rsi.707", "1", s(2))).expect(&["2000 v2 firing blue lowered"]);
    assert_eq!(w.last().value, Some(2.0));
    w.run(s(602)).expect(&["602000 v3 resolved blue event_expired"]);

    let mut w = world();
    take(&mut w, until(report("rsi.707", "1", 0), s(9))).run(s(8)).at(s(9)).tick();
    let end = w.facts[1..].to_vec();
    w.impose(&end, &[]);
    w.restart();
    assert_eq!(w.machine.open_alerts().count(), 1, "still open by the log");
    w.impose(&[], &end);
    assert_eq!(w.machine.open_alerts().count(), 0);
}
