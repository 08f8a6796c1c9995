//! The exact JSON of alerts and frames. A change here is a change of the protocol.

use std::collections::BTreeMap;

use maibo_api::*;
use serde::{Serialize, de::DeserializeOwned};

fn alert() -> Alert {
    Alert {
        id: "0123456789abcdef0123456789abcdef".into(),
        rule: "water-depth".into(),
        title: Words { zh: "积水".into(), en: "Standing water".into() },
        subject: Subject { kind: "device".into(), id: "wl-17".into() },
        device: Some("wl-17".into()),
        device_name: Some("东便门桥".into()),
        place: Some("110101003".into()),
        district: Some("110101".into()),
        place_name: Some(Words { zh: "东城区".into(), en: "Dongcheng".into() }),
        domain: Domain::Municipal,
        quantity: Some("water_depth".into()),
        unit: Some("cm".into()),
        level: Level::Orange,
        peak_level: Level::Red,
        state: AlertState::Firing,
        data: DataState::Fresh,
        historic: false,
        started_at: "2026-11-23T12:00:00.000Z".into(),
        updated_at: "2026-11-23T12:01:00.000Z".into(),
        resolved_at: None,
        acknowledged: Some(Acknowledged {
            by: "li.wei".into(),
            at: "2026-11-23T12:00:30.000Z".into(),
            note: String::new(),
        }),
        value: Some(31.5),
        threshold: Some(27.0),
        reason: "lowered".into(),
        version: 3,
        lon: Some(116.4),
        lat: None,
        assigned: Some(Assigned {
            to: "排水集团".into(), by: "li.wei".into(), at: "2026-11-23T12:00:40.000Z".into()
        }),
        silenced: Some(Silenced {
            until: "2026-11-23T14:00:00.000Z".into(),
            by: "li.wei".into(),
            at: "2026-11-23T12:00:50.000Z".into(),
            note: "检修".into(),
        }),
        flapping: true,
        stamps: Stamps {
            published: Some(Stamp { at: "2026-11-23T12:00:00.000Z".into(), by: None }),
            responding: Some(Stamp { at: "2026-11-23T12:00:30.000Z".into(), by: Some("li.wei".into()) }),
            fed_back: None,
            archived: None,
        },
        text: Words { zh: "降为橙色".into(), en: "Lowered to orange".into() },
        measure: None,
        inhibited_by: None,
        drill: false,
    }
}

const ALERT: &str = concat!(
    r#"{"id":"0123456789abcdef0123456789abcdef","rule":"water-depth","title":{"zh":"积水","en":"Standing water"},"#,
    r#""subject":{"kind":"device","id":"wl-17"},"device":"wl-17","device_name":"东便门桥","place":"110101003","#,
    r#""district":"110101","place_name":{"zh":"东城区","en":"Dongcheng"},"domain":"municipal","#,
    r#""quantity":"water_depth","unit":"cm","level":"orange","peak_level":"red","state":"firing","data":"fresh","#,
    r#""historic":false,"started_at":"2026-11-23T12:00:00.000Z","updated_at":"2026-11-23T12:01:00.000Z","#,
    r#""resolved_at":null,"acknowledged":{"by":"li.wei","at":"2026-11-23T12:00:30.000Z","note":""},"value":31.5,"#,
    r#""threshold":27.0,"reason":"lowered","version":3,"lon":116.4,"lat":null,"#,
    r#""assigned":{"to":"排水集团","by":"li.wei","at":"2026-11-23T12:00:40.000Z"},"#,
    r#""silenced":{"until":"2026-11-23T14:00:00.000Z","by":"li.wei","at":"2026-11-23T12:00:50.000Z","note":"检修"},"#,
    r#""flapping":true,"stamps":{"published":{"at":"2026-11-23T12:00:00.000Z","by":null},"#,
    r#""responding":{"at":"2026-11-23T12:00:30.000Z","by":"li.wei"},"fed_back":null,"archived":null},"#,
    r#""text":{"zh":"降为橙色","en":"Lowered to orange"},"measure":null,"inhibited_by":null}"#
);

/// Compares with the exact text, and reads the text back.
fn golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).expect("serializes"), text);
    assert_eq!(&serde_json::from_str::<T>(text).expect("reads back"), value);
}

// P: an alert looks the same in every version of the product.
#[test]
fn alert_is_stable() {
    golden(&alert(), ALERT);
}

// P: the detail of an alert is the alert with more fields, not something around it.
#[test]
fn detail_is_flat() {
    let detail = AlertDetail {
        alert: alert(),
        versions: vec![AlertVersion {
            version: 1,
            at: "2026-11-23T12:00:00.000Z".into(),
            state: AlertState::Firing,
            level: Level::Red,
            reason: "threshold".into(),
            value: Some(50.0),
            actor: None,
            text: None,
        }],
        advice: Some(Words { zh: "绕行".into(), en: "Detour".into() }),
        source: Some("DB11/T 1".into()),
        levels: Some(BTreeMap::from([(Level::Blue, Limit::Value(5.0)), (Level::Red, Limit::Band([1.0, 2.0]))])),
        direction: Some(Direction::Above),
        incident: Some("0a".repeat(16)),
    };
    let head = ALERT.strip_suffix('}').expect("an object");
    let text = format!(
        "{head},{}",
        concat!(
            r#""versions":[{"version":1,"at":"2026-11-23T12:00:00.000Z","state":"firing","level":"red","#,
            r#""reason":"threshold","value":50.0,"actor":null,"text":null}],"advice":{"zh":"绕行","en":"Detour"},"#,
            r#""source":"DB11/T 1","levels":{"blue":5.0,"red":[1.0,2.0]},"direction":"above","#,
            r#""incident":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"}"#
        )
    );
    golden(&detail, &text);
}

