//! §5, expressions: the subset of the Common Expression Language that rules are written in, read and evaluated.
//!
//! Read by descent along the grammar of CEL, and evaluated straight over the tree. Sound ones only: what is not panics.

use crate::syntax::{Symbol, Symbols};

/// An expression. `N` is what stands for a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<N> {
    Number(f64),
    Truth(bool),
    Named(N),
    Minus(Box<Self>),
    Not(Box<Self>),
    Two(Two, Box<Self>, Box<Self>),
    Choice(Box<Self>, Box<Self>, Box<Self>),
    Call(Function, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Two {
    Plus,
    Minus,
    Times,
    Over,
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
    Unequal,
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Sqrt,
    Least,
    Greatest,
}

/// What an expression gives, where it is defined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Truth(bool),
}

/// The operators, those that bind less first. All of one line bind alike, from the left.
const BINDING: [&[(&str, Two)]; 5] = [
    &[("||", Two::Or)],
    &[("&&", Two::And)],
    &[
        ("<", Two::Below),
        ("<=", Two::AtMost),
        (">", Two::Above),
        (">=", Two::AtLeast),
        ("==", Two::Equal),
        ("!=", Two::Unequal),
    ],
    &[("+", Two::Plus), ("-", Two::Minus)],
    &[("*", Two::Times), ("/", Two::Over)],
];

/// Reads a text.
pub(crate) fn read(text: &str) -> Tree<String> {
    let mut symbols = Symbols::of(text);
    let tree = choice(&mut symbols);
    assert!(symbols.is_over(), "behind the expression `{text}`");
    tree
}

fn choice(symbols: &mut Symbols) -> Tree<String> {
    let condition = operators(symbols, 0);
    if !symbols.take("?") {
        return condition;
    }
    let yes = operators(symbols, 0);
    symbols.must(":");
    Tree::Choice(condition.into(), yes.into(), choice(symbols).into())
}

fn operators(symbols: &mut Symbols, binding: usize) -> Tree<String> {
    let Some(operators_here) = BINDING.get(binding) else { return unary(symbols) };
    let mut left = operators(symbols, binding + 1);
    while let Some((_, two)) = operators_here.iter().find(|(sign, _)| symbols.take(sign)) {
        left = Tree::Two(*two, left.into(), operators(symbols, binding + 1).into());
    }
    left
}

fn unary(symbols: &mut Symbols) -> Tree<String> {
    if symbols.take("-") {
        return Tree::Minus(unary(symbols).into());
    }
    if symbols.take("!") {
        return Tree::Not(unary(symbols).into());
    }
    if symbols.take("(") {
        let tree = choice(symbols);
        symbols.must(")");
        return tree;
    }
    match symbols.next() {
        Symbol::Number(number) => Tree::Number(number),
        Symbol::Word(word) => match word.as_str() {
            "true" => Tree::Truth(true),
            "false" => Tree::Truth(false),
            "math" => call(symbols),
            _ => Tree::Named(word),
        },
        Symbol::Sign(sign) => panic!("`{sign}` in an expression"),
    }
}

fn call(symbols: &mut Symbols) -> Tree<String> {
    symbols.must(".");
    let function = match symbols.next() {
        Symbol::Word(word) => match word.as_str() {
            "abs" => Function::Abs,
            "sqrt" => Function::Sqrt,
            "least" => Function::Least,
            "greatest" => Function::Greatest,
            _ => panic!("function `{word}`"),
        },
        other => panic!("{other:?} behind `math.`"),
    };
    symbols.must("(");
    let mut operands = vec![choice(symbols)];
    while symbols.take(",") {
        operands.push(choice(symbols));
    }
    symbols.must(")");
    Tree::Call(function, operands)
}

