//! Reads one TOML table key by key and collects every problem instead of stopping at the first.

use toml::Value;

use super::{Problem, Words, duration};
use crate::limit;
use crate::time::Millis;

/// All problems of one compilation, bounded.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    beyond: usize,
}

impl Problems {
    pub(super) fn add(&mut self, path: impl Into<String>, text: impl core::fmt::Display) {
        if self.found.len() < limit::MAX_PROBLEMS {
            self.found.push(Problem::new(path, text));
        } else {
            self.beyond += 1;
        }
    }

    /// The problems found, or `value` where there is none.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.beyond > 0 {
            self.found.push(Problem::new("…", format_args!("and {} more", self.beyond)));
        }
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }
}

/// One table being read: what is taken is known, what is left at the end is not.
pub(super) struct Reader<'a> {
    path: String,
    table: toml::Table,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: String, table: toml::Table, problems: &'a mut Problems) -> Self {
        Self { path, table, problems }
    }

    /// Renames the table once it is known what it is.
    pub(super) fn rename(&mut self, path: String) {
        self.path = path;
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn problem(&mut self, key: &str, text: impl core::fmt::Display) {
        self.problems.add(format!("{}.{key}", self.path), text);
    }

    /// Takes a key of any type.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    /// Takes a key that must be there.
    pub(super) fn need(&mut self, key: &str) -> Option<Value> {
        let value = self.take(key);
        if value.is_none() {
            self.problem(key, "is missing");
        }
        value
    }

    /// Reads a text.
    pub(super) fn text(&mut self, key: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) if text.chars().count() > limit::MAX_TEXT => {
                self.problem(key, format_args!("is longer than {} characters", limit::MAX_TEXT));
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.wrong(key, "a text", &other);
                None
            }
        }
    }

    /// Says that a key has the wrong type.
    pub(super) fn wrong(&mut self, key: &str, wanted: &str, found: &Value) {
        self.problem(key, format_args!("is {}, not {wanted}", kind_of(found)));
    }

    /// Takes an optional yes or no; without it no. `None` where it is neither.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key) {
            None => Some(false),
            Some(Value::Boolean(flag)) => Some(flag),
            Some(other) => {
                self.wrong(key, "true or false", &other);
                None
            }
        }
    }

    /// Takes an optional text.
    pub(super) fn opt_text(&mut self, key: &str) -> Option<String> {
        let value = self.take(key)?;
        self.text(key, value)
    }

    /// Takes a text that must be there.
    pub(super) fn need_text(&mut self, key: &str) -> Option<String> {
        let value = self.need(key)?;
        self.text(key, value)
    }

    /// Takes a text in both languages.
    pub(super) fn need_words(&mut self, key: &str) -> Option<Words> {
        let mut sub = self.need_table(key)?;
        let (zh, en) = (sub.need_text("zh"), sub.need_text("en"));
        sub.finish();
        Some(Words { zh: zh?, en: en? })
    }

    /// Takes a table that must be there, to be read in turn.
    pub(super) fn need_table(&mut self, key: &str) -> Option<Reader<'_>> {
        let value = self.need(key)?;
        self.table(key, value)
    }

    /// Reads a table.
    pub(super) fn table(&mut self, key: &str, value: Value) -> Option<Reader<'_>> {
        match value {
            Value::Table(table) => Some(Reader::new(format!("{}.{key}", self.path), table, self.problems)),
            other => {
                self.wrong(key, "a table", &other);
                None
            }
        }
    }

    /// Reads a finite number.
    pub(super) fn number(&mut self, key: &str, value: &Value) -> Option<f64> {
        let number = match value {
            Value::Integer(n) => Some(*n as f64),
            Value::Float(n) if n.is_finite() => Some(*n),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, "a finite number", value);
        }
        number
    }

    /// Takes an optional whole number from 1 to [`limit::MAX_COUNT`].
    pub(super) fn opt_count(&mut self, key: &str) -> Option<u32> {
        let value = self.take(key)?;
        let count = value.as_integer().filter(|n| (1..=limit::MAX_COUNT).contains(n));
        if count.is_none() {
            self.problem(key, format_args!("is not a whole number from 1 to {}", limit::MAX_COUNT));
        }
        count.and_then(|n| u32::try_from(n).ok())
    }

    /// Reads a length of time.
    pub(super) fn duration(&mut self, key: &str, value: Value) -> Option<Millis> {
        let text = self.text(key, value)?;
        duration::parse(&text).map_err(|e| self.problem(key, e)).ok()
    }

    /// Whatever is left is not known.
    pub(super) fn finish(mut self) {
        let left: Vec<String> = core::mem::take(&mut self.table).into_iter().map(|(k, _)| k).collect();
        for key in left {
            self.problem(&key, "unknown key");
        }
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
