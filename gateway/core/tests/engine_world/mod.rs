//! A small world for scenarios: one machine, a clock in milliseconds, and what was told so far as lines of text.

#![allow(dead_code, reason = "each test target uses its own part of the world")]

mod city_model;
pub(crate) mod model;

use std::fmt::Write as _;
use std::sync::Arc;

use maibo_core::engine::{CommandOutcome, Machine, Output, Verdict, VerdictChange, Versions};
use maibo_core::fact::{Body, Fact, Reason, Transition};
use maibo_core::id::{Actor, DeviceId, EpisodeId, PartitionId, Position, Quantity, SourceId, Version};
use maibo_core::input::{Act, Batch, Command, Input};
use maibo_core::reading::{Liveness, Quality, Reading, Text};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::{Millis, Timestamp};

pub(crate) mod block;
pub(crate) mod cases;

use city_model::CityDouble;
use model::Double;

/// The scenario's time zero.
pub(crate) const ZERO: i64 = 1_800_000_000_000;

/// Seconds in milliseconds.
pub(crate) const fn s(seconds: i64) -> i64 {
    seconds * 1000
}

/// A ladder rule with the given lines behind the common ones.
pub(crate) fn ladder(id: &str, more: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"甲\", en = \"a\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
         advice = {{ zh = \"乙\", en = \"b\" }}\n{more}\n"
    )
}

/// On `water_depth` of kind `k`: blue 10, yellow 20, orange 30, red 40, back by 2.
pub(crate) fn depth(more: &str) -> String {
    ladder(
        "depth",
        &format!(
            "when = {{ quantity = \"water_depth\", kind = \"k\" }}\nlevels = {{ blue = 10, yellow = 20, orange = 30, red = 40 }}\n\
             direction = \"above\"\ndeadband = 2\n{more}"
        ),
    )
}

/// Three intervals of silence are yellow.
pub(crate) fn absent() -> String {
    ladder("silent", "when = { kind = \"k\" }\nabsent = { intervals = 3 }\nlevel = \"yellow\"")
}

/// Devices of kind `k` with an interval each.
pub(crate) fn catalogue(devices: &[(&str, &str)]) -> String {
    let mut text = "id,kind,name,place,domain,interval\n".to_owned();
    for (id, interval) in devices {
        let _ = writeln!(text, "{id},k,,110105003,traffic,{interval}");
    }
    text
}

pub(crate) fn reading(device: &str, quantity: &str, at: i64, received: i64, value: f64) -> Reading {
    Reading {
        device: DeviceId::new(device).expect("id"),
        quantity: Quantity::new(quantity).expect("quantity"),
        at: Timestamp(ZERO + at),
        received: Timestamp(ZERO + received),
        value,
        quality: Quality::Good,
        timed: true,
    }
}

/// A value of `d` without a time of its own.
pub(crate) fn untimed(received: i64, value: f64) -> Reading {
    Reading { timed: false, ..reading("d", "water_depth", received, received, value) }
}

pub(crate) fn source(id: &str) -> SourceId {
    SourceId::new(id).expect("source")
}

/// One transition in one line.
pub(crate) fn line(t: &Transition) -> String {
    let mut text =
        format!("{} v{} {} {} {}", t.at.0 - ZERO, t.version, t.state.as_str(), t.level.as_str(), t.reason.as_str());
    let words = [
        (t.stale, " stale"),
        (t.historic, " historic"),
        (t.acknowledged.is_some(), " acknowledged"),
        (t.silenced().is_some(), " silenced"),
        (t.is_flapping(), " flapping"),
    ];
    for (is, word) in words {
        if is {
            text.push_str(word);
        }
    }
    text
}

pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) versions: Versions,
    pub(crate) out: Output,
    pub(crate) facts: Vec<Fact>,
    pub(crate) verdicts: Vec<VerdictChange>,
    pub(crate) device: String,
    /// The reference model, which must say the same; `None` where the world is about things that it does not know.
    double: Option<Double>,
    /// The same of a city.
    city: Option<CityDouble>,
    now: i64,
    position: u64,
    told: usize,
    /// Whether reminders count among what is told; most scenarios are about something else.
    loud: bool,
}

impl World {
    /// A partition with one device `d` that reports every 10 s, judged by these rules.
    pub(crate) fn new(rules: &str) -> Self {
        Self::with(PartitionId(0), rules, &catalogue(&[("d", "10s")]))
    }

    /// The same with another interval (empty: not known).
    pub(crate) fn every(interval: &str, rules: &str) -> Self {
        Self::with(PartitionId(0), rules, &catalogue(&[("d", interval)]))
    }

