//! Rules on recorded data: reads the data, runs the core's backtest on them, tells what came out.
//!
//! ```text
//! files ─▶ readers (journal, csv, lines) ─▶ Tape: all of it in order of time ─▶ core::backtest, once a rule set
//!                                                                              └▶ report (JSON) ─▶ text
//! ```
//!
//! The data are read once and kept, because two rule sets see the same data and because files need not be sorted.
//! Nothing is left out silently: what cannot be read is counted, and the first of it is shown with its line.
//!
//! Limits: [`tape::ROWS_MAX`] readings (of 40 bytes each, half as much again while unsorted data are sorted) and
//! [`tape::OTHERS_MAX`] other inputs; a line of at most [`source::LINE_MAX`] bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maibo_core::backtest::{Backtest, BacktestError, Outcome};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;

pub mod defaults;
pub mod journal;
pub mod lines;
pub mod mapping;
pub mod report;
pub mod source;
pub mod table;
pub mod tape;
pub mod text;

pub use tape::Tape;

#[cfg(test)]
mod tests;

/// Inputs between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Data or rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system failed.
    #[error("read {path}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The content is not what it should be; each problem in words, with where it is.
    #[error("{}", .0.join("\n"))]
    Data(Vec<String>),
    /// A data directory that cannot be opened.
    #[error("open the data directory")]
    Directory(#[from] crate::app::DataError),
}

impl LoadError {
    /// One problem with the content.
    pub fn data(problem: impl std::fmt::Display) -> Self {
        Self::Data(vec![problem.to_string()])
    }

    /// `sysexits`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => 65,
            Self::Io { .. } => 74,
            Self::Data(_) => 65,
            Self::Directory(error) => error.exit_code(),
        }
    }
}

/// Why a run gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It was told to stop.
    #[error("stopped before the end of the data")]
    Stopped,
    /// The rules cannot be run on the data.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
}

/// Runs one rule set over the tape, and says how long that took. `stop` is asked now and then.
///
/// # Errors
/// [`RunError`].
pub fn run(
    rules: &Arc<RuleSet>,
    catalogue: &Arc<Catalogue>,
    tape: &Tape,
    stop: impl Fn() -> bool,
) -> Result<(Outcome, Duration), RunError> {
    let began = Instant::now();
    let mut backtest = Backtest::new(rules, catalogue);
    for (n, (now, input)) in tape.inputs().enumerate() {
        if n % LOOK == 0 && stop() {
            return Err(RunError::Stopped);
        }
        backtest.take(now, input)?;
    }
    if let Some(end) = tape.listened_until() {
        backtest.until(end)?;
    }
    let outcome = backtest.finish()?;
    Ok((outcome, began.elapsed()))
}
