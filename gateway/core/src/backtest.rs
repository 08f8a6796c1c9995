//! Rules on recorded data: what they would have told, and how much of it an operator would have had to take.
//!
//! ```text
//! (time, Input) in order of time ─▶ Backtest::take ─▶ the same machines as ever ─▶ Outcome: episodes, counts
//!                                                      Outcome ─▶ Load, RuleSummary, Difference
//! ```
//!
//! The clock is the stream's: all inputs of one time are one batch per partition, and what is due between two times is
//! decided when it is due. So a recording of Maibo's own inputs gives the facts that were told then, where the rules are
//! those of then. A gap in the data is no deafness: nobody says that Maibo did not hear. Deafness that *was* recorded is
//! taken like any other input.
//!
//! When the data end, everything that can still happen without data does: `for` and `keep_firing_for` complete. What only
//! the end itself brings about does not count: devices that fall silent because the recording stops.
//!
//! Limits: [`limit::BACKTEST_EPISODES`] episodes; state as bounded as the machines' own.

use std::sync::Arc;

use crate::engine::{Counts, EngineError, Machine, Output, Versions};
use crate::id::{PartitionId, Position};
use crate::input::{Batch, Input, MAX_TOLD, Told};
use crate::limit;
use crate::registry::Catalogue;
use crate::rule::RuleSet;
use crate::time::{Millis, Timestamp};

mod difference;
mod episode;
mod load;
mod summary;

pub use difference::{Change, Difference};
pub use episode::Episode;
pub use load::{LIMITS, Load, SPAN, Strain};
pub use summary::{Detection, FLAP, RuleSummary, summaries};

/// Why a backtest does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BacktestError {
    /// An input lies before the one before it.
    #[error("the data are not in order of time: {now} after {last}")]
    Order {
        /// The last input's time.
        last: Timestamp,
        /// This one's.
        now: Timestamp,
    },
    /// So many episodes that nobody would read of them.
    #[error("more than {} episodes; narrow the rules or take a shorter time", limit::BACKTEST_EPISODES)]
    TooManyEpisodes,
    /// A machine refused a batch: a fault of this program.
    #[error("evaluate")]
    Engine(#[from] EngineError),
}

/// What the rules made of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Time of the first report of a device.
    pub begin: Option<Timestamp>,
    /// End of the data: time of the last input, or what [`Backtest::until`] said.
    pub end: Option<Timestamp>,
    /// Reports of devices taken: readings, events, signs of life.
    pub inputs: u64,
    /// What happened to readings.
    pub counts: Counts,
    /// By their beginning, then by rule and subject.
    pub episodes: Vec<Episode>,
    /// Silences that only the end of the data brought about. They are no episodes.
    pub cut_off: u64,
}

/// One set of rules on its way through the data.
pub struct Backtest {
    versions: Versions,
    activate: [Input; 2],
    machines: Vec<Machine>,
    begin: Option<Timestamp>,
    started: bool,
    position: u64,
    inputs: u64,
    /// Inputs of the present time, each with its partition.
    waiting: Vec<(PartitionId, Input)>,
    batch: Batch,
    out: Output,
    ledger: episode::Ledger,
    /// Where a rule looks at several devices: what the city has to be told.
    told: Option<Vec<Told>>,
    facts: u64,
}

impl Backtest {
    /// Machines that have heard of nothing yet.
    pub fn new(rules: &Arc<RuleSet>, catalogue: &Arc<Catalogue>) -> Self {
        let mut versions = Versions::default();
        versions.insert_rules(Arc::clone(rules));
        versions.insert_catalogue(Arc::clone(catalogue));
        Self {
            versions,
            activate: [
                Input::Catalogue { version: catalogue.version },
                Input::Rules { version: rules.version, by: None },
            ],
            machines: PartitionId::all().map(Machine::new).collect(),
            begin: None,
            started: false,
            position: 0,
            inputs: 0,
            waiting: Vec::new(),
            batch: Batch::default(),
            out: Output::default(),
            ledger: episode::Ledger::new(Arc::clone(rules)),
            told: rules.rules.iter().any(|r| r.quorum().is_some()).then(Vec::new),
            facts: 0,
        }
    }

