//! Response plans that are brought while Maibo runs: in force at once and after a kill, on record with who brought them; what
//! had begun goes on as it was begun; what nobody does goes up rung by rung. Receivers that go away under them stop the start.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::until;
use maibo_sim::sink::{Sink, SinkOptions};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const PLAN: &str = r#"
[[plan]]
name = "cloudburst"
title = { zh = "城市内涝", en = "Urban flooding" }
receivers = ["water"]
task = [{ name = "pumps", owner = "water", what = { zh = "派泵车", en = "send pumps" }, within = "1h" }]
"#;

/// Another task, with little time, and a ladder behind it.
fn brought() -> Value {
    json!([{
        "name": "cloudburst", "title": { "zh": "城市内涝", "en": "Urban flooding" }, "receivers": ["water"],
        "task": [{
            "name": "boats", "owner": "water", "what": { "zh": "派船", "en": "send boats" }, "within": "5s",
            "escalate": ["chief"], "then": [{ "after": "5s", "escalate": ["mayor"] }],
        }],
    }])
}

fn receiver(sink: &Sink, name: &str, more: &str) -> String {
    format!(
        "[[receiver]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{}/hook\"\nsecret_file = \"secret\"\n\
         when = \"planned\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n{more}\n",
        sink.addr().port()
    )
}

fn prepare(water: &Sink, chief: &Sink, mayor: &Sink) -> Maibo {
    let mut setup = Setup::default();
    setup.embedded();
    setup.device("d1", "1h");
    let _ = write!(
        setup.tables,
        "[sender]\npage = \"http://maibo.test/\"\n{}{}{}{PLAN}",
        receiver(water, "water", "answers = true"),
        receiver(chief, "chief", ""),
        receiver(mayor, "mayor", ""),
    );
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    maibo
}

/// The first message a sink took that is wanted.
fn told(sink: &Sink, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, Duration::from_secs(40), || {
        let bodies = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer)).map(|d| {
            let mut body: Value = serde_json::from_str(&d.body).expect("JSON");
            body["data"].take()
        });
        bodies.into_iter().find(&wanted)
    })
}

fn drill(maibo: &Maibo, name: &str) {
    let drill = json!({ "name": name, "title": { "zh": "演练", "en": "drill" },
        "domain": "municipal", "place": "110105001", "level": "orange", "minutes": 60 });
    let (status, made) = maibo.post("/api/v1/drills", &drill);
    assert!((200..300).contains(&status), "{status} {made}");
}

fn tasks(message: &Value) -> Vec<&str> {
    let plans = message["plans"].as_array().into_iter().flatten();
    plans.flat_map(|plan| plan["tasks"].as_array().into_iter().flatten()).filter_map(|t| t["name"].as_str()).collect()
}

fn act(maibo: &Maibo, id: &str, what: &str, more: &Value) {
    let mut body = json!({ "note": "x", "version": maibo.get(&format!("/api/v1/alerts/{id}"))["version"] });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let (status, text) = maibo.post(&format!("/api/v1/alerts/{id}/{what}"), &body);
    assert!((200..300).contains(&status), "{status} {text}");
}

