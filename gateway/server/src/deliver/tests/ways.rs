//! Which keys belong to which way, and that every problem is named.

use std::path::Path;
use std::sync::Arc;

use crate::deliver::{MailTls, ReceiverSettings, Target, Way};

fn mail(url: &str) -> ReceiverSettings {
    ReceiverSettings {
        name: "duty".to_owned(),
        url: url.to_owned(),
        from: Some("maibo@city.example".to_owned()),
        to: vec!["duty@city.example".to_owned()],
        ..ReceiverSettings::default()
    }
}

fn mqtt(url: &str) -> ReceiverSettings {
    let topic = Some("city/alerts".to_owned());
    ReceiverSettings { name: "bus".to_owned(), url: url.to_owned(), topic, ..ReceiverSettings::default() }
}

fn robot(format: &str) -> ReceiverSettings {
    let url = "https://robot.example/send?key=k".to_owned();
    ReceiverSettings { name: "group".to_owned(), url, format: Some(format.to_owned()), ..ReceiverSettings::default() }
}

fn parsed(entry: &ReceiverSettings) -> Result<Target, Vec<String>> {
    entry.parse(&Arc::default(), Path::new("/nowhere"))
}

fn allowing(entry: ReceiverSettings, networks: &[&str]) -> ReceiverSettings {
    ReceiverSettings { allow: networks.iter().map(|n| (*n).to_owned()).collect(), ..entry }
}

// Ports and TLS by the scheme; in the clear only to this machine or to networks that were named for it.
#[test]
fn schemes_decide() {
    let tls = |entry: &ReceiverSettings| match parsed(entry).unwrap().way {
        Way::Mail(way) => (way.port, way.tls),
        other => panic!("{other:?}"),
    };
    assert_eq!(tls(&mail("smtps://mail.example")), (465, MailTls::Implicit));
    assert_eq!(tls(&mail("smtp://mail.example")), (587, MailTls::Starttls));
    assert_eq!(tls(&allowing(mail("smtp://127.0.0.1:25"), &["127.0.0.1"])), (25, MailTls::None));
    let plain = ReceiverSettings { allow_plain: Some(true), ..mail("smtp://10.0.0.5") };
    assert_eq!(tls(&allowing(plain.clone(), &["10.0.0.0/8"])), (587, MailTls::None));
    assert_eq!(parsed(&plain).unwrap_err().len(), 2, "the network is not named");
    let Way::Mqtt(way) = parsed(&mqtt("mqtts://broker.example")).unwrap().way else { panic!("mqtt") };
    assert_eq!((way.port, way.tls, &*way.client_id), (8_883, true, "maibo-bus"));
    assert!(parsed(&mqtt("mqtt://broker.example")).is_err());
    let named = parsed(&allowing(mqtt("mqtt://10.0.0.5:1884"), &["10.0.0.0/8"])).unwrap();
    assert_eq!((named.way.kind(), named.way.host(), named.allow.only), ("mqtt", "10.0.0.5", true));
}

// What a platform takes in a minute holds for its robots without being written down; who knows better writes another.
#[test]
fn robots_have_a_pace() {
    let pace = |entry: &ReceiverSettings| parsed(entry).unwrap().per_minute;
    let robots = ["dingtalk", "wecom", "feishu"].map(|format| pace(&robot(format)));
    assert_eq!(robots, [Some(20), Some(20), Some(100)]);
    assert_eq!(pace(&ReceiverSettings { per_minute: Some(60), ..robot("wecom") }), Some(60));
    assert_eq!(pace(&mqtt("mqtts://broker.example")), None);
}

#[test]
fn every_problem_is_named() {
    let some = |text: &str| Some(text.to_owned());
    let wrong = |entry: &ReceiverSettings, keys: &[&str]| {
        let problems = parsed(entry).unwrap_err();
        let found: Vec<&str> = problems.iter().filter_map(|p| p.split(':').next()).collect();
        assert_eq!(found, keys, "{problems:?}");
    };
    wrong(&ReceiverSettings { topic: some("a/+"), client_id: some(""), ..mqtt("mqtts://b.example/x") }, &["url"]);
    wrong(
        &ReceiverSettings { topic: some("a/#"), client_id: some(""), ..mqtt("mqtts://b.example") },
        &["topic", "client_id"],
    );
    wrong(&ReceiverSettings { topic: None, user: some("u"), ..mqtt("mqtts://b.example") }, &["topic", "password_file"]);
    wrong(&ReceiverSettings { format: some("dingtalk"), ..mqtt("mqtts://b.example") }, &["format"]);
    wrong(&ReceiverSettings { secret_file: "s".to_owned(), ..mqtt("mqtts://b.example") }, &["secret_file"]);
    wrong(&ReceiverSettings { from: None, to: vec!["x".to_owned()], ..mail("smtps://m.example") }, &["from", "to"]);
    wrong(&ReceiverSettings { to: vec!["值@城.example".to_owned()], ..mail("smtps://m.example") }, &["to"]);
    wrong(
        &ReceiverSettings { format: some("cap"), topic: some("t"), ..mail("smtps://m.example") },
        &["topic", "format"],
    );
    wrong(&ReceiverSettings { allow_plain: Some(true), ..mail("smtps://m.example") }, &["allow_plain"]);
    wrong(&ReceiverSettings { secret_file: "s".to_owned(), ..robot("wecom") }, &["secret_file"]);
    wrong(&robot("template"), &["template"]);
    wrong(&ReceiverSettings { template: some("t.json"), ..robot("native") }, &["secret_file", "template"]);
    wrong(&ReceiverSettings { template: some("t.json"), ..robot("wecom") }, &["template"]);
    wrong(&ReceiverSettings { url: "ftp://a.example".to_owned(), ..robot("wecom") }, &["url"]);
    wrong(&mail("smtps://user:pw@m.example"), &["url"]);
    for format in ["dingtalk", "feishu", "wecom"] {
        assert!(parsed(&robot(format)).is_ok(), "{format}");
    }
}
