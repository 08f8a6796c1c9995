//! One case: lives, one after the other, and what lies between them.

use std::path::PathBuf;

use maibo::pipeline::{PipelineError, Work};
use maibo_core::input::Input;
use maibo_store::outbox::{OutboxFilter, OutboxReader};
use maibo_store::seeded::Seeded;

use crate::city::{DEVICES, Law};
use crate::clocks::Clocks;
use crate::ledger::Ledger;
use crate::life::{Ground, Life, contents, found, source};
use crate::trouble::Disks;

/// Turns within which everything must be settled once nothing goes wrong any more.
const BACKLOG_TURNS: usize = 3_000;

/// What a case did, to be shown and compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Times the process began.
    pub starts: u64,
    /// Starts that died on the way, or failed of a trouble.
    pub failed_starts: u64,
    /// Power cuts.
    pub cuts: u64,
    /// Readings acknowledged.
    pub acknowledged: u64,
    /// Facts in the log at the end.
    pub facts: u64,
    /// Messages the receiver got.
    pub heard: u64,
    /// A number that hangs on every byte of both logs.
    pub digest: u64,
}

/// How a life ends.
#[derive(Clone, Copy)]
enum End {
    /// In order.
    Drained,
    /// By a trouble, or at once. `cut`: the power went.
    Died { cut: bool },
}

/// A case and where it stands.
pub struct Case {
    choices: Seeded,
    clocks: Clocks,
    disks: Disks,
    ledger: Ledger,
    summary: Summary,
    /// The rule set in the configuration.
    rules: usize,
    dir: tempfile::TempDir,
    /// Says what happens.
    loud: bool,
}

impl Case {
    /// The case of a seed. `loud`: it tells its story on standard error.
    pub fn new(seed: u64, loud: bool) -> Self {
        Self {
            choices: Seeded::new(seed),
            clocks: Clocks::default(),
            disks: Disks::new(),
            ledger: Ledger::default(),
            summary: Summary::default(),
            rules: 0,
            dir: tempfile::tempdir().expect("a directory"),
            loud,
        }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where something does not hold.
    pub fn run(mut self) -> Summary {
        for _ in 0..2 + self.choices.below(4) {
            if let Some(mut life) = self.start(true) {
                let end = self.live(&mut life);
                self.end(life, end);
            }
        }
        self.settle();
        let (records, facts) = contents(&self.disks);
        self.ledger.check(&records, &facts);
        self.check_deliveries(&facts);
        self.summary.acknowledged =
            self.ledger.senders.iter().flat_map(|s| s.sent.values()).filter(|s| s.acknowledged).count() as u64;
        self.summary.facts = facts.len() as u64;
        self.summary.heard = self.ledger.heard.len() as u64;
        let bytes = facts.iter().flat_map(maibo_core::fact::Fact::to_bytes);
        let all: Vec<u8> = records.into_iter().flat_map(|r| r.payload).chain(bytes).collect();
        self.summary.digest = maibo_core::id::Version::of(&all).0;
        self.summary
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            eprintln!("{:>8} {}", self.clocks.elapsed(), what());
        }
    }

    fn outbox(&self) -> PathBuf {
        self.dir.path().join("outbox.db")
    }

    /// Starts the process. `None` where it died on the way; that is allowed only in trouble.
    fn start(&mut self, troubled: bool) -> Option<Life> {
        self.clocks.pass(self.choices.below(20_000) as i64);
        if troubled && self.choices.chance(30) {
            self.disks.doom(0, 40, &mut self.choices);
        }
        self.summary.starts += 1;
        if troubled && self.choices.chance(20) {
            self.rules = 1 - self.rules;
        }
        let outbox = self.outbox();
        let ground = Ground {
            disks: &self.disks,
            clocks: &self.clocks,
            ledger: &self.ledger,
            boot: self.summary.starts,
            rules: self.rules,
            outbox: &outbox,
        };
        match Life::begin(&ground) {
            Ok(life) if !self.disks.power.is_out() => {
                self.say(|| format!("start {}, rules {}", self.summary.starts, self.rules));
                Some(life)
            }
            other => {
                let error = other.err();
                assert!(self.disks.power.is_out(), "does not start: {error:?}");
                self.say(|| format!("died at the start: {error:?}"));
                drop(error);
                self.summary.failed_starts += 1;
                self.end_of_power();
                None
            }
        }
    }

