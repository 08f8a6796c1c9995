//! From what is on disk to machines that are ready: snapshot, then the inputs behind it, held against the facts.
//!
//! Facts are law. Inputs up to the last position that has a fact in the log are *decided*: the machine runs on them to
//! rebuild its state, and where it would decide otherwise than the log says (a newer binary), the log wins and the
//! divergence is counted. Inputs behind that position were committed, perhaps acknowledged, and not decided yet: the
//! facts they give now are appended. This is the same code path on a clean start and after a crash at any instant.

use std::collections::BTreeMap;

use maibo_core::engine::{Machine, Output, Versions};
use maibo_core::fact::Fact;
use maibo_core::id::{Actor, PARTITIONS, PartitionId, Position, Version};
use maibo_core::input::{Batch, Input};
use maibo_core::time::Timestamp;
use maibo_store::facts::FactsLog;
use maibo_store::log::{Log, ReadError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Pause, PipelineError, decider, failpoint};

/// What recovery gives.
pub struct Recovered {
    /// One machine a partition, in partition order.
    pub machines: Vec<Machine>,
    /// Position of each partition's snapshot.
    pub saved: Vec<Option<Position>>,
    /// The last engine time in the log, if anything is in it.
    pub last_now: Option<Timestamp>,
    /// Batches run.
    pub replayed: u64,
    /// Facts that were missing in the facts log and are appended.
    pub appended: u64,
    /// Batches on which this binary would have decided otherwise.
    pub divergences: u64,
}

impl Recovered {
    /// What every start tells every partition: since when Maibo was deaf, and what is in force if that changed. `begin` is
    /// the time of a first start; `plans` the response plans, and who brought them.
    pub fn opening(
        &self,
        begin: Timestamp,
        catalogue: Version,
        rules: Version,
        plans: Option<(Version, Option<Actor>)>,
    ) -> Vec<Input> {
        let mut inputs = vec![Input::Deaf { source: None, from: self.last_now.unwrap_or(begin) }];
        if self.machines.iter().any(|m| m.catalogue() != Some(catalogue)) {
            inputs.push(Input::Catalogue { version: catalogue });
        }
        if self.machines.iter().any(|m| m.rules() != Some(rules)) {
            inputs.push(Input::Rules { version: rules, by: None });
        }
        if let Some((version, by)) = plans.filter(|(version, _)| self.plans() != Some(*version)) {
            inputs.push(Input::Plans { version, by });
        }
        inputs
    }

    /// The response plans in force at the end of the log; `None` where it never says any.
    pub fn plans(&self) -> Option<Version> {
        self.machines.iter().find_map(Machine::plans)
    }

    /// Number of the first fact that the city was not told.
    pub(super) fn facts_wanted(&self) -> u64 {
        self.machines.iter().find_map(Machine::facts_seen).unwrap_or_default()
    }
}

/// Decided facts behind the snapshots, by the batch that caused them.
type Decided = BTreeMap<(PartitionId, Position), Vec<Fact>>;

/// Rebuilds all machines.
///
/// # Errors
/// Where a log is damaged or trimmed past its snapshot, or an input cannot be taken.
pub fn recover(
    log: &dyn Log,
    facts: &mut FactsLog,
    versions: &Versions,
    pause: &Pause,
) -> Result<Recovered, PipelineError> {
    let n = usize::from(PARTITIONS) + 1;
    let (mut machines, mut saved, mut from_fact) = (Vec::with_capacity(n), Vec::with_capacity(n), u64::MAX);
    for partition in PartitionId::all() {
        let (machine, position, facts_next) = load(log, partition, versions);
        from_fact = from_fact.min(facts_next);
        machines.push(machine);
        saved.push(position);
    }
    let (decided, through) = read_decided(facts, from_fact, &saved)?;
    let mut recovered = Recovered { machines, saved, last_now: None, replayed: 0, appended: 0, divergences: 0 };
    let known = Known { versions, decided: &decided, through: &through };
    replay(log, facts, &known, pause, &mut recovered)?;
    info!(
        replayed = recovered.replayed,
        appended = recovered.appended,
        divergences = recovered.divergences,
        "state is recovered"
    );
    Ok(recovered)
}

