//! Which alerts are consequences of which, so that people hear of the cause.
//!
//! An alert of a child rule waits; then it is decided once: inhibited by an open alert of a parent rule in the same place,
//! or clear. What is clear stays clear: a cause that comes later takes nothing back.
//!
//! **Invariants:** every alert that waits or is inhibited is open, and so is every cause, between steps; no alert is
//! inhibited by one of a lower level. Everything but [`Inhibitions::waiting`] and [`Inhibitions::by`] follows from the open
//! alerts and the rules.
//!
//! Limits: bounded by the open alerts of rules that packs name; see [`crate::rule::Inhibit`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Incidents, Member};
use crate::alert::Book;
use crate::fact::{Body, Transition};
use crate::id::{DeviceId, EpisodeId, PlaceCode, RuleId};
use crate::limit;
use crate::place::Level;
use crate::rule::{Inhibit, Reach, RuleSet};
use crate::time::{Millis, Timestamp};

/// What an open alert is, as far as causes and consequences go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Party {
    rule: RuleId,
    device: Option<DeviceId>,
    place: Option<PlaceCode>,
    level: Level,
}

/// Where a parent can be found: the number of the inhibition, and what it has in common with its children.
type Spot = (usize, Result<DeviceId, PlaceCode>);

/// All that is inhibited or waits to be decided.
#[derive(Debug, Default)]
pub(in crate::engine) struct Inhibitions {
    /// Alerts not decided yet, and when they are.
    pub(in crate::engine) waiting: BTreeMap<EpisodeId, Timestamp>,
    /// Inhibited alerts, and the cause of each.
    pub(in crate::engine) by: BTreeMap<EpisodeId, EpisodeId>,
    due: BTreeSet<(Timestamp, EpisodeId)>,
    /// The consequences of each cause.
    of: BTreeMap<EpisodeId, BTreeSet<EpisodeId>>,
    /// Open alerts of rules that are a parent or a child.
    parties: BTreeMap<EpisodeId, Party>,
    parents: BTreeMap<Spot, BTreeSet<EpisodeId>>,
    /// The log stood against what was decided, or a cause is not there: all is looked at again at the next step.
    doubt: bool,
}

/// What a decision is made with.
pub(super) struct Desk<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) book: &'a mut Book,
    pub(super) incidents: &'a mut Incidents,
    pub(super) now: Timestamp,
}

impl Party {
    fn of(member: &Member) -> Self {
        let Member { rule, device, place, level, .. } = member.clone();
        Self { rule, device, place, level }
    }

    fn own(t: &Transition) -> Self {
        Self { rule: t.rule.clone(), device: None, place: t.place.clone(), level: t.level }
    }

    fn spot(&self, number: usize, inhibit: &Inhibit) -> Option<Spot> {
        let common = match inhibit.within {
            Reach::Device => Ok(self.device.clone()?),
            Reach::Place(_) => Err(inhibit.within.around(self.place.as_ref()?)?),
        };
        Some((number, common))
    }

    /// Where it is a parent.
    fn above<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = Spot> + 'a {
        let named = rules.inhibits.iter().enumerate().filter(|(_, i)| i.parent == self.rule);
        named.filter_map(|(n, i)| self.spot(n, i))
    }

    /// Where its parents are.
    fn below<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = Spot> + 'a {
        let named = rules.inhibits.iter().enumerate().filter(|(_, i)| i.children.contains(&self.rule));
        named.filter_map(|(n, i)| self.spot(n, i))
    }
}

impl Inhibitions {
    /// From what a snapshot kept; the rest follows with [`Self::rebuild`].
    pub(in crate::engine) fn restore(
        waiting: Vec<(EpisodeId, Timestamp)>,
        inhibited: Vec<(EpisodeId, EpisodeId)>,
    ) -> Self {
        let (waiting, by) = (waiting.into_iter().collect(), inhibited.into_iter().collect());
        Self { waiting, by, doubt: true, ..Self::default() }
    }

