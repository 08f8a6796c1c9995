//! One member a device: what counts for quorums where several alerts of one rule are open at one device, as those of several
//! events are. Two messages of one roadside unit about one accident are no district's alert.
//!
//! Limits: bounded by the open alerts; a device has at most [`crate::limit::MAX_EVENTS`] of a rule, and most have one. All of them count in the
//! place of the one with the smallest id.

use std::collections::{BTreeMap, BTreeSet};

use super::quorum::Stage;
use super::{City, Member};
use crate::id::{DeviceId, EpisodeId, RuleId};
use crate::input::Told;
use crate::place::Level;
use crate::rule::Quorum;
use crate::time::Timestamp;

/// The open alerts of each rule and device. Everything in it follows from the open alerts.
#[derive(Debug, Default)]
pub(in crate::engine) struct Devices(BTreeMap<(RuleId, DeviceId), BTreeSet<EpisodeId>>);

/// What quorums need to know of a change of an alert besides what it makes of its device.
#[derive(Clone, Copy)]
pub(super) struct News {
    /// Event time: nothing that follows from it was before.
    pub(super) at: Timestamp,
    pub(super) historic: bool,
    /// `None`: the alert ended.
    pub(super) level: Option<Level>,
}

impl Stage<'_> {
    /// Whether an opening by what is told lies in the past: it does where that is a member itself and does.
    pub(super) fn is_historic(&self, quorum: &Quorum) -> bool {
        self.news.is_some_and(|news| news.historic && news.level >= Some(quorum.reached))
    }
}

fn key(member: &Member) -> Option<(RuleId, DeviceId)> {
    Some((member.rule.clone(), member.device.clone()?))
}

impl Devices {
    /// Those of these open alerts.
    pub(in crate::engine) fn of(open: &BTreeMap<EpisodeId, Member>) -> Self {
        let mut devices = Self::default();
        for (episode, member) in open {
            devices.add(*episode, member);
        }
        devices
    }

    pub(super) fn add(&mut self, episode: EpisodeId, member: &Member) {
        if let Some(key) = key(member) {
            self.0.entry(key).or_default().insert(episode);
        }
    }

    pub(super) fn remove(&mut self, episode: EpisodeId, member: &Member) {
        let Some(key) = key(member) else { return };
        if let Some(there) = self.0.get_mut(&key) {
            there.remove(&episode);
            if there.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// The open alerts of the same rule at the same device, this one among them.
    pub(super) fn siblings(&self, member: &Member) -> impl Iterator<Item = EpisodeId> + '_ {
        key(member).and_then(|key| self.0.get(&key)).into_iter().flatten().copied()
    }

    /// What counts as the one alert of a device where `member` is one of them: the worst level, each level since the first of
    /// them that is at it, under the smallest of their ids. `None` where none is open.
    pub(super) fn one(&self, member: &Member, open: &BTreeMap<EpisodeId, Member>) -> Option<(EpisodeId, Member)> {
        let mut all = self.siblings(member).filter_map(|id| Some((id, open.get(&id)?)));
        let (first, member) = all.next()?;
        let mut one = member.clone();
        for (_, other) in all {
            for level in Level::ALL.into_iter().filter(|l| *l <= other.level) {
                let since = &mut one.since[level as usize];
                *since = if level <= one.level {
                    (*since).min(other.since[level as usize])
                } else {
                    other.since[level as usize]
                };
            }
            one.level = one.level.max(other.level);
        }
        Some((first, one))
    }

    /// All of them.
    pub(in crate::engine) fn all(&self, open: &BTreeMap<EpisodeId, Member>) -> BTreeMap<EpisodeId, Member> {
        let nameless = open.iter().filter(|(_, m)| m.device.is_none()).map(|(id, m)| (*id, m.clone()));
        let first = |ids: &BTreeSet<EpisodeId>| ids.first().and_then(|id| self.one(open.get(id)?, open));
        self.0.values().filter_map(first).chain(nameless).collect()
    }
}

impl City {
    /// An alert of a device opened, changed or ended: what that makes of the device as a member of quorums.
    pub(super) fn recount(&mut self, told: &Told, after: Option<&Member>, now: Timestamp) {
        let episode = told.episode;
        let Some(member) = self.open.get(&episode).or(after).cloned() else { return };
        let was = self.counted(episode, &member);
        self.devices.remove(episode, &member);
        match after {
            Some(after) => {
                self.open.insert(episode, after.clone());
                self.devices.add(episode, after);
            }
            None => drop(self.open.remove(&episode)),
        }
        let is = self.counted(episode, &member);
        let news = News { at: told.at, historic: told.historic, level: after.map(|m| m.level) };
        let mut stage = Stage { law: &self.law, book: &mut self.book, now, news: Some(news) };
        match (was, is) {
            (Some((was_id, was)), Some((id, is))) if was_id != id => {
                self.quorums.update(was_id, Some(&was), None, &mut stage);
                self.quorums.update(id, None, Some(&is), &mut stage);
            }
            (was, is) => {
                let id = was.as_ref().or(is.as_ref()).map_or(episode, |(id, _)| *id);
                let (was, is) = (was.map(|(_, m)| m), is.map(|(_, m)| m));
                self.quorums.update(id, was.as_ref(), is.as_ref(), &mut stage);
            }
        }
    }

    /// What counts of the device of an alert; where it has no name, of the alert.
    fn counted(&self, episode: EpisodeId, member: &Member) -> Option<(EpisodeId, Member)> {
        if member.device.is_none() {
            return self.open.get(&episode).map(|m| (episode, m.clone()));
        }
        self.devices.one(member, &self.open)
    }
}
