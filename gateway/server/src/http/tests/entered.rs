//! Answers that came by telephone, put down by an operator in the receiver's name.

use maibo_core::fact::{Body as FactBody, Cause, Fact, Transition};
use maibo_core::id::{Actor, EpisodeId, Version};
use maibo_core::notify::{Answered, Matcher, Mode, Plan, Receiver, Task};
use maibo_core::place::Level;
use maibo_core::rule::Words;
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::{Outbox, OutboxReader, RunFilter, TaskRow};

use super::*;
use crate::live::Scope;

/// An outbox in which alerts call for a plan of two tasks, of `water` and of `road`.
struct Run {
    outbox: Outbox,
    path: std::path::PathBuf,
    receivers: Vec<Receiver>,
}

impl Run {
    fn begin(server: &mut Server) -> Self {
        let words = |text: &str| Words { zh: text.to_owned(), en: text.to_owned() };
        let task = |name: &str, owner: &str| Task {
            name: name.to_owned(),
            owner: owner.to_owned(),
            what: words(name),
            done: Answered::Responding,
            within: Millis::from_secs(60),
            escalate: Vec::new(),
            then: Vec::new(),
        };
        let names = ["water", "road"].map(str::to_owned);
        let matcher = || Matcher { min_level: Level::Blue, ..Matcher::default() };
        let plan = Plan {
            name: "flood".to_owned(),
            title: words("flood"),
            matcher: matcher(),
            rules: Vec::new(),
            receivers: names.to_vec(),
            tasks: vec![task("pumps", "water"), task("signs", "road")],
        };
        let receiver = |name: String| Receiver { name, mode: Mode::All, matcher: matcher(), group_every: None };
        let path = server.dir.path().join("outbox.db");
        let mut outbox = Outbox::open(&path, 0).expect("opens");
        outbox.set_plans(Arc::new(crate::plan::set(vec![plan])));
        let reader = OutboxReader::open(&path).expect("opens");
        server.change(|state| state.outbox = Some(Arc::new(std::sync::Mutex::new(reader))));
        Self { outbox, path, receivers: names.map(receiver).to_vec() }
    }

    /// Follows an alert as it stands.
    fn follow(&mut self, server: &Server, id: &str, actor: Option<&str>) {
        let episode = EpisodeId::parse(id).expect("an id");
        let t: Transition = server.state.picture.alert(episode).expect("an open alert");
        let actor = actor.map(|actor| Actor::new(actor).expect("an actor"));
        let (index, at) = (self.outbox.cursor(), t.at);
        let (body, rules) = (FactBody::Transition(Box::new(t)), Version(1));
        let fact = Fact { index, cause: Cause::default(), actor, at, rules, engine: 1, body };
        self.outbox.follow(&[fact], &self.receivers, Timestamp(1), |_| Vec::new()).expect("follows");
    }

    fn tasks(&self) -> Vec<TaskRow> {
        let reader = OutboxReader::open(&self.path).expect("opens");
        reader.runs(&RunFilter::default(), None, 10).expect("reads").pop().expect("a run").tasks
    }
}

fn request(id: &str, body: &str) -> Request<Body> {
    let request = Request::post(format!("/api/v1/alerts/{id}/answer"))
        .header("content-type", "application/json")
        .header("maibo-actor", "li.wei");
    request.body(Body::from(body.to_owned())).expect("a request")
}

async fn enter(server: &Server, id: &str, body: &str) -> Answer {
    server.send(request(id, body)).await
}

