//! The tree of the city's index.
//!
//! | part | is the mean of | each weighing | and at most what is left by |
//! |---|---|---|---|
//! | street in one domain | its devices that have a score | 1 | the worst open alert in it |
//! | district in one domain | its streets in the domain | 1 | alerts about the district itself |
//! | domain | its districts in the domain | its streets that have a score, at least 1 | alerts of the domain about no district |
//! | district, street | its domains | 1 | |
//! | city | its domains | 1 | |
//!
//! A part of which nothing has a score has none, but for an alert about itself: then it has what the alert leaves. The alert
//! of one device lowers its street to the alert's level and nothing above it but by the mean.
//!
//! Invariant: scores are whole tenths at every step, and a mean is rounded half up, so that anybody who computes a part from
//! its children as they are shown gets the number that is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::id::Subject;
use maibo_core::place::{Domain, Level};

use super::Sight;
use super::explain::{Part, within};
use crate::live::device::Condition;
use crate::live::roster::{Entry, Roster, Street};
use crate::live::score::cap;
use crate::live::view::Scope;
use crate::live::words;

/// A score of 0 to 100 in tenths.
pub(super) type Tenths = u64;

/// From points to tenths.
pub(super) fn tenths(points: f64) -> Tenths {
    (points * 10.0).round() as Tenths
}

/// From tenths to points.
pub(super) fn points(tenths: Tenths) -> f64 {
    tenths as f64 / 10.0
}

/// One part of the city.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Devices in the catalogue.
    pub(super) devices: u64,
    /// Of these, known.
    pub(super) known: u64,
    /// Open alerts by level.
    pub(super) open: api::LevelCounts,
    /// Weight of the children that have a score.
    pub(super) weight: u64,
    /// Their scores, each times its weight.
    sum: Tenths,
    /// The level that caps it.
    pub(super) worst: Option<Level>,
}

impl Node {
    /// Takes in a child's score.
    fn add(&mut self, score: Tenths, weight: u64) {
        self.sum += score * weight;
        self.weight += weight;
    }

    /// Counts a device.
    fn count(&mut self, known: bool) {
        self.devices += 1;
        self.known += u64::from(known);
    }

    fn cap(&mut self, level: Level) {
        self.worst = self.worst.max(Some(level));
    }

    /// A part that is the mean of others, all of the same weight.
    pub(super) fn over<'n>(children: impl Iterator<Item = &'n Node>) -> Self {
        let mut all = Self::default();
        for child in children {
            (all.devices, all.known) = (all.devices + child.devices, all.known + child.known);
            let (sum, open) = (&mut all.open, child.open);
            sum.blue += open.blue;
            sum.yellow += open.yellow;
            sum.orange += open.orange;
            sum.red += open.red;
            if let Some(score) = child.score() {
                all.add(score, 1);
            }
        }
        all
    }

    /// The weighted mean of the children that have a score, rounded half up.
    pub(super) fn mean(&self) -> Option<Tenths> {
        (self.weight > 0).then(|| (2 * self.sum + self.weight) / (2 * self.weight))
    }

    /// The mean, and not more than the cap; the cap, where there is no mean.
    pub(super) fn score(&self) -> Option<Tenths> {
        let most = self.worst.map(|level| tenths(cap(level)));
        match (self.mean(), most) {
            (Some(mean), Some(most)) => Some(mean.min(most)),
            (mean, most) => mean.or(most),
        }
    }
}

