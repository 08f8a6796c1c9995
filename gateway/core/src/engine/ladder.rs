//! One ladder rule on one series: the state machine `inactive ▸ pending ▸ firing(level) ▸ resolved`.
//!
//! Each level is a Schmitt trigger with two timers of its own: the value must stay beyond the limit for `for` before the
//! level is on, and be back by the deadband for `keep_firing_for` before it is off. The episode's level is the highest
//! level that is on. All times here are event times on the series' own clock; `decided` is engine time.
//!
//! **Invariants:** a timer completes only while the value it stands on is fresh, that is until the value's time plus
//! `stale_after`, that moment included, and never in time that Maibo was deaf, unless readings cover it; nothing but
//! readings and fresh held values moves a level. An inactive cell owns no memory beyond itself.

use super::clock::Pace;
use super::level::{Active, Bench, Held, LevelState, NEVER, complete, timer};
use super::mute::Pause;
use crate::alert::{Change, Given, Opening};
use crate::fact::Reason;
use crate::id::{EpisodeId, Subject};
use crate::place::Level;
use crate::registry::Device;
use crate::rule::Threshold;
use crate::time::{Millis, Timestamp};

/// When and why something is told about a cell.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    pub(super) event: Timestamp,
    pub(super) decided: Timestamp,
    pub(super) value: f64,
    /// Instead of the reason that follows from the level's way.
    pub(super) reason: Option<Reason>,
}

/// One ladder rule on one series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    /// Number of the rule in its set.
    pub(super) rule: u32,
    /// Age at which a value is too old for this rule.
    pub(super) stale_after: Millis,
    /// Values strictly between these reach no level: an inactive cell looks no further.
    pub(super) calm: (f64, f64),
    pub(super) active: Option<Box<Active>>,
    /// The identities it gave.
    pub(super) given: Given,
    /// An operator ended its episode against what the values say: nothing begins until no level is reached any more.
    pub(super) latched: bool,
}

impl Cell {
    pub(super) fn new(rule: u32, ladder: &Threshold, device: &Device) -> Self {
        let stale_after = ladder.stale_after.unwrap_or_else(|| device.stale_after());
        Self { rule, stale_after, calm: ladder.calm(), active: None, given: Given::default(), latched: false }
    }

    /// Whether a value leaves the cell as it is.
    pub(super) fn ignores(&self, value: f64) -> bool {
        self.active.is_none() && !self.latched && value > self.calm.0 && value < self.calm.1
    }

    /// The open episode, its level, and whether it stands on old data.
    pub(super) fn firing(&self) -> Option<(EpisodeId, Level, bool)> {
        let active = self.active.as_ref()?;
        active.firing.map(|(id, level)| (id, level, active.stale))
    }

    /// The highest level reached, where nothing is open yet.
    pub(super) fn pending(&self) -> Option<Level> {
        self.active.as_ref().filter(|a| a.firing.is_none()).and_then(|a| a.highest_raw())
    }

    /// Whether going stale would change anything.
    pub(super) fn can_go_stale(&self) -> bool {
        self.active.as_ref().is_some_and(|a| !a.stale)
    }

    /// Event time at which the next timer completes, if the held value is still fresh then.
    pub(super) fn timer(&self, bench: &Bench<'_>, held: Held) -> Option<Timestamp> {
        let active = self.active.as_ref().filter(|a| !a.stale)?;
        let end = held.at + self.stale_after;
        timer(active, bench).filter(|t| *t <= end && bench.pause.leaves(end))
    }

    /// Lets timers complete up to and including `to`, each at its own time, as far as the held value is fresh.
    pub(super) fn advance(&mut self, bench: &mut Bench<'_>, held: Held, to: Timestamp, pace: Pace) {
        let fresh = held.at + self.stale_after;
        if !bench.pause.leaves(fresh) {
            return;
        }
        let end = to.min(fresh);
        // Every turn completes at least one timer of at most four levels, each once on and once off.
        for _ in 0..2 * Level::ALL.len() {
            let Some(active) = &mut self.active else { return };
            let Some(due) = timer(active, bench).filter(|t| *t <= end) else { return };
            complete(active, bench, due, Some(held.at));
            let telling = Telling { event: due, decided: pace.decided(due), value: held.value, reason: None };
            self.tell(bench, telling);
        }
    }

