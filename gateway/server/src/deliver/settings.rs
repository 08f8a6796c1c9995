//! `[[receiver]]`: checked whole, with every problem at once.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maibo_core::id::PlaceCode;
use maibo_core::limit::MAX_REMINDERS;
use maibo_core::notify::{Matcher, Mode, Receiver};
use maibo_core::place::{Domain, Level};
use reqwest::Url;
use serde::Deserialize;

use super::format::Format;
use super::network::Allow;
use super::secret::Secrets;
use super::sender::Sender;
use crate::answer::Answers;

/// Receivers of one Maibo: each has a worker and connections of its own.
const RECEIVERS_MAX: usize = 64;
/// Longest secret file, in bytes.
const SECRET_FILE_MAX: u64 = 16 * 1024;
/// Longest list in an entry.
const LIST_MAX: usize = 64;

/// One `[[receiver]]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSettings {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique. A receiver that gets another name is another receiver.
    pub name: String,
    /// Where it listens: `https://…`; `http://…` only with `allow`.
    pub url: String,
    /// File with its secrets, one `whsec_…` a line, relative to the configuration.
    pub secret_file: String,
    /// `native` (the default), `cloudevents`, `cloudevents-binary`, `alertmanager` or `cap`.
    #[serde(default)]
    pub format: Option<String>,
    /// `all` (the default) or `latest`.
    #[serde(default)]
    pub mode: Option<String>,
    /// `blue` (the default), `yellow`, `orange`, `red`.
    #[serde(default)]
    pub min_level: Option<String>,
    /// Domains; none means all.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Place codes such as `110105`; none means all.
    #[serde(default)]
    pub districts: Vec<String>,
    /// `always` (the default), or `unacknowledged`: it hears only of episodes that nobody takes notice of.
    #[serde(default)]
    pub when: Option<String>,
    /// With `when = "unacknowledged"`: from which reminder on, 1 (the default) to 5.
    #[serde(default)]
    pub reminders: Option<u32>,
    /// Private networks where it may be, such as `10.1.2.3/32`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Whether messages have a link by which it answers; needs `page` under `[sender]`.
    #[serde(default)]
    pub answers: bool,
}

/// A receiver, valid.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who wants what.
    pub receiver: Receiver,
    /// Where. May hold a token in its query: never logged.
    pub url: Url,
    /// For signatures.
    pub secrets: Secrets,
    /// Which private networks.
    pub allow: Allow,
    /// What it wants to get.
    pub format: Format,
    /// From whom.
    pub sender: Arc<Sender>,
    /// Whether it may answer.
    pub answers: bool,
    /// What makes its links, where it may answer and the data directory is open.
    pub links: Option<Arc<Answers>>,
}

/// Checks all entries; relative paths begin at `base`.
///
/// # Errors
/// Every problem, each with its path.
pub fn validate(entries: &[ReceiverSettings], sender: &Arc<Sender>, base: &Path) -> Result<Vec<Target>, Vec<String>> {
    let mut problems = Vec::new();
    if entries.len() > RECEIVERS_MAX {
        problems.push(format!("receiver: more than {RECEIVERS_MAX} entries"));
    }
    let mut names = BTreeSet::new();
    let mut targets = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        if !names.insert(&entry.name) {
            problems.push(format!("receiver[{i}].name: `{}` is used twice", entry.name));
        }
        match entry.parse(sender, base) {
            Ok(target) => targets.push(target),
            Err(found) => problems.extend(found.into_iter().map(|p| format!("receiver[{i}].{p}"))),
        }
    }
    if problems.is_empty() { Ok(targets) } else { Err(problems) }
}

