//! The machines, and the threads that run them.
//!
//! ```text
//!            ┌─ shard 0, and small shares: the decider's own thread ─┐
//! commit ────┼─ shard 1: a thread of its own ────────────────────────┼──▶ in the order of the commit's batches
//!            └─ shard 2: a thread of its own ────────────────────────┘
//! ```
//!
//! A machine belongs to shard `partition % shards`. For one commit a shard's machines go to its thread and come back with
//! what they gave; between commits all of them are here, and a snapshot can be taken of any.
//!
//! **Invariants:** a machine depends on no other within a commit, so threads change nothing in what it gives; and
//! what all gave is put together batch by batch in the order of the commit, not in the order of coming back. So the facts,
//! with their numbers, are the same for any number of shards. One shard has no further thread.
//!
//! Limits: at most [`MAX_SHARDS`] shards. A share of fewer than [`HAND_OVER_FROM`] inputs is not handed over. A shard whose
//! thread panics ends the decider, and with it the process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::vec::Drain;

use maibo_core::engine::{CommandOutcome, Machine, Output, VerdictChange, Versions};
use maibo_core::fact::Fact;
use maibo_core::id::{PartitionId, Position};
use maibo_core::input::Batch;

use super::decider::step;
use super::{Deadlines, PipelineError};

/// Most shards: 257 machines do not keep more threads busy.
pub const MAX_SHARDS: usize = 16;
/// Inputs (and batches) of one shard in one commit from which waking its thread costs less than it saves.
const HAND_OVER_FROM: usize = 64;
/// What a thread that ended too early is called.
const THREAD: &str = "decider shard";

/// A batch of a commit: whose, where, what.
type Item = (PartitionId, Position, Batch);
/// What became of commands, in the order of their batches.
pub(super) type Answers = VecDeque<(PartitionId, CommandOutcome)>;

/// All machines, each in its shard.
pub struct Shards {
    /// Shard `s` of `n` has the partitions `s`, `s + n`, `s + 2n` and so on.
    machines: Vec<Vec<Machine>>,
    /// The threads of the shards from the second on.
    threads: Vec<Worker>,
    deadlines: Deadlines,
    /// By shard.
    shares: Vec<Share>,
    /// What the decider's own thread gave where other threads worked too.
    own: Gave,
    hand_over_from: usize,
}

/// One shard's part in a commit.
#[derive(Default)]
struct Share {
    inputs: usize,
    handed_over: bool,
    gave: Gave,
}

/// What some of a commit's batches gave, in their order.
#[derive(Default)]
struct Gave {
    out: Output,
    commands: Vec<(PartitionId, CommandOutcome)>,
    /// Of each batch how many facts, verdicts and commands.
    each: Vec<[usize; 3]>,
    /// The batch that a machine could not take, by its place in the commit. The others behind it were not tried.
    failed: Option<(usize, PipelineError)>,
}

/// What goes to a shard's thread and comes back.
struct Job {
    machines: Vec<Machine>,
    batches: Arc<Vec<Item>>,
    versions: Arc<Versions>,
    gave: Gave,
}

/// A shard's thread.
struct Worker {
    jobs: flume::Sender<Job>,
    done: flume::Receiver<Job>,
    thread: JoinHandle<()>,
}

impl Gave {
    /// Runs a machine on one batch, the `n`th of its commit, unless one before failed.
    fn add(
        &mut self,
        machine: Option<&mut Machine>,
        n: usize,
        (partition, position, batch): &Item,
        versions: &Versions,
        deadlines: &Deadlines,
    ) {
        if self.failed.is_some() {
            return;
        }
        let before = self.lengths();
        if let Some(machine) = machine {
            if let Err(error) = step(machine, *position, batch, versions, &mut self.out) {
                self.failed = Some((n, error));
                return;
            }
            self.commands.extend(self.out.commands.drain(..).map(|c| (*partition, c)));
            deadlines.set(*partition, machine.next_deadline().map(|d| d.at));
        }
        let after = self.lengths();
        self.each.push(std::array::from_fn(|i| after[i] - before[i]));
    }

