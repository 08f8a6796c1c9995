//! §5, expressions: the symbols that a text is made of.

/// The signs, longer ones first.
const SIGNS: [&str; 20] =
    ["&&", "||", "<=", ">=", "==", "!=", "+", "-", "*", "/", "<", ">", "!", "?", ":", "(", ")", ",", ".", "%"];

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Symbol {
    Number(f64),
    Word(String),
    Sign(&'static str),
}

/// The symbols of a text, the next one last.
#[derive(Debug)]
pub(crate) struct Symbols(Vec<Symbol>);

impl Symbols {
    pub(crate) fn of(text: &str) -> Self {
        let mut symbols = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (symbol, length) = first(rest);
            symbols.push(symbol);
            rest = rest[length..].trim_start();
        }
        symbols.reverse();
        Self(symbols)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn next(&mut self) -> Symbol {
        self.0.pop().expect("more of the expression")
    }

    /// Takes this sign, if it is the next symbol.
    pub(crate) fn take(&mut self, sign: &str) -> bool {
        self.0.pop_if(|symbol| matches!(symbol, Symbol::Sign(is) if *is == sign)).is_some()
    }

    pub(crate) fn must(&mut self, sign: &str) {
        assert!(self.take(sign), "`{sign}` is missing in an expression");
    }
}

/// The first symbol of a text, and its length.
fn first(text: &str) -> (Symbol, usize) {
    let until = |belongs: fn(char) -> bool| text.find(|c| !belongs(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let mut length = until(|c| c.is_ascii_digit() || c == '.');
        if let Some(exponent) = text[length..].strip_prefix(['e', 'E']) {
            let signed = exponent.trim_start_matches(['+', '-']);
            let digits = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
            length = text.len() - signed.len() + digits;
        }
        let number = text[..length].parse().unwrap_or_else(|_| panic!("number `{}`", &text[..length]));
        return (Symbol::Number(number), length);
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let length = until(|c| c.is_ascii_alphanumeric() || c == '_');
        return (Symbol::Word(text[..length].to_owned()), length);
    }
    let sign = SIGNS.into_iter().find(|sign| text.starts_with(sign));
    let sign = sign.unwrap_or_else(|| panic!("a symbol of the language at `{text}`"));
    (Symbol::Sign(sign), sign.len())
}
