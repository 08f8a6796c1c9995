//! What becomes of timers when Maibo was deaf: nothing completes in a time that nobody heard, and nothing is forgotten that
//! still counts.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, depth, s, source, untimed};

const DEAF: Verdict = Verdict::Unknown { why: Unknown::Deaf };

fn slow(more: &str) -> World {
    World::every("1h", &depth(more))
}

// a recovery is not completed in deaf time by the value that contradicts it: the same episode goes on, nothing is told.
#[test]
fn a_recovery_that_the_next_value_contradicts() {
    for interval in ["10s", "1m", "1h"] {
        for listening in [true, false] {
            let mut w = World::every(interval, &depth("keep_firing_for = \"60s\""));
            w.at(0).value(45.0).at(s(5)).value(0.0).at(s(10)).deaf(s(10)).expect(&["0 v1 firing red threshold"]);
            if listening {
                w.run(s(100)).listening();
            }
            w.run(s(101)).value(45.0).run(s(110)).expect(&[]);
            assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: false }, "{interval} {listening}");
            assert_eq!(w.machine.open_alerts().count(), 1);
        }
    }
}

// a level that was pending when Maibo went deaf never fires on the value that contradicts it.
#[test]
fn a_pending_level_that_the_next_value_contradicts() {
    for interval in ["10s", "1m", "1h"] {
        for listening in [true, false] {
            let mut w = World::every(interval, &depth("for = \"20s\"\nmin_samples = 1"));
            w.at(0).value(12.0).at(s(10)).deaf(s(10));
            if listening {
                w.run(s(25)).listening();
            }
            w.run(s(26)).value(0.0).run(s(200)).expect(&[]);
        }
    }
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(100)).listening().at(s(101)).value(0.0).run(s(200)).expect(&[]);
}

// behind a gap of stale_after or more a value that agrees bridges no deaf time: `for` begins anew with it.
#[test]
fn a_value_that_agrees_bridges_no_gap() {
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(100)).listening().at(s(101)).value(12.0).run(s(120)).expect(&[]);
    w.run(s(121)).expect(&["121000 v1 firing blue threshold"]);
    assert_eq!(w.last().started_at.0 - ZERO, s(101));
    // The same where the value itself is what says that Maibo hears, and for one that was drained.
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(101)).value(12.0).run(s(120)).expect(&[]);
    let mut w = World::new(&depth("for = \"20s\"\nmin_samples = 1"));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(60)).listening().at(s(61)).value_at(s(50), 12.0).expect(&[]);
}

// a drained value contradicts: what was pending in the deaf time never fires, what was recovering goes on.
#[test]
fn a_drained_value_that_contradicts() {
    let mut w = World::every("1m", &depth("for = \"20s\""));
    w.at(0)
        .value(12.0)
        .at(s(10))
        .deaf(s(10))
        .run(s(35))
        .listening()
        .at(s(36))
        .value_at(s(30), 0.0)
        .run(s(90))
        .expect(&[]);
    let mut w = World::every("1m", &depth("keep_firing_for = \"20s\""));
    w.at(0).value(12.0).at(s(1)).value(0.0).at(s(10)).deaf(s(10)).run(s(35)).listening();
    w.at(s(36)).value_at(s(30), 12.0).run(s(90)).expect(&["0 v1 firing blue threshold"]);
}

// a short deafness: a held value that is still fresh is known again, and its `for` goes on behind the time lost; nobody has
// to wait an hour for the next report.
#[test]
fn for_goes_on_behind_a_short_deafness() {
    let mut w = slow("for = \"5s\"");
    w.at(0).value(60.0).at(s(2)).deaf(s(2)).run(s(4)).expect(&[]);
    assert_eq!(w.known(), DEAF);
    w.restart().listening().restart();
    assert_eq!(w.known(), Verdict::Pending { level: Level::Red });
    w.run(s(7) - 1).expect(&[]);
    w.run(s(7)).expect(&["7000 v1 firing red threshold"]);
    assert_eq!(w.last().started_at.0, ZERO, "pending since the value");
    assert_eq!(w.facts.last().map(|f| f.at.0 - ZERO), Some(s(7)));
}

