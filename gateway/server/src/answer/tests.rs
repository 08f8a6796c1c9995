//! Links: made the same each time, good for whom and what they are for, until their time is over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use maibo_core::id::{Actor, PERSON_MAX};

use super::*;

const AT: Timestamp = Timestamp(1_795_435_200_450);
const PAGE: &str = "https://maibo.city.example";

fn episode(n: u8) -> EpisodeId {
    EpisodeId::from_bytes([n; 16])
}

fn token(answers: &Answers, receiver: &str, n: u8) -> String {
    let link = answers.link(receiver, episode(n), AT);
    link.url.strip_prefix(&format!("{PAGE}/answer/")).expect("the page").to_owned()
}

// P: a link is good for seven days from its version, for its receiver and its episode.
#[test]
fn links_are_good_until_they_expire() {
    let answers = Answers::for_tests(PAGE, &["flood-office", "b"]);
    let link = answers.link("flood-office", episode(7), AT);
    assert_eq!(link.expires, "2026-11-30T12:00:00.450Z");
    assert_eq!(answers.link("flood-office", episode(7), AT), link, "each attempt has the same");
    let token = token(&answers, "flood-office", 7);
    let whole = Ok(("flood-office".to_owned(), episode(7)));
    assert_eq!(answers.check(&token, AT), whole);
    assert_eq!(answers.check(&token, AT + GOOD_FOR - Millis(1)), whole);
    assert_eq!(answers.check(&token, AT + GOOD_FOR), Err(Denied::Expired));
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')), "{token}");
}

// P: whatever is changed in a token, it is nothing, and nobody is told what was wrong with it.
#[test]
fn forged_tokens_are_nothing() {
    let answers = Answers::for_tests(PAGE, &["flood-office", "b"]);
    let token = token(&answers, "flood-office", 7);
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64");
    for n in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut forged = bytes.clone();
            forged[n] ^= bit;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(answers.check(&forged, AT), Err(Denied::Unknown), "byte {n}");
            // Also where its time would be over.
            assert_eq!(answers.check(&forged, Timestamp::MAX), Err(Denied::Unknown), "byte {n}");
        }
    }
    for bad in ["", "x", "a/b", &token[1..], &token[..token.len() - 1], &format!("{token}A"), &"A".repeat(10_000)] {
        assert_eq!(answers.check(bad, AT), Err(Denied::Unknown), "{bad}");
    }
}

// P: another receiver's seal, another episode's, another key's, and that of who may not answer any more, open nothing.
#[test]
fn a_token_is_for_one_receiver_and_one_episode() {
    let answers = Answers::for_tests(PAGE, &["a", "b"]);
    let mine = URL_SAFE_NO_PAD.decode(token(&answers, "a", 1)).expect("base64");
    for (receiver, n) in [("b", 1), ("a", 2)] {
        let other = URL_SAFE_NO_PAD.decode(token(&answers, receiver, n)).expect("base64");
        let (said, seal) = (&mine[..mine.len() - 32], &other[other.len() - 32..]);
        let mixed = URL_SAFE_NO_PAD.encode([said, seal].concat());
        assert_eq!(answers.check(&mixed, AT), Err(Denied::Unknown));
    }
    let fewer = Answers::for_tests(PAGE, &["b"]);
    assert_eq!(fewer.check(&token(&answers, "a", 1), AT), Err(Denied::Unknown));
    let dir = tempfile::tempdir().expect("a directory");
    let names = BTreeSet::from(["a".to_owned()]);
    let other_key = Answers::new(Key::open(dir.path()).expect("a key"), PAGE.to_owned(), names);
    assert_eq!(other_key.check(&token(&answers, "a", 1), AT), Err(Denied::Unknown));
}

// P: the link comes into the kept message without touching the rest; what is no message stays as it is.
#[test]
fn a_message_gets_its_link() {
    let answers = Answers::for_tests(PAGE, &["a"]);
    let kept = format!(r#"{{"type":"alert.firing","data":{{"id":"{}","value":0.1,"recorded":true}}}}"#, episode(3));
    let with = String::from_utf8(answers.add(kept.clone().into_bytes(), "a", AT)).expect("text");
    let (before, after) = with.split_once(r#","answer":"#).expect("the link");
    assert_eq!(before, &kept[..kept.len() - 2]);
    let link: Link = serde_json::from_str(&after[..after.len() - 2]).expect("a link");
    assert_eq!(link, answers.link("a", episode(3), AT));
    for none in ["", "{}", r#"{"data":{"id":"no id"}}"#] {
        assert_eq!(answers.add(none.as_bytes().to_vec(), "a", AT), none.as_bytes());
    }
}

// P: nothing that prints the parts prints the key or a token.
#[test]
fn nothing_is_printed() {
    assert_eq!(format!("{:?}", Answers::for_tests(PAGE, &["a"])), r#"Answers { receivers: {"a"}, .. }"#);
}

// P: an operator's name cannot pass for a receiver's, nor a person's for another receiver's; names are those of people.
#[test]
fn actors() {
    for name in ["li.wei", "li@duty", "A-1_b"] {
        assert_eq!(Actor::account(name).map(|a| a.at_receiver().is_none()), Ok(true), "{name}");
    }
    for name in ["", "flood/li", "李伟", "a b", "a\n", &"x".repeat(65)] {
        assert!(Actor::account(name).is_err(), "{name}");
    }
    for (person, known) in [("李伟", "李伟"), (" Li Wei ", "Li Wei"), ("阿布都·热依木", "阿布都·热依木")]
    {
        let actor = Actor::at("flood-office", person).expect("a person");
        assert_eq!(actor.at_receiver(), Some(("flood-office", known)));
        let bytes = maibo_core::codec::encode(&actor);
        assert_eq!(maibo_core::codec::decode::<Actor>(&bytes).expect("decodes"), actor);
    }
    assert!(Actor::at(&"r".repeat(64), &"名".repeat(PERSON_MAX)).is_ok(), "the longest fits");
    for person in ["", " ", "a/b", "<b>", "a\u{202e}b", "a\nb", &"名".repeat(PERSON_MAX + 1)] {
        assert!(Actor::at("flood-office", person).is_err(), "{person}");
    }
}
