//! Rules on trial, and the rule sets that were in force.

use std::collections::BTreeSet;

use maibo_core::fact::{Body as FactBody, Cause, Fact, State};
use maibo_core::id::Version;
use maibo_core::notify::{Matcher, Mode, Receiver};
use maibo_core::place::Level;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;
use maibo_store::outbox::Outbox;
use maibo_store::state::ActivationOf;

use super::*;
use crate::live::Scope;
use crate::live::tests::transition;
use crate::versions::Kind;

/// The rule of the other tests, and the same on trial.
fn both() -> String {
    let trial =
        RULES.replace("standing-water", "trial-water").replace("source = \"test\"", "source = \"test\"\nshadow = true");
    format!("{RULES}{trial}")
}

/// Puts another rule set in force.
async fn enact(server: &Server, rules: &str) -> Version {
    let set = Arc::new(RuleSet::compile(&[("rules.toml", rules)]).expect("rules"));
    let packs = vec![("rules.toml".to_owned(), rules.to_owned())];
    let version = server.state.shared.versions.keep_rules(&packs, &set).expect("kept");
    let told = server.state.shared.ingest.urge(Work::Everywhere(Input::Rules { version, by: None })).await;
    told.expect("takes it");
    let shown = async {
        while server.state.picture.roster().rules_version != version {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), shown).await.expect("the rules are in force");
    assert!(server.state.projection.reached(server.state.picture.facts(), Duration::from_secs(5)).await);
    version
}

async fn report(server: &Server, rule: &str) -> api::ShadowReport {
    server.get(&format!("/api/v1/rules/{rule}/shadow")).await.json()
}

// P: a rule on trial shows in no list of alerts, in no picture, in no count of open ones; its own report counts it.
#[tokio::test]
async fn a_trial_is_counted_and_shown_as_no_alert() {
    let server = Server::ruled(true, Limits::default(), &both()).await;
    let alert = server.alert("wl-1", 0.6).await;
    assert_eq!(alert.rule, "standing-water");
    let alerts: api::Page<api::Alert> = server.get("/api/v1/alerts").await.json();
    assert_eq!(alerts.items.len(), 1);
    let rules: api::Page<api::Rule> = server.get("/api/v1/rules").await.json();
    let listed: Vec<_> = rules.items.iter().map(|r| (r.id.as_str(), r.shadow, r.open)).collect();
    assert_eq!(listed, [("standing-water", false, 1), ("trial-water", true, 0)]);
    let told = report(&server, "trial-water").await;
    assert_eq!((told.figures.episodes, told.figures.open, told.open.red, told.figures.peaks.red), (1, 1, 1, 1));
    assert_eq!((told.per_day, told.last == told.figures.first), (None, true));
    server.alert("wl-1", 0.0).await;
    server.alert("wl-1", 0.06).await;
    let told = report(&server, "trial-water").await;
    assert_eq!((told.figures.episodes, told.figures.open, told.figures.flaps), (2, 1, 1));
    assert_eq!((told.figures.peaks.red, told.figures.peaks.blue, told.open.blue), (1, 1, 1));
    assert_eq!(server.get("/api/v1/rules/standing-water/shadow").await.status(), 404);
    let mut request = Request::get("/api/v1/rules/trial-water/shadow").body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Scope { districts: Some(BTreeSet::from(["110105".into()])), domains: None });
    assert_eq!(server.send(request).await.status(), 404);
    server.finish().await;
}

// P: what came into force is listed with who brought it and what it changed, its texts can be read, and sets compared.
#[tokio::test]
async fn versions_are_kept_with_their_author() {
    let server = Server::start().await;
    server.alert("wl-1", 0.6).await;
    let first = server.state.picture.roster().rules_version;
    let second = enact(&server, &both()).await;
    let list = server.get("/api/v1/rules/versions").await.json::<api::Page<api::RuleVersion>>().items;
    let shown: Vec<_> =
        list.iter().map(|v| (v.version.clone(), v.author.as_str(), v.in_force, v.rules, v.shadow)).collect();
    let row = |v: Version, now, rules, shadow| (v.to_string(), "file", now, Some(rules), Some(shadow));
    assert_eq!(shown, [row(second, true, 2, 1), row(first, false, 1, 0)]);
    let added = api::RuleDifference { added: vec!["trial-water".into()], ..api::RuleDifference::default() };
    assert_eq!((list[0].difference.as_ref(), list[1].difference.as_ref()), (Some(&added), None));
    let page: api::Page<api::RuleVersion> = server.get("/api/v1/rules/versions?limit=1").await.json();
    assert_eq!((page.items[0].difference.as_ref(), page.items.len()), (Some(&added), 1));
    let rest = format!("/api/v1/rules/versions?cursor={}", page.next.expect("more"));
    assert_eq!(server.get(&rest).await.json::<api::Page<api::RuleVersion>>().items, list[1..]);
    let texts: api::RuleTexts = server.get(&format!("/api/v1/rules/versions/{first}?from={second}")).await.json();
    assert_eq!((texts.packs[0].name.as_str(), texts.packs[0].text.as_str()), ("rules.toml", RULES));
    assert_eq!(texts.difference.expect("compared").removed, ["trial-water"]);
    for gone in ["0000000000000007", "..%2F..%2Fx", "latest"] {
        assert_eq!(server.get(&format!("/api/v1/rules/versions/{gone}")).await.status(), 404, "{gone}");
    }
    server.finish().await;
}

