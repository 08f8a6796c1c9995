//! A cloudburst, drilled: three bureaus act by one plan, of which one answers, one is late and one is dead; Maibo is killed in
//! the middle. The substitute and the chief are told in time, the dead one telephones, every version is accounted for, the
//! timeline has it all, and nobody could take it for real.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command, http};
use maibo_e2e::{free_port, until};
use maibo_sim::sink::{Sink, SinkOptions};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HOST: &str = "maibo.test";

const PLAN: &str = r#"
[[plan]]
name = "cloudburst"
title = { zh = "城市内涝应急预案", en = "Urban flooding" }
domains = ["municipal"]
min_level = "orange"
receivers = ["water", "traffic", "hospital"]

[[plan.task]]
name = "pumps"
owner = "water"
what = { zh = "派出泵车", en = "send pumps" }
within = "14s"
escalate = ["chief"]

[[plan.task]]
name = "road"
owner = "traffic"
what = { zh = "封闭道路", en = "close the road" }
within = "14s"
escalate = ["chief"]

[[plan.task]]
name = "signs"
owner = "traffic"
what = { zh = "发布绕行信息", en = "post detours" }
within = "14s"
escalate = ["chief"]

[[plan.task]]
name = "beds"
owner = "hospital"
what = { zh = "备好床位", en = "make beds ready" }
within = "1h"
"#;

struct City {
    water: Sink,
    traffic: Sink,
    deputy: Sink,
    chief: Sink,
    bystander: Sink,
}

impl City {
    fn setup(&self) -> Maibo {
        let mut setup = Setup::default();
        setup.embedded();
        setup.device("d1", "1h");
        let _ = write!(setup.tables, "[sender]\npage = \"http://{HOST}/\"\n");
        let to = |sink: &Sink| sink.addr().port();
        // In place of the hospital, which is dead, its deputy is told; the bystander wants what is red.
        let receivers = [
            ("water", to(&self.water), "when = \"planned\"\nanswers = true"),
            ("traffic", to(&self.traffic), "when = \"planned\"\nanswers = true"),
            (
                "hospital",
                free_port(),
                "when = \"planned\"\nanswers = true\nsubstitute = \"deputy\"\nsubstitute_after = \"5s\"",
            ),
            ("deputy", to(&self.deputy), "when = \"planned\""),
            ("chief", to(&self.chief), "when = \"planned\""),
            ("bystander", to(&self.bystander), "min_level = \"red\""),
        ];
        for (name, port, more) in receivers {
            let _ = write!(
                setup.tables,
                "[[receiver]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_file = \"secret\"\n\
                 group_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n{more}\n"
            );
        }
        setup.tables.push_str(PLAN);
        let maibo = Maibo::prepare(&setup);
        std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
        maibo
    }
}

/// The alert in the first message that a sink took and that is wanted. All of them say that it is a drill.
fn told(sink: &Sink, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, Duration::from_secs(40), || {
        let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
        let mut alerts = taken.map(|d| {
            let mut body: Value = serde_json::from_str(&d.body).expect("JSON");
            body["data"].take()
        });
        alerts.find(|alert| {
            assert_eq!(alert["drill"], true, "{alert}");
            wanted(alert)
        })
    })
}

fn answer(maibo: &Maibo, alert: &Value, stage: &str, by: &str) {
    let url = alert["answer"]["url"].as_str().expect("a link");
    let token = url.strip_prefix(&format!("http://{HOST}/answer/")).expect("the page's address");
    let headers = [("Host", HOST), ("Content-Type", "application/json")];
    let body = json!({ "stage": stage, "by": by }).to_string();
    let path = format!("/api/v1/answer/{token}");
    let (status, text) = http(maibo.http, "POST", &path, &headers, &body).expect("an answer");
    assert_eq!(status, 200, "{text}");
}