    /// Takes the next input. `now` is when Maibo has it, and never less than the time before.
    ///
    /// Commands, deliveries, activations, what the city was told, what Maibo found about itself and drills are passed over: they belong to the run that was
    /// recorded.
    ///
    /// # Errors
    /// [`BacktestError`]; after one there is nothing to go on with.
    pub fn take(&mut self, now: Timestamp, input: Input) -> Result<(), BacktestError> {
        let partition = match &input {
            Input::Reading(reading) => PartitionId::of(&reading.device),
            Input::Event(event) => PartitionId::of(&event.device),
            Input::Liveness(liveness) => PartitionId::of(&liveness.device),
            // About everything: each machine has to hear it. The last one gets the original.
            Input::Deaf { .. } | Input::Listening { .. } | Input::ClockStep { .. } => PartitionId::CITY,
            Input::Command(_)
            | Input::Rules { .. }
            | Input::Catalogue { .. }
            | Input::Delivered(_)
            | Input::Maintain(_)
            | Input::EndMaintenance { .. }
            | Input::Told { .. }
            | Input::Found(_)
            | Input::Drill(_)
            | Input::Plans { .. }
            | Input::Dropped { .. }
            | Input::Canary { .. } => return Ok(()),
        };
        self.move_to(now)?;
        if partition == PartitionId::CITY {
            let others = PartitionId::all().filter(|p| *p != PartitionId::CITY);
            self.waiting.extend(others.map(|p| (p, input.clone())));
        } else {
            self.begin.get_or_insert(now);
            self.inputs += 1;
        }
        self.waiting.push((partition, input));
        Ok(())
    }

    /// Time went on to `now`, and nothing came: a recording that says how long it listened.
    ///
    /// # Errors
    /// [`BacktestError`].
    pub fn until(&mut self, now: Timestamp) -> Result<(), BacktestError> {
        self.move_to(now)
    }

    /// Ends it: what is due without further data happens.
    ///
    /// # Errors
    /// [`BacktestError`].
    pub fn finish(mut self) -> Result<Outcome, BacktestError> {
        self.flush()?;
        let end = self.begin.map(|begin| begin.max(self.batch.now));
        if let Some(end) = end {
            self.ledger.data_end(end);
            // Every timer ends by then. What calendars would do to open alerts later, without a word from any device, is no finding.
            let until = end + limit::MAX_DURATION;
            let city = usize::from(PartitionId::CITY.0);
            for n in 0..self.machines.len() {
                if n == city {
                    self.tell_city()?;
                }
                self.pass(n, until)?;
            }
        }
        let (episodes, cut_off) = self.ledger.close();
        Ok(Outcome { begin: self.begin, end, inputs: self.inputs, counts: self.out.counts, episodes, cut_off })
    }

    /// Ends the present time, if this is a later one.
    fn move_to(&mut self, now: Timestamp) -> Result<(), BacktestError> {
        if !self.started {
            self.start(now)?;
        } else if now < self.batch.now {
            return Err(BacktestError::Order { last: self.batch.now, now });
        } else if now > self.batch.now {
            self.flush()?;
        }
        self.batch.now = now;
        Ok(())
    }

    /// Puts rules and catalogue in force everywhere.
    fn start(&mut self, now: Timestamp) -> Result<(), BacktestError> {
        self.started = true;
        self.position += 1;
        let batch = Batch { now, inputs: self.activate.to_vec() };
        for machine in &mut self.machines {
            machine.step(Position(self.position), &batch, &self.versions, &mut self.out)?;
        }
        Ok(())
    }

