//! Rule packs and catalogues: everything wrong is told at once, with its place, and nothing wrong compiles.

mod engine_world;

use engine_world::{absent, depth, ladder};
use expect_test::{Expect, expect};
use maibo_core::id::DeviceId;
use maibo_core::place::Level;
use maibo_core::registry::Catalogue;
use maibo_core::rule::{Bound, Direction, Problem, RuleKind, RuleSet};
use maibo_core::time::Millis;

fn problems(packs: &[(&str, &str)]) -> String {
    lines(RuleSet::compile(packs).expect_err("problems"))
}

fn lines(found: Vec<Problem>) -> String {
    found.into_iter().fold(String::new(), |text, p| text + &p.to_string() + "\n")
}

#[track_caller]
fn check(pack: &str, want: &Expect) {
    want.assert_eq(&problems(&[("p.toml", pack)]));
}

// The example that the product's description gives compiles, and means what it says.
#[test]
fn the_example() {
    let text = r#"
[[rule]]
id = "underpass-waterlogging"
title = { zh = "下凹桥区积水", en = "Underpass waterlogging" }
domain = "traffic"
when = { quantity = "water_depth", kind = "waterlogging" }      # any label, district, device list
levels = { blue = 5, yellow = 20, orange = 27, red = 50 }       # cm
direction = "above"                                             # above | below | outside
deadband = 2
for = "30s"
keep_firing_for = "2m"
source = "Beijing underpass lines: 20 cm slow, 27 cm closed (2013)"
advice = { zh = "封闭道路，启动排水", en = "Close the road, start the pumps" }
"#;
    let set = RuleSet::compile(&[("traffic.toml", text)]).expect("good");
    let rule = &set.rules[0];
    let [ladder] = rule.threshold().expect("a ladder").first() else { panic!("one term") };
    assert_eq!(
        (rule.title.en.as_str(), ladder.direction, ladder.deadband),
        ("Underpass waterlogging", Direction::Above, 2.0)
    );
    let steps: Vec<_> = ladder.steps.iter().map(|s| (s.level, s.bound, s.hold, s.keep)).collect();
    let (hold, keep) = (Millis::from_secs(30), Millis::from_secs(120));
    let want = [(Level::Blue, 5.0), (Level::Yellow, 20.0), (Level::Orange, 27.0), (Level::Red, 50.0)];
    assert_eq!(steps, want.map(|(l, v)| (l, Bound::Value(v), hold, keep)));
}

// The packs that are shipped compile together.
#[test]
fn the_shipped_packs_compile() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let mut packs: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the packs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            let text = std::fs::read_to_string(&path).expect("a pack");
            packs.push((path.file_name().expect("a name").to_string_lossy().into_owned(), text));
        }
    }
    let refs: Vec<(&str, &str)> = packs.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let set = RuleSet::compile(&refs).unwrap_or_else(|p| panic!("{}", lines(p)));
    let domains: std::collections::BTreeSet<_> = set.rules.iter().map(|r| r.domain).collect();
    assert_eq!(domains.len(), 6, "all six domains have rules");
}

