//! A sign of life in a receiver's format: nothing has happened, and the way is open.
//!
//! | Format | What it is there |
//! |---|---|
//! | native | `type` `heartbeat` |
//! | CloudEvents | `type` `maibo.heartbeat`, both modes |
//! | Alertmanager | an alert `MaiboHeartbeat` that always fires, as the `Watchdog` of Prometheus does; without `severity` |
//! | CAP | status `System`: for the network of alerts itself, not for people (§3.2.1); without `info`, so that nobody can show it as a warning |
//!
//! What is written for people has no word for it.

use maibo_core::time::{Millis, Timestamp};
use serde_json::{Value, json};

use super::{Format, FormatError, Outgoing, alertmanager, cap, cloudevents};
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

    /// In a format.
    ///
    /// # Errors
    /// Where the format has no word for it, and where it cannot be written.
    pub(in crate::deliver) fn render(&self, format: Format, sender: &Sender) -> Result<Outgoing, FormatError> {
        match format {
            Format::Native => {
                let body = json!({ "type": "heartbeat", "timestamp": self.time(), "data": self.data() });
                let body = serde_json::to_vec(&body)?;
                Ok(Outgoing { content_type: "application/json", headers: Vec::new(), body })
            }
            Format::CloudEvents => cloudevents::beat(self, sender),
            Format::CloudEventsBinary => cloudevents::binary_beat(self, sender),
            Format::Alertmanager => alertmanager::beat(self, sender),
            Format::Cap => cap::beat(self, sender),
            Format::DingTalk | Format::Feishu | Format::WeCom | Format::Template => {
                Err(FormatError::Missing("word for a sign of life"))
            }
        }
    }
}
