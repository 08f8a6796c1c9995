//! What plans would do: the outbox as it is, with a clock that is moved by hand, and receivers that take everything at once.
//!
//! Of what is on record, with the answers that came; or of an alert that never was, which nobody answers. What rules withhold is
//! not withheld here. Nobody is told, and nothing is kept.
//!
//! Limits: the first [`ALERTS_MAX`] alerts, of each the first versions that one read gives, and no more alerts once there are
//! [`VERSIONS_MAX`] versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maibo_api as api;
use maibo_core::fact::{Body, Cause, ENGINE_VERSION, Fact, Reason, State, Transition};
use maibo_core::id::{Actor, EpisodeId, IncidentId, PlaceCode, RuleId, Subject, Version};
use maibo_core::notify::{Matcher, Mode, Plan, Receiver};
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
    plans: &[Plan],
    receivers: &[Receiver],
    facts: Vec<Fact>,
) -> Result<api::PlanSimulation, SimulateError> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("outbox.db");
    let mut outbox = Outbox::open(&path, 0)?;
    outbox.set_plans(plans.to_vec());
    // Everybody gets every version at once.
    let receivers: Vec<Receiver> =
        receivers.iter().map(|r| Receiver { mode: Mode::All, group_every: None, ..r.clone() }).collect();
    let last = facts.last().map_or(Timestamp(0), |fact| fact.at);
    let mut latest: BTreeMap<EpisodeId, Transition> = BTreeMap::new();
    for (index, fact) in facts.into_iter().enumerate() {
        let fact = Fact { index: index as u64, ..fact };
        miss(&mut outbox, &receivers, fact.at)?;
        if let Body::Transition(t) = &fact.body {
            latest.insert(t.episode, (**t).clone());
        }
        outbox.follow(std::slice::from_ref(&fact), &receivers, fact.at, |_| Vec::new())?;
    }
    let longest = plans.iter().flat_map(|p| &p.tasks).map(|t| t.within).max().unwrap_or(Millis::ZERO);
    miss(&mut outbox, &receivers, last + longest)?;
    drop(outbox);
    shown(&path, plans, &receivers, &latest)
}

/// Notes what is missed by `now`, each when it is.
fn miss(outbox: &mut Outbox, receivers: &[Receiver], now: Timestamp) -> Result<(), OutboxError> {
    while let Some(due) = outbox.next_deadline()?.filter(|due| *due <= now) {
        let overdue = outbox.overdue(due, PAGE_MAX)?;
        if overdue.is_empty() {
            return Ok(());
        }
        for one in overdue {
            let to: Vec<&Receiver> = receivers.iter().filter(|r| one.escalate.contains(&r.name)).collect();
            outbox.escalate(&one, &to, &[], due)?;
        }
    }
    Ok(())
}

/// Reads what came of it.
fn shown(
    path: &Path,
    plans: &[Plan],
    receivers: &[Receiver],
    last: &BTreeMap<EpisodeId, Transition>,
) -> Result<api::PlanSimulation, SimulateError> {
    let reader = OutboxReader::open(path)?;
    let (mut events, mut escalated) = (BTreeMap::new(), BTreeSet::new());
    for episode in last.keys() {
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
        let meets = |m: &Matcher| EpisodeId::parse(episode).and_then(|e| last.get(&e)).is_some_and(|t| m.meets(t));
        if own.is_some_and(meets) { api::ToldBecause::Own } else { api::ToldBecause::Plan }
    };
    Ok(api::PlanSimulation {
        told: told
            .into_iter()
            .map(|row| api::SimulatedTelling {
                at: words::time(Timestamp(row.created_at)),
                because: because(&row.receiver, &row.episode, row.created_at),
                receiver: row.receiver,
                alert: row.episode,
                version: row.version,
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
