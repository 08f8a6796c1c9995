//! Where webhooks may go.

use std::net::IpAddr;
use std::sync::Arc;

use maibo_core::notify::{Answer, Transport};

use super::support::{Ear, Reply, SECRET, entry, letter};
use crate::clock::SystemClock;
use crate::deliver::carrier::Carrier;
use crate::deliver::{Allow, Limits, ReceiverSettings, forbidden};

fn dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    dir
}

fn at(url: &str, allow: &[&str]) -> ReceiverSettings {
    ReceiverSettings {
        name: "bureau".to_owned(),
        url: url.to_owned(),
        secret_file: "secret".to_owned(),
        allow: allow.iter().map(|a| (*a).to_owned()).collect(),
        ..ReceiverSettings::default()
    }
}

// Reliability 62: every range that is not public is refused, in every spelling.
#[test]
fn private_literals_are_refused() {
    let dir = dir();
    let hosts = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2002:a00:1::1]",
        "[100::1]",
        "[fec0::1]",
        "[2001::1]",
        "[4000::1]",
    ];
    for host in hosts {
        let problems = at(&format!("https://{host}/hook"), &[]).parse(&Arc::default(), dir.path()).err();
        let problems = problems.unwrap_or_else(|| panic!("{host} is let through"));
        assert!(problems[0].starts_with("url: ") && problems[0].contains("`allow`"), "{host}: {problems:?}");
    }
    for host in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "[2002:808:808::1]", "[64:ff9b::808:808]"]
    {
        assert!(
            at(&format!("https://{host}/hook"), &[]).parse(&Arc::default(), dir.path()).is_ok(),
            "{host} is refused"
        );
    }
}

// Reliability 62: the allow-list lets through what it names, and nothing beside it.
#[test]
fn the_allow_list_is_exact() {
    let allow = |list: &[&str]| Allow { networks: list.iter().map(|n| n.parse().unwrap()).collect(), only: false };
    let ok = |a: &Allow, ip: &str| a.check(ip.parse::<IpAddr>().unwrap()).is_ok();
    let one = allow(&["10.1.2.3/32", "192.168.4.0/22", "fd00:1::/32"]);
    for ip in ["10.1.2.3", "::ffff:10.1.2.3", "192.168.4.0", "192.168.7.255", "fd00:1::5", "8.8.8.8"] {
        assert!(ok(&one, ip), "{ip}");
    }
    for ip in ["10.1.2.4", "10.1.2.2", "192.168.3.255", "192.168.8.0", "fd00:2::5", "127.0.0.1", "::ffff:127.0.0.1"] {
        assert!(!ok(&one, ip), "{ip}");
    }
    assert!(ok(&allow(&["0.0.0.0/0"]), "127.0.0.1") && !ok(&allow(&["0.0.0.0/0"]), "::1"));
    assert!(ok(&allow(&["::/0"]), "::1") && !ok(&allow(&["::/0"]), "127.0.0.1"));
    for bad in ["10.0.0.0/33", "::/129", "10.0.0/8", "localhost", "10.0.0.0/", "::ffff:10.0.0.1/104", ""] {
        assert!(bad.parse::<crate::deliver::network::Network>().is_err(), "{bad}");
    }
    assert_eq!(forbidden("169.254.169.254".parse().unwrap()), Some("link-local"));
    assert_eq!(forbidden("::ffff:169.254.169.254".parse().unwrap()), Some("link-local"));
    assert_eq!(forbidden("::ffff:8.8.8.8".parse().unwrap()), None);
}

// Reliability 62: plain HTTP stays inside the networks that were named.
#[test]
fn plain_http_stays_inside() {
    let dir = dir();
    assert!(
        at("http://example.com/", &[]).parse(&Arc::default(), dir.path()).unwrap_err()[0].contains("must be https")
    );
    assert!(at("http://8.8.8.8/", &["10.0.0.0/8"]).parse(&Arc::default(), dir.path()).is_err());
    assert!(at("http://10.1.1.1/", &["10.0.0.0/8"]).parse(&Arc::default(), dir.path()).is_ok());
    for url in ["ftp://8.8.8.8/", "https://user@8.8.8.8/", "https://:pw@8.8.8.8/", "file:///etc/passwd", "8.8.8.8"] {
        assert!(at(url, &["0.0.0.0/0"]).parse(&Arc::default(), dir.path()).is_err(), "{url}");
    }
}

// Reliability 62: a name is judged by every address it has, when it is used.
#[tokio::test]
async fn names_are_judged_when_used() {
    let (dir, ear) = (dir(), Ear::new(|_, _| Reply::Status(200)).await);
    let post = |settings: ReceiverSettings| {
        let carrier = Carrier::new(
            settings.parse(&Arc::default(), dir.path()).unwrap(),
            Limits::default(),
            Arc::new(SystemClock::default()),
            "",
        );
        async move { carrier.unwrap().deliver("msg_0".to_owned(), &[letter()]).await }
    };
    let local = format!("localhost:{}", ear.port);
    assert_eq!(post(at(&format!("https://{local}/"), &[])).await, Answer::Failed(Transport::Forbidden));
    assert_eq!(post(at(&format!("http://{local}/"), &["10.0.0.0/8"])).await, Answer::Failed(Transport::Forbidden));
    assert!(ear.so_far().is_empty());
    let allowed = post(at(&format!("http://{local}/"), &["127.0.0.0/8"])).await;
    assert_eq!(allowed, Answer::Status { code: 200, retry_after: None });
    assert_eq!(post(at("https://nowhere.invalid/", &[])).await, Answer::Failed(Transport::Name));
    let gone = ReceiverSettings { url: "http://127.0.0.1:1/".to_owned(), ..entry("bureau", &ear) };
    assert_eq!(post(gone).await, Answer::Failed(Transport::Connect));
}
