//! Expressions in words: the formula with the names of what is measured.

use super::{formula, length, names, number};
use crate::fact::{Formula, NamedInput, Transition};
use crate::rule::Words;

/// Whether the value is 1 or 0 for true or false.
pub(super) fn is_true_or_false(t: &Transition) -> bool {
    formula(t).is_some_and(|f| f.truth) && t.measure.as_ref().is_some_and(|m| &*m.signal == "last")
}

/// A formula and its result.
pub(super) fn said(t: &Transition, (zh, en): (&str, &str), value: f64) -> Words {
    if is_true_or_false(t) {
        let (state_zh, state_en) = if value >= 0.5 { ("成立", "holds") } else { ("不成立", "does not hold") };
        return Words { zh: format!("{zh} {state_zh}"), en: format!("{en} {state_en}") };
    }
    let number = number(t, value);
    Words { zh: format!("{zh} = {number}"), en: format!("{en} = {number}") }
}

/// A formula with its series named as people name them.
pub(super) fn words(formula: &Formula) -> Words {
    let (mut zh, mut en) = (String::new(), String::new());
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest: &str = &formula.text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, behind) = rest.split_at(end);
        // What follows a point is a function of the library.
        if let Some(input) = formula.inputs.iter().find(|i| before != '.' && &*i.name == token) {
            let Words { zh: one, en: other } = named(input);
            zh += &one;
            en += &other;
        } else {
            zh += token;
            en += token;
        }
        before = token.chars().next_back().unwrap_or(before);
        rest = behind;
    }
    Words { zh, en }
}

fn named(input: &NamedInput) -> Words {
    let quantity = input.quantity.as_str();
    let (zh, en) = names::of(quantity).map_or((quantity, quantity), |n| n.words);
    if input.window.0 == 0 {
        return Words { zh: zh.to_owned(), en: en.to_owned() };
    }
    let over = length(input.window);
    let (of_zh, of_en) = names::signal(&input.signal);
    Words { zh: format!("{zh}({}{of_zh})", over.zh.trim_start()), en: format!("{en} ({of_en} of {})", over.en) }
}
