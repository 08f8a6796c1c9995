//! The machines that decide: 256 of devices and one of the city.
//!
//! ```text
//! Batch (time and inputs, committed) ─▶ Machine::step ─▶ Output: facts, verdict changes, answers to commands
//! ```
//!
//! A machine is a pure state machine. The same snapshot (or none), the same batches in the same order and the same
//! versions give the same facts, on every machine and after every restart. It reads no clock: a batch brings `now`, and
//! [`Machine::next_deadline`] says when a batch is wanted even if nothing happens. Time runs on two clocks: what devices
//! measured is judged on the series' own clock (`now` minus its lag), silence on `now`.
//!
//! **Invariants:** an open alert has exactly one record and belongs to one cell; every fact of an episode carries a
//! version one above the one before; a resolved episode leaves nothing in the state but what keeps its identity from being given again; after a step no deadline at or
//! before its `now` is left.
//!
//! Limits: see [`crate::limit`].

use crate::fact::{Fact, Transition};
use crate::id::{DeviceId, EpisodeId, PartitionId, Position, Quantity, Version};
use crate::input::Batch;
use crate::place::Level;
use crate::time::{Deadline, Timestamp};

mod absence;
mod activate;
mod air;
mod city;
mod clock;
mod counts;
mod deaf;
mod derive;
mod device;
mod event;
mod express;
mod fleet;
mod impose;
mod judge;
mod ladder;
mod level;
mod memory;
mod mute;
mod own;
mod partition;
mod profile;
mod series;
mod sight;
mod snapshot;
mod turn;
mod verdict;
mod versions;
mod watch;
mod window;
mod withheld;

pub use city::{City, DRILL_RULE, MANY_RULE, SOURCE_RULE};
pub use derive::{AirState, Closed, DERIVED, Derived};
pub use device::{DeviceView, ValueView};
pub use event::EventCounts;
pub use partition::Partition;
pub use versions::Versions;
pub use watch::CLOCK_RULE;

/// Why nothing can be said about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// Nothing was ever heard of it, or no value of a quantity that is judged.
    Never,
    /// What is known is too old.
    Stale,
    /// Maibo itself did not hear.
    Deaf,
}

/// What is known about a device now, worst first: firing, unknown, pending, normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A judged value, or all there is, is missing.
    Unknown {
        /// Why.
        why: Unknown,
    },
    /// Everything judged is fresh and within its limits.
    Normal,
    /// A limit is reached, not for long enough yet.
    Pending {
        /// The highest level reached.
        level: Level,
    },
    /// An alert is open.
    Firing {
        /// The highest level of the open alerts.
        level: Level,
        /// Whether the data behind it are old, or cannot be heard now.
        stale: bool,
    },
}

/// A device's verdict changed, or is said again because Maibo was deaf in the meantime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictChange {
    /// Which device.
    pub device: DeviceId,
    /// The quantity that decided, where one did.
    pub quantity: Option<Quantity>,
    /// What is known now.
    pub verdict: Verdict,
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// A constant word: `newer_fact`, `level_rose`, `resolved` (also for an episode nobody knows); of a drill
    /// `bad_until`, `too_many`, `elsewhere`.
    pub reason: &'static str,
    /// The alert as it stands, while it is open.
    pub current: Option<Transition>,
}

/// What became of one command, or of one drill that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandOutcome {
    /// On which episode.
    pub episode: EpisodeId,
    /// The alert as it stands now, or why not.
    pub result: Result<Transition, Refusal>,
}

/// How many readings and events went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted into their series.
    pub judged: u64,
    /// Older than the series' last.
    pub late: u64,
    /// Of these, with a value that reaches the limit of a level that is open.
    pub late_exceeding: u64,
    /// Same time and value as the series' last.
    pub duplicate: u64,
    /// Same time as the series' last, another value: the first wins.
    pub conflict: u64,
    /// Older than [`crate::limit::MAX_AGE`].
    pub too_old: u64,
    /// With a wrong time (impossible, unreadable, or steadily behind); judged at the receive time.
    pub clock: u64,
    /// NaN, infinite or outside the plausible range: never compared.
    pub incomparable: u64,
    /// Of devices that the catalogue in force does not know.
    pub unregistered: u64,
    /// Of quantities beyond [`crate::limit::MAX_SERIES`] of their device.
    pub refused: u64,
    /// Evaluations of expressions without a result, as of a division by zero. No readings: each of those counts above.
    pub undefined: u64,
    /// Events.
    pub events: EventCounts,
}

/// What one or more steps gave. Steps append; the caller clears.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// In canonical order, cause filled in, index 0 until appended to the facts log.
    pub facts: Vec<Fact>,
    /// One a device at most, in the order of their ids.
    pub verdicts: Vec<VerdictChange>,
    /// In the order of the batch's commands and drills.
    pub commands: Vec<CommandOutcome>,
    /// What happened to readings and events.
    pub counts: Counts,
}

impl Output {
    /// Empties everything, keeping the memory.
    pub fn clear(&mut self) {
        self.facts.clear();
        self.verdicts.clear();
        self.commands.clear();
        self.counts = Counts::default();
    }
}

/// An input that a machine cannot take. Its state is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A rule set was activated that nobody kept.
    #[error("rule set {0} is not known")]
    UnknownRules(Version),
    /// A catalogue was activated that nobody kept.
    #[error("catalogue {0} is not known")]
    UnknownCatalogue(Version),
    /// `now` is before the last batch's.
    #[error("time goes back from {last} to {now}")]
    TimeWentBack {
        /// The last batch's `now`.
        last: Timestamp,
        /// This one's.
        now: Timestamp,
    },
    /// The batch was taken before.
    #[error("position {} does not follow {}", .position.0, .last.0)]
    PositionWentBack {
        /// The last batch's position.
        last: Position,
        /// This one's.
        position: Position,
    },
}

