//! The commands on alerts besides `acknowledge`, through the pipeline.

use super::*;

async fn send(server: &Server, id: &str, act: &str, actor: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/v1/alerts/{id}/{act}"))
        .header("content-type", "application/json")
        .header("maibo-actor", actor.to_owned());
    server.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn act(server: &Server, id: &str, act: &str, body: &str) -> api::Alert {
    send(server, id, act, "li.wei", body).await.json()
}

/// So many seconds ahead of the server's clock.
fn ahead(server: &Server, seconds: i64) -> String {
    let now = server.state.shared.clock.now();
    live::words::time(now + maibo_core::time::Millis::from_secs(seconds))
}

// P2: every act is a version with the operator's name, seen by the read that follows, with its sentence in both languages.
#[tokio::test]
async fn each_act_is_a_version() {
    let server = Server::start().await;
    let id = server.alert("wl-1", 0.2).await.id;
    let until = ahead(&server, 3_600);
    let assigned = act(&server, &id, "assign", r#"{"version":1,"to":"排水集团","note":"带泵"}"#).await;
    let to = assigned.assigned.expect("assigned");
    assert_eq!((to.to.as_str(), to.by.as_str()), ("排水集团", "li.wei"));
    assert_eq!(assigned.updated_at, to.at, "the latest version is the act");
    assert_eq!(assigned.stamps.responding.and_then(|s| s.by).as_deref(), Some("li.wei"));
    assert_eq!(assigned.text.zh, "li.wei 指派 排水集团 处置：带泵");
    act(&server, &id, "comment", r#"{"version":2,"note":"泵车已到"}"#).await;
    let silenced = act(&server, &id, "silence", &format!(r#"{{"version":3,"until":"{until}","note":"检修"}}"#)).await;
    let silence = silenced.silenced.expect("silenced");
    assert_eq!((silence.until, silence.note.as_str()), (until, "检修"));
    assert_eq!(act(&server, &id, "unsilence", r#"{"version":4}"#).await.silenced, None);
    let fed = act(&server, &id, "feedback", r#"{"version":5,"stage":"responding","note":"在现场"}"#).await;
    assert_eq!(fed.stamps.fed_back, None);
    let fed = act(&server, &id, "feedback", r#"{"version":6,"note":"已排干"}"#).await;
    assert!(fed.stamps.fed_back.is_some());
    let closed = act(&server, &id, "close", r#"{"version":7,"note":"传感器故障","forced":true}"#).await;
    assert_eq!((closed.state, closed.version), (api::AlertState::Resolved, 8));
    assert_eq!(closed.stamps.archived.and_then(|s| s.by).as_deref(), Some("li.wei"));
    let detail: api::AlertDetail =
        server.get(&format!("/api/v1/alerts/{id}?after={}", server.state.picture.facts())).await.json();
    let told: Vec<_> = detail.versions.iter().map(|v| (v.reason.as_str(), v.actor.as_deref())).collect();
    let li = Some("li.wei");
    let acts = ["assigned", "commented", "silenced", "unsilenced", "fed_back", "fed_back", "closed"].map(|r| (r, li));
    assert_eq!(told, [&[("threshold", None)][..], &acts].concat());
    let said: Vec<_> = detail.versions.into_iter().map(|v| v.text.expect("a sentence").en).collect();
    assert_eq!(said[0], "Water depth 0.2 cm reached the yellow limit 0.15 cm");
    assert_eq!(said[7], "li.wei closed the alert by force: 传感器故障");
    server.finish().await;
}

// P: what another operator did refuses every act but a comment; what makes no sense on this alert says why.
#[tokio::test]
async fn conflicts() {
    let server = Server::start().await;
    let id = server.alert("wl-1", 0.2).await.id;
    let until = ahead(&server, 60);
    act(&server, &id, "assign", r#"{"version":1,"to":"crew 3"}"#).await;
    for (path, body) in [
        ("assign", r#"{"version":1,"to":"crew 4"}"#.to_owned()),
        ("silence", format!(r#"{{"version":1,"until":"{until}","note":"why"}}"#)),
        ("unsilence", r#"{"version":1}"#.to_owned()),
        ("close", r#"{"version":1,"forced":true}"#.to_owned()),
        ("feedback", r#"{"version":1,"note":"done"}"#.to_owned()),
    ] {
        let problem = send(&server, &id, path, "zhang.min", &body).await.problem();
        assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::NewerFact)), "{path}");
        assert_eq!(problem.current.map(|a| a.version), Some(2));
    }
    assert_eq!(send(&server, &id, "comment", "zhang.min", r#"{"version":1,"note":"seen"}"#).await.status(), 200);
    let problem = send(&server, &id, "close", "li.wei", r#"{"version":3}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::StillFiring)));
    let problem = send(&server, &id, "unsilence", "li.wei", r#"{"version":3}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::NotSilenced)));
    server.alert("wl-1", 0.0).await;
    let problem = send(&server, &id, "comment", "li.wei", r#"{"version":3,"note":"late"}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::Resolved)));
    server.finish().await;
}

// P: a body that cannot be understood is 400, one that makes no sense 422; neither changes the alert.
#[tokio::test]
async fn refused_bodies() {
    let server = Server::start().await;
    let id = server.alert("wl-1", 0.2).await.id;
    let silence = |until: &str, note: &str| format!(r#"{{"version":1,"until":"{until}","note":"{note}"}}"#);
    let long = "长".repeat(501);
    let name = "x".repeat(65);
    for (path, body, status) in [
        ("assign", r#"{"version":1}"#.to_owned(), 400),
        ("assign", r#"{"version":1,"to":""}"#.to_owned(), 422),
        ("assign", format!(r#"{{"version":1,"to":"{name}"}}"#), 422),
        ("comment", r#"{"version":1,"note":" "}"#.to_owned(), 422),
        ("comment", format!(r#"{{"version":1,"note":"{long}"}}"#), 400),
        ("silence", silence("tomorrow", "why"), 400),
        ("silence", silence(&ahead(&server, -60), "why"), 422),
        ("silence", silence(&ahead(&server, 8 * 86_400), "why"), 422),
        ("silence", silence(&ahead(&server, 60), ""), 422),
        ("unsilence", r#"{"version":1,"note":"x"}"#.to_owned(), 400),
        ("close", r#"{"version":1,"forced":"yes"}"#.to_owned(), 400),
        ("feedback", r#"{"version":1,"note":""}"#.to_owned(), 422),
        ("feedback", r#"{"version":1,"note":"x","stage":"archived"}"#.to_owned(), 400),
    ] {
        let answer = send(&server, &id, path, "li.wei", &body).await;
        let code = if status == 422 { api::Code::Invalid } else { api::Code::BadRequest };
        assert_eq!((answer.status(), answer.problem().code), (status, code), "{path} {body}");
    }
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{id}")).await.json();
    assert_eq!(detail.alert.version, 1);
    server.finish().await;
}
