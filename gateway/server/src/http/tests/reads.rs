//! Every read: the happy path and what it refuses.

use super::*;

// P: the state of the whole is told: versions, counts, sources, durability.
#[tokio::test]
async fn status_and_health() {
    let server = Server::start().await;
    server.alert("wl-1", 0.6).await;
    let status: api::Status = server.get("/api/v1/status").await.json();
    assert_eq!((status.product.as_str(), status.mode.as_str(), status.devices), ("maibo", "run", 4));
    assert_eq!(status.durability, "power-safe");
    assert!(status.evaluating && status.counters.facts > 0 && status.log.facts >= status.counters.facts);
    assert_eq!(status.sources[0].id, "broker");
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    // No source delivers in this test, and that is what it says.
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    let ready: api::Ready = serde_json::from_slice(&ready.body).expect("a body");
    assert_eq!(ready.parts, api::Parts { evaluating: true, history: true, sources: false });
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("maibo_facts_total") && metrics.header("content-type").starts_with("text/plain"));
    server.finish().await;
}

// P: devices, places and domains show what was heard, page by page, and filters leave exactly what they say.
#[tokio::test]
async fn devices_places_domains() {
    let server = Server::start().await;
    let alert = server.alert("wl-1", 0.6).await;
    assert_eq!((alert.level, alert.district.as_deref()), (api::Level::Red, Some("110106")));
    let device: api::Device = server.get("/api/v1/devices/wl-1").await.json();
    assert_eq!((device.state, device.level), (api::DeviceState::Firing, Some(api::Level::Red)));
    assert_eq!((device.values[0].value, device.values[0].unit.as_str()), (Some(0.6), "cm"));
    let ids = async |query: &str| -> Vec<String> {
        let page: api::Page<api::Device> = server.get(&format!("/api/v1/devices?{query}")).await.json();
        page.items.into_iter().map(|d| d.id).collect()
    };
    assert_eq!(ids("").await, ["aq-1", "wl-1", "wl-2", "wl-3"]);
    assert_eq!(ids("state=firing").await, ["wl-1"]);
    assert_eq!(ids("domain=ecology").await, ["aq-1"]);
    assert_eq!(ids("district=110105&kind=waterlogging").await, ["wl-2", "wl-3"]);
    assert_eq!(ids("q=%E5%AE%89%E5%8D%8E").await, ["wl-2"]);
    let page: api::Page<api::Device> = server.get("/api/v1/devices?limit=3").await.json();
    let next = page.next.expect("more");
    assert_eq!(ids(&format!("limit=3&cursor={next}")).await, ["wl-3"]);
    let domains: api::Page<api::DomainState> = server.get("/api/v1/domains").await.json();
    let traffic = domains.items.iter().find(|d| d.domain == api::Domain::Traffic).expect("traffic");
    assert_eq!((domains.items.len(), traffic.devices, traffic.open.red), (6, 3, 1));
    let places: api::Page<api::Place> = server.get("/api/v1/places?level=district&limit=1").await.json();
    assert_eq!((places.items[0].code.as_str(), places.items[0].name.zh.as_str()), ("110105", "朝阳区"));
    assert_eq!(places.next.as_deref(), Some("110105"));
    let places: api::Page<api::Place> = server.get("/api/v1/places?cursor=110105").await.json();
    assert_eq!((places.items[0].code.as_str(), places.items[0].open.red, places.next), ("110106", 1, None));
    assert!(server.get("/api/v1/districts").await.text().contains("FeatureCollection"));
    server.finish().await;
}

