//! What a receiver gets: a message as the outbox keeps it, put into the receiver's format when it is sent.
//!
//! The outbox keeps native JSON, one body for all receivers. Formats are made of it at each attempt, so that one that is
//! configured anew holds for what waits, too, and so that nothing about formats is in what is kept. The same version gives the
//! same bytes at every attempt: everything comes from what is kept, nothing from the time of the attempt.
//!
//! Failure: a body that cannot be read (the outbox was made by something else) is no attempt at all; the delivery waits and
//! says so.

use axum::http::{HeaderName, HeaderValue};
use maibo_api::{Alert, AlertState, Escalated, PlanOrder, Words};
use maibo_core::time::Timestamp;
use maibo_store::outbox::Stamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod alertmanager;
mod beat;
mod cap;
mod chat;
mod cloudevents;
mod group;
mod language;
mod notice;
mod samples;
mod template;

pub(super) use beat::Beat;
pub(super) use chat::Platform;
pub(super) use language::Language;
pub(super) use notice::Notice;
pub(super) use samples::alert as sample;
pub(super) use template::FILE as TEMPLATE_MAX;
pub use template::{BeatTemplate, Template};

use super::sender::Sender;
use crate::answer::{Answers, Link};

/// In which format a receiver wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `{"type", "timestamp", "data"}` of Standard Webhooks, with the alert as the interface has it.
    #[default]
    Native,
    /// CloudEvents 1.0, structured: one JSON object.
    CloudEvents,
    /// CloudEvents 1.0, binary: attributes in headers, the alert in the body.
    CloudEventsBinary,
    /// What Prometheus Alertmanager posts to its webhooks, version 4.
    Alertmanager,
    /// OASIS CAP 1.2, XML.
    Cap,
    /// Markdown for a robot in a group of DingTalk.
    DingTalk,
    /// A card for a robot in a group of Feishu or Lark.
    Feishu,
    /// Markdown for a robot in a group of WeCom.
    WeCom,
    /// JSON by the receiver's own template.
    Template,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Native,
        Self::CloudEvents,
        Self::CloudEventsBinary,
        Self::Alertmanager,
        Self::Cap,
        Self::DingTalk,
        Self::Feishu,
        Self::WeCom,
        Self::Template,
    ];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::CloudEvents => "cloudevents",
            Self::CloudEventsBinary => "cloudevents-binary",
            Self::Alertmanager => "alertmanager",
            Self::Cap => "cap",
            Self::DingTalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::WeCom => "wecom",
            Self::Template => "template",
        }
    }

    /// Whose robot it is for, where it is for one.
    pub(super) const fn platform(self) -> Option<Platform> {
        match self {
            Self::DingTalk => Some(Platform::DingTalk),
            Self::Feishu => Some(Platform::Feishu),
            Self::WeCom => Some(Platform::WeCom),
            _ => None,
        }
    }

    /// Whether one message of it can hold several versions.
    pub const fn takes_many(self) -> bool {
        match self {
            Self::Native
            | Self::CloudEvents
            | Self::Alertmanager
            | Self::DingTalk
            | Self::Feishu
            | Self::WeCom
            | Self::Template => true,
            Self::CloudEventsBinary | Self::Cap => false,
        }
    }

    /// Whether people read it, as far as is known: whose template it is, nobody can tell.
    pub(super) const fn is_read(self) -> bool {
        matches!(self, Self::DingTalk | Self::Feishu | Self::WeCom | Self::Template)
    }

    /// Reads the word of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == text)
    }
}

/// One version of one alert for one receiver, to be sent.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Native JSON, as it is kept.
    pub(super) body: Vec<u8>,
    /// When and as what it was decided.
    pub(super) stamp: Stamp,
    /// The latest version before it that this receiver has.
    pub(super) before: Option<Stamp>,
}

impl Letter {
    /// One that is not kept: told past the record.
    pub(super) fn unkept(body: Vec<u8>, version: u32, at: Timestamp) -> Self {
        Self { body, stamp: Stamp { version, at, slot: at.0.div_euclid(100) }, before: None }
    }

    /// The same with the link by which the receiver answers.
    pub(super) fn answered(mut self, links: &Answers, receiver: &str) -> Self {
        self.body = links.add(self.body, receiver, self.stamp.at);
        self
    }
}

/// What goes over the wire, but for what the attempt itself adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// Its `Content-Type`.
    pub(super) content_type: &'static str,
    /// Headers of the format.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes that are signed.
    pub(super) body: Vec<u8>,
}

