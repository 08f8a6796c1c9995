//! Quorums in the surroundings of a device: so many alerts at most a radius away from one of them, the *centre*.
//!
//! The first by time around whom there are enough is the centre, and stays it while the alert is open, whatever becomes of its own
//! alert. Who is near an open centre joins that alert and becomes no centre; who is near two counts for both. Positions are those
//! of the catalogue in force: a device without one counts for nothing.
//!
//! **Limits:** only alerts that are near no open centre (*loose*) are looked at as centres. There are never enough of them within
//! the time around any one, so that a storm of alerts in one place costs no more for each than a few.

use std::collections::BTreeSet;

use super::Member;
use super::field::{Field, One};
use super::quorum::{Cell, Key, Quorums, Stage, open, reached};
use crate::engine::fleet::Law;
use crate::id::{EpisodeId, RuleId, Subject};
use crate::rule::{Quorum, Rule, Spread};
use crate::time::Timestamp;

/// Whatever time an alert reached its level at.
const EVER: (Timestamp, Timestamp) = (Timestamp(i64::MIN), Timestamp::MAX);

/// The alerts and the centres of one rule.
#[derive(Debug)]
pub(in crate::engine) struct Around {
    alerts: Field,
    /// Those of them that are near no open centre.
    loose: Field,
    /// By the episodes open around them; they have no time.
    centres: Field,
}

/// An open centre in its field.
const fn as_centre(episode: EpisodeId) -> One {
    (Timestamp(0), episode)
}

impl Around {
    /// The cells whose centre is near an alert.
    fn cells(&self, rule: &RuleId, episode: EpisodeId) -> Vec<Key> {
        let Some((_, at)) = self.alerts.spot(episode) else { return Vec::new() };
        let centres = self.centres.near(at, EVER);
        let devices = centres.iter().filter_map(|(_, centre)| self.centres.spot(*centre));
        devices.map(|(device, _)| (rule.clone(), Subject::Around(device.clone()))).collect()
    }

    /// The loose alerts around one that reached the level from the one time to the other.
    fn loose_near(&self, episode: EpisodeId, times: (Timestamp, Timestamp)) -> Option<BTreeSet<One>> {
        self.alerts.spot(episode).map(|(_, at)| self.loose.near(at, times))
    }

    /// Makes alerts loose that are near no open centre.
    fn loosen(&mut self, alerts: impl IntoIterator<Item = One>) {
        for one in alerts {
            if self.is_covered(one.1) {
                continue;
            }
            if let Some((device, at)) = self.alerts.spot(one.1) {
                self.loose.insert(one, device, at);
            }
        }
    }

    fn is_covered(&self, episode: EpisodeId) -> bool {
        self.alerts.spot(episode).is_none_or(|(_, at)| !self.centres.near(at, EVER).is_empty())
    }
}

/// When there were enough around `one`, itself among them, within the time that they are given; of several times the first.
fn complete(near: BTreeSet<One>, one: One, quorum: &Quorum) -> Option<Timestamp> {
    let own = near.range(..one).count();
    // Of those before it at most so many are in a window with it.
    let first = own.saturating_sub(quorum.enough() - 1);
    let times: Vec<Timestamp> =
        near.into_iter().map(|(since, _)| since).skip(first).take(own - first + quorum.enough()).collect();
    Cell::complete(&times, quorum)
}

impl Quorums {
    /// An alert opened, changed or ended.
    pub(super) fn update_around(
        &mut self,
        rule: &RuleId,
        episode: EpisodeId,
        before: Option<&Member>,
        after: Option<&Member>,
        stage: &mut Stage<'_>,
    ) {
        let Some((_, quorum)) = stage.quorum(rule) else { return };
        let (was, is) = (before.and_then(|m| reached(m, quorum)), after.and_then(|m| reached(m, quorum)));
        if was == is {
            return;
        }
        if let Some(since) = was {
            let Some(around) = self.around.get_mut(rule) else { return };
            let cells = around.cells(rule, episode);
            around.alerts.remove((since, episode));
            around.loose.remove((since, episode));
            for key in &cells {
                self.leave(key, (since, episode), stage);
            }
        }
        if let (Some(since), Some(member)) = (is, after) {
            let historic = stage.is_historic(quorum);
            self.place_around(rule, episode, member, stage.law);
            for key in self.around.get(rule).map(|a| a.cells(rule, episode)).unwrap_or_default() {
                if let Some(cell) = self.cells.get_mut(&key) {
                    cell.members.insert((since, episode));
                    self.count(&key, stage);
                }
            }
            let Some(around) = self.around.get_mut(rule) else { return };
            around.loosen([(since, episode)]);
            let near = around.loose_near(episode, (since - quorum.within, since + quorum.within));
            self.seek(rule, &near.unwrap_or_default(), None, historic, stage);
        }
    }

