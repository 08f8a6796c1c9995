//! §6, §7: a threshold rule on one device: its triggers, and what they come to.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::catalogue::Entry;
use crate::episode::{Episode, Shown, Teller};
use crate::pack::Ladder;
use crate::series::{Held, Series};
use crate::signal::{Said, said};
use crate::{Level, Ms};

/// Where one level of one term stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Stand {
    #[default]
    Off,
    /// Raised and not on: `for` runs since then, `later` by time lost to deafness.
    Raised { since: Ms, samples: u32, later: Ms },
    /// Raised and on.
    On,
    /// On and back: `keep_firing_for` runs.
    Back { since: Ms, later: Ms },
    /// On and not raised, and no time runs: it begins with the next reading.
    Stopped,
}

/// One level of one term.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trigger {
    pub(crate) stand: Stand,
    /// When `for` completed between readings, until the next reading.
    pub(crate) by_itself: Option<Ms>,
    /// §12: its limit was edited and no value has judged it since.
    pub(crate) unjudged: bool,
}

/// A threshold rule on one device.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// The rule, with all its periods.
    pub(crate) rule: Ladder,
    /// The same with the limits that are judged by.
    pub(crate) ladder: Ladder,
    /// §8: the event time up to which edges between periods were passed.
    pub(crate) at: Ms,
    pub(crate) device: Entry,
    pub(crate) triggers: Vec<BTreeMap<Level, Trigger>>,
    /// What each term says.
    pub(crate) said: Vec<Said>,
    /// §7: whether what is pending or open is marked as standing on a value that is stale for this rule: when the value comes,
    /// or when its time is over, until the next reading.
    pub(crate) stale: bool,
    /// Since when it is pending, and the number of its episode.
    pub(crate) pending: Option<(Ms, u32)>,
    pub(crate) episode: Option<Episode>,
    /// An operator closed it by force: nothing is raised until the value was back behind every limit.
    pub(crate) latched: bool,
    /// The term whose value and limit were told last, while an episode is open.
    pub(crate) told_of: Option<usize>,
    /// While an edit is judged: what was the ladder before it.
    pub(crate) was: Option<Ladder>,
}

/// What brought a change about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Value,
    Contradicted,
    Edit,
    /// An edit without a value to judge by.
    Unheard,
    /// An edge between periods.
    Calendar,
    /// One without a value to judge by.
    CalendarUnheard,
}

impl Trigger {
    pub(crate) fn is_on(&self) -> bool {
        matches!(self.stand, Stand::On | Stand::Back { .. } | Stand::Stopped)
    }

    /// Since when it is raised and not on.
    fn raised(&self) -> Option<Ms> {
        match self.stand {
            Stand::Raised { since, .. } => Some(since),
            _ => None,
        }
    }
}

impl Cell {
    /// A rule on a device that it did not judge before.
    pub(crate) fn new(rule: Ladder, device: Entry, series: &Series, at: Ms) -> Self {
        let said = said(&rule, series, rule.stale_after(&device));
        let ladder = rule.at(at);
        let unjudged = Trigger { unjudged: true, ..Trigger::default() };
        let triggers = ladder.terms.iter().map(|t| t.levels.keys().map(|l| (*l, unjudged)).collect()).collect();
        Self {
            rule,
            ladder,
            at,
            device,
            triggers,
            said,
            stale: false,
            pending: None,
            episode: None,
            latched: false,
            told_of: None,
            was: None,
        }
    }

    pub(crate) fn stale_after(&self) -> Ms {
        self.ladder.stale_after(&self.device)
    }

