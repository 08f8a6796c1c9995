//! `history.db`: what older files still have, then everything the inputs log has.

use std::path::Path;

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::Batch;
use maibo_core::time::Timestamp;
use maibo_store::damage::aside;
use maibo_store::history::{HistoryWriter, Options, Salvage, salvage};
use maibo_store::log::Log;

use super::super::{UpkeepError, figure};
use super::{Logs, Place, RebuildError, with};
use crate::live::words;

const NAME: &str = "history.db";

/// Makes `history.db` anew.
pub(super) fn rebuild(data: &Path, logs: &Logs, lose: bool, said: &mut dyn FnMut(String)) -> Result<(), RebuildError> {
    let failed = |e| RebuildError::build(NAME)(e);
    let place = Place::new(data, NAME)?;
    let mut damaged = Vec::new();
    let there = Some(place.old()).filter(|old| old.exists());
    let put_aside = aside(&place.old());
    for old in there.iter().chain(&put_aside) {
        let taken = salvage(old, &place.fresh).map_err(failed)?;
        said(format!("{NAME}: {} readings taken over from {}", figure(taken.readings), old.display()));
        damaged.extend(lost(&taken).map(|(from, to)| format!("{}: {}", old.display(), span(from, to))));
    }
    // Everything is taken: what is too old goes with the next checkpoint of a running Maibo, which knows its clock.
    let options = Options { retention: None, ..Options::default() };
    let (mut writer, reader) = HistoryWriter::open(&place.fresh, options).map_err(failed)?;
    writer.recover().map_err(failed)?;
    let (begin, records) = follow(&*logs.inputs, &mut writer)?;
    writer.checkpoint().map_err(failed)?;
    drop((writer, reader));
    // With the whole log nothing can be lost.
    if let Some(begin) = begin.filter(|_| !damaged.is_empty() && !lose) {
        return Err(RebuildError::Upkeep(UpkeepError::Refused(format!(
            "history before {} is not in the inputs log any more, and cannot be read in {}; with --lose-history it is \
             left out. Nothing was changed",
            words::time(begin),
            damaged.join(", ")
        ))));
    }
    place.take()?;
    for old in put_aside {
        // What is in it is in the new one; the next rebuild is not to ask for it again.
        std::fs::rename(&old, with(&old, ".replaced")).map_err(UpkeepError::io("rename", &old))?;
    }
    said(format!("{NAME}: made anew, with {} records of the inputs log", figure(records)));
    if let Some(begin) = begin {
        said(format!("{NAME}: what is older than {} comes from older files only", words::time(begin)));
    }
    for span in damaged {
        said(format!("{NAME}: unreadable in {span}"));
    }
    Ok(())
}

fn lost(taken: &Salvage) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    taken.damaged.iter().copied()
}

fn span(from: Timestamp, to: Timestamp) -> String {
    match (from.0, to.0) {
        (i64::MIN, i64::MAX) => "all of it".to_owned(),
        (i64::MIN, _) => format!("everything before {}", words::time(to)),
        (_, i64::MAX) => format!("everything from {}", words::time(from)),
        _ => format!("{} to {}", words::time(from), words::time(to)),
    }
}

/// Applies the whole log. Answers since when it has everything, where it was trimmed, and how many records it has.
fn follow(log: &dyn Log, writer: &mut HistoryWriter) -> Result<(Option<Timestamp>, u64), RebuildError> {
    let failed = |e| RebuildError::build(NAME)(e);
    let ends: Vec<(PartitionId, Position)> =
        PartitionId::all().filter_map(|p| log.end(p).map(|end| (p, end))).collect();
    let Some(last) = ends.iter().map(|(_, end)| *end).max() else { return Ok((None, 0)) };
    let everything: Vec<(PartitionId, Option<Position>)> = PartitionId::all().map(|p| (p, None)).collect();
    let mut reader = log.reader(&everything);
    let (mut begin, mut records) = (None, 0);
    loop {
        // A reader's silence is not the end: only the end is.
        let Some(record) = reader.next().map_err(RebuildError::build(NAME))? else {
            std::thread::yield_now();
            continue;
        };
        let batch = Batch::from_bytes(&record.payload).map_err(RebuildError::build(NAME))?;
        if records == 0 && record.position > Position(1) {
            begin = Some(batch.now);
        }
        records += 1;
        if writer.is_full() {
            writer.checkpoint().map_err(failed)?;
        }
        writer.apply(record.partition, record.position, &batch).map_err(failed)?;
        if record.position >= last {
            return Ok((begin, records));
        }
    }
}
