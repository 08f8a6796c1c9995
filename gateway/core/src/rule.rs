//! Rules as data: what is judged, by which limits, for how long.
//!
//! A [`RuleSet`] is compiled from packs of text and never changes; its version is the hash of those texts. Machines are
//! told a version and find the set under it, so that a replay judges by what was in force. Nothing here has state.
//!
//! Limits: [`crate::limit::MAX_RULES`] rules a set; [`crate::limit::MAX_TERMS`] terms a threshold, four levels a term.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::id::{DeviceId, PlaceCode, RuleId, Version};
use crate::limit;
use crate::place::{Domain, Level};
use crate::registry::{Device, place};

mod check;
mod difference;
mod duration;
mod event;
pub(crate) mod expression;
mod inhibit;
mod mute;
mod pack;
mod quorum;
mod schedule;
mod signal;
mod sound;
mod table;
mod threshold;

pub use difference::RuleDifference;
pub use duration::parse as parse_duration;
pub use event::EventRule;
pub use expression::{Expression, ExpressionInput};
pub use inhibit::{Inhibit, Reach};
pub use mute::Mute;
pub use quorum::{Extent, Quorum, Spread};
pub use schedule::{Period, Schedule};
pub use signal::Signal;
pub use threshold::{Bound, Direction, Step, Term, Threshold};

/// One thing that is wrong with a pack or a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: file, rule and key, or file and line.
    pub path: String,
    /// What.
    pub text: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(path: impl Into<String>, text: impl core::fmt::Display) -> Self {
        Self { path: path.into(), text: text.to_string() }
    }
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Nothing heard for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// How many of the device's intervals may pass in silence.
    pub intervals: u32,
    /// The alert's level.
    pub level: Level,
}

/// What a rule judges.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// Limits on a quantity.
    Threshold(Threshold),
    /// Silence of a device.
    Absence(Absence),
    /// Discrete reports of a device.
    Event(EventRule),
    /// Several devices of one place at once.
    Quorum(Quorum),
}

/// Which devices a rule is about; what is not named does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Devices of this kind.
    pub kind: Option<SmolStr>,
    /// Devices whose place lies within this one: of a city or province code all below it.
    pub district: Option<PlaceCode>,
    /// Devices with all of these labels.
    pub labels: BTreeMap<SmolStr, SmolStr>,
    /// Only these devices.
    pub devices: Option<BTreeSet<DeviceId>>,
}

impl Selector {
    /// Whether the rule is about this device.
    pub fn selects(&self, device: &Device) -> bool {
        self.kind.as_ref().is_none_or(|k| *k == device.kind)
            && self.district.as_ref().is_none_or(|d| device.place.as_str().starts_with(place::stem(d.as_str())))
            && self.labels.iter().all(|(k, v)| device.labels.get(k) == Some(v))
            && self.devices.as_ref().is_none_or(|d| d.contains(&device.id))
    }
}

/// How well founded the limits are that a rule takes from its source. What a source text calls a default is a default
/// whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// The numbers were read in the named standard, or in a reliable report of it.
    Verified,
    /// The numbers are from a vendor, an encyclopedia or another second hand.
    Weak,
    /// A suggestion to begin with: the city's own numbers belong here.
    Default,
}

impl Confidence {
    /// All, the best first.
    pub const ALL: [Self; 3] = [Self::Verified, Self::Weak, Self::Default];

    /// The word in packs and on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Weak => "weak",
            Self::Default => "default",
        }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its identifier, unique in the set.
    pub id: RuleId,
    /// Its name for people.
    pub title: Words,
    /// Which of the six domains.
    pub domain: Domain,
    /// Which devices.
    pub selector: Selector,
    /// What is judged.
    pub kind: RuleKind,
    /// Where the limits come from.
    pub source: String,
    /// Since when the source is in force, as written.
    pub effective: Option<String>,
    /// How well founded the limits are; `None` where the pack does not say.
    pub confidence: Option<Confidence>,
    /// What to do, for people.
    pub advice: Words,
    /// On trial: judged like any other rule, counted, and never told.
    pub shadow: bool,
    /// When its alerts are not told.
    pub mute: Option<Mute>,
}