/// The city as one scope sees it.
pub(super) struct Tree<'a> {
    pub(super) sight: &'a Sight,
    pub(super) scope: &'a Scope,
    pub(super) city: Node,
    pub(super) domains: BTreeMap<Domain, Node>,
    /// By code; of what lies in no district, by the empty code.
    pub(super) districts: BTreeMap<&'a str, Node>,
    /// Districts in one domain.
    pub(super) cells: BTreeMap<(&'a str, Domain), Node>,
    /// Streets in one domain, by their number in the roster.
    pub(super) streets: Vec<Node>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(sight: &'a Sight, scope: &'a Scope) -> Self {
        let mut tree = Self {
            sight,
            scope,
            city: Node::default(),
            domains: Domain::ALL
                .into_iter()
                .filter(|d| scope.allows_domain(*d))
                .map(|d| (d, Node::default()))
                .collect(),
            districts: BTreeMap::new(),
            cells: BTreeMap::new(),
            streets: vec![Node::default(); sight.roster.streets.len()],
        };
        for (entry, condition) in tree.devices() {
            tree.device(entry, condition);
        }
        for t in tree.alerts() {
            tree.alert(t);
        }
        tree.climb();
        tree
    }

    pub(super) fn roster(&self) -> &'a Roster {
        &self.sight.roster
    }

    /// The devices that the scope sees.
    pub(super) fn devices(&self) -> impl Iterator<Item = (&'a Entry, &'a Condition)> + use<'a> {
        let (sight, scope) = (self.sight, self.scope);
        sight.roster.devices.iter().zip(&sight.conditions).filter(|(e, _)| scope.allows(&e.district, e.domain))
    }

    /// The open alerts that the scope sees. Drills are none: nothing has happened.
    pub(super) fn alerts(&self) -> impl Iterator<Item = &'a Arc<Transition>> + use<'a> {
        let scope = self.scope;
        self.sight.open.iter().filter(|t| scope.allows_alert(t) && !t.is_drill())
    }

    /// Streets in one domain that have devices of the scope.
    pub(super) fn streets(&self) -> impl Iterator<Item = (&'a Street, &Node)> {
        let streets: &'a [Street] = &self.sight.roster.streets;
        streets.iter().zip(&self.streets).filter(|(_, node)| node.devices > 0)
    }

    /// Whether an alert caps a part.
    pub(super) fn caps(&self, t: &Transition, of: &Part) -> bool {
        match t.subject.device() {
            // Of a device it is where the device lies today that counts.
            Some(id) => self.roster().get(id).is_some_and(|entry| within(of, entry)),
            None => weighs(t) && self.about(t) == *of,
        }
    }

    /// The smallest part that an alert about no device is about.
    fn about(&self, t: &Transition) -> Part {
        let street = t.place.as_ref().and_then(|p| self.roster().street(p.as_str(), t.domain));
        let seen = street.filter(|n| self.streets.get(*n as usize).is_some_and(|street| street.devices > 0));
        match (seen.and_then(|n| self.roster().streets.get(n as usize)), words::district(t)) {
            (Some(street), _) => Part::Street(street.code.clone(), Some(street.domain)),
            (None, Some(code)) => Part::District(code.to_owned(), Some(t.domain)),
            (None, None) => Part::Domain(t.domain),
        }
    }

    fn device(&mut self, entry: &'a Entry, condition: &Condition) {
        let known = condition.unknown.is_none();
        self.city.count(known);
        if let Some(domain) = self.domains.get_mut(&entry.domain) {
            domain.count(known);
        }
        self.districts.entry(&entry.district).or_default().count(known);
        self.cells.entry((&entry.district, entry.domain)).or_default().count(known);
        let Some(street) = self.streets.get_mut(entry.street as usize) else { return };
        street.count(known);
        if let Some(score) = condition.score {
            street.add(tenths(score), 1);
        }
        if let Some(level) = condition.level {
            street.cap(level);
        }
    }

    /// Counts an alert where it lies; one about no device caps the smallest part that it is about.
    fn alert(&mut self, t: &'a Transition) {
        let level = words::level(t.level);
        let count = |node: &mut Node| *node.open.of(level) += 1;
        count(&mut self.city);
        let domain = self.domains.get_mut(&t.domain);
        let district = words::district(t);
        let street = t.place.as_ref().and_then(|p| self.sight.roster.street(p.as_str(), t.domain));
        let street = street.and_then(|n| self.streets.get_mut(n as usize)).filter(|street| street.devices > 0);
        if let Some(code) = district {
            count(self.districts.entry(code).or_default());
        }
        let cell = district.map(|code| self.cells.entry((code, t.domain)).or_default());
        let mut parts: Vec<&mut Node> = [domain, cell, street].into_iter().flatten().collect();
        for node in &mut parts {
            count(node);
        }
        if t.subject.device().is_none()
            && weighs(t)
            && let Some(node) = parts.last_mut()
        {
            node.cap(t.level);
        }
    }

    /// From the streets up.
    fn climb(&mut self) {
        let sight = self.sight;
        for (street, node) in sight.roster.streets.iter().zip(&self.streets) {
            if let Some(score) = node.score() {
                self.cells.entry((&street.district, street.domain)).or_default().add(score, 1);
            }
        }
        for ((district, domain), cell) in &self.cells {
            let Some(score) = cell.score() else { continue };
            self.districts.entry(district).or_default().add(score, 1);
            if let Some(node) = self.domains.get_mut(domain) {
                node.add(score, weight(cell));
            }
        }
        for node in self.domains.values() {
            if let Some(score) = node.score() {
                self.city.add(score, 1);
            }
        }
    }
}

/// Whether an alert says how the city is. One of Maibo about itself is counted among the open ones, and caps nothing.
fn weighs(t: &Transition) -> bool {
    !matches!(t.subject, Subject::Part(_))
}

/// What a district in one domain weighs in the domain: its streets that have a score. One that has but a cap is one.
pub(super) fn weight(cell: &Node) -> u64 {
    cell.score().map_or(0, |_| cell.weight.max(1))
}
