//! Machines with a fleet of devices, all of one statement, fed with prepared batches: judging alone, without decoding or logs.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::anyhow;
use maibo_core::engine::{Machine, Output, Versions};
use maibo_core::id::{DeviceId, PartitionId, Position, Quantity};
use maibo_core::input::{Batch, Input};
use maibo_core::reading::{Event, Liveness, Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;

use crate::statement::{INTERVAL_MS, Sends, Statement};

/// Kinds of devices; rules and devices are spread evenly over them.
pub(crate) const KINDS: usize = 250;
/// Inputs that arrive together, spread over the machines.
const BATCH: usize = 1_024;
const BEGIN: i64 = 1_790_000_000_000;

/// One report of every device.
pub(crate) struct Turn(Vec<(usize, Batch)>);

/// The machines of a city.
pub(crate) struct Fleet {
    machines: Vec<Machine>,
    versions: Versions,
    ids: Vec<(DeviceId, usize)>,
    position: u64,
    /// Turns prepared so far.
    turns: usize,
}

/// A catalogue of `devices` devices.
pub(crate) fn catalogue(devices: usize, kinds: usize) -> String {
    let mut text = "id,kind,place,domain,interval\n".to_owned();
    for n in 0..devices {
        let _ = writeln!(text, "d-{n:06},k{},110105001,traffic,60s", n % kinds);
    }
    text
}

impl Fleet {
    /// Machines with these rules and devices in force, nothing heard yet.
    pub(crate) fn new(pack: &str, devices: usize, kinds: usize) -> anyhow::Result<Self> {
        let rules = RuleSet::compile(&[("bench.toml", pack)]).map_err(|p| anyhow!("{:?}", p.first()))?;
        let catalogue = Catalogue::parse(&catalogue(devices, kinds)).map_err(|p| anyhow!("{:?}", p.first()))?;
        let activate =
            [Input::Catalogue { version: catalogue.version }, Input::Rules { version: rules.version, by: None }];
        let mut versions = Versions::default();
        versions.insert_rules(Arc::new(rules));
        versions.insert_catalogue(Arc::new(catalogue));
        let mut machines: Vec<Machine> = PartitionId::all().map(Machine::new).collect();
        for machine in &mut machines {
            let batch = Batch { now: Timestamp(BEGIN), inputs: activate.to_vec() };
            machine.step(Position(1), &batch, &versions, &mut Output::default())?;
        }
        let mut ids = Vec::with_capacity(devices);
        for n in 0..devices {
            let id = DeviceId::new(&format!("d-{n:06}"))?;
            let machine = usize::from(PartitionId::of(&id).0);
            ids.push((id, machine));
        }
        Ok(Self { machines, versions, ids, position: 1, turns: 0 })
    }

    /// What every device sends next.
    pub(crate) fn prepare(&mut self, sends: Sends) -> anyhow::Result<Turn> {
        self.turns += 1;
        let begin = BEGIN + self.turns as i64 * INTERVAL_MS;
        let quantity = match sends {
            Sends::Values(name, _) => Some(Quantity::new(name)?),
            Sends::Events | Sends::Life => None,
        };
        let mut batches = Vec::new();
        for (chunk, ids) in self.ids.chunks(BATCH).enumerate() {
            let mut waiting: Vec<Vec<Input>> = vec![Vec::new(); self.machines.len()];
            // The reports of one interval, spread over most of it.
            let now = Timestamp(begin + chunk as i64 * (INTERVAL_MS * 9 / 10) / (self.ids.len() / BATCH + 1) as i64);
            for (n, (id, machine)) in ids.iter().enumerate() {
                let at = Timestamp(now.0 - (n % 500) as i64);
                let device = id.clone();
                let input = match (sends, &quantity) {
                    (Sends::Values(_, around), Some(quantity)) => Input::Reading(Reading {
                        device,
                        quantity: quantity.clone(),
                        at,
                        received: now,
                        value: around + (n * 7 + self.turns * 13).rem_euclid(20) as f64 + 0.5,
                        quality: Quality::Good,
                        timed: true,
                    }),
                    (Sends::Events, _) => Input::Event(Event {
                        device,
                        code: "rsi.102".into(),
                        identity: "1".into(),
                        at,
                        received: now,
                        expires: None,
                        cancelled: false,
                        position: None,
                        text: "".into(),
                        ahead: None,
                    }),
                    _ => Input::Liveness(Liveness { device, received: now, alive: true }),
                };
                if let Some(inputs) = waiting.get_mut(*machine) {
                    inputs.push(input);
                }
            }
            let batched = waiting.into_iter().enumerate().filter(|(_, inputs)| !inputs.is_empty());
            batches.extend(batched.map(|(machine, inputs)| (machine, Batch { now, inputs })));
        }
        Ok(Turn(batches))
    }

    /// Judges it. What is timed.
    pub(crate) fn take(&mut self, turn: &Turn) -> anyhow::Result<Output> {
        let mut out = Output::default();
        for (machine, batch) in &turn.0 {
            self.position += 1;
            if let Some(machine) = self.machines.get_mut(*machine) {
                machine.step(Position(self.position), batch, &self.versions, &mut out)?;
            }
        }
        anyhow::ensure!(out.facts.is_empty(), "an alert, where none was meant: {:?}", out.facts.first());
        Ok(out)
    }

    /// Lets every device report until the windows of `statement` are full.
    pub(crate) fn warm(&mut self, statement: &Statement) -> anyhow::Result<()> {
        for _ in 0..statement.warm {
            let turn = self.prepare(statement.sends)?;
            self.take(&turn)?;
        }
        Ok(())
    }

    /// Bytes of all snapshots.
    pub(crate) fn snapshot_bytes(&self) -> usize {
        self.machines.iter().map(|m| m.snapshot().len()).sum()
    }
}
