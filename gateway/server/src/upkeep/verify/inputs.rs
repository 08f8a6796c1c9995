//! The records of the inputs log, one by one.

use std::collections::BTreeMap;

use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;
use maibo_store::file_log::survey::Found;

use crate::versions::VersionStore;

/// No record is known at this position.
const NONE: u16 = u16::MAX;

/// Which partition each input position belongs to.
#[derive(Debug, Default)]
pub(super) struct Causes {
    first: u64,
    partitions: Vec<u16>,
}

impl Causes {
    fn note(&mut self, partition: PartitionId, position: Position) {
        if self.partitions.is_empty() {
            self.first = position.0;
        }
        if let Some(skipped) = position.0.checked_sub(self.first).map(|n| n as usize)
            && skipped >= self.partitions.len()
        {
            self.partitions.resize(skipped, NONE);
            self.partitions.push(partition.0);
        }
    }

    /// The partition of a position; `None` where it is trimmed, damaged, or not there yet.
    pub(super) fn partition(&self, position: Position) -> Option<PartitionId> {
        let at = position.0.checked_sub(self.first)?;
        self.partitions.get(usize::try_from(at).ok()?).filter(|p| **p != NONE).map(|p| PartitionId(*p))
    }
}

/// What has been seen.
pub(super) struct Inputs<'a> {
    versions: Option<&'a VersionStore>,
    pub(super) causes: Causes,
    pub(super) problems: Vec<String>,
    /// Engine time of the first batch.
    pub(super) first: Option<Timestamp>,
    /// The latest engine time.
    pub(super) now: Option<Timestamp>,
    /// The facts that the city was told of: one behind the last, and where that is said.
    pub(super) told: Option<(u64, String)>,
    times: BTreeMap<PartitionId, Timestamp>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(versions: Option<&'a VersionStore>) -> Self {
        let (causes, problems, times) = (Causes::default(), Vec::new(), BTreeMap::new());
        Self { versions, causes, problems, first: None, now: None, told: None, times }
    }

    pub(super) fn take(&mut self, found: &Found<'_>) {
        let (partition, position) = (found.record.partition, found.record.position);
        self.causes.note(partition, position);
        let mut problem = |what: String| {
            self.problems.push(format!(
                "inputs/{} offset {}: partition {} position {}: {what}",
                found.file, found.offset, partition.0, position.0
            ));
        };
        if partition > PartitionId::CITY {
            return problem("there is no such partition".to_owned());
        }
        let batch = match Batch::from_bytes(&found.record.payload) {
            Ok(batch) => batch,
            Err(error) => return problem(error.to_string()),
        };
        if let Some(before) = self.times.insert(partition, batch.now)
            && before > batch.now
        {
            problem(format!("goes back in time, from {} to {} ms", before.0, batch.now.0));
        }
        self.first = self.first.or(Some(batch.now));
        self.now = self.now.max(Some(batch.now));
        for input in &batch.inputs {
            if let Input::Told { next, .. } = input
                && self.told.as_ref().is_none_or(|(before, _)| before < next)
            {
                let place = format!("inputs/{} offset {}", found.file, found.offset);
                self.told = Some((*next, place));
            }
        }
        let Some(versions) = self.versions.map(VersionStore::current) else { return };
        for input in &batch.inputs {
            match input {
                Input::Rules { version, .. } if versions.rules(*version).is_none() => {
                    problem(format!("brings rules {version} into force, which are not in versions/"));
                }
                Input::Catalogue { version } if versions.catalogue(*version).is_none() => {
                    problem(format!("brings catalogue {version} into force, which is not in versions/"));
                }
                Input::Plans { version, .. } if versions.plans(*version).is_none() => {
                    problem(format!("brings response plans {version} into force, which are not in versions/"));
                }
                _ => {}
            }
        }
    }
}
