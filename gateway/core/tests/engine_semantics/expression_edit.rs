//! Expressions under edits, other catalogues and restarts.

use maibo_core::engine::Verdict;

use super::expression::{NEVER, both, ratio, send};
use crate::engine_world::{World, catalogue, depth, s};

// another expression is another signal: what it had open ends, and it begins anew with the next reading.
#[test]
fn an_edited_expression_ends_its_episode() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    let other = ratio("").replace("pm25 / pm10\"", "pm25 / pm10 * 2\"");
    w.at(s(5)).edit(&other).expect(&["0 v1 firing yellow threshold", "5000 v2 resolved yellow rule_changed"]);
    assert_eq!(w.known(), NEVER, "nothing was computed by it yet");
    both(&mut w, s(10), 6.0, 10.0);
    w.expect(&["10000 v1 firing yellow threshold"]);
    // Back to the first: nothing is left of what it gave.
    w.at(s(12)).edit(&ratio("")).expect(&["12000 v2 resolved yellow rule_changed"]);
    assert_eq!(w.known(), NEVER);
    // What is judged becomes something measured, and the other way round.
    both(&mut w, s(20), 15.0, 10.0);
    let measured =
        ratio("").replace("expression = \"pm25 / pm10\", over = [\"pm25\", \"pm10\"]", "quantity = \"pm10\"");
    w.at(s(22)).edit(&measured);
    w.expect(&[
        "20000 v1 firing yellow threshold flapping",
        "22000 v2 resolved yellow rule_changed flapping",
        "22000 v1 firing yellow threshold flapping",
    ]);
    w.at(s(24)).edit(&ratio("")).expect(&["24000 v2 resolved yellow rule_changed flapping"]);
}

// other words, other limits, other names for the same computation: the same episode.
#[test]
fn the_same_computation_is_the_same_signal() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    let episode = w.last().episode;
    let spaced = ratio("").replace("pm25 / pm10\"", "(pm25)/pm10\"");
    let named = ratio("")
        .replace("pm25 / pm10\"", "a / b\"")
        .replace("[\"pm25\", \"pm10\"]", "{ b = \"pm10\", a = \"pm25\" }, within = \"2s\"");
    w.at(s(2)).edit(&spaced).at(s(4)).edit(&named).expect(&["0 v1 firing yellow threshold"]);
    w.at(s(5)).edit(&named.replace("yellow = 1", "yellow = 1.2"));
    w.expect(&["5000 v2 firing yellow rule_changed"]);
    w.at(s(6)).edit(&named.replace("yellow = 1", "yellow = 1.6"));
    w.expect(&["6000 v3 resolved yellow rule_changed"]);
    assert_eq!(w.last().episode, episode);
}

// the rule is gone, or the device is: so is what was computed.
#[test]
fn a_rule_or_device_that_is_gone() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    w.at(s(5)).edit(&depth("")).expect(&["0 v1 firing yellow threshold", "5000 v2 resolved yellow rule_removed"]);
    let bytes = w.machine.snapshot().len();
    w.at(s(6)).edit(&ratio("")).at(s(7)).edit(&depth(""));
    assert_eq!(w.machine.snapshot().len(), bytes, "nothing of it is left");

    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    w.at(s(5)).edit_catalogue(&catalogue(&[("d", "10s")]).replace("d,k,", "d,other,"));
    w.expect(&["0 v1 firing yellow threshold", "5000 v2 resolved yellow subject_gone"]);
    w.at(s(6)).edit_catalogue(&catalogue(&[("d", "10s")]));
    both(&mut w, s(10), 15.0, 10.0);
    w.at(s(15)).edit_catalogue(&catalogue(&[("e", "10s")]));
    w.expect(&["10000 v1 firing yellow threshold", "15000 v2 resolved yellow subject_gone"]);
}

// another interval moves how far apart values may lie, from the next reading on.
#[test]
fn another_interval() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 5.0, 10.0);
    w.at(s(1)).edit_catalogue(&catalogue(&[("d", "60s")]));
    w.run(s(60));
    send(&mut w, "pm10", s(60), 10.0);
    w.run(s(80));
    send(&mut w, "pm25", s(80), 15.0);
    w.expect(&["80000 v1 firing yellow threshold"]);
}

// a restart at any step changes nothing, whatever was computed so far.
#[test]
fn restarts_change_nothing() {
    let rules = ratio("for = \"5s\"\nkeep_firing_for = \"5s\"\nsignal = \"mean\"\nwindow = \"20s\"");
    let (mut straight, mut restarted) = (World::new(&rules), World::new(&rules));
    for n in 0..40 {
        let at = s(10 * n);
        for (quantity, value) in [("pm25", f64::from((n as i32 * 7) % 19)), ("pm10", f64::from((n as i32 * 5) % 11))] {
            if n % 9 == 4 && quantity == "pm10" {
                continue;
            }
            straight.run(at);
            restarted.restart().run(at);
            send(&mut straight, quantity, at, value);
            send(&mut restarted, quantity, at, value);
            assert_eq!(straight.out, restarted.out);
            assert_eq!(straight.machine.snapshot(), restarted.restart().machine.snapshot());
        }
    }
    assert_eq!(straight.facts, restarted.facts);
    assert!(straight.facts.len() > 4, "{} facts", straight.facts.len());
    assert_ne!(straight.known(), Verdict::Unknown { why: maibo_core::engine::Unknown::Deaf });
}
