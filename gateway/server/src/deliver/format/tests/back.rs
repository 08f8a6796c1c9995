//! What Maibo says in CAP, read by what takes CAP in.

use maibo_core::place::Level;

use super::*;
use crate::alarms::cap::{Does, parse};

fn cap(letter: &Letter) -> String {
    String::from_utf8(rendered(Format::Cap, letter).body).unwrap()
}

// P: one Maibo understands another: what it is, how bad, what it goes on with, and when it is over.
#[test]
fn a_chain_comes_back() {
    let (one, two, three) = (stamp(1, 0), stamp(2, 2_000), stamp(3, 600_000));
    let first = parse(&cap(&letter(&told_of(1), one, None))).unwrap();
    let info = first.info.as_ref().unwrap();
    assert_eq!((first.does, info.level, info.position), (Does::Reports, Some(Level::Red), Some((116.46, 39.96))));
    assert!(!info.text.is_empty() && info.expires.is_none());
    let second = parse(&cap(&letter(&told_of(2), two, Some(one)))).unwrap();
    assert_eq!(second.references, [(first.sender.clone(), first.identifier.clone())]);
    let last = parse(&cap(&letter(&resolved(3), three, Some(two)))).unwrap();
    assert_eq!((last.does, &last.references[0].1), (Does::Ends, &second.identifier));
}

proptest::proptest! {
    // P: whatever stands in a text, it is told in words that come back, and the level with them.
    #[test]
    fn texts_come_back(title in "\\PC{1,60}", level in 0_usize..4) {
        let mut told = told_of(1);
        let levels = [maibo_api::Level::Blue, maibo_api::Level::Yellow, maibo_api::Level::Orange, maibo_api::Level::Red];
        told.alert.level = levels[level];
        told.alert.title.zh.clone_from(&title);
        let parsed = parse(&cap(&letter(&told, stamp(1, 0), None)));
        // An event without a visible character is none.
        if title.trim().is_empty() {
            return Ok(());
        }
        let info = parsed.map_err(proptest::test_runner::TestCaseError::fail)?.info.unwrap();
        proptest::prop_assert_eq!(info.level, [Level::Blue, Level::Yellow, Level::Orange, Level::Red].get(level).copied());
        proptest::prop_assert_eq!(info.what.as_str(), title.trim());
    }
}
