//! Counts and indices: what the city's state comes to in numbers.
//!
//! A device that is known scores by how far its value is from its limits ([`super::score`]), a firing one at most what its
//! level leaves (blue 95, yellow 80, orange 60, red 40). What the parts of the city have by that is the [`tree`]'s; what
//! lowers a part is told by [`explain`]. What is unknown has no score: it lowers the coverage instead.
//!
//! Counting goes over every device, so it is done on a copy of what it needs, outside of the picture's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::place::Domain;
use maibo_core::time::Timestamp;

use super::device::Condition;
use super::roster::Roster;
use super::view::Scope;

mod explain;
mod tell;
mod tree;

pub use explain::Part;
use tree::{Node, Tree};

/// Devices, alerts and index of one domain or district.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, known.
    pub online: u64,
    /// Open alerts by level.
    pub open: api::LevelCounts,
    /// 0 to 100 in tenths; `None` where nothing is known.
    pub index: Option<f64>,
}

impl Group {
    /// Share of devices that are known; `None` where there are none.
    pub fn coverage(&self) -> Option<f64> {
        coverage(self.online, self.devices)
    }
}

impl From<&Node> for Group {
    fn from(node: &Node) -> Self {
        Self { devices: node.devices, online: node.known, open: node.open, index: node.score().map(tree::points) }
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

/// What counting needs, as of one moment.
pub(super) struct Sight {
    pub(super) roster: Arc<Roster>,
    /// In the roster's order.
    pub(super) conditions: Vec<Condition>,
    /// Open alerts.
    pub(super) open: Vec<Arc<Transition>>,
    /// Engine time of the latest step.
    pub(super) now: Timestamp,
}

impl Sight {
    /// Counts what `scope` sees.
    pub(super) fn tally(&self, scope: &Scope) -> Tally {
        let tree = Tree::new(self, scope);
        Tally {
            devices: tree.city.devices,
            online: tree.city.known,
            index: tree.city.score().map(tree::points),
            domains: tree.domains.iter().map(|(domain, node)| (*domain, node.into())).collect(),
            districts: tree.districts.iter().map(|(code, node)| ((*code).to_owned(), node.into())).collect(),
        }
    }

    /// The index of the city, its domains and its districts, as far as `scope` sees them.
    pub(super) fn index(&self, scope: &Scope) -> api::Index {
        explain::index(&Tree::new(self, scope))
    }

    /// What lowers one part; `None` where there is none, or `scope` does not see it.
    pub(super) fn explain(&self, scope: &Scope, part: &Part) -> Option<api::IndexExplanation> {
        explain::explain(&Tree::new(self, scope), part)
    }
}
