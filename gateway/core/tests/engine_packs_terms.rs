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
            r.any[1].signal: `mood` is not one of last, mean, min, max, sum, count, range, rate, delta, percentile, leq, stuck, baseline
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

fn expression(when: &str, lines: &str) -> String {
    ladder("r", &format!("when = {{ {when} }}\ndirection = \"above\"\n{lines}"))
}

// An expression names its series, by list or by table, in any order; what it computes makes its series.
#[test]
fn expressions_are_read() {
    let compiled = |when: &str| {
        let text = expression(when, "levels = { red = 1 }");
        let set = RuleSet::compile(&[("p.toml", &text)]).unwrap_or_else(|p| panic!("{p:?}"));
        set.rules[0].threshold().expect("a threshold").clone()
    };
    let plain = compiled("expression = \"pm25 / pm10\", over = [\"pm25\", \"pm10\"]");
    let read = plain.expression.as_deref().expect("an expression");
    assert_eq!((read.text.as_str(), read.truth, read.within), ("pm25 / pm10", false, None));
    assert_eq!(read.inputs.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["pm10", "pm25"]);
    assert_eq!((plain.shown(), plain.quantities().count()), (None, 2));
    assert!(plain.quantity.as_str().starts_with("expr_"));
    // The name of the series is written in snapshots: it stays.
    assert_eq!(plain.quantity.as_str(), "expr_2b000b7379d7453c");
    let named =
        compiled("expression = \" a/b\", over = { b = \"pm10\", a = { quantity = \"pm25\" } }, within = \"3m\"");
    let read = named.expression.as_deref().expect("an expression");
    assert_eq!(read.within, Some(Millis::from_secs(180)));
    assert_eq!(named.quantity, plain.quantity, "names and spaces are for people");
    let hour = "a = { quantity = \"pm25\", signal = \"mean\", window = \"1h\" }";
    let others = [
        compiled("expression = \"pm10 / pm25\", over = [\"pm25\", \"pm10\"]"),
        compiled("expression = \"pm25 / no2\", over = [\"pm25\", \"no2\"]"),
        compiled(&format!("expression = \"a / b\", over = {{ b = \"pm10\", {hour} }}")),
        compiled(&format!("expression = \"a / b\", over = {{ b = \"pm10\", {} }}", hour.replace("1h", "2h"))),
        compiled("expression = \"pm25 / pm10 > 0.5\", over = [\"pm25\", \"pm10\"]"),
    ];
    let mut all: Vec<&str> = others.iter().chain([&plain]).map(|t| t.quantity.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);
}

