//! One threshold on one series: the state machine `inactive ▸ pending ▸ firing(level) ▸ resolved`.
//!
//! Each level of each term is a Schmitt trigger with two timers of its own: the value must stay beyond the limit for `for`
//! before the level is on, and be back by the deadband for `keep_firing_for` before it is off. The episode's level is the
//! highest level that is on in any term. All times here are event times on the series' own clock; `decided` is engine time.
//!
//! **Invariants:** a timer completes only while the value it stands on is fresh, that is until the value's time plus
//! `stale_after`, that moment included, and never in time that Maibo was deaf, unless readings cover it; nothing but
//! readings and fresh held values moves a level. An inactive cell owns no memory beyond itself.

use super::air;
use super::clock::Pace;
use super::level::{Active, Bench, LevelState, NEVER, complete, timer};
use super::mute::Pause;
use super::sight::Sight;
use crate::alert::{Change, Given, Opening};
use crate::fact::{Measure, Reason};
use crate::id::{EpisodeId, Subject};
use crate::limit;
use crate::place::Level;
use crate::registry::Device;
use crate::rule::{Signal, Term, Threshold};
use crate::time::{Millis, Timestamp};

/// When and why something is told about a cell.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    pub(super) event: Timestamp,
    pub(super) decided: Timestamp,
    /// `None` where no value stands behind it.
    pub(super) sight: Option<Sight>,
    /// Instead of the reason that follows from the level's way.
    pub(super) reason: Option<Reason>,
}

/// One threshold on one series.
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
    /// The period of the rule's schedule that holds; `None`: asleep.
    pub(super) period: Option<u8>,
    /// When another one does, event time.
    pub(super) edge: Timestamp,
}

