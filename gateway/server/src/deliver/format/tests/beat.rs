//! Signs of life.

use std::path::PathBuf;
use std::process::Command;

use maibo_core::time::Millis;

use super::*;

fn one() -> Beat<'static> {
    Beat { key: "beat_19a", receiver: "fire-brigade", every: Millis(10_000), now: AT }
}

fn beat(format: Format) -> Result<Outgoing, FormatError> {
    one().render(&plain(format), &sender())
}

// Every format has one but a template that has no words for it.
#[test]
fn all_have_one() {
    for format in Format::ALL {
        assert_eq!(beat(format).is_ok(), format != Format::Template, "{}", format.as_str());
    }
}

// What people read is two lines: that it is no alert, that the way is open, when, and when the next one comes, by the city's
// clock. Nothing of it looks like an alert, and a robot that wants the keyword 预警 takes it.
#[test]
fn for_people() {
    let daily = |format| {
        let beat = Beat { every: Millis::from_secs(86_400), receiver: "duty [1]", ..one() };
        json(&beat.render(&plain(format), &sender()).unwrap().body)
    };
    let zh = "2026-11-23 20:00:00（+08:00）：脉搏城市运行感知网关到 duty ［1］ 的通知渠道畅通，无须处置；下一条约在 2026-11-24 20:00";
    let en = "2026-11-23 20:00:00 (+08:00): the way from Maibo city sensing gateway to duty ［1］ is open, nothing has to be done; \
              the next one comes about 2026-11-24 20:00";
    let [head_zh, head_en] =
        ["**【心跳】脉搏在运行，这不是预警**", "**［HEARTBEAT］ Maibo is alive; this is no alert**"];
    let ding = daily(Format::DingTalk);
    assert_eq!(ding["markdown"]["title"], "【心跳】脉搏在运行，这不是预警");
    assert_eq!(ding["markdown"]["text"], format!("{head_zh}  \n{zh}  \n{head_en}  \n{en}"));
    assert_eq!(ding["at"]["isAtAll"], false);
    assert_eq!(daily(Format::WeCom)["markdown"]["content"], format!("{head_zh}\n{zh}\n{head_en}\n{en}"));
    let card = &daily(Format::Feishu)["card"];
    assert_eq!(
        (&card["header"]["template"], &card["header"]["title"]["content"]),
        (&"grey".into(), &ding["markdown"]["title"])
    );
    assert_eq!(card["elements"][0]["content"], format!("{zh}\n{head_en}\n{en}"));
    for format in [Format::DingTalk, Format::WeCom, Format::Feishu] {
        let text = daily(format).to_string();
        assert!(
            !["🔴", "🟠", "🟡", "🔵", "级别", "Level", "red", "blue"].iter().any(|mark| text.contains(mark)),
            "{text}"
        );
    }
}

// A template for alerts is never used for a beat, and one for beats knows nothing of alerts; a robot without one of its own for
// beats has the shipped words.
#[test]
fn a_template_of_its_own() {
    let alerts = Template::parse("{\"text\": \"{{ head.zh }} {{ count }}\"}", &sender()).unwrap();
    let source = "{\"type\": \"heartbeat\", \"text\": \"{{ text.zh }}\\n{{ head.en }}\", \"at\": [\"{{ time }}\", \"{{ time_local }}\", \
                  \"{{ next_local }}\"], \"every\": {{ every_ms }}, \"to\": \"{{ receiver }}\", \"from\": \"{{ sender.name }}\"}";
    let words = BeatTemplate::parse(source, &sender()).unwrap();
    let manner = |format, beat| Manner { format, template: Some(alerts.clone()), beat };
    let made = json(&one().render(&manner(Format::Template, Some(words)), &sender()).unwrap().body);
    let text = made["text"].as_str().unwrap();
    assert!(
        text.starts_with("【心跳】脉搏在运行，这不是预警\n2026-11-23 20:00:00") && text.ends_with("this is no alert"),
        "{text}"
    );
    assert_eq!(made["at"], serde_json::json!(["2026-11-23T12:00:00.450Z", "2026-11-23 20:00:00", "2026-11-23 20:00"]));
    assert_eq!(
        (&made["every"], &made["to"], &made["from"]),
        (&10_000.into(), &"fire-brigade".into(), &"maibo.city.example".into())
    );
    let robot = json(&one().render(&manner(Format::DingTalk, None), &sender()).unwrap().body);
    assert_eq!(robot["msgtype"], "markdown");
    assert!(one().render(&manner(Format::Template, None), &sender()).is_err());
    for (source, why) in [("{\"a\": \"{{ level }}\"}", "undefined value"), ("{\"a\": {{ head.zh }}}", "not JSON")] {
        let error = BeatTemplate::parse(source, &sender()).unwrap_err();
        assert!(error.contains(why), "{source}: {error}");
    }
    let error = Template::parse(source, &sender()).unwrap_err();
    assert!(error.contains("undefined value"), "{error}");
}