/// A kept body cannot be put into a format.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatError {
    /// It is not what Maibo keeps.
    #[error("the kept message cannot be read")]
    Kept(#[from] serde_json::Error),
    /// It lacks something, named by its JSON pointer.
    #[error("the kept message has no {0}")]
    Missing(&'static str),
    /// The writer of XML failed.
    #[error("write the message as XML")]
    Xml(#[from] std::io::Error),
    /// There is nothing to tell.
    #[error("a message without versions")]
    Empty,
    /// A text does not fit into a header.
    #[error("`{0}` does not fit into a header")]
    Header(String),
    /// The receiver's template failed.
    #[error("the template fails")]
    Template(#[source] minijinja::Error),
    /// What the template made is no JSON.
    #[error("what the template makes is not JSON")]
    Json(#[source] serde_json::Error),
    /// The format has one alert a message.
    #[error("the format tells of one alert at a time")]
    One,
}

/// What is kept.
#[derive(Deserialize)]
struct Kept {
    data: KeptData,
}

#[derive(Deserialize)]
struct KeptData {
    #[serde(flatten)]
    alert: Alert,
    /// Not there in what was kept before it was.
    #[serde(default)]
    advice: Option<Words>,
    /// Who has to do what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plans: Vec<PlanOrder>,
    /// What somebody did not do in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    escalated: Option<Escalated>,
    recorded: bool,
    /// Somebody tries whether messages arrive.
    #[serde(default)]
    test: bool,
    /// Where the receiver may answer.
    #[serde(default)]
    answer: Option<Link>,
}

/// How a receiver is written to.
#[derive(Clone, Debug)]
pub struct Manner {
    /// In which format.
    pub format: Format,
    /// The receiver's own words: of [`Format::Template`], or instead of those shipped for a robot.
    pub template: Option<Template>,
    /// The receiver's own words of a sign of life.
    pub beat: Option<BeatTemplate>,
}

/// Puts what goes in one message into a format. `receiver` is whom it is for.
///
/// # Errors
/// Where what is kept is not what Maibo keeps, where a template fails, and where a format cannot tell of so many.
pub(super) fn render(
    manner: &Manner,
    letters: &[Letter],
    receiver: &str,
    sender: &Sender,
) -> Result<Outgoing, FormatError> {
    if letters.is_empty() {
        return Err(FormatError::Empty);
    }
    if let Some(template) = &manner.template {
        return template.message(letters, receiver, sender);
    }
    if let Some(platform) = manner.format.platform() {
        return chat::message(platform, &notice(letters, sender)?);
    }
    match (manner.format, letters) {
        (Format::Native, [letter]) => {
            let body = letter.body.clone();
            Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body })
        }
        (Format::Native, many) => group::native(many),
        (Format::CloudEvents, [letter]) => cloudevents::structured(&serde_json::from_slice(&letter.body)?, sender),
        (Format::CloudEvents, many) => cloudevents::batch(&kept(many)?, sender),
        (Format::CloudEventsBinary, [letter]) => cloudevents::binary(&serde_json::from_slice(&letter.body)?, sender),
        (Format::Alertmanager, many) => alertmanager::webhook(&kept(many)?, receiver, sender),
        (Format::Cap, [letter]) => cap::alert(&serde_json::from_slice(&letter.body)?, letter, receiver, sender),
        (Format::CloudEventsBinary | Format::Cap, _) => Err(FormatError::One),
        // These have been dealt with above; a template without its file is refused when the configuration is read.
        (Format::DingTalk | Format::Feishu | Format::WeCom | Format::Template, _) => {
            Err(FormatError::Missing("template"))
        }
    }
}

/// Letters in words for people.
///
/// # Errors
/// Where what is kept is not what Maibo keeps.
pub(super) fn notice(letters: &[Letter], sender: &Sender) -> Result<Notice, FormatError> {
    Ok(Notice::new(&kept(letters)?, sender))
}

/// The id of the alert that a letter is about.
pub(super) fn about(letter: &Letter) -> Option<String> {
    let kept: Kept = serde_json::from_slice(&letter.body).ok()?;
    Some(kept.data.alert.id)
}

/// What is kept of each letter.
fn kept<T: DeserializeOwned>(letters: &[Letter]) -> Result<Vec<T>, FormatError> {
    letters.iter().map(|letter| Ok(serde_json::from_slice(&letter.body)?)).collect()
}

/// The word that a value of a closed set is on the interface.
fn word<T: Serialize>(value: &T) -> Result<String, FormatError> {
    Ok(serde_json::to_value(value)?.as_str().unwrap_or_default().to_owned())
}

const fn over(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Resolved)
}

#[cfg(test)]
mod tests;