    /// The held value is too old at `event`.
    pub(super) fn go_stale(&mut self, bench: &mut Bench<'_>, event: Timestamp, decided: Timestamp) {
        let Some(active) = self.active.as_mut().filter(|a| !a.stale) else { return };
        let Some((episode, level)) = active.firing else {
            self.active = None;
            return;
        };
        active.stop_timers();
        active.stale = true;
        let historic = decided.since(event) > bench.device.historic_after();
        bench.book.change(
            episode,
            Change {
                level: Some(level),
                stale: true,
                historic,
                value: None,
                threshold: None,
                event,
                decided,
                reason: Reason::DataStale,
            },
        );
    }

    /// Takes a reading. `before` is the value held until now and whether Maibo was deaf since.
    pub(super) fn observe(&mut self, bench: &mut Bench<'_>, before: Option<(Held, bool)>, held: Held, now: Timestamp) {
        if let (Some((before, deaf)), Some(active)) = (before, &mut self.active) {
            let gap = held.at.since(before.at) >= self.stale_after;
            if !deaf || !gap {
                if deaf {
                    active.settle(bench, held.value);
                    bench.pause = Pause::NONE;
                }
                self.advance(bench, before, held.at, Pace::At(now));
            }
            if gap {
                self.lapse();
            }
        }
        bench.pause = Pause::NONE;
        if self.is_shut(bench, Some(held.value)) {
            return;
        }
        if self.active.is_none() {
            // The lowest step is the nearest: what does not reach it reaches none.
            if !bench.ladder.steps.first().is_some_and(|s| bench.ladder.reached(s, held.value)) {
                return;
            }
            self.begin(bench, held.at);
        }
        self.age(bench, held, now);
        let contradicted = self.apply(bench, held);
        if let Some(active) = &mut self.active {
            complete(active, bench, held.at, None);
        }
        let reason = contradicted.then_some(Reason::Contradicted);
        self.tell(bench, Telling { event: held.at, decided: now, value: held.value, reason });
    }

    /// Whether the latch holds; a value that is back behind every limit, as after any alert, opens it.
    pub(super) fn is_shut(&mut self, bench: &Bench<'_>, value: Option<f64>) -> bool {
        let over = |value| bench.ladder.steps.first().is_none_or(|s| bench.ladder.back(s, value));
        self.latched &= !value.is_some_and(over);
        self.latched
    }

    /// An operator ended the episode. What is known of the levels goes with it: the next value is judged afresh.
    pub(super) fn close(&mut self, forced: bool) {
        self.active = None;
        self.latched = forced;
    }

    /// A gap that was not told as stale, because Maibo was deaf or the data came late: timers do not bridge it.
    fn lapse(&mut self) {
        match &mut self.active {
            Some(active) if active.firing.is_some() => active.stop_timers(),
            _ => self.active = None,
        }
    }

    /// Starts pending.
    pub(super) fn begin(&mut self, bench: &mut Bench<'_>, since: Timestamp) {
        if self.given.is_empty() {
            let subject = Subject::Device(bench.device.id.clone());
            self.given = bench.book.spent(&bench.rule.id, &subject).unwrap_or(self.given);
        }
        let n = self.given.next(since);
        let levels = [LevelState::default(); 4];
        self.active = Some(Box::new(Active { since, n, levels, firing: None, stale: false, edited: [false; 4] }));
    }

    /// Data flow. What comes so late that it is already stale moves the levels and freshens nothing.
    fn age(&mut self, bench: &mut Bench<'_>, held: Held, now: Timestamp) {
        let stale = now.since(held.at) >= self.stale_after;
        let Some(active) = self.active.as_mut().filter(|a| a.stale != stale) else { return };
        active.stale = stale;
        let Some((episode, level)) = active.firing else { return };
        let threshold = bench.ladder.step(level).map(|s| bench.ladder.shown_limit(s, held.value));
        let historic = now.since(held.at) > bench.device.historic_after();
        bench.book.change(
            episode,
            Change {
                level: Some(level),
                stale,
                historic,
                value: Some(held.value),
                threshold,
                event: held.at,
                decided: now,
                reason: if stale { Reason::DataStale } else { Reason::DataFresh },
            },
        );
    }

