//! From the text of an expression to its program, or to what is wrong with it.
//!
//! The language's own parser makes the tree; before it sees the text, its length, signs and brackets are bounded, so that
//! it is never deep. Then every node is looked at once: known name, known operator, right type, within bounds.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use smol_str::SmolStr;

use super::program::{Op, Program};
use crate::limit::{MAX_DEPTH, MAX_NODES, MAX_STACK};

/// Words of the language that no series can be named by, and the name of its library.
const RESERVED: [&str; 23] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "math",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
    "double",
];
/// Whole numbers beyond this are not all told apart as the numbers that are computed with.
const EXACT: i64 = 1 << 53;
/// Brackets that may be open at once.
const MAX_OPEN: usize = 32;

/// Whether a series can be named so.
pub(in crate::rule) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(good)
        && !RESERVED.contains(&name)
}

/// What a node gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Truth,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "true or false",
        }
    }
}

/// Compiles an expression over these names. Says also whether the result is true or false instead of a number.
///
/// # Errors
/// In words: what is not taken, and what to write instead.
pub(in crate::rule) fn lower(text: &str, names: &[SmolStr]) -> Result<(Program, bool), String> {
    admit(text)?;
    let tree = cel::parser::Parser::new().parse(text).map_err(|e| {
        let first = e.errors.first();
        let (column, what) = first.map_or((0, "is not understood"), |e| (e.pos.1, e.msg.as_str()));
        // The parser goes on to list everything that could stand there.
        let what = what.split(" expecting ").next().unwrap_or(what);
        format!("does not parse at character {column}: {what}")
    })?;
    let mut lowering = Lowering { names, ops: Vec::new(), nodes: 0, used: vec![false; names.len()] };
    let kind = lowering.node(&tree, 1)?;
    if let Some(unused) = names.iter().zip(&lowering.used).find(|(_, used)| !**used).map(|(name, _)| name) {
        return Err(format!("does not use `{unused}`, which `over` names"));
    }
    let program = Program::new(lowering.ops)
        .ok_or_else(|| format!("holds more than {MAX_STACK} values at once; turn long right sides to the left"))?;
    Ok((program, kind == Kind::Truth))
}

/// Bounds what the parser sees.
fn admit(text: &str) -> Result<(), String> {
    let is_sign = |c: char| " \t\n+-*/<>=!&|?:.,()_".contains(c);
    if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !is_sign(*c)) {
        let what = match c {
            '"' | '\'' | '`' => "texts are not compared here",
            '[' | ']' | '{' | '}' => "there are no lists and maps here",
            '%' => "there is no remainder: all numbers are floating point",
            _ => "it is no part of an expression",
        };
        return Err(format!("has a `{}`: {what}", c.escape_debug()));
    }
    let mut open = 0_usize;
    for c in text.chars() {
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_OPEN {
            return Err(format!("has more than {MAX_OPEN} brackets open at once"));
        }
    }
    // The parser drops pairs of them before anything could be said about the operand.
    if text.split_whitespace().collect::<String>().contains("!!") {
        return Err("has `!!`, which says nothing".to_owned());
    }
    Ok(())
}

struct Lowering<'a> {
    names: &'a [SmolStr],
    ops: Vec<Op>,
    nodes: usize,
    used: Vec<bool>,
}

