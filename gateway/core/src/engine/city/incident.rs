//! Incidents: which alerts have one cause.
//!
//! Alerts of one rule in one district belong together while each was decided within [`limit::INCIDENT_GAP`] of the one
//! before; what lay in the past stays apart from the present. The alert of a quorum takes the incidents of its devices into
//! one, the earliest; one of mere consequences goes into that of their cause. An incident is closed when all its alerts have been over for [`limit::INCIDENT_REST`].
//!
//! **Invariants:** every alert told to the machine, and every alert of the machine itself but drills, belongs to exactly one
//! incident; a step gives at most one fact an incident, and as few [`Body::Grouped`] as hold what came in.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::alert::{Book, Given};
use crate::fact::{Body, Group, Incident, IncidentState, State};
use crate::id::{EpisodeId, IncidentId, PlaceCode, RuleId, Subject};
use crate::input::Told;
use crate::limit;
use crate::place::Level;
use crate::registry::place;
use crate::time::{Millis, Timestamp};

/// The rule of the one incident that takes what comes while there are too many.
pub const MANY_RULE: &str = "maibo-many";

/// Rule and district that alerts of one incident have in common.
pub(in crate::engine) type Key = (RuleId, Option<PlaceCode>);

/// One open incident.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Case {
    /// As it would be told now, but for what is counted below; version 0 until it is told.
    #[n(0)]
    told: Incident,
    #[n(1)]
    open: BTreeSet<EpisodeId>,
    /// Hashes of the devices so far.
    #[n(2)]
    devices: BTreeSet<u64>,
    #[n(3)]
    places: BTreeSet<PlaceCode>,
    /// Tell again at so many alerts.
    #[n(4)]
    tell_at: u32,
    /// Tell again above this level.
    #[n(5)]
    told_level: Option<Level>,
    /// All alerts are over: when it is closed.
    #[n(6)]
    close_at: Option<Timestamp>,
    /// Whose next alerts come here, and whether those of the present or of the past.
    #[n(7)]
    keys: Vec<(Key, bool)>,
}

/// What is remembered of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Slot {
    /// The incident that the next alert joins: one of the present, one that lay in the past.
    #[n(0)]
    current: [Option<IncidentId>; 2],
    /// The identities it gave.
    #[n(1)]
    given: Given,
}

/// All open incidents.
#[derive(Debug, Default)]
pub(in crate::engine) struct Incidents {
    pub(in crate::engine) cases: BTreeMap<IncidentId, Case>,
    pub(in crate::engine) slots: BTreeMap<Key, Slot>,
    /// Open alerts.
    of: BTreeMap<EpisodeId, IncidentId>,
    due: BTreeSet<(Timestamp, IncidentId)>,
    /// Devices remembered in all.
    devices: usize,
    /// Of the step under way: what may have to be told, what is closed (and when), what came in.
    touched: BTreeSet<IncidentId>,
    closed: Vec<(Timestamp, Incident)>,
    joined: Vec<(IncidentId, EpisodeId)>,
}

impl Incidents {
    /// From what a snapshot kept.
    pub(in crate::engine) fn restore(cases: Vec<Case>, slots: BTreeMap<Key, Slot>) -> Self {
        let mut incidents = Self { slots, ..Self::default() };
        for case in cases {
            let id = case.told.id;
            incidents.of.extend(case.open.iter().map(|e| (*e, id)));
            incidents.due.extend(case.close_at.map(|at| (at, id)));
            incidents.devices += case.devices.len();
            incidents.cases.insert(id, case);
        }
        incidents
    }

    /// The incident of an open alert.
    pub(in crate::engine) fn of(&self, episode: EpisodeId) -> Option<IncidentId> {
        self.of.get(&episode).copied()
    }

    /// An alert opened, changed or ended. `with` are alerts that it takes in, together with their incidents.
    pub(super) fn take(&mut self, told: &Told, now: Timestamp, with: impl Iterator<Item = EpisodeId>) {
        match (told.state, self.of(told.episode)) {
            (State::Firing, Some(id)) => self.raise(id, told.level),
            (State::Firing, None) => {
                let cause: BTreeSet<IncidentId> = with.filter_map(|e| self.of(e)).collect();
                let id = self.merged(cause).unwrap_or_else(|| self.find(told));
                self.join(id, told);
            }
            (State::Resolved, Some(id)) => self.leave(id, told.episode, now),
            (State::Resolved, None) => {}
        }
    }

    /// A consequence goes to the incident of its cause, with its own incident where nothing else is open there: where all
    /// are consequences (`cause` says of what) of alerts of that one.
    pub(super) fn yield_to(
        &mut self,
        child: EpisodeId,
        parent: EpisodeId,
        cause: impl Fn(EpisodeId) -> Option<EpisodeId>,
    ) {
        let (Some(from), Some(into)) = (self.of(child), self.of(parent)) else { return };
        let only = self
            .cases
            .get(&from)
            .is_some_and(|case| case.open.iter().all(|e| cause(*e).is_some_and(|cause| self.of(cause) == Some(into))));
        if from != into && only {
            self.merge(from, into);
            self.touched.insert(into);
        }
    }

