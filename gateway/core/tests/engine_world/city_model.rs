//! The reference model of the city beside the city machine: whatever a world does, both must tell the same.
//!
//! Not compared, because it is outside the specification of rules: reminders, and worlds in which the log imposes facts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maibo_core::fact::{Fact, State};
use maibo_core::input::{Input, Told};
use maibo_model::city::{City, Heard, News};

use super::ZERO;
use super::model::{Reminders, level, line, told, words};

/// The alert about a deaf source: of Maibo's own ears, no rule of a pack.
const SOURCE: &str = "maibo-source";

/// The model of a city, and what the world did so far, for whoever reads a failure.
pub(crate) struct CityDouble {
    model: City,
    story: String,
    /// Rules and catalogues by version, to be told when they come into force.
    texts: BTreeMap<u64, String>,
    reminders: Reminders,
}

impl CityDouble {
    pub(crate) fn new() -> Self {
        Self { model: City::new(), story: String::new(), texts: BTreeMap::new(), reminders: Reminders::default() }
    }

    pub(crate) fn know_rules(&mut self, version: u64, text: &str) {
        self.texts.insert(version, text.to_owned());
        self.model.rules(version, &[text]);
    }

    pub(crate) fn know_catalogue(&mut self, version: u64, text: &str) {
        self.texts.insert(version, text.to_owned());
        self.model.catalogue(version, text);
    }

    /// What this batch does to the model must be what it did to the machine.
    pub(crate) fn step(&mut self, now: i64, inputs: &[Input], facts: &[Fact]) {
        let _ = writeln!(self.story, "at {}", now - ZERO);
        for input in inputs {
            match input {
                Input::Told { first, next, items } => {
                    let _ = writeln!(self.story, "  told {first}..{next}");
                    items.iter().for_each(|one| self.story += &news_line(one));
                }
                other => {
                    let _ = writeln!(self.story, "  {}", words(other));
                }
            }
            if let Input::Rules { version } | Input::Catalogue { version } = input {
                self.story += &self.texts[&version.0];
            }
        }
        let machine: Vec<_> = facts
            .iter()
            .filter_map(told)
            .filter(|t| t.rule != SOURCE)
            .filter_map(|t| self.reminders.without(t))
            .collect();
        let heard: Vec<Heard> = inputs.iter().filter_map(|i| self.translated(i)).collect();
        let model = self.model.step(now, &heard);
        for one in &machine {
            let _ = writeln!(self.story, "    told {}", line(one));
        }
        if machine != model {
            let list =
                |told: &[maibo_model::Told]| told.iter().fold(String::new(), |t, one| t + "  " + &line(one) + "\n");
            panic!("{}\nthe machine:\n{}the model:\n{}", self.story, list(&machine), list(&model));
        }
    }

    /// An input in the model's words. `None`: nothing that it knows of.
    fn translated(&self, input: &Input) -> Option<Heard> {
        Some(match input {
            Input::Told { next, items, .. } => Heard::Told { next: *next, items: items.iter().map(news).collect() },
            Input::Deaf { source, from } => {
                Heard::Deaf { source: source.as_ref().map(|s| s.as_str().to_owned()), from: from.0 }
            }
            Input::ClockStep { by } => Heard::ClockStep { by: by.0 },
            Input::Rules { version } => Heard::Rules { version: version.0 },
            Input::Catalogue { version } => Heard::Catalogue { version: version.0 },
            Input::Command(command) => Heard::Order(self.reminders.order(command)),
            _ => return None,
        })
    }
}

fn news(told: &Told) -> News {
    News {
        index: told.index,
        episode: told.episode.to_string(),
        version: told.version,
        rule: told.rule.as_str().to_owned(),
        subject: (told.subject.kind(), told.subject.id().into_owned()),
        device: told.subject.device().map(|d| d.as_str().to_owned()),
        place: told.place.as_ref().map(|p| p.as_str().to_owned()),
        firing: told.state == State::Firing,
        level: level(told.level),
        historic: told.historic,
        started_at: told.started_at.0,
        at: told.at.0,
        decided_at: told.decided.0,
    }
}

fn news_line(told: &Told) -> String {
    let one = news(told);
    format!(
        "    {} {} {} v{} {} {} {:?} since {} at {} decided {}{}\n",
        one.index,
        one.rule,
        one.subject.1,
        one.version,
        &one.episode[..6],
        if one.firing { "firing" } else { "resolved" },
        one.level,
        one.started_at - ZERO,
        one.at - ZERO,
        one.decided_at - ZERO,
        if one.historic { " historic" } else { "" },
    )
}
