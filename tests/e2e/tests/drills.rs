//! A drill reaches every receiver as one, counts for nothing, and lives through a death of Maibo until its time.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use maibo_sim::sink::{Sink, SinkOptions, Verdict};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORMATS: [&str; 2] = ["native", "cap"];
const DISTRICTS: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
    "properties":{"code":"110105","name_zh":"朝阳区","name_en":"Chaoyang"},
    "geometry":{"type":"Polygon","coordinates":[[[116.4,39.8],[116.6,39.8],[116.6,40.1],[116.4,39.8]]]}}]}"#;

fn setup(sinks: &[Sink]) -> (Maibo, u16) {
    let mut setup = Setup::default();
    let port = setup.embedded();
    setup.device("d1", "10s");
    setup.rules.push_str(
        "[[rule]]\nid = \"flood\"\ntitle = { zh = \"积水\", en = \"Flood\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"封路\", en = \"close the road\" }\nwhen = { quantity = \"water_depth\" }\n\
         levels = { yellow = 20, red = 50 }\ndirection = \"above\"\nstale_after = \"1h\"\n",
    );
    setup.top.push_str("districts = \"districts.json\"\n");
    setup.tables.push_str("[sender]\nname = \"maibo.test\"\n");
    for (format, sink) in FORMATS.iter().zip(sinks) {
        let url = format!("http://{}/hook", sink.addr());
        let _ = write!(
            setup.tables,
            "[[receiver]]\nname = \"{format}\"\nurl = \"{url}\"\nsecret_file = \"secret\"\nallow = [\"127.0.0.1/32\"]\n\
             format = \"{format}\"\n"
        );
    }
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    std::fs::write(maibo.dir.path().join("districts.json"), DISTRICTS).expect("write the districts");
    (maibo, port)
}

/// Bodies about the drill that a sink took, in order.
fn bodies(sink: &Sink) -> Vec<String> {
    let taken = sink.deliveries().into_iter().filter(|d| (200..300).contains(&d.answer));
    taken
        .filter(|d| d.body.contains("maibo-drill"))
        .map(|d| {
            assert_eq!(d.verdict, Verdict::Valid, "{d:?}");
            d.body
        })
        .collect()
}

fn wait_for(sinks: &[Sink], versions: usize, limit: Duration) {
    until("every receiver has every version", limit, || {
        sinks.iter().all(|sink| bodies(sink).len() >= versions).then_some(())
    });
}

/// What says how the city is.
fn figures(maibo: &Maibo) -> Value {
    let index = maibo.get("/api/v1/index");
    json!([
        index["city"],
        index["domains"],
        index["districts"],
        maibo.get("/api/v1/domains"),
        maibo.get("/api/v1/places")
    ])
}

#[test]
fn a_drill_from_trigger_to_receiver() {
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
    let message = ("maibo/v1/d1/telemetry".to_owned(), b"{\"water_depth\":1}".to_vec());
    assert_eq!(publish(port, "d1", &[message], Duration::from_secs(10)), 1);
    let before = until("the value is in the index", Duration::from_secs(20), || {
        let figures = figures(&maibo);
        figures[0]["index"].is_number().then_some(figures)
    });

    let asked = |level: &str| {
        json!({"name": "autumn", "title": {"zh": "内涝", "en": "flood"}, "domain": "traffic", "place": "110105",
            "level": level, "minutes": 1, "by": "li.wei"})
    };
    let (status, alert) = maibo.post("/api/v1/drills", &asked("orange"));
    assert_eq!((status, &alert["drill"], &alert["version"]), (201, &json!(true), &json!(1)), "{alert}");
    let began = Instant::now();
    wait_for(&sinks, 1, Duration::from_secs(20));
    assert_eq!(figures(&maibo), before, "index and counts did not move");

    until("the deliveries are on record", Duration::from_secs(10), || {
        let list = maibo.get("/api/v1/deliveries?outcome=delivered");
        let of = list["items"].as_array().into_iter().flatten().filter(|d| d["alert"] == alert["id"]).count();
        (of == FORMATS.len()).then_some(())
    });
    maibo.kill();
    maibo.start();
    let open = maibo.get("/api/v1/drills");
    assert_eq!((open.as_array().map(Vec::len), &open[0]["id"]), (Some(1), &alert["id"]), "still open");
    assert_eq!(figures(&maibo)[0]["open"], before[0]["open"]);
    let id = alert["id"].as_str().expect("an id").to_owned();
    let (status, _) = maibo.post(&format!("/api/v1/alerts/{id}/acknowledge"), &json!({"version": 1}));
    assert_eq!(status, 200);
    wait_for(&sinks, 2, Duration::from_secs(20));

    wait_for(&sinks, 3, Duration::from_secs(90));
    assert!(began.elapsed() > Duration::from_secs(58), "it ended at its time and not before");
    assert_eq!(maibo.get("/api/v1/drills"), json!([]));
    let over = maibo.get(&format!("/api/v1/alerts/{id}"));
    assert_eq!((&over["state"], &over["reason"]), (&json!("resolved"), &json!("event_expired")));
    assert_eq!(maibo.get("/api/v1/incidents")["items"], json!([]));
    assert_eq!(maibo.terminate().code(), Some(0));
    assert_eq!(journal::inputs(&maibo.data(), "drill").len(), 1);

    let [native, cap] = &sinks[..] else { panic!("two sinks") };
    for body in bodies(native) {
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&body["data"]["drill"], &body["data"]["id"]), (&json!(true), &json!(id)));
    }
    let chain = bodies(cap);
    for (xml, kind) in chain.iter().zip(["Alert", "Update", "Cancel"]) {
        assert!(
            xml.contains("<status>Exercise</status>") && xml.contains(&format!("<msgType>{kind}</msgType>")),
            "{xml}"
        );
        let outline = "<polygon>39.8,116.4 39.8,116.6 40.1,116.6 39.8,116.4</polygon><geocode>";
        assert!(xml.contains(outline) && !xml.contains("<circle>"), "it is in a district, and nowhere in it: {xml}");
    }
    assert_eq!((bodies(native).len(), chain.len()), (3, 3));
}
