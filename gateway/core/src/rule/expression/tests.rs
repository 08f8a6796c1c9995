//! What is compiled says what the language says: every operator against plain arithmetic, any tree against a naive
//! evaluation and against the interpreter of the language's own crate.

#![allow(clippy::float_cmp, reason = "the language compares numbers as they are")]

use proptest::prelude::*;
use smol_str::SmolStr;

use super::lower;
use crate::limit;

fn names(names: &[&str]) -> Vec<SmolStr> {
    names.iter().map(|n| SmolStr::from(*n)).collect()
}

/// The result for `a`, `b` and `c`, as far as the text names them.
fn result(text: &str, values: &[f64]) -> Option<f64> {
    let names = names(&["a", "b", "c"][..values.len()]);
    lower(text, &names).unwrap_or_else(|e| panic!("{text}: {e}")).0.run(values)
}

// P: every operator is plain arithmetic of floating point, with the precedence of the language.
#[test]
fn operators() {
    for (a, b) in [(6.0, 4.0), (-3.5, 2.0), (0.0, 7.25), (1e9, 1e-3), (2.0, 2.0), (-0.0, 5.0)] {
        let truth = |t: bool| Some(f64::from(u8::from(t)));
        let all: [(&str, Option<f64>); 17] = [
            ("a + b", Some(a + b)),
            ("a - b", Some(a - b)),
            ("a * b", Some(a * b)),
            ("a / b", Some(a / b)),
            ("-a + b", Some(-a + b)),
            ("a < b", truth(a < b)),
            ("a <= b", truth(a <= b)),
            ("a > b", truth(a > b)),
            ("a >= b", truth(a >= b)),
            ("a == b", truth(a == b)),
            ("a != b", truth(a != b)),
            ("math.least(a, b)", Some(a.min(b))),
            ("math.greatest(a, b, 5)", Some(a.max(b).max(5.0))),
            ("math.abs(a) + math.sqrt(b)", Some(a.abs() + b.sqrt())),
            ("a > 1 ? a : b", Some(if a > 1.0 { a } else { b })),
            ("!(a > b) && b > 3 || a == 2", truth(a <= b && b > 3.0 || a == 2.0)),
            ("a - b - 1 + 2 * a / 4", Some(a - b - 1.0 + 2.0 * a / 4.0)),
        ];
        for (text, wanted) in all {
            assert_eq!(result(text, &[a, b]), wanted, "{text} of {a} and {b}");
        }
    }
    assert_eq!(result("a * (2 + 3) == 5 * a", &[7.0]), Some(1.0));
    // Whole numbers are numbers like the others.
    assert_eq!(result("7 / 2 * a", &[1.0]), Some(3.5));
}

// P: what is undefined is no value, and neither is what is made of it; what does not depend on it is.
#[test]
fn undefined() {
    for text in [
        "a / 0",
        "0 / a",
        "math.sqrt(a - 1)",
        "a / 0 > 1 || a > 1",
        "!(a / a > 1)",
        "a / a == a / a",
        "math.least(1, 1 / a)",
        "math.greatest(1 / a, 1)",
        "(1 / a > 2) ? 1 : 2",
        "-(1 / a)",
        "math.abs(1 / a)",
        "a / a != 1",
        "1e308 * 1e308 + a",
    ] {
        assert_eq!(result(text, &[0.0]), None, "{text}");
    }
    assert_eq!(result("a != 0 ? 1 / a : 0", &[0.0]), Some(0.0));
    assert_eq!(result("a != 0 && 1 / a > 2", &[0.0]), Some(0.0));
    assert_eq!(result("1 / a > 2 && a != 0", &[0.0]), Some(0.0));
    assert_eq!(result("1 / a > 2 || a == 0", &[0.0]), Some(1.0));
    assert_eq!(result("a", &[f64::NAN]), None);
}

