//! What becomes due about an open alert by itself: the reminder that nobody took notice of it, and the end of a silence.
//!
//! Both are counted in engine time and derived from the record, so that a snapshot carries them and a restart moves
//! nothing. While an alert is silenced nobody is reminded of it; the clock begins anew behind the silence.

use minicbor::{Decode, Encode};

use super::{Book, Record};
use crate::fact::{Reason, Reminder};
use crate::limit;
use crate::place::Level;
use crate::time::{Millis, Timestamp};

/// Nobody has taken notice yet. It begins with the opening and with every rise, whatever was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Waiting {
    /// Since when.
    #[n(0)]
    pub(super) since: Timestamp,
    /// What the next reminder is counted from.
    #[n(1)]
    pub(super) from: Timestamp,
    /// How many there were.
    #[n(2)]
    pub(super) reminders: u32,
}

/// The shortest wait for anything that an opening can begin.
const SHORTEST: Millis = limit::REMIND_RED;

/// How often to remind of an alert of this level.
const fn every(level: Level) -> Option<Millis> {
    match level {
        Level::Blue => None,
        Level::Yellow => Some(limit::REMIND_YELLOW),
        Level::Orange => Some(limit::REMIND_ORANGE),
        Level::Red => Some(limit::REMIND_RED),
    }
}

impl Record {
    /// Engine time at which something about it is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if let Some(silence) = self.transition.silenced() {
            return Some(silence.until);
        }
        let waiting = self.waiting.filter(|w| w.reminders < limit::MAX_REMINDERS)?;
        every(self.transition.level).map(|every| waiting.from + every)
    }

    /// Winds the clock by what the version that was just made says; `rose` where it opened or its level rose.
    pub(crate) fn wind(&mut self, rose: bool, at: Timestamp) {
        if self.shadow {
            return;
        }
        if rose {
            self.waiting = Some(Waiting { since: at, from: at, reminders: 0 });
            return;
        }
        match self.transition.reason {
            Reason::Acknowledged | Reason::Assigned | Reason::FedBack => self.waiting = None,
            Reason::SilenceOver | Reason::Unsilenced => {
                self.waiting = self.waiting.map(|w| Waiting { from: at, ..w });
            }
            Reason::Unacknowledged => {
                self.waiting = self.waiting.map(|w| Waiting { from: at, reminders: w.reminders + 1, ..w });
            }
            _ => {}
        }
    }

    /// Engine time jumped: the wait moves along. The end of a silence is a time that a person named, and stays.
    pub(super) fn shift(&mut self, by: Millis) {
        if let Some(waiting) = &mut self.waiting {
            waiting.since = waiting.since + by;
            waiting.from = waiting.from + by;
        }
    }
}

impl Book {
    /// When something is due about an open episode.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// How far time can pass at once on the way to `until`, with what becomes due in its order: up to the next thing due
    /// here, and not so far that an opening at `first`, the earliest there can be, is followed by something due.
    pub(crate) fn horizon(&self, first: Option<Timestamp>, until: Timestamp) -> Timestamp {
        let soonest = first.map(|first| first + SHORTEST);
        self.next_due().into_iter().chain(soonest).fold(until, Timestamp::min)
    }

    /// Lets everything happen that is due about open episodes at or before `until`, decided no earlier than `floor`.
    pub(crate) fn fire(&mut self, floor: Timestamp, until: Timestamp) {
        while let Some((due, episode)) = self.timers.first().copied()
            && due <= until
        {
            // A timer without a record cannot be: it would be due for ever.
            let Some(mut record) = self.take(episode) else { return };
            let now = due.max(floor);
            if record.transition.silenced().is_some() {
                record.next_version(Reason::SilenceOver);
                record.transition.handling_mut().silenced = None;
            } else {
                let waited = record.waiting.map(|w| Reminder { number: w.reminders + 1, after: now.since(w.since) });
                record.next_version(Reason::Unacknowledged);
                record.transition.handling_mut().reminder = waited;
            }
            record.transition.handling_mut().noted = Some(now);
            record.wind(false, now);
            self.settle(record, None, now);
        }
    }

    /// Engine time jumped.
    pub(crate) fn shift(&mut self, by: Millis) {
        for record in self.open.values_mut() {
            record.shift(by);
        }
        let due = |record: &Record| record.due().map(|at| (at, record.transition.episode));
        self.timers = self.open.values().filter_map(due).collect();
    }
}