// the same after a stop and start of Maibo itself, for a recovery, and over several deaf times.
#[test]
fn a_recovery_goes_on_behind_several_deaf_times() {
    let mut w = slow("keep_firing_for = \"60s\"");
    w.at(0).value(45.0).at(s(5)).value(0.0).expect(&["0 v1 firing red threshold"]);
    w.at(s(20)).stopped(s(10)).listening().run(s(30)).deaf(s(30)).run(s(37)).restart().listening();
    w.run(s(82) - 1).expect(&[]);
    w.run(s(82)).expect(&["82000 v2 resolved red recovered"]);
}

// a clock that steps while Maibo is deaf: the step is no time that was lost. Two seconds and one were.
#[test]
fn a_clock_step_in_deaf_time_is_no_deaf_time() {
    let mut w = slow("for = \"10s\"");
    w.at(0).value(60.0).at(s(2)).deaf(s(2)).at(s(3603)).clock_step(s(3600)).at(s(3605)).listening();
    w.run(s(3613) - 1).expect(&[]);
    w.run(s(3613)).expect(&["13000 v1 firing red threshold"]);
}

// the next value, measured behind the deafness, settles it: the time lost stays lost.
#[test]
fn a_value_behind_the_deafness_leaves_the_time_lost() {
    let mut w = World::every("1m", &depth("for = \"20s\""));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(30)).listening().at(s(35)).value(12.0).expect(&[]);
    w.run(s(40)).expect(&["40000 v1 firing blue threshold"]);
}

// values measured in the deaf time and delivered after it speak for themselves: the time is not lost.
#[test]
fn drained_values_cover_the_deafness() {
    let mut w = World::every("1m", &depth("for = \"20s\""));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(30)).listening().at(s(31)).value_at(s(25), 12.0);
    w.expect(&["20000 v1 firing blue threshold"]);
}

// what was known again goes deaf again with its age, and is told stale no sooner than stale_after behind the deafness.
#[test]
fn a_known_value_ages_on() {
    let mut w = World::new(&depth(""));
    w.at(0).value(45.0).at(s(8)).deaf(s(8)).run(s(20)).listening().expect(&["0 v1 firing red threshold"]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: false });
    w.run(s(30)).restart();
    assert_eq!(w.known(), Verdict::Firing { level: Level::Red, stale: true }, "too old, and Maibo's fault");
    w.run(s(49)).expect(&[]);
    w.run(s(50)).expect(&["50000 v2 firing red data_stale stale"]);
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).at(s(8)).deaf(s(8)).run(s(20)).listening();
    assert_eq!(w.known(), Verdict::Normal);
    w.run(s(30));
    assert_eq!(w.known(), DEAF);
    w.run(s(50));
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale });
}

// what was stale before Maibo went deaf is not known after it.
#[test]
fn a_stale_value_is_not_known_again() {
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).run(s(31)).deaf(s(31)).run(s(32)).listening();
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale });
}

// a rule edited while Maibo is deaf, as at every start with other rules: judged when the held value is known again.
#[test]
fn an_edit_in_deaf_time_is_judged_when_it_is_over() {
    let blue = |limit: i32| depth("").replace("blue = 10", &format!("blue = {limit}"));
    let start = |rules: &str, value| {
        let mut w = slow("");
        w.at(0).value(value).at(s(6)).stopped(s(2)).edit(rules).restart();
        w
    };
    let mut w = start(&blue(6), 6.0);
    w.expect(&[]);
    assert_eq!(w.known(), DEAF);
    w.listening().expect(&["6000 v1 firing blue threshold"]);
    let mut w = start(&(blue(6) + "for = \"10s\""), 6.0);
    w.listening().run(s(16) - 1).expect(&[]);
    w.run(s(16)).expect(&["16000 v1 firing blue threshold"]);
    // Of an open episode the new limit is told at once, and judged when the value is known.
    let mut w = start(&blue(15), 12.0);
    w.expect(&["0 v1 firing blue threshold", "6000 v2 firing blue rule_changed"]);
    w.listening().expect(&["6000 v3 resolved blue rule_changed"]);
    let mut w = start(&depth("").replace("red = 40", "red = 35"), 36.0);
    w.expect(&["0 v1 firing orange threshold"]);
    w.listening().expect(&["6000 v2 firing red rule_changed"]);
}