    fn raise(&mut self, id: IncidentId, level: Level) {
        if let Some(case) = self.cases.get_mut(&id).filter(|c| level > c.told.level) {
            case.told.level = level;
            self.touched.insert(id);
        }
    }

    /// The incident that an alert belongs to, a new one where there is none.
    fn find(&mut self, told: &Told) -> IncidentId {
        let district = told.place.as_ref().and_then(place::district).and_then(|d| PlaceCode::new(d).ok());
        let key = (told.rule.clone(), district);
        let goes_on = |c: &&Case| told.decided <= c.told.latest_at + limit::INCIDENT_GAP;
        if let Some(case) = self.current(&key, told.historic).filter(goes_on) {
            return case.told.id;
        }
        if self.cases.len() < limit::MAX_INCIDENTS {
            return self.open(key, told.historic, told);
        }
        // A constant of the right characters: this cannot fail.
        let many = (RuleId::new(MANY_RULE).unwrap_or(key.0), None);
        match self.current(&many, false).map(|c| c.told.id) {
            Some(id) => id,
            None => self.open(many, false, told),
        }
    }

    fn current(&self, key: &Key, historic: bool) -> Option<&Case> {
        self.slots.get(key).and_then(|s| s.current[usize::from(historic)]).and_then(|id| self.cases.get(&id))
    }

    fn open(&mut self, key: Key, historic: bool, told: &Told) -> IncidentId {
        if self.slots.len() >= limit::MAX_INCIDENT_KEYS && !self.slots.contains_key(&key) {
            self.slots.retain(|_, s| s.current.iter().any(Option::is_some));
        }
        let slot = self.slots.entry(key.clone()).or_default();
        // An earlier one may be open still, at rest or not: it goes on without newcomers.
        let n = slot.given.next(told.started_at);
        let id = IncidentId::derive(&key.0, key.1.as_ref(), told.started_at, n);
        slot.current[usize::from(historic)] = Some(id);
        let (rule, district) = key.clone();
        let incident = Incident {
            id,
            version: 0,
            state: IncidentState::Open,
            rule,
            district,
            domain: told.domain,
            level: told.level,
            episodes: 0,
            open: 0,
            devices: 0,
            places: Vec::new(),
            historic,
            started_at: told.started_at,
            opened_at: told.decided,
            latest_at: told.decided,
            into: None,
        };
        let case = Case {
            told: incident,
            open: BTreeSet::new(),
            devices: BTreeSet::new(),
            places: BTreeSet::new(),
            tell_at: 1,
            told_level: None,
            close_at: None,
            keys: vec![(key, historic)],
        };
        self.cases.insert(id, case);
        id
    }

    fn join(&mut self, id: IncidentId, told: &Told) {
        let Some(case) = self.cases.get_mut(&id) else { return };
        case.told.episodes = case.told.episodes.saturating_add(1);
        case.told.latest_at = case.told.latest_at.max(told.decided);
        case.told.level = case.told.level.max(told.level);
        case.open.insert(told.episode);
        if let Some(at) = case.close_at.take() {
            self.due.remove(&(at, id));
        }
        if case.places.len() < limit::MAX_INCIDENT_PLACES {
            case.places.extend(told.place.clone());
        }
        if let Subject::Device(device) | Subject::Event { device, .. } = &told.subject {
            let hash = xxhash_rust::xxh3::xxh3_64(device.as_str().as_bytes());
            let room = self.devices < limit::MAX_INCIDENT_DEVICES;
            if !case.devices.contains(&hash) {
                case.told.devices = case.told.devices.saturating_add(1);
                if room {
                    case.devices.insert(hash);
                    self.devices += 1;
                }
            }
        }
        self.of.insert(told.episode, id);
        self.touched.insert(id);
        self.joined.push((id, told.episode));
    }

    fn leave(&mut self, id: IncidentId, episode: EpisodeId, now: Timestamp) {
        self.of.remove(&episode);
        let Some(case) = self.cases.get_mut(&id) else { return };
        case.open.remove(&episode);
        if case.open.is_empty() {
            let at = now + limit::INCIDENT_REST;
            case.close_at = Some(at);
            self.due.insert((at, id));
        }
    }

    /// Makes one of these incidents, the earliest, and answers it.
    fn merged(&mut self, cause: BTreeSet<IncidentId>) -> Option<IncidentId> {
        let opened = |id: &IncidentId| self.cases.get(id).map_or(Timestamp::MAX, |c| c.told.opened_at);
        let first = cause.iter().copied().min_by_key(|id| (opened(id), *id))?;
        for id in cause.into_iter().filter(|id| *id != first) {
            self.merge(id, first);
        }
        Some(first)
    }

