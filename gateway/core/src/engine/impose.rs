//! Facts are law: making a machine's alerts what the log says they are.
//!
//! A later binary may decide a logged input otherwise. Then the log stands: after the batch the records of all episodes
//! the log speaks of are the log's, episodes that only this binary decided are undone, and cells follow their records.
//! Values and timers stay the machine's own, so it goes on from there by its own rules.

use std::collections::{BTreeMap, BTreeSet};

use super::city::City;
use super::device::DeviceState;
use super::ladder::Cell;
use super::level::{Active, LevelState};
use super::partition::Partition;
use super::watch::CLOCK_RULE;
use crate::alert::{Book, Record};
use crate::fact::{Body, Fact, Reason, State, Transition};
use crate::id::{EpisodeId, Subject};
use crate::input::Told;
use crate::place::Level;
use crate::rule::Rule;

/// Numbers above 1 come from edits within one millisecond or one silence: beyond this they are not looked for.
const MAX_NUMBER: u32 = 1_000;

/// The record of each episode that the log or this binary spoke of, as it has to be now; `None`: not open.
pub(super) fn wanted(
    book: &Book,
    decided: &[Fact],
    logged: &[Fact],
) -> BTreeMap<EpisodeId, (Transition, Option<Record>)> {
    let mut wanted = BTreeMap::new();
    for t in transitions(decided) {
        wanted.entry(t.episode).or_insert_with(|| (t.clone(), undone(book, t)));
    }
    for fact in logged {
        if let Some(t) = fact.body.judged() {
            let shadow = matches!(fact.body, Body::Shadow(_));
            let known = book.get(t.episode);
            let (operator, other) = known.map_or((None, 0), |r| (r.operator.clone(), r.other));
            let rose = known.map_or(1, |r| r.rose).min(t.version);
            let latest = match t.reason {
                reason if reason == Reason::DataStale || reason.is_handling() => {
                    known.map_or(t.started_at, |r| r.latest)
                }
                _ => t.at,
            };
            let rises = known.is_none_or(|r| t.level > r.transition.level) && !t.reason.is_handling();
            let record = (t.state == State::Firing).then(|| {
                let waiting = known.and_then(|r| r.waiting);
                let mut record = Record { transition: t.clone(), operator, rose, latest, waiting, other, shadow };
                if let Some(actor) = fact.actor.as_ref().filter(|_| t.reason.decides()) {
                    record.acted(t.version, actor);
                }
                record.wind(rises, fact.at);
                record
            });
            wanted.insert(t.episode, (t.clone(), record));
        }
    }
    wanted
}

fn transitions(facts: &[Fact]) -> impl Iterator<Item = &Transition> {
    facts.iter().filter_map(|f| f.body.judged())
}

/// The record before this binary's first decision on the episode, as near as it is known.
fn undone(book: &Book, first: &Transition) -> Option<Record> {
    let version = first.version.checked_sub(1).filter(|v| *v > 0)?;
    let record = book.get(first.episode).cloned();
    let latest = record.as_ref().map_or(first.at, |r| r.latest.min(first.at));
    let shadow = record.as_ref().is_some_and(|r| r.shadow);
    let (operator, rose, waiting, other) =
        record.map_or((None, 1, None, 0), |r| (r.operator, r.rose, r.waiting, r.other));
    let transition = Transition { version, state: State::Firing, resolved_at: None, ..first.clone() };
    let operator = operator.filter(|(v, _)| *v <= version);
    Some(Record { transition, operator, rose: rose.min(version), latest, waiting, other: other.min(version), shadow })
}

impl Partition {
    /// Makes the alert records what the log says they are; see [`super::Machine::impose`].
    pub fn impose(&mut self, decided: &[Fact], logged: &[Fact]) {
        for (episode, (told, record)) in wanted(&self.book, decided, logged) {
            if let Some(id) = told.subject.device()
                && let Some(device) = self.fleet.get_mut(id)
            {
                follow(device, &told, record.as_ref(), &self.law);
            }
            match record {
                Some(record) => self.book.put(record),
                None => drop(self.book.take(episode)),
            }
        }
        // Due times and verdicts follow from the cells.
        let devices = self.fleet.take();
        self.fleet = super::fleet::Fleet::of(devices, &self.law, &mut self.book);
        let mut unused = super::Output::default();
        self.fleet.settle(&self.law, &mut self.book, &mut unused);
    }
}