// a timer made shorter while Maibo is deaf is over when the value is known again, not in the deaf time.
#[test]
fn a_timer_made_shorter_in_deaf_time() {
    let hold = |time: &str| depth(&format!("for = \"{time}\"\nmin_samples = 1"));
    let mut w = World::every("1h", &hold("60s"));
    w.at(0).value(12.0).at(s(10)).deaf(s(10)).run(s(30)).edit(&hold("5s")).run(s(40)).expect(&[]);
    w.listening().expect(&["40000 v1 firing blue threshold"]);
    // Where the value is too old by then it is not over at all.
    let mut w = World::every("10s", &hold("60s"));
    w.at(0)
        .value(12.0)
        .at(s(10))
        .deaf(s(10))
        .run(s(20))
        .edit(&hold("1s"))
        .run(s(30))
        .listening()
        .run(s(59))
        .expect(&[]);
}

// on a value that the edit makes too old, a timer taken away in a deafness of no length is over in the step of the listening.
#[test]
fn a_timer_taken_away_is_over_when_heard() {
    let mut w = World::every("60s", &depth("keep_firing_for = \"25s\""));
    w.at(0).value(30.0).at(s(63)).value_at(s(18), 0.0).expect(&["0 v1 firing orange threshold"]);
    w.deaf(s(63)).edit(&depth("stale_after = \"45s\"")).listening();
    w.expect(&["18000 v2 resolved orange recovered"]);
}

// timers edited while Maibo is deaf end no recovery either.
#[test]
fn an_edit_of_timers_in_deaf_time_ends_nothing() {
    let keep = |time: &str| depth(&format!("keep_firing_for = \"{time}\""));
    let mut w = World::every("1h", &keep("60s"));
    w.at(0).value(12.0).at(s(5)).value(0.0).at(s(12)).stopped(s(10)).edit(&keep("90s")).listening();
    w.run(s(97) - 1).expect(&["0 v1 firing blue threshold"]);
    w.run(s(97)).expect(&["97000 v2 resolved blue recovered"]);
}

// deaf and hearing again in one batch, as at a start: what is known is said, although it is what was said before.
#[test]
fn a_verdict_is_said_again_after_deafness_in_one_batch() {
    let mut w = slow("");
    w.at(0).value(0.0).at(s(5)).restart();
    let deaf = Input::Deaf { source: None, from: Timestamp(ZERO + s(2)) };
    w.batch(vec![deaf, Input::Listening { source: source("s") }]);
    let said: Vec<_> = w.out.verdicts.iter().map(|v| v.verdict).collect();
    assert_eq!(said, [Verdict::Normal]);
    w.at(s(6)).listening();
    assert!(w.out.verdicts.is_empty(), "only then");
}

// Two values without a time at one moment: the second counts as taken a millisecond later, behind a deafness that begins then
// and is over at once. The next deafness costs its timers no more than it lasted since that.
#[test]
fn no_more_time_is_lost_than_the_value_was_deaf() {
    let value = |w: &World, value: f64| Input::Reading(untimed(w.now(), value));
    let mut w = slow("for = \"3s\"\nmin_samples = 1");
    let inputs = vec![value(&w, 25.0), value(&w, 45.0)];
    w.batch(inputs).deaf(0).listening().at(s(17)).deaf(0).listening().run(s(30));
    w.expect(&["19999 v1 firing yellow threshold", "20000 v2 firing red raised"]);
}
