//! Time, timers, restarts.

use maibo_core::engine::{CLOCK_RULE, Unknown, Verdict};
use maibo_core::input::Input;
use maibo_core::place::Level;

use crate::changes;
use crate::engine_world::{World, ZERO, depth, ladder, line, reading, s, untimed};
use crate::wire::Wire;

/// Telemetry of the world's device in Maibo's own format.
pub(crate) const TELEMETRY: &str = "maibo/v1/d/telemetry";

// Pain 1, home-assistant/core#56642, #92017, #131961: `for` began before a restart and ends after it, later only by the
// time that nobody listened; so do `keep_firing_for` and the wait of an absence. Over kill -9 of the real server:
// `twenty_rounds_of_kill_minus_nine` in tests/e2e.
#[test]
fn timers_survive_a_restart() {
    for (stopped, opened, ended) in [(0, 60, 120), (3, 63, 123)] {
        let mut w = World::new(&depth("for = \"60s\"\nkeep_firing_for = \"40s\""));
        w.values(s(10), &[12.0; 4]).at(s(32)).restart();
        w.at(s(32 + stopped)).stopped(s(32)).listening();
        w.at(s(40)).values(s(10), &[12.0; 2]).run(s(opened) - 1).expect(&[]);
        w.run(s(opened)).expect(&[&format!("{} v1 firing blue threshold", s(opened))]);
        w.at(s(70)).values(s(10), &[12.0, 0.0, 0.0]).at(s(92)).restart();
        w.at(s(92 + stopped)).stopped(s(92)).listening();
        w.at(s(100)).values(s(10), &[0.0; 2]).run(s(ended) - 1).expect(&[]);
        w.run(s(ended)).expect(&[&format!("{} v2 resolved blue recovered", s(ended))]);
    }
}

// Pain 2, ccfos/nightingale#2999: with a recovery hold, with `for` of 0 and without, an alert resolves, and a restart
// behind any step of the scenario changes nothing of what is told.
#[test]
fn an_alert_with_a_recovery_hold_resolves_whenever_maibo_restarts() {
    let values = [12.0, 12.0, 25.0, 25.0, 9.0, 7.0, 12.0, 7.0, 7.0, 7.0, 7.0, 7.0, 45.0, 45.0, 0.0, 0.0, 0.0, 0.0];
    let told = |hold: &str, restart_after: Option<usize>| {
        let mut w = World::new(&depth(&format!("for = \"{hold}\"\nkeep_firing_for = \"25s\"")));
        for (n, value) in values.iter().enumerate() {
            w.run(s(10) * n as i64).value(*value);
            if restart_after == Some(n) {
                w.restart();
            }
        }
        w.run(s(200));
        assert_eq!(w.machine.open_alerts().count(), 0);
        w.transitions().into_iter().map(line).collect::<Vec<_>>()
    };
    for (hold, resolutions) in [("0s", 2), ("10s", 2)] {
        let without = told(hold, None);
        assert_eq!(without.iter().filter(|l| l.contains("resolved")).count(), resolutions, "{without:?}");
        for n in 0..values.len() {
            assert_eq!(told(hold, Some(n)), without, "{hold}, restarted after {n}");
        }
    }
}

// Pain 3, ccfos/nightingale#1131: a restart under a silence resolves nothing and tells nothing, neither of the silenced
// alert nor of others. What receivers get: `not_told_and_listed` in the server's deliver/tests/silence.rs; what the page
// shows: `open_alerts_survive_a_restart` in its live/tests.rs.
#[test]
fn a_restart_under_a_silence_resolves_and_floods_nothing() {
    let devices: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
    let listed: Vec<(&str, &str)> = devices.iter().map(|d| (d.as_str(), "10m")).collect();
    let mut w = World::with(maibo_core::id::PartitionId(0), &depth(""), &crate::engine_world::catalogue(&listed));
    for device in &devices {
        w.device.clone_from(device);
        w.at(0).value(25.0);
    }
    w.at(s(1)).silence(s(600)).expect("silenced");
    let before = w.transitions().len();
    w.at(s(5)).restart().at(s(60)).stopped(s(5)).listening();
    for device in &devices {
        w.device.clone_from(device);
        w.value(25.0);
    }
    w.run(s(599));
    assert_eq!((w.transitions().len(), w.machine.open_alerts().count()), (before, 20));
    assert!(w.machine.open_alerts().any(|t| t.silenced().is_some()));
    w.run(s(600));
    assert_eq!(line(w.last()), "0 v3 firing yellow silence_over");
}

