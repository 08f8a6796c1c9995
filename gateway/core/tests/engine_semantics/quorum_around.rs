//! §11: so many devices at most a radius from one of them.

use maibo_core::place::Level::{Blue, Orange, Yellow};

use crate::engine_world::block::{Block, flood_with, placed};
use crate::engine_world::{depth, s};

const A: &str = "110105003-a";
const B: &str = "110105003-b";
const C: &str = "110105004-c";
const D: &str = "110105004-d";
const E: &str = "110106001-e";

/// A row of devices 400 m apart, from west to east.
const ROW: [(&str, f64, f64); 5] =
    [(A, 0.0, 0.0), (B, 400.0, 0.0), (C, 800.0, 0.0), (D, 1200.0, 0.0), (E, 1600.0, 0.0)];

/// Three within 500 m of one of them.
const NEAR: &str = "rule = \"depth\", level = \"yellow\", count = 3, within = \"10m\", radius = 500";

fn row() -> Block {
    Block::placed(&flood_with(NEAR), &ROW)
}

/// A, C and B in alert: B is in the middle.
fn three() -> Block {
    let mut b = row();
    b.at(0).fire(A, Yellow).at(s(60)).fire(C, Orange).expect(&[]);
    b.at(s(120)).fire(B, Yellow).expect(&["120000 v1 firing red quorum"]);
    b
}

// the one around whom they are is what the alert is about, wherever the others are registered; its street is the place.
#[test]
fn enough_around_one_of_them() {
    let b = three();
    let t = b.w.last();
    assert_eq!((t.subject.kind(), t.subject.id().as_ref()), ("around", B));
    assert_eq!(t.place.as_ref().map(maibo_core::id::PlaceCode::as_str), Some("110105003"));
    assert_eq!((t.value, t.threshold), (Some(3.0), Some(3.0)));
    let title = maibo_core::rule::Words { zh: "甲".to_owned(), en: "a".to_owned() };
    let words = maibo_core::alert::sentence(t, &title);
    assert!(words.en.contains("3 devices at once in the surroundings of 110105003-b"), "{}", words.en);
    assert!(words.zh.contains("设备 110105003-b 周边有 3 处同时达到"), "{}", words.zh);
}

// three in a row whose ends are too far from whoever is in alert are none; nor are three at other times or levels.
#[test]
fn too_far_apart_in_space_time_or_level() {
    let mut b = row();
    b.at(0).fire(A, Yellow).fire(C, Yellow).fire(E, Yellow).fire(B, Blue).expect(&[]);
    b.at(s(601)).fire(B, Yellow).expect(&[]);
    b.end(A).at(s(602)).fire(A, Yellow).expect(&[]);
}

// who joins counts, also from behind the centre; it ends when too few are left around it for long enough, whoever they are.
#[test]
fn it_ends_when_too_few_are_left() {
    let mut b = three();
    // D is 800 m from B.
    b.at(s(130)).fire(D, Yellow).end(A).at(s(200)).fire(A, Yellow).at(s(400)).expect(&[]);
    // The centre itself is over, two are left.
    b.end(B).at(s(519)).expect(&[]);
    b.at(s(520)).expect(&["520000 v2 resolved red quorum_lost"]);
    assert_eq!(b.w.last().value, Some(2.0));
}

// an alert at the rim that was part of the one that ends can be in the middle of what goes on.
#[test]
fn what_goes_on_at_the_rim_is_told() {
    let mut b = three();
    b.at(s(180)).fire(D, Yellow).expect(&[]);
    b.at(s(300)).end(A).at(s(420)).expect(&["420000 v2 resolved red quorum_lost", "420000 v1 firing red quorum"]);
    assert_eq!(b.w.last().subject.id(), C, "B, C and D");
    assert_eq!(b.w.last().started_at.0 - crate::engine_world::ZERO, s(180), "when there were three around it");
}

// two groups far from each other are two alerts, in one street or not.
#[test]
fn two_groups_are_two_alerts() {
    let far = |id, east: f64| (id, east, 3_000.0);
    let devices =
        [ROW[0], ROW[1], ROW[2], far("110105003-f", 0.0), far("110105003-g", 300.0), far("110105003-h", 600.0)];
    let mut b = Block::placed(&flood_with(NEAR), &devices);
    b.at(0).fire(A, Yellow).fire(B, Yellow).fire(C, Yellow).expect(&["0 v1 firing red quorum"]);
    b.fire("110105003-f", Yellow).fire("110105003-g", Yellow).expect(&[]);
    b.fire("110105003-h", Yellow).expect(&["0 v1 firing red quorum"]);
    assert_eq!(b.w.last().subject.id(), "110105003-g");
}