    /// All triggers with their term and level, to be changed.
    pub(crate) fn each(&mut self, mut change: impl FnMut(usize, Level, &mut Trigger)) {
        for (term, levels) in self.triggers.iter_mut().enumerate() {
            for (level, trigger) in levels {
                change(term, *level, trigger);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (usize, Level, &Trigger)> {
        let of_term = |(term, levels)| std::iter::repeat(term).zip(levels);
        self.triggers.iter().enumerate().flat_map(of_term).map(|(term, (level, trigger))| (term, *level, trigger))
    }

    /// When a trigger's time is over, by the series' clock.
    fn due(&self, series: &Series, level: Level, trigger: &Trigger) -> Option<Ms> {
        let (since, length, later) = match trigger.stand {
            Stand::Raised { since, samples, later } if samples >= self.ladder.min_samples(level, &self.device) => {
                (since, self.ladder.hold(level), later)
            }
            Stand::Back { since, later } => (since, self.ladder.keep(level), later),
            _ => return None,
        };
        let due = since + length + later;
        match counts_from(series) {
            Some(from) if since < from => {
                let due = due + series.hearing.lost;
                // §7: nothing completes in deaf time, and nothing by a value that waits.
                let runs = !self.waits(series) || due >= from;
                runs.then_some(due)
            }
            _ => Some(due),
        }
    }

    /// The first of all times that are over, with what it is.
    pub(crate) fn first_due(&self, series: &Series) -> Option<Ms> {
        self.all().filter_map(|(_, level, trigger)| self.due(series, level, trigger)).min()
    }

    /// §6: everything due up to `until` completes, all at the moment `at`. Says whether anything did.
    pub(crate) fn complete(&mut self, series: &Series, until: Ms, at: Ms) -> bool {
        let due = |level, trigger: &Trigger| self.due(series, level, trigger).is_some_and(|due| due <= until);
        let over: Vec<_> = self.all().filter(|(_, l, t)| due(*l, t)).map(|(term, level, _)| (term, level)).collect();
        self.each(|term, level, trigger| {
            if over.contains(&(term, level)) {
                match trigger.stand {
                    Stand::Raised { .. } => {
                        trigger.stand = Stand::On;
                        trigger.by_itself = Some(at);
                    }
                    _ => trigger.stand = Stand::Off,
                }
            }
        });
        !over.is_empty()
    }

    /// §7: what nothing bridges: levels that are not on are forgotten, a running `keep_firing_for` stops.
    pub(crate) fn stop(&mut self) {
        self.each(|_, _, trigger| {
            trigger.stand = match trigger.stand {
                Stand::Raised { .. } => Stand::Off,
                Stand::Back { .. } => Stand::Stopped,
                other => other,
            }
        });
        self.pending = None;
    }

    /// An operator closed the episode: all begins anew.
    pub(crate) fn close(&mut self, latched: bool) {
        self.each(|_, _, trigger| *trigger = Trigger { unjudged: trigger.unjudged, ..Trigger::default() });
        (self.pending, self.episode, self.told_of) = (None, None, None);
        self.latched = latched;
        self.forget_stale();
    }

    /// Whether it is still closed by force. What the terms say opens it where one is back behind all its limits, and all that
    /// say anything are.
    pub(crate) fn is_latched(&mut self) -> bool {
        let back = |term: usize| self.triggers[term].keys().all(|l| self.said[term].back(&self.ladder.terms[term], *l));
        let mut says = (0..self.triggers.len()).filter(|term| self.said[*term].value.is_some()).peekable();
        let over = says.peek().is_some() && says.all(back);
        self.latched &= !over;
        self.latched
    }

    /// §6: the highest level that is on, and the first term that has it.
    pub(crate) fn level(&self) -> Option<(Level, usize)> {
        let on = |level: Level| self.all().find(|(_, l, t)| *l == level && t.is_on()).map(|(term, _, _)| term);
        Level::ALL.into_iter().rev().find_map(|level| on(level).map(|term| (level, term)))
    }

    /// §12: in an open episode no timer is waited for: the highest level that is raised is on.
    pub(crate) fn wait_for_nothing(&mut self) {
        if self.episode.is_some() && self.level().is_none() {
            let highest = self.all().filter(|(_, _, t)| t.raised().is_some()).map(|(_, level, _)| level).max();
            self.each(|_, level, trigger| {
                if Some(level) == highest && trigger.raised().is_some() {
                    trigger.stand = Stand::On;
                }
            });
        }
    }

    /// §6: what the triggers of one moment come to.
    pub(crate) fn conclude(&mut self, event: Ms, why: Why, to: &mut Teller<'_>) {
        let level = self.level();
        let Some(mut episode) = self.episode.take() else {
            let raised = self.all().any(|(_, _, t)| t.raised().is_some());
            if let Some((level, term)) = level {
                let pending = self.pending.take().unwrap_or_else(|| (event, to.number(event)));
                self.episode = Some(Episode::new(pending, level, self.stale, to));
                self.show(level, term, why);
                self.tell(event, true, "threshold", to);
            } else if raised {
                self.pending.get_or_insert_with(|| (event, to.number(event)));
            } else {
                self.pending = None;
                self.forget_stale();
            }
            return;
        };
        let before = episode.level;
        let Some((level, term)) = level else {
            let term = self.told_of.expect("an open episode has a limit");
            self.episode = Some(episode);
            self.show(before, term, why);
            let reason = match why {
                Why::Value => "recovered",
                Why::Contradicted => "contradicted",
                Why::Edit | Why::Unheard => "rule_changed",
                Why::Calendar | Why::CalendarUnheard => "calendar",
            };
            self.tell(event, false, reason, to);
            self.episode = None;
            self.told_of = None;
            // §6, after a resolution: what is raised is the next episode.
            let earliest = self.all().filter_map(|(_, _, t)| t.raised()).min();
            self.pending = earliest.map(|since| (since, to.number(since)));
            self.forget_stale();
            return;
        };
        episode.level = level;
        self.episode = Some(episode);
        let limit = |ladder: &Ladder| ladder.terms[term].levels.get(&level).copied();
        let another = self.was.as_ref().is_some_and(|was| limit(was) != limit(&self.ladder));
        let before_shown = self.episode.as_ref().and_then(|e| e.shown.threshold);
        let moved = another && self.shown(level, term, why).threshold != before_shown;
        let reason = match (level.cmp(&before), why) {
            (Ordering::Equal, Why::Edit | Why::Unheard) if moved => "rule_changed",
            (Ordering::Equal, Why::Calendar | Why::CalendarUnheard) if moved => "calendar",
            (Ordering::Equal, _) => return,
            (_, Why::Edit | Why::Unheard) => "rule_changed",
            (_, Why::Calendar | Why::CalendarUnheard) => "calendar",
            (Ordering::Greater, _) => "raised",
            (Ordering::Less, Why::Contradicted) => "contradicted",
            (Ordering::Less, Why::Value) => "lowered",
        };
        self.show(level, term, why);
        self.tell(event, true, reason, to);
    }

    /// §6: the value and limit that are shown.
    fn shown(&self, level: Level, term: usize, why: Why) -> Shown {
        let before = self.episode.as_ref().map_or_else(Shown::default, |e| e.shown);
        let unheard = matches!(why, Why::Unheard | Why::CalendarUnheard);
        let value = if unheard { before.value } else { self.said[term].value.or(before.value) };
        // A limit that an edit took away is shown as it was.
        Shown { value, threshold: self.ladder.terms[term].shown(level, value).or(before.threshold) }
    }

    /// Takes them over.
    fn show(&mut self, level: Level, term: usize, why: Why) {
        let shown = self.shown(level, term, why);
        if let Some(episode) = &mut self.episode {
            episode.shown = shown;
        }
        self.told_of = Some(term);
    }

    /// Tells a transition of the open episode as it stands.
    pub(crate) fn tell(&mut self, event: Ms, firing: bool, reason: &'static str, to: &mut Teller<'_>) {
        if let Some(episode) = &mut self.episode {
            episode.tell(event, firing, reason, to);
        }
    }

    /// §7: a reading marks an open episode stale or fresh, and its value is shown.
    pub(crate) fn mark_by_reading(&mut self, event: Ms, stale: bool, to: &mut Teller<'_>) {
        if let (Some(level), Some(term)) =
            (self.episode.as_ref().filter(|e| e.stale != stale).map(|e| e.level), self.told_of)
        {
            self.show(level, term, Why::Value);
            self.mark(event, stale, to);
        }
    }

    /// §7: marks an open episode stale or fresh, and tells it. What is shown is what was shown before.
    fn mark(&mut self, event: Ms, stale: bool, to: &mut Teller<'_>) {
        if let Some(episode) = self.episode.as_mut().filter(|e| e.stale != stale) {
            episode.stale = stale;
            episode.tell(event, true, if stale { "data_stale" } else { "data_fresh" }, to);
        }
    }

    /// §7: when the held value goes stale for this rule, in engine time.
    pub(crate) fn stale_at(&self, series: &Series, held: &Held) -> Option<Ms> {
        let active = self.episode.is_some() || self.pending.is_some();
        if !active || self.stale || series.hearing.deaf.is_some() {
            return None;
        }
        Some(series.hearing.listened.unwrap_or(held.taken()) + self.stale_after())
    }

    /// §7: whether the held value was too old to count when Maibo listened again.
    pub(crate) fn waits(&self, series: &Series) -> bool {
        let (Some(listened), Some(held)) = (series.hearing.listened, series.held) else { return false };
        listened >= held.taken() + self.stale_after()
    }

    /// Only what is pending or firing is stale.
    pub(crate) fn forget_stale(&mut self) {
        self.stale &= self.episode.is_some() || self.pending.is_some();
    }

    /// §7: it goes stale.
    pub(crate) fn go_stale(&mut self, event: Ms, to: &mut Teller<'_>) {
        self.stale = true;
        self.stop();
        self.mark(event, true, to);
        self.forget_stale();
    }

    /// §7: whether the held value counts at engine time `now`, when an edit asks: fresh and heard.
    pub(crate) fn counts(&self, series: &Series, now: Ms) -> bool {
        series.held.is_some_and(|held| !self.is_old(&held, now)) && !self.stale && series.hearing.deaf.is_none()
    }

    /// §7: whether the held value is stale for this rule at engine time `now`.
    pub(crate) fn is_old(&self, held: &Held, now: Ms) -> bool {
        held.came_with >= self.stale_after() || now >= held.taken() + self.stale_after()
    }
}

/// §7: the event time from which on a series is heard again: listening − lag. Timers that began before it end later by the
/// time lost.
pub(crate) fn counts_from(series: &Series) -> Option<Ms> {
    let lag = series.held.map_or(0, |h| h.lag);
    series.hearing.listened.map(|listened| listened - lag)
}
