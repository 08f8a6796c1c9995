//! Measurements: always against something simpler in the same run, in interleaved rounds, as ratios of medians.
//!
//! ```text
//! maibo-bench engine    decode and evaluate a reading            against serde_json alone
//! maibo-bench statements    judging a report, by each statement   against no rule at all
//! maibo-bench instructions  the same, counted by callgrind        against what was counted last
//! maibo-bench state         memory of a series, by each statement
//! maibo-bench backtest  rules on two years of recorded air   against the engine's rate
//! maibo-bench ingest    MQTT to durable and evaluated            against the same client that only acknowledges
//! maibo-bench latency   message to alert on the WebSocket        against publish to subscribe, plus fdatasync
//! maibo-bench rest      CPU of the default city
//! ```
//!
//! Nothing here asserts a time: figures are for people, and `docs/performance.md` keeps them with their machine and date.
//! Needs the release binary and mosquitto.
#![allow(clippy::print_stdout, reason = "a command that prints figures")]

mod backtest;
mod bare;
mod engine;
mod fleet;
mod ingest;
mod instructions;
mod latency;
mod process;
mod rest;
mod setup;
mod state;
mod statement;
mod statements;
mod stats;
mod stream;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about = "Measures Maibo against what it stands on.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Interleaved rounds.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Decode and evaluate a reading, against `serde_json` on the same payload.
    Engine,
    /// Judging a report by each statement of the rule language, against no rule at all.
    Statements,
    /// Instructions for the same, by callgrind, against those counted last. Needs valgrind; takes some minutes.
    Instructions {
        /// Keep what was counted in `benches/instructions.tsv`.
        #[arg(long)]
        keep: bool,
    },
    /// Memory of a series by each statement, and of a city of 100,000 devices under 10,000 rules.
    State,
    /// Rules on recorded data, against the engine's rate. Needs `MAIBO_FIXTURES`.
    Backtest,
    /// From MQTT to durable and evaluated, against a client that only acknowledges.
    Ingest,
    /// From message to alert on the WebSocket.
    Latency,
    /// CPU of `maibo run` with the default city.
    Rest,
    /// All of them.
    All,
    /// What is counted, as a process of its own.
    #[command(hide = true)]
    Work {
        /// Of a statement.
        statement: String,
        /// Reports of each device.
        turns: usize,
    },
    /// What is measured, as a process of its own.
    #[command(hide = true)]
    Memory {
        /// Of a statement, or `big`.
        statement: String,
    },
    /// The client to compare with, as a process of its own.
    #[command(hide = true)]
    Bare(bare::Arguments),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Command::Engine => engine::run(cli.rounds),
        Command::Statements => statements::run(cli.rounds),
        Command::Instructions { keep } => instructions::run(keep),
        Command::State => state::run(),
        Command::Work { statement, turns } => instructions::work(&statement, turns),
        Command::Memory { statement } => state::work(&statement),
        Command::Backtest => backtest::run(cli.rounds),
        Command::Ingest => ingest::run(cli.rounds),
        Command::Latency => latency::run(cli.rounds),
        Command::Rest => rest::run(),
        Command::All => {
            engine::run(cli.rounds)?;
            statements::run(cli.rounds)?;
            state::run()?;
            backtest::run(cli.rounds)?;
            ingest::run(cli.rounds)?;
            latency::run(cli.rounds)?;
            rest::run()
        }
        Command::Bare(arguments) => bare::run(&arguments),
    }
}
