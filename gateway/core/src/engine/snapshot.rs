//! A machine's whole state as canonical bytes, and back.
//!
//! A format number stands first; a later format reads the earlier ones or refuses, and then the machine is rebuilt from
//! its inputs. Cells are saved under their rules' ids, so that the numbers of rules stay an internal matter. What follows
//! from the rest (due times, verdicts) is not saved.

use minicbor::{Decode, Encode};

use super::absence::{AbsenceCell, Hearing};
use super::deaf::Ears;
use super::derive::AirState;
use super::device::DeviceState;
use super::event::Known;
use super::fleet::{Fleet, Law};
use super::level::{Active, Held, SavedActive};
use super::memory::Memories;
use super::mute::Mute;
use super::partition::Partition;
use super::series::{Scene, Series};
use super::watch::Watch;
use super::{Output, RestoreError, Versions};
use crate::alert::{Book, Flaps, Given, Record, Spent};
use crate::codec::{self, CodecError};
use crate::id::{DeviceId, EpisodeId, PartitionId, Position, Quantity, RuleId, SourceId, Subject, Version};
use crate::place::Level;
use crate::rule::{Rule, RuleSet};
use crate::time::{Millis, Timestamp};

mod city;

/// Of both kinds of machines.
const FORMAT: u32 = 1;

#[derive(Encode, Decode)]
struct SavedPartition {
    #[n(0)]
    id: PartitionId,
    #[n(1)]
    position: Option<Position>,
    #[n(2)]
    now: Option<Timestamp>,
    #[n(3)]
    rules: Option<Version>,
    #[n(4)]
    catalogue: Option<Version>,
    #[n(5)]
    all_deaf: bool,
    #[n(6)]
    deaf: Vec<SourceId>,
    #[n(7)]
    devices: Vec<SavedDevice>,
    #[n(8)]
    open: Vec<Record>,
    #[n(9)]
    spent: Vec<SavedSpent>,
    #[n(10)]
    #[cbor(default)]
    flaps: Vec<Flaps>,
}

#[derive(Encode, Decode)]
struct SavedSpent {
    #[n(0)]
    rule: RuleId,
    #[n(1)]
    subject: Subject,
    #[n(2)]
    spent: Spent,
}

#[derive(Encode, Decode)]
struct SavedDevice {
    #[n(0)]
    id: DeviceId,
    #[n(1)]
    hearing: Hearing,
    #[n(2)]
    series: Vec<SavedSeries>,
    #[n(3)]
    absences: Vec<SavedAbsence>,
    #[n(4)]
    watch: Watch,
    /// None where there are none, as in snapshots from before there were any.
    #[n(5)]
    events: Option<Vec<SavedEvents>>,
    #[n(6)]
    air: Option<Box<AirState>>,
}

#[derive(Encode, Decode)]
struct SavedEvents {
    #[n(0)]
    rule: RuleId,
    #[n(1)]
    known: Vec<Known>,
    #[n(2)]
    given: Given,
}

#[derive(Encode, Decode)]
struct SavedAbsence {
    #[n(0)]
    rule: RuleId,
    #[n(1)]
    firing: Option<(EpisodeId, Level)>,
    #[n(2)]
    given: Given,
    #[n(3)]
    #[cbor(default)]
    latched: bool,
}

#[derive(Encode, Decode)]
struct SavedSeries {
    #[n(0)]
    quantity: Quantity,
    #[n(1)]
    held: Held,
    #[n(2)]
    lag: Millis,
    #[n(3)]
    mute: Mute,
    #[n(4)]
    stale: bool,
    #[n(5)]
    cells: Vec<SavedCell>,
    #[n(6)]
    memories: Option<Memories>,
    #[n(7)]
    draining: Option<bool>,
    /// Where the clock stepped since the value came.
    #[n(8)]
    came_with: Option<Millis>,
}

