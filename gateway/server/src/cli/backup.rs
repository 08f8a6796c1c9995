//! `maibo backup` and `maibo restore`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Chain;
use crate::upkeep::{UpkeepError, backup, figure, restore};

/// Arguments of `maibo backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The data directory, in use or not. With `--config` it may be left out.
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// A new directory for the backup.
    #[arg(long, value_name = "NEWDIR")]
    to: PathBuf,
    /// A configuration file to keep with it, with the packs, catalogue and districts it names; no secrets.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Arguments of `maibo restore`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The data directory to make: new, or empty.
    #[arg(long, value_name = "NEWDIR")]
    data: PathBuf,
}

/// Makes a backup.
pub(super) fn backup(arguments: &Backup) -> u8 {
    let data = match (&arguments.data, &arguments.config) {
        (Some(data), _) => Ok(data.clone()),
        (None, Some(config)) => named(config),
        (None, None) => Err(UpkeepError::Refused("no data directory is given".to_owned())),
    };
    let made = data.and_then(|data| {
        backup::backup(&data, &arguments.to, arguments.config.as_deref(), &mut |line| println!("{line}"))
    });
    ended(made.map(|manifest| {
        println!(
            "{} holds everything acknowledged before {}, and {} facts",
            arguments.to.display(),
            manifest.began_at,
            figure(manifest.facts)
        );
    }))
}

/// The data directory that a configuration names.
fn named(config: &Path) -> Result<PathBuf, UpkeepError> {
    let file = crate::config::read(config, std::env::vars()).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        UpkeepError::Refused(format!("{}: {}", config.display(), all.join("; ")))
    })?;
    Ok(config.parent().unwrap_or(Path::new(".")).join(file.data))
}

/// Makes a data directory from a backup.
pub(super) fn restore(arguments: &Restore) -> u8 {
    ended(restore::restore(&arguments.from, &arguments.data).map(|manifest| {
        println!(
            "{} holds everything acknowledged before {} of {}, and {} facts",
            arguments.data.display(),
            manifest.began_at,
            manifest.data,
            figure(manifest.facts)
        );
        for named in &manifest.config {
            println!("configuration: {} is kept as {}", named.name, arguments.from.join(&named.kept).display());
        }
    }))
}

fn ended(done: Result<(), UpkeepError>) -> u8 {
    match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{}", Chain(&error));
            error.exit_code()
        }
    }
}
