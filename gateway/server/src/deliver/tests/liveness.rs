//! Whether a receiver takes anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use super::support::{Ear, Reply, Scene, entry, transition};
use crate::deliver::{Failing, Liveness, ReceiverSettings};

/// How it does, as soon as that is as wanted.
async fn until(alive: &Liveness, wanted: impl Fn(&Option<Failing>) -> bool) -> Option<Failing> {
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
