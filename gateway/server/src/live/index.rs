//! Counts and indices: what the city's state comes to in numbers.
//!
//! A device that is known scores 100, a firing one the cap of its level (blue 95, yellow 80, orange 60, red 40). A street of
//! one domain is the mean of its devices, capped by its worst open level. A domain is the mean of its streets, the city
//! the mean of its domains. What is unknown has no score: it lowers the coverage instead.

use std::collections::BTreeMap;

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::place::{Domain, Level};

use super::device::Slot;
use super::roster::Roster;
use super::view::Scope;
use super::words;

/// Devices, alerts and index of one domain or district.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, known.
    pub online: u64,
    /// Open alerts by level.
    pub open: api::LevelCounts,
    /// 0 to 100; `None` where nothing is known. Of districts not computed.
    pub index: Option<f64>,
}

impl Group {
    /// Share of devices that are known; 1 where there are none.
    pub fn coverage(&self) -> f64 {
        coverage(self.online, self.devices)
    }
}

/// Everything counted over one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, known.
    pub online: u64,
    /// The city's index.
    pub index: Option<f64>,
    /// Every domain of the scope.
    pub domains: BTreeMap<Domain, Group>,
    /// Every district of the scope that has devices or alerts.
    pub districts: BTreeMap<String, Group>,
}

impl Tally {
    /// Share of devices that are known; 1 where there are none.
    pub fn coverage(&self) -> f64 {
        coverage(self.online, self.devices)
    }
}

fn coverage(online: u64, devices: u64) -> f64 {
    if devices == 0 { 1.0 } else { (online as f64 / devices as f64 * 1_000.0).round() / 1_000.0 }
}

const fn cap(level: Level) -> f64 {
    match level {
        Level::Blue => 95.0,
        Level::Yellow => 80.0,
        Level::Orange => 60.0,
        Level::Red => 40.0,
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    n: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
    }

    fn get(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / f64::from(self.n))
    }
}

fn shown(mean: Option<f64>) -> Option<f64> {
    mean.map(|m| (m * 10.0).round() / 10.0)
}

/// Counts what `scope` sees. `slots` are in the roster's order.
pub(super) fn tally<'a>(
    scope: &Scope,
    roster: &Roster,
    slots: &[Slot],
    open: impl Iterator<Item = &'a Transition>,
) -> Tally {
    let mut tally = Tally::default();
    for domain in Domain::ALL.into_iter().filter(|d| scope.allows_domain(*d)) {
        tally.domains.insert(domain, Group::default());
    }
    // Streets by their number in the roster: the mean of their devices, and their worst level.
    let mut streets: Vec<(Mean, f64)> = roster.streets.iter().map(|_| (Mean::default(), 100.0)).collect();
    for (entry, slot) in roster.devices.iter().zip(slots).filter(|(e, _)| scope.allows(&e.district, e.domain)) {
        let known = slot.unknown().is_none();
        let level = slot.level();
        tally.devices += 1;
        tally.online += u64::from(known);
        let district = group(&mut tally.districts, &entry.district);
        for group in [Some(district), tally.domains.get_mut(&entry.domain)].into_iter().flatten() {
            group.devices += 1;
            group.online += u64::from(known);
        }
        let Some((mean, worst)) = streets.get_mut(entry.street as usize) else { continue };
        match level {
            Some(level) => {
                mean.add(cap(level));
                *worst = worst.min(cap(level));
            }
            None if known => mean.add(100.0),
            None => {}
        }
    }
    let mut domains: BTreeMap<Domain, Mean> = BTreeMap::new();
    for (street, (mean, worst)) in roster.streets.iter().zip(&streets) {
        if let Some(mean) = mean.get() {
            domains.entry(*street).or_default().add(mean.min(*worst));
        }
    }
    count_alerts(scope, open, &mut tally, &mut domains);
    let mut city = Mean::default();
    for (domain, mean) in domains {
        if let (Some(mean), Some(group)) = (mean.get(), tally.domains.get_mut(&domain)) {
            city.add(mean);
            group.index = shown(Some(mean));
        }
    }
    tally.index = shown(city.get());
    tally
}

/// Counts alerts by level. One that is not about a device is a child of its domain by itself.
fn count_alerts<'a>(
    scope: &Scope,
    open: impl Iterator<Item = &'a Transition>,
    tally: &mut Tally,
    domains: &mut BTreeMap<Domain, Mean>,
) {
    for t in open.filter(|t| scope.allows_alert(t)) {
        if let Some(group) = tally.domains.get_mut(&t.domain) {
            *group.open.of(words::level(t.level)) += 1;
        }
        if let Some(code) = words::district(t) {
            *group(&mut tally.districts, code).open.of(words::level(t.level)) += 1;
        }
        if t.subject.kind() != "device" {
            domains.entry(t.domain).or_default().add(cap(t.level));
        }
    }
}

/// The group of a code, without making a text for one that is there.
fn group<'a>(groups: &'a mut BTreeMap<String, Group>, code: &str) -> &'a mut Group {
    if !groups.contains_key(code) {
        groups.insert(code.to_owned(), Group::default());
    }
    groups.entry(code.to_owned()).or_default()
}
