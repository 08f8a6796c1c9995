//! The city machine's state as bytes, and back. Which alerts count for which quorum follows from the alerts and the rules,
//! and is not saved.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::super::city::{
    Case, Cell, City, Devices, Drills, Health, IncidentKey, Incidents, Inhibitions, Maintenances, Member, Part,
    Quorums, Slot, Source,
};
use super::super::fleet::Law;
use super::super::{RestoreError, Versions};
use super::{law, pack, restore_book, unpack};
use crate::alert::{Flaps, Given, Record};
use crate::fact::Maintenance;
use crate::id::{DeviceId, EpisodeId, PartId, PlaceCode, Position, RuleId, SourceId, Subject, Version};
use crate::input::Check;
use crate::time::Timestamp;

#[derive(Encode, Decode)]
struct SavedCity {
    #[n(0)]
    position: Option<Position>,
    #[n(1)]
    now: Option<Timestamp>,
    #[n(2)]
    rules: Option<Version>,
    #[n(3)]
    catalogue: Option<Version>,
    #[n(4)]
    sources: Vec<(SourceId, Source)>,
    #[n(5)]
    open: Vec<Record>,
    #[n(6)]
    facts_seen: Option<u64>,
    #[n(7)]
    members: Option<Vec<(EpisodeId, Member)>>,
    #[n(8)]
    quorums: Option<Vec<SavedQuorum>>,
    #[n(9)]
    incidents: Option<Vec<Case>>,
    #[n(10)]
    incident_keys: Option<Vec<(IncidentKey, Slot)>>,
    #[n(11)]
    #[cbor(default)]
    flaps: Vec<Flaps>,
    /// Alerts not known to be consequences or not, and when that is decided.
    #[n(12)]
    waiting: Option<Vec<(EpisodeId, Timestamp)>>,
    /// Consequences and their causes.
    #[n(13)]
    inhibited: Option<Vec<(EpisodeId, EpisodeId)>>,
    #[n(14)]
    maintenances: Option<Vec<Maintenance>>,
    #[n(15)]
    health: Option<Vec<(Check, PartId, Part)>>,
    #[n(16)]
    drills: Option<Drills>,
    #[n(17)]
    plans: Option<Version>,
}

#[derive(Encode, Decode)]
struct SavedQuorum {
    #[n(0)]
    rule: RuleId,
    /// `None` where it is the surroundings of a device.
    #[n(1)]
    place: Option<PlaceCode>,
    #[n(2)]
    given: Given,
    #[n(3)]
    firing: Option<EpisodeId>,
    #[n(4)]
    lost: Option<Timestamp>,
    #[n(5)]
    around: Option<DeviceId>,
}

/// Nothing is written where there is nothing to say.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn save_quorum((rule, subject): &(RuleId, Subject), cell: &Cell) -> SavedQuorum {
    let (place, around) = match subject {
        Subject::Place(place) => (Some(place.clone()), None),
        Subject::Around(device) => (None, Some(device.clone())),
        Subject::Device(_) | Subject::Source(_) | Subject::Event { .. } | Subject::Part(_) | Subject::Drill(_) => {
            (None, None)
        }
    };
    SavedQuorum { rule: rule.clone(), place, given: cell.given, firing: cell.firing, lost: cell.lost, around }
}

fn restore_quorums(saved: Vec<SavedQuorum>, open: &BTreeMap<EpisodeId, Member>, law: &Law, now: Timestamp) -> Quorums {
    let mut quorums = Quorums::default();
    quorums.rebuild(open, law);
    for saved in saved {
        let subject = saved.place.map(Subject::Place).or(saved.around.map(Subject::Around));
        let Some(key) = subject.map(|subject| (saved.rule, subject)) else { continue };
        let cell = quorums.cell(key.clone());
        (cell.given, cell.firing, cell.lost) = (saved.given, saved.firing, saved.lost);
        quorums.recount(&key, law, now);
    }
    quorums
}

impl City {
    /// The whole state in canonical bytes, a format number first.
    pub fn snapshot(&self) -> Vec<u8> {
        pack(&SavedCity {
            position: self.position,
            now: self.now,
            rules: self.law.rules_version,
            catalogue: self.law.catalogue_version,
            sources: self.sources.iter().map(|(id, s)| (id.clone(), s.clone())).collect(),
            open: self.book.records().cloned().collect(),
            facts_seen: Some(self.facts_seen),
            members: Some(self.open.iter().map(|(id, m)| (*id, m.clone())).collect()),
            quorums: Some(self.quorums.kept().map(|(key, cell)| save_quorum(key, cell)).collect()),
            incidents: Some(self.incidents.cases.values().cloned().collect()),
            incident_keys: Some(self.incidents.slots.iter().map(|(key, slot)| (key.clone(), *slot)).collect()),
            flaps: self.book.flaps(self.now),
            waiting: some(self.inhibitions.waiting.iter().map(|(id, at)| (*id, *at)).collect()),
            inhibited: some(self.inhibited().collect()),
            maintenances: some(self.maintenances().cloned().collect()),
            health: some(self.health.parts.iter().map(|((c, id), p)| (*c, id.clone(), p.clone())).collect()),
            drills: Some(self.drills.clone()).filter(|drills| *drills != Drills::default()),
            plans: self.plans,
        })
    }

    /// A machine as it was when [`Self::snapshot`] was taken.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(bytes: &[u8], versions: &Versions) -> Result<Self, RestoreError> {
        let saved: SavedCity = unpack(bytes)?;
        let law = law(saved.rules, saved.catalogue, versions)?;
        let open = saved.members.unwrap_or_default().into_iter().collect();
        let keys = saved.incident_keys.unwrap_or_default().into_iter().collect();
        let book = restore_book(saved.open, saved.flaps, saved.rules, &law.rules);
        let inhibitions = Inhibitions::restore(saved.waiting.unwrap_or_default(), saved.inhibited.unwrap_or_default());
        let devices = Devices::of(&open);
        let health = saved.health.unwrap_or_default().into_iter();
        let members = devices.all(&open);
        let mut city = Self {
            now: saved.now,
            position: saved.position,
            quorums: restore_quorums(saved.quorums.unwrap_or_default(), &members, &law, saved.now.unwrap_or_default()),
            incidents: Incidents::restore(saved.incidents.unwrap_or_default(), keys),
            noted: 0,
            law,
            sources: saved.sources.into_iter().collect(),
            book,
            facts_seen: saved.facts_seen.unwrap_or_default(),
            untold: saved.facts_seen.is_none(),
            open,
            devices,
            inhibitions,
            maintenances: Maintenances::restore(saved.maintenances.unwrap_or_default()),
            health: Health { parts: health.map(|(check, id, part)| ((check, id), part)).collect() },
            drills: saved.drills.unwrap_or_default(),
            plans: saved.plans,
        };
        city.know_parties();
        Ok(city)
    }
}
