//! Receivers of alerts that something withholds.

use maibo_core::fact::{
    Body, Handling, Maintenance, MaintenanceScope, MaintenanceState, Reason, Reminder, State, Transition,
};
use maibo_core::id::{Actor, MaintenanceId, PlaceCode, RuleId};
use maibo_core::notify::{DECISION_LATE, Manners};
use maibo_core::time::{Millis, Timestamp};
use std::sync::Arc;

use super::support::{Ear, Reply, SECRET, Scene, entry, episode, transition};
use crate::deliver::{Limits, validate};

/// What the rules of a scene say: alerts of `child` may be consequences.
pub(super) fn manners(t: &Transition, now: Timestamp) -> Manners {
    let wait = match t.rule.as_str() {
        "child" => Some(Millis::from_secs(500)),
        // Decided so long ago that what came 10 s later is a moment ahead.
        "late" => Some(Millis(200 - DECISION_LATE.0)),
        _ => None,
    };
    Manners {
        wait: wait.filter(|_| t.version == 1),
        muted_until: (t.rule.as_str() == "muted").then_some(now + Millis(200)),
    }
}

fn child(n: u32, version: u32) -> Transition {
    Transition { rule: RuleId::new("child").unwrap(), ..transition(n, version) }
}

fn whats(ear: &Ear) -> Vec<(String, u64)> {
    ear.so_far().iter().map(super::support::Heard::what).collect()
}

// P5: a consequence is not sent but listed with its cause, over a restart; released it is sent as of its current version.
#[tokio::test]
async fn a_consequence_is_told_when_it_is_released() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let entries = [entry("bureau", &ear)];
    let mut scene = Scene::new(&entries);
    let inhibited = |by| Body::Inhibition { episode: episode(1), by };
    scene.tell(vec![child(1, 1)]);
    scene.put(vec![inhibited(Some(episode(2)))]);
    scene.tell(vec![child(1, 2), transition(2, 1)]);
    let why = format!("inhibited by {}", episode(2));
    let rows = scene.rows(|rows| rows.len() == 3 && rows[2].outcome == "delivered").await;
    let listed: Vec<_> = rows.iter().map(|r| (&*r.outcome, r.settled_at.is_some(), r.last_error.as_deref())).collect();
    assert_eq!(listed[..2], [("inhibited", true, Some(&*why)), ("inhibited", false, Some(&*why))]);
    assert_eq!(whats(&ear), [(episode(2).to_string(), 1)], "the cause alone");
    let dir = scene.end().await;
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let targets = validate(&entries, &Arc::default(), dir.path()).unwrap();
    let mut scene = Scene::over(dir, targets, Limits::default());
    scene.put(vec![Body::Released { parent: episode(2), episodes: vec![episode(1)] }]);
    ear.heard(2).await;
    scene.tell(vec![child(1, 3)]);
    ear.heard(3).await;
    let one = episode(1).to_string();
    assert_eq!(whats(&ear)[1..], [(one.clone(), 2), (one, 3)]);
    scene.end().await;
}

// P5: without a word of the city machine the alert is sent all the same, by the worker's own clock.
#[tokio::test]
async fn no_word_is_no_silence() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    let wait = |t: &Transition| Transition { rule: RuleId::new("late").unwrap(), ..t.clone() };
    scene.tell(vec![wait(&transition(1, 1))]);
    ear.heard(1).await;
    assert_eq!(whats(&ear), [(episode(1).to_string(), 1)]);
    scene.end().await;
}

