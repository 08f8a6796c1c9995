//! One scenario for each kind of shipped rule, through the machines of the partitions and of the city.

use std::sync::Arc;

use maibo_core::backtest::Backtest;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::time::Timestamp;

use super::{beijing, shipped};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// Devices as `id,kind,place,interval,labels`, values as (device, quantity, minutes after the begin, value); gives the
/// episodes as `rule subject level from–to`, in minutes.
fn play(
    from: &str,
    devices: &[&str],
    values: impl IntoIterator<Item = (&'static str, &'static str, i64, f64)>,
) -> Vec<String> {
    let mut text = "id,kind,place,interval,labels,domain\n".to_owned();
    for device in devices {
        text = text + device + ",traffic\n";
    }
    let catalogue = Catalogue::parse(&text).unwrap_or_else(|p| panic!("{p:?}"));
    let zero = beijing(from);
    let mut test = Backtest::new(&shipped(), &Arc::new(catalogue));
    for (device, quantity, minute, value) in values {
        let at = Timestamp(zero.0 + minute * MINUTE);
        let (device, quantity) = (DeviceId::new(device).expect("id"), Quantity::new(quantity).expect("quantity"));
        let reading = Reading { device, quantity, at, received: at, value, quality: Quality::Good, timed: true };
        test.take(at, Input::Reading(reading)).unwrap_or_else(|e| panic!("take: {e}"));
    }
    let minutes = |t: Timestamp| (t.0 - zero.0) / MINUTE;
    let outcome = test.finish().unwrap_or_else(|e| panic!("finish: {e}"));
    let mut lines: Vec<String> = outcome
        .episodes
        .iter()
        .map(|e| {
            let end = e.ended_at.map_or("open".to_owned(), |t| minutes(t).to_string());
            format!("{} {} {} {}–{end}", e.rule, e.subject.id(), e.peak.as_str(), minutes(e.opened_at))
        })
        .collect();
    lines.sort();
    lines
}

/// The same value every `step` minutes, from minute to minute, the last one left out.
fn hold(
    device: &'static str,
    quantity: &'static str,
    span: core::ops::Range<i64>,
    step: usize,
    value: f64,
) -> impl Iterator<Item = (&'static str, &'static str, i64, f64)> {
    span.step_by(step).map(move |minute| (device, quantity, minute, value))
}

// rain: 100 mm within an hour are red in Beijing, long before it is a lot for a day; elsewhere the national lines hold.
#[test]
fn a_cloudburst_is_red_within_the_hour() {
    let stations = ["w,weather,110105003,1m,", "n,weather,320412001,1m,rain=national"];
    let rain = |d| hold(d, "rain", 0..60, 1, 1.7).chain(hold(d, "rain", 60..90, 1, 0.0));
    let of = |d| play("2027-07-20T14:00:00", &stations, rain(d));
    assert_eq!(of("w"), ["rain-beijing w red 17–open"]);
    assert_eq!(of("n"), ["rain-national n red 29–open"]);
    let drizzle = hold("w", "rain", 0..24 * 60, 1, 0.04);
    assert_eq!(play("2027-07-20T14:00:00", &stations, drizzle), [""; 0], "57.6 mm in a day, 2.4 in an hour");
}

// noise: what a class allows by day it does not allow by night, as the energy mean of an hour.
#[test]
fn the_same_noise_is_too_loud_by_night() {
    let meters = ["m,noise,110105003,1m,noise_class=2"];
    let wobble = |n: i64| 58.0 + 0.5 * (n % 3) as f64;
    let evening = |from: i64, to: i64| (from..to).map(move |n| ("m", "noise", n, wobble(n)));
    // From 20:00 to 24:00; night begins at minute 120.
    assert_eq!(play("2027-05-10T20:00:00", &meters, evening(0, 240)), ["noise-class-2 m yellow 120–open"]);
    // One bang of 70 dB(A) at night is over 50 + 15, by day it is nothing.
    let bang = |at: i64| (0..240).map(move |n| ("m", "noise", n, if n == at { 70.0 } else { 40.0 + (n % 3) as f64 }));
    assert_eq!(play("2027-05-10T20:00:00", &meters, bang(30)), [""; 0]);
    let night = play("2027-05-10T20:00:00", &meters, bang(180));
    assert!(night.iter().any(|l| l.starts_with("noise-sudden-2 m blue 180–")), "{night:?}");
}

// heating: a cold room is an alert in the season, and stops being one with its last day.
#[test]
fn a_cold_room_matters_in_the_heating_season() {
    let rooms = ["r,heating,110105003,5m,"];
    let cold = || hold("r", "room_temperature", 0..48 * 60, 5, 15.5);
    assert_eq!(play("2027-07-01T00:00:00", &rooms, cold()), [""; 0]);
    // The first day begins at minute 1440, and its edge judges the held value.
    assert_eq!(play("2027-11-14T00:00:00", &rooms, cold()), ["room-cold r yellow 1442–open"]);
    assert_eq!(play("2027-03-15T00:00:00", &rooms, cold()), ["room-cold r yellow 2–1440"]);
}

