//! Whether a data directory is what it was when it was written, and whether Maibo can start from it.
//!
//! Reads both logs whole: every record's checksum, positions without holes from segment to segment, every batch and every
//! fact decoded, fact numbers without holes, the cause of every fact in the inputs or trimmed, snapshots whole, usable
//! and not ahead of their logs, and that what a snapshot does not have is still in the inputs. Opens nothing for writing.
//!
//! Limits: two bytes of memory a record of the inputs log, and one partition's state at a time.

use std::collections::BTreeMap;
use std::path::Path;

use maibo_core::engine::Machine;
use maibo_core::id::{PartitionId, Position};
use maibo_core::time::Timestamp;
use maibo_store::disk::os::OsDisk;
use maibo_store::file_log::survey::{Held, SnapshotFile, Survey, snapshot_files};

use self::inputs::{Causes, Inputs};
use super::{UpkeepError, figure};
use crate::live::words;
use crate::versions::VersionStore;

mod facts;
mod inputs;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What there is, a sentence a line.
    pub summary: Vec<String>,
    /// What is wrong, each with file and offset.
    pub problems: Vec<String>,
    /// Problems beyond those that are listed.
    pub more: u64,
    /// Number of the next fact.
    pub facts: u64,
    /// Position of the next input.
    pub inputs: u64,
    /// Last input of each partition, trimmed or not.
    pub ends: BTreeMap<PartitionId, Position>,
    /// Engine time of the last input.
    pub now: Option<Timestamp>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn take(&mut self, log: &str, survey: &Survey) {
        self.problems.extend(survey.problems.iter().map(|p| format!("{log}/{p}")));
        self.more += survey.more;
        let (segments, bytes) = (survey.segments, figure(survey.bytes));
        let span = match survey.records {
            0 => "no records".to_owned(),
            n => format!("{} records (positions {} to {})", figure(n), survey.first, survey.next - 1),
        };
        self.summary.push(format!("{log}: {segments} segments, {span}, {bytes} bytes"));
        if survey.first > 1 {
            self.summary.push(format!("{log}: what is before position {} was trimmed", survey.first));
        }
        if survey.torn_bytes > 0 {
            self.summary.push(format!(
                "{log}: {} bytes of an unfinished write at the end; nothing of it was acknowledged",
                survey.torn_bytes
            ));
        }
        if survey.superseded_bytes > 0 {
            let bytes = survey.superseded_bytes;
            self.summary.push(format!("{log}: {bytes} bytes given up after a failed write and written again behind"));
        }
    }
}

/// Checks a data directory whose owner does not run, or a copy of one.
///
/// # Errors
/// Where there are no logs, or the operating system fails. What is damaged is no error: it stands in the report.
pub fn verify(dir: &Path) -> Result<Report, UpkeepError> {
    if !crate::app::has_data(dir) {
        return Err(UpkeepError::Refused(format!("{} holds no logs", dir.display())));
    }
    let mut report = Report::default();
    let versions = versions(dir, &mut report);
    let disk = open(&dir.join("inputs"))?;
    let mut inputs = Inputs::new(versions.as_ref());
    let survey = survey(&disk, "inputs", &mut |found| inputs.take(&found))?;
    report.take("inputs", &survey);
    report.inputs = survey.next.max(1);
    report.ends.clone_from(&survey.last);
    report.now = inputs.now;
    if let (Some(first), Some(last)) = (inputs.first, inputs.now) {
        report.summary.push(format!("inputs: from {} to {}", words::time(first), words::time(last)));
    }
    report.problems.append(&mut inputs.problems);
    facts(dir, &inputs.causes, &survey, &mut report)?;
    if let Some((next, place)) = inputs.told.take().filter(|(next, _)| *next > report.facts) {
        let facts = report.facts;
        report
            .problems
            .push(format!("{place}: the city is told of facts before {next}, and the facts log ends before {facts}"));
    }
    snapshots(&disk, &survey, versions.as_ref(), &mut report)?;
    let kept = report.problems.len().min(maibo_store::file_log::survey::PROBLEMS_MAX);
    report.more += report.problems.drain(kept..).count() as u64;
    Ok(report)
}

fn open(path: &Path) -> Result<OsDisk, UpkeepError> {
    OsDisk::reading(path).map_err(UpkeepError::io("open", path))
}

