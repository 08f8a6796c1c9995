//! What Maibo found out about itself, and the alerts of it.
//!
//! Who looks decides whether something is the matter and for how long it must have been; here it becomes an episode with
//! an identity, versions and a record like any other. Nothing is judged twice: what a finding says counts at once, the
//! latest of each check and part. **Bounded:** at most [`MAX_PARTS`] parts; what comes beyond is not taken, and the parts
//! that are well are forgotten first.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::alert::{Book, Change, Given, Opening};
use crate::engine::absence::change;
use crate::fact::{Reason, Transition};
use crate::id::{EpisodeId, PartId, RuleId, Subject};
use crate::input::{Check, Finding, Found};
use crate::place::{Domain, Level};
use crate::time::Timestamp;

/// Most parts told apart.
pub(super) const MAX_PARTS: usize = 1_024;

/// What is known of one part under one check.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Part {
    /// Open alert and its level.
    #[n(0)]
    episode: Option<(EpisodeId, Level)>,
    /// The identities it was given.
    #[n(1)]
    given: Given,
    /// An operator closed the alert against what is the case: there is none until it was well.
    #[n(2)]
    latched: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Health {
    pub(in crate::engine) parts: BTreeMap<(Check, PartId), Part>,
}

impl Health {
    /// Takes a finding.
    pub(super) fn take(&mut self, finding: &Finding, now: Timestamp, book: &mut Book) {
        let key = (finding.check, finding.part.clone());
        let Some(level) = finding.level else {
            let Some(part) = self.parts.get_mut(&key) else { return };
            part.latched = false;
            if let Some((episode, _)) = part.episode.take() {
                book.change(episode, with(change(None, now, Reason::Well), &finding.found));
            }
            return;
        };
        if !self.parts.contains_key(&key) && !self.make_room() {
            return;
        }
        let part = self.parts.entry(key).or_default();
        match part.episode {
            None if part.latched => {}
            None => part.open(finding, level, now, book),
            Some((_, last)) if last == level => {}
            Some((episode, last)) => {
                let reason = if level > last { Reason::Raised } else { Reason::Lowered };
                book.change(episode, with(change(Some(level), now, reason), &finding.found));
                part.episode = Some((episode, level));
            }
        }
    }

    /// An operator closed an alert.
    pub(super) fn close(&mut self, closed: &Transition) {
        for part in self.parts.values_mut().filter(|p| p.episode.is_some_and(|(id, _)| id == closed.episode)) {
            part.episode = None;
            part.latched = closed.is_forced();
        }
    }

    /// Makes a part follow the log's record of its alert, `open` or not.
    pub(in crate::engine) fn follow(&mut self, told: &Transition, open: bool, n: u32) {
        let (Subject::Part(id), Some(check)) = (&told.subject, Check::of(&told.rule)) else { return };
        if !open && !self.parts.contains_key(&(check, id.clone())) {
            return;
        }
        let part = self.parts.entry((check, id.clone())).or_default();
        if open || part.episode.is_none_or(|(episode, _)| episode == told.episode) {
            part.episode = open.then_some((told.episode, told.level));
            part.latched = !open && told.is_forced();
        }
        part.given.take(told.started_at, n);
    }

    /// Whether there is room for one more; the first part that is well goes.
    fn make_room(&mut self) -> bool {
        if self.parts.len() < MAX_PARTS {
            return true;
        }
        let well = self.parts.iter().find(|(_, p)| p.episode.is_none() && !p.latched).map(|(key, _)| key.clone());
        well.is_some_and(|key| self.parts.remove(&key).is_some())
    }
}

impl Part {
    fn open(&mut self, finding: &Finding, level: Level, now: Timestamp, book: &mut Book) {
        // A constant of the right characters: this cannot fail.
        let Ok(rule) = RuleId::new(finding.check.rule()) else { return };
        let subject = Subject::Part(finding.part.clone());
        let since = finding.since.min(now);
        let n = self.given.next(since);
        let episode = EpisodeId::derive(&rule, &subject, since, n);
        let domain = Domain::Emergency;
        let opening = Opening { episode, rule, subject, quantity: None, place: None, domain, started_at: since };
        book.open(opening, level, with(change(Some(level), now, Reason::Unwell), &finding.found));
        self.episode = Some((episode, level));
    }
}

fn with(change: Change, found: &Found) -> Change {
    Change { found: Some(found.clone()), ..change }
}
