//! Callers who may see a part of the city.

use std::collections::BTreeSet;

use maibo_core::fact::{Body as FactBody, Cause, Fact, State};
use maibo_core::id::{EpisodeId, Version};
use maibo_core::notify::{Matcher, Mode, Receiver};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;
use maibo_store::outbox::{Outbox, OutboxReader};

use super::*;
use crate::live::Scope;
use crate::live::tests::transition;

fn district(code: &str) -> Scope {
    Scope { districts: Some(BTreeSet::from([code.to_owned()])), domains: None }
}

fn domain(domain: Domain) -> Scope {
    Scope { districts: None, domains: Some(BTreeSet::from([domain])) }
}

async fn get(server: &Server, scope: &Scope, path: &str) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).expect("a request");
    request.extensions_mut().insert(scope.clone());
    server.send(request).await
}

/// Facts of these alerts, in order, and an outbox that owes them to one receiver.
fn owed(server: &mut Server, alerts: &[maibo_core::fact::Transition]) {
    let path = server.dir.path().join("outbox.db");
    let mut outbox = Outbox::open(&path, 0).expect("opens");
    let fact = |(index, t): (u64, &maibo_core::fact::Transition)| Fact {
        index,
        cause: Cause::default(),
        actor: None,
        at: t.at,
        rules: Version(1),
        engine: 1,
        body: FactBody::Transition(Box::new(t.clone())),
    };
    let facts: Vec<Fact> = (0..).zip(alerts).map(fact).collect();
    let receivers =
        [Receiver { name: "bureau".to_owned(), mode: Mode::All, matcher: Matcher::default(), group_every: None }];
    outbox.follow(&facts, &receivers, Timestamp(1), |_| Vec::new()).expect("follows");
    let reader = OutboxReader::open(&path).expect("opens");
    server.change(|state| state.outbox = Some(Arc::new(std::sync::Mutex::new(reader))));
}

// P: whoever sees one district sees its devices, its alerts, its shape, and what was told about its alerts; not the rest.
#[tokio::test]
async fn one_district() {
    let mut server = Server::start().await;
    let (near, far) = (server.alert("wl-1", 0.6).await, server.alert("wl-2", 0.6).await);
    let of = |a: &api::Alert| {
        let mut t = transition(a.device.as_deref().expect("a device"), 1, Level::Red, State::Firing);
        t.episode = EpisodeId::parse(&a.id).expect("an episode");
        t
    };
    owed(&mut server, &[of(&near), of(&far)]);
    let scope = district("110106");
    let deliveries: api::Page<api::Delivery> = get(&server, &scope, "/api/v1/deliveries").await.json();
    assert_eq!(deliveries.items.iter().map(|d| d.alert.as_str()).collect::<Vec<_>>(), [near.id.as_str()]);
    let all: api::Page<api::Delivery> = server.get("/api/v1/deliveries").await.json();
    assert_eq!(all.items.len(), 2);
    // A page may be shorter than asked, and what is behind it can still be reached.
    let page: api::Page<api::Delivery> = get(&server, &scope, "/api/v1/deliveries?limit=1").await.json();
    assert!(page.items.is_empty());
    let rest = format!("/api/v1/deliveries?limit=1&cursor={}", page.next.expect("more"));
    assert_eq!(get(&server, &scope, &rest).await.json::<api::Page<api::Delivery>>().items.len(), 1);
    let rules: api::Page<api::Rule> = get(&server, &scope, "/api/v1/rules").await.json();
    assert_eq!((rules.items.len(), rules.items[0].open), (1, 1));
    let alerts: api::Page<api::Alert> = get(&server, &scope, "/api/v1/alerts").await.json();
    assert_eq!(alerts.items.iter().map(|a| &a.id).collect::<Vec<_>>(), [&near.id]);
    let devices: api::Page<api::Device> = get(&server, &scope, "/api/v1/devices").await.json();
    assert_eq!(devices.items.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["wl-1"]);
    assert_eq!(get(&server, &scope, "/api/v1/devices/wl-2").await.status(), 404);
    let timeline = |a: &api::Alert| format!("/api/v1/alerts/{}/timeline", a.id);
    assert_eq!(get(&server, &scope, &timeline(&far)).await.status(), 404);
    let page: api::Page<api::TimelineEntry> = get(&server, &scope, &timeline(&near)).await.json();
    let owed: Vec<_> = page.items.iter().filter(|e| e.kind == api::TimelineKind::Owed).collect();
    let told = |e: &api::TimelineEntry| (e.receiver.clone(), e.version, e.outcome.clone());
    let wanted = (Some("bureau".to_owned()), Some(1), Some("pending".to_owned()));
    assert_eq!(owed.into_iter().map(told).collect::<Vec<_>>(), [wanted]);
    server.finish().await;
}

