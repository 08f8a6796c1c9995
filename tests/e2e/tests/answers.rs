//! What comes back from those who were told (信息反馈): by the link in the message, into the record, the stamps and the
//! timeline, across a death; a forged link changes nothing, and no link is in a log.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command, http};
use maibo_e2e::publisher::publish;
use maibo_e2e::{free_port, until};
use maibo_sim::sink::{Sink, SinkOptions, Verdict};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The name of the page; it stands nowhere but in `[sender]`.
const HOST: &str = "maibo.test";

/// `office` answers, `archive` only hears, and where `chief` should be nobody is.
fn setup(office: &Sink, archive: &Sink) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"封路\", en = \"close the road\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nkeep_firing_for = \"0s\"\n",
    );
    let _ = write!(setup.tables, "[sender]\npage = \"http://{HOST}/\"\n");
    let places = [
        ("office", office.addr().port(), true),
        ("archive", archive.addr().port(), false),
        ("chief", free_port(), true),
    ];
    for (name, port, answers) in places {
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_file = \"secret\"\n\
             group_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\nanswers = {answers}\n"
        );
    }
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

fn depth(port: u16, value: i64) {
    let message = ("maibo/v1/d1/telemetry".to_owned(), format!("{{\"water_depth\":{value}}}").into_bytes());
    assert_eq!(publish(port, &format!("d1-{value}"), &[message], Duration::from_secs(10)), 1);
}

/// The first message that a sink took and that is wanted.
fn told(sink: &Sink, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, Duration::from_secs(20), || {
        let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
        let mut bodies = taken.map(|d| {
            assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
            serde_json::from_str::<Value>(&d.body).expect("JSON")
        });
        bodies.find(|body| body["data"]["rule"] == "flood" && wanted(&body["data"]))
    })
}

fn token(body: &Value) -> String {
    let url = body["data"]["answer"]["url"].as_str().expect("a link");
    url.strip_prefix(&format!("http://{HOST}/answer/")).expect("the page's address").to_owned()
}

/// One exchange under the name in the link.
fn ask(maibo: &Maibo, method: &str, path: &str, kind: &str, body: &str) -> (u16, String) {
    http(maibo.http, method, path, &[("Host", HOST), ("Content-Type", kind)], body).expect("an answer")
}

fn answer(maibo: &Maibo, token: &str, body: &Value) -> (u16, String) {
    ask(maibo, "POST", &format!("/api/v1/answer/{token}"), "application/json", &body.to_string())
}

