//! One device: its series, its silence, and what is known about it as a whole.

use super::absence::{AbsenceCell, Deafness, Hearing};
use super::air;
use super::clock::{self, Stamp};
use super::derive::AirState;
use super::event::EventCell;
use super::level::Held;
use super::series::{Arrival, Scene, Series};
use super::watch::Watch;
use super::{Counts, Unknown, Verdict};
use crate::fact::Transition;
use crate::id::{DeviceId, Quantity};
use crate::limit;
use crate::reading::Reading;
use crate::rule::expression::is_result;
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
    /// Quantities that a ladder judges and of which no value came yet, in their order.
    pub(super) missing: Vec<Quantity>,
    /// In the order of rules.
    pub(super) absences: Vec<AbsenceCell>,
    /// In the order of rules.
    pub(super) events: Vec<EventCell>,
    /// Numbers of the rules about it that judge an expression.
    pub(super) expressions: Vec<u32>,
    /// Its air quality, where a rule judges an index of it.
    pub(super) air: Option<Box<AirState>>,
    /// Its clock.
    pub(super) watch: Watch,
    /// The verdict last told.
    pub(super) told: Verdict,
    /// Whether to tell it again although it is the same.
    pub(super) again: bool,
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
            missing: Vec::new(),
            absences: Vec::new(),
            events: Vec::new(),
            expressions: Vec::new(),
            air: None,
            watch: Watch::default(),
            told: Verdict::Unknown { why: Unknown::Never },
            again: false,
            scheduled: Timestamp::MAX,
            touched: false,
        }
    }

    /// Gives the device the absence rules among those numbered in `about`.
    pub(super) fn select_absences(&mut self, about: &[u32], rules: &RuleSet) {
        let is_absence = |n: &&u32| rules.rules.get(**n as usize).is_some_and(|r| r.absence().is_some());
        self.absences = about.iter().filter(is_absence).map(|n| AbsenceCell::new(*n)).collect();
    }

    /// Finds out which judged quantities have no value yet.
    pub(super) fn await_values(&mut self, about: &[u32], rules: &RuleSet) {
        // What only a rule on trial asks for is not missed.
        let told = about.iter().filter_map(|n| rules.rules.get(*n as usize)).filter(|r| !r.shadow);
        let judged = told.filter_map(Rule::threshold).map(|l| &l.quantity);
        let known = |q: &&Quantity| self.series.binary_search_by(|s| s.quantity.cmp(q)).is_ok();
        // An index closes when its hour or day does.
        let mut missing: Vec<Quantity> = judged.filter(|q| !known(q) && air::interval(q).is_none()).cloned().collect();
        missing.sort_unstable();
        missing.dedup();
        self.missing = missing;
    }

    /// A sign of life.
    pub(super) fn hear(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        let deaf = self.is_deaf();
        self.hear_report(scene, now);
        if deaf {
            self.end_unrepeated(scene, now);
        }
    }

    /// The report of an event, which is judged next: it can be the repeat that was waited for.
    pub(super) fn hear_report(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        self.excuse_events(scene, now);
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
        if air::interval(&reading.quantity).is_some() || is_result(&reading.quantity) {
            // An index is worked out here, by the edition that the rule names, and so is an expression.
            counts.refused += 1;
            return;
        }
        let found = self.series.binary_search_by(|s| s.quantity.cmp(&reading.quantity));
        let held = found.ok().and_then(|i| self.series.get(i)).map(|s| s.held.at);
        let stamp = clock::stamp(reading, now, held, &mut self.watch, scene.device);
        self.look_at_clock(scene, reading, stamp, now, counts);
        let (at, claimed) = match stamp {
            Stamp::Own(at) => (at, None),
            Stamp::Borrowed { at, claimed, .. } => (at, claimed),
            Stamp::TooOld => {
                counts.too_old += 1;
                return;
            }
        };
        let i = match found {
            Ok(i) => i,
            Err(_) if self.series.len() >= limit::MAX_SERIES + self.expressions.len() => {
                counts.refused += 1;
                return;
            }
            Err(i) => {
                let held = Held { at, value: reading.value, claimed };
                let about = scene.rules.about(scene.device);
                let mut series = Series::new(&reading.quantity, held, &about, scene);
                series.observe(scene, held, now, true, reading.timed);
                series.learn(scene, reading.quality);
                counts.judged += 1;
                self.missing.retain(|q| *q != reading.quantity);
                self.series.insert(i, series);
                self.derive(scene, &reading.quantity, held, now);
                self.express(scene, reading, now, counts);
                return;
            }
        };
        let Some(series) = self.series.get_mut(i) else { return };
        match series.arrival(stamp, reading.value, now, scene.device) {
            Arrival::New(held) => {
                series.observe(scene, held, now, false, reading.timed);
                series.learn(scene, reading.quality);
                counts.judged += 1;
                self.derive(scene, &reading.quantity, held, now);
                self.express(scene, reading, now, counts);
            }
            Arrival::Late => {
                counts.late += 1;
                counts.late_exceeding += u64::from(series.exceeds_open(reading.value, scene));
            }
            Arrival::Duplicate => counts.duplicate += 1,
            Arrival::Conflict => counts.conflict += 1,
        }
    }

    /// Counts wrong times; several of them, or several right ones after them, are told.
    fn look_at_clock(
        &mut self,
        scene: &mut Scene<'_>,
        reading: &Reading,
        stamp: Stamp,
        now: Timestamp,
        counts: &mut Counts,
    ) {
        let received = reading.received.min(now);
        match stamp {
            Stamp::Borrowed { wrong: true, .. } => {
                counts.clock += 1;
                self.watch.fault(scene, received, now);
            }
            Stamp::Own(_) | Stamp::Borrowed { claimed: Some(_), .. } => self.watch.good(scene, received, now),
            // Without a time, or with an old one, nothing is said about the clock.
            Stamp::Borrowed { claimed: None, .. } | Stamp::TooOld => {}
        }
    }

    /// Engine time of the next thing that happens by itself; `MAX` where there is none.
    pub(super) fn due(&self, scene: &Scene<'_>) -> Timestamp {
        let silence = self.absences.iter().filter_map(|c| {
            let rule = *scene.rule(c.rule).and_then(Rule::absence)?;
            c.due(self.hearing, rule, scene.device)
        });
        let deaf = self.is_deaf();
        let events = self.events.iter().map(|c| c.due(deaf));
        self.series.iter().map(|s| s.due).chain(silence).chain(events).min().unwrap_or(Timestamp::MAX)
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
        let deaf = self.is_deaf();
        for cell in &mut self.events {
            cell.fire(scene, floor, until, deaf);
        }
    }

    /// Whether Maibo cannot hear the device now.
    pub(super) const fn is_deaf(&self) -> bool {
        matches!(self.hearing.mute, Deafness::Deaf(_))
    }

    /// What could have been repeated unheard is given the time that Maibo was deaf, which ends now.
    fn excuse_events(&mut self, scene: &Scene<'_>, now: Timestamp) {
        if let Deafness::Deaf(from) = self.hearing.mute {
            for cell in &mut self.events {
                cell.wait(scene.rules, now.since(from));
            }
        }
    }

    /// Ends the events that were waited for up to this moment at which the deafness ends: it cost them no time.
    pub(super) fn end_unrepeated(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        for cell in &mut self.events {
            cell.fire(scene, now, now, false);
        }
    }

    /// An operator closed an alert.
    pub(super) fn close(&mut self, scene: &mut Scene<'_>, closed: &Transition, now: Timestamp) {
        let (episode, forced) = (closed.episode, closed.is_forced());
        for series in &mut self.series {
            series.close(scene, episode, forced, now);
        }
        for cell in self.absences.iter_mut().filter(|c| c.firing.is_some_and(|(id, _)| id == episode)) {
            (cell.firing, cell.latched) = (None, forced);
        }
        let known = self.events.iter_mut().flat_map(|c| &mut c.known);
        for known in known.filter(|k| k.firing.is_some_and(|(id, _)| id == episode)) {
            (known.firing, known.shut) = (None, true);
        }
        for cell in &mut self.events {
            cell.refresh(scene.rules);
        }
        self.watch.close(episode, forced);
    }

    /// Maibo does not hear since `from`.
    pub(super) fn deafen(&mut self, from: Timestamp) {
        self.hearing.deafen(from);
        for series in &mut self.series {
            series.deafen(from);
        }
    }

    /// Maibo hears again.
    pub(super) fn listen(&mut self, scene: &mut Scene<'_>, now: Timestamp) {
        // Whoever shows it has heard of the deafness. Where it began and ended in one step, no verdict was told of it.
        let deaf = matches!(self.hearing.mute, Deafness::Deaf(_)) || self.series.iter().any(|s| s.mute.is_deaf());
        self.again |= deaf && self.told != Verdict::Unknown { why: Unknown::Deaf };
        self.excuse_events(scene, now);
        if self.is_deaf() {
            self.hearing.listen(now, scene.device);
            self.end_unrepeated(scene, now);
        }
        for series in &mut self.series {
            series.listen(scene, now);
        }
    }

    /// Engine time jumped: what is counted in it moves along, what is counted in event time stays.
    pub(super) fn shift(&mut self, scene: &mut Scene<'_>, by: Millis) {
        self.hearing.shift(by);
        for cell in &mut self.events {
            cell.wait(scene.rules, by);
        }
        for series in &mut self.series {
            series.shift(scene, by);
        }
    }

    pub(super) fn view(&self, rules: &RuleSet) -> DeviceView<'_> {
        let (verdict, quantity) = self.verdict(rules);
        DeviceView {
            device: &self.id,
            verdict,
            quantity,
            last_heard: self.hearing.heard,
            values: self.series.iter().filter(|s| !is_result(&s.quantity)).map(ValueView::of).collect(),
        }
    }
}
