//! The index opened to what lowers it.

use std::collections::BTreeSet;
use std::fmt::Write;

use maibo_core::id::{PartId, PlaceCode, Subject};
use maibo_core::place::Domain;

use super::*;

/// Pseudo-random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

const DISTRICTS: [&str; 4] = ["110105", "110106", "110108", "110000"];

/// Devices, values, alerts and silence at random.
fn city(seed: u64) -> Stage {
    let mut dice = Dice(seed);
    let mut text = "id,kind,place,domain\n".to_owned();
    let devices = 200 + dice.below(200);
    for n in 0..devices {
        let district = DISTRICTS[dice.below(4) as usize];
        let street = if district == "110000" { String::new() } else { format!("{:03}", dice.below(5)) };
        let domain = Domain::ALL[dice.below(5) as usize].as_str();
        writeln!(text, "d-{n},waterlogging,{district}{street},{domain}").expect("a text");
    }
    // A street with more devices than are listed.
    for n in 0..130 {
        writeln!(text, "m-{n},waterlogging,110101001,traffic").expect("a text");
    }
    let stage = Stage::city_of(&text);
    let ids: Vec<String> = stage.picture.roster().devices.iter().map(|e| e.id.to_string()).collect();
    for id in &ids {
        if dice.below(5) > 0 {
            stage.read(2_000, id, dice.below(600) as f64 / 1_000.0);
        }
        if dice.below(12) == 0 {
            stage.tell(2_000, &[transition(id, 1, Level::ALL[dice.below(4) as usize], State::Firing)]);
        }
        if dice.below(15) == 0 {
            stage.step(2_000, PartitionId(0), vec![], &[], &[verdict(id, Verdict::Unknown { why: Unknown::Stale })]);
        }
    }
    for n in 0..6 {
        let place = ["110105", "110106001", "110000", "110108003", "110119", "110101001"][n];
        let domain = Domain::ALL[dice.below(6) as usize];
        stage.tell(2_000, &[about_place(place, domain, Level::ALL[dice.below(4) as usize])]);
    }
    stage
}

/// An alert about a place.
fn about_place(place: &str, domain: Domain, level: Level) -> Transition {
    let mut t = transition("wl-1", 1, level, State::Firing);
    let code = PlaceCode::new(place).expect("a place");
    t.subject = Subject::Place(code.clone());
    (t.place, t.domain) = (Some(code), domain);
    t.episode = EpisodeId::derive(&t.rule, &t.subject, t.started_at, domain as u32);
    t
}

fn tenths(points: f64) -> u64 {
    (points * 10.0).round() as u64
}

fn left(level: api::Level) -> u64 {
    match level {
        api::Level::Blue => 950,
        api::Level::Yellow => 800,
        api::Level::Orange => 600,
        api::Level::Red => 400,
    }
}

/// The score of a depth by the rules of these tests, in tenths.
fn by_depth(depth: f64) -> u64 {
    let ladder = [(0.025, 100.0), (0.05, 95.0), (0.15, 80.0), (0.27, 60.0), (0.5, 40.0)];
    let Some(n) = ladder.iter().position(|(at, _)| depth < *at) else { return 400 };
    let Some(((from, above), (to, below))) = n.checked_sub(1).map(|before| (ladder[before], ladder[n])) else {
        return 1_000;
    };
    tenths(above + (below - above) * (depth - from) / (to - from))
}

/// Computes a part and everything below it from explanations alone; gives its index and how many parts there were.
fn recomputed(stage: &Stage, scope: &Scope, of: &str) -> (Option<u64>, usize) {
    let told = stage.picture.explain(scope, &Part::parse(of).expect("a part")).unwrap_or_else(|| panic!("no {of}"));
    let (mut sum, mut weight, mut parts) = (tenths(told.rest.sum), told.rest.weight, 1);
    let (mut devices, mut online) = (0, 0);
    for child in &told.children {
        let (index, below) = recomputed(stage, scope, &child.of);
        assert_eq!(index, child.index.map(tenths), "{of} shows {} as it is", child.of);
        assert_eq!(index.is_none(), child.weight == 0, "{}", child.of);
        sum += index.unwrap_or_default() * child.weight;
        (weight, parts) = (weight + child.weight, parts + below);
        (devices, online) = (devices + child.devices, online + child.online);
    }
    for device in &told.devices {
        let cap = device.level.map_or(1_000, left);
        let distance = device.distance.map(tenths);
        assert_eq!(tenths(device.score), distance.unwrap_or(1_000).min(cap), "{device:?}");
        assert_eq!(distance.is_none(), device.unknown_why.is_some());
        if let Some(distance) = distance {
            // A value on the edge of a tenth may fall to either side.
            assert!(distance.abs_diff(by_depth(device.value.expect("a value"))) <= 1, "{device:?}");
        }
        (sum, weight) = (sum + tenths(device.score), weight + 1);
    }
    let part = &told.part;
    if told.children.is_empty() {
        let unknown = told.unknown.never + told.unknown.stale + told.unknown.deaf;
        assert_eq!(part.devices - part.online, unknown, "{of}");
    } else {
        assert_eq!((part.devices, part.online), (devices, online), "{of}");
    }
    let coverage = (part.online as f64 / part.devices as f64 * 1_000.0).round() / 1_000.0;
    assert_eq!(part.coverage, (part.devices > 0).then_some(coverage), "{of}");
    let mean = (weight > 0).then(|| (2 * sum + weight) / (2 * weight));
    assert_eq!(part.mean.map(tenths), mean, "{of}");
    let cap = part.cap.as_ref().map(|cap| {
        assert_eq!(tenths(cap.score), left(cap.level));
        assert!(cap.cause.is_some(), "{of} says what caps it");
        left(cap.level)
    });
    let index = mean.map(|m| m.min(cap.unwrap_or(1_000))).or(cap);
    assert_eq!(part.index.map(tenths), index, "{of}");
    (index, parts)
}

