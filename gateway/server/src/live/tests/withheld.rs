//! What is shown of alerts and devices that nobody is told of.

use maibo_core::fact::{Body, Fact, Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::id::{Actor, MaintenanceId, PlaceCode};
use maibo_core::time::Timestamp;

use super::*;

fn decided(body: Body) -> Fact {
    Fact { body, ..fact(&transition("wl-1", 1, Level::Red, State::Firing)) }
}

fn city(stage: &Stage, now: i64, body: Body) {
    stage.facts(now, PartitionId::CITY, vec![], &[decided(body)], &[]);
}

// P: that an alert is a consequence is told at once, without a version of it, and stands in the snapshot until it is not.
#[test]
fn a_consequence_names_its_cause() {
    let stage = Stage::new();
    let (child, parent) =
        (transition("wl-1", 1, Level::Blue, State::Firing), transition("wl-2", 1, Level::Red, State::Firing));
    stage.tell(2_000, &[child.clone(), parent.clone()]);
    let mut cursor = stage.join();
    let by = Some(parent.episode);
    city(&stage, 2_000, Body::Inhibition { episode: child.episode, by });
    city(&stage, 2_000, Body::Inhibition { episode: parent.episode, by: None });
    stage.tell(3_000, &[transition("wl-1", 2, Level::Blue, State::Firing)]);
    let shown: Vec<_> = stage.snapshot().alerts.into_iter().filter_map(|a| a.inhibited_by).collect();
    assert_eq!(shown, [parent.episode.to_string()]);
    assert_eq!(stage.picture.shown(&child).inhibited_by, Some(parent.episode.to_string()));
    city(&stage, 4_000, Body::Released { parent: parent.episode, episodes: vec![child.episode] });
    let told: Vec<_> = stage
        .frames(&mut cursor)
        .into_iter()
        .flat_map(|frame| match frame {
            ServerFrame::Al(al) => al.up,
            other => panic!("{other:?}"),
        })
        .map(|a| (a.version, a.inhibited_by))
        .collect();
    let cause = Some(parent.episode.to_string());
    assert_eq!(told, [(1, cause.clone()), (2, cause), (2, None)]);
    assert!(stage.snapshot().alerts.iter().all(|a| a.inhibited_by.is_none()));
}

// Product: what is worked on is unknown and lowers the coverage; then it is as before.
#[test]
fn a_device_under_maintenance() {
    let stage = Stage::new();
    stage.read(2_000, "wl-1", 0.1);
    let (before, by) = (stage.beaten(), Actor::new("li").expect("id"));
    let place = PlaceCode::new("110106").expect("code");
    let id = MaintenanceId::derive(&by, "110106", "pump", Timestamp(0), 1);
    let work = |state| {
        let (scope, reason) = (MaintenanceScope::Place(place.clone()), "pump".into());
        let (from, until, by) = (Timestamp(0), Timestamp(9_000), by.clone());
        Body::Maintenance(Box::new(Maintenance { id, scope, from, until, by, reason, state, ended_by: None }))
    };
    let why = || stage.picture.device(&device("wl-1")).expect("a device").unknown_why;
    let maintained = Some(api::UnknownWhy::Maintenance);
    city(&stage, 2_000, work(MaintenanceState::Planned));
    assert_eq!(why(), None);
    city(&stage, 3_000, work(MaintenanceState::Running));
    assert_eq!((why(), stage.beaten().online), (maintained, before.online - 1));
    city(&stage, 4_000, work(MaintenanceState::Over));
    assert_eq!((why(), stage.beaten().online), (None, before.online));
}
