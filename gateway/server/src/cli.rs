//! The command line. Exit codes follow `sysexits`: 0 ok, 64 usage, 65 bad configuration or data, 69 a needed service is
//! unavailable, 70 internal, 74 input/output.
#![allow(clippy::print_stdout, reason = "commands answer on standard output")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod backtest;
mod backup;
mod check;
#[cfg(feature = "embedded-broker")]
mod demo;
mod journal;
mod plan;
mod rebuild;
mod receiver;
mod run;

/// Maibo (脉搏): a city's sensing and operations gateway.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything on this machine: embedded broker, simulated city, page.
    #[cfg(feature = "embedded-broker")]
    Demo(demo::Arguments),
    /// Run with a configuration file.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration file with all it names; every problem at once.
    Check {
        /// The configuration file.
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
    /// Decode one payload from standard input, to try a format.
    Decode(check::Decode),
    /// Say what rules would have told on recorded data, and how much of it an operator would have had to take.
    Backtest(Box<backtest::Arguments>),
    /// Copy a data directory, in use or not, to one that Maibo can start from.
    Backup(backup::Backup),
    /// Make a data directory from a backup.
    Restore(backup::Restore),
    /// Make the databases of a data directory anew from its logs.
    Rebuild(rebuild::Arguments),
    /// Try whether a receiver can be told.
    #[command(subcommand)]
    Receiver(receiver::Command),
    /// Try response plans.
    #[command(subcommand)]
    Plan(plan::Command),
    /// Look into the logs of a data directory.
    #[command(subcommand)]
    Journal(journal::Command),
}

/// Parses arguments, runs, and answers with an exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors.
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let code = match cli.command {
        #[cfg(feature = "embedded-broker")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run { config } => run::run(&config),
        Command::Check { config } => check::check(&config),
        Command::Decode(arguments) => check::decode(&arguments),
        Command::Backtest(arguments) => backtest::backtest(&arguments),
        Command::Backup(arguments) => backup::backup(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
        Command::Receiver(command) => receiver::run(&command),
        Command::Plan(command) => plan::run(&command),
        Command::Journal(command) => journal::run(&command),
    };
    ExitCode::from(code)
}
