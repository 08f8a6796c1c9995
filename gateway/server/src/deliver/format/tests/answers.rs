//! The link by which a receiver answers, in each format.

use super::*;
use crate::answer::Answers;

// P: who may answer has the link in every format, the same at every attempt; who may not has none.
#[test]
fn every_format_has_the_link() {
    let answers = Answers::for_tests("https://maibo.city.example", &["flood-office"]);
    let plain = letter(&told_of(3), stamp(3, 0), None);
    let with = plain.clone().answered(&answers, "flood-office");
    assert_eq!(plain.clone().answered(&answers, "flood-office").body, with.body);
    let native = json(&rendered(Format::Native, &with).body);
    let url = native["data"]["answer"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://maibo.city.example/answer/"), "{url}");
    assert_eq!(native["data"]["answer"]["expires"], "2026-11-30T12:00:00.450Z", "seven days from the version");
    for format in [Format::CloudEvents, Format::CloudEventsBinary, Format::Alertmanager, Format::Cap] {
        let text = |letter: &Letter| String::from_utf8(rendered(format, letter).body).unwrap();
        assert!(text(&with).contains(url), "{format:?}");
        assert!(!text(&plain).contains("/answer/"), "{format:?}");
    }
    assert_eq!(json(&rendered(Format::CloudEvents, &with).body)["data"], native["data"]);
    let alert = json(&rendered(Format::Alertmanager, &with).body);
    assert_eq!(alert["alerts"][0]["annotations"]["answer_url"], url);
    let cap = String::from_utf8(rendered(Format::Cap, &with).body).unwrap();
    assert_eq!(cap.matches(&format!("<web>{url}</web>")).count(), 2, "once a language");
}
