//! One series: the last value of one quantity of one device, its own clock, and the rules that judge it.

use minicbor::{Decode, Encode};

use super::clock::Pace;
use super::ladder::Cell;
use super::level::{Bench, Held};
use crate::alert::Book;
use crate::id::Quantity;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::{Rule, RuleSet};
use crate::time::{Millis, Timestamp};

/// Whether Maibo can hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) enum Mute {
    /// Yes, as far as is known.
    #[default]
    #[n(0)]
    No,
    /// No, since the given engine time, and nothing came since.
    #[n(1)]
    Deaf(#[n(0)] Timestamp),
    /// Again, since the given engine time, but nothing came yet.
    #[n(2)]
    Waiting(#[n(0)] Timestamp),
}

/// What happens to a reading in its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Newer than the last.
    New,
    /// Older than the last.
    Late,
    /// Same time, same value.
    Duplicate,
    /// Same time, another value.
    Conflict,
}

/// What all cells of a device need to be judged.
pub(super) struct Scene<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) device: &'a Device,
    pub(super) book: &'a mut Book,
}

impl Scene<'_> {
    pub(super) fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.rules.get(number as usize)
    }

    /// The bench of one cell. `None` only for a rule that is no ladder, which no cell of a series has.
    pub(super) fn bench(&mut self, number: u32) -> Option<Bench<'_>> {
        let rule = self.rules.rules.get(number as usize)?;
        Some(Bench { rule, ladder: rule.threshold()?, device: self.device, book: self.book })
    }
}

/// One quantity of one device.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) quantity: Quantity,
    pub(super) held: Held,
    /// Engine time minus event time when the last value was taken; the series' clock is `now` minus this.
    pub(super) lag: Millis,
    pub(super) mute: Mute,
    /// The value is too old for one of the rules on it (or, without rules, for its interval).
    pub(super) stale: bool,
    /// Age at which that is so.
    pub(super) stale_after: Millis,
    pub(super) cells: Vec<Cell>,
    /// Whether any cell is pending or open.
    pub(super) busy: bool,
    /// Engine time of the next thing that happens by itself.
    pub(super) due: Timestamp,
}

impl Series {
    /// A series with the cells of the rules numbered in `about`.
    pub(super) fn new(quantity: &Quantity, held: Held, about: &[u32], rules: &RuleSet, device: &Device) -> Self {
        let mut series = Self {
            quantity: quantity.clone(),
            held,
            lag: Millis::ZERO,
            mute: Mute::No,
            stale: false,
            stale_after: device.stale_after(),
            cells: Vec::new(),
            busy: false,
            due: Timestamp::MAX,
        };
        series.select(about, rules, device);
        series
    }

    /// Gives the series the cells of the rules on its quantity, all of them inactive.
    pub(super) fn select(&mut self, about: &[u32], rules: &RuleSet, device: &Device) {
        let on_this = |number: &u32| {
            let ladder = rules.rules.get(*number as usize)?.threshold()?;
            (ladder.quantity == self.quantity).then(|| Cell::new(*number, ladder, device))
        };
        self.cells = about.iter().filter_map(on_this).collect();
        self.cells.shrink_to_fit();
        self.stale_after = self.cells.iter().map(|c| c.stale_after).min().unwrap_or_else(|| device.stale_after());
    }

    /// How a value at `at` stands to the last one.
    pub(super) fn arrival(&self, at: Timestamp, value: f64) -> Arrival {
        if at > self.held.at {
            Arrival::New
        } else if at < self.held.at {
            Arrival::Late
        } else if value.to_bits() == self.held.value.to_bits() {
            Arrival::Duplicate
        } else {
            Arrival::Conflict
        }
    }

    /// Whether a value reaches any limit on this series.
    pub(super) fn exceeds(&self, value: f64, rules: &RuleSet) -> bool {
        self.cells.iter().any(|c| {
            let ladder = rules.rules.get(c.rule as usize).and_then(Rule::threshold);
            ladder.is_some_and(|l| l.steps.first().is_some_and(|s| l.reached(s, value)))
        })
    }

    /// Takes a value: the first of the series where `first`, otherwise one that is newer than the last.
    pub(super) fn observe(&mut self, scene: &mut Scene<'_>, held: Held, now: Timestamp, first: bool) {
        let before = (!first).then_some(self.held);
        for cell in self.cells.iter_mut().filter(|c| !c.ignores(held.value)) {
            if let Some(mut bench) = scene.bench(cell.rule) {
                cell.observe(&mut bench, before, held, now);
            }
        }
        self.held = held;
        self.lag = now.since(held.at);
        self.mute = Mute::No;
        self.stale = false;
        self.refresh(scene);
    }

    /// Lets everything happen that is due at or before the engine time `until`, decided at its due time but not before
    /// `floor`.
    pub(super) fn fire(&mut self, scene: &mut Scene<'_>, floor: Timestamp, until: Timestamp) {
        match self.mute {
            Mute::Deaf(_) => {}
            // The readings alone decide, until they are overdue.
            Mute::Waiting(from) => {
                for cell in &mut self.cells {
                    let end = from + cell.stale_after;
                    if let (true, Some(mut bench)) = (end <= until, scene.bench(cell.rule)) {
                        cell.go_stale(&mut bench, end - self.lag, end.max(floor));
                    }
                }
                self.stale |= from + self.stale_after <= until;
            }
            Mute::No => {
                let to = until - self.lag;
                for cell in &mut self.cells {
                    let end = self.held.at + cell.stale_after;
                    if let Some(mut bench) = scene.bench(cell.rule) {
                        cell.advance(&mut bench, self.held, to, Pace::Lag(self.lag, floor));
                        if end <= to {
                            cell.go_stale(&mut bench, end, (end + self.lag).max(floor));
                        }
                    }
                }
                self.stale |= self.held.at + self.stale_after <= to;
            }
        }
        self.refresh(scene);
    }

    /// Finds out anew when something is due.
    pub(super) fn refresh(&mut self, scene: &mut Scene<'_>) {
        self.busy = self.cells.iter().any(|c| c.active.is_some());
        self.due = match self.mute {
            Mute::Deaf(_) => Timestamp::MAX,
            Mute::Waiting(from) => {
                let cells = self.cells.iter().filter(|c| c.can_go_stale()).map(|c| from + c.stale_after);
                let own = (!self.stale).then(|| from + self.stale_after);
                cells.chain(own).min().unwrap_or(Timestamp::MAX)
            }
            Mute::No => {
                let own = (!self.stale).then(|| self.held.at + self.stale_after);
                let mut due = own.unwrap_or(Timestamp::MAX);
                for cell in self.cells.iter().filter(|c| c.can_go_stale()) {
                    if let Some(at) = scene.bench(cell.rule).and_then(|b| cell.due(&b, self.held)) {
                        due = due.min(at);
                    }
                }
                due + self.lag
            }
        };
    }

    /// Whether there is nothing to say about it: fresh, heard, and no cell active.
    pub(super) fn is_calm(&self) -> bool {
        !self.busy && !self.stale && self.mute == Mute::No
    }

    /// The worst open level and whether it stands on data that are old or cannot be heard.
    pub(super) fn firing(&self) -> Option<(Level, bool)> {
        let cannot_hear = self.mute != Mute::No;
        let open = self.cells.iter().filter_map(Cell::firing);
        open.map(|(_, level, stale)| (level, stale || cannot_hear)).max()
    }

    /// The highest level reached but not open.
    pub(super) fn pending(&self) -> Option<Level> {
        self.cells.iter().filter_map(Cell::pending).max()
    }
}
