//! When did the city know, who was told when, who answered when: an alert in the order of time.
//!
//! Put together from several lists, each in its own order, as they are merged: versions and what is on record about tellings
//! (state database), what is not on record yet, what happened to runs of response plans, and what was set aside (outbox). The
//! cursor says how far each list has come.
//!
//! Limit: [`MOST`] entries a page, and what belongs to the last version on it.

use std::sync::PoisonError;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api::{self as api, StampName, TimelineEntry, TimelineKind};
use maibo_core::fact::Reason;
use maibo_core::id::EpisodeId;
use maibo_core::place::Level;
use maibo_core::time::Timestamp;
use maibo_store::outbox::{OutboxRow, RunEvent};
use maibo_store::state::{DeliveryRow, StateError, StateReader, VersionRow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState, alerts};
use crate::live::{Roster, Scope, words};

mod step;

use step::{dismissed, step};

/// Most entries of a page: one less than a read gives, so that it is known whether there are more.
const MOST: usize = maibo_store::state::PAGE_MAX - 2;

/// Parameters of a timeline.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TimelineQuery {
    /// 1 to 1,000, default 100; at most 998 come.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Wait until the facts before this number can be read.
    after: Option<String>,
}

/// How far each list has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reached {
    /// The last version.
    version: u32,
    /// Time and identifier of the last telling on record.
    settled: (i64, u64),
    /// Identifier of the last telling that is owed.
    owed: u64,
    /// Time and identifier of the last one that is settled and not on record.
    unreported: (i64, u64),
    /// Time and identifier of the last thing that happened to a run of a plan.
    step: (i64, u64),
    /// Time and identifier of the last one that was set aside.
    aside: (i64, u64),
}

/// Where an item comes from, and how far its list has come with it.
enum Origin {
    Version(u32),
    Settled(i64, u64),
    Owed(u64),
    Unreported(i64, u64),
    Step(i64, u64),
    Aside(i64, u64),
}

/// What stands together in the list.
struct Item {
    at: i64,
    origin: Origin,
    entries: Vec<TimelineEntry>,
}

/// An alert in the order of time: when it happened, when the city knew, who was told when, who answered when.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/timeline", tag = "alerts",
    params(("id" = String, Path), TimelineQuery),
    responses((status = 200, body = api::Page<api::TimelineEntry>), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn timeline(
    State(state): State<HttpState>,
    scope: Scope,
    Path(id): Path<String>,
    Params(query): Params<TimelineQuery>,
) -> Result<Json<api::Page<TimelineEntry>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?.min(MOST);
    let from = query.cursor.as_deref().map_or(Ok(Reached::default()), Reached::parse)?;
    let episode = EpisodeId::parse(&id).ok_or_else(alerts::missing)?;
    let after = alerts::after(query.after.as_deref())?;
    let Unrecorded { owed, unreported, steps, aside } = unrecorded(&state, episode, from, limit).await?;
    // Only then what is on record: what left the one list meanwhile is in the other.
    extract::wait_for(&state, after.or(Some(state.picture.facts())), state.limits.after).await?;
    let roster = state.picture.roster();
    let read = move |r: &StateReader| {
        let Some(row) = r.alert(episode)?.filter(|row| scope.allows_alert(&row.alert)) else { return Ok(None) };
        let started = row.alert.started_at;
        // One version before, to know which stamps are new.
        let rows = r.versions_after(episode, from.version.saturating_sub(1), limit + 2)?;
        let mut items = versions(rows, from.version, started, &roster);
        items.extend(r.deliveries_of(episode, from.settled, limit + 1)?.into_iter().map(settled));
        items.extend(owed.into_iter().map(pending));
        items.extend(steps.iter().map(step));
        items.extend(aside.into_iter().filter_map(dismissed));
        for row in unreported {
            items.extend(still_unreported(r, episode, row)?);
        }
        Ok(Some(items))
    };
    let mut items = state.stored(read).await?.ok_or_else(alerts::missing)?;
    items.sort_by_key(|item| (item.at, item.origin.rank()));
    let (mut page, mut reached, mut left) = (Vec::new(), from, false);
    for item in items {
        if page.len() >= limit {
            left = true;
            break;
        }
        reached.pass(&item.origin);
        page.extend(item.entries);
    }
    Ok(Json(api::Page { items: page, next: left.then(|| reached.to_string()) }))
}

impl Reached {
    fn parse(text: &str) -> Result<Self, Fault> {
        let read = || {
            let mut parts = text.split('.');
            let mut next = || parts.next();
            let reached = Self {
                version: next()?.parse().ok()?,
                settled: (next()?.parse().ok()?, next()?.parse().ok()?),
                owed: next()?.parse().ok()?,
                unreported: (next()?.parse().ok()?, next()?.parse().ok()?),
                step: (next()?.parse().ok()?, next()?.parse().ok()?),
                aside: (next()?.parse().ok()?, next()?.parse().ok()?),
            };
            next().is_none().then_some(reached)
        };
        read().ok_or_else(|| Fault::bad_request("cursor: is not one that this list gave"))
    }

