//! Quorums: so many devices of one place with an open alert of another rule, begun at about the same time.
//!
//! What counts is when each alert reached the level, so that it does not matter in which order, or how late, the city
//! machine was told. A device whose data went stale still counts: silence is not recovery. What differs where the place is
//! the surroundings of a device is in [`around`](super::around).
//!
//! **Invariants:** each open alert stands in at most one cell of a quorum rule; a cell that neither holds an alert nor
//! ever gave an identity is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::Member;
use super::around::Around;
use super::devices::News;
use super::field::One;
use crate::alert::{Book, Change, Given, Opening};
use crate::engine::absence;
use crate::engine::fleet::Law;
use crate::fact::Reason;
use crate::id::{EpisodeId, PlaceCode, RuleId, Subject};
use crate::limit;
use crate::place::Level;
use crate::rule::{Extent, Quorum, Rule, RuleSet, Spread};
use crate::time::{Millis, Timestamp};

/// A quorum rule in one place, or in the surroundings of one device.
pub(in crate::engine) type Key = (RuleId, Subject);

/// What is known of a quorum rule in one place.
#[derive(Debug, Default)]
pub(in crate::engine) struct Cell {
    /// The alerts that count, by when they reached the level. In surroundings only while the alert is open.
    pub(super) members: BTreeSet<One>,
    pub(in crate::engine) firing: Option<EpisodeId>,
    /// As what it stands among the centres.
    pub(super) centre: Option<EpisodeId>,
    /// Since when there are fewer than enough, engine time.
    pub(in crate::engine) lost: Option<Timestamp>,
    /// The identities it gave.
    pub(in crate::engine) given: Given,
}

impl Cell {
    /// When the `enough` of these times that lie within `within` of one another, and are complete first, were complete.
    pub(super) fn complete(times: &[Timestamp], quorum: &Quorum) -> Option<Timestamp> {
        let windows = times.windows(quorum.enough());
        let mut together = windows.filter_map(|w| Some((*w.first()?, *w.last()?)));
        together.find(|(first, last)| last.since(*first) <= quorum.within).map(|(_, last)| last)
    }

    /// The times of the alerts next to this one: no other can be in a window with it.
    fn around(&self, one: One, quorum: &Quorum) -> Vec<Timestamp> {
        let mut times: Vec<Timestamp> =
            self.members.range(..=one).rev().take(quorum.enough()).map(|(at, _)| *at).collect();
        times.reverse();
        let after = self.members.range((Excluded(one), Unbounded)).take(quorum.enough() - 1);
        times.extend(after.map(|(at, _)| *at));
        times
    }
}

/// All quorums.
#[derive(Debug, Default)]
pub(in crate::engine) struct Quorums {
    pub(super) cells: BTreeMap<Key, Cell>,
    /// Of each rule with a radius.
    pub(super) around: BTreeMap<RuleId, Around>,
    /// Which quorum rules watch a rule.
    watching: BTreeMap<RuleId, Vec<RuleId>>,
    /// When an alert ends for want of devices.
    due: BTreeSet<(Timestamp, Key)>,
}

/// What a change works with.
pub(super) struct Stage<'a> {
    pub(super) law: &'a Law,
    pub(super) book: &'a mut Book,
    pub(super) now: Timestamp,
    /// What is told, where something is.
    pub(super) news: Option<News>,
}

impl<'a> Stage<'a> {
    pub(super) fn quorum(&self, rule: &RuleId) -> Option<(&'a Rule, &'a Quorum)> {
        self.law.rules.get(rule).and_then(|r| Some((r, r.quorum()?)))
    }
}

/// Since when an alert counts for a quorum.
pub(super) fn reached(member: &Member, quorum: &Quorum) -> Option<Timestamp> {
    (member.level >= quorum.reached).then(|| member.since[quorum.reached as usize])
}

/// Where and since when an alert counts for a quorum of places of this extent.
fn counts(member: &Member, quorum: &Quorum, of: Extent) -> Option<(PlaceCode, Timestamp)> {
    Some((of.around(member.place.as_ref()?)?, reached(member, quorum)?))
}