    /// Gives the present time's inputs to their machines.
    fn flush(&mut self) -> Result<(), BacktestError> {
        let mut waiting = core::mem::take(&mut self.waiting);
        // Keeps the order within each partition.
        waiting.sort_by_key(|(partition, _)| *partition);
        let mut rest = waiting.drain(..).peekable();
        while let Some((partition, first)) = rest.next() {
            self.batch.inputs.clear();
            self.batch.inputs.push(first);
            while let Some((_, next)) = rest.next_if(|(p, _)| *p == partition) {
                self.batch.inputs.push(next);
            }
            self.step(usize::from(partition.0))?;
        }
        drop(rest);
        self.waiting = waiting;
        if self.told.is_some() {
            // What time brought elsewhere is told in time as well.
            for n in 0..self.machines.len().saturating_sub(1) {
                self.pass(n, self.batch.now)?;
            }
        }
        self.tell_city()
    }

    /// Tells the city what the partitions decided since the last time.
    fn tell_city(&mut self) -> Result<(), BacktestError> {
        let mut told = match &mut self.told {
            Some(told) if !told.is_empty() => core::mem::take(told),
            _ => return Ok(()),
        };
        told.sort_by_key(|t| t.decided);
        let city = usize::from(PartitionId::CITY.0);
        // As where the feed follows at once: each decision at its own time.
        for items in told.chunk_by_mut(|a, b| a.decided == b.decided).flat_map(|same| same.chunks_mut(MAX_TOLD)) {
            let first = self.facts;
            for item in &mut *items {
                item.index = self.facts;
                self.facts += 1;
            }
            let decided = items.first().map_or(self.batch.now, |t| t.decided);
            self.pass(city, decided)?;
            let Some(machine) = self.machines.get_mut(city) else { return Ok(()) };
            let now = machine.now().map_or(decided, |last| last.max(decided));
            let inputs = vec![Input::Told { first, next: self.facts, items: items.to_vec() }];
            self.position += 1;
            machine.step(Position(self.position), &Batch { now, inputs }, &self.versions, &mut self.out)?;
            self.note()?;
        }
        Ok(())
    }

    /// Lets one machine take the batch, after what was due before it.
    fn step(&mut self, n: usize) -> Result<(), BacktestError> {
        let now = self.batch.now;
        let until = self.batch.inputs.iter().map(|i| match i {
            // Nothing is decided in time that nobody heard.
            Input::Deaf { from, .. } => *from,
            // Nor in time that was not, because a clock was set forwards.
            Input::ClockStep { by } => now - (*by).max(Millis::ZERO),
            _ => now,
        });
        let until = until.min().map_or(now, |until| until.min(now));
        self.pass(n, until)?;
        let Some(machine) = self.machines.get_mut(n) else { return Ok(()) };
        self.position += 1;
        machine.step(Position(self.position), &self.batch, &self.versions, &mut self.out)?;
        self.note()?;
        self.ledger.readings(&self.batch.inputs);
        Ok(())
    }

    /// Lets happen what is due in one machine before `until`, each at its time.
    fn pass(&mut self, n: usize, until: Timestamp) -> Result<(), BacktestError> {
        while let Some(machine) = self.machines.get_mut(n)
            && let Some(due) = machine.next_deadline().map(|d| d.at)
            && due < until
        {
            self.position += 1;
            // A deadline may have passed before the machine was last called: the tick comes at once.
            let now = machine.now().map_or(due, |last| last.max(due));
            let tick = Batch { now, inputs: Vec::new() };
            machine.step(Position(self.position), &tick, &self.versions, &mut self.out)?;
            self.note()?;
        }
        Ok(())
    }

    /// Writes down what was told. Counts stay where they add up.
    fn note(&mut self) -> Result<(), BacktestError> {
        for fact in self.out.facts.drain(..) {
            if let Some(told) = &mut self.told {
                told.extend(Told::about(&fact));
            }
            self.ledger.fact(&fact)?;
        }
        self.out.verdicts.clear();
        self.out.commands.clear();
        Ok(())
    }
}