// Pain 4, thingsboard/thingsboard#10590: what lasted 1.999 s by the device's clock is not 2 s, however late the messages
// came; 2 s are. Where a late message shows that a span completed on a held value was shorter, that is taken back, as a
// correction.
#[test]
fn a_two_second_rule_does_not_fire_below_two_seconds() {
    let rules = depth("for = \"2s\"");
    let mut w = World::every("1s", &rules);
    w.at(0).value(12.0).run(s(1)).value(12.0).run(1999).value(0.0).run(s(20)).expect(&[]);
    let mut w = World::every("1s", &rules);
    w.at(0).value(12.0).run(2500).value_at(1500, 0.0).run(s(20)).expect(&[]);
    for delay in [0, 700, 2500] {
        let mut w = World::every("1s", &rules);
        for (at, value) in [(0, 12.0), (s(1), 12.0), (1999, 0.0), (s(3), 0.0)] {
            w.run(at + delay).value_at(at, value);
        }
        w.run(s(20)).expect(&[]);
        let mut w = World::every("1s", &rules);
        for (at, value) in [(0, 12.0), (s(1), 12.0), (s(2), 0.0)] {
            w.run(at + delay).value_at(at, value);
        }
        w.expect(&["2000 v1 firing blue threshold", "2000 v2 resolved blue recovered"]);
    }
    let mut w = World::every("1s", &rules);
    w.at(0).value(12.0).run(s(1)).value(12.0).run(2600).value_at(1999, 0.0);
    w.expect(&["2000 v1 firing blue threshold", "2000 v2 resolved blue contradicted"]);
}

// Pain 5, thingsboard/thingsboard#16118: a schedule with a duration: the alert opens when its period began and the
// duration has passed, on the value that is held; no new value is needed. ZERO is 16:00 in Beijing.
#[test]
fn an_alert_opens_when_its_schedule_does() {
    let rules = ladder(
        "night",
        "when = { quantity = \"water_depth\", kind = \"k\" }\ndirection = \"above\"\nlevels = { yellow = 20 }\nfor = \"5m\"\n\
         [[rule.during]]\nname = \"night\"\nhours = \"22:00-06:00\"\n",
    );
    let (night, morning) = (s(6 * 3600), s(14 * 3600));
    let mut w = World::every("1h", &rules);
    w.at(night - s(600)).value(25.0).run(night + s(300) - 1).expect(&[]);
    w.run(night + s(300)).expect(&[&format!("{} v1 firing yellow threshold", night + s(300))]);
    w.run(morning - s(600)).value(25.0).run(morning);
    assert_eq!(changes(&w).last(), Some(&format!("{morning} resolved yellow calendar")));
}

// Pain 6, thingsboard/thingsboard#1769, #3119: the latest value is the one measured last, not the one received last.
// On the page and in the history: `values` in the server's live/device/tests.rs, `history_equals_a_map` in the store's
// history/tests/equality.rs.
#[test]
fn the_latest_is_the_last_measured() {
    let mut w = World::new(&depth(""));
    w.at(s(10)).value(45.0).expect(&["10000 v1 firing red threshold"]);
    w.at(s(12)).value_at(s(5), 0.0).expect(&[]);
    assert_eq!((w.out.counts.late, w.known()), (1, Verdict::Firing { level: Level::Red, stale: false }));
    w.run(s(39)).expect(&[]);
    w.run(s(40)).expect(&["40000 v2 firing red data_stale stale"]);
}