impl<N: Clone> Tree<N> {
    /// The same about other things.
    pub(crate) fn named<M>(&self, of: &impl Fn(&N) -> M) -> Tree<M> {
        let boxed = |tree: &Self| Box::new(tree.named(of));
        match self {
            Self::Number(number) => Tree::Number(*number),
            Self::Truth(truth) => Tree::Truth(*truth),
            Self::Named(name) => Tree::Named(of(name)),
            Self::Minus(a) => Tree::Minus(boxed(a)),
            Self::Not(a) => Tree::Not(boxed(a)),
            Self::Two(two, a, b) => Tree::Two(*two, boxed(a), boxed(b)),
            Self::Choice(p, a, b) => Tree::Choice(boxed(p), boxed(a), boxed(b)),
            Self::Call(function, all) => Tree::Call(*function, all.iter().map(|a| a.named(of)).collect()),
        }
    }

    /// Everything that is named.
    pub(crate) fn names(&self) -> Vec<N> {
        match self {
            Self::Number(_) | Self::Truth(_) => Vec::new(),
            Self::Named(name) => vec![name.clone()],
            Self::Minus(a) | Self::Not(a) => a.names(),
            Self::Two(_, a, b) => [a.names(), b.names()].concat(),
            Self::Choice(p, a, b) => [p.names(), a.names(), b.names()].concat(),
            Self::Call(_, all) => all.iter().flat_map(Self::names).collect(),
        }
    }

    /// What it gives where names have these values. `None`: undefined.
    pub(crate) fn value(&self, of: &impl Fn(&N) -> f64) -> Option<Value> {
        let number = |tree: &Self| tree.value(of).map(Value::number);
        let truth = |tree: &Self| tree.value(of).map(Value::truth);
        let value = match self {
            Self::Number(number) => Value::Number(*number),
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Named(name) => Value::Number(of(name)),
            Self::Minus(a) => Value::Number(-number(a)?),
            Self::Not(a) => Value::Truth(!truth(a)?),
            // What one operand decides the other cannot undo, be it undefined.
            Self::Two(Two::And, a, b) => match (truth(a), truth(b)) {
                (Some(false), _) | (_, Some(false)) => Value::Truth(false),
                (a, b) => Value::Truth(a? && b?),
            },
            Self::Two(Two::Or, a, b) => match (truth(a), truth(b)) {
                (Some(true), _) | (_, Some(true)) => Value::Truth(true),
                (a, b) => Value::Truth(a? || b?),
            },
            Self::Two(two, a, b) => two.value(a.value(of)?, b.value(of)?),
            Self::Choice(p, a, b) => return if truth(p)? { a.value(of) } else { b.value(of) },
            Self::Call(function, all) => {
                let all = all.iter().map(number).collect::<Option<Vec<f64>>>()?;
                Value::Number(function.value(&all))
            }
        };
        let undefined = matches!(value, Value::Number(number) if !number.is_finite());
        (!undefined).then_some(value)
    }
}

impl Two {
    fn value(self, a: Value, b: Value) -> Value {
        match self {
            Self::Plus => Value::Number(a.number() + b.number()),
            Self::Minus => Value::Number(a.number() - b.number()),
            Self::Times => Value::Number(a.number() * b.number()),
            Self::Over => Value::Number(a.number() / b.number()),
            Self::Below => Value::Truth(a.number() < b.number()),
            Self::AtMost => Value::Truth(a.number() <= b.number()),
            Self::Above => Value::Truth(a.number() > b.number()),
            Self::AtLeast => Value::Truth(a.number() >= b.number()),
            // Both of one kind.
            Self::Equal => Value::Truth(a == b),
            Self::Unequal => Value::Truth(a != b),
            Self::And | Self::Or => unreachable!("they take what is undefined"),
        }
    }
}

impl Function {
    fn value(self, all: &[f64]) -> f64 {
        match self {
            Self::Abs => all[0].abs(),
            Self::Sqrt => all[0].sqrt(),
            Self::Least => all.iter().copied().fold(all[0], f64::min),
            Self::Greatest => all.iter().copied().fold(all[0], f64::max),
        }
    }
}

impl Value {
    fn number(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Truth(_) => panic!("a number is not true or false"),
        }
    }

    fn truth(self) -> bool {
        match self {
            Self::Truth(truth) => truth,
            Self::Number(_) => panic!("true or false is not a number"),
        }
    }

    /// True or false count as 1 or 0.
    pub(crate) fn counted(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Truth(truth) => f64::from(u8::from(truth)),
        }
    }
}
