//! Expressions: when they are computed, with what, and what is said where something is missing.

use maibo_core::alert::sentence;
use maibo_core::engine::{Unknown, Verdict};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::rule::Words;

use crate::engine_world::{World, catalogue, ladder, reading, s};

/// Yellow where more is finer than 2.5 µm than finer than 10 µm.
pub(crate) fn ratio(more: &str) -> String {
    let when = "when = { kind = \"k\", expression = \"pm25 / pm10\", over = [\"pm25\", \"pm10\"] }";
    ladder("ratio", &format!("{when}\ndirection = \"above\"\nlevels = {{ yellow = 1 }}\n{more}"))
}

pub(crate) fn send(w: &mut World, quantity: &str, at: i64, value: f64) {
    let now = w.now();
    w.batch(vec![Input::Reading(reading("d", quantity, at, now, value))]);
}

/// Both values of one moment, one message behind the other.
pub(crate) fn both(w: &mut World, at: i64, pm25: f64, pm10: f64) {
    w.run(at);
    send(w, "pm25", at, pm25);
    send(w, "pm10", at, pm10);
}

pub(crate) const STALE: Verdict = Verdict::Unknown { why: Unknown::Stale };
pub(crate) const NEVER: Verdict = Verdict::Unknown { why: Unknown::Never };

// one moment comes in several readings: it is computed with when it is all there, never with half of the one before.
#[test]
fn a_moment_is_computed_when_it_is_all_there() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 10.0, 20.0);
    assert_eq!(w.known(), Verdict::Normal);
    // 100 / 20 would be 5.
    both(&mut w, s(10), 100.0, 150.0);
    w.expect(&[]);
    // In the other order 20 / 10 would be 2.
    w.run(s(20));
    send(&mut w, "pm10", s(20), 10.0);
    send(&mut w, "pm25", s(20), 8.0);
    w.expect(&[]);
    both(&mut w, s(30), 12.0, 10.0);
    w.expect(&["30000 v1 firing yellow threshold"]);
    let t = w.last();
    assert_eq!((t.value, t.threshold, t.quantity.as_ref()), (Some(1.2), Some(1.0), None));
    both(&mut w, s(40), 9.0, 10.0);
    w.expect(&["40000 v2 resolved yellow recovered"]);
}

// the values of a moment may lie half an interval apart; the result has the time of the newest.
#[test]
fn values_may_lie_half_an_interval_apart() {
    let mut w = World::new(&ratio(""));
    w.at(0);
    send(&mut w, "pm25", 0, 30.0);
    w.run(s(5));
    send(&mut w, "pm10", s(5), 20.0);
    w.expect(&["5000 v1 firing yellow threshold"]);
    let mut w = World::new(&ratio(""));
    w.at(0);
    send(&mut w, "pm25", 0, 30.0);
    w.run(s(5) + 1);
    send(&mut w, "pm10", s(5) + 1, 20.0);
    w.expect(&[]);
    assert_eq!(w.known(), NEVER, "nothing was computed yet");
}

// a rule can say that its values may lie further apart: each reading is then computed with what is held of the others.
#[test]
fn a_slow_series_counts_as_long_as_the_rule_says() {
    let slow = ratio("stale_after = \"20s\"").replace("\"pm10\"] }", "\"pm10\"], within = \"1m\" }");
    let mut w = World::new(&slow);
    both(&mut w, 0, 5.0, 10.0);
    for n in 1..6 {
        w.run(s(10 * n));
        send(&mut w, "pm25", s(10 * n), 5.0);
    }
    w.run(s(60));
    send(&mut w, "pm25", s(60), 11.0);
    w.expect(&["60000 v1 firing yellow threshold"]);
    // What is too old is not computed with: 5 over 10 would be the end.
    w.run(s(70));
    send(&mut w, "pm25", s(70), 5.0);
    w.expect(&[]);
    send(&mut w, "pm10", s(70), 5.0);
    w.expect(&[]);
    send(&mut w, "pm10", s(70), 5.0);
    assert_eq!(w.out.counts.duplicate, 1);
    w.run(s(80));
    send(&mut w, "pm25", s(80), 4.0);
    w.expect(&["80000 v2 resolved yellow recovered"]);
    // Both of one moment: each is computed with, the second result one millisecond behind the first.
    w.run(s(90));
    send(&mut w, "pm25", s(90), 6.0);
    send(&mut w, "pm10", s(90), 10.0);
    w.expect(&["90000 v1 firing yellow threshold", "90001 v2 resolved yellow recovered"]);
}