impl Cell {
    /// An inactive cell; `at` is the event time it begins at.
    pub(super) fn new(rule: u32, ladder: &Threshold, device: &Device, at: Timestamp) -> Self {
        Self {
            rule,
            stale_after: stale_after(ladder, device),
            calm: ladder.calm(),
            active: None,
            given: Given::default(),
            latched: false,
            period: ladder.period(at),
            edge: ladder.edge(at),
        }
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

    /// Event time at which the next timer completes, if the value held since `held` is still fresh then.
    pub(super) fn timer(&self, bench: &Bench<'_>, held: Timestamp) -> Option<Timestamp> {
        let active = self.active.as_ref().filter(|a| !a.stale)?;
        let end = held + self.stale_after;
        timer(active, bench, bench.ladder.terms(self.period)).filter(|t| *t <= end && bench.pause.leaves(end))
    }

    /// Lets timers complete and periods begin up to and including `to`, each at its own time; timers only as far as the
    /// held value is fresh. A timer that is due when a period ends completes in it.
    pub(super) fn advance(&mut self, bench: &mut Bench<'_>, sight: &Sight, to: Timestamp, pace: Pace) {
        let fresh = sight.at + self.stale_after;
        let counts = bench.pause.leaves(fresh);
        self.bound_edges(to);
        // Every turn completes a timer of a level, which is then on or off, or passes an edge.
        loop {
            let terms = bench.ladder.terms(self.period);
            let timer = self.active.as_ref().filter(|_| counts).and_then(|a| timer(a, bench, terms));
            match timer.filter(|t| *t <= to.min(fresh)) {
                Some(due) if due <= self.edge => {
                    let Some(active) = &mut self.active else { return };
                    complete(active, bench, terms, due, Some(sight.at));
                    let decided = pace.decided(due);
                    self.tell(bench, Telling { event: due, decided, sight: Some(*sight), reason: None });
                }
                _ if self.edge <= to => {
                    let is_fresh = sight.came_with < self.stale_after && self.edge <= fresh;
                    let known = counts && is_fresh && self.active.as_ref().is_none_or(|a| !a.stale);
                    self.turn(bench, known.then_some(sight), pace);
                }
                _ => return,
            }
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
        let event = bench.book.moved(episode, event);
        let historic = decided.since(event) > bench.device.historic_after();
        bench.book.change(
            episode,
            Change {
                level: Some(level),
                stale: true,
                historic,
                value: None,
                threshold: None,
                measure: None,
                found: None,
                event,
                decided,
                reason: Reason::DataStale,
                by: None,
            },
        );
    }

    /// Takes a reading. `before` is what was seen until now and whether Maibo was deaf since.
    pub(super) fn observe(
        &mut self,
        bench: &mut Bench<'_>,
        before: Option<(Sight, bool)>,
        sight: &Sight,
        now: Timestamp,
    ) {
        let concerned = self.active.is_some() || self.edge <= sight.at;
        if let Some((before, deaf)) = before.filter(|_| concerned) {
            let gap = sight.at.since(before.at) >= self.stale_after;
            if !deaf || !gap {
                if deaf {
                    if let Some(active) = &mut self.active {
                        active.settle(bench, bench.ladder.terms(self.period), sight);
                    }
                    bench.pause = Pause::NONE;
                }
                self.advance(bench, &before, sight.at, Pace::At(now));
            }
            if gap {
                self.lapse();
            }
        }
        bench.pause = Pause::NONE;
        self.catch_up(bench, sight.at, Pace::At(now));
        if self.is_shut(bench, Some(sight)) {
            return;
        }
        let terms = bench.ladder.terms(self.period);
        if self.active.is_none() {
            if !sight.reaches_any(terms) {
                return;
            }
            self.begin(bench, sight.at);
        }
        self.age(bench, sight, now);
        let contradicted = self.apply(terms, sight);
        if let Some(active) = &mut self.active {
            complete(active, bench, terms, sight.at, None);
        }
        let reason = contradicted.then_some(Reason::Contradicted);
        self.tell(bench, Telling { event: sight.at, decided: now, sight: Some(*sight), reason });
    }

    /// Whether the latch holds; values that are back behind every limit, as after any alert, open it.
    pub(super) fn is_shut(&mut self, bench: &Bench<'_>, sight: Option<&Sight>) -> bool {
        if self.latched {
            let terms = bench.ladder.terms(self.period);
            self.latched = !sight.is_some_and(|s| s.is_back_behind_all(terms));
        }
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
        self.active = Some(Box::new(Active::new(since, n, bench.ladder.first().len())));
    }

    /// Data flow. What comes so late that it is already stale moves the levels and freshens nothing.
    fn age(&mut self, bench: &mut Bench<'_>, sight: &Sight, now: Timestamp) {
        let stale = now.since(sight.at) >= self.stale_after;
        let Some(active) = self.active.as_mut().filter(|a| a.stale != stale) else { return };
        active.stale = stale;
        let Some((episode, level)) = active.firing else { return };
        let value = sight.value(active.shown);
        let term = bench.ladder.terms(self.period).get(usize::from(active.shown));
        let threshold = value.and_then(|v| shown_limit(term?, level, v));
        let event = bench.book.moved(episode, sight.at);
        let historic = now.since(event) > bench.device.historic_after();
        let reason = if stale { Reason::DataStale } else { Reason::DataFresh };
        let change = Change {
            level: Some(level),
            stale,
            historic,
            value,
            threshold,
            measure: None,
            found: None,
            event,
            decided: now,
            reason,
            by: None,
        };
        bench.book.change(episode, change);
    }

    /// Moves the triggers. True where a level that completed on a held value is contradicted.
    fn apply(&mut self, terms: &[Term], sight: &Sight) -> bool {
        let Some(active) = &mut self.active else { return false };
        let mut contradicted = false;
        for ((term, state), seen) in terms.iter().zip(active.terms_mut()).zip(sight.seen) {
            if seen.value.is_nan() {
                state.levels.iter_mut().for_each(|l| l.held_until = NEVER);
                continue;
            }
            state.edited = [false; 4];
            for step in &term.steps {
                let l = &mut state.levels[step.level as usize];
                if l.raw && seen.is_back(term, step) {
                    l.raw = false;
                    l.samples = 0;
                    (l.since, l.later) = (sight.at, None);
                    if l.on && sight.at < l.held_until {
                        l.on = false;
                        contradicted = true;
                    }
                } else if l.raw {
                    l.samples = l.samples.saturating_add(1);
                } else if seen.reaches(term, step) {
                    *l = LevelState { raw: true, samples: 1, since: sight.at, later: None, ..*l };
                } else if l.on && l.since == NEVER && seen.may_fall() {
                    // Back, and the time before the gap does not count.
                    (l.since, l.later) = (sight.at, None);
                }
                l.held_until = NEVER;
            }
        }
        contradicted
    }

    /// Tells what follows from the levels that are on, and forgets what is over.
    pub(super) fn tell(&mut self, bench: &mut Bench<'_>, telling: Telling) {
        let terms = bench.ladder.terms(self.period);
        let Some(active) = &mut self.active else { return };
        let level = active.highest_on().map(|(level, _)| level);
        let reason = match (active.firing, level) {
            (None, Some(_)) => Some(Reason::Threshold),
            (Some((_, old)), Some(new)) if new > old => Some(Reason::Raised),
            (Some((_, old)), Some(new)) if new < old => Some(telling.reason.unwrap_or(Reason::Lowered)),
            (Some(_), None) => Some(telling.reason.unwrap_or(Reason::Recovered)),
            (Some(_), Some(_)) | (None, None) => None,
        };
        if let Some(reason) = reason {
            announce(active, bench, terms, reason, telling);
        }
        if active.firing.is_some() {
            return;
        }
        if active.highest_raw().is_none() {
            self.active = None;
        } else if reason.is_some() {
            // Over, but a lower level with a longer `for` is still pending: that is the next episode.
            let Some(over) = self.active.take() else { return };
            let since = over.levels().filter(|l| l.raw).map(|l| l.since).min().unwrap_or(over.since);
            self.begin(bench, since);
            if let Some(active) = &mut self.active {
                active.stale = over.stale;
                active.take_levels(*over);
            }
        }
    }
}

/// Age at which a value is too old for a rule: what the rule says, else by how often the quantity has a value.
pub(super) fn stale_after(ladder: &Threshold, device: &Device) -> Millis {
    let derived = || air::interval(&ladder.quantity).map(|i| i.times(limit::STALE_INTERVALS));
    ladder.stale_after.or_else(derived).unwrap_or_else(|| device.stale_after())
}

/// The number to show as the limit of a level.
pub(super) fn shown_limit(term: &Term, level: Level, value: f64) -> Option<f64> {
    term.step(level).map(|s| term.shown_limit(s, value))
}

/// Opens, changes or closes the cell's episode by the levels that are on.
pub(super) fn announce(active: &mut Active, bench: &mut Bench<'_>, terms: &[Term], reason: Reason, t: Telling) {
    let on = active.highest_on();
    let level = on.map(|(level, _)| level);
    if let Some((_, term)) = on {
        active.shown = term;
    }
    let value = t.sight.and_then(|s| s.value(active.shown));
    // A resolved alert shows the limit of its last level.
    let shown = level.or(active.firing.map(|(_, l)| l));
    let last = || active.firing.and_then(|(e, _)| bench.book.get(e)).and_then(|r| r.transition.value);
    let term = terms.get(usize::from(active.shown));
    let threshold = shown.and_then(|l| shown_limit(term?, l, value.or_else(last).unwrap_or_default()));
    let event = active.firing.map_or(t.event.max(active.since), |(e, _)| bench.book.moved(e, t.event));
    // Of a rule on the last value alone it goes without saying.
    let expression = bench.ladder.expression.as_deref();
    let told = term.filter(|t| expression.is_some() || terms.len() > 1 || t.signal != Signal::Last);
    let measure = told.map(|t| Measure::new(t.signal, t.window).of(expression));
    let change = Change {
        level,
        measure,
        found: None,
        stale: active.stale,
        historic: t.decided.since(event) > bench.device.historic_after(),
        value,
        threshold,
        event,
        decided: t.decided,
        reason,
        by: None,
    };
    match (active.firing, level) {
        (None, Some(level)) => {
            let subject = Subject::Device(bench.device.id.clone());
            let episode = EpisodeId::derive(&bench.rule.id, &subject, active.since, active.n);
            let opening = Opening {
                episode,
                rule: bench.rule.id.clone(),
                subject,
                quantity: bench.ladder.shown().cloned(),
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
