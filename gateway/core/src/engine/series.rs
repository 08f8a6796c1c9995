//! One series: the last value of one quantity of one device, its own clock, and the rules that judge it.

use super::clock::{Pace, Stamp};
use super::ladder::Cell;
use super::level::{Bench, Held};
use super::mute::{Mute, Pause};
use crate::alert::Book;
use crate::id::Quantity;
use crate::limit;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::{Rule, RuleSet};
use crate::time::{Millis, Timestamp};

/// What happens to a reading in its series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arrival {
    /// Newer than the last: to be held.
    New(Held),
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
    pub(super) fn bench(&mut self, number: u32, pause: Pause) -> Option<Bench<'_>> {
        let rule = self.rules.rules.get(number as usize)?;
        Some(Bench { rule, ladder: rule.threshold()?, device: self.device, book: self.book, pause })
    }
}

/// One quantity of one device.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) quantity: Quantity,
    pub(super) held: Held,
    /// Engine time minus event time when the last value was taken, at least 0; the series' clock is `now` minus this.
    pub(super) lag: Millis,
    pub(super) mute: Mute,
    /// The value is too old for one of the rules on it (or, without rules, for its interval). It can be so when it comes:
    /// a device that sends what it stored is alive, and its values are old.
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

    /// How a value that came at `now` stands to the last one. A borrowed time says nothing about the order of measuring:
    /// what comes is new, one behind the other, and only a copy is told by what the device claims.
    pub(super) fn arrival(&self, stamp: Stamp, value: f64, now: Timestamp, device: &Device) -> Arrival {
        let same = value.to_bits() == self.held.value.to_bits();
        match stamp {
            Stamp::Own(at) if same && self.held.claimed == Some(at) => Arrival::Duplicate,
            Stamp::Own(at) if at > self.held.at => Arrival::New(Held { at, value, claimed: None }),
            Stamp::Own(at) if at == self.held.at && same => Arrival::Duplicate,
            Stamp::Own(at) if at == self.held.at => Arrival::Conflict,
            Stamp::Borrowed { claimed: Some(claimed), wrong, .. }
                if same && self.held.claimed == Some(claimed) && (!wrong || self.is_too_soon(now, device)) =>
            {
                Arrival::Duplicate
            }
            Stamp::Borrowed { at, claimed, .. } => {
                Arrival::New(Held { at: at.max(self.held.at + Millis(1)), value, claimed })
            }
            Stamp::Own(_) | Stamp::TooOld => Arrival::Late,
        }
    }

    /// Whether a regular reading cannot have come yet. A clock that stands still claims the same time for ever: only in
    /// this time is an equal claim a copy.
    fn is_too_soon(&self, now: Timestamp, device: &Device) -> bool {
        let interval = device.interval.unwrap_or(limit::STALE_UNKNOWN);
        now.since(self.taken()).times(2) < interval
    }

    /// Engine time at which the last value was taken.
    fn taken(&self) -> Timestamp {
        self.held.at + self.lag
    }

    /// Whether a value reaches the limit of a level that is open on this series.
    pub(super) fn exceeds_open(&self, value: f64, rules: &RuleSet) -> bool {
        self.cells.iter().any(|cell| {
            let ladder = rules.rules.get(cell.rule as usize).and_then(Rule::threshold);
            let open = ladder.zip(cell.firing());
            open.is_some_and(|(l, (_, level, _))| l.step(level).is_some_and(|s| l.reached(s, value)))
        })
    }

    /// Takes a value: the first of the series where `first`, otherwise one that is newer than the last.
    pub(super) fn observe(&mut self, scene: &mut Scene<'_>, held: Held, now: Timestamp, first: bool) {
        let before = (!first).then_some(self.held);
        let deaf = self.mute != Mute::No;
        let pause = self.mute.pause(self.lag).settled(held.at);
        for cell in self.cells.iter_mut().filter(|c| !c.ignores(held.value)) {
            if let Some(mut bench) = scene.bench(cell.rule, pause) {
                cell.observe(&mut bench, before.map(|before| (before, deaf)), held, now);
            }
        }
        self.held = held;
        self.lag = now.since(held.at).max(Millis::ZERO);
        self.mute = Mute::No;
        self.stale = self.lag >= self.stale_after;
        self.refresh(scene);
    }

    /// Engine time from which the series is silent. After Maibo was deaf it is from when it hears again.
    fn silent_from(&self) -> Option<Timestamp> {
        match self.mute {
            Mute::No => Some(self.taken()),
            Mute::Deaf { .. } => None,
            Mute::Again { from, .. } | Mute::Waiting { from, .. } => Some(from),
        }
    }

    /// Lets everything happen that is due at or before the engine time `until`, decided at its due time but not before
    /// `floor`.
    pub(super) fn fire(&mut self, scene: &mut Scene<'_>, floor: Timestamp, until: Timestamp) {
        if let Some(silent) = self.silent_from() {
            let pause = self.mute.pause(self.lag);
            for cell in self.cells.iter_mut().filter(|c| c.can_go_stale()) {
                let Some(mut bench) = scene.bench(cell.rule, pause) else { continue };
                cell.advance(&mut bench, self.held, until - self.lag, Pace::Lag(self.lag, floor));
                let end = silent + cell.stale_after;
                if end <= until {
                    cell.go_stale(&mut bench, end - self.lag, end.max(floor));
                }
            }
            if let Mute::Again { from, lost } = self.mute
                && self.taken() + self.stale_after <= until
            {
                self.mute = Mute::Waiting { from, lost };
            }
            self.stale |= silent + self.stale_after <= until;
        }
        self.refresh(scene);
    }

    /// Finds out anew when something is due.
    pub(super) fn refresh(&mut self, scene: &mut Scene<'_>) {
        self.busy = self.cells.iter().any(|c| c.active.is_some());
        self.due = Timestamp::MAX;
        let Some(silent) = self.silent_from() else { return };
        if !self.stale {
            let counts = matches!(self.mute, Mute::Again { .. });
            self.due = if counts { self.taken() } else { silent } + self.stale_after;
        }
        let pause = self.mute.pause(self.lag);
        for cell in self.cells.iter().filter(|c| c.can_go_stale()) {
            let timer = scene.bench(cell.rule, pause).and_then(|b| cell.timer(&b, self.held));
            let end = silent + cell.stale_after;
            self.due = self.due.min(timer.map_or(end, |at| at + self.lag));
        }
    }

    /// Maibo does not hear since `from`.
    pub(super) fn deafen(&mut self, from: Timestamp) {
        self.mute.deafen(from, self.taken());
        self.due = Timestamp::MAX;
    }

    /// Maibo hears again.
    pub(super) fn listen(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        if self.mute.is_deaf() {
            let taken = self.taken();
            self.mute.listen(now, !self.stale && now < taken + self.stale_after);
            let fresh = Held { at: (now - self.lag).max(self.held.at), ..self.held };
            let pause = self.mute.pause(self.lag);
            for cell in self.cells.iter_mut().filter(|c| !c.ignores(fresh.value) && now < taken + c.stale_after) {
                if let Some(mut bench) = scene.bench(cell.rule, pause) {
                    cell.resume(&mut bench, fresh, now);
                }
            }
        }
        self.refresh(scene);
    }

    /// Engine time jumped: what is counted in it moves along, what is counted in event time stays.
    pub(super) fn shift(&mut self, scene: &mut Scene<'_>, by: Millis) {
        self.lag = self.lag + by;
        self.mute.shift(by);
        self.refresh(scene);
    }

    /// Whether there is nothing to say about it: fresh, heard, and no cell active.
    pub(super) fn is_calm(&self) -> bool {
        !self.busy && !self.stale && self.mute.is_known()
    }

    /// The worst open level and whether it stands on data that are old or cannot be heard.
    pub(super) fn firing(&self) -> Option<(Level, bool)> {
        let cannot_hear = !self.mute.is_known();
        let open = self.cells.iter().filter_map(Cell::firing);
        open.map(|(_, level, stale)| (level, stale || cannot_hear)).max()
    }

    /// The highest level reached but not open.
    pub(super) fn pending(&self) -> Option<Level> {
        self.cells.iter().filter_map(Cell::pending).max()
    }
}