    fn pass(&mut self, origin: &Origin) {
        match *origin {
            Origin::Version(version) => self.version = version,
            Origin::Settled(at, id) => self.settled = (at, id),
            Origin::Owed(id) => self.owed = id,
            Origin::Unreported(at, id) => self.unreported = (at, id),
            Origin::Step(at, id) => self.step = (at, id),
            Origin::Aside(at, id) => self.aside = (at, id),
        }
    }
}

impl std::fmt::Display for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, settled, owed, unreported, step, aside } = self;
        write!(f, "{version}.{}.{}.{owed}.{}.{}", settled.0, settled.1, unreported.0, unreported.1)?;
        write!(f, ".{}.{}.{}.{}", step.0, step.1, aside.0, aside.1)
    }
}

impl Origin {
    /// Of what has the same time, a version comes before what is told of it.
    const fn rank(&self) -> u8 {
        match self {
            Self::Version(_) => 0,
            Self::Settled(..) => 1,
            Self::Unreported(..) => 2,
            Self::Owed(_) => 3,
            Self::Step(..) => 4,
            Self::Aside(..) => 5,
        }
    }
}

/// What only the outbox has.
#[derive(Default)]
struct Unrecorded {
    owed: Vec<OutboxRow>,
    unreported: Vec<OutboxRow>,
    steps: Vec<RunEvent>,
    aside: Vec<OutboxRow>,
}

/// What the outbox knows and the record does not, or not yet.
async fn unrecorded(state: &HttpState, episode: EpisodeId, from: Reached, limit: usize) -> Result<Unrecorded, Fault> {
    let Some(outbox) = state.outbox.clone() else { return Ok(Unrecorded::default()) };
    let read = move || {
        let outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unreported = outbox.unreported_of(episode)?;
        unreported.retain(|row| (row.settled_at.unwrap_or_default(), row.id) > from.unreported);
        let owed = outbox.owed_of(episode, from.owed, limit + 1)?;
        let steps = outbox.run_events_of(episode, from.step, limit + 1)?;
        let aside = outbox.dismissed_of(episode, from.aside, limit + 1)?;
        Ok::<_, maibo_store::outbox::OutboxError>(Unrecorded { owed, unreported, steps, aside })
    };
    state.blocking(read).await?.map_err(|e| Fault::internal(&e))
}

fn entry(at: i64, kind: TimelineKind, text: api::Words) -> TimelineEntry {
    TimelineEntry {
        at: words::time(Timestamp(at)),
        kind,
        text,
        version: None,
        reason: None,
        state: None,
        level: None,
        by: None,
        note: None,
        stamp: None,
        receiver: None,
        outcome: None,
        attempts: None,
        error: None,
        owed_since: None,
        next_attempt_at: None,
        plan: None,
        task: None,
        step: None,
    }
}

/// The versions behind `from`, each with the stamps that it brought; before the first one, when it happened.
fn versions(rows: Vec<VersionRow>, from: u32, started: Timestamp, roster: &Roster) -> Vec<Item> {
    let (mut items, mut known) = (Vec::new(), api::Stamps::default());
    for row in rows {
        let stamps = row.alert.as_ref().map(|t| words::alert(t, roster).stamps).unwrap_or_default();
        if row.version > from {
            let mut entries = Vec::new();
            if row.version == 1 {
                let text = words::words("开始发生", "It began");
                entries.push(entry(started.0, TimelineKind::Happened, text));
            }
            let (version, at) = (row.version, row.recorded);
            entries.push(changed(row, roster));
            entries.extend(stamped(version, &known, &stamps));
            items.push(Item { at, origin: Origin::Version(version), entries });
        }
        known = stamps;
    }
    items
}

fn changed(row: VersionRow, roster: &Roster) -> TimelineEntry {
    let receiver = row.actor.as_deref().and_then(|actor| Some(actor.split_once('/')?.0.to_owned()));
    let kind = match (&row.actor, &receiver) {
        _ if row.version == 1 => TimelineKind::Known,
        (None, _) => TimelineKind::Changed,
        // In the name of a plan: nobody did anything.
        _ if row.reason == Reason::Escalated.as_str() => TimelineKind::Changed,
        (Some(_), None) => TimelineKind::Act,
        (Some(_), Some(_)) => TimelineKind::Answer,
    };
    let said = row.alert.as_ref().and_then(|t| {
        let said = t.handling.as_ref().and_then(|h| h.said.as_ref()).map(|s| &s.note);
        let noted = t.acknowledged.as_ref().filter(|_| t.reason == Reason::Acknowledged);
        said.or(noted.map(|a| &a.note)).map(|n| n.0.to_string())
    });
    // What was kept before whole versions were has no sentence.
    let text = row.alert.as_ref().map_or_else(|| words::words(&row.reason, &row.reason), |t| words::text(t, roster));
    TimelineEntry {
        version: Some(row.version),
        state: Some(if row.state == "resolved" { api::AlertState::Resolved } else { api::AlertState::Firing }),
        level: Level::parse(&row.level).map(words::level),
        reason: Some(row.reason),
        by: row.actor,
        note: said.filter(|note| !note.is_empty()),
        receiver,
        ..entry(row.recorded, kind, text)
    }
}