// P: what is not arithmetic is told as such, with what to write instead.
#[test]
fn refused() {
    let long = ["(a + a + a + a + a + a + a + a + a + a)"; 8].join(" * ");
    let deep = format!("a{}", " + a".repeat(40));
    let open = format!("{}a{}", "(".repeat(33), ")".repeat(33));
    let choice = format!("{}a{}", "a + (a > 1 ? a : ".repeat(12), ")".repeat(12));
    let all = [
        ("", "does not parse"),
        ("a +", "does not parse at character 4"),
        ("a b", "does not parse"),
        ("(a", "does not parse"),
        ("x + a", "has the name `x`, which `over` does not give; it gives a"),
        ("1 + 2", "does not use `a`"),
        ("a + true", "gives `+` an operand that is true or false, not a number; write `x ? 1 : 0` to count it"),
        ("a && a > 1", "gives `&&` an operand that is a number, not true or false"),
        ("!a", "gives `!` an operand that is a number"),
        ("!!a", "has `!!`"),
        ("a ? 1 : 2", "gives `?` an operand that is a number"),
        ("a > 1 ? 1 : a > 2", "gives `:` an operand that is true or false"),
        ("a == (a > 1)", "gives `==` an operand that is true or false"),
        ("a < a < a", "gives `<` an operand that is true or false"),
        ("a == \"x\"", "texts are not compared"),
        ("a % 2", "there is no remainder"),
        ("[a].all(x, x > 1)", "no lists and maps"),
        ("a.all(x, x > 1)", "has a macro that loops"),
        ("a.exists(x, x > 1)", "has a macro that loops"),
        ("has(a.b)", "has the macro `has`"),
        ("a.b + 1", "takes the part `.b`"),
        ("a in a", "has the operator `in`"),
        ("a.matches(a)", "calls `.matches()`"),
        ("matches(a, a)", "compares with a pattern"),
        ("timestamp(a)", "knows no time"),
        ("duration(a)", "knows no time"),
        ("size(a)", "calls `size`"),
        ("double(a)", "calls `double`"),
        ("math.ln(a)", "calls `math.ln`; there are math.abs"),
        ("math.least(a)", "takes two or more numbers"),
        ("math.abs(a, a)", "takes one number"),
        ("math.abs()", "takes one number"),
        ("a + null", "has `null`"),
        ("a + 1u", "without the u"),
        ("a + 9007199254740993", "more than 2^53"),
        ("a + 1e999", "does not parse"),
        ("a + b'x'", "texts are not compared"),
        ("a; a", "it is no part of an expression"),
        (long.as_str(), "has more than 128 numbers"),
        (deep.as_str(), "is nested deeper than 32"),
        (open.as_str(), "more than 32 brackets"),
        (choice.as_str(), "holds more than 32 values"),
    ];
    for (text, wanted) in all {
        let found = lower(text, &names(&["a"])).map(|_| ()).expect_err(text);
        assert!(found.contains(wanted), "{text}: {found}");
        assert!(!found.contains('\n'), "one line: {found}");
    }
}

/// A tree, made without the parser.
#[derive(Clone, Debug)]
enum Tree {
    Number(f64),
    Input(usize),
    One(&'static str, Box<Tree>),
    Two(&'static str, Box<Tree>, Box<Tree>),
    Choice(Box<Tree>, Box<Tree>, Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Number(n) => format!("{n:?}"),
            Self::Input(i) => ["a", "b", "c"][*i].to_owned(),
            Self::One(name, a) if name.starts_with("math") => format!("{name}({})", a.text()),
            Self::One(sign, a) => format!("{sign}({})", a.text()),
            Self::Two(name, a, b) if name.starts_with("math") => format!("{name}({}, {})", a.text(), b.text()),
            Self::Two(sign, a, b) => format!("({} {sign} {})", a.text(), b.text()),
            Self::Choice(a, b, c) => format!("({} ? {} : {})", a.text(), b.text(), c.text()),
        }
    }

    fn uses(&self, input: usize) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Input(i) => *i == input,
            Self::One(_, a) => a.uses(input),
            Self::Two(_, a, b) => a.uses(input) || b.uses(input),
            Self::Choice(a, b, c) => a.uses(input) || b.uses(input) || c.uses(input),
        }
    }

    /// The result by the book; true is 1. `None` where it is undefined.
    fn value(&self, inputs: &[f64]) -> Option<f64> {
        let truth = |t: bool| Some(f64::from(u8::from(t)));
        let value = match self {
            Self::Number(n) => Some(*n),
            Self::Input(i) => Some(inputs[*i]),
            Self::One("-", a) => a.value(inputs).map(|a| -a),
            Self::One("!", a) => a.value(inputs).and_then(|a| truth(a == 0.0)),
            Self::One("math.abs", a) => a.value(inputs).map(f64::abs),
            Self::One(_, a) => a.value(inputs).map(f64::sqrt),
            Self::Two("&&", a, b) => match (a.value(inputs), b.value(inputs)) {
                (Some(0.0), _) | (_, Some(0.0)) => Some(0.0),
                (Some(_), Some(_)) => Some(1.0),
                _ => None,
            },
            Self::Two("||", a, b) => match (a.value(inputs), b.value(inputs)) {
                (Some(1.0), _) | (_, Some(1.0)) => Some(1.0),
                (Some(_), Some(_)) => Some(0.0),
                _ => None,
            },
            Self::Two(name, a, b) => {
                let (a, b) = (a.value(inputs)?, b.value(inputs)?);
                match *name {
                    "+" => Some(a + b),
                    "-" => Some(a - b),
                    "*" => Some(a * b),
                    "/" => Some(a / b),
                    "<" => truth(a < b),
                    "<=" => truth(a <= b),
                    ">" => truth(a > b),
                    ">=" => truth(a >= b),
                    "==" => truth(a == b),
                    "!=" => truth(a != b),
                    "math.least" => Some(if b < a { b } else { a }),
                    _ => Some(if b > a { b } else { a }),
                }
            }
            Self::Choice(a, b, c) => match a.value(inputs)? {
                0.0 => c.value(inputs),
                _ => b.value(inputs),
            },
        };
        value.filter(|v| v.is_finite())
    }
}