impl ReceiverSettings {
    /// Checks one entry; a relative path begins at `base`.
    ///
    /// # Errors
    /// Every problem, each beginning with its key.
    pub fn parse(&self, sender: &Arc<Sender>, base: &Path) -> Result<Target, Vec<String>> {
        let mut p = Vec::new();
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(fine) {
            p.push("name: 1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned());
        }
        for (key, list) in [("domains", &self.domains), ("districts", &self.districts), ("allow", &self.allow)] {
            if list.len() > LIST_MAX {
                p.push(format!("{key}: more than {LIST_MAX} entries"));
            }
        }
        let mode = word(&mut p, "mode", self.mode.as_deref(), Mode::parse, "all, latest");
        let formats = Format::ALL.map(Format::as_str).join(", ");
        let format = word(&mut p, "format", self.format.as_deref(), Format::parse, &formats).unwrap_or_default();
        let level = word(&mut p, "min_level", self.min_level.as_deref(), Level::parse, "blue, yellow, orange, red");
        let from_reminder = self.first_reminder(&mut p);
        let matcher = Matcher {
            from_reminder,
            min_level: level.unwrap_or(Level::Blue),
            domains: each(&mut p, "domains", &self.domains, |d| Domain::parse(d).ok_or("is not a domain")),
            districts: each(&mut p, "districts", &self.districts, |d| {
                PlaceCode::new(d).map_err(|_| "is not a place code")
            }),
        };
        if self.answers && sender.page.is_none() {
            p.push("answers: needs `page` under [sender], the address at which receivers reach this Maibo".to_owned());
        }
        let networks = each(&mut p, "allow", &self.allow, str::parse);
        let mut allow = Allow { networks, only: false };
        let url = self.url(&mut allow).map_err(|e| p.push(format!("url: {e}"))).ok();
        let secrets = self.secrets(base).map_err(|found| p.extend(found)).ok();
        match (url, secrets) {
            (Some(url), Some(secrets)) if p.is_empty() => {
                let receiver = Receiver { name: self.name.clone(), mode: mode.unwrap_or_default(), matcher };
                let (sender, answers) = (Arc::clone(sender), self.answers);
                Ok(Target { receiver, url, secrets, allow, format, sender, answers, links: None })
            }
            _ => Err(p),
        }
    }

    /// The reminder from which on it hears of an episode; 0: from its opening on.
    fn first_reminder(&self, p: &mut Vec<String>) -> u32 {
        let waits = |w: &str| ["always", "unacknowledged"].iter().position(|x| *x == w);
        let waits = word(p, "when", self.when.as_deref(), waits, "always, unacknowledged") == Some(1);
        match self.reminders {
            Some(_) if !waits => p.push("reminders: belongs to `when = \"unacknowledged\"`".to_owned()),
            Some(n) if !(1..=MAX_REMINDERS).contains(&n) => {
                p.push(format!("reminders: {n} is not 1 to {MAX_REMINDERS}: so often is reminded of an alert"));
            }
            _ => {}
        }
        if waits { self.reminders.unwrap_or(1) } else { 0 }
    }

    /// The address; messages never show it, because it may hold a token.
    fn url(&self, allow: &mut Allow) -> Result<Url, String> {
        let url = Url::parse(&self.url).map_err(|e| format!("is not a URL: {e}"))?;
        match url.scheme() {
            "https" => {}
            "http" if allow.networks.is_empty() => {
                return Err("must be https; http only with `allow`, towards the networks named there".to_owned());
            }
            "http" => allow.only = true,
            _ => return Err("must be https".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password".to_owned());
        }
        // The parser has turned every spelling of an IPv4 address into the dotted one by now.
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            allow.check(address).map_err(|why| format!("{address} is {why}; name its network in `allow`"))?;
        }
        Ok(url)
    }

    fn secrets(&self, base: &Path) -> Result<Secrets, Vec<String>> {
        let path = base.join(&self.secret_file);
        let fault = |text: String| vec![format!("secret_file: {}: {text}", path.display())];
        let length = std::fs::metadata(&path).map_err(|e| fault(e.to_string()))?.len();
        if length > SECRET_FILE_MAX {
            return Err(fault(format!("longer than {SECRET_FILE_MAX} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| fault(e.to_string()))?;
        Secrets::parse(&text).map_err(|found| found.into_iter().flat_map(fault).collect())
    }
}

/// A word of a closed set, where one is given.
fn word<T>(
    problems: &mut Vec<String>,
    key: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    words: &str,
) -> Option<T> {
    let text = text?;
    let value = read(text);
    if value.is_none() {
        problems.push(format!("{key}: `{text}` is not one of {words}"));
    }
    value
}

/// The valid entries of a list.
fn each<T>(
    problems: &mut Vec<String>,
    key: &str,
    list: &[String],
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in list {
        match read(text) {
            Ok(value) => values.push(value),
            Err(why) => problems.push(format!("{key}: `{text}` {why}")),
        }
    }
    values
}
