//! Several devices of one place at once.

use maibo_core::fact::Reason;
use maibo_core::id::{DeviceId, Subject};
use maibo_core::input::Told;
use maibo_core::place::Level::{Blue, Orange, Red, Yellow};
use maibo_core::reading::Text;

use crate::engine_world::block::{Block, flood, flood_with};
use crate::engine_world::{ZERO, depth, ladder, s};

const A: &str = "110105003-a";
const B: &str = "110105003-b";
const C: &str = "110105004-c";
const D: &str = "110105004-d";
const ELSEWHERE: &str = "110106001-e";

fn three() -> Block {
    let mut b = Block::new(&flood());
    b.at(s(0)).fire(A, Yellow).at(s(60)).fire(B, Orange).at(s(120)).fire(C, Yellow);
    b.expect(&["120000 v1 firing red quorum"]);
    b
}

// the third device of a district makes it one alert of the place, with how many there are and how many are enough.
#[test]
fn enough_devices_are_an_alert() {
    let b = three();
    let t = b.w.last();
    assert_eq!((t.subject.kind(), t.subject.id().as_ref()), ("place", "110105"));
    assert_eq!((t.value, t.threshold), (Some(3.0), Some(3.0)));
    assert_eq!(
        (t.started_at.0 - ZERO, t.place.as_ref().map(maibo_core::id::PlaceCode::as_str)),
        (s(120), Some("110105"))
    );
}

// what is not of the place, or not at the level, does not count; a level that is reached later counts from then.
#[test]
fn only_the_place_and_the_level_count() {
    let mut b = Block::new(&flood());
    b.at(0).fire(A, Yellow).fire(B, Yellow).fire(ELSEWHERE, Yellow).fire(C, Blue).expect(&[]);
    b.at(s(30)).fire(C, Yellow).expect(&["30000 v1 firing red quorum"]);
}

// begun too far apart is no quorum; the newest three within the time are.
#[test]
fn not_within_the_time() {
    let mut b = Block::new(&flood());
    b.at(0).fire(A, Yellow).at(s(300)).fire(B, Yellow).at(s(601)).fire(C, Yellow).expect(&[]);
    b.at(s(900)).fire(D, Yellow).expect(&["900000 v1 firing red quorum"]);
    assert_eq!(b.w.last().value, Some(4.0));
}

// a level that fell and came back counts from when it came back.
#[test]
fn a_level_counts_anew() {
    let mut b = Block::new(&flood());
    b.at(0).fire(A, Yellow).at(s(10)).fire(A, Blue).at(s(500)).fire(B, Yellow).at(s(700)).fire(C, Yellow).expect(&[]);
    b.at(s(800)).fire(A, Red).expect(&["800000 v1 firing red quorum"]);
}

// fewer for keep_firing_for: over. One more in time: not.
#[test]
fn fewer_for_long_enough_ends_it() {
    let mut b = three();
    b.at(s(200)).end(A).at(s(319)).fire(D, Yellow).at(s(900)).expect(&[]);
    b.end(B).at(s(1_000)).end(C).at(s(1_020)).expect(&["1020000 v2 resolved red quorum_lost"]);
    assert_eq!(b.w.last().value, Some(1.0));
    b.at(s(5_000)).expect(&[]);
}

// more devices are no news of the alert.
#[test]
fn more_devices_are_no_transition() {
    let mut b = three();
    b.at(s(130)).fire(D, Red).expect(&[]);
}

// silence is not recovery: a device whose data went stale still counts.
#[test]
fn stale_devices_count() {
    let mut b = three();
    let mut stale = b.fires(A, Yellow);
    stale.stale = true;
    b.tell(vec![stale]).at(s(4_000)).expect(&[]);
}

// news of an alert that leaves its level as it was leaves also the time it counts from.
#[test]
fn other_news_do_not_count_anew() {
    let mut b = Block::new(&flood());
    b.at(0).fire(A, Yellow).at(s(500));
    let mut stale = b.fires(A, Yellow);
    stale.stale = true;
    b.tell(vec![stale]).fire(B, Yellow).at(s(700)).fire(C, Yellow).expect(&[]);
}

// what is told late counts from when it happened, whatever the order it is told in.
#[test]
fn order_does_not_matter() {
    let mut late = Block::new(&flood());
    let first = late.at(0).fires(A, Yellow);
    let second = late.at(s(60)).fires(B, Yellow);
    let third = late.at(s(120)).fires(C, Yellow);
    late.at(s(2_000)).tell(vec![first, second, third]);
    late.expect(&["120000 v1 firing red quorum"]);
    assert_eq!(late.w.last().started_at.0 - ZERO, s(120));
}

// the time that Maibo was not there is not counted towards the end.
#[test]
fn a_stop_of_maibo_is_not_recovery() {
    let mut b = three();
    b.at(s(200)).end(A);
    b.w.at(s(1_000)).stopped(s(210));
    b.at(s(1_109)).expect(&[]).at(s(1_110)).expect(&["1110000 v2 resolved red quorum_lost"]);
}

