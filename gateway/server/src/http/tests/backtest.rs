//! Backtests over HTTP.

use std::fmt::Write as _;

use super::*;
use crate::http::backtest::{BODY_MAX, READINGS_MAX};

const PATH: &str = "/api/v1/rules/backtest";
/// 2026-11-23T12:00:00Z.
const NOON: i64 = 1_795_435_200_000;

async fn ask(server: &Server, body: &Value) -> Answer {
    send(server, body.to_string()).await
}

async fn send(server: &Server, body: String) -> Answer {
    let request = Request::post(PATH).header("content-type", "application/json").body(Body::from(body));
    server.send(request.expect("a request")).await
}

fn pack(text: &str) -> Value {
    serde_json::json!([{ "name": "t.toml", "text": text }])
}

/// Depths of `wl-1` every ten seconds.
fn readings(depths: &[f64]) -> Value {
    let one = |(n, depth): (usize, &f64)| {
        let t = NOON + n as i64 * 10_000;
        serde_json::json!({ "device": "wl-1", "quantity": "water_depth", "t": t, "value": depth })
    };
    depths.iter().enumerate().map(one).collect()
}

// P: rules that are not in force are judged on data that a caller brings, and held against the rules in force; nothing
// of it reaches the city.
#[tokio::test]
async fn rules_on_given_readings() {
    let server = Server::start().await;
    let stricter = RULES.replace("blue = 0.05", "blue = 0.01");
    let depths = readings(&[-0.5, 0.03, -0.5, 0.2, 0.6, -0.5]);
    let body = serde_json::json!({ "rules": pack(&stricter), "against": "active", "operators": 2, "readings": depths });
    let report: api::BacktestReport = ask(&server, &body).await.json();
    assert_eq!((report.load.openings, report.load.operators, report.data.judged), (2, 2, 6));
    let peaks: Vec<_> = report.episodes.iter().map(|e| (e.peak_level, e.furthest)).collect();
    assert_eq!(peaks, [(api::Level::Blue, Some(0.03)), (api::Level::Red, Some(0.6))]);
    let difference = report.difference.expect("a difference");
    assert_eq!((difference.new_count, difference.gone_count, difference.changed_count), (1, 0, 0));
    assert_eq!((difference.same, difference.load.openings), (1, 1));
    assert_eq!(difference.new[0].opened_at, "2026-11-23T12:00:10.000Z");
    let alerts: api::Page<api::Alert> = server.get("/api/v1/alerts").await.json();
    let rules: api::Page<api::Rule> = server.get("/api/v1/rules").await.json();
    assert!(
        alerts.items.is_empty() && rules.items[0].levels.as_ref().is_some_and(|l| l.contains_key(&api::Level::Blue))
    );
    server.finish().await;
}

// P: the server's own history is data too, of the devices that the caller may see.
#[tokio::test]
async fn rules_on_own_history() {
    let server = Server::start().await;
    server.alert("wl-3", 0.9).await;
    for depth in [0.0, 0.02, 0.3] {
        server.measure("wl-1", depth).await;
        server.measure("wl-2", depth / 2.0).await;
    }
    let known = |id: &str| server.state.picture.recent(&device(id), "water_depth").map_or(0, |v| v.len());
    while known("wl-1") + known("wl-2") < 6 {
        tokio::task::yield_now().await;
    }
    let now = server.state.shared.clock.now().0;
    let text = RULES.replace("blue = 0.05", "blue = 0.01");
    let of = |devices: Value| {
        serde_json::json!({ "rules": pack(&text), "from": (now - 60_000).to_string(),
        "to": (now + 1).to_string(), "devices": devices })
    };
    let all: api::BacktestReport = ask(&server, &of(Value::Null)).await.json();
    assert_eq!((all.data.judged, all.data.devices, all.load.openings), (7, 3, 3), "{all:?}");
    let one: api::BacktestReport = ask(&server, &of(serde_json::json!(["wl-1"]))).await.json();
    assert_eq!((one.data.judged, one.load.openings, one.episodes[0].subject.as_str()), (3, 1, "wl-1"));
    let stranger = ask(&server, &of(serde_json::json!(["wl-1", "wl-9"]))).await;
    assert_eq!((stranger.status(), stranger.problem().code), (404, api::Code::NotFound));
    // What one may not see is not there.
    let mut request = Request::post(PATH).header("content-type", "application/json");
    let scope = live::Scope { domains: Some([maibo_core::place::Domain::Ecology].into()), ..live::Scope::everything() };
    request.extensions_mut().expect("a request").insert(scope);
    let hidden = server.send(request.body(Body::from(of(Value::Null).to_string())).expect("a request")).await;
    assert_eq!(hidden.json::<api::BacktestReport>().data.devices, 0);
    server.finish().await;
}

