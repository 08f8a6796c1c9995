//! Drills through the pipeline.

use super::*;

const PATH: &str = "/api/v1/drills";
const FLOOD: &str = r#"{"name":"flood","title":{"zh":"内涝","en":"flood"},"domain":"traffic","place":"110106","level":"orange","minutes":5}"#;

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/json").header("maibo-actor", "li.wei");
    server.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// The alert of an answer with this status.
async fn opened(server: &Server, body: &str, status: u16) -> api::Alert {
    let answer = post(server, PATH, body).await;
    assert_eq!(answer.status(), status, "{}", answer.text());
    let after: u64 = answer.header("maibo-after").parse().expect("a number");
    assert!(after <= server.state.picture.facts());
    serde_json::from_slice(&answer.body).expect("an alert")
}

async fn list(server: &Server, query: &str) -> Vec<(String, bool)> {
    let page = server.get(&format!("/api/v1/alerts?{query}")).await.json::<api::Page<api::Alert>>();
    // The source that nobody connects to is an alert of its own after a while.
    let others = page.items.into_iter().filter(|a| a.subject.kind != "source");
    others.map(|a| (a.subject.id, a.drill)).collect()
}

// Spec: the flag is on the alert wherever it is seen; its level follows; and it is in no figure about the city.
#[tokio::test]
async fn a_drill_is_an_alert_and_counts_for_nothing() {
    let server = Server::start().await;
    server.measure("wl-1", 0.01).await;
    let figures = async || {
        let districts = server.get("/api/v1/places").await.text().to_owned();
        let index: api::Index = server.get("/api/v1/index").await.json();
        (districts, index.city, index.domains, index.districts, server.get("/api/v1/domains").await.text().to_owned())
    };
    // The value is durable; the picture has it a moment later.
    while !server.get("/api/v1/devices/wl-1").await.text().contains("0.01") {
        tokio::task::yield_now().await;
    }
    let before = figures().await;
    let alert = opened(&server, FLOOD, 201).await;
    assert!(alert.drill && alert.version == 1 && alert.device.is_none());
    assert_eq!((alert.rule.as_str(), alert.title.zh.as_str()), ("maibo-drill", "演练：内涝"));
    assert_eq!((alert.subject.kind.as_str(), alert.subject.id.as_str()), ("drill", "flood"));
    assert_eq!((alert.district.as_deref(), alert.text.en.contains("exercise")), (Some("110106"), true));
    let worse = opened(&server, &FLOOD.replace("orange", "red"), 200).await;
    assert_eq!((worse.id == alert.id, worse.version, worse.level), (true, 2, api::Level::Red));
    assert_eq!(figures().await, before, "no figure moved");
    let real = server.alert("wl-1", 0.2).await;
    assert!(!real.drill);
    let is = |id: &str, drill| (id.to_owned(), drill);
    assert_eq!(list(&server, "drill=true").await, [is("flood", true)]);
    assert_eq!(list(&server, "drill=false").await, [is("wl-1", false)]);
    assert_eq!(list(&server, "state=firing").await, [is("wl-1", false), is("flood", true)]);
    assert_eq!(server.get("/api/v1/alerts?drill=perhaps").await.status(), 400);
    let table = server.get("/api/v1/alerts/export").await;
    assert!(table.text().contains("wl-1") && !table.text().contains("flood"), "{}", table.text());
    assert!(server.get("/api/v1/alerts/export?drill=true").await.text().contains("flood"));
    let drills: Vec<api::Alert> = server.get(PATH).await.json();
    assert_eq!(drills, [worse]);
    let incidents = server.get("/api/v1/incidents").await;
    assert!(!incidents.text().contains("maibo-drill"), "{}", incidents.text());
    server.finish().await;
}

