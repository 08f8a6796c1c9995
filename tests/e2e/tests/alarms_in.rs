//! Others' alarms come in: warnings in CAP and what Prometheus posts become events, and alerts by event rules; posted again
//! they open nothing twice, and what was answered with 200 outlives a death.

use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, http};
use maibo_e2e::until;
use serde_json::{Value, json};

const TOKENS: [&str; 2] = ["weather-0123456789", "prometheus-0123456789"];

fn setup() -> Maibo {
    let mut setup = Setup::default();
    setup.embedded();
    setup.device("cma", "1h");
    setup.device("prometheus", "1m");
    setup.rules.push_str(
        "[[rule]]\nid = \"warning\"\ntitle = { zh = \"气象预警\", en = \"Weather warning\" }\ndomain = \"emergency\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { devices = [\"cma\"] }\n\
         event = { codes = { \"cap.yellow.*\" = \"yellow\", \"cap.orange.*\" = \"orange\", \"cap.red.*\" = \"red\" } }\n\
         [[rule]]\nid = \"systems\"\ntitle = { zh = \"系统\", en = \"Systems\" }\ndomain = \"municipal\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { devices = [\"prometheus\"] }\n\
         event = { codes = { \"prom.red.*\" = \"red\", \"prom.yellow.*\" = \"yellow\" } }\n",
    );
    setup.tables.push_str(
        "[[alarms]]\nname = \"weather\"\nformat = \"cap\"\ndevice = \"cma\"\ntoken_file = \"weather.token\"\n\
         [[alarms]]\nname = \"systems\"\nformat = \"alertmanager\"\ndevice = \"prometheus\"\nprefix = \"prom\"\n\
         token_file = \"prometheus.token\"\n",
    );
    let maibo = Maibo::prepare(&setup);
    for (file, token) in ["weather.token", "prometheus.token"].iter().zip(TOKENS) {
        std::fs::write(maibo.dir.path().join(file), format!("{token}\n")).expect("write a token");
    }
    maibo
}

/// Now and so many seconds on, as CAP and RFC 3339 both write it.
fn time(ahead: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let seconds = i64::try_from(now).expect("seconds") + ahead;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // From days since 1970 to a date: H. Hinnant, chrono-compatible low-level date algorithms, civil_from_days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}+00:00", rest / 3_600, rest / 60 % 60, rest % 60)
}

