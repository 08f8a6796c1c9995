//! What is known about a device as a whole: the worst of what the rules say of it.
//!
//! Rules on trial say nothing here: neither do they make a device look worse than it is told to be, nor does their alert hide
//! that nothing is known.

use super::absence::Deafness;
use super::device::DeviceState;
use super::series::Series;
use super::{Unknown, Verdict};
use crate::id::Quantity;
use crate::place::Level;
use crate::rule::RuleSet;
use crate::rule::expression::is_result;

/// Whether what the rule of this number says is told.
pub(super) fn is_told(rules: &RuleSet, number: u32) -> bool {
    rules.rules.get(number as usize).is_none_or(|r| !r.shadow)
}

impl DeviceState {
    /// What is known about the device now, and the quantity that decides, where it is one that people know.
    pub(super) fn verdict(&self, rules: &RuleSet) -> (Verdict, Option<&Quantity>) {
        let (verdict, quantity) = self.deciding(rules);
        (verdict, quantity.filter(|q| !is_result(q)))
    }

    fn deciding(&self, rules: &RuleSet) -> (Verdict, Option<&Quantity>) {
        let clock_is_wrong = self.watch.episode().is_some();
        if self.hearing.mute == Deafness::No
            && self.missing.is_empty()
            && self.series.iter().all(Series::is_calm)
            && self.absences.iter().all(|c| c.firing.is_none())
            && self.events.iter().all(|c| c.open == 0)
            && !clock_is_wrong
        {
            return (Verdict::Normal, None);
        }
        if let Some((level, stale, quantity)) = self.worst_open(rules) {
            return (Verdict::Firing { level, stale }, quantity);
        }
        if let Some((why, quantity)) = self.unknown(rules) {
            return (Verdict::Unknown { why }, quantity);
        }
        // It says nothing about the values: it stands behind all that is unknown of them.
        if clock_is_wrong {
            return (Verdict::Firing { level: Level::Blue, stale: false }, None);
        }
        let pending = self.series.iter().filter_map(|s| s.pending(rules).map(|level| (level, &s.quantity)));
        match pending.max_by_key(|(level, _)| *level) {
            Some((level, quantity)) => (Verdict::Pending { level }, Some(quantity)),
            None => (Verdict::Normal, None),
        }
    }

    /// Why nothing can be said, if so, and the quantity that is the reason.
    fn unknown(&self, rules: &RuleSet) -> Option<(Unknown, Option<&Quantity>)> {
        let mut judged = self.series.iter().filter(|s| s.cells.iter().any(|c| is_told(rules, c.rule))).peekable();
        if judged.peek().is_some() || !self.missing.is_empty() {
            let lost = judged.find_map(|s| unknown(s).map(|why| (why, Some(&s.quantity))));
            return lost.or_else(|| self.missing.first().map(|q| (Unknown::Never, Some(q))));
        }
        // Without rules on any of them, all series together stand for the device.
        if !self.absences.iter().any(|c| is_told(rules, c.rule)) && !self.series.is_empty() {
            return self.series.iter().map(unknown).min().flatten().map(|why| (why, None));
        }
        (self.hearing.mute != Deafness::No).then_some((Unknown::Deaf, None))
    }

    fn worst_open(&self, rules: &RuleSet) -> Option<(Level, bool, Option<&Quantity>)> {
        let cannot_hear = self.hearing.mute != Deafness::No;
        let series = self.series.iter().filter_map(|s| s.firing(rules).map(|(l, stale)| (l, stale, Some(&s.quantity))));
        let absences = self.absences.iter().filter(|c| is_told(rules, c.rule));
        let silences = absences.filter_map(|c| c.firing.map(|(_, l)| (l, cannot_hear, None)));
        let events = self.events.iter().filter(|c| is_told(rules, c.rule));
        let events = events.filter_map(|c| c.worst.map(|l| (l, cannot_hear, None)));
        series.chain(silences).chain(events).max_by_key(|(level, stale, _)| (*level, *stale))
    }
}

/// Why a series says nothing now, if so.
fn unknown(series: &Series) -> Option<Unknown> {
    if series.stale {
        Some(Unknown::Stale)
    } else if series.mute.is_known() {
        None
    } else {
        Some(Unknown::Deaf)
    }
}
