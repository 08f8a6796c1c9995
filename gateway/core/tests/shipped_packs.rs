//! The packs that ship, as a whole: that they say where their limits come from, that those of standards are the standards'
//! numbers, and that each kind of rule does what an operator expects of it.

mod engine_world;
#[path = "shipped_packs/scenarios.rs"]
mod scenarios;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use maibo_core::place::{Domain, Level};
use maibo_core::rule::{Bound, Confidence, Rule, RuleSet, Term};
use maibo_core::time::Timestamp;

/// Compiles a folder of packs.
fn compile(folder: &str) -> Arc<RuleSet> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(root).expect("the packs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|x| x == "toml") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            packs.push((name, std::fs::read_to_string(&path).expect("a pack")));
        }
    }
    let packs: Vec<(&str, &str)> = packs.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    Arc::new(RuleSet::compile(&packs).unwrap_or_else(|p| panic!("{p:?}")))
}

fn shipped() -> Arc<RuleSet> {
    compile("rules")
}

fn find<'a>(set: &'a RuleSet, id: &str) -> &'a Rule {
    set.rules.iter().find(|r| r.id.as_str() == id).unwrap_or_else(|| panic!("no rule {id}"))
}

/// Whether the rule is over before the moment.
fn ended(rule: &Rule, at: Timestamp) -> bool {
    rule.threshold().is_some_and(|t| t.schedule.as_ref().is_some_and(|s| s.ends()) && t.period(at).is_none())
}

/// A moment in Beijing.
fn beijing(text: &str) -> Timestamp {
    let t: jiff::Timestamp = format!("{text}+08:00").parse().expect("a time");
    Timestamp(t.as_millisecond())
}

// shipped packs: at least 40 rules in force, all six domains, each with its source and how far to trust it; what is only a
// default says so where the limits are explained.
#[test]
fn every_rule_says_where_its_limits_come_from() {
    let set = shipped();
    let mut domains: BTreeMap<Domain, usize> = BTreeMap::new();
    for rule in set.rules.iter().filter(|r| !ended(r, beijing("2026-06-01T00:00:00"))) {
        *domains.entry(rule.domain).or_default() += 1;
    }
    assert!(domains.values().sum::<usize>() >= 40, "{domains:?}");
    assert!(Domain::ALL.iter().all(|d| domains.get(d).is_some_and(|n| *n >= 6)), "{domains:?}");
    for rule in &set.rules {
        let confidence = rule.confidence.unwrap_or_else(|| panic!("{} says not how far to trust it", rule.id));
        assert!(rule.source.chars().count() >= 20, "{} names no source", rule.id);
        assert!([&rule.title, &rule.advice].iter().all(|w| !w.zh.is_empty() && !w.en.is_empty()), "{}", rule.id);
        if confidence == Confidence::Default {
            let says = ["default", "not read itself", "a suggestion"].iter().any(|w| rule.source.contains(w));
            assert!(says && rule.source.contains("default"), "{} is a default and does not say so", rule.id);
        }
        if ["GB 3095", "HJ 633", "GB 5749"].iter().any(|s| rule.source.contains(s)) {
            let both = rule.source.contains("2012 and");
            assert!(both || rule.effective.is_some(), "{} says not since when", rule.id);
        }
    }
}

