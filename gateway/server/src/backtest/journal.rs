//! The inputs log of a data directory whose Maibo is stopped.
//!
//! Takes the directory's lock, like `maibo journal inspect`, and writes nothing but the repair of a torn end. What was
//! recorded about Maibo's own ears is kept: it stands in every partition, and is taken from the city's.

use std::collections::BTreeMap;
use std::path::Path;

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;

use super::tape::Measured;
use super::{LoadError, Tape};
use crate::app::DataDir;

/// Reads everything that the log still has.
///
/// # Errors
/// [`LoadError`].
pub fn read(dir: &Path, tape: &mut Tape) -> Result<(), LoadError> {
    let shown = dir.display().to_string();
    if !crate::app::has_data(dir) {
        return Err(LoadError::data(format_args!("{shown}: holds no logs of a Maibo")));
    }
    let logs = DataDir::open(dir, u64::MAX, false)?;
    let wanted: Vec<_> = PartitionId::all().filter(|p| logs.inputs.end(*p).is_some()).map(|p| (p, None)).collect();
    let mut left: BTreeMap<PartitionId, Position> =
        wanted.iter().filter_map(|(p, _)| logs.inputs.end(*p).map(|end| (*p, end))).collect();
    let mut reader = logs.inputs.reader(&wanted);
    // A reader's silence is not the end: only the ends are.
    while !left.is_empty() {
        let record = reader.next().map_err(|e| LoadError::data(format_args!("{shown}: {}", crate::Chain(&e))))?;
        let Some(record) = record else { continue };
        if left.get(&record.partition).is_some_and(|end| record.position >= *end) {
            left.remove(&record.partition);
        }
        match Batch::from_bytes(&record.payload) {
            Ok(batch) => take(&shown, record.partition, batch, tape)?,
            Err(error) => {
                let at = format_args!("partition {}: {error}", record.partition.0).to_string();
                tape.bad(&shown, record.position.0, at);
            }
        }
    }
    Ok(())
}

fn take(shown: &str, partition: PartitionId, batch: Batch, tape: &mut Tape) -> Result<(), LoadError> {
    let now = batch.now;
    for input in batch.inputs {
        match input {
            Input::Reading(r) => {
                let measured = Measured {
                    now,
                    device: r.device.as_str(),
                    quantity: &r.quantity,
                    at: r.at,
                    received: r.received,
                    value: r.value,
                    quality: r.quality,
                    timed: r.timed,
                };
                if let Err(problem) = tape.reading(measured)? {
                    tape.bad(shown, 0, problem);
                }
            }
            Input::Event(_) | Input::Liveness(_) => tape.other(now, input)?,
            Input::Deaf { .. } | Input::Listening { .. } | Input::ClockStep { .. }
                if partition == PartitionId::CITY =>
            {
                tape.other(now, input)?;
            }
            // Of the run that was recorded, or said by the city's partition.
            _ => {}
        }
    }
    // A replay that got no data yet stands at time zero.
    if now > Timestamp::EARLIEST {
        tape.listened(now);
    }
    Ok(())
}