// a division by zero, a root of what is below zero: no value, counted; the last one ages, and nothing recovers.
#[test]
fn an_undefined_result_is_no_value() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 12.0, 10.0);
    w.expect(&["0 v1 firing yellow threshold"]);
    for n in 1..6 {
        both(&mut w, s(10 * n), 0.0, 0.0);
        assert_eq!(w.out.counts.undefined, 1, "once for both readings");
    }
    w.expect(&["30000 v2 firing yellow data_stale stale"]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Yellow, stale: true });
    both(&mut w, s(60), 1.0, 10.0);
    w.expect(&["60000 v3 firing yellow data_fresh", "60000 v4 resolved yellow recovered"]);
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 12.0, 0.0);
    assert_eq!((w.known(), w.out.counts.undefined), (NEVER, 1));
    both(&mut w, s(10), 1.0, 2.0);
    both(&mut w, s(20), f64::NAN, 2.0);
    w.run(s(39)).tick();
    assert_eq!(w.known(), Verdict::Normal);
    w.run(s(40));
    assert_eq!(w.known(), STALE, "what is no number is not computed with");
}

// one of its series falls silent: unknown, never a recovery, not even by a timer that ran.
#[test]
fn a_series_that_stops_is_no_recovery() {
    let mut w = World::new(&ratio("keep_firing_for = \"40s\""));
    both(&mut w, 0, 12.0, 10.0);
    both(&mut w, s(10), 5.0, 10.0);
    w.expect(&["0 v1 firing yellow threshold"]);
    for n in 2..9 {
        w.run(s(10 * n));
        send(&mut w, "pm25", s(10 * n), 5.0);
    }
    w.expect(&["40000 v2 firing yellow data_stale stale"]);
    // From then on it counts anew.
    both(&mut w, s(90), 5.0, 10.0);
    both(&mut w, s(115), 5.0, 10.0);
    w.expect(&["90000 v3 firing yellow data_fresh"]);
    w.run(s(131)).expect(&["130000 v4 resolved yellow recovered"]);
}

// `for` completes on a held result as on a held value, and is contradicted like one.
#[test]
fn for_runs_on_a_result() {
    let mut w = World::new(&ratio("for = \"15s\"\nmin_samples = 1"));
    both(&mut w, 0, 12.0, 10.0);
    w.run(s(14)).expect(&[]).run(s(16)).expect(&["15000 v1 firing yellow threshold"]);
    let at = s(14);
    w.at(s(17));
    send(&mut w, "pm25", at, 1.0);
    send(&mut w, "pm10", at, 10.0);
    w.expect(&["15000 v2 resolved yellow contradicted"]);
}

// late readings, copies and conflicts are not computed with.
#[test]
fn what_is_not_accepted_is_not_computed_with() {
    let mut w = World::new(&ratio(""));
    both(&mut w, s(10), 5.0, 10.0);
    for (at, value) in [(s(9), 50.0), (s(10), 50.0), (s(10), 5.0)] {
        send(&mut w, "pm25", at, value);
    }
    w.expect(&[]);
    // What a device stored and sends later is computed with moment by moment, and is old.
    w.run(s(100));
    for n in 2..9 {
        send(&mut w, "pm25", s(10 * n), if n == 4 { 15.0 } else { 5.0 });
        send(&mut w, "pm10", s(10 * n), 10.0);
    }
    w.expect(&["40000 v1 firing yellow threshold stale", "50000 v2 resolved yellow recovered stale"]);
}

// true and false count as 1 and 0, and are told in words.
#[test]
fn true_or_false() {
    let when = "when = { kind = \"k\", expression = \"pm25 > pm10 && wind < 3\", over = { pm25 = \"pm25\", pm10 = \"pm10\", wind = \"wind_speed\" } }";
    let mut w = World::new(&ladder("odd", &format!("{when}\ndirection = \"above\"\nlevels = {{ red = 1 }}")));
    w.at(0);
    send(&mut w, "wind_speed", 0, 2.0);
    both(&mut w, 0, 12.0, 10.0);
    w.expect(&["0 v1 firing red threshold"]);
    let title = Words { zh: "甲".to_owned(), en: "a".to_owned() };
    let said = sentence(w.last(), &title);
    assert_eq!(said.zh, "PM2.5 > PM10 && 风速 < 3 成立，红色预警");
    assert_eq!(said.en, "PM2.5 > PM10 && Wind speed < 3 holds: red alert");
    w.run(s(10));
    send(&mut w, "wind_speed", s(10), 2.0);
    both(&mut w, s(10), 9.0, 10.0);
    w.expect(&["10000 v2 resolved red recovered"]);
    assert!(sentence(w.last(), &title).en.starts_with("PM2.5 > PM10 && Wind speed < 3 does not hold: back to normal"));
}

