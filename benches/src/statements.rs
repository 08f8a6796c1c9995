//! What judging one report costs, by each statement of the rule language: 100,000 series, 1,000 rules, four on each report.
//!
//! Against the same reports without any rule about them, in the same rounds: finding the device and keeping its series.

use std::time::Instant;

use crate::fleet::{Fleet, KINDS};
use crate::statement::{STATEMENTS, Statement};
use crate::stats::{Rounds, table};

const DEVICES: usize = 100_000;
/// In force together.
pub(crate) const RULES: usize = 1_000;

/// The fleet of one statement, its windows full.
pub(crate) fn fleet(statement: &Statement, devices: usize) -> anyhow::Result<Fleet> {
    let mut fleet = Fleet::new(&statement.pack(RULES, KINDS), devices, KINDS)?;
    fleet.warm(statement)?;
    Ok(fleet)
}

/// Nanoseconds a report in one turn of a fleet.
fn turn(fleet: &mut Fleet, statement: &Statement) -> anyhow::Result<f64> {
    let turn = fleet.prepare(statement.sends)?;
    let began = Instant::now();
    fleet.take(&turn)?;
    Ok(began.elapsed().as_nanos() as f64 / DEVICES as f64)
}

pub(crate) fn run(rounds: usize) -> anyhow::Result<()> {
    println!("## Judging one report, by statement ({DEVICES} series, {RULES} rules, four on each report, one core)\n");
    let [plain, statements @ ..] = &STATEMENTS;
    let mut bare = fleet(plain, DEVICES)?;
    let mut rows = Vec::new();
    for statement in statements {
        let mut fleet = fleet(statement, DEVICES)?;
        let (mut ours, mut theirs, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
        for _ in 0..rounds {
            let without = turn(&mut bare, plain)?;
            let with = turn(&mut fleet, statement)?;
            ours.add(with);
            theirs.add(without);
            ratio.add(with / without);
        }
        rows.push(vec![statement.name.to_owned(), theirs.to_string(), ours.to_string(), ratio.to_string()]);
    }
    table(&["statement", "without rules, ns", "ns", "ratio"], &rows);
    Ok(())
}
