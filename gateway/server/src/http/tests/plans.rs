//! Response plans that are brought: what is refused, and what a trial run of them says. That they come into force takes delivery
//! to follow, and is tested with the real binary.

use std::collections::BTreeSet;

use maibo_core::engine::Versions;
use maibo_core::id::Version;
use maibo_core::notify::PlanSet;
use serde_json::{Value, json};

use super::super::plan_versions::{PLAN_SETS_MAX, room};
use super::*;
use crate::live::Scope;
use crate::versions::Kind;

fn request(body: &Value) -> Request<Body> {
    let request = Request::post("/api/v1/plans").header("content-type", "application/json");
    request.body(Body::from(body.to_string())).expect("a request")
}

fn plan() -> Value {
    json!({
        "name": "flood", "title": { "zh": "内涝", "en": "flood" }, "receivers": ["nobody"],
        "task": [{ "name": "pumps", "owner": "water", "what": { "zh": "泵", "en": "pumps" }, "within": "1s" }],
    })
}

// P: one mistake, and nothing of it is taken; all mistakes are told, each with its path. Who does not see all brings nothing.
#[tokio::test]
async fn bad_plans_replace_nothing() {
    let server = Server::start().await;
    let before = server.state.shared.plans.current();
    for body in [json!({}), json!({"plans": [], "more": 1}), json!({"plans": [{"name": "x", "task": [], "who": 1}]})] {
        assert_eq!(server.send(request(&body)).await.status(), 400, "{body}");
    }
    let problem = server.send(request(&json!({ "plans": [plan()] }))).await.problem();
    assert_eq!((problem.status, problem.code), (422, api::Code::Invalid));
    for part in ["plan[0].receivers: there is no receiver `nobody`", "plan[0].task[0].owner", "plan[0].task[0].within"]
    {
        assert!(problem.detail.contains(part), "{part}: {}", problem.detail);
    }
    let long = json!({ "plans": [], "note": "x".repeat(1_001) });
    assert_eq!(server.send(request(&long)).await.status(), 422);
    let mut narrow = request(&json!({ "plans": [] }));
    narrow.extensions_mut().insert(Scope { districts: Some(BTreeSet::from(["110105".into()])), domains: None });
    assert_eq!(server.send(narrow).await.status(), 403);
    let simulated = Request::post("/api/v1/plans/simulate").header("content-type", "application/json");
    let body = json!({ "domain": "traffic", "place": "110105", "level": "red", "plans": [plan()] });
    let simulated = simulated.body(Body::from(body.to_string())).expect("a request");
    assert!(server.send(simulated).await.problem().detail.contains("plan[0].task[0].owner"));
    // A rule belongs to an alert that never was.
    let simulated = Request::post("/api/v1/plans/simulate").header("content-type", "application/json");
    let body = json!({ "alert": "0".repeat(32), "rule": "storm" });
    let simulated = simulated.body(Body::from(body.to_string())).expect("a request");
    assert_eq!(server.send(simulated).await.status(), 422);
    assert_eq!(server.state.shared.plans.current(), before);
    assert!(server.state.shared.versions.brought(Kind::Plans).is_empty());
    server.finish().await;
}

// P8: sets that are kept are bounded, because each is in memory. A dry run keeps none.
#[tokio::test]
async fn kept_sets_are_bounded() {
    let mut known = Versions::default();
    for n in 0..PLAN_SETS_MAX as u64 {
        assert!(room(&known, Version(n)).is_ok(), "{n}");
        known.insert_plans(Arc::new(PlanSet { version: Version(n), plans: Vec::new() }));
    }
    assert!(room(&known, Version(5)).is_ok() && room(&known, Version(u64::MAX)).is_err());
    let server = Server::start().await;
    let dry: api::PlansActivated = server.send(request(&json!({ "plans": [], "dry_run": true }))).await.json();
    assert_eq!((dry.activated, dry.plans, dry.difference), (false, 0, api::PlanDifference::default()));
    assert!(server.state.shared.versions.brought(Kind::Plans).is_empty());
    let none: api::Page<api::PlanVersion> = server.get("/api/v1/plans/versions").await.json();
    assert_eq!(none.items, []);
    let set: api::PlanTexts = server.get(&format!("/api/v1/plans/versions/{}", dry.version)).await.json();
    assert_eq!((set.version, set.plans), (dry.version, Vec::new()), "it is the one in force");
    assert_eq!(server.get("/api/v1/plans/versions/0123456789abcdef").await.status(), 404);
    server.finish().await;
}
