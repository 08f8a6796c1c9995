//! From `when.expression` and what stands beside it to an expression.

use smol_str::SmolStr;
use toml::Value;

use super::threshold;
use crate::engine::DERIVED;
use crate::id::Quantity;
use crate::limit;
use crate::reading::quantity::{self, QuantitySpec};
use crate::rule::expression::{is_name, lower};
use crate::rule::table::Reader;
use crate::rule::{Expression, ExpressionInput, Signal};
use crate::time::Millis;

/// What a rule says of an expression.
pub(super) enum Said {
    /// Nothing.
    Nothing,
    /// Something with mistakes, which are told.
    Wrong,
    /// An expression.
    Good(Expression),
}

/// Takes what `when` says of an expression.
pub(super) fn read(r: &mut Reader<'_>) -> Said {
    if !r.has("expression") {
        let mut said = Said::Nothing;
        for key in ["over", "within"] {
            if r.take(key).is_some() {
                r.problem(key, "belongs to an `expression`");
                said = Said::Wrong;
            }
        }
        return said;
    }
    let text = r.need_text("expression");
    let inputs = r.need("over").and_then(|value| over(r, value));
    let mut within = None;
    let mut good = true;
    if let Some(value) = r.take("within") {
        within = r.duration("within", value);
        good = within.is_some();
    }
    if r.take("quantity").is_some() {
        r.problem("quantity", "does not belong to an expression: `over` names its quantities");
        good = false;
    }
    let (Some(text), Some(inputs), true) = (text, inputs, good) else { return Said::Wrong };
    let names: Vec<SmolStr> = inputs.iter().map(|i| i.name.clone()).collect();
    match lower(&text, &names) {
        Ok((program, truth)) => Said::Good(Expression { text, inputs, truth, within, program }),
        Err(problem) => {
            r.problem("expression", problem);
            Said::Wrong
        }
    }
}

/// Reads `over`: a list of quantities, or a table of names.
fn over(r: &mut Reader<'_>, value: Value) -> Option<Vec<ExpressionInput>> {
    let entries: Vec<(String, Value)> = match value {
        Value::Array(list) => {
            let mut entries = Vec::new();
            for (i, value) in list.into_iter().enumerate() {
                let name = r.text(&format!("over[{i}]"), value)?;
                entries.push((name.clone(), Value::String(name)));
            }
            entries
        }
        Value::Table(table) => table.into_iter().collect(),
        other => {
            r.wrong("over", "a list of quantities or a table of names", &other);
            return None;
        }
    };
    if entries.is_empty() || entries.len() > limit::MAX_INPUTS {
        r.problem("over", format_args!("names {} series, not 1 to {}", entries.len(), limit::MAX_INPUTS));
        return None;
    }
    let mut inputs = Vec::new();
    let mut good = true;
    for (name, value) in entries {
        match input(r, &name, value) {
            Some(input) => inputs.push(input),
            None => good = false,
        }
    }
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some([twice, _]) = inputs.windows(2).find(|w| w[0].name == w[1].name) {
        r.problem("over", format_args!("names `{}` twice", twice.name));
        good = false;
    }
    // Names are for people: what is computed with stands in an order of its own.
    inputs.sort_by(|a, b| a.what().cmp(&b.what()));
    good.then_some(inputs)
}

fn input(r: &mut Reader<'_>, name: &str, value: Value) -> Option<ExpressionInput> {
    let key = format!("over.{name}");
    if !is_name(name) {
        r.problem(&key, "is not a name: a-z first, then a-z, 0-9 and _, at most 40, and no word of the language");
        return None;
    }
    let name = SmolStr::from(name);
    let Value::Table(_) = value else {
        let text = r.text(&key, value)?;
        let quantity = measured(r, &key, &text)?;
        return Some(ExpressionInput { name, quantity, signal: Signal::Last, window: Millis::ZERO });
    };
    let mut sub = r.table(&key, value)?;
    let text = sub.need_text("quantity");
    let quantity = text.and_then(|text| measured(&mut sub, "quantity", &text));
    let signal = threshold::signal(&mut sub);
    let own = signal.map(|(s, _)| s).filter(|s| matches!(s, Signal::Stuck { .. } | Signal::Baseline { .. }));
    if let Some(own) = own {
        let text = format_args!("`{}` cannot be computed with: give it a rule of its own", own.as_str());
        sub.problem("signal", text);
    }
    sub.finish();
    let (signal, window) = signal.filter(|_| own.is_none())?;
    Some(ExpressionInput { name, quantity: quantity?, signal, window })
}

/// A quantity that devices send.
fn measured(r: &mut Reader<'_>, key: &str, text: &str) -> Option<Quantity> {
    if DERIVED.contains(&text) {
        r.problem(key, format_args!("`{text}` is worked out, not measured: an expression takes what devices send"));
        return None;
    }
    let quantity = quantity::lookup(text).and_then(QuantitySpec::quantity);
    if quantity.is_none() {
        r.problem(key, format_args!("`{text}` is not a known quantity"));
    }
    quantity
}
