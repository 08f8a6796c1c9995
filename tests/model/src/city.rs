//! The city: what spans devices. It hears what the partitions told about alerts, and nothing of readings.
//!
//! As plain as the rest of the model: after every piece of news all is counted anew from what is open.

use std::collections::BTreeMap;

use crate::act::Order;
use crate::episode::Given;
use crate::{Level, Ms, Told};

mod alerts;
mod ground;
mod pack;
mod quorum;

use alerts::Alerts;
use ground::Ground;
use pack::Set;
use quorum::{Moment, Quorums};

/// What an alert is about: kind and id.
pub(crate) type Subject = (&'static str, String);

/// One change of one alert of a device, as a partition told it.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// Its number among all facts.
    pub index: u64,
    /// Which episode, as 32 hexadecimal digits.
    pub episode: String,
    /// Its version.
    pub version: u32,
    /// The rule that judged.
    pub rule: String,
    /// What it is about: kind and id.
    pub subject: (&'static str, String),
    /// The device it is about, or that reports it.
    pub device: Option<String>,
    /// Where, as of the opening.
    pub place: Option<String>,
    /// Whether it is firing; else resolved.
    pub firing: bool,
    /// The level in force.
    pub level: Level,
    /// Whether it lay in the past.
    pub historic: bool,
    /// Pending since.
    pub started_at: Ms,
    /// Event time.
    pub at: Ms,
    /// When it was decided, engine time.
    pub decided_at: Ms,
}

/// One thing that the city hears of.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// What the partitions told, in order.
    Told {
        /// Number behind the last fact looked at.
        next: u64,
        /// What of it the city has to know.
        items: Vec<News>,
    },
    /// Nothing was heard from then on.
    Deaf {
        /// By which source; `None`: by all, at a start.
        source: Option<String>,
        /// Since when.
        from: Ms,
    },
    /// The clock stepped just before the batch.
    ClockStep {
        /// Forwards positive.
        by: Ms,
    },
    /// A rule set, known by [`City::rules`], comes into force.
    Rules {
        /// Which.
        version: u64,
    },
    /// A catalogue, known by [`City::catalogue`], comes into force.
    Catalogue {
        /// Which.
        version: u64,
    },
    /// An operator does something about an alert of the city.
    Order(Order),
}

/// The city.
#[derive(Debug, Default)]
pub struct City {
    known_rules: BTreeMap<u64, Set>,
    known_grounds: BTreeMap<u64, Ground>,
    set: Set,
    /// Versions of the rules and the catalogue in force: what is in force already changes nothing.
    in_force: (Option<u64>, Option<u64>),
    /// Number of the first fact not heard of yet.
    next: u64,
    alerts: Alerts,
    quorums: Quorums,
    given: Given,
    last: Option<Ms>,
}

impl City {
    /// Nothing is known and nothing in force.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a rule set known under a version: the texts of its packs.
    ///
    /// # Panics
    /// Where a pack is not sound.
    pub fn rules(&mut self, version: u64, packs: &[&str]) {
        self.known_rules.insert(version, Set::read(packs));
    }

    /// Makes a catalogue known under a version.
    ///
    /// # Panics
    /// Where the table is not sound.
    pub fn catalogue(&mut self, version: u64, text: &str) {
        self.known_grounds.insert(version, Ground::read(text));
    }

    /// §15: one batch at engine time `now`: what is told, in order.
    ///
    /// # Panics
    /// Where time goes back, or a version is not known.
    pub fn step(&mut self, now: Ms, inputs: &[Heard]) -> Vec<Told> {
        let last = self.last.unwrap_or(now);
        assert!(now >= last, "time goes back");
        let mut told = Vec::new();
        let steps = inputs.iter().filter_map(|i| if let Heard::ClockStep { by } = i { Some(*by) } else { None });
        self.quorums.move_on(steps.map(|by| by.clamp(0, now - last)).sum());
        let deaf = inputs.iter().filter_map(|i| if let Heard::Deaf { from, .. } = i { Some(*from) } else { None });
        let until = deaf.min().map_or(now, |from| from.min(now));
        self.due(until, last, &mut told);
        for input in inputs {
            self.take(input, now, &mut told);
        }
        self.due(now, last, &mut told);
        self.last = Some(now);
        let rank = |kind: &str| KINDS.iter().position(|k| *k == kind);
        told.sort_by(|a: &Told, b: &Told| {
            let key = |t: &Told| (t.decided_at, t.rule.clone(), rank(t.subject.0), t.subject.1.clone());
            key(a).cmp(&key(b))
        });
        told
    }

    /// What is due up to a time, one after another.
    fn due(&mut self, until: Ms, last: Ms, told: &mut Vec<Told>) {
        while let Some(at) = self.quorums.next_due(&self.set).filter(|at| *at <= until) {
            let moment = Moment { event: at, decided: at.max(last), news: None };
            self.quorums.expire(&self.set, &self.alerts, moment, &mut self.given, told);
        }
        self.quorums.end_silences(until, last, &self.set, &mut self.given, told);
    }

    fn take(&mut self, input: &Heard, now: Ms, told: &mut Vec<Told>) {
        match input {
            Heard::Told { next, items } => {
                for news in items.iter().filter(|news| news.index >= self.next) {
                    self.alerts.take(news);
                    let moment = Moment { event: news.at, decided: now, news: Some(news) };
                    self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, told);
                }
                self.next = self.next.max(*next);
            }
            // Time that Maibo was not there is no time without enough devices.
            Heard::Deaf { source: None, from } => self.quorums.move_on((now - from).max(0)),
            Heard::Rules { version } if self.in_force.0 != Some(*version) => {
                self.in_force.0 = Some(*version);
                let set = self.known_rules.get(version).expect("known rules").clone();
                self.quorums.leave(&self.set, &set, now, &mut self.given, told);
                self.set = set;
                let moment = Moment { event: now, decided: now, news: None };
                self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, told);
            }
            Heard::Catalogue { version } if self.in_force.1 != Some(*version) => {
                self.in_force.1 = Some(*version);
                self.alerts.ground = self.known_grounds.get(version).expect("a known catalogue").clone();
                let moment = Moment { event: now, decided: now, news: None };
                self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, told);
            }
            Heard::Deaf { .. } | Heard::ClockStep { .. } | Heard::Rules { .. } | Heard::Catalogue { .. } => {}
            Heard::Order(order) => self.quorums.act(order, now, &self.set, &mut self.given, told),
        }
    }
}

/// The order of the kinds of subjects.
const KINDS: [&str; 5] = ["device", "source", "place", "event", "around"];