// P: the page's first frame is read as written in the contract, with and without a place to resume.
#[test]
fn hello_is_stable() {
    let resume = Some(Resume { epoch: "k3x9".into(), seq: 8123 });
    golden(
        &ClientFrame::Hello(Hello { v: 1, view: "city".into(), resume }),
        r#"{"t":"hello","v":1,"view":"city","resume":{"epoch":"k3x9","seq":8123}}"#,
    );
    golden(
        &ClientFrame::Hello(Hello { v: 1, view: "city".into(), resume: None }),
        r#"{"t":"hello","v":1,"view":"city","resume":null}"#,
    );
}

// P: every server frame looks as in the contract.
#[test]
fn server_frames_are_stable() {
    golden(
        &ServerFrame::Welcome(Welcome {
            v: 1,
            view: "city".into(),
            epoch: "k3x9".into(),
            seq: 8130,
            now: 1_764_000_000_000,
            hb: 1000,
            mode: WelcomeMode::Snapshot,
        }),
        concat!(
            r#"{"t":"welcome","v":1,"view":"city","epoch":"k3x9","seq":8130,"now":1764000000000,"#,
            r#""hb":1000,"mode":"snapshot"}"#
        ),
    );
    golden(
        &ServerFrame::Al(AlertFrame { s: 8131, ts: 5, up: vec![alert()] }),
        &format!(r#"{{"t":"al","s":8131,"ts":5,"up":[{ALERT}]}}"#),
    );
    golden(
        &ServerFrame::Dv(DeviceFrame {
            s: 8132,
            ts: 6,
            i: vec![0, 7],
            l: vec![-3, 4],
            v: vec![None, Some(1.5)],
            a: vec![0, 5],
        }),
        r#"{"t":"dv","s":8132,"ts":6,"i":[0,7],"l":[-3,4],"v":[null,1.5],"a":[0,5]}"#,
    );
    golden(&ServerFrame::Gap, r#"{"t":"gap"}"#);
    golden(
        &ServerFrame::Bye(Bye { code: ByeCode::Slow, retry_ms: 1000 }),
        r#"{"t":"bye","code":"slow","retry_ms":1000}"#,
    );
}

// P: the heartbeat looks as in the contract.
#[test]
fn heartbeat_is_stable() {
    let source = Source {
        id: "embedded".into(),
        kind: "embedded".into(),
        state: SourceState::Listening,
        since: "2026-11-23T12:00:00.000Z".into(),
        detail: Some("127.0.0.1:1883".into()),
        error: None,
    };
    let open = LevelCounts { red: 1, ..LevelCounts::default() };
    let heartbeat = Heartbeat {
        s: 8132,
        ts: 7,
        rate: 123.4,
        devices: 5000,
        online: 4990,
        sources: vec![source],
        index: Indices {
            city: Some(98.1),
            coverage: Some(0.99),
            domains: BTreeMap::from([
                ("health".to_owned(), Score { index: None, coverage: None }),
                ("traffic".to_owned(), Score { index: None, coverage: Some(0.0) }),
            ]),
        },
        districts: BTreeMap::from([("110105".to_owned(), DistrictState { devices: 9, online: 8, open })]),
        alarm_rate_10min: 2,
        evaluating: true,
    };
    golden(
        &ServerFrame::Hb(heartbeat),
        concat!(
            r#"{"t":"hb","s":8132,"ts":7,"rate":123.4,"devices":5000,"online":4990,"sources":[{"id":"embedded","#,
            r#""kind":"embedded","state":"listening","since":"2026-11-23T12:00:00.000Z","detail":"127.0.0.1:1883"}],"#,
            r#""index":{"city":98.1,"coverage":0.99,"domains":{"health":{"index":null,"coverage":null},"#,
            r#""traffic":{"index":null,"coverage":0.0}}},"#,
            r#""districts":{"110105":{"devices":9,"online":8,"open":{"blue":0,"yellow":0,"orange":0,"red":1}}},"#,
            r#""alarm_rate_10min":2,"evaluating":true}"#
        ),
    );
}

// P: series points are plain arrays, buckets of five numbers and raw readings of two.
#[test]
fn points_are_arrays() {
    let text = serde_json::to_string(&Points::Buckets(vec![(1, 1.0, 1.5, 2.0, 2)])).expect("serializes");
    assert_eq!(text, "[[1,1.0,1.5,2.0,2]]");
    assert_eq!(serde_json::to_string(&Points::Raw(vec![(1, 2.5)])).expect("serializes"), "[[1,2.5]]");
}
