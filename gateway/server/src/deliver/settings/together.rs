//! `group_every`: how long what goes together waits.

use maibo_core::notify::{GROUP_EVERY, GROUP_EVERY_MAX};
use maibo_core::rule::parse_duration;
use maibo_core::time::Millis;

use super::ReceiverSettings;
use crate::deliver::format::Format;

impl ReceiverSettings {
    /// How long a group waits; `None`: nothing is grouped.
    pub(super) fn group_every(&self, format: Format, p: &mut Vec<String>) -> Option<Millis> {
        let Some(text) = self.group_every.as_deref() else { return format.takes_many().then_some(GROUP_EVERY) };
        match parse_duration(text) {
            Ok(Millis(0)) => None,
            Ok(_) if !format.takes_many() => {
                p.push(format!("group_every: a message of format {} holds one version; leave it out", format.as_str()));
                None
            }
            Ok(every) if (Millis::from_secs(1)..=GROUP_EVERY_MAX).contains(&every) => Some(every),
            _ => {
                p.push(format!("group_every: `{text}` is not 0s, or 1s to 10m"));
                None
            }
        }
    }
}
