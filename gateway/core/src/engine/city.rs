//! The machine of the whole city: what spans devices.
//!
//! Maibo's own ears: when a source goes deaf no device is accused; the outage is one alert of the source. Activations and
//! steps of the clock go to every machine, and this one writes the one fact about them.
//!
//! What the partitions decide comes in as [`Input::Told`], read from the facts log: in the order of its numbers, each fact
//! once. A summary with a number below [`City::facts_seen`] was taken before and is passed over, so it does not matter
//! how often, or after which crash, it is said again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::absence::change;
use super::fleet::Law;
use super::partition::check;
use super::{EngineError, Output, Versions, clock};
use crate::alert::Book;
use crate::fact::{Body, Reason, State, Transition};
use crate::id::{EpisodeId, PartitionId, Position, SourceId, Subject, Version};
use crate::input::{Batch, Input, Told};
use crate::limit;
use crate::rule::RuleSet;
use crate::time::{Deadline, Timestamp};

mod around;
mod bring;
mod devices;
mod drill;
mod field;
mod health;
mod incident;
mod inhibit;
mod maintenance;
mod member;
mod quorum;
mod source;
mod view;

pub(super) use devices::Devices;
pub use drill::DRILL_RULE;
pub(super) use drill::Drills;
pub(super) use health::{Health, Part};
pub use incident::MANY_RULE;
pub(super) use incident::{Case, Incidents, Key as IncidentKey, Slot};
use inhibit::Desk;
pub(super) use inhibit::Inhibitions;
pub(super) use maintenance::Maintenances;
pub(super) use member::Member;
use quorum::Stage;
pub(super) use quorum::{Cell, Quorums};
pub use source::SOURCE_RULE;
pub(super) use source::Source;
use source::open;

/// The machine of the whole city.
#[derive(Debug, Default)]
pub struct City {
    pub(super) now: Option<Timestamp>,
    pub(super) position: Option<Position>,
    pub(super) law: Law,
    pub(super) sources: BTreeMap<SourceId, Source>,
    pub(super) book: Book,
    /// Number of the next fact wanted.
    pub(super) facts_seen: u64,
    /// Restored from a snapshot of a time when nothing was told.
    pub(super) untold: bool,
    /// Open alerts of devices; bounded by what the partitions have open.
    pub(super) open: BTreeMap<EpisodeId, Member>,
    /// The same by rule and device.
    pub(super) devices: Devices,
    pub(super) quorums: Quorums,
    pub(super) incidents: Incidents,
    pub(super) inhibitions: Inhibitions,
    pub(super) maintenances: Maintenances,
    pub(super) health: Health,
    pub(super) drills: Drills,
    /// The response plans in force, as far as the record says so.
    pub(super) plans: Option<Version>,
    /// How many of the step's own decisions the incidents know.
    pub(super) noted: usize,
}

impl City {
    /// An empty machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one committed batch; appends what it gave to `out`.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing has changed.
    pub fn step(
        &mut self,
        position: Position,
        batch: &Batch,
        versions: &Versions,
        out: &mut Output,
    ) -> Result<(), EngineError> {
        check((self.position, self.now), position, batch, versions)?;
        let now = batch.now;
        for input in &batch.inputs {
            if let Input::ClockStep { by } = input {
                let by = clock::jump(*by, self.now, now);
                self.sources.values_mut().for_each(|s| s.shift(by));
                self.quorums.shift(by);
                self.incidents.shift(by);
                self.inhibitions.shift(by);
                self.book.shift(by);
            }
        }
        // A start says first that Maibo was not there: nothing that was due then is due.
        let stopped = batch.inputs.iter().filter_map(|i| match i {
            Input::Deaf { source: None, from } => Some(*from),
            _ => None,
        });
        let until = stopped.min().map_or(now, |from| from.min(now));
        self.fire(until);
        self.now = Some(now);
        self.position = Some(position);
        for input in &batch.inputs {
            self.take(input, now, versions, out);
            self.fire(now);
        }
        self.incidents.tell(&mut self.book, now);
        self.book.flush(PartitionId::CITY, position, out);
        self.noted = 0;
        Ok(())
    }

