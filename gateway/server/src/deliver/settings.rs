//! `[[receiver]]`: checked whole, with every problem at once.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use maibo_core::notify::{Mode, Receiver};
use maibo_core::time::Millis;
use serde::Deserialize;

use super::format::{Format, Manner, Platform, TEMPLATE_MAX, Template};
use super::network::Allow;
use super::sender::Sender;
use crate::answer::Answers;

mod conditions;
mod heartbeat;
mod login;
mod mail;
mod mqtt;
mod substitute;
mod together;
mod way;

pub use substitute::Substitute;
pub use way::{HttpWay, MailTls, MailWay, MqttWay, Password, Seal, Way};

/// Receivers of one Maibo: each has a worker and connections of its own.
const RECEIVERS_MAX: usize = 64;
/// Messages a minute that can be configured.
const PER_MINUTE: RangeInclusive<u32> = 1..=6_000;
/// Longest list in an entry.
const LIST_MAX: usize = 64;

/// One `[[receiver]]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSettings {
    /// Its name, `[A-Za-z0-9._-]{1,64}`, unique. A receiver that gets another name is another receiver.
    pub name: String,
    /// Where it listens: `https://…`, `mqtts://host[:port]`, `smtps://host[:port]`, `smtp://host[:port]`; `http://…` and
    /// `mqtt://…` only with `allow`.
    pub url: String,
    /// File with its secrets, one `whsec_…` a line, relative to the configuration; of a robot the one secret that it has been
    /// given. Robots and templates can do without.
    #[serde(default)]
    pub secret_file: String,
    /// `native` (the default), `cloudevents`, `cloudevents-binary`, `alertmanager`, `cap`, `dingtalk`, `feishu`, `wecom` or
    /// `template`.
    #[serde(default)]
    pub format: Option<String>,
    /// File with the message as a template, relative to the configuration: with `template`, or instead of the shipped words
    /// of a robot.
    #[serde(default)]
    pub template: Option<String>,
    /// Over MQTT: the topic it is told on, without `+` and `#`.
    #[serde(default)]
    pub topic: Option<String>,
    /// Over MQTT: Maibo's client id there; `maibo-` and the receiver's name where it is not given.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Of mail: from whom, `name@host` or `Name <name@host>`.
    #[serde(default)]
    pub from: Option<String>,
    /// Of mail: to whom.
    #[serde(default)]
    pub to: Vec<String>,
    /// Of mail: true for a server without TLS, inside the networks of `allow`; false for TLS even on this machine.
    #[serde(default)]
    pub allow_plain: Option<bool>,
    /// Over MQTT and of mail: the login's name.
    #[serde(default)]
    pub user: Option<String>,
    /// File with the login's password, one line, relative to the configuration.
    #[serde(default)]
    pub password_file: Option<String>,
    /// `all` (the default) or `latest`.
    #[serde(default)]
    pub mode: Option<String>,
    /// How long after a message about a rule in a district the next one about it goes at the earliest, with all that came since:
    /// `10s` by default, at most `10m`; `0s`: every version goes alone, as it always does in a format that holds only one.
    #[serde(default)]
    pub group_every: Option<String>,
    /// `blue` (the default), `yellow`, `orange`, `red`.
    #[serde(default)]
    pub min_level: Option<String>,
    /// Domains; none means all.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Place codes such as `110105`; none means all.
    #[serde(default)]
    pub districts: Vec<String>,
    /// Names of rules; none means all.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Kinds of what an alert is about: `device`, `source`, `place`, `event`, `around`, `part`, `drill`; none means all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Periods in which it is told, written as in a rule: `{ name = "day", hours = "08:00-18:00", days = ["mon"] }`; at any hour
    /// where there is none.
    #[serde(default)]
    pub during: Option<toml::Value>,
    /// With `during`: the time zone of its hours, `Asia/Shanghai` where it is not given.
    #[serde(default)]
    pub zone: Option<String>,
    /// `always` (the default); `unacknowledged`: it hears only of episodes that nobody takes notice of; `planned`: only of what a
    /// plan calls it for.
    #[serde(default)]
    pub when: Option<String>,
    /// With `when = "unacknowledged"`: from which reminder on, 1 (the default) to 5.
    #[serde(default)]
    pub reminders: Option<u32>,
    /// Another receiver, who is told as well what this one has not taken in time.
    #[serde(default)]
    pub substitute: Option<String>,
    /// With `substitute`: how long after the decision, 5 s to 1 h; `30s` by default.
    #[serde(default)]
    pub substitute_after: Option<String>,
    /// How many messages it takes in a minute, 1 to 6,000. Of robots what their platforms take where it is not given; without
    /// limit of others.
    #[serde(default)]
    pub per_minute: Option<u32>,
    /// How often it is asked for a sign of life, 2 s to 10 min, or, of what people read (robots, templates, mail), told one,
    /// 1 h to 7 days; never where it is not given.
    #[serde(default)]
    pub heartbeat: Option<String>,
    /// With `heartbeat`: file with its words as a template, relative to the configuration. Needed with `template`; robots have
    /// shipped words.
    #[serde(default)]
    pub heartbeat_template: Option<String>,
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
    /// Where, and how it gets there.
    pub way: Way,
    /// Which private networks.
    pub allow: Allow,
    /// What it wants to get.
    pub manner: Manner,
    /// From whom.
    pub sender: Arc<Sender>,
    /// Who is told in its place.
    pub substitute: Option<Substitute>,
    /// How many messages it takes in a minute, where there is a limit.
    pub per_minute: Option<u32>,
    /// How often it is asked for a sign of life, if ever.
    pub heartbeat: Option<Millis>,
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
    problems.extend(substitute::problems(entries));
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
        if self.allow.len() > LIST_MAX {
            p.push(format!("allow: more than {LIST_MAX} entries"));
        }
        let mode = word(&mut p, "mode", self.mode.as_deref(), Mode::parse, "all, latest");
        let formats = Format::ALL.map(Format::as_str).join(", ");
        let format = word(&mut p, "format", self.format.as_deref(), Format::parse, &formats).unwrap_or_default();
        let matcher = self.conditions(&mut p);
        let group_every = self.group_every(format, &mut p);
        let substitute = self.substitute(group_every, &mut p);
        if self.answers && sender.page.is_none() {
            p.push("answers: needs `page` under [sender], the address at which receivers reach this Maibo".to_owned());
        }
        let networks = each(&mut p, "allow", &self.allow, str::parse);
        let mut allow = Allow { networks, only: false };
        let way = way::parse(self, format, &mut allow, base, &mut p);
        let heartbeat = self.heartbeat(format, way.as_ref(), &mut p);
        let per_minute = self.per_minute.or_else(|| format.platform().map(Platform::per_minute));
        if per_minute.is_some_and(|n| !PER_MINUTE.contains(&n)) {
            p.push("per_minute: 1 to 6000".to_owned());
        }
        let template = self.template(format, sender, base, &mut p);
        let manner = Manner { format, template, beat: self.heartbeat_template(format, sender, base, &mut p) };
        match way {
            Some(way) if p.is_empty() => {
                let (name, mode) = (self.name.clone(), mode.unwrap_or_default());
                let (receiver, answers) = (Receiver { name, mode, matcher, group_every }, self.answers);
                Ok(Target {
                    receiver,
                    way,
                    allow,
                    manner,
                    sender: Arc::clone(sender),
                    substitute,
                    per_minute,
                    heartbeat,
                    answers,
                    links: None,
                })
            }
            _ => Err(p),
        }
    }

    /// The template, read and tried.
    fn template(&self, format: Format, sender: &Sender, base: &Path, p: &mut Vec<String>) -> Option<Template> {
        let Some(name) = &self.template else {
            if format == Format::Template {
                p.push("template: is needed with `format = \"template\"`".to_owned());
            }
            return None;
        };
        if format != Format::Template && format.platform().is_none() {
            p.push("template: belongs to `format = \"template\"` or that of a robot".to_owned());
            return None;
        }
        let path = base.join(name);
        let template = file(&path, TEMPLATE_MAX).and_then(|text| Template::parse(&text, sender));
        template.map_err(|why| p.push(format!("template: {}: {why}", path.display()))).ok()
    }
}

/// A short file.
fn file(path: &Path, limit: u64) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > limit {
        return Err(format!("longer than {limit} bytes"));
    }
    std::fs::read_to_string(path).map_err(|e| e.to_string())
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