// P: alerts can be listed, filtered, paged and opened with their history and the rule's words.
#[tokio::test]
async fn alerts() {
    let server = Server::start().await;
    let first = server.alert("wl-1", 0.2).await;
    let second = server.alert("wl-2", 0.6).await;
    let ids = async |query: &str| -> Vec<String> {
        let page: api::Page<api::Alert> = server.get(&format!("/api/v1/alerts?{query}")).await.json();
        page.items.into_iter().map(|a| a.id).collect()
    };
    assert_eq!(ids("").await, [second.id.as_str(), &first.id]);
    assert_eq!(ids("level=yellow").await, [first.id.as_str()]);
    assert_eq!(ids("state=firing&domain=traffic&district=110105&acknowledged=false").await, [second.id.as_str()]);
    assert!(ids("state=resolved").await.is_empty() && ids("domain=health").await.is_empty());
    let page: api::Page<api::Alert> = server.get("/api/v1/alerts?limit=1").await.json();
    let next = page.next.expect("more");
    let page: api::Page<api::Alert> = server.get(&format!("/api/v1/alerts?limit=1&cursor={next}")).await.json();
    assert_eq!((page.items[0].id.as_str(), page.next), (first.id.as_str(), None));
    let raised = server.alert("wl-1", 0.7).await;
    assert_eq!((raised.id.as_str(), raised.version), (first.id.as_str(), 2));
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{}", first.id)).await.json();
    assert_eq!(detail.versions.iter().map(|v| v.level).collect::<Vec<_>>(), [api::Level::Yellow, api::Level::Red]);
    assert_eq!((detail.alert.level, detail.direction), (api::Level::Red, Some(api::Direction::Above)));
    assert_eq!(detail.advice.map(|w| w.en), Some("Detour".to_owned()));
    assert_eq!(detail.levels.and_then(|l| l.get(&api::Level::Red).copied()), Some(api::Limit::Value(0.5)));
    server.finish().await;
}

// P: series answer with buckets or raw readings of the wanted span.
#[tokio::test]
async fn series() {
    let server = Server::start().await;
    server.alert("wl-1", 0.6).await;
    let raw: Value = server.get("/api/v1/devices/wl-1/series/water_depth?points=0").await.json();
    assert_eq!((raw["unit"].as_str(), raw["points"][0][1].as_f64()), (Some("cm"), Some(0.6)));
    let buckets: Value = server.get("/api/v1/devices/wl-1/series/water_depth").await.json();
    assert_eq!(buckets["points"][0].as_array().map(Vec::len), Some(5));
    let past = "/api/v1/devices/wl-1/series/water_depth?from=2020-01-01T00:00:00Z&to=1577923200000";
    assert_eq!(server.get(past).await.json::<Value>()["points"], Value::Array(vec![]));
    server.finish().await;
}

// P: rules are listed with their open alerts; deliveries and rejections are lists too.
#[tokio::test]
async fn rules_deliveries_quarantine() {
    let server = Server::start().await;
    server.alert("wl-1", 0.6).await;
    let rules: api::Page<api::Rule> = server.get("/api/v1/rules").await.json();
    assert_eq!((rules.items.len(), rules.items[0].open, rules.next), (1, 1, None));
    let deliveries: api::Page<api::Delivery> = server.get("/api/v1/deliveries?outcome=dead").await.json();
    assert!(deliveries.items.is_empty());
    let source = SourceId::new("broker").expect("id");
    for reason in ["one", "two"] {
        server.state.shared.quarantine.note(server.state.shared.clock.now(), &source, "t", reason, "d");
    }
    let kept: api::Page<api::QuarantineEntry> = server.get("/api/v1/quarantine?limit=1").await.json();
    assert_eq!((kept.items[0].reason.as_str(), kept.next.as_deref()), ("two", Some("2")));
    let kept: api::Page<api::QuarantineEntry> = server.get("/api/v1/quarantine?limit=1&cursor=2").await.json();
    assert_eq!((kept.items[0].reason.as_str(), kept.next), ("one", None));
    server.finish().await;
}