    /// The process died before an operation of a disk: of a power cut, or killed.
    fn end_of_power(&mut self) {
        let cut = self.choices.chance(60);
        self.summary.cuts += u64::from(cut);
        self.disks.after(cut, &mut self.choices);
    }

    /// Lives until something ends it.
    fn live(&mut self, life: &mut Life) -> End {
        if self.choices.chance(50) {
            self.disks.doom(20, 400, &mut self.choices);
        }
        life.work.send(Work::Listening { source: source() }).expect("room");
        for _ in 0..40 + self.choices.below(300) {
            let ended = self.act(life);
            let out = self.disks.power.is_out();
            life.take_answers(&mut self.ledger);
            if out {
                self.say(|| "dies before an operation".to_owned());
                return End::Died { cut: self.choices.chance(60) };
            }
            if let Err(error) = ended {
                self.say(|| format!("ends: {error:?}"));
                let closed = matches!(error, PipelineError::InputsClosed | PipelineError::FactsClosed(_));
                assert!(closed && self.disks.harmed, "ends without a reason: {error:?}");
                return End::Died { cut: self.choices.chance(30) };
            }
        }
        match self.choices.below(3) {
            0 => End::Drained,
            1 => End::Died { cut: true },
            _ => End::Died { cut: false },
        }
    }

    /// One thing happens.
    fn act(&mut self, life: &mut Life) -> Result<(), PipelineError> {
        let now = life.clock.now();
        match self.choices.below(100) {
            0..28 => life.publish(&mut self.ledger, &mut self.choices, self.clocks.elapsed()),
            28..48 => {
                life.commit()?;
            }
            48..66 => {
                life.decide()?;
            }
            66..72 => {
                life.feed_city();
            }
            72..76 => {
                let keeps = self.choices.chance(50);
                life.follow_inputs(&mut self.ledger, keeps);
            }
            76..81 => {
                life.follow_facts(now);
            }
            81..86 => {
                life.deliver(&mut self.ledger, &mut self.choices, now, false);
            }
            86..93 => {
                let longest = if self.choices.chance(10) { 60_000 } else { 3_000 };
                self.clocks.pass(self.choices.below(longest) as i64);
            }
            93..96 => life.order(&self.ledger, &mut self.choices),
            96 => {
                let step = [3_600_000, -3_600_000, 5_000, -5_000][self.choices.below(4) as usize];
                self.say(|| format!("the wall clock steps by {step}"));
                self.clocks.step(step);
            }
            97 => {
                let from = now;
                let work = if self.choices.chance(50) {
                    Work::Deaf { source: source(), from }
                } else {
                    Work::Listening { source: source() }
                };
                life.work.send(work).expect("room");
            }
            98 => {
                self.rules = 1 - self.rules;
                let version = Law::get().rules[self.rules].0;
                life.urgent.send(Work::Everywhere(Input::Rules { version, by: None })).expect("room");
            }
            _ => {
                let what = self.disks.harm(&mut self.choices);
                self.say(|| what.to_owned());
            }
        }
        Ok(())
    }

