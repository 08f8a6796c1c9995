//! How every part is, as the checks last said, and telling the city machine where that changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use maibo_core::fact::Transition;
use maibo_core::id::{PartId, Subject};
use maibo_core::input::{Check, Finding, Found, Input};
use maibo_core::place::Level;
use maibo_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::EngineClock;
use crate::ingest::Ingest;
use crate::pipeline::Work;

/// How long an alert that was open at the start waits to be confirmed: its check may look seldom, or be gone.
pub(super) const CONFIRM: Duration = Duration::from_mins(3);

/// How bad, since when, and in words.
type State = (Level, Timestamp, Found);

/// One part under one check.
#[derive(Debug)]
struct Standing {
    /// As the check last said; `None`: well.
    now: Option<State>,
    /// The level that the city machine was told, and since when.
    told: Option<(Level, Timestamp)>,
    /// Open since before the start, and not confirmed until then.
    unconfirmed: Option<Instant>,
}

/// The board. Shared by all checks; its lock is held for lookups only. Bounded by what is configured.
pub struct Board {
    clock: Arc<EngineClock>,
    standings: Mutex<BTreeMap<(Check, PartId), Standing>>,
    changed: Notify,
}

impl Board {
    /// A board on which everything is well but what `open` says.
    pub fn new<'a>(clock: Arc<EngineClock>, open: impl Iterator<Item = &'a Transition>) -> Self {
        let until = Instant::now() + CONFIRM;
        let known = open.filter_map(|t| {
            let Subject::Part(part) = &t.subject else { return None };
            let found = t.found.as_deref().cloned().unwrap_or_default();
            let now = Some((t.level, t.started_at, found));
            let standing = Standing { now, told: Some((t.level, t.started_at)), unconfirmed: Some(until) };
            Some(((Check::of(&t.rule)?, part.clone()), standing))
        });
        let standings = Mutex::new(known.collect());
        Self { clock, standings, changed: Notify::new() }
    }

    /// A part is not well: so bad, in these words. The words of an open alert stay until its level changes. What was well
    /// in between is another alert, also where nobody was told of that yet.
    pub fn unwell(&self, check: Check, part: &str, level: Level, zh: &str, en: &str) {
        self.unwell_since(check, part, level, self.clock.now(), zh, en);
    }

    /// The same, where it is known since when.
    pub fn unwell_since(&self, check: Check, part: &str, level: Level, since: Timestamp, zh: &str, en: &str) {
        let Some(key) = key(check, part) else { return };
        let mut standings = self.lock();
        let standing = standings.entry(key).or_insert(Standing { now: None, told: None, unconfirmed: None });
        standing.unconfirmed = None;
        match &mut standing.now {
            Some((last, ..)) if *last == level => return,
            Some((last, _, found)) => (*last, *found) = (level, Found::new(zh, en)),
            None => standing.now = Some((level, since, Found::new(zh, en))),
        }
        drop(standings);
        warn!(rule = check.rule(), part, level = level.as_str(), "{en}");
        self.changed.notify_one();
    }

    /// A part is well.
    pub fn well(&self, check: Check, part: &str) {
        let Some(key) = key(check, part) else { return };
        let mut standings = self.lock();
        let Some(standing) = standings.get_mut(&key) else { return };
        standing.unconfirmed = None;
        if standing.now.take().is_none() {
            return;
        }
        // What nobody was told of need not be said to be over.
        standings.retain(|_, s| s.now.is_some() || s.told.is_some());
        drop(standings);
        info!(rule = check.rule(), part, "well again");
        self.changed.notify_one();
    }

    /// Tells the city machine what changes, until `stop`.
    pub(super) async fn run(self: Arc<Self>, ingest: Arc<Ingest>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            for finding in self.news() {
                let ((check, part), level, since) =
                    ((finding.check, finding.part.clone()), finding.level, finding.since);
                if ingest.urge(Work::City(Input::Found(Box::new(finding)))).await.is_err() {
                    return;
                }
                self.told(&(check, part), level.map(|level| (level, since)));
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(CONFIRM / 10) => self.let_go(),
                () = stop.cancelled() => {}
            }
        }
    }

    /// What the city machine does not know yet.
    fn news(&self) -> Vec<Finding> {
        let now = self.clock.now();
        let standings = self.lock();
        let mut news = Vec::new();
        for ((check, part), standing) in standings.iter() {
            let finding = |level, since, found| Finding { check: *check, part: part.clone(), level, since, found };
            let wanted = standing.now.as_ref().map(|(level, since, _)| (*level, *since));
            if wanted == standing.told {
                continue;
            }
            // The same alert goes on only where it is the same trouble.
            if standing.told.is_some_and(|(_, told)| wanted.is_none_or(|(_, since)| since != told)) {
                news.push(finding(None, now, Found::default()));
            }
            if let Some((level, since, found)) = standing.now.clone() {
                news.push(finding(Some(level), since, found));
            }
        }
        news
    }

    fn told(&self, key: &(Check, PartId), told: Option<(Level, Timestamp)>) {
        let mut standings = self.lock();
        if let Some(standing) = standings.get_mut(key) {
            standing.told = told;
            if standing.told.is_none() && standing.now.is_none() {
                standings.remove(key);
            }
        }
    }

    /// Lets end what was open at the start and nobody spoke of since.
    fn let_go(&self) {
        let now = Instant::now();
        for standing in self.lock().values_mut() {
            if standing.unconfirmed.is_some_and(|until| until <= now) {
                (standing.unconfirmed, standing.now) = (None, None);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Check, PartId), Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of parts are ours or were checked with the configuration: what is no identifier has no alert.
fn key(check: Check, part: &str) -> Option<(Check, PartId)> {
    PartId::new(part).ok().map(|part| (check, part))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::clock::SystemClock;

    pub(in crate::monitor) fn board() -> Board {
        let clock = Arc::new(EngineClock::new(Box::<SystemClock>::default(), None));
        Board::new(clock, std::iter::empty())
    }

    /// What there is to tell, told.
    pub(in crate::monitor) fn told(board: &Board) -> Vec<String> {
        let news = board.news();
        for finding in &news {
            let told = finding.level.map(|level| (level, finding.since));
            board.told(&(finding.check, finding.part.clone()), told);
        }
        let level = |f: &Finding| f.level.map_or("well", Level::as_str);
        news.iter().map(|f| format!("{} {} {} {}", f.check.rule(), f.part, level(f), &*f.found.en)).collect()
    }

    // Each change is told once, whatever is said again; what was well again before it was told is not told at all.
    #[test]
    fn changes_are_told_once() {
        let board = board();
        board.well(Check::Disk, "data");
        assert_eq!(told(&board), [""; 0]);
        board.unwell(Check::Disk, "data", Level::Yellow, "九", "9 %");
        board.unwell(Check::Disk, "data", Level::Yellow, "八", "8 %");
        assert_eq!(told(&board), ["maibo-disk data yellow 9 %"]);
        board.unwell(Check::Disk, "data", Level::Yellow, "七", "7 %");
        assert_eq!(told(&board), [""; 0]);
        board.unwell(Check::Disk, "data", Level::Red, "零", "0 %");
        board.unwell(Check::Sink, "influx", Level::Yellow, "无", "down");
        board.well(Check::Sink, "influx");
        assert_eq!(told(&board), ["maibo-disk data red 0 %"]);
        board.well(Check::Disk, "data");
        assert_eq!(told(&board), ["maibo-disk data well "]);
        assert!(board.lock().is_empty(), "nothing stays behind");
    }

    // A second trouble of one part is an alert of its own, also where the first one's end was not told yet; a level that
    // changes is not.
    #[test]
    fn another_trouble_is_another_alert() {
        let board = board();
        let begins =
            |since, level| board.unwell_since(Check::Standstill, "pipeline", level, Timestamp(since), "停", "s");
        begins(1_000, Level::Red);
        assert_eq!(told(&board), ["maibo-standstill pipeline red s"]);
        board.well(Check::Standstill, "pipeline");
        begins(30_000, Level::Red);
        assert_eq!(told(&board), ["maibo-standstill pipeline well ", "maibo-standstill pipeline red s"]);
        begins(40_000, Level::Orange);
        assert_eq!(told(&board), ["maibo-standstill pipeline orange s"], "it goes on");
        assert_eq!(told(&board), [""; 0]);
    }
}
