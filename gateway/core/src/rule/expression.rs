//! A number made of several series of one device: an expression of the Common Expression Language over named series.
//!
//! ```text
//! text ─ cel parses ─▶ tree ─ lower: names, types, bounds ─▶ Program ─ run(values) ─▶ a number, or nothing
//! ```
//!
//! Only what is arithmetic, comparison and logic is taken; everything else of the language is a mistake of the pack
//! (see `docs/spec/rules.md` §5, and `docs/adr/0007-expressions-are-compiled.md` for why it is not interpreted). What is
//! compiled has no loop, no clock and no state: one evaluation is one pass over the instructions.
//!
//! Limits: [`crate::limit::MAX_INPUTS`] series, [`crate::limit::MAX_NODES`] nodes, [`crate::limit::MAX_DEPTH`] deep.

use core::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

use super::Signal;
use crate::id::{Quantity, RuleId};
use crate::registry::Device;
use crate::time::Millis;

mod lower;
mod program;
#[cfg(test)]
mod tests;

pub(super) use lower::{is_name, lower};
pub(super) use program::Program;

/// What the names of results begin with. Nothing that is measured has such a name.
const PREFIX: &str = "expr_";

/// One named series of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpressionInput {
    /// The name it has in the expression.
    pub name: SmolStr,
    /// What is measured.
    pub quantity: Quantity,
    /// The number taken of it: the last value, or that of a window.
    pub signal: Signal,
    /// Length of the window; zero for the last value.
    pub window: Millis,
}

impl ExpressionInput {
    /// What it is, whatever it is called.
    pub(super) fn what(&self) -> (&Quantity, &'static str, u64, Millis) {
        (&self.quantity, self.signal.as_str(), self.signal.parameter(), self.window)
    }
}

/// An expression as a rule judges it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// As it stands in the pack.
    pub text: String,
    /// In the order of their quantities; at least one, and each is used.
    pub inputs: Vec<ExpressionInput>,
    /// Whether the result is true or false, which count as 1 and 0.
    pub truth: bool,
    /// How far apart the values may be measured, where the rule says so.
    pub within: Option<Millis>,
    pub(super) program: Program,
}

impl Expression {
    /// Whether one of its series is of this quantity.
    pub fn reads(&self, quantity: &Quantity) -> bool {
        self.inputs.iter().any(|i| i.quantity == *quantity)
    }

    /// The result for values in the order of `inputs`; `None` where there is none, as of a division by zero.
    pub fn value(&self, values: &[f64]) -> Option<f64> {
        self.program.run(values)
    }

    /// How far apart the values may be measured: what the rule says, else half the device's interval, but not longer than
    /// a value is fresh.
    pub fn within(&self, stale_after: Millis, device: &Device) -> Millis {
        let interval = device.interval.unwrap_or(crate::limit::STALE_UNKNOWN);
        self.within.unwrap_or_else(|| Millis(interval.0 / 2).min(stale_after))
    }

    /// The name of the series of its results, made of the rule and of all that is computed: what computes something else
    /// is another series.
    pub(super) fn quantity(&self, rule: &RuleId) -> Option<Quantity> {
        let mut said = format!("{rule}\n{}", self.program.canonical());
        for input in &self.inputs {
            let (quantity, signal, parameter, window) = input.what();
            let _ = writeln!(said, "{quantity} {signal} {parameter:016x} {}", window.0);
        }
        let hash = Sha256::digest(said.as_bytes());
        let mut name = PREFIX.to_owned();
        for byte in hash.iter().take(8) {
            let _ = write!(name, "{byte:02x}");
        }
        Quantity::new(&name).ok()
    }
}

/// Whether this names the results of an expression, which nobody sends.
pub(crate) fn is_result(quantity: &Quantity) -> bool {
    quantity.as_str().starts_with(PREFIX)
}
