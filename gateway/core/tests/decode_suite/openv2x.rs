use maibo_core::decode::Sample;
use maibo_core::time::Timestamp;

use crate::{NOW, decode, lines, reasons, retained};

// Protects trap 1: identical heartbeats are signs of life, each by its arrival; both delimiters mean the same.
#[test]
fn heartbeats() {
    let body = br#"{"rsuId":"1","rsuEsn":"R328328","rsuStatus":true,"ack":false,"seqNum":0,"timestamp":1}"#;
    for topic in ["V2X/RSU/HB/UP", "V2X.RSU.HB.UP"] {
        let out = decode(topic, body);
        assert_eq!((out.liveness[0].device.as_str(), out.liveness[0].received), ("R328328", NOW), "{topic}");
        assert!(out.liveness[0].alive);
    }
    assert!(retained("V2X/RSU/HB/UP", body).liveness.is_empty());
    for bad in [&b"{}"[..], br#"{"rsuEsn":"a b"}"#, br#"{"rsuEsn":7}"#, b"[]"] {
        assert_eq!(reasons(&decode("V2X/RSU/HB/UP", bad)), ["bad_device"]);
    }
}

// Protects registration and unit health: degrees, ten-millionths and strings; percentages from used and total.
#[test]
fn units() {
    for location in [r#"{"lat":39.907,"lon":116.391}"#, r#"{"lat":"399070000","lon":1163910000}"#] {
        let body = format!(r#"{{"rsuEsn":"R1","rsuName":"West\u202egate","version":"v1","location":{location}}}"#);
        let out = decode("V2X/RSU/INFO/UP", body.as_bytes());
        let r = &out.registrations[0];
        assert_eq!((r.position, r.name.as_deref()), (Some((116.391, 39.907)), Some("Westgate")));
        assert_eq!((r.attributes[0].0, &*r.attributes[0].1), ("version", "v1"));
        let kept = retained("V2X/RSU/INFO/UP", body.as_bytes());
        assert!(kept.registrations.len() == 1 && kept.liveness.is_empty());
    }
    let out = decode(
        "V2X/RSU/RunningInfo/UP",
        br#"{"rsuEsn":"R1","runningInfo":{"cpu":{"load":1,"uti":"12.5"},"mem":{"total":2000,"used":500},"disk":{"total":0,"used":0}}}"#,
    );
    assert_eq!(lines(&out), [format!("R1 rsu_cpu=12.5@{0} good~", NOW.0), format!("R1 rsu_mem=25@{0} good~", NOW.0)]);
    assert_eq!(reasons(&out), ["bad_value"]);
}

// Protects events: the standard body with its identity, position, end and cancellation.
#[test]
fn rsi_standard() {
    let out = decode(
        "V2X/RSU/R1/RSI/UP",
        br#"{"rsiSourceType":1,"rsiDatas":[
            {"alertID":70012,"duration":60,"eventStatus":true,"timeStamp":"2022-07-18T17:34:15.775+0800",
             "eventClass":"AbnormalTraffic","eventType":"707","eventPosition":{"lat":399070000,"lon":1163910000},"eventDescription":"JINGA12345"},
            {"alertID":"123456789","eventStatus":false,"eventClass":"Zeppelin","eventType":"JINGA12345"},
            {"eventType":707},{"alertID":" "},{"alertID":[1]},{"alertID":1,"timeStamp":"yesterday"},5]}"#,
    );
    let [first, second] = out.events.as_slice() else { panic!("{:?}", out.events) };
    assert_eq!((&*first.identity, &*first.code, &*first.text), ("70012", "rsi.707", "AbnormalTraffic"));
    assert_eq!((first.at, first.expires), (Timestamp(1_658_136_855_775), Some(Timestamp(1_658_136_915_775))));
    assert_eq!((first.position, first.cancelled), (Some((116.391, 39.907)), false));
    assert_eq!((&*second.identity, &*second.code, &*second.text), ("123456789", "rsi.unknown", "unknown"));
    assert!(second.cancelled && second.at == NOW);
    assert_eq!(reasons(&out), ["missing_field", "bad_value", "bad_value", "bad_time", "bad_shape"]);
}

