//! Receivers that are held back: what they take in a minute, and what passes by an open circuit.

use std::time::Duration;

use maibo_core::fact::Transition;
use maibo_core::id::RuleId;
use maibo_core::place::Level;

use super::support::{Ear, Heard, Reply, Scene, entry, episode, transition};
use crate::deliver::{Limits, Liveness, ReceiverSettings};

fn of(level: Level, n: u32) -> Transition {
    Transition { level, peak: level, ..transition(n, 1) }
}

/// The red ones have the numbers from 41 on; the words of these scenes know no levels.
fn is_red(heard: &Heard) -> bool {
    (41..=43).any(|n| heard.what().0 == episode(n).to_string())
}

/// Waits until its circuit is open, or closed.
async fn becomes(alive: &Liveness, open: bool) {
    let looking = async {
        while alive.is_open() != open {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), looking).await.expect("as wanted");
}

// P: a robot is told no more in a minute than it takes, and what is red does not wait for the next minute.
#[tokio::test]
async fn no_more_in_a_minute_than_it_takes() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let robot = ReceiverSettings { per_minute: Some(8), ..entry("robot", &ear) };
    let mut scene = Scene::new(&[robot]);
    scene.tell((1..=20).map(|n| of(Level::Yellow, n)).collect());
    assert_eq!(ear.heard(6).await.len(), 6);
    scene.rows(|rows| rows.iter().filter(|r| r.outcome == "delivered").count() == 6).await;
    scene.tell(vec![of(Level::Red, 41), of(Level::Red, 42), of(Level::Red, 43)]);
    let reds = ear.heard(8).await.iter().filter(|h| is_red(h)).count();
    scene.rows(|rows| rows.iter().filter(|r| r.outcome == "delivered").count() == 8).await;
    // Longer than what is held back is looked for again.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!((reds, ear.so_far().len()), (2, 8), "the third red one waits, as everything does");
    assert_eq!(scene.alive[0].1.failing(), None);
    scene.end().await;
}

// P: a red alert does not wait for an attempt that hangs, and its receiver is not run over either.
#[tokio::test]
async fn red_passes_by_an_attempt_that_hangs() {
    let ear = Ear::new(|n, heard| match (n, is_red(heard)) {
        (0..8, _) => Reply::Status(503),
        (_, true) => Reply::Status(204),
        (_, false) => Reply::Hang,
    })
    .await;
    // Longer than anything is waited for here: what hangs does not end.
    let limits = Limits { parallel: 2, deadline: Duration::from_mins(2), ..Limits::default() };
    let mut scene = Scene::with(&[entry("bureau", &ear)], limits);
    let alive = scene.alive[0].1.clone();
    scene.tell((1..=40).map(|n| of(Level::Yellow, n)).collect());
    ear.heard(9).await;
    becomes(&alive, true).await;
    scene.tell(vec![of(Level::Red, 41)]);
    let heard = ear.heard(10).await;
    assert!(is_red(&heard[9]));
    scene.rows(|rows| rows.iter().any(|r| r.outcome == "delivered")).await;
    scene.end().await;
}

// P: a receiver that refuses several versions in one message is there, and is tried as one that is.
#[tokio::test]
async fn who_refuses_a_message_is_there() {
    let ear =
        Ear::new(|_, heard| Reply::Status(if heard.json()["data"]["alerts"].is_array() { 422 } else { 503 })).await;
    let bureau = ReceiverSettings { group_every: Some("1s".to_owned()), ..entry("bureau", &ear) };
    let mut scene = Scene::with(&[bureau], Limits { parallel: 1, ..Limits::default() });
    let alive = scene.alive[0].1.clone();
    // Each of a rule of its own, so that each goes alone.
    let rule = |n: u32| RuleId::new(&format!("rule-{n}")).unwrap();
    scene.tell((1..=8).map(|n| Transition { rule: rule(n), ..of(Level::Yellow, n) }).collect());
    becomes(&alive, true).await;
    scene.tell((9..=10).map(|n| of(Level::Orange, n)).collect());
    becomes(&alive, false).await;
    scene.end().await;
}
