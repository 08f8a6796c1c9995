//! One device: its series, its cells, its silence and its clock.

use std::collections::{BTreeMap, BTreeSet};

use crate::absence::{AbsenceCell, Silence};
use crate::air::{self, Air};
use crate::catalogue::Entry;
use crate::cell::{Cell, Why};
use crate::clock::{self, ClockCell, Steady};
use crate::episode::{Given, Teller};
use crate::event::{EventCell, MAX_EVENTS, When};
use crate::pack::{Kind, Rule, trials};
use crate::series::{Held, Kind as Taken, Series};
use crate::signal::said;
use crate::{Event, Mark, Ms, Reading, Side, Told};

/// §3: series of one device; readings of further ones are not judged.
const MAX_SERIES: usize = 128;

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) entry: Entry,
    /// By quantity; those that are derived by a name of their own.
    pub(crate) series: BTreeMap<String, Series>,
    pub(crate) air: Air,
    pub(crate) silence: Silence,
    pub(crate) cells: BTreeMap<String, Cell>,
    pub(crate) absences: BTreeMap<String, AbsenceCell>,
    pub(crate) events: BTreeMap<String, EventCell>,
    steady: Steady,
    /// Rules that it is judged by on trial.
    trials: BTreeSet<String>,
    pub(crate) clock: ClockCell,
}

/// What is told goes there.
pub(crate) struct Out<'a> {
    /// Up to when this batch lets deadlines happen.
    pub(crate) until: Ms,
    /// Rules on trial.
    pub(crate) trials: BTreeSet<String>,
    pub(crate) given: &'a mut Given,
    pub(crate) told: &'a mut Vec<Told>,
}

impl Out<'_> {
    pub(crate) fn of<'b>(&'b mut self, decided: Ms, rule: &'b str, id: &'b str, entry: &Entry) -> Teller<'b> {
        let historic_after = entry.historic_after();
        let subject = ("device", id.to_owned());
        let side = if self.trials.contains(rule) { Side::Trial } else { Side::Told };
        Teller { decided, rule, side, device: id, subject, historic_after, given: self.given, told: self.told }
    }
}

/// Where transitions of one event rule about one device go.
pub(crate) struct Desk<'a, 'b> {
    pub(crate) rule: &'a str,
    pub(crate) id: &'a str,
    pub(crate) entry: &'a Entry,
    pub(crate) out: &'a mut Out<'b>,
}

impl Desk<'_, '_> {
    /// Those of one event.
    pub(crate) fn of(&mut self, decided: Ms, identity: &str) -> Teller<'_> {
        let subject = ("event", format!("{}/{identity}", self.id));
        Teller { subject, ..self.out.of(decided, self.rule, self.id, self.entry) }
    }
}

impl Device {
    pub(crate) fn new(id: &str, entry: Entry) -> Self {
        Self {
            id: id.to_owned(),
            entry,
            series: BTreeMap::new(),
            air: Air::default(),
            silence: Silence::default(),
            cells: BTreeMap::new(),
            absences: BTreeMap::new(),
            events: BTreeMap::new(),
            steady: Steady::default(),
            trials: BTreeSet::new(),
            clock: ClockCell::default(),
        }
    }

    /// §15: the clock stepped: all that counts in engine time moves along.
    pub(crate) fn step(&mut self, by: Ms) {
        self.silence.step(by);
        self.events.values_mut().for_each(|cell| cell.wait(by));
        for series in self.series.values_mut() {
            series.hearing.step(by);
            if let Some(held) = &mut series.held {
                held.lag += by;
            }
        }
    }

    /// Everything due up to `until`, each decided at its own time, but not before `last`.
    pub(crate) fn due(&mut self, until: Ms, last: Ms, out: &mut Out<'_>) {
        for (rule, cell) in &mut self.cells {
            let Some(series) = self.series.get(&cell.ladder.series) else { continue };
            let Some(held) = series.held else { continue };
            while let Some((at, due)) = cell.first_thing(series, &held, until) {
                cell.happen(at, due, series, &held, &mut out.of(at.max(last), rule, &self.id, &self.entry));
            }
        }
        self.end_other_silences(until, last, out);
        for (rule, cell) in &mut self.absences {
            if let Some(at) = cell.due(&self.silence, &self.entry).filter(|at| *at <= until) {
                let at = at.max(last);
                cell.fire(at, &self.silence, &mut out.of(at, rule, &self.id, &self.entry));
            }
        }
        self.end_events(until, last, self.silence.is_deaf(), out);
    }

    /// §10: events that are over by themselves; `deaf`: those that name their end.
    pub(crate) fn end_events(&mut self, until: Ms, last: Ms, deaf: bool, out: &mut Out<'_>) {
        for (rule, cell) in &mut self.events {
            cell.due(until, last, deaf, &mut Desk { rule, id: &self.id, entry: &self.entry, out });
        }
    }

