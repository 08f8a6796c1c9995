//! The city: what spans devices. It hears what the partitions told about alerts, and nothing of readings.
//!
//! As plain as the rest of the model: after every piece of news all is counted anew from what is open.

use std::collections::BTreeMap;

use crate::act::Order;
use crate::episode::Given;
use crate::{Level, Ms, Side, Told};

mod alerts;
mod ground;
mod inhibit;
mod maintenance;
mod pack;
mod quorum;

pub use inhibit::Consequence;
pub use maintenance::Work;

use alerts::Alerts;
use ground::Ground;
use inhibit::Causes;
use maintenance::Plans;
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
    /// Somebody plans a maintenance. Of it `at` and `state` do not matter.
    Maintain(Work),
    /// Somebody ends a maintenance early.
    EndMaintenance {
        /// Which.
        id: String,
        /// Who.
        by: String,
    },
}

/// What is told in one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Transitions, in order.
    pub told: Vec<Told>,
    /// What is said of causes and consequences.
    pub consequences: Vec<Consequence>,
    /// What is said of planned work.
    pub work: Vec<Work>,
    /// How many of the transitions were taken as news.
    followed: usize,
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
    causes: Causes,
    plans: Plans,
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

    /// §15: one batch at engine time `now`: what is told.
    ///
    /// # Panics
    /// Where time goes back, or a version is not known.
    pub fn step(&mut self, now: Ms, inputs: &[Heard]) -> Said {
        let last = self.last.unwrap_or(now);
        assert!(now >= last, "time goes back");
        let mut said = Said::default();
        let steps = inputs.iter().filter_map(|i| if let Heard::ClockStep { by } = i { Some(*by) } else { None });
        self.move_on(steps.map(|by| by.clamp(0, now - last)).sum());
        let deaf = inputs.iter().filter_map(|i| if let Heard::Deaf { from, .. } = i { Some(*from) } else { None });
        let until = deaf.min().map_or(now, |from| from.min(now));
        self.due(until, last, &mut said);
        for input in inputs {
            self.take(input, now, &mut said);
        }
        // What was due while Maibo was not there and did not move is decided now.
        self.due(now, now, &mut said);
        self.last = Some(now);
        let rank = |kind: &str| KINDS.iter().position(|k| *k == kind);
        said.told.sort_by(|a: &Told, b: &Told| {
            let key = |t: &Told| (t.decided_at, t.rule.clone(), rank(t.subject.0), t.subject.1.clone());
            key(a).cmp(&key(b))
        });
        said
    }

    /// Time passed that does not count.
    fn move_on(&mut self, by: Ms) {
        self.quorums.move_on(by);
        self.causes.move_on(by);
    }

    /// What is due up to a time, one after another.
    fn due(&mut self, until: Ms, last: Ms, said: &mut Said) {
        loop {
            let (lost, wait) = (self.quorums.next_due(&self.set), self.causes.next_due());
            let work = self.plans.next_due();
            let Some(at) = lost.into_iter().chain(wait).chain(work).min().filter(|at| *at <= until) else { break };
            let decided = at.max(last);
            if lost == Some(at) {
                self.lose(at, decided, said);
            }
            if wait == Some(at) {
                self.causes.decide(&self.set, at, decided, &mut said.consequences);
            }
            if work == Some(at) {
                self.plans.pass(at, decided, &mut said.work);
            }
        }
        self.quorums.end_silences(until, last, &self.set, &mut self.given, &mut said.told);
        self.follow(last, said);
    }

    /// Quorums end that have had too few for long enough at a time.
    fn lose(&mut self, at: Ms, decided: Ms, said: &mut Said) {
        let moment = Moment { event: at, decided, news: None };
        self.quorums.expire(&self.set, &self.alerts, moment, &mut self.given, &mut said.told);
        self.follow(decided, said);
    }

    fn take(&mut self, input: &Heard, now: Ms, said: &mut Said) {
        let moment = Moment { event: now, decided: now, news: None };
        match input {
            Heard::Told { next, items } => {
                let next_before = self.next;
                for news in items.iter().filter(|news| news.index >= next_before) {
                    self.alerts.take(news);
                    self.causes.take(&self.set, news, now, &mut said.consequences);
                    let moment = Moment { event: news.at, news: Some(news), ..moment };
                    self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, &mut said.told);
                    self.follow(now, said);
                    while let Some(at) = self.quorums.next_due(&self.set).filter(|at| *at <= now) {
                        self.lose(at, now, said);
                    }
                }
                self.next = self.next.max(*next);
            }
            // Time that Maibo was not there counts for nothing.
            Heard::Deaf { source: None, from } => self.move_on((now - from).max(0)),
            Heard::Rules { version } if self.in_force.0 != Some(*version) => {
                self.in_force.0 = Some(*version);
                let set = self.known_rules.get(version).expect("known rules").clone();
                self.quorums.leave(&self.set, &set, now, &mut self.given, &mut said.told);
                self.set = set;
                self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, &mut said.told);
                // What one edit opens can be the cause where what it ends was.
                let told = said.told[said.followed..].iter().filter(|t| t.side == Side::Told);
                let opened: Vec<News> = told.map(|t| self.own(t)).collect();
                self.causes.foresee(&self.set, &opened, now, &mut said.consequences);
                self.follow(now, said);
                self.causes.edit(&self.set, now, &mut said.consequences);
                self.due(now, now, said);
            }
            Heard::Catalogue { version } if self.in_force.1 != Some(*version) => {
                self.in_force.1 = Some(*version);
                self.alerts.ground = self.known_grounds.get(version).expect("a known catalogue").clone();
                self.quorums.look(&self.set, &self.alerts, moment, &mut self.given, &mut said.told);
                self.follow(now, said);
            }
            Heard::Deaf { .. } | Heard::ClockStep { .. } | Heard::Rules { .. } | Heard::Catalogue { .. } => {}
            Heard::Maintain(work) => self.plans.plan(work, now, &mut said.work),
            Heard::EndMaintenance { id, by } => self.plans.end(id, by, now, &mut said.work),
            Heard::Order(order) => {
                self.quorums.act(order, now, &self.set, &mut self.given, &mut said.told);
                self.follow(now, said);
            }
        }
    }

    /// What the city told of its own alerts is news as well.
    fn follow(&mut self, now: Ms, said: &mut Said) {
        let told = said.told[said.followed..].iter().filter(|t| t.side == Side::Told);
        let news: Vec<News> = told.map(|t| self.own(t)).collect();
        for one in &news {
            self.causes.take(&self.set, one, now, &mut said.consequences);
        }
        said.followed = said.told.len();
    }

    /// A change of an alert of the city, as news.
    fn own(&self, told: &Told) -> News {
        let of = &told.subject.1;
        News {
            index: 0,
            episode: told.episode.clone(),
            version: told.version,
            rule: told.rule.clone(),
            subject: told.subject.clone(),
            device: None,
            place: if told.subject.0 == "place" {
                Some(of.clone())
            } else {
                self.alerts.ground.places.get(of).cloned()
            },
            firing: told.firing,
            level: told.level,
            historic: told.historic,
            started_at: told.started_at,
            at: told.at,
            decided_at: told.decided_at,
        }
    }
}

/// The order of the kinds of subjects.
const KINDS: [&str; 5] = ["device", "source", "place", "event", "around"];
