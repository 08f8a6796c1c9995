//! What is called ready, and what is not.

use super::*;
use crate::history;
use crate::ingest::ClockMode;

async fn parts(server: &Server) -> api::Parts {
    let answer = server.get("/readyz").await;
    let ready: api::Ready = serde_json::from_slice(&answer.body).expect("a body");
    assert_eq!(answer.status() == 200, ready.ready);
    assert_eq!(ready.ready, ready.parts.evaluating && ready.parts.history && ready.parts.sources);
    ready.parts
}

// P9: a pipeline that takes no step for ten seconds is neither ready nor evaluating, although its threads are there.
#[tokio::test]
async fn a_standstill_is_not_ready() {
    let server = Server::build(false, Limits::default()).await;
    assert!(parts(&server).await.evaluating);
    server.state.picture.silent(Duration::from_secs(11));
    assert!(!parts(&server).await.evaluating);
    assert_eq!(server.get("/readyz").await.status(), 503);
    assert!(!server.get("/api/v1/status").await.json::<api::Status>().evaluating);
    server.finish().await;
}

// P: while alerts are still being read back from the record, a part of them is not called ready.
#[tokio::test]
async fn a_part_of_the_alerts_is_not_ready() {
    let mut server = Server::start().await;
    server.alert("wl-1", 0.6).await;
    assert!(parts(&server).await.history);
    // A database that was made anew and that nobody has filled yet.
    let (follower, projection) = follow::open(&server.dir.path().join("new.db"), u64::MAX).expect("opens");
    server.change(|state| state.projection = projection);
    assert!(server.get("/api/v1/alerts").await.json::<api::Page<api::Alert>>().items.is_empty());
    assert!(!parts(&server).await.history);
    drop(follower);
    server.finish().await;
}

// P: readings of before the start that history does not have yet are not called ready; when it has them, they are.
#[tokio::test]
async fn history_that_catches_up_is_not_ready() {
    let mut server = Server::build(false, Limits::default()).await;
    let app = server.app.as_ref().expect("an app");
    let path = server.dir.path().join("history.db");
    let options = history::options(ClockMode::Wall);
    let (follower, kept) = history::open(&path, options, &*app.logs().inputs, app.care()).expect("opens");
    let progress = kept.clone();
    server.change(|state| state.history = Some(kept));
    assert!(!parts(&server).await.history);
    tokio::spawn(follower.run(server.state.shared.inputs_wake.clone(), server.stop.clone()));
    while !progress.caught_up() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(parts(&server).await.history);
    server.finish().await;
}
