//! The events of one device: its reports, edits of rules, and what the log says.

use super::super::activate::stays;
use super::super::device::DeviceState;
use super::super::fleet::Law;
use super::known::{Known, Stamp};
use super::{EventCell, EventCounts};
use crate::alert::{Record, Spent};
use crate::engine::series::Scene;
use crate::fact::{Reason, Transition};
use crate::id::Subject;
use crate::limit;
use crate::reading::Event;
use crate::rule::RuleSet;
use crate::time::Timestamp;

impl DeviceState {
    /// Gives the device the event rules among those numbered in `about`.
    pub(in crate::engine) fn select_events(&mut self, about: &[u32], rules: &RuleSet) {
        let is_event = |n: &&u32| rules.rules.get(**n as usize).is_some_and(|r| r.event().is_some());
        self.events = about.iter().filter(is_event).map(|n| EventCell::new(*n)).collect();
    }

    /// An event.
    pub(in crate::engine) fn report(
        &mut self,
        scene: &mut Scene<'_>,
        event: &Event,
        now: Timestamp,
        counts: &mut EventCounts,
    ) {
        let deaf = self.is_deaf();
        self.hear_report(scene, now);
        self.take_report(scene, event, now, counts);
        if deaf {
            self.end_unrepeated(scene, now);
        }
    }

    fn take_report(&mut self, scene: &mut Scene<'_>, event: &Event, now: Timestamp, counts: &mut EventCounts) {
        let Some(stamp) = Stamp::of(event, now, self.watch.is_wrong()) else {
            counts.too_old += 1;
            return;
        };
        let mut open: usize = self.events.iter().map(|c| c.open).sum();
        let mut fate = None;
        for cell in &mut self.events {
            open -= cell.open;
            let of_rule = cell.report(scene, event, stamp, now, open + cell.open < limit::MAX_EVENTS);
            open += cell.open;
            fate = fate.into_iter().chain(of_rule).min();
        }
        counts.add(fate);
    }

    /// Ends events at the ends they name, whatever Maibo hears.
    pub(in crate::engine) fn end_events(&mut self, scene: &mut Scene<'_>, floor: Timestamp, until: Timestamp) {
        for cell in &mut self.events {
            cell.fire(scene, floor, until, true);
        }
    }

    /// Ends the events of rules that have no place under the new rules.
    pub(in crate::engine) fn retire_events(
        &mut self,
        about: &[u32],
        last: &Law,
        scene: &mut Scene<'_>,
        now: Timestamp,
    ) {
        let subject = Subject::Device(scene.device.id.clone());
        self.events.retain_mut(|cell| {
            let Some(rule) = last.rules.rules.get(cell.rule as usize) else { return false };
            if stays(rule, about, scene) {
                return true;
            }
            scene.book.spend(&rule.id, subject.clone(), Spent { given: cell.all_given(), at: now });
            let reason = match scene.rules.get(&rule.id) {
                None => Reason::RuleRemoved,
                Some(next) if next.event().is_some() && next.shadow == rule.shadow => Reason::SubjectGone,
                Some(_) => Reason::RuleChanged,
            };
            for known in &mut cell.known {
                known.close(scene, now, now, reason);
            }
            false
        });
    }

    /// Hands what is left over to the new rules.
    pub(in crate::engine) fn transfer_events(
        &mut self,
        about: &[u32],
        last: &Law,
        scene: &mut Scene<'_>,
        now: Timestamp,
    ) {
        let old = core::mem::take(&mut self.events);
        self.select_events(about, scene.rules);
        for carried in old {
            let Some(before) = last.rules.rules.get(carried.rule as usize) else { continue };
            let same = |c: &&mut EventCell| scene.rules.rules.get(c.rule as usize).is_some_and(|r| r.id == before.id);
            let Some(cell) = self.events.iter_mut().find(same) else { continue };
            let number = cell.rule;
            *cell = EventCell { rule: number, ..carried };
            if scene.rule(number).is_some_and(|r| r.kind != before.kind) {
                cell.rejudge(scene, now);
            }
        }
    }

    /// Makes the event's cell follow its record; `n` is the number that the episode's identity was made of.
    pub(in crate::engine) fn follow_event(&mut self, rule: u32, told: &Transition, record: Option<&Record>, n: u32) {
        let Subject::Event { identity, .. } = &told.subject else { return };
        let Some(cell) = self.events.iter_mut().find(|c| c.rule == rule) else { return };
        let i = cell.known.binary_search_by(|k| k.identity.cmp(identity)).unwrap_or_else(|i| {
            let stamp = Stamp { said: told.at, at: told.at, ends: None };
            let mut known = Known::new(identity, stamp, cell.given);
            known.reports = told.value.map_or(0, |v| v as u32);
            cell.known.insert(i, known);
            i
        });
        let Some(known) = cell.known.get_mut(i) else { return };
        known.given.take(told.started_at, n);
        match record {
            Some(record) => {
                known.firing = Some((told.episode, record.transition.level));
                known.ahead.clone_from(&told.found);
            }
            None if known.firing.is_none_or(|(id, _)| id == told.episode) => known.firing = None,
            None => {}
        }
    }
}
