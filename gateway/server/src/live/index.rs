//! Counts and indices: what the city's state comes to in numbers.
//!
//! A device that is known scores by how far its value is from its limits ([`super::score`]), a firing one at most what its
//! level leaves (blue 95, yellow 80, orange 60, red 40). A street of one domain is the mean of its devices, capped by its
//! worst open level. A domain is the mean of its streets, the city the mean of its domains. What is unknown has no score:
//! it lowers the coverage instead.
//!
//! Counting goes over every device, so it is done on a copy of what it needs, outside of the picture's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::place::Domain;

use super::device::Condition;
use super::roster::Roster;
use super::score::cap;
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
    /// Share of devices that are known; `None` where there are none.
    pub fn coverage(&self) -> Option<f64> {
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
    /// Share of devices that are known; `None` where there are none.
    pub fn coverage(&self) -> Option<f64> {
        coverage(self.online, self.devices)
    }
}

/// Of nothing there is no share: neither all of it is known nor none.
fn coverage(online: u64, devices: u64) -> Option<f64> {
    (devices > 0).then(|| (online as f64 / devices as f64 * 1_000.0).round() / 1_000.0)
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

/// What counting needs, as of one moment.
pub(super) struct Sight {
    pub(super) roster: Arc<Roster>,
    /// In the roster's order.
    pub(super) conditions: Vec<Condition>,
    /// Open alerts.
    pub(super) open: Vec<Arc<Transition>>,
}

impl Sight {
    /// Counts what `scope` sees.
    pub(super) fn tally(&self, scope: &Scope) -> Tally {
        tally(scope, &self.roster, &self.conditions, &self.open)
    }
}

fn tally(scope: &Scope, roster: &Roster, conditions: &[Condition], open: &[Arc<Transition>]) -> Tally {
    let mut tally = Tally::default();
    for domain in Domain::ALL.into_iter().filter(|d| scope.allows_domain(*d)) {
        tally.domains.insert(domain, Group::default());
    }
    // Streets by their number in the roster: the mean of their devices, and their worst level.
    let mut streets: Vec<(Mean, f64)> = roster.streets.iter().map(|_| (Mean::default(), 100.0)).collect();
    let seen = roster.devices.iter().zip(conditions).filter(|(e, _)| scope.allows(&e.district, e.domain));
    for (entry, Condition { known, level, score }) in seen {
        tally.devices += 1;
        tally.online += u64::from(*known);
        let district = group(&mut tally.districts, &entry.district);
        for group in [Some(district), tally.domains.get_mut(&entry.domain)].into_iter().flatten() {
            group.devices += 1;
            group.online += u64::from(*known);
        }
        let Some((mean, worst)) = streets.get_mut(entry.street as usize) else { continue };
        if let Some(score) = score {
            mean.add(*score);
        }
        if let Some(level) = level {
            *worst = worst.min(cap(*level));
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
fn count_alerts(scope: &Scope, open: &[Arc<Transition>], tally: &mut Tally, domains: &mut BTreeMap<Domain, Mean>) {
    for t in open.iter().filter(|t| scope.allows_alert(t)) {
        if let Some(group) = tally.domains.get_mut(&t.domain) {
            *group.open.of(words::level(t.level)) += 1;
        }
        if let Some(code) = words::district(t) {
            *group(&mut tally.districts, code).open.of(words::level(t.level)) += 1;
        }
        if t.subject.device().is_none() {
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