#[test]
fn in_json() {
    let data = serde_json::json!({ "receiver": "fire-brigade", "every_ms": 10_000 });
    let native = json(&beat(Format::Native).unwrap().body);
    assert_eq!((&native["type"], &native["data"]), (&"heartbeat".into(), &data));
    let event = json(&beat(Format::CloudEvents).unwrap().body);
    let binary = beat(Format::CloudEventsBinary).unwrap();
    let header = |name: &str| {
        let (_, value) = binary.headers.iter().find(|(n, _)| n.as_str() == format!("ce-{name}")).unwrap();
        value.to_str().unwrap().to_owned()
    };
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        assert_eq!(event[name], header(name), "{name}");
    }
    assert_eq!((&event["type"], &event["id"]), (&"maibo.heartbeat".into(), &"beat_19a".into()));
    assert_eq!((&event["data"], json(&binary.body)), (&data, data.clone()));
}

// The same alert each time, whatever the time, so that whoever takes it has one that stands for ever; and no severity, by
// which it would be routed to people.
#[test]
fn as_an_alert_that_always_fires() {
    let one = json(&beat(Format::Alertmanager).unwrap().body);
    let alert = &one["alerts"][0];
    assert_eq!(
        (&one["version"], &one["status"], &alert["endsAt"]),
        (&"4".into(), &"firing".into(), &"0001-01-01T00:00:00Z".into())
    );
    assert_eq!(alert["labels"], serde_json::json!({ "alertname": "MaiboHeartbeat", "receiver": "fire-brigade" }));
    let later =
        Beat { key: "beat_19b", receiver: "fire-brigade", every: Millis(10_000), now: Timestamp(AT.0 + 10_000) };
    let later = json(&later.render(&plain(Format::Alertmanager), &sender()).unwrap().body);
    assert_eq!(later["alerts"][0]["fingerprint"], alert["fingerprint"]);
}

// CAP 1.2 §3.2.1: `System` is for the network itself. Another program reads it, and the standard's schema takes it.
#[test]
fn between_systems() {
    let text = String::from_utf8(beat(Format::Cap).unwrap().body).unwrap();
    let read: oasiscap::v1dot2::Alert = text.parse().unwrap();
    assert_eq!((read.status, read.info.len()), (oasiscap::v1dot2::Status::System, 0), "{text}");
    assert!(text.contains("<sent>2026-11-23T20:00:00+08:00</sent>"), "{text}");
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES") else {
        eprintln!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return;
    };
    let schema = PathBuf::from(folder).join("cap/cap12.xsd");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beat.xml");
    std::fs::write(&path, &text).unwrap();
    let out = Command::new("xmllint").arg("--noout").arg("--schema").arg(schema).arg(path).output().expect("xmllint");
    assert!(out.status.success(), "{}: {text}", String::from_utf8_lossy(&out.stderr));
}