// Protects privacy and updates: an identity that is more than a short number is hashed, the same one of the same unit to
// the same hash, so that a cancellation still finds its event.
#[test]
fn rsi_identities() {
    let identity = |unit: &str, alert: &str| {
        let out =
            decode(&format!("V2X/RSU/{unit}/RSI/UP"), format!(r#"{{"rsiDatas":{{"alertID":{alert}}}}}"#).as_bytes());
        out.events[0].identity.to_string()
    };
    for short in ["0", "7", "123456789", "\"007\""] {
        assert_eq!(identity("R1", short), short.trim_matches('"'));
    }
    let long =
        ["1234567890", "-1", "13800001111", "\"a-1\"", "\"JING A 12345\"", "9007199254740993", "18446744073709551615"];
    let hashes: std::collections::BTreeSet<_> = long.into_iter().map(|a| identity("R1", a)).collect();
    assert_eq!(hashes.len(), long.len());
    assert!(hashes.iter().all(|h| h.len() == 17 && h.starts_with('x')), "{hashes:?}");
    assert_eq!(identity("R1", "\"a-1\""), identity("R1", "\" a-1 \""));
    assert_ne!(identity("R1", "\"a-1\""), identity("R2", "\"a-1\""), "no vehicle is followed from unit to unit");
}

// Protects the DAWNLINE event body: milliseconds and ten-millionths of a degree.
#[test]
fn rsi_dawnline() {
    let out = decode(
        "V2X/RSU/R328328/RSI/UP/DAWNLINE",
        br#"{"dev_id":"C","event_content":[{"event_type":904,"event_id":"1","timeStamp":1653016703500,"latitude":319353853,"longitude":1188218217}]}"#,
    );
    let e = &out.events[0];
    assert_eq!((e.device.as_str(), &*e.code, &*e.identity, &*e.text), ("R328328", "rsi.904", "1", "AbnormalVehicle"));
    assert_eq!((e.at, e.position), (Timestamp(1_653_016_703_500), Some((118.821_821_7, 31.935_385_3))));
    assert_eq!(reasons(&decode("V2X/RSU/R1/RSI/UP", b"{}")), ["bad_shape"]);
}

// Protects trap 4: 8191 is no speed; counts come for every class, means only where there is a speed.
#[test]
fn rsm_standard() {
    let out = decode(
        "V2X/RSU/R1/RSM/UP",
        br#"{"content":{"rsms":[{"refPos":{},"participants":[
            {"ptcType":"motor","ptcId":1,"global_track_id":9007199254740993,"speed":500,"heading":28800,"secMark":65535},
            {"ptcType":"motor","speed":8191},{"ptcType":"motor","speed":"1500"},{"ptcType":"non_motor","speed":8191},
            {"ptcType":"dragon"},{"ptcType":"rsu"},{"speed":1},{"ptcType":"motor","speed":9000},7]}]}}"#,
    );
    let now = NOW.0;
    assert_eq!(
        lines(&out),
        [
            format!("R1 count_motor=3@{now} good~"),
            format!("R1 mean_speed_motor=72@{now} good~"),
            format!("R1 count_non_motor=1@{now} good~"),
            format!("R1 count_pedestrian=0@{now} good~"),
            format!("R1 count_unknown=1@{now} good~")
        ]
    );
    assert_eq!(reasons(&out), ["missing_field", "bad_value", "bad_shape"]);
    assert_eq!(reasons(&decode("V2X/RSU/R1/RSM/UP", br#"{"rsms":[{}]}"#)), ["bad_shape"]);
}

// Protects the DAWNLINE body: the latest time, metres per second, and participants without optional fields.
#[test]
fn rsm_dawnline() {
    let out = decode(
        "V2X/RSU/R1/RSM/UP/DAWNLINE",
        br#"[{"dev_pos":{},"content":[
            {"ptcType":"motor","global_track_id":"ad6de","timeStamp":1653016783500,"pos_lat":1,"pos_lon":1,"heading":1,"speed":-10},
            {"ptcType":"pedestrian","timeStamp":"1653016783600"}]},{"dev_pos":{}}]"#,
    );
    assert_eq!(
        lines(&out),
        [
            "R1 count_motor=1@1653016783600 good",
            "R1 mean_speed_motor=36@1653016783600 good",
            "R1 count_non_motor=0@1653016783600 good",
            "R1 count_pedestrian=1@1653016783600 good",
            "R1 count_unknown=0@1653016783600 good"
        ]
    );
    assert_eq!(reasons(&out), ["bad_shape"]);
}