// P: every number of the index is what anybody computes from its explanation, down to the devices, in any city and for
// anybody who sees a part of it.
#[test]
fn every_number_follows_from_its_explanation() {
    let mut part = Scope::everything();
    part.districts = Some(BTreeSet::from(["110105".to_owned(), "110106".to_owned()]));
    part.domains = Some(BTreeSet::from([Domain::Traffic, Domain::Ecology]));
    for seed in 0..6 {
        let stage = city(seed);
        for scope in [Scope::everything(), part.clone()] {
            let (index, parts) = recomputed(&stage, &scope, "city");
            assert!(parts > 8 && index.is_some(), "{parts} parts are a city");
            let told = stage.picture.index(&scope);
            assert_eq!(told.city.index.map(tenths), index);
            assert_eq!(stage.picture.tally(&scope).index, told.city.index);
            for of in told.domains.iter().chain(&told.districts) {
                assert_eq!(recomputed(&stage, &scope, &of.of).0, of.index.map(tenths), "{}", of.of);
            }
            for street in ["street:110105000", "street:110106001"] {
                recomputed(&stage, &scope, street);
            }
        }
        let told =
            stage.picture.explain(&Scope::everything(), &Part::parse("street:110101001/traffic").expect("a part"));
        let street = told.expect("a street");
        assert!(street.devices.len() == 50 && street.rest.count > 0, "what is not listed is summed up");
        assert!(street.devices.is_sorted_by(|a, b| a.score <= b.score), "the lowest are listed");
    }
}

// P: the alert of a device caps its street, that of a place the place, and neither what is above them.
#[test]
fn caps_stay_where_they_belong() {
    let stage = Stage::new();
    for id in ["wl-1", "wl-2", "wl-3", "aq-1"] {
        stage.read(2_000, id, 0.0);
    }
    let index = |of: &str| {
        let told = stage.picture.explain(&Scope::everything(), &Part::parse(of).expect("a part")).expect("explained");
        (told.part.index, told.part.cap.map(|c| (c.level, c.cause.expect("a cause").subject.id)))
    };
    stage.tell(2_100, &[transition("wl-2", 1, Level::Red, State::Firing)]);
    let by = |level, id: &str| Some((level, id.to_owned()));
    assert_eq!(index("street:110105003/traffic"), (Some(40.0), by(api::Level::Red, "wl-2")));
    assert_eq!(index("district:110105/traffic"), (Some(40.0), None));
    assert_eq!(index("domain:traffic"), (Some(70.0), None));
    assert_eq!(index("district:110105"), (Some(70.0), None));
    assert_eq!(index("city"), (Some(85.0), None));
    // Of the district of the other street, and of the whole domain.
    stage.tell(2_200, &[about_place("110106", Domain::Traffic, Level::Orange)]);
    assert_eq!(index("district:110106/traffic"), (Some(60.0), by(api::Level::Orange, "110106")));
    assert_eq!(index("street:110106002/traffic"), (Some(100.0), None));
    assert_eq!(index("domain:traffic"), (Some(50.0), None));
    stage.tell(2_300, &[about_place("110000", Domain::Ecology, Level::Yellow)]);
    assert_eq!(index("domain:ecology"), (Some(80.0), by(api::Level::Yellow, "110000")));
    assert_eq!(index("city"), (Some(65.0), None));
}

// P: the devices that lower a street come with value, limit, level and score, the unknown ones with why.
#[test]
fn a_street_opens_to_its_devices() {
    let stage = Stage::new();
    stage.read(2_000, "wl-2", 0.3);
    let explain =
        || stage.picture.explain(&Scope::everything(), &Part::parse("street:110105003/traffic").expect("a part"));
    let told = explain().expect("a street");
    let device = &told.devices[0];
    assert_eq!((device.id.as_str(), device.name.as_str(), device.value), ("wl-2", "安华桥", Some(0.3)));
    assert_eq!((device.limit, device.limit_level), (Some(0.27), Some(api::Level::Orange)));
    assert_eq!((device.level, device.distance, device.score), (None, Some(57.4), 57.4));
    let missing: Vec<_> = told.unknown.devices.iter().map(|d| (d.id.as_str(), d.why)).collect();
    assert_eq!((missing, told.unknown.never), (vec![("wl-3", api::UnknownWhy::Never)], 1));
    assert_eq!(told.part.coverage, Some(0.5));
    stage.tell(2_100, &[transition("wl-2", 1, Level::Red, State::Firing)]);
    stage.city(3_000, Input::Deaf { source: None, from: Timestamp(2_500) });
    let told = explain().expect("a street");
    let device = &told.devices[0];
    assert_eq!((device.level, device.distance, device.score), (Some(api::Level::Red), None, 40.0));
    assert_eq!((device.unknown_why, told.unknown.deaf), (Some(api::UnknownWhy::Deaf), 2));
}

