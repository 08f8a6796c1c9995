//! The simulated city: determinism, plausibility, calm, acts and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use maibo_sim::city::{City, DISTRICTS, Device, KINDS};
use maibo_sim::fault::{Fault, FaultPlan};
use maibo_sim::report::Reporter;
use maibo_sim::scenario::Scenario;
use maibo_sim::signal;
use serde_json::json;

/// 2026-11-23T00:00:00Z.
const START: i64 = 1_795_392_000_000;
const HOUR: i64 = 3_600_000;

fn reporter(city: &Arc<City>, scenario: &str, faults: &FaultPlan) -> Reporter {
    Reporter::new(Arc::clone(city), &Scenario::parse(scenario).expect("a scenario"), faults, START)
}

fn devices_of<'c>(city: &'c City, kind: &'c str) -> impl Iterator<Item = (u32, &'c Device)> {
    city.devices().iter().enumerate().filter(move |(_, d)| d.kind.name == kind).map(|(n, d)| (n as u32, d))
}

// Protects every later test: the same seed gives the same city and values, another seed another city.
#[test]
fn the_same_seed_gives_the_same_city_and_values() {
    let (a, b) = (City::new(7, 500, 10), City::new(7, 500, 10));
    assert_eq!(a.catalogue_csv(), b.catalogue_csv());
    assert_ne!(a.catalogue_csv(), City::new(8, 500, 10).catalogue_csv());
    let (a, b) = (Arc::new(a), Arc::new(b));
    let (ra, rb) = (
        reporter(&a, "cloudburst:110105", &FaultPlan::default()),
        reporter(&b, "cloudburst:110105", &FaultPlan::default()),
    );
    for n in 0..510 {
        for t in [START, START + 77_123, START + 5 * HOUR] {
            assert_eq!(ra.messages(n, t), rb.messages(n, t));
        }
    }
}

// Protects the catalogue's contract: header, columns, unique ids, nine-digit places, intervals, known words.
#[test]
fn the_catalogue_is_well_formed() {
    let city = City::default_size(1);
    let csv = city.catalogue_csv();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class"));
    let mut ids = BTreeSet::new();
    for line in lines {
        let f: Vec<&str> = line.split(',').collect();
        assert_eq!(f.len(), 12, "{line}");
        assert!(ids.insert(f[0]), "{} twice", f[0]);
        assert!(f[3].len() == 9 && DISTRICTS.iter().any(|d| f[3].starts_with(d.code)), "{line}");
        assert!(f[8].strip_suffix('s').is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0)), "{line}");
        assert!(["municipal", "traffic", "ecology", "health", "safety", "emergency"].contains(&f[6]));
        assert!(["public", "internal", "sensitive"].contains(&f[11]));
    }
    assert_eq!(ids.len(), 5060);
}

// Protects the demonstration's picture: all kinds, all domains and districts, points near their district's centre, rate.
#[test]
fn the_default_city_is_complete_and_sends_as_promised() {
    let city = City::default_size(1);
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut domains, mut districts) = (BTreeSet::new(), BTreeSet::new());
    let mut rate = 0.0;
    for d in city.devices() {
        *kinds.entry(d.kind.name).or_default() += 1;
        domains.insert(d.kind.domain);
        districts.insert(d.district.code);
        rate += 1000.0 / d.interval_ms() as f64 * if d.is_roadside_unit() { 2.0 + 1.0 / 6.0 } else { 1.0 };
        let near = d.district.areas.iter().any(|a| {
            let (x, y) = ((d.lon - a.lon) * a.lat.to_radians().cos(), d.lat - a.lat);
            x.hypot(y) <= a.radius
        });
        assert!(near, "{} stands outside {}", d.id, d.district.en);
    }
    assert_eq!(kinds.len(), 18);
    assert!(KINDS.iter().all(|k| kinds[k.name] == k.share));
    assert_eq!((domains.len(), districts.len()), (6, 16));
    assert!((100.0..150.0).contains(&rate), "{rate} messages a second");
    assert_eq!(City::new(1, 1, 0).devices().len(), 1);
    assert_eq!(City::new(1, 23, 2).devices().len(), 25);
}

