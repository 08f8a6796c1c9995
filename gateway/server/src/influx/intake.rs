//! From the inputs log to lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_core::id::{PartitionId, Version};
use maibo_core::input::{Batch as Inputs, Input};
use maibo_core::reading::Reading;
use maibo_core::registry::Catalogue;
use maibo_core::time::Timestamp;
use maibo_store::history::kept_under;
use maibo_store::log::{LogReader, ReadError, Record};
use tracing::{error, warn};

use super::batch::Batch;
use super::cursor::{Cursor, Mark};
use super::line;
use super::prefixes::{Prefixes, ROOM};
use super::rejected::Rejection;
use crate::Chain;
use crate::versions::VersionStore;

/// Records read before anything else is looked at.
const RECORDS: usize = 4_096;
/// Times in a row that a reader may be silent before it is left until the log has more.
const SILENCES: u32 = 8;

/// What ended a reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// The batch is as long as one request may be.
    Full,
    /// There may be more.
    More,
    /// Nothing more now.
    Idle,
    /// The log cannot be read. In words.
    Failed(String),
}

/// Reads the log from the cursor on.
pub(super) struct Intake {
    reader: Box<dyn LogReader>,
    versions: Arc<VersionStore>,
    prefixes: Prefixes,
    /// The catalogue in force in each partition, as the log says.
    in_force: BTreeMap<PartitionId, Version>,
    /// The one where the log does not say, because what said it is trimmed.
    usual: Version,
    /// The last one looked up.
    compiled: Option<(Version, Option<Arc<Catalogue>>)>,
    /// Engine time of the last record read.
    last: Option<Timestamp>,
    /// A gap was met, and no record behind it yet.
    gap: bool,
}

impl Intake {
    pub(super) fn new(
        reader: Box<dyn LogReader>,
        cursor: &Cursor,
        versions: Arc<VersionStore>,
        usual: Version,
        tags: Vec<(String, String)>,
    ) -> Self {
        let in_force = cursor.marks.iter().map(|(p, mark)| (*p, mark.catalogue)).collect();
        let prefixes = Prefixes::new(tags, ROOM);
        Self { reader, versions, prefixes, in_force, usual, compiled: None, last: cursor.until, gap: false }
    }

    /// Adds records to the batch until it has so many lines or bytes, or there are no more now.
    pub(super) fn fill(&mut self, batch: &mut Batch, lines: usize, bytes: usize) -> Fill {
        let mut silences = 0;
        for _ in 0..RECORDS {
            if batch.count() >= lines || batch.bytes() >= bytes {
                return Fill::Full;
            }
            match self.reader.next() {
                Ok(Some(record)) => {
                    silences = 0;
                    self.take(batch, &record);
                }
                Ok(None) if silences < SILENCES => silences += 1,
                Ok(None) => return Fill::Idle,
                Err(ReadError::Trimmed { partition, .. }) => {
                    self.reader.skip_dropped(partition);
                    batch.gaps += 1;
                    self.gap = true;
                }
                Err(error) => return Fill::Failed(format!("the inputs log cannot be read: {}", Chain(&error))),
            }
        }
        Fill::More
    }

    fn take(&mut self, batch: &mut Batch, record: &Record) {
        let (partition, position) = (record.partition, record.position);
        let inputs = Inputs::from_bytes(&record.payload).unwrap_or_else(|error| {
            let (partition, position) = (partition.0, position.0);
            error!(partition, position, error = %Chain(&error), "a record cannot be read and is not written to the sink");
            Inputs { now: self.last.unwrap_or_default(), inputs: Vec::new() }
        });
        let mut catalogue = self.in_force.get(&partition).copied().unwrap_or(self.usual);
        for input in &inputs.inputs {
            match input {
                Input::Reading(reading) => self.write(batch, reading, catalogue),
                Input::Catalogue { version } => catalogue = *version,
                _ => {}
            }
        }
        self.in_force.insert(partition, catalogue);
        if std::mem::take(&mut self.gap) {
            let gap = super::status::SinkGap { from: self.last, to: Some(inputs.now) };
            let (from, to) = (self.last.map(|t| t.0), inputs.now.0);
            warn!(
                from,
                to,
                partitions = batch.gaps,
                "the log was trimmed before the sink had it; readings are missing"
            );
            batch.gap = Some(gap);
        }
        self.last = Some(inputs.now);
        batch.settle(partition, Mark { position, catalogue }, inputs.now);
    }

    fn write(&mut self, batch: &mut Batch, reading: &Reading, version: Version) {
        if self.compiled.as_ref().is_none_or(|(known, _)| *known != version) {
            let found = self.versions.current().catalogue(version).cloned();
            self.compiled = Some((version, found));
        }
        let catalogue = self.compiled.as_ref().and_then(|(_, c)| c.as_deref());
        let (at, quality) = kept_under(reading);
        match self.prefixes.get(reading, quality, version, catalogue) {
            Ok(prefix) => match line::point(batch.line(), prefix, reading.value, at) {
                Ok(()) => batch.end_line(),
                Err(_) => batch.skipped += 1,
            },
            Err(error) => {
                let reason =
                    format!("{error} ({} of {}, {} at {} ms)", reading.quantity, reading.device, reading.value, at.0);
                batch.unfit.push(Rejection { reason, line: Vec::new() });
            }
        }
    }
}
