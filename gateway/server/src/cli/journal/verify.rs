//! `maibo journal verify`: whether a data directory is sound, in words.

use std::path::Path;

use maibo_store::disk::lock::DirLock;

use crate::Chain;
use crate::upkeep::{UpkeepError, verify};

/// Prints what is there and what is wrong with it.
pub(super) fn run(data: &Path) -> u8 {
    let locked = DirLock::look(data).map_err(|source| UpkeepError::Lock { path: data.to_owned(), source });
    let checked = locked.and_then(|lock| verify::verify(data).map(|report| (lock, report)));
    let report = match checked {
        Ok((_lock, report)) => report,
        Err(error) => {
            eprintln!("{}", Chain(&error));
            return error.exit_code();
        }
    };
    for line in &report.summary {
        println!("{line}");
    }
    for problem in &report.problems {
        println!("damaged: {problem}");
    }
    if report.is_sound() {
        println!("sound");
        return 0;
    }
    println!("{} problem(s)", report.problems.len() as u64 + report.more);
    65
}
