//! Rules on trial: judged like any other, told to nobody.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::fact::{Body, Fact, Reason, Transition};
use maibo_core::input::{Act, Told};
use maibo_core::place::Level;
use maibo_core::reading::Text;

use crate::engine_world::block::{Block, flood};
use crate::engine_world::{World, absent, depth, line, s};

const TRIAL: &str = "shadow = true\n";

fn tried(facts: &[Fact]) -> Vec<String> {
    let of = |f: &Fact| match &f.body {
        Body::Shadow(t) => Some(line(t)),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

fn on_trial(facts: &[Fact]) -> Vec<&Transition> {
    facts.iter().filter(|f| matches!(f.body, Body::Shadow(_))).filter_map(|f| f.body.judged()).collect()
}

// the same readings give the same episodes, levels and times, as facts of their own kind; nobody is reminded.
#[test]
fn judged_the_same_and_told_to_nobody() {
    let values = [12.0, 22.0, 45.0, 12.0, 0.0, 33.0];
    let mut told = World::new(&depth("for = \"10s\"\nkeep_firing_for = \"20s\""));
    told.values(s(10), &values).run(s(7_200));
    let mut trial = World::new(&depth(&format!("for = \"10s\"\nkeep_firing_for = \"20s\"\n{TRIAL}")));
    trial.values(s(10), &values).run(s(7_200));
    let quiet = |t: &&&Transition| t.reason != Reason::Unacknowledged;
    let all = told.transitions();
    let lines: Vec<String> = all.iter().filter(quiet).map(|t| line(t)).collect();
    assert!(lines.len() >= 4 && all.len() > lines.len(), "the scenario tells and reminds: {lines:?}");
    let shown = |t: &&Transition| (t.at, t.level, t.state, t.reason, t.episode);
    let trials = on_trial(&trial.facts);
    assert_eq!(trials.iter().map(shown).collect::<Vec<_>>(), all.iter().filter(quiet).map(shown).collect::<Vec<_>>());
    trial.expect(&[]);
}

// what is on trial is no open alert, the city is not told of it, and no command finds it.
#[test]
fn nobody_can_take_it_for_an_alert() {
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0);
    assert_eq!(tried(&w.facts), ["0 v1 firing yellow threshold"]);
    assert_eq!(w.machine.open_alerts().count(), 0);
    assert!(w.facts.iter().all(|f| Told::about(f).is_none()));
    let episode = on_trial(&w.facts)[0].episode;
    for act in [Act::Acknowledge { note: Text::default() }, Act::Close { note: Text::default(), forced: true }] {
        let refusal = w.order("li", episode, 1, act).result.expect_err("refused");
        assert_eq!((refusal.reason, refusal.current), ("resolved", None));
    }
    w.at(s(10)).value(45.0);
    assert_eq!(tried(&w.facts).last().map(String::as_str), Some("10000 v2 firing red raised"));
}

// a rule that goes on trial ends what it told, where it was told; what still holds opens as a trial at once.
#[test]
fn from_told_to_trial() {
    let mut w = World::new(&depth(""));
    w.at(0).value(22.0).expect(&["0 v1 firing yellow threshold"]);
    w.at(s(5)).edit(&depth(TRIAL));
    w.expect(&["5000 v2 resolved yellow rule_changed"]);
    assert_eq!(tried(&w.facts), ["0 v1 firing yellow threshold"].map(|l| l.replace("0 v1", "5000 v1")));
    let (told, trial) = (w.last().episode, on_trial(&w.facts)[0].episode);
    assert_ne!(told, trial, "an episode has one side");
}

// a rule that passes its trial ends that where it was, and what holds is told at once, by held fresh values.
#[test]
fn from_trial_to_told() {
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0).expect(&[]);
    w.at(s(5)).edit(&depth(""));
    w.expect(&["5000 v1 firing yellow threshold"]);
    let all = tried(&w.facts);
    assert_eq!(all, ["0 v1 firing yellow threshold", "5000 v2 resolved yellow rule_changed"]);
    // And so it is where the rule is simply removed: it ends on its side.
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0).at(s(5)).edit(&absent()).expect(&[]);
    assert_eq!(tried(&w.facts)[1..], ["5000 v2 resolved yellow rule_removed"]);
}

// absence and quorum have trials as well; of a quorum on trial there is no incident.
#[test]
fn other_kinds() {
    let mut w = World::new(&(absent() + TRIAL));
    w.at(0).value(1.0).run(s(120)).expect(&[]);
    assert_eq!(tried(&w.facts), ["30000 v1 firing yellow absent"]);
    w.value(1.0);
    assert_eq!(tried(&w.facts)[1..], ["120000 v2 resolved yellow returned"]);
    let mut b = Block::new(&(flood() + TRIAL));
    for device in ["110105003-a", "110105003-b", "110105004-c"] {
        b.fire(device, Level::Yellow);
    }
    b.expect(&[]);
    assert_eq!(tried(&b.w.facts), ["0 v1 firing red quorum"]);
    let of_quorum = |f: &&Fact| matches!(&f.body, Body::Incident(i) if i.rule.as_str() == "flood");
    assert_eq!(b.w.facts.iter().filter(of_quorum).count(), 0);
    b.w.edit(&(depth("") + &flood()));
    b.expect(&["0 v1 firing red quorum"]);
    assert_eq!(tried(&b.w.facts)[1..], ["0 v2 resolved red rule_changed"]);
}

// a restart keeps the side that an episode is on; what the log says of a trial stands as law, and is a trial.
#[test]
fn restart_and_law() {
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0).restart();
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.at(s(10)).value(45.0).at(s(20)).value(0.0).expect(&[]);
    assert_eq!(tried(&w.facts)[1..], ["10000 v2 firing red raised", "20000 v3 resolved red recovered"]);
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0);
    let decided = w.facts.clone();
    let mut logged = decided[decided.len() - 1].clone();
    let Body::Shadow(t) = &mut logged.body else { panic!("a trial") };
    (t.level, t.peak) = (Level::Orange, Level::Orange);
    w.impose(&decided, &[logged]).restart();
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.at(s(10)).value(45.0).expect(&[]);
    assert_eq!(tried(&w.facts).last().map(String::as_str), Some("10000 v2 firing red raised"));
    // What only this binary decided is undone.
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0);
    let decided = w.facts.clone();
    w.impose(&decided, &[]).at(s(10)).value(22.0);
    assert_eq!(tried(&w.facts).last().map(String::as_str), Some("10000 v1 firing yellow threshold"));
}

// a device looks as it would without the trial: its alert is no level of the device, hides nothing that is unknown, and what
// only the trial finds too old is not old.
#[test]
fn a_trial_moves_no_verdict() {
    let verdict = |w: &World| w.machine.devices().map(|d| d.verdict).next();
    let mut w = World::new(&depth(TRIAL));
    w.at(0).value(22.0);
    assert_eq!(verdict(&w), Some(Verdict::Normal));
    let trial = depth(&format!("stale_after = \"5s\"\n{TRIAL}")).replace("id = \"depth\"", "id = \"trial\"");
    assert!(trial.contains("trial"), "another rule");
    let told = depth("stale_after = \"60s\"").replace("levels = {", "levels = { red = 90 } # ");
    let mut w = World::new(&(trial + &told));
    w.at(0).value(45.0).run(s(20));
    assert_eq!(verdict(&w), Some(Verdict::Normal), "fresh for the rule that is told");
    w.run(s(61));
    assert_eq!(verdict(&w), Some(Verdict::Unknown { why: Unknown::Stale }), "the trial fires and hides nothing");
    assert!(!tried(&w.facts).is_empty());
}
