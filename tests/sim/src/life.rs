//! One life of the process: from opening the disks to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use maibo::app::inputs_options;
use maibo::clock::EngineClock;
use maibo::ingest::{Admission, Allowance, ClockMode, Ingest, Parts as IngestParts, QUEUE, Settled};
use maibo::pipeline::decider::{Deciding, save_all};
use maibo::pipeline::feed::Feed;
use maibo::pipeline::recovery::recover;
use maibo::pipeline::sequencer::Sequencing;
use maibo::pipeline::{self, Observer, Pipeline, PipelineError, Step, Work};
use maibo::telemetry::Metrics;
use maibo_core::decode::{DecodeStage, Profile, Route};
use maibo_core::engine::CommandOutcome;
use maibo_core::fact::Fact;
use maibo_core::id::{PartitionId, Position, SourceId};
use maibo_store::facts::{FactsLog, FactsReader};
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::{Log, LogReader};
use maibo_store::outbox::Outbox;
use tokio::sync::{oneshot, watch};

use crate::city::Law;
use crate::clocks::Clocks;
use crate::ledger::Ledger;
use crate::trouble::Disks;

/// The one source of messages.
pub(crate) fn source() -> SourceId {
    SourceId::new("sim").expect("a source's id")
}

/// A process that runs.
pub(crate) struct Life {
    pub(crate) clock: Arc<EngineClock>,
    pub(crate) ingest: Ingest,
    pub(crate) work: flume::Sender<Work>,
    pub(crate) urgent: flume::Sender<Work>,
    pub(crate) care: flume::Sender<Work>,
    pub(crate) sequencing: Sequencing,
    pub(crate) deciding: Deciding,
    pub(crate) feed: Feed,
    pub(crate) history: Box<dyn LogReader>,
    /// How far history has read in this life.
    pub(crate) read: BTreeMap<PartitionId, Position>,
    pub(crate) outbox: Outbox,
    pub(crate) owed: FactsReader,
    told: Arc<Mutex<Vec<Fact>>>,
    /// Who waits for the answer to a message: device, time of the reading.
    pub(crate) receipts: Vec<(usize, i64, oneshot::Receiver<Settled>)>,
    pub(crate) orders: Vec<oneshot::Receiver<CommandOutcome>>,
}

/// Hears what the decider tells, as the live picture does.
struct Ear(Arc<Mutex<Vec<Fact>>>);

impl Observer for Ear {
    fn observe(&mut self, step: &Step<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(step.facts);
    }
}

/// What a start needs of the case.
pub(crate) struct Ground<'a> {
    pub(crate) disks: &'a Disks,
    pub(crate) clocks: &'a Clocks,
    pub(crate) ledger: &'a Ledger,
    pub(crate) boot: u64,
    /// Which of the rule sets the configuration names.
    pub(crate) rules: usize,
    pub(crate) outbox: &'a std::path::Path,
}

/// Both logs as the server opens them, but in small segments.
fn open(disks: &Disks) -> Result<(FileLog, FactsLog), String> {
    let options = FileLogOptions { segment_bytes: 16 << 10, ballast_bytes: 4 << 10, ..inputs_options(1 << 30, false) };
    let (inputs, _) = FileLog::open(Arc::new(disks.inputs.clone()), options).map_err(|e| format!("inputs: {e:?}"))?;
    let options = FileLogOptions { segment_bytes: 8 << 10, reserve_bytes: 4 << 10, ..FileLogOptions::facts() };
    let (facts, _) = FileLog::open(Arc::new(disks.facts.clone()), options).map_err(|e| format!("facts: {e:?}"))?;
    let facts = FactsLog::open(Box::new(facts)).map_err(|e| format!("facts: {e:?}"))?;
    Ok((inputs, facts))
}