// P5, escalation: it hears of an episode that nobody takes notice of from its reminder on, and then of all that follows;
// of one that is taken in hand it hears nothing.
#[tokio::test]
async fn an_escalation_hears_from_its_reminder_on() {
    let (desk, chief) = (Ear::new(|_, _| Reply::Status(204)).await, Ear::new(|_, _| Reply::Status(204)).await);
    let mut second = entry("chief", &chief);
    (second.when, second.reminders) = (Some("unacknowledged".to_owned()), Some(2));
    let mut scene = Scene::new(&[entry("desk", &desk), second]);
    let reminder = |n: u32, version: u32, number: u32| {
        let reminder = Some(Reminder { number, after: Millis::from_secs(300) });
        let handling = Handling { reminder, ..Handling::default() };
        Transition { handling: Some(Box::new(handling)), reason: Reason::Unacknowledged, ..transition(n, version) }
    };
    let over = Transition { state: State::Resolved, ..transition(1, 4) };
    scene.tell(vec![transition(1, 1), reminder(1, 2, 1), transition(2, 1), reminder(2, 2, 1), transition(2, 3)]);
    scene.tell(vec![reminder(1, 3, 2), over]);
    assert_eq!(desk.heard(7).await.len(), 7);
    chief.heard(2).await;
    let one = episode(1).to_string();
    assert_eq!(whats(&chief), [(one.clone(), 3), (one, 4)]);
    let rows = scene.rows(|rows| rows.len() == 9 && rows.iter().all(|r| r.outcome == "delivered")).await;
    assert_eq!(rows.iter().filter(|r| r.receiver == "chief").count(), 2, "nothing is listed of what it never heard of");
    scene.end().await;
}

// What cannot be is said with its key and what to write instead.
#[tokio::test]
async fn an_escalation_that_cannot_be() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    for (when, reminders, problem) in [
        (None, Some(1), "receiver[0].reminders: belongs to `when = \"unacknowledged\"`"),
        (Some("unacknowledged"), Some(6), "receiver[0].reminders: 6 is not 1 to 5: so often is reminded of an alert"),
        (Some("later"), None, "receiver[0].when: `later` is not one of always, unacknowledged, planned"),
    ] {
        let mut one = entry("chief", &ear);
        (one.when, one.reminders) = (when.map(str::to_owned), reminders);
        assert_eq!(validate(&[one], &Arc::default(), dir.path()).unwrap_err(), [problem]);
    }
}

// P5: what is decided in a muted period is sent at its end, by the worker's own clock.
#[tokio::test]
async fn the_end_of_a_muted_period_tells() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    let muted = |version| Transition { rule: RuleId::new("muted").unwrap(), ..transition(1, version) };
    scene.tell(vec![muted(1), muted(2)]);
    ear.heard(1).await;
    assert_eq!(whats(&ear), [(episode(1).to_string(), 2)]);
    let rows = scene.rows(|rows| rows.iter().all(|r| r.settled_at.is_some())).await;
    assert_eq!(rows.iter().map(|r| &*r.outcome).collect::<Vec<_>>(), ["muted", "delivered"]);
    scene.end().await;
}

// P5: under maintenance nothing is sent, over a restart too; at its end what still fires is.
#[tokio::test]
async fn the_end_of_a_maintenance_tells() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let entries = [entry("bureau", &ear)];
    let mut scene = Scene::new(&entries);
    let place = PlaceCode::new("110105").unwrap();
    let at = |n, version| Transition { place: PlaceCode::new("110105003").ok(), ..transition(n, version) };
    let by = Actor::new("li.wei").unwrap();
    let id = MaintenanceId::derive(&by, place.as_str(), "pump", Timestamp(0), 1);
    let (from, until) = (Timestamp(0), Timestamp(9_000));
    let work = |state| {
        let (by, reason, scope) = (by.clone(), "pump".into(), MaintenanceScope::Place(place.clone()));
        Body::Maintenance(Box::new(Maintenance { id, scope, from, until, by, reason, state, ended_by: None }))
    };
    scene.put(vec![work(MaintenanceState::Running)]);
    scene.tell(vec![at(1, 1), at(1, 2), transition(2, 1)]);
    ear.heard(1).await;
    let rows = scene.rows(|rows| rows.len() == 3).await;
    let why = Some("under maintenance by li.wei: pump");
    assert_eq!((&*rows[1].outcome, rows[1].last_error.as_deref()), ("maintenance", why));
    let dir = scene.end().await;
    let targets = validate(&entries, &Arc::default(), dir.path()).unwrap();
    let mut scene = Scene::over(dir, targets, Limits::default());
    scene.put(vec![work(MaintenanceState::Over)]);
    ear.heard(2).await;
    assert_eq!(whats(&ear), [(episode(2).to_string(), 1), (episode(1).to_string(), 2)]);
    scene.end().await;
}
