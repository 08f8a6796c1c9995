//! One device: its series, its silence, and what is known about it as a whole.

use super::absence::{AbsenceCell, Hearing};
use super::clock;
use super::level::Held;
use super::series::{Arrival, Mute, Scene, Series};
use super::{Counts, Unknown, Verdict};
use crate::id::{DeviceId, Quantity};
use crate::limit;
use crate::place::Level;
use crate::reading::Reading;
use crate::rule::{Rule, RuleSet};
use crate::time::{Millis, Timestamp};

/// The last value of one quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueView<'a> {
    /// What was measured.
    pub quantity: &'a Quantity,
    /// The value in the quantity's canonical unit.
    pub value: f64,
    /// The time it was judged at.
    pub at: Timestamp,
}

impl<'a> ValueView<'a> {
    fn of(series: &'a Series) -> Self {
        Self { quantity: &series.quantity, value: series.held.value, at: series.held.at }
    }
}

/// What is known about one device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceView<'a> {
    /// Which device.
    pub device: &'a DeviceId,
    /// Its verdict.
    pub verdict: Verdict,
    /// The quantity that decided, where one did.
    pub quantity: Option<&'a Quantity>,
    /// Receive time of the last sign of life.
    pub last_heard: Timestamp,
    /// Last values, in the order of their quantities.
    pub values: Vec<ValueView<'a>>,
}

/// A device that was heard at least once and stands in the catalogue.
#[derive(Clone, Debug)]
pub(super) struct DeviceState {
    pub(super) id: DeviceId,
    /// Its number in the catalogue in force.
    pub(super) number: u32,
    pub(super) hearing: Hearing,
    /// In the order of quantities.
    pub(super) series: Vec<Series>,
    /// In the order of rules.
    pub(super) absences: Vec<AbsenceCell>,
    /// The verdict last told.
    pub(super) told: Verdict,
    /// Where it stands in the fleet's timers; `MAX` where it does not.
    pub(super) scheduled: Timestamp,
    /// Whether its verdict has to be looked at when the step ends.
    pub(super) touched: bool,
}

impl DeviceState {
    pub(super) fn new(id: DeviceId, number: u32, now: Timestamp) -> Self {
        Self {
            id,
            number,
            hearing: Hearing::new(now),
            series: Vec::new(),
            absences: Vec::new(),
            told: Verdict::Unknown { why: Unknown::Never },
            scheduled: Timestamp::MAX,
            touched: false,
        }
    }

    /// Gives the device the absence rules among those numbered in `about`.
    pub(super) fn select_absences(&mut self, about: &[u32], rules: &RuleSet) {
        let is_absence = |n: &&u32| rules.rules.get(**n as usize).is_some_and(|r| r.absence().is_some());
        self.absences = about.iter().filter(is_absence).map(|n| AbsenceCell::new(*n)).collect();
    }

    /// A sign of life.
    pub(super) fn hear(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        self.hearing.hear(now);
        for cell in &mut self.absences {
            cell.hear(scene, now);
        }
    }

    /// A value.
    pub(super) fn read(&mut self, scene: &mut Scene<'_>, reading: &Reading, now: Timestamp, counts: &mut Counts) {
        self.hear(scene, now);
        if !reading.quality.comparable() || !reading.value.is_finite() {
            counts.incomparable += 1;
            return;
        }
        let Some(at) = clock::judged_at(reading, now, counts) else { return };
        let held = Held { at, value: reading.value };
        let i = match self.series.binary_search_by(|s| s.quantity.cmp(&reading.quantity)) {
            Ok(i) => i,
            Err(_) if self.series.len() >= limit::MAX_SERIES => {
                counts.refused += 1;
                return;
            }
            Err(i) => {
                let about = scene.rules.about(scene.device);
                let mut series = Series::new(&reading.quantity, held, &about, scene.rules, scene.device);
                series.observe(scene, held, now, true);
                counts.judged += 1;
                self.series.insert(i, series);
                return;
            }
        };
        let Some(series) = self.series.get_mut(i) else { return };
        match series.arrival(at, held.value) {
            Arrival::New => {
                series.observe(scene, held, now, false);
                counts.judged += 1;
            }
            Arrival::Late => {
                counts.late += 1;
                counts.late_exceeding += u64::from(series.exceeds(held.value, scene.rules));
            }
            Arrival::Duplicate => counts.duplicate += 1,
            Arrival::Conflict => counts.conflict += 1,
        }
    }

