//! §16: causes, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};

use super::News;
use super::pack::{Inhibit, Set};
use crate::Ms;

/// Whether an alert is a consequence, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// Of one alert.
    Of {
        /// Engine time.
        at: Ms,
        /// Which.
        episode: String,
        /// The alert of its cause. `None`: it is none.
        by: Option<String>,
    },
    /// A cause is over, and these are told.
    Released {
        /// Engine time.
        at: Ms,
        /// The alert of the cause.
        parent: String,
        /// Which, in the order of their ids.
        episodes: Vec<String>,
    },
}

/// What follows from what.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    /// Open alerts of devices and of the city.
    open: BTreeMap<String, News>,
    /// Those that wait for their decision, and until when.
    waiting: BTreeMap<String, Ms>,
    /// Those that are inhibited, and by which.
    by: BTreeMap<String, String>,
}

/// Whether one alert can be the cause of another.
fn stands(set: &Set, parent: &News, child: &News) -> bool {
    let joins =
        |i: &Inhibit| i.parent == parent.rule && i.children.contains(&child.rule) && i.within.same(parent, child);
    parent.level >= child.level && set.inhibits.iter().any(joins)
}

impl Causes {
    /// Time that does not count has passed.
    pub(crate) fn move_on(&mut self, by: Ms) {
        self.waiting.values_mut().for_each(|due| *due += by);
    }

    /// The cause of an alert, if there is one: of several the highest level, then the smallest id.
    fn cause(&self, set: &Set, child: &News) -> Option<String> {
        let best = self
            .open
            .values()
            .filter(|p| stands(set, p, child))
            .max_by(|a, b| (a.level, &b.episode).cmp(&(b.level, &a.episode)));
        best.map(|p| p.episode.clone())
    }

    /// What an edit does to alerts, all of it before it is asked what follows from that.
    pub(crate) fn foresee(&mut self, set: &Set, all: &[News], now: Ms, out: &mut Vec<Consequence>) {
        let ended: Vec<&News> =
            all.iter().filter(|news| !news.firing && self.waiting.remove(&news.episode).is_some()).collect();
        // What it ends is no cause any more, and no consequence.
        for news in all.iter().filter(|news| !news.firing) {
            self.open.remove(&news.episode);
            self.by.remove(&news.episode);
        }
        for news in all.iter().filter(|news| news.firing) {
            if let Some(wait) = set.wait(&news.rule).filter(|_| news.version == 1) {
                self.waiting.insert(news.episode.clone(), news.decided_at + wait);
            }
            self.open.insert(news.episode.clone(), news.clone());
        }
        // What it ended while it waited is decided with its end.
        for news in ended {
            let by = self.cause(set, news);
            out.push(Consequence::Of { at: now, episode: news.episode.clone(), by });
        }
    }

    /// One change of one alert, of a device or of the city.
    pub(crate) fn take(&mut self, set: &Set, news: &News, now: Ms, out: &mut Vec<Consequence>) {
        let id = &news.episode;
        let opens = !self.open.contains_key(id);
        if news.firing {
            self.open.insert(id.clone(), news.clone());
        } else {
            self.open.remove(id);
        }
        // What it is the cause of.
        let of: BTreeSet<String> = self.by.iter().filter(|(_, by)| *by == id).map(|(child, _)| child.clone()).collect();
        let free: BTreeSet<String> =
            of.into_iter().filter(|child| !news.firing || !stands(set, news, &self.open[child])).collect();
        self.leave(set, id, &free, now, out);
        // What it is a consequence of.
        if let Some(wait) = set.wait(&news.rule).filter(|_| opens && news.firing) {
            self.waiting.insert(id.clone(), news.decided_at + wait);
        }
        if !news.firing {
            self.by.remove(id);
            if self.waiting.remove(id).is_some() {
                out.push(Consequence::Of { at: now, episode: id.clone(), by: self.cause(set, news) });
            }
        } else if let Some(parent) = self.by.get(id)
            && !stands(set, &self.open[parent], news)
        {
            let by = self.cause(set, news);
            self.by.remove(id);
            self.by.extend(by.iter().map(|parent| (id.clone(), parent.clone())));
            out.push(Consequence::Of { at: now, episode: id.clone(), by });
        }
        self.decide(set, now, now, out);
    }

    /// These children lose their cause: they go to another, or are released together.
    fn leave(&mut self, set: &Set, parent: &str, of: &BTreeSet<String>, now: Ms, out: &mut Vec<Consequence>) {
        let mut free = Vec::new();
        for child in of {
            if let Some(other) = self.cause(set, &self.open[child]) {
                self.by.insert(child.clone(), other.clone());
                out.push(Consequence::Of { at: now, episode: child.clone(), by: Some(other) });
            } else {
                self.by.remove(child);
                free.push(child.clone());
            }
        }
        if !free.is_empty() {
            out.push(Consequence::Released { at: now, parent: parent.to_owned(), episodes: free });
        }
    }

    pub(crate) fn next_due(&self) -> Option<Ms> {
        self.waiting.values().min().copied()
    }

    /// Those are decided whose wait is over by then.
    pub(crate) fn decide(&mut self, set: &Set, until: Ms, decided: Ms, out: &mut Vec<Consequence>) {
        let due: Vec<String> = self.waiting.iter().filter(|(_, at)| **at <= until).map(|(id, _)| id.clone()).collect();
        for id in due {
            self.waiting.remove(&id);
            let by = self.cause(set, &self.open[&id]);
            if let Some(parent) = &by {
                self.by.insert(id.clone(), parent.clone());
            }
            out.push(Consequence::Of { at: decided, episode: id, by });
        }
    }

    /// Another set is in force.
    pub(crate) fn edit(&mut self, set: &Set, now: Ms, out: &mut Vec<Consequence>) {
        let said = |(child, parent): &(&String, &String)| stands(set, &self.open[*parent], &self.open[*child]);
        let mut gone: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (child, parent) in self.by.iter().filter(|pair| !said(pair)) {
            gone.entry(parent.clone()).or_default().insert(child.clone());
        }
        for (parent, of) in gone {
            self.leave(set, &parent, &of, now, out);
        }
        for (id, due) in &mut self.waiting {
            if set.wait(&self.open[id].rule).is_none() {
                *due = now;
            }
        }
        self.decide(set, now, now, out);
    }
}