    fn take(&mut self, input: &Input, now: Timestamp, versions: &Versions, out: &mut Output) {
        match input {
            Input::Deaf { source: Some(id), from } => self.deafen(id, (*from).min(now), now),
            Input::Deaf { source: None, from } => self.restart((*from).min(now), now),
            Input::Listening { source } => self.listen(source, now),
            Input::ClockStep { by } => self.book.draft(now, None, Body::ClockStepped { by_ms: by.0 }),
            Input::Rules { version, by } => self.bring_rules(*version, by.as_ref(), now, versions),
            Input::Catalogue { version } => self.bring_catalogue(*version, now, versions),
            Input::Plans { version, by } => self.bring_plans(*version, by.as_ref(), now),
            Input::Command(command) => {
                let outcome = self.book.command(command, now);
                if let Ok(closed) = outcome.result.as_ref()
                    && closed.state == State::Resolved
                {
                    self.close(closed);
                }
                out.commands.push(outcome);
            }
            Input::Delivered(delivery) => self.book.draft(now, None, Body::Delivery(delivery.clone())),
            Input::Told { next, items, .. } => self.hear(*next, items, now),
            Input::Maintain(asked) => self.maintenances.plan(asked, now, &mut self.book),
            Input::EndMaintenance { id, by } => self.maintenances.end(*id, by, now, &mut self.book),
            Input::Found(finding) => self.health.take(finding, now, &mut self.book),
            Input::Drill(asked) => out.commands.push(self.drills.take(asked, now, &mut self.book)),
            Input::Dropped { partition, first, last, batches } => {
                let (partition, first, last, batches) = (*partition, *first, *last, *batches);
                self.book.draft(now, None, Body::Gap { partition, first, last, batches });
            }
            Input::Reading(_) | Input::Event(_) | Input::Liveness(_) | Input::Canary { .. } => {}
        }
    }

    /// Takes what the partitions told, but nothing twice.
    fn hear(&mut self, next: u64, items: &[Told], now: Timestamp) {
        for told in items {
            // What is not of a device is this machine's own.
            if told.index >= self.facts_seen && matches!(told.subject, Subject::Device(_) | Subject::Event { .. }) {
                self.facts_seen = told.index + 1;
                self.told(told, now);
            }
        }
        self.facts_seen = self.facts_seen.max(next);
    }

    fn told(&mut self, told: &Told, now: Timestamp) {
        let before = self.open.get(&told.episode);
        let after =
            (told.state == State::Firing).then(|| before.map_or_else(|| Member::new(told), |m| m.changed(told)));
        self.incidents.take(told, now, core::iter::empty());
        self.recount(told, after.as_ref(), now);
        // One that is known from a later version on is not decided any more.
        let opens = told.version == 1;
        let (inhibitions, mut desk) = self.desk(now);
        inhibitions.update(told.episode, after.as_ref(), told.decided, opens, &mut desk);
        self.note();
        self.end_quorums(now);
    }

    /// What is inhibited, and what to decide it with.
    fn desk(&mut self, now: Timestamp) -> (&mut Inhibitions, Desk<'_>) {
        let Self { law, book, incidents, inhibitions, .. } = self;
        (inhibitions, Desk { rules: &law.rules, book, incidents, now })
    }

    /// Tells the incidents, and what is inhibited, what this machine decided itself since the last time.
    fn note(&mut self) {
        let own = self.book.drafted(self.noted);
        self.noted += own.len();
        let alerts: Vec<(Timestamp, Transition)> = own
            .iter()
            .filter_map(|f| match &f.body {
                // A drill is in no incident and has no cause.
                Body::Transition(t) if !t.is_drill() => Some((f.at, (**t).clone())),
                _ => None,
            })
            .collect();
        for (at, t) in alerts {
            self.group(&Told::of(0, &t, at), at);
            let (inhibitions, mut desk) = self.desk(at);
            inhibitions.update_own(&t, at, &mut desk);
        }
    }

