//! The entry point for people and CI: `cargo xtask test` runs everything, `cargo xtask help` says what else there is.
#![allow(clippy::print_stdout, reason = "a command that talks to people")]

use std::process::ExitCode;

mod fuzz;
mod needs;
mod planted;
mod steps;
mod timings;

const HELP: &str = "\
cargo xtask test        everything: format, lints, Rust, dashboard, real broker, browser, faults
cargo xtask test NAME   one step of it; names are printed by `cargo xtask steps`
cargo xtask steps       the steps by name
cargo xtask needs       what the tests need on this machine, and how to get it
cargo xtask fuzz [SECONDS]   fuzzes each decoder (nightly toolchain and cargo-fuzz)
cargo xtask planted [NAME]    plants each bug of tests/planted in turn: the tests must turn red
cargo xtask faults --rounds N     kills the real binary N times under load; nothing may be lost or doubled
cargo xtask sim --seed N | --seeds N [--from M]   the pipeline on virtual disks and a false clock: one case, or many
cargo xtask bench [NAME]     measures: engine, ingest, latency, rest, or all
cargo xtask timings     CPU seconds of a cold release build
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => steps::all(),
        ["test", name] => steps::one(name),
        ["steps"] => {
            for name in steps::names() {
                println!("{name}");
            }
            Ok(())
        }
        ["needs"] => {
            needs::report();
            Ok(())
        }
        ["faults", "--rounds", rounds] => steps::faults(rounds),
        ["sim", more @ ..] => steps::sim(more),
        ["bench"] => steps::bench(&["all"]),
        ["bench", more @ ..] => steps::bench(more),
        ["fuzz"] => fuzz::run(60),
        ["fuzz", seconds] => seconds.parse().map_err(anyhow::Error::from).and_then(fuzz::run),
        ["planted", only @ ..] => planted::run(only),
        ["timings"] => timings::report(),
        _ => {
            print!("{HELP}");
            return ExitCode::from(if words == ["help"] { 0 } else { 64 });
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
