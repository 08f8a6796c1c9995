//! Which alerts are consequences of which: `[[inhibit]]` in a pack.
//!
//! An alert of a child rule is not told while an alert of the parent rule is open in the same place: people hear of the
//! cause. The city machine decides it (`engine/city/inhibit.rs`); here is only what the packs say.
//!
//! Limits: [`limit::MAX_INHIBITS`] in a set, [`limit::MAX_INHIBIT_CHILDREN`] children each.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::table::{Problems, Reader};
use super::{Extent, Rule, RuleKind, RuleSet, Spread};
use crate::id::{PlaceCode, RuleId};
use crate::limit;
use crate::time::Millis;

/// How near a consequence is to its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Of the same device.
    Device,
    /// In the same place of this extent.
    Place(Extent),
}

impl Reach {
    const ALL: [Self; 4] =
        [Self::Device, Self::Place(Extent::Street), Self::Place(Extent::District), Self::Place(Extent::City)];

    /// The word in packs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Place(extent) => extent.as_str(),
        }
    }

    /// The place within which cause and consequence lie; `None` for devices, and where the code does not say so much.
    pub fn around(self, place: &PlaceCode) -> Option<PlaceCode> {
        match self {
            Self::Device => None,
            Self::Place(extent) => extent.around(place),
        }
    }

    /// Why an alert of a quorum cannot be within it. What is about the surroundings of a device lies where that device does.
    fn refuses(self, spread: Spread) -> Option<String> {
        let rank = |e: Extent| Extent::ALL.iter().position(|x| *x == e);
        match (self, spread) {
            (Self::Place(own), Spread::Place(extent)) if rank(own) >= rank(extent) => None,
            (Self::Place(_), Spread::Radius(_)) => None,
            (_, Spread::Place(extent)) => {
                Some(format!("is about a whole {}, which is in no {}", extent.as_str(), self.as_str()))
            }
            (Self::Device, Spread::Radius(_)) => Some("is about several devices, not one".to_owned()),
        }
    }
}

/// One parent rule and the rules whose alerts are its consequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibit {
    /// Its identifier, unique in the set.
    pub id: RuleId,
    /// The cause.
    pub parent: RuleId,
    /// The consequences.
    pub children: BTreeSet<RuleId>,
    /// How near.
    pub within: Reach,
    /// How long a child waits for its cause, as written.
    wait: Option<Millis>,
}

impl RuleSet {
    /// How long an alert of this rule waits until it is known whether it is a consequence; `None`: it never is.
    pub fn inhibit_wait(&self, child: &RuleId) -> Option<Millis> {
        let of = self.inhibits.iter().filter(|i| i.children.contains(child));
        let default = || match self.get(child).map(|r| &r.kind) {
            Some(RuleKind::Absence(_)) => limit::INHIBIT_WAIT_ABSENCE,
            _ => Millis::ZERO,
        };
        of.map(|i| i.wait.unwrap_or_else(default)).max()
    }
}

/// All that were read, each with its pack.
pub(super) type Read<'a> = BTreeMap<RuleId, (&'a str, Inhibit)>;

/// Reads one `[[inhibit]]` of a pack. Where anything is wrong the problems say what.
pub(super) fn read<'a>(mut r: Reader<'_>, pack: &'a str, all: &mut Read<'a>) {
    let id = rule(&mut r, "id");
    if let Some(id) = &id {
        r.rename(format!("{pack}: inhibit {id}"));
        if let Some((first, _)) = all.get(id) {
            r.problem("id", format_args!("is used twice, first in {first}"));
        } else if all.len() >= limit::MAX_INHIBITS {
            r.problem("id", format_args!("more than {} inhibitions", limit::MAX_INHIBITS));
        }
    }
    let parent = rule(&mut r, "parent");
    let children = r.need("children").and_then(|value| children(&mut r, value));
    let within = r.need_text("within").and_then(|text| {
        let within = Reach::ALL.into_iter().find(|w| w.as_str() == text);
        if within.is_none() {
            let words = Reach::ALL.map(Reach::as_str).join(", ");
            r.problem("within", format_args!("`{text}` is not one of {words}"));
        }
        within
    });
    let wait = r.take("wait").and_then(|value| r.duration("wait", value));
    if wait.is_some_and(|wait| wait > limit::MAX_INHIBIT_WAIT) {
        r.problem("wait", format_args!("is longer than {} s", limit::MAX_INHIBIT_WAIT.0 / 1000));
    }
    r.finish();
    if let (Some(id), Some(parent), Some(children), Some(within)) = (id, parent, children, within) {
        all.entry(id.clone()).or_insert((pack, Inhibit { id, parent, children, within, wait }));
    }
}

