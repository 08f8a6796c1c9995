//! The demonstration: what the shipped rules make of the staged day, counted plainly from scenario and rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::shipped::{Alert, Rule, rules};
use maibo_sim::fault::FaultPlan;
use maibo_sim::report::Reporter;
use maibo_sim::scenario::{Act, ActKind, Effect, Scenario};
use maibo_sim::{City, signal};

/// 2026-11-23T00:00:00Z, eight in the morning.
const START: i64 = 1_795_392_000_000;
const MINUTE: i64 = 60_000;
/// A device in trouble reports this often.
const STEP: i64 = 3000;
const HOURS: i64 = 3;
const END: i64 = HOURS * 60 * MINUTE;
const SEEDS: [u64; 3] = [1, 77, 2023];

/// All alerts of the first hours, by opening.
fn alerts(seed: u64) -> Vec<Alert> {
    let city = Arc::new(City::default_size(seed));
    let scenario = Scenario::demo(seed);
    let play = scenario.bind(&city);
    let reporter = Reporter::new(Arc::clone(&city), &scenario, &FaultPlan::none(), START);
    let rules = rules();
    let mut alerts = Vec::new();
    for (number, device) in city.devices().iter().enumerate() {
        let number = number as u32;
        // Looking every 30 s misses no act: none is shorter.
        let looks: Vec<_> = (0..END).step_by(30_000).map(|t| play.effect(number, t)).collect();
        if looks.iter().all(Effect::is_calm) {
            continue;
        }
        // All of it lies in one morning.
        for rule in rules.iter().filter(|r| r.selects(device) && r.is_awake(START)) {
            let value = |t: i64| {
                let values = reporter.values(number, START + t);
                values.iter().find(|(q, _)| *q == rule.quantity).map_or(0.0, |(_, v)| *v)
            };
            if device.kind.quantities.contains(&rule.quantity.as_str()) {
                alerts.extend(rule.alerts(number, STEP, END, value));
            }
        }
        // A roadside unit without power is absent after three intervals; one that sees an accident says so.
        if device.is_roadside_unit() {
            let is_dark = |t: i64| f64::from(u8::from(play.effect(number, t).is_dark(device)));
            alerts.extend(yes_or_no("absent", "yellow", 30_000).alerts(number, STEP, END, is_dark));
            let sees = |t: i64| play.effect(number, t).begun(ActKind::TrafficAccident).is_some();
            let sees = |t: i64| f64::from(u8::from(sees(t)));
            alerts.extend(yes_or_no("road-events", "orange", 0).alerts(number, STEP, END, sees));
        }
    }
    alerts.sort_by_key(|a| a.opened);
    alerts
}

fn yes_or_no(id: &str, level: &str, for_ms: i64) -> Rule {
    Rule {
        id: id.into(),
        domain: "traffic".into(),
        quantity: String::new(),
        kind: String::new(),
        labels: Vec::new(),
        hours: None,
        levels: vec![(level.into(), f64::NEG_INFINITY, 1.0)],
        deadband: 0.0,
        for_ms,
        keep_ms: 0,
    }
}

fn open(alerts: &[Alert], t: i64) -> Vec<&Alert> {
    alerts.iter().filter(|a| a.opened <= t && t < a.resolved).collect()
}

fn domains<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> BTreeSet<&'a str> {
    alerts.into_iter().map(|a| a.domain.as_str()).collect()
}

// Protects the first look: something to acknowledge within seconds, eight to twelve open alerts of mixed levels and
// domains after two and a half minutes, all six domains within ten.
#[test]
fn the_opening_fills_the_queue_but_does_not_flood_it() {
    for seed in SEEDS {
        let alerts = alerts(seed);
        assert!(!open(&alerts, 20_000).is_empty(), "seed {seed}: nothing to acknowledge");
        assert!((3..=8).contains(&open(&alerts, MINUTE).len()), "seed {seed}: {:?}", open(&alerts, MINUTE));
        for t in (150_000..=200_000).step_by(10_000) {
            let open = open(&alerts, t);
            assert!((8..=12).contains(&open.len()), "seed {seed}: {} open after {t} ms", open.len());
            let levels: BTreeSet<&str> = open.iter().map(|a| a.level.as_str()).collect();
            assert!(levels.len() >= 3 && domains(open.iter().copied()).len() >= 4, "seed {seed}: {open:?}");
        }
        assert_eq!(domains(open_until(&alerts, 10 * MINUTE)).len(), 6, "seed {seed}");
    }
}

fn open_until(alerts: &[Alert], t: i64) -> impl Iterator<Item = &Alert> {
    alerts.iter().filter(move |a| a.opened <= t)
}

// Protects the rest of the day: about twelve to eighteen open, new ones and resolved ones in every ten minutes, and in no
// ten minutes more new ones than one operator can follow.
#[test]
fn the_queue_stays_lively_and_never_floods() {
    for seed in SEEDS {
        let alerts = alerts(seed);
        for t in (8 * MINUTE..END).step_by(10_000) {
            let n = open(&alerts, t).len();
            assert!((10..=20).contains(&n), "seed {seed}: {n} open after {} min", t / MINUTE);
        }
        for from in (4 * MINUTE..END - 10 * MINUTE).step_by(10_000) {
            let within = |t: i64| (from..from + 10 * MINUTE).contains(&t);
            let new = alerts.iter().filter(|a| within(a.opened)).count();
            let resolved = alerts.iter().filter(|a| within(a.resolved)).count();
            assert!((5..=11).contains(&new), "seed {seed}: {new} new within ten minutes from {} s", from / 1000);
            assert!((2..=14).contains(&resolved), "seed {seed}: {resolved} resolved from {} s", from / 1000);
        }
        let later = alerts.iter().filter(|a| a.opened >= 4 * MINUTE).count() as i64;
        assert!(later * 10 * MINUTE < 9 * (END - 4 * MINUTE), "seed {seed}: {later} alerts in {HOURS} hours");
        let longest = alerts.iter().filter(|a| a.resolved < END).map(|a| a.resolved - a.opened).max();
        assert!(longest < Some(30 * MINUTE), "seed {seed}: {longest:?}");
    }
}

