//! Decode and evaluate one reading on one core, against `serde_json` on the same payload.
//!
//! 100,000 devices of 250 kinds; 1,000 rules, four a kind, two on each of two quantities; one reading a message. The same
//! with 1,000 devices, whose state fits the processor's caches, tells computing from waiting for memory. What is
//! timed is what happens to a message between the socket and the facts, less the logs: decode, route, group into batches
//! of 1,024 messages, evaluate every batch. Values stay below the limits, as nearly all values of a city do.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use maibo_core::decode::{DecodeStage, Decoded, Message, Profile, Route};
use maibo_core::engine::{Machine, Output, Versions};
use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;

use crate::stats::{Rounds, table};

/// Devices of each measurement.
const FLEETS: [usize; 2] = [1_000, 100_000];
const KINDS: usize = 250;
const MESSAGES: usize = 200_000;
const BATCH: usize = 1_024;
const BEGIN: i64 = 1_790_000_000_000;

/// The machines of a city, and what stands before them.
struct City {
    stage: DecodeStage,
    machines: Vec<Machine>,
    versions: Versions,
    position: u64,
    /// Readings evaluated.
    judged: u64,
}

fn catalogue(devices: usize) -> String {
    let mut text = "id,kind,place,domain,interval\n".to_owned();
    for n in 0..devices {
        let _ = writeln!(text, "d-{n:06},k{},110105001,traffic,60s", n % KINDS);
    }
    text
}

fn rules() -> String {
    let mut text = String::new();
    for n in 0..KINDS * 4 {
        let quantity = if n % 2 == 0 { "water_depth" } else { "temperature" };
        let _ = write!(
            text,
            "[[rule]]\nid = \"r{n}\"\ntitle = {{ zh = \"甲\", en = \"a\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
             advice = {{ zh = \"乙\", en = \"b\" }}\nwhen = {{ quantity = \"{quantity}\", kind = \"k{}\" }}\n\
             levels = {{ blue = 45, yellow = 50, orange = 55, red = 60 }}\ndirection = \"above\"\ndeadband = 2\n\
             for = \"30s\"\nkeep_firing_for = \"2m\"\n",
            n / 4
        );
    }
    text
}

impl City {
    fn new(devices: usize) -> anyhow::Result<Self> {
        let rules = RuleSet::compile(&[("bench.toml", &rules())]).map_err(|p| anyhow!("{:?}", p.first()))?;
        let catalogue = Catalogue::parse(&catalogue(devices)).map_err(|p| anyhow!("{:?}", p.first()))?;
        let activate =
            [Input::Catalogue { version: catalogue.version }, Input::Rules { version: rules.version, by: None }];
        let mut versions = Versions::default();
        versions.insert_rules(Arc::new(rules));
        versions.insert_catalogue(Arc::new(catalogue));
        let stage = DecodeStage::new(vec![Route::standard(Profile::Native)]).map_err(|p| anyhow!("{p:?}"))?;
        let machines = PartitionId::all().map(Machine::new).collect();
        let mut city = Self { stage, machines, versions, position: 1, judged: 0 };
        for machine in &mut city.machines {
            let batch = Batch { now: Timestamp(BEGIN), inputs: activate.to_vec() };
            machine.step(Position(1), &batch, &city.versions, &mut Output::default())?;
        }
        Ok(city)
    }

    /// Takes messages at one moment.
    fn take(&mut self, messages: &[(String, Vec<u8>)], now: i64) -> anyhow::Result<()> {
        let mut out = Output::default();
        for some in messages.chunks(BATCH) {
            let mut waiting: Vec<Vec<Input>> = vec![Vec::new(); self.machines.len()];
            for (topic, payload) in some {
                let mut decoded = Decoded::default();
                let message = Message { topic, payload, retained: false, received: Timestamp(now) };
                self.stage.decode(&message, &mut decoded);
                for reading in decoded.readings {
                    let partition = PartitionId::of(&reading.device);
                    waiting[usize::from(partition.0)].push(Input::Reading(reading));
                }
            }
            self.position += 1;
            out.clear();
            for (machine, inputs) in self.machines.iter_mut().zip(waiting) {
                if !inputs.is_empty() {
                    let batch = Batch { now: Timestamp(now), inputs };
                    machine.step(Position(self.position), &batch, &self.versions, &mut out)?;
                }
            }
            self.judged += out.counts.judged;
        }
        Ok(())
    }
}

/// Every device reports `MESSAGES / devices` times, a minute apart, one quantity each time.
fn messages(devices: usize, round: usize) -> Vec<(String, Vec<u8>)> {
    let each = MESSAGES / devices;
    (0..MESSAGES)
        .map(|n| {
            let (device, turn) = (n % devices, round * each + n / devices);
            let t = BEGIN + turn as i64 * 60_000 + (device % 1000) as i64;
            let value = (device * 7 + turn * 13) % 40;
            let quantity = if device % 2 == 0 { "water_depth" } else { "temperature" };
            let payload = format!("{{\"t\":{t},\"{quantity}\":{value}.5}}");
            (format!("maibo/v1/d-{device:06}/telemetry"), payload.into_bytes())
        })
        .collect()
}

/// The measurement of one fleet, a round at a time.
pub(crate) struct Measured {
    city: City,
    devices: usize,
}

impl Measured {
    pub(crate) fn new(devices: usize) -> anyhow::Result<Self> {
        Ok(Self { city: City::new(devices)?, devices })
    }

    /// Nanoseconds a message in this round. Rounds follow each other.
    pub(crate) fn round(&mut self, round: usize) -> anyhow::Result<f64> {
        let messages = messages(self.devices, round);
        let now = BEGIN + ((round + 1) * (MESSAGES / self.devices)) as i64 * 60_000;
        let began = Instant::now();
        self.city.take(&messages, now)?;
        Ok(began.elapsed().as_nanos() as f64 / MESSAGES as f64)
    }
}

pub(crate) fn run(rounds: usize) -> anyhow::Result<()> {
    println!("## Decode and evaluate one reading (1,000 rules, one core)\n");
    let mut rows = Vec::new();
    for devices in FLEETS {
        let mut city = City::new(devices)?;
        let (mut ours, mut theirs, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
        // The first round makes every series and is not counted.
        for round in 0..=rounds {
            let messages = messages(devices, round);
            let now = BEGIN + ((round + 1) * (MESSAGES / devices)) as i64 * 60_000;
            let began = Instant::now();
            city.take(&messages, now)?;
            let mine = began.elapsed().as_nanos() as f64 / MESSAGES as f64;
            let began = Instant::now();
            for (_, payload) in &messages {
                black_box(serde_json::from_slice::<serde_json::Value>(black_box(payload))?);
            }
            let plain = began.elapsed().as_nanos() as f64 / MESSAGES as f64;
            if round > 0 {
                ours.add(mine);
                theirs.add(plain);
                ratio.add(mine / plain);
            }
        }
        anyhow::ensure!(city.judged == ((rounds + 1) * MESSAGES) as u64, "{} readings judged", city.judged);
        let target = if devices == 100_000 { "≤ 3" } else { "" };
        rows.push(vec![
            devices.to_string(),
            theirs.to_string(),
            ours.to_string(),
            ratio.to_string(),
            target.to_owned(),
        ]);
    }
    table(&["devices", "`serde_json`, ns", "decode + evaluate, ns", "ratio", "target"], &rows);
    Ok(())
}