fn rule(r: &mut Reader<'_>, key: &str) -> Option<RuleId> {
    r.need_text(key).and_then(|t| RuleId::new(&t).map_err(|e| r.problem(key, e)).ok())
}

fn children(r: &mut Reader<'_>, value: Value) -> Option<BTreeSet<RuleId>> {
    let Value::Array(list) = value else {
        r.wrong("children", "a list of rules", &value);
        return None;
    };
    if list.is_empty() || list.len() > limit::MAX_INHIBIT_CHILDREN {
        r.problem("children", format_args!("has {} rules, not 1 to {}", list.len(), limit::MAX_INHIBIT_CHILDREN));
        return None;
    }
    let (mut children, mut good) = (BTreeSet::new(), true);
    for (i, value) in list.into_iter().enumerate() {
        let key = format!("children[{i}]");
        match r.text(&key, value).and_then(|t| RuleId::new(&t).map_err(|e| r.problem(&key, e)).ok()) {
            Some(child) if children.contains(&child) => r.problem(&key, format_args!("`{child}` is named twice")),
            Some(child) => drop(children.insert(child)),
            None => good = false,
        }
    }
    good.then_some(children)
}

/// Those that say something that can happen, in order. `rules` are all that compiled, with their packs.
pub(super) fn checked(all: Read<'_>, rules: &BTreeMap<RuleId, (&str, Rule)>, problems: &mut Problems) -> Vec<Inhibit> {
    for (pack, inhibit) in all.values() {
        let names =
            core::iter::once(("parent", &inhibit.parent)).chain(inhibit.children.iter().map(|c| ("children", c)));
        for (key, name) in names {
            let path = format!("{pack}: inhibit {}.{key}", inhibit.id);
            match rules.get(name).map(|(_, r)| r) {
                None => problems.add(path, format_args!("`{name}` is no rule, or one with problems")),
                Some(rule) => {
                    if let Some(why) = rule.quorum().and_then(|q| inhibit.within.refuses(q.of)) {
                        problems.add(path, format_args!("`{name}` {why}"));
                    }
                }
            }
        }
        if let Some(through) = circle(inhibit, &all) {
            let path = format!("{pack}: inhibit {}.children", inhibit.id);
            let text = if *through == inhibit.parent {
                format!("`{through}` would inhibit itself")
            } else {
                format!("`{through}` inhibits `{}` in turn: a circle silences itself", inhibit.parent)
            };
            problems.add(path, text);
        }
    }
    all.into_values().map(|(_, inhibit)| inhibit).collect()
}

/// The child by which the parent would come to be its own consequence.
fn circle<'a>(inhibit: &'a Inhibit, all: &Read<'_>) -> Option<&'a RuleId> {
    inhibit.children.iter().find(|child| {
        let (mut below, mut next) = (BTreeSet::from([(*child).clone()]), vec![(*child).clone()]);
        while let Some(rule) = next.pop() {
            for (_, other) in all.values().filter(|(_, other)| other.parent == rule) {
                next.extend(other.children.iter().filter(|c| below.insert((*c).clone())).cloned());
            }
        }
        below.contains(&inhibit.parent)
    })
}
