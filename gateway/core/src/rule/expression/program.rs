//! What an expression is compiled to: instructions on a stack of numbers.
//!
//! **Undefined.** What is not a finite number (a division by zero, the root of a negative number, an overflow) is
//! undefined, and so is what is made of it, but for what does not depend on it: `false && x`, `true || x` and the branch
//! of a choice that is not taken. That is how the language treats errors. On the stack it is NaN. True and false are 1
//! and 0.

use crate::limit::MAX_STACK;

/// One instruction. Operands are taken from the stack, the last one on top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::rule) enum Op {
    /// A finite number.
    Push(f64),
    /// The value of an input, by its place.
    Load(u8),
    /// `-a`
    Negate,
    /// `!a`
    Not,
    /// `math.abs(a)`
    Abs,
    /// `math.sqrt(a)`
    Sqrt,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `math.least(a, b)`
    Least,
    /// `math.greatest(a, b)`
    Greatest,
    /// `a < b`
    Less,
    /// `a <= b`
    AtMost,
    /// `a > b`
    Greater,
    /// `a >= b`
    AtLeast,
    /// `a == b`
    Equal,
    /// `a != b`
    Unequal,
    /// `a && b`
    And,
    /// `a || b`
    Or,
    /// `a ? b : c`
    Choose,
}

impl Op {
    const fn word(self) -> &'static str {
        match self {
            Self::Push(_) => "push",
            Self::Load(_) => "load",
            Self::Negate => "negate",
            Self::Not => "not",
            Self::Abs => "abs",
            Self::Sqrt => "sqrt",
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Least => "least",
            Self::Greatest => "greatest",
            Self::Less => "less",
            Self::AtMost => "at most",
            Self::Greater => "greater",
            Self::AtLeast => "at least",
            Self::Equal => "equal",
            Self::Unequal => "unequal",
            Self::And => "and",
            Self::Or => "or",
            Self::Choose => "choose",
        }
    }

    /// How many values it takes from the stack. It puts one back.
    pub(in crate::rule) const fn operands(self) -> usize {
        match self {
            Self::Push(_) | Self::Load(_) => 0,
            Self::Negate | Self::Not | Self::Abs | Self::Sqrt => 1,
            Self::Choose => 3,
            _ => 2,
        }
    }
}

/// A compiled expression. One evaluation costs as many steps as it has instructions, and allocates nothing.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rule) struct Program(Vec<Op>);

impl Program {
    /// A program that leaves one value and holds no more than [`MAX_STACK`] at any time. `None` for any other.
    pub(super) fn new(ops: Vec<Op>) -> Option<Self> {
        let mut height = 0_usize;
        for op in &ops {
            height = height.checked_sub(op.operands())? + 1;
            if height > MAX_STACK {
                return None;
            }
        }
        (height == 1).then_some(Self(ops))
    }

    /// Its instructions as text, the same in every version of Maibo: the name of the results is made of it.
    pub(super) fn canonical(&self) -> String {
        let word = |op: &Op| match *op {
            Op::Push(value) => format!("push {:016x}\n", value.to_bits()),
            Op::Load(n) => format!("load {n}\n"),
            other => format!("{}\n", other.word()),
        };
        self.0.iter().map(word).collect()
    }

    /// The result for these inputs; `None` where it is undefined. An input that is missing is undefined.
    pub(in crate::rule) fn run(&self, inputs: &[f64]) -> Option<f64> {
        let mut stack = [f64::NAN; MAX_STACK];
        let mut top = 0_usize;
        for op in &self.0 {
            // Built so that it is never lower than the operands, nor higher than the stack.
            let base = top.saturating_sub(op.operands());
            let at = |n: usize| stack.get(base + n).copied().unwrap_or(f64::NAN);
            let value = apply(*op, [at(0), at(1), at(2)], inputs);
            if let Some(slot) = stack.get_mut(base) {
                *slot = if value.is_finite() { value } else { f64::NAN };
            }
            top = base + 1;
        }
        Some(stack[0]).filter(|v| v.is_finite())
    }
}

#[allow(clippy::float_cmp, reason = "the language compares numbers as they are, and true is 1")]
fn apply(op: Op, [a, b, c]: [f64; 3], inputs: &[f64]) -> f64 {
    match op {
        Op::Push(value) => value,
        Op::Load(n) => inputs.get(usize::from(n)).copied().unwrap_or(f64::NAN),
        Op::Negate => -a,
        Op::Not => known(a, 0.0, |a, _| a == 0.0),
        Op::Abs => a.abs(),
        Op::Sqrt => a.sqrt(),
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        // The library's own pass over NaN, and may take either of two zeros.
        Op::Least | Op::Greatest if a.is_nan() || b.is_nan() => f64::NAN,
        Op::Least => {
            if b < a {
                b
            } else {
                a
            }
        }
        Op::Greatest => {
            if b > a {
                b
            } else {
                a
            }
        }
        Op::Less => known(a, b, |a, b| a < b),
        Op::AtMost => known(a, b, |a, b| a <= b),
        Op::Greater => known(a, b, |a, b| a > b),
        Op::AtLeast => known(a, b, |a, b| a >= b),
        Op::Equal => known(a, b, |a, b| a == b),
        Op::Unequal => known(a, b, |a, b| a != b),
        Op::And if a == 0.0 || b == 0.0 => 0.0,
        Op::And => known(a, b, |_, _| true),
        Op::Or if a == 1.0 || b == 1.0 => 1.0,
        Op::Or => known(a, b, |_, _| false),
        Op::Choose if a.is_nan() => f64::NAN,
        Op::Choose if a == 0.0 => c,
        Op::Choose => b,
    }
}

/// 1 or 0; undefined where an operand is.
fn known(a: f64, b: f64, holds: impl Fn(f64, f64) -> bool) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { f64::from(u8::from(holds(a, b))) }
}
