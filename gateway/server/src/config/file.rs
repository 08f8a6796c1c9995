//! The file as written: sections, defaults, overrides, and every problem at once.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the key, or of the file.
    pub path: String,
    /// What is wrong, in words.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

impl Problem {
    /// A problem at a path.
    pub fn new(path: impl Into<String>, text: impl fmt::Display) -> Self {
        Self { path: path.into(), text: text.to_string() }
    }
}

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Data directory, relative to the file.
    pub data: String,
    /// `wall` or `replay`.
    #[serde(default = "wall")]
    pub clock: String,
    /// Rule packs: files or directories of `*.toml`, relative to the file.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Device catalogue (CSV), relative to the file.
    pub catalogue: Option<String>,
    /// Unknown devices: `admit` or `refuse`.
    #[serde(default = "admit")]
    pub unregistered: String,
    /// GeoJSON of the districts, relative to the file.
    pub districts: Option<String>,
    /// HTTP.
    #[serde(default)]
    pub http: Http,
    /// The inputs log.
    #[serde(default)]
    pub log: Log,
    /// What decides.
    #[serde(default)]
    pub engine: Engine,
    /// What a device may send.
    #[serde(default)]
    pub limits: Limits,
    /// How Maibo watches itself.
    #[serde(default)]
    pub monitor: Monitor,
    /// Where messages come from.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// Who Maibo is to those it tells.
    #[serde(default)]
    pub sender: crate::deliver::SenderSettings,
    /// Who is told.
    #[serde(default, rename = "receiver")]
    pub receivers: Vec<crate::deliver::ReceiverSettings>,
    /// Response plans.
    #[serde(default, rename = "plan")]
    pub plans: Vec<maibo_api::PlanText>,
    /// Whose alarms come in.
    #[serde(default)]
    pub alarms: Vec<crate::alarms::AlarmSettings>,
    /// Where readings go for good.
    pub influx: Option<crate::influx::InfluxSettings>,
    /// Which topics mean what; without any, the native topics.
    #[serde(default, rename = "route")]
    pub routes: Vec<RouteEntry>,
}

fn wall() -> String {
    "wall".to_owned()
}
fn admit() -> String {
    "admit".to_owned()
}

/// Section `[http]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port.
    pub listen: String,
    /// Names under which browsers reach the page, besides `localhost` and addresses. A request for any other name is
    /// refused: it may be a foreign page that has its own name point here.
    pub names: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), names: Vec::new() }
    }
}

/// Section `[log]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Quota, such as `2GiB`.
    pub inputs_quota: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { inputs_quota: "2GiB".to_owned() }
    }
}

/// Section `[engine]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// How many threads decide, 1 to 16.
    pub shards: i64,
}

impl Default for Engine {
    fn default() -> Self {
        Self { shards: 1 }
    }
}

/// Section `[limits]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a second from one device in the long run; 0: no limit.
    pub device_rate: u32,
    /// Messages at once beyond that.
    pub device_burst: u32,
    /// How long the alert path may make no progress before the process ends itself; `0s` or `never`: for ever.
    pub standstill_exit: String,
}

impl Default for Limits {
    fn default() -> Self {
        let crate::ingest::Allowance { rate, burst } = crate::ingest::Allowance::default();
        Self { device_rate: rate, device_burst: burst, standstill_exit: "60s".to_owned() }
    }
}

/// Section `[monitor]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitor {
    /// Time servers, `host` or `host:port`.
    pub time_servers: Vec<String>,
    /// Whether Maibo sends itself messages through its brokers.
    pub canary: bool,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { time_servers: Vec::new(), canary: true }
    }
}

/// One `[[source]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name.
    pub id: String,
    /// `mqtt` or `embedded`.
    pub kind: String,
    /// `embedded`: where to listen.
    pub listen: Option<String>,
    /// `embedded`: most connections.
    pub connections_max: Option<usize>,
    /// `mqtt`: `mqtt://host:port`.
    pub url: Option<String>,
    /// `mqtt`: fixed client identifier.
    pub client_id: Option<String>,
    /// `mqtt`: `auto`, `3.1.1` or `5`.
    pub protocol: Option<String>,
    /// `mqtt`: user name.
    pub user: Option<String>,
    /// `mqtt`: file that holds the password.
    pub password_file: Option<String>,
    /// `mqtt`: session lifetime while Maibo is away, in hours.
    pub session_hours: Option<u32>,
}

/// One `[[route]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteEntry {
    /// Topic filter with `+` and `#`.
    pub filter: String,
    /// `native`, `chirpstack`, `openv2x` or `mapped`.
    pub profile: String,
    /// The field mapping of a `mapped` route, and the field table of a `chirpstack` one.
    pub mapping: Option<Value>,
}

/// Reads the file and the overrides from the environment.
///
/// # Errors
/// Every problem found.
pub fn read(path: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<File, Vec<Problem>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| vec![Problem::new(&shown, format!("cannot be read: {e}"))])?;
    parse(&shown, &text, environment)
}

