//! Event rules as text: what they mean, and what is wrong with them.

use expect_test::expect;
use maibo_core::limit;
use maibo_core::place::Level;
use maibo_core::rule::RuleSet;
use maibo_core::time::Millis;

use crate::engine_world::ladder;
use crate::event::rule;

// codes: exact before prefix, the longest prefix wins, whatever order they stand in; ten minutes where nothing is said.
#[test]
fn codes() {
    let text =
        rule("\"rsi.*\" = \"blue\", \"rsi.70*\" = \"red\", \"rsi.707\" = \"orange\", \"tamper\" = \"yellow\"", "");
    let set = RuleSet::compile(&[("p.toml", &text)]).expect("good");
    let event = set.rules[0].event().expect("an event rule");
    let cases = [
        ("rsi.707", Some(Level::Orange)),
        ("rsi.7070", Some(Level::Red)),
        ("rsi.70", Some(Level::Red)),
        ("rsi.7", Some(Level::Blue)),
        ("rsi.", Some(Level::Blue)),
        ("rsi", None),
        ("tamper", Some(Level::Yellow)),
        ("tamper2", None),
        ("Tamper", None),
        ("rsi.70*", Some(Level::Red)),
    ];
    for (code, level) in cases {
        assert_eq!(event.level(code), level, "{code}");
    }
    assert_eq!(event.expires_after, Millis::from_secs(600));
    let text = rule("\"*\" = \"blue\"", ", expires_after = \"90s\"");
    let set = RuleSet::compile(&[("p.toml", &text)]).expect("good");
    let event = set.rules[0].event().expect("an event rule");
    assert_eq!((event.level("anything"), event.expires_after), (Some(Level::Blue), Millis::from_secs(90)));
}

fn problems(text: &str) -> String {
    let found = RuleSet::compile(&[("p.toml", text)]).expect_err("problems");
    found.into_iter().fold(String::new(), |all, p| all + &p.to_string() + "\n")
}

// problems: everything wrong is told at once, each with its key.
#[test]
fn all_problems() {
    let text = ladder(
        "e",
        "when = { quantity = \"pm25\" }\nfor = \"1s\"\nkeep_firing_for = \"1s\"\nlevels = { red = 1 }\nlevel = \"red\"\n\
         absent = { intervals = 3 }\n\
         event = { codes = { rsi.707 = \"red\", \"a*b\" = \"red\", \"**\" = \"red\", \"\" = \"red\", x = \"rot\", y = 3 }, \
         expires_after = \"0s\", repeat = 1 }",
    );
    expect![[r#"
        e.when.quantity: does not belong to an event rule: an event has a code, not a quantity
        e.levels: does not belong to an event rule
        e.for: does not belong to an event rule
        e.keep_firing_for: does not belong to an event rule
        e.level: does not belong to an event rule
        e.absent: does not belong to an event rule
        e.event.codes.: the code has 0 characters, not 1 to 64
        e.event.codes.**: has a `*` that is not the last character: only the end of a code can be left open
        e.event.codes.a*b: has a `*` that is not the last character: only the end of a code can be left open
        e.event.codes.rsi: is a table, not a level; a code with a dot stands in quotes: "rsi.707" = "orange"
        e.event.codes.x: `rot` is not one of blue, yellow, orange, red
        e.event.codes.y: is a number, not a text
        e.event.expires_after: is zero: every event would be over at once
        e.event.repeat: unknown key
    "#]]
    .assert_eq(&problems(&text));
    let long = format!("\"{}\" = \"red\"", "ä".repeat(limit::MAX_EVENT_CODE + 1));
    let many: Vec<String> = (0..=limit::MAX_EVENT_CODES).map(|n| format!("c{n} = \"red\"")).collect();
    let mut all = String::new();
    for codes in ["", &*long, &*many.join(", ")] {
        all += &problems(&rule(codes, ""));
    }
    for event in ["3", "{}", "{ codes = [] }"] {
        all += &problems(&ladder("e", &format!("when = {{}}\nevent = {event}")));
    }
    expect![[r"
        road.event.codes: has 0 codes, not 1 to 64
        road.event.codes.äääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää: the code has 65 characters, not 1 to 64
        road.event.codes: has 65 codes, not 1 to 64
        e.event: is a number, not a table
        e.event.codes: is missing
        e.event.codes: is a list, not a table of levels by code
    "]]
    .assert_eq(&all);
    let longest = format!("\"{}\" = \"red\"", "ä".repeat(limit::MAX_EVENT_CODE));
    for codes in [longest, many[1..].join(", ")] {
        assert!(RuleSet::compile(&[("p.toml", &rule(&codes, ""))]).is_ok());
    }
}
