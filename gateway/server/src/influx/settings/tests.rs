use super::*;

fn problems(settings: &InfluxSettings, base: &Path) -> Vec<String> {
    settings.parse(base).err().into_iter().flatten().map(|(key, text)| format!("{key}: {text}")).collect()
}

fn fine() -> InfluxSettings {
    InfluxSettings {
        url: "http://10.1.2.3:8086".to_owned(),
        org: "city".to_owned(),
        bucket: "readings".to_owned(),
        token_file: Some("token".to_owned()),
        ..InfluxSettings::default()
    }
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("token"), "s3cr3t==\n").expect("writes");
    dir
}

// The least that must be written, and what the rest is then.
#[test]
fn defaults_are_the_documented_ones() {
    let dir = folder();
    let target = fine().parse(dir.path()).expect("valid");
    assert_eq!((target.lines, target.bytes), (5_000, 1_000_000));
    assert_eq!((target.wait, target.timeout), (Duration::from_secs(1), Duration::from_secs(10)));
    assert_eq!(target.token.expose(), "s3cr3t==");
    let none = InfluxSettings { token_file: None, ..fine() }.parse(dir.path()).expect("valid");
    assert_eq!(none.token.expose(), "", "VictoriaMetrics needs none");
    for url in ["http://127.0.0.1:8428", "https://influx.city.example", "http://[::1]:8086/", "http://192.168.1.9"] {
        let settings = InfluxSettings { url: url.to_owned(), ..fine() };
        assert_eq!(problems(&settings, dir.path()), [""; 0], "{url}: the operator chose it");
    }
}

// P11: every problem at once, each with its key; a secret is in none of them.
#[test]
fn all_problems_at_once() {
    let dir = folder();
    std::fs::write(dir.path().join("token"), "s3cr3t\nanother").expect("writes");
    let wrong = InfluxSettings {
        url: "http://user:s3cr3t@10.1.2.3:8086".to_owned(),
        org: String::new(),
        bucket: "a\nb".to_owned(),
        token_file: Some("token".to_owned()),
        tags: [("device", "x"), ("Ort", "x"), ("a_b", "x\ny"), ("empty", ""), ("fine", "Peking, 北京")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        timeout: Some("0s".to_owned()),
        batch_lines: Some(5_001),
        batch_bytes: Some(0),
        batch_wait: Some("soon".to_owned()),
    };
    let found = problems(&wrong, dir.path());
    let keys: Vec<&str> = found.iter().filter_map(|p| p.split(':').next()).collect();
    let expected = [
        "url",
        "org",
        "bucket",
        "token_file",
        "tags.Ort",
        "tags.a_b",
        "tags.device",
        "tags.empty",
        "timeout",
        "batch_wait",
        "batch_lines",
        "batch_bytes",
    ];
    assert_eq!(keys, expected, "{found:#?}");
    assert!(!found.iter().any(|p| p.contains("s3cr3t")), "{found:#?}");
    for url in ["influx:8086", "ftp://x/", "http://x/write", "http://x/?db=1", "http://x/#a", "http://", "not a url"] {
        let found = problems(&InfluxSettings { url: url.to_owned(), ..fine() }, folder().path());
        assert!(found.len() == 1 && found[0].starts_with("url: "), "{url}: {found:?}");
    }
    let found = problems(&InfluxSettings { token_file: Some("none".to_owned()), ..fine() }, dir.path());
    assert!(found.len() == 1 && found[0].starts_with("token_file: "), "{found:?}");
}

// A token is never shown, however it is printed.
#[test]
fn the_token_is_hidden() {
    let dir = folder();
    let target = fine().parse(dir.path()).expect("valid");
    assert!(!format!("{target:?}").contains("s3cr3t"));
}