// quorum: three deep underpasses of one district are one red alert of the district beside their own.
#[test]
fn three_underpasses_are_the_district() {
    let gauges = ["a,waterlogging,110105003,1m,", "b,waterlogging,110105004,1m,", "c,waterlogging,110105005,1m,"];
    let depth = |n: i64, from: i64| if (from..30).contains(&n) { 22.0 } else { 0.0 };
    let values =
        (0..60).flat_map(|n| [("a", 5), ("b", 8), ("c", 12)].map(|(d, from)| (d, "water_depth", n, depth(n, from))));
    let told = play("2027-07-20T14:00:00", &gauges, values);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.iter().any(|l| l.starts_with("waterlogging-district 110105 red 12–")), "{told:?}");
    let two = (0..60).flat_map(|n| [("a", 5), ("b", 8)].map(|(d, from)| (d, "water_depth", n, depth(n, from))));
    let told = play("2027-07-20T14:00:00", &gauges, two);
    assert!(told.iter().all(|l| l.starts_with("underpass-waterlogging ")), "{told:?}");
}

// editions: 70 µg/m³ an hour were clean air until the end of February 2026 and are not since March.
#[test]
fn air_is_judged_by_what_held_then() {
    let stations = ["s,air-station,110105003,1h,"];
    let two_days = || hold("s", "pm25", 0..48 * 60, 60, 70.0);
    let old = play("2025-05-10T00:00:00", &stations, two_days());
    assert_eq!(old, [""; 0]);
    let across = play("2026-02-28T00:00:00", &stations, two_days());
    assert!(across.iter().any(|l| l.starts_with("pm25-hour s blue 1440–")), "{across:?}");
    assert!(across.iter().all(|l| !l.contains("-2012")), "{across:?}");
    let dirty = play("2025-05-10T00:00:00", &stations, hold("s", "pm25", 0..48 * 60, 60, 80.0));
    assert!(dirty.iter().any(|l| l.starts_with("pm25-hour-2012 s blue ")), "{dirty:?}");
    assert!(dirty.iter().any(|l| l.starts_with("pm25-day-2012 s blue ")), "{dirty:?}");
    assert!(dirty.iter().all(|l| l.contains("-2012")), "{dirty:?}");
}

// stuck, rate: a sensor that does not move, and a river that does.
#[test]
fn stuck_sensors_and_rising_rivers() {
    let devices = ["p,water-network,110105003,1m,", "v,river,110105003,5m,"];
    let still = play("2027-05-10T00:00:00", &devices, hold("p", "water_pressure", 0..7 * 60, 1, 0.25));
    assert_eq!(still, ["water-pressure-stuck p blue 360–open"]);
    let rise = |cm_per_minute: f64| {
        (0..180)
            .step_by(5)
            .map(move |n| ("v", "water_level", i64::from(n), 20.0 + cm_per_minute * f64::from(n) / 100.0))
    };
    assert_eq!(play("2027-05-10T00:00:00", &devices, rise(0.5)), [""; 0], "30 cm an hour");
    assert_eq!(
        play("2027-05-10T00:00:00", &devices, rise(2.0)),
        ["river-rise v yellow 40–open"],
        "1.2 m an hour, once three quarters of one are known"
    );
}

// labels: a trunk road is slow at other speeds than an expressway, and an unlabelled detector is judged by none.
#[test]
fn roads_are_judged_by_their_class() {
    let detectors = [
        "e,traffic-flow,110105003,1m,road=expressway",
        "t,traffic-flow,110105003,1m,road=trunk",
        "u,traffic-flow,110105003,1m,",
    ];
    let told = play(
        "2027-05-10T08:00:00",
        &detectors,
        (0..10).flat_map(|n| ["e", "t", "u"].map(|d| (d, "mean_speed", n, 32.0))),
    );
    assert_eq!(told, ["expressway-congestion e yellow 1–open"]);
}

// instruments at fault: PM2.5 far above PM10 for three hours, not when there is next to none of both, and not when dust rises
// between two values of one moment.
#[test]
fn particles_that_do_not_fit_together() {
    let air = ["st,air-station,110105001,1h,"];
    let hours = |pm25: f64, pm10: f64, from: i64, to: i64| {
        (from..to).flat_map(move |h| [("st", "pm25", h * 60, pm25), ("st", "pm10", h * 60, pm10)])
    };
    let found = play(
        "2027-05-01T00:00:00",
        &air,
        hours(30.0, 50.0, 0, 5).chain(hours(45.0, 30.0, 5, 10)).chain(hours(10.0, 30.0, 10, 14)),
    );
    assert_eq!(found, ["pm25-above-pm10 st blue 480–660"]);
    let calm = hours(30.0, 50.0, 0, 5).chain(hours(45.0, 20.0, 5, 10)).chain(hours(45.0, 60.0, 10, 14));
    assert_eq!(play("2027-05-01T00:00:00", &air, calm), [""; 0]);
}

// what hides things in dry air is no fog.
#[test]
fn poor_visibility_in_dry_air() {
    let minutes = |visibility: f64, humidity: f64, from: i64, to: i64| {
        (from..to).flat_map(move |m| [("w", "visibility", m, visibility), ("w", "humidity", m, humidity)])
    };
    let weather = ["w,weather,110105001,1m,"];
    let found = play(
        "2027-03-15T12:00:00",
        &weather,
        minutes(9000.0, 30.0, 0, 5).chain(minutes(800.0, 25.0, 5, 30)).chain(minutes(9000.0, 30.0, 30, 60)),
    );
    assert_eq!(found, ["dry-low-visibility w blue 15–40"]);
    assert_eq!(play("2027-03-15T12:00:00", &weather, minutes(800.0, 90.0, 0, 60)), [""; 0], "fog");
}
