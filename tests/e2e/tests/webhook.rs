//! P5: every version reaches each receiver it matches, in order, or it is known why not. Real sockets, signed, checked by
//! a sink that knows nothing of the sender's code, and by the reference library of Standard Webhooks.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::until;
use maibo_sim::sink::{Delivery, Mode, Sink, SinkOptions, Verdict};
use reqwest::header::HeaderMap;
use serde_json::Value;
use standardwebhooks::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The next one, while keys are rotated, and one that is nobody's.
const NEXT: &str = "whsec_bmV4dCBuZXh0IG5leHQgbmV4dCBuZXh0IG5leHQ=";
const FOREIGN: &str = "whsec_Zm9yZWlnbiBmb3JlaWduIGZvcmVpZ24gZm9yZWln";

/// A sink, and the runtime that it lives on.
struct Served {
    sink: Sink,
    /// Held: the sink lives on it.
    _runtime: tokio::runtime::Runtime,
}

fn sink(mode: Mode) -> Served {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), mode, ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a sink");
    Served { sink, _runtime: runtime }
}

fn setup(receivers: &[(&str, &Served)]) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\n",
    );
    for (name, served) in receivers {
        let url = format!("http://{}/hook", served.sink.addr());
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n"
        );
    }
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

fn depth(port: u16, name: &str, value: i64) {
    let message = ("maibo/v1/d1/telemetry".to_owned(), format!("{{\"water_depth\":{value}}}").into_bytes());
    assert_eq!(publish(port, name, &[message], Duration::from_secs(10)), 1);
}

/// Whether a delivery is about the city's alert, and not one of Maibo about itself.
fn about_water(delivery: &Delivery) -> bool {
    delivery.body.contains("\"rule\":\"flood\"")
}