    /// Begins anew with these open alerts: those of devices, and the machine's own.
    pub(in crate::engine) fn rebuild<'a>(
        &mut self,
        members: &BTreeMap<EpisodeId, Member>,
        own: impl Iterator<Item = &'a Transition>,
        rules: &RuleSet,
    ) {
        let before = core::mem::take(&mut self.parties);
        self.parents.clear();
        let devices = members.iter().map(|(id, m)| (*id, Party::of(m)));
        for (episode, party) in devices.chain(own.map(|t| (t.episode, Party::own(t)))) {
            self.enter(episode, party, rules);
        }
        // What the same edit ended while it waited is still to be decided, with its end.
        for (episode, party) in before.into_iter().filter(|(id, _)| self.waiting.contains_key(id)) {
            self.parties.entry(episode).or_insert(party);
        }
        self.due = self.waiting.iter().map(|(id, at)| (*at, *id)).collect();
        self.of.clear();
        for (child, parent) in &self.by {
            self.of.entry(*parent).or_default().insert(*child);
        }
    }

    fn enter(&mut self, episode: EpisodeId, party: Party, rules: &RuleSet) {
        if !rules.inhibits.iter().any(|i| i.parent == party.rule || i.children.contains(&party.rule)) {
            return;
        }
        for spot in party.above(rules) {
            self.parents.entry(spot).or_default().insert(episode);
        }
        self.parties.insert(episode, party);
    }

    fn exit(&mut self, episode: EpisodeId, rules: &RuleSet) {
        let Some(party) = self.parties.remove(&episode) else { return };
        for spot in party.above(rules) {
            if let Some(there) = self.parents.get_mut(&spot) {
                there.remove(&episode);
                if there.is_empty() {
                    self.parents.remove(&spot);
                }
            }
        }
    }

    /// An alert of a device opened, changed or ended; `decided` is when.
    pub(super) fn update(
        &mut self,
        episode: EpisodeId,
        member: Option<&Member>,
        decided: Timestamp,
        opens: bool,
        desk: &mut Desk<'_>,
    ) {
        self.look(episode, member.map(Party::of), decided, opens, desk);
    }

    /// The same of an alert of this machine.
    pub(super) fn update_own(&mut self, t: &Transition, decided: Timestamp, desk: &mut Desk<'_>) {
        let party = (t.state == crate::fact::State::Firing).then(|| Party::own(t));
        self.look(t.episode, party, decided, t.version == 1, desk);
    }

    fn look(&mut self, episode: EpisodeId, party: Option<Party>, decided: Timestamp, opens: bool, desk: &mut Desk<'_>) {
        let wait = party.as_ref().and_then(|p| desk.rules.inhibit_wait(&p.rule)).filter(|_| opens);
        if let Some(party) = party {
            self.exit(episode, desk.rules);
            self.enter(episode, party, desk.rules);
        } else {
            // It waits still: what is known of it is all there will be.
            if self.waiting.contains_key(&episode) {
                self.decide(episode, desk);
            }
            self.exit(episode, desk.rules);
            self.free(episode);
        }
        if let Some(wait) = wait {
            let at = decided + wait;
            self.waiting.insert(episode, at);
            self.due.insert((at, episode));
            if at <= desk.now {
                self.decide(episode, desk);
            }
        }
        // As a consequence it may have become worse than its cause, as a cause it may be gone or lesser.
        if self.by.get(&episode).is_some_and(|parent| !self.holds(episode, *parent, desk.rules)) {
            self.free(episode);
            self.settle(episode, desk);
        }
        self.review(episode, desk);
    }

    /// Looks whether what is inhibited by `parent` still is.
    fn review(&mut self, parent: EpisodeId, desk: &mut Desk<'_>) {
        let Some(children) = self.of.get(&parent) else { return };
        let gone: Vec<EpisodeId> =
            children.iter().copied().filter(|child| !self.holds(*child, parent, desk.rules)).collect();
        let mut released = Vec::new();
        for child in gone {
            self.free(child);
            match self.cause(child, desk.rules) {
                Some(other) => self.inhibit(child, other, desk),
                None => released.push(child),
            }
        }
        for episodes in released.chunks(limit::MAX_RELEASED).map(<[EpisodeId]>::to_vec) {
            desk.book.draft(desk.now, None, Body::Released { parent, episodes });
        }
    }

    /// Whether an open alert may go on being inhibited by another.
    fn holds(&self, child: EpisodeId, parent: EpisodeId, rules: &RuleSet) -> bool {
        let (Some(below), Some(above)) = (self.parties.get(&child), self.parties.get(&parent)) else { return false };
        below.level <= above.level
            && below.below(rules).any(|spot| self.parents.get(&spot).is_some_and(|p| p.contains(&parent)))
    }

    /// The worst open alert that this one may be a consequence of.
    fn cause(&self, child: EpisodeId, rules: &RuleSet) -> Option<EpisodeId> {
        let party = self.parties.get(&child)?;
        let found = party.below(rules).filter_map(|spot| self.parents.get(&spot)).flatten();
        let level = |id: &EpisodeId| self.parties.get(id).map(|p| p.level);
        found
            .filter(|id| level(id) >= Some(party.level))
            .max_by(|a, b| (level(a), core::cmp::Reverse(*a)).cmp(&(level(b), core::cmp::Reverse(*b))))
            .copied()
    }

    fn decide(&mut self, child: EpisodeId, desk: &mut Desk<'_>) {
        if let Some(at) = self.waiting.remove(&child) {
            self.due.remove(&(at, child));
        }
        self.settle(child, desk);
    }

    /// Says of an alert whether it is a consequence.
    fn settle(&mut self, child: EpisodeId, desk: &mut Desk<'_>) {
        match self.cause(child, desk.rules) {
            Some(parent) => self.inhibit(child, parent, desk),
            None => desk.book.draft(desk.now, None, Body::Inhibition { episode: child, by: None }),
        }
    }

    fn inhibit(&mut self, child: EpisodeId, parent: EpisodeId, desk: &mut Desk<'_>) {
        self.by.insert(child, parent);
        self.of.entry(parent).or_default().insert(child);
        desk.book.draft(desk.now, None, Body::Inhibition { episode: child, by: Some(parent) });
        desk.incidents.yield_to(child, parent, |other| self.by.get(&other).copied());
    }

    /// Takes an alert from its cause, without a word.
    fn free(&mut self, child: EpisodeId) {
        let Some(parent) = self.by.remove(&child) else { return };
        if let Some(children) = self.of.get_mut(&parent) {
            children.remove(&child);
            if children.is_empty() {
                self.of.remove(&parent);
            }
        }
    }

    /// Decides what is due at `until`.
    pub(super) fn fire(&mut self, until: Timestamp, floor: Timestamp, desk: &mut Desk<'_>) {
        if core::mem::take(&mut self.doubt) {
            desk.now = floor;
            self.review_all(desk);
        }
        while let Some((at, child)) = self.due.first().copied()
            && at <= until
        {
            desk.now = at.max(floor);
            self.decide(child, desk);
        }
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The wall clock stepped, or Maibo was not there for a while.
    pub(super) fn shift(&mut self, by: Millis) {
        for at in self.waiting.values_mut() {
            *at = *at + by;
        }
        self.due = self.waiting.iter().map(|(id, at)| (*at, *id)).collect();
    }

    /// Other rules are in force and the parties are rebuilt: nothing waits or is inhibited that they do not say.
    pub(super) fn enact(&mut self, desk: &mut Desk<'_>) {
        let rules = desk.rules;
        let named = |id: &EpisodeId| self.parties.get(id).is_some_and(|p| rules.inhibit_wait(&p.rule).is_some());
        let idle: Vec<EpisodeId> = self.waiting.keys().copied().filter(|id| !named(id)).collect();
        for child in idle {
            self.decide(child, desk);
        }
        self.review_all(desk);
    }

    fn review_all(&mut self, desk: &mut Desk<'_>) {
        let causes: Vec<EpisodeId> = self.of.keys().copied().collect();
        for parent in causes {
            self.review(parent, desk);
        }
    }

    /// Follows the log: `decided` is what this binary said in the step, `logged` what stands.
    pub(in crate::engine) fn follow(&mut self, decided: &[Body], logged: &[Body]) {
        self.doubt = true;
        for body in decided.iter().chain(logged) {
            match body {
                Body::Inhibition { episode, .. } => self.forget(*episode),
                Body::Released { episodes, .. } => episodes.iter().for_each(|e| self.forget(*e)),
                _ => {}
            }
        }
        for body in logged {
            if let Body::Inhibition { episode, by: Some(parent) } = body
                && self.parties.contains_key(episode)
            {
                self.free(*episode);
                self.by.insert(*episode, *parent);
                self.of.entry(*parent).or_default().insert(*episode);
            }
        }
    }

    fn forget(&mut self, episode: EpisodeId) {
        self.free(episode);
        if let Some(at) = self.waiting.remove(&episode) {
            self.due.remove(&(at, episode));
        }
    }
}
