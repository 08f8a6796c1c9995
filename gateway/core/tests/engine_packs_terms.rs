//! Packs with signals, windows, several terms and periods: what is read, and what is wrong in words.

mod engine_world;

use engine_world::{catalogue, ladder};
use expect_test::{Expect, expect};
use maibo_core::place::Level;
use maibo_core::registry::{Catalogue, misfits};
use maibo_core::rule::{Bound, Direction, Problem, RuleSet, Signal};
use maibo_core::time::Millis;

fn rule(lines: &str) -> String {
    ladder("r", &format!("when = {{ quantity = \"water_depth\" }}\n{lines}"))
}

fn check(text: &str, want: &Expect) {
    let found = RuleSet::compile(&[("p.toml", text)]).expect_err("problems");
    want.assert_eq(&found.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"));
}

// A term has what it says, and what it does not say from the rule.
#[test]
fn terms_are_read() {
    let text = rule(
        "direction = \"above\"\ndeadband = 1\nfor = { orange = \"1m\", red = \"0s\" }\nany = [\n\
         { signal = \"sum\", window = \"1h\", levels = { orange = 70, red = 100 } },\n\
         { signal = \"percentile\", percentile = 90, window = \"6h\", direction = \"below\", deadband = 2, levels = { red = 5 } },\n\
         { signal = \"rate\", per = \"1m\", window = \"10m\", levels = { red = 3 } },\n\
         { signal = \"stuck\", tolerance = 0.5, levels = { orange = 3600 } } ]\n",
    );
    let set = RuleSet::compile(&[("p.toml", &text)]).unwrap_or_else(|p| panic!("{p:?}"));
    let [sum, low, rising, stuck] = set.rules[0].threshold().expect("a threshold").first() else {
        panic!("four terms")
    };
    assert_eq!((sum.signal, sum.window, sum.direction), (Signal::Sum, Millis::from_secs(3600), Direction::Above));
    assert_eq!(sum.steps[0].hold, Millis::from_secs(60));
    assert_eq!((low.signal, low.direction, low.deadband), (Signal::Percentile(90), Direction::Below, 2.0));
    assert_eq!(rising.signal, Signal::Rate { per: Millis::from_secs(60) });
    assert_eq!((stuck.signal, stuck.window), (Signal::Stuck { tolerance: 0.5 }, Millis::ZERO));
    assert_eq!(stuck.steps[0].bound, Bound::Value(3600.0));
}

// Every key where it belongs, and all problems at once.
#[test]
fn terms_that_are_wrong() {
    check(
        &rule(
            "signal = \"mean\"\nlevels = { red = 5 }\nany = [ { levels = { red = 5 } }, { signal = \"mood\", window = \"1h\", levels = {} },\
             { signal = \"mean\", direction = \"above\", levels = { red = 5 }, colour = 1 },\
             { signal = \"last\", window = \"1h\", percentile = 5, direction = \"above\", levels = { red = 5 } } ]\ndecimals = 9",
        ),
        &expect![[r"
            r.signal: belongs to the terms below `any`
            r.levels: belongs to the terms below `any`
            r.any[0].direction: is missing, here or in the rule
            r.any[1].direction: is missing, here or in the rule
            r.any[1].signal: `mood` is not one of last, mean, min, max, sum, count, range, rate, delta, percentile, leq, stuck
            r.any[2].window: is missing
            r.any[2].colour: unknown key
            r.any[3].percentile: belongs to the signal `percentile`
            r.any[3].window: does not belong to the signal `last`
            r.decimals: is not a whole number from 0 to 6"]],
    );
    check(&rule("direction = \"above\"\nany = []"), &expect!["r.any: has 0 terms, not 1 to 4"]);
    check(
        &rule("direction = \"above\"\nlevels = { red = 5 }\nsignal = \"sum\"\nwindow = \"10ms\"\nper = \"1h\""),
        &expect![[r"
            r.per: belongs to the signal `rate`
            r.window: is shorter than 1 s"]],
    );
    check(
        &rule(
            "direction = \"above\"\nlevels = { red = 5 }\nsignal = \"percentile\"\nwindow = \"1h\"\npercentile = 100",
        ),
        &expect!["r.percentile: is not a whole number from 1 to 99"],
    );
    check(
        &rule("direction = \"above\"\nlevels = { red = 5 }\nsignal = \"stuck\"\ntolerance = -1"),
        &expect!["r.tolerance: is below 0"],
    );
}

// Periods have limits of their own, or the rule's; a level must climb in each.
#[test]
fn periods_are_read() {
    let day = "[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n";
    let night = "[[rule.during]]\nname = \"night\"\nhours = \"22:00-06:00\"\n";
    let text = rule(&format!("direction = \"above\"\n{day}levels = {{ red = 60 }}\n{night}levels = {{ red = 50 }}\n"));
    let set = RuleSet::compile(&[("p.toml", &text)]).unwrap_or_else(|p| panic!("{p:?}"));
    let threshold = set.rules[0].threshold().expect("a threshold");
    let limits: Vec<Bound> = threshold.periods.iter().map(|terms| terms[0].steps[0].bound).collect();
    assert_eq!(limits, [Bound::Value(60.0), Bound::Value(50.0)]);
    check(
        &rule(&format!("direction = \"above\"\n{day}{night}levels = {{ blue = 50, red = 40 }}\n")),
        &expect!["r.during[0].levels: is missing, here or in the rule"],
    );
    check(
        &rule(&format!(
            "direction = \"above\"\nany = [ {{ levels = {{ red = 60 }} }}, {{ signal = \"max\", window = \"1h\", levels = {{ red = 60 }} }} ]\n{day}levels = {{ red = 60 }}\n"
        )),
        &expect!["r.during[0].levels: belongs to rules with one term"],
    );
}

// An absence rule has nothing of a threshold.
#[test]
fn an_absence_has_no_window() {
    let text = ladder(
        "r",
        "when = { kind = \"k\" }\nabsent = { intervals = 3 }\nlevel = \"blue\"\nwindow = \"1h\"\nzone = \"UTC\"",
    );
    check(
        &text,
        &expect![[r"
        r.window: does not belong to an absence rule
        r.zone: does not belong to an absence rule"]],
    );
}

// Limits of one device are read from the catalogue; what cannot be read is told with its line.
#[test]
fn limits_of_devices() {
    let text = catalogue(&[("d", "10s")]).replace("interval\n", "interval,limits\n");
    let good = text.replace("10s\n", "10s,a=red:5 blue:1.5;b=yellow:-3\n");
    let catalogue = Catalogue::parse(&good).unwrap_or_else(|p| panic!("{p:?}"));
    let limits: Vec<_> = catalogue.devices()[0].limits.iter().map(|(rule, l)| (rule.as_str(), l.clone())).collect();
    assert_eq!(limits, [("a", vec![(Level::Red, 5.0), (Level::Blue, 1.5)]), ("b", vec![(Level::Yellow, -3.0)])]);
    for bad in ["a", "a=", "a=red", "a=pink:5", "a=red:x", "a=red:inf", "=red:5", "a=red:5;a=red:6"] {
        let found = Catalogue::parse(&text.replace("10s\n", &format!("10s,{bad}\n"))).expect_err(bad);
        assert!(found.len() == 1 && found[0].path == "line 2", "{bad}: {found:?}");
    }
}

// Limits of devices that fit no rule are told with device and rule, so that nobody counts on them.
#[test]
fn limits_that_fit_no_rule() {
    let several = "direction = \"above\"\nany = [ { levels = { red = 5 } }, { signal = \"max\", window = \"1h\", levels = { red = 9 } } ]";
    let rules = rule("direction = \"above\"\nlevels = { yellow = 20, red = 40 }")
        + &ladder("two", &format!("when = {{ quantity = \"water_depth\" }}\n{several}"))
        + &ladder(
            "far",
            "when = { quantity = \"water_depth\", kind = \"z\" }\ndirection = \"above\"\nlevels = { red = 1 }",
        )
        + &ladder("silent", "when = { kind = \"k\" }\nabsent = { intervals = 3 }\nlevel = \"blue\"");
    let rules = RuleSet::compile(&[("p.toml", &rules)]).unwrap_or_else(|p| panic!("{p:?}"));
    let text = catalogue(&[("d", "10s")]).replace("interval\n", "interval,limits\n");
    let limits = "10s,r=yellow:50;two=red:1;far=red:1;silent=blue:1;none=red:1\ne,k,,110105003,traffic,10s,r=blue:1\nf,k,,110105003,traffic,10s,r=red:30\n";
    let catalogue = Catalogue::parse(&text.replace("10s\n", limits)).unwrap_or_else(|p| panic!("{p:?}"));
    let found: Vec<String> = misfits(&rules, &catalogue).iter().map(Problem::to_string).collect();
    expect![[r"
        d.limits.far: the rule is not about this device
        d.limits.none: there is no such rule
        d.limits.r: the rule has a limit at red that would not lie further out than the one before
        d.limits.silent: the rule has no limits
        d.limits.two: the rule has several terms, and the limits of a device would be of one
        e.limits.r: the rule has no level blue"]]
    .assert_eq(&found.join("\n"));
}
