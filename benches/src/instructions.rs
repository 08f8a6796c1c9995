//! Instructions for one report, by each statement, counted by callgrind: figures that do not depend on how busy the machine is.
//!
//! A process of its own warms a small fleet up and lets it report a number of times; run twice with different numbers,
//! the difference is what the reports cost. `benches/instructions.tsv` keeps what was counted last, to compare by hand:
//! `--keep` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, bail};

use crate::statement::{STATEMENTS, Statement};
use crate::stats::table;

/// Small enough to count quickly; as in the large fleet four reports come to a machine at once, and four rules to a report.
const DEVICES: usize = 1_000;
const KEPT: &str = "benches/instructions.tsv";
const TURNS: usize = 8;

/// Lets a fleet report `turns` times. What is counted.
pub(crate) fn work(name: &str, turns: usize) -> anyhow::Result<()> {
    let statement = Statement::find(name).with_context(|| format!("no statement is called {name:?}"))?;
    let mut fleet = crate::statements::fleet(statement, DEVICES)?;
    let prepared = (0..TURNS).map(|_| fleet.prepare(statement.sends)).collect::<Result<Vec<_>, _>>()?;
    for turn in prepared.iter().take(turns) {
        fleet.take(turn)?;
    }
    Ok(())
}

fn count(name: &str, turns: usize) -> anyhow::Result<f64> {
    let me = std::env::current_exe().context("which program this is")?;
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(me)
        .args(["work", name, &turns.to_string()])
        .output()
        .context("valgrind (apt-get install valgrind)")?;
    let said = String::from_utf8_lossy(&out.stderr);
    let collected = said.lines().find_map(|l| l.split("Collected :").nth(1)).and_then(|n| n.trim().parse().ok());
    match collected {
        Some(instructions) if out.status.success() => Ok(instructions),
        _ => bail!("valgrind: {said}"),
    }
}

pub(crate) fn run(keep: bool) -> anyhow::Result<()> {
    println!(
        "## Instructions for one report, by statement (callgrind, {} rules, four on each report)\n",
        crate::statements::RULES
    );
    let text = std::fs::read_to_string(KEPT).unwrap_or_default();
    let kept: BTreeMap<&str, f64> =
        text.lines().filter_map(|l| l.split_once('\t')).filter_map(|(n, i)| Some((n, i.parse().ok()?))).collect();
    let (mut rows, mut new) = (Vec::new(), String::new());
    for statement in &STATEMENTS {
        let reports = (TURNS * DEVICES) as f64;
        let now = (count(statement.name, TURNS)? - count(statement.name, 0)?) / reports;
        let before = kept.get(statement.name);
        let change = before.map_or_else(|| "new".to_owned(), |b| format!("{:+.1} %", (now / b - 1.0) * 100.0));
        let before = before.map_or_else(String::new, |b| format!("{b:.0}"));
        rows.push(vec![statement.name.to_owned(), before, format!("{now:.0}"), change]);
        let _ = writeln!(new, "{}\t{now:.0}", statement.name);
    }
    table(&["statement", "kept", "now", "change"], &rows);
    if keep {
        std::fs::write(KEPT, new).with_context(|| format!("write {KEPT}"))?;
    }
    Ok(())
}
