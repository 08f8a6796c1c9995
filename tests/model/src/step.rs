//! §15: the order of things.

use std::collections::BTreeMap;

use crate::catalogue::{self, Entry};
use crate::device::{Device, Out};
use crate::episode::Given;
use crate::hearing::Ears;
use crate::pack::{Rule, trials};
use crate::{Input, Ms, Told, pack_read};

/// One partition's devices, and what is known about them.
#[derive(Debug, Default)]
pub struct Model {
    known_rules: BTreeMap<u64, Vec<Rule>>,
    known_catalogues: BTreeMap<u64, BTreeMap<String, Entry>>,
    rules: Vec<Rule>,
    /// Versions of the rules and the catalogue in force: what is in force already changes nothing.
    in_force: (Option<u64>, Option<u64>),
    devices: BTreeMap<String, Device>,
    ears: Ears,
    given: Given,
    last: Option<Ms>,
}

impl Model {
    /// Nothing is known and nothing in force.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a rule set known under a version: the texts of its packs.
    ///
    /// # Panics
    /// Where a pack is not sound.
    pub fn rules(&mut self, version: u64, packs: &[&str]) {
        self.known_rules.insert(version, pack_read::rules(packs));
    }

    /// Makes a catalogue known under a version.
    ///
    /// # Panics
    /// Where the table is not sound.
    pub fn catalogue(&mut self, version: u64, text: &str) {
        self.known_catalogues.insert(version, catalogue::read(text));
    }

    /// §15: one batch at engine time `now`: what is told, in order.
    ///
    /// # Panics
    /// Where time goes back, or a version is not known.
    pub fn step(&mut self, now: Ms, inputs: &[Input]) -> Vec<Told> {
        let last = self.last.unwrap_or(now);
        assert!(now >= last, "time goes back");
        let mut told = Vec::new();
        // First the clock. Engine time does not go back, and moves no further than it did since the last batch.
        let steps = inputs.iter().filter_map(|i| if let Input::ClockStep { by } = i { Some(*by) } else { None });
        let step = steps.map(|by| by.clamp(0, now - last)).sum();
        self.devices.values_mut().for_each(|d| d.step(step));
        // Then what is due: up to `now`, or up to where the batch says that Maibo went deaf.
        let deaf = inputs.iter().filter_map(|i| if let Input::Deaf { from, .. } = i { Some(*from) } else { None });
        let until = deaf.min().map_or(now, |from| from.min(now));
        let mut out = Out { until, trials: trials(&self.rules), given: &mut self.given, told: &mut told };
        for device in self.devices.values_mut() {
            device.due(until, last, &mut out);
            // What names its own end is over then, heard or not.
            device.end_events(now, last, true, &mut out);
            // A silence ends where a person put its end, also while Maibo is deaf; then it is decided now.
            device.end_silences(now, &mut out);
        }
        // Then the inputs.
        for input in inputs {
            self.take(input, now, until, &mut told);
        }
        self.last = Some(now);
        // Stable: what is told of one rule and subject at one time stays in the order in which it happened.
        told.sort_by(|a, b| (a.decided_at, &a.rule, &a.subject).cmp(&(b.decided_at, &b.rule, &b.subject)));
        told
    }

    fn take(&mut self, input: &Input, now: Ms, until: Ms, told: &mut Vec<Told>) {
        let out = &mut Out { until, trials: trials(&self.rules), given: &mut self.given, told };
        match input {
            Input::Reading(r) => {
                if let Some(device) = self.devices.get_mut(&r.device) {
                    device.read(r, now, out);
                }
            }
            Input::Event(e) => {
                if let Some(device) = self.devices.get_mut(&e.device) {
                    device.report(e, now, out);
                }
            }
            Input::Liveness { device, alive: true } => {
                if let Some(device) = self.devices.get_mut(device) {
                    device.sign(now, out);
                }
            }
            Input::Deaf { source, from } => {
                self.ears.deaf(source.as_deref());
                self.devices.values_mut().for_each(|d| d.deafen((*from).min(now)));
            }
            Input::Listening { source } => {
                if self.ears.listening(source) {
                    self.devices.values_mut().for_each(|d| d.listen(now, out));
                }
            }
            Input::Rules { version } if self.in_force.0 != Some(*version) => {
                self.in_force.0 = Some(*version);
                self.rules = self.known_rules.get(version).expect("known rules").clone();
                for device in self.devices.values_mut() {
                    let entry = device.entry.clone();
                    device.edit(&self.rules, &entry, now, out);
                }
            }
            Input::Catalogue { version } if self.in_force.1 != Some(*version) => {
                self.in_force.1 = Some(*version);
                self.activate(*version, now, until, told);
            }
            Input::Liveness { alive: false, .. }
            | Input::ClockStep { .. }
            | Input::Rules { .. }
            | Input::Catalogue { .. } => {}
            Input::Order(order) => self.devices.values_mut().for_each(|d| d.act(order, now, out)),
        }
    }

    fn activate(&mut self, version: u64, now: Ms, until: Ms, told: &mut Vec<Told>) {
        let out = &mut Out { until, trials: trials(&self.rules), given: &mut self.given, told };
        let entries = self.known_catalogues.get(&version).expect("a known catalogue");
        self.devices.retain(|id, device| {
            let stays = entries.contains_key(id);
            if !stays {
                device.gone(now, out);
            }
            stays
        });
        for (id, entry) in entries {
            let device = self.devices.entry(id.clone()).or_insert_with(|| Device::new(id, entry.clone()));
            device.edit(&self.rules, entry, now, out);
        }
    }
}
