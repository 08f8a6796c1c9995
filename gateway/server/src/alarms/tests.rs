//! Others' formats, read as they are written by those who made them, and refused where they are not.

use maibo_core::time::Timestamp;
use proptest::prelude::*;

use super::cap::{Does, Message, parse};
use super::chain::{Chains, Link};
use super::*;

const NOW: Timestamp = Timestamp(1_795_435_200_000);

fn source(kind: Kind) -> AlarmSource {
    AlarmSource {
        id: SourceId::new("weather").expect("an id"),
        kind,
        device: DeviceId::new("cma").expect("an id"),
        prefix: kind.as_str().to_owned(),
        valid_for: Millis::from_secs(300),
        token: Sha256::digest("0123456789abcdef").into(),
    }
}

fn warning(kind: &str, sent: &str, more: &str, info: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\
         <identifier>11000041600000_{sent}</identifier><sender>cma@city.example</sender><sent>{sent}</sent>\
         <status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{more}{info}</alert>"
    )
}

fn info(level: &str) -> String {
    format!(
        "<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Expected</urgency>\
         <severity>{level}</severity><certainty>Likely</certainty><eventCode><valueName>a</valueName><value>11B03</value></eventCode>\
         <expires>2026-11-24T08:00:00+08:00</expires><headline>暴雨预警 &amp; &#x96F7;电</headline>\
         <area><areaDesc>北京</areaDesc><polygon>39.0,116.0 39.0,117.0 40.0,117.0 40.0,116.0 39.0,116.0</polygon></area></info>"
    )
}

const SENT: &str = "2026-11-23T20:00:00+08:00";
const LATER: &str = "2026-11-23T20:30:00+08:00";

fn refers(sent: &str) -> String {
    format!("<references>cma@city.example,11000041600000_{sent},{sent}</references>")
}

// P: a warning becomes code, level, end, place and words; its text has what entities of XML stand for.
#[test]
fn a_warning() {
    let message = parse(&warning("Alert", SENT, "", &info("Severe"))).expect("a message");
    assert_eq!((message.does, message.sent), (Does::Reports, NOW));
    let about = message.info.as_ref().expect("an info");
    assert_eq!((about.level, about.what.as_str()), (Some(Level::Orange), "11B03"));
    assert_eq!((&*about.text, about.position), ("暴雨预警 & 雷电", Some((116.5, 39.5))));
    let links = [Link { root: "r".to_owned(), depth: 0 }];
    let events = cap::events(&message, &links, &source(Kind::Cap), NOW);
    assert_eq!((&*events[0].code, &*events[0].identity, events[0].at), ("cap.orange.11B03", "r", NOW));
    assert_eq!((events[0].expires, events[0].cancelled), (Some(NOW + Millis::from_secs(12 * 3_600)), false));
}

// P: a warning for later is one of now that says from when on; it ends at its end, and without one not before it began.
#[test]
fn a_warning_ahead_of_its_time() {
    let onset = "<onset>2026-11-24T06:00:00+08:00</onset>";
    let about = |before: &str, after: &str| info("Severe").replacen(before, after, 1);
    let event = |info: &str| {
        let message = parse(&warning("Alert", SENT, "", info)).expect("a message");
        let links = [Link { root: "r".to_owned(), depth: 0 }];
        cap::events(&message, &links, &source(Kind::Cap), NOW).remove(0)
    };
    let said = |info: &str| event(info).ahead.map(|f| (f.zh.to_string(), f.en.to_string()));
    let quote = "“暴雨预警 & 雷电”";
    let words = |at: &str| Some((format!("原文{quote}，{at} 起"), format!("in its own words {quote}, from {at}")));
    let plain = Some((format!("原文{quote}"), format!("in its own words {quote}")));
    let hours = |n: i64| NOW + Millis::from_secs(n * 3_600);
    let later = event(&about("<expires>", &format!("{onset}<expires>")));
    assert_eq!((later.at, later.expires, later.cancelled), (NOW, Some(hours(12)), false));
    assert_eq!(said(&about("<expires>", &format!("{onset}<expires>"))), words("2026-11-24 06:00"));
    // Beijing's time, whatever zone the sender writes; `effective` where there is no onset.
    let abroad = "<effective>2026-11-23T17:30:00-05:00</effective><expires>";
    assert_eq!(said(&about("<expires>", abroad)), words("2026-11-24 06:30"));
    // An onset that is past is one all the same, so that repeating it says nothing else; what `effective` says is then nothing.
    let begun = "<effective>2026-11-25T06:00:00+08:00</effective><onset>2026-11-23T19:00:00+08:00</onset><expires>";
    let counts = "<effective>2026-11-23T19:00:00+08:00</effective><expires>";
    assert_eq!(said(&about("<expires>", begun)), words("2026-11-23 19:00"));
    assert_eq!((said(&about("<expires>", counts)), said(&info("Severe"))), (plain.clone(), plain));
    let endless = about("<expires>2026-11-24T08:00:00+08:00</expires>", onset);
    assert_eq!(event(&endless).expires, Some(hours(10) + Millis::from_secs(300)));
    let text = about("<expires>", &format!("{onset}<expires>"));
    let end = parse(&warning("Cancel", LATER, &refers(SENT), &text)).expect("a message");
    let links = [Link { root: "r".to_owned(), depth: 1 }];
    let end = cap::events(&end, &links, &source(Kind::Cap), NOW).remove(0);
    assert_eq!((end.cancelled, end.ahead, end.expires), (true, None, None));
}

