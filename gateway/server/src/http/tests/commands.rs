//! The acknowledge command through the pipeline.

use super::*;

fn acknowledge(id: &str, actor: &str) -> axum::http::request::Builder {
    Request::post(format!("/api/v1/alerts/{id}/acknowledge"))
        .header("content-type", "application/json")
        .header("maibo-actor", actor.to_owned())
}

async fn send(server: &Server, id: &str, actor: &str, body: &str) -> Answer {
    let request = acknowledge(id, actor).body(Body::from(body.to_owned())).expect("a request");
    server.send(request).await
}

// P2: an acknowledgement is a fact before it is answered, a read that follows sees it, and the same command again or
// another operator's with what he saw is settled by what is recorded.
#[tokio::test]
async fn acknowledge_and_conflict() {
    let server = Server::start().await;
    let alert = server.alert("wl-1", 0.2).await;
    let body = format!(r#"{{"version":{},"note":"on my way"}}"#, alert.version);
    let answer = send(&server, &alert.id, "li.wei", &body).await;
    let told: api::Alert = answer.json();
    let by = told.acknowledged.expect("acknowledged");
    assert_eq!(told.updated_at, by.at, "the latest version is the acknowledgement");
    assert_eq!((by.by.as_str(), by.note.as_str(), told.version), ("li.wei", "on my way", alert.version + 1));
    let after: u64 = answer.header("maibo-after").parse().expect("a number");
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{}?after={after}", alert.id)).await.json();
    assert_eq!(detail.versions.last().and_then(|v| v.actor.as_deref()), Some("li.wei"));
    let listed: api::Page<api::Alert> = server.get("/api/v1/alerts?acknowledged=true").await.json();
    assert_eq!(listed.items.len(), 1);

    let problem = send(&server, &alert.id, "zhang.min", &body).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::NewerFact)));
    assert_eq!(problem.current.map(|a| a.version), Some(alert.version + 1));

    let second = server.alert("wl-2", 0.2).await;
    server.alert("wl-2", 0.6).await;
    let problem = send(&server, &second.id, "li.wei", r#"{"version":1}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::LevelRose)));
    let over = server.alert("wl-2", 0.0).await;
    assert_eq!(over.state, api::AlertState::Resolved);
    let problem = send(&server, &second.id, "li.wei", r#"{"version":9}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::Resolved)));
    assert_eq!(problem.current.map(|a| a.state), Some(api::AlertState::Resolved));
    server.finish().await;
}

// P: a command that is not one is refused before it reaches the pipeline.
#[tokio::test]
async fn refused_commands() {
    let server = Server::start().await;
    let id = server.alert("wl-1", 0.6).await.id;
    let long = format!(r#"{{"version":1,"note":"{}"}}"#, "长".repeat(501));
    for body in ["", "{", "[]", r#"{"note":"x"}"#, r#"{"version":-1}"#, r#"{"version":1,"who":"me"}"#, &long] {
        let answer = send(&server, &id, "li.wei", body).await;
        assert_eq!((answer.status(), answer.problem().code), (400, api::Code::BadRequest), "{body}");
    }
    let answer = send(&server, &id, "a b", r#"{"version":1}"#).await;
    assert_eq!(answer.status(), 400);
    let huge = format!(r#"{{"version":1,"note":"{}"}}"#, "x".repeat(guard::BODY_MAX));
    let answer = send(&server, &id, "li.wei", &huge).await;
    assert_eq!((answer.status(), answer.problem().code), (413, api::Code::TooLarge));
    for unknown in ["00000000000000000000000000000000", "no-id"] {
        let answer = send(&server, unknown, "li.wei", r#"{"version":1}"#).await;
        assert_eq!((answer.status(), answer.problem().code), (404, api::Code::NotFound));
    }
    let form = Request::post(format!("/api/v1/alerts/{id}/acknowledge"))
        .header("content-type", "text/plain")
        .body(Body::from(r#"{"version":1}"#));
    assert_eq!(server.send(form.expect("a request")).await.status(), 400);
    let foreign =
        acknowledge(&id, "li.wei").header("origin", "http://evil.example").body(Body::from(r#"{"version":1}"#));
    assert_eq!(server.send(foreign.expect("a request")).await.status(), 403);
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{id}")).await.json();
    assert_eq!(detail.alert.version, 1, "nothing was recorded");
    let own = acknowledge(&id, "li.wei").header("origin", "http://127.0.0.1:8080").body(Body::from(r#"{"version":1}"#));
    assert_eq!(server.send(own.expect("a request")).await.status(), 200);
    server.finish().await;
}

// P: a pipeline that does not answer in time gives 503 with a word when to come back, not a hanging request.
#[tokio::test]
async fn undecided_in_time() {
    let limits = Limits { command: Duration::from_millis(30), ..Limits::default() };
    let server = Server::build(false, limits).await;
    let t = crate::live::tests::transition("wl-1", 1, maibo_core::place::Level::Red, maibo_core::fact::State::Firing);
    server.state.picture.show(&t);
    let answer = send(&server, &t.episode.to_string(), "li.wei", r#"{"version":1}"#).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "2"));
    assert_eq!(answer.problem().code, api::Code::Unavailable);
    server.finish().await;
}
