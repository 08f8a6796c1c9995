//! What plans would do: the outbox as it is, with a clock that is moved by hand, and receivers that take everything at once.
//!
//! Of what is on record, with the answers that came; or of an alert that never was, which nobody answers. What rules withhold is
//! not withheld here. What is missed is a version of its alert, as it would be on record. Nobody is told, and nothing is kept.
//!
//! Limits: the first [`ALERTS_MAX`] alerts, of each the first versions that one read gives, and no more alerts once there are
//! [`VERSIONS_MAX`] versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::fact::{Body, Cause, ENGINE_VERSION, Fact, Handling, Reason, State, Transition};
use maibo_core::id::{Actor, EpisodeId, IncidentId, PlaceCode, RuleId, Subject, Version};
use maibo_core::notify::{Matcher, Mode, Plan, PlanSet, Receiver, Task};
use maibo_core::place::{Domain, Level};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::{Outbox, OutboxError, OutboxFilter, OutboxReader, PAGE_MAX, RunFilter};
use maibo_store::state::{StateError, StateReader, VersionRow};

use super::run;
use crate::live::words;

/// Alerts of an incident that are looked at: the first ones.
const ALERTS_MAX: usize = 200;
/// Versions behind which no further alert is looked at: each is a transaction of the scratch outbox.
const VERSIONS_MAX: usize = 5_000;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The scratch directory could not be made.
    #[error("make a scratch directory")]
    Io(#[from] std::io::Error),
    /// The scratch outbox failed.
    #[error("run the plans")]
    Outbox(#[from] OutboxError),
}

/// The record of one alert; nothing where there is none.
///
/// # Errors
/// SQLite's, or a damaged row.
pub fn of_alert(reader: &StateReader, episode: EpisodeId) -> Result<Vec<Fact>, StateError> {
    Ok(facts(reader.versions_after(episode, 0, PAGE_MAX)?))
}

/// The record of an incident's alerts; nothing where there is none.
///
/// # Errors
/// SQLite's, or a damaged row.
pub fn of_incident(reader: &StateReader, incident: IncidentId) -> Result<Vec<Fact>, StateError> {
    let mut alerts = reader.incident_alerts(incident, None, PAGE_MAX)?;
    alerts.reverse();
    let mut rows = Vec::new();
    for row in alerts.iter().take(ALERTS_MAX) {
        if rows.len() >= VERSIONS_MAX {
            break;
        }
        rows.extend(reader.versions_after(row.alert.episode, 0, PAGE_MAX)?);
    }
    Ok(facts(rows))
}

/// An alert that begins now and goes on.
pub fn one_that_never_was(domain: Domain, place: PlaceCode, level: Level, rule: RuleId, now: Timestamp) -> Vec<Fact> {
    let subject = Subject::Place(place.clone());
    let episode = EpisodeId::derive(&rule, &subject, now, 0);
    let transition = Transition {
        episode,
        version: 1,
        rule,
        subject,
        quantity: None,
        place: Some(place),
        domain,
        state: State::Firing,
        level,
        peak: level,
        stale: false,
        historic: false,
        value: None,
        threshold: None,
        started_at: now,
        at: now,
        resolved_at: None,
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    };
    vec![fact(transition, None, now)]
}

/// What `plans` would do with what is told by `facts`.
///
/// # Errors
/// [`SimulateError`].
pub fn simulate(
    plans: &Arc<PlanSet>,
    receivers: &[Receiver],
    facts: Vec<Fact>,
) -> Result<api::PlanSimulation, SimulateError> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("outbox.db");
    let mut outbox = Outbox::open(&path, 0)?;
    outbox.set_plans(Arc::clone(plans));
    // Everybody gets every version at once.
    let receivers: Vec<Receiver> =
        receivers.iter().map(|r| Receiver { mode: Mode::All, group_every: None, ..r.clone() }).collect();
    let last = facts.last().map_or(Timestamp(0), |fact| fact.at);
    let mut stage = Stage { outbox, receivers, alerts: BTreeMap::new() };
    for fact in facts {
        stage.miss(fact.at)?;
        stage.follow(fact)?;
    }
    let tall = |task: &Task| task.within.0 + task.then.iter().map(|rung| rung.after.0).sum::<i64>();
    let longest = Millis(plans.plans.iter().flat_map(|p| &p.tasks).map(tall).max().unwrap_or_default());
    stage.miss(last + longest)?;
    let Stage { outbox, receivers, alerts } = stage;
    drop(outbox);
    shown(&path, &plans.plans, &receivers, &alerts)
}

/// Where it is played.
struct Stage {
    outbox: Outbox,
    receivers: Vec<Receiver>,
    alerts: BTreeMap<EpisodeId, Played>,
}

/// An alert as it is played.
struct Played {
    /// Its latest version.
    latest: Transition,
    /// Of each version that was played, the one on record that it is, or comes behind.
    recorded: Vec<u32>,
}

impl Stage {
    /// Plays a version. What was missed by the plans of that time is left out: here others may be tried.
    fn follow(&mut self, fact: Fact) -> Result<(), OutboxError> {
        let Body::Transition(t) = fact.body else { return Ok(()) };
        if t.reason == Reason::Escalated {
            return Ok(());
        }
        let recorded = t.version;
        self.play(*t, fact.actor, fact.at, recorded)
    }