    /// §10: an event.
    pub(crate) fn report(&mut self, event: &Event, now: Ms, out: &mut Out<'_>) {
        let was_deaf = self.silence.is_deaf();
        self.heard(now, out);
        if let Some(when) = When::of(event, now, self.steady.wrong) {
            self.take_report(event, when, now, out);
        }
        if was_deaf {
            self.end_events(now, now, false, out);
        }
    }

    fn take_report(&mut self, event: &Event, when: When, now: Ms, out: &mut Out<'_>) {
        let rules: Vec<String> = self.events.keys().cloned().collect();
        for rule in rules {
            let room = self.events.values().map(EventCell::open).sum::<usize>() < MAX_EVENTS;
            if let Some(cell) = self.events.get_mut(&rule) {
                let desk = &mut Desk { rule: &rule, id: &self.id, entry: &self.entry, out };
                cell.report(event, when, now, room, desk);
            }
        }
    }

    /// §10: what can be repeated is waited for longer by deaf time that ends now.
    fn excuse_events(&mut self, now: Ms) {
        if let Some(by) = self.silence.deaf_for(now) {
            self.events.values_mut().for_each(|cell| cell.wait(by));
        }
    }

    /// A sign of life.
    pub(crate) fn sign(&mut self, now: Ms, out: &mut Out<'_>) {
        let was_deaf = self.silence.is_deaf();
        self.heard(now, out);
        if was_deaf {
            self.end_events(now, now, false, out);
        }
    }

    fn heard(&mut self, now: Ms, out: &mut Out<'_>) {
        self.excuse_events(now);
        self.silence.sign(now);
        for (rule, cell) in &mut self.absences {
            cell.sign(now, &mut out.of(now, rule, &self.id, &self.entry));
        }
    }

    /// A reading: a sign of life, and maybe a value.
    pub(crate) fn read(&mut self, r: &Reading, now: Ms, out: &mut Out<'_>) {
        self.sign(now, out);
        // §2: what cannot be compared is nothing else.
        if !r.value.is_finite() || r.mark == Mark::Range {
            return;
        }
        // §11: nobody sends an index.
        if air::is_index(&r.quantity) {
            return;
        }
        if !self.series.contains_key(&r.quantity) && self.series.len() >= MAX_SERIES {
            return;
        }
        let received = r.received.min(now);
        let series = self.series.entry(r.quantity.clone()).or_default();
        let time = series.time_of(r, received, &mut self.steady, &self.entry);
        self.clock.take(time.clock(), received, now, &mut out.of(now, clock::RULE, &self.id, &self.entry));
        let Taken::New { at, claimed } = series.kind_of(r.value, time, received, now, &self.entry) else { return };
        let lag = (now - at).max(0);
        let held = Held { at, value: r.value, claimed, lag, came_with: lag, doubtful: r.mark == Mark::Doubtful };
        self.accept(&r.quantity, held, r.timed, now, out);
        self.compute(&r.quantity, &held, r.timed, now, out);
        self.close_hours(&r.quantity, &held, now, out);
    }

    /// A series has a new value, and the rules on it judge.
    pub(crate) fn accept(&mut self, name: &str, held: Held, timed: bool, now: Ms, out: &mut Out<'_>) {
        let asked: Vec<_> = self.cells.values().flat_map(|c| c.ladder.asks(name, c.stale_after())).collect();
        let series = self.series.entry(name.to_owned()).or_default();
        series.memory.ask(&asked);
        let mut with = series.with(held, timed, now, &self.entry);
        let mut odd = with.draining || held.doubtful;
        for (rule, cell) in self.cells.iter_mut().filter(|(_, c)| c.ladder.series == name) {
            let said = said(&cell.ladder, &with, cell.stale_after());
            cell.judge(series, &held, &said, &mut out.of(now, rule, &self.id, &self.entry));
            // A fire must not become usual, also one that an operator wants to hear no more of.
            odd |= cell.ladder.is_baseline() && (cell.pending.is_some() || cell.episode.is_some() || cell.latched);
        }
        if !odd {
            with.memory.learn(held.at, held.value, self.entry.interval_or_minute());
        }
        *series = with;
    }

    /// §7: nothing was heard from then on.
    pub(crate) fn deafen(&mut self, from: Ms) {
        self.silence.deafen(from);
        // What never held a value has nothing to be deaf for.
        for series in self.series.values_mut().filter(|s| s.held.is_some()) {
            series.hearing.deafen(from);
        }
    }

    /// §7: Maibo listens again.
    pub(crate) fn listen(&mut self, now: Ms, out: &mut Out<'_>) {
        self.excuse_events(now);
        let was_deaf = self.silence.is_deaf();
        self.silence.listen(&self.id, &self.entry, now);
        for (name, series) in &mut self.series {
            let Some(held) = series.held else { continue };
            if series.hearing.deaf.is_none() {
                continue;
            }
            series.hearing.listen(now, held.taken());
            for (rule, cell) in self.cells.iter_mut().filter(|(_, c)| c.ladder.series == *name) {
                cell.listen(series, now, &mut out.of(now, rule, &self.id, &self.entry));
            }
        }
        self.due(out.until, now, out);
        if was_deaf {
            self.end_events(now, now, false, out);
        }
    }

