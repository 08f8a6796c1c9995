//! What happens to open and pending alerts when rules or catalogue are edited.
//!
//! A rule that keeps its id and signal keeps its episode on each device; the new version judges it from this position on,
//! held fresh values at once. Whatever loses its rule or its device is resolved with that reason. Places of open
//! episodes stay as they were at the opening.

use std::collections::{BTreeMap, BTreeSet};

use super::absence::{AbsenceCell, Deafness, Hearing, change, too_long};
use super::device::DeviceState;
use super::fleet::{Fleet, Law};
use super::ladder::{Cell, Telling, announce};
use super::level::{Active, Bench, Held, LevelState, complete};
use super::partition::Partition;
use super::series::{Scene, Series};
use crate::alert::{Book, Given, Spent};
use crate::fact::Reason;
use crate::id::{EpisodeId, Quantity, RuleId, Subject};
use crate::limit;
use crate::place::Level;
use crate::rule::{Absence, Rule, RuleKind, Threshold};
use crate::time::Timestamp;

impl Partition {
    /// Puts `next` in force.
    pub(super) fn enact(&mut self, next: Law, now: Timestamp) {
        let last = core::mem::replace(&mut self.law, next);
        if let Some(version) = self.law.rules_version {
            self.book.judge_by(version);
        }
        let Self { fleet, book, .. } = self;
        book.forget_spent(now - limit::MAX_AGE, |subject, since| match subject {
            Subject::Device(id) => fleet.get(id).is_some_and(|d| d.hearing.heard == since),
            Subject::Source(_) | Subject::Place(_) => false,
        });
        let mut kept = Vec::new();
        for mut device in self.fleet.take() {
            match self.law.catalogue.number(&device.id) {
                Some(number) => {
                    device.number = number;
                    kept.push(device);
                }
                None => device.end(&last, &mut self.book, now),
            }
        }
        for device in &mut kept {
            if let Some(mut scene) = self.law.scene(device.number, &mut self.book) {
                device.transfer(&last, &mut scene, now);
            }
        }
        self.fleet = Fleet::of(kept, &self.law, &mut self.book);
        self.end_orphans(now);
        // An edit can make something due that was not: it is decided now, not when it would have been.
        self.fleet.fire(&self.law, &mut self.book, now, now);
    }

    /// Ends what no cell stands behind: episodes that the log imposed on a rule this binary does not know.
    fn end_orphans(&mut self, now: Timestamp) {
        let owned: BTreeSet<EpisodeId> = self.fleet.devices().iter().flat_map(DeviceState::episodes).collect();
        if owned.len() < self.book.len() {
            let all = self.book.records().map(|r| r.transition.episode);
            let orphans: Vec<EpisodeId> = all.filter(|e| !owned.contains(e)).collect();
            for episode in orphans {
                self.book.change(episode, change(None, now, Reason::RuleRemoved));
            }
        }
    }
}

impl DeviceState {
    /// All open episodes of the device.
    pub(super) fn episodes(&self) -> Vec<EpisodeId> {
        let cells = self.series.iter().flat_map(|s| &s.cells).filter_map(|c| c.firing().map(|(id, ..)| id));
        let absences = self.absences.iter().filter_map(|c| c.firing.map(|(id, _)| id));
        cells.chain(absences).chain(self.watch.episode()).collect()
    }

    /// The device is gone.
    fn end(&mut self, last: &Law, book: &mut Book, now: Timestamp) {
        for episode in self.episodes() {
            book.change(episode, change(None, now, Reason::SubjectGone));
        }
        let ladders = self.series.iter().flat_map(|s| &s.cells).map(|c| (c.rule, c.given));
        for (rule, given) in ladders.chain(self.absences.iter().map(|c| (c.rule, c.given))) {
            if let Some(rule) = last.rules.rules.get(rule as usize) {
                book.spend(&rule.id, Subject::Device(self.id.clone()), Spent { given, at: now });
            }
        }
    }

    /// Hands every cell over to the new rules. What has no place under them ends first, so that a rule that now judges
    /// another signal counts on from there.
    fn transfer(&mut self, last: &Law, scene: &mut Scene<'_>, now: Timestamp) {
        let about = scene.rules.about(scene.device);
        for series in &mut self.series {
            let quantity = &series.quantity;
            series.cells.retain(|cell| {
                let open = cell.firing().map(|(id, ..)| id);
                let Some(rule) = last.rules.rules.get(cell.rule as usize) else { return false };
                stays(rule, &about, scene, |kind| signal(kind) == Some(quantity))
                    || retire(rule, open, cell.given, scene, now)
            });
        }
        self.absences.retain(|cell| {
            let open = cell.firing.map(|(id, _)| id);
            let Some(rule) = last.rules.rules.get(cell.rule as usize) else { return false };
            let same = |kind: &RuleKind| matches!(kind, RuleKind::Absence(_));
            stays(rule, &about, scene, same) || retire(rule, open, cell.given, scene, now)
        });
        for series in &mut self.series {
            transfer_series(series, &about, last, scene, now);
        }
        let old = core::mem::take(&mut self.absences);
        self.select_absences(&about, scene.rules);
        self.await_values(&about, scene.rules);
        let interval = last.catalogue.get(&self.id).and_then(|d| d.interval);
        for cell in &mut self.absences {
            let Some(rule) = scene.rules.rules.get(cell.rule as usize) else { continue };
            let named = |c: &&AbsenceCell| last.rules.rules.get(c.rule as usize).is_some_and(|r| r.id == rule.id);
            let (Some(carried), Some(absence)) = (old.iter().find(named), rule.absence()) else { continue };
            let before = last.rules.rules.get(carried.rule as usize).and_then(Rule::absence);
            *cell = AbsenceCell { rule: cell.rule, ..carried.clone() };
            if before != Some(absence) || interval != scene.device.interval {
                cell.rejudge(*absence, self.hearing, scene, now);
            }
        }
    }
}

