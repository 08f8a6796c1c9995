//! Windows: what a term says of the readings behind it, when it says nothing, and when it may end an alert.

use crate::engine_world::{World, ladder, s};

fn rule(more: &str) -> String {
    ladder("w", &format!("when = {{ quantity = \"water_depth\", kind = \"k\" }}\ndirection = \"above\"\n{more}"))
}

// windows: sum and max may fire before the window is full, and end nothing before it is.
#[test]
fn a_sum_fires_early_and_ends_when_full() {
    let mut w = World::new(&rule("signal = \"sum\"\nwindow = \"1m\"\nlevels = { red = 100 }\n"));
    w.values(s(10), &[60.0, 60.0]).expect(&["10000 v1 firing red threshold"]);
    assert_eq!(w.last().value, Some(120.0), "what is told is the sum");
    // The first reading leaves the window at 60 s: it is full, and holds 60.
    w.values(s(10), &[0.0; 4]).expect(&[]);
    w.values(s(10), &[0.0]).expect(&["60000 v2 resolved red recovered"]);
}

// windows: what is not covered to three quarters is no mean; then it is judged.
#[test]
fn a_mean_says_nothing_of_too_little() {
    let mut w = World::new(&rule("signal = \"mean\"\nwindow = \"100s\"\nlevels = { red = 50 }\n"));
    w.values(s(10), &[90.0; 7]).expect(&[]);
    w.values(s(10), &[90.0]).expect(&["70000 v1 firing red threshold"]);
}

// windows: a gap is not a recovery: readings that are missing do not end what a sum opened.
#[test]
fn a_gap_in_the_window_is_no_recovery() {
    let rules = rule("signal = \"sum\"\nwindow = \"100s\"\nlevels = { red = 100 }\nstale_after = \"10m\"\n");
    let mut w = World::new(&rules);
    w.values(s(10), &[20.0; 10]).expect(&["40000 v1 firing red threshold"]);
    w.run(s(160)).value(1.0).expect(&[]);
    w.run(s(170)).values(s(10), &[1.0; 6]).expect(&[]);
    w.values(s(10), &[1.0; 1]).expect(&["230000 v2 resolved red recovered"]);
}

// rain rules with several windows: any of them may alarm, the highest level wins, and the value told is that window's.
#[test]
fn the_highest_of_several_windows_wins() {
    let rules = rule(
        "any = [ { signal = \"sum\", window = \"30s\", levels = { orange = 40, red = 90 } }, \
         { signal = \"sum\", window = \"2m\", levels = { yellow = 30, orange = 100 } } ]\n",
    );
    let mut w = World::new(&rules);
    w.values(s(10), &[15.0]).expect(&[]);
    w.values(s(10), &[15.0]).expect(&["10000 v1 firing yellow threshold"]);
    w.values(s(10), &[20.0]).expect(&["20000 v2 firing orange raised"]);
    assert_eq!((w.last().value, w.last().threshold), (Some(50.0), Some(40.0)), "of the short window");
    w.values(s(10), &[5.0]).expect(&[]);
    w.values(s(10), &[0.0]).expect(&["40000 v3 firing yellow lowered"]);
    assert_eq!((w.last().value, w.last().threshold), (Some(55.0), Some(30.0)), "of the long window");
    w.restart().values(s(10), &[0.0; 8]).expect(&[]);
    w.values(s(10), &[0.0]).expect(&["130000 v4 resolved yellow recovered"]);
}

// `for` counts on a window's value as on any other.
#[test]
fn for_runs_on_a_window() {
    let rules = rule("signal = \"max\"\nwindow = \"30s\"\nlevels = { red = 50 }\nfor = \"20s\"\n");
    let mut w = World::new(&rules);
    w.values(s(10), &[60.0, 0.0]).expect(&[]);
    w.values(s(10), &[0.0]).expect(&["20000 v1 firing red threshold"]);
    w.values(s(10), &[0.0]).expect(&["30000 v2 resolved red recovered"]);
}