// P: shapes of other districts are not given out, nor shapes of nobody's.
#[tokio::test]
async fn district_shapes() {
    let server = Server::build(false, Limits::default()).await;
    let codes = |answer: Answer| -> Vec<String> {
        assert_eq!(answer.header("content-type"), "application/geo+json");
        let shapes: api::FeatureCollection = answer.json();
        shapes.features.iter().map(|f| f.properties["code"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(codes(server.get("/api/v1/districts").await), ["110105", "110106", ""]);
    assert_eq!(codes(get(&server, &district("110106"), "/api/v1/districts").await), ["110106"]);
    assert!(codes(get(&server, &district("110101"), "/api/v1/districts").await).is_empty());
    server.finish().await;
}

// P: rules are those of the caller's domains; what cannot be told apart (rejections, the one view and its frames) is for
// those who see everything.
#[tokio::test]
async fn what_cannot_be_filtered() {
    let server = Server::build(false, Limits::default()).await;
    let source = SourceId::new("broker").expect("id");
    server.state.shared.quarantine.note(server.state.shared.clock.now(), &source, "t", "one", "d");
    let count = |answer: Answer| answer.json::<Value>()["items"].as_array().map(Vec::len);
    assert_eq!(count(get(&server, &domain(Domain::Traffic), "/api/v1/rules").await), Some(1));
    assert_eq!(count(get(&server, &domain(Domain::Health), "/api/v1/rules").await), Some(0));
    assert_eq!(count(server.get("/api/v1/quarantine").await), Some(1));
    for scope in [district("110105"), domain(Domain::Traffic)] {
        assert_eq!(count(get(&server, &scope, "/api/v1/quarantine").await), Some(0));
        assert_eq!(get(&server, &scope, "/api/v1/view/devices").await.status(), 404);
        assert_eq!(get(&server, &scope, "/api/v1/view/snapshot").await.status(), 404);
    }
    server.finish().await;
}

// P: a page that holds as many deliveries as are ever read at once does not hide the rest.
#[tokio::test]
async fn a_full_page_of_deliveries_is_not_the_last() {
    let mut server = Server::build(false, Limits::default()).await;
    let told = |n: i64| {
        let mut t = transition("wl-1", 1, Level::Red, State::Firing);
        t.episode = EpisodeId::derive(&t.rule, &t.subject, Timestamp(n), 0);
        t
    };
    let alerts: Vec<_> = (0..1_003).map(told).collect();
    owed(&mut server, &alerts);
    let first: api::Page<api::Delivery> = server.get("/api/v1/deliveries?limit=1000").await.json();
    assert_eq!(first.items.len(), 1_000);
    let rest = format!("/api/v1/deliveries?limit=1000&cursor={}", first.next.expect("more"));
    let rest: api::Page<api::Delivery> = server.get(&rest).await.json();
    assert_eq!((rest.items.len(), rest.next), (3, None));
    server.finish().await;
}

// P: whoever sees one district has the index of that district, and no explanation of another's.
#[tokio::test]
async fn index_of_a_part() {
    let server = Server::start().await;
    // Each at the beginning of its level, which leaves it just what the level leaves: 95 and 80.
    server.alert("wl-1", 0.05).await;
    server.alert("wl-2", 0.15).await;
    let of = |answer: &Answer| answer.json::<api::Index>().domains.iter().map(|d| d.index).collect::<Vec<_>>();
    let all = server.get("/api/v1/index").await;
    assert_eq!(of(&all), [None, Some(87.5), None, None, None, None]);
    let near = get(&server, &district("110106"), "/api/v1/index").await;
    assert_eq!((of(&near)[1], near.json::<api::Index>().districts.len()), (Some(95.0), 1));
    let explain = "/api/v1/index/explain";
    let told: api::IndexExplanation = server.get(&format!("{explain}?of=street:110105003/traffic")).await.json();
    assert_eq!((told.part.index, told.devices[0].id.as_str()), (Some(80.0), "wl-2"));
    let hidden = get(&server, &district("110106"), &format!("{explain}?of=street:110105003/traffic")).await;
    assert_eq!(hidden.problem().code, api::Code::NotFound);
    assert_eq!(server.get(&format!("{explain}?of=moon")).await.problem().code, api::Code::BadRequest);
    assert_eq!(server.get(explain).await.json::<api::IndexExplanation>().part.of, "city");
    server.finish().await;
}
