use crate::{decode, retained};

/// Stands for every identifier of a person or vehicle; no part of it may come out.
const CANARY: &str = "JINGA8F3K2";
/// The same for a telephone number.
const CANARY_DIGITS: &str = "13800138000";

// Protects fault row 82: no identifier of a participant, track or plate leaves the decoder, whatever field it is in.
#[test]
fn no_identifier_leaves() {
    let fields = [
        "ptcId",
        "global_track_id",
        "plateNo",
        "plate",
        "vehicleId",
        "vin",
        "source",
        "lane",
        "id",
        "name",
        "obuId",
        "eventDescription",
        "eventClass",
        "eventSource",
        "speed",
        "ptcType",
        "eventType",
        "timeStamp",
        "heading",
    ];
    let all = fields.iter().map(|f| format!("\"{f}\":\"{CANARY}\",")).collect::<Vec<_>>().concat();
    let mut payloads = vec![
        (
            "V2X/RSU/R1/RSM/UP",
            format!(
                r#"{{{all}"content":{{"rsms":[{{"participants":[{{{all}"x":1}},{{"ptcType":"motor","ptcId":"{CANARY}","global_track_id":"{CANARY}","plateNo":"{CANARY}","speed":100}}]}}]}}}}"#
            ),
        ),
        (
            "V2X/RSU/R1/RSM/UP/DAWNLINE",
            format!(r#"[{{"content":[{{{all}"x":1}},{{"ptcType":"motor","global_track_id":"{CANARY}"}}]}}]"#),
        ),
        (
            "V2X/RSU/R1/RSI/UP",
            format!(r#"{{{all}"rsiDatas":[{{{all}"alertID":1}},{{"alertID":"2","eventDescription":"{CANARY}"}}]}}"#),
        ),
        (
            "V2X/RSU/R1/RSI/UP/DAWNLINE",
            format!(r#"{{"event_content":[{{{all}"event_id":1}},{{"event_id":2,"plate":"{CANARY}"}}]}}"#),
        ),
        // As the identity itself: alone, among other words, and as a long number in either spelling.
        (
            "V2X/RSU/R1/RSI/UP",
            format!(
                r#"{{"rsiDatas":[{{"alertID":"{CANARY}"}},{{"alertID":" {CANARY} x"}},{{"alertID":"{CANARY_DIGITS}"}},{{"alertID":{CANARY_DIGITS}}}]}}"#
            ),
        ),
        (
            "V2X/RSU/R1/RSI/UP/DAWNLINE",
            format!(r#"{{"event_content":[{{"event_id":"{CANARY}"}},{{"event_id":{CANARY_DIGITS}}}]}}"#),
        ),
        ("V2X/RADAR/N1/EVENT/UP", format!(r#"[{{{all}"lane2":1}},{{"eventType":10,"targetId":"{CANARY}"}}]"#)),
        ("V2X/RSU/R1/BSM/UP", format!(r#"{{"bsmDatas":[{{{all}"x":1}}]}}"#)),
        ("V2X/RSU/HB/UP", format!(r#"{{"rsuEsn":"R1",{all}"x":1}}"#)),
        ("V2X/RSU/RunningInfo/UP", format!(r#"{{"rsuEsn":"R1",{all}"runningInfo":{{{all}"x":1}}}}"#)),
    ];
    // The same cut in the middle of the canary, repeated keys, and as a key.
    for i in 0..payloads.len() {
        let (topic, payload) = payloads[i].clone();
        let cut = payload.rfind(CANARY).unwrap() + CANARY.len();
        payloads.push((topic, payload[..cut].to_owned()));
        payloads.push((topic, format!(r#"{{"{CANARY}":1,"{CANARY}":2}}"#)));
    }
    for (topic, payload) in payloads {
        for out in [decode(topic, payload.as_bytes()), retained(topic, payload.as_bytes())] {
            let shown = format!("{out:?}");
            assert!(!shown.contains("JINGA") && !shown.contains("8F3K2"), "{topic}: {shown}");
            assert!(!shown.contains(CANARY_DIGITS), "{topic}: {shown}");
        }
    }
}