/// Below or above these a shipped rule speaks: quantity, kind, lowest limit, highest limit.
const LIMITS: [(&str, &str, f64, f64); 27] = [
    ("water_depth", "waterlogging", -1.0, 5.0),
    ("mean_speed", "traffic-flow", 53.0, 200.0),
    ("queue_length", "traffic-flow", -1.0, 150.0),
    ("gas_ch4", "gas-well", -1.0, 10.0),
    ("gas_h2s", "gas-well", -1.0, 6.0),
    ("oxygen", "gas-well", 19.5, 23.0),
    ("manhole_tilt", "manhole", -1.0, 10.0),
    ("level_percent", "manhole", -1.0, 70.0),
    ("water_pressure", "water-network", 0.14, 1.0),
    ("room_temperature", "heating", 18.0, 30.0),
    ("power", "light-cabinet", 0.5, 2.0),
    ("light_on", "light-cabinet", 97.0, 101.0),
    ("pm25", "air-station", 0.0, 60.0),
    ("pm10", "air-station", 0.0, 150.0),
    ("no2", "air-station", 0.0, 200.0),
    ("o3", "air-station", 0.0, 160.0),
    ("so2", "air-station", 0.0, 150.0),
    ("co", "air-station", 0.0, 5.0),
    ("chlorine", "tap-water", 0.11, 2.0),
    ("turbidity", "tap-water", -1.0, 1.0),
    ("beds_used", "hospital", 0.0, 85.0),
    ("crowd_density", "crowd", -1.0, 2.0),
    ("smoke", "smoke", -1.0, 1.0),
    ("rain", "weather", -1.0, 30.0),
    ("wind_speed", "weather", -1.0, 10.8),
    ("dissolved_oxygen", "river", 5.3, 20.0),
    ("temperature", "weather", -20.0, 34.0),
];

// Protects the calm: no healthy sensor reaches a limit, at any hour of a week.
#[test]
fn calm_values_stay_within_all_limits() {
    let city = City::default_size(3);
    for (quantity, kind, low, high) in LIMITS {
        let mut seen = 0;
        for (_, d) in devices_of(&city, kind) {
            assert!(d.kind.quantities.contains(&quantity), "{kind} has no {quantity}");
            for n in 0..60 {
                let v = signal::value(d, quantity, START + n * 10_080_000 + 13_000);
                assert!(v > low && v < high, "{} {quantity} {v}", d.id);
                seen += 1;
            }
        }
        assert!(seen > 0, "nobody measures {quantity}");
    }
}

// Protects the noise limits, which differ by class of place and between day and night.
#[test]
fn calm_noise_keeps_the_limits_of_its_class() {
    let city = City::default_size(3);
    for (_, d) in devices_of(&city, "noise") {
        let (day, night) = if d.labels() == "noise_class=4a" { (70.0, 55.0) } else { (60.0, 50.0) };
        for minute in (0..1440).step_by(7) {
            let t = START + minute * 60_000;
            let limit = if (6.0..22.0).contains(&signal::hour(t)) { day } else { night };
            let v = signal::value(d, "noise", t);
            assert!(v < limit && v > 25.0, "{} {v} at {}", d.id, signal::hour(t));
        }
    }
}

