//! The shipped limits against the standards they name: what is compliant is no alarm, the first step beyond it is one.

use maibo_core::engine::Machine;
use maibo_core::id::PartitionId;
use maibo_core::input::Input;

use crate::engine_world::{World, reading, s};

/// Device kind, quantity, and values with the level they must reach (`-`: none).
type Case = (&'static str, &'static str, &'static [(f64, &'static str)]);

const CASES: &[Case] = &[
    // HJ 633-2026: up to and including 60, 115, 150, 250 is the better grade.
    (
        "air-station",
        "pm25",
        &[
            (60.0, "-"),
            (61.0, "blue"),
            (115.0, "blue"),
            (116.0, "yellow"),
            (150.0, "yellow"),
            (151.0, "orange"),
            (250.0, "orange"),
            (251.0, "red"),
        ],
    ),
    // GB 3838-2002: at least 5, 3, 2 mg/L.
    (
        "river",
        "dissolved_oxygen",
        &[(5.0, "-"), (4.9, "blue"), (3.0, "blue"), (2.9, "yellow"), (2.0, "yellow"), (1.9, "orange")],
    ),
    // GB 5749-2022: at least 0.05 mg/L; at most 1 NTU.
    ("tap-water", "chlorine", &[(0.11, "-"), (0.05, "blue"), (0.04, "yellow"), (0.02, "orange")]),
    ("tap-water", "turbidity", &[(1.0, "-"), (1.1, "yellow"), (3.0, "orange")]),
    // Beijing: at least 18 degrees.
    ("heating", "room_temperature", &[(18.0, "-"), (17.9, "blue"), (16.0, "yellow"), (12.0, "orange")]),
    // GB 50013-2018: 10 m of head are 0.098 MPa.
    (
        "water-network",
        "water_pressure",
        &[(0.141, "-"), (0.14, "blue"), (0.098, "blue"), (0.097, "yellow"), (0.05, "orange"), (0.0, "red")],
    ),
    // A cover can tilt either way; vendors alarm above 10 degrees.
    (
        "manhole",
        "manhole_tilt",
        &[
            (10.0, "-"),
            (-10.0, "-"),
            (11.0, "yellow"),
            (-11.0, "yellow"),
            (-45.0, "orange"),
            (75.0, "red"),
            (-90.0, "red"),
        ],
    ),
    // GB/T 50493-2019: the first alarm is set at no more than 25 %LEL.
    ("gas-well", "gas_ch4", &[(9.0, "-"), (10.0, "blue"), (20.0, "yellow"), (25.0, "orange"), (50.0, "red")]),
    ("smoke", "smoke", &[(0.0, "-"), (1.0, "red")]),
    ("light-cabinet", "power", &[(1.0, "-"), (0.0, "yellow")]),
    // The lower bounds of Beaufort 6, 8, 10 and 12.
    ("weather", "wind_speed", &[(10.7, "-"), (10.8, "blue"), (17.2, "yellow"), (24.5, "orange"), (32.7, "red")]),
];

fn packs() -> Vec<(String, String)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the packs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|x| x != "toml") {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        packs.push((name, std::fs::read_to_string(&path).expect("a pack")));
    }
    packs.sort();
    packs
}

/// The level that a value of a fresh device comes to.
fn level(rules: &str, kind: &str, quantity: &str, value: f64) -> String {
    let devices = format!("id,kind,place,domain,interval\nd,{kind},110105003,traffic,10s\n");
    let mut w = World::with(PartitionId(0), rules, &devices);
    for n in 0..=60 {
        let now = s(10 * n);
        w.run(now).batch(vec![Input::Reading(reading("d", quantity, now, now, value))]);
    }
    let open = |m: &Machine| m.open_alerts().map(|t| t.level).max();
    open(&w.machine).map_or_else(|| "-".to_owned(), |l| l.as_str().to_owned())
}

// shipped limits: a value that the named standard allows raises nothing, the first one it does not allow does.
#[test]
fn compliant_values_are_no_alarm() {
    let rules = packs().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    for (kind, quantity, values) in CASES {
        for (value, want) in *values {
            assert_eq!(level(&rules, kind, quantity, *value), *want, "{kind} {quantity} {value}");
        }
    }
}

// shipped limits: whatever raised an alert, a plain good value ends it.
#[test]
fn every_shipped_ladder_ends() {
    let packs = packs();
    let texts: Vec<(&str, &str)> = packs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let set = maibo_core::rule::RuleSet::compile(&texts).unwrap_or_else(|p| panic!("{p:?}"));
    for rule in &set.rules {
        // What an expression gives has no range; its own scenarios show that it ends.
        let Some(ladder) = rule.threshold().filter(|t| t.expression.is_none()) else { continue };
        let spec = maibo_core::reading::quantity::lookup(ladder.quantity.as_str()).expect("registered");
        let tenths = (0..=10_000).map(|i| spec.min + (spec.max - spec.min) * f64::from(i) / 10_000.0);
        for term in ladder.periods.iter().flatten().filter(|t| t.signal.is_a_value()) {
            let back = |v: f64| term.steps.iter().all(|s| term.back(s, v));
            assert!(tenths.clone().any(back), "{} can never end", rule.id);
        }
    }
}