impl AbsenceCell {
    /// Judges the open episode by an edited rule, or by another interval of the device: it stays with the rule's level, or
    /// ends where the silence is not yet too long.
    fn rejudge(&mut self, rule: Absence, hearing: Hearing, scene: &mut Scene<'_>, now: Timestamp) {
        let Some((episode, level)) = self.firing else { return };
        // While Maibo is deaf no silence is judged.
        let over = !matches!(hearing.mute, Deafness::Deaf(_)) && too_long(hearing, rule, scene.device) > now;
        if over {
            self.firing = None;
            scene.book.change(episode, change(None, now, Reason::RuleChanged));
        } else if level != rule.level {
            self.firing = Some((episode, rule.level));
            scene.book.change(episode, change(Some(rule.level), now, Reason::RuleChanged));
        }
    }
}

/// The quantity a rule judges.
fn signal(kind: &RuleKind) -> Option<&Quantity> {
    match kind {
        RuleKind::Threshold(ladder) => Some(&ladder.quantity),
        RuleKind::Absence(_) => None,
    }
}

/// Whether a rule goes on judging the same signal of this device.
fn stays(rule: &Rule, about: &[u32], scene: &Scene<'_>, same: impl Fn(&RuleKind) -> bool) -> bool {
    let selected = |n: &&u32| scene.rules.rules.get(**n as usize).is_some_and(|r| r.id == rule.id);
    about.iter().find(selected).and_then(|n| scene.rule(*n)).is_some_and(|r| same(&r.kind))
}

/// Ends what a rule had open on this device. Answers that the cell does not stay.
fn retire(rule: &Rule, open: Option<EpisodeId>, given: Given, scene: &mut Scene<'_>, now: Timestamp) -> bool {
    scene.book.spend(&rule.id, Subject::Device(scene.device.id.clone()), Spent { given, at: now });
    if let Some(episode) = open {
        // It is gone, it judges something else, or it leaves the device out.
        let reason = match scene.rules.get(&rule.id).map(|r| signal(&r.kind)) {
            None => Reason::RuleRemoved,
            Some(now_judged) if now_judged == signal(&rule.kind) => Reason::SubjectGone,
            Some(_) => Reason::RuleChanged,
        };
        scene.book.change(episode, change(None, now, reason));
    }
    false
}

fn transfer_series(series: &mut Series, about: &[u32], last: &Law, scene: &mut Scene<'_>, now: Timestamp) {
    let mut old: BTreeMap<&RuleId, (Cell, &Rule)> = BTreeMap::new();
    for cell in core::mem::take(&mut series.cells) {
        if let Some(rule) = last.rules.rules.get(cell.rule as usize) {
            old.insert(&rule.id, (cell, rule));
        }
    }
    series.select(about, scene.rules, scene.device);
    // Only a value that could be judged a moment ago is judged anew.
    let fresh = (series.mute.is_known() && !series.stale)
        .then(|| Held { at: (now - series.lag).max(series.held.at), ..series.held });
    let pause = series.mute.pause(series.lag);
    for cell in &mut series.cells {
        let Some(mut bench) = scene.bench(cell.rule, pause) else { continue };
        match old.remove(&bench.rule.id) {
            Some((carried, rule)) => {
                *cell = Cell { rule: cell.rule, stale_after: cell.stale_after, calm: cell.calm, ..carried };
                if rule.kind != bench.rule.kind {
                    cell.rejudge(&mut bench, rule.threshold(), fresh, now);
                }
            }
            None => cell.rejudge(&mut bench, None, fresh, now),
        }
    }
}

impl Cell {
    /// Judges by an edited (or new) rule. `fresh` is the held value at the present of the series' clock, where it counts.
    /// A level whose limit is what it was in the `old` ladder is not judged again: its timers go on by their new lengths.
    fn rejudge(&mut self, bench: &mut Bench<'_>, old: Option<&Threshold>, fresh: Option<Held>, now: Timestamp) {
        let edited = Level::ALL.map(|l| !old.is_some_and(|old| same_limit(old, bench.ladder, l)));
        self.judge(bench, edited, fresh, now);
    }

