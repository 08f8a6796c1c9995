//! Whom a request thinks it talks to, route by route.

use super::*;

async fn ask(server: &Server, host: &str, path: &str) -> Answer {
    server.send(Request::get(path).header("host", host).body(Body::empty()).expect("a request")).await
}

// P: a page that gives its own name this server's address gets nothing, from no route, and is told why.
#[tokio::test]
async fn a_foreign_name_is_not_answered() {
    let server = Server::build(false, Limits::default()).await;
    let paths = ["/", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/view/snapshot", "/ws", "/nothing"];
    for path in paths {
        let answer = ask(&server, "evil.example:8080", path).await;
        assert_eq!((answer.status(), answer.problem().code), (421, api::Code::BadRequest), "{path}");
        assert!(answer.problem().detail.contains("[http]") && answer.header("x-frame-options") == "DENY");
    }
    let command = Request::post("/api/v1/alerts/x/acknowledge")
        .header("host", "evil.example:8080")
        .header("origin", "http://evil.example:8080")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"version":1}"#));
    assert_eq!(server.send(command.expect("a request")).await.status(), 421);
    for own in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "192.0.2.7"] {
        assert_eq!(ask(&server, own, "/healthz").await.status(), 200, "{own}");
    }
    server.finish().await;
}

// P: a configured name is this server's.
#[tokio::test]
async fn a_configured_name_is_answered() {
    let names: Vec<String> = vec!["maibo.city.example".to_owned()];
    let server = Server::build(false, Limits { names: names.into(), ..Limits::default() }).await;
    assert_eq!(ask(&server, "maibo.city.example", "/api/v1/status").await.status(), 200);
    assert_eq!(ask(&server, "MAIBO.city.example:8443", "/").await.status(), 200);
    assert_eq!(ask(&server, "other.city.example", "/").await.status(), 421);
    server.finish().await;
}
