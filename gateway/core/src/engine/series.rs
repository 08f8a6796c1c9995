//! One series: the last value of one quantity of one device, its own clock, and the rules that judge it.

use std::collections::BTreeMap;

use super::clock::{Pace, Stamp};
use super::ladder::Cell;
use super::level::{Bench, Held};
use super::memory::Memories;
use super::mute::{Mute, Pause};
use super::sight::Sight;
use super::verdict::is_told;
use crate::alert::Book;
use crate::fact::Reason;
use crate::id::Quantity;
use crate::limit;
use crate::place::Level;
use crate::reading::quantity;
use crate::registry::Device;
use crate::rule::{Rule, RuleSet, Signal, Threshold};
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
    /// Thresholds of this device where its own limits take the place of the rule's, by the rule's number.
    pub(super) own: Option<&'a OwnLimits>,
    pub(super) book: &'a mut Book,
}

/// Thresholds with the limits of one device, by the rule's number.
pub(super) type OwnLimits = BTreeMap<u32, Threshold>;

impl Scene<'_> {
    pub(super) fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.rules.get(number as usize)
    }

    /// The bench of one cell. `None` only for a rule that is no ladder, which no cell of a series has.
    pub(super) fn bench(&mut self, number: u32, pause: Pause) -> Option<Bench<'_>> {
        let rule = self.rules.rules.get(number as usize)?;
        let ladder = ladder(self.rules, self.own, number)?;
        Some(Bench { rule, ladder, device: self.device, book: self.book, pause })
    }
}

/// The threshold by which the rule of this number judges a device.
pub(super) fn ladder<'a>(rules: &'a RuleSet, own: Option<&'a OwnLimits>, number: u32) -> Option<&'a Threshold> {
    let of_rule = rules.rules.get(number as usize)?.threshold()?;
    Some(own.and_then(|o| o.get(&number)).unwrap_or(of_rule))
}

/// One quantity of one device.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) quantity: Quantity,
    pub(super) held: Held,
    /// Engine time minus event time when the last value was taken, at least 0; the series' clock is `now` minus this.
    pub(super) lag: Millis,
    /// The same without what the clock stepped since.
    pub(super) came_with: Millis,
    pub(super) mute: Mute,
    /// The value is too old for one of the rules on it (or, without rules, for its interval). It can be so when it comes:
    /// a device that sends what it stored is alive, and its values are old.
    pub(super) stale: bool,
    /// Age at which that is so.
    pub(super) stale_after: Millis,
    pub(super) cells: Vec<Cell>,
    /// Windows and runs that its rules ask for.
    pub(super) memories: Memories,
    /// What comes without a time of its own drains after Maibo was deaf.
    pub(super) draining: bool,
    /// Whether any cell is pending or open.
    pub(super) busy: bool,
    /// Engine time of the next thing that happens by itself.
    pub(super) due: Timestamp,
}

impl Series {
    /// A series with the cells of the rules numbered in `about`.
    pub(super) fn new(quantity: &Quantity, held: Held, about: &[u32], scene: &Scene<'_>) -> Self {
        let mut series = Self {
            quantity: quantity.clone(),
            held,
            lag: Millis::ZERO,
            came_with: Millis::ZERO,
            mute: Mute::No,
            stale: false,
            stale_after: scene.device.stale_after(),
            cells: Vec::new(),
            memories: Memories::default(),
            draining: false,
            busy: false,
            due: Timestamp::MAX,
        };
        series.select(about, scene, held.at);
        series
    }