    pub(crate) fn with(id: PartitionId, rules: &str, catalogue: &str) -> Self {
        let mut world = Self {
            machine: Machine::new(id),
            versions: Versions::default(),
            out: Output::default(),
            facts: Vec::new(),
            verdicts: Vec::new(),
            device: "d".to_owned(),
            double: (id != PartitionId::CITY).then(Double::new),
            city: (id == PartitionId::CITY).then(CityDouble::new),
            now: 0,
            position: 0,
            told: 0,
            loud: false,
        };
        world.edit_catalogue(catalogue);
        world.edit(rules);
        world
    }

    /// Without the reference model, which goes through all readings at every step: for long recordings.
    pub(crate) fn alone(mut self) -> Self {
        (self.double, self.city) = (None, None);
        self
    }

    /// Knows a rule set and answers its version.
    pub(crate) fn know(&mut self, rules: &str) -> Version {
        let set = RuleSet::compile(&[("test.toml", rules)]).unwrap_or_else(|p| panic!("{p:?}"));
        let version = set.version;
        self.versions.insert_rules(Arc::new(set));
        self.double.iter_mut().for_each(|double| double.know_rules(version.0, rules));
        self.city.iter_mut().for_each(|city| city.know_rules(version.0, rules));
        version
    }

    /// Knows a catalogue and answers its version.
    pub(crate) fn know_catalogue(&mut self, text: &str) -> Version {
        let catalogue = Catalogue::parse(text).unwrap_or_else(|p| panic!("{p:?}"));
        let version = catalogue.version;
        self.versions.insert_catalogue(Arc::new(catalogue));
        self.double.iter_mut().for_each(|double| double.know_catalogue(version.0, text));
        self.city.iter_mut().for_each(|city| city.know_catalogue(version.0, text));
        version
    }

    /// Activates rules.
    pub(crate) fn edit(&mut self, rules: &str) -> &mut Self {
        let version = self.know(rules);
        self.batch(vec![Input::Rules { version, by: None }])
    }

    /// Activates a catalogue.
    pub(crate) fn edit_catalogue(&mut self, text: &str) -> &mut Self {
        let version = self.know_catalogue(text);
        self.batch(vec![Input::Catalogue { version }])
    }

    /// Sets the clock. Nothing happens by itself.
    pub(crate) fn at(&mut self, ms: i64) -> &mut Self {
        self.now = ms;
        self
    }

    /// The present.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// One batch at the present, taken by the machine and the reference model.
    pub(crate) fn batch(&mut self, inputs: Vec<Input>) -> &mut Self {
        self.position += 3;
        let batch = Batch { now: Timestamp(ZERO + self.now), inputs };
        self.out.clear();
        let done = self.machine.step(Position(self.position), &batch, &self.versions, &mut self.out);
        done.unwrap_or_else(|e| panic!("step: {e}"));
        let (now, facts) = (batch.now.0, &self.out.facts);
        self.double.iter_mut().for_each(|double| double.step(now, &batch.inputs, facts));
        self.city.iter_mut().for_each(|city| city.step(now, &batch.inputs, facts));
        self.facts.append(&mut self.out.facts.clone());
        self.verdicts.append(&mut self.out.verdicts.clone());
        self
    }

    /// A value measured and received now.
    pub(crate) fn value(&mut self, value: f64) -> &mut Self {
        self.value_at(self.now, value)
    }

    /// A value measured at `at` and received now.
    pub(crate) fn value_at(&mut self, at: i64, value: f64) -> &mut Self {
        let reading = reading(&self.device.clone(), "water_depth", at, self.now, value);
        self.batch(vec![Input::Reading(reading)])
    }

    /// Values every `every` milliseconds from the present on, the clock moving along.
    pub(crate) fn values(&mut self, every: i64, values: &[f64]) -> &mut Self {
        for value in values {
            self.run(self.now).value(*value);
            self.now += every;
        }
        self
    }

    /// A sign of life.
    pub(crate) fn alive(&mut self) -> &mut Self {
        let device = DeviceId::new(&self.device).expect("id");
        let received = Timestamp(ZERO + self.now);
        self.batch(vec![Input::Liveness(Liveness { device, received, alive: true })])
    }

    pub(crate) fn tick(&mut self) -> &mut Self {
        self.batch(Vec::new())
    }

    pub(crate) fn deaf(&mut self, from: i64) -> &mut Self {
        self.batch(vec![Input::Deaf { source: Some(source("s")), from: Timestamp(ZERO + from) }])
    }

    /// Maibo was stopped since `from`.
    pub(crate) fn stopped(&mut self, from: i64) -> &mut Self {
        self.batch(vec![Input::Deaf { source: None, from: Timestamp(ZERO + from) }])
    }

    pub(crate) fn listening(&mut self) -> &mut Self {
        self.batch(vec![Input::Listening { source: source("s") }])
    }

    pub(crate) fn clock_step(&mut self, by: i64) -> &mut Self {
        self.batch(vec![Input::ClockStep { by: Millis(by) }])
    }