    /// Ends a life, and leaves the disks as the next start finds them.
    fn end(&mut self, mut life: Life, end: End) {
        match end {
            End::Drained => {
                self.disks.heal();
                let mut ledger = std::mem::take(&mut self.ledger);
                let drained = {
                    let seen = std::cell::RefCell::new(&mut ledger);
                    life.drain(|life| life.take_answers(&mut seen.borrow_mut()))
                };
                self.ledger = ledger;
                match drained {
                    Ok(states) if !self.disks.power.is_out() => {
                        self.say(|| "drained".to_owned());
                        self.disks.after(false, &mut self.choices);
                        let (found, replayed) = found(&self.disks, &self.clocks);
                        assert_eq!(replayed, 0, "after an orderly end nothing is run again");
                        assert!(states == found, "the next start finds another state");
                    }
                    other => {
                        assert!(self.disks.power.is_out() || self.disks.harmed, "does not drain: {:?}", other.err());
                        self.end_of_power();
                    }
                }
            }
            End::Died { cut } => {
                // Who waits for an answer hears that there will be none.
                let Life { receipts, .. } = &mut life;
                for (n, at, _) in receipts.drain(..) {
                    self.ledger.senders[n].sent.entry(at).and_modify(|s| s.under_way = false);
                }
                drop(life);
                self.say(|| if cut { "the power is cut" } else { "killed" }.to_owned());
                self.summary.cuts += u64::from(cut);
                self.disks.after(cut, &mut self.choices);
            }
        }
        for sent in self.ledger.senders.iter_mut().flat_map(|s| s.sent.values_mut()) {
            sent.under_way = false;
        }
    }

    /// Nothing goes wrong any more: everything must come to rest, and stay so over an orderly end.
    fn settle(&mut self) {
        let life = self.rest();
        self.end(life, End::Drained);
        drop(self.rest());
        self.disks.after(false, &mut self.choices);
        let open = |s: &crate::city::Sent| !s.acknowledged && !s.given_up;
        let left = self.ledger.senders.iter().flat_map(|s| s.sent.values()).filter(|s| open(s)).count();
        assert_eq!(left, 0, "messages wait for an acknowledgement");
    }

    /// A life that goes on until there is nothing to do but wait.
    fn rest(&mut self) -> Life {
        let mut life = self.start(false).expect("starts, with nothing wrong");
        life.work.send(Work::Listening { source: source() }).expect("room");
        let mut quiet = 0;
        for turn in 0.. {
            for n in 0..DEVICES {
                life.send_waiting(&mut self.ledger, n);
            }
            let done = life.commit().and_then(|_| life.decide());
            assert!(done.is_ok(), "ends without a reason: {done:?}");
            let now = life.clock.now();
            let mut busy = life.deciding.waiting() > 0 || !life.work.is_empty() || !life.urgent.is_empty();
            busy |= life.feed_city();
            busy |= life.follow_inputs(&mut self.ledger, turn % 2 == 0);
            busy |= life.follow_facts(now);
            busy |= life.deliver(&mut self.ledger, &mut self.choices, now, true);
            life.take_answers(&mut self.ledger);
            let (due, lift) = (life.outbox.next_due("bureau"), life.outbox.next_lift());
            busy |= due.as_ref().is_ok_and(Option::is_some) || lift.as_ref().is_ok_and(Option::is_some);
            busy |= !life.receipts.is_empty() || !life.orders.is_empty();
            assert!(turn < BACKLOG_TURNS, "at {now:?} the backlog does not shrink: due {due:?}, lift {lift:?}");
            self.clocks.pass(250);
            // Long enough without anything new; what time alone brings is no backlog.
            quiet = if busy { 0 } else { quiet + 1 };
            if quiet > 4 {
                break;
            }
        }
        life
    }

    fn check_deliveries(&mut self, facts: &[maibo_core::fact::Fact]) {
        let reader = OutboxReader::open(&self.outbox()).expect("the outbox opens");
        let (mut rows, mut before) = (Vec::new(), None);
        loop {
            let some = reader.list(&OutboxFilter::default(), before, 1_000).expect("the outbox can be read");
            let Some(last) = some.last() else { break };
            before = Some(last.id);
            rows.extend(some);
        }
        self.ledger.check_deliveries(facts, &rows);
    }
}