#[derive(Encode, Decode)]
struct SavedCell {
    #[n(0)]
    rule: RuleId,
    #[n(1)]
    given: Given,
    #[n(2)]
    active: Option<SavedActive>,
    /// Of a rule with a schedule: the period that holds and its end.
    #[n(3)]
    turn: Option<(Option<u8>, Timestamp)>,
    #[n(4)]
    #[cbor(default)]
    latched: bool,
}

fn pack<T: Encode<()>>(state: &T) -> Vec<u8> {
    let mut bytes = codec::encode(&FORMAT);
    codec::encode_into(state, &mut bytes);
    bytes
}

fn unpack<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, RestoreError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let format = decoder.u32().map_err(CodecError::from)?;
    if format != FORMAT {
        return Err(RestoreError::Format(format));
    }
    let rest = bytes.get(decoder.position()..).unwrap_or_default();
    Ok(codec::decode(rest)?)
}

fn rule_id(rules: &RuleSet, number: u32) -> Option<RuleId> {
    rules.rules.get(number as usize).map(|r| r.id.clone())
}

fn save_series(series: &Series, rules: &RuleSet) -> SavedSeries {
    // A cell that was never pending is as new, but for the edges of its calendar that it passed.
    let turns = |number: u32| {
        let rule = rules.rules.get(number as usize).and_then(Rule::threshold);
        rule.is_some_and(|t| t.schedule.is_some())
    };
    let kept = series.cells.iter().filter(|c| !c.given.is_empty() || c.latched || turns(c.rule));
    let cells = kept.filter_map(|c| {
        let active = c.active.as_deref().map(Active::save);
        let turn = turns(c.rule).then_some((c.period, c.edge));
        rule_id(rules, c.rule).map(|rule| SavedCell { rule, given: c.given, active, turn, latched: c.latched })
    });
    SavedSeries {
        quantity: series.quantity.clone(),
        held: series.held,
        lag: series.lag,
        mute: series.mute,
        stale: series.stale,
        cells: cells.collect(),
        memories: (!series.memories.is_empty()).then(|| series.memories.clone()),
        draining: series.draining.then_some(true),
        came_with: (series.came_with != series.lag).then_some(series.came_with),
    }
}

fn save_spent((rule, subject, spent): (&RuleId, &Subject, Spent)) -> SavedSpent {
    SavedSpent { rule: rule.clone(), subject: subject.clone(), spent }
}

fn save_device(device: &DeviceState, rules: &RuleSet) -> SavedDevice {
    let absences = device.absences.iter().filter(|c| !c.given.is_empty());
    let absences = absences.filter_map(|c| {
        let rule = rule_id(rules, c.rule)?;
        Some(SavedAbsence { rule, firing: c.firing, given: c.given, latched: c.latched })
    });
    let events = device.events.iter().filter(|c| !c.all_given().is_empty());
    let events: Vec<SavedEvents> = events
        .filter_map(|c| rule_id(rules, c.rule).map(|rule| SavedEvents { rule, known: c.known.clone(), given: c.given }))
        .collect();
    SavedDevice {
        id: device.id.clone(),
        hearing: device.hearing,
        absences: absences.collect(),
        watch: device.watch.clone(),
        air: device.air.clone(),
        events: (!events.is_empty()).then_some(events),
        series: device.series.iter().map(|s| save_series(s, rules)).collect(),
    }
}