// P: what cannot be run is refused with the reason, whichever it is.
#[tokio::test]
async fn refused_backtests() {
    let server = Server::start().await;
    let (rules, data) = (pack(RULES), readings(&[0.0]));
    let json = |fields: Value| {
        let mut body = serde_json::json!({ "rules": rules, "readings": data });
        let (Some(body_fields), Value::Object(fields)) = (body.as_object_mut(), fields) else { panic!("objects") };
        for (key, value) in fields {
            if value.is_null() {
                body_fields.remove(&key)
            } else {
                body_fields.insert(key, value)
            };
        }
        body
    };
    let (from, to) = (NOON.to_string(), (NOON + 1).to_string());
    let (none, far) = (Value::Null, (NOON + 31 * 86_400_000).to_string());
    for (fields, wanted) in [
        (serde_json::json!({ "rules": none }), "missing field `rules`"),
        (serde_json::json!({ "rules": [] }), "rules: hold no rule"),
        (
            serde_json::json!({ "rules": pack("x = 1\n[[rule]]\nid = \"a b\"") }),
            "t.toml: rule[0].id: has the character",
        ),
        (serde_json::json!({ "rules": pack(&"#".repeat(2 << 20)) }), "rules: are longer than"),
        (serde_json::json!({ "colour": 1 }), "unknown field `colour`"),
        (serde_json::json!({ "operators": 0 }), "operators: must be 1 to"),
        (serde_json::json!({ "against": "yesterday" }), "unknown variant"),
        (serde_json::json!({ "readings": none }), "needs either `readings`"),
        (serde_json::json!({ "from": from, "to": to }), "needs either `readings`"),
        (serde_json::json!({ "devices": ["wl-1"] }), "needs either `readings`"),
        (serde_json::json!({ "readings": none, "from": "then", "to": to }), "from: must be RFC 3339"),
        (serde_json::json!({ "readings": none, "from": to, "to": from }), "from, to: must be in order"),
        (serde_json::json!({ "readings": none, "from": from, "to": far }), "at most 30 days apart"),
        (
            serde_json::json!({ "readings": [{ "device": "a b", "quantity": "water_depth", "t": NOON, "value": 1 },
                { "device": "a", "quantity": "phlogiston", "t": NOON, "value": 1 },
                { "device": "a", "quantity": "co", "t": 1, "value": 1 }] }),
            "3 of the readings are bad:\nreadings[0]: device `a b` has",
        ),
    ] {
        let answer = ask(&server, &json(fields)).await;
        assert_eq!(answer.status(), 400, "{wanted}: {}", answer.text());
        let problem = answer.problem();
        assert!(problem.code == api::Code::BadRequest && problem.detail.contains(wanted), "{wanted}: {problem:?}");
    }
    assert_eq!(send(&server, "{".into()).await.status(), 400);
    let plain = Request::post(PATH).body(Body::from("{}")).expect("a request");
    assert_eq!(server.send(plain).await.status(), 400, "no content type");
    let foreign =
        Request::post(PATH).header("content-type", "application/json").header("origin", "http://evil.example");
    assert_eq!(server.send(foreign.body(Body::from("{}")).expect("a request")).await.status(), 403);
    server.finish().await;
}

// P8: one backtest at a time, of so many readings, in so many bytes and in its time; then the caller hears which.
#[tokio::test]
async fn bounds_of_a_backtest() {
    let limits = Limits::default();
    let turns = Arc::clone(&limits.backtests);
    let mut server = Server::build(true, limits).await;
    let body = serde_json::json!({ "rules": pack(RULES), "readings": readings(&[0.0, 0.9]) });
    let turn = turns.try_acquire().expect("nobody else");
    let busy = ask(&server, &body).await;
    assert_eq!((busy.status(), busy.header("retry-after"), busy.problem().code), (503, "5", api::Code::Unavailable));
    drop(turn);
    assert_eq!(ask(&server, &body).await.status(), 200);
    assert_eq!(turns.available_permits(), 1, "the turn is given back");

    let one = r#"{"device":"wl-1","quantity":"water_depth","t":1795435200000,"value":0.125}"#;
    let mut many = format!(r#"{{"rules":{},"readings":[{one}"#, pack(RULES));
    for _ in 1..READINGS_MAX {
        let _ = write!(many, ",{one}");
    }
    let full: api::BacktestReport = send(&server, format!("{many}]}}")).await.json();
    assert_eq!((full.data.judged, full.data.duplicate), (1, READINGS_MAX as u64 - 1));
    let problem = send(&server, format!("{many},{one}]}}")).await.problem();
    assert_eq!((problem.status, problem.detail.as_str()), (400, "readings: more than 200000"));
    let problem = send(&server, format!("{many}]}}{}", " ".repeat(BODY_MAX))).await.problem();
    assert_eq!((problem.status, problem.code), (413, api::Code::TooLarge));

    server.change(|state| state.limits.backtest = Duration::ZERO);
    let late = ask(&server, &body).await;
    assert_eq!((late.status(), late.header("retry-after")), (503, "5"));
    assert!(late.problem().detail.contains("takes longer"));
    server.finish().await;
}