// Protects counts: nobody there is a count of 0 for every class, so that the last count does not stand for ever.
#[test]
fn rsm_with_nobody() {
    let zero = ["motor", "non_motor", "pedestrian", "unknown"].map(|c| format!("R1 count_{c}=0@{} good~", NOW.0));
    for (topic, body) in [
        ("V2X/RSU/R1/RSM/UP", r#"{"content":{"rsms":[{"participants":[]}]}}"#),
        ("V2X/RSU/R1/RSM/UP", r#"{"content":{"rsms":[]}}"#),
        ("V2X/RSU/R1/RSM/UP", r#"{"rsms":[]}"#),
        ("V2X/RSU/R1/RSM/UP/DAWNLINE", r#"[{"dev_pos":{},"content":[]}]"#),
        ("V2X/RSU/R1/RSM/UP/DAWNLINE", "[]"),
    ] {
        let out = decode(topic, body.as_bytes());
        assert_eq!((lines(&out), reasons(&out).len()), (zero.to_vec(), 0), "{topic} {body}");
    }
}

// Protects absence: a unit that says nothing of use is not silent; what is broken, retained or nobody's is no sign of life.
#[test]
fn a_useless_message_is_a_sign_of_life() {
    for (topic, body) in [
        ("V2X/RSU/R1/RSI/UP", r#"{"rsiDatas":[]}"#),
        ("V2X/RSU/R1/RSI/UP", r#"{"rsiDatas":[5]}"#),
        ("V2X/RSU/R1/RSI/UP", "{}"),
        ("V2X/RSU/R1/RSI/UP/DAWNLINE", r#"{"event_content":[]}"#),
        ("V2X/RSU/R1/RSM/UP", r#"{"rsms":[{}]}"#),
        ("V2X/RSU/R1/RSM/UP", r#"{"rsms":null}"#),
        ("V2X/RSU/R1/RSM/UP", "7"),
        ("V2X/RSU/RunningInfo/UP", r#"{"rsuEsn":"R1","runningInfo":{}}"#),
        ("V2X/RADAR/R1/EVENT/UP", "[]"),
        ("V2X/RADAR/R1/STATUS/UP", "{}"),
    ] {
        let out = decode(topic, body.as_bytes());
        let alive: Vec<_> = out.liveness.iter().map(|l| (l.device.as_str(), l.received, l.alive)).collect();
        assert_eq!((alive, out.readings.len() + out.events.len()), (vec![("R1", NOW, true)], 0), "{topic} {body}");
        assert!(retained(topic, body.as_bytes()).liveness.is_empty(), "{topic} {body}");
        assert!(decode(topic, &body.as_bytes()[..body.len() - 1]).liveness.is_empty() || body == "7", "{topic} {body}");
    }
    assert!(decode("V2X/RSU/R1/RSI/UP", br#"{"rsiDatas":{"alertID":1}}"#).liveness.is_empty(), "the event says it");
}

// Protects trap 2: a radar's repeats of one event share one identity.
#[test]
fn radar() {
    let event = |t: u64| {
        let body = format!(
            "\u{feff}{{\"timeStamp\":\"{t}\",\"latitude\":39.073,\"scope\":255,\"eventType\":10,\"deviceId\":\"N\",\"lane\":1,\"longitude\":115.93,\"height\":0.0}}\t\n"
        );
        decode("V2X/RADAR/N22/EVENT/UP", body.as_bytes()).events.remove(0)
    };
    let (a, b) = (event(1_664_422_907_000), event(1_664_423_007_000));
    assert_eq!((&*a.code, &*a.identity, a.position), ("radar.10", "10-1", Some((115.93, 39.073))));
    assert!(a.identity == b.identity && a.at < b.at);
    let out = decode(
        "V2X/RADAR/N22/STATUS/UP",
        br#"{"timeStamp":"1000","trafficStatusInformations":[{"aisleId":1,"queueLength":255,"queueVehicleNumber":21},{"queueVehicleNumber":23}]}"#,
    );
    assert_eq!(lines(&out), ["N22 queue_vehicles=44@1000 good"]);
}

// Protects the quarantine: of vehicle formats only the hash stays; messages of no use are counted, not problems.
#[test]
fn problems_keep_only_the_hash() {
    let out = decode("V2X/RSU/R1/RSM/UP", br#"[{"content":[{"ptcId":"JINGA12345"#);
    assert!(matches!(out.problems[0].sample, Sample::HashOnly(_)) && !out.problems[0].detail.contains("JING"));
    for topic in
        ["V2X/RSU/R1/MAP/UP", "V2X/RSU/R1/SPAT/UP", "V2X/RSU/R1/BSM/UP", "V2X/RSU/R1/VIR/UP", "V2X/RADAR/N/TRACK/UP"]
    {
        let out = decode(topic, b"\xff not even JSON");
        assert!(out.ignored == 1 && out.problems.is_empty(), "{topic}");
    }
}