/// What the reference library says of a delivery, as a receiver that knows one secret and read this body.
fn verified(secret: &str, delivery: &Delivery, body: &str) -> bool {
    let given = [
        ("webhook-id", &delivery.id),
        ("webhook-timestamp", &delivery.timestamp),
        ("webhook-signature", &delivery.signature),
    ];
    let one = |(name, text): (&'static str, &Option<String>)| Some((name.parse().ok()?, text.as_ref()?.parse().ok()?));
    let headers: HeaderMap = given.into_iter().filter_map(one).collect();
    Webhook::new(secret).expect("a secret").verify(body.as_bytes(), &headers).is_ok()
}

/// Versions that a sink took, in the order of their arrival, each with its message id.
fn versions(sink: &Sink) -> Vec<(u64, String)> {
    let version = |d: &Delivery| {
        assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
        assert!(verified(SECRET, d, &d.body), "{d:?}");
        let body: Value = serde_json::from_str(&d.body).expect("JSON");
        (body["data"]["version"].as_u64().expect("version"), d.id.clone().expect("id"))
    };
    sink.deliveries().iter().filter(|d| (200..300).contains(&d.answer) && about_water(d)).map(version).collect()
}

// One receiver answers 500, one hangs, one redirects to this machine: the good one is told at once and in order, and the
// list of deliveries says what is wrong with the others.
#[test]
fn a_bad_receiver_costs_only_itself() {
    let (good, failing, hanging, redirecting) =
        (sink(Mode::Ok), sink(Mode::Fail), sink(Mode::Hang), sink(Mode::Redirect));
    let all = [("good", &good), ("failing", &failing), ("hanging", &hanging), ("redirecting", &redirecting)];
    let (mut maibo, port) = setup(&all);
    maibo.start();
    depth(port, "up", 30);
    depth(port, "higher", 60);
    depth(port, "down", 1);
    until("the good receiver has all versions", Duration::from_secs(5), || {
        (versions(&good.sink).len() == 3).then_some(())
    });
    assert_eq!(versions(&good.sink).iter().map(|v| v.0).collect::<Vec<_>>(), [1, 2, 3]);
    // Each of the others is tried, never gets past its first version, and is listed with an error in words.
    for (name, served) in &all[1..] {
        let error = until("the failure is listed", Duration::from_secs(15), || {
            let list = maibo.get(&format!("/api/v1/deliveries?receiver={name}"));
            let items = list["items"].as_array().expect("items").clone();
            assert!(items.iter().all(|i| i["outcome"] == "pending"), "{items:?}");
            items.iter().find_map(|i| i["last_error"].as_str().map(str::to_owned))
        });
        assert!(!error.is_empty());
        assert!(served.sink.count() >= 1, "{name} was tried");
    }
    let paths: Vec<String> = redirecting.sink.deliveries().iter().map(|d| d.path.clone()).collect();
    assert!(paths.iter().all(|p| p == "/hook"), "a redirect is never followed: {paths:?}");
    // That they fail is an alert too, which they are tried with as well.
    let attempts: Vec<String> =
        failing.sink.deliveries().iter().filter(|d| about_water(d)).filter_map(|d| d.id.clone()).collect();
    assert!(!attempts.is_empty());
    assert!(attempts.windows(2).all(|w| w[0] == w[1]), "repeats carry the same key: {attempts:?}");
}

// Retries survive a restart: what failed before kill -9 arrives after it, in order, under the same key.
#[test]
fn retries_survive_kill_minus_nine() {
    let served = sink(Mode::Fail);
    let (mut maibo, port) = setup(&[("bureau", &served)]);
    maibo.start();
    depth(port, "up", 30);
    depth(port, "down", 1);
    until("it was tried", Duration::from_secs(10), || (served.sink.count() >= 1).then_some(()));
    let first = served.sink.deliveries()[0].id.clone().expect("id");
    maibo.kill();
    served.sink.set_mode(Mode::Ok);
    maibo.start();
    until("both versions arrive", Duration::from_secs(20), || (versions(&served.sink).len() >= 2).then_some(()));
    let arrived = versions(&served.sink);
    assert_eq!(arrived.iter().map(|v| v.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(arrived[0].1, first, "the same key as before the crash");
    // What was settled is on record.
    until("the deliveries are facts", Duration::from_secs(10), || {
        let list = maibo.get("/api/v1/deliveries?outcome=delivered");
        (list["items"].as_array().map(Vec::len) == Some(2)).then_some(())
    });
}

// While keys are rotated every attempt, repeats too, is good for who knows the old one and for who knows the new one alone;
// afterwards for the new one only.
#[test]
fn the_reference_library_takes_either_key() {
    let served = sink(Mode::Fail);
    let (mut maibo, port) = setup(&[("bureau", &served)]);
    let file = maibo.dir.path().join("secret");
    let secrets = |text: &str| std::fs::write(&file, text).expect("write the secrets");
    secrets(&format!("# the old one goes on Friday\n{SECRET}\n{NEXT}\n"));
    maibo.start();
    depth(port, "up", 30);
    until("it was tried twice", Duration::from_secs(20), || (served.sink.count() >= 2).then_some(()));
    served.sink.set_mode(Mode::Ok);
    depth(port, "down", 1);
    until("both versions arrive", Duration::from_secs(20), || (versions(&served.sink).len() >= 2).then_some(()));
    let attempts = served.sink.deliveries();
    assert!(attempts.len() >= 4, "{attempts:#?}");
    for d in &attempts {
        assert!(verified(SECRET, d, &d.body) && verified(NEXT, d, &d.body), "{d:?}");
        assert!(!verified(FOREIGN, d, &d.body), "{d:?}");
        let forged = d.body.replacen("flood", "flooD", 1);
        assert!(forged == d.body || !verified(SECRET, d, &forged) && !verified(NEXT, d, &forged), "{d:?}");
        let renamed = Delivery { id: Some("msg_another".to_owned()), ..d.clone() };
        assert!(!verified(SECRET, &renamed, &d.body) && !verified(NEXT, &renamed, &d.body), "{d:?}");
    }
    assert_eq!(maibo.terminate().code(), Some(0));
    secrets(NEXT);
    maibo.start();
    depth(port, "again", 60);
    let last = until("the next one arrives", Duration::from_secs(20), || {
        let new = served.sink.deliveries().into_iter().skip(attempts.len());
        new.into_iter().find(about_water)
    });
    assert!(verified(NEXT, &last, &last.body) && !verified(SECRET, &last, &last.body), "{last:?}");
    assert_eq!(maibo.terminate().code(), Some(0));
}

// What a receiver refused for good is told after all when somebody says so, under the same key, also where somebody set it aside
// before; twice is refused.
#[test]
fn what_was_given_up_is_sent_again() {
    let bureau = sink(Mode::Gone);
    let (mut maibo, port) = setup(&[("bureau", &bureau)]);
    maibo.start();
    depth(port, "one", 30);
    let dead = until("it is given up", Duration::from_secs(20), || {
        let dead = maibo.get("/api/v1/deliveries?outcome=dead");
        dead["items"].as_array()?.iter().find(|d| d["receiver"] == "bureau").cloned()
    });
    let refused = bureau.sink.deliveries().into_iter().find(about_water).expect("it was tried");
    let path = format!("/api/v1/deliveries/{}/replay", dead["id"].as_str().expect("an id"));
    let (status, problem) = maibo.post(&path, &serde_json::json!({ "now": true }));
    assert_eq!((status, problem["code"].as_str()), (400, Some("bad_request")), "{problem}");
    dead_letters(&maibo, 1);
    set_aside(&maibo, &dead);
    dead_letters(&maibo, 0);
    bureau.sink.set_mode(Mode::Ok);
    let (status, owed) = maibo.post(&path, &serde_json::json!({}));
    assert_eq!((status, owed["outcome"].as_str()), (200, Some("pending")), "{owed}");
    let told = until("it is told", Duration::from_secs(20), || versions(&bureau.sink).pop());
    assert_eq!(told, (1, refused.id.expect("an id")), "the same message");
    until("the list says so", Duration::from_secs(20), || {
        let delivered = maibo.get("/api/v1/deliveries?outcome=delivered");
        delivered["items"].as_array()?.iter().any(|d| d["id"] == dead["id"]).then_some(())
    });
    let (status, problem) = maibo.post(&path, &serde_json::json!({}));
    assert_eq!((status, problem["code"].as_str()), (409, Some("conflict")), "{problem}");
    assert_eq!(maibo.post("/api/v1/deliveries/999999/replay", &serde_json::json!({})).0, 404);
    let aside = path.replace("replay", "dismiss");
    assert_eq!(maibo.post(&aside, &serde_json::json!({})).0, 409, "it is delivered");
    assert_eq!(maibo.post("/api/v1/deliveries/999999/dismiss", &serde_json::json!({})).0, 404);
    assert_eq!(maibo.terminate().code(), Some(0));
    let on_record = maibo_e2e::journal::facts(&maibo.data(), "delivery").into_iter();
    let outcomes: Vec<Value> = on_record.filter(|d| d["receiver"] == "bureau").map(|d| d["outcome"].clone()).collect();
    assert_eq!(outcomes, ["dead", "delivered"], "both are on record");
}

/// Waits until the metric has so many.
fn dead_letters(maibo: &Maibo, wanted: u64) {
    let line = format!("maibo_dead_letters {wanted}");
    until("the metric has so many dead letters", Duration::from_secs(20), || {
        let (_, text) = maibo_e2e::maibo::http(maibo.http, "GET", "/metrics", &[], "")?;
        text.lines().any(|l| l == line).then_some(())
    });
}

/// A dead letter is set aside, by the first who says so, and stands in the timeline of its alert and in its own list.
fn set_aside(maibo: &Maibo, dead: &Value) {
    let id = dead["id"].as_str().expect("an id");
    let path = format!("/api/v1/deliveries/{id}/dismiss");
    let (status, problem) = maibo.post(&path, &serde_json::json!({ "note": "长".repeat(501) }));
    assert_eq!((status, problem["code"].as_str()), (400, Some("bad_request")), "{problem}");
    let (status, first) = maibo.post(&path, &serde_json::json!({ "note": "已电话告知" }));
    assert_eq!((status, first["outcome"].as_str()), (200, Some("dead")), "{first}");
    let told = (first["dismissed"]["by"].as_str(), first["dismissed"]["note"].as_str());
    assert_eq!(told, (Some("tester"), Some("已电话告知")));
    let (status, again) = maibo.post(&path, &serde_json::json!({}));
    assert_eq!((status, &again), (200, &first), "the first one stands");
    let listed = |query: &str| {
        let list = maibo.get(&format!("/api/v1/deliveries{query}"));
        list["items"].as_array().expect("a list").iter().any(|d| d["id"] == id)
    };
    let queries = ["", "?outcome=dead", "?dismissed=true", "?outcome=dead&dismissed=true"];
    assert_eq!(queries.map(listed), [false, false, true, true]);
    let alert = dead["alert"].as_str().expect("an alert");
    let timeline = maibo.get(&format!("/api/v1/alerts/{alert}/timeline"));
    let entries = timeline["items"].as_array().expect("a list");
    let entry = entries.iter().find(|e| e["kind"] == "dismissed").expect("it stands there");
    assert_eq!(
        (&entry["receiver"], &entry["note"], &entry["at"]),
        (&dead["receiver"], &first["dismissed"]["note"], &first["dismissed"]["at"])
    );
}
