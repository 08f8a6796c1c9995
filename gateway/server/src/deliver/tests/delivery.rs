//! Against scripted receivers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use maibo_core::fact::State;
use maibo_core::notify::{Answer, Transport, message_id};
use maibo_core::time::Timestamp;
use maibo_store::outbox::Outbox;

use super::support::{Ear, Heard, Reply, SECRET, Scene, entry, episode, letter, transition};
use crate::clock::SystemClock;
use crate::deliver::carrier::Carrier;
use crate::deliver::format::Letter;
use crate::deliver::{Limits, ReceiverSettings, Secrets, sign};

fn brief() -> Limits {
    Limits { deadline: Duration::from_millis(400), ..Limits::default() }
}

fn whats(heard: &[Heard]) -> Vec<(String, u64)> {
    heard.iter().map(Heard::what).collect()
}

// P5, G7: a version is sent at once, signed, in the envelope, and its outcome is reported.
#[tokio::test]
async fn a_version_arrives_signed() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    let resolved = maibo_core::fact::Transition { state: State::Resolved, ..transition(1, 2) };
    scene.tell(vec![transition(1, 1), resolved]);
    let heard = ear.heard(2).await;
    let first = &heard[0];
    assert_eq!(first.path, "/hook?token=t");
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("webhook-id"), message_id("bureau", episode(1), 1));
    let at: i64 = first.header("webhook-timestamp").parse().unwrap();
    let expected = sign(&Secrets::parse(SECRET).unwrap(), first.header("webhook-id"), at, &first.body);
    assert_eq!(first.header("webhook-signature"), expected);
    let json = first.json();
    assert_eq!(json["type"], "alert.firing");
    assert_eq!(json["timestamp"], "2026-11-23T12:00:00.000Z");
    assert_eq!((&json["data"]["recorded"], &json["data"]["version"]), (&true.into(), &1.into()));
    assert_eq!(json["data"]["title"]["zh"], "下凹桥区积水");
    assert_eq!(heard[1].json()["type"], "alert.resolved");
    assert_eq!(scene.outcome().await, ("bureau".to_owned(), 1, "delivered".to_owned(), None));
    assert_eq!(scene.outcome().await.1, 2);
    assert_eq!(scene.metrics.deliveries.with_label_values(&["delivered"]).get(), 2);
    scene.end().await;
}

