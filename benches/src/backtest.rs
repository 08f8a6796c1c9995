//! Two years of recorded air through the backtest, against the rate at which the engine takes messages.
//!
//! 565,000 readings of three stations, eleven quantities each, by one hourly rule of four levels, from memory; beside it the
//! engine's own measurement with 1,000 devices, which also decodes. The ratio says whether trying a rule is slowed down
//! by anything but judging.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use maibo_core::backtest::Backtest;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;
use maibo_sim::replay;

use crate::engine;
use crate::stats::{Rounds, table};

const STATIONS: [&str; 3] = ["Dongsi", "Gucheng", "Huairou"];
const RULES: &str = include_str!("../../rules/ecology.toml");

/// The recording in order of time.
fn recording(folder: &std::path::Path) -> anyhow::Result<Vec<(Timestamp, Input)>> {
    let mut inputs = Vec::new();
    for station in STATIONS {
        let path = folder.join(format!("beijing-air/PRSA_{station}_20130301-20150228.csv.gz"));
        for record in replay::read_air(&path)? {
            let device = DeviceId::new(&record.device())?;
            for (name, value) in &record.values {
                let at = Timestamp(record.t);
                let quantity = Quantity::new(name)?;
                let device = device.clone();
                let quality = Quality::Good;
                let reading = Reading { device, quantity, at, received: at, value: *value, quality, timed: true };
                inputs.push((at, Input::Reading(reading)));
            }
        }
    }
    inputs.sort_by_key(|(at, _)| *at);
    Ok(inputs)
}

pub(crate) fn run(rounds: usize) -> anyhow::Result<()> {
    println!("## Rules on two years of recorded air (one core)\n");
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES").map(PathBuf::from) else {
        println!("Not measured: MAIBO_FIXTURES names no folder of recorded data.\n");
        return Ok(());
    };
    let inputs = recording(&folder).context("read the recording")?;
    let rules = Arc::new(RuleSet::compile(&[("ecology.toml", RULES)]).map_err(|p| anyhow!("{:?}", p.first()))?);
    let mut devices = "id,kind,place,domain,interval\n".to_owned();
    for station in STATIONS {
        let _ = writeln!(devices, "prsa-{},air-station,110101001,ecology,1h", station.to_lowercase());
    }
    let catalogue = Arc::new(Catalogue::parse(&devices).map_err(|p| anyhow!("{:?}", p.first()))?);
    let mut city = engine::Measured::new(1_000)?;
    let (mut ours, mut theirs, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=rounds {
        let began = Instant::now();
        let mut backtest = Backtest::new(&rules, &catalogue);
        for (now, input) in &inputs {
            backtest.take(*now, input.clone())?;
        }
        let outcome = black_box(backtest.finish()?);
        let mine = inputs.len() as f64 / began.elapsed().as_secs_f64();
        anyhow::ensure!(outcome.episodes.len() > 1_000, "{} episodes", outcome.episodes.len());
        let engine = 1e9 / city.round(round)?;
        // As there: the first round makes every series and is not counted.
        if round > 0 {
            ours.add(mine / 1e6);
            theirs.add(engine / 1e6);
            ratio.add(mine / engine);
        }
    }
    let row = vec![inputs.len().to_string(), theirs.to_string(), ours.to_string(), ratio.to_string()];
    table(&["readings", "engine, million/s", "backtest, million/s", "ratio"], &[row]);
    Ok(())
}