impl Life {
    /// Opens, recovers, and puts the pipeline together.
    ///
    /// # Errors
    /// What a start can fail of, in words.
    pub(crate) fn begin(ground: &Ground<'_>) -> Result<Self, String> {
        let law = Law::get();
        let (mut inputs, mut facts) = open(ground.disks)?;
        let pause = ground.disks.pause(ground.clocks);
        let recovered = recover(&inputs, &mut facts, &law.store.current(), &pause).map_err(|e| format!("{e:?}"))?;
        assert_eq!(recovered.divergences, 0, "the same binary decided otherwise");
        let clock = Arc::new(EngineClock::new(Box::new(ground.clocks.clone()), recovered.last_now));
        let (work, queue) = flume::bounded(QUEUE);
        let (urgent, urgent_out) = flume::bounded(pipeline::URGENT);
        for input in recovered.opening(clock.now(), law.catalogue, law.rules[ground.rules].0, None) {
            urgent.send(Work::Everywhere(input)).expect("room");
        }
        for partition in PartitionId::all() {
            if let Some(position) = ground.ledger.read_up_to(partition) {
                inputs.keep_from("history", partition, position);
            }
        }
        let from: Vec<_> = PartitionId::all().map(|p| (p, ground.ledger.read_up_to(p))).collect();
        let history = inputs.reader(&from);
        let outbox = Outbox::open(ground.outbox, facts.next_index()).map_err(|e| format!("{e:?}"))?;
        let owed = facts.reader(outbox.cursor());
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let stage = DecodeStage::new(vec![Route::standard(Profile::Native)]).expect("a route");
        let ingest = Ingest::new(IngestParts {
            stages: std::iter::once((source(), stage)).collect(),
            queue: work.clone(),
            urgent: urgent.clone(),
            clock: Arc::clone(&clock),
            mode: ClockMode::Wall,
            admission: Admission::Admit,
            allowance: Allowance { rate: 0, burst: 0 },
            catalogue: Arc::new(RwLock::new(Arc::clone(&law.catalogue_now))),
            unregistered: Arc::default(),
            quarantine: Arc::default(),
            metrics: Arc::clone(&metrics),
        });
        let (care, care_out) = flume::bounded(pipeline::CARE);
        let told = Arc::<Mutex<Vec<Fact>>>::default();
        let Pipeline { sequencer, decider, feed, .. } = Pipeline::assemble(pipeline::Parts {
            inputs: Box::new(inputs),
            facts,
            recovered,
            work: queue,
            urgent: urgent_out,
            scarce: watch::channel(None).0,
            care: (care.clone(), care_out),
            clock: Arc::clone(&clock),
            mode: ClockMode::Wall,
            boot: ground.boot,
            versions: Arc::clone(&law.store),
            metrics,
            shards: 1,
            observers: vec![Box::new(Ear(Arc::clone(&told)))],
            unrecorded: None,
            facts_wake: watch::channel(0).0,
            inputs_wake: watch::channel(0).0,
            bytes: Arc::default(),
            pause,
        })
        .expect("no threads are asked for");
        let feed = feed.expect("the feed runs by itself");
        let (sequencing, deciding) = (sequencer.begin(), decider.begin());
        let (receipts, orders) = (Vec::new(), Vec::new());
        Ok(Self {
            clock,
            ingest,
            work,
            urgent,
            care,
            sequencing,
            deciding,
            feed,
            history,
            read: BTreeMap::new(),
            outbox,
            owed,
            told,
            receipts,
            orders,
        })
    }

    /// Lets the sequencer commit what is there, unless the decider is too far behind. True where it could.
    pub(crate) fn commit(&mut self) -> Result<bool, PipelineError> {
        if self.deciding.waiting() >= pipeline::COMMITTED {
            return Ok(false);
        }
        self.sequencing.turn(Duration::ZERO)
    }

    /// Lets the decider decide one commit, or save a snapshot where there is none.
    pub(crate) fn decide(&mut self) -> Result<bool, PipelineError> {
        self.deciding.turn(Duration::ZERO)
    }

    /// What was told since the last look.
    pub(crate) fn told(&self) -> Vec<Fact> {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops in order: everything accepted is committed and decided, the last snapshots are saved. Gives the bytes of every
    /// machine's state.
    pub(crate) fn drain(mut self, see: impl Fn(&mut Self)) -> Result<Vec<Vec<u8>>, PipelineError> {
        self.work.send(Work::Stop).expect("room");
        loop {
            while self.deciding.waiting() > 0 {
                self.decide()?;
            }
            if !self.commit()? {
                break;
            }
        }
        while self.deciding.waiting() > 0 {
            self.decide()?;
        }
        see(&mut self);
        let mut log = self.sequencing.into_log();
        let rest = self.deciding.into_rest();
        save_all(&mut *log, &rest);
        Ok(rest.machines.iter().map(maibo_core::engine::Machine::snapshot).collect())
    }
}

/// The state of every machine as the next start finds it, and how many batches it had to run again.
pub(crate) fn found(disks: &Disks, clocks: &Clocks) -> (Vec<Vec<u8>>, u64) {
    let (inputs, mut facts) = open(disks).expect("what was drained opens");
    let recovered = recover(&inputs, &mut facts, &Law::get().store.current(), &disks.pause(clocks)).expect("recovers");
    (recovered.machines.iter().map(maibo_core::engine::Machine::snapshot).collect(), recovered.replayed)
}

/// Everything in both logs.
pub(crate) fn contents(disks: &Disks) -> (Vec<maibo_store::log::Record>, Vec<Fact>) {
    let (inputs, facts) = open(disks).expect("the logs open");
    let from: Vec<_> = PartitionId::all().map(|p| (p, None)).collect();
    let (mut reader, mut records) = (inputs.reader(&from), Vec::new());
    while let Some(record) = reader.next().expect("the inputs can be read") {
        records.push(record);
    }
    let (mut reader, mut all) = (facts.reader(0), Vec::new());
    while let Some(fact) = reader.next().expect("the facts can be read") {
        all.push(fact);
    }
    assert_eq!(all.len() as u64, facts.next_index(), "every fact can be read");
    (records, all)
}
