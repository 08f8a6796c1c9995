//! Memory: bytes of state for one series, by each statement, and a city of 100,000 devices under 10,000 rules.
//!
//! Each figure is the growth of a process of its own while its devices report for the first time and fill their windows,
//! as the operating system counts it; catalogue, rules and the devices' names in them are there before.

use std::process::Command;

use anyhow::{Context, bail};

use crate::fleet::{Fleet, KINDS};
use crate::process::{peak_mb, resident_mb};
use crate::statement::{STATEMENTS, Sends, Statement};
use crate::statements::RULES;
use crate::stats::table;

/// Enough for a figure that does not move; windows of half a day take their time to fill.
const DEVICES: usize = 20_000;
const BIG_DEVICES: usize = 100_000;
const BIG_RULES: usize = 10_000;
/// The big city has one reading each of these.
const QUANTITIES: [&str; 2] = ["water_depth", "temperature"];

/// Measures in this process; prints bytes of memory and of snapshot for one series.
pub(crate) fn work(name: &str) -> anyhow::Result<()> {
    let me = std::process::id();
    if name == "big" {
        let (before, peak) = big()?;
        println!("{before} {peak}");
        return Ok(());
    }
    let statement = Statement::find(name).with_context(|| format!("no statement is called {name:?}"))?;
    let mut fleet = Fleet::new(&statement.pack(RULES, KINDS), DEVICES, KINDS)?;
    let before = resident_mb(me)?;
    fleet.warm(statement)?;
    let bytes = (resident_mb(me)? - before) * 1e6 / DEVICES as f64;
    println!("{bytes} {}", fleet.snapshot_bytes() as f64 / DEVICES as f64);
    Ok(())
}

/// Four rules about each of 2,500 kinds: two limits on two quantities, a mean over ten minutes, silence.
fn big() -> anyhow::Result<(f64, f64)> {
    let of = |name: &str| Statement::find(name).with_context(|| name.to_owned());
    let (last, mean, absence) = (of("last")?, of("mean 10m")?, of("absence")?);
    let mut pack = String::new();
    for n in 0..BIG_RULES {
        let kind = n / 4;
        match n % 4 {
            0 | 1 => last.rule(&mut pack, n, kind),
            2 => mean.rule(&mut pack, n, kind),
            _ => absence.rule(&mut pack, n, kind),
        }
    }
    let mut fleet = Fleet::new(&pack, BIG_DEVICES, BIG_RULES / 4)?;
    drop(pack);
    let before = resident_mb(std::process::id())?;
    for _ in 0..mean.warm {
        for quantity in QUANTITIES {
            let turn = fleet.prepare(Sends::Values(quantity, 20.0))?;
            fleet.take(&turn)?;
        }
    }
    Ok((before, peak_mb(std::process::id())?))
}

fn measure(name: &str) -> anyhow::Result<(f64, f64)> {
    let out = Command::new(std::env::current_exe()?).args(["memory", name]).output().context("run this program")?;
    let said = String::from_utf8_lossy(&out.stdout);
    match said.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>().as_deref() {
        Ok([one, other]) if out.status.success() => Ok((*one, *other)),
        _ => bail!("{name}: {said}{}", String::from_utf8_lossy(&out.stderr)),
    }
}

pub(crate) fn run() -> anyhow::Result<()> {
    println!("## Memory of one series, by statement ({DEVICES} devices of one series, four rules on each)\n");
    let mut rows = Vec::new();
    for statement in STATEMENTS {
        let (memory, snapshot) = measure(statement.name)?;
        rows.push(vec![statement.name.to_owned(), format!("{memory:.0}"), format!("{snapshot:.0}")]);
    }
    table(&["statement", "bytes of memory", "bytes of snapshot"], &rows);
    let (before, peak) = measure("big")?;
    println!(
        "{BIG_RULES} rules, {BIG_DEVICES} devices of two series each: {before:.0} MB of rules and catalogue, {peak:.0} MB at most in all (target < 1,000).\n"
    );
    Ok(())
}
