//! The whole interface on a real pipeline: readings go in, answers come out. No broker, no socket but the last test's.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use maibo_api as api;
use maibo_core::id::{PartitionId, SourceId};
use maibo_core::input::Input;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::*;
use crate::app::{App, Running};
use crate::config::Settings;
use crate::ingest::Receipt;
use crate::live::hub::Next;
use crate::live::tests::{CATALOGUE, RULES, device, reading};
use crate::live::{self, Roster, follow};
use crate::pipeline::Work;

mod acts;
mod answers;
mod backtest;
mod bounds;
mod commands;
mod drills;
mod entered;
mod exports;
mod hosts;
mod incidents;
mod live_socket;
mod maintenance;
mod plans;
mod reads;
mod ready;
mod scopes;
mod trials;

const CONFIG: &str = r#"
data = "data"
catalogue = "devices.csv"
rules = ["rules.toml"]
districts = "districts.json"

[[source]]
id = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
"#;

/// A server without sockets.
struct Server {
    router: Router,
    state: HttpState,
    running: Option<Running>,
    stop: CancellationToken,
    app: Option<App>,
    dir: TempDir,
}

impl Server {
    /// With the pipeline running.
    async fn start() -> Self {
        Self::build(true, Limits::default()).await
    }

    async fn build(run: bool, limits: Limits) -> Self {
        Self::ruled(run, limits, RULES).await
    }

    /// With other rules.
    async fn ruled(run: bool, limits: Limits, rules: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let shapes = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"code":"110105"},"geometry":null},
            {"type":"Feature","properties":{"code":"110106"},"geometry":null},
            {"type":"Feature","properties":{},"geometry":null}]}"#;
        for (name, text) in
            [("maibo.toml", CONFIG), ("devices.csv", CATALOGUE), ("rules.toml", rules), ("districts.json", shapes)]
        {
            std::fs::write(dir.path().join(name), text).expect("writes");
        }
        let settings = Settings::load(&dir.path().join("maibo.toml")).expect("settings");
        let app = tokio::task::spawn_blocking(|| App::build(settings)).await.expect("builds").expect("builds");
        let shared = Arc::clone(app.shared());
        let next = app.logs().facts.next_index();
        let (follower, projection) = follow::open(&dir.path().join("state.db"), next).expect("opens");
        let facts = app.logs().facts.reader(follower.cursor());
        let picture = Arc::new(Picture::new(live::Start {
            roster: Roster::new(&shared.catalogue(), &shared.settings.rules),
            versions: Arc::clone(&shared.versions),
            open: Vec::new(),
            sources: live::configured(&shared.settings),
            now: shared.started_at,
            clock: shared.settings.clock,
            epoch: "e".into(),
            scarce: tokio::sync::watch::channel(None).1,
        }));
        let stop = CancellationToken::new();
        tokio::spawn(follower.run(facts, shared.facts_wake.clone(), stop.clone()));
        let state = HttpState {
            shared,
            picture: Arc::clone(&picture),
            projection,
            series: Arc::new(series::Recent(Arc::clone(&picture))),
            history: None,
            sinks: Arc::default(),
            outbox: None,
            receivers: crate::deliver::Roll::default(),
            answers: None,
            mode: "run",
            inputs_bytes: Arc::new(AtomicU64::new(0)),
            stop: stop.clone(),
            limits,
        };
        let router = router(state.clone());
        let (running, app) = if run {
            (Some(app.start(vec![picture.observer()], None).await.expect("starts")), None)
        } else {
            (None, Some(app))
        };
        // The configured broker does not exist and says so once. From then on what a device says ends the deafness for
        // it; said later, it would put in doubt what a test has just put in.
        let deaf = async {
            while run && picture.sources()[0].state != api::SourceState::Deaf {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), deaf).await.expect("a broker that is not there");
        Self { router, state, running, stop, app, dir }
    }

    /// Puts a water depth through the pipeline and waits until the picture has it.
    async fn measure(&self, id: &str, depth: f64) {
        let mut reading = reading(id, 0, depth);
        let now = self.state.shared.clock.now();
        (reading.at, reading.received) = (now, now);
        let (receipt, settled) = Receipt::waited();
        let inputs = vec![(PartitionId::of(&device(id)), Input::Reading(reading))];
        let source = SourceId::new("broker").expect("id");
        self.state.shared.ingest.tell(Work::Message { source, inputs, receipt }).await.expect("takes it");
        settled.await.expect("settled");
        // Two values of one series in the same millisecond would be a conflict, and the first would win.
        while self.state.shared.clock.now() == now {
            tokio::task::yield_now().await;
        }
    }

    /// Puts in a value that changes an alert, and gives the alert as the API shows it.
    async fn alert(&self, id: &str, depth: f64) -> api::Alert {
        let hub = self.state.picture.hub("city", &live::Scope::everything()).expect("a view");
        let (mut wake, mut cursor) = (hub.subscribe(), hub.join(None).cursor);
        self.measure(id, depth).await;
        loop {
            match hub.next(&mut cursor) {
                Next::Frame(text) if text.contains(r#""t":"al""#) => break,
                Next::Idle => wake.changed().await.expect("a hub"),
                _ => {}
            }
        }
        let page = self.get(&format!("/api/v1/alerts?device={id}&after={}", self.state.picture.facts())).await;
        let items = page.json::<api::Page<api::Alert>>().items;
        items.into_iter().next().expect("an alert")
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert("127.0.0.1:8080".parse().expect("a header"));
        let response: Response<Body> = self.router.clone().oneshot(request).await.expect("answers");
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
        Answer { head, body }
    }

    /// The same server with other parts.
    fn change(&mut self, change: impl FnOnce(&mut HttpState)) {
        change(&mut self.state);
        self.router = router(self.state.clone());
    }

    async fn finish(mut self) {
        if let Some(running) = self.running.take() {
            assert_eq!(running.drain().await.0, 0);
        }
        self.stop.cancel();
    }
}

struct Answer {
    head: axum::http::response::Parts,
    body: Bytes,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(self.head.status, StatusCode::OK, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The problem, which must be a complete one.
    fn problem(&self) -> api::Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem: api::Problem = serde_json::from_slice(&self.body).expect("a problem");
        assert_eq!((problem.status, problem.kind.as_str()), (self.status(), "about:blank"));
        problem
    }
}

// P: the OpenAPI document has every route and nothing else.
#[test]
fn openapi_is_complete() {
    let document = serde_json::to_value(openapi::build()).expect("serializes");
    let mut documented = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            documented.push(format!("{method} {path}"));
        }
    }
    documented.sort();
    let mut routed: Vec<String> = routes().iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    routed.sort();
    assert_eq!(documented, routed);
}

// P: every reference in the OpenAPI document leads somewhere.
#[test]
fn openapi_references_resolve() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(openapi::build()).expect("serializes");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
