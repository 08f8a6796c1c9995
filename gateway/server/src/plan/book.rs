//! The response plans in force: those behind the last fact that delivery has followed.
//!
//! Messages, lists and simulations go by these, so that nobody reads of tasks for which no time runs.

use std::sync::{Arc, Mutex, PoisonError};

use maibo_core::fact::Transition;
use maibo_core::id::Version;
use maibo_core::notify::{Plan, PlanSet};
use maibo_store::outbox::Covering;
use tracing::{error, info};

use crate::versions::VersionStore;

/// Shared by whoever speaks of plans.
#[derive(Clone)]
pub struct PlanBook {
    versions: Arc<VersionStore>,
    current: Arc<Mutex<Current>>,
}

struct Current {
    set: Arc<PlanSet>,
    /// What should be instead, and is not there.
    gone: Option<Version>,
}

impl PlanBook {
    /// A book that begins with this set.
    pub fn new(versions: Arc<VersionStore>, first: Arc<PlanSet>) -> Self {
        Self { versions, current: Arc::new(Mutex::new(Current { set: first, gone: None })) }
    }

    /// The set in force.
    pub fn current(&self) -> Arc<PlanSet> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner).set)
    }

    /// From now on this one is; gives what is in force then. One whose text is gone changes nothing.
    pub fn enforce(&self, version: Version) -> Arc<PlanSet> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.set.version != version {
            if let Some(set) = self.versions.current().plans(version) {
                info!(%version, plans = set.plans.len(), "response plans are in force");
                *current = Current { set: Arc::clone(set), gone: None };
            } else if current.gone.replace(version) != Some(version) {
                let kept = current.set.version;
                error!(%version, %kept, "response plans are on record whose text is gone from versions/; those before stay in force");
            }
        }
        Arc::clone(&current.set)
    }

    /// A set that is or was in force.
    pub fn set(&self, version: Version) -> Option<Arc<PlanSet>> {
        let current = self.current();
        if current.version == version {
            return Some(current);
        }
        self.versions.current().plans(version).cloned()
    }

    /// The plans whose runs an alert is in, or that it calls for, each as its run was begun, and whether its tasks are to be said:
    /// while it covers the alert by then or by now. Without what is known of runs: those in force.
    pub fn covering(&self, known: Option<&[Covering]>, t: &Transition) -> Vec<(Plan, bool)> {
        let said = |plan: &Plan, now: bool| (plan.clone(), now || plan.covers(t));
        let Some(known) = known else { return self.current().plans.iter().map(|plan| said(plan, false)).collect() };
        let find = |one: &Covering| {
            let set = self.set(one.version)?;
            set.plans.iter().find(|plan| plan.name == one.plan).map(|plan| said(plan, one.covers))
        };
        known.iter().filter_map(find).collect()
    }
}