fn warning(kind: &str, id: &str, severity: &str, references: &str) -> String {
    let info = if kind == "Cancel" {
        String::new()
    } else {
        format!(
            "<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Expected</urgency>\
             <severity>{severity}</severity><certainty>Likely</certainty><expires>{}</expires><headline>暴雨预警</headline></info>",
            time(3_600)
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\
         <identifier>{id}</identifier><sender>cma@city.example</sender><sent>{}</sent><status>Actual</status>\
         <msgType>{kind}</msgType><scope>Public</scope>{references}{info}</alert>",
        time(0)
    )
}

fn post(maibo: &Maibo, path: &str, token: &str, kind: &str, body: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    http(maibo.http, "POST", path, &[("Authorization", &bearer), ("Content-Type", kind)], body).expect("an answer")
}

fn cap(maibo: &Maibo, body: &str) -> (u16, String) {
    post(maibo, "/api/v1/alarms", TOKENS[0], "application/cap+xml", body)
}

fn prometheus(maibo: &Maibo, body: &Value) -> (u16, String) {
    post(maibo, "/api/v2/alerts", TOKENS[1], "application/json", &body.to_string())
}

/// The alerts of a rule, the newest first, once they are as wanted.
fn alerts(maibo: &Maibo, rule: &str, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    until(what, Duration::from_secs(20), || {
        let list = maibo.get(&format!("/api/v1/alerts?rule={rule}"));
        let items = list["items"].as_array().expect("a list").clone();
        wanted(&items).then_some(items)
    })
}

fn one(level: &str, state: &str) -> impl Fn(&[Value]) -> bool {
    move |items| items.len() == 1 && items[0]["level"] == level && items[0]["state"] == state
}

#[test]
fn warnings_and_alerts_become_alerts() {
    let mut maibo = setup();
    maibo.start();
    let first = warning("Alert", "w1", "Moderate", "");
    assert_eq!(cap(&maibo, &first).0, 200);
    // Nothing was waited for: what was answered is in the log.
    maibo.kill();
    maibo.start();
    alerts(&maibo, "warning", "the warning is an alert", one("yellow", "firing"));
    for _ in 0..3 {
        assert_eq!(cap(&maibo, &first).0, 200);
    }
    let sent = first.split("<sent>").nth(1).and_then(|t| t.split("</sent>").next()).expect("a time");
    let references = format!("<references>cma@city.example,w1,{sent}</references>");
    assert_eq!(cap(&maibo, &warning("Update", "w2", "Extreme", &references)).0, 200);
    let risen = alerts(&maibo, "warning", "the same alert rises", one("red", "firing"));
    assert_eq!(risen[0]["subject"]["kind"], "event");

    let alert = |name: &str, start: i64, end: i64| {
        let labels = json!({ "alertname": name, "severity": "critical", "instance": "a:9100" });
        json!({ "labels": labels, "annotations": { "summary": "x" }, "startsAt": time(start), "endsAt": time(end) })
    };
    for _ in 0..3 {
        assert_eq!(prometheus(&maibo, &json!([alert("DiskFull", -5, 300)])).0, 200);
    }
    alerts(&maibo, "systems", "Prometheus's alert is one", one("red", "firing"));
    let (status, why) = prometheus(&maibo, &json!([{ "labels": {} }, alert("Second", -5, 300)]));
    assert!(status == 400 && why.contains("alerts[0]"), "{status} {why}");
    alerts(&maibo, "systems", "the good one of a list is taken", |items| items.len() == 2);
    let listed = maibo.get("/api/v2/alerts?active=true&filter=alertname%3D%22systems%22");
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!((&listed[0]["labels"]["severity"], &listed[0]["status"]["state"]), (&json!("red"), &json!("active")));

    for (path, token, body, status) in [
        ("/api/v1/alarms", "weather-012345678", first.as_str(), 401),
        ("/api/v1/alarms", TOKENS[1], first.as_str(), 401),
        ("/api/v2/alerts", TOKENS[0], "[]", 401),
        ("/api/v1/alarms", TOKENS[0], "<alert/>", 400),
        ("/api/v1/alarms", TOKENS[0], &first.replace("+00:00</sent>", ",00:00</sent>"), 400),
        ("/api/v1/alarms", TOKENS[0], &"x".repeat(600_000), 413),
        ("/api/v2/alerts", TOKENS[1], "{}", 400),
    ] {
        let (got, problem) = post(&maibo, path, token, "application/json", body);
        assert!(got == status && !problem.contains(token), "{path} {got} {problem}");
    }
    let exercise = warning("Alert", "w3", "Extreme", "").replace("Actual", "Exercise");
    let (status, told) = cap(&maibo, &exercise);
    assert!(status == 200 && told.contains("not taken"), "{status} {told}");

    let references = format!("<references>cma@city.example,w2,{}</references>", time(0));
    assert_eq!(cap(&maibo, &warning("Cancel", "w4", "", &references)).0, 200);
    alerts(&maibo, "warning", "a cancel ends it", one("red", "resolved"));

    // One for later is an alert of now that says from when on.
    let onset = |at: &str| format!("<onset>{at}</onset><expires>");
    let (late, early) = (time(1_800), time(600));
    let ahead = warning("Alert", "w5", "Severe", "").replacen("<expires>", &onset(&late), 1);
    assert_eq!(cap(&maibo, &ahead).0, 200);
    let open =
        alerts(&maibo, "warning", "a warning for later", |items| items.len() == 2 && items[0]["level"] == "orange");
    let text = &open[0]["text"];
    let says = |language: &str, words: &str| text[language].as_str().is_some_and(|t| t.contains(words));
    assert!(open[0]["state"] == "firing" && says("zh", " 起") && says("en", ", from 20"), "{text}");
    assert!(says("zh", "原文“") && says("en", "in its own words “"), "{text}");

    // The same again is no news; that it begins earlier is, at the same level.
    let version = |items: &[Value], n: u64| items.len() == 2 && items[0]["version"] == n;
    let update = |id: &str, before: &str, at: &str| {
        let references = format!("<references>cma@city.example,{before},{}</references>", time(0));
        warning("Update", id, "Severe", &references).replacen("<expires>", &onset(at), 1)
    };
    let (again, earlier) = (update("w6", "w5", &late), update("w7", "w6", &early));
    assert_eq!((cap(&maibo, &again).0, cap(&maibo, &earlier).0), (200, 200));
    let moved = alerts(&maibo, "warning", "a warning for earlier", |items| version(items, 2));
    assert!(moved[0]["reason"] == "event" && moved[0]["text"] != open[0]["text"], "{}", moved[0]);

    assert_eq!(prometheus(&maibo, &json!([alert("DiskFull", -5, 0)])).0, 200);
    alerts(&maibo, "systems", "an end ends one", |items| {
        items.iter().filter(|a| a["state"] == "resolved").count() == 1
    });
    assert!(TOKENS.iter().all(|token| !maibo.last_log().contains(token)));
    assert_eq!(maibo.terminate().code(), Some(0));
}