/// A partition's snapshot, or a new machine where there is none that can be used.
fn load(log: &dyn Log, partition: PartitionId, versions: &Versions) -> (Machine, Option<Position>, u64) {
    let snapshot = match log.snapshot_load(partition) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            warn!(partition = partition.0, %error, "snapshot not readable; replaying from the first input kept");
            None
        }
    };
    if let Some((position, bytes)) = snapshot
        && let Some((head, state)) = bytes.split_first_chunk::<8>()
    {
        match Machine::restore(partition, state, versions) {
            Ok(mut machine) => {
                let facts_next = u64::from_be_bytes(*head);
                machine.restored_at(facts_next);
                return (machine, Some(position), facts_next);
            }
            Err(error) => warn!(partition = partition.0, %error, "snapshot not usable; replaying"),
        }
    }
    (Machine::new(partition), None, 0)
}

/// Reads the facts behind the snapshots, and up to where each partition is decided.
fn read_decided(
    facts: &FactsLog,
    from: u64,
    saved: &[Option<Position>],
) -> Result<(Decided, BTreeMap<PartitionId, Position>), PipelineError> {
    let (mut decided, mut through) = (Decided::new(), BTreeMap::new());
    if from < facts.next_index() {
        let mut reader = facts.reader(from);
        while let Some(fact) = reader.next().map_err(PipelineError::FactsClosed)? {
            let cause = fact.cause;
            let behind = saved.get(usize::from(cause.partition.0)).is_some_and(|s| Some(cause.position) > *s);
            // Position 0 is no input: facts of the drivers (deliveries, gaps).
            if cause.position != Position(0) && behind {
                through.insert(cause.partition, cause.position);
                decided.entry((cause.partition, cause.position)).or_default().push(fact);
            }
        }
    }
    Ok((decided, through))
}

/// What a replay is held against.
struct Known<'a> {
    versions: &'a Versions,
    decided: &'a Decided,
    /// Up to where each partition is decided.
    through: &'a BTreeMap<PartitionId, Position>,
}

fn replay(
    log: &dyn Log,
    facts: &mut FactsLog,
    known: &Known<'_>,
    pause: &Pause,
    recovered: &mut Recovered,
) -> Result<(), PipelineError> {
    let Known { versions, decided, through } = *known;
    // Without a snapshot everything from the beginning is wanted; where that is gone the reader says so, and a city that
    // silently forgot its open alerts does not start.
    let wanted = recovered.saved.iter().map(|saved| Some(saved.unwrap_or(Position(0))));
    let from: Vec<_> = PartitionId::all().zip(wanted).collect();
    let ends: BTreeMap<_, _> = PartitionId::all().filter_map(|p| log.end(p).map(|e| (p, e))).collect();
    let mut reader = log.reader(&from);
    let mut out = Output::default();
    let behind =
        |m: &[Machine]| ends.iter().any(|(p, end)| m.get(usize::from(p.0)).is_some_and(|m| m.position() < Some(*end)));
    while behind(&recovered.machines) {
        // A reader's silence is not the end: only the ends are.
        let record = reader.next().map_err(|error| match error {
            ReadError::Trimmed { partition, .. } => PipelineError::SnapshotGone(partition.0),
            other => PipelineError::Read(other),
        })?;
        let Some(record) = record else {
            std::thread::yield_now();
            continue;
        };
        failpoint::hit("during_recovery");
        let batch = match Batch::from_bytes(&record.payload) {
            Ok(batch) => batch,
            Err(error) => {
                let at = format!("inputs partition {} position {}: {error}", record.partition.0, record.position.0);
                return Err(PipelineError::Read(ReadError::Damaged { at }));
            }
        };
        let Some(machine) = recovered.machines.get_mut(usize::from(record.partition.0)) else { continue };
        out.clear();
        decider::step(machine, record.position, &batch, versions, &mut out)?;
        recovered.replayed += 1;
        recovered.last_now = recovered.last_now.max(Some(batch.now));
        let key = (record.partition, record.position);
        let logged = decided.get(&key).map_or(&[][..], Vec::as_slice);
        let is_decided = through.get(&record.partition).is_some_and(|t| record.position <= *t);
        let same = logged.len() <= out.facts.len() && logged.iter().zip(&out.facts).all(|(a, b)| a.same_decision(b));
        let last_decided = through.get(&record.partition) == Some(&record.position);
        if same && (!is_decided || last_decided) {
            // Not decided yet, or cut off in the middle of its own facts: the rest is appended.
            let rest = out.facts.split_off(logged.len());
            recovered.appended += rest.len() as u64;
            if !rest.is_empty() {
                decider::record(facts, rest, &CancellationToken::new(), pause)?;
            }
        } else if !same || logged.len() != out.facts.len() {
            recovered.divergences += 1;
            warn!(partition = key.0.0, position = key.1.0, "this binary would decide otherwise; the log stands");
            machine.impose(&out.facts, logged);
        }
    }
    for machine in &recovered.machines {
        recovered.last_now = recovered.last_now.max(machine.now());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