// All problems of all packs at once, each with pack, rule and key; unknown keys are refused at every depth.
#[test]
fn all_problems_at_once() {
    let one = r#"
extra = 1
[[rule]]
id = "no good"
[[rule]]
id = "r"
title = { zh = "甲", fr = "a" }
domain = "moon"
when = { quantity = "phlogiston", colour = "red", devices = ["a b"], labels = { x = 1 } }
levels = { blue = "5", purple = 7 }
direction = "up"
deadband = -1
for = "30"
keep_firing_for = 5
min_samples = 0
stale_after = "0s"
nonsense = true
source = 1
"#;
    check(
        one,
        &expect![[r"
        p.toml: extra: unknown key
        p.toml: rule[0].id: has the character ' '; allowed are A-Z a-z 0-9 . _ -
        p.toml: rule[0].title: is missing
        p.toml: rule[0].domain: is missing
        p.toml: rule[0].when: is missing
        p.toml: rule[0].direction: is missing
        p.toml: rule[0].levels: is missing
        p.toml: rule[0].source: is missing
        p.toml: rule[0].advice: is missing
        r.title.en: is missing
        r.title.fr: unknown key
        r.domain: `moon` is not one of municipal, traffic, ecology, health, safety, emergency
        r.when.quantity: `phlogiston` is not a known quantity
        r.when.labels.x: is a number, not a text
        r.when.devices[0]: has the character ' '; allowed are A-Z a-z 0-9 . _ -
        r.when.colour: unknown key
        r.direction: `up` is not one of above, below, outside
        r.deadband: is below 0
        r.for: `30` is not a length of time such as 500ms, 30s, 2m, 1h or 7d
        r.keep_firing_for: is a number, not a text
        r.min_samples: is not a whole number from 1 to 1000
        r.stale_after: is zero: every value would be stale
        r.source: is a number, not a text
        r.advice: is missing
        r.nonsense: unknown key
    "]],
    );
}

// A ladder climbs in its direction, its bands hold more than two deadbands, and each limit can be reached.
#[test]
fn ladders_must_climb() {
    let rule = |lines: &str| ladder("r", &format!("when = {{ quantity = \"water_depth\" }}\n{lines}"));
    check(
        &rule("levels = { blue = 20, yellow = 20, red = 15 }\ndirection = \"above\""),
        &expect![[r"
        r.levels.yellow: does not lie further out than blue
        r.levels.red: does not lie further out than yellow
    "]],
    );
    check(
        &rule("levels = { blue = 10, red = 20 }\ndirection = \"below\""),
        &expect![[r"
        r.levels.red: does not lie further out than blue
    "]],
    );
    check(
        &rule("levels = { blue = [10, 20], red = [5, 15], orange = 5, yellow = [1, 2, 3] }\ndirection = \"outside\""),
        &expect![[r"
            r.levels.orange: is not a band [low, high], as `outside` needs
            r.levels.yellow: is not a band [low, high], as `outside` needs
        "]],
    );
    check(
        &rule("levels = { blue = [10, 20], red = [5, 15] }\ndirection = \"outside\"\ndeadband = 6"),
        &expect![[r"
        r.levels.red: does not lie further out than blue
        r.levels.blue: the band is empty, or narrower than two deadbands
        r.levels.red: the band is empty, or narrower than two deadbands
    "]],
    );
    check(
        &rule("levels = { }\ndirection = \"above\""),
        &expect![[r"
        r.levels: has no level
    "]],
    );
    let mm = problems(&[("p.toml", &rule("levels = { red = 500000 }\ndirection = \"above\""))]);
    assert!(mm.starts_with("r.levels.red: is never reached: water_depth is plausible from"), "{mm}");
}

// A level that no plausible value is back behind would never end: a deadband too wide, or a limit at the edge.
#[test]
fn ladders_must_end() {
    let rule = |quantity: &str, lines: &str| ladder("r", &format!("when = {{ quantity = \"{quantity}\" }}\n{lines}"));
    check(
        &rule("smoke", "levels = { red = 1 }\ndirection = \"above\"\ndeadband = 1"),
        &expect![[r"
            r.levels.red: never ends: no plausible value is back by the deadband; smoke is plausible from 0 to 1 1
        "]],
    );
    check(
        &rule("power", "levels = { yellow = 1, red = 0 }\ndirection = \"below\""),
        &expect![[r"
            r.levels.yellow: never ends: no plausible value is back by the deadband; power is plausible from 0 to 1 1
        "]],
    );
    check(
        &rule("ph", "levels = { blue = [14.5, 20], red = [-1, 30] }\ndirection = \"outside\"\ndeadband = 0.1"),
        &expect![[r"
            r.levels.red: is never reached: ph is plausible from 0 to 14 [pH]
            r.levels.blue: never ends: no plausible value is back by the deadband; ph is plausible from 0 to 14 [pH]
        "]],
    );
    for good in [
        rule("smoke", "levels = { red = 1 }\ndirection = \"above\"\ndeadband = 0.9"),
        rule("power", "levels = { yellow = 0 }\ndirection = \"below\""),
        rule("ph", "levels = { blue = [6, 9] }\ndirection = \"outside\"\ndeadband = 1"),
    ] {
        assert!(RuleSet::compile(&[("p.toml", &good)]).is_ok(), "{good}");
    }
}

// Names that begin like those of built-in rules are theirs.
#[test]
fn built_in_names_are_kept() {
    use maibo_core::engine::{CLOCK_RULE, MANY_RULE, SOURCE_RULE};
    for id in [SOURCE_RULE, CLOCK_RULE, MANY_RULE] {
        let found = problems(&[("p.toml", &depth("").replace("\"depth\"", &format!("\"{id}\"")))]);
        assert_eq!(found, format!("{id}.id: begins with `maibo-`, as only rules do that are built in\n"));
    }
}

// Per-level times name exactly the levels of the ladder.
#[test]
fn per_level_times() {
    check(
        &depth("for = { blue = \"1s\", red = \"1w\" }\nkeep_firing_for = { mauve = \"1s\" }"),
        &expect![[r"
        depth.for.red: `1w` is not a length of time such as 500ms, 30s, 2m, 1h or 7d
        depth.for: does not name exactly the levels of the ladder
        depth.keep_firing_for.mauve: `mauve` is not one of blue, yellow, orange, red
        depth.keep_firing_for: does not name exactly the levels of the ladder
    "]],
    );
}

// An absence rule has a level and a number of intervals, and nothing of a ladder.
#[test]
fn absence_rules() {
    let set = RuleSet::compile(&[("p.toml", &absent())]).expect("good");
    assert!(matches!(set.rules[0].kind, RuleKind::Absence(a) if a.intervals == 3 && a.level == Level::Yellow));
    check(
        &ladder(
            "r",
            "when = { quantity = \"water_depth\" }\nabsent = { times = 3 }\nlevel = \"pink\"\nfor = \"3s\"\nlevels = { red = 1 }",
        ),
        &expect![[r"
            r.when.quantity: does not belong to an absence rule: silence is of the whole device
            r.levels: does not belong to an absence rule
            r.for: does not belong to an absence rule
            r.absent.intervals: is missing
            r.absent.times: unknown key
            r.level: `pink` is not one of blue, yellow, orange, red
        "]],
    );
}

// Packs merge; an id stands once in all of them; a pack that is no TOML hides nothing of the others.
#[test]
fn packs_merge() {
    let set = RuleSet::compile(&[("b.toml", &depth("")), ("a.toml", &absent())]).expect("good");
    assert_eq!(set.rules.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["depth", "silent"]);
    assert!(RuleSet::compile(&[]).expect("good").rules.is_empty());
    let found =
        problems(&[("b.toml", &depth("")), ("a.toml", &depth("")), ("c.toml", "[[rule"), ("d.toml", "rule = 1")]);
    assert!(found.contains("b.toml: depth.id: is used twice, first in a.toml"), "{found}");
    assert!(found.contains("c.toml: TOML parse error at line 1"), "{found}");
    assert!(found.contains("d.toml: rule: is not a list; write [[rule]]"), "{found}");
}

// The version depends on names and texts, not on the order they are given in.
#[test]
fn the_version_is_the_text() {
    let version = |packs: &[(&str, &str)]| RuleSet::compile(packs).expect("good").version;
    let (a, b) = (depth(""), absent());
    assert_eq!(version(&[("a", &a), ("b", &b)]), version(&[("b", &b), ("a", &a)]));
    assert_ne!(version(&[("a", &a), ("b", &b)]), version(&[("b", &a), ("a", &b)]));
    assert_ne!(version(&[("a", &a)]), version(&[("a", &format!("{a}# \n"))]));
}

// Selectors: kind, district by prefix, labels, device list; all that are named must hold.
#[test]
fn selectors() {
    let catalogue = Catalogue::parse(
        "id,kind,place,domain,labels\na,k,110105003,traffic,river=tonghui;bank=n\nb,k,110106001,traffic,river=tonghui\nc,j,110105,traffic,\n",
    )
    .expect("good");
    let selected = |when: &str| {
        let text =
            depth("").replace("quantity = \"water_depth\", kind = \"k\"", &format!("quantity = \"water_depth\"{when}"));
        let set = RuleSet::compile(&[("p", &text)]).unwrap_or_else(|p| panic!("{p:?}"));
        let of = |d: &&maibo_core::registry::Device| !set.about(d).is_empty();
        catalogue.devices().iter().filter(of).map(|d| d.id.as_str().to_owned()).collect::<String>()
    };
    assert_eq!(selected(""), "abc");
    assert_eq!(selected(", kind = \"k\""), "ab");
    assert_eq!(selected(", district = \"110105\""), "ac");
    assert_eq!(selected(", district = \"110105000\""), "ac");
    assert_eq!(selected(", district = \"110105003\""), "a");
    for city in ["110000", "110100", "1101", "11", "110000000000"] {
        assert_eq!(selected(&format!(", district = \"{city}\"")), "abc", "{city}");
    }
    assert_eq!(selected(", district = \"120000\""), "");
    assert_eq!(selected(", labels = { river = \"tonghui\" }"), "ab");
    assert_eq!(selected(", labels = { river = \"tonghui\", bank = \"n\" }"), "a");
    assert_eq!(selected(", devices = [\"c\", \"a\"], kind = \"k\""), "a");
}

// Problems are bounded, and what is beyond the bound is counted.
#[test]
fn problems_are_bounded() {
    let many = (0..1000).fold(String::new(), |text, i| text + &format!("k{i} = 1\n"));
    let found = RuleSet::compile(&[("p", &many)]).expect_err("problems");
    assert_eq!((found.len(), found[200].text.as_str()), (201, "and 800 more"));
}

// The catalogue: columns in any order, everything read; an empty text is an empty catalogue.
#[test]
fn a_catalogue() {
    let text = "\u{feff}place,id,kind,domain,lon,lat,interval,labels,data_class,name\n\
                110105003,b,k,traffic,116.4,39.9,500ms,x=1; y=2,public,\"桥,北\"\n# a remark\n110105003,a,k,health,,,,,,\n";
    let catalogue = Catalogue::parse(text).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(catalogue.devices().iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let b = catalogue.get(&DeviceId::new("b").expect("id")).expect("known");
    assert_eq!((b.name.as_str(), b.position, b.interval), ("桥,北", Some((116.4, 39.9)), Some(Millis(500))));
    assert_eq!(b.labels.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]).collect::<String>(), "x1y2");
    assert_eq!(catalogue.number(&b.id), Some(1));
    assert!(Catalogue::parse("").expect("good").is_empty());
    assert!(Catalogue::parse("id,kind,place,domain\n").expect("good").is_empty());
}

// The catalogue: all problems at once with their lines.
#[test]
fn all_problems_of_a_catalogue() {
    let shown = |text: &str| lines(Catalogue::parse(text).expect_err("problems"));
    expect![[r"
        line 1: unknown column `colour`; known are id, kind, name, place, lon, lat, domain, owner, interval, power, labels, data_class, limits
        line 1: column `id` stands twice
        line 1: column `domain` is missing
    "]]
    .assert_eq(&shown("id,kind,place,colour,id\n"));
    let text = "id,kind,place,domain,lon,lat,interval,labels,data_class\n\
                a,k,1101,traffic,,,,,\n\
                a,k,1101,traffic,,,,,\n\
                b!,,x,moon,200,39,0s,l;m=1;m=2,secret\n\
                c,k,1101,traffic,116.1\n\
                d,k,1101,traffic,116.1,,3 s,,\n\
                e,k,1,traffic,,,,,\n";
    expect![[r"
        line 3: device `a` stands twice
        line 4: id has the character '!'; allowed are A-Z a-z 0-9 . _ -
        line 4: place has the character 'x'; allowed are 0-9
        line 4: domain `moon` is not one of the six
        line 4: kind is empty
        line 4: lon `200` and lat `39` are not a position in degrees
        line 4: interval is zero
        line 4: label `l` is not of the form key=value
        line 4: label `m` stands twice
        line 4: data_class `secret` is not public, internal or sensitive
        line 5: has 5 fields, the header has 9
        line 6: lon `116.1` and lat `` are not a position in degrees
        line 6: interval `3 s` is not a length of time such as 500ms, 30s, 2m, 1h or 7d
        line 7: place is shorter than 2 characters
    "]]
    .assert_eq(&shown(text));
}