    /// Opens around those of `candidates` around whom there are enough, each at the time when there were or at `at`.
    fn seek(
        &mut self,
        rule: &RuleId,
        candidates: &BTreeSet<One>,
        at: Option<Timestamp>,
        historic: bool,
        stage: &mut Stage<'_>,
    ) {
        let Some((_, quorum)) = stage.quorum(rule) else { return };
        for one in candidates {
            let Some(around) = self.around.get(rule).filter(|a| !a.is_covered(one.1)) else { continue };
            let Some((device, spot)) = around.alerts.spot(one.1) else { continue };
            let near = around.alerts.near(spot, (one.0 - quorum.within, one.0 + quorum.within));
            let Some(since) = complete(near, *one, quorum) else { continue };
            let key = (rule.clone(), Subject::Around(device.clone()));
            let members = around.alerts.near(spot, EVER);
            if self.admit(&key, stage.now)
                && let Some(cell) = self.cells.get_mut(&key)
            {
                cell.members = members;
                open(&key, cell, since, at.unwrap_or(since), historic, stage);
                self.centre(&key, stage.law);
            }
        }
    }

    /// The alert around a centre is over. Those at its rim can be enough around one of them.
    pub(super) fn end_around(&mut self, key: &Key, at: Timestamp, stage: &mut Stage<'_>) {
        let Some(cell) = self.cells.get_mut(key).filter(|_| matches!(key.1, Subject::Around(_))) else { return };
        let left = core::mem::take(&mut cell.members);
        self.centre(key, stage.law);
        self.seek(&key.0, &left, Some(at), false, stage);
    }

    /// After rules or catalogue were edited: opens around everybody around whom there are enough.
    pub(super) fn seek_all_around(&mut self, stage: &mut Stage<'_>) {
        let over = self.cells.iter().filter(|(_, c)| c.centre.is_some() && c.firing.is_none());
        let over: Vec<Key> = over.map(|(key, _)| key.clone()).collect();
        for key in &over {
            self.centre(key, stage.law);
        }
        let rules: Vec<RuleId> = self.around.keys().cloned().collect();
        for rule in rules {
            let all = self.around.get(&rule).map(|a| a.loose.all().collect()).unwrap_or_default();
            self.seek(&rule, &all, Some(stage.now), false, stage);
        }
    }

    /// Empties the fields, one for each rule with a radius.
    pub(super) fn begin_around(&mut self, law: &Law) {
        self.around.clear();
        for rule in &law.rules.rules {
            if let Some(Spread::Radius(metres)) = rule.quorum().map(|q| q.of) {
                let field = || Field::new(f64::from(metres));
                self.around.insert(rule.id.clone(), Around { alerts: field(), loose: field(), centres: field() });
            }
        }
    }

    /// Finds out which alerts are loose, once the open centres are known.
    pub(super) fn loosen_all(&mut self) {
        for around in self.around.values_mut() {
            let all: Vec<One> = around.alerts.all().collect();
            around.loosen(all);
        }
    }

    /// Puts an alert where its device is, if it counts.
    pub(super) fn place_around(&mut self, rule: &RuleId, episode: EpisodeId, member: &Member, law: &Law) {
        let quorum = law.rules.get(rule).and_then(Rule::quorum);
        let device = member.device.as_ref().and_then(|id| law.catalogue.get(id));
        if let Some(around) = self.around.get_mut(rule)
            && let Some(since) = quorum.and_then(|q| reached(member, q))
            && let Some((device, at)) = device.and_then(|d| Some((&d.id, d.position?)))
        {
            around.alerts.insert((since, episode), device, at);
        }
    }

    /// Makes the fields and the members of a cell follow whether its alert is open.
    pub(super) fn centre(&mut self, key: &Key, law: &Law) {
        let Subject::Around(device) = &key.1 else { return };
        let (Some(around), Some(cell)) = (self.around.get_mut(&key.0), self.cells.get_mut(key)) else { return };
        if let Some(last) = cell.centre.take() {
            let was_at = around.centres.spot(last).map(|(_, at)| at);
            around.centres.remove(as_centre(last));
            if let Some(at) = was_at {
                around.loosen(around.alerts.near(at, EVER));
            }
        }
        cell.members.clear();
        let at = law.catalogue.get(device).and_then(|d| d.position);
        if let (Some(episode), Some(at)) = (cell.firing, at) {
            around.centres.insert(as_centre(episode), device, at);
            cell.centre = Some(episode);
            cell.members = around.alerts.near(at, EVER);
            for one in around.loose.near(at, EVER) {
                around.loose.remove(one);
            }
        }
    }
}
