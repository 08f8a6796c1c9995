//! Does: the process around the deciding core. Command line, configuration, sources, pipeline, page.

pub mod alarms;
pub mod answer;
pub mod app;
pub mod backtest;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod desk;
pub mod history;
pub mod http;
pub mod influx;
pub mod ingest;
pub mod live;
pub mod monitor;
pub mod packs;
pub mod pipeline;
pub mod plan;
pub mod quarantine;
pub mod telemetry;
pub mod upkeep;
pub mod versions;

/// Prints an error with its causes, once, as one sentence.
pub struct Chain<'a>(pub &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
