//! A sign of life in a receiver's format: nothing has happened, and the way is open.
//!
//! | Format | What it is there |
//! |---|---|
//! | native | `type` `heartbeat` |
//! | CloudEvents | `type` `maibo.heartbeat`, both modes |
//! | Alertmanager | an alert `MaiboHeartbeat` that always fires, as the `Watchdog` of Prometheus does; without `severity` |
//! | CAP | status `System`: for the network of alerts itself, not for people (§3.2.1); without `info`, so that nobody can show it as a warning |
//! | DingTalk, Feishu, WeCom | two lines, Chinese and English, without level, colour and mark; a receiver's own template for alerts is not used |
//! | template | the receiver's second template, which has no names of alerts ([`BeatTemplate`](super::BeatTemplate)) |
//! | mail | the same two lines, and a subject that says that it is no alert (`deliver::mail`) |
//!
//! The words for people begin with 【心跳】 and say 这不是预警: a robot that wants the keyword 预警 takes them, too, and nobody
//! who only reads the first line takes them for an alert.

use maibo_api::Words;
use maibo_core::time::{Millis, Timestamp};
use serde_json::{Value, json};

use super::language::local;
use super::{Format, FormatError, Manner, Outgoing, alertmanager, cap, chat, cloudevents};
use crate::deliver::sender::Sender;
use crate::live::words;

/// One beat.
pub(in crate::deliver) struct Beat<'a> {
    /// Its key, which no other message has.
    pub(in crate::deliver) key: &'a str,
    /// For whom.
    pub(in crate::deliver) receiver: &'a str,
    /// How often there is one.
    pub(in crate::deliver) every: Millis,
    /// By the wall clock.
    pub(in crate::deliver) now: Timestamp,
}

impl Beat<'_> {
    /// What it says in JSON.
    pub(super) fn data(&self) -> Value {
        json!({ "receiver": self.receiver, "every_ms": self.every.0 })
    }

    /// When, as on the interface.
    pub(super) fn time(&self) -> String {
        words::time(self.now)
    }

    /// When, by the city's clock, to the second.
    pub(super) fn here(&self) -> String {
        local(self.now).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// When the next one comes, by the city's clock, to the minute.
    pub(super) fn next(&self) -> String {
        local(self.now + self.every).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// The first line for people.
    pub(in crate::deliver) fn head() -> Words {
        Words {
            zh: "【心跳】脉搏在运行，这不是预警".to_owned(),
            en: "[HEARTBEAT] Maibo is alive; this is no alert".to_owned(),
        }
    }

    /// The line below it.
    pub(in crate::deliver) fn line(&self, sender: &Sender) -> Words {
        let (to, here, next) = (self.receiver, self.here(), self.next());
        let Words { zh, en } = &sender.title;
        Words {
            zh: format!("{here}（+08:00）：{zh}到 {to} 的通知渠道畅通，无须处置；下一条约在 {next}"),
            en: format!(
                "{here} (+08:00): the way from {en} to {to} is open, nothing has to be done; the next one comes about {next}"
            ),
        }
    }

    /// In a receiver's manner, but for mail, which has a form of its own.
    ///
    /// # Errors
    /// Where it cannot be written, and where a template fails.
    pub(in crate::deliver) fn render(&self, manner: &Manner, sender: &Sender) -> Result<Outgoing, FormatError> {
        if let Some(template) = &manner.beat {
            return template.message(self, sender);
        }
        if let Some(platform) = manner.format.platform() {
            return chat::beat(platform, self, sender);
        }
        match manner.format {
            Format::Native => {
                let body = json!({ "type": "heartbeat", "timestamp": self.time(), "data": self.data() });
                let body = serde_json::to_vec(&body)?;
                Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body })
            }
            Format::CloudEvents => cloudevents::beat(self, sender),
            Format::CloudEventsBinary => cloudevents::binary_beat(self, sender),
            Format::Alertmanager => alertmanager::beat(self, sender),
            Format::Cap => cap::beat(self, sender),
            // Robots have been dealt with; a template without its second one is refused when the configuration is read.
            Format::DingTalk | Format::Feishu | Format::WeCom | Format::Template => {
                Err(FormatError::Missing("template for a sign of life"))
            }
        }
    }
}