fn survey(
    disk: &OsDisk,
    kind: &str,
    visit: &mut dyn FnMut(maibo_store::file_log::survey::Found<'_>),
) -> Result<Survey, UpkeepError> {
    let io = |source| UpkeepError::Io { what: format!("read {}", disk.path().display()), source };
    Held::hold(disk, kind).and_then(|held| held.survey(visit)).map_err(io)
}

/// The kept rule sets and catalogues, where all of them can be used.
fn versions(dir: &Path, report: &mut Report) -> Option<VersionStore> {
    let path = dir.join("versions");
    // Opening would create it.
    if !path.is_dir() {
        report
            .problems
            .push("versions: is missing; with it all rule sets and catalogues that were in force".to_owned());
        return None;
    }
    match VersionStore::open(&path) {
        Ok(versions) => Some(versions),
        Err(error) => {
            report.problems.push(format!("versions: {}", crate::Chain(&error)));
            None
        }
    }
}

fn facts(dir: &Path, causes: &Causes, inputs: &Survey, report: &mut Report) -> Result<(), UpkeepError> {
    let path = dir.join("facts");
    if !path.is_dir() {
        report.problems.push("facts: is missing".to_owned());
        return Ok(());
    }
    let disk = open(&path)?;
    let mut facts = facts::Facts::new(causes, inputs);
    let survey = survey(&disk, "facts", &mut |found| facts.take(&found))?;
    report.take("facts", &survey);
    report.facts = facts.next;
    report.summary.push(format!("facts: {} facts", figure(facts.next)));
    report.problems.append(&mut facts.problems);
    let io = UpkeepError::io("read the snapshots in", &path);
    for file in snapshot_files(&disk).map_err(io)? {
        match read(&disk, &file)? {
            Ok((position, _)) if Some(&position) > survey.last.get(&file.partition) => {
                report
                    .problems
                    .push(format!("facts/{} offset 16: stands at {}, ahead of its log", file.name, position.0));
            }
            Ok(_) => {}
            Err(problem) => report.problems.push(problem),
        }
    }
    Ok(())
}

/// Each partition must be able to start: from a snapshot, and the inputs behind it.
fn snapshots(
    disk: &OsDisk,
    survey: &Survey,
    versions: Option<&VersionStore>,
    report: &mut Report,
) -> Result<(), UpkeepError> {
    let mut usable: BTreeMap<PartitionId, Position> = BTreeMap::new();
    let io = UpkeepError::io("read the snapshots in", disk.path());
    for file in snapshot_files(disk).map_err(io)? {
        let checked = read(disk, &file)?.and_then(|(position, bytes)| {
            check(&file, position, &bytes, survey, versions, report.facts).map(|()| position)
        });
        match checked {
            Ok(position) => {
                usable.insert(file.partition, position);
            }
            Err(problem) => report.problems.push(problem),
        }
    }
    report.summary.push(format!("snapshots: {} of {} partitions", usable.len(), PartitionId::all().count()));
    for (partition, trimmed) in &survey.trimmed {
        if usable.get(partition) < Some(trimmed) {
            report.problems.push(format!(
                "inputs: partition {} cannot be rebuilt: it has no usable snapshot at or behind position {}, and its \
                 inputs up to there were trimmed",
                partition.0, trimmed.0
            ));
        }
    }
    Ok(())
}

fn read(disk: &OsDisk, file: &SnapshotFile) -> Result<Result<(Position, Vec<u8>), String>, UpkeepError> {
    let path = disk.path().join(&file.name);
    let log = disk.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let read = file.read(disk).map_err(UpkeepError::io("read", &path))?;
    Ok(read.map_err(|problem| format!("{log}/{problem}")))
}

fn check(
    file: &SnapshotFile,
    position: Position,
    bytes: &[u8],
    survey: &Survey,
    versions: Option<&VersionStore>,
    facts: u64,
) -> Result<(), String> {
    let problem = |offset: u64, what: String| Err(format!("inputs/{} offset {offset}: {what}", file.name));
    let end = survey.last.get(&file.partition);
    if Some(&position) > end {
        let end = end.map_or_else(|| "is empty".to_owned(), |end| format!("ends at {}", end.0));
        return problem(16, format!("stands at {}, ahead of its log, which {end}", position.0));
    }
    let Some((head, state)) = bytes.split_first_chunk::<8>() else {
        return problem(24, "holds no state".to_owned());
    };
    let next = u64::from_be_bytes(*head);
    if next > facts {
        return problem(24, format!("knows facts up to {next}, and the facts log ends before {facts}"));
    }
    let Some(versions) = versions else { return Ok(()) };
    match Machine::restore(file.partition, state, &versions.current()) {
        Ok(_) => Ok(()),
        Err(error) => problem(32, format!("its state cannot be used: {}", crate::Chain(&error))),
    }
}

#[cfg(test)]
mod tests;
