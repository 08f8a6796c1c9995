//! Rule packs at their bounds: what is just in compiles, and what is just out is told.

mod engine_world;

use engine_world::{absent, depth, ladder};
use expect_test::{Expect, expect};
use maibo_core::rule::{Problem, RuleSet};

fn lines(found: Vec<Problem>) -> String {
    found.into_iter().fold(String::new(), |text, p| text + &p.to_string() + "\n")
}

#[track_caller]
fn check(pack: &str, want: &Expect) {
    want.assert_eq(&lines(RuleSet::compile(&[("p.toml", pack)]).expect_err("problems")));
}

// P8: words have an end.
#[test]
fn a_text_too_long() {
    let long = |n: usize| depth("").replace("\"b\"", &format!("\"{}\"", "b".repeat(n)));
    let most = maibo_core::limit::MAX_TEXT;
    assert!(RuleSet::compile(&[("p.toml", &long(most))]).is_ok());
    check(
        &long(most + 1),
        &expect![[r"
        depth.advice.en: is longer than 400 characters
    "]],
    );
}

// Limits that do not climb are none, also where they are alike, and in every period that has its own.
#[test]
fn limits_that_do_not_climb() {
    let with = |levels: &str, more: &str| {
        let when = "when = { quantity = \"water_depth\" }\ndirection";
        ladder("r", &format!("{when} = \"above\"\nlevels = {{ {levels} }}\n{more}"))
    };
    check(
        &with("blue = 10, yellow = 10", ""),
        &expect![[r"
        r.levels.yellow: does not lie further out than blue
    "]],
    );
    let day = "[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n";
    let night = "[[rule.during]]\nname = \"night\"\nhours = \"22:00-06:00\"\nlevels = { blue = 10, yellow = 9 }\n";
    check(
        &with("blue = 10, yellow = 20", &format!("{day}{night}")),
        &expect![[r"
        r.during[1].levels.yellow: does not lie further out than blue
    "]],
    );
    let night = night.replace("yellow = 9", "yellow = 30");
    check(
        &with("blue = 10, yellow = 9", &format!("{night}{day}")),
        &expect![[r"
        r.levels.yellow: does not lie further out than blue
    "]],
    );
    let band = "when = { quantity = \"temperature\" }\ndirection = \"outside\"\n";
    let alike = ladder("r", &format!("{band}levels = {{ blue = [10, 20], yellow = [5, 20] }}"));
    check(
        &alike,
        &expect![[r"
        r.levels.yellow: does not lie further out than blue
    "]],
    );
}

// A list of devices has somebody on it, and not everybody.
#[test]
fn lists_of_devices() {
    let with = |n: usize| {
        let ids: Vec<String> = (0..n).map(|i| format!("\"d{i}\"")).collect();
        depth("").replace("kind = \"k\"", &format!("devices = [{}]", ids.join(", ")))
    };
    let most = maibo_core::limit::MAX_LISTED_DEVICES;
    assert!(RuleSet::compile(&[("p.toml", &with(most))]).is_ok());
    check(
        &with(0),
        &expect![[r"
        depth.when.devices: has 0 entries, not 1 to 10000
    "]],
    );
    check(
        &with(most + 1),
        &expect![[r"
        depth.when.devices: has 10001 entries, not 1 to 10000
    "]],
    );
}

// A rule that takes another number of a series judges something else: an edit of a parameter begins anew.
#[test]
fn numbers_of_one_series() {
    let with = |signal: &str| {
        let over = format!("{{ a = {{ quantity = \"temperature\", signal = {signal}, window = \"1m\" }} }}");
        let when = format!("when = {{ expression = \"a * 2\", over = {over} }}");
        let text = ladder("r", &format!("{when}\ndirection = \"above\"\nlevels = {{ blue = 10 }}"));
        let set = RuleSet::compile(&[("p.toml", &text)]).unwrap_or_else(|p| panic!("{}", lines(p)));
        set.rules[0].threshold().expect("a threshold").clone()
    };
    let half = with("\"percentile\", percentile = 50");
    let (again, most) = (with("\"percentile\", percentile = 50"), with("\"percentile\", percentile = 90"));
    assert!(half.same_signal(&again) && !half.same_signal(&most));
    // Nor do two rules share the series of their results.
    assert!(half.quantity == again.quantity && half.quantity != most.quantity);
    let rate = |per: &str| with(&format!("\"rate\", per = \"{per}\""));
    assert!(rate("1m").same_signal(&rate("60s")) && !rate("1m").same_signal(&rate("1h")));
}

// What is at a bound is within it.
#[test]
fn bounds_are_in() {
    let good = |text: &str| RuleSet::compile(&[("p.toml", text)]).map_err(lines);
    let named = |n: usize| format!("[[rule.during]]\nname = \"{}\"\nhours = \"06:00-22:00\"\n", "a".repeat(n));
    assert_eq!(good(&depth(&named(32))).err(), None);
    assert!(good(&depth(&named(32 + 1))).is_err());
    let wait = |seconds: i64| {
        let inhibit = "[[inhibit]]\nid = \"i\"\nparent = \"depth\"\nchildren = [\"silent\"]\nwithin = \"street\"\nwait";
        depth("") + &absent() + &format!("\n{inhibit} = \"{seconds}s\"\n")
    };
    let most = maibo_core::limit::MAX_INHIBIT_WAIT.0 / 1000;
    assert_eq!(good(&wait(most)).err(), None);
    assert!(good(&wait(most + 1)).is_err());
}
