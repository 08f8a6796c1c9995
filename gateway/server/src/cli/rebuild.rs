//! `maibo rebuild`: the databases anew from the logs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::Chain;
use crate::upkeep::rebuild::{self, What};

/// Arguments of `maibo rebuild`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The data directory; Maibo must not run on it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Leave out of history what is neither in the inputs log nor readable.
    #[arg(long)]
    lose_history: bool,
    /// Which database.
    #[arg(value_enum, default_value = "all")]
    what: Which,
}

/// Which database.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// Alerts and incidents, for queries.
    State,
    /// Readings over time.
    History,
    /// What is owed to receivers.
    Outbox,
    /// All three.
    All,
}

/// Makes databases anew.
pub(super) fn run(arguments: &Arguments) -> u8 {
    let what = match arguments.what {
        Which::State => What::State,
        Which::History => What::History,
        Which::Outbox => What::Outbox,
        Which::All => What::All,
    };
    match rebuild::rebuild(&arguments.data, what, arguments.lose_history, &mut |line| println!("{line}")) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{}", Chain(&error));
            error.exit_code()
        }
    }
}
