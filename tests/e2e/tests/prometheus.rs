//! Prometheus's own tools, as Debian has them: what the real Alertmanager posts is what ours looks like, `amtool` lists what
//! is open here, Prometheus's alerts open alerts, and an Alertmanager takes ours.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::prometheus::{Alertmanager, Prometheus, amtool};
use maibo_e2e::publisher::publish;
use maibo_e2e::until;
use maibo_sim::sink::{Sink, SinkOptions};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "prometheus-0123456789";
/// The template that the manual names.
const TEMPLATE: &str = include_str!("../../../docs/operate/alertmanager.json");
const LIMIT: Duration = Duration::from_secs(20);

/// A hook that takes everything, and the runtime that it lives on.
struct Hook {
    sink: Sink,
    /// Held: the sink lives on it.
    _runtime: tokio::runtime::Runtime,
}

impl Hook {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("runtime");
        let sink = runtime.block_on(Sink::start(SinkOptions::default())).expect("a sink");
        Self { sink, _runtime: runtime }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sink.addr())
    }

    /// Waits for a message about the flood at a path.
    fn told(&self, path: &str, status: &str) -> Value {
        let one = |d: maibo_sim::sink::Delivery| {
            let body: Value = serde_json::from_str(&d.body).expect("JSON");
            (d.path == path && body["status"] == status && d.body.contains("flood")).then_some(body)
        };
        let what = format!("{path} is told of an alert that is {status}");
        until(&what, LIMIT, || self.sink.deliveries().into_iter().find_map(one))
    }
}

/// Two gauges, a rule with two levels, and one receiver.
fn setup(receiver: &str) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "1h");
    setup.device("d2", "1h");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"封路\", en = \"close the road\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nkeep_firing_for = \"0s\"\n",
    );
    setup.tables.push_str("[sender]\npage = \"https://maibo.test\"\n");
    setup.tables.push_str(receiver);
    let maibo = Maibo::prepare(&setup);
    for (name, text) in [("secret", SECRET), ("alertmanager.json", TEMPLATE)] {
        std::fs::write(maibo.dir.path().join(name), text).expect("write");
    }
    (maibo, port)
}

fn depth(port: u16, device: &str, value: i64) {
    let message = (format!("maibo/v1/{device}/telemetry"), format!("{{\"water_depth\":{value}}}").into_bytes());
    assert_eq!(publish(port, &format!("{device}-{value}"), &[message], Duration::from_secs(10)), 1);
}

/// The alerts about the flood that somebody has open, as `amtool` says, once there are so many.
fn open(port: u16, more: &[&str], wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    until(&format!("amtool says so, {more:?}"), LIMIT, || {
        let text = amtool(port, &[&["-o", "json", "alertname=flood"], more].concat());
        let list: Vec<Value> = serde_json::from_str(&text).expect("a list of JSON");
        wanted(&list).then_some(list)
    })
}