/// Act, kind of device, quantity, and what is severe.
type Case = (&'static str, &'static str, &'static str, fn(f64) -> bool);

// Protects the scenarios: each act takes its quantity over the top limit in its district and leaves others alone.
#[test]
fn acts_raise_their_quantities_where_they_happen() {
    let city = Arc::new(City::default_size(1));
    let cases: [Case; 13] = [
        ("cloudburst", "waterlogging", "water_depth", |v| v >= 50.0),
        ("heavy-pollution", "air-station", "pm25", |v| v >= 250.0),
        ("gas-leak", "gas-well", "gas_ch4", |v| v >= 50.0),
        ("cabinet-power-cut", "light-cabinet", "power", |v| v == 0.0),
        ("traffic-accident", "traffic-flow", "mean_speed", |v| v < 15.0),
        ("crowd-surge", "crowd", "crowd_density", |v| v >= 6.0),
        ("manhole-shift", "manhole", "manhole_tilt", |v| v >= 60.0),
        ("pipe-burst", "water-network", "water_pressure", |v| v <= 0.14),
        ("gale", "weather", "wind_speed", |v| v >= 24.5),
        ("chlorine-loss", "tap-water", "chlorine", |v| v <= 0.02),
        ("turbid-water", "tap-water", "turbidity", |v| v >= 3.0),
        ("river-spill", "river", "dissolved_oxygen", |v| v <= 3.0),
        ("loud-site", "noise", "noise", |v| v >= 85.0),
    ];
    for (act, kind, quantity, severe) in cases {
        let scenario = Scenario::parse(&format!("{act}:110105@10s")).expect("a scenario");
        let act = &scenario.acts()[0];
        let mut wide = act.clone();
        wide.devices = wide.devices.max(40);
        let r = Reporter::new(Arc::clone(&city), &Scenario::of(vec![wide.clone()]), &FaultPlan::none(), START);
        let worst = START + wide.from_ms + wide.ramp_ms + 60_000;
        let hit = |t: i64, here: bool| {
            devices_of(&city, kind)
                .filter(|(_, d)| (d.district.code == "110105") == here)
                .filter(|(n, _)| r.values(*n, t).iter().any(|(q, v)| *q == quantity && severe(*v)))
                .count()
        };
        assert!(hit(worst, true) > 0, "{}", wide.kind.as_str());
        assert_eq!(hit(worst, false), 0, "{} elsewhere", wide.kind.as_str());
        assert_eq!(hit(START, true), 0, "{} before", wide.kind.as_str());
        assert_eq!(hit(START + wide.from_ms + wide.lasting_ms + 1, true), 0, "{} after", wide.kind.as_str());
    }
}

// Protects a power cut: cabinets say so, what hangs on them falls silent.
#[test]
fn a_power_cut_silences_the_street() {
    let city = Arc::new(City::default_size(1));
    let r = reporter(&city, "cabinet-power-cut:110105", &FaultPlan::none());
    let t = START + 60_000;
    let silent: Vec<&str> =
        (0..5060).filter(|n| r.messages(*n, t).is_empty()).map(|n| city.devices()[n as usize].kind.name).collect();
    assert!(
        !silent.is_empty() && silent.iter().all(|k| ["noise", "crowd", "rsu", "traffic-flow"].contains(k)),
        "{silent:?}"
    );
}

// Protects the command line: scenarios compose, nonsense is refused with the reason.
#[test]
fn scenarios_are_read_or_refused() {
    let s = Scenario::parse("cloudburst:110105, gas-leak:110101@2m+5m").expect("two acts");
    assert_eq!(s.acts().len(), 2);
    assert_eq!((s.acts()[1].from_ms, s.acts()[1].lasting_ms), (120_000, 300_000));
    assert!(Scenario::parse("calm").expect("calm").acts().is_empty());
    for bad in ["flood:110105", "cloudburst", "cloudburst:999999", "cloudburst:110105@soon", "gas-leak:110101+9999h"] {
        assert!(Scenario::parse(bad).is_err(), "{bad}");
    }
}

// Protects the fault classes: each does what its name says to the messages of a real device.
#[test]
fn faults_do_what_they_say() {
    let city = Arc::new(City::default_size(1));
    let only = |fault: Fault| {
        let mut per_10_000 = [0; 8];
        per_10_000[Fault::ALL.iter().position(|f| *f == fault).expect("listed")] = 10_000;
        reporter(&city, "calm", &FaultPlan { per_10_000 })
    };
    let (n, d) = devices_of(&city, "gas-well").next().expect("a gas well");
    let text = |r: &Reporter, t: i64| -> Vec<String> {
        r.messages(n, t).into_iter().map(|m| String::from_utf8(m.payload).expect("text")).collect()
    };
    let t = START + HOUR + 17_000;
    let starts = |fault: Fault, claimed: i64| {
        let got = text(&only(fault), t);
        assert!(got.len() == 1 && got[0].starts_with(&format!("{{\"t\":{claimed},")), "{fault:?} {got:?}");
    };
    starts(Fault::FastClock, t + HOUR);
    starts(Fault::ResetClock, t - START);
    starts(Fault::WrongZone, t + 8 * HOUR);
    let twice = text(&only(Fault::Duplicate), t);
    assert!(twice.len() == 2 && twice[0] == twice[1]);
    let stuck = only(Fault::Stuck);
    assert_eq!(stuck.values(n, t), stuck.values(n, t + 40 * 60_000));
    let drift = only(Fault::Drift);
    assert!(drift.values(n, START + 15 * HOUR)[1].1 > signal::value(d, "oxygen", START + 15 * HOUR));
    let (dropout, late) = (only(Fault::Dropout), only(Fault::LateBatch));
    let grid: Vec<i64> = (0..240).map(|k| START + k * d.interval_ms()).collect();
    let silent = grid.iter().filter(|t| text(&dropout, **t).is_empty()).count();
    assert!((24..=28).contains(&silent), "{silent} silent reports in two hours");
    let records: usize = grid.iter().flat_map(|t| text(&late, *t)).map(|m| m.matches("\"t\":").count()).sum();
    assert!((238..=242).contains(&records), "{records} records in two hours: late, not lost");
    let plan = FaultPlan::default();
    let faulty = city.devices().iter().filter(|d| plan.of(d).is_some()).count();
    assert!((40..160).contains(&faulty), "{faulty}");
}

// Protects the dialect of roadside units: topics, an event that begins, lasts and is cancelled once over.
#[test]
fn roadside_units_speak_their_dialect() {
    let city = Arc::new(City::default_size(1));
    let r = reporter(&city, "traffic-accident:110105@1m+2m", &FaultPlan::none());
    let events = |t: i64| -> Vec<serde_json::Value> {
        let all = devices_of(&city, "rsu").flat_map(|(n, _)| r.messages(n, t));
        all.filter(|m| m.topic.ends_with("/RSI/UP"))
            .map(|m| serde_json::from_slice(&m.payload).expect("json"))
            .collect()
    };
    assert!(events(START + 30_000).is_empty());
    let during = events(START + 90_000);
    assert!((1..=2).contains(&during.len()));
    assert_eq!(during[0]["rsiDatas"][0]["eventStatus"], true);
    let after = events(START + 181_000);
    assert_eq!(after[0]["rsiDatas"][0]["eventStatus"], false);
    assert_eq!(after[0]["rsiDatas"][0]["alertID"], during[0]["rsiDatas"][0]["alertID"]);
    assert!(events(START + 200_000).is_empty());
}

// Protects the list of what units say: all five kinds of messages, each at its rate, named and shaped as the dialect has it.
#[test]
fn roadside_units_say_all_they_have_to_say() {
    let city = Arc::new(City::default_size(1));
    let r = reporter(&city, "calm", &FaultPlan::none());
    let (n, d) = devices_of(&city, "rsu").next().expect("a unit");
    let mut seen: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    for beat in 0..720 {
        for m in r.messages(n, START + 4321 + beat * d.interval_ms()) {
            seen.entry(m.topic).or_default().push(serde_json::from_slice(&m.payload).expect("json"));
        }
    }
    let first: Vec<String> = r.messages(n, START + 4321).into_iter().map(|m| m.topic).collect();
    assert!(first.iter().any(|t| t == "V2X/RSU/INFO/UP"), "a unit introduces itself first: {first:?}");
    let count = |topic: &str| seen.get(topic).map_or(0, Vec::len);
    assert_eq!((count("V2X/RSU/HB/UP"), count("V2X/RSU/INFO/UP"), count("V2X/RSU/RunningInfo/UP")), (720, 2, 120));
    let users = &seen[&format!("V2X/RSU/{}/RSM/UP", d.id)];
    assert!(seen.len() == 4 && users.len() == 720);
    let info = &seen["V2X/RSU/INFO/UP"][0];
    assert_eq!(
        (&info["rsuEsn"], &info["rsuName"], &info["rsuStatus"]),
        (&json!(d.id), &json!(d.name), &json!("Normal"))
    );
    assert!((info["location"]["lon"].as_f64().expect("a number") / 1e7 - d.lon).abs() < 1e-6);
    assert_eq!(seen["V2X/RSU/HB/UP"][0]["rsuEsn"], d.id);
    assert!(seen["V2X/RSU/RunningInfo/UP"][0]["runningInfo"]["cpu"]["uti"].is_number());
    assert!(users.iter().all(|u| !u["content"]["rsms"][0]["participants"].as_array().expect("a list").is_empty()));
}