    /// Moves the triggers. True where a level that completed on a held value is contradicted.
    fn apply(&mut self, bench: &Bench<'_>, held: Held) -> bool {
        let Some(active) = &mut self.active else { return false };
        active.edited = [false; 4];
        let mut contradicted = false;
        for step in &bench.ladder.steps {
            let l = &mut active.levels[step.level as usize];
            if l.raw && bench.ladder.back(step, held.value) {
                l.raw = false;
                l.samples = 0;
                l.since = held.at;
                if l.on && held.at < l.held_until {
                    l.on = false;
                    contradicted = true;
                }
            } else if l.raw {
                l.samples = l.samples.saturating_add(1);
            } else if bench.ladder.reached(step, held.value) {
                l.raw = true;
                l.samples = 1;
                l.since = held.at;
            } else if l.on && l.since == NEVER {
                // Back, and the time before the gap does not count.
                l.since = held.at;
            }
            l.held_until = NEVER;
        }
        contradicted
    }

    /// Tells what follows from the levels that are on, and forgets what is over.
    pub(super) fn tell(&mut self, bench: &mut Bench<'_>, telling: Telling) {
        let Some(active) = &mut self.active else { return };
        let level = active.highest_on();
        let reason = match (active.firing, level) {
            (None, Some(_)) => Some(Reason::Threshold),
            (Some((_, old)), Some(new)) if new > old => Some(Reason::Raised),
            (Some((_, old)), Some(new)) if new < old => Some(telling.reason.unwrap_or(Reason::Lowered)),
            (Some(_), None) => Some(telling.reason.unwrap_or(Reason::Recovered)),
            (Some(_), Some(_)) | (None, None) => None,
        };
        if let Some(reason) = reason {
            announce(active, bench, level, reason, telling);
        }
        if active.firing.is_some() {
            return;
        }
        if active.highest_raw().is_none() {
            self.active = None;
        } else if reason.is_some() {
            // Over, but a lower level with a longer `for` is still pending: that is the next episode.
            let levels = active.levels;
            let since = levels.iter().filter(|l| l.raw).map(|l| l.since).min().unwrap_or(active.since);
            self.begin(bench, since);
            if let Some(active) = &mut self.active {
                active.levels = levels;
            }
        }
    }
}

/// Opens, changes or closes the cell's episode.
pub(super) fn announce(active: &mut Active, bench: &mut Bench<'_>, level: Option<Level>, reason: Reason, t: Telling) {
    // A resolved alert shows the limit of its last level.
    let shown = level.or(active.firing.map(|(_, l)| l)).and_then(|l| bench.ladder.step(l));
    let change = Change {
        level,
        stale: active.stale,
        historic: t.decided.since(t.event) > bench.device.historic_after(),
        value: Some(t.value),
        threshold: shown.map(|s| bench.ladder.shown_limit(s, t.value)),
        event: t.event,
        decided: t.decided,
        reason,
    };
    match (active.firing, level) {
        (None, Some(level)) => {
            let subject = Subject::Device(bench.device.id.clone());
            let episode = EpisodeId::derive(&bench.rule.id, &subject, active.since, active.n);
            let opening = Opening {
                episode,
                rule: bench.rule.id.clone(),
                subject,
                quantity: Some(bench.ladder.quantity.clone()),
                place: Some(bench.device.place.clone()),
                domain: bench.rule.domain,
                started_at: active.since,
            };
            bench.book.open(opening, level, change);
            active.firing = Some((episode, level));
        }
        (Some((episode, _)), _) => {
            bench.book.change(episode, change);
            active.firing = level.map(|l| (episode, l));
        }
        (None, None) => {}
    }
}