// P: what a rule on trial says is owed to nobody, whatever a receiver wants.
#[tokio::test]
async fn a_trial_is_owed_to_nobody() {
    let server = Server::build(false, Limits::default()).await;
    let mut outbox = Outbox::open(&server.dir.path().join("outbox.db"), 0).expect("opens");
    let fact = |index, body| Fact {
        index,
        cause: Cause::default(),
        actor: None,
        at: Timestamp(5),
        rules: Version(1),
        engine: 1,
        body,
    };
    let t = |id| Box::new(transition(id, 1, Level::Red, State::Firing));
    let facts = [fact(0, FactBody::Shadow(t("wl-1"))), fact(1, FactBody::Transition(t("wl-2")))];
    let receivers =
        [Receiver { name: "bureau".to_owned(), mode: Mode::All, matcher: Matcher::default(), group_every: None }];
    let mut owed = Vec::new();
    let body = |t: &maibo_core::fact::Transition| {
        owed.push(t.subject.id().into_owned());
        Vec::new()
    };
    outbox.follow(&facts, &receivers, Timestamp(1), body).expect("follows");
    assert_eq!(owed, ["wl-2"]);
    server.finish().await;
}

async fn bring(server: &Server, body: &Value) -> Answer {
    let request =
        Request::post("/api/v1/rules").header("content-type", "application/json").header("maibo-actor", "wang");
    server.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

fn pack(text: &str, more: &Value) -> Value {
    let mut body = serde_json::json!({"packs": [{"name": "rules.toml", "text": text}]});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    body
}

// P: rules that somebody brings are in force when the answer comes, with name and reason; a dry run changes nothing.
#[tokio::test]
async fn brought_by_a_request() {
    let server = Server::start().await;
    server.alert("wl-1", 0.06).await;
    let first = server.state.picture.roster().rules_version;
    let dry: api::RulesActivated = bring(&server, &pack(&both(), &serde_json::json!({"dry_run": true}))).await.json();
    assert_eq!((dry.activated, dry.rules, dry.shadow), (false, 2, 1));
    assert_eq!(dry.difference.added, ["trial-water"]);
    assert_eq!(server.state.picture.roster().rules_version, first);
    let done: api::RulesActivated = bring(&server, &pack(&both(), &serde_json::json!({"note": "try it"}))).await.json();
    assert_eq!((done.activated, &done.version), (true, &dry.version));
    assert_eq!(server.state.picture.roster().rules_version.to_string(), done.version);
    let status: api::Status = server.get("/api/v1/status").await.json();
    assert_eq!(status.rules_version, done.version);
    assert!(server.state.projection.reached(server.state.picture.facts(), Duration::from_secs(5)).await);
    let list = server.get("/api/v1/rules/versions").await.json::<api::Page<api::RuleVersion>>().items;
    let shown: Vec<_> = list.iter().map(|v| (v.author.as_str(), v.note.as_deref(), v.in_force)).collect();
    assert_eq!(shown, [("wang", Some("try it"), true), ("file", None, false)]);
    let recorded = server.state.stored(|r| r.activations(ActivationOf::Rules, None, 2)).await.expect("readable");
    let actors: Vec<_> = recorded.into_iter().map(|a| a.actor).collect();
    assert_eq!(actors, [Some("wang".to_owned()), None], "the facts have the name");
    server.finish().await;
}

// P: a trial that is passed tells at once what holds; one that begins ends what was told; the report counts one trial.
#[tokio::test]
async fn from_one_side_to_the_other() {
    let server = Server::start().await;
    // A held value is judged only where Maibo hears.
    let source = SourceId::new("broker").expect("id");
    server.state.shared.ingest.tell(Work::Listening { source }).await.expect("takes it");
    let alert = server.alert("wl-1", 0.6).await;
    let trial = RULES.replace("source = \"test\"", "source = \"test\"\nshadow = true");
    enact(&server, &trial).await;
    let ended: api::Page<api::Alert> = server.get("/api/v1/alerts").await.json();
    let states: Vec<_> = ended.items.iter().map(|a| (a.id == alert.id, a.state, a.reason.as_str())).collect();
    assert_eq!(states, [(true, api::AlertState::Resolved, "rule_changed")]);
    let first = report(&server, "standing-water").await;
    assert_eq!((first.figures.episodes, first.open.red), (1, 1));
    enact(&server, RULES).await;
    let open: api::Page<api::Alert> = server.get("/api/v1/alerts?state=firing").await.json();
    assert_eq!((open.items.len(), open.items[0].id != alert.id), (1, true));
    enact(&server, &format!("{trial}# again\n")).await;
    let again = report(&server, "standing-water").await;
    assert_eq!((again.figures.episodes, again.figures.open), (1, 1), "the first trial is another");
    server.finish().await;
}

// P: one mistake, and nothing of it is taken; all mistakes are told. Who does not see all brings nothing.
#[tokio::test]
async fn a_bad_pack_replaces_nothing() {
    let server = Server::start().await;
    server.alert("wl-1", 0.06).await;
    let first = server.state.picture.roster().rules_version;
    let bad = RULES.replace("traffic", "trafic").replace("\"above\"", "\"up\"");
    let answer = bring(&server, &pack(&format!("{RULES}{bad}"), &serde_json::json!({}))).await;
    let problem = answer.problem();
    assert_eq!((problem.status, problem.code), (422, api::Code::Invalid));
    assert!(problem.detail.contains("trafic") && problem.detail.contains("direction"), "{}", problem.detail);
    for body in [serde_json::json!({}), serde_json::json!({"packs": [], "more": 1})] {
        assert_eq!(bring(&server, &body).await.status(), 400, "{body}");
    }
    let mut request = Request::post("/api/v1/rules").header("content-type", "application/json");
    request = request.extension(Scope { districts: Some(BTreeSet::from(["110105".into()])), domains: None });
    let request = request.body(Body::from(pack(RULES, &serde_json::json!({})).to_string())).expect("a request");
    assert_eq!(server.send(request).await.status(), 403);
    assert_eq!(server.state.picture.roster().rules_version, first);
    assert!(server.state.shared.versions.brought(Kind::Rules).is_empty());
    server.finish().await;
}

// P8: rule sets that are kept are bounded, because each is in memory; one that is kept can always be brought again.
#[tokio::test]
async fn kept_rule_sets_are_bounded() {
    let server = Server::build(true, Limits { rule_sets: 2, ..Limits::default() }).await;
    let none = serde_json::json!({});
    assert_eq!(bring(&server, &pack(&both(), &none)).await.status(), 200);
    let problem = bring(&server, &pack(&format!("{RULES}# third\n"), &none)).await.problem();
    assert_eq!((problem.status, problem.code), (422, api::Code::Invalid));
    assert!(problem.detail.contains("2 rule sets are kept"), "{}", problem.detail);
    assert_eq!(bring(&server, &pack(RULES, &none)).await.status(), 200);
    server.finish().await;
}

// P: what was brought is in force after a start too, until the files say something else than they did then.
#[tokio::test]
async fn the_newest_word_counts_after_a_start() {
    let server = Server::start().await;
    let done: api::RulesActivated = bring(&server, &pack(&both(), &serde_json::json!({}))).await.json();
    let store = Arc::clone(&server.state.shared.versions);
    let load = || Settings::load(&server.dir.path().join("maibo.toml")).expect("settings");
    let settled = store.settle(load()).expect("fits");
    assert_eq!((settled.rules.version.to_string(), settled.packs[0].1.as_str()), (done.version, both().as_str()));
    std::fs::write(server.dir.path().join("rules.toml"), format!("{RULES}# edited\n")).expect("writes");
    let edited = load();
    let version = edited.rules.version;
    assert_eq!(store.settle(edited).expect("fits").rules.version, version);
    // A start puts on record that the files changed: what they were then does not bring it back.
    store.supersede(Kind::Rules, version, server.state.shared.clock.now()).expect("writes");
    std::fs::write(server.dir.path().join("rules.toml"), RULES).expect("writes");
    let back = load();
    let version = back.rules.version;
    assert_eq!(store.settle(back).expect("fits").rules.version, version);
    server.finish().await;
}

// P: after a start without snapshots everything is decided as it was: trials are trials again, and nothing is added.
#[tokio::test]
async fn a_start_finds_trials_as_they_were() {
    let server = Server::ruled(true, Limits::default(), &both()).await;
    server.alert("wl-1", 0.6).await;
    let Server { running, stop, state, router, dir, .. } = server;
    assert_eq!(running.expect("runs").drain().await.0, 0);
    let facts = *state.shared.facts_wake.borrow();
    stop.cancel();
    drop((state, router));
    for file in std::fs::read_dir(dir.path().join("data/inputs")).expect("a log").flatten() {
        if file.file_name().to_string_lossy().starts_with("snapshot") {
            std::fs::remove_file(file.path()).expect("removes");
        }
    }
    let settings = Settings::load(&dir.path().join("maibo.toml")).expect("settings");
    let app = tokio::task::spawn_blocking(|| App::build(settings)).await.expect("builds").expect("builds");
    let open: Vec<_> = app.machines().iter().flat_map(|m| m.open_alerts()).map(|t| t.rule.to_string()).collect();
    assert_eq!(open, ["standing-water"]);
    assert_eq!((app.shared().metrics.divergences.get(), app.logs().facts.next_index()), (0, facts));
}
