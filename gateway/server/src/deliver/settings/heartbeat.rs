//! `heartbeat`: how often a receiver is to show that it is there, and `heartbeat_template`: in which words.

use std::ops::RangeInclusive;
use std::path::Path;

use maibo_core::rule::parse_duration;
use maibo_core::time::Millis;

use super::{Format, ReceiverSettings, TEMPLATE_MAX, Way, file};
use crate::deliver::format::BeatTemplate;
use crate::deliver::sender::Sender;

/// What can be configured for programs.
const MACHINES: RangeInclusive<Millis> = Millis::from_secs(2)..=Millis::from_secs(600);
/// The same for people: oftener nobody would look any more, and alerts stand between.
const PEOPLE: RangeInclusive<Millis> = Millis::from_secs(3_600)..=Millis::from_secs(7 * 86_400);

impl ReceiverSettings {
    /// How often; `None`: never.
    pub(super) fn heartbeat(&self, format: Format, way: Option<&Way>, p: &mut Vec<String>) -> Option<Millis> {
        let text = self.heartbeat.as_deref()?;
        let people = format.is_read() || matches!(way, Some(Way::Mail(_)));
        let (range, words) = if people {
            (PEOPLE, "1h to 7d: robots, templates and mail are read by people; 2s to 10m is for the other formats")
        } else {
            (MACHINES, "2s to 10m: programs read it; 1h to 7d is for robots, templates and mail")
        };
        let every = parse_duration(text).ok().filter(|every| range.contains(every));
        if every.is_none() {
            p.push(format!("heartbeat: `{text}` is not {words}"));
        }
        every
    }

    /// The words of a sign of life, read and tried.
    pub(super) fn heartbeat_template(
        &self,
        format: Format,
        sender: &Sender,
        base: &Path,
        p: &mut Vec<String>,
    ) -> Option<BeatTemplate> {
        let Some(name) = &self.heartbeat_template else {
            if format == Format::Template && self.heartbeat.is_some() {
                p.push("heartbeat_template: is needed: the template of alerts has no words for a heartbeat".to_owned());
            }
            return None;
        };
        if !format.is_read() {
            p.push("heartbeat_template: belongs to `format = \"template\"` or that of a robot".to_owned());
            return None;
        }
        if self.heartbeat.is_none() {
            p.push("heartbeat_template: belongs to `heartbeat`".to_owned());
        }
        let path = base.join(name);
        let template = file(&path, TEMPLATE_MAX).and_then(|text| BeatTemplate::parse(&text, sender));
        template.map_err(|why| p.push(format!("heartbeat_template: {}: {why}", path.display()))).ok()
    }
}
