//! The template of a sign of life: JSON as that of alerts, with names of its own, so that what is written for the one fails with the
//! other when the configuration is read.

use maibo_api::Words;
use maibo_core::time::{Millis, Timestamp};
use serde::Serialize;

use super::super::{Beat, FormatError, Outgoing};
use super::{Named, Template, why};
use crate::deliver::sender::Sender;

/// A template that gave JSON for a sign of life.
#[derive(Clone, Debug)]
pub struct BeatTemplate(Template);

/// What it can name.
#[derive(Serialize)]
struct Names<'a> {
    /// Both lines: that it is no alert, and that the way is open.
    head: Words,
    text: Words,
    /// When, as on the interface and by the city's clock, and when the next one comes.
    time: String,
    time_local: String,
    next_local: String,
    every_ms: i64,
    receiver: &'a str,
    sender: Named<'a>,
}

impl BeatTemplate {
    /// Reads a template and tries it.
    ///
    /// # Errors
    /// Says what is wrong, by the template's line where there is one.
    pub fn parse(source: &str, sender: &Sender) -> Result<Self, String> {
        let template = Self(Template::new(source));
        let (every, now) = (Millis::from_secs(86_400), Timestamp(1_795_435_200_000));
        let sample = Beat { key: "beat_0", receiver: "sample", every, now };
        template.message(&sample, sender).map_err(|e| why(&e))?;
        Ok(template)
    }

    /// The message of one beat.
    pub(in crate::deliver::format) fn message(
        &self,
        beat: &Beat<'_>,
        sender: &Sender,
    ) -> Result<Outgoing, FormatError> {
        let (head, line) = (Beat::head(), beat.line(sender));
        let text = Words { zh: format!("{}\n{}", head.zh, line.zh), en: format!("{}\n{}", head.en, line.en) };
        self.0.make(&Names {
            head,
            text,
            time: beat.time(),
            time_local: beat.here(),
            next_local: beat.next(),
            every_ms: beat.every.0,
            receiver: beat.receiver,
            sender: Named::of(sender),
        })
    }
}