// Product: everybody handles it like a real one, and whoever leads it ends it with a plain close.
#[tokio::test]
async fn a_drill_is_handled() {
    let server = Server::start().await;
    let id = opened(&server, FLOOD, 201).await.id;
    for (act, body) in [
        ("acknowledge", r#"{"version":1}"#),
        ("assign", r#"{"version":2,"to":"crew 3"}"#),
        ("comment", r#"{"version":3,"note":"on site"}"#),
        ("feedback", r#"{"version":4,"note":"done"}"#),
        ("close", r#"{"version":5}"#),
    ] {
        let answer = post(&server, &format!("/api/v1/alerts/{id}/{act}"), body).await;
        assert_eq!(answer.status(), 200, "{act}: {}", answer.text());
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).expect("JSON")["drill"], true, "{act}");
    }
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{id}")).await.json();
    assert_eq!((detail.alert.state, detail.versions.len()), (api::AlertState::Resolved, 6));
    assert!(detail.versions.iter().all(|v| v.actor.as_deref() == Some("li.wei")), "{:?}", detail.versions);
    assert_eq!(server.get(&format!("/api/v1/alerts/{id}/timeline")).await.status(), 200);
    assert!(server.get(PATH).await.json::<Vec<api::Alert>>().is_empty());
    let again = opened(&server, &FLOOD.replace("\"minutes\"", "\"by\":\"wang\",\"minutes\""), 201).await;
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{}", again.id)).await.json();
    assert_eq!(detail.versions[0].actor.as_deref(), Some("wang"));
    server.finish().await;
}

// P: all that is wrong is said at once, and nothing opens.
#[tokio::test]
async fn mistakes() {
    let server = Server::start().await;
    let bad = r#"{"name":"a b","title":{"zh":" ","en":"x"},"domain":"war","place":"99","level":"black","minutes":0,"by":"a/b"}"#;
    let problem = post(&server, PATH, bad).await.problem();
    assert_eq!(problem.status, 422);
    for key in ["name: ", "title.zh: ", "domain: must be one of municipal", "place: ", "level: ", "minutes: ", "by: "] {
        assert!(problem.detail.contains(key), "{key}: {}", problem.detail);
    }
    assert!(!problem.detail.contains("title.en"), "{}", problem.detail);
    let long = format!("\"en\":\"{}\"", "x".repeat(101));
    for (from, to, status) in [
        ("\"minutes\":5", "\"minutes\":1441", 422),
        ("\"en\":\"flood\"", &long, 422),
        ("\"en\":\"flood\"", "\"en\":\"a\\nb\"", 422),
        ("110106", "110103", 422),
        ("110106", "nowhere", 422),
        ("\"minutes\"", "\"hours\"", 400),
        ("5}", "5,\"x\":1}", 400),
    ] {
        assert_eq!(post(&server, PATH, &FLOOD.replace(from, to)).await.problem().status, status, "{to}");
    }
    assert!(server.get(PATH).await.json::<Vec<api::Alert>>().is_empty());
    opened(&server, &FLOOD.replace("\"place\":\"110106\",", ""), 201).await;
    let problem = post(&server, PATH, FLOOD).await.problem();
    assert_eq!((problem.status, problem.current.map(|a| a.place)), (409, Some(None)), "open in the whole city");
    for n in 1..16 {
        opened(&server, &FLOOD.replace("\"flood\",\"title", &format!("\"d{n}\",\"title")), 201).await;
    }
    let problem = post(&server, PATH, &FLOOD.replace("\"flood\",\"title", "\"more\",\"title")).await.problem();
    assert_eq!((problem.status, problem.detail.as_str()), (409, "16 drills are open: close one first"));
    server.finish().await;
}

// A caller sees and opens drills only where it sees alerts.
#[tokio::test]
async fn drills_have_a_scope() {
    let server = Server::start().await;
    opened(&server, FLOOD, 201).await;
    let scope = live::Scope { districts: Some(["110105".to_owned()].into()), domains: None };
    let send = async |request: axum::http::request::Builder, body: String| {
        let request = request.header("content-type", "application/json").extension(scope.clone());
        server.send(request.body(Body::from(body)).expect("a request")).await
    };
    let seen: Vec<api::Alert> = send(Request::get(PATH), String::new()).await.json();
    assert!(seen.is_empty());
    for body in [FLOOD.replace("\"flood\",\"title", "\"mine\",\"title"), FLOOD.replace("\"place\":\"110106\",", "")] {
        let problem = send(Request::post(PATH), body).await.problem();
        assert_eq!((problem.status, problem.detail.as_str()), (422, "place: is outside of what you see"));
    }
    // The name is taken, and it is not said by whom.
    let problem = send(Request::post(PATH), FLOOD.replace("110106", "110105")).await.problem();
    assert_eq!((problem.status, problem.current), (409, None));
    server.finish().await;
}