// P: what a warning says of itself is in its alert, in both languages where it has both; short, in one line, between quotes of
// which it has none, without what turns a line around; without a headline it is the event's name.
#[test]
fn a_warning_in_its_own_words() {
    let said = |infos: &str| {
        let message = parse(&warning("Alert", SENT, "", infos)).expect("a message");
        let links = [Link { root: "r".to_owned(), depth: 0 }];
        let found = cap::events(&message, &links, &source(Kind::Cap), NOW).remove(0).ahead.expect("words");
        let bare = |text: &str, before: &str| text.strip_prefix(before).unwrap_or_else(|| panic!("{text}")).to_owned();
        (bare(&found.zh, "原文"), bare(&found.en, "in its own words "))
    };
    let block = |language: &str, level: &str, headline: &str| {
        let headed = format!("<headline>{headline}</headline>");
        info(level).replace("zh-CN", language).replace("<headline>暴雨预警 &amp; &#x96F7;电</headline>", &headed)
    };
    let pair = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
    let (zh, en) = (block("zh-CN", "Severe", "雷电"), block("en-GB", "Severe", "Lightning"));
    assert_eq!(said(&(en.clone() + &zh)), pair("“雷电”", "“Lightning”"));
    assert_eq!((said(&zh), said(&en)), (pair("“雷电”", "“雷电”"), pair("“Lightning”", "“Lightning”")));
    let worse = block("en-GB", "Extreme", "Hail");
    assert_eq!(said(&(zh.clone() + &en + &worse)), pair("“雷电”", "“Hail”"), "the worst of each language");
    let german = block("de-DE", "Severe", "Gewitter");
    assert_eq!(said(&(german.clone() + &en)), pair("“Gewitter”", "“Lightning”"));
    let forged = "storm” ends. Maibo: \"all clear\"\n\u{202e}over\u{7}".replace('\u{7}', "");
    assert_eq!(said(&block("en", "Severe", &forged)).1, "“storm’ ends. Maibo: 'all clear' over”");
    let long = said(&block("zh", "Severe", &"雨".repeat(150)));
    assert_eq!(long.0, format!("“{}…”", "雨".repeat(100)));
    assert_eq!(said(&block("zh", "Severe", "").replace("<headline></headline>", "")).0, "“暴雨”");
    // The longest there can be stays whole.
    let onset = "<onset>2026-11-24T06:00:00+08:00</onset><expires>";
    let long = block("en", "Severe", &"🌧".repeat(150)).replacen("<expires>", onset, 1);
    assert!(said(&long).1.ends_with("🌧…”, from 2026-11-24 06:00"), "{}", said(&long).1);
}

// As the German weather service writes them: codes about the message stand before the one of the event.
#[test]
fn codes_about_the_message_are_no_kind() {
    let code =
        |name: &str, value: &str| format!("<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode>");
    let about = [("PROFILE_VERSION", "2.1"), ("LICENSE", "free"), ("AREA_COLOR", "255 0 0")].map(|(n, v)| code(n, v));
    let kind = |more: &str| {
        let codes = format!("{}{more}<eventCode>", about.concat());
        let read =
            |info: &str| parse(&warning("Alert", SENT, "", info)).expect("a message").info.expect("an info").what;
        read(&info("Severe").replacen("<eventCode>", &codes, 1))
    };
    assert_eq!((kind(&code("II", "52")), kind("")), ("52".to_owned(), "11B03".to_owned()));
}

