//! A receiver's own JSON: a file with `{{ … }}` where the values go (minijinja, a subset of Jinja2).
//!
//! Texts are written as what stands between the quotes of a JSON string, so that `"text": "{{ head.zh }}"` is JSON whatever
//! the text is; numbers, `true`, `false` and lists are written as such. What comes out is read as JSON before it is sent: a
//! text in a place without quotes is an error and no way to change the message.
//!
//! A sign of life has a template of its own, [`BeatTemplate`]. One for both would have to know which it writes: those that are in use
//! do not, and would make an alert of a beat, or fail; and one that forgets to ask would call people out.
//!
//! Failure: a template is tried on [`samples`] when the configuration is read. Where it fails later nothing is sent, and the
//! delivery waits and says so.
//!
//! Limits: [`FILE`] bytes of template, [`FUEL`] instructions, [`OUTPUT`] bytes of message, [`DEPTH`] levels.

mod beat;

pub use beat::BeatTemplate;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use maibo_api::Words;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use serde::Serialize;

use super::language::{Language, local, read};
use super::notice::Notice;
use super::{FormatError, Letter, Outgoing, kept, samples};
use crate::deliver::sender::Sender;

/// Longest template, in bytes.
pub(in crate::deliver) const FILE: u64 = 64 * 1024;
/// Instructions of one message.
const FUEL: u64 = 200_000;
/// Longest message, in bytes.
const OUTPUT: usize = 256 * 1024;
/// Deepest nesting.
const DEPTH: usize = 32;
/// The template's name in errors.
const NAME: &str = "template";

/// A template that gave JSON for every sample.
#[derive(Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    source: Arc<str>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template")
    }
}

/// What a template can name.
#[derive(Serialize)]
struct Context<'a> {
    /// How many alerts.
    count: usize,
    /// The worst level as a word, and in both languages.
    level: &'static str,
    level_name: Words,
    /// Nothing fires any more.
    over: bool,
    test: bool,
    /// It is an exercise.
    drill: bool,
    receiver: &'a str,
    sender: Named<'a>,
    /// The first line, all lines, and where to see more.
    head: Words,
    text: Words,
    link: &'a str,
    alerts: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    title: &'a Words,
    page: &'a str,
}

impl<'a> Named<'a> {
    fn of(sender: &'a Sender) -> Self {
        Self { name: &sender.name, title: &sender.title, page: sender.page.as_deref().unwrap_or_default() }
    }
}

impl Template {
    /// Reads a template and tries it.
    ///
    /// # Errors
    /// Says what is wrong, by the template's line where there is one.
    pub fn parse(source: &str, sender: &Sender) -> Result<Self, String> {
        let template = Self::new(source);
        for (what, letters) in samples::all() {
            template.message(&letters, "sample", sender).map_err(|e| format!("with {what}: {}", why(&e)))?;
        }
        Ok(template)
    }

    /// One that was not tried yet.
    fn new(source: &str) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_recursion_limit(DEPTH);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("json"));
        environment.set_formatter(json);
        Self { environment: Arc::new(environment), source: source.into() }
    }

    /// The message for some letters.
    pub(super) fn message(&self, letters: &[Letter], receiver: &str, sender: &Sender) -> Result<Outgoing, FormatError> {
        let kept = kept(letters)?;
        let notice = Notice::new(&kept, sender);
        let both =
            |words: &dyn Fn(Language) -> String| Words { zh: words(Language::Chinese), en: words(Language::English) };
        self.make(&Context {
            count: letters.len(),
            level: Language::English.level(notice.worst),
            level_name: both(&|language| language.level(notice.worst).to_owned()),
            over: notice.over,
            test: notice.test,
            drill: notice.is_drill(),
            receiver,
            sender: Named::of(sender),
            head: both(&|language| notice.head(language)),
            text: both(&|language| notice.plain(language)),
            link: notice.link().unwrap_or_default(),
            alerts: letters.iter().map(|letter| alert(letter, sender)).collect::<Result<_, _>>()?,
        })
    }

    /// What it makes of these names.
    fn make(&self, names: &impl Serialize) -> Result<Outgoing, FormatError> {
        let mut body = Bounded(Vec::new());
        self.environment
            .template_from_named_str(NAME, &self.source)
            .and_then(|t| t.render_captured_to(Value::from_serialize(names), &mut body).map(|_| ()))
            .map_err(FormatError::Template)?;
        let _: serde::de::IgnoredAny = serde_json::from_slice(&body.0).map_err(FormatError::Json)?;
        Ok(Outgoing { content_type: "application/json; charset=utf-8", headers: Vec::new(), body: body.0 })
    }
}

/// One alert as in native JSON, with its link and its times in Beijing.
fn alert(letter: &Letter, sender: &Sender) -> Result<serde_json::Value, FormatError> {
    let mut kept: serde_json::Value = serde_json::from_slice(&letter.body)?;
    let mut data = kept["data"].take();
    let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
    let local =
        |key: &str| read(&text(key)).map_or_else(String::new, |at| local(at).strftime("%Y-%m-%d %H:%M:%S").to_string());
    let added = [
        ("link", sender.link(&text("id")).unwrap_or_default()),
        ("started_local", local("started_at")),
        ("updated_local", local("updated_at")),
        ("resolved_local", local("resolved_at")),
    ];
    for (key, text) in added {
        data[key] = text.into();
    }
    // What is not always there can be named all the same.
    if data["advice"].is_null() {
        data["advice"] = serde_json::json!({ "zh": "", "en": "" });
    }
    if data["drill"].is_null() {
        data["drill"] = false.into();
    }
    Ok(data)
}

/// Writes a value as JSON; of a text what stands between the quotes.
fn json(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let failed = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, "not JSON").with_source(e);
    if value.is_safe() && value.kind() == ValueKind::String {
        return out.write_str(value.as_str().unwrap_or_default()).map_err(Error::from);
    }
    let text = serde_json::to_string(value).map_err(failed)?;
    let quoted = value.kind() == ValueKind::String;
    let inner = if quoted { text.get(1..text.len().saturating_sub(1)).unwrap_or_default() } else { &text };
    out.write_str(inner).map_err(Error::from)
}

/// Takes bytes up to a limit.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT {
            return Err(io::Error::other(format!("the message is longer than {OUTPUT} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is wrong with a template, in one line.
fn words(error: &Error) -> String {
    let line = error.line().map(|n| format!("line {n}: ")).unwrap_or_default();
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
    if let Some(io) = std::error::Error::source(error) {
        text = format!("{text}: {io}");
    }
    format!("{line}{text}")
}

fn why(error: &FormatError) -> String {
    match error {
        FormatError::Template(error) => words(error),
        FormatError::Json(error) => format!("what comes out is not JSON: {error}"),
        other => crate::Chain(other).to_string(),
    }
}