fn post(maibo: &Maibo, path: &str, body: &Value) -> (u16, Value) {
    let headers = [("Content-Type", "application/json")];
    let (status, text) = http(maibo.http, "POST", path, &headers, &body.to_string()).expect("an answer");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[test]
fn a_cloudburst_is_drilled() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let sink = || {
        let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
        runtime.block_on(Sink::start(options)).expect("a sink")
    };
    let city = City { water: sink(), traffic: sink(), deputy: sink(), chief: sink(), bystander: sink() };
    let mut maibo = city.setup();
    maibo.start();
    let index = |maibo: &Maibo| maibo.get("/api/v1/index");
    let before = index(&maibo)["city"].clone();
    let drill = json!({ "name": "flood-2026", "title": { "zh": "暴雨内涝演练", "en": "Cloudburst drill" },
        "domain": "municipal", "place": "110105001", "level": "orange", "minutes": 60 });
    let (status, made) = post(&maibo, "/api/v1/drills", &drill);
    assert!((200..300).contains(&status), "{status} {made}");
    let first = told(&city.water, "water hears of it", |_| true);
    let id = first["id"].as_str().expect("an id").to_owned();
    let tasks: Vec<_> =
        first["plans"][0]["tasks"].as_array().expect("tasks").iter().map(|t| t["owner"].clone()).collect();
    assert_eq!(tasks, ["water", "traffic", "traffic", "hospital"]);
    let late = told(&city.traffic, "traffic hears of it", |_| true);
    answer(&maibo, &first, "acknowledged", "李伟");
    maibo.kill();
    maibo.start();
    told(&city.deputy, "the deputy is told in place of the hospital", |_| true);
    let escalated = told(&city.chief, "the chief is told what was missed", |_| true);
    assert_eq!(
        (&escalated["escalated"]["task"], &escalated["escalated"]["owner"], &escalated["id"]),
        (&json!("road"), &json!("traffic"), &json!(id))
    );
    let second = told(&city.chief, "and of the second", |alert| alert["escalated"]["task"] == "signs");
    assert_eq!(
        (second["version"].as_u64(), &second["reason"]),
        (escalated["version"].as_u64().map(|version| version + 1), &json!("escalated"))
    );
    let names = |alert: &Value| alert["text"]["en"].as_str().is_some_and(|text| text.contains("told to chief"));
    assert!(names(&told(&city.water, "all hear what was missed", |alert| !alert["escalated"].is_null())));
    answer(&maibo, &late, "responding", "王芳");
    let path = format!("/api/v1/plans/runs?alert={id}");
    let runs = maibo.get(&path);
    let states: Vec<_> =
        runs["items"][0]["tasks"].as_array().expect("tasks").iter().map(|t| t["state"].clone()).collect();
    assert_eq!(states, ["done", "missed", "missed", "running"], "{runs}");
    entered(&maibo, &id);
    assert_eq!(index(&maibo)["city"], before, "a drill is no state of the city");
    let (status, closed) = post(
        &maibo,
        &format!("/api/v1/alerts/{id}/close"),
        &json!({ "note": "演练结束", "forced": true, "version": maibo.get(&format!("/api/v1/alerts/{id}"))["version"] }),
    );
    assert!((200..300).contains(&status), "{status} {closed}");
    for sink in [&city.water, &city.traffic, &city.deputy, &city.chief] {
        told(sink, "all who heard hear the end", |alert| alert["state"] == "resolved");
    }
    assert_eq!(city.bystander.deliveries().len(), 0, "nobody else does");
    assert_eq!(city.chief.deliveries().iter().filter(|d| d.body.contains("\"escalated\"")).count(), 2, "each once");
    timeline(&maibo, &id);
    accounted(&maibo, &id);
    simulated(&maibo, &id);
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// The hospital telephones: an operator puts down what it said, once, and nobody else's.
fn entered(maibo: &Maibo, id: &str) {
    let alert = format!("/api/v1/alerts/{id}");
    let headers = [("Content-Type", "application/json"), ("Maibo-Actor", "li.wei")];
    let enter = |receiver: &str| {
        let version = maibo.get(&alert)["version"].clone();
        let body = json!({ "version": version, "receiver": receiver, "stage": "acknowledged", "by": "护士长" });
        http(maibo.http, "POST", &format!("{alert}/answer"), &headers, &body.to_string()).expect("an answer")
    };
    assert_eq!(enter("nobody").0, 422);
    assert_eq!(enter("chief").0, 409, "it has no task");
    let (status, text) = enter("hospital");
    assert_eq!(status, 200, "{text}");
    let beds = until("the task is done", Duration::from_secs(10), || {
        let runs = maibo.get(&format!("/api/v1/plans/runs?alert={id}"));
        Some(runs["items"][0]["tasks"][3].clone()).filter(|task| task["state"] == "done")
    });
    assert_eq!(beds["done_by"], "hospital/护士长/li.wei");
    assert_eq!(enter("hospital").0, 409, "it is done");
}

/// When the city knew, who was told when, who answered when, and what was missed.
fn timeline(maibo: &Maibo, id: &str) {
    let steps = until("the timeline has the end", Duration::from_secs(20), || {
        let list = maibo.get(&format!("/api/v1/alerts/{id}/timeline?limit=1000"));
        let entries = list["items"].as_array().expect("a list").clone();
        let times: Vec<&str> = entries.iter().map(|e| e["at"].as_str().expect("a time")).collect();
        assert!(times.is_sorted() && times.iter().all(|t| t.contains('.')), "{times:?}");
        let steps: Vec<Value> = entries.into_iter().filter(|e| e["kind"] == "plan").collect();
        steps.iter().any(|s| s["step"] == "ended").then_some(steps)
    });
    let words: Vec<_> =
        steps.iter().map(|s| (s["step"].as_str(), s["task"].as_str(), s["receiver"].as_str())).collect();
    let expected = [
        (Some("began"), None, None),
        (Some("done"), Some("pumps"), Some("water")),
        (Some("missed"), Some("road"), Some("traffic")),
        (Some("escalated"), Some("road"), Some("chief")),
        (Some("missed"), Some("signs"), Some("traffic")),
        (Some("escalated"), Some("signs"), Some("chief")),
        (Some("done"), Some("road"), Some("traffic")),
        (Some("done"), Some("signs"), Some("traffic")),
        (Some("done"), Some("beds"), Some("hospital")),
        (Some("ended"), None, None),
    ];
    assert_eq!(words, expected);
}

/// Of each version and each who was told it is known what became of it; the dead one is still owed all.
fn accounted(maibo: &Maibo, id: &str) {
    let last = maibo.get(&format!("/api/v1/alerts/{id}"))["version"].as_u64().expect("a version");
    let rows = until("all is delivered", Duration::from_secs(20), || {
        let list = maibo.get("/api/v1/deliveries?limit=1000");
        let rows = list["items"].as_array().expect("a list").iter();
        let rows: Vec<Value> = rows.filter(|r| r["alert"] == id).cloned().collect();
        let open = rows.iter().any(|r| r["outcome"] == "pending" && r["receiver"] != "hospital");
        (!open).then_some(rows)
    });
    let of = |name: &str| {
        let mut versions: Vec<_> = rows
            .iter()
            .filter(|r| r["receiver"] == name)
            .map(|r| (r["version"].as_u64(), r["outcome"].clone()))
            .collect();
        versions.sort_by_key(|(version, _)| *version);
        versions
    };
    let all = |outcome: &str| (1..=last).map(|v| (Some(v), json!(outcome))).collect::<Vec<_>>();
    assert_eq!((of("water"), of("traffic"), of("hospital")), (all("delivered"), all("delivered"), all("pending")));
    assert_eq!(of("chief").len() as u64, last - 2, "from the version on that says what was missed");
    assert_eq!(of("bystander"), []);
}

/// The record, tried again by the same plan, gives what happened.
fn simulated(maibo: &Maibo, id: &str) {
    let (status, found) = post(maibo, "/api/v1/plans/simulate", &json!({ "alert": id }));
    assert_eq!(status, 200, "{found}");
    let kinds: Vec<_> = found["events"].as_array().expect("events").iter().map(|e| e["kind"].clone()).collect();
    assert_eq!(kinds, ["began", "done", "missed", "escalated", "missed", "escalated", "done", "done", "done", "ended"]);
    let dir = maibo.dir.path();
    let (code, text, error) = command(&["plan", "simulate", "--config", "maibo.toml", "--alert", id], dir);
    assert!(code == Some(0) && text.contains("missed    cloudburst road traffic"), "{text}{error}");
    let hypothetical = [
        "plan",
        "simulate",
        "--config",
        "maibo.toml",
        "--domain",
        "municipal",
        "--place",
        "110105001",
        "--level",
        "red",
    ];
    let (code, text, error) = command(&hypothetical, dir);
    assert!(code == Some(0) && text.contains("chief (because a task was missed)"), "{text}{error}");
    let (code, _, error) = command(&["plan", "simulate", "--config", "maibo.toml", "--alert", "nonsense"], dir);
    assert!(code == Some(65) && error.contains("nonsense"), "{error}");
}
