//! What a build costs, in CPU seconds: the operating system's own account of the finished build.
//!
//! The tests print it and say where it is over the budget, but do not fail by it: the same build took 600 CPU seconds on one
//! machine and 1,560 on another of the same kind. Who wants to know whether the project has become dearer runs
//! `cargo xtask timings` on one machine, before and after.

use std::path::Path;

use anyhow::{Context, bail};

use crate::steps::program_of_its_own;

/// What a cold build of the default binary may cost.
const BUDGET: u64 = 900;

/// Builds the binary that ships and prints the cost.
pub(crate) fn build() -> anyhow::Result<()> {
    let cold = !Path::new("target/release/deps").read_dir().is_ok_and(|d| d.count() > 50);
    let before = children_seconds()?;
    let mut cargo = program_of_its_own("cargo");
    cargo.args(["build", "--release", "--timings"]);
    if crate::needs::in_ci() {
        cargo.env("MAIBO_REQUIRE_UI", "1");
    }
    let status = cargo.status().context("start cargo")?;
    if !status.success() {
        bail!("cargo build ended with {status}");
    }
    let spent = children_seconds()? - before;
    let kind = if cold { "cold" } else { "warm" };
    println!("{kind} build: {spent} CPU seconds (budget of a cold one: {BUDGET})");
    if cold && spent > BUDGET {
        println!(
            "the cold build is over its budget on this machine; `cargo xtask timings` says so of one that is quiet"
        );
    }
    Ok(())
}

/// Builds in a fresh target directory and prints the cost.
pub(crate) fn report() -> anyhow::Result<()> {
    let before = children_seconds()?;
    let status = program_of_its_own("cargo")
        .args(["build", "--release", "--timings", "--target-dir", "target/cold"])
        .status()?;
    let spent = children_seconds()? - before;
    std::fs::remove_dir_all("target/cold").context("remove the cold target directory")?;
    println!("cold build: {spent} CPU seconds (budget: {BUDGET})");
    if !status.success() {
        bail!("cargo build ended with {status}");
    }
    if spent > BUDGET {
        bail!("the cold build is over its budget");
    }
    Ok(())
}

/// User and system seconds of all finished child processes, from `/proc/self/stat` (fields 16 and 17, in clock ticks).
fn children_seconds() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // The command name in parentheses may hold spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.get(13..15).into_iter().flatten().filter_map(|f| f.parse::<u64>().ok()).sum();
    // Linux reports 100 ticks a second to user space on every architecture in use.
    Ok(ticks / 100)
}
