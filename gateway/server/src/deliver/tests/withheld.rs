//! Receivers of alerts that something withholds.

use maibo_core::fact::{Body, Transition};
use maibo_core::id::RuleId;
use maibo_core::notify::{DECISION_LATE, Manners};
use maibo_core::time::Millis;

use super::support::{Ear, Reply, SECRET, Scene, entry, episode, transition};
use crate::deliver::{Limits, validate};

/// What the rules of a scene say: alerts of `child` may be consequences.
pub(super) fn manners(t: &Transition) -> Manners {
    let wait = match t.rule.as_str() {
        "child" => Some(Millis::from_secs(500)),
        // Decided so long ago that what came 10 s later is a moment ahead.
        "late" => Some(Millis(200 - DECISION_LATE.0)),
        _ => None,
    };
    Manners { wait: wait.filter(|_| t.version == 1), muted_until: None }
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
    let targets = validate(&entries, dir.path()).unwrap();
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