#[test]
fn answers_come_back_by_the_link() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let sink = || {
        let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
        runtime.block_on(Sink::start(options)).expect("a sink")
    };
    let (office, archive) = (sink(), sink());
    let (mut maibo, port) = setup(&office, &archive);
    maibo.start();
    depth(port, 30);
    let first = told(&office, "the office hears of it", |_| true);
    let (id, token) = (first["data"]["id"].as_str().expect("an id").to_owned(), token(&first));
    assert_eq!(
        told(&archive, "the archive too", |_| true)["data"].get("answer"),
        None,
        "who may not answer has no link"
    );
    let page = |maibo: &Maibo| ask(maibo, "GET", &format!("/answer/{token}"), "text/plain", "");
    let (status, text) = page(&maibo);
    assert!(status == 200 && text.contains("黄色") && text.contains("积水"), "{status} {text}");

    let acknowledged = json!({ "stage": "acknowledged", "by": "李伟", "note": "带泵" });
    assert_eq!(answer(&maibo, &token, &acknowledged).0, 200);
    maibo.kill();
    assert!(!maibo.last_log().contains(&token));
    maibo.start();
    let alert = |maibo: &Maibo| maibo.get(&format!("/api/v1/alerts/{id}"));
    assert_eq!(alert(&maibo)["acknowledged"]["by"], "office/李伟", "what was answered was durable");
    assert_eq!(answer(&maibo, &token, &acknowledged).0, 200);
    assert_eq!(alert(&maibo)["version"], 2, "said again after the death it is still one answer");
    assert!(page(&maibo).1.contains("李伟 已收到"), "{}", page(&maibo).1);

    // One letter of the seal is another.
    let (head, last) = token.split_at(token.len() - 2);
    let forged = format!("{head}{}{}", if last.starts_with('A') { 'B' } else { 'A' }, &last[1..]);
    let (status, problem) = answer(&maibo, &forged, &json!({ "stage": "fed_back", "by": "x", "note": "forged" }));
    assert!(status == 404 && !problem.contains(&forged), "{status} {problem}");
    assert_eq!(ask(&maibo, "GET", &format!("/answer/{forged}"), "text/plain", "").0, 404);
    assert_eq!(alert(&maibo)["version"], 2);

    let form = "by=%E6%9D%8E%E4%BC%9F&note=%E5%B7%B2%E6%8E%92%E5%B9%B2&stage=fed_back";
    let kind = "application/x-www-form-urlencoded";
    // The client follows the redirect: it lands on the page.
    let (status, text) = ask(&maibo, "POST", &format!("/api/v1/answer/{token}"), kind, form);
    assert!(status == 200 && text.contains("已排干"), "{status} {text}");
    let stamps = &alert(&maibo)["stamps"];
    assert_eq!(
        (&stamps["responding"]["by"], &stamps["fed_back"]["by"]),
        (&json!("office/李伟"), &json!("office/李伟"))
    );
    for sink in [&office, &archive] {
        let next = told(sink, "all hear what came of it", |alert| !alert["stamps"]["fed_back"].is_null());
        assert_eq!(
            (&next["data"]["version"], &next["data"]["stamps"]["fed_back"]["by"]),
            (&json!(3), &json!("office/李伟"))
        );
    }
    depth(port, 1);
    let over = told(&office, "it is over", |alert| alert["state"] == "resolved");
    let (status, problem) = answer(&maibo, &self::token(&over), &json!({ "stage": "responding", "by": "李伟" }));
    assert!(status == 409 && problem.contains("resolved"), "{status} {problem}");

    timeline(&maibo, &id);
    kept(&maibo);
    assert!(!maibo.last_log().contains(&token) && !maibo.last_log().contains(&forged));
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// Everything is in it, in the order of time.
fn timeline(maibo: &Maibo, id: &str) {
    let kinds =
        |entries: &[Value], kind: &str| entries.iter().filter(|e| e["kind"] == kind).cloned().collect::<Vec<_>>();
    let entries = until("every telling is on record", Duration::from_secs(20), || {
        let list = maibo.get(&format!("/api/v1/alerts/{id}/timeline"));
        let entries = list["items"].as_array().expect("a list").clone();
        (kinds(&entries, "told").len() == 8).then_some(entries)
    });
    let times: Vec<&str> = entries.iter().map(|e| e["at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!((&entries[0]["kind"], &entries[1]["kind"]), (&json!("happened"), &json!("known")));
    let answers = kinds(&entries, "answer");
    let said: Vec<_> = answers.iter().map(|a| (a["by"].as_str(), a["reason"].as_str(), a["note"].as_str())).collect();
    let by = Some("office/李伟");
    assert_eq!(said, [(by, Some("acknowledged"), Some("带泵")), (by, Some("fed_back"), Some("已排干"))]);
    let stamps: Vec<_> = kinds(&entries, "stamp").iter().map(|s| s["stamp"].as_str().map(str::to_owned)).collect();
    assert_eq!(stamps, ["published", "responding", "fed_back", "archived"].map(|s| Some(s.to_owned())));
    for receiver in ["office", "archive"] {
        let mut versions: Vec<_> =
            entries.iter().filter(|e| e["kind"] == "told" && e["receiver"] == receiver).collect();
        versions.sort_by_key(|e| e["version"].as_u64());
        let told: Vec<_> = versions.iter().map(|e| e["version"].as_u64()).collect();
        assert_eq!(told, [Some(1), Some(2), Some(3), Some(4)], "{receiver}");
        assert!(versions.iter().all(|e| e["attempts"].as_u64() >= Some(1) && e["owed_since"].is_string()));
    }
    let owed = kinds(&entries, "owed");
    assert!(owed.len() == 4 && owed.iter().all(|e| e["receiver"] == "chief" && e["outcome"] == "pending"), "{owed:?}");
    assert!(owed[0]["error"].as_str().is_some_and(|e| !e.is_empty()), "{owed:?}");
}

/// The key is nobody else's to read, and in a backup, so that links go on working with what starts from it.
fn kept(maibo: &Maibo) {
    let (data, dir) = (maibo.data(), maibo.dir.path());
    let text = |path: &std::path::Path| path.to_str().expect("text").to_owned();
    let (to, back) = (dir.join("backup"), dir.join("back"));
    let (code, _, error) = command(&["backup", "--data", &text(&data), "--to", &text(&to)], dir);
    assert_eq!(code, Some(0), "{error}");
    let (code, _, error) = command(&["restore", "--from", &text(&to), "--data", &text(&back)], dir);
    assert_eq!(code, Some(0), "{error}");
    let key = |dir: &std::path::Path| {
        let path = dir.join("answer.key");
        let mode = std::fs::metadata(&path).expect("a key").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
        std::fs::read_to_string(path).expect("reads")
    };
    assert_eq!((key(&data), key(&data)), (key(&to), key(&back)));
}
