//! `heartbeat`: how often a receiver is to show that it is there.

use std::ops::RangeInclusive;

use maibo_core::rule::parse_duration;
use maibo_core::time::Millis;

use super::{ReceiverSettings, Way};
use crate::deliver::format::Format;

/// What can be configured.
const EVERY: RangeInclusive<Millis> = Millis::from_secs(2)..=Millis::from_secs(600);

impl ReceiverSettings {
    /// How often; `None`: never. What is written for people has no word for it.
    pub(super) fn heartbeat(&self, format: Format, way: Option<&Way>, p: &mut Vec<String>) -> Option<Millis> {
        let text = self.heartbeat.as_deref()?;
        if !format.takes_beats() || matches!(way, Some(Way::Mail(_))) {
            p.push("heartbeat: goes by webhook or MQTT, in a format for machines".to_owned());
        }
        let every = parse_duration(text).ok().filter(|every| EVERY.contains(every));
        if every.is_none() {
            p.push(format!("heartbeat: `{text}` is not 2s to 10m"));
        }
        every
    }
}