// P: what came by telephone is the receiver's answer, does its task, and says by whose hand; twice it is refused.
#[tokio::test]
async fn it_does_the_task() {
    let mut server = Server::start().await;
    let mut run = Run::begin(&mut server);
    let id = server.alert("wl-1", 0.2).await.id;
    run.follow(&server, &id, None);
    let body = r#"{"version":1,"receiver":"water","stage":"responding","by":"王主任","note":"三台泵车已出发"}"#;
    let told: api::Alert = enter(&server, &id, body).await.json();
    let stamp = told.stamps.responding.expect("a stamp");
    assert_eq!((told.version, stamp.by.as_deref()), (2, Some("water/王主任/li.wei")));
    assert!(told.text.zh.starts_with("water/王主任（li.wei 代填） 报告处置进展"), "{}", told.text.zh);
    assert!(told.text.en.starts_with("water/王主任 (entered by li.wei) reported"), "{}", told.text.en);
    run.follow(&server, &id, stamp.by.as_deref());
    let tasks = run.tasks();
    assert_eq!(tasks[0].done_by.as_deref(), Some("water/王主任/li.wei"));
    assert_eq!(tasks[1].done_by, None);
    let timeline: api::Page<api::TimelineEntry> = server.get(&format!("/api/v1/alerts/{id}/timeline")).await.json();
    let said = timeline.items.iter().find(|e| e.kind == api::TimelineKind::Answer).expect("an answer");
    assert_eq!((said.receiver.as_deref(), said.by.as_deref()), (Some("water"), Some("water/王主任/li.wei")));
    let done = timeline.items.iter().find(|e| e.step.as_deref() == Some("done")).expect("a task done");
    assert_eq!(done.text.zh, "water/王主任（li.wei 代填） 完成 pumps");
    let problem = enter(&server, &id, &body.replace("version\":1", "version\":2")).await.problem();
    assert_eq!((problem.status, problem.code, problem.reason), (409, api::Code::Conflict, None));
    assert_eq!(problem.current.map(|alert| alert.version), Some(2), "its task is done");
    // The other owner's: an earlier version is refused like every command on it, the present one is taken.
    let other = body.replace("water", "road");
    let problem = enter(&server, &id, &other).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::NewerFact)));
    let other = other.replace("version\":1", "version\":2");
    assert_eq!(enter(&server, &id, &other).await.json::<api::Alert>().version, 3);
    server.finish().await;
}

// P: what nobody can have answered is refused in words, and nothing is recorded.
#[tokio::test]
async fn refused() {
    let mut server = Server::start().await;
    let mut run = Run::begin(&mut server);
    let id = server.alert("wl-1", 0.2).await.id;
    let alone = server.alert("wl-2", 0.2).await.id;
    run.follow(&server, &id, None);
    let body = |receiver: &str, stage: &str, by: &str, note: &str| {
        format!(r#"{{"version":1,"receiver":"{receiver}","stage":"{stage}","by":"{by}","note":"{note}"}}"#)
    };
    let long = "长".repeat(501);
    for (alert, body, status) in [
        (&id, r#"{"version":1,"receiver":"water","stage":"acknowledged"}"#.to_owned(), 400),
        (&id, r#"{"receiver":"water","stage":"acknowledged","by":"a"}"#.to_owned(), 400),
        (&id, body("water", "archived", "a", ""), 400),
        (&id, body("water", "responding", "a", &long), 400),
        (&id, body("water", "acknowledged", "", ""), 422),
        (&id, body("water", "acknowledged", "a/b", ""), 422),
        (&id, body("water", "fed_back", "a", " "), 422),
        (&id, body("nobody", "acknowledged", "a", ""), 422),
        (&alone, body("nobody", "acknowledged", "a", ""), 422),
        (&"00000000000000000000000000000000".to_owned(), body("water", "acknowledged", "a", ""), 404),
    ] {
        let problem = enter(&server, alert, &body).await.problem();
        assert_eq!(problem.status, status, "{body}: {}", problem.detail);
    }
    let problem = enter(&server, &id, &body("nobody", "acknowledged", "a", "")).await.problem();
    assert_eq!(problem.detail, "receiver: there is no receiver of that name");
    let mut unseen = request(&id, &body("water", "acknowledged", "a", ""));
    unseen.extensions_mut().insert(Scope { districts: Some(["110199".to_owned()].into()), domains: None });
    assert_eq!(server.send(unseen).await.problem().status, 404);
    let detail: api::AlertDetail = server.get(&format!("/api/v1/alerts/{id}")).await.json();
    assert_eq!(detail.alert.version, 1, "nothing was recorded");
    let problem = enter(&server, &id, &body("water", "closed", "a", "")).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::StillFiring)));
    server.alert("wl-1", 0.0).await;
    let problem = enter(&server, &id, &body("water", "acknowledged", "a", "")).await.problem();
    assert_eq!((problem.status, problem.reason), (409, Some(api::ConflictReason::Resolved)));
    server.finish().await;
}