impl Quorums {
    /// An alert opened, changed or ended.
    pub(super) fn update(
        &mut self,
        episode: EpisodeId,
        before: Option<&Member>,
        after: Option<&Member>,
        stage: &mut Stage<'_>,
    ) {
        let Some(watched) = before.or(after).map(|m| &m.rule) else { return };
        for rule in self.watching.get(watched).cloned().unwrap_or_default() {
            let Some((_, quorum)) = stage.quorum(&rule) else { continue };
            let of = match quorum.of {
                Spread::Place(of) => of,
                Spread::Radius(_) => {
                    self.update_around(&rule, episode, before, after, stage);
                    continue;
                }
            };
            let (was, is) = (before.and_then(|m| counts(m, quorum, of)), after.and_then(|m| counts(m, quorum, of)));
            if was == is {
                continue;
            }
            if let Some((place, since)) = was {
                self.leave(&(rule.clone(), Subject::Place(place)), (since, episode), stage);
            }
            if let Some((place, since)) = is {
                let historic = stage.is_historic(quorum);
                self.enter(&(rule, Subject::Place(place)), (since, episode), historic, stage);
            }
        }
    }

    pub(super) fn leave(&mut self, key: &Key, one: One, stage: &Stage<'_>) {
        let Some(cell) = self.cells.get_mut(key) else { return };
        cell.members.remove(&one);
        if cell.members.is_empty() && cell.firing.is_none() && cell.given.is_empty() {
            self.cells.remove(key);
        } else {
            self.count(key, stage);
        }
    }

    fn enter(&mut self, key: &Key, one: One, historic: bool, stage: &mut Stage<'_>) {
        if !self.admit(key, stage.now) {
            return;
        }
        let Some(cell) = self.cells.get_mut(key) else { return };
        cell.members.insert(one);
        if cell.firing.is_some() {
            self.count(key, stage);
        } else if let Some((_, quorum)) = stage.quorum(&key.0)
            && let Some(at) = Cell::complete(&cell.around(one, quorum), quorum)
        {
            open(key, cell, at, at, historic, stage);
        }
    }

    /// Makes room for a cell. At the limit what only remembers identities goes; where that is not enough, false.
    pub(super) fn admit(&mut self, key: &Key, now: Timestamp) -> bool {
        if !self.cells.contains_key(key) {
            if self.cells.len() >= limit::MAX_QUORUMS {
                self.tidy(now);
            }
            if self.cells.len() >= limit::MAX_QUORUMS {
                return false;
            }
            self.cells.insert(key.clone(), Cell::default());
        }
        true
    }

    /// Forgets identities that cannot come again: nothing as old is judged any more.
    fn tidy(&mut self, now: Timestamp) {
        self.cells.retain(|_, c| !c.members.is_empty() || c.firing.is_some() || c.given.latest >= now - limit::MAX_AGE);
    }

    /// Looks whether an open alert still has enough devices.
    pub(super) fn count(&mut self, key: &Key, stage: &Stage<'_>) {
        let (Some(cell), Some((_, quorum))) = (self.cells.get_mut(key), stage.quorum(&key.0)) else { return };
        if cell.firing.is_none() {
            return;
        }
        let fewer = cell.members.len() < quorum.enough();
        match cell.lost {
            None if fewer => {
                cell.lost = Some(stage.now);
                self.due.insert((stage.now + quorum.keep, key.clone()));
            }
            Some(since) if !fewer => {
                cell.lost = None;
                self.due.remove(&(since + quorum.keep, key.clone()));
            }
            _ => {}
        }
    }