impl Rule {
    /// The ladder, where the rule has one.
    pub const fn threshold(&self) -> Option<&Threshold> {
        match &self.kind {
            RuleKind::Threshold(t) => Some(t),
            RuleKind::Absence(_) | RuleKind::Event(_) | RuleKind::Quorum(_) => None,
        }
    }

    /// The absence, where the rule is one.
    pub const fn absence(&self) -> Option<&Absence> {
        match &self.kind {
            RuleKind::Absence(a) => Some(a),
            RuleKind::Threshold(_) | RuleKind::Event(_) | RuleKind::Quorum(_) => None,
        }
    }

    /// The codes, where the rule is about events.
    pub const fn event(&self) -> Option<&EventRule> {
        match &self.kind {
            RuleKind::Event(e) => Some(e),
            RuleKind::Threshold(_) | RuleKind::Absence(_) | RuleKind::Quorum(_) => None,
        }
    }

    /// The quorum, where the rule is one.
    pub const fn quorum(&self) -> Option<&Quorum> {
        match &self.kind {
            RuleKind::Quorum(q) => Some(q),
            RuleKind::Threshold(_) | RuleKind::Absence(_) | RuleKind::Event(_) => None,
        }
    }
}

/// Rules that are in force together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// Hash of the packs' names and texts.
    pub version: Version,
    /// In the order of their identifiers.
    pub rules: Vec<Rule>,
    /// In the order of their identifiers.
    pub inhibits: Vec<Inhibit>,
    by_kind: BTreeMap<SmolStr, Vec<u32>>,
    any_kind: Vec<u32>,
}

impl RuleSet {
    /// Compiles packs given as (name, text), in any order.
    ///
    /// # Errors
    /// Every problem of every pack, each with pack, rule and key; at most [`limit::MAX_PROBLEMS`].
    pub fn compile(packs: &[(&str, &str)]) -> Result<Self, Vec<Problem>> {
        pack::compile(packs)
    }

    fn new(version: Version, mut rules: Vec<Rule>, inhibits: Vec<Inhibit>) -> Self {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        debug_assert!(rules.len() <= limit::MAX_RULES, "checked when compiled");
        let (mut by_kind, mut any_kind) = (BTreeMap::<_, Vec<u32>>::new(), Vec::new());
        // A quorum is about no device, but about what another rule says of them.
        for (i, rule) in (0..).zip(&rules).filter(|(_, rule)| rule.quorum().is_none()) {
            match &rule.selector.kind {
                Some(kind) => by_kind.entry(kind.clone()).or_default().push(i),
                None => any_kind.push(i),
            }
        }
        Self { version, rules, inhibits, by_kind, any_kind }
    }

    /// The rules on trial.
    pub fn shadows(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|r| r.shadow)
    }

    /// The rule of this id.
    pub fn get(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.binary_search_by(|r| r.id.cmp(id)).ok().and_then(|i| self.rules.get(i))
    }

    /// The number of the rule of this id, good for this set.
    pub fn number(&self, id: &RuleId) -> Option<u32> {
        self.rules.binary_search_by(|r| r.id.cmp(id)).ok().and_then(|i| u32::try_from(i).ok())
    }

    /// Numbers of the rules about this device, ascending.
    pub fn about(&self, device: &Device) -> Vec<u32> {
        let of_kind = self.by_kind.get(&device.kind).map_or(&[][..], Vec::as_slice);
        let selects = |i: &u32| self.rules.get(*i as usize).is_some_and(|r| r.selector.selects(device));
        let mut found: Vec<u32> = of_kind.iter().chain(&self.any_kind).copied().filter(selects).collect();
        found.sort_unstable();
        found
    }
}