// without a position a device counts for nothing, until the catalogue gives it one; one that moved away no longer does.
#[test]
fn positions_are_the_catalogues() {
    let unplaced = |devices: &[(&str, f64, f64)]| placed(devices) + "110105004-c,k,,110105004,traffic,,\n";
    let mut b = row();
    b.w.edit_catalogue(&unplaced(&[ROW[0], ROW[1]]));
    b.at(0).fire(A, Yellow).fire(B, Yellow).fire(C, Yellow).expect(&[]);
    b.at(s(60)).w.edit_catalogue(&placed(&ROW));
    b.expect(&["60000 v1 firing red quorum"]);
    b.at(s(90)).w.edit_catalogue(&placed(&[ROW[0], ROW[1], (C, 5_000.0, 0.0)]));
    b.at(s(209)).expect(&[]);
    b.at(s(210)).expect(&["210000 v2 resolved red quorum_lost"]);
}

// another radius is another question; the same rule with another level is not.
#[test]
fn edits() {
    let mut b = three();
    let rules = |of: &str| depth("") + &flood_with(of);
    b.at(s(130)).w.edit(&rules(&NEAR.replace("500", "300")));
    b.expect(&["130000 v2 resolved red rule_changed"]);
    b.at(s(140)).w.edit(&rules(NEAR));
    b.expect(&["140000 v1 firing red quorum"]);
    b.at(s(150)).w.edit(&rules(&NEAR.replace("radius = 500", "of = \"district\"")));
    // In the order of their subjects.
    b.expect(&["150000 v1 firing red quorum", "150000 v2 resolved red rule_changed"]);
    assert_eq!(b.w.machine.open_alerts().map(|t| t.subject.id().into_owned()).collect::<Vec<_>>(), ["110105"]);
    b.at(s(160)).w.edit(&depth(""));
    b.expect(&["160000 v2 resolved red rule_removed"]);
}

// timers, members and identities survive a restart; the alerts it stands on are in its incident.
#[test]
fn a_restart_keeps_it() {
    let mut b = three();
    b.w.restart();
    b.at(s(200)).end(A);
    b.w.restart();
    b.at(s(320)).expect(&["320000 v2 resolved red quorum_lost"]);
    b.w.restart();
    b.at(s(330)).fire(A, Yellow).expect(&["330000 v1 firing red quorum"]);
    let all: std::collections::BTreeSet<_> = b.grouped().into_values().collect();
    assert_eq!(all.len(), 1, "three devices, one of them twice, and two alerts of the surroundings");
}

// P8: a storm in one place is one alert, and no alert of it is held against all the others.
#[test]
fn a_storm_in_one_place_is_one_alert() {
    let names: Vec<String> = (0..20_000).map(|i| format!("110105003-{i:05}")).collect();
    let devices: Vec<(&str, f64, f64)> =
        names.iter().zip(0..).map(|(d, i)| (d.as_str(), f64::from(i % 150), f64::from(i / 150))).collect();
    let mut b = Block::placed(&flood_with(NEAR), &devices).alone();
    b.at(0);
    let told: Vec<_> = names.iter().map(|d| b.fires(d, Yellow)).collect();
    b.tell(told).expect(&["0 v1 firing red quorum"]);
    for name in &names[2..] {
        let over = b.ends(name);
        b.tell(vec![over]);
    }
    b.at(s(120)).expect(&["120000 v2 resolved red quorum_lost"]);
    assert_eq!(b.w.last().value, Some(2.0));
}

// one of `of` and `radius`, and a radius that can be meant.
#[test]
fn wrong_spreads_do_not_compile() {
    let problems = |more: &str| -> String {
        let quorum = format!("rule = \"depth\", level = \"yellow\", count = 3, within = \"10m\"{more}");
        let pack = depth("") + &flood_with(&quorum);
        let found = maibo_core::rule::RuleSet::compile(&[("p.toml", &pack)]).expect_err("problems");
        found.into_iter().fold(String::new(), |text, p| text + &p.to_string() + "\n")
    };
    expect_test::expect![[r"
        flood.quorum.of: is missing: street, district or city; or say `radius`, in metres
        flood.quorum.of: does not go with `radius`: say one of them
        flood.quorum.radius: is not a whole number of metres from 1 to 50000
        flood.quorum.radius: is not a whole number of metres from 1 to 50000
        flood.quorum.radius: is not a whole number of metres from 1 to 50000
    "]]
    .assert_eq(
        &["", ", of = \"street\", radius = 5", ", radius = 0", ", radius = 50001", ", radius = \"5m\""]
            .map(problems)
            .concat(),
    );
    let many = NEAR.replace("count = 3", "count = 101");
    let found =
        maibo_core::rule::RuleSet::compile(&[("p.toml", &(depth("") + &flood_with(&many)))]).expect_err("problems");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "flood.quorum.count: is above 100, the most that goes with `radius`");
}
