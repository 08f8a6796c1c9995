//! Secrets, signatures and settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maibo_core::time::Millis;

use super::support::SECRET;
use crate::deliver::{ReceiverSettings, Secrets, sign, validate};

// P12: the signature is the one of Standard Webhooks.
#[test]
fn signature_vectors() {
    let Ok(folder) = std::env::var("MAIBO_FIXTURES") else {
        eprintln!("skipped: MAIBO_FIXTURES is not set");
        return;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join("standard-webhooks/vectors.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vectors = json["vectors"].as_array().unwrap();
    assert!(!vectors.is_empty());
    for v in vectors {
        let text = |key: &str| v[key].as_str().unwrap();
        let secret = text("secret");
        let at = v["webhook-timestamp"].as_i64().unwrap();
        for secret in [secret, secret.trim_start_matches("whsec_")] {
            let secrets = Secrets::parse(secret).unwrap();
            let signed = sign(&secrets, text("webhook-id"), at, text("body_utf8").as_bytes());
            assert_eq!(signed, text("expected_webhook_signature"));
        }
    }
}

// P12: while secrets are rotated a message carries a signature with each of them.
#[test]
fn rotation_signs_with_every_secret() {
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let both = Secrets::parse(&format!("# new\n{other}\n\n  {SECRET}\n")).unwrap();
    let one = |s: &str| sign(&Secrets::parse(s).unwrap(), "msg_1", 5, b"{}");
    assert_eq!(sign(&both, "msg_1", 5, b"{}"), format!("{} {}", one(other), one(SECRET)));
    assert_ne!(one(SECRET), sign(&Secrets::parse(SECRET).unwrap(), "msg_1", 6, b"{}"));
    assert_eq!(format!("{both:?}"), "Secrets(2)");
}

// Secrets that are too short, too long, too many or no base64 are refused by line, without showing them.
#[test]
fn bad_secrets_are_refused() {
    let long = format!("whsec_{}", "A".repeat(88));
    for (text, words) in [
        ("", "holds no secret"),
        ("# only a remark", "holds no secret"),
        ("whsec_c2hvcnQ=", "line 1: a secret has 24 to 64 bytes, this one 5"),
        ("\nwhsec_!!!!", "line 2: not whsec_ and base64"),
        (long.as_str(), "line 1: a secret has 24 to 64 bytes, this one 66"),
        ([SECRET; 9].join("\n").as_str(), "holds more than 8 secrets"),
    ] {
        assert_eq!(Secrets::parse(text).unwrap_err(), [words]);
    }
}

// Every problem of every receiver is reported at once, with its path.
#[test]
fn all_problems_at_once() {
    let bad = ReceiverSettings {
        name: "a b".to_owned(),
        url: "https://example.com".to_owned(),
        secret_file: "missing".to_owned(),
        mode: Some("some".to_owned()),
        format: Some("CAP".to_owned()),
        min_level: Some("pink".to_owned()),
        domains: vec!["traffic".to_owned(), "cats".to_owned()],
        districts: vec!["chaoyang".to_owned()],
        allow: vec!["here".to_owned()],
        group_every: Some("11m".to_owned()),
        per_minute: Some(0),
        rules: vec!["a b".to_owned()],
        kinds: vec!["devices".to_owned()],
        zone: Some("Mars".to_owned()),
        during: toml::from_str::<toml::Table>("x = [{ name = \"day\", hours = \"8-18\" }]").unwrap().remove("x"),
        ..ReceiverSettings::default()
    };
    let problems = validate(&[bad.clone(), bad], &Arc::default(), Path::new("/nowhere")).unwrap_err();
    for key in [
        "name",
        "mode",
        "format",
        "min_level",
        "domains",
        "districts",
        "allow",
        "secret_file",
        "group_every",
        "per_minute",
        "rules",
        "kinds",
        "zone",
        "during[0].hours",
    ] {
        let path = format!("receiver[1].{key}: ");
        assert!(problems.iter().any(|p| p.starts_with(&path)), "{key}: {problems:?}");
    }
    assert!(problems.contains(&"receiver[1].name: `a b` is used twice".to_owned()));
    assert_eq!(problems.len(), 29, "{problems:?}");
}

// Groups: ten seconds unless said otherwise; what holds one version is not grouped, and to ask for it is an error.
#[test]
fn how_long_a_group_waits() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let every = |format: &str, every: Option<&str>| {
        let settings = ReceiverSettings {
            name: "a".to_owned(),
            url: "https://example.com".to_owned(),
            secret_file: "secret".to_owned(),
            format: Some(format.to_owned()),
            group_every: every.map(str::to_owned),
            ..ReceiverSettings::default()
        };
        settings.parse(&Arc::default(), dir.path()).map(|target| target.receiver.group_every.map(|m| m.0))
    };
    assert_eq!(every("native", None), Ok(Some(10_000)));
    assert_eq!(every("alertmanager", Some("30s")), Ok(Some(30_000)));
    assert_eq!(every("native", Some("0s")), Ok(None));
    assert_eq!(every("cap", None), Ok(None));
    assert_eq!(every("cap", Some("0s")), Ok(None));
    let words = |problem: &str| Err(vec![problem.to_owned()]);
    assert_eq!(
        every("cap", Some("10s")),
        words("group_every: a message of format cap holds one version; leave it out")
    );
    for text in ["500ms", "11m", "soon"] {
        assert_eq!(every("native", Some(text)), words(&format!("group_every: `{text}` is not 0s, or 1s to 10m")));
    }
}

// Who stands in for whom: known names, no rings, a time within bounds.
#[test]
fn substitutes_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let one = |name: &str, substitute: Option<&str>, after: Option<&str>| ReceiverSettings {
        name: name.to_owned(),
        url: "https://example.com".to_owned(),
        secret_file: "secret".to_owned(),
        substitute: substitute.map(str::to_owned),
        substitute_after: after.map(str::to_owned),
        ..ReceiverSettings::default()
    };
    let problems =
        |entries: &[ReceiverSettings]| validate(entries, &Arc::default(), dir.path()).err().unwrap_or_default();
    let fine = [one("a", Some("b"), Some("1m")), one("b", Some("c"), None), one("c", None, None)];
    assert_eq!(problems(&fine), [] as [String; 0]);
    assert_eq!(problems(&[one("a", Some("x"), None)]), ["receiver[0].substitute: there is no receiver `x`"]);
    let ring = [one("a", Some("b"), None), one("b", Some("a"), None), one("c", Some("a"), None)];
    let words = ["receiver[0].substitute: `b` leads back to `a`", "receiver[1].substitute: `a` leads back to `b`"];
    assert_eq!(problems(&ring), words);
    let hasty = [one("a", Some("b"), Some("10s")), one("b", None, None)];
    let words = ["receiver[0].substitute_after: must be longer than `group_every`: so long nothing is tried"];
    assert_eq!(problems(&hasty), words);
    let late = [one("a", Some("b"), Some("2h")), one("b", None, Some("10s"))];
    let words =
        ["receiver[0].substitute_after: `2h` is not 5s to 1h", "receiver[1].substitute_after: belongs to `substitute`"];
    assert_eq!(problems(&late), words);
}

