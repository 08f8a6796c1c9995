//! The reference model beside the machine: whatever a world does, both must tell the same transitions, in the same order
//! and with the same fields.
//!
//! Not compared, because it is outside the specification of rules: worlds in which the log imposes facts on the machine
//! ([`World::impose`](super::World::impose)); and reminders, which are left out of the machine's versions. The city's machine
//! has a model of its own ([`city_model`](super::city_model)).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maibo_core::fact::{Body, Fact, Missed, State, Transition};
use maibo_core::input::{Act, Command, Input, Stage};
use maibo_core::reading::{Quality, Text};
use maibo_core::time::Timestamp;
use maibo_model::{Handled, Level, Mark, Model, Side, Told};

use super::ZERO;

/// The model of a world, and what the world did so far, for whoever reads a failure.
pub(crate) struct Double {
    model: Model,
    story: String,
    /// Rules and catalogues by version, to be told when they come into force.
    texts: BTreeMap<u64, String>,
    reminders: Reminders,
}

/// Versions of each episode that only reminded: they are no part of the rules.
#[derive(Default)]
pub(crate) struct Reminders(BTreeMap<String, Vec<u32>>);

impl Double {
    pub(crate) fn new() -> Self {
        Self { model: Model::new(), story: String::new(), texts: BTreeMap::new(), reminders: Reminders::default() }
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
            let _ = writeln!(self.story, "  {}", words(input));
            if let Input::Rules { version, .. } | Input::Catalogue { version } = input {
                self.story += &self.texts[&version.0];
            }
        }
        // First what was told: an operator can have seen a reminder of this very batch.
        let machine: Vec<Told> = facts.iter().filter_map(told).filter_map(|t| self.reminders.without(t)).collect();
        let inputs: Vec<maibo_model::Input> = inputs.iter().filter_map(|i| self.translated(i)).collect();
        let model = self.model.step(now, &inputs);
        for one in &machine {
            let _ = writeln!(self.story, "    told {}", line(one));
        }
        if machine == model {
            return;
        }
        let list = |told: &[Told]| told.iter().fold(String::new(), |text, one| text + "  " + &line(one) + "\n");
        panic!("{}\nthe machine:\n{}the model:\n{}", self.story, list(&machine), list(&model));
    }
}

/// One input in one line.
pub(crate) fn words(input: &Input) -> String {
    match input {
        Input::Reading(r) => {
            let timed = if r.timed { format!("at {}", r.at.0 - ZERO) } else { "untimed".to_owned() };
            let quality = if r.quality == Quality::Good { "" } else { r.quality.as_str() };
            format!("{} {} {} {timed} received {} {quality}", r.device, r.quantity, r.value, r.received.0 - ZERO)
        }
        Input::Event(e) => format!("{} event {} {} at {}", e.device, &*e.code, &*e.identity, e.at.0 - ZERO),
        Input::Liveness(l) => format!("{} alive {}", l.device, l.alive),
        Input::Deaf { source, from } => format!("deaf {source:?} from {}", from.0 - ZERO),
        Input::Listening { source } => format!("listening {source}"),
        Input::ClockStep { by } => format!("clock step {}", by.0),
        Input::Rules { version, .. } => format!("rules {version}"),
        Input::Catalogue { version } => format!("catalogue {version}"),
        other => format!("{other:?}"),
    }
}

/// One transition in one line.
pub(crate) fn line(t: &Told) -> String {
    let state = if t.firing { "firing" } else { "resolved" };
    let on_trial = if t.side == Side::Trial { "on trial " } else { "" };
    format!(
        "{on_trial}{} decided {} {} {} v{} {} {state} {:?} peak {:?} {} value {:?} limit {:?} since {} ended {:?} stale {} historic {} {:?}",
        t.at - ZERO,
        t.decided_at - ZERO,
        t.rule,
        t.subject.1,
        t.version,
        &t.episode[..6],
        t.level,
        t.peak,
        t.reason,
        t.value,
        t.threshold,
        t.started_at - ZERO,
        t.resolved_at.map(|at| at - ZERO),
        t.stale,
        t.historic,
        t.handled,
    )
}

/// A level in the model's words.
pub(crate) fn level(l: maibo_core::place::Level) -> Level {
    Level::ALL.into_iter().find(|m| m.word() == l.as_str()).unwrap_or_else(|| panic!("{l:?}"))
}

/// A fact as the model tells it, where it is a transition, or one on trial.
pub(crate) fn told(fact: &Fact) -> Option<Told> {
    let (t, side) = match &fact.body {
        Body::Transition(t) => (t, Side::Told),
        Body::Shadow(t) => (t, Side::Trial),
        _ => return None,
    };
    Some(Told {
        decided_at: fact.at.0,
        side,
        rule: t.rule.as_str().to_owned(),
        subject: (t.subject.kind(), t.subject.id().into_owned()),
        version: t.version,
        episode: t.episode.to_string(),
        firing: t.state == State::Firing,
        level: level(t.level),
        peak: level(t.peak),
        stale: t.stale,
        historic: t.historic,
        value: t.value,
        threshold: t.threshold,
        started_at: t.started_at.0,
        at: t.at.0,
        resolved_at: t.resolved_at.map(|at| at.0),
        reason: t.reason.as_str(),
        handled: handled(t),
    })
}

