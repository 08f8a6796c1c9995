//! Getting batches into the inputs log: waiting where it has no room, finding out where the outcome is unknown.

use std::collections::BTreeMap;

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;
use maibo_store::log::{Append, AppendId, Outcome, RECORD_MAX};
use tracing::error;

use super::Sequencer;
use crate::pipeline::tickets::Tickets;
use crate::pipeline::{PipelineError, failpoint};

impl Sequencer {
    /// Appends until every record has a position. A full disk makes it wait here: sources then wait for their receipts.
    pub(super) fn append(
        &mut self,
        batches: &[(PartitionId, Batch, Vec<u8>)],
        number: &mut u64,
        tickets: &mut Tickets,
    ) -> Result<Vec<Position>, PipelineError> {
        let mut positions: Vec<Option<Position>> = vec![None; batches.len()];
        let mut last: BTreeMap<PartitionId, Option<Position>> = BTreeMap::new();
        let mut told_full = false;
        while positions.iter().any(Option::is_none) {
            let open: Vec<usize> = (0..batches.len()).filter(|i| positions[*i].is_none()).collect();
            let first = *number + 1;
            let records: Vec<Append<'_>> = open
                .iter()
                .map(|&i| {
                    *number += 1;
                    let (partition, _, payload) = &batches[i];
                    let id = AppendId { boot: self.boot, number: *number };
                    // Positions within one call follow each other; only the first of a partition can name its fence.
                    let fresh = last.insert(*partition, None).is_none();
                    let expected = if fresh { self.log.end(*partition) } else { None };
                    Append { partition: *partition, id, expected, payload }
                })
                .collect();
            last.clear();
            // As late as can be: what is promised anywhere before the append is seen.
            failpoint::hit("before_inputs_append");
            let outcomes = self.log.append(&records);
            let mut full = false;
            for ((&i, outcome), n) in open.iter().zip(outcomes).zip(first..) {
                match outcome {
                    Outcome::Ok(position) => positions[i] = Some(position),
                    Outcome::Full => full = true,
                    Outcome::Unknown => {
                        positions[i] = self.read_back(batches[i].0, AppendId { boot: self.boot, number: n })?;
                    }
                    Outcome::Fenced { .. } => return Err(PipelineError::Fenced(batches[i].0.0)),
                    Outcome::Closed => {
                        let missing = open.iter().filter(|i| positions[**i].is_none()).map(|i| batches[*i].0).collect();
                        tickets.settle_except(&missing);
                        error!("the inputs log is closed; nothing more is acknowledged");
                        return Err(PipelineError::InputsClosed);
                    }
                }
            }
            if full {
                self.metrics.log_full.inc();
                if !told_full {
                    told_full = true;
                    error!("no room for inputs: acknowledgements are withheld until there is");
                }
                if self.log.relieve() {
                    self.scarce.begin(self.last_now);
                    continue;
                }
                if self.abort.is_cancelled() {
                    error!("stopping without room: what is not acknowledged, its senders send again");
                    return Err(PipelineError::InputsClosed);
                }
                self.take_care();
                self.trim();
                (self.pause)();
            }
        }
        Ok(positions.into_iter().flatten().collect())
    }

    /// Finds out whether an append whose outcome is unknown took place.
    fn read_back(&self, partition: PartitionId, id: AppendId) -> Result<Option<Position>, PipelineError> {
        let Some(end) = self.log.end(partition) else { return Ok(None) };
        let mut reader = self.log.reader(&[(partition, None)]);
        loop {
            match reader.next()? {
                Some(record) if record.id == id => return Ok(Some(record.position)),
                Some(record) if record.position >= end => return Ok(None),
                // Silence is not the end: ask again until the partition's end has been seen.
                Some(_) | None => {}
            }
        }
    }
}

/// Encodes a partition's inputs as one batch, or as several where one would be too long for a record.
pub(super) fn split(now: Timestamp, inputs: Vec<Input>, emit: &mut dyn FnMut(Batch, Vec<u8>)) {
    let batch = Batch { now, inputs };
    let bytes = batch.to_bytes();
    if bytes.len() <= RECORD_MAX || batch.inputs.len() < 2 {
        emit(batch, bytes);
        return;
    }
    let mut left = batch.inputs;
    let right = left.split_off(left.len() / 2);
    split(now, left, emit);
    split(now, right, emit);
}
