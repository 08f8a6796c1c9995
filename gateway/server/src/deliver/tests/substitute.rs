//! A receiver that is dead, and who is told in its place.

use std::time::{Duration, Instant};

use super::support::{Ear, Reply, Scene, entry, transition};
use crate::deliver::ReceiverSettings;

// Issue "alive": who does not answer is stood in for in time, and not before; the substitute hears the rest of what it was
// told of, and nothing else.
#[tokio::test]
async fn a_dead_receiver_has_a_substitute() {
    let (dead, chief) = (Ear::new(|_, _| Reply::Status(503)).await, Ear::new(|_, _| Reply::Status(200)).await);
    let entries = [
        ReceiverSettings {
            substitute: Some("chief".to_owned()),
            substitute_after: Some("5s".to_owned()),
            ..entry("bureau", &dead)
        },
        ReceiverSettings { domains: vec!["ecology".to_owned()], ..entry("chief", &chief) },
    ];
    let mut scene = Scene::new(&entries);
    assert_eq!(scene.alive[0].1.substitute().as_deref(), Some("chief"));
    let began = Instant::now();
    scene.tell(vec![transition(1, 1)]);
    dead.heard(1).await;
    assert!(chief.so_far().is_empty(), "the receiver has its time");
    assert_eq!(chief.heard(1).await[0].what(), (transition(1, 1).episode.to_string(), 1));
    assert!(began.elapsed() > Duration::from_secs(4), "{:?}", began.elapsed());
    scene.tell(vec![transition(1, 2)]);
    assert_eq!(chief.heard(2).await[1].what().1, 2);
    assert!(dead.so_far().iter().all(|heard| heard.what().1 == 1), "in order: the first is not taken yet");
    let rows = scene.rows(|rows| rows.iter().filter(|r| r.outcome == "delivered").count() == 2).await;
    assert!(rows.iter().all(|r| (r.receiver == "chief") == (r.outcome == "delivered")), "{rows:?}");
    scene.end().await;
}