    fn lengths(&self) -> [usize; 3] {
        [self.out.facts.len(), self.out.verdicts.len(), self.commands.len()]
    }

    fn clear(&mut self) {
        self.out.clear();
        self.commands.clear();
        self.each.clear();
        self.failed = None;
    }

    /// Takes out what each batch gave, one batch after the other.
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            facts: self.out.facts.drain(..),
            verdicts: self.out.verdicts.drain(..),
            commands: self.commands.drain(..),
            each: self.each.drain(..),
        }
    }
}

/// What batches gave, to be taken batch by batch.
struct Parts<'a> {
    facts: Drain<'a, Fact>,
    verdicts: Drain<'a, VerdictChange>,
    commands: Drain<'a, (PartitionId, CommandOutcome)>,
    each: Drain<'a, [usize; 3]>,
}

impl Parts<'_> {
    fn next(&mut self, out: &mut Output, answers: &mut Answers) {
        let [facts, verdicts, commands] = self.each.next().unwrap_or_default();
        out.facts.extend(self.facts.by_ref().take(facts));
        out.verdicts.extend(self.verdicts.by_ref().take(verdicts));
        answers.extend(self.commands.by_ref().take(commands));
    }
}

impl Worker {
    /// Starts the thread of one shard of so many. It ends when its jobs do.
    fn start(shard: usize, of: usize, deadlines: Deadlines) -> std::io::Result<Self> {
        let (jobs, jobs_rx) = flume::bounded::<Job>(1);
        let (done_tx, done) = flume::bounded::<Job>(1);
        let run = move || {
            while let Ok(mut job) = jobs_rx.recv() {
                let Job { machines, batches, versions, gave } = &mut job;
                for (n, item) in batches.iter().enumerate() {
                    let p = usize::from(item.0.0);
                    if p % of == shard {
                        gave.add(machines.get_mut(p / of), n, item, versions, &deadlines);
                    }
                }
                if done_tx.send(job).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("decider-{shard}")).spawn(run)?;
        Ok(Self { jobs, done, thread })
    }
}

impl Shards {
    /// Takes the machines, in partition order, and starts the threads of so many shards; 0 counts as 1, more than
    /// [`MAX_SHARDS`] as that.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(machines: Vec<Machine>, shards: usize, deadlines: Deadlines) -> std::io::Result<Self> {
        let of = shards.clamp(1, MAX_SHARDS);
        let mut by_shard: Vec<Vec<Machine>> = (0..of).map(|_| Vec::new()).collect();
        for (p, machine) in machines.into_iter().enumerate() {
            deadlines.set(machine.id(), machine.next_deadline().map(|d| d.at));
            by_shard[p % of].push(machine);
        }
        let threads = (1..of).map(|shard| Worker::start(shard, of, deadlines.clone())).collect::<Result<_, _>>()?;
        let shares = (0..of).map(|_| Share::default()).collect();
        let own = Gave::default();
        Ok(Self { machines: by_shard, threads, deadlines, shares, own, hand_over_from: HAND_OVER_FROM })
    }

