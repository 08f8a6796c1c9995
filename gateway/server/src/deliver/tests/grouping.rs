//! Several versions in one message, over a real connection.

use maibo_core::fact::Transition;
use maibo_core::place::Level;

use super::support::{Ear, Reply, SECRET, Scene, entry, transition};
use crate::deliver::ReceiverSettings;

fn grouped(ear: &Ear) -> ReceiverSettings {
    ReceiverSettings { group_every: Some("1s".to_owned()), ..entry("bureau", ear) }
}

/// First versions of so many episodes; red would go alone.
fn yellow(episodes: std::ops::RangeInclusive<u32>) -> Vec<Transition> {
    let one = |n| Transition { level: Level::Yellow, peak: Level::Yellow, ..transition(n, 1) };
    episodes.map(one).collect()
}

// P5: what comes together goes in one message, signed as a whole; each version is delivered by it.
#[tokio::test]
async fn what_comes_together_goes_together() {
    let ear = Ear::new(|_, _| Reply::Status(200)).await;
    let mut scene = Scene::new(&[grouped(&ear)]);
    scene.tell(yellow(1..=3));
    let rows = scene.rows(|rows| rows.iter().filter(|r| r.outcome == "delivered").count() == 3).await;
    assert!(rows.iter().all(|r| r.bundle == rows[0].bundle && r.attempts == 1), "{rows:?}");
    let heard = ear.so_far();
    let [one] = &*heard else { panic!("{} messages", heard.len()) };
    assert!(one.header("webhook-id").starts_with("grp_"));
    let (id, time) = (one.header("webhook-id"), one.header("webhook-timestamp").parse().unwrap());
    let secrets = crate::deliver::Secrets::parse(SECRET).unwrap();
    assert_eq!(one.header("webhook-signature"), crate::deliver::sign(&secrets, id, time, &one.body));
    assert_eq!((&one.json()["type"], &one.json()["data"]["count"]), (&"alert.group".into(), &3.into()));
    for _ in 0..3 {
        assert_eq!(scene.outcome().await.2, "delivered");
    }
    scene.end().await;
}

// A receiver that refuses a message because of one alert in it is told of the others.
#[tokio::test]
async fn a_refused_message_is_taken_apart() {
    let ear = Ear::new(|_, heard| {
        let data = &heard.json()["data"];
        let bad = data["alerts"].is_array() || data["id"] == *super::support::episode(2).to_string();
        Reply::Status(if bad { 422 } else { 200 })
    })
    .await;
    let mut scene = Scene::new(&[grouped(&ear)]);
    scene.tell(yellow(1..=3));
    let rows = scene
        .rows(|rows| {
            rows.iter().filter(|r| r.outcome == "delivered").count() == 2 && rows.iter().any(|r| r.needs_operator)
        })
        .await;
    let stuck: Vec<_> = rows.iter().filter(|r| r.outcome == "pending").collect();
    assert_eq!(stuck.len(), 1);
    assert_eq!(stuck[0].episode, super::support::episode(2).to_string());
    assert_eq!(stuck[0].last_error.as_deref(), Some("the receiver refuses (HTTP 422)"));
    scene.end().await;
}

// A message that failed goes again as it was, while what came since goes beside it.
#[tokio::test]
async fn a_failed_message_goes_again_as_it_was() {
    let ear = Ear::new(|n, _| Reply::Status(if n == 0 { 503 } else { 200 })).await;
    let mut scene = Scene::new(&[grouped(&ear)]);
    scene.tell(yellow(1..=2));
    ear.heard(1).await;
    scene.tell(yellow(3..=3));
    let heard = ear.heard(3).await;
    let again =
        heard[1..].iter().find(|h| h.header("webhook-id") == heard[0].header("webhook-id")).expect("the same key");
    assert_eq!(again.body, heard[0].body);
    scene.rows(|rows| rows.iter().all(|r| r.outcome == "delivered") && rows.len() == 3).await;
    scene.end().await;
}
