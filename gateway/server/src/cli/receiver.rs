//! `maibo receiver`: whether a receiver can be told, by a configuration, with no Maibo running.

use std::path::PathBuf;

use clap::Subcommand;

use crate::Chain;
use crate::config::Settings;
use crate::deliver::{Tested, try_target};

/// What `maibo receiver` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Send one message that is marked as a test, and say what came of it.
    Test {
        /// The receiver's name.
        name: String,
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> u8 {
    let Command::Test { name, config } = command;
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(problems) => return super::run::report(config, &problems),
    };
    let Some(target) = settings.receivers.into_iter().find(|t| t.receiver.name == *name) else {
        eprintln!("{} has no receiver `{name}`", config.display());
        return 65;
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return 70 };
    match runtime.block_on(try_target(target)) {
        Ok(Tested { delivered, error, took, .. }) => {
            let words = error.unwrap_or_else(|| "delivered".to_owned());
            println!("{name}: {words}, after {} ms", took.as_millis());
            if delivered { 0 } else { 69 }
        }
        Err(error) => {
            eprintln!("{}", Chain(&error));
            70
        }
    }
}
