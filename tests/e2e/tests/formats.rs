//! Receivers are told in their own format, signed, each version once, and the chain of a format that has one goes on across
//! a death.

use std::fmt::Write as _;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::until;
use maibo_sim::sink::{Sink, SinkOptions, Verdict};
use serde_json::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORMATS: [&str; 5] = ["native", "cloudevents", "cloudevents-binary", "alertmanager", "cap"];

fn setup(sinks: &[Sink]) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"封路\", en = \"close the road\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nkeep_firing_for = \"0s\"\n",
    );
    setup.tables.push_str("[sender]\nname = \"maibo.test\"\ncode = \"11000041600001\"\n");
    for (format, sink) in FORMATS.iter().zip(sinks) {
        let url = format!("http://{}/hook", sink.addr());
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"{format}\"\nurl = \"{url}\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\nallow = [\"127.0.0.1/32\"]\n\
             format = \"{format}\"\n"
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

/// Bodies about the city's alert that a sink took, in order.
fn bodies(sink: &Sink) -> Vec<String> {
    let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
    taken
        .filter(|d| d.body.contains("flood"))
        .map(|d| {
            assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
            d.body
        })
        .collect()
}

fn all_have(sinks: &[Sink], versions: usize) {
    until("every receiver has every version", Duration::from_secs(20), || {
        sinks.iter().all(|sink| bodies(sink).len() >= versions).then_some(())
    });
}

/// What stands between a tag and its end.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once("</").expect("its end").0
}

#[test]
fn each_receiver_in_its_own_format() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let sinks: Vec<Sink> = FORMATS
        .iter()
        .map(|_| {
            let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
            runtime.block_on(Sink::start(options)).expect("a sink")
        })
        .collect();
    let (mut maibo, port) = setup(&sinks);
    maibo.start();
    depth(port, 30);
    all_have(&sinks, 1);
    until("the deliveries are on record", Duration::from_secs(10), || {
        let list = maibo.get("/api/v1/deliveries?outcome=delivered");
        (list["items"].as_array().map(Vec::len) >= Some(FORMATS.len())).then_some(())
    });
    maibo.kill();
    maibo.start();
    depth(port, 60);
    depth(port, 1);
    all_have(&sinks, 3);
    assert_eq!(maibo.terminate().code(), Some(0));

    let [native, events, binary, alertmanager, cap] = &sinks[..] else { panic!("five sinks") };
    let json = |sink: &Sink| -> Vec<Value> {
        bodies(sink).iter().map(|body| serde_json::from_str(body).expect("JSON")).collect()
    };
    let (native, events, binary, alerts) = (json(native), json(events), json(binary), json(alertmanager));
    for n in 0..3 {
        let data = &native[n]["data"];
        assert_eq!(data["advice"]["en"], "close the road");
        assert_eq!((&events[n]["data"], &binary[n]), (data, data), "version {n}");
        assert_eq!(events[n]["id"], format!("{}-{}", data["id"].as_str().expect("an id"), n + 1));
        assert_eq!(alerts[n]["alerts"][0]["labels"]["maibo_alert"], data["id"]);
        assert_eq!(alerts[n]["status"], if n == 2 { "resolved" } else { "firing" });
    }
    let chain = bodies(cap);
    let kinds: Vec<&str> = chain.iter().map(|xml| element(xml, "msgType")).collect();
    assert_eq!(kinds, ["Alert", "Update", "Cancel"], "also with a death between the first two");
    for (earlier, later) in chain.iter().zip(&chain[1..]) {
        let name = ["sender", "identifier", "sent"].map(|part| element(earlier, part)).join(",");
        assert_eq!(element(later, "references"), name);
        assert!(element(earlier, "identifier") < element(later, "identifier"), "they grow");
    }
    assert!(element(&chain[0], "identifier").starts_with("11000041600001_20"));
}