/// Makes the cell of a device's episode follow its record.
fn follow(device: &mut DeviceState, told: &Transition, record: Option<&Record>, law: &super::fleet::Law) {
    if told.rule.as_str() == CLOCK_RULE {
        device.watch.follow(record.map(|_| told.episode), told.started_at);
    }
    let Ok(number) = law.rules.rules.binary_search_by(|r| r.id.cmp(&told.rule)) else { return };
    let number = number as u32;
    // Over or not, its identity is given.
    let n = number_of(told);
    device.follow_event(number, told, record, n);
    let firing = record.map(|r| (told.episode, r.transition.level));
    for cell in device.absences.iter_mut().filter(|c| c.rule == number) {
        let concerned = cell.firing.is_none_or(|(id, _)| id == told.episode) || firing.is_some();
        if concerned {
            (cell.firing, cell.latched) = (firing, record.is_none() && told.is_forced());
        }
        cell.given.take(told.started_at, n);
    }
    let terms = law.rules.rules.get(number as usize).and_then(Rule::threshold).map_or(1, |t| t.first().len());
    for cell in device.series.iter_mut().flat_map(|s| &mut s.cells).filter(|c| c.rule == number) {
        let other = cell.firing().is_some_and(|(id, ..)| id != told.episode);
        cell.given.take(told.started_at, n);
        match record {
            Some(record) => cell.force(&record.transition, n, terms),
            None if !other => cell.close(told.is_forced()),
            None => {}
        }
    }
}

/// The number that an episode's identity was made of: the next of the same pending-since must get another.
fn number_of(t: &Transition) -> u32 {
    let is_it = |n: &u32| EpisodeId::derive(&t.rule, &t.subject, t.started_at, *n) == t.episode;
    (1..=MAX_NUMBER).find(is_it).unwrap_or(1)
}

impl Cell {
    /// Makes the cell firing at the level of `t`.
    fn force(&mut self, t: &Transition, n: u32, terms: usize) {
        let mut active = Active::new(t.started_at, n, terms);
        if let Some(known) = self.active.take() {
            active.take_levels(*known);
        }
        for state in active.terms_mut() {
            state.edited = [false; 4];
            for level in Level::ALL.into_iter().filter(|l| *l > t.level) {
                state.levels[level as usize] = LevelState::default();
            }
        }
        if active.highest_on().map(|(level, _)| level) != Some(t.level) {
            // Which term it was is not in the log.
            let on = LevelState { raw: true, on: true, samples: 1, ..LevelState::default() };
            active.first_mut().levels[t.level as usize] = on;
        }
        active.firing = Some((t.episode, t.level));
        active.stale = t.stale;
        self.latched = false;
        self.active = Some(Box::new(active));
    }
}

impl City {
    /// Makes the alert records what the log says they are; see [`super::Machine::impose`].
    pub fn impose(&mut self, decided: &[Fact], logged: &[Fact]) {
        let trial = |f: &&Fact| matches!(f.body, Body::Shadow(_));
        let trials = decided.iter().chain(logged).filter(trial).filter_map(|f| f.body.judged());
        let trials: BTreeSet<EpisodeId> = trials.map(|t| t.episode).collect();
        for (episode, (told, record)) in wanted(&self.book, decided, logged) {
            if let Subject::Source(id) = &told.subject
                && let Some(source) = self.sources.get_mut(id)
                && (source.episode.is_none_or(|e| e == episode) || record.is_some())
            {
                source.episode = record.as_ref().map(|_| episode);
                source.latched = record.is_none() && told.is_forced();
                source.given.take(told.started_at, number_of(&told));
            }
            self.health.follow(&told, record.is_some(), number_of(&told));
            self.drills.follow(&told, record.is_some(), number_of(&told));
            let shadow = record.as_ref().is_some_and(|r| r.shadow) || trials.contains(&episode);
            self.follow(&told, record.is_some(), shadow);
            match record {
                Some(record) => self.book.put(record),
                None => drop(self.book.take(episode)),
            }
        }
        for fact in logged {
            match &fact.body {
                Body::Incident(incident) => self.incidents.follow(incident),
                Body::Maintenance(maintenance) => self.maintenances.follow(maintenance),
                _ => {}
            }
        }
        let bodies = |facts: &[Fact]| facts.iter().map(|f| f.body.clone()).collect::<Vec<_>>();
        self.know_parties();
        self.inhibitions.follow(&bodies(decided), &bodies(logged));
        self.incidents.keep_quiet();
    }

    /// Makes the quorum and the incident of an alert follow its record. What is on trial belongs to no incident, nor does a
    /// drill.
    fn follow(&mut self, told: &Transition, open: bool, shadow: bool) {
        let now = self.now.unwrap_or(told.at);
        if told.subject.is_area() {
            let key = (told.rule.clone(), told.subject.clone());
            let cell = self.quorums.cell(key.clone());
            if open || cell.firing == Some(told.episode) {
                cell.firing = open.then_some(told.episode);
            }
            cell.given.take(told.started_at, number_of(told));
            self.quorums.recount(&key, &self.law, now);
        }
        if shadow || told.is_drill() {
            return;
        }
        let state = if open { State::Firing } else { State::Resolved };
        self.group(&Told { state, ..Told::of(0, told, now) }, now);
    }
}
