//! Answers by link, through the pipeline, and the timeline that they are part of.

use maibo_core::id::EpisodeId;
use maibo_core::time::{Millis, Timestamp};

use super::*;

const PAGE: &str = "http://127.0.0.1:8080";

/// A server whose receivers `flood` and `fire` may answer, an open alert, and `flood`'s token.
async fn begun() -> (Server, String, String) {
    let mut server = Server::start().await;
    server.change(|state| state.answers = Some(Answers::for_tests(PAGE, &["flood", "fire"])));
    let id = server.alert("wl-1", 0.2).await.id;
    let token = token(&server, "flood", &id, server.state.shared.clock.now());
    (server, id, token)
}

/// The token in a message decided at a time.
fn token(server: &Server, receiver: &str, id: &str, at: Timestamp) -> String {
    let answers = server.state.answers.as_ref().expect("answers");
    let link = answers.link(receiver, EpisodeId::parse(id).expect("an id"), at);
    link.url.strip_prefix(&format!("{PAGE}/answer/")).expect("a link").to_owned()
}

async fn send(server: &Server, token: &str, kind: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/v1/answer/{token}")).header("content-type", kind);
    server.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn answer(server: &Server, token: &str, body: &str) -> Answer {
    send(server, token, "application/json", body).await
}

async fn form(server: &Server, token: &str, body: &str) -> Answer {
    send(server, token, "application/x-www-form-urlencoded", body).await
}

async fn detail(server: &Server, id: &str) -> api::AlertDetail {
    server.get(&format!("/api/v1/alerts/{id}?after={}", server.state.picture.facts())).await.json()
}

// P2: an answer is a version in the name of receiver and person, fills its stamp, and is answered when it can be read; what
// others did meanwhile does not refuse it.
#[tokio::test]
async fn answers_fill_the_stamps() {
    let (server, id, token) = begun().await;
    let told: api::Alert = answer(&server, &token, r#"{"stage":"acknowledged","by":"李伟"}"#).await.json();
    assert_eq!(told.acknowledged.expect("acknowledged").by, "flood/李伟");
    assert_eq!(told.stamps.responding.expect("a stamp").by.as_deref(), Some("flood/李伟"));
    // The other receiver's answer has seen none of this, and is taken all the same.
    let other = self::token(&server, "fire", &id, server.state.shared.clock.now());
    let told: api::Alert = answer(&server, &other, r#"{"stage":"responding","by":"Li Wei"}"#).await.json();
    assert_eq!((told.version, told.text.zh.contains("fire/Li Wei")), (3, true), "{}", told.text.zh);
    server.alert("wl-1", 0.6).await;
    let fed = answer(&server, &token, r#"{"stage":"fed_back","by":"李伟","note":"已排干"}"#).await;
    let after = fed.header("maibo-after").to_owned();
    let told: api::Alert = fed.json();
    assert_eq!(told.stamps.fed_back.expect("a stamp").by.as_deref(), Some("flood/李伟"));
    let seen: api::AlertDetail = server.get(&format!("/api/v1/alerts/{id}?after={after}")).await.json();
    let acts: Vec<_> = seen.versions.iter().filter_map(|v| Some((v.reason.as_str(), v.actor.as_deref()?))).collect();
    let wanted = [("acknowledged", "flood/李伟"), ("fed_back", "fire/Li Wei"), ("fed_back", "flood/李伟")];
    assert_eq!(acts, wanted);
    let problem = answer(&server, &token, r#"{"stage":"closed","by":"李伟"}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::StillFiring)));
    server.alert("wl-1", 0.0).await;
    let problem = answer(&server, &token, r#"{"stage":"fed_back","by":"李伟","note":"x"}"#).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::Resolved)));
    server.finish().await;
}

// P: the same answer twice is one, whoever acted in between; after the level rose it is another.
#[tokio::test]
async fn repeated_answers_are_one() {
    let (server, id, token) = begun().await;
    let body = r#"{"stage":"responding","by":"李伟","note":"在路上"}"#;
    let both = tokio::join!(answer(&server, &token, body), answer(&server, &token, body));
    assert_eq!((both.0.status(), both.1.status()), (200, 200));
    assert_eq!(detail(&server, &id).await.versions.len(), 2, "also where it came twice at once");
    assert_eq!(answer(&server, &token, body).await.json::<api::Alert>().version, 2);
    let other = r#"{"stage":"responding","by":"王芳","note":"在路上"}"#;
    assert_eq!(answer(&server, &token, other).await.json::<api::Alert>().version, 3);
    assert_eq!(answer(&server, &token, body).await.json::<api::Alert>().version, 3);
    server.alert("wl-1", 0.6).await;
    assert_eq!(answer(&server, &token, body).await.json::<api::Alert>().version, 5);
    server.finish().await;
}

// P: a link that is none is 404 and says nothing, one whose time is over is 410; neither changes anything.
#[tokio::test]
async fn links_that_are_none() {
    let (server, id, token) = begun().await;
    let now = server.state.shared.clock.now();
    let forged = format!("{}{}", if token.starts_with('A') { 'B' } else { 'A' }, &token[1..]);
    let stranger = self::token(&server, "stranger", &id, now);
    let unknown = self::token(&server, "flood", "00000000000000000000000000000000", now);
    let body = r#"{"stage":"acknowledged","by":"李伟"}"#;
    let mut details = Vec::new();
    for bad in [&forged, &stranger, &unknown, "x"] {
        let problem = answer(&server, bad, body).await.problem();
        assert_eq!((problem.status, problem.code), (404, api::Code::NotFound), "{bad}");
        details.push(problem.detail);
        let page = server.get(&format!("/answer/{bad}")).await;
        assert_eq!((page.status(), page.header("content-type")), (404, "text/html; charset=utf-8"));
        assert!(bad == "x" || !page.text().contains(bad), "no token on a page that refuses it");
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    let old = self::token(&server, "flood", &id, now - crate::answer::GOOD_FOR - Millis(1));
    assert_eq!(answer(&server, &old, body).await.problem().status, 410);
    assert_eq!(server.get(&format!("/answer/{old}")).await.status(), 410);
    assert_eq!(detail(&server, &id).await.alert.version, 1, "nothing was recorded");
    let without = Server::start().await;
    assert_eq!(answer(&without, &token, body).await.problem().status, 404, "nobody may answer there");
    without.finish().await;
    server.finish().await;
}

// P8: what is too long, too much, or not understood is refused in words, and nothing is recorded.
#[tokio::test]
async fn bad_answers() {
    let (server, id, token) = begun().await;
    let long = "长".repeat(501);
    let huge = "x".repeat(20_000);
    let name = "名".repeat(31);
    for (body, status) in [
        (String::new(), 400),
        (r#"{"stage":"archived","by":"a"}"#.to_owned(), 400),
        (r#"{"stage":"acknowledged"}"#.to_owned(), 400),
        (r#"{"stage":"acknowledged","by":"a","version":1}"#.to_owned(), 400),
        (r#"{"stage":"acknowledged","by":""}"#.to_owned(), 422),
        (r#"{"stage":"acknowledged","by":"a/b"}"#.to_owned(), 422),
        (r#"{"stage":"acknowledged","by":"<b>"}"#.to_owned(), 422),
        (format!(r#"{{"stage":"acknowledged","by":"{name}"}}"#), 422),
        (r#"{"stage":"fed_back","by":"a","note":" "}"#.to_owned(), 422),
        (format!(r#"{{"stage":"fed_back","by":"a","note":"{long}"}}"#), 400),
        (format!(r#"{{"stage":"fed_back","by":"a","note":"{huge}"}}"#), 413),
    ] {
        let problem = answer(&server, &token, &body).await.problem();
        assert_eq!(problem.status, status, "{body}");
        assert!(!problem.detail.contains(&token));
    }
    assert_eq!(send(&server, &token, "text/plain", r#"{"stage":"acknowledged","by":"a"}"#).await.status(), 400);
    let foreign = Request::post(format!("/api/v1/answer/{token}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://evil.example")
        .body(Body::from("stage=acknowledged&by=a"));
    assert_eq!(server.send(foreign.expect("a request")).await.status(), 403);
    // An operator cannot speak in the name of a receiver.
    let request = Request::post(format!("/api/v1/alerts/{id}/acknowledge"))
        .header("content-type", "application/json")
        .header("maibo-actor", "flood/a")
        .body(Body::from(r#"{"version":1}"#));
    assert_eq!(server.send(request.expect("a request")).await.status(), 400);
    assert_eq!(detail(&server, &id).await.alert.version, 1, "nothing was recorded");
    let mut last = 0;
    for _ in 0..30 {
        let refused = answer(&server, &token, r#"{"stage":"acknowledged","by":""}"#).await;
        last = refused.status();
        if last == 429 {
            assert!(refused.header("retry-after").parse::<u32>().expect("seconds") >= 1);
            break;
        }
    }
    assert_eq!(last, 429);
    server.finish().await;
}

// P: the page works without a script, may load nothing, and shows the alert and what was answered; a form leads back to it.
#[tokio::test]
async fn the_page() {
    let (server, id, token) = begun().await;
    let page = server.get(&format!("/answer/{token}")).await;
    assert_eq!((page.status(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-store"));
    for part in
        ["黄色 yellow", "告警中", "name=\"by\" required", "value=\"fed_back\"", &*format!("../api/v1/answer/{token}")]
    {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    for none in ["<script", "value=\"closed\"", "本单位已反馈"] {
        assert!(!page.text().contains(none), "{none}");
    }
    let body = "by=%E6%9D%8E%E4%BC%9F&note=%3Cb%3E+gone&stage=fed_back";
    let answered = form(&server, &token, body).await;
    let back = format!("../../../answer/{token}");
    assert_eq!((answered.status(), answered.header("location")), (303, &*back));
    let page = server.get(&format!("/answer/{token}")).await;
    assert!(page.text().contains("李伟 已处置<small>Dealt with</small>&lt;b&gt; gone"), "{}", page.text());
    let refused = form(&server, &token, "by=&stage=acknowledged&note=").await;
    assert_eq!((refused.status(), refused.header("content-type")), (422, "text/html; charset=utf-8"));
    assert!(refused.text().contains("填写有误"));
    let other =
        server.get(&format!("/answer/{}", self::token(&server, "fire", &id, server.state.shared.clock.now()))).await;
    assert!(!other.text().contains("本单位已反馈"), "another receiver's page shows that one's answers only");
    server.alert("wl-1", 0.0).await;
    let page = server.get(&format!("/answer/{token}")).await;
    assert!(page.text().contains("告警已结束") && !page.text().contains("<form"), "{}", page.text());
    server.finish().await;
}

/// Kind, version and receiver of the entries of a timeline.
fn shape(entries: &[api::TimelineEntry]) -> Vec<(api::TimelineKind, Option<u32>)> {
    entries.iter().map(|e| (e.kind, e.version)).collect()
}

// P: when it happened, when the city knew, every version with who and why, and the stamps where they were given; by pages the
// same; only for those who see the alert.
#[tokio::test]
async fn the_timeline() {
    use api::TimelineKind::{Act, Answer as Answered, Changed, Happened, Known, Stamp};
    let (server, id, token) = begun().await;
    answer(&server, &token, r#"{"stage":"acknowledged","by":"李伟","note":"已到场"}"#).await.json::<api::Alert>();
    server.alert("wl-1", 0.6).await;
    let request = Request::post(format!("/api/v1/alerts/{id}/comment")).header("content-type", "application/json");
    server
        .send(request.body(Body::from(r#"{"version":3,"note":"seen"}"#)).expect("a request"))
        .await
        .json::<api::Alert>();
    server.alert("wl-1", 0.0).await;
    let path = format!("/api/v1/alerts/{id}/timeline");
    let whole: api::Page<api::TimelineEntry> = server.get(&path).await.json();
    assert_eq!(whole.next, None);
    let wanted = [
        (Happened, None),
        (Known, Some(1)),
        (Stamp, Some(1)),
        (Answered, Some(2)),
        (Stamp, Some(2)),
        (Changed, Some(3)),
        (Act, Some(4)),
        (Changed, Some(5)),
        (Stamp, Some(5)),
    ];
    assert_eq!(shape(&whole.items), wanted);
    assert!(whole.items.is_sorted_by_key(|e| e.at.clone()), "{:?}", whole.items);
    let said = &whole.items[3];
    assert_eq!((said.by.as_deref(), said.receiver.as_deref()), (Some("flood/李伟"), Some("flood")));
    assert_eq!((said.note.as_deref(), said.reason.as_deref()), (Some("已到场"), Some("acknowledged")));
    assert_eq!(whole.items[4].stamp, Some(api::StampName::Responding));
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: api::Page<api::TimelineEntry> = server.get(&format!("{path}?limit=1{cursor}")).await.json();
        pages.extend(page.items);
        let Some(next) = page.next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(pages, whole.items);
    assert_eq!(server.get(&format!("{path}?cursor=1")).await.problem().status, 400);
    assert_eq!(server.get("/api/v1/alerts/00000000000000000000000000000000/timeline").await.problem().status, 404);
    server.finish().await;
}