    /// What is held is known again: judges it by what was edited in the meantime, limits and the lengths of timers.
    pub(super) fn resume(&mut self, bench: &mut Bench<'_>, fresh: Held, now: Timestamp) {
        if self.active.as_ref().is_none_or(|a| !a.stale) {
            let edited = self.active.as_ref().map_or([true; 4], |a| a.edited);
            self.judge(bench, edited, Some(fresh), now);
        }
    }

    /// An open episode is judged at once, without timers: it stays with the highest level that still holds, or ends.
    fn judge(&mut self, bench: &mut Bench<'_>, edited: [bool; 4], fresh: Option<Held>, now: Timestamp) {
        let ladder = bench.ladder;
        if self.is_shut(bench, fresh.map(|f| f.value)) {
            return;
        }
        if self.active.is_none() {
            let reached = fresh.filter(|f| ladder.steps.first().is_some_and(|s| ladder.reached(s, f.value)));
            let Some(held) = reached else { return };
            self.begin(bench, held.at);
        }
        let Some(active) = &mut self.active else { return };
        for level in Level::ALL.into_iter().filter(|l| ladder.step(*l).is_none()) {
            active.levels[level as usize] = LevelState::default();
        }
        if let Some(held) = fresh {
            active.edited = [false; 4];
            judge_levels(active, bench, edited, held);
            complete(active, bench, held.at, None);
        } else {
            for level in Level::ALL {
                active.edited[level as usize] |= edited[level as usize];
            }
        }
        let Some((episode, shown_level)) = active.firing else {
            if let Some(held) = fresh {
                self.tell(bench, Telling { event: held.at, decided: now, value: held.value, reason: None });
            }
            return;
        };
        keep_open(active, ladder, shown_level, fresh);
        let Some(record) = bench.book.get(episode) else { return };
        let (value, shown) = (record.transition.value, record.transition.threshold);
        let level = active.highest_on();
        let value = fresh.map(|f| f.value).or(value).unwrap_or_default();
        let limit = level.and_then(|l| ladder.step(l)).map(|s| ladder.shown_limit(s, value));
        if level != Some(shown_level) || (edited[shown_level as usize] && limit != shown) {
            let event = fresh.map_or(now, |f| f.at);
            let telling = Telling { event, decided: now, value, reason: Some(Reason::RuleChanged) };
            announce(active, bench, level, Reason::RuleChanged, telling);
            // What is left are levels that are pending, or nothing.
            self.begin_rest(bench, telling.event);
        }
    }

    /// After an episode ended by edit: pending levels begin anew at the edit.
    fn begin_rest(&mut self, bench: &mut Bench<'_>, event: Timestamp) {
        let Some(active) = self.active.as_ref().filter(|a| a.firing.is_none()) else { return };
        let levels = active.levels;
        self.active = None;
        if levels.iter().any(|l| l.raw) {
            self.begin(bench, event);
            if let Some(active) = &mut self.active {
                active.levels =
                    levels.map(|l| if l.raw { LevelState { since: event, ..l } } else { LevelState::default() });
            }
        }
    }
}

/// Whether a level has the same limit in both ladders.
fn same_limit(old: &Threshold, new: &Threshold, level: Level) -> bool {
    old.direction == new.direction
        && old.deadband.to_bits() == new.deadband.to_bits()
        && old.step(level).map(|s| s.bound) == new.step(level).map(|s| s.bound)
}

/// Moves the triggers of edited levels by their new limits. What is back behind them ends at once if it was on: that is a
/// judgement, not a recovery.
fn judge_levels(active: &mut Active, bench: &Bench<'_>, edited: [bool; 4], held: Held) {
    let open = active.firing.is_some();
    for step in bench.ladder.steps.iter().filter(|s| edited[s.level as usize]) {
        let l = &mut active.levels[step.level as usize];
        if bench.ladder.back(step, held.value) {
            *l = LevelState::default();
        } else if !l.raw && bench.ladder.reached(step, held.value) {
            l.raw = true;
            l.samples = l.samples.max(1);
            l.since = held.at;
        }
    }
    if open && !active.levels.iter().any(|l| l.on) {
        let reached = bench.ladder.steps.iter().rev().find(|s| active.levels[s.level as usize].raw);
        if let Some(step) = reached {
            active.levels[step.level as usize].on = true;
        }
    }
}

/// An open episode whose value is not fresh is not ended by an edit: it takes the nearest level the new ladder has.
fn keep_open(active: &mut Active, ladder: &Threshold, old: Level, fresh: Option<Held>) {
    if fresh.is_some() || active.levels.iter().any(|l| l.on) {
        return;
    }
    let nearest = ladder.steps.iter().rev().find(|s| s.level <= old).or(ladder.steps.first());
    if let Some(step) = nearest {
        let l = &mut active.levels[step.level as usize];
        *l = LevelState { raw: true, on: true, samples: 1, ..LevelState::default() };
    }
}
