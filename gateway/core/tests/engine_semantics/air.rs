//! The air quality index as a quantity that rules judge.

use maibo_core::engine::Verdict;
use maibo_core::input::Input;

use crate::engine_world::{World, ladder, reading, s};

const HOUR: i64 = s(3600);

fn rule(quantity: &str) -> String {
    ladder(
        quantity,
        &format!(
            "when = {{ quantity = \"{quantity}\", kind = \"k\" }}\ndirection = \"above\"\n\
             levels = {{ blue = 151, yellow = 201, orange = 301, red = 401 }}"
        ),
    )
}

/// ZERO is full hour: hour `n` begins `n` hours after it.
fn hours(w: &mut World, pm25: &[f64], from: i64) {
    for (n, value) in (from..).zip(pm25) {
        let at = n * HOUR;
        w.run(at).batch(vec![Input::Reading(reading("d", "pm25", at, at, *value))]);
    }
}

// an index closes with the first value of the next hour, and is judged with the hour's last millisecond.
#[test]
fn an_hour_closes_with_the_next() {
    let mut w = World::every("1h", &rule("aqi_hour_2026"));
    hours(&mut w, &[40.0, 160.0], 0);
    w.expect(&[]);
    assert_eq!(w.known(), Verdict::Normal, "nobody waits for an index");
    w.restart();
    hours(&mut w, &[40.0], 2);
    // 160 µg/m³ of PM2.5: 200 + 100 × 10/100 = 210.
    w.expect(&["7199999 v1 firing yellow threshold"]);
    assert_eq!(w.last().value, Some(210.0));
    hours(&mut w, &[40.0], 3);
    w.expect(&["10799999 v2 resolved yellow recovered"]);
}

// the edition is named by the rule: 70 µg/m³ of PM2.5 over a day are 94 by 2012 and 110 by 2026.
#[test]
fn each_rule_names_its_edition() {
    for (quantity, value) in [("aqi_day_2012", None), ("aqi_day_2026", Some(110.0))] {
        let mut w = World::every("1h", &rule(quantity).replace("blue = 151", "blue = 101"));
        // The first day in Beijing begins eight hours after ZERO.
        hours(&mut w, &[70.0; 8 + 24 + 1], 0);
        assert_eq!(w.transitions().first().and_then(|t| t.value), value, "{quantity}");
    }
}

// an index that a device sends itself is refused: nobody knows by which edition it was worked out.
#[test]
fn a_device_sends_no_index() {
    let mut w = World::every("1h", &rule("aqi_hour_2026"));
    w.batch(vec![Input::Reading(reading("d", "aqi_hour_2026", 0, 0, 450.0))]).expect(&[]);
    assert_eq!(w.out.counts.refused, 1);
}

// a station that falls silent closes no hour: its index goes stale, and what fires stays firing.
#[test]
fn a_silent_station_is_stale() {
    let mut w = World::every("1h", &rule("aqi_hour_2026"));
    hours(&mut w, &[260.0, 260.0], 0);
    w.expect(&["3599999 v1 firing orange threshold"]);
    w.run(5 * HOUR).expect(&["14399999 v2 firing orange data_stale stale"]);
}