/// Members and their types. Of maps with free names: that they are from texts to texts.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(list) => list.iter().map(shape).collect(),
        Value::Object(map) => {
            let one = |(name, member): (&String, &Value)| {
                let free =
                    name == "annotations" || name.to_lowercase().ends_with("labels") || name == "commonAnnotations";
                let texts = member.as_object().is_some_and(|m| m.values().all(Value::is_string));
                (name.clone(), if free && texts { "texts by name".into() } else { shape(member) })
            };
            map.iter().map(one).collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// A time as Go writes it: no zeros at the end of the fraction.
fn go_time(time: &Value) -> String {
    let text = time.as_str().expect("a time").strip_suffix('Z').expect("UTC");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    format!("{text}Z")
}

// The same alert goes through the real Alertmanager and through ours: what comes out has the same members of the same types,
// and what is computed from labels is the same.
#[test]
fn our_webhook_is_an_alertmanagers() {
    let hook = Hook::start();
    let real = Alertmanager::start(&hook.url("/theirs"));
    let (mut maibo, port) = setup(&format!(
        "[[receiver]]\nname = \"hook\"\nurl = \"{}\"\nsecret_file = \"secret\"\nformat = \"alertmanager\"\n\
         group_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n",
        hook.url("/ours")
    ));
    maibo.start();
    for (value, status) in [(60, "firing"), (1, "resolved")] {
        depth(port, "d1", value);
        let ours = hook.told("/ours", status);
        let mut alert = ours["alerts"][0].clone();
        let alert = alert.as_object_mut().expect("an alert");
        // Our level is a label that takes no part in what the alert is.
        assert_eq!(alert["labels"].as_object_mut().expect("labels").remove("severity"), Some(json!("red")));
        for made_there in ["status", "fingerprint"] {
            assert!(alert.remove(made_there).is_some());
        }
        if status == "firing" {
            assert_eq!(alert.remove("endsAt"), Some(json!("0001-01-01T00:00:00Z")));
        }
        real.post(&json!([alert]));
        let theirs = hook.told("/theirs", status);
        assert_eq!(shape(&ours), shape(&theirs), "{ours:#}\n{theirs:#}");
        for same in ["version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels"] {
            assert_eq!(ours[same], theirs[same], "{same}");
        }
        let (ours, theirs) = (&ours["alerts"][0], &theirs["alerts"][0]);
        for same in ["status", "annotations", "generatorURL", "fingerprint"] {
            assert_eq!(ours[same], theirs[same], "{same}");
        }
        for time in ["startsAt", "endsAt"] {
            assert_eq!(go_time(&ours[time]), go_time(&theirs[time]), "{time}");
        }
    }
    assert_eq!(maibo.terminate().code(), Some(0));
}

#[test]
fn amtool_lists_what_is_open() {
    let (mut maibo, port) = setup("");
    maibo.start();
    depth(port, "d1", 60);
    depth(port, "d2", 30);
    let list = open(maibo.http, &[], |list| list.len() == 2);
    for (device, level) in [("d1", "red"), ("d2", "yellow")] {
        let known = maibo.get("/api/v1/alerts?rule=flood");
        let known = known["items"].as_array().expect("a list").iter().find(|a| a["device"] == device).expect("it");
        let listed = list.iter().find(|a| a["labels"]["device"] == device).expect("it");
        let labels = json!({
            "alertname": "flood", "severity": level, "domain": "traffic", "subject": known["subject"]["id"],
            "device": device, "district": "110105", "place": "110105001", "maibo_alert": known["id"],
        });
        assert_eq!(listed["labels"], labels);
        assert_eq!(listed["annotations"]["summary_en"], "Flood");
        assert_eq!((&listed["startsAt"], &listed["status"]["state"]), (&known["started_at"], &json!("active")));
    }
    let yellow = open(maibo.http, &["severity=yellow"], |list| list.len() == 1);
    assert_eq!(yellow[0]["labels"]["device"], "d2");
    assert_eq!(open(maibo.http, &["severity!=yellow"], |list| list.len() == 1)[0]["labels"]["device"], "d1");
    for format in ["simple", "extended"] {
        let text = amtool(maibo.http, &["-o", format, "alertname=flood"]);
        assert_eq!(text.lines().filter(|line| line.contains("flood")).count(), 2, "{text}");
    }
    depth(port, "d1", 1);
    depth(port, "d2", 1);
    open(maibo.http, &[], <[Value]>::is_empty);
    assert_eq!(maibo.terminate().code(), Some(0));
}

// Prometheus posts what fires again every second: it is one alert all the time, and over when Prometheus says so.
#[test]
fn what_prometheus_posts_is_one_alert() {
    let mut setup = Setup::default();
    setup.embedded();
    setup.device("prometheus", "1h");
    setup.rules.push_str(
        "[[rule]]\nid = \"systems\"\ntitle = { zh = \"系统\", en = \"Systems\" }\ndomain = \"municipal\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { devices = [\"prometheus\"] }\n\
         event = { codes = { \"prom.red.*\" = \"red\", \"prom.yellow.*\" = \"yellow\" } }\n",
    );
    setup.tables.push_str(
        "[[alarms]]\nname = \"systems\"\nformat = \"alertmanager\"\ndevice = \"prometheus\"\nprefix = \"prom\"\n\
         token_file = \"token\"\n",
    );
    let mut maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("token"), TOKEN).expect("write a token");
    maibo.start();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let mut rules = "groups:\n  - name: test\n    interval: 1s\n    rules:\n".to_owned();
    for (name, expression, severity) in [
        ("Always", "vector(1)".to_owned(), "critical"),
        ("ForAWhile", format!("vector(time()) < {}", now + 10), "warning"),
    ] {
        let _ = writeln!(
            rules,
            "      - {{ alert: {name}, expr: \"{expression}\", labels: {{ severity: {severity} }}, annotations: {{ summary: test }} }}"
        );
    }
    let prometheus = Prometheus::start(&rules, maibo.http, TOKEN);
    let alerts = |level: &str| -> Vec<Value> {
        let list = maibo.get("/api/v1/alerts?rule=systems");
        list["items"].as_array().expect("a list").iter().filter(|a| a["level"] == level).cloned().collect()
    };
    let one = |level: &'static str, state: &'static str| {
        until(&format!("one alert, {level}, is {state}"), LIMIT, || {
            let list = alerts(level);
            assert!(list.len() <= 1, "{list:#?}");
            list.into_iter().find(|a| a["state"] == state)
        })
    };
    let (always, while_it_lasts) = (one("red", "firing"), one("yellow", "firing"));
    let ended = one("yellow", "resolved");
    assert_eq!(ended["id"], while_it_lasts["id"]);
    let before = prometheus.own("prometheus_notifications_sent_total");
    until("it was posted ten times more", LIMIT, || {
        (prometheus.own("prometheus_notifications_sent_total") >= before + 10.0).then_some(())
    });
    let still = one("red", "firing");
    assert_eq!((&still["id"], &still["version"]), (&always["id"], &json!(1)));
    one("yellow", "resolved");
    assert!(prometheus.own("prometheus_notifications_errors_total") < 1.0, "all of it was taken");
    assert_eq!(maibo.terminate().code(), Some(0));
}

