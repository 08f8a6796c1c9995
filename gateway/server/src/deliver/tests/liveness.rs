//! Whether a receiver takes anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use maibo_core::fact::Transition;
use maibo_core::place::Level;

use super::support::{Ear, Reply, Scene, entry, transition};
use crate::deliver::{Failing, Limits, Liveness, ReceiverSettings};

/// How it does, as soon as that is as wanted.
pub(super) async fn until(alive: &Liveness, wanted: impl Fn(&Option<Failing>) -> bool) -> Option<Failing> {
    let looking = async {
        loop {
            let failing = alive.failing();
            if wanted(&failing) {
                return failing;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.expect("as wanted")
}

// A dead receiver of an episode that changes all the time: each version in `latest` begins with attempts of its own, and
// still it is known since when nothing arrives. It is well when something does.
#[tokio::test]
async fn an_episode_that_changes_hides_no_dead_receiver() {
    let up = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&up);
    let ear = Ear::new(move |_, _| Reply::Status(if answers.load(SeqCst) { 200 } else { 500 })).await;
    let people = ReceiverSettings { mode: Some("latest".to_owned()), ..entry("people", &ear) };
    let mut scene = Scene::new(&[people]);
    let alive = scene.alive[0].1.clone();
    assert_eq!(alive.failing(), None);
    let mut since = None;
    for version in 1..=6 {
        scene.tell(vec![transition(1, version)]);
        ear.heard(version as usize).await;
        let failing = until(&alive, Option::is_some).await.unwrap();
        assert_eq!(failing.error.as_deref(), Some("the receiver has a fault (HTTP 500)"));
        assert_eq!(*since.get_or_insert(failing.since), failing.since, "version {version}");
    }
    up.store(true, SeqCst);
    scene.tell(vec![transition(1, 7)]);
    until(&alive, Option::is_none).await;
    scene.end().await;
}

// What waits for a dead receiver does not run against it, over and over: after some failures one at a time, with growing waits;
// and when it answers all of it goes.
#[tokio::test]
async fn a_dead_receiver_is_tried_one_at_a_time() {
    let up = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&up);
    let ear = Ear::new(move |_, _| Reply::Status(if answers.load(SeqCst) { 204 } else { 503 })).await;
    let bureau = ReceiverSettings { group_every: Some("0s".to_owned()), ..entry("bureau", &ear) };
    let mut scene = Scene::with(&[bureau], Limits { parallel: 1, ..Limits::default() });
    let alive = scene.alive[0].1.clone();
    let orange = |n| Transition { level: Level::Orange, peak: Level::Orange, ..transition(n, 1) };
    scene.tell((1..=60).map(orange).collect());
    until(&alive, |_| alive.is_open()).await;
    let begun = Instant::now();
    let heard = ear.heard(8 + 2).await.len();
    assert!(begun.elapsed() >= Duration::from_secs(2), "a second, and two more");
    assert!(heard <= 8 + 3 && alive.is_open(), "{heard}");
    up.store(true, SeqCst);
    scene.rows(|rows| rows.len() == 60 && rows.iter().all(|r| r.outcome == "delivered")).await;
    assert!(!alive.is_open());
    scene.end().await;
}