// P: what a caller may not see has no explanation, and neither has what does not exist.
#[test]
fn only_what_is_seen_is_explained() {
    let stage = Stage::new();
    stage.read(2_000, "wl-1", 0.0);
    let scope = Scope {
        districts: Some(BTreeSet::from(["110106".to_owned()])),
        domains: Some(BTreeSet::from([Domain::Traffic])),
    };
    let seen = |scope: &Scope, of: &str| stage.picture.explain(scope, &Part::parse(of).expect("a part")).is_some();
    let all = [
        ("domain:traffic", true),
        ("domain:ecology", false),
        ("district:110106", true),
        ("district:110106/traffic", true),
        ("district:110105", false),
        ("street:110106002", true),
        ("street:110105003", false),
        ("street:110105003/traffic", false),
    ];
    for (of, allowed) in all {
        assert!(seen(&Scope::everything(), of), "{of}");
        assert_eq!(seen(&scope, of), allowed, "{of}");
    }
    for of in ["district:110199", "street:110106009", "street:110106002/health", "district:none"] {
        assert!(!seen(&Scope::everything(), of), "{of}");
    }
    let told = stage.picture.index(&scope);
    assert_eq!((told.domains.len(), told.districts.len(), told.city.devices), (1, 1, 1));
}

// P: a part is read as it is written, and nothing else is read.
#[test]
fn parts_by_name() {
    for text in
        ["city", "domain:health", "district:none", "district:110105/traffic", "street:110105003", "street:1/safety"]
    {
        assert_eq!(Part::parse(text).map(|p| p.to_string()).as_deref(), Some(text));
    }
    for text in [
        "",
        "town",
        "domain:",
        "domain:110105",
        "district:",
        "district:abc",
        "street:none",
        "street:1100000000000",
        "district:110105/",
    ] {
        assert_eq!(Part::parse(text), None, "{text}");
    }
}

// A drill is neither counted nor does it lower anything, wherever it plays.
#[test]
fn drills_lower_nothing() {
    let stage = Stage::city_of("id,kind,place,domain\nd-1,waterlogging,110105001,emergency\n");
    stage.read(2_000, "d-1", 0.0);
    let index = || stage.picture.index(&Scope::everything());
    let before = index();
    for (n, place) in ["110105", "110105001", "110000"].into_iter().enumerate() {
        let mut t = about_place("110105", Domain::Emergency, Level::Red);
        t.subject = Subject::Drill(maibo_core::id::DrillId::new(&format!("d{n}")).expect("a drill"));
        t.place = maibo_core::id::PlaceCode::new(place).ok();
        t.episode = EpisodeId::derive(&t.rule, &t.subject, t.started_at, 1);
        stage.tell(3_000, &[t]);
    }
    assert_eq!(stage.picture.drills(&Scope::everything()).len(), 3);
    let after = index();
    assert_eq!((&after.city, &after.domains, &after.districts), (&before.city, &before.domains, &before.districts));
    assert!(
        stage.picture.tally(&Scope::everything()).districts.values().all(|d| d.open == api::LevelCounts::default())
    );
}

// An alert of Maibo about itself is open and seen, and the city is none the worse for it.
#[test]
fn what_is_wrong_with_maibo_lowers_nothing() {
    let stage = Stage::city_of("id,kind,place,domain\nd-1,waterlogging,110105001,emergency\n");
    stage.read(2_000, "d-1", 0.0);
    let index = || stage.picture.explain(&Scope::everything(), &Part::Domain(Domain::Emergency)).expect("there").part;
    let before = index();
    let mut t = about_place("110105", Domain::Emergency, Level::Red);
    (t.subject, t.place) = (Subject::Part(PartId::new("data").expect("a part")), None);
    stage.tell(3_000, &[t.clone()]);
    let after = index();
    assert_eq!((before.index, after.index), (Some(100.0), Some(100.0)));
    assert_eq!((after.open.red, after.cap.is_none()), (1, true));
    // One about the domain itself does.
    t.subject = Subject::Source(maibo_core::id::SourceId::new("north").expect("a source"));
    t.episode = EpisodeId::derive(&t.rule, &t.subject, t.started_at, 1);
    stage.tell(4_000, &[t]);
    assert_eq!(index().index, Some(40.0));
}
