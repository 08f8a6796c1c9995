//! The book of open alerts of one machine.
//!
//! **Invariants:** every change of a record drafts exactly one fact, with a version one above the last; the times of what
//! values and silence say never go back within an episode; a resolved episode is out of the book. Drafts stay here until the end of the step, when they
//! get their order and their cause.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::flaps::AllFlaps;
use super::{Flaps, Given, Waiting};
use crate::engine::Output;
use crate::fact::{Body, Cause, ENGINE_VERSION, Fact, Measure, Reason, Stamp, State, Transition};
use crate::id::{Actor, EpisodeId, PartitionId, PlaceCode, Position, Quantity, RuleId, Subject, Version};
use crate::input::Found;
use crate::limit;
use crate::place::{Domain, Level};
use crate::rule::RuleSet;
use crate::time::Timestamp;

/// What is known about one open episode.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Record {
    /// The alert as of its latest version.
    #[n(0)]
    pub(crate) transition: Transition,
    /// The latest version that an operator's command made, and whose; what only says something does not count.
    #[n(1)]
    pub(crate) operator: Option<(u32, Actor)>,
    /// The latest version in which the level rose.
    #[n(2)]
    pub(crate) rose: u32,
    /// The latest event time of the episode. That data went stale, or what people did, is no event of it: a value measured
    /// before can still come, and keeps its time.
    #[n(3)]
    pub(crate) latest: Timestamp,
    /// While nobody took notice of it.
    #[n(4)]
    pub(crate) waiting: Option<Waiting>,
    /// The latest version that a command of anybody but the latest operator made; 0: none.
    #[n(5)]
    #[cbor(default)]
    pub(crate) other: u32,
    /// Opened by a rule on trial: its facts are [`Body::Shadow`], nobody is reminded of it, and no command finds it. An
    /// episode stays on the side it opened on.
    #[n(6)]
    #[cbor(default)]
    pub(crate) shadow: bool,
}

impl Record {
    /// The fact of its latest version.
    pub(crate) fn body(&self) -> Body {
        let transition = Box::new(self.transition.clone());
        if self.shadow { Body::Shadow(transition) } else { Body::Transition(transition) }
    }

    /// An operator's command made this version.
    pub(crate) fn acted(&mut self, version: u32, actor: &Actor) {
        if let Some((last, by)) = &self.operator
            && by != actor
        {
            self.other = *last;
        }
        self.operator = Some((version, actor.clone()));
    }

    /// Whether somebody else's command came behind the version that `actor` saw.
    pub(super) fn overtaken(&self, actor: &Actor, seen: u32) -> bool {
        self.operator
            .as_ref()
            .is_some_and(|(version, by)| if by == actor { self.other > seen } else { *version > seen })
    }

    /// Goes on to the next version: what belonged to the last one only is gone.
    pub(super) fn next_version(&mut self, reason: Reason) {
        let t = &mut self.transition;
        t.version += 1;
        t.reason = reason;
        if let Some(handling) = &mut t.handling {
            (handling.said, handling.reminder, handling.noted, handling.missed) = (None, None, None, None);
        }
    }
}

/// What a cell that is gone gave.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Spent {
    #[n(0)]
    pub(crate) given: Given,
    /// Engine time at which it went.
    #[n(1)]
    pub(crate) at: Timestamp,
}

/// What an episode starts with.
pub(crate) struct Opening {
    pub(crate) episode: EpisodeId,
    pub(crate) rule: RuleId,
    pub(crate) subject: Subject,
    pub(crate) quantity: Option<Quantity>,
    pub(crate) place: Option<PlaceCode>,
    pub(crate) domain: Domain,
    pub(crate) started_at: Timestamp,
}

/// How an episode stands after something happened to it.
#[derive(Clone)]
pub(crate) struct Change {
    /// `None`: over.
    pub(crate) level: Option<Level>,
    pub(crate) stale: bool,
    pub(crate) historic: bool,
    /// Where `None`, the last one stays.
    pub(crate) value: Option<f64>,
    /// Where `None`, the last one stays.
    pub(crate) threshold: Option<f64>,
    /// What the value was computed from, where it is not the last one. Where `None`, the last one stays.
    pub(crate) measure: Option<Measure>,
    /// What Maibo found about itself, or what a drill plays. Where `None`, the last one stays.
    pub(crate) found: Option<Found>,
    /// When it happened, event time.
    pub(crate) event: Timestamp,
    /// When it was decided, engine time.
    pub(crate) decided: Timestamp,
    pub(crate) reason: Reason,
    /// Who, where a person did it.
    pub(crate) by: Option<Actor>,
}

