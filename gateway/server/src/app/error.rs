//! Why the application does not start.

use std::net::SocketAddr;

use super::logs;
use crate::pipeline::PipelineError;
use crate::versions::VersionError;

/// Why it does not start, with the exit code that says so.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("open the data directory")]
    Data(#[from] logs::DataError),
    /// Kept rule sets, catalogues or response plans cannot be used.
    #[error("take up what is kept in versions/")]
    Versions(#[from] VersionError),
    /// Recovery failed.
    #[error("recover")]
    Recover(#[from] PipelineError),
    /// Something of this process.
    #[error("{0}")]
    Internal(&'static str),
    /// The state database cannot be used.
    #[error("open the state database")]
    State {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The long-term sink cannot be opened.
    #[error("open the long-term sink")]
    Sink(#[from] crate::influx::SinkError),
    /// The key of answer links cannot be used.
    #[error("open the key of answer links")]
    Answers(#[from] crate::answer::KeyError),
    /// What is known of chains of alarms cannot be used.
    #[error("open the chains of alarms")]
    Chains(#[from] crate::alarms::chain::ChainError),
    /// The page's address cannot be bound.
    #[error("listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A source cannot start.
    #[error("start source {id}")]
    Source {
        /// Which.
        id: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl StartError {
    /// `sysexits`: 65 bad data, 69 unavailable, 70 internal, 74 I/O.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Data(e) => e.exit_code(),
            Self::Answers(e) => e.exit_code(),
            Self::Chains(e) => e.exit_code(),
            Self::Versions(VersionError::Compile { .. } | VersionError::Misfit { .. })
            | Self::Recover(
                PipelineError::SnapshotGone(_) | PipelineError::Read(maibo_store::log::ReadError::Damaged { .. }),
            ) => 65,
            Self::Versions(_) | Self::Recover(_) | Self::State { .. } | Self::Sink(_) => 74,
            Self::Source { .. } | Self::Listen { .. } => 69,
            Self::Internal(_) => 70,
        }
    }
}