    /// Gives the series the cells of the rules on its quantity, all of them inactive; `at` is the time of its clock.
    pub(super) fn select(&mut self, about: &[u32], scene: &Scene<'_>, at: Timestamp) {
        let device = scene.device;
        let on_this = |number: &u32| {
            let ladder = ladder(scene.rules, scene.own, *number)?;
            (ladder.quantity == self.quantity).then(|| Cell::new(*number, ladder, device, at))
        };
        self.cells = about.iter().filter_map(on_this).collect();
        self.cells.shrink_to_fit();
        // What only a rule on trial finds too old is not shown as old.
        let told = self.cells.iter().filter(|c| is_told(scene.rules, c.rule)).map(|c| c.stale_after);
        self.stale_after = told.min().unwrap_or_else(|| device.stale_after());
        let ladders = self.cells.iter().filter_map(|c| ladder(scene.rules, scene.own, c.rule));
        let on_device = about.iter().filter_map(|n| ladder(scene.rules, scene.own, *n));
        let named = on_device.filter_map(|l| l.expression.as_deref()).flat_map(|e| &e.inputs);
        let inputs = named.filter(|i| i.quantity == self.quantity);
        self.memories.select(ladders, inputs, quantity::lookup(self.quantity.as_str()), device);
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
    pub(super) fn exceeds_open(&self, value: f64, scene: &Scene<'_>) -> bool {
        self.cells.iter().any(|cell| {
            let (Some(ladder), Some((_, level, _))) = (ladder(scene.rules, scene.own, cell.rule), cell.firing()) else {
                return false;
            };
            let value = ladder.rounded(value);
            let last = ladder.terms(cell.period).iter().filter(|t| t.signal == Signal::Last);
            last.filter_map(|t| t.step(level).map(|s| t.reached(s, value))).any(|reached| reached)
        })
    }

    /// What a cell sees in the value held now.
    pub(super) fn sight(&mut self, scene: &Scene<'_>, rule: u32) -> Option<Sight> {
        let ladder = ladder(scene.rules, scene.own, rule)?;
        Some(Sight::of(ladder, scene.device, (self.held, self.came_with), &mut self.memories))
    }

    /// Takes a value: the first of the series where `first`, otherwise one that is newer than the last. `timed` says
    /// whether it has a time of its own.
    pub(super) fn observe(&mut self, scene: &mut Scene<'_>, held: Held, now: Timestamp, first: bool, timed: bool) {
        let deaf = self.mute != Mute::No;
        let pause = self.mute.pause(self.lag).settled(held.at);
        let plain = self.memories.is_empty();
        let before = if first || plain { Vec::new() } else { self.sights(scene, held.at) };
        if !plain {
            self.remember(scene, held, now, first, timed);
        }
        let was = (core::mem::replace(&mut self.held, held), self.came_with);
        self.lag = now.since(held.at).max(Millis::ZERO);
        self.came_with = self.lag;
        for i in 0..self.cells.len() {
            let Some(cell) = self.cells.get(i).filter(|c| !c.ignores(held.value)) else { continue };
            let number = cell.rule;
            let Some(sight) = self.sight(scene, number) else { continue };
            let before = match (first, plain) {
                (true, _) => None,
                (false, true) => {
                    ladder(scene.rules, scene.own, number).map(|l| Sight::of(l, scene.device, was, &mut self.memories))
                }
                (false, false) => before.get(i).copied().flatten(),
            };
            if let (Some(cell), Some(mut bench)) = (self.cells.get_mut(i), scene.bench(number, pause)) {
                cell.observe(&mut bench, before.map(|b| (b, deaf)), &sight, now);
            }
        }
        self.mute = Mute::No;
        self.stale = self.lag >= self.stale_after;
        self.refresh(scene);
    }

    /// What the cells see before a value of time `at` comes, where it matters to them.
    fn sights(&mut self, scene: &Scene<'_>, at: Timestamp) -> Vec<Option<Sight>> {
        let concerned = |c: &Cell| c.active.is_some() || c.edge <= at;
        // Mostly nobody, and then nothing is allocated.
        if !self.cells.iter().any(concerned) {
            return Vec::new();
        }
        let mut sights = Vec::with_capacity(self.cells.len());
        for i in 0..self.cells.len() {
            let rule = self.cells.get(i).filter(|c| concerned(c)).map(|c| c.rule);
            sights.push(rule.and_then(|r| self.sight(scene, r)));
        }
        sights
    }

    /// Adds a value to what is remembered. What drains without times of its own lies closer together than it was measured:
    /// it is not added up.
    fn remember(&mut self, scene: &Scene<'_>, held: Held, now: Timestamp, first: bool, timed: bool) {
        let interval = scene.device.interval.unwrap_or(limit::STALE_UNKNOWN);
        let soon = now.since(self.taken()).times(2) <= interval;
        let again = self.mute != Mute::No;
        self.draining = !timed && !first && (again || (self.draining && soon));
        if self.draining {
            self.memories.restart();
        }
        let before = (!first).then_some(self.held.at);
        self.memories.push(before, held.at, held.value, interval);
        self.look(scene, held);
    }

    /// Whether the held value is too old for who wants it at most `stale_after` old: now, or from the start.
    pub(super) fn is_old(&self, stale_after: Millis, now: Timestamp) -> bool {
        self.came_with >= stale_after || now >= self.taken() + stale_after
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
            for i in 0..self.cells.len() {
                let clock = until - self.lag;
                let Some(cell) = self.cells.get(i).filter(|c| c.can_go_stale() || c.edge <= clock) else { continue };
                let number = cell.rule;
                let sight = self.sight(scene, number);
                let (Some(cell), Some(sight)) = (self.cells.get_mut(i), sight) else { continue };
                let Some(mut bench) = scene.bench(number, pause) else { continue };
                let (pace, end) = (Pace::Lag(self.lag, floor), silent + cell.stale_after);
                if cell.active.is_some() && !cell.can_go_stale() {
                    // Nothing completes by itself on what is stale.
                    cell.catch_up(&mut bench, clock, pace);
                    continue;
                }
                cell.advance(&mut bench, &sight, clock.min(end - self.lag), pace);
                if end <= until {
                    cell.go_stale(&mut bench, end - self.lag, end.max(floor));
                    cell.advance(&mut bench, &sight, clock, pace);
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
        for cell in &self.cells {
            if cell.edge < Timestamp::MAX {
                self.due = self.due.min(cell.edge + self.lag);
            }
            if cell.can_go_stale() {
                let timer = scene.bench(cell.rule, pause).and_then(|b| cell.timer(&b, self.held.at));
                let end = silent + cell.stale_after;
                self.due = self.due.min(timer.map_or(end, |at| at + self.lag));
            }
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
            let clock = (now - self.lag).max(self.held.at);
            let pause = self.mute.pause(self.lag);
            for i in 0..self.cells.len() {
                let Some(cell) = self.cells.get(i) else { continue };
                let counts = !self.is_old(cell.stale_after, now);
                let number = cell.rule;
                if cell.ignores(self.held.value) || (!counts && cell.edge > clock) {
                    continue;
                }
                let sight = self.sight(scene, number).filter(|_| counts);
                if let (Some(cell), Some(mut bench)) = (self.cells.get_mut(i), scene.bench(number, pause)) {
                    let edge = cell.edge;
                    cell.catch_up(&mut bench, clock, Pace::At(now));
                    if let Some(sight) = sight {
                        let reason = if cell.edge == edge { Reason::RuleChanged } else { Reason::Calendar };
                        cell.resume(&mut bench, sight.held_to(clock), now, reason);
                    }
                }
            }
            self.refresh(scene);
            // What became due at this very moment is decided in it.
            self.fire(scene, now, now);
        }
    }

    /// Finds out anew, after an edit, whether the held value is too old for one of the rules on it.
    pub(super) fn renew(&mut self, now: Timestamp) {
        let old = self.is_old(self.stale_after, now);
        match self.mute {
            Mute::No => self.stale = old,
            Mute::Again { from, lost } | Mute::Waiting { from, lost } => {
                self.stale = old && self.stale;
                self.mute = if old { Mute::Waiting { from, lost } } else { Mute::Again { from, lost } };
            }
            Mute::Deaf { .. } => {}
        }
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
    pub(super) fn firing(&self, rules: &RuleSet) -> Option<(Level, bool)> {
        let cannot_hear = !self.mute.is_known();
        let open = self.cells.iter().filter(|c| is_told(rules, c.rule)).filter_map(Cell::firing);
        open.map(|(_, level, stale)| (level, stale || cannot_hear)).max()
    }

    /// The highest level reached but not open.
    pub(super) fn pending(&self, rules: &RuleSet) -> Option<Level> {
        self.cells.iter().filter(|c| is_told(rules, c.rule)).filter_map(Cell::pending).max()
    }
}