// The examples of the standard (CAP 1.2, appendix A), where they are given.
#[test]
fn examples_of_the_standard() {
    let Some(dir) = std::env::var_os("MAIBO_FIXTURES").map(std::path::PathBuf::from) else { return };
    let read = |name: &str| {
        let text = std::fs::read_to_string(dir.join("cap").join(name)).expect("reads");
        parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let shape = |m: &Message| {
        let info = m.info.clone().expect("an info");
        (m.kind.clone(), m.references.len(), info.what, info.level, info.expires.is_some(), info.position.is_some())
    };
    let (orange, blue) = (Some(Level::Orange), Some(Level::Blue));
    let wanted = |kind: &str, references, what: &str, level, expires, position| {
        (kind.to_owned(), references, what.to_owned(), level, expires, position)
    };
    let security = wanted("Alert", 0, "Homeland Security Advisory System Update", orange, false, false);
    assert_eq!(shape(&read("v1dot2_appendix_adot1.xml")), security);
    let storm = read("v1dot2_appendix_adot2.xml");
    let (_, _, _, level, expires, position) = shape(&storm);
    assert_eq!((storm.sender.as_str(), level, expires, position), ("KSTO@NWS.NOAA.GOV", orange, true, true));
    // None of them has a beginning; with one it is the same warning, and says it.
    let text = std::fs::read_to_string(dir.join("cap/v1dot2_appendix_adot2.xml")).expect("reads");
    let ahead = text.replacen("<expires>", "<onset>2003-06-17T15:30:00-07:00</onset><expires>", 1);
    let ahead = parse(&ahead).expect("a message");
    let (was, is) = (storm.info.clone().expect("an info"), ahead.info.clone().expect("an info"));
    assert_eq!((was.begins, is.begins.map(|b| b.since(ahead.sent))), (None, Some(Millis::from_secs(33 * 60))));
    assert_eq!((is.expires, ahead.does, ahead.sent), (was.expires, Does::Reports, storm.sent));
    let quake = read("v1dot2_appendix_adot3.xml");
    assert_eq!(shape(&quake), wanted("Update", 1, "Earthquake", blue, false, true));
    assert_eq!(quake.references[0], ("trinet@caltech.edu".to_owned(), "TRI13970876.1".to_owned()));
    let child = read("v1dot2_appendix_adot4.xml");
    assert_eq!((child.kind.as_str(), child.info.expect("an info").level), ("Alert", orange));
    read("v1dot1_appendix_adot1.xml");
}

// P11: what the standard forbids, and what its schema lets through by mistake, is refused with its name.
#[test]
fn refused_messages() {
    let good = warning("Alert", SENT, "", &info("Severe"));
    assert!(parse(&good).is_ok());
    for (from, to, word) in [
        ("<sent>2026-11-23T20:00:00+08:00", "<sent>2026-11-23T20:00:00,08:00", "sent"),
        ("<sent>2026-11-23T20:00:00+08:00", "<sent>2026-11-23T12:00:00Z", "sent"),
        ("<sent>2026-11-23T20:00:00+08:00", "<sent>2026-11-23T20:00:00.5+08:00", "sent"),
        ("<sent>2026-11-23T20:00:00+08:00", "<sent>2026-13-23T20:00:00+08:00", "sent"),
        ("<expires>2026-11-24T08:00:00+08:00", "<expires>2026-11-24T08:00:00Z", "expires"),
        ("cma@city.example</sender>", "cma, city</sender>", "sender"),
        ("<status>Actual", "<status>Real", "status"),
        ("<msgType>Alert", "<msgType>Cancel", "references"),
        ("<scope>Public</scope>", "", "scope"),
        ("<severity>Severe", "<severity>Bad", "severity"),
        ("<category>Met</category>", "", "category"),
        ("cap:1.2", "cap:9.9", "CAP"),
        ("</alert>", "", ""),
        ("<event>暴雨", "<event>&bomb;", "entity"),
        ("<alert xmlns", "<!DOCTYPE alert [<!ENTITY bomb \"x\">]><alert xmlns", "document type"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let why = parse(&bad).expect_err(to);
        assert!(why.contains(word), "{to}: {why}");
    }
    let deep = warning("Alert", SENT, "", &format!("{}{}", "<info>".repeat(50), "</info>".repeat(50)));
    assert!(parse(&deep).expect_err("too deep").contains("levels"));
    let utc = good.replace(SENT, "2026-11-23T12:00:00-00:00");
    assert_eq!(parse(&utc).expect("UTC").sent, NOW);
}

// P: exercises and acknowledgements are no events; a colour in a parameter goes before severity; Chinese before others.
#[test]
fn what_counts() {
    let test = warning("Alert", SENT, "", &info("Severe")).replace("Actual", "Test");
    assert_eq!(parse(&test).expect("a message").does, Does::Nothing);
    let colour = "<parameter><valueName>colorCode</valueName><value>红色</value></parameter>";
    let other = info("Extreme").replace("zh-CN", "en").replace("11B03", "other");
    let both = format!("{other}{}", info("Minor").replace("<area>", &format!("{colour}<area>")));
    let about = parse(&warning("Alert", SENT, "", &both)).expect("a message").info.expect("an info");
    assert_eq!((about.level, about.what.as_str()), (Some(Level::Red), "11B03"));
    let clear = info("Minor").replace("<urgency>", "<responseType>AllClear</responseType><urgency>");
    assert_eq!(parse(&warning("Update", LATER, &refers(SENT), &clear)).expect("a message").does, Does::Ends);
}

// P: messages of one chain are one event, also after a restart, and a message that is repeated is what it was.
#[test]
fn chains() {
    let dir = tempfile::tempdir().expect("a directory");
    let message = |text: String| parse(&text).expect("a message");
    let first = message(warning("Alert", SENT, "", &info("Moderate")));
    let update = message(warning("Update", LATER, &refers(SENT), &info("Severe")));
    let end = message(warning("Cancel", "2026-11-23T21:00:00+08:00", &refers(LATER), ""));
    let chains = Chains::open(dir.path(), &[source(Kind::Cap)]).expect("opens");
    let root = chains.links("weather", &first, NOW).expect("links");
    assert_eq!((root.len(), root[0].depth), (1, 0));
    let second = chains.links("weather", &update, NOW).expect("links");
    assert_eq!(second, [Link { root: root[0].root.clone(), depth: 1 }]);
    // As the tsunami centres of the United States refer: by a short name that no message has as its sender.
    let short = message(warning(
        "Update",
        "2026-11-23T20:40:00+08:00",
        &refers(SENT).replace("cma@city.example", "CMA"),
        &info("Severe"),
    ));
    assert_eq!(chains.links("weather", &short, NOW).expect("links"), second);
    assert_ne!(
        chains.links("flood", &update, NOW).expect("links")[0].root,
        root[0].root,
        "another sender's are others"
    );
    drop(chains);
    // As a death in the middle of a line leaves it.
    let path = dir.path().join("alarms.chain");
    let mut text = std::fs::read_to_string(&path).expect("reads");
    text.push_str("0123");
    std::fs::write(&path, text).expect("writes");
    let chains = Chains::open(dir.path(), &[source(Kind::Cap)]).expect("opens");
    assert_eq!(chains.links("weather", &first, NOW).expect("links"), root);
    assert_eq!(chains.links("weather", &update, NOW).expect("links"), second);
    assert_eq!(chains.links("weather", &end, NOW).expect("links"), [Link { root: root[0].root.clone(), depth: 2 }]);
    drop(chains);
    for foreign in ["maibo-alarm-chain 2\n", "maibo-alarm-chain 10\n", "else"] {
        std::fs::write(&path, foreign).expect("writes");
        assert!(Chains::open(dir.path(), &[source(Kind::Cap)]).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), foreign, "it is left alone");
    }
}

fn posted(body: &str) -> (Vec<maibo_core::reading::Event>, Vec<String>) {
    alertmanager::parse(body.as_bytes(), &source(Kind::Alertmanager), NOW).expect("a list")
}

// P: an alert is its labels: it opens at its start, goes on with each post, and ends with an end that is past.
#[test]
fn alerts_of_prometheus() {
    let labels = r#""labels":{"alertname":"DiskFull","severity":"critical","instance":"a:9100","empty":""}"#;
    let firing = format!(
        r#"[{{{labels},"annotations":{{"summary":"disk\nfull"}},"startsAt":"2026-11-23T11:59:00Z","endsAt":"2026-11-23T12:04:00.5Z","generatorURL":"http://p/"}}]"#
    );
    let (events, problems) = posted(&firing);
    assert_eq!((events.len(), problems.len()), (2, 0));
    assert_eq!((events[0].at, events[1].at), (NOW - Millis::from_secs(60), NOW));
    assert_eq!((&*events[0].code, &*events[0].text), ("alertmanager.red.DiskFull", "disk full"));
    assert_eq!(events[1].expires, Some(NOW + Millis(240_500)));
    let over = format!(r#"[{{{labels},"startsAt":"2026-11-23T11:59:00Z","endsAt":"2026-11-23T12:00:00Z"}}]"#);
    let (ends, _) = posted(&over);
    assert_eq!((ends.len(), ends[0].cancelled, ends[0].at), (1, true, NOW));
    assert_eq!(ends[0].identity, events[0].identity);
    let (bare, _) = posted(r#"[{"labels":{"alertname":"x"},"endsAt":"0001-01-01T00:00:00Z"}]"#);
    assert_eq!(
        (bare.len(), bare[0].expires, &*bare[0].code),
        (1, Some(NOW + Millis::from_secs(300)), "alertmanager.unknown.x")
    );
}

// P11: bad ones cost themselves; what is no list is refused whole.
#[test]
fn bad_alerts() {
    let (events, problems) = posted(
        r#"[{"labels":{"a":"b"}},{"labels":{}},{"labels":{"":"b"}},{"labels":{"a-b":"c"}},{"labels":{"a":1}},7,
            {"labels":{"a":"b"},"startsAt":"soon"},{"labels":{"a":"b"},"startsAt":"2026-11-23T12:00:00Z","endsAt":"2026-11-23T11:00:00Z"}]"#,
    );
    assert_eq!((events.len(), problems.len()), (1, 7), "{problems:?}");
    assert!((1..).zip(&problems).all(|(n, p)| p.starts_with(&format!("alerts[{n}]: "))), "{problems:?}");
    for bad in ["", "{}", "[", "null"] {
        assert!(alertmanager::parse(bad.as_bytes(), &source(Kind::Alertmanager), NOW).is_err(), "{bad}");
    }
}

// P: a token is for one sender and what that one sends.
#[test]
fn tokens() {
    let sources = [source(Kind::Cap)];
    assert!(sender(&sources, Kind::Cap, "0123456789abcdef").is_some());
    assert!(sender(&sources, Kind::Alertmanager, "0123456789abcdef").is_none());
    for bad in ["", "0123456789abcdeF", "0123456789abcdef0"] {
        assert!(sender(&sources, Kind::Cap, bad).is_none(), "{bad}");
    }
    assert!(!format!("{sources:?}").contains("token"), "{sources:?}");
}

// P: all problems of all entries at once, each with its path; no token in any of them.
#[test]
fn problems_of_the_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    for (file, text) in [("good", "0123456789abcdef\n"), ("short", "secret")] {
        std::fs::write(dir.path().join(file), text).expect("writes");
    }
    let entry = |name: &str, format: &str, token_file: &str| AlarmSettings {
        name: name.to_owned(),
        format: format.to_owned(),
        device: "cma".to_owned(),
        token_file: token_file.to_owned(),
        prefix: None,
        valid_for: None,
    };
    let head = "id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class\n";
    let catalogue =
        maibo_core::registry::Catalogue::parse(&format!("{head}cma,feed,cma,110105001,116.4,39.9,emergency,,1h,,,\n"));
    let catalogue = catalogue.expect("a catalogue");
    let check = |entries: &[AlarmSettings]| validate(entries, Some(&catalogue), dir.path());
    let good = check(&[entry("a", "cap", "good")]).expect("valid");
    assert_eq!((good[0].prefix.as_str(), good[0].valid_for), ("cap", Millis::from_secs(86_400)));
    let bad = AlarmSettings {
        device: "other".to_owned(),
        prefix: Some("a b".to_owned()),
        valid_for: Some("0s".to_owned()),
        ..entry("a b", "xml", "short")
    };
    let found = check(&[entry("a", "cap", "good"), bad, entry("b", "cap", "good"), entry("c", "cap", "none")]);
    let found = found.expect_err("refused");
    let paths: Vec<&str> = found.iter().filter_map(|p| p.split(": ").next()).collect();
    let of_bad = ["name", "format", "device", "prefix", "valid_for", "token_file"].map(|k| format!("alarms[1].{k}"));
    let wanted: Vec<&str> =
        of_bad.iter().map(String::as_str).chain(["alarms[2].token_file", "alarms[3].token_file"]).collect();
    assert_eq!(paths, wanted);
    assert!(!found.iter().any(|p| p.contains("secret")), "{found:?}");
}

proptest! {
    // P11: whatever comes is read or refused, and never the end of anything.
    #[test]
    fn anything_can_come(text in "\\PC{0,200}", cut in 0_usize..900) {
        let _ = parse(&text);
        let _ = alertmanager::parse(text.as_bytes(), &source(Kind::Alertmanager), NOW);
        let good = warning("Alert", SENT, &refers(SENT), &info("Severe"));
        let cut: String = good.chars().take(cut).collect();
        let _ = parse(&cut);
        let _ = parse(&good.replacen("暴雨", &text, 1));
    }
}