// stuck: a value that does not move for too long; one that moves ends it; a gap begins anew.
#[test]
fn a_value_that_does_not_move() {
    let rules = rule("signal = \"stuck\"\ntolerance = 0.5\nlevels = { yellow = 30 }\n");
    let mut w = World::new(&rules);
    w.values(s(10), &[5.0, 5.5, 4.5]).expect(&[]);
    w.values(s(10), &[5.0]).expect(&["30000 v1 firing yellow threshold"]);
    assert_eq!(w.last().value, Some(30.0), "seconds");
    w.values(s(10), &[6.0]).expect(&["40000 v2 resolved yellow recovered"]);
    w.values(s(10), &[6.0, 6.0]).at(s(110)).value(6.0).at(s(130)).value(6.0).expect(&[]);
}

// rate and delta are told from the oldest to the newest of the window.
#[test]
fn a_rising_water() {
    let rules = rule("signal = \"rate\"\nper = \"1m\"\nwindow = \"40s\"\nlevels = { orange = 12 }\n");
    let mut w = World::new(&rules);
    w.values(s(10), &[0.0, 1.0, 2.0]).expect(&[]);
    w.values(s(10), &[4.0, 7.0]).expect(&["40000 v1 firing orange threshold"]);
    assert_eq!(w.last().value, Some(12.0), "6 cm in 30 s");
    let delta = rule("signal = \"delta\"\nwindow = \"40s\"\nlevels = { orange = 6 }\n");
    let mut w = World::new(&delta);
    w.values(s(10), &[0.0, 1.0, 2.0, 4.0, 7.0]).expect(&["40000 v1 firing orange threshold"]);
}

// rounding before compare: 34.96 is 35.0 to one decimal.
#[test]
fn a_value_is_rounded_before_it_is_compared() {
    let mut w = World::new(&rule("levels = { red = 35 }\ndecimals = 1\n"));
    w.at(0).value(34.94).expect(&[]).at(s(10)).value(34.96).expect(&["10000 v1 firing red threshold"]);
    assert_eq!(w.last().value, Some(35.0));
    w.at(s(20)).value(34.94).expect(&["20000 v2 resolved red recovered"]);
    let mut w = World::new(&rule("levels = { red = 2.5 }\ndecimals = 0\n"));
    w.at(0).value(2.5).expect(&[]).at(s(10)).value(3.5).expect(&["10000 v1 firing red threshold"]);
}

// late readings are history: they are in no window.
#[test]
fn a_late_reading_is_in_no_window() {
    let mut w = World::new(&rule("signal = \"sum\"\nwindow = \"1m\"\nlevels = { red = 100 }\n"));
    w.values(s(10), &[30.0, 30.0]).at(s(15)).value_at(s(5), 90.0).at(s(20)).value(30.0).expect(&[]);
}

// a format without times drains after Maibo was deaf: what comes in one second was not measured in it, and is not added up.
#[test]
fn a_drained_backlog_without_times_is_not_added_up() {
    use crate::engine_world::untimed;
    use maibo_core::input::Input;
    let mut w = World::new(&rule("signal = \"sum\"\nwindow = \"1m\"\nlevels = { red = 100 }\n"));
    let send = |w: &mut World, at: i64, value: f64| {
        w.run(at).batch(vec![Input::Reading(untimed(at, value))]);
    };
    send(&mut w, 0, 20.0);
    w.at(s(10)).deaf(s(10)).run(s(60)).listening();
    for n in 0..8 {
        send(&mut w, s(60) + n, 20.0);
    }
    w.expect(&[]);
    for n in 1..4 {
        send(&mut w, s(60 + 10 * n), 20.0);
    }
    w.expect(&[]);
    send(&mut w, s(100), 20.0);
    w.expect(&["100000 v1 firing red threshold"]);
}

// reload: a window of the same length goes on, a new one begins empty.
#[test]
fn an_edit_keeps_the_window_it_still_asks_for() {
    let sum = |limit: u32, window: &str| {
        rule(&format!("signal = \"sum\"\nwindow = \"{window}\"\nlevels = {{ red = {limit} }}\n"))
    };
    let mut w = World::new(&sum(1000, "1m"));
    w.values(s(10), &[60.0, 60.0]).expect(&[]);
    w.edit(&sum(120, "1m")).expect(&["20000 v1 firing red threshold"]);
    w.edit(&sum(120, "2m")).expect(&["20000 v2 resolved red rule_changed"]);
    w.values(s(10), &[60.0]).expect(&[]);
    w.values(s(10), &[60.0]).expect(&["30000 v1 firing red threshold"]);
}