    /// Engine time of the next thing that happens by itself; `MAX` where there is none.
    pub(super) fn due(&self, scene: &Scene<'_>) -> Timestamp {
        let silence = self.absences.iter().filter_map(|c| {
            let rule = *scene.rule(c.rule).and_then(Rule::absence)?;
            c.due(self.hearing, rule, scene.device)
        });
        self.series.iter().map(|s| s.due).chain(silence).min().unwrap_or(Timestamp::MAX)
    }

    /// Lets everything happen that is due at or before `until`, decided at its due time but not before `floor`.
    pub(super) fn fire(&mut self, scene: &mut Scene<'_>, floor: Timestamp, until: Timestamp) {
        for series in self.series.iter_mut().filter(|s| s.due <= until) {
            series.fire(scene, floor, until);
        }
        for cell in &mut self.absences {
            let rule = scene.rule(cell.rule).and_then(Rule::absence).copied();
            if let Some(at) = rule.and_then(|r| cell.due(self.hearing, r, scene.device)).filter(|at| *at <= until) {
                cell.fire(scene, self.hearing, at.max(floor));
            }
        }
    }

    /// Maibo does not hear since `from`.
    pub(super) fn deafen(&mut self, from: Timestamp) {
        self.hearing.deafen(from);
        for series in &mut self.series {
            series.mute = Mute::Deaf(from);
            series.due = Timestamp::MAX;
        }
    }

    /// Maibo hears again.
    pub(super) fn listen(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        self.hearing.listen(now, scene.device);
        for series in &mut self.series {
            if matches!(series.mute, Mute::Deaf(_)) {
                series.mute = Mute::Waiting(now);
                series.refresh(scene);
            }
        }
    }

    /// Engine time jumped: what is counted in it moves along, what is counted in event time stays.
    pub(super) fn shift(&mut self, scene: &mut Scene<'_>, by: Millis) {
        self.hearing.shift(by);
        for series in &mut self.series {
            series.lag = series.lag + by;
            series.mute = match series.mute {
                Mute::No => Mute::No,
                Mute::Deaf(from) => Mute::Deaf(from + by),
                Mute::Waiting(from) => Mute::Waiting(from + by),
            };
            series.refresh(scene);
        }
    }

    /// What is known about the device now, and the quantity that decides.
    pub(super) fn verdict(&self) -> (Verdict, Option<&Quantity>) {
        if self.hearing.mute == Mute::No
            && self.series.iter().all(Series::is_calm)
            && self.absences.iter().all(|c| c.firing.is_none())
        {
            return (Verdict::Normal, None);
        }
        if let Some((level, stale, quantity)) = self.worst_open() {
            return (Verdict::Firing { level, stale }, quantity);
        }
        // Without rules on any of them, all series together stand for the device.
        let judged = self.series.iter().any(|s| !s.cells.is_empty());
        if judged {
            for s in self.series.iter().filter(|s| !s.cells.is_empty()) {
                if let Some(why) = unknown(s) {
                    return (Verdict::Unknown { why }, Some(&s.quantity));
                }
            }
        } else if self.absences.is_empty() && !self.series.is_empty() {
            if let Some(why) = self.series.iter().map(unknown).min().flatten() {
                return (Verdict::Unknown { why }, None);
            }
        } else if self.hearing.mute != Mute::No {
            return (Verdict::Unknown { why: Unknown::Deaf }, None);
        }
        let pending = self.series.iter().filter_map(|s| s.pending().map(|level| (level, &s.quantity)));
        match pending.max_by_key(|(level, _)| *level) {
            Some((level, quantity)) => (Verdict::Pending { level }, Some(quantity)),
            None => (Verdict::Normal, None),
        }
    }

    fn worst_open(&self) -> Option<(Level, bool, Option<&Quantity>)> {
        let cannot_hear = self.hearing.mute != Mute::No;
        let series = self.series.iter().filter_map(|s| s.firing().map(|(l, stale)| (l, stale, Some(&s.quantity))));
        let silences = self.absences.iter().filter_map(|c| c.firing.map(|(_, l)| (l, cannot_hear, None)));
        series.chain(silences).max_by_key(|(level, stale, _)| (*level, *stale))
    }

    pub(super) fn view(&self) -> DeviceView<'_> {
        let (verdict, quantity) = self.verdict();
        DeviceView {
            device: &self.id,
            verdict,
            quantity,
            last_heard: self.hearing.heard,
            values: self.series.iter().map(ValueView::of).collect(),
        }
    }
}

/// Why a series says nothing now, if so.
fn unknown(series: &Series) -> Option<Unknown> {
    if series.stale {
        Some(Unknown::Stale)
    } else if series.mute == Mute::No {
        None
    } else {
        Some(Unknown::Deaf)
    }
}