// a street and the whole city.
#[test]
fn other_extents() {
    let conditions = "rule = \"depth\", level = \"blue\", count = 2, within = \"1m\", of = ";
    let mut b = Block::new(&flood_with(&format!("{conditions}\"street\"")));
    b.at(0).fire(A, Yellow).fire(C, Yellow).fire(B, Yellow).expect(&["0 v1 firing red quorum"]);
    assert_eq!(b.w.last().subject.id(), "110105003");
    let mut b = Block::new(&flood_with(&format!("{conditions}\"city\"")));
    b.at(0).fire(A, Yellow).fire(ELSEWHERE, Yellow).expect(&["0 v1 firing red quorum"]);
    assert_eq!(b.w.last().subject.id(), "110000");
}

// timers and what counts survive a restart.
#[test]
fn a_restart_keeps_the_timer() {
    let mut b = three();
    b.at(s(200)).end(A);
    b.w.restart();
    b.at(s(320)).expect(&["320000 v2 resolved red quorum_lost"]);
    b.w.restart();
    b.at(s(330)).fire(D, Yellow).expect(&["330000 v1 firing red quorum"]);
}

// the same pending-since twice is two alerts.
#[test]
fn no_identity_is_given_twice() {
    let mut b = Block::new(&flood().replace("2m", "0s"));
    let told = ["110105003-a", "110105003-b", "110105004-c"].map(|d| b.at(0).fires(d, Yellow));
    b.tell(told.to_vec()).expect(&["0 v1 firing red quorum"]);
    let mut late = b.fires(D, Yellow);
    late.index += 1;
    b.next += 1;
    let end = b.at(s(5)).ends(A);
    b.tell(vec![end]).expect(&["5000 v2 resolved red quorum_lost"]);
    late.index = b.next;
    b.next += 1;
    b.w.restart();
    b.tell(vec![late]);
    let ids: Vec<_> = b.w.transitions().iter().filter(|t| t.version == 1).map(|t| t.episode).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(b.w.last().started_at.0, ZERO);
}

// edits: judged at once by the new numbers; another rule or place is another signal; removed is removed.
#[test]
fn edits() {
    let edit = |b: &mut Block, rules: &str| {
        let rules = depth("") + rules;
        b.w.edit(&rules);
    };
    let mut b = three();
    edit(b.at(s(130)), &flood().replace("level = \"red\"", "level = \"orange\""));
    b.expect(&["130000 v2 firing orange rule_changed"]);
    edit(&mut b, &flood().replace("count = 3", "count = 4"));
    b.expect(&["130000 v3 resolved orange rule_changed"]);
    edit(b.at(s(140)), &flood().replace("count = 3", "count = 2"));
    b.expect(&["140000 v1 firing red quorum"]);
    edit(&mut b, &flood().replace("count = 3", "count = 2").replace("district", "city"));
    b.expect(&["140000 v1 firing red quorum", "140000 v2 resolved red rule_changed"]);
    edit(&mut b, "");
    b.expect(&["140000 v2 resolved red rule_removed"]);
    assert_eq!(b.w.machine.open_alerts().count(), 0);
}

// a rule that comes into force later sees what is open already.
#[test]
fn a_new_rule_sees_what_is_open() {
    let mut b = Block::new("");
    b.at(0).fire(A, Yellow).fire(B, Yellow).fire(C, Yellow).expect(&[]);
    b.w.restart().at(s(60)).edit(&(depth("") + &flood()));
    b.expect(&["60000 v1 firing red quorum"]);
    assert_eq!(b.w.last().started_at.0, ZERO);
}

// a shorter keep_firing_for counts from when there were fewer.
#[test]
fn an_edited_timer_goes_on() {
    let mut b = three();
    b.at(s(200)).end(A);
    b.w.at(s(210)).edit(&(depth("") + &flood().replace("2m", "30s")));
    b.at(s(230)).expect(&["230000 v2 resolved red quorum_lost"]);
}

// facts are law: an alert that only this binary decided is undone, one that only the log has is open and ends by its rule.
#[test]
fn the_log_stands() {
    let mut b = three();
    let decided = b.w.facts.clone();
    b.w.impose(&decided, &[]);
    assert_eq!(b.w.machine.open_alerts().count(), 0);
    b.w.restart();
    b.w.impose(&[], &decided);
    assert_eq!(b.w.machine.open_alerts().count(), 1);
    b.w.restart();
    b.at(s(200)).end(A).at(s(320));
    assert_eq!((b.w.last().reason, b.w.last().version), (Reason::QuorumLost, 2));
}

