//! Robots in chat groups: what they say in the body is the answer, and a receiver can be tried.

use super::support::{Ear, Reply, Scene, entry, transition};
use crate::clock::{Clock, SystemClock};
use crate::deliver::{NoTest, ReceiverSettings};

const ROBOT: &str = "SECthisisnosecret";

/// A receiver that is a robot, and its secret.
pub(super) fn robot(name: &str, format: &str, ear: &Ear) -> ReceiverSettings {
    let secret_file = if format == "wecom" { String::new() } else { "robot".to_owned() };
    let url = format!("http://127.0.0.1:{}/robot/send?access_token=verysecrettoken", ear.port);
    ReceiverSettings { url, secret_file, format: Some(format.to_owned()), ..entry(name, ear) }
}

fn scene(entries: &[ReceiverSettings]) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("robot"), ROBOT).unwrap();
    std::fs::write(dir.path().join("secret"), super::support::SECRET).unwrap();
    let targets = super::super::validate(entries, &std::sync::Arc::default(), dir.path()).unwrap();
    Scene::over(dir, targets, crate::deliver::Limits::default())
}

// HTTP 200 with an error code is a failure with the robot's words; the next attempt that it takes is the delivery.
#[tokio::test]
async fn the_body_is_the_answer() {
    let ear = Ear::new(|n, _| {
        Reply::Says(200, if n == 0 { r#"{"errcode":-1,"errmsg":"busy"}"# } else { r#"{"errcode":0,"errmsg":"ok"}"# })
    })
    .await;
    let mut scene = scene(&[robot("group", "dingtalk", &ear)]);
    scene.tell(vec![transition(1, 1)]);
    let rows = scene.rows(|rows| rows.iter().any(|r| r.attempts > 0)).await;
    let words = rows[0].last_error.clone();
    assert_eq!(scene.outcome().await.2, "delivered");
    assert_eq!(words.as_deref(), Some("the receiver has a fault (-1 busy)"));
    let heard = ear.heard(2).await;
    for one in &heard {
        assert!(one.path.contains("&timestamp=") && one.path.contains("&sign="), "{}", one.path);
        assert!(!one.headers.contains_key("webhook-signature"));
        assert_eq!(one.json()["msgtype"], "markdown");
    }
    assert_eq!(heard[0].body, heard[1].body, "every attempt says the same");
    scene.end().await;
}

// Too many messages: the whole receiver is left alone for a minute.
#[tokio::test]
async fn too_many_pauses_the_robot() {
    let ear = Ear::new(|_, _| Reply::Says(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#)).await;
    let mut scene = scene(&[robot("group", "wecom", &ear)]);
    scene.tell(vec![transition(1, 1)]);
    let rows = scene.rows(|rows| rows.iter().any(|r| r.attempts > 0)).await;
    let now = SystemClock::default().wall().0;
    let wait = rows[0].next_at.unwrap() - now;
    assert!((50_000..=60_000).contains(&wait), "{wait}");
    let words = rows[0].last_error.clone().unwrap();
    assert_eq!(words, "the receiver asks for fewer messages (45009 api freq out of limit)");
    assert!(!rows[0].needs_operator);
    let failing = scene.alive[0].1.failing().unwrap();
    assert_eq!(failing.error, Some(words));
    scene.end().await;
}

// A wrong signature needs a person; what is said of it shows no secret.
#[tokio::test]
async fn a_wrong_signature_needs_a_person() {
    let ear = Ear::new(|_, _| Reply::Says(200, r#"{"code":19021,"msg":"sign match fail: verysecrettoken"}"#)).await;
    let mut scene = scene(&[robot("group", "feishu", &ear)]);
    scene.tell(vec![transition(1, 1)]);
    let rows = scene.rows(|rows| rows.iter().any(|r| r.attempts > 0)).await;
    assert!(rows[0].needs_operator);
    let words = rows[0].last_error.clone().unwrap();
    assert!(words.contains("19021 sign match fail") && !words.contains("verysecrettoken"), "{words}");
    let body = ear.so_far()[0].json();
    assert!(body["sign"].as_str().unwrap().len() == 44 && body["timestamp"].as_str().unwrap().len() == 10);
    assert!(!format!("{:?}", scene.roll.all().next().unwrap().target.way).contains(ROBOT));
    scene.end().await;
}

// A test goes at once over the receiver's own way, marked, and says what came of it; not more than a few.
#[tokio::test]
async fn a_receiver_can_be_tried() {
    let ear = Ear::new(|n, _| match n {
        0 => Reply::Status(204),
        1 => Reply::Status(404),
        _ => Reply::Status(200),
    })
    .await;
    let scene = scene(&[entry("bureau", &ear)]);
    let now = SystemClock::default().wall();
    assert_eq!(scene.roll.test("nobody", "chief", now).await, Err(NoTest::Unknown));
    let tested = scene.roll.test("bureau", "chief", now).await.unwrap();
    assert_eq!((tested.delivered, tested.status, tested.error), (true, Some(204), None));
    let heard = ear.heard(1).await;
    assert_eq!(heard[0].header("webhook-id"), tested.message);
    assert_eq!((&heard[0].json()["data"]["test"], heard[0].what().1), (&true.into(), 1));
    let tested = scene.roll.test("bureau", "chief", now).await.unwrap();
    let words = "the receiver refuses (HTTP 404)".to_owned();
    assert_eq!((tested.delivered, tested.status, tested.error), (false, Some(404), Some(words)));
    for _ in 0..3 {
        assert!(scene.roll.test("bureau", "chief", now).await.unwrap().delivered);
    }
    assert_eq!(scene.roll.test("bureau", "chief", now).await, Err(NoTest::TooMany));
    assert!(scene.rows(|_| true).await.is_empty(), "past the outbox");
    assert_eq!(scene.alive[0].1.failing(), None, "a test is no delivery");
    scene.end().await;
}