    /// Ends what had too few devices for long enough by `until`.
    pub(super) fn fire(&mut self, until: Timestamp, floor: Timestamp, stage: &mut Stage<'_>) {
        while let Some((at, _)) = self.due.first()
            && *at <= until
        {
            let Some((at, key)) = self.due.pop_first() else { return };
            let Some(cell) = self.cells.get_mut(&key) else { continue };
            cell.lost = None;
            if let Some(episode) = cell.firing.take() {
                let left = cell.members.len();
                // An edit can leave something over that was due before: it ends with the edit.
                let at = at.max(floor);
                stage.book.change(episode, change(None, left, None, (at, at), Reason::QuorumLost));
                self.end_around(&key, at, stage);
            }
        }
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The wall clock stepped, or Maibo was not there for a while: no time passed for what is counted.
    pub(super) fn shift(&mut self, by: Millis) {
        self.due = std::mem::take(&mut self.due).into_iter().map(|(at, key)| (at + by, key)).collect();
        for cell in self.cells.values_mut() {
            cell.lost = cell.lost.map(|at| at + by);
        }
    }

    /// The alerts that the open alert of a rule about a place stands on.
    pub(super) fn members(&self, rule: &RuleId, place: &Subject) -> impl Iterator<Item = EpisodeId> + '_ {
        let cell = self.cells.get(&(rule.clone(), place.clone()));
        cell.into_iter().flat_map(|c| c.members.iter().map(|(_, episode)| *episode))
    }

    /// Puts the rules of `stage` in force after `last`.
    pub(super) fn enact(&mut self, last: &RuleSet, alerts: &BTreeMap<EpisodeId, Member>, stage: &mut Stage<'_>) {
        self.end_strangers(last, stage);
        self.rebuild(alerts, stage.law);
        for (key, cell) in &mut self.cells {
            let Some((rule, quorum)) = stage.quorum(&key.0) else { continue };
            let (members, level) = (cell.members.len(), quorum.level);
            let Some(episode) = cell.firing else {
                // Of surroundings those that are new are looked for below.
                let times: Vec<Timestamp> = cell.members.iter().map(|(at, _)| *at).collect();
                if let Some(at) = Cell::complete(&times, quorum) {
                    let now = stage.now;
                    open(key, cell, at, now, false, stage);
                }
                continue;
            };
            let old = last.get(&rule.id).and_then(Rule::quorum);
            let judged_otherwise = old.is_none_or(|o| (o.count, o.reached) != (quorum.count, quorum.reached));
            let (count, over) = (quorum.count, judged_otherwise && members < quorum.enough());
            let now = (stage.now, stage.now);
            if over {
                (cell.firing, cell.lost) = (None, None);
                stage.book.change(episode, change(None, members, Some(count), now, Reason::RuleChanged));
            } else if old.is_none_or(|o| (o.count, o.level) != (quorum.count, level)) {
                let told = change(Some(level), members, Some(count), now, Reason::RuleChanged);
                stage.book.change(episode, told);
            }
        }
        self.due.clear();
        let keys: Vec<Key> = self.cells.iter().filter(|(_, c)| c.firing.is_some()).map(|(k, _)| k.clone()).collect();
        for key in keys {
            self.recount(&key, stage.law, stage.now);
        }
        self.seek_all_around(stage);
        self.cells.retain(|_, c| !c.members.is_empty() || c.firing.is_some() || !c.given.is_empty());
        self.tidy(stage.now);
    }

    /// Ends what the new rules do not judge, or judge of other devices.
    fn end_strangers(&mut self, last: &RuleSet, stage: &mut Stage<'_>) {
        for (key, cell) in &mut self.cells {
            let Some(episode) = cell.firing else { continue };
            let new = stage.law.rules.get(&key.0);
            let old = last.get(&key.0);
            let moved = matches!((old, new), (Some(old), Some(new)) if old.shadow != new.shadow);
            let same = !moved
                && match (old.and_then(Rule::quorum), new.and_then(Rule::quorum)) {
                    (Some(old), Some(new)) => (&old.rule, old.of) == (&new.rule, new.of),
                    (None, Some(_)) => true,
                    (_, None) => false,
                };
            if !same {
                let reason = if new.is_none() { Reason::RuleRemoved } else { Reason::RuleChanged };
                (cell.firing, cell.lost) = (None, None);
                let now = (stage.now, stage.now);
                stage.book.change(episode, change(None, cell.members.len(), None, now, reason));
            }
        }
    }