/// Limits of a period of the first term: `blue 50.1 yellow 55.1`.
fn limits(terms: &[Term], term: usize) -> String {
    let one = |s: &maibo_core::rule::Step| match s.bound {
        Bound::Value(v) => format!("{} {v}", s.level.as_str()),
        Bound::Band { low, high } => format!("{} {low}..{high}", s.level.as_str()),
    };
    terms[term].steps.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Rule, period, term, limits: the numbers of standards, with the first value that violates them.
const LIMITS: &[(&str, u8, usize, &str)] = &[
    // GB 3096-2008, Leq by day and by night; sudden noise at night 15 dB over it.
    ("noise-class-0", 0, 0, "blue 50.1 yellow 55.1 orange 60.1"),
    ("noise-class-0", 1, 0, "blue 40.1 yellow 45.1 orange 50.1"),
    ("noise-class-1", 0, 0, "blue 55.1 yellow 60.1 orange 65.1"),
    ("noise-class-1", 1, 0, "blue 45.1 yellow 50.1 orange 55.1"),
    ("noise-class-2", 0, 0, "blue 60.1 yellow 65.1 orange 70.1"),
    ("noise-class-2", 1, 0, "blue 50.1 yellow 55.1 orange 60.1"),
    ("noise-class-3", 0, 0, "blue 65.1 yellow 70.1 orange 75.1"),
    ("noise-class-3", 1, 0, "blue 55.1 yellow 60.1 orange 65.1"),
    ("noise-class-4a", 0, 0, "blue 70.1 yellow 75.1 orange 80.1"),
    ("noise-class-4a", 1, 0, "blue 55.1 yellow 60.1 orange 65.1"),
    ("noise-class-4b", 0, 0, "blue 70.1 yellow 75.1 orange 80.1"),
    ("noise-class-4b", 1, 0, "blue 60.1 yellow 65.1 orange 70.1"),
    ("noise-sudden-0", 0, 0, "blue 55.1 yellow 65.1"),
    ("noise-sudden-1", 0, 0, "blue 60.1 yellow 70.1"),
    ("noise-sudden-2", 0, 0, "blue 65.1 yellow 75.1"),
    ("noise-sudden-3", 0, 0, "blue 70.1 yellow 80.1"),
    ("noise-sudden-4a", 0, 0, "blue 70.1 yellow 80.1"),
    ("noise-sudden-4b", 0, 0, "blue 75.1 yellow 85.1"),
    // Beijing and national rain, by window.
    ("rain-beijing", 0, 0, "blue 30 yellow 50 orange 70 red 100"),
    ("rain-beijing", 0, 1, "blue 50 yellow 70 orange 100 red 150"),
    ("rain-beijing", 0, 2, "blue 70 yellow 100 orange 150 red 200"),
    ("rain-national", 0, 0, "blue 50"),
    ("rain-national", 0, 1, "yellow 50"),
    ("rain-national", 0, 2, "orange 50 red 100"),
    // HJ 633 and GB 3095, by edition.
    ("pm25-hour", 0, 0, "blue 61 yellow 116 orange 151 red 251"),
    ("pm25-hour-2012", 0, 0, "blue 76 yellow 116 orange 151 red 251"),
    ("pm25-day", 0, 0, "blue 61 yellow 116 orange 151 red 251"),
    ("pm25-day-2012", 0, 0, "blue 76 yellow 116 orange 151 red 251"),
    ("pm25-day-2031", 0, 0, "blue 51 yellow 116 orange 151 red 251"),
    ("pm10-day", 0, 0, "blue 121 yellow 251 orange 351 red 421"),
    ("pm10-day-2012", 0, 0, "blue 151 yellow 251 orange 351 red 421"),
    ("pm10-day-2031", 0, 0, "blue 101 yellow 251 orange 351 red 421"),
    ("station-ozone-hour", 0, 0, "blue 201 yellow 301 orange 401 red 801"),
    ("station-no2-hour", 0, 0, "blue 201 yellow 701 orange 1201"),
    ("station-aqi-hour", 0, 0, "yellow 201 orange 301"),
    ("station-aqi-day", 0, 0, "blue 201 yellow 301"),
    // GB 3838-2002, classes III to V.
    ("river-oxygen-low", 0, 0, "blue 4.9 yellow 2.9 orange 1.9"),
    ("river-ammonia", 0, 0, "blue 1.01 yellow 1.51 orange 2.01"),
    ("river-ph", 0, 0, "yellow 6..9"),
    ("water-station-permanganate", 0, 0, "blue 6.1 yellow 10.1 orange 15.1"),
    ("water-station-cod", 0, 0, "blue 20.1 yellow 30.1 orange 40.1"),
    ("water-station-phosphorus", 0, 0, "blue 0.21 yellow 0.31 orange 0.41"),
    // GB 50838, detectors, speeds, the index, warnings.
    ("tunnel-gas", 0, 0, "orange 20 red 35"),
    ("well-oxygen", 0, 0, "yellow 19.5..23 orange 18..25"),
    ("expressway-congestion", 0, 0, "blue 50 yellow 35 orange 20"),
    ("trunk-congestion", 0, 0, "blue 30 yellow 20 orange 15"),
    ("minor-congestion", 0, 0, "blue 25 yellow 15 orange 10"),
    ("traffic-index", 0, 0, "blue 4 yellow 6 orange 8"),
    ("waterlogging-30-50", 0, 0, "blue 15 yellow 30 red 50"),
    ("heat", 0, 0, "yellow 35 orange 37 red 40"),
    ("room-cold", 0, 0, "blue 17.9 yellow 16 orange 12"),
];

// shipped limits: they are the numbers of the standards, and of the right hours.
#[test]
fn limits_are_those_of_the_standards() {
    let set = shipped();
    for (id, period, term, want) in LIMITS {
        let threshold = find(&set, id).threshold().expect("a threshold");
        assert_eq!(limits(threshold.terms(Some(*period)), *term), *want, "{id}, period {period}, term {term}");
    }
    for (id, want) in [("rain-beijing", [1, 6, 24]), ("rain-national", [12, 6, 3])] {
        let terms = find(&set, id).threshold().expect("a threshold").first();
        assert_eq!(terms.iter().map(|t| t.window.0 / 3_600_000).collect::<Vec<_>>(), want, "{id}");
    }
    let events = find(&set, "road-events").event().expect("an event rule");
    for (code, want) in [
        ("rsi.100", Some(Level::Orange)),
        ("rsi.302", Some(Level::Blue)),
        ("rsi.305", Some(Level::Yellow)),
        ("rsi.707", Some(Level::Yellow)),
        ("rsi.904", Some(Level::Orange)),
        ("rsi.905", None),
        ("radar.10", Some(Level::Blue)),
    ] {
        assert_eq!(events.level(code), want, "{code}");
    }
}

// editions: of each standard exactly one is awake, and they change at local midnight.
#[test]
fn one_edition_is_in_force_at_a_time() {
    let set = shipped();
    let families: [(&[&str], &[(&str, usize)]); 4] = [
        (&["pm25-hour-2012", "pm25-hour"], &[("2026-03-01T00:00:00", 1)]),
        (&["pm25-day-2012", "pm25-day", "pm25-day-2031"], &[("2026-03-01T00:00:00", 1), ("2031-01-01T00:00:00", 2)]),
        (&["pm10-day-2012", "pm10-day", "pm10-day-2031"], &[("2026-03-01T00:00:00", 1), ("2031-01-01T00:00:00", 2)]),
        (&["station-aqi-day-2012", "station-aqi-day"], &[("2026-03-01T00:00:00", 1)]),
    ];
    for (rules, changes) in families {
        for (at, now) in changes {
            for (t, want) in [(Timestamp(beijing(at).0 - 1), now - 1), (beijing(at), *now)] {
                let awake = |id: &&str| find(&set, id).threshold().is_some_and(|r| r.period(t).is_some());
                let awake: Vec<&str> = rules.iter().copied().filter(|id| awake(&id)).collect();
                assert_eq!(awake, [rules[want]], "{at}");
            }
        }
    }
}

// The folder for judging any year by the editions of 2012: the ended rules, word for word, without their end.
#[test]
fn the_old_pack_is_the_ended_rules_without_their_end() {
    let (set, old) = (shipped(), compile("rules/until-2026-02"));
    let ids = |rules: &mut dyn Iterator<Item = &Rule>| rules.map(|r| r.id.to_string()).collect::<Vec<_>>();
    let now = beijing("2026-03-01T00:00:00");
    assert_eq!(ids(&mut old.rules.iter()), ids(&mut set.rules.iter().filter(|r| ended(r, now))));
    for rule in &old.rules {
        let mut ended = find(&set, rule.id.as_str()).clone();
        if let maibo_core::rule::RuleKind::Threshold(t) = &mut ended.kind {
            t.schedule = None;
        }
        assert_eq!(*rule, ended);
    }
}

// confidence: the words are three, and another one is told with them.
#[test]
fn an_unknown_confidence_is_told() {
    let text = engine_world::depth("confidence = \"sure\"");
    let told = RuleSet::compile(&[("p.toml", &text)]).expect_err("a problem");
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["depth.confidence: `sure` is not one of verified, weak, default"]);
    let read =
        |more: &str| RuleSet::compile(&[("p.toml", &engine_world::depth(more))]).expect("good").rules[0].confidence;
    assert_eq!(read(""), None);
    assert_eq!(read("confidence = \"weak\""), Some(Confidence::Weak));
}