    /// §12: these rules and this entry are in force.
    pub(crate) fn edit(&mut self, rules: &[Rule], entry: &Entry, now: Ms, out: &mut Out<'_>) {
        self.entry = entry.clone();
        // What ends is told on the side that it was on.
        out.trials.clone_from(&self.trials);
        self.end_cells(rules, now, out);
        self.trials = trials(rules);
        out.trials.clone_from(&self.trials);
        let about: Vec<&Rule> = rules.iter().filter(|r| r.when.selects(&self.id, entry)).collect();
        for (name, series) in &mut self.series {
            let ladders = about.iter().filter_map(|r| if let Kind::Ladder(l) = &r.kind { Some(l) } else { None });
            let asked: Vec<_> = ladders.flat_map(|l| l.asks(name, l.stale_after(entry))).collect();
            series.memory.ask(&asked);
        }
        for rule in about {
            match &rule.kind {
                Kind::Ladder(ladder) => {
                    let unknown = Series::default();
                    let series = self.series.get(&ladder.series).unwrap_or(&unknown);
                    let ladder =
                        &entry.limits.get(&rule.id).map_or_else(|| (**ladder).clone(), |own| ladder.with_limits(own));
                    let new = || Cell::new(ladder.clone(), entry.clone(), series, series.clock(now));
                    let cell = self.cells.entry(rule.id.clone()).or_insert_with(new);
                    cell.edit(ladder, entry, series, now);
                    if let Some(series) = self.series.get(&ladder.series) {
                        cell.judge_edit(series, now, Why::Edit, &mut out.of(now, &rule.id, &self.id, entry));
                    }
                    cell.was = None;
                }
                Kind::Absence { intervals, level } => {
                    let new = AbsenceCell::new(*intervals, *level);
                    let cell = self.absences.entry(rule.id.clone()).or_insert(new);
                    let mut to = out.of(now, &rule.id, &self.id, entry);
                    cell.edit(*intervals, *level, now, &self.silence, entry, &mut to);
                }
                Kind::Event(codes) => {
                    let cell = self.events.entry(rule.id.clone()).or_insert_with(|| EventCell::new(codes.clone()));
                    cell.edit(codes, now, &mut Desk { rule: &rule.id, id: &self.id, entry, out });
                }
            }
        }
        self.forget_results();
        self.due(out.until, now, out);
    }

    /// §12: what does not go on ends.
    fn end_cells(&mut self, rules: &[Rule], now: Ms, out: &mut Out<'_>) {
        let fate = |id: &str, kind: &Kind| match rules.iter().find(|r| r.id == id) {
            None => Some("rule_removed"),
            Some(rule) if !rule.kind.judges_the_same(kind) => Some("rule_changed"),
            Some(rule) if rule.shadow != self.trials.contains(id) => Some("rule_changed"),
            Some(rule) if !rule.when.selects(&self.id, &self.entry) => Some("subject_gone"),
            Some(_) => None,
        };
        let mut over = Vec::new();
        for (id, cell) in &self.cells {
            over.extend(fate(id, &Kind::Ladder(cell.ladder.clone().into())).map(|why| (id.clone(), why)));
        }
        for (id, cell) in &self.absences {
            let kind = Kind::Absence { intervals: cell.intervals, level: cell.level };
            over.extend(fate(id, &kind).map(|why| (id.clone(), why)));
        }
        for (id, cell) in &self.events {
            over.extend(fate(id, &Kind::Event(cell.codes.clone())).map(|why| (id.clone(), why)));
        }
        for (id, why) in over {
            self.end(&id, why, now, out);
        }
    }

    /// Ends a cell, and its episode with this reason.
    fn end(&mut self, rule: &str, why: &'static str, now: Ms, out: &mut Out<'_>) {
        let mut to = out.of(now, rule, &self.id, &self.entry);
        if let Some(mut episode) = self.cells.remove(rule).and_then(|cell| cell.episode) {
            episode.end(now, why, &mut to);
        }
        if let Some(mut episode) = self.absences.remove(rule).and_then(|cell| cell.episode) {
            episode.tell(now, false, why, &mut to);
        }
        if let Some(cell) = self.events.remove(rule) {
            cell.end(now, why, &mut Desk { rule, id: &self.id, entry: &self.entry, out });
        }
    }

    /// §12: the device left the catalogue.
    pub(crate) fn gone(&mut self, now: Ms, out: &mut Out<'_>) {
        let ids: Vec<String> =
            self.cells.keys().chain(self.absences.keys()).chain(self.events.keys()).cloned().collect();
        for id in ids {
            self.end(&id, "subject_gone", now, out);
        }
        if let Some(mut episode) = self.clock.episode.take() {
            episode.tell(now, false, "subject_gone", &mut out.of(now, clock::RULE, &self.id, &self.entry));
        }
    }
}