    /// Finds the alerts that count, and who watches what, from the rules and what is open. Decides nothing.
    pub(in crate::engine) fn rebuild(&mut self, alerts: &BTreeMap<EpisodeId, Member>, law: &Law) {
        self.watching.clear();
        for rule in &law.rules.rules {
            if let Some(quorum) = rule.quorum() {
                self.watching.entry(quorum.rule.clone()).or_default().push(rule.id.clone());
            }
        }
        for cell in self.cells.values_mut() {
            cell.members.clear();
        }
        self.begin_around(law);
        for (episode, member) in alerts {
            for rule in self.watching.get(&member.rule).cloned().unwrap_or_default() {
                let Some(quorum) = law.rules.get(&rule).and_then(Rule::quorum) else { continue };
                let Spread::Place(of) = quorum.of else {
                    self.place_around(&rule, *episode, member, law);
                    continue;
                };
                if let Some((place, since)) = counts(member, quorum, of)
                    && let key = (rule, Subject::Place(place))
                    && (self.cells.len() < limit::MAX_QUORUMS || self.cells.contains_key(&key))
                {
                    self.cells.entry(key).or_default().members.insert((since, *episode));
                }
            }
        }
        let open: Vec<Key> = self.cells.iter().filter(|(_, c)| c.firing.is_some()).map(|(k, _)| k.clone()).collect();
        for key in &open {
            self.centre(key, law);
        }
        self.loosen_all();
    }

    /// Puts the end of an open alert in its place in time.
    pub(in crate::engine) fn recount(&mut self, key: &Key, law: &Law, now: Timestamp) {
        self.centre(key, law);
        let quorum = law.rules.get(&key.0).and_then(Rule::quorum);
        let (Some(cell), Some(quorum)) = (self.cells.get_mut(key), quorum) else { return };
        self.due.retain(|(_, k)| k != key);
        let fewer = cell.firing.is_some() && cell.members.len() < quorum.enough();
        cell.lost = fewer.then(|| cell.lost.unwrap_or(now));
        if let Some(since) = cell.lost {
            self.due.insert((since + quorum.keep, key.clone()));
        }
    }

    /// Cells with something to keep, in order.
    pub(in crate::engine) fn kept(&self) -> impl Iterator<Item = (&Key, &Cell)> {
        self.cells.iter().filter(|(_, c)| !c.given.is_empty())
    }

    /// The cell of a rule in a place: when restoring, and when the log says so.
    pub(in crate::engine) fn cell(&mut self, key: Key) -> &mut Cell {
        self.cells.entry(key).or_default()
    }

    /// All open alerts.
    pub(in crate::engine) fn episodes(&self) -> BTreeSet<EpisodeId> {
        self.cells.values().filter_map(|c| c.firing).collect()
    }
}

/// There were enough at event time `at`.
pub(super) fn open(key: &Key, cell: &mut Cell, since: Timestamp, at: Timestamp, historic: bool, stage: &mut Stage<'_>) {
    let Some((rule, quorum)) = stage.law.rules.get(&key.0).and_then(|r| Some((r, r.quorum()?))) else { return };
    let subject = key.1.clone();
    let place = match &subject {
        Subject::Place(place) => Some(place.clone()),
        Subject::Around(device) => stage.law.catalogue.get(device).map(|d| d.place.clone()),
        Subject::Device(_) | Subject::Source(_) | Subject::Event { .. } | Subject::Part(_) | Subject::Drill(_) => None,
    };
    let n = cell.given.next(since);
    let episode = EpisodeId::derive(&rule.id, &subject, since, n);
    let opening = Opening {
        episode,
        rule: rule.id.clone(),
        subject,
        quantity: None,
        place,
        domain: rule.domain,
        started_at: since,
    };
    let times = (stage.news.map_or(at, |news| at.max(news.at)), stage.now);
    let told = change(Some(quorum.level), cell.members.len(), Some(quorum.count), times, Reason::Quorum);
    stage.book.open(opening, quorum.level, Change { historic, ..told });
    cell.firing = Some(episode);
    cell.lost = None;
}

/// A change with the number of devices as its value; `times` are event time and engine time.
fn change(
    level: Option<Level>,
    members: usize,
    enough: Option<u32>,
    times: (Timestamp, Timestamp),
    reason: Reason,
) -> Change {
    let (value, threshold) = (Some(members as f64), enough.map(f64::from));
    let (event, decided) = times;
    Change { value, threshold, decided, ..absence::change(level, event, reason) }
}