impl Lowering<'_> {
    fn node(&mut self, node: &IdedExpr, depth: usize) -> Result<Kind, String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("has more than {MAX_NODES} numbers, names and operators"));
        }
        if depth > MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH}"));
        }
        match &node.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => self.call(call, depth + 1),
            Expr::Comprehension(_) => Err("has a macro that loops (`all`, `exists`, `map`, `filter`)".to_owned()),
            Expr::Select(select) if select.test => Err("has the macro `has`: every series is there".to_owned()),
            Expr::Select(select) => {
                Err(format!("takes the part `.{}` of something; name the series in `over` instead", select.field))
            }
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => Err("has a list or a map".to_owned()),
            Expr::Unspecified => Err("is empty".to_owned()),
        }
    }

    fn literal(&mut self, literal: &LiteralValue) -> Result<Kind, String> {
        let (value, kind) = match literal {
            LiteralValue::Int(n) => {
                let n = *n.inner();
                if n.unsigned_abs() > EXACT.unsigned_abs() {
                    return Err(format!("has {n}, which is more than 2^53: write it with a point"));
                }
                (n as f64, Kind::Number)
            }
            LiteralValue::Double(n) => (*n.inner(), Kind::Number),
            LiteralValue::Boolean(b) => (f64::from(u8::from(*b.inner())), Kind::Truth),
            LiteralValue::UInt(n) => return Err(format!("has {}u: write it without the u", n.inner())),
            LiteralValue::Null => return Err("has `null`".to_owned()),
            LiteralValue::String(_) | LiteralValue::Bytes(_) => return Err("has a text".to_owned()),
        };
        if !value.is_finite() {
            return Err("has a number that is too large".to_owned());
        }
        self.ops.push(Op::Push(value));
        Ok(kind)
    }

    fn name(&mut self, name: &str) -> Result<Kind, String> {
        let Some(i) = self.names.iter().position(|n| n == name) else {
            let known = self.names.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
            return Err(format!("has the name `{name}`, which `over` does not give; it gives {known}"));
        };
        if let Some(used) = self.used.get_mut(i) {
            *used = true;
        }
        // At most `MAX_INPUTS`.
        self.ops.push(Op::Load(i as u8));
        Ok(Kind::Number)
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<Kind, String> {
        if let Some(target) = &call.target {
            return match &target.expr {
                Expr::Ident(library) if library == "math" => self.library(&call.func_name, &call.args, depth),
                _ => Err(format!("calls `.{}()`", call.func_name)),
            };
        }
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            ("-_", [a]) => self.unary(Op::Negate, "-", a, Kind::Number, depth),
            ("!_", [a]) => self.unary(Op::Not, "!", a, Kind::Truth, depth),
            ("_?_:_", [a, b, c]) => self.choice([a, b, c], depth),
            ("_==_", [a, b]) => self.equal(Op::Equal, "==", [a, b], depth),
            ("_!=_", [a, b]) => self.equal(Op::Unequal, "!=", [a, b], depth),
            (_, [a, b]) if binary(name).is_some() => {
                let Some((op, sign, of, gives)) = binary(name) else { return Err(refused(name)) };
                self.take(a, of, sign, depth)?;
                self.take(b, of, sign, depth)?;
                self.ops.push(op);
                Ok(gives)
            }
            _ => Err(refused(name)),
        }
    }

    /// Lowers an operand that has to be of a kind.
    fn take(&mut self, node: &IdedExpr, wanted: Kind, of: &str, depth: usize) -> Result<(), String> {
        let kind = self.node(node, depth)?;
        if kind == wanted {
            return Ok(());
        }
        let hint = match wanted {
            Kind::Number => "; write `x ? 1 : 0` to count it",
            Kind::Truth => "; write `x > 0` or what it is to be compared with",
        };
        Err(format!("gives `{of}` an operand that is {}, not {}{hint}", kind.words(), wanted.words()))
    }

    fn unary(&mut self, op: Op, sign: &str, a: &IdedExpr, kind: Kind, depth: usize) -> Result<Kind, String> {
        self.take(a, kind, sign, depth)?;
        self.ops.push(op);
        Ok(kind)
    }

    fn equal(&mut self, op: Op, sign: &str, [a, b]: [&IdedExpr; 2], depth: usize) -> Result<Kind, String> {
        let kind = self.node(a, depth)?;
        self.take(b, kind, sign, depth)?;
        self.ops.push(op);
        Ok(Kind::Truth)
    }

    fn choice(&mut self, [a, b, c]: [&IdedExpr; 3], depth: usize) -> Result<Kind, String> {
        self.take(a, Kind::Truth, "?", depth)?;
        let kind = self.node(b, depth)?;
        self.take(c, kind, ":", depth)?;
        self.ops.push(Op::Choose);
        Ok(kind)
    }

    /// A function of the language's library of arithmetic.
    fn library(&mut self, name: &str, args: &[IdedExpr], depth: usize) -> Result<Kind, String> {
        let (op, several) = match name {
            "abs" => (Op::Abs, false),
            "sqrt" => (Op::Sqrt, false),
            "least" => (Op::Least, true),
            "greatest" => (Op::Greatest, true),
            _ => return Err(format!("calls `math.{name}`; there are {FUNCTIONS}")),
        };
        if several != (args.len() > 1) || args.is_empty() {
            let wanted = if several { "two or more numbers" } else { "one number" };
            return Err(format!("gives `math.{name}` {} operands; it takes {wanted}", args.len()));
        }
        for (i, arg) in args.iter().enumerate() {
            self.take(arg, Kind::Number, name, depth)?;
            if !several || i > 0 {
                self.ops.push(op);
            }
        }
        Ok(Kind::Number)
    }
}

const FUNCTIONS: &str = "math.abs, math.sqrt, math.least and math.greatest";

/// An operator of two operands: its instruction, its sign, the kind of both operands, and what it gives.
fn binary(name: &str) -> Option<(Op, &'static str, Kind, Kind)> {
    use Kind::{Number, Truth};
    Some(match name {
        "_+_" => (Op::Add, "+", Number, Number),
        "_-_" => (Op::Subtract, "-", Number, Number),
        "_*_" => (Op::Multiply, "*", Number, Number),
        "_/_" => (Op::Divide, "/", Number, Number),
        "_<_" => (Op::Less, "<", Number, Truth),
        "_<=_" => (Op::AtMost, "<=", Number, Truth),
        "_>_" => (Op::Greater, ">", Number, Truth),
        "_>=_" => (Op::AtLeast, ">=", Number, Truth),
        "_&&_" => (Op::And, "&&", Truth, Truth),
        "_||_" => (Op::Or, "||", Truth, Truth),
        _ => return None,
    })
}

fn refused(name: &str) -> String {
    match name {
        "@in" => "has the operator `in`".to_owned(),
        "_%_" => "has the operator `%`".to_owned(),
        "matches" => "compares with a pattern".to_owned(),
        "duration" | "timestamp" | "now" => format!("calls `{name}`: an expression knows no time"),
        _ => format!("calls `{name}`; there are {FUNCTIONS}, and the operators + - * / < <= > >= == != && || ! ?:"),
    }
}
