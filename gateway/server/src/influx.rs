//! The long-term sink: every reading of the inputs log, as line protocol, to an InfluxDB 2 compatible server.
//!
//! ```text
//! inputs log ─▶ intake ─▶ batch ─▶ cut ─▶ transport ── POST /api/v2/write ──▶ server
//!                 ▲                          │
//!                 └── cursor ◀── settled ◀───┴──▶ influx-rejected.lp
//! ```
//!
//! Place in the data path: a follower behind the log, like history; the pipeline never waits for it. The log is its
//! queue: what was not taken stays there, within the log's quota.
//!
//! Promises: a line is sent until the server says 204, or refuses that line alone; only then the cursor moves, and only
//! what a saved cursor has passed may be trimmed. After a crash some lines are sent again, which changes nothing: series
//! and time are the same. The tags come from the catalogue that the log names for the reading, so that they are the same
//! again too.
//!
//! Trouble: no answer, 429 and 5xx are tried again for ever, with jittered waits of [`Limits::retry`]. 401, 403, 404 and
//! whatever is no answer of such a server are tried again every [`Limits::refused`]. 413 halves the request. 400 and 422
//! are traced to the lines themselves, which go into a file. What the log dropped at its quota is counted as a gap.
//!
//! Limits: one batch in memory, of one record more than [`Limits::lines`] and [`Limits::bytes`], and its compressed copy;
//! [`prefixes`] of 100,000 series.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maibo_core::id::{PartitionId, Position, Version};
use maibo_core::time::Timestamp;
use maibo_store::damage::put_aside;
use maibo_store::log::Log;
use prometheus::Registry;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::ingest::external::backoff::Backoff;
use crate::pipeline::Work;
use crate::versions::VersionStore;

mod batch;
pub mod cursor;
mod cut;
mod follow;
mod intake;
pub mod line;
mod metrics;
mod prefixes;
mod rejected;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod transport;

pub use follow::Follower;
pub use metrics::Now;
pub use settings::{InfluxSettings, Target, Token};
pub use status::{BEHIND, SinkGap, SinkState, SinkStatus, SinkView};
pub use transport::{Answer, Influx2, Transport};

/// The name under which it speaks for what it needs of the log.
pub const CONSUMER: &str = "influx";
/// The cursor's file in the data directory.
pub const CURSOR: &str = "influx.cursor";
/// The file of rejected lines in the data directory.
pub const REJECTED: &str = "influx-rejected.lp";

/// Waits and limits of the sink.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most lines in one request.
    pub lines: usize,
    /// Most bytes of lines in one request, before compression.
    pub bytes: usize,
    /// Longest wait for more lines.
    pub wait: Duration,
    /// First and longest wait before a failed request is tried again; each is drawn from the upper half of its range.
    pub retry: (Duration, Duration),
    /// Wait before a server that refuses everything is tried again.
    pub refused: Duration,
    /// Between two saves of the cursor.
    pub save: Duration,
}

impl Limits {
    /// Those of a configuration.
    pub fn of(target: &Target) -> Self {
        Self {
            lines: target.lines,
            bytes: target.bytes,
            wait: target.wait,
            retry: (Duration::from_secs(2), Duration::from_mins(5)),
            refused: Duration::from_mins(5),
            save: Duration::from_secs(5),
        }
    }
}

/// What the sink needs.
pub struct Parts<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// The inputs log.
    pub log: &'a dyn Log,
    /// To the sequencer that writes it.
    pub work: &'a flume::Sender<Work>,
    /// Catalogues by version.
    pub versions: Arc<VersionStore>,
    /// The catalogue in force now.
    pub catalogue: Version,
    /// Where its metrics are registered.
    pub registry: &'a Registry,
    /// Engine time.
    pub now: Now,
    /// Makes the jitter; need not be secret.
    pub seed: u64,
    /// Waits and limits.
    pub limits: Limits,
}

/// Why the sink cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The cursor's file cannot be read. Beginning anew would send everything again; that is for the operator to decide.
    #[error("read {path}")]
    Cursor {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("make the HTTP client of the sink")]
    Client(#[source] influxdb2::BuildError),
    /// Its metrics cannot be registered.
    #[error("register the sink's metrics")]
    Metrics(#[source] prometheus::Error),
}

/// Opens the sink of a configuration. Nothing is sent before it runs.
///
/// # Errors
/// [`SinkError`].
pub fn open(target: &Target, parts: Parts<'_>) -> Result<(Follower<Influx2>, SinkStatus), SinkError> {
    let transport = Influx2::new(target).map_err(SinkError::Client)?;
    open_with(transport, target, parts)
}

/// Opens it with another transport.
///
/// # Errors
/// [`SinkError`].
pub fn open_with<T: Transport>(
    transport: T,
    target: &Target,
    parts: Parts<'_>,
) -> Result<(Follower<T>, SinkStatus), SinkError> {
    let status = SinkStatus::new(CONSUMER, target.url.as_str());
    let metrics = metrics::SinkMetrics::register(parts.registry, &status, Arc::clone(&parts.now));
    let path = parts.data.join(CURSOR);
    let mut cursor = match cursor::Cursor::load(&path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            warn!(path = %path.display(), "the sink's cursor is damaged; it is put aside, and all that the log has is sent again");
            put_aside(&path);
            cursor::Cursor::default()
        }
        loaded => loaded.map_err(|source| SinkError::Cursor { path: path.clone(), source })?,
    };
    // A cursor ahead of the log belongs to another log: it would pass over what comes next.
    let ahead = |p: PartitionId, at: Position| parts.log.end(p).is_some_and(|end| end < at);
    if cursor.marks.iter().any(|(p, mark)| ahead(*p, mark.position)) {
        warn!("the sink's cursor is ahead of the log; all that the log has is sent again");
        cursor = cursor::Cursor::default();
    }
    let from: Vec<_> = PartitionId::all().map(|p| (p, cursor.marks.get(&p).map(|m| m.position))).collect();
    let reader = parts.log.reader(&from);
    let intake = intake::Intake::new(reader, &cursor, parts.versions, parts.catalogue, target.tags.clone());
    let limits = parts.limits;
    status.update(Timestamp(0), |view| view.until = cursor.until);
    info!(url = %target.url, bucket = target.bucket, known = cursor.marks.len(), "the sink is open");
    let follower = Follower {
        intake: Some(intake),
        transport,
        limits,
        saved: cursor.clone(),
        cursor,
        path,
        rejected: rejected::Rejected::new(parts.data.join(REJECTED)),
        status: status.clone(),
        metrics: metrics.map_err(SinkError::Metrics)?,
        now: parts.now,
        work: parts.work.downgrade(),
        backoff: Backoff::new(limits.retry.0, limits.retry.1, parts.seed),
        next_save: Instant::now() + limits.save,
        save_failed: false,
        ceiling: limits.lines,
        unaccepted: 0,
    };
    Ok((follower, status))
}
