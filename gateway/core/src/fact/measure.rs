//! What an alert's value was computed from, where it is not simply the last value.

use minicbor::{Decode, Encode};

use crate::id::Quantity;
use crate::reading::Text;
use crate::rule::{Expression, ExpressionInput, Signal};
use crate::time::Millis;

/// How a value was computed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Measure {
    /// The signal's word ([`Signal::as_str`]), such as `sum`.
    #[n(0)]
    pub signal: Text,
    /// Length of the window; zero for the signals without one.
    #[n(1)]
    pub window: Millis,
    /// Of a rate: the unit of time.
    #[n(2)]
    pub per: Option<Millis>,
    /// Where it is of what an expression gives, not of a quantity: which.
    #[n(3)]
    pub formula: Option<Box<Formula>>,
}

/// An expression and what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Formula {
    /// As it stands in the rule.
    #[n(0)]
    pub text: Text,
    /// Its series, in the order of their quantities.
    #[n(1)]
    pub inputs: Vec<NamedInput>,
    /// Whether it is true or false, told as 1 and 0.
    #[n(2)]
    pub truth: bool,
}

/// One series of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NamedInput {
    /// Its name in the expression.
    #[n(0)]
    pub name: Text,
    /// What is measured.
    #[n(1)]
    pub quantity: Quantity,
    /// The signal's word.
    #[n(2)]
    pub signal: Text,
    /// Length of the window; zero for the last value.
    #[n(3)]
    pub window: Millis,
}

impl From<&Expression> for Formula {
    fn from(expression: &Expression) -> Self {
        let input = |i: &ExpressionInput| NamedInput {
            name: Text::from(i.name.as_str()),
            quantity: i.quantity.clone(),
            signal: Text::from(i.signal.as_str()),
            window: i.window,
        };
        Self {
            text: Text::from(expression.text.as_str()),
            inputs: expression.inputs.iter().map(input).collect(),
            truth: expression.truth,
        }
    }
}

impl Measure {
    /// Of a term of a threshold.
    pub fn new(signal: Signal, window: Millis) -> Self {
        let per = match signal {
            Signal::Rate { per } => Some(per),
            _ => None,
        };
        Self { signal: Text::from(signal.as_str()), window, per, formula: None }
    }

    /// The same of what an expression gives.
    pub(crate) fn of(self, expression: Option<&Expression>) -> Self {
        Self { formula: expression.map(|e| Box::new(Formula::from(e))), ..self }
    }

    /// The unit of the value, where that of the quantity is `of`.
    pub fn unit(&self, of: &str) -> String {
        match (&*self.signal, self.per) {
            ("count" | "baseline", _) => "1".to_owned(),
            ("stuck", _) => "s".to_owned(),
            (_, Some(Millis(1_000))) => format!("{of}/s"),
            (_, Some(Millis(60_000))) => format!("{of}/min"),
            (_, Some(Millis(3_600_000))) => format!("{of}/h"),
            (_, Some(Millis(86_400_000))) => format!("{of}/d"),
            (_, Some(per)) => format!("{of}/({} ms)", per.0),
            (_, None) => of.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is computed has a unit of its own: a number of readings, seconds, a change by time.
    #[test]
    fn units() {
        let unit = |signal| Measure::new(signal, Millis::from_secs(600)).unit("cm");
        assert_eq!(unit(Signal::Sum), "cm");
        assert_eq!(unit(Signal::Count), "1");
        assert_eq!(unit(Signal::Stuck { tolerance: 0.0 }), "s");
        assert_eq!(unit(Signal::Rate { per: Millis::from_secs(3_600) }), "cm/h");
        assert_eq!(unit(Signal::Rate { per: Millis(5) }), "cm/(5 ms)");
    }
}