// What is wrong with an expression is told with its key.
#[test]
fn expressions_that_are_wrong() {
    let over = "over = [\"pm25\", \"pm10\"]";
    let red = "levels = { red = 1 }";
    let cases = [
        (
            expression(&format!("expression = \"pm25 / pm1\", {over}"), red),
            "when.expression: has the name `pm1`, which `over` does not give; it gives pm10, pm25",
        ),
        (
            expression(&format!("expression = \"pm25 / pm10\", {over}, quantity = \"pm25\""), red),
            "when.quantity: does not belong to an expression: `over` names its quantities",
        ),
        (expression("expression = \"pm25\"", red), "when.over: is missing"),
        (expression("expression = \"pm25\", over = []", red), "when.over: names 0 series, not 1 to 8"),
        (
            expression("expression = \"pm25\", over = \"pm25\"", red),
            "when.over: is a text, not a list of quantities or a table of names",
        ),
        (expression("expression = \"pm25\", over = [\"pm25\", \"pm25\"]", red), "when.over: names `pm25` twice"),
        (expression("expression = \"dust\", over = [\"dust\"]", red), "when.over.dust: `dust` is not a known quantity"),
        (
            expression("expression = \"aqi_hour_2026\", over = [\"aqi_hour_2026\"]", red),
            "when.over.aqi_hour_2026: `aqi_hour_2026` is worked out, not measured: an expression takes what devices send",
        ),
        (
            expression("expression = \"a\", over = { a = { quantity = \"pm25\", signal = \"mean\" } }", red),
            "when.over.a.window: is missing",
        ),
        (
            expression("expression = \"a\", over = { a = { quantity = \"pm25\", signal = \"stuck\" } }", red),
            "when.over.a.signal: `stuck` cannot be computed with: give it a rule of its own",
        ),
        (
            expression("expression = \"a\", over = { a = { quantity = \"pm25\", of = 1 } }", red),
            "when.over.a.of: unknown key",
        ),
        (
            expression("expression = \"math\", over = { math = \"pm25\" }", red),
            "when.over.math: is not a name: a-z first, then a-z, 0-9 and _, at most 40, and no word of the language",
        ),
        (expression("quantity = \"pm25\", within = \"1m\"", red), "when.within: belongs to an `expression`"),
        (
            expression(&format!("expression = \"pm25 > pm10\", {over}"), "levels = { blue = 0.5, red = 1 }"),
            "levels: the expression is true or false, which count as 1 and 0: write one level with the limit 1, direction above",
        ),
        (
            expression(&format!("expression = \"pm25 > pm10\", {over}"), "levels = { blue = 2 }"),
            "levels: the expression is true or false, which count as 1 and 0: write one level with the limit 1, direction above",
        ),
        (
            expression(
                &format!("expression = \"pm25 - pm10\", {over}"),
                "signal = \"percentile\"\npercentile = 90\nwindow = \"1h\"\nlevels = { blue = 2 }",
            ),
            "signal: `percentile` needs the plausible range of a quantity, which a result has not",
        ),
        (
            ladder(
                "r",
                &format!(
                    "when = {{ expression = \"pm25 - pm10\", {over} }}\nabsent = {{ intervals = 3 }}\nlevel = \"red\""
                ),
            ),
            "when.expression: does not belong to a rule with `absent`",
        ),
    ];
    for (text, wanted) in cases {
        let found = RuleSet::compile(&[("p.toml", &text)]).expect_err(&text);
        let found: Vec<String> = found.iter().map(Problem::to_string).collect();
        assert_eq!(found, [format!("r.{wanted}")], "{text}");
    }
    let many: String = (0..65)
        .map(|n| {
            expression(&format!("expression = \"pm25 - pm10\", {over}"), red).replace("\"r\"", &format!("\"r{n}\""))
        })
        .collect();
    let found = RuleSet::compile(&[("p.toml", &many)]).expect_err("too many");
    assert_eq!(found.iter().map(Problem::to_string).collect::<Vec<_>>(), ["p.toml: r64.id: more than 64 expressions"]);
}

// A baseline has weeks and a floor, and no window; both belong to it alone.
#[test]
fn baselines() {
    let text = rule("signal = \"baseline\"\nfloor = 0.5\ndirection = \"outside\"\nlevels = { red = [-5, 5] }");
    let set = RuleSet::compile(&[("p.toml", &text)]).unwrap_or_else(|p| panic!("{p:?}"));
    let [term] = set.rules[0].threshold().expect("a threshold").first() else { panic!("one term") };
    assert_eq!((term.signal, term.window), (Signal::Baseline { weeks: 3, floor: 0.5 }, Millis::ZERO));
    let wrong = |lines: &str| {
        let text = rule(&format!("{lines}\ndirection = \"above\"\nlevels = {{ red = 5 }}"));
        let found = RuleSet::compile(&[("p.toml", &text)]).expect_err(lines);
        found.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(wrong("signal = \"baseline\"\nweeks = 53"), "r.weeks: is not a whole number from 1 to 52");
    assert_eq!(wrong("signal = \"baseline\"\nfloor = -1"), "r.floor: is below 0");
    assert_eq!(wrong("signal = \"baseline\"\nwindow = \"1h\""), "r.window: does not belong to the signal `baseline`");
    assert_eq!(wrong("floor = 1"), "r.floor: belongs to the signal `baseline`");
}