// A heartbeat is for programs or for people, and neither so often that it is a burden nor so seldom that it says nothing.
#[test]
fn heartbeats_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let one = |heartbeat: &str, format: Option<&str>| ReceiverSettings {
        name: "a".to_owned(),
        url: "https://example.com".to_owned(),
        secret_file: "secret".to_owned(),
        heartbeat: Some(heartbeat.to_owned()),
        format: format.map(str::to_owned),
        ..ReceiverSettings::default()
    };
    let parsed = |entry: ReceiverSettings| validate(&[entry], &Arc::default(), dir.path()).map(|t| t[0].heartbeat);
    assert_eq!(parsed(one("10s", None)).unwrap(), Some(Millis::from_secs(10)));
    assert_eq!(parsed(one("10s", Some("cap"))).unwrap(), Some(Millis::from_secs(10)));
    let programs = "2s to 10m: programs read it; 1h to 7d is for robots, templates and mail";
    for text in ["1s", "11m", "1d"] {
        let words = format!("receiver[0].heartbeat: `{text}` is not {programs}");
        assert_eq!(parsed(one(text, None)).unwrap_err(), [words]);
    }
    let robot = |heartbeat| ReceiverSettings { secret_file: String::new(), ..one(heartbeat, Some("wecom")) };
    let mail = |heartbeat| ReceiverSettings {
        url: "smtps://mail.example".to_owned(),
        secret_file: String::new(),
        from: Some("maibo@city.example".to_owned()),
        to: vec!["duty@city.example".to_owned()],
        ..one(heartbeat, None)
    };
    let people = "1h to 7d: robots, templates and mail are read by people; 2s to 10m is for the other formats";
    for text in ["10s", "59m", "8d"] {
        let words = format!("receiver[0].heartbeat: `{text}` is not {people}");
        let problems = [robot(text), mail(text)].map(|entry| parsed(entry).unwrap_err());
        assert_eq!(problems, [vec![words.clone()], vec![words]]);
    }
    assert_eq!(parsed(robot("1h")).unwrap(), Some(Millis::from_secs(3_600)));
    assert_eq!(parsed(mail("7d")).unwrap(), Some(Millis::from_secs(7 * 86_400)));
    // Its words: needed of a template, nobody else's but people's, and tried.
    std::fs::write(dir.path().join("alert.json"), "{\"a\": \"{{ level }}\"}").unwrap();
    std::fs::write(dir.path().join("beat.json"), "{\"a\": \"{{ head.zh }}\"}").unwrap();
    let template = |words: Option<&str>| ReceiverSettings {
        template: Some("alert.json".to_owned()),
        heartbeat_template: words.map(str::to_owned),
        ..one("1d", Some("template"))
    };
    assert_eq!(parsed(template(Some("beat.json"))).unwrap(), Some(Millis::from_secs(86_400)));
    let words = "receiver[0].heartbeat_template: is needed: the template of alerts has no words for a heartbeat";
    assert_eq!(parsed(template(None)).unwrap_err(), [words]);
    let error = parsed(template(Some("alert.json"))).unwrap_err().remove(0);
    assert!(error.contains("alert.json: line 1: undefined value"), "{error}");
    let words = "receiver[0].heartbeat_template: belongs to `format = \"template\"` or that of a robot";
    let given = Some("beat.json".to_owned());
    assert_eq!(
        parsed(ReceiverSettings { heartbeat_template: given.clone(), ..one("10s", None) }).unwrap_err(),
        [words]
    );
    let never = ReceiverSettings { heartbeat: None, heartbeat_template: given, ..robot("1d") };
    assert_eq!(parsed(never).unwrap_err(), ["receiver[0].heartbeat_template: belongs to `heartbeat`"]);
}