// P5: after a failure the same message goes again, before any later version of its episode; others are not held up.
#[tokio::test]
async fn a_failure_keeps_the_order() {
    let (first, failed) = ((episode(1).to_string(), 1), AtomicBool::new(false));
    let ear = Ear::new(move |_, heard| {
        let fails = heard.what() == first && !failed.swap(true, SeqCst);
        Reply::Status(if fails { 500 } else { 200 })
    })
    .await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    scene.tell(vec![transition(1, 1), transition(1, 2), transition(2, 1)]);
    let heard = ear.heard(4).await;
    let mut order = whats(&heard);
    let (one, two) = (episode(1).to_string(), episode(2).to_string());
    order[..2].sort_by_key(|(e, _)| *e != one);
    assert_eq!(order, [(one.clone(), 1), (two, 1), (one.clone(), 1), (one, 2)]);
    let ids: Vec<_> = heard.iter().filter(|h| h.what() == order[0]).map(|h| h.header("webhook-id")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    for _ in 0..3 {
        assert_eq!(scene.outcome().await.2, "delivered");
    }
    let row = &scene.rows(|rows| rows.iter().all(|r| r.outcome == "delivered")).await[0];
    assert_eq!(row.attempts, 2);
    scene.end().await;
}

// Reliability 60: a receiver that hangs is cut off at the deadline and holds nobody else up.
#[tokio::test]
async fn a_hanging_receiver_costs_only_itself() {
    let (deaf, ear) = (Ear::new(|_, _| Reply::Hang).await, Ear::new(|_, _| Reply::Status(200)).await);
    let mut scene = Scene::with(&[entry("deaf", &deaf), entry("bureau", &ear)], brief());
    scene.tell((0..20).map(|n| transition(n, 1)).collect());
    for _ in 0..20 {
        let (receiver, _, outcome, _) = scene.outcome().await;
        assert_eq!((receiver.as_str(), outcome.as_str()), ("bureau", "delivered"));
    }
    let rows = scene.rows(|rows| rows.iter().any(|r| r.last_error.is_some())).await;
    let failed = rows.iter().find(|r| r.last_error.is_some()).unwrap();
    assert_eq!(failed.last_error.as_deref(), Some(Transport::Deadline.as_str()));
    assert_eq!((failed.receiver.as_str(), failed.outcome.as_str(), failed.attempts), ("deaf", "pending", 1));
    scene.end().await;
}

// P8: a receiver has no more than its share of attempts under way.
#[tokio::test]
async fn attempts_under_way_are_bounded() {
    let deaf = Ear::new(|_, _| Reply::Hang).await;
    let mut scene = Scene::with(&[entry("deaf", &deaf)], Limits { parallel: 3, ..Limits::default() });
    scene.tell((0..20).map(|n| transition(n, 1)).collect());
    deaf.heard(3).await;
    scene.rows(|rows| rows.len() == 20).await;
    assert_eq!(deaf.so_far().len(), 3);
    scene.end().await;
}

// Reliability 62: a redirect is a failure and is not followed, wherever it leads.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let trap = Ear::new(|_, _| Reply::Status(200)).await;
    let place = format!("http://127.0.0.1:{}/trap", trap.port);
    let ear = Ear::new(move |_, _| Reply::With(307, "location", place.clone())).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    scene.tell(vec![transition(1, 1)]);
    let rows = scene.rows(|rows| rows.iter().any(|r| r.attempts > 0)).await;
    assert_eq!(rows[0].last_error.as_deref(), Some("the receiver redirects, which is not followed (HTTP 307)"));
    assert!(rows[0].needs_operator && rows[0].outcome == "pending");
    ear.heard(2).await;
    assert!(trap.so_far().is_empty());
    scene.end().await;
}

// Dead letter: 410 ends a delivery, with the reason, and the next version is tried all the same.
#[tokio::test]
async fn gone_is_dead() {
    let ear = Ear::new(|_, _| Reply::Status(410)).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    scene.tell(vec![transition(1, 1), transition(1, 2)]);
    let error = Some("the receiver is gone for good (HTTP 410)".to_owned());
    assert_eq!(scene.outcome().await, ("bureau".to_owned(), 1, "dead".to_owned(), error));
    // An outcome is reported at least once: the keeper's first look may fall between the two.
    let mut next = scene.outcome().await;
    while next.1 == 1 {
        next = scene.outcome().await;
    }
    assert_eq!((next.1, &*next.2), (2, "dead"));
    assert_eq!(scene.metrics.deliveries.with_label_values(&["dead"]).get(), 2);
    scene.end().await;
}

// Reliability 61: Retry-After is kept for the whole receiver, up to an hour.
#[tokio::test]
async fn retry_after_is_kept() {
    let ear = Ear::new(|_, _| Reply::With(429, "retry-after", "86400".to_owned())).await;
    let mut scene = Scene::with(&[entry("bureau", &ear)], Limits { parallel: 1, ..Limits::default() });
    scene.tell(vec![transition(1, 1), transition(2, 1)]);
    let rows = scene.rows(|rows| rows.iter().any(|r| r.attempts > 0)).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let wait = rows.iter().find(|r| r.attempts > 0).and_then(|r| r.next_at).unwrap() - now;
    assert!((3_590_000..=3_600_000).contains(&wait), "{wait}");
    // More facts wake the worker; it leaves the receiver alone.
    scene.tell(vec![transition(3, 1)]);
    scene.rows(|rows| rows.len() == 3).await;
    tokio::time::timeout(Duration::from_millis(300), ear.heard(2)).await.expect_err("asked again in the pause");
    scene.end().await;
}