/// All open episodes of one machine, and the facts of the step under way.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(super) open: BTreeMap<EpisodeId, Record>,
    drafts: Vec<Fact>,
    rules: Version,
    /// The rules on trial.
    trials: BTreeSet<RuleId>,
    spent: BTreeMap<(RuleId, Subject), Spent>,
    flaps: AllFlaps,
    /// When something is due about open episodes; follows from the records.
    pub(super) timers: BTreeSet<(Timestamp, EpisodeId)>,
}

impl Book {
    /// The rule set that facts from here on name, and whose rules on trial are not told.
    pub(crate) fn judge_by(&mut self, version: Version, rules: &RuleSet) {
        self.rules = version;
        self.trials = rules.shadows().map(|r| r.id.clone()).collect();
    }

    /// The event time that something gets that happens to an episode at `event`: within one episode it never goes back.
    pub(crate) fn moved(&self, episode: EpisodeId, event: Timestamp) -> Timestamp {
        self.get(episode).map_or(event, |record| event.max(record.latest))
    }

    /// Opens an episode with its first fact.
    pub(crate) fn open(&mut self, opening: Opening, level: Level, change: Change) {
        let mut transition = Transition {
            episode: opening.episode,
            version: 1,
            rule: opening.rule,
            subject: opening.subject,
            quantity: opening.quantity,
            place: opening.place,
            domain: opening.domain,
            state: State::Firing,
            level,
            peak: level,
            stale: change.stale,
            historic: change.historic,
            value: change.value,
            threshold: change.threshold,
            started_at: opening.started_at,
            at: change.event.max(opening.started_at),
            resolved_at: None,
            acknowledged: None,
            reason: change.reason,
            handling: None,
            measure: change.measure.map(Box::new),
            found: change.found.map(Box::new),
        };
        let (at, now) = (transition.at, change.decided);
        // Who repeats a drill means to.
        let flapping = !transition.is_drill() && self.flaps.open(&transition.rule, &transition.subject, at, now);
        let handling = transition.handling_mut();
        handling.stamps.published = Some(Stamp { at: now, by: None });
        handling.flapping = flapping;
        let shadow = self.trials.contains(&transition.rule);
        let operator = change.by.clone().map(|by| (1, by));
        let mut record = Record { transition, operator, rose: 1, latest: at, waiting: None, other: 0, shadow };
        self.draft(now, change.by, record.body());
        record.wind(true, now);
        self.put(record);
    }

    /// Changes an open episode, or ends it. An episode that is not open stays so.
    pub(crate) fn change(&mut self, episode: EpisodeId, change: Change) {
        let Some(mut record) = self.take(episode) else { return };
        let now = change.decided;
        record.next_version(change.reason);
        let t = &mut record.transition;
        t.at = change.event.max(record.latest);
        if change.reason != Reason::DataStale {
            record.latest = t.at;
        }
        t.stale = change.stale;
        t.historic = change.historic;
        t.value = change.value.or(t.value);
        t.threshold = change.threshold.or(t.threshold);
        if let Some(measure) = change.measure {
            t.measure = Some(Box::new(measure));
        }
        // Of an event each report says anew when it begins.
        if change.found.is_some() || matches!(t.subject, Subject::Event { .. }) {
            t.found = change.found.map(Box::new);
        }
        let rises = change.level.is_some_and(|level| level > t.level);
        if let Some(level) = change.level {
            t.level = level;
            t.peak = t.peak.max(level);
        }
        if rises {
            record.rose = t.version;
            t.handling_mut().silenced = None;
        }
        if t.is_flapping() {
            t.handling_mut().flapping = self.flaps.goes_on(&t.rule, &t.subject, t.at, now);
        }
        if change.level.is_none() {
            t.resolved_at = Some(t.at);
            self.end(&mut record, None, now);
        }
        if let Some(by) = &change.by {
            record.acted(record.transition.version, by);
        }
        record.wind(rises, now);
        self.settle(record, change.by, now);
    }

    /// Ends an episode: nothing of it stays silenced.
    pub(super) fn end(&mut self, record: &mut Record, by: Option<Actor>, now: Timestamp) {
        let t = &mut record.transition;
        t.state = State::Resolved;
        self.flaps.end(&t.rule, &t.subject, t.at, now);
        let handling = t.handling_mut();
        handling.silenced = None;
        handling.stamps.archived = Some(Stamp { at: now, by });
    }

    /// Writes the fact of the version that a record was brought to, and keeps the record while it is open.
    pub(super) fn settle(&mut self, record: Record, actor: Option<Actor>, now: Timestamp) {
        self.draft(now, actor, record.body());
        if record.transition.state == State::Firing {
            self.put(record);
        }
    }