    fn merge(&mut self, id: IncidentId, into: IncidentId) {
        let Some(mut gone) = self.cases.remove(&id) else { return };
        self.devices -= gone.devices.len();
        self.of.extend(gone.open.iter().map(|e| (*e, into)));
        for joined in self.joined.iter_mut().filter(|(to, _)| *to == id) {
            joined.0 = into;
        }
        self.touched.remove(&id);
        self.redirect(&gone.keys, id, Some(into));
        if let Some(case) = self.cases.get_mut(&into) {
            let (to, from) = (&mut case.told, &gone.told);
            to.episodes = to.episodes.saturating_add(from.episodes);
            to.level = to.level.max(from.level);
            to.latest_at = to.latest_at.max(from.latest_at);
            let unknown = from.devices.saturating_sub(gone.devices.len() as u32);
            let known = case.devices.len();
            case.devices.extend(&gone.devices);
            let new = case.devices.len() - known;
            self.devices += new;
            to.devices = to.devices.saturating_add(unknown).saturating_add(new as u32);
            case.open.append(&mut gone.open);
            case.keys.append(&mut gone.keys);
            let room = limit::MAX_INCIDENT_PLACES.saturating_sub(case.places.len());
            let new: Vec<PlaceCode> = gone.places.difference(&case.places).take(room).cloned().collect();
            case.places.extend(new);
        }
        // What was never told has nothing to take back.
        if gone.told.version > 0 {
            let at = gone.told.latest_at;
            self.closed.push((at, gone.incident(IncidentState::Closed, Some(into))));
        }
    }

    /// Closes what has been at rest for long enough by `until`.
    pub(super) fn fire(&mut self, until: Timestamp, floor: Timestamp) {
        while let Some((at, id)) = self.due.first().copied()
            && at <= until
        {
            self.due.pop_first();
            let Some(mut case) = self.cases.remove(&id) else { continue };
            self.devices -= case.devices.len();
            self.touched.remove(&id);
            self.redirect(&case.keys, id, None);
            self.closed.push((at.max(floor), case.incident(IncidentState::Closed, None)));
        }
    }

    fn redirect(&mut self, keys: &[(Key, bool)], from: IncidentId, to: Option<IncidentId>) {
        for (key, historic) in keys {
            let current = self.slots.get_mut(key).map(|s| &mut s.current[usize::from(*historic)]);
            if let Some(current) = current.filter(|c| **c == Some(from)) {
                *current = to;
            }
        }
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The wall clock stepped.
    pub(super) fn shift(&mut self, by: Millis) {
        self.due = std::mem::take(&mut self.due).into_iter().map(|(at, id)| (at + by, id)).collect();
        for case in self.cases.values_mut() {
            case.told.latest_at = case.told.latest_at + by;
            case.close_at = case.close_at.map(|at| at + by);
        }
    }

    /// Ends the step: drafts what is to be told.
    pub(super) fn tell(&mut self, book: &mut Book, now: Timestamp) {
        for id in std::mem::take(&mut self.touched) {
            let Some(case) = self.cases.get_mut(&id) else { continue };
            if case.told.episodes >= case.tell_at || case.told_level < Some(case.told.level) {
                book.draft(now, None, Body::Incident(Box::new(case.incident(IncidentState::Open, None))));
            }
        }
        for (at, incident) in self.closed.drain(..) {
            let at = if incident.into.is_some() { now } else { at };
            book.draft(at, None, Body::Incident(Box::new(incident)));
        }
        let joined = std::mem::take(&mut self.joined);
        for part in joined.chunks(limit::MAX_GROUPED) {
            let mut groups: BTreeMap<IncidentId, Vec<EpisodeId>> = BTreeMap::new();
            for (incident, episode) in part {
                groups.entry(*incident).or_default().push(*episode);
            }
            let groups = groups.into_iter().map(|(incident, episodes)| Group { incident, episodes }).collect();
            book.draft(now, None, Body::Grouped(groups));
        }
    }

    /// Follows the log, which knows these incidents otherwise than this binary decided: versions go on from there.
    pub(in crate::engine) fn follow(&mut self, logged: &Incident) {
        if logged.state == IncidentState::Open
            && let Some(case) = self.cases.get_mut(&logged.id)
        {
            case.told.version = case.told.version.max(logged.version);
            case.told_level = case.told_level.max(Some(logged.level));
        }
    }

    /// Forgets what the step under way would tell: the log has told what there was.
    pub(in crate::engine) fn keep_quiet(&mut self) {
        self.touched.clear();
        self.closed.clear();
        self.joined.clear();
    }
}

impl Case {
    /// The incident in its next version.
    fn incident(&mut self, state: IncidentState, into: Option<IncidentId>) -> Incident {
        self.told.version += 1;
        self.told_level = Some(self.told.level);
        self.tell_at = self.told.episodes.saturating_add(1).checked_next_power_of_two().unwrap_or(u32::MAX);
        let (open, places) = (self.open.len() as u32, self.places.iter().cloned().collect());
        Incident { state, open, places, into, ..self.told.clone() }
    }
}
