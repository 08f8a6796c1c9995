//! §2, §3: the time a reading is judged at, and what it is to its series.

use crate::catalogue::Entry;
use crate::clock::Steady;
use crate::hearing::Hearing;
use crate::window::Memory;
use crate::{Mark, Ms, Reading};

/// §2: the earliest time that is believed, 2000-01-01.
pub(crate) const EARLIEST: Ms = 946_684_800_000;
/// §2: a time ahead by more than this is wrong.
pub(crate) const MAX_LEAD: Ms = 30_000;
/// §2: what is older is history only.
pub(crate) const MAX_AGE: Ms = 7 * 86_400_000;

/// One quantity of one device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) held: Option<Held>,
    pub(crate) hearing: Hearing,
    pub(crate) memory: Memory,
    /// §5: readings without times of their own drain after a deafness.
    pub(crate) draining: bool,
}

/// The last accepted value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) at: Ms,
    pub(crate) value: f64,
    pub(crate) claimed: Option<Ms>,
    /// `now` − event time when it was taken; a step of the clock moves it.
    pub(crate) lag: Ms,
    /// The same, as it was when it was taken.
    pub(crate) came_with: Ms,
    /// Judged, and not learnt.
    pub(crate) doubtful: bool,
}

impl Held {
    /// §3: when it was taken, in engine time.
    pub(crate) fn taken(&self) -> Ms {
        self.at + self.lag
    }
}

/// §2: what a reading's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// Its own.
    Own(Ms),
    /// Judged at the receive time.
    Borrowed { claimed: Option<Ms>, wrong: bool },
    /// History only.
    TooOld,
}

/// §3: what a reading is to its series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Accepted at this event time.
    New { at: Ms, claimed: Option<Ms> },
    /// Duplicate, conflict, late, copy or too old: moves nothing.
    Nothing,
}

/// §13: what a reading says about the device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Fault,
    Good,
    Neither,
}

impl Series {
    /// §3: the series' clock at engine time `now`; where it holds nothing, engine time.
    pub(crate) fn clock(&self, now: Ms) -> Ms {
        self.held.map_or(now, |h| (now - h.lag).max(h.at))
    }

    /// §2: the time that `r`, received at `received`, is judged at. Counts a steady lag (§13).
    pub(crate) fn time_of(&self, r: &Reading, received: Ms, steady: &mut Steady, device: &Entry) -> Time {
        if !r.timed {
            return Time::Borrowed { claimed: None, wrong: r.mark == Mark::Clock };
        }
        let claimed = Some(r.at);
        if r.at < EARLIEST || r.at - received > MAX_LEAD || r.mark == Mark::Clock {
            return Time::Borrowed { claimed, wrong: true };
        }
        if steady.lags(r.at, received, self.held.map(|h| h.at), device) {
            return Time::Borrowed { claimed, wrong: true };
        }
        if r.at > received {
            return Time::Borrowed { claimed, wrong: false };
        }
        if received - r.at > MAX_AGE { Time::TooOld } else { Time::Own(r.at) }
    }

    /// The series with an accepted value; `timed`: with a time of its own, right or wrong.
    pub(crate) fn with(&self, held: Held, timed: bool, now: Ms, device: &Entry) -> Self {
        let mut with = self.clone();
        let soon = self.held.is_some_and(|before| 2 * (now - before.taken()) <= device.interval_or_minute());
        with.draining = !timed && (self.hearing.was_deaf() || self.draining && soon);
        if with.draining {
            with.memory.restart();
        }
        with.memory.take(held.at, held.value, device.interval_or_minute());
        with.memory.hold_against(held.at);
        with.held = Some(held);
        with.hearing = Hearing::default();
        with
    }

    /// §3: what a value of this time is.
    pub(crate) fn kind_of(&self, value: f64, time: Time, received: Ms, now: Ms, device: &Entry) -> Kind {
        let held = self.held;
        let same = held.is_some_and(|h| h.value.to_bits() == value.to_bits());
        match time {
            Time::TooOld => Kind::Nothing,
            Time::Own(at) => {
                let Some(held) = held else { return Kind::New { at, claimed: None } };
                let duplicate = same && (at == held.at || Some(at) == held.claimed);
                if duplicate || at <= held.at { Kind::Nothing } else { Kind::New { at, claimed: None } }
            }
            Time::Borrowed { claimed, wrong } => {
                let Some(held) = held else { return Kind::New { at: received, claimed } };
                let soon = 2 * (now - held.taken()) < device.interval_or_minute();
                let copy = same && claimed.is_some() && claimed == held.claimed && (!wrong || soon);
                if copy { Kind::Nothing } else { Kind::New { at: received.max(held.at + 1), claimed } }
            }
        }
    }
}

impl Time {
    pub(crate) fn clock(self) -> Clock {
        match self {
            Self::Borrowed { wrong: true, .. } => Clock::Fault,
            Self::Own(_) | Self::Borrowed { claimed: Some(_), .. } => Clock::Good,
            Self::Borrowed { claimed: None, .. } | Self::TooOld => Clock::Neither,
        }
    }
}