    /// How many machines there are.
    pub fn len(&self) -> usize {
        self.machines.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The machine of the partition with this number.
    pub fn get(&self, partition: usize) -> Option<&Machine> {
        let of = self.machines.len();
        self.machines.get(partition % of)?.get(partition / of)
    }

    /// Ends the threads and hands back the machines, in partition order.
    pub fn into_machines(self) -> Vec<Machine> {
        for Worker { jobs, thread, .. } in self.threads {
            drop(jobs);
            // Its panic would have ended the decider before.
            let _ = thread.join();
        }
        let mut shards: Vec<_> = self.machines.into_iter().map(Vec::into_iter).collect();
        let of = shards.len();
        (0..).map_while(|p: usize| shards[p % of].next()).collect()
    }

    /// Runs the machines on one commit; appends what they gave to `out`, and to `answers` what became of commands.
    ///
    /// # Errors
    /// [`PipelineError`] of the first batch that cannot be taken, or where a shard's thread has ended. The machines are
    /// not what they should be then.
    pub fn step(
        &mut self,
        batches: &Arc<Vec<Item>>,
        versions: &Arc<Versions>,
        out: &mut Output,
        answers: &mut Answers,
    ) -> Result<(), PipelineError> {
        if self.hand_over(batches, versions)? {
            self.keep(batches, versions);
            self.gather()?;
            self.put_together(batches, out, answers);
            return Ok(());
        }
        let of = self.machines.len();
        for (partition, position, batch) in batches.iter() {
            let p = usize::from(partition.0);
            let Some(machine) = self.machines[p % of].get_mut(p / of) else { continue };
            step(machine, *position, batch, versions, out)?;
            answers.extend(out.commands.drain(..).map(|c| (*partition, c)));
            self.deadlines.set(*partition, machine.next_deadline().map(|d| d.at));
        }
        Ok(())
    }

    /// Gives the shards with a large share of the commit to their threads. Whether any was.
    fn hand_over(&mut self, batches: &Arc<Vec<Item>>, versions: &Arc<Versions>) -> Result<bool, PipelineError> {
        // Nobody to hand over to, or nothing to do meanwhile.
        if self.threads.is_empty() || batches.len() < 2 {
            return Ok(false);
        }
        for share in &mut self.shares {
            (share.inputs, share.handed_over) = (0, false);
        }
        let of = self.shares.len();
        for (partition, _, batch) in batches.iter() {
            self.shares[usize::from(partition.0) % of].inputs += 1 + batch.inputs.len();
        }
        let mut any = false;
        for ((share, machines), worker) in self.shares.iter_mut().zip(&mut self.machines).skip(1).zip(&self.threads) {
            if share.inputs < self.hand_over_from {
                continue;
            }
            let mut job = Job {
                machines: std::mem::take(machines),
                batches: Arc::clone(batches),
                versions: Arc::clone(versions),
                gave: std::mem::take(&mut share.gave),
            };
            job.gave.clear();
            worker.jobs.send(job).map_err(|_| PipelineError::Partner(THREAD))?;
            (share.handed_over, any) = (true, true);
        }
        Ok(any)
    }

    /// Runs the shards that were not handed over.
    fn keep(&mut self, batches: &[Item], versions: &Versions) {
        self.own.clear();
        let of = self.machines.len();
        for (n, item) in batches.iter().enumerate() {
            let p = usize::from(item.0.0);
            if !self.shares[p % of].handed_over {
                self.own.add(self.machines[p % of].get_mut(p / of), n, item, versions, &self.deadlines);
            }
        }
    }

    /// Waits for the shards that were handed over.
    fn gather(&mut self) -> Result<(), PipelineError> {
        let mut failed = self.own.failed.take();
        for ((share, machines), worker) in self.shares.iter_mut().zip(&mut self.machines).skip(1).zip(&self.threads) {
            if share.handed_over {
                let job = worker.done.recv().map_err(|_| PipelineError::Partner(THREAD))?;
                (*machines, share.gave) = (job.machines, job.gave);
                // The one that a single thread would have met.
                let other = share.gave.failed.take();
                failed = failed.into_iter().chain(other).min_by_key(|(n, _)| *n);
            }
        }
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Puts together what all gave, in the order of the commit's batches.
    fn put_together(&mut self, batches: &[Item], out: &mut Output, answers: &mut Answers) {
        let of = self.shares.len();
        out.counts += self.own.out.counts;
        for share in self.shares.iter().filter(|s| s.handed_over) {
            out.counts += share.gave.out.counts;
        }
        let mut own = self.own.parts();
        let mut others: Vec<_> = self.shares.iter_mut().map(|s| s.handed_over.then(|| s.gave.parts())).collect();
        for (partition, ..) in batches {
            let parts = others[usize::from(partition.0) % of].as_mut().unwrap_or(&mut own);
            parts.next(out, answers);
        }
    }
}

#[cfg(test)]
mod tests;