// Pain 7, thingsboard/thingsboard#4207: what comes out of order moves no timer and no window: what is told is the same as
// without it, and it is counted.
#[test]
fn out_of_order_data_corrupt_no_state() {
    let rules = depth("for = \"20s\"\nkeep_firing_for = \"30s\"")
        + &ladder(
            "sum",
            "when = { quantity = \"water_depth\" }\ndirection = \"above\"\nlevels = { red = 60 }\nsignal = \"sum\"\nwindow = \"1m\"",
        );
    let values = [0.0, 12.0, 12.0, 12.0, 25.0, 12.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 12.0, 0.0];
    let told = |late: bool| {
        let (mut w, mut counted) = (World::new(&rules), 0);
        for (n, value) in (0..).zip(values) {
            w.run(s(10 * n)).value(value);
            if late && n > 1 {
                w.value_at(s(10 * n - 15), 99.0 - 99.0 * f64::from(n as i32 % 2));
                counted += w.out.counts.late;
            }
        }
        w.run(s(300));
        (w.transitions().into_iter().map(|t| format!("{} {}", t.rule, line(t))).collect::<Vec<_>>(), counted)
    };
    let (without, _) = told(false);
    assert!(without.len() >= 4 && without.iter().any(|l| l.starts_with("sum")), "{without:?}");
    assert_eq!(told(true), (without, 13));
}

// Pain 8, thingsboard/thingsboard#8681: two hours in one message, in no order: judged in the order they were measured in,
// each change at the time of its reading, marked historic where it lies back; what holds at the end is a live alert.
#[test]
fn two_hours_in_one_message_are_judged_in_their_own_time() {
    let mut w = World::every("5m", &depth(""));
    let mut wire = Wire::new();
    let deep = |minute: i64| match minute {
        20..40 => 25.0,
        60..70 => 45.0,
        115.. => 12.0,
        _ => 0.0,
    };
    let record = |n: i64| format!("{{\"t\":{},\"water_depth\":{}}}", ZERO + s(300 * n), deep(5 * n));
    // 7 and 25 have no common divisor: every reading once, none in its place.
    let records: Vec<String> = (0..25).map(|n| record(n * 7 % 25)).collect();
    wire.send(w.at(s(7200)), TELEMETRY, format!("[{}]", records.join(",")));
    w.expect(&[
        "1200000 v1 firing yellow threshold stale historic",
        "2400000 v2 resolved yellow recovered stale historic",
        "3600000 v1 firing red threshold stale historic",
        "4200000 v2 resolved red recovered stale historic",
        "6900000 v1 firing blue threshold",
    ]);
    assert!(w.facts.iter().rev().take(5).all(|f| f.at.0 == ZERO + s(7200)), "decided when they came");
    assert_eq!(w.known(), Verdict::Firing { level: Level::Blue, stale: false });
}

// Pain 9, lf-edge/ekuiper#530: a time a year ahead is not believed; that value is judged when it came, and those behind
// it as ever, of this device and of others. Several are an alert of the device's clock.
#[test]
fn one_future_reading_does_not_silence_the_series() {
    let year = s(365 * 86_400);
    let mut w = World::new(&depth(""));
    w.at(0).value(0.0).at(s(10)).value_at(year, 0.0).expect(&[]);
    assert_eq!(w.out.counts.clock, 1);
    w.run(s(20)).value(25.0).expect(&["20000 v1 firing yellow threshold"]);
    w.run(s(30)).value(0.0).expect(&["30000 v2 resolved yellow recovered"]);
    for n in 4..7 {
        w.run(s(10 * n)).value_at(year + s(10 * n), 0.0);
    }
    w.expect(&["50000 v1 firing blue clock_wrong"]);
    assert_eq!(w.last().rule.as_str(), CLOCK_RULE);
    w.run(s(70)).value(25.0).expect(&["70000 v1 firing yellow threshold"]);
}