// P: what cannot be understood is refused with a problem that says what is wrong, and nothing is guessed.
#[tokio::test]
async fn bad_requests() {
    let server = Server::build(false, Limits::default()).await;
    for path in [
        "/api/v1/alerts?limit=abc",
        "/api/v1/alerts?limit=0",
        "/api/v1/alerts?limit=1001",
        "/api/v1/alerts?limit=99999999999999999999999",
        "/api/v1/alerts?level=purple",
        "/api/v1/alerts?state=open",
        "/api/v1/alerts?domain=moon",
        "/api/v1/alerts?acknowledged=1",
        "/api/v1/alerts?cursor=x",
        "/api/v1/alerts?after=x",
        "/api/v1/alerts?sort=up",
        "/api/v1/devices?state=odd",
        "/api/v1/devices?cursor=0000000000000000.1",
        "/api/v1/devices?limit=-1",
        "/api/v1/places?level=street",
        "/api/v1/places?cursor=%27",
        "/api/v1/rules?cursor=%20",
        "/api/v1/deliveries?outcome=lost",
        "/api/v1/quarantine?limit=",
        "/api/v1/devices/wl-1/series/water_depth?from=soon",
        "/api/v1/devices/wl-1/series/water_depth?from=2&to=1",
        "/api/v1/devices/wl-1/series/water_depth?points=5001",
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status(), answer.problem().code), (400, api::Code::BadRequest), "{path}");
    }
    for path in [
        "/api/v1/nothing",
        "/api/v2/status",
        "/nothing",
        "/assets/../Cargo.toml",
        "/api/v1/devices/none",
        "/api/v1/devices/%00",
        "/api/v1/devices/wl-1/series/nothing",
        "/api/v1/alerts/xyz",
        "/api/v1/alerts/00000000000000000000000000000000",
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status(), answer.problem().code), (404, api::Code::NotFound), "{path}");
    }
    server.finish().await;
}

// P: a read that is to see what a command did says 503 rather than show the past.
#[tokio::test]
async fn after_waits_and_gives_up() {
    let limits = Limits { after: Duration::from_millis(20), ..Limits::default() };
    let server = Server::build(false, limits).await;
    assert_eq!(server.get("/api/v1/alerts?after=0").await.status(), 200);
    let answer = server.get("/api/v1/alerts?after=1").await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.problem().code, api::Code::Unavailable);
    server.finish().await;
}

// P: the page is served with a policy that lets nothing foreign in, and is asked for anew; columns have a tag.
#[tokio::test]
async fn page_and_view() {
    let server = Server::build(false, Limits::default()).await;
    let page = server.get("/").await;
    assert_eq!(page.status(), 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"));
    // Neither a socket nor anything else leads elsewhere; the page's own socket is covered by 'self'.
    assert!(policy.contains("connect-src 'self';") && !policy.contains("ws:") && !policy.contains("wss:"));
    assert_eq!((page.header("cache-control"), page.header("x-content-type-options")), ("no-cache", "nosniff"));
    let columns = server.get("/api/v1/view/devices").await;
    let devices: api::ViewDevices = columns.json();
    assert_eq!(devices.id, ["aq-1", "wl-1", "wl-2", "wl-3"]);
    assert_eq!(
        (devices.quantity[1].as_str(), devices.unit[1].as_str(), devices.quantity[0].as_str()),
        ("water_depth", "cm", "")
    );
    let tag = columns.header("etag").to_owned();
    let again = Request::get("/api/v1/view/devices").header("if-none-match", tag).body(Body::empty());
    assert_eq!(server.send(again.expect("a request")).await.status(), 304);
    let snapshot: api::Snapshot = server.get("/api/v1/view/snapshot").await.json();
    assert_eq!((snapshot.version, snapshot.l.len(), snapshot.epoch.as_str()), (devices.version, 4, "e"));
    assert_eq!(server.get("/api/v1/status").await.header("cache-control"), "no-store");
    server.finish().await;
}

// P: too many requests at a time are refused at once, with a word when to come back; other methods are refused.
#[tokio::test]
async fn limits() {
    let limits = Limits { requests: Arc::new(Semaphore::new(0)), ..Limits::default() };
    let server = Server::build(false, limits).await;
    let answer = server.get("/healthz").await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "1"));
    server.finish().await;
    let server = Server::build(false, Limits::default()).await;
    let delete = Request::delete("/api/v1/status").body(Body::empty()).expect("a request");
    let answer = server.send(delete).await;
    assert_eq!((answer.status(), answer.problem().code), (405, api::Code::BadRequest));
    server.finish().await;
}
