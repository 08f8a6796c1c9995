//! The reference model of Maibo's rules: `docs/spec/rules.md`, evaluated a second time in the plainest way.
//!
//! It is written to be obviously right and not to be fast: it recomputes from lists, keeps whole histories and has no
//! snapshot. It depends on no crate of Maibo, so that it is a second opinion; section numbers in comments are those of the
//! specification. The engine is compared with it transition by transition (`gateway/core/tests`).
//!
//! **Limits:** one [`Model`] stands for the devices of one partition, a [`city::City`] for what spans them. Packs and catalogues must be sound: it panics on one
//! that is not. Memory grows with the readings.

mod absence;
mod act;
mod air;
mod baseline;
mod calendar;
mod catalogue;
mod cell;
pub mod city;
mod clock;
mod derived;
mod device;
mod due;
mod edit;
mod episode;
mod event;
mod expression;
mod hearing;
mod judge;
mod operator;
mod pack;
mod pack_read;
mod plausible;
mod series;
mod signal;
mod step;
mod syntax;
mod turn;
mod window;

pub use act::{Act, Handled, Order};
pub use step::Model;

/// Milliseconds: a time since 1970-01-01T00:00:00Z, or a length.
pub type Ms = i64;

/// Warning level, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 蓝
    Blue,
    /// 黄
    Yellow,
    /// 橙
    Orange,
    /// 红
    Red,
}

impl Level {
    /// All four, lowest first.
    pub const ALL: [Self; 4] = [Self::Blue, Self::Yellow, Self::Orange, Self::Red];

    /// The word of packs and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }

    fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|l| l.word() == word).unwrap_or_else(|| panic!("level `{word}`"))
    }
}

/// What the decoder found about a reading, as far as rules care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing that matters here.
    #[default]
    None,
    /// `clock`: the time is impossible.
    Clock,
    /// `range`: the value is not believable.
    Range,
    /// `suspect` or `substituted`: the value is judged, and teaches nothing.
    Doubtful,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Who measured.
    pub device: String,
    /// What.
    pub quantity: String,
    /// When, by the device's word.
    pub at: Ms,
    /// When Maibo got it.
    pub received: Ms,
    /// The value, in the quantity's canonical unit.
    pub value: f64,
    /// What the decoder found.
    pub mark: Mark,
    /// Whether it has a time of its own.
    pub timed: bool,
}

/// One discrete report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who reported.
    pub device: String,
    /// What, in the reporter's codes.
    pub code: String,
    /// Which event of the device.
    pub identity: String,
    /// When.
    pub at: Ms,
    /// When Maibo got it.
    pub received: Ms,
    /// Ends by itself then.
    pub expires: Option<Ms>,
    /// Ends now.
    pub cancelled: bool,
    /// What its alert says of it, in the reporter's words.
    pub words: Option<String>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A measured value.
    Reading(Reading),
    /// A discrete report.
    Event(Event),
    /// A sign of life, or (not `alive`) a farewell.
    Liveness {
        /// Whose.
        device: String,
        /// False for a last will.
        alive: bool,
    },
    /// Nothing was heard from then on.
    Deaf {
        /// By which source; `None`: by all, at a start.
        source: Option<String>,
        /// Since when.
        from: Ms,
    },
    /// The source delivers again.
    Listening {
        /// Which.
        source: String,
    },
    /// The clock stepped just before the batch.
    ClockStep {
        /// Forwards positive.
        by: Ms,
    },
    /// A rule set, known by [`Model::rules`], comes into force.
    Rules {
        /// Which.
        version: u64,
    },
    /// A catalogue, known by [`Model::catalogue`], comes into force.
    Catalogue {
        /// Which.
        version: u64,
    },
    /// An operator does something about an episode.
    Order(Order),
}

/// Whether a transition is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To everybody whom it concerns.
    Told,
    /// To nobody: its rule is on trial.
    Trial,
}

/// One transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Engine time of the decision.
    pub decided_at: Ms,
    /// Who is told.
    pub side: Side,
    /// The rule that judges.
    pub rule: String,
    /// What it is about: kind and id.
    pub subject: (&'static str, String),
    /// Version in the episode, from 1.
    pub version: u32,
    /// The episode's id, 32 hexadecimal digits.
    pub episode: String,
    /// Whether it is firing; else resolved.
    pub firing: bool,
    /// The level in force; of a resolved one the last.
    pub level: Level,
    /// The highest level so far.
    pub peak: Level,
    /// Whether the data behind it are stale.
    pub stale: bool,
    /// Whether it lies far in the past.
    pub historic: bool,
    /// The value shown.
    pub value: Option<f64>,
    /// The limit shown.
    pub threshold: Option<f64>,
    /// Pending since.
    pub started_at: Ms,
    /// Event time.
    pub at: Ms,
    /// When it was resolved.
    pub resolved_at: Option<Ms>,
    /// Why.
    pub reason: &'static str,
    /// What people did about it.
    pub handled: Handled,
}
