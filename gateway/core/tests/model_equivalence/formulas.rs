//! Random expressions, as text.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use crate::stream::QUANTITIES;

/// What a rule computes: the lines of `when` that say it.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    text: Text,
    pub(crate) truth: bool,
    /// What the names are: the last value of a quantity, or a signal over a window.
    over: [Option<(&'static str, &'static str)>; NAMES.len()],
    within: Option<&'static str>,
}

/// A text, and the names in it.
#[derive(Clone, Debug)]
struct Text {
    text: String,
    names: BTreeSet<usize>,
}

/// The last one is of the first quantity too.
const NAMES: [&str; 4] = ["a", "b", "c", "before"];

impl Text {
    fn of(text: String, parts: &[&Self]) -> Self {
        Self { text, names: parts.iter().flat_map(|p| p.names.iter().copied()).collect() }
    }
}

fn name() -> impl Strategy<Value = Text> {
    let which = prop_oneof![4 => Just(0_usize), 4 => Just(1), 1 => Just(2), 1 => Just(3)];
    which.prop_map(|n| Text { text: NAMES[n].to_owned(), names: BTreeSet::from([n]) })
}

fn number() -> impl Strategy<Value = Text> {
    let numbers = ["0", "1", "2", "7", "30", "0.5", "2.5e1", "1e300"];
    select(numbers.to_vec()).prop_map(|text| Text { text: text.to_owned(), names: BTreeSet::new() })
}

/// A number, of operands of its kind.
fn arithmetic(of: &BoxedStrategy<Text>) -> BoxedStrategy<Text> {
    let two = |of: &BoxedStrategy<Text>| (of.clone(), of.clone());
    let operator = select(vec!["+", "-", "*", "/"]);
    let function = select(vec!["least", "greatest"]);
    prop_oneof![
        3 => (two(of), operator.clone()).prop_map(|((a, b), o)| Text::of(format!("({} {o} {})", a.text, b.text), &[&a, &b])),
        // Without brackets it binds as it binds.
        2 => (two(of), operator).prop_map(|((a, b), o)| Text::of(format!("{} {o} {}", a.text, b.text), &[&a, &b])),
        1 => of.clone().prop_map(|a| Text::of(format!("-({})", a.text), &[&a])),
        1 => (of.clone(), select(vec!["abs", "sqrt"])).prop_map(|(a, f)| Text::of(format!("math.{f}({})", a.text), &[&a])),
        1 => (two(of), function).prop_map(|((a, b), f)| Text::of(format!("math.{f}({}, {}, 9)", a.text, b.text), &[&a, &b])),
        2 => (condition(of.clone()), two(of))
            .prop_map(|(p, (a, b))| Text::of(format!("({} ? {} : {})", p.text, a.text, b.text), &[&p, &a, &b])),
    ]
    .boxed()
}

/// True or false, of numbers.
fn condition(of: BoxedStrategy<Text>) -> BoxedStrategy<Text> {
    let compared = (of.clone(), select(vec!["<", "<=", ">", ">=", "==", "!="]), of)
        .prop_map(|(a, o, b)| Text::of(format!("{} {o} {}", a.text, b.text), &[&a, &b]))
        .boxed();
    prop_oneof![
        4 => compared.clone(),
        1 => compared.clone().prop_map(|a| Text::of(format!("!({})", a.text), &[&a])),
        2 => (compared.clone(), select(vec!["&&", "||", "&&", "||"]), compared.clone())
            .prop_map(|(a, o, b)| Text::of(format!("({} {o} {})", a.text, b.text), &[&a, &b])),
        1 => (compared.clone(), select(vec!["==", "!="]), compared)
            .prop_map(|(a, o, b)| Text::of(format!("(({}) {o} ({}))", a.text, b.text), &[&a, &b])),
    ]
    .boxed()
}

pub(crate) fn formula() -> impl Strategy<Value = Formula> {
    let plain = prop_oneof![4 => name(), 1 => number()].boxed();
    let one = prop_oneof![2 => plain.clone(), 3 => arithmetic(&plain)].boxed();
    let two = prop_oneof![2 => one.clone(), 2 => arithmetic(&one)].boxed();
    let text = prop_oneof![
        4 => (two, Just(false)),
        1 => (condition(one), Just(true)),
    ];
    let signals = ["mean", "min", "max", "sum", "count", "range", "delta", "rate", "percentile", "leq"];
    let windowed = || (select(signals.to_vec()), select(vec!["3s", "20s", "20s", "1m"]));
    let series = || prop_oneof![5 => Just(None), 1 => windowed().prop_map(Some)];
    let over = (series(), series(), series(), windowed()).prop_map(|(a, b, c, before)| [a, b, c, Some(before)]);
    let within = prop_oneof![2 => Just(None), 3 => select(vec!["1s", "20s", "90s", "10m"]).prop_map(Some)];
    (text, over, within)
        .prop_map(|((text, truth), over, within)| Formula { text: named(text, truth), truth, over, within })
        .prop_filter("one text of the language", |f| f.text.text.len() <= 400)
}

/// An expression names something.
fn named(text: Text, truth: bool) -> Text {
    if !text.names.is_empty() {
        return text;
    }
    let more = if truth { "a > 20 ||" } else { "a +" };
    Text { text: format!("{more} {}", text.text), names: BTreeSet::from([0]) }
}

impl Formula {
    /// The keys of `when`.
    pub(crate) fn text(&self) -> String {
        let over: Vec<String> =
            self.text.names.iter().map(|n| format!("{} = {}", NAMES[*n], self.series(*n))).collect();
        let within = self.within.map_or_else(String::new, |within| format!(", within = \"{within}\""));
        format!("expression = \"{}\", over = {{ {} }}{within}", self.text.text, over.join(", "))
    }

    fn series(&self, name: usize) -> String {
        let quantity = QUANTITIES[name % QUANTITIES.len()];
        let Some((signal, window)) = self.over[name] else { return format!("\"{quantity}\"") };
        let more = match signal {
            "percentile" => ", percentile = 40",
            "rate" => ", per = \"1m\"",
            _ => "",
        };
        format!("{{ quantity = \"{quantity}\", signal = \"{signal}\", window = \"{window}\"{more} }}")
    }
}