// Protects the mixture: every hour has all domains and levels, and more mild alerts than severe ones.
#[test]
fn every_hour_has_all_domains_and_levels() {
    for seed in SEEDS {
        let alerts = alerts(seed);
        for hour in 0..HOURS {
            let of_hour = alerts.iter().filter(|a| a.opened / (60 * MINUTE) == hour);
            assert_eq!(domains(of_hour.clone()).len(), 6);
            let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
            of_hour.for_each(|a| *levels.entry(&a.level).or_default() += 1);
            let n = |level: &str| levels.get(level).copied().unwrap_or(0);
            let (mild, severe) = (n("blue") + n("yellow"), n("orange") + n("red"));
            assert!(levels.len() == 4 && mild > severe, "seed {seed}: {levels:?}");
        }
    }
}

// Protects the rest of the city from false alarms: at no hour of a week does a healthy device reach a shipped limit.
#[test]
fn a_calm_city_raises_no_alert() {
    let city = City::default_size(2023);
    let rules = rules();
    for device in city.devices() {
        for rule in rules.iter().filter(|r| r.selects(device)) {
            let Some(quantity) = device.kind.quantities.iter().find(|q| **q == rule.quantity) else { continue };
            for step in 0..84 {
                let t = START + step * 121 * MINUTE;
                let value = signal::value(device, quantity, t);
                assert_eq!(
                    if rule.is_awake(t) { rule.reached(value) } else { 0 },
                    0,
                    "{} of {} would raise {} with {value}",
                    quantity,
                    device.id,
                    rule.id
                );
            }
        }
    }
}

// Protects every single act: some device that notices it is over its lowest limit in the middle of it.
#[test]
fn every_act_of_the_demo_is_worth_an_alert() {
    let city = Arc::new(City::default_size(1));
    let rules = rules();
    let scenario = Scenario::demo(1);
    for act in scenario.acts() {
        let alone = Scenario::of(vec![act.clone()]);
        let play = alone.bind(&city);
        let reporter = Reporter::new(Arc::clone(&city), &alone, &FaultPlan::none(), START);
        let t = act.from_ms + act.lasting_ms / 2;
        let speaks = |(number, device): (u32, &maibo_sim::city::Device)| {
            let values = reporter.values(number, START + t);
            !play.effect(number, t).is_calm()
                && rules
                    .iter()
                    .filter(|r| r.selects(device) && r.is_awake(START + t))
                    .any(|rule| values.iter().any(|(q, v)| *q == rule.quantity && rule.reached(*v) > 0))
        };
        let mut devices = city.devices().iter().enumerate().map(|(n, d)| (n as u32, d));
        let noticed = devices.clone().any(|(n, _)| !play.effect(n, t).is_calm());
        assert!(!noticed || devices.any(speaks), "{act:?}");
    }
}

// Protects small demonstrations: something severe within seconds, and a few devices in trouble at any time.
#[test]
fn a_small_city_has_its_troubles_too() {
    for sensors in [300, 5000] {
        let city = City::new(1, sensors, 60);
        let play = Scenario::demo(1).bind(&city);
        let touched = |at: i64| (0..city.devices().len() as u32).filter(|n| !play.effect(*n, at).is_calm()).count();
        assert!(touched(5000) >= 3, "city of {sensors}");
        for minute in 1..150 {
            let n = touched(minute * MINUTE + 10_000);
            assert!((4..=40).contains(&n), "{n} devices in minute {minute}, city of {sensors}");
        }
    }
}

// Protects the round: what repeats does so on time, also across its seam, and is roused at both edges.
#[test]
fn an_act_that_repeats_begins_and_ends_on_time() {
    let city = City::default_size(1);
    let mut act: Act = Scenario::parse("gas-leak:110105@50m+20m").expect("an act").acts()[0].clone();
    act.every_ms = 60 * MINUTE;
    let play = Scenario::of(vec![act.clone()]).bind(&city);
    let leaks = |minute: i64| (0..5060).filter(|n| !play.effect(*n, minute * MINUTE + 1000).is_calm()).count();
    for (minute, there) in [(0, false), (5, false), (49, false), (50, true), (65, true), (69, true), (70, false)] {
        assert_eq!(leaks(minute) > 0, there, "minute {minute}");
    }
    for hour in 1..4 {
        assert!(leaks(hour * 60 + 50) > 0 && leaks(hour * 60 + 5) > 0 && leaks(hour * 60 + 11) == 0);
        for edge in [hour * 60 + 50, hour * 60 + 10] {
            let roused = |m: i64| play.roused(m * MINUTE - 50, m * MINUTE).len();
            assert!(roused(edge) == 5 && roused(edge + 1) == 0, "minute {edge}");
        }
    }
    assert_eq!(play.effect(0, 10 * MINUTE), play.effect(0, 0), "nothing ends that never began");
    act.every_ms = 0;
    let once = Scenario::of(vec![act]).bind(&city);
    assert!((0..5060).all(|n| once.effect(n, 115 * MINUTE).is_calm()));
    assert!(once.roused(109 * MINUTE, 131 * MINUTE).is_empty());
}