// an operator can take notice of it.
#[test]
fn it_can_be_acknowledged() {
    let mut b = three();
    assert!(b.w.acknowledge("li", 1).result.is_ok());
    b.expect(&["120000 v2 firing red acknowledged acknowledged"]);
}

// everything wrong with a quorum is told at once, and what it watches must be there.
#[test]
fn wrong_quorums_do_not_compile() {
    let problems = |rules: &str| -> String {
        let pack = depth("") + rules;
        let found = maibo_core::rule::RuleSet::compile(&[("p.toml", &pack)]).expect_err("problems");
        found.into_iter().fold(String::new(), |text, p| text + &p.to_string() + "\n")
    };
    expect_test::expect![[r"
        flood.when: does not belong to a quorum rule: whom it is about the other rule says
        flood.for: does not belong to a quorum rule: whom it is about the other rule says
        flood.quorum.level: `pink` is not one of blue, yellow, orange, red
        flood.quorum.count: is below 2: one device is the other rule's own alert
        flood.quorum.within: is zero: no two devices reach a level in the same millisecond
        flood.quorum.of: `village` is not one of street, district, city
        flood.quorum.colour: unknown key
        flood.level: is missing
    "]]
    .assert_eq(&problems(&ladder(
        "flood",
        "quorum = { rule = \"depth\", level = \"pink\", count = 1, within = \"0s\", of = \"village\", colour = 1 }\n\
         when = { kind = \"k\" }\nfor = \"1s\"",
    )));
    assert_eq!(
        problems(&flood_with("rule = \"dept\", level = \"blue\", count = 2, within = \"1s\", of = \"city\"")),
        "p.toml: flood.quorum.rule: `dept` is no rule, or one with problems\n"
    );
    assert_eq!(
        problems(&flood_with("rule = \"flood\", level = \"red\", count = 2, within = \"1s\", of = \"city\"")),
        "p.toml: flood.quorum.rule: `flood` is a quorum itself: name a rule of devices\n"
    );
    let silent = crate::engine_world::absent() + &flood().replace("\"depth\"", "\"silent\"");
    assert!(maibo_core::rule::RuleSet::compile(&[("p.toml", &silent)]).is_ok());
    assert_eq!(
        problems(&silent.replace("level = \"yellow\", c", "level = \"red\", c")),
        "p.toml: flood.quorum.level: `silent` has no level red\n"
    );
}

// a forced close ends the alert of the place while its devices go on; none opens until there were fewer for long enough.
#[test]
fn a_forced_close_holds_while_there_are_enough() {
    let mut b = three();
    assert!(b.w.close(true).is_ok());
    b.expect(&["120000 v2 resolved red closed"]);
    b.w.restart();
    b.at(s(130)).fire(D, Red).expect(&[]);
    b.at(s(200)).end(A).end(B).at(s(400)).expect(&[]);
    b.fire(A, Yellow).expect(&["400000 v1 firing red quorum"]);
}

// an edit that shortens `keep_firing_for` so that it is over ends the alert with the edit, not before it.
#[test]
fn what_an_edit_leaves_over_ends_with_it() {
    let mut b = Block::new(&flood());
    b.at(0);
    let told: Vec<_> = [A, B, C].map(|d| b.fires(d, Yellow)).to_vec();
    b.tell(told).end(A).expect(&["0 v1 firing red quorum"]);
    let shorter = depth("") + &flood().replace("keep_firing_for = \"2m\"", "keep_firing_for = \"5s\"");
    b.at(s(30)).w.edit(&shorter);
    b.expect(&["30000 v2 resolved red quorum_lost"]);
}

// members are devices: two events of one unit are one, since the first of them; when that ends the other stands for it.
#[test]
fn several_events_of_a_device_are_one_member() {
    let mut b =
        Block::new(&flood_with("rule = \"depth\", level = \"yellow\", count = 2, within = \"30s\", of = \"street\""));
    let event = |told: Told, identity: &str| {
        let (device, identity) = (DeviceId::new(A).expect("id"), Text::from(identity));
        Told { subject: Subject::Event { device, identity }, ..told }
    };
    let (one, two) = (b.at(0).fires("110105003-a1", Yellow), b.fires("110105003-a2", Orange));
    b.tell(vec![event(one, "1"), event(two, "2")]).expect(&[]);
    // Behind 30 s of the first, but not of one that comes later.
    let three = b.at(s(20)).fires("110105003-a3", Yellow);
    b.tell(vec![event(three, "3")]).at(s(40)).fire(B, Yellow).expect(&[]);
    let (one, two) = (b.at(s(45)).ends("110105003-a1"), b.ends("110105003-a2"));
    b.tell(vec![event(one, "1"), event(two, "2")]).w.restart();
    b.expect(&["45000 v1 firing red quorum"]);
    let three = b.at(s(50)).ends("110105003-a3");
    b.tell(vec![event(three, "3")]).at(s(300)).expect(&["170000 v2 resolved red quorum_lost"]);
}
