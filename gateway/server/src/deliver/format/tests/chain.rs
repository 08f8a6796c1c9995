//! CAP as a stranger reads it: the `oasiscap` crate, and the schema of the standard.

use std::path::PathBuf;
use std::process::Command;

use oasiscap::v1dot2::{self as other, MessageType};

use super::*;

fn xml(letter: &Letter) -> String {
    String::from_utf8(rendered(Format::Cap, letter).body).unwrap()
}

fn read(text: &str) -> other::Alert {
    text.parse().unwrap_or_else(|e| panic!("{e}: {text}"))
}

// Alert, Update and Cancel of one episode, each naming the one before by sender, identifier and time.
#[test]
fn a_chain_is_understood_by_others() {
    let (first, second, third) = (stamp(1, 0), stamp(2, 60_000), stamp(4, 600_000));
    let one = read(&xml(&letter(&told_of(1), first, None)));
    let two = read(&xml(&letter(&told_of(2), second, Some(first))));
    let three = read(&xml(&letter(&resolved(4), third, Some(second))));
    let kinds = [&one, &two, &three].map(|a| a.message_type);
    assert_eq!(kinds, [MessageType::Alert, MessageType::Update, MessageType::Cancel]);
    assert_eq!(one.identifier.as_str(), "11000041600001_20261123200000_4");
    assert_eq!(one.sender.as_str(), "maibo.city.example");
    for (later, earlier) in [(&two, &one), (&three, &two)] {
        let names = later.references.as_ref().unwrap().as_slice();
        assert_eq!(names.len(), 1);
        let name = (&names[0].sender, &names[0].identifier, names[0].sent);
        assert_eq!(name, (&earlier.sender, &earlier.identifier, earlier.sent));
    }
    assert!(one.references.is_none());
}

// What a duty officer reads, in both languages; what XML cannot carry is replaced, what it must escape is escaped.
#[test]
fn both_languages_say_what_happened() {
    let text = xml(&letter(&told_of(1), stamp(1, 0), None));
    assert!(text.contains("<sent>2026-11-23T20:00:00+08:00</sent>"), "{text}");
    assert!(text.contains("<onset>2026-11-23T19:59:30+08:00</onset>"), "{text}");
    let alert = read(&text);
    let languages: Vec<String> = alert.info.iter().map(|i| i.language.as_str().to_owned()).collect();
    assert_eq!(languages, ["zh-CN", "en"]);
    assert_eq!(alert.info[0].event.as_str(), "下凹桥区积水");
    assert_eq!(alert.info[0].instruction.as_deref(), Some("封闭下凹桥"));
    assert_eq!(alert.info[1].headline.as_deref(), Some("Chaoyang Underpass waterlogging"));
    let area = &alert.info[0].areas[0];
    assert_eq!(area.description, "朝阳区 三元桥 <17> & \u{fffd}");
    assert_eq!(area.circles.len(), 1);
}

// The schema takes every message; it is the standard's own, in the folder of recorded data.
#[test]
fn the_schema_of_the_standard_takes_it() {
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES") else {
        eprintln!("skipped: MAIBO_FIXTURES names no folder of recorded data");
        return;
    };
    let schema = PathBuf::from(folder).join("cap/cap12.xsd");
    let dir = tempfile::tempdir().unwrap();
    let first = stamp(1, 0);
    let mut bare = told_of(1);
    // It has no position, so that its area is the outline of its district.
    (bare.alert.place_name, bare.alert.lat, bare.alert.lon, bare.advice) = (None, None, None, None);
    assert!(xml(&letter(&bare, first, None)).contains("<polygon>"));
    let (mut drill, mut over) = (bare.clone(), resolved(2));
    (drill.alert.drill, over.alert.drill) = (true, true);
    let letters = [
        letter(&told_of(1), first, None),
        letter(&bare, first, None),
        letter(&resolved(2), stamp(2, 5), Some(first)),
        letter(&drill, first, None),
        letter(&drill, stamp(2, 5), Some(first)),
        letter(&over, stamp(2, 5), Some(first)),
        letter(&plan::planned(1), first, None),
        letter(&plan::escalated(2), stamp(2, 5), Some(first)),
    ];
    for (n, letter) in letters.iter().enumerate() {
        let path = dir.path().join(format!("{n}.xml"));
        std::fs::write(&path, rendered(Format::Cap, letter).body).unwrap();
        let out =
            Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&path).output().expect("xmllint");
        assert!(out.status.success(), "{}: {}", String::from_utf8_lossy(&out.stderr), xml(letter));
    }
    // The schema is read at all: what is out of order fails.
    let path = dir.path().join("bad.xml");
    std::fs::write(&path, xml(&letters[0]).replace("<scope>Private</scope>", "")).unwrap();
    let out = Command::new("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&path).output().expect("xmllint");
    assert!(!out.status.success());
}