/// The stamps that a version has and the one before it had not, or had otherwise.
fn stamped(version: u32, before: &api::Stamps, now: &api::Stamps) -> Vec<TimelineEntry> {
    let each = [
        (StampName::Published, &before.published, &now.published, words::words("发布", "Published")),
        (StampName::Responding, &before.responding, &now.responding, words::words("处置", "Responding")),
        (StampName::FedBack, &before.fed_back, &now.fed_back, words::words("反馈", "Fed back")),
        (StampName::Archived, &before.archived, &now.archived, words::words("归档", "Archived")),
    ];
    let new = each.into_iter().filter(|(_, before, now, _)| before != now);
    let stamp = |(name, _, now, text): (StampName, _, &Option<api::Stamp>, api::Words)| {
        let now = now.as_ref()?;
        let (by, stamp, version) = (now.by.clone(), Some(name), Some(version));
        Some(TimelineEntry { at: now.at.clone(), by, stamp, version, ..entry(0, TimelineKind::Stamp, text) })
    };
    new.filter_map(stamp).collect()
}

/// What became of a telling, and in words.
fn outcome(receiver: &str, outcome: &str) -> (TimelineKind, api::Words) {
    let both = |zh: &str, en: &str| words::words(&format!("{zh}{receiver}"), &format!("{en} {receiver}"));
    match outcome {
        "delivered" => (TimelineKind::Told, both("已告知 ", "Told")),
        "pending" => (TimelineKind::Owed, both("待告知 ", "Not told yet:")),
        "dead" => (TimelineKind::Withheld, both("未能告知 ", "Given up:")),
        "superseded" => (TimelineKind::Withheld, both("由后续版本代替，未告知 ", "A later version went instead:")),
        _ => (TimelineKind::Withheld, both("按规定不告知 ", "Withheld:")),
    }
}

/// A telling that is on record.
fn settled(row: DeliveryRow) -> Item {
    let (kind, text) = outcome(&row.receiver, &row.outcome);
    let one = TimelineEntry {
        version: Some(row.version),
        receiver: Some(row.receiver),
        outcome: Some(row.outcome),
        attempts: Some(row.attempts),
        error: row.error,
        owed_since: Some(words::time(Timestamp(row.created))),
        ..entry(row.settled, kind, text)
    };
    Item { at: row.settled, origin: Origin::Settled(row.settled, row.id), entries: vec![one] }
}

/// A telling that the outbox has.
fn telling(row: OutboxRow, at: i64, origin: Origin) -> Item {
    let (kind, text) = outcome(&row.receiver, &row.outcome);
    let one = TimelineEntry {
        version: Some(row.version),
        receiver: Some(row.receiver),
        outcome: Some(row.outcome),
        attempts: Some(row.attempts),
        error: row.last_error,
        owed_since: Some(words::time(Timestamp(row.created_at))),
        next_attempt_at: row.next_at.filter(|_| kind == TimelineKind::Owed).map(|t| words::time(Timestamp(t))),
        ..entry(at, kind, text)
    };
    Item { at, origin, entries: vec![one] }
}

fn pending(row: OutboxRow) -> Item {
    let (at, id) = (row.created_at, row.id);
    telling(row, at, Origin::Owed(id))
}

/// One that is settled, unless it is on record by now.
fn still_unreported(reader: &StateReader, episode: EpisodeId, row: OutboxRow) -> Result<Option<Item>, StateError> {
    if reader.is_settled(&row.receiver, episode, row.version)? {
        return Ok(None);
    }
    let (at, id) = (row.settled_at.unwrap_or(row.created_at), row.id);
    Ok(Some(telling(row, at, Origin::Unreported(at, id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: a cursor comes back as it was; what is none is refused.
    #[test]
    fn cursors() {
        let reached =
            Reached { version: 3, settled: (-5, 6), owed: 7, unreported: (8, 9), step: (-1, 2), aside: (3, 4) };
        assert_eq!(Reached::parse(&reached.to_string()).expect("one"), reached);
        for bad in ["", "1", "1.2.3.4.5.6", "1.2.3.4.5.6.7.8.9.10.11", "a.2.3.4.5.6.7.8.9.10", "-1.2.3.4.5.6.7.8.9.10"]
        {
            assert!(Reached::parse(bad).is_err(), "{bad}");
        }
    }
}