    /// What is remembered of openings.
    pub(crate) fn flaps(&self, now: Option<Timestamp>) -> Vec<Flaps> {
        self.flaps.saved(now)
    }

    /// Remembers what [`Self::flaps`] gave.
    pub(crate) fn remember(&mut self, flaps: Vec<Flaps>) {
        self.flaps.restore(flaps);
    }

    /// A value came that changes nothing else: it is shown from the next fact on.
    pub(crate) fn note_value(&mut self, episode: EpisodeId, value: f64) {
        if let Some(record) = self.open.get_mut(&episode) {
            record.transition.value = Some(value);
        }
    }

    /// Remembers what a cell that goes gave: the rule or device may come back, and no identity must be given twice.
    pub(crate) fn spend(&mut self, rule: &RuleId, subject: Subject, spent: Spent) {
        if !spent.given.is_empty() {
            self.spent.insert((rule.clone(), subject), spent);
        }
    }

    /// What [`Self::spend`] remembered for a cell that begins to count.
    pub(crate) fn spent(&mut self, rule: &RuleId, subject: &Subject) -> Option<Given> {
        if self.spent.is_empty() {
            return None;
        }
        self.spent.remove(&(rule.clone(), subject.clone())).map(|spent| spent.given)
    }

    /// Forgets what cannot come again: what went before `before`, unless `goes_on` says of subject and pending-since that
    /// the same could begin anew (a silence has no end of its own). At the limit the oldest go first.
    pub(crate) fn forget_spent(&mut self, before: Timestamp, goes_on: impl Fn(&Subject, Timestamp) -> bool) {
        self.spent.retain(|(_, subject), spent| spent.at >= before || goes_on(subject, spent.given.latest));
        while self.spent.len() > limit::MAX_SPENT {
            let oldest = self.spent.iter().min_by_key(|(_, spent)| spent.at).map(|(key, _)| key.clone());
            let Some(key) = oldest else { return };
            self.spent.remove(&key);
        }
    }

    /// All that is remembered, in order.
    pub(crate) fn all_spent(&self) -> impl Iterator<Item = (&RuleId, &Subject, Spent)> {
        self.spent.iter().map(|((rule, subject), spent)| (rule, subject, *spent))
    }

    pub(crate) fn get(&self, episode: EpisodeId) -> Option<&Record> {
        self.open.get(&episode)
    }

    /// Open episodes in the order of their ids.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.open.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Puts a record in as it is, without a fact: when restoring, when the log says so, and behind its fact.
    pub(crate) fn put(&mut self, record: Record) {
        let episode = record.transition.episode;
        drop(self.take(episode));
        if let Some(due) = record.due() {
            self.timers.insert((due, episode));
        }
        self.open.insert(episode, record);
    }

    /// Takes a record out without a fact: when the log says so, and to change it.
    pub(crate) fn take(&mut self, episode: EpisodeId) -> Option<Record> {
        let record = self.open.remove(&episode)?;
        if let Some(due) = record.due() {
            self.timers.remove(&(due, episode));
        }
        Some(record)
    }

    /// Notes a decision of this step.
    pub(crate) fn draft(&mut self, at: Timestamp, actor: Option<Actor>, body: Body) {
        let cause = Cause::default();
        self.drafts.push(Fact { index: 0, cause, actor, at, rules: self.rules, engine: ENGINE_VERSION, body });
    }

    /// What was noted since the step began, from the `from`th on, in the order it was decided.
    pub(crate) fn drafted(&self, from: usize) -> &[Fact] {
        self.drafts.get(from..).unwrap_or_default()
    }

    /// Ends the step: facts in canonical order with their cause.
    ///
    /// The order is (at, rule, subject); equal ones stay as they were decided, which is the order of their versions. What
    /// became of incidents, and what is whose consequence, comes after the alerts of the same time.
    pub(crate) fn flush(&mut self, partition: PartitionId, position: Position, out: &mut Output) {
        let key = |fact: &Fact| (fact.at, is_about_several(&fact.body));
        self.drafts.sort_by(|a, b| (key(a), about(&a.body)).cmp(&(key(b), about(&b.body))));
        for (seq, mut fact) in (0..).zip(self.drafts.drain(..)) {
            fact.cause = Cause { partition, position, seq };
            out.facts.push(fact);
        }
    }
}

const fn is_about_several(body: &Body) -> bool {
    matches!(body, Body::Incident(_) | Body::Grouped(_) | Body::Inhibition { .. } | Body::Released { .. })
}

/// What a decision is about, for its place in the order. Decisions about no rule come first.
fn about(body: &Body) -> Option<(&RuleId, &Subject)> {
    body.judged().map(|t| (&t.rule, &t.subject))
}
