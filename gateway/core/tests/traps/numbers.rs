//! Numbers that mean nothing, something else, or more than it seems.

use crate::engine_world::{World, ZERO, ladder, s};
use crate::wire::Wire;
use crate::{limit, world};

const RSM: &str = "V2X/RSU/R1/RSM/UP";
const TELEMETRY: &str = "maibo/v1/d/telemetry";

fn participants(list: &str) -> String {
    format!("{{\"content\":{{\"rsms\":[{{\"participants\":[{list}]}}]}}}}")
}

// Trap 4: 8191 is no speed. Read as one it is 590 km/h and hides a standstill: among vehicles that stand, and alone, it
// raises and ends nothing. The decoder: decode_suite/openv2x.rs, `rsm_standard`. (Those of ETSI and J2735 are not decoded.)
#[test]
fn a_sentinel_is_no_speed() {
    let slow = limit("jam", "mean_speed_motor", "levels = { orange = 20 }\ndirection = \"below\"");
    let fast = limit("race", "mean_speed_motor", "levels = { red = 120 }\ndirection = \"above\"");
    let mut w = world("R1", &(slow + &fast));
    let mut wire = Wire::new();
    // 250 is 5 m/s, 18 km/h.
    wire.send(w.at(0), RSM, participants(r#"{"ptcType":"motor","speed":250},{"ptcType":"motor","speed":8191}"#));
    w.expect(&["0 v1 firing orange threshold"]);
    assert_eq!((w.last().rule.as_str(), w.last().value), ("jam", Some(18.0)));
    wire.send(w.at(s(10)), RSM, participants(r#"{"ptcType":"motor","speed":8191}"#));
    w.expect(&[]);
    assert!(wire.last.readings.iter().all(|r| r.quantity.as_str() != "mean_speed_motor"));
    wire.send(w.at(s(20)), RSM, participants(r#"{"ptcType":"motor","speed":1000}"#));
    w.expect(&["20000 v2 resolved orange recovered"]);
}

// Trap 8: in proto3 what is missing is 0: a battery status without a level is an empty battery, and an alert; in a table
// `NA` is unknown: no value, no alert, no recovery, though a sign of life. Decoders: decode_suite/chirpstack.rs,
// `battery`, `uplink_by_name`; the table itself: `cells_of_a_table` in the server's backtest/tests/tables.rs.
#[test]
fn missing_is_zero_in_proto3_and_unknown_in_a_table() {
    const EUI: &str = "0101010101010101";
    let status = format!("application/a/device/{EUI}/event/status");
    let mut w = world(EUI, &limit("battery", "battery", "levels = { yellow = 10 }\ndirection = \"below\""));
    let mut wire = Wire::new();
    wire.send(w.at(0), &status, r#"{"margin":10,"externalPowerSource":true,"batteryLevel":0}"#);
    wire.send(w.at(s(1)), &status, r#"{"margin":10,"batteryLevelUnavailable":true}"#);
    w.expect(&[]);
    wire.send(w.at(s(2)), &status, r#"{"margin":10}"#);
    w.expect(&["2000 v1 firing yellow threshold"]);

    let rules = limit("pm", "pm25", "levels = { red = 251 }\ndirection = \"above\"") + &crate::engine_world::absent();
    let mut w = world("s-1", &rules);
    let station = r#"{"device":{"topic_segment":1},"prefix":"s-","fields":[{"pointer":"/pm","quantity":"pm25","strings_ok":true}]}"#;
    let mut wire = Wire::mapped(&[("air/+", station)]);
    wire.send(w.at(0), "air/1", r#"{"pm":"300"}"#);
    wire.send(w.at(s(20)), "air/1", r#"{"pm":"NA"}"#);
    assert_eq!((wire.reasons(), wire.last.liveness.len()), (vec!["bad_value"], 1));
    w.run(s(49)).expect(&["0 v1 firing red threshold", "30000 v2 firing red data_stale stale"]);
    w.run(s(50)).expect(&["50000 v1 firing yellow absent"]);
}

// Trap 9: 1,800 µg/m³ of carbon monoxide are 1.8 mg/m³ and no alarm, 10,000 are 10 and one; ten inches of water are a
// flood of 25 cm. Decoders: decode_suite/mapped.rs and native.rs, `telemetry_in_json`.
#[test]
fn units_are_converted_before_a_limit_is_compared() {
    let rules = limit("co", "co", "levels = { red = 10 }\ndirection = \"above\"")
        + &limit("flood", "water_depth", "levels = { yellow = 20, orange = 27 }\ndirection = \"above\"\ndeadband = 2");
    let mut w = world("d", &rules);
    let mapping = r#"{"device":{"topic_segment":1},"fields":[{"pointer":"/co","quantity":"co","unit":"ug/m3"},
                     {"pointer":"/in","quantity":"water_depth","unit":"[in_i]"}]}"#;
    let mut wire = Wire::mapped(&[("x/+", mapping)]);
    wire.send(w.at(0), "x/d", r#"{"co":1800,"in":7}"#);
    w.expect(&[]);
    wire.send(w.at(s(10)), "x/d", r#"{"co":10000}"#);
    w.expect(&["10000 v1 firing red threshold"]);
    wire.send(w.at(s(20)), "x/d", r#"{"co":1800,"in":10}"#);
    w.expect(&["20000 v2 resolved red recovered", "20000 v1 firing yellow threshold"]);
    assert_eq!(w.last().value, Some(25.4));
    wire.send(w.at(s(30)), TELEMETRY, r#"{"water_depth":{"v":10,"u":"[in_i]"},"co":{"v":10000,"u":"ug/m3"}}"#);
    w.expect(&["30000 v1 firing red threshold"]);
}

// Trap 16: what sensors really say is kept and judged: PM2.5 near 1,000 µg/m³, 72.5 mm of rain in an hour, water clearer
// than clear, more oxygen than saturated; -9999 is not, raises nothing where low is bad and ends nothing where high is.
// The decoder: decode_suite/native.rs, `out_of_range_is_kept_and_marked`.
#[test]
fn real_extremes_are_judged_and_minus_9999_is_not() {
    let above = |id: &str, quantity: &str, red: &str| {
        limit(id, quantity, &format!("levels = {{ red = {red} }}\ndirection = \"above\""))
    };
    let rules = above("pm", "pm25", "990")
        + &above("rain", "rain", "70")
        + &above("o2", "dissolved_oxygen_saturation", "130")
        + &limit("clear", "turbidity", "levels = { blue = -0.5 }\ndirection = \"below\"")
        + &limit("empty", "water_pressure", "levels = { red = 0.05 }\ndirection = \"below\"")
        + &limit("low", "water_depth", "levels = { red = -4 }\ndirection = \"below\"");
    let mut w = world("d", &rules);
    let mut wire = Wire::new();
    let values = r#""pm25":994,"rain":72.5,"dissolved_oxygen_saturation":140,"turbidity":-0.8"#;
    wire.send(w.at(0), TELEMETRY, format!("{{\"t\":{ZERO},{values}}}"));
    let open = |w: &World| w.transitions().into_iter().map(|t| (t.rule.to_string(), t.value)).collect::<Vec<_>>();
    let of = |rule: &str, value| (rule.to_owned(), Some(value));
    let all = [of("clear", -0.8), of("o2", 140.0), of("pm", 994.0), of("rain", 72.5)];
    let mut found = open(&w);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, all);
    let sentinels = r#""pm25":-9999,"rain":-9999,"water_depth":-9999,"water_pressure":-9999"#;
    wire.send(w.at(s(10)), TELEMETRY, format!("{{\"t\":{},{sentinels}}}", ZERO + s(10)));
    assert_eq!((wire.last.readings.len(), w.out.counts.incomparable), (4, 4), "kept, and not compared");
    assert_eq!(open(&w), found, "nothing opened, nothing ended");
}

// Trap 17: a radar's speed is signed by the direction of travel: 10 m/s away are 36 km/h, not a standstill and not less
// than nothing. The decoder: decode_suite/openv2x.rs, `rsm_dawnline`.
#[test]
fn a_signed_speed_is_no_standstill() {
    let slow = limit("jam", "mean_speed_motor", "levels = { orange = 20 }\ndirection = \"below\"\ndeadband = 2");
    let mut w = world("R1", &slow);
    let mut wire = Wire::new();
    let body = |at: i64, speed: &str| {
        format!(
            "[{{\"dev_pos\":{{}},\"content\":[{{\"ptcType\":\"motor\",\"timeStamp\":{},\"speed\":{speed}}}]}}]",
            ZERO + at
        )
    };
    wire.send(w.at(0), "V2X/RSU/R1/RSM/UP/DAWNLINE", body(0, "-10"));
    w.expect(&[]);
    wire.send(w.at(s(10)), "V2X/RSU/R1/RSM/UP/DAWNLINE", body(s(10), "-1"));
    w.expect(&["10000 v1 firing orange threshold"]);
    wire.send(w.at(s(20)), "V2X/RSU/R1/RSM/UP/DAWNLINE", body(s(20), "-10"));
    w.expect(&["20000 v2 resolved orange recovered"]);
}

// Trap 19: bands written as 0–50, 51–100 leave 50.5 in none. A ladder has no gaps: every value has one level, the one
// whose limit is the last it reached, up and down, however finely it moves. For the index, which is whole by its standard:
// `no_concentration_falls_between_two_bands` in core's aqi/tests.rs.
#[test]
fn no_value_falls_between_two_levels() {
    let rules = ladder(
        "density",
        "when = { quantity = \"crowd_density\", kind = \"k\" }\nlevels = { blue = 1, yellow = 2, orange = 3, red = 4 }\n\
         direction = \"above\"",
    );
    let mut w = world("d", &rules);
    let mut wire = Wire::new();
    let there = 0..=500_i64;
    for (n, hundredths) in (0..).zip(there.clone().chain(there.rev())) {
        let value = hundredths as f64 / 100.0;
        let at = s(n);
        wire.send(w.at(at), TELEMETRY, format!("{{\"t\":{},\"crowd_density\":{value}}}", ZERO + at));
        let level = w.machine.open_alerts().next().map_or("-", |t| t.level.as_str());
        let want = ["-", "blue", "yellow", "orange", "red", "red"][(hundredths / 100) as usize];
        assert_eq!(level, want, "{value}");
    }
    assert_eq!(w.transitions().len(), 8);
}