/// Parses the text of a file and applies overrides.
pub(super) fn parse(
    shown: &str,
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<File, Vec<Problem>> {
    let mut tree: Table = toml::from_str(text).map_err(|e| vec![Problem::new(shown, e.to_string().trim_end())])?;
    let mut problems = Vec::new();
    for (name, value) in environment {
        if let Some(path) = name.strip_prefix("MAIBO__")
            && let Err(problem) = overlay(&mut tree, path, &value)
        {
            problems.push(Problem::new(name, problem));
        }
    }
    collect(tree, problems)
}

/// Sets one key of the tree, named like `SECTION__KEY`; the value is TOML where it parses as such, else text.
fn overlay(tree: &mut Table, path: &str, value: &str) -> Result<(), String> {
    let keys: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
    let Some((last, sections)) = keys.split_last() else { return Err("names no key".into()) };
    let mut at = tree;
    for section in sections {
        let next = at.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        at = next.as_table_mut().ok_or_else(|| format!("`{section}` is not a section that can be overridden"))?;
    }
    let parsed = toml::from_str::<Table>(&format!("v = {value}")).ok().and_then(|mut t| t.remove("v"));
    at.insert(last.clone(), parsed.unwrap_or_else(|| Value::String(value.to_owned())));
    Ok(())
}

/// Deserializes; each time something is wrong its key is noted, taken out, and the rest is tried again, so that one
/// look shows all.
fn collect(mut tree: Table, mut problems: Vec<Problem>) -> Result<File, Vec<Problem>> {
    for _ in 0..100 {
        match serde_path_to_error::deserialize::<_, File>(Value::Table(tree.clone())) {
            Ok(file) if problems.is_empty() => return Ok(file),
            Ok(_) => break,
            Err(error) => {
                let path = error.path().to_string();
                let text = error.inner().to_string().trim_end().to_owned();
                problems.push(Problem::new(if path == "." { "the file" } else { &path }, &text));
                if !remove(&mut tree, error.path(), &text) {
                    break;
                }
            }
        }
    }
    Err(problems)
}

/// Takes the offending key out of the tree; false when it cannot be found (a missing key has none).
fn remove(tree: &mut Table, path: &serde_path_to_error::Path, text: &str) -> bool {
    use serde_path_to_error::Segment;
    let mut keys: Vec<Segment> = path.iter().cloned().collect();
    if text.starts_with("missing field") {
        // The incomplete table itself goes, unless it is the whole file.
    } else if let Some(unknown) = text.strip_prefix("unknown field `").and_then(|t| t.split('`').next())
        && !matches!(keys.last(), Some(Segment::Map { key }) if key == unknown)
    {
        keys.push(Segment::Map { key: unknown.to_owned() });
    }
    let Some((last, parents)) = keys.split_last() else { return false };
    let mut holder = Value::Table(std::mem::take(tree));
    let removed = take(&mut holder, parents, last);
    if let Value::Table(table) = holder {
        *tree = table;
    }
    removed
}

fn take(at: &mut Value, parents: &[serde_path_to_error::Segment], last: &serde_path_to_error::Segment) -> bool {
    use serde_path_to_error::Segment;
    if let Some((first, rest)) = parents.split_first() {
        let next = match (first, at) {
            (Segment::Map { key }, Value::Table(t)) => t.get_mut(key),
            (Segment::Seq { index }, Value::Array(a)) => a.get_mut(*index),
            _ => None,
        };
        return next.is_some_and(|n| take(n, rest, last));
    }
    match (last, at) {
        (Segment::Map { key }, Value::Table(t)) => t.remove(key).is_some(),
        (Segment::Seq { index }, Value::Array(a)) if *index < a.len() => {
            a.remove(*index);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        match parse("maibo.toml", text, environment) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    // P11 for the operator: every problem of a file is told at once, with its path.
    #[test]
    fn all_problems_at_once() {
        let text = "data = 'd'\ncolour = 1\n[http]\nlisten = 8080\nport = 1\n[[source]]\nid = 's'\nkind = 'mqtt'\nurll = 'x'\n";
        let found = problems(text, &[]);
        assert_eq!(found.len(), 4, "{found:#?}");
        for (needle, path) in [("colour", "colour"), ("string", "http.listen"), ("port", "http"), ("urll", "source[0]")]
        {
            assert!(found.iter().any(|p| p.contains(needle) && p.starts_with(path)), "{needle}: {found:#?}");
        }
    }

    // The environment overrides the tree, not the text: a value with quotes stays a value.
    #[test]
    fn overrides_change_the_tree() {
        let environment =
            [("MAIBO__HTTP__LISTEN", "127.0.0.1:9"), ("MAIBO__LOG__INPUTS_QUOTA", "1GiB"), ("OTHER", "x")];
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let file = parse("f", "data = 'd\"'", environment).expect("valid");
        let found = (file.http.listen.as_str(), file.log.inputs_quota.as_str(), file.data.as_str());
        assert_eq!(found, ("127.0.0.1:9", "1GiB", "d\""));
        assert_eq!(problems("data = 'd'", &[("MAIBO__DATA__X", "1")]).len(), 1);
        let file = parse("f", "data = 'd'", [("MAIBO__ENGINE__SHARDS".to_owned(), "4".to_owned())].into_iter());
        assert_eq!(file.expect("valid").engine.shards, 4);
    }

    // A file that is not TOML is one problem with its line.
    #[test]
    fn syntax_errors_name_the_line() {
        let found = problems("data = \n", &[]);
        assert!(found.len() == 1 && found[0].contains("line 1"), "{found:?}");
    }
}
