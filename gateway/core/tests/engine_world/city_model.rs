//! The reference model of the city beside the city machine: whatever a world does, both must tell the same.
//!
//! Compared are transitions (those of rules on trial as well), what is said of causes and consequences, and planned work. Not
//! compared, because it is outside the specification of rules: reminders, alerts about deaf sources, and worlds in which the log
//! imposes facts; and incidents, which the model does not know yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maibo_core::fact::{Body, Fact, Maintenance, State};
use maibo_core::input::{Input, Told};
use maibo_model::city::{City, Consequence, Heard, News, Work};

use super::ZERO;
use super::model::{Reminders, level, line, told, words};

/// The alert about a deaf source: of Maibo's own ears, no rule of a pack.
const SOURCE: &str = "maibo-source";
/// What Maibo finds out about itself is no matter of the city's rules, and neither are drills.
const OWN: &[&str] = &["maibo-disk", "maibo-gap", "maibo-drill"];

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
                    self.story += &items.iter().map(news_line).collect::<String>();
                }
                other => {
                    let _ = writeln!(self.story, "  {}", words(other));
                }
            }
            if let Input::Rules { version, .. } | Input::Catalogue { version } = input {
                self.story += &self.texts[&version.0];
            }
        }
        let machine: Vec<_> = facts
            .iter()
            .filter_map(told)
            .filter(|t| t.rule != SOURCE && !OWN.contains(&&*t.rule))
            .filter_map(|t| self.reminders.without(t))
            .collect();
        let heard: Vec<Heard> = inputs.iter().filter_map(|i| self.translated(i)).collect();
        let said = self.model.step(now, &heard);
        let model = said.told;
        for one in &machine {
            let _ = writeln!(self.story, "    told {}", line(one));
        }
        if machine != model {
            let list =
                |told: &[maibo_model::Told]| told.iter().fold(String::new(), |t, one| t + "  " + &line(one) + "\n");
            panic!("{}\nthe machine:\n{}the model:\n{}", self.story, list(&machine), list(&model));
        }
        let consequences: Vec<Consequence> = facts.iter().filter_map(consequence).collect();
        for one in &consequences {
            let _ = writeln!(self.story, "    {one:?}");
        }
        self.compare(&in_order(consequences), &in_order(said.consequences));
        let in_order = |mut all: Vec<Work>| {
            all.sort_by_key(|work| (work.at, work.id.clone()));
            all
        };
        self.compare(&in_order(facts.iter().filter_map(work).collect()), &in_order(said.work));
    }

    /// Facts that are no transitions: the specification does not say in which order they are told.
    fn compare<T: std::fmt::Debug + PartialEq>(&self, machine: &[T], model: &[T]) {
        if machine != model {
            let list = |all: &[T]| all.iter().fold(String::new(), |text, one| text + &format!("  {one:?}\n"));
            panic!("{}\nthe machine:\n{}the model:\n{}", self.story, list(machine), list(model));
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
            Input::Rules { version, .. } => Heard::Rules { version: version.0 },
            Input::Catalogue { version } => Heard::Catalogue { version: version.0 },
            Input::Command(command) => Heard::Order(self.reminders.order(command)),
            Input::Maintain(m) => Heard::Maintain(plan(0, m)),
            Input::EndMaintenance { id, by } => {
                Heard::EndMaintenance { id: id.to_string(), by: by.as_str().to_owned() }
            }
            _ => return None,
        })
    }
}

/// In the order of what they are about; of one alert as they came.
fn in_order(mut all: Vec<Consequence>) -> Vec<Consequence> {
    all.sort_by_key(|one| match one {
        Consequence::Of { at, episode, .. } => (0, *at, episode.clone()),
        Consequence::Released { at, parent, .. } => (1, *at, parent.clone()),
    });
    all
}

/// A fact about causes in the model's words.
fn consequence(fact: &Fact) -> Option<Consequence> {
    let at = fact.at.0;
    match &fact.body {
        Body::Inhibition { episode, by } => {
            Some(Consequence::Of { at, episode: episode.to_string(), by: by.map(|by| by.to_string()) })
        }
        Body::Released { parent, episodes } => {
            let episodes = episodes.iter().map(ToString::to_string).collect();
            Some(Consequence::Released { at, parent: parent.to_string(), episodes })
        }
        _ => None,
    }
}

/// A maintenance in the model's words.
fn plan(at: i64, m: &Maintenance) -> Work {
    Work {
        at,
        id: m.id.to_string(),
        scope: (m.scope.kind(), m.scope.id().to_owned()),
        from: m.from.0,
        until: m.until.0,
        by: m.by.as_str().to_owned(),
        reason: m.reason.to_string(),
        state: m.state.as_str(),
        ended_by: m.ended_by.as_ref().map(|by| by.as_str().to_owned()),
    }
}

/// A fact about planned work in the model's words.
fn work(fact: &Fact) -> Option<Work> {
    match &fact.body {
        Body::Maintenance(m) => Some(plan(fact.at.0, m)),
        _ => None,
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