#[test]
fn plans_are_brought_while_it_runs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let sink = || {
        let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
        runtime.block_on(Sink::start(options)).expect("a sink")
    };
    let (water, chief, mayor) = (sink(), sink(), sink());
    let mut maibo = prepare(&water, &chief, &mayor);
    maibo.start();
    let first = until("the configured plans are on record", Duration::from_secs(10), || {
        maibo.get("/api/v1/plans/versions")["items"][0]["version"].as_str().map(str::to_owned)
    });
    drill(&maibo, "before");
    let message = told(&water, "water hears of it", |_| true);
    let id = message["id"].as_str().expect("an id").to_owned();
    assert_eq!(tasks(&message), ["pumps"]);

    // Tried first, with what is on record; then as a whole; nothing of that is in force.
    let (status, tried) = maibo.post("/api/v1/plans/simulate", &json!({ "alert": id, "plans": brought() }));
    assert_eq!((status, &tried["runs"][0]["tasks"][0]["rungs_told"]), (200, &json!(1)), "{tried}");
    let ask = |dry: bool| json!({ "plans": brought(), "note": "boats as well", "dry_run": dry });
    let (status, dry) = maibo.post("/api/v1/plans", &ask(true));
    assert_eq!(
        (status, &dry["activated"], &dry["difference"]["changed"]),
        (200, &json!(false), &json!(["cloudburst"]))
    );
    let mut bad = brought();
    bad[0]["task"][0]["then"][0]["escalate"] = json!(["nobody"]);
    let (status, problem) = maibo.post("/api/v1/plans", &json!({ "plans": bad }));
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(status == 422 && detail.contains("task[0].then[0].escalate: there is no receiver `nobody`"), "{problem}");
    assert_eq!(maibo.get("/api/v1/plans")[0]["tasks"][0]["name"], "pumps");

    let (status, done) = maibo.post("/api/v1/plans", &ask(false));
    assert_eq!((status, &done["activated"], &done["version"]), (200, &json!(true), &dry["version"]));
    assert_eq!(maibo.get("/api/v1/plans")[0]["tasks"][0]["then"][0]["after_s"], 5);
    let versions = maibo.get("/api/v1/plans/versions");
    let newest = &versions["items"][0];
    assert_eq!(
        (&newest["author"], &newest["note"], &newest["in_force"]),
        (&json!("tester"), &json!("boats as well"), &json!(true))
    );
    let written = maibo.get(&format!("/api/v1/plans/versions/{}?from={first}", done["version"].as_str().expect("it")));
    assert_eq!((&written["plans"], &written["difference"]["changed"][0]), (&brought(), &json!("cloudburst")));

    // What began before goes on as it began, over a kill as well.
    maibo.kill();
    maibo.start();
    act(&maibo, &id, "comment", &json!({}));
    let later = told(&water, "water hears of the comment", |m| m["reason"] == "commented");
    assert_eq!(tasks(&later), ["pumps"]);
    let run = maibo.get(&format!("/api/v1/plans/runs?alert={id}"))["items"][0].clone();
    assert_eq!((&run["version"], &run["tasks"][0]["name"]), (&json!(first), &json!("pumps")));
    act(&maibo, &id, "close", &json!({ "forced": true }));

    // What begins now is by the new ones; nobody does it, and it goes up to the mayor.
    drill(&maibo, "behind");
    let message = told(&water, "water has another task", |m| tasks(m) == ["boats"]);
    let id = message["id"].as_str().expect("an id").to_owned();
    let missed = told(&chief, "the chief hears of it", |m| m["id"] == id.as_str());
    assert_eq!((&missed["escalated"]["owner"], &missed["escalated"]["rung"]), (&json!("water"), &Value::Null));
    let still = told(&mayor, "the mayor hears of it", |m| m["id"] == id.as_str());
    assert_eq!(
        (&still["escalated"]["rung"], &still["escalated"]["due_at"]),
        (&json!(1), &missed["escalated"]["due_at"])
    );
    assert!(
        still["text"]["en"].as_str().is_some_and(|text| text.contains("is still not done by water; told to mayor"))
    );
    let timeline = maibo.get(&format!("/api/v1/alerts/{id}/timeline?limit=1000"));
    let steps = timeline["items"].as_array().expect("a list").iter().filter(|e| e["kind"] == "plan");
    let steps: Vec<_> = steps.map(|s| (s["step"].as_str(), s["receiver"].as_str())).collect();
    let up = |who| (Some("escalated"), Some(who));
    assert_eq!(steps, [(Some("began"), None), (Some("missed"), Some("water")), up("chief"), up("mayor")]);
    let run = &maibo.get(&format!("/api/v1/plans/runs?alert={id}"))["items"][0];
    assert_eq!((&run["version"], &run["tasks"][0]["rungs_told"]), (&done["version"], &json!(1)));
    assert_eq!(mayor.deliveries().len(), 1, "once");
    assert_eq!(maibo.terminate().code(), Some(0));
    simulated(&maibo);
    receivers_go_away(&mut maibo, &mayor);
}

/// By hand it is tried with what is in force, and with the file's where that is asked for.
fn simulated(maibo: &Maibo) {
    let words = "plan simulate --config maibo.toml --domain municipal --place 110105001 --level red";
    let words: Vec<&str> = words.split(' ').collect();
    let (code, text, error) = command(&words, maibo.dir.path());
    assert!(code == Some(0) && text.contains("mayor") && error.contains("tester"), "{text}{error}");
    let (code, text, error) = command(&[words, vec!["--configured"]].concat(), maibo.dir.path());
    assert!(code == Some(0) && !text.contains("mayor") && error.is_empty(), "{text}{error}");
    let (code, text, _) = command(&["check", "maibo.toml"], maibo.dir.path());
    assert!(code == Some(0) && text.contains("brought by tester"), "{text}");
}

/// Plans that were brought and do not fit any more stop the start, and `check` says so; other plans in the file take over.
fn receivers_go_away(maibo: &mut Maibo, mayor: &Sink) {
    let config = std::fs::read_to_string(maibo.config()).expect("readable");
    let without = config.replace(&receiver(mayor, "mayor", ""), "");
    assert_ne!(without, config);
    std::fs::write(maibo.config(), &without).expect("writes");
    let (code, _, error) = command(&["check", "maibo.toml"], maibo.dir.path());
    assert!(code == Some(65) && error.contains("tester") && error.contains("there is no receiver `mayor`"), "{error}");
    maibo.spawn(&[]);
    assert_eq!(maibo.ended(Duration::from_secs(30)).code(), Some(65));
    assert!(maibo.last_log().contains("there is no receiver `mayor`"), "{}", maibo.last_log());
    std::fs::write(maibo.config(), without.replace("Urban flooding", "Flooding")).expect("writes");
    maibo.start();
    let newest = until("the file's plans are in force", Duration::from_secs(10), || {
        Some(maibo.get("/api/v1/plans/versions")["items"][0].clone()).filter(|newest| newest["in_force"] == true)
    });
    assert_eq!((&newest["author"], &newest["difference"]["changed"][0]), (&json!("file"), &json!("cloudburst")));
    let plans = maibo.get("/api/v1/plans");
    assert_eq!((&plans[0]["title"]["en"], &plans[0]["tasks"][0]["name"]), (&json!("Flooding"), &json!("pumps")));
    assert_eq!(maibo.terminate().code(), Some(0));
    // The file goes back to what it was when they were brought: they do not come back with it.
    std::fs::write(maibo.config(), &config).expect("writes");
    maibo.start();
    let plans = until("the file's plans are in force again", Duration::from_secs(10), || {
        Some(maibo.get("/api/v1/plans")).filter(|plans| plans[0]["title"]["en"] == "Urban flooding")
    });
    assert_eq!(plans[0]["tasks"][0]["name"], "pumps");
    assert_eq!(maibo.terminate().code(), Some(0));
    let data = maibo.data().display().to_string();
    let (code, text, error) = command(&["journal", "verify", "--data", &data], maibo.dir.path());
    assert_eq!(code, Some(0), "{text}{error}");
}
