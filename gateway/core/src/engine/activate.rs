//! What happens to open and pending alerts when rules or catalogue are edited.
//!
//! A rule that keeps its id and signal keeps its episode on each device; the new version judges it from this position on,
//! held fresh values at once. Whatever loses its rule or its device is resolved with that reason. Places of open
//! episodes stay as they were at the opening.

use std::collections::{BTreeMap, BTreeSet};

use super::absence::{AbsenceCell, Deafness, Hearing, change, too_long};
use super::device::DeviceState;
use super::fleet::{Fleet, Law};
use super::judge::Judging;
use super::ladder::Cell;
use super::partition::Partition;
use super::series::{Scene, Series, ladder};
use crate::alert::{Book, Given, Spent};
use crate::fact::Reason;
use crate::id::{EpisodeId, RuleId, Subject};
use crate::limit;
use crate::rule::{Absence, Rule, RuleKind, Threshold};
use crate::time::Timestamp;

impl Partition {
    /// Puts `next` in force.
    pub(super) fn enact(&mut self, next: Law, now: Timestamp) {
        let last = core::mem::replace(&mut self.law, next);
        if let Some(version) = self.law.rules_version {
            self.book.judge_by(version, &self.law.rules);
        }
        let Self { fleet, book, .. } = self;
        book.forget_spent(now - limit::MAX_AGE, |subject, since| match subject {
            Subject::Device(id) => fleet.get(id).is_some_and(|d| d.hearing.heard == since),
            Subject::Source(_)
            | Subject::Place(_)
            | Subject::Around(_)
            | Subject::Event { .. }
            | Subject::Part(_)
            | Subject::Drill(_) => false,
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
        let known = self.events.iter().flat_map(|c| &c.known);
        let events = known.filter_map(|k| k.firing.map(|(id, _)| id));
        cells.chain(absences).chain(events).chain(self.watch.episode()).collect()
    }

    /// The device is gone.
    fn end(&mut self, last: &Law, book: &mut Book, now: Timestamp) {
        for episode in self.episodes() {
            book.change(episode, change(None, now, Reason::SubjectGone));
        }
        let ladders = self.series.iter().flat_map(|s| &s.cells).map(|c| (c.rule, c.given));
        let absences = self.absences.iter().map(|c| (c.rule, c.given));
        for (rule, given) in ladders.chain(absences).chain(self.events.iter().map(|c| (c.rule, c.all_given()))) {
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
            series.cells.retain(|cell| {
                let open = cell.firing().map(|(id, ..)| id);
                let Some(rule) = last.rules.rules.get(cell.rule as usize) else { return false };
                stays(rule, &about, scene) || retire(rule, open, cell.given, scene, now)
            });
        }
        self.absences.retain(|cell| {
            let open = cell.firing.map(|(id, _)| id);
            let Some(rule) = last.rules.rules.get(cell.rule as usize) else { return false };
            stays(rule, &about, scene) || retire(rule, open, cell.given, scene, now)
        });
        self.retire_events(&about, last, scene, now);
        for series in &mut self.series {
            transfer_series(series, &about, last, scene, now);
        }
        self.select_expressions(&about, scene.rules);
        self.transfer_events(&about, last, scene, now);
        let old = core::mem::take(&mut self.absences);
        self.select_absences(&about, scene.rules);
        self.await_values(&about, scene.rules);
        self.select_air(&about, scene.rules);
        let interval = last.catalogue.get(&self.id).and_then(|d| d.interval).unwrap_or(limit::STALE_UNKNOWN);
        let is = scene.device.interval.unwrap_or(limit::STALE_UNKNOWN);
        for cell in &mut self.absences {
            let Some(rule) = scene.rules.rules.get(cell.rule as usize) else { continue };
            let named = |c: &&AbsenceCell| last.rules.rules.get(c.rule as usize).is_some_and(|r| r.id == rule.id);
            let (Some(carried), Some(absence)) = (old.iter().find(named), rule.absence()) else { continue };
            let before = last.rules.rules.get(carried.rule as usize).and_then(Rule::absence);
            *cell = AbsenceCell { rule: cell.rule, ..carried.clone() };
            let other = before.is_none_or(|b| b.intervals != absence.intervals) || interval != is;
            cell.rejudge(*absence, other, self.hearing, scene, now);
        }
    }
}

impl AbsenceCell {
    /// Judges the open episode by an edited rule, or by another interval of the device: it stays with the rule's level, or
    /// ends where another length of silence (`other`) is not yet too long.
    fn rejudge(&mut self, rule: Absence, other: bool, hearing: Hearing, scene: &mut Scene<'_>, now: Timestamp) {
        let Some((episode, level)) = self.firing else { return };
        // While Maibo is deaf no silence is judged.
        let over = other && !matches!(hearing.mute, Deafness::Deaf(_)) && too_long(hearing, rule, scene.device) > now;
        if over {
            self.firing = None;
            scene.book.change(episode, change(None, now, Reason::RuleChanged));
        } else if level != rule.level {
            self.firing = Some((episode, rule.level));
            scene.book.change(episode, change(Some(rule.level), now, Reason::RuleChanged));
        }
    }
}

/// Whether both rules judge the same, and for the same side: a rule that goes on trial, or passes it, begins anew.
fn same_judge(a: &Rule, b: &Rule) -> bool {
    a.shadow == b.shadow
        && match (&a.kind, &b.kind) {
            (RuleKind::Threshold(a), RuleKind::Threshold(b)) => a.same_signal(b),
            (a, b) => core::mem::discriminant(a) == core::mem::discriminant(b),
        }
}

/// Whether a rule goes on judging the same signal of this device.
pub(super) fn stays(rule: &Rule, about: &[u32], scene: &Scene<'_>) -> bool {
    let selected = |n: &&u32| scene.rules.rules.get(**n as usize).is_some_and(|r| r.id == rule.id);
    about.iter().find(selected).and_then(|n| scene.rule(*n)).is_some_and(|r| same_judge(r, rule))
}

/// Ends what a rule had open on this device. Answers that the cell does not stay.
fn retire(rule: &Rule, open: Option<EpisodeId>, given: Given, scene: &mut Scene<'_>, now: Timestamp) -> bool {
    scene.book.spend(&rule.id, Subject::Device(scene.device.id.clone()), Spent { given, at: now });
    if let Some(episode) = open {
        // It is gone, it judges something else, or it leaves the device out.
        let reason = match scene.rules.get(&rule.id) {
            None => Reason::RuleRemoved,
            Some(next) if same_judge(next, rule) => Reason::SubjectGone,
            Some(_) => Reason::RuleChanged,
        };
        scene.book.change(episode, change(None, now, reason));
    }
    false
}

fn transfer_series(series: &mut Series, about: &[u32], last: &Law, scene: &mut Scene<'_>, now: Timestamp) {
    let mut old: BTreeMap<&RuleId, (Cell, &Threshold)> = BTreeMap::new();
    let own = last.catalogue.number(&scene.device.id).and_then(|number| last.own.of(number));
    for cell in core::mem::take(&mut series.cells) {
        if let (Some(rule), Some(ladder)) =
            (last.rules.rules.get(cell.rule as usize), ladder(&last.rules, own, cell.rule))
        {
            old.insert(&rule.id, (cell, ladder));
        }
    }
    let clock = (now - series.lag).max(series.held.at);
    series.select(about, scene, clock);
    series.renew(now);
    let interval = last.catalogue.get(&scene.device.id).and_then(|d| d.interval);
    let pause = series.mute.pause(series.lag);
    for i in 0..series.cells.len() {
        let Some((number, stale_after)) = series.cells.get(i).map(|c| (c.rule, c.stale_after)) else { continue };
        let old_for_it = series.is_old(stale_after, now);
        let counts = !series.mute.is_deaf() && !old_for_it;
        let sight = series.sight(scene, number).filter(|_| counts).map(|s| s.held_to(clock));
        let (Some(cell), Some(mut bench)) = (series.cells.get_mut(i), scene.bench(number, pause)) else { continue };
        let reason = Reason::RuleChanged;
        let mut carried = old.remove(&bench.rule.id);
        let active = carried.as_mut().and_then(|(c, _)| c.active.as_mut());
        // What was told to be stale is so until the next reading; of what is pending nothing was told.
        let stale = active.is_some_and(|a| {
            a.stale &= old_for_it || a.firing.is_some();
            a.stale
        });
        let sight = sight.filter(|_| !stale);
        let judging = Judging { sight, event: sight.map_or(now, |s| s.at), decided: now, reason };
        let terms = bench.ladder.terms(cell.period);
        match carried {
            Some((carried, was)) => {
                (cell.active, cell.given, cell.latched) = (carried.active, carried.given, carried.latched);
                let was_terms = was.terms(carried.period);
                if terms.is_empty() {
                    cell.fall_asleep(&mut bench, judging.event, now, reason);
                } else if was != bench.ladder || was_terms != terms || interval != bench.device.interval {
                    cell.judge(&mut bench, was_terms, judging);
                }
            }
            None => cell.judge(&mut bench, &[], judging),
        }
    }
}