    /// Ticks at every deadline up to and including `until`.
    pub(crate) fn run(&mut self, until: i64) -> &mut Self {
        while let Some(d) = self.machine.next_deadline()
            && d.at.0 <= ZERO + until
        {
            let at = d.at.0 - ZERO;
            let last = self.machine.now();
            assert!(
                last.is_none_or(|last| d.at > last),
                "due at {at}, before the batch at {last:?}: nobody would call"
            );
            self.now = at.max(self.now);
            self.tick();
            let next = self.machine.next_deadline().map(|d| d.at);
            assert!(next.is_none_or(|n| n.0 > ZERO + self.now), "still due after its tick: {next:?}");
        }
        self.now = until;
        self
    }

    pub(crate) fn acknowledge(&mut self, who: &str, seen: u32) -> CommandOutcome {
        let episode = self.last().episode;
        self.acknowledge_episode(who, episode, seen)
    }

    pub(crate) fn acknowledge_episode(&mut self, who: &str, episode: EpisodeId, seen: u32) -> CommandOutcome {
        self.order(who, episode, seen, Act::Acknowledge { note: Text::from("on my way") })
    }

    /// An act on the last alert by somebody who saw its present version.
    pub(crate) fn act(&mut self, who: &str, act: Act) -> Result<Transition, &'static str> {
        let (episode, seen) = (self.last().episode, self.last().version);
        self.order(who, episode, seen, act).result.map_err(|refusal| refusal.reason)
    }

    pub(crate) fn order(&mut self, who: &str, episode: EpisodeId, seen: u32, act: Act) -> CommandOutcome {
        let actor = Actor::new(who).expect("actor");
        self.batch(vec![Input::Command(Command { actor, episode, seen, act })]);
        self.out.commands.pop().expect("an outcome")
    }

    /// Silences the last alert until `until`.
    pub(crate) fn silence(&mut self, until: i64) -> Result<Transition, &'static str> {
        self.act("li", Act::Silence { until: Timestamp(ZERO + until), note: Text::from("pumps under repair") })
    }

    /// Closes the last alert.
    pub(crate) fn close(&mut self, forced: bool) -> Result<Transition, &'static str> {
        self.act("li", Act::Close { note: Text::from("checked on site"), forced })
    }

    /// All transitions so far.
    pub(crate) fn transitions(&self) -> Vec<&Transition> {
        transitions(&self.facts)
    }

    /// The last transition.
    pub(crate) fn last(&self) -> &Transition {
        self.transitions().last().copied().expect("a transition")
    }

    /// The same world, where reminders count among what is told.
    pub(crate) fn loud(mut self) -> Self {
        self.loud = true;
        self
    }

    /// Checks the transitions since the last time this was called. In a world that is not loud reminders are neither shown
    /// nor numbered.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) -> &mut Self {
        let mut reminders = std::collections::BTreeMap::new();
        let mut shown = Vec::new();
        for (n, t) in self.transitions().into_iter().enumerate() {
            let before = reminders.entry(t.episode).or_insert(0);
            if !self.loud && t.reason == Reason::Unacknowledged {
                *before += 1;
            } else if n >= self.told {
                shown.push(line(&Transition { version: t.version - *before, ..t.clone() }));
            }
        }
        assert_eq!(shown, lines, "told since the last look");
        self.told = self.transitions().len();
        self
    }

    /// The verdict last told of the device.
    pub(crate) fn verdict(&self) -> Verdict {
        let of = self.verdicts.iter().rev().find(|v| v.device.as_str() == self.device);
        of.map_or(Verdict::Unknown { why: maibo_core::engine::Unknown::Never }, |v| v.verdict)
    }

    /// What the machine knows of the device now.
    pub(crate) fn known(&self) -> Verdict {
        let of = self.machine.devices().find(|v| v.device.as_str() == self.device);
        of.map_or(Verdict::Unknown { why: maibo_core::engine::Unknown::Never }, |v| v.verdict)
    }

    /// What the log says stands, whatever the machine decided. Of that the reference model knows nothing.
    pub(crate) fn impose(&mut self, decided: &[Fact], logged: &[Fact]) -> &mut Self {
        self.machine.impose(decided, logged);
        (self.double, self.city) = (None, None);
        self
    }

    /// Stops and starts the machine from its snapshot. The reference model has none and goes on.
    pub(crate) fn restart(&mut self) -> &mut Self {
        let bytes = self.machine.snapshot();
        self.machine = Machine::restore(self.machine.id(), &bytes, &self.versions).expect("a snapshot");
        assert_eq!(self.machine.snapshot(), bytes, "a snapshot of the restored state is the same");
        self
    }
}

pub(crate) fn transitions(facts: &[Fact]) -> Vec<&Transition> {
    let of = |f| match f {
        &Fact { body: Body::Transition(ref t), .. } => Some(&**t),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}