/// Trees that give numbers and trees that give true or false, of a depth.
fn trees(depth: u32) -> (BoxedStrategy<Tree>, BoxedStrategy<Tree>) {
    let value = prop_oneof![Just(0.0), Just(1.0), Just(2.5), Just(1e200), 0.0..100.0_f64];
    let leaf = prop_oneof![3 => (0..3_usize).prop_map(Tree::Input), 2 => value.prop_map(Tree::Number)].boxed();
    let one = |names: &'static [&'static str], of: BoxedStrategy<Tree>| {
        (proptest::sample::select(names), of).prop_map(|(name, a)| Tree::One(name, Box::new(a)))
    };
    let two = |names: &'static [&'static str], of: BoxedStrategy<Tree>| {
        (proptest::sample::select(names), of.clone(), of)
            .prop_map(|(name, a, b)| Tree::Two(name, Box::new(a), Box::new(b)))
    };
    let choice = |truth: BoxedStrategy<Tree>, of: BoxedStrategy<Tree>| {
        (truth, of.clone(), of).prop_map(|(a, b, c)| Tree::Choice(Box::new(a), Box::new(b), Box::new(c)))
    };
    let mut number = leaf;
    let mut truth = two(&["<", "<=", ">", ">=", "==", "!="], number.clone()).boxed();
    for _ in 0..depth {
        let numbers = prop_oneof![
            2 => number.clone(),
            4 => two(&["+", "-", "*", "/", "math.least", "math.greatest"], number.clone()),
            1 => one(&["-", "math.abs", "math.sqrt"], number.clone()),
            1 => choice(truth.clone(), number.clone()),
        ];
        let truths = prop_oneof![
            2 => truth.clone(),
            3 => two(&["<", "<=", ">", ">=", "==", "!="], number.clone()),
            3 => two(&["&&", "||"], truth.clone()),
            1 => two(&["==", "!="], truth.clone()),
            1 => choice(truth.clone(), truth.clone()),
        ];
        (number, truth) = (numbers.boxed(), truths.boxed());
    }
    (number, truth)
}

/// What the language's own crate says; `None` for an error.
fn interpreted(text: &str, values: [f64; 3]) -> Option<f64> {
    let program = cel::Program::compile(text).expect("it parsed before");
    let mut context = cel::Context::default();
    for (name, value) in ["a", "b", "c"].into_iter().zip(values) {
        context.add_variable_from_value(name, value);
    }
    match program.execute(&context).ok()? {
        cel::Value::Float(value) => Some(value),
        cel::Value::Bool(value) => Some(f64::from(u8::from(value))),
        other => panic!("{text} is {other:?}"),
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-1.0), -100.0..100.0_f64, Just(1e300)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    // P: any tree within the bounds gives what a naive evaluation gives, to the bit; and where it gives anything, what the
    // language's own interpreter gives.
    #[test]
    fn a_program_says_what_its_tree_says(
        tree in prop_oneof![trees(3).0, trees(3).1],
        values in (value(), value(), value()).prop_map(|(a, b, c)| [a, b, c]),
    ) {
        let text = tree.text();
        // An input that is not used is a mistake of a pack.
        let named: Vec<usize> = (0..3).filter(|i| tree.uses(*i)).collect();
        let used: Vec<SmolStr> = named.iter().map(|i| SmolStr::from(["a", "b", "c"][*i])).collect();
        let given: Vec<f64> = named.iter().map(|i| values[*i]).collect();
        let program = match lower(&text, &used) {
            Err(problem) if problem.starts_with("has more than") => return Ok(()),
            other => other.unwrap_or_else(|e| panic!("{text}: {e}")).0,
        };
        let found = program.run(&given);
        prop_assert_eq!(found.map(f64::to_bits), tree.value(&values).map(f64::to_bits), "{}", &text);
        if let Some(found) = found.filter(|_| !text.contains("math")) {
            prop_assert_eq!(interpreted(&text, values), Some(found), "{}", &text);
        }
    }

    // P: whatever stands in a pack, it is compiled within the bounds or refused in one line; nothing panics.
    #[test]
    fn any_text_is_compiled_or_refused(
        text in prop_oneof![
            "[abc0-9 .()+*/<>=!&|?:,x_-]{0,60}",
            "\\PC{0,40}",
            proptest::collection::vec(
                proptest::sample::select(vec!["a", "b", "(", ")", "+", "-", "*", "/", ">", "<=", "==", "&&", "||", "?", ":",
                    "!", "1", "2.5", "math.abs(", "math.least(", ",", " in ", ".", "a.all(x, ", "has("]), 0..60)
                .prop_map(|parts| parts.concat()),
        ]
    ) {
        let names = names(&["a", "b"]);
        match lower(&text, &names) {
            Ok((program, _)) => {
                prop_assert!(program.canonical().lines().count() <= limit::MAX_NODES);
                let _ = program.run(&[1.0, 2.0]);
            }
            Err(problem) => prop_assert!(!problem.is_empty() && !problem.contains('\n'), "{}", problem),
        }
    }
}
