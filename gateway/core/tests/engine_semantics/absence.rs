//! Absence of whole devices.

use maibo_core::engine::{Unknown, Verdict};
use maibo_core::id::{DeviceId, PartitionId};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::reading::{Event, Liveness, Text};
use maibo_core::time::Timestamp;

use crate::engine_world::{World, ZERO, absent, catalogue, depth, s};

// absence: n intervals without any sign of life; any sign of life ends it.
#[test]
fn three_intervals_of_silence() {
    let mut w = World::new(&absent());
    w.at(0).alive();
    assert_eq!(w.verdict(), Verdict::Normal);
    w.run(s(29)).expect(&[]);
    w.run(s(30)).expect(&["30000 v1 firing yellow absent"]);
    assert_eq!(w.verdict(), Verdict::Firing { level: Level::Yellow, stale: false });
    w.run(s(600)).expect(&[]);
    w.alive().expect(&["600000 v2 resolved yellow returned"]);
    assert_eq!(w.verdict(), Verdict::Normal);
}

// absence uses receive time of readings, events and signs of life: a draining device is alive, however old its data.
#[test]
fn anything_received_is_a_sign_of_life() {
    let mut w = World::new(&absent());
    w.at(0).alive();
    w.at(s(20)).value_at(-s(3600), 1.0);
    w.at(s(40)).value_at(-s(7200), 1.0);
    w.at(s(60)).value(f64::NAN);
    let event = Event {
        device: DeviceId::new("d").expect("id"),
        code: Text::from("x"),
        identity: Text::from("1"),
        at: Timestamp(ZERO),
        received: Timestamp(ZERO),
        expires: None,
        cancelled: false,
        position: None,
        text: Text::default(),
        ahead: None,
    };
    w.at(s(80)).batch(vec![Input::Event(event)]);
    w.run(s(109)).expect(&[]);
    w.run(s(110)).expect(&["110000 v1 firing yellow absent"]);
}

// a last will is no sign of life.
#[test]
fn a_last_will_is_no_sign_of_life() {
    let mut w = World::new(&absent());
    w.at(0).alive();
    let gone = Liveness { device: DeviceId::new("d").expect("id"), received: Timestamp(ZERO + s(20)), alive: false };
    w.at(s(20)).batch(vec![Input::Liveness(gone)]).run(s(30)).expect(&["30000 v1 firing yellow absent"]);
}

// never-seen devices raise no absence, and devices outside the catalogue are not judged at all.
#[test]
fn never_seen_and_unregistered() {
    let mut w = World::with(PartitionId(0), &(absent() + &depth("")), &catalogue(&[("d", "10s"), ("e", "10s")]));
    w.run(s(3600)).expect(&[]);
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Never });
    w.device = "stranger".to_owned();
    w.value(45.0).run(s(7200)).expect(&[]);
    assert_eq!((w.out.counts.unregistered, w.machine.devices().count()), (1, 0));
}

// a device whose interval is not known counts in minutes.
#[test]
fn without_an_interval() {
    let mut w = World::every("", &absent());
    w.at(0).alive().run(s(179)).expect(&[]);
    w.run(s(180)).expect(&["180000 v1 firing yellow absent"]);
}

// silent is not stale: a series can be unknown while the device is alive.
#[test]
fn silent_is_not_stale() {
    let mut w = World::new(&(absent() + &depth("")));
    w.at(0).value(0.0).at(s(20)).alive().run(s(40)).alive().expect(&[]);
    assert_eq!(w.verdict(), Verdict::Unknown { why: Unknown::Stale });
}
