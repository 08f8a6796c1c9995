//! Facts are law: what the log says stands, whatever this binary would decide.

use maibo_core::fact::{Body, Fact, Reason, State, Transition};
use maibo_core::place::Level;

use crate::engine_world::{World, ZERO, absent, depth, s};

fn edited(fact: &Fact, edit: impl FnOnce(&mut Transition)) -> Fact {
    let mut fact = fact.clone();
    if let Body::Transition(t) = &mut fact.body {
        edit(t);
    }
    fact
}

// decided, but not in the log: undone, and the next reading decides anew.
#[test]
fn an_opening_that_the_log_does_not_have() {
    let mut w = World::new(&depth(""));
    w.at(0).value(12.0);
    let decided = w.facts.clone();
    w.impose(&decided, &[]);
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.restart().at(s(1)).value(12.0);
    assert_eq!(w.machine.open_alerts().count(), 1);
}

// in the log at another level: that level stands, and the machine goes on from it.
#[test]
fn another_level_in_the_log() {
    let mut w = World::new(&depth("keep_firing_for = \"5s\""));
    w.at(0).value(12.0);
    let decided = w.facts.clone();
    let logged = [edited(&decided[0], |t| {
        t.level = Level::Orange;
        t.peak = Level::Orange;
    })];
    w.impose(&decided, &logged);
    w.restart();
    assert_eq!(w.machine.open_alerts().next().map(|t| t.level), Some(Level::Orange));
    w.at(s(1)).value(12.0).run(s(6)).value(12.0);
    let last = w.last();
    assert_eq!((last.version, last.level, last.reason), (2, Level::Blue, Reason::Lowered));
}

// resolved by this binary, not in the log: open again under its old version; and the other way round.
#[test]
fn a_resolution_only_one_of_them_has() {
    let mut w = World::new(&depth(""));
    w.at(0).value(12.0).at(s(1)).value(0.0);
    let decided = w.facts[1..].to_vec();
    w.impose(&decided, &[]);
    let open: Vec<_> = w.machine.open_alerts().map(|t| (t.version, t.state)).collect();
    assert_eq!(open, [(1, State::Firing)]);
    let logged = [edited(&decided[0], |_| {})];
    w.impose(&[], &logged);
    assert_eq!(w.machine.open_alerts().count(), 0);
}

// an episode of a rule this binary does not know stays until rules are next activated.
#[test]
fn an_episode_of_an_unknown_rule() {
    let mut w = World::new(&depth(""));
    w.at(0).value(12.0);
    let decided = w.facts.clone();
    let logged = [edited(&decided[0], |t| {
        t.rule = maibo_core::id::RuleId::new("other").expect("id");
        t.episode = maibo_core::id::EpisodeId::derive(&t.rule, &t.subject, t.started_at, 1);
    })];
    w.impose(&decided, &logged);
    assert_eq!(w.machine.open_alerts().count(), 1);
    w.at(s(1)).edit("");
    assert_eq!(w.last().reason, Reason::RuleRemoved);
    assert_eq!(w.machine.open_alerts().count(), 0);
}

// an absence that only the log has: it is open, stays open over a snapshot, ends with the device's sign of life, and its
// identity is not given to the next one of the same silence.
#[test]
fn an_absence_that_only_the_log_has() {
    let mut told = World::new(&absent());
    told.at(0).alive().run(s(30)).at(s(31)).edit("").edit(&absent());
    let second = told.facts.last().expect("the second of one silence").clone();
    let mut w = World::new(&absent());
    w.at(0).alive().at(s(31)).impose(&[], std::slice::from_ref(&second));
    w.restart();
    assert_eq!(w.machine.open_alerts().count(), 1);
    assert!(matches!(w.known(), maibo_core::engine::Verdict::Firing { level: Level::Yellow, .. }));
    w.run(s(40)).edit("").edit(&absent()).restart();
    let opened: Vec<_> = w.transitions().iter().filter(|t| t.version == 1).map(|t| t.episode).collect();
    assert!(!opened.is_empty() && !opened.contains(&told.last().episode), "counted on");
    w.at(s(50)).alive();
    assert_eq!((w.last().reason, w.machine.open_alerts().count()), (Reason::Returned, 0));
}

// a clock alert that only the log has, and one that only this binary has.
#[test]
fn a_clock_alert_that_only_one_of_them_has() {
    let mut told = World::new(&depth(""));
    told.at(s(1)).value_at(-ZERO, 0.0).at(s(11)).value_at(-ZERO + 1, 0.0).at(s(21)).value_at(-ZERO + 2, 0.0);
    let fact = told.facts.last().expect("a fact").clone();
    let mut w = World::new(&depth(""));
    w.at(s(1)).value(0.0).impose(&[], std::slice::from_ref(&fact));
    w.restart();
    assert_eq!(w.machine.open_alerts().count(), 1);
    w.at(s(31)).value(0.0).at(s(41)).value(0.0).at(s(51)).value(0.0);
    assert_eq!((w.last().reason, w.machine.open_alerts().count()), (Reason::ClockRight, 0));
    told.impose(std::slice::from_ref(&fact), &[]);
    told.restart();
    assert_eq!(told.machine.open_alerts().count(), 0);
}

// an episode that the log opened and closed, and this binary did not: its identity is given, and the next of the same
// silence gets another.
#[test]
fn an_episode_that_the_log_closed() {
    let mut told = World::new(&absent());
    told.at(0).alive().run(s(40)).edit(&absent().replace("intervals = 3", "intervals = 9"));
    let mut w = World::new(&absent());
    w.at(0).alive().impose(&[], &told.facts);
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.restart().run(s(30)).expect(&["30000 v1 firing yellow absent"]);
    assert_eq!(w.last().started_at, told.last().started_at);
    assert_ne!(w.last().episode, told.last().episode);
}

// what people did and only the log has: a comment refuses nobody, and an acknowledgement ends the reminders.
#[test]
fn acts_that_only_the_log_has() {
    let red = || {
        let mut w = World::every("2h", &depth(""));
        w.at(0).value(45.0);
        w
    };
    let (mut told, mut w) = (red(), red());
    let comment = maibo_core::input::Act::Comment { note: maibo_core::reading::Text::from("seen") };
    assert!(told.at(s(1)).act("wang", comment).is_ok());
    assert!(told.at(s(2)).acknowledge("li", 2).result.is_ok());
    let [.., comment, acknowledgement] = told.facts.as_slice() else { panic!("two facts") };
    w.at(s(2)).impose(&[], std::slice::from_ref(comment));
    assert!(w.acknowledge("li", 1).result.is_ok(), "not refused for the comment");
    let mut w = red();
    w.at(s(2)).impose(&[], &[comment.clone(), acknowledgement.clone()]);
    w.restart().run(s(3_000));
    assert_eq!(w.machine.open_alerts().map(|t| t.version).collect::<Vec<_>>(), [3], "no reminder behind it");
}