    /// Finds the incident of an alert of this machine; that of a quorum takes those of its devices along.
    pub(super) fn group(&mut self, told: &Told, now: Timestamp) {
        let with: Vec<EpisodeId> = match &told.subject {
            Subject::Place(_) | Subject::Around(_) => {
                let members =
                    self.quorums.members(&told.rule, &told.subject).filter_map(|id| self.open.get_key_value(&id));
                members
                    .map(|(id, m)| (*id, m))
                    .flat_map(|(id, m)| core::iter::once(id).chain(self.devices.siblings(m).filter(move |s| *s != id)))
                    .collect()
            }
            Subject::Device(_) | Subject::Event { .. } | Subject::Source(_) | Subject::Part(_) | Subject::Drill(_) => {
                Vec::new()
            }
        };
        self.incidents.take(told, now, with.into_iter());
    }

    /// Puts rules in force.
    fn enact(&mut self, rules: Arc<RuleSet>, now: Timestamp) {
        let last = core::mem::replace(&mut self.law.rules, rules);
        let mut stage = Stage { law: &self.law, book: &mut self.book, now, news: None };
        self.quorums.enact(&last, &self.devices.all(&self.open), &mut stage);
        // Quorums that the log imposed on a rule this binary does not know.
        let owned = self.quorums.episodes();
        let places = self.book.records().map(|r| &r.transition).filter(|t| t.subject.is_area());
        let orphans: Vec<EpisodeId> = places.map(|t| t.episode).filter(|e| !owned.contains(e)).collect();
        for episode in orphans {
            self.book.change(episode, change(None, now, Reason::RuleRemoved));
        }
        self.know_parties();
        self.note();
        let (inhibitions, mut desk) = self.desk(now);
        inhibitions.enact(&mut desk);
    }

    /// Finds causes and consequences among the open alerts by the rules in force. Decides nothing.
    pub(super) fn know_parties(&mut self) {
        // What is on trial is told to nobody, so nothing is withheld because of it.
        let own = self.book.records().filter(|r| !r.shadow).map(|r| &r.transition).filter(|t| !t.is_drill());
        self.inhibitions.rebuild(&self.open, own, &self.law.rules);
    }

    /// After a snapshot of a time when nothing was told: what was decided before it, up to fact number `next`, is
    /// not told any more. An alert that is open since then is known from its next change on.
    pub(super) const fn begin(&mut self, next: u64) {
        if core::mem::replace(&mut self.untold, false) {
            self.facts_seen = next;
        }
    }

    fn source(&mut self, id: &SourceId) -> Option<&mut Source> {
        if self.sources.len() >= limit::MAX_SOURCES && !self.sources.contains_key(id) {
            return None;
        }
        Some(self.sources.entry(id.clone()).or_default())
    }

    /// A source says that it hears nothing.
    fn deafen(&mut self, id: &SourceId, from: Timestamp, now: Timestamp) {
        let Some(source) = self.source(id) else { return };
        source.forget_at = None;
        if source.said_from.is_none() {
            source.said_from = Some(from);
            let deaf_from = *source.deaf_from.get_or_insert(from);
            self.book.draft(now, None, Body::Source { source: id.clone(), listening: false, deaf_from });
        }
    }

    /// Maibo was stopped: every source that is still configured will report.
    fn restart(&mut self, from: Timestamp, now: Timestamp) {
        // Nobody could become well in the meantime without being heard.
        self.quorums.shift(now.since(from));
        self.inhibitions.shift(now.since(from));
        for source in self.sources.values_mut() {
            source.deaf_from.get_or_insert(from);
            source.forget_at = Some(now + limit::SOURCE_FORGET_AFTER);
            if source.episode.is_none() {
                source.said_from = None;
            }
        }
    }