/// What people did about it, as the model says it.
fn handled(t: &Transition) -> Handled {
    let Some(h) = t.handling.as_deref() else { return Handled::default() };
    let stamps = [&h.stamps.published, &h.stamps.responding, &h.stamps.fed_back, &h.stamps.archived];
    let who = |actor: &maibo_core::id::Actor| actor.as_str().to_owned();
    Handled {
        acknowledged: t.acknowledged.as_ref().map(|a| (who(&a.by), a.at.0, a.note.to_string())),
        assigned: h.assigned.as_ref().map(|a| (a.to.to_string(), who(&a.by), a.at.0)),
        silenced: t.silenced().map(|s| (s.until.0, who(&s.by), s.note.to_string())),
        stamps: stamps.map(|stamp| stamp.as_ref().map(|s| (s.at.0, s.by.as_ref().map(who)))),
        said: h.said.as_ref().map(|s| (who(&s.by), h.noted.map_or(0, |at| at.0), s.note.to_string())),
        forced: t.is_forced(),
        missed: t.missed().map(|m| (names(m), m.due_at.0, m.to.iter().map(|name| name.0.to_string()).collect())),
    }
}

/// A plan says that a task was missed, and tells so many.
pub(crate) fn missed(task: &str, to: usize) -> Act {
    let [plan, task, owner, chief] = ["flood", task, "water", "chief"].map(Text::from);
    Act::Escalate(Box::new(Missed { plan, task, owner, due_at: Timestamp(7), to: vec![chief; to], rung: None }))
}

fn names(missed: &Missed) -> [String; 3] {
    [&missed.plan, &missed.task, &missed.owner].map(|name| name.0.to_string())
}

impl Reminders {
    /// How many there were of an episode up to a version.
    fn up_to(&self, episode: &str, version: u32) -> u32 {
        let all = self.0.get(episode).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|v| **v <= version).count() as u32
    }

    /// What is told without them.
    pub(crate) fn without(&mut self, t: Told) -> Option<Told> {
        if t.reason == "unacknowledged" {
            self.0.entry(t.episode).or_default().push(t.version);
            return None;
        }
        let version = t.version - self.up_to(&t.episode, t.version);
        Some(Told { version, ..t })
    }

    /// A command in the model's words.
    pub(crate) fn order(&self, c: &Command) -> maibo_model::Order {
        let episode = c.episode.to_string();
        let reminded = self.0.get(&episode).is_some_and(|versions| versions.contains(&(c.seen + 1)));
        // What goes only on the present version does not on one behind which there was a reminder. No version is 0.
        let old = matches!(c.act, Act::Escalate(_)) && reminded;
        let seen = if old { 0 } else { c.seen - self.up_to(&episode, c.seen) };
        maibo_model::Order { actor: c.actor.as_str().to_owned(), episode, seen, act: act(&c.act) }
    }
}

impl Double {
    fn translated(&self, input: &Input) -> Option<maibo_model::Input> {
        match input {
            Input::Command(c) => Some(maibo_model::Input::Order(self.reminders.order(c))),
            other => translated(other),
        }
    }
}

/// An act in the model's words.
fn act(act: &Act) -> maibo_model::Act {
    let note = act.note().to_owned();
    match act {
        Act::Acknowledge { .. } => maibo_model::Act::Acknowledge { note },
        Act::Assign { to, .. } => maibo_model::Act::Assign { to: to.to_string(), note },
        Act::Comment { .. } => maibo_model::Act::Comment { note },
        Act::Silence { until, .. } => maibo_model::Act::Silence { until: until.0, note },
        Act::Unsilence => maibo_model::Act::Unsilence,
        Act::Close { forced, .. } => maibo_model::Act::Close { note, forced: *forced },
        Act::Feedback { stage, .. } => maibo_model::Act::Feedback { done: *stage == Stage::FedBack, note },
        Act::Escalate(m) => {
            let to = m.to.iter().map(|name| name.0.to_string()).collect();
            maibo_model::Act::Escalate { names: names(m), due: m.due_at.0, to }
        }
    }
}

/// An input in the model's words. `None`: nothing that rules know of.
fn translated(input: &Input) -> Option<maibo_model::Input> {
    Some(match input {
        Input::Reading(r) => maibo_model::Input::Reading(maibo_model::Reading {
            device: r.device.as_str().to_owned(),
            quantity: r.quantity.as_str().to_owned(),
            at: r.at.0,
            received: r.received.0,
            value: r.value,
            mark: match r.quality {
                Quality::Clock => Mark::Clock,
                Quality::Range => Mark::Range,
                Quality::Suspect | Quality::Substituted => Mark::Doubtful,
                Quality::Good => Mark::None,
            },
            timed: r.timed,
        }),
        Input::Event(e) => maibo_model::Input::Event(maibo_model::Event {
            device: e.device.as_str().to_owned(),
            code: e.code.to_string(),
            identity: e.identity.to_string(),
            at: e.at.0,
            received: e.received.0,
            expires: e.expires.map(|at| at.0),
            cancelled: e.cancelled,
            words: e.ahead.as_ref().map(|words| format!("{}/{}", &*words.zh, &*words.en)),
        }),
        Input::Liveness(l) => maibo_model::Input::Liveness { device: l.device.as_str().to_owned(), alive: l.alive },
        Input::Deaf { source, from } => {
            maibo_model::Input::Deaf { source: source.as_ref().map(|s| s.as_str().to_owned()), from: from.0 }
        }
        Input::Listening { source } => maibo_model::Input::Listening { source: source.as_str().to_owned() },
        Input::ClockStep { by } => maibo_model::Input::ClockStep { by: by.0 },
        Input::Rules { version, .. } => maibo_model::Input::Rules { version: version.0 },
        Input::Catalogue { version } => maibo_model::Input::Catalogue { version: version.0 },
        Input::Command(_)
        | Input::Delivered(_)
        | Input::Told { .. }
        | Input::Maintain(_)
        | Input::EndMaintenance { .. }
        | Input::Found(_)
        | Input::Drill(_)
        | Input::Plans { .. }
        | Input::Dropped { .. }
        | Input::Canary { .. } => return None,
    })
}
