//! What Maibo found out about itself: one alert for each part that is not well.

use maibo_core::alert::sentence;
use maibo_core::fact::Body;
use maibo_core::id::{PartId, PartitionId, Position};
use maibo_core::input::{Check, Finding, Found, Input};
use maibo_core::place::Level;
use maibo_core::rule::Words;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, catalogue, depth, s};

fn city() -> World {
    World::with(PartitionId::CITY, &depth(""), &catalogue(&[]))
}

fn found(part: &str, level: Option<Level>, since: i64, words: &str) -> Vec<Input> {
    let part = PartId::new(part).expect("id");
    let (since, found) = (Timestamp(ZERO + since), Found::new("剩余 3%", words));
    vec![Input::Found(Box::new(Finding { check: Check::Disk, part, level, since, found }))]
}

// one episode while it is not well, whatever is said again; its level follows; well again, it ends; then another begins.
#[test]
fn a_part_that_is_not_well_is_one_alert() {
    let mut w = city();
    w.at(s(10)).batch(found("data", None, s(10), "")).expect(&[]);
    w.at(s(20)).batch(found("data", Some(Level::Yellow), s(15), "3 % left"));
    w.at(s(21)).batch(found("data", Some(Level::Yellow), s(15), "3 % left"));
    w.at(s(30)).batch(found("data", Some(Level::Red), s(15), "full")).restart();
    w.at(s(40)).batch(found("data", Some(Level::Orange), s(15), "2 % left"));
    w.at(s(50)).batch(found("data", None, s(50), "")).batch(found("data", None, s(50), ""));
    w.at(s(60)).batch(found("data", Some(Level::Yellow), s(15), "3 % left"));
    w.expect(&[
        "20000 v1 firing yellow unwell",
        "30000 v2 firing red raised",
        "40000 v3 firing orange lowered",
        "50000 v4 resolved orange well",
        "60000 v1 firing yellow unwell",
    ]);
    let told = w.transitions();
    assert_eq!((told[0].started_at.0 - ZERO, told[0].rule.as_str()), (s(15), "maibo-disk"));
    assert_ne!(told[0].episode, told[4].episode, "the same since, and another episode");
    let title = Words { zh: "磁盘空间不足".into(), en: "Disk space is short".into() };
    let said: Vec<String> = told.iter().map(|t| sentence(t, &title).en).collect();
    assert_eq!(
        said[..4],
        [
            "Disk space is short: 3 % left",
            "Disk space is short, raised to red: full",
            "Disk space is short, lowered to orange: 2 % left",
            "Disk space is short (data): well again after 35 s",
        ]
    );
}

// each part has its own; an edit of the rules ends none of them.
#[test]
fn parts_are_apart() {
    let mut w = city();
    w.at(0).batch(found("data", Some(Level::Yellow), 0, "")).batch(found("spool", Some(Level::Red), 0, ""));
    w.edit(&depth("for = \"5s\""));
    assert_eq!(w.machine.open_alerts().count(), 2);
    w.at(s(1)).batch(found("spool", None, s(1), ""));
    assert_eq!(w.machine.open_alerts().map(|t| t.subject.id().into_owned()).collect::<Vec<_>>(), ["data"]);
}

// closed by force it is told again only after it was well.
#[test]
fn a_forced_close_latches() {
    let mut w = city();
    w.at(0).batch(found("data", Some(Level::Yellow), 0, ""));
    assert_eq!(w.at(s(1)).close(false), Err("still_firing"));
    assert!(w.close(true).is_ok());
    w.restart().at(s(2)).batch(found("data", Some(Level::Red), 0, ""));
    assert_eq!(w.machine.open_alerts().count(), 0);
    w.batch(found("data", None, s(2), "")).batch(found("data", Some(Level::Red), s(2), ""));
    assert_eq!(w.machine.open_alerts().count(), 1);
}

// facts are law: what only the log has is open, and ends like any other; what it does not have is not.
#[test]
fn what_the_log_says_stands() {
    let mut told = city();
    told.at(0).batch(found("data", Some(Level::Yellow), 0, ""));
    let opened = told.facts.iter().find(|f| f.body.judged().is_some()).expect("a fact").clone();
    let mut w = city();
    w.at(0).impose(&[], std::slice::from_ref(&opened));
    w.restart().at(s(1)).batch(found("data", Some(Level::Yellow), 0, ""));
    assert_eq!(w.machine.open_alerts().count(), 1, "no second one");
    w.at(s(2)).batch(found("data", None, s(2), "")).expect(&["2000 v2 resolved yellow well"]);
    told.impose(std::slice::from_ref(&opened), &[]);
    assert_eq!(told.machine.open_alerts().count(), 0);
    told.restart().at(s(3)).batch(found("data", Some(Level::Yellow), 0, ""));
    let open: Vec<_> = told.machine.open_alerts().map(|t| t.episode).collect();
    assert_eq!(open.len(), 1);
}

// inputs that were dropped are on record with their span.
#[test]
fn a_gap_is_a_fact() {
    let mut w = city();
    w.at(0).batch(vec![Input::Dropped {
        partition: PartitionId(7),
        first: Position(3),
        last: Position(9),
        batches: 5,
    }]);
    let gap = Body::Gap { partition: PartitionId(7), first: Position(3), last: Position(9), batches: 5 };
    assert!(w.facts.iter().any(|f| f.body == gap));
}