    fn play(&mut self, t: Transition, by: Option<Actor>, at: Timestamp, recorded: u32) -> Result<(), OutboxError> {
        let played = self.alerts.entry(t.episode).or_insert_with(|| Played { latest: t.clone(), recorded: Vec::new() });
        played.recorded.push(recorded);
        played.latest = Transition { version: played.recorded.len() as u32, ..t };
        let fact = Fact { index: self.outbox.cursor(), ..fact(played.latest.clone(), by, at) };
        self.outbox.follow(&[fact], &self.receivers, at, |_| Vec::new())?;
        Ok(())
    }

    /// Plays what is missed by `now`, each when it is.
    fn miss(&mut self, now: Timestamp) -> Result<(), OutboxError> {
        for _ in 0..VERSIONS_MAX {
            let Some(due) = self.outbox.next_deadline()?.filter(|due| *due <= now) else { return Ok(()) };
            let Some(one) = self.outbox.overdue(due, 1)?.pop() else { return Ok(()) };
            let Some(alert) = self.alerts.get(&one.episode) else { return Ok(()) };
            let missed = one.missed(|name| self.receivers.iter().any(|r| r.name == name));
            let handling = Handling {
                missed: Some(Box::new(missed)),
                ..alert.latest.handling.as_deref().cloned().unwrap_or_default()
            };
            let t =
                Transition { reason: Reason::Escalated, handling: Some(Box::new(handling)), ..alert.latest.clone() };
            let recorded = alert.recorded.last().copied().unwrap_or_default();
            self.play(t, Actor::of_plan(&one.plan).ok(), due, recorded)?;
        }
        Ok(())
    }
}

/// Reads what came of it.
fn shown(
    path: &Path,
    plans: &[Plan],
    receivers: &[Receiver],
    alerts: &BTreeMap<EpisodeId, Played>,
) -> Result<api::PlanSimulation, SimulateError> {
    let of = |episode: &str| EpisodeId::parse(episode).and_then(|episode| alerts.get(&episode));
    let recorded = |episode: &str, version: u32| {
        let of = of(episode).and_then(|alert| alert.recorded.get(version.saturating_sub(1) as usize));
        of.copied().unwrap_or(version)
    };
    let reader = OutboxReader::open(path)?;
    let (mut events, mut escalated) = (BTreeMap::new(), BTreeSet::new());
    for episode in alerts.keys() {
        for event in reader.run_events_of(*episode, (i64::MIN, 0), PAGE_MAX)? {
            if event.kind == maibo_store::outbox::RunEventKind::Escalated {
                escalated.extend(event.who.clone().map(|who| (who, event.at)));
            }
            events.insert((event.at, event.id), event);
        }
    }
    let mut told = BTreeMap::new();
    let mut rows = Vec::new();
    let mut before = None;
    loop {
        let page = reader.list(&OutboxFilter::default(), before, PAGE_MAX)?;
        before = page.last().map(|row| row.id);
        let full = page.len() == PAGE_MAX;
        rows.extend(page);
        if !full {
            break;
        }
    }
    for row in rows.into_iter().rev() {
        told.entry((row.receiver.clone(), row.episode.clone())).or_insert(row);
    }
    let mut told: Vec<_> = told.into_values().collect();
    told.sort_by_key(|row| (row.created_at, row.id));
    let because = |receiver: &str, episode: &str, at: i64| {
        if escalated.contains(&(receiver.to_owned(), at)) {
            return api::ToldBecause::Escalation;
        }
        let own = receivers.iter().find(|r| r.name == receiver).map(|r| &r.matcher);
        let meets = |m: &Matcher| of(episode).is_some_and(|alert| m.meets(&alert.latest));
        if own.is_some_and(meets) { api::ToldBecause::Own } else { api::ToldBecause::Plan }
    };
    Ok(api::PlanSimulation {
        told: told
            .into_iter()
            .map(|row| api::SimulatedTelling {
                at: words::time(Timestamp(row.created_at)),
                because: because(&row.receiver, &row.episode, row.created_at),
                version: recorded(&row.episode, row.version),
                receiver: row.receiver,
                alert: row.episode,
            })
            .collect(),
        events: events
            .into_values()
            .map(|event| api::SimulatedEvent {
                at: words::time(Timestamp(event.at)),
                plan: event.plan,
                kind: event.kind.as_str().to_owned(),
                task: event.task,
                who: event.who,
            })
            .collect(),
        runs: reader.runs(&RunFilter::default(), None, PAGE_MAX)?.iter().rev().map(|row| run(row, plans)).collect(),
    })
}

/// The facts that rows are kept of, in the order of their decision.
fn facts(rows: Vec<VersionRow>) -> Vec<Fact> {
    let of = |row: VersionRow| {
        let actor = row.actor.as_deref().and_then(|a| Actor::new(a).ok());
        Some(fact(row.alert?, actor, Timestamp(row.recorded)))
    };
    let mut all: Vec<Fact> = rows.into_iter().filter_map(of).collect();
    all.sort_by_key(|fact| fact.at);
    all
}

fn fact(transition: Transition, actor: Option<Actor>, at: Timestamp) -> Fact {
    let body = Body::Transition(Box::new(transition));
    Fact { index: 0, cause: Cause::default(), actor, at, rules: Version(0), engine: ENGINE_VERSION, body }
}
