//! Planned work: when it begins and ends.

use maibo_core::fact::{Body, Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::id::{Actor, DeviceId, MaintenanceId, PartitionId, PlaceCode};
use maibo_core::input::Input;
use maibo_core::limit;
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, catalogue, depth, s};

fn city() -> World {
    World::with(PartitionId::CITY, &depth(""), &catalogue(&[("d", "10s")]))
}

fn who(name: &str) -> Actor {
    Actor::new(name).expect("actor")
}

fn of(n: u32, from: i64, until: i64) -> Maintenance {
    let (by, reason) = (who("li"), "pump".into());
    let (from, until) = (Timestamp(ZERO + from), Timestamp(ZERO + until));
    let id = MaintenanceId::derive(&by, "d", "pump", from, n);
    let scope = MaintenanceScope::Device(DeviceId::new("d").expect("id"));
    Maintenance { id, scope, from, until, by, reason, state: MaintenanceState::Refused, ended_by: None }
}

fn plan(w: &mut World, m: &Maintenance) {
    w.batch(vec![Input::Maintain(Box::new(m.clone()))]);
}

fn said(w: &World) -> Vec<String> {
    let line = |f: &maibo_core::fact::Fact| match &f.body {
        Body::Maintenance(m) => Some(format!(
            "{} {} {}..{}{}",
            f.at.0 - ZERO,
            m.state.as_str(),
            m.from.0 - ZERO,
            m.until.0 - ZERO,
            m.ended_by.as_ref().map_or(String::new(), |by| format!(" by {by}"))
        )),
        _ => None,
    };
    w.facts.iter().filter_map(line).collect()
}

// it begins and ends by itself, over a restart; asking again for the same changes nothing.
#[test]
fn it_begins_and_ends_by_itself() {
    let mut w = city();
    plan(w.at(0), &of(1, s(60), s(120)));
    plan(&mut w, &of(1, s(60), s(120)));
    w.restart().run(s(90));
    w.restart().run(s(200));
    assert_eq!(said(&w), ["0 planned 60000..120000", "60000 running 60000..120000", "120000 over 60000..120000"]);
    assert_eq!(w.machine.next_deadline(), None);
}

// one that begins in the past begins now; it can be ended early, and once only.
#[test]
fn it_can_be_ended_early() {
    let mut w = city();
    plan(w.at(s(10)), &of(1, 0, s(120)));
    let end = |who_: &str| vec![Input::EndMaintenance { id: of(1, 0, 0).id, by: who(who_) }];
    w.at(s(30)).batch(end("wang")).batch(end("li")).run(s(300));
    assert_eq!(said(&w), ["10000 running 10000..120000", "30000 over 10000..30000 by wang"]);
}

// what makes no sense is refused, and said so.
#[test]
fn what_makes_no_sense_is_refused() {
    let mut w = city();
    w.at(s(10));
    let long = limit::MAX_MAINTENANCE.0;
    for (from, until) in [(0, s(5)), (s(20), s(20)), (s(11) + long, s(12) + long), (s(20), s(21) + long)] {
        plan(&mut w, &of(1, from, until));
        assert!(said(&w).pop().is_some_and(|l| l.contains("refused")), "{from}..{until}: {:?}", said(&w));
    }
    let most = u32::try_from(limit::MAX_MAINTENANCES).expect("fits");
    let all = (1..=most + 1).map(|n| Input::Maintain(Box::new(of(n, s(60), s(120))))).collect();
    w.batch(all);
    let refused = said(&w).iter().skip(4).filter(|l| l.contains("refused")).count();
    assert_eq!((said(&w).len() - 4, refused), (limit::MAX_MAINTENANCES + 1, 1));
}

// a time that a person named stays where it is when the clock steps; what was due while Maibo was stopped comes after it.
#[test]
fn named_times_stay() {
    let mut w = city();
    plan(w.at(0), &of(1, s(60), s(120)));
    w.at(s(10)).clock_step(s(5)).run(s(70));
    w.at(s(500)).stopped(s(80));
    assert_eq!(said(&w)[1..], ["60000 running 60000..120000", "500000 over 60000..120000"]);
}

// facts are law: what the log says is under way is.
#[test]
fn the_log_stands() {
    let mut w = city();
    plan(w.at(0), &of(1, 0, s(120)));
    let running = w.out.facts.clone();
    let mut w = city();
    w.impose(&[], &running);
    w.run(s(500));
    assert_eq!(said(&w), ["120000 over 0..120000"]);
}

// what lies in the place, and only that.
#[test]
fn scopes() {
    let place = |code: &str| PlaceCode::new(code).expect("a code");
    let covers = |scope: &str, at: &str| MaintenanceScope::Place(place(scope)).covers(None, Some(&place(at)));
    assert!(covers("110105", "110105003") && covers("110000", "110105003") && covers("110105003", "110105003012"));
    assert!(!covers("110106", "110105003") && !covers("110105003", "110105"));
    let (d, e) = (DeviceId::new("d").expect("id"), DeviceId::new("e").expect("id"));
    let one = MaintenanceScope::Device(d.clone());
    assert!(one.covers(Some(&d), None) && !one.covers(Some(&e), Some(&place("110105"))) && !one.covers(None, None));
}
