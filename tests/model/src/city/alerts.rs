//! The alerts of devices that are open.

use std::collections::{BTreeMap, BTreeSet};

use super::News;
use super::Subject;
use super::ground::Ground;
use super::pack::{Extent, Quorum};
use crate::{Level, Ms};

/// All that are open, by episode.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) open: BTreeMap<String, Alert>,
    /// Where the devices stand.
    pub(crate) ground: Ground,
}

/// A member of a quorum: who, since when at the level, by which episode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) since: Ms,
    pub(crate) episode: String,
    pub(crate) device: String,
    pub(crate) place: String,
}

/// One that is open.
#[derive(Debug)]
pub(crate) struct Alert {
    /// What was told of it last.
    pub(crate) news: News,
    /// Since when it has been at each level or higher without a break.
    reached: BTreeMap<Level, Ms>,
}

impl Alerts {
    pub(crate) fn take(&mut self, news: &News) {
        if !news.firing {
            self.open.remove(&news.episode);
            return;
        }
        let new = || Alert { news: news.clone(), reached: BTreeMap::new() };
        let alert = self.open.entry(news.episode.clone()).or_insert_with(new);
        alert.news = news.clone();
        for level in Level::ALL {
            if level <= news.level {
                alert.reached.entry(level).or_insert(news.at);
            } else {
                alert.reached.remove(&level);
            }
        }
    }
}

impl Alerts {
    /// All devices that a quorum counts, wherever they are, by (time it reached the level, id of its episode). One with several
    /// alerts is one member, by the earliest of them.
    pub(crate) fn watched(&self, q: &Quorum) -> Vec<Member> {
        let member = |alert: &Alert| {
            Some(Member {
                since: alert.since(q.from)?,
                episode: alert.news.episode.clone(),
                device: alert.news.device.clone()?,
                place: alert.news.place.clone()?,
            })
        };
        let of_rule = self.open.values().filter(|a| a.news.rule == q.watched);
        let mut all: Vec<Member> = of_rule.filter_map(member).collect();
        all.sort();
        let mut seen = BTreeSet::new();
        all.retain(|m| seen.insert(m.device.clone()));
        all
    }

    /// Those of them that count for a subject.
    pub(crate) fn members(&self, q: &Quorum, subject: &Subject) -> Vec<Member> {
        let mut all = self.watched(q);
        all.retain(|m| match q.extent {
            Extent::Radius(metres) => self.ground.near(&subject.1, &m.device, metres as f64),
            place => place.of(&m.place).as_ref() == Some(&subject.1),
        });
        all
    }
}

impl Alert {
    /// Since when it has been at this level or higher. `None`: it is below.
    pub(crate) fn since(&self, level: Level) -> Option<Ms> {
        self.reached.get(&level).copied()
    }
}