fn restore_device(saved: SavedDevice, number: u32, scene: &Scene<'_>) -> DeviceState {
    let about = scene.rules.about(scene.device);
    let mut device = DeviceState::new(saved.id, number, saved.hearing.heard);
    device.hearing = saved.hearing;
    device.watch = saved.watch;
    device.air = saved.air;
    device.select_absences(&about, scene.rules);
    for old in saved.absences {
        let found = device.absences.iter_mut().find(|c| rule_id(scene.rules, c.rule).as_ref() == Some(&old.rule));
        if let Some(cell) = found {
            *cell = AbsenceCell { rule: cell.rule, firing: old.firing, given: old.given, latched: old.latched };
        }
    }
    device.select_events(&about, scene.rules);
    for old in saved.events.into_iter().flatten() {
        let found = device.events.iter_mut().find(|c| rule_id(scene.rules, c.rule).as_ref() == Some(&old.rule));
        if let Some(cell) = found {
            (cell.known, cell.given) = (old.known, old.given);
        }
    }
    for old in saved.series {
        let mut series = Series::new(&old.quantity, old.held, &about, scene);
        (series.lag, series.mute, series.stale) = (old.lag, old.mute, old.stale);
        series.draining = old.draining.unwrap_or(false);
        series.came_with = old.came_with.unwrap_or(old.lag);
        if let Some(memories) = old.memories {
            series.memories = memories;
        }
        for kept in old.cells {
            let found = series.cells.iter_mut().find(|c| rule_id(scene.rules, c.rule).as_ref() == Some(&kept.rule));
            if let Some(cell) = found {
                (cell.given, cell.latched) = (kept.given, kept.latched);
                cell.active = kept.active.map(|a| Box::new(Active::restore(a)));
                if let Some(turn) = kept.turn {
                    (cell.period, cell.edge) = turn;
                }
            }
        }
        device.series.push(series);
    }
    device.series.sort_by(|a, b| a.quantity.cmp(&b.quantity));
    device.await_values(&about, scene.rules);
    device.select_expressions(&about, scene.rules);
    device
}

impl Partition {
    /// The whole state in canonical bytes, a format number first.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut devices: Vec<&DeviceState> = self.fleet.devices().iter().collect();
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        pack(&SavedPartition {
            id: self.id,
            position: self.position,
            now: self.now,
            rules: self.law.rules_version,
            catalogue: self.law.catalogue_version,
            all_deaf: self.ears.all,
            deaf: self.ears.deaf.iter().cloned().collect(),
            devices: devices.into_iter().map(|d| save_device(d, &self.law.rules)).collect(),
            open: self.book.records().cloned().collect(),
            spent: self.book.all_spent().map(save_spent).collect(),
            flaps: self.book.flaps(self.now),
        })
    }

    /// A machine as it was when [`Self::snapshot`] was taken.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(bytes: &[u8], versions: &Versions) -> Result<Self, RestoreError> {
        let saved: SavedPartition = unpack(bytes)?;
        let law = law(saved.rules, saved.catalogue, versions)?;
        let mut book = restore_book(saved.open, saved.flaps, saved.rules, &law.rules);
        for spent in saved.spent {
            book.spend(&spent.rule, spent.subject, spent.spent);
        }
        let mut devices = Vec::new();
        for device in saved.devices {
            if let Some(number) = law.catalogue.number(&device.id)
                && let Some(scene) = law.scene(number, &mut book)
            {
                devices.push(restore_device(device, number, &scene));
            }
        }
        let mut fleet = Fleet::of(devices, &law, &mut book);
        // Verdicts follow from the state; they were told before the snapshot was taken.
        fleet.settle(&law, &mut book, &mut Output::default());
        let ears = Ears { all: saved.all_deaf, deaf: saved.deaf.into_iter().collect() };
        Ok(Self { id: saved.id, now: saved.now, position: saved.position, law, ears, fleet, book })
    }
}

fn law(rules: Option<Version>, catalogue: Option<Version>, versions: &Versions) -> Result<Law, RestoreError> {
    let mut law = Law { rules_version: rules, catalogue_version: catalogue, ..Law::default() };
    if let Some(version) = rules {
        law.rules = versions.rules(version).ok_or(RestoreError::UnknownRules(version))?.clone();
    }
    if let Some(version) = catalogue {
        law.catalogue = versions.catalogue(version).ok_or(RestoreError::UnknownCatalogue(version))?.clone();
    }
    Ok(law.with_own_limits())
}

fn restore_book(open: Vec<Record>, flaps: Vec<Flaps>, version: Option<Version>, rules: &RuleSet) -> Book {
    let mut book = Book::default();
    book.remember(flaps);
    for record in open {
        book.put(record);
    }
    if let Some(version) = version {
        book.judge_by(version, rules);
    }
    book
}