    /// A source hears.
    fn listen(&mut self, id: &SourceId, now: Timestamp) {
        let first = !self.sources.contains_key(id);
        let Some(source) = self.source(id) else { return };
        let was_deaf = source.deaf_from.take();
        let episode = source.episode.take();
        (source.said_from, source.forget_at, source.latched) = (None, None, false);
        if first || was_deaf.is_some() {
            let deaf_from = was_deaf.unwrap_or(now);
            self.book.draft(now, None, Body::Source { source: id.clone(), listening: true, deaf_from });
        }
        if let Some(episode) = episode {
            self.book.change(episode, change(None, now, Reason::SourceListening));
        }
    }

    /// An operator closed the alert.
    fn close(&mut self, closed: &Transition) {
        self.health.close(closed);
        self.drills.close(closed);
        for source in self.sources.values_mut().filter(|s| s.episode == Some(closed.episode)) {
            source.episode = None;
            source.latched = closed.is_forced();
        }
    }

    /// Lets everything happen that is due at or before `until`, in the order in which it is due, whatever it is.
    fn fire(&mut self, until: Timestamp) {
        let floor = self.now.unwrap_or(until);
        loop {
            let first = self.sources.values().filter_map(Source::due).min().map(|at| at.max(floor));
            let own = [self.quorums.next(), self.inhibitions.next(), self.incidents.next()];
            let own =
                own.into_iter().chain([self.maintenances.next(), self.drills.next()]).flatten().map(|at| at.max(floor));
            let to = own.fold(self.book.horizon(first, until), Timestamp::min);
            self.fire_sources(to);
            self.book.fire(floor, to);
            if to >= until {
                return;
            }
        }
    }

    fn fire_sources(&mut self, until: Timestamp) {
        let due: Vec<SourceId> = self
            .sources
            .iter()
            .filter(|(_, s)| s.due().is_some_and(|d| d <= until))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let Some(source) = self.sources.get_mut(&id) else { continue };
            if let Some(at) = source.forget_at.filter(|at| *at <= until) {
                if let Some(episode) = source.episode {
                    self.book.change(episode, change(None, at, Reason::SubjectGone));
                }
                self.sources.remove(&id);
            } else if let Some(from) = source.said_from.filter(|_| source.episode.is_none() && !source.latched) {
                // Deafness that was found out late is an alert when it was found out.
                let at = (from + limit::SOURCE_DEAF_AFTER).max(self.now.unwrap_or(until)).min(until);
                source.episode = open(&mut self.book, &id, &mut source.given, from, at);
            }
        }
        self.end_quorums(until);
        let floor = self.now.unwrap_or(until).min(until);
        let (inhibitions, mut desk) = self.desk(until);
        inhibitions.fire(until, floor, &mut desk);
        self.incidents.fire(until, floor);
        self.maintenances.fire(until, floor, &mut self.book);
        self.drills.fire(until, floor, &mut self.book);
    }

    /// Lets quorums end that lost their devices for long enough by `until`.
    fn end_quorums(&mut self, until: Timestamp) {
        let floor = self.now.unwrap_or(until).min(until);
        let mut stage = Stage { law: &self.law, book: &mut self.book, now: until, news: None };
        self.quorums.fire(until, floor, &mut stage);
        self.note();
    }

    /// When the machine wants a batch even if nothing happens.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let source = self.sources.values().filter_map(Source::due).min();
        let quorum = self.quorums.next();
        let alert = self.book.next_due();
        let due = [(source, "source"), (quorum, "quorum"), (self.incidents.next(), "incident"), (alert, "alert")];
        let more = [(self.inhibitions.next(), "inhibition"), (self.maintenances.next(), "maintenance")];
        let due = due.into_iter().chain(more).chain([(self.drills.next(), "drill")]);
        due.filter_map(|(at, why)| Some(Deadline { at: at?, why })).min()
    }
}