// Reliability 63, 64: the status is the answer; an endless body is cut off.
#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let ear = Ear::new(|_, _| Reply::Endless).await;
    // So long a deadline that only the limit of bytes can end it.
    let limits = Limits { deadline: Duration::from_mins(10), ..Limits::default() };
    let mut scene = Scene::with(&[entry("bureau", &ear)], limits);
    scene.tell(vec![transition(1, 1)]);
    assert_eq!(scene.outcome().await.2, "delivered");
    scene.end().await;
}

// Reliability 4: a death between the receiver's 2xx and its record sends the same message again, nothing else.
#[tokio::test]
async fn a_crash_after_success_repeats_the_key() {
    let ear = Ear::new(|_, _| Reply::Status(200)).await;
    let mut scene = Scene::with(&[entry("bureau", &Ear::new(|_, _| Reply::Hang).await)], brief());
    scene.tell(vec![transition(1, 1)]);
    scene.rows(|rows| rows.len() == 1).await;
    let dir = scene.end().await;
    let target = entry("bureau", &ear).parse(&Arc::default(), dir.path()).unwrap();
    {
        // The process that dies: the receiver has the message, the outbox has not heard of it.
        let mut outbox = Outbox::open(&dir.path().join("outbox.db"), 1).unwrap();
        let parcel = outbox.claim(&target.receiver, Timestamp(i64::MAX), 1).unwrap().remove(0);
        let due = parcel.letters.into_iter().next().unwrap();
        let kept = Letter { body: due.body, stamp: due.stamp, before: due.before };
        let carrier = Carrier::new(target.clone(), brief(), Arc::new(SystemClock::default()), "").unwrap();
        assert_eq!(
            carrier.deliver(parcel.message, std::slice::from_ref(&kept)).await,
            Answer::Status { code: 200, retry_after: None }
        );
    }
    let mut scene = Scene::over(dir, vec![target.clone()], Limits::default());
    let heard = ear.heard(2).await;
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(heard[0].body, heard[1].body);
    assert_eq!(scene.outcome().await.2, "delivered");
    let dir = scene.end().await;
    // Nobody has put the outcome on record: the next process reports it again, and sends nothing.
    let mut scene = Scene::over(dir, vec![target], Limits::default());
    assert_eq!(scene.outcome().await.2, "delivered");
    assert_eq!(ear.so_far().len(), 2);
    scene.end().await;
}

// P5: in `latest` a newer version goes instead of older ones, which are listed as superseded.
#[tokio::test]
async fn the_latest_version_goes_instead() {
    let ear = Ear::new(|_, heard| if heard.what().1 == 1 { Reply::Hang } else { Reply::Status(200) }).await;
    let people = ReceiverSettings { mode: Some("latest".to_owned()), ..entry("people", &ear) };
    let mut scene = Scene::with(&[people], brief());
    scene.tell(vec![transition(1, 1)]);
    ear.heard(1).await;
    scene.tell(vec![transition(1, 2), transition(1, 3)]);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let (_, version, outcome, _) = scene.outcome().await;
        outcomes.push((version, outcome));
    }
    let words = [(2, "superseded"), (1, "superseded"), (3, "delivered")];
    assert_eq!(outcomes, words.map(|(v, o)| (v, o.to_owned())));
    assert_eq!(whats(&ear.so_far()).iter().map(|(_, v)| *v).collect::<Vec<_>>(), [1, 3]);
    scene.end().await;
}

// Reliability 61: a receiver that cannot do TLS is told apart, because somebody has to look; it is never accepted.
#[tokio::test]
async fn a_bad_certificate_is_named() {
    let ear = Ear::new(|_, _| Reply::Status(200)).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let url = format!("https://127.0.0.1:{}/", ear.port);
    let target = ReceiverSettings { url, ..entry("bureau", &ear) }.parse(&Arc::default(), dir.path()).unwrap();
    let carrier = Carrier::new(target, brief(), Arc::new(SystemClock::default()), "").unwrap();
    assert_eq!(carrier.deliver("msg_0".to_owned(), &[letter()]).await, Answer::Failed(Transport::Certificate));
    assert!(ear.so_far().is_empty());
}