// Pain 10, thingsboard/thingsboard-gateway#2119: a value that waited two hours keeps the time it was measured at, does
// not look fresh, and resolves nothing; one without a time says so. Over an outage of the real server:
// `broker_stopped_with_its_sessions_kept` in tests/e2e/tests/deaf.rs; in the history: `values_under_a_borrowed_time_are_all_kept`.
#[test]
fn a_value_that_waited_does_not_look_fresh() {
    let mut w = World::new(&depth(""));
    let mut wire = Wire::new();
    wire.send(w.at(s(7200)), TELEMETRY, format!("{{\"t\":{ZERO},\"water_depth\":0}}"));
    let r = &wire.last.readings[0];
    assert_eq!((r.at.0 - ZERO, r.received.0 - ZERO, r.timed), (0, s(7200), true));
    assert_eq!(w.known(), Verdict::Unknown { why: Unknown::Stale });
    wire.send(w.at(s(7201)), TELEMETRY, format!("{{\"t\":{},\"water_depth\":25}}", ZERO + s(1)));
    w.expect(&["1000 v1 firing yellow threshold stale historic"]);
    wire.send(w.at(s(7202)), TELEMETRY, "{\"water_depth\":25}");
    assert!(!wire.last.readings[0].timed);
    w.expect(&["7202000 v2 firing yellow data_fresh"]);
}

// Pain 11, VictoriaMetrics/VictoriaMetrics#865: data that come late clear nothing: the alert stays, marked, and goes on
// with the same episode when they are fresh again.
#[test]
fn lagging_data_clear_nothing() {
    let mut w = World::new(&depth("keep_firing_for = \"20s\""));
    w.at(0).value(25.0).run(s(300)).value_at(s(10), 25.0).run(s(600)).value_at(s(400), 25.0);
    w.expect(&["0 v1 firing yellow threshold", "30000 v2 firing yellow data_stale stale"]);
    assert_eq!(w.known(), Verdict::Firing { level: Level::Yellow, stale: true });
    w.run(s(700)).value(25.0).expect(&["700000 v3 firing yellow data_fresh"]);
    w.run(s(710)).value(0.0).run(s(730)).expect(&["730000 v4 resolved yellow recovered"]);
}

// Pain 12, VictoriaMetrics/VictoriaMetrics#5155, #1390: judged in the batch it came with, and the alert says when it was
// measured and when it was decided. When each receiver had it: `outcomes_are_reported_until_they_are_facts` in the
// store's outbox/tests.rs.
#[test]
fn an_alert_says_when_it_was_measured_and_when_decided() {
    let mut w = World::every("1m", &depth("for = \"30s\"\nmin_samples = 1"));
    w.at(s(25)).value_at(0, 12.0).at(s(56)).value_at(s(31), 12.0).expect(&["30000 v1 firing blue threshold"]);
    let (t, f) = (w.last(), w.facts.last().expect("a fact"));
    assert_eq!((t.started_at.0 - ZERO, t.at.0 - ZERO, f.at.0 - ZERO), (0, s(30), s(55)));
    let published = t.handling.as_ref().and_then(|h| h.stamps.published.clone()).expect("stamped");
    assert_eq!(published.at.0 - ZERO, s(55));
    let mut w = World::new(&depth(""));
    w.at(s(1)).batch(vec![Input::Reading(reading("d", "water_depth", s(0), s(1), 45.0))]);
    assert_eq!(w.out.facts.len(), 1, "in the same batch");
    w.at(s(2)).batch(vec![Input::Reading(untimed(s(2), 0.0))]);
    assert_eq!(w.out.facts.len(), 1);
}