// By the template of the manual: a level that rises leaves none behind, and the end is told on.
#[test]
fn an_alertmanager_takes_our_alerts() {
    let hook = Hook::start();
    let real = Alertmanager::start(&hook.url("/theirs"));
    let (mut maibo, port) = setup(&format!(
        "[[receiver]]\nname = \"alertmanager\"\nurl = \"http://127.0.0.1:{}/api/v2/alerts\"\nformat = \"template\"\n\
         template = \"alertmanager.json\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n",
        real.port
    ));
    maibo.start();
    depth(port, "d2", 30);
    for (value, level) in [(30, "yellow"), (60, "red")] {
        depth(port, "d1", value);
        let list = open(real.port, &["device=d1"], |list| list.len() == 1 && list[0]["labels"]["severity"] == level);
        let known = maibo.get("/api/v1/alerts?rule=flood");
        let known = known["items"].as_array().expect("a list").iter().find(|a| a["device"] == "d1").expect("it");
        assert_eq!((&list[0]["labels"]["maibo_alert"], &list[0]["startsAt"]), (&known["id"], &known["started_at"]));
        assert_eq!(list[0]["annotations"]["advice_en"], "close the road");
    }
    depth(port, "d1", 1);
    open(real.port, &["device=d1"], <[Value]>::is_empty);
    let over = hook.told("/theirs", "resolved");
    assert_eq!(over["commonLabels"]["device"], "d1");
    assert_eq!(open(real.port, &[], |list| list.len() == 1)[0]["labels"]["device"], "d2", "the other stays");
    let pending = maibo.get("/api/v1/deliveries?outcome=pending");
    assert_eq!(pending["items"].as_array().map(Vec::len), Some(0), "{pending}");
    assert_eq!(maibo.terminate().code(), Some(0));
}
