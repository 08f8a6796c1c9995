//! What others may see of the city machine.

use super::City;
use crate::fact::{Maintenance, Transition};
use crate::id::{EpisodeId, Position, Version};
use crate::time::Timestamp;

impl City {
    /// Position of the last batch taken.
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// `now` of the last batch taken.
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// The rule set in force.
    pub const fn rules(&self) -> Option<Version> {
        self.law.rules_version
    }

    /// The catalogue in force.
    pub const fn catalogue(&self) -> Option<Version> {
        self.law.catalogue_version
    }

    /// The response plans in force; `None` where none were ever brought.
    pub const fn plans(&self) -> Option<Version> {
        self.plans
    }

    /// Number of the next fact that the machine wants to be told.
    pub const fn facts_seen(&self) -> u64 {
        self.facts_seen
    }

    /// Inhibited alerts, each with the cause that is told instead of it.
    pub fn inhibited(&self) -> impl Iterator<Item = (EpisodeId, EpisodeId)> + '_ {
        self.inhibitions.by.iter().map(|(child, parent)| (*child, *parent))
    }

    /// Maintenances planned or under way.
    pub fn maintenances(&self) -> impl Iterator<Item = &Maintenance> {
        self.maintenances.iter()
    }

    /// All open alerts, in the order of their ids.
    pub fn open_alerts(&self) -> impl Iterator<Item = &Transition> {
        self.book.records().filter(|r| !r.shadow).map(|r| &r.transition)
    }
}