/// A snapshot that cannot be used; the machine is rebuilt from its inputs instead.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot.
    #[error("read a snapshot")]
    Codec(#[from] crate::codec::CodecError),
    /// Written by a later binary.
    #[error("snapshot format {0} is not known")]
    Format(u32),
    /// Of another partition.
    #[error("snapshot is of partition {}, not {}", .found.0, .wanted.0)]
    Partition {
        /// Whose it is.
        found: PartitionId,
        /// Whose it should be.
        wanted: PartitionId,
    },
    /// The rule set in force then is not kept.
    #[error("rule set {0} is not known")]
    UnknownRules(Version),
    /// The catalogue in force then is not kept.
    #[error("catalogue {0} is not known")]
    UnknownCatalogue(Version),
}

/// Any of the 257 machines.
#[derive(Debug)]
pub enum Machine {
    /// Of devices.
    Partition(Box<Partition>),
    /// Of the city.
    City(Box<City>),
}

/// Calls the same method of whichever machine it is.
macro_rules! either {
    ($machine:expr, $m:ident => $call:expr) => {
        match $machine {
            Machine::Partition($m) => $call,
            Machine::City($m) => $call,
        }
    };
}

impl Machine {
    /// An empty machine: the city's for [`PartitionId::CITY`], otherwise one of devices.
    pub fn new(id: PartitionId) -> Self {
        if id == PartitionId::CITY {
            Self::City(Box::new(City::new()))
        } else {
            Self::Partition(Box::new(Partition::new(id)))
        }
    }

    /// A machine as it was when [`Self::snapshot`] was taken.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(id: PartitionId, bytes: &[u8], versions: &Versions) -> Result<Self, RestoreError> {
        if id == PartitionId::CITY {
            return City::restore(bytes, versions).map(|m| Self::City(Box::new(m)));
        }
        let machine = Partition::restore(bytes, versions)?;
        if machine.id() == id {
            Ok(Self::Partition(Box::new(machine)))
        } else {
            Err(RestoreError::Partition { found: machine.id(), wanted: id })
        }
    }

    /// Which machine it is.
    pub fn id(&self) -> PartitionId {
        match self {
            Self::Partition(m) => m.id(),
            Self::City(_) => PartitionId::CITY,
        }
    }

    /// Takes one committed batch; appends what it gave to `out`.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing has changed.
    pub fn step(
        &mut self,
        position: Position,
        batch: &Batch,
        versions: &Versions,
        out: &mut Output,
    ) -> Result<(), EngineError> {
        either!(self, m => m.step(position, batch, versions, out))
    }

    /// When the machine wants a batch even if nothing happens. It may be asked for earlier than something is due.
    pub fn next_deadline(&self) -> Option<Deadline> {
        either!(self, m => m.next_deadline())
    }

    /// Position of the last batch taken.
    pub fn position(&self) -> Option<Position> {
        either!(self, m => m.position())
    }

    /// `now` of the last batch taken.
    pub fn now(&self) -> Option<Timestamp> {
        either!(self, m => m.now())
    }

    /// The rule set in force.
    pub fn rules(&self) -> Option<Version> {
        either!(self, m => m.rules())
    }

    /// The catalogue in force.
    pub fn catalogue(&self) -> Option<Version> {
        either!(self, m => m.catalogue())
    }

    /// The response plans in force, by the city machine; `None` of a machine of devices, and where none were ever brought.
    pub fn plans(&self) -> Option<Version> {
        match self {
            Self::Partition(_) => None,
            Self::City(m) => m.plans(),
        }
    }

    /// Number of the next fact that the city machine wants to be told; `None` of a machine of devices.
    pub fn facts_seen(&self) -> Option<u64> {
        match self {
            Self::Partition(_) => None,
            Self::City(m) => Some(m.facts_seen()),
        }
    }

    /// Says as of which fact the snapshot was taken that the machine was restored from. Only a city machine from a snapshot
    /// of an earlier binary, which was told nothing, makes use of it: it is told what was decided since.
    pub fn restored_at(&mut self, facts_next: u64) {
        if let Self::City(m) = self {
            m.begin(facts_next);
        }
    }

    /// The whole state in canonical bytes, a format number first.
    pub fn snapshot(&self) -> Vec<u8> {
        either!(self, m => m.snapshot())
    }

    /// Makes the alert records what the log says they are, after a batch on which this binary decided `decided` and the
    /// log has `logged`. Facts are law: timers and values stay the machine's own, alerts become the log's.
    pub fn impose(&mut self, decided: &[Fact], logged: &[Fact]) {
        either!(self, m => m.impose(decided, logged));
    }

    /// All open alerts, in the order of their ids.
    pub fn open_alerts(&self) -> Box<dyn Iterator<Item = &Transition> + '_> {
        match self {
            Self::Partition(m) => Box::new(m.open_alerts()),
            Self::City(m) => Box::new(m.open_alerts()),
        }
    }

    /// What is known of each device heard of so far, for a first picture. The city machine has none.
    pub fn devices(&self) -> Box<dyn Iterator<Item = DeviceView<'_>> + '_> {
        match self {
            Self::Partition(m) => Box::new(m.devices()),
            Self::City(_) => Box::new(core::iter::empty()),
        }
    }
}