// the sentence says the formula, its result and the limit; the measure says what it was computed from.
#[test]
fn the_sentence_names_the_formula() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    let title = Words { zh: "甲".to_owned(), en: "a".to_owned() };
    let said = sentence(w.last(), &title);
    assert_eq!(said.zh, "PM2.5 / PM10 = 1.5，达到黄色限值 1");
    assert_eq!(said.en, "PM2.5 / PM10 = 1.5 reached the yellow limit 1");
    let measure = w.last().measure.as_deref().expect("a measure");
    let formula = measure.formula.as_deref().expect("a formula");
    assert_eq!((&*measure.signal, &*formula.text, formula.truth), ("last", "pm25 / pm10", false));
    let inputs: Vec<(&str, &str)> = formula.inputs.iter().map(|i| (&*i.name, i.quantity.as_str())).collect();
    assert_eq!(inputs, [("pm10", "pm10"), ("pm25", "pm25")]);
}

// a named series can be a window of a quantity: it says nothing before it is full and covered.
#[test]
fn a_window_of_a_series() {
    let when = "when = { kind = \"k\", expression = \"now - before\", over = { now = \"pm25\", \
                before = { quantity = \"pm25\", signal = \"mean\", window = \"1m\" } } }";
    let mut w = World::new(&ladder("jump", &format!("{when}\ndirection = \"above\"\nlevels = {{ yellow = 20 }}")));
    for n in 0..5 {
        w.run(s(10 * n));
        send(&mut w, "pm25", s(10 * n), if n == 4 { 100.0 } else { 10.0 });
    }
    w.expect(&[]);
    assert_eq!(w.known(), NEVER, "the window is not full");
    for n in 5..8 {
        w.restart().run(s(10 * n));
        send(&mut w, "pm25", s(10 * n), 10.0);
    }
    w.run(s(80));
    // Of the last minute: 100, 10, 10, 10, 10, 70.
    send(&mut w, "pm25", s(80), 70.0);
    w.expect(&["80000 v1 firing yellow threshold"]);
    assert_eq!(w.last().value, Some(70.0 - 35.0));
    let title = Words::default();
    let said = sentence(w.last(), &title);
    assert_eq!(said.zh, "PM2.5 - PM2.5(1 分钟平均) = 35，达到黄色限值 20");
    assert_eq!(said.en, "PM2.5 - PM2.5 (mean of 1 min) = 35 reached the yellow limit 20");
}

// a window of the result: how much of the time something holds.
#[test]
fn a_window_of_the_result() {
    let rules = ratio("signal = \"mean\"\nwindow = \"40s\"").replace("pm25 / pm10\"", "pm25 > pm10\"");
    let mut w = World::new(&rules.replace("yellow = 1", "yellow = 0.5"));
    for (n, pm25) in (0..).zip([5.0, 5.0, 11.0, 11.0]) {
        both(&mut w, s(10 * n), pm25, 10.0);
    }
    w.expect(&["30000 v1 firing yellow threshold"]);
    assert_eq!(w.last().value, Some(0.5));
    for n in 4..7 {
        both(&mut w, s(10 * n), 5.0, 10.0);
    }
    w.expect(&["60000 v2 resolved yellow recovered"]);
}

// Maibo was deaf: what was not heard since is not computed with, even where the rule takes old values.
#[test]
fn what_is_not_heard_is_not_computed_with() {
    let slow = ratio("stale_after = \"5m\"").replace("\"pm10\"] }", "\"pm10\"], within = \"10m\" }");
    let mut w = World::new(&slow);
    both(&mut w, 0, 5.0, 10.0);
    w.at(s(5)).deaf(s(5)).run(s(10));
    send(&mut w, "pm25", s(10), 15.0);
    w.expect(&[]);
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Deaf });
    w.at(s(20)).listening();
    assert_eq!(w.known(), Verdict::Normal, "the result held counts again");
    w.run(s(30));
    send(&mut w, "pm25", s(30), 15.0);
    w.expect(&["30000 v1 firing yellow threshold"]);
}

// the name of a result is nobody's: what claims it is refused, and nobody is shown it.
#[test]
fn a_result_is_nobodys_quantity() {
    let mut w = World::new(&ratio(""));
    both(&mut w, 0, 15.0, 10.0);
    let view = w.machine.devices().next().expect("a device");
    assert_eq!(view.values.iter().map(|v| v.quantity.as_str()).collect::<Vec<_>>(), ["pm10", "pm25"]);
    assert_eq!(view.quantity, None);
    assert!(w.verdicts.iter().all(|v| v.quantity.as_ref().is_none_or(|q| !q.as_str().starts_with("expr"))));
    send(&mut w, "expr_0123456789abcdef", 0, 1.0);
    assert_eq!(w.out.counts.refused, 1);
}

// limits of one device take the place of the rule's own.
#[test]
fn a_device_has_limits_of_its_own() {
    let list =
        catalogue(&[("d", "10s")]).replace("interval\n", "interval,limits\n").replace("10s\n", "10s,ratio=yellow:2\n");
    let mut w = World::with(maibo_core::id::PartitionId(0), &ratio(""), &list);
    both(&mut w, 0, 15.0, 10.0);
    w.expect(&[]);
    both(&mut w, s(10), 21.0, 10.0);
    w.expect(&["10000 v1 firing yellow threshold"]);
}
